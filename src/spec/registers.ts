// Bits of control, debug and flag registers, segment rights, and of the MSRs that VMX transitions move.
// Sources: SDM "Control Registers", "Debug Registers", "System Flags and Fields in the EFLAGS Register",
// "Format of Access Rights", "IA32_EFER MSR", "IA32_DEBUGCTL MSR", "IA32_PAT MSR".

import { type BitLayout, bit, group } from './bits.ts';

export const CR0: BitLayout = [
  bit(0, 'PE', 'Protected mode.'),
  bit(1, 'MP', 'WAIT/FWAIT obeys TS.'),
  bit(2, 'EM', 'No x87: floating-point instructions fault.'),
  bit(3, 'TS', 'Task switched: the next floating-point instruction faults.'),
  bit(4, 'ET', 'Always 1.'),
  bit(5, 'NE', 'x87 errors are reported as #MF.'),
  bit(16, 'WP', 'Supervisor writes obey read-only pages.'),
  bit(18, 'AM', 'Alignment checks by RFLAGS.AC.'),
  bit(29, 'NW', 'Not write-through.'),
  bit(30, 'CD', 'Caches disabled.'),
  bit(31, 'PG', 'Paging.'),
];

export const CR3: BitLayout = [
  bit(3, 'PWT', 'Write-through for the first paging structure (without PCIDs).'),
  bit(4, 'PCD', 'No caching for the first paging structure (without PCIDs).'),
  group(51, 12, 'table', 'Physical page number of the first paging structure.'),
  bit(61, 'LAM_U57', 'Linear-address masking for user pointers, 57 bits.'),
  bit(62, 'LAM_U48', 'Linear-address masking for user pointers, 48 bits.'),
];

export const CR4: BitLayout = [
  bit(0, 'VME', 'Virtual-8086 mode extensions.'),
  bit(1, 'PVI', 'Protected-mode virtual interrupts.'),
  bit(2, 'TSD', 'RDTSC only at CPL 0.'),
  bit(3, 'DE', 'Debugging extensions: DR4 and DR5 do not exist, I/O breakpoints do.'),
  bit(4, 'PSE', '4-MByte pages with 32-bit paging.'),
  bit(5, 'PAE', 'Physical-address extension.'),
  bit(6, 'MCE', 'Machine checks are delivered.'),
  bit(7, 'PGE', 'Global pages.'),
  bit(8, 'PCE', 'RDPMC at any CPL.'),
  bit(9, 'OSFXSR', 'The system saves SSE state.'),
  bit(10, 'OSXMMEXCPT', 'The system handles #XM.'),
  bit(11, 'UMIP', 'SGDT, SIDT, SLDT, SMSW and STR only at CPL 0.'),
  bit(12, 'LA57', '57-bit linear addresses: 5-level paging.'),
  bit(13, 'VMXE', 'VMX enabled.'),
  bit(14, 'SMXE', 'SMX enabled.'),
  bit(16, 'FSGSBASE', 'RDFSBASE and its kin are allowed.'),
  bit(17, 'PCIDE', 'Process-context identifiers.'),
  bit(18, 'OSXSAVE', 'XSAVE and XCR0 are enabled.'),
  bit(19, 'KL', 'Key locker.'),
  bit(20, 'SMEP', 'No supervisor fetches from user pages.'),
  bit(21, 'SMAP', 'No supervisor data accesses to user pages.'),
  bit(22, 'PKE', 'Protection keys for user pages.'),
  bit(23, 'CET', 'Control-flow enforcement.'),
  bit(24, 'PKS', 'Protection keys for supervisor pages.'),
  bit(25, 'UINTR', 'User interrupts.'),
  bit(27, 'LASS', 'Linear-address-space separation.'),
  bit(28, 'LAM_SUP', 'Linear-address masking for supervisor pointers.'),
  bit(32, 'FRED', 'Flexible return and event delivery.'),
];

