// CPUID leaves: what each register of an answer says (SDM "CPUID—CPU Identification").

import { type BitLayout, bit, group } from './bits.ts';

export type CpuidRegister = 'eax' | 'ebx' | 'ecx' | 'edx';

export interface CpuidLeaf {
  readonly leaf: number;
  /** Absent: the leaf has no subleaves. */
  readonly subleaf?: number;
  readonly title: string;
  readonly registers: { readonly [R in CpuidRegister]?: BitLayout };
}

const VERSION: BitLayout = [
  group(3, 0, 'stepping', 'Stepping.'),
  group(7, 4, 'model', 'Model, low 4 bits.'),
  group(11, 8, 'family', 'Family.'),
  group(13, 12, 'type', 'Processor type.'),
  group(19, 16, 'extended model', 'Model, high 4 bits.'),
  group(27, 20, 'extended family', 'Added to the family.'),
];

const BASIC_ECX: BitLayout = [
  bit(0, 'SSE3', 'SSE3 instructions.'),
  bit(1, 'PCLMULQDQ', 'PCLMULQDQ.'),
  bit(2, 'DTES64', '64-bit debug store.'),
  bit(3, 'MONITOR', 'MONITOR and MWAIT.'),
  bit(4, 'DS-CPL', 'CPL-qualified debug store.'),
  bit(5, 'VMX', 'VMX.'),
  bit(6, 'SMX', 'Safer mode extensions.'),
  bit(7, 'EIST', 'Enhanced SpeedStep.'),
  bit(8, 'TM2', 'Thermal monitor 2.'),
  bit(9, 'SSSE3', 'SSSE3 instructions.'),
  bit(10, 'CNXT-ID', 'L1 context identifier.'),
  bit(11, 'SDBG', 'Silicon debug.'),
  bit(12, 'FMA', 'Fused multiply-add.'),
  bit(13, 'CMPXCHG16B', 'CMPXCHG16B.'),
  bit(14, 'xTPR', 'xTPR update control.'),
  bit(15, 'PDCM', 'IA32_PERF_CAPABILITIES.'),
  bit(17, 'PCID', 'Process-context identifiers.'),
  bit(18, 'DCA', 'Direct cache access.'),
  bit(19, 'SSE4.1', 'SSE4.1 instructions.'),
  bit(20, 'SSE4.2', 'SSE4.2 instructions.'),
  bit(21, 'x2APIC', 'x2APIC.'),
  bit(22, 'MOVBE', 'MOVBE.'),
  bit(23, 'POPCNT', 'POPCNT.'),
  bit(24, 'TSC-deadline', 'The local APIC’s timer supports TSC deadlines.'),
  bit(25, 'AESNI', 'AES instructions.'),
  bit(26, 'XSAVE', 'XSAVE and XCR0.'),
  bit(27, 'OSXSAVE', 'CR4.OSXSAVE is set.'),
  bit(28, 'AVX', 'AVX instructions.'),
  bit(29, 'F16C', '16-bit floating-point conversion.'),
  bit(30, 'RDRAND', 'RDRAND.'),
  bit(31, 'hypervisor', 'Never set by hardware; a hypervisor sets it.'),
];

