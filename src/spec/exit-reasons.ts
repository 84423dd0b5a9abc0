// Basic exit reasons (SDM "VMX Basic Exit Reasons") with the class that each belongs to for breakpoints and statistics.

import type { QualificationName } from './exit-qualifications.ts';

/** What a person wants to stop at as one thing; each is one exception filter. */
export const EXIT_CLASSES = {
  exceptions: {
    label: 'Exceptions and NMIs',
    description: 'An exception or NMI of the guest exits (exception bitmap).',
  },
  interrupts: {
    label: 'Interrupts and windows',
    description: 'External interrupts, interrupt and NMI windows, INIT, SIPI, SMI.',
  },
  cpuid: { label: 'CPUID', description: 'The guest executes CPUID.' },
  hypercalls: { label: 'Hypercalls (VMCALL)', description: 'The guest calls its hypervisor.' },
  io: { label: 'I/O instructions', description: 'IN, OUT, INS and OUTS that the controls or bitmaps catch.' },
  msrs: { label: 'MSR accesses', description: 'RDMSR, WRMSR and their newer forms.' },
  registers: { label: 'Control and debug registers', description: 'MOV CR, CLTS, LMSW, MOV DR, XSETBV.' },
  memory: {
    label: 'EPT and memory',
    description: 'EPT violations and misconfigurations, page-modification log, sub-page permissions.',
  },
  apic: {
    label: 'APIC virtualization',
    description: 'APIC accesses and writes, virtualized EOI, TPR below threshold.',
  },
  idle: { label: 'HLT, PAUSE, MWAIT', description: 'The guest waits: HLT, MWAIT, MONITOR, PAUSE, UMWAIT, TPAUSE.' },
  timers: {
    label: 'Time and counters',
    description: 'RDTSC, RDTSCP, RDPMC, RDRAND, RDSEED, the VMX-preemption timer, instruction timeout.',
  },
  caches: { label: 'Cache and TLB maintenance', description: 'INVLPG, INVPCID, INVD, WBINVD.' },
  descriptors: {
    label: 'Descriptor tables and tasks',
    description: 'LGDT, SIDT, LTR and their kin, and task switches.',
  },
  vmx: {
    label: 'VMX instructions',
    description: 'A guest that is itself a hypervisor: VMXON, VMREAD, VMLAUNCH, INVEPT, VMFUNC, …',
  },
  steps: { label: 'Monitor trap flag', description: 'Exit after a guest instruction.' },
  fatal: { label: 'Triple fault', description: 'The guest’s processor shuts down.' },
  entry: { label: 'Failed VM entry', description: 'VM-entry failures that are reported like VM exits.' },
  other: { label: 'Other instructions', description: 'GETSEC, RSM, SGX, XSAVES, bus locks, and the rest.' },
} as const;

export type ExitClass = keyof typeof EXIT_CLASSES;

export interface ExitReasonRow {
  readonly reason: number;
  /** The SDM's name. */
  readonly name: string;
  readonly class: ExitClass;
  /** Layout of the exit qualification; absent: it is 0 or undefined. */
  readonly qualification?: QualificationName;
  /** The VM-exit instruction-information field is valid. */
  readonly instructionInfo?: true;
  /** The exit is caused by an instruction, so the instruction-length field is valid. */
  readonly instruction?: true;
}