export const RFLAGS: BitLayout = [
  bit(0, 'CF', 'Carry.'),
  bit(1, 'always 1', 'Reserved; reads as 1.'),
  bit(2, 'PF', 'Parity of the low byte.'),
  bit(4, 'AF', 'Carry out of bit 3.'),
  bit(6, 'ZF', 'Zero.'),
  bit(7, 'SF', 'Sign.'),
  bit(8, 'TF', 'Trap: single step.'),
  bit(9, 'IF', 'Interrupts enabled.'),
  bit(10, 'DF', 'Direction of string instructions: 1 downwards.'),
  bit(11, 'OF', 'Overflow.'),
  group(13, 12, 'IOPL', 'I/O privilege level.'),
  bit(14, 'NT', 'Nested task.'),
  bit(16, 'RF', 'Resume: no instruction breakpoint for the next instruction.'),
  bit(17, 'VM', 'Virtual-8086 mode.'),
  bit(18, 'AC', 'Alignment check; under SMAP, access to user pages.'),
  bit(19, 'VIF', 'Virtual interrupt flag.'),
  bit(20, 'VIP', 'Virtual interrupt pending.'),
  bit(21, 'ID', 'CPUID can be detected.'),
];

export const EFER: BitLayout = [
  bit(0, 'SCE', 'SYSCALL and SYSRET enabled.'),
  bit(8, 'LME', 'Long mode enabled.'),
  bit(10, 'LMA', 'Long mode active.'),
  bit(11, 'NXE', 'Execute-disable enabled.'),
];

const BREAK_ON = { 0: 'execution', 1: 'write', 2: 'I/O', 3: 'read or write' };
const LENGTH = { 0: '1 byte', 1: '2 bytes', 2: '8 bytes', 3: '4 bytes' };

export const DR6: BitLayout = [
  bit(0, 'B0', 'Breakpoint 0 was met.'),
  bit(1, 'B1', 'Breakpoint 1 was met.'),
  bit(2, 'B2', 'Breakpoint 2 was met.'),
  bit(3, 'B3', 'Breakpoint 3 was met.'),
  group(10, 4, 'always 1 (10:4)', 'Reserved; reads as 1.'),
  group(11, 11, 'BLD', 'Clear after a bus lock was detected.', { 0: 'bus lock', 1: 'none' }),
  bit(13, 'BD', 'The next instruction accesses a debug register (general detect).'),
  bit(14, 'BS', 'Single step.'),
  bit(15, 'BT', 'Task switch.'),
  group(16, 16, 'RTM', 'Clear after a debug exception in a transactional region.', { 0: 'in a region', 1: 'none' }),
  group(31, 17, 'always 1 (31:17)', 'Reserved; reads as 1.'),
];

export const DR7: BitLayout = [
  bit(0, 'L0', 'Breakpoint 0 enabled for the task.'),
  bit(1, 'G0', 'Breakpoint 0 enabled.'),
  bit(2, 'L1', 'Breakpoint 1 enabled for the task.'),
  bit(3, 'G1', 'Breakpoint 1 enabled.'),
  bit(4, 'L2', 'Breakpoint 2 enabled for the task.'),
  bit(5, 'G2', 'Breakpoint 2 enabled.'),
  bit(6, 'L3', 'Breakpoint 3 enabled for the task.'),
  bit(7, 'G3', 'Breakpoint 3 enabled.'),
  bit(8, 'LE', 'Exact local breakpoints (ignored).'),
  bit(9, 'GE', 'Exact global breakpoints (ignored).'),
  bit(10, 'always 1', 'Reserved; reads as 1.'),
  bit(11, 'RTM', 'Debugging of transactional regions.'),
  bit(13, 'GD', 'General detect: accesses to debug registers fault.'),
  group(17, 16, 'R/W0', 'What breakpoint 0 waits for.', BREAK_ON),
  group(19, 18, 'LEN0', 'Length of breakpoint 0.', LENGTH),
  group(21, 20, 'R/W1', 'What breakpoint 1 waits for.', BREAK_ON),
  group(23, 22, 'LEN1', 'Length of breakpoint 1.', LENGTH),
  group(25, 24, 'R/W2', 'What breakpoint 2 waits for.', BREAK_ON),
  group(27, 26, 'LEN2', 'Length of breakpoint 2.', LENGTH),
  group(29, 28, 'R/W3', 'What breakpoint 3 waits for.', BREAK_ON),
  group(31, 30, 'LEN3', 'Length of breakpoint 3.', LENGTH),
];