const BASIC_EDX: BitLayout = [
  bit(0, 'FPU', 'x87 on the chip.'),
  bit(1, 'VME', 'Virtual-8086 mode extensions.'),
  bit(2, 'DE', 'Debugging extensions.'),
  bit(3, 'PSE', '4-MByte pages.'),
  bit(4, 'TSC', 'RDTSC.'),
  bit(5, 'MSR', 'RDMSR and WRMSR.'),
  bit(6, 'PAE', 'Physical-address extension.'),
  bit(7, 'MCE', 'Machine-check exception.'),
  bit(8, 'CX8', 'CMPXCHG8B.'),
  bit(9, 'APIC', 'Local APIC, enabled.'),
  bit(11, 'SEP', 'SYSENTER and SYSEXIT.'),
  bit(12, 'MTRR', 'Memory-type range registers.'),
  bit(13, 'PGE', 'Global pages.'),
  bit(14, 'MCA', 'Machine-check architecture.'),
  bit(15, 'CMOV', 'Conditional moves.'),
  bit(16, 'PAT', 'Page attribute table.'),
  bit(17, 'PSE-36', '4-MByte pages of 36-bit and wider addresses.'),
  bit(18, 'PSN', 'Processor serial number.'),
  bit(19, 'CLFSH', 'CLFLUSH.'),
  bit(21, 'DS', 'Debug store.'),
  bit(22, 'ACPI', 'Thermal monitor and clock control.'),
  bit(23, 'MMX', 'MMX.'),
  bit(24, 'FXSR', 'FXSAVE and FXRSTOR.'),
  bit(25, 'SSE', 'SSE instructions.'),
  bit(26, 'SSE2', 'SSE2 instructions.'),
  bit(27, 'SS', 'Self-snoop.'),
  bit(28, 'HTT', 'More than one logical processor in the package.'),
  bit(29, 'TM', 'Thermal monitor.'),
  bit(31, 'PBE', 'Pending-break enable.'),
];

const FEATURES_EBX: BitLayout = [
  bit(0, 'FSGSBASE', 'RDFSBASE and its kin.'),
  bit(1, 'IA32_TSC_ADJUST', 'IA32_TSC_ADJUST.'),
  bit(2, 'SGX', 'Software guard extensions.'),
  bit(3, 'BMI1', 'Bit manipulation, first group.'),
  bit(4, 'HLE', 'Hardware lock elision.'),
  bit(5, 'AVX2', 'AVX2 instructions.'),
  bit(6, 'FDP_EXCPTN_ONLY', 'x87 data pointer is updated on exceptions only.'),
  bit(7, 'SMEP', 'Supervisor-mode execution prevention.'),
  bit(8, 'BMI2', 'Bit manipulation, second group.'),
  bit(9, 'ERMS', 'Enhanced REP MOVSB and STOSB.'),
  bit(10, 'INVPCID', 'INVPCID.'),
  bit(11, 'RTM', 'Restricted transactional memory.'),
  bit(12, 'RDT-M', 'Resource monitoring.'),
  bit(13, 'FCS_FDS', 'x87 CS and DS are not saved.'),
  bit(14, 'MPX', 'Memory protection extensions.'),
  bit(15, 'RDT-A', 'Resource allocation.'),
  bit(16, 'AVX512F', 'AVX-512 foundation.'),
  bit(17, 'AVX512DQ', 'AVX-512 doublewords and quadwords.'),
  bit(18, 'RDSEED', 'RDSEED.'),
  bit(19, 'ADX', 'ADCX and ADOX.'),
  bit(20, 'SMAP', 'Supervisor-mode access prevention.'),
  bit(21, 'AVX512_IFMA', 'AVX-512 integer multiply-add.'),
  bit(23, 'CLFLUSHOPT', 'CLFLUSHOPT.'),
  bit(24, 'CLWB', 'CLWB.'),
  bit(25, 'PT', 'Intel Processor Trace.'),
  bit(28, 'AVX512CD', 'AVX-512 conflict detection.'),
  bit(29, 'SHA', 'SHA instructions.'),
  bit(30, 'AVX512BW', 'AVX-512 bytes and words.'),
  bit(31, 'AVX512VL', 'AVX-512 vector lengths.'),
];