// biome-ignore format: one row a reason
export const EXIT_REASONS = {
  EXCEPTION_NMI: { reason: 0, name: 'Exception or non-maskable interrupt (NMI)', class: 'exceptions', qualification: 'exception' },
  EXTERNAL_INTERRUPT: { reason: 1, name: 'External interrupt', class: 'interrupts' },
  TRIPLE_FAULT: { reason: 2, name: 'Triple fault', class: 'fatal' },
  INIT_SIGNAL: { reason: 3, name: 'INIT signal', class: 'interrupts' },
  SIPI: { reason: 4, name: 'Start-up IPI (SIPI)', class: 'interrupts', qualification: 'sipi' },
  IO_SMI: { reason: 5, name: 'I/O system-management interrupt (SMI)', class: 'interrupts', qualification: 'io-instruction' },
  OTHER_SMI: { reason: 6, name: 'Other SMI', class: 'interrupts' },
  INTERRUPT_WINDOW: { reason: 7, name: 'Interrupt window', class: 'interrupts' },
  NMI_WINDOW: { reason: 8, name: 'NMI window', class: 'interrupts' },
  TASK_SWITCH: { reason: 9, name: 'Task switch', class: 'descriptors', qualification: 'task-switch', instruction: true },
  CPUID: { reason: 10, name: 'CPUID', class: 'cpuid', instruction: true },
  GETSEC: { reason: 11, name: 'GETSEC', class: 'other', instruction: true },
  HLT: { reason: 12, name: 'HLT', class: 'idle', instruction: true },
  INVD: { reason: 13, name: 'INVD', class: 'caches', instruction: true },
  INVLPG: { reason: 14, name: 'INVLPG', class: 'caches', qualification: 'linear-address', instruction: true },
  RDPMC: { reason: 15, name: 'RDPMC', class: 'timers', instruction: true },
  RDTSC: { reason: 16, name: 'RDTSC', class: 'timers', instruction: true },
  RSM: { reason: 17, name: 'RSM', class: 'other', instruction: true },
  VMCALL: { reason: 18, name: 'VMCALL', class: 'hypercalls', instruction: true },
  VMCLEAR: { reason: 19, name: 'VMCLEAR', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  VMLAUNCH: { reason: 20, name: 'VMLAUNCH', class: 'vmx', instruction: true },
  VMPTRLD: { reason: 21, name: 'VMPTRLD', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  VMPTRST: { reason: 22, name: 'VMPTRST', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  VMREAD: { reason: 23, name: 'VMREAD', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  VMRESUME: { reason: 24, name: 'VMRESUME', class: 'vmx', instruction: true },
  VMWRITE: { reason: 25, name: 'VMWRITE', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  VMXOFF: { reason: 26, name: 'VMXOFF', class: 'vmx', instruction: true },
  VMXON: { reason: 27, name: 'VMXON', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  CR_ACCESS: { reason: 28, name: 'Control-register accesses', class: 'registers', qualification: 'control-register', instruction: true },
  DR_ACCESS: { reason: 29, name: 'MOV DR', class: 'registers', qualification: 'debug-register', instruction: true },
  IO_INSTRUCTION: { reason: 30, name: 'I/O instruction', class: 'io', qualification: 'io-instruction', instructionInfo: true, instruction: true },
  RDMSR: { reason: 31, name: 'RDMSR', class: 'msrs', instruction: true },
  WRMSR: { reason: 32, name: 'WRMSR or WRMSRNS', class: 'msrs', qualification: 'wrmsr', instruction: true },
  INVALID_GUEST_STATE: { reason: 33, name: 'VM-entry failure due to invalid guest state', class: 'entry', qualification: 'entry-failure' },
  MSR_LOADING: { reason: 34, name: 'VM-entry failure due to MSR loading', class: 'entry', qualification: 'msr-loading' },
  MWAIT: { reason: 36, name: 'MWAIT', class: 'idle', qualification: 'mwait', instruction: true },
  MONITOR_TRAP_FLAG: { reason: 37, name: 'Monitor trap flag', class: 'steps' },
  MONITOR: { reason: 39, name: 'MONITOR', class: 'idle', instruction: true },
  PAUSE: { reason: 40, name: 'PAUSE', class: 'idle', instruction: true },
  MACHINE_CHECK: { reason: 41, name: 'VM-entry failure due to machine-check event', class: 'entry' },
  TPR_BELOW_THRESHOLD: { reason: 43, name: 'TPR below threshold', class: 'apic' },
  APIC_ACCESS: { reason: 44, name: 'APIC access', class: 'apic', qualification: 'apic-access', instruction: true },
  VIRTUALIZED_EOI: { reason: 45, name: 'Virtualized EOI', class: 'apic', qualification: 'eoi' },
  GDTR_IDTR_ACCESS: { reason: 46, name: 'Access to GDTR or IDTR', class: 'descriptors', qualification: 'displacement', instructionInfo: true, instruction: true },
  LDTR_TR_ACCESS: { reason: 47, name: 'Access to LDTR or TR', class: 'descriptors', qualification: 'displacement', instructionInfo: true, instruction: true },
  EPT_VIOLATION: { reason: 48, name: 'EPT violation', class: 'memory', qualification: 'ept-violation' },
  EPT_MISCONFIGURATION: { reason: 49, name: 'EPT misconfiguration', class: 'memory' },
  INVEPT: { reason: 50, name: 'INVEPT', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  RDTSCP: { reason: 51, name: 'RDTSCP', class: 'timers', instruction: true },
  PREEMPTION_TIMER: { reason: 52, name: 'VMX-preemption timer expired', class: 'timers' },
  INVVPID: { reason: 53, name: 'INVVPID', class: 'vmx', qualification: 'displacement', instructionInfo: true, instruction: true },
  WBINVD: { reason: 54, name: 'WBINVD or WBNOINVD', class: 'caches', qualification: 'wbinvd', instruction: true },
  XSETBV: { reason: 55, name: 'XSETBV', class: 'registers', instruction: true },
  APIC_WRITE: { reason: 56, name: 'APIC write', class: 'apic', qualification: 'apic-write' },
  RDRAND: { reason: 57, name: 'RDRAND', class: 'timers', instructionInfo: true, instruction: true },
  INVPCID: { reason: 58, name: 'INVPCID', class: 'caches', qualification: 'displacement', instructionInfo: true, instruction: true },
  VMFUNC: { reason: 59, name: 'VMFUNC', class: 'vmx', instruction: true },
  ENCLS: { reason: 60, name: 'ENCLS', class: 'other', instruction: true },
  RDSEED: { reason: 61, name: 'RDSEED', class: 'timers', instructionInfo: true, instruction: true },
  PML_FULL: { reason: 62, name: 'Page-modification log full', class: 'memory', qualification: 'iret-unblocking' },
  XSAVES: { reason: 63, name: 'XSAVES', class: 'other', qualification: 'displacement', instructionInfo: true, instruction: true },
  XRSTORS: { reason: 64, name: 'XRSTORS', class: 'other', qualification: 'displacement', instructionInfo: true, instruction: true },
  PCONFIG: { reason: 65, name: 'PCONFIG', class: 'other', instruction: true },
  SPP_EVENT: { reason: 66, name: 'SPP-related event', class: 'memory', qualification: 'spp' },
  UMWAIT: { reason: 67, name: 'UMWAIT', class: 'idle', instructionInfo: true, instruction: true },
  TPAUSE: { reason: 68, name: 'TPAUSE', class: 'idle', instructionInfo: true, instruction: true },
  LOADIWKEY: { reason: 69, name: 'LOADIWKEY', class: 'other', instructionInfo: true, instruction: true },
  ENCLV: { reason: 70, name: 'ENCLV', class: 'other', instruction: true },
  ENQCMD: { reason: 72, name: 'ENQCMD PASID translation failure', class: 'other', qualification: 'pasid', instructionInfo: true, instruction: true },
  ENQCMDS: { reason: 73, name: 'ENQCMDS PASID translation failure', class: 'other', qualification: 'enqcmds', instructionInfo: true, instruction: true },
  BUS_LOCK: { reason: 74, name: 'Bus lock', class: 'other' },
  INSTRUCTION_TIMEOUT: { reason: 75, name: 'Instruction timeout', class: 'timers', qualification: 'instruction-timeout' },
  SEAMCALL: { reason: 76, name: 'SEAMCALL', class: 'other', instruction: true },
  TDCALL: { reason: 77, name: 'TDCALL', class: 'other', instruction: true },
  RDMSRLIST: { reason: 78, name: 'RDMSRLIST', class: 'msrs', qualification: 'msr-index', instruction: true },
  WRMSRLIST: { reason: 79, name: 'WRMSRLIST', class: 'msrs', qualification: 'msr-index', instruction: true },
  URDMSR: { reason: 80, name: 'URDMSR', class: 'msrs', instruction: true },
  UWRMSR: { reason: 81, name: 'UWRMSR', class: 'msrs', instruction: true },
  RDMSR_IMMEDIATE: { reason: 84, name: 'RDMSR with immediate', class: 'msrs', instruction: true },
  WRMSRNS_IMMEDIATE: { reason: 85, name: 'WRMSRNS with immediate', class: 'msrs', instruction: true },
} as const satisfies Record<string, ExitReasonRow>;

export type ExitReasonName = keyof typeof EXIT_REASONS;

export interface NamedExitReason extends ExitReasonRow {
  /** Name in expressions: `exit.reason == EPT_VIOLATION`. */
  readonly identifier: ExitReasonName;
}

export const EXIT_REASON_LIST: readonly NamedExitReason[] = Object.entries<ExitReasonRow>(EXIT_REASONS).map(
  ([identifier, row]) => ({ identifier: identifier as ExitReasonName, ...row }),
);

const BY_REASON = new Map(EXIT_REASON_LIST.map((row) => [row.reason, row]));

/** The row of a basic exit reason (bits 15:0 of the exit-reason field), or undefined. */
export function exitReason(reason: number): NamedExitReason | undefined {
  return BY_REASON.get(reason & 0xffff);
}

/** "EPT violation", or "exit reason 99" for one without a row. */
export function exitReasonName(reason: number): string {
  return exitReason(reason)?.name ?? `exit reason ${reason & 0xffff}`;
}

/** Basic exit reasons of a class, ascending. */
export function exitReasonsOfClass(exitClass: ExitClass): readonly number[] {
  return EXIT_REASON_LIST.filter((row) => row.class === exitClass).map((row) => row.reason);
}