/** IA32_DEBUGCTL. */
export const DEBUGCTL: BitLayout = [
  bit(0, 'LBR', 'Last-branch records.'),
  bit(1, 'BTF', 'Single step on branches.'),
  bit(2, 'BLD', 'Bus-lock detection.'),
  bit(6, 'TR', 'Branch trace messages.'),
  bit(7, 'BTS', 'Branch trace store.'),
  bit(8, 'BTINT', 'Branch trace interrupt.'),
  bit(9, 'BTS_OFF_OS', 'No branch trace store at CPL 0.'),
  bit(10, 'BTS_OFF_USR', 'No branch trace store above CPL 0.'),
  bit(11, 'FREEZE_LBRS_ON_PMI', 'A performance-monitoring interrupt freezes branch records.'),
  bit(12, 'FREEZE_PERFMON_ON_PMI', 'A performance-monitoring interrupt freezes counters.'),
  bit(13, 'ENABLE_UNCORE_PMI', 'Uncore performance-monitoring interrupts.'),
  bit(14, 'FREEZE_WHILE_SMM', 'Counters are frozen in SMM.'),
  bit(15, 'RTM_DEBUG', 'Debugging of transactional regions.'),
];

/** Memory types of the PAT and of MTRRs. */
export const MEMORY_TYPES = { 0: 'UC', 1: 'WC', 4: 'WT', 5: 'WP', 6: 'WB', 7: 'UC-' } as const;

/** IA32_PAT. */
export const PAT: BitLayout = Array.from({ length: 8 }, (_, index) =>
  group(8 * index + 7, 8 * index, `PA${index}`, `Memory type ${index}.`, MEMORY_TYPES),
);

/** IA32_PERF_GLOBAL_CTRL; how many counters exist depends on the processor. */
export const PERF_GLOBAL_CTRL: BitLayout = [
  ...Array.from({ length: 8 }, (_, index) => bit(index, `PMC${index}`, `General counter ${index} enabled.`)),
  ...Array.from({ length: 4 }, (_, index) => bit(32 + index, `FIXED${index}`, `Fixed counter ${index} enabled.`)),
  bit(48, 'PERF_METRICS', 'Performance metrics enabled.'),
];

/** IA32_BNDCFGS. */
export const BNDCFGS: BitLayout = [
  bit(0, 'EN', 'MPX enabled in supervisor mode.'),
  bit(1, 'BNDPRESERVE', 'Bounds survive branches without BND prefix.'),
  group(63, 12, 'base', 'Linear page number of the bound directory.'),
];

/** IA32_S_CET and IA32_U_CET. */
export const S_CET: BitLayout = [
  bit(0, 'SH_STK_EN', 'Shadow stacks.'),
  bit(1, 'WR_SHSTK_EN', 'WRSS instructions.'),
  bit(2, 'ENDBR_EN', 'Indirect-branch tracking.'),
  bit(3, 'LEG_IW_EN', 'Legacy compatibility for indirect-branch tracking.'),
  bit(4, 'NO_TRACK_EN', 'No-track prefix.'),
  bit(5, 'SUPPRESS_DIS', 'Suppression of tracking disabled.'),
  bit(10, 'SUPPRESS', 'Tracking is suppressed.'),
  bit(11, 'TRACKER', 'Waiting for ENDBRANCH.'),
  group(63, 12, 'EB_LEG_BITMAP_BASE', 'Linear page number of the legacy bitmap.'),
];