const FEATURES_ECX: BitLayout = [
  bit(0, 'PREFETCHWT1', 'PREFETCHWT1.'),
  bit(1, 'AVX512_VBMI', 'AVX-512 byte manipulation.'),
  bit(2, 'UMIP', 'User-mode instruction prevention.'),
  bit(3, 'PKU', 'Protection keys for user pages.'),
  bit(4, 'OSPKE', 'CR4.PKE is set.'),
  bit(5, 'WAITPKG', 'UMONITOR, UMWAIT and TPAUSE.'),
  bit(7, 'CET_SS', 'Shadow stacks.'),
  bit(8, 'GFNI', 'Galois-field instructions.'),
  bit(9, 'VAES', 'Vector AES.'),
  bit(10, 'VPCLMULQDQ', 'Vector PCLMULQDQ.'),
  bit(13, 'TME_EN', 'Total memory encryption.'),
  bit(16, 'LA57', '57-bit linear addresses.'),
  bit(22, 'RDPID', 'RDPID.'),
  bit(23, 'KL', 'Key locker.'),
  bit(24, 'BUS_LOCK_DETECT', 'OS bus-lock detection.'),
  bit(25, 'CLDEMOTE', 'CLDEMOTE.'),
  bit(27, 'MOVDIRI', 'MOVDIRI.'),
  bit(28, 'MOVDIR64B', 'MOVDIR64B.'),
  bit(29, 'ENQCMD', 'ENQCMD and ENQCMDS.'),
  bit(30, 'SGX_LC', 'SGX launch configuration.'),
  bit(31, 'PKS', 'Protection keys for supervisor pages.'),
];

const FEATURES_EDX: BitLayout = [
  bit(4, 'FSRM', 'Fast short REP MOVSB.'),
  bit(5, 'UINTR', 'User interrupts.'),
  bit(10, 'MD_CLEAR', 'VERW clears buffers.'),
  bit(14, 'SERIALIZE', 'SERIALIZE.'),
  bit(15, 'hybrid', 'Hybrid processor.'),
  bit(20, 'CET_IBT', 'Indirect-branch tracking.'),
  bit(26, 'IBRS', 'IBRS and IBPB.'),
  bit(27, 'STIBP', 'STIBP.'),
  bit(28, 'L1D_FLUSH', 'IA32_FLUSH_CMD.'),
  bit(29, 'IA32_ARCH_CAPABILITIES', 'IA32_ARCH_CAPABILITIES.'),
  bit(30, 'IA32_CORE_CAPABILITIES', 'IA32_CORE_CAPABILITIES.'),
  bit(31, 'SSBD', 'Speculative store bypass disable.'),
];

const EXTENDED_ECX: BitLayout = [
  bit(0, 'LAHF', 'LAHF and SAHF in 64-bit mode.'),
  bit(5, 'LZCNT', 'LZCNT.'),
  bit(8, 'PREFETCHW', 'PREFETCHW.'),
];

const EXTENDED_EDX: BitLayout = [
  bit(11, 'SYSCALL', 'SYSCALL and SYSRET (in 64-bit mode).'),
  bit(20, 'NX', 'Execute-disable.'),
  bit(26, 'Page1GB', '1-GByte pages.'),
  bit(27, 'RDTSCP', 'RDTSCP and IA32_TSC_AUX.'),
  bit(29, 'LM', 'Intel 64.'),
];

const TOPOLOGY_ECX: BitLayout = [
  group(7, 0, 'level', 'Number of the level.'),
  group(15, 8, 'type', 'Type of the level.', { 0: 'invalid', 1: 'SMT', 2: 'core', 3: 'module', 4: 'tile', 5: 'die' }),
];