/** A segment selector. */
export const SELECTOR: BitLayout = [
  group(1, 0, 'RPL', 'Requested privilege level.'),
  group(2, 2, 'TI', 'Table.', { 0: 'GDT', 1: 'LDT' }),
  group(15, 3, 'index', 'Index of the descriptor.'),
];

const DATA_AND_CODE_TYPES = {
  0: 'read-only data',
  1: 'read-only data, accessed',
  2: 'read/write data',
  3: 'read/write data, accessed',
  4: 'read-only expand-down data',
  5: 'read-only expand-down data, accessed',
  6: 'read/write expand-down data',
  7: 'read/write expand-down data, accessed',
  8: 'execute-only code',
  9: 'execute-only code, accessed',
  10: 'execute/read code',
  11: 'execute/read code, accessed',
  12: 'execute-only conforming code',
  13: 'execute-only conforming code, accessed',
  14: 'execute/read conforming code',
  15: 'execute/read conforming code, accessed',
};

const SYSTEM_TYPES = {
  0: 'reserved',
  1: 'available 16-bit TSS',
  2: 'LDT',
  3: 'busy 16-bit TSS',
  4: '16-bit call gate',
  5: 'task gate',
  6: '16-bit interrupt gate',
  7: '16-bit trap gate',
  8: 'reserved',
  9: 'available TSS',
  10: 'reserved',
  11: 'busy TSS',
  12: 'call gate',
  13: 'reserved',
  14: 'interrupt gate',
  15: 'trap gate',
};

const DESCRIPTOR_TYPES = { 0: 'system', 1: 'code or data' };
const isUnusable = (rights: bigint): boolean => (rights & 0x1_0000n) !== 0n;
const isSystem = (rights: bigint): boolean => (rights & 0x10n) === 0n;

/** Access rights of a segment as the VMCS holds them. */
export const ACCESS_RIGHTS: BitLayout = [
  {
    ...group(3, 0, 'Type', 'Segment type.', DATA_AND_CODE_TYPES),
    valuesIn: (rights) => (isUnusable(rights) ? {} : isSystem(rights) ? SYSTEM_TYPES : DATA_AND_CODE_TYPES),
  },
  {
    ...group(4, 4, 'S', 'Descriptor type.', DESCRIPTOR_TYPES),
    valuesIn: (rights) => (isUnusable(rights) ? {} : DESCRIPTOR_TYPES),
  },
  group(6, 5, 'DPL', 'Descriptor privilege level.'),
  bit(7, 'P', 'Present.'),
  bit(12, 'AVL', 'Available to system software.'),
  bit(13, 'L', '64-bit code (CS only).'),
  bit(14, 'D/B', 'Default operation size: 1 is 32-bit.'),
  bit(15, 'G', 'Granularity: the limit counts 4-KByte pages.'),
  bit(16, 'unusable', 'The segment must not be used.'),
];

/** CR8 and the task-priority register. */
export const CR8: BitLayout = [group(3, 0, 'TPL', 'Task-priority level.')];

const X87_EXCEPTIONS: BitLayout = [
  bit(0, 'IE', 'Invalid operation.'),
  bit(1, 'DE', 'Denormal operand.'),
  bit(2, 'ZE', 'Division by zero.'),
  bit(3, 'OE', 'Overflow.'),
  bit(4, 'UE', 'Underflow.'),
  bit(5, 'PE', 'Precision: the result is inexact.'),
];
/** Masks of these exceptions, from bit `first` on. */
const exceptionMasks = (first: number): BitLayout => [
  bit(first, 'IM', 'Invalid operation is masked.'),
  bit(first + 1, 'DM', 'Denormal operand is masked.'),
  bit(first + 2, 'ZM', 'Division by zero is masked.'),
  bit(first + 3, 'OM', 'Overflow is masked.'),
  bit(first + 4, 'UM', 'Underflow is masked.'),
  bit(first + 5, 'PM', 'Precision is masked.'),
];
const ROUNDING = { 0: 'nearest', 1: 'down', 2: 'up', 3: 'truncate' };

/** x87 FPU control word. */
export const FCW: BitLayout = [
  ...exceptionMasks(0),
  group(9, 8, 'PC', 'Precision of results.', { 0: '24 bits', 2: '53 bits', 3: '64 bits' }),
  group(11, 10, 'RC', 'Rounding.', ROUNDING),
  bit(12, 'X', 'Infinity control, without effect.'),
];

/** x87 FPU status word. */
export const FSW: BitLayout = [
  ...X87_EXCEPTIONS,
  bit(6, 'SF', 'Stack fault.'),
  bit(7, 'ES', 'An unmasked exception is pending.'),
  bit(8, 'C0', 'Condition code 0.'),
  bit(9, 'C1', 'Condition code 1: rounded up, or stack overflow.'),
  bit(10, 'C2', 'Condition code 2.'),
  group(13, 11, 'TOP', 'Physical register that is ST(0).'),
  bit(14, 'C3', 'Condition code 3.'),
  bit(15, 'B', 'Busy: as ES.'),
];

/** MXCSR. */
export const MXCSR: BitLayout = [
  ...X87_EXCEPTIONS,
  bit(6, 'DAZ', 'Denormal operands are zeros.'),
  ...exceptionMasks(7),
  group(14, 13, 'RC', 'Rounding.', ROUNDING),
  bit(15, 'FTZ', 'Tiny results are flushed to zero.'),
];

/** XCR0. */
export const XCR0: BitLayout = [
  bit(0, 'x87', 'x87 state.'),
  bit(1, 'SSE', 'XMM registers and MXCSR.'),
  bit(2, 'AVX', 'Upper halves of YMM registers.'),
  bit(3, 'BNDREGS', 'MPX bounds.'),
  bit(4, 'BNDCSR', 'MPX configuration.'),
  bit(5, 'opmask', 'AVX-512 masks.'),
  bit(6, 'ZMM_Hi256', 'Upper halves of ZMM0 to ZMM15.'),
  bit(7, 'Hi16_ZMM', 'ZMM16 to ZMM31.'),
  bit(9, 'PKRU', 'Protection-key rights.'),
];

/** IA32_APIC_BASE. */
export const APIC_BASE: BitLayout = [
  bit(8, 'BSP', 'Bootstrap processor.'),
  bit(10, 'EXTD', 'x2APIC mode.'),
  bit(11, 'EN', 'Local APIC enabled.'),
  group(51, 12, 'base', 'Physical page number of the local APIC.'),
];

/** IA32_FEATURE_CONTROL. */
export const FEATURE_CONTROL: BitLayout = [
  bit(0, 'lock', 'The MSR can no longer be written.'),
  bit(1, 'VMX in SMX', 'VMXON is allowed in SMX operation.'),
  bit(2, 'VMX outside SMX', 'VMXON is allowed outside SMX operation.'),
  group(14, 8, 'SENTER local', 'Local functions of SENTER.'),
  bit(15, 'SENTER global', 'SENTER enabled.'),
  bit(17, 'SGX launch control', 'SGX launch control enabled.'),
  bit(18, 'SGX', 'SGX enabled.'),
  bit(20, 'LMCE', 'Local machine checks enabled.'),
];

/** IA32_MISC_ENABLE, the bits that are architectural. */
export const MISC_ENABLE: BitLayout = [
  bit(0, 'fast strings', 'Fast string operations.'),
  bit(3, 'thermal', 'Automatic thermal control.'),
  bit(7, 'performance monitoring', 'Performance monitoring available.'),
  bit(11, 'BTS unavailable', 'No branch trace store.'),
  bit(12, 'PEBS unavailable', 'No processor event-based sampling.'),
  bit(16, 'SpeedStep', 'Enhanced SpeedStep enabled.'),
  bit(18, 'MONITOR', 'MONITOR and MWAIT enabled.'),
  bit(22, 'limit CPUID', 'CPUID reports at most leaf 3.'),
  bit(23, 'xTPR disable', 'No task-priority messages.'),
  bit(34, 'XD disable', 'Execute-disable is not offered.'),
];