export const CPUID_LEAVES: readonly CpuidLeaf[] = [
  {
    leaf: 0,
    title: 'Highest basic leaf and vendor',
    registers: { eax: [group(31, 0, 'highest', 'Highest basic leaf.')] },
  },
  {
    leaf: 1,
    title: 'Version and features',
    registers: {
      eax: VERSION,
      ebx: [
        group(7, 0, 'brand', 'Brand index.'),
        group(15, 8, 'CLFLUSH', 'CLFLUSH line size in 8 bytes.'),
        group(23, 16, 'processors', 'Addressable logical processors in the package.'),
        group(31, 24, 'APIC', 'Initial local APIC identifier.'),
      ],
      ecx: BASIC_ECX,
      edx: BASIC_EDX,
    },
  },
  { leaf: 2, title: 'Cache and TLB descriptors', registers: {} },
  { leaf: 4, title: 'Deterministic cache parameters', registers: {} },
  { leaf: 5, title: 'MONITOR and MWAIT', registers: {} },
  {
    leaf: 6,
    title: 'Thermal and power management',
    registers: { eax: [bit(2, 'ARAT', 'The APIC timer always runs.')] },
  },
  {
    leaf: 7,
    subleaf: 0,
    title: 'Structured extended features',
    registers: { ebx: FEATURES_EBX, ecx: FEATURES_ECX, edx: FEATURES_EDX },
  },
  { leaf: 0xa, title: 'Architectural performance monitoring', registers: {} },
  { leaf: 0xb, title: 'Extended topology', registers: { ecx: TOPOLOGY_ECX } },
  {
    leaf: 0xd,
    subleaf: 0,
    title: 'Processor extended state: XCR0',
    registers: {
      eax: [bit(0, 'XCR0.x87', 'x87 state.'), bit(1, 'XCR0.SSE', 'SSE state: XMM0 to XMM15 and MXCSR.')],
      ebx: [group(31, 0, 'enabled size', 'Bytes of the XSAVE area for the components in XCR0.')],
      ecx: [group(31, 0, 'largest size', 'Bytes of the XSAVE area for all components.')],
    },
  },
  {
    leaf: 0xd,
    subleaf: 1,
    title: 'Processor extended state: instructions',
    registers: {
      eax: [
        bit(0, 'XSAVEOPT', 'XSAVEOPT.'),
        bit(1, 'XSAVEC', 'XSAVEC and the compacted form of XRSTOR.'),
        bit(2, 'XGETBV1', 'XGETBV with ECX = 1.'),
        bit(3, 'XSAVES', 'XSAVES, XRSTORS and IA32_XSS.'),
      ],
      ebx: [group(31, 0, 'size', 'Bytes of the compacted XSAVE area for the components in XCR0 and IA32_XSS.')],
    },
  },
  { leaf: 0x15, title: 'Time-stamp counter and crystal clock', registers: {} },
  { leaf: 0x16, title: 'Processor frequency', registers: {} },
  { leaf: 0x1f, title: 'V2 extended topology', registers: { ecx: TOPOLOGY_ECX } },
  { leaf: 0x80000000, title: 'Highest extended leaf', registers: {} },
  {
    leaf: 0x80000001,
    title: 'Extended features',
    registers: { ecx: EXTENDED_ECX, edx: EXTENDED_EDX },
  },
  { leaf: 0x80000002, title: 'Brand string, first part', registers: {} },
  { leaf: 0x80000003, title: 'Brand string, second part', registers: {} },
  { leaf: 0x80000004, title: 'Brand string, third part', registers: {} },
  { leaf: 0x80000006, title: 'L2 cache', registers: {} },
  {
    leaf: 0x80000007,
    title: 'Power management',
    registers: { edx: [bit(8, 'invariant TSC', 'The TSC runs at a constant rate.')] },
  },
  {
    leaf: 0x80000008,
    title: 'Address sizes',
    registers: {
      eax: [
        group(7, 0, 'physical', 'Physical-address bits (MAXPHYADDR).'),
        group(15, 8, 'linear', 'Linear-address bits.'),
      ],
    },
  },
];

/** The row of a leaf and subleaf, or undefined for one that is not described. */
export function cpuidLeaf(leaf: number, subleaf = 0): CpuidLeaf | undefined {
  return CPUID_LEAVES.find((row) => row.leaf === leaf && (row.subleaf === undefined || row.subleaf === subleaf));
}

/** Mask of named bits of a register of a leaf; throws for a name that the leaf does not have (a bug of the caller). */
export function cpuidMask(leaf: number, register: CpuidRegister, names: readonly string[]): number {
  const layout = CPUID_LEAVES.filter((row) => row.leaf === leaf).flatMap((row) => row.registers[register] ?? []);
  return names.reduce((mask, name) => {
    const field = layout.find((candidate) => candidate.name === name);
    if (field === undefined || field.low !== field.high) {
      throw new Error(`CPUID leaf 0x${leaf.toString(16)} has no bit "${name}" in ${register}`);
    }
    return (mask | (1 << field.low)) >>> 0;
  }, 0);
}
