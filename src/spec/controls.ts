// Every bit of the VM-execution, VM-exit and VM-entry control words, by the names that the SDM's running text uses.
// Sources: SDM "VM-Execution Control Fields", "VM-Exit Controls", "VM-Entry Controls"; the always-one classes:
// "Reserved Controls and Default Settings".

import type { BitLayout } from './bits.ts';
import { fieldMask } from './bits.ts';
import type { VmcsFieldName } from './vmcs-fields.ts';

export interface ControlBit {
  readonly bit: number;
  readonly meaning: string;
}

type ControlTable = Record<string, ControlBit>;

// biome-ignore-start format: one row a control
export const PIN_CONTROLS = {
  'external-interrupt exiting': { bit: 0, meaning: 'External interrupts cause VM exits.' },
  'NMI exiting': { bit: 3, meaning: 'Non-maskable interrupts cause VM exits.' },
  'virtual NMIs': {
    bit: 5,
    meaning: 'NMIs are never blocked; bit 3 of the interruptibility state is virtual-NMI blocking.',
  },
  'activate VMX-preemption timer': { bit: 6, meaning: 'The VMX-preemption timer counts down and exits at zero.' },
  'process posted interrupts': {
    bit: 7,
    meaning: 'The notification vector makes the processor take posted interrupts instead of exiting.',
  },
} as const satisfies ControlTable;

export const PRIMARY_CONTROLS = {
  'interrupt-window exiting': {
    bit: 2,
    meaning: 'Exit at the first instruction at which an interrupt could be delivered.',
  },
  'use TSC offsetting': {
    bit: 3,
    meaning: 'The TSC offset is added to what the guest reads of the time-stamp counter.',
  },
  'HLT exiting': { bit: 7, meaning: 'HLT exits.' },
  'INVLPG exiting': { bit: 9, meaning: 'INVLPG and INVPCID exit.' },
  'MWAIT exiting': { bit: 10, meaning: 'MWAIT exits.' },
  'RDPMC exiting': { bit: 11, meaning: 'RDPMC exits.' },
  'RDTSC exiting': { bit: 12, meaning: 'RDTSC and RDTSCP exit.' },
  'CR3-load exiting': { bit: 15, meaning: 'MOV to CR3 exits, except with a CR3-target value.' },
  'CR3-store exiting': { bit: 16, meaning: 'MOV from CR3 exits.' },
  'activate tertiary controls': { bit: 17, meaning: 'The tertiary controls are used; otherwise they count as 0.' },
  'CR8-load exiting': { bit: 19, meaning: 'MOV to CR8 exits.' },
  'CR8-store exiting': { bit: 20, meaning: 'MOV from CR8 exits.' },
  'use TPR shadow': { bit: 21, meaning: 'CR8 and the APIC’s task priority are virtualized by the virtual-APIC page.' },
  'NMI-window exiting': { bit: 22, meaning: 'Exit at the first instruction without virtual-NMI blocking.' },
  'MOV-DR exiting': { bit: 23, meaning: 'MOV to and from debug registers exits.' },
  'unconditional I/O exiting': { bit: 24, meaning: 'Every I/O instruction exits, unless I/O bitmaps are used.' },
  'use I/O bitmaps': { bit: 25, meaning: 'The I/O bitmaps decide which ports exit.' },
  'monitor trap flag': { bit: 27, meaning: 'Exit after each instruction.' },
  'use MSR bitmaps': { bit: 28, meaning: 'The MSR bitmaps decide which RDMSR and WRMSR exit; otherwise all do.' },
  'MONITOR exiting': { bit: 29, meaning: 'MONITOR exits.' },
  'PAUSE exiting': { bit: 30, meaning: 'PAUSE exits.' },
  'activate secondary controls': { bit: 31, meaning: 'The secondary controls are used; otherwise they count as 0.' },
} as const satisfies ControlTable;

export const SECONDARY_CONTROLS = {
  'virtualize APIC accesses': { bit: 0, meaning: 'Accesses to the APIC-access page are virtualized or exit.' },
  'enable EPT': { bit: 1, meaning: 'Guest-physical addresses are translated by the extended page tables.' },
  'descriptor-table exiting': { bit: 2, meaning: 'LGDT, LIDT, LLDT, LTR, SGDT, SIDT, SLDT and STR exit.' },
  'enable RDTSCP': { bit: 3, meaning: 'RDTSCP and RDPID are allowed; otherwise #UD.' },
  'virtualize x2APIC mode': { bit: 4, meaning: 'RDMSR and WRMSR of APIC MSRs are virtualized.' },
  'enable VPID': { bit: 5, meaning: 'Cached translations are tagged with the VPID.' },
  'WBINVD exiting': { bit: 6, meaning: 'WBINVD and WBNOINVD exit.' },
  'unrestricted guest': { bit: 7, meaning: 'The guest may run in real mode or without paging.' },
  'APIC-register virtualization': { bit: 8, meaning: 'Most reads of APIC registers come from the virtual-APIC page.' },
  'virtual-interrupt delivery': { bit: 9, meaning: 'The processor evaluates and delivers virtual interrupts.' },
  'PAUSE-loop exiting': { bit: 10, meaning: 'A loop of PAUSE at CPL 0 exits (PLE_Gap, PLE_Window).' },
  'RDRAND exiting': { bit: 11, meaning: 'RDRAND exits.' },
  'enable INVPCID': { bit: 12, meaning: 'INVPCID is allowed; otherwise #UD.' },
  'enable VM functions': { bit: 13, meaning: 'VMFUNC is allowed; otherwise #UD.' },
  'VMCS shadowing': { bit: 14, meaning: 'VMREAD and VMWRITE of the guest may reach a shadow VMCS.' },
  'enable ENCLS exiting': { bit: 15, meaning: 'The ENCLS-exiting bitmap decides which ENCLS leaves exit.' },
  'RDSEED exiting': { bit: 16, meaning: 'RDSEED exits.' },
  'enable PML': { bit: 17, meaning: 'Accesses that set an EPT dirty flag are logged.' },
  'EPT-violation #VE': { bit: 18, meaning: 'EPT violations may become virtualization exceptions.' },
  'conceal VMX from PT': { bit: 19, meaning: 'Processor Trace does not show VMX non-root operation.' },
  'enable XSAVES/XRSTORS': { bit: 20, meaning: 'XSAVES and XRSTORS are allowed; otherwise #UD.' },
  'PASID translation': { bit: 21, meaning: 'ENQCMD and ENQCMDS translate PASIDs.' },
  'mode-based execute control for EPT': {
    bit: 22,
    meaning: 'EPT execute permission is separate for supervisor and user linear addresses.',
  },
  'sub-page write permissions for EPT': {
    bit: 23,
    meaning: 'EPT write permission may be given for 128-byte sub-pages.',
  },
  'Intel PT uses guest physical addresses': {
    bit: 24,
    meaning: 'Processor Trace’s output addresses are guest-physical.',
  },
  'use TSC scaling': {
    bit: 25,
    meaning: 'The time-stamp counter that the guest reads is multiplied by the TSC multiplier.',
  },
  'enable user wait and pause': { bit: 26, meaning: 'TPAUSE, UMONITOR and UMWAIT are allowed; otherwise #UD.' },
  'enable PCONFIG': { bit: 27, meaning: 'PCONFIG is allowed; otherwise #UD.' },
  'enable ENCLV exiting': { bit: 28, meaning: 'The ENCLV-exiting bitmap decides which ENCLV leaves exit.' },
  'VMM bus-lock detection': { bit: 30, meaning: 'A bus lock exits.' },
  'instruction timeout': {
    bit: 31,
    meaning: 'Exit when no instruction boundary is reached within the instruction-timeout control.',
  },
} as const satisfies ControlTable;

export const TERTIARY_CONTROLS = {
  'LOADIWKEY exiting': { bit: 0, meaning: 'LOADIWKEY exits.' },
  'enable HLAT': { bit: 1, meaning: 'Hypervisor-managed linear-address translation.' },
  'EPT paging-write control': { bit: 2, meaning: 'EPT may allow writes by paging only.' },
  'guest-paging verification': {
    bit: 3,
    meaning: 'EPT may block accesses whose translation lacks certain properties.',
  },
  'IPI virtualization': { bit: 4, meaning: 'Inter-processor interrupts are virtualized.' },
  'SEAM guest-physical address width': {
    bit: 5,
    meaning: 'Selects the width of guest-physical addresses in SEAM non-root operation.',
  },
  'enable MSR-list instructions': { bit: 6, meaning: 'RDMSRLIST and WRMSRLIST are allowed; otherwise #UD.' },
  'virtualize IA32_SPEC_CTRL': { bit: 7, meaning: 'RDMSR and WRMSR of IA32_SPEC_CTRL use the mask and the shadow.' },
  'APIC-timer virtualization': { bit: 8, meaning: 'IA32_TSC_DEADLINE is virtualized by guest-timer events.' },
  'enable PBNDKB': { bit: 9, meaning: 'PBNDKB is allowed; otherwise #UD.' },
  'PEBS uses guest physical addresses': {
    bit: 12,
    meaning: 'Architectural PEBS’s output addresses are guest-physical.',
  },
} as const satisfies ControlTable;

export const EXIT_CONTROLS = {
  'save debug controls': { bit: 2, meaning: 'DR7 and IA32_DEBUGCTL are saved.' },
  'host address-space size': { bit: 9, meaning: 'The processor is in 64-bit mode after the VM exit.' },
  'load IA32_PERF_GLOBAL_CTRL': { bit: 12, meaning: 'IA32_PERF_GLOBAL_CTRL is loaded.' },
  'acknowledge interrupt on exit': {
    bit: 15,
    meaning: 'An external interrupt is acknowledged and its vector reported.',
  },
  'save IA32_PAT': { bit: 18, meaning: 'IA32_PAT is saved.' },
  'load IA32_PAT': { bit: 19, meaning: 'IA32_PAT is loaded.' },
  'save IA32_EFER': { bit: 20, meaning: 'IA32_EFER is saved.' },
  'load IA32_EFER': { bit: 21, meaning: 'IA32_EFER is loaded.' },
  'save VMX-preemption timer value': { bit: 22, meaning: 'The VMX-preemption timer is saved.' },
  'clear IA32_BNDCFGS': { bit: 23, meaning: 'IA32_BNDCFGS is cleared.' },
  'conceal VMX from PT': { bit: 24, meaning: 'Processor Trace does not show the VM exit.' },
  'clear IA32_RTIT_CTL': { bit: 25, meaning: 'IA32_RTIT_CTL is cleared.' },
  'clear IA32_LBR_CTL': { bit: 26, meaning: 'IA32_LBR_CTL is cleared.' },
  'clear UINV': { bit: 27, meaning: 'The user-interrupt notification vector is cleared.' },
  'load CET state': { bit: 28, meaning: 'The CET MSRs and SSP are loaded.' },
  'load PKRS': { bit: 29, meaning: 'IA32_PKRS is loaded.' },
  'save IA32_PERF_GLOBAL_CTRL': { bit: 30, meaning: 'IA32_PERF_GLOBAL_CTRL is saved.' },
  'activate secondary controls': {
    bit: 31,
    meaning: 'The secondary VM-exit controls are used; otherwise they count as 0.',
  },
} as const satisfies ControlTable;

export const SECONDARY_EXIT_CONTROLS = {
  'save FRED': { bit: 0, meaning: 'The FRED MSRs are saved.' },
  'load FRED': { bit: 1, meaning: 'The FRED MSRs are loaded.' },
  'load IA32_SPEC_CTRL': { bit: 2, meaning: 'IA32_SPEC_CTRL is loaded.' },
  'prematurely busy shadow stack': {
    bit: 3,
    meaning: 'A VM exit reports that a shadow stack became busy prematurely.',
  },
} as const satisfies ControlTable;

export const ENTRY_CONTROLS = {
  'load debug controls': { bit: 2, meaning: 'DR7 and IA32_DEBUGCTL are loaded.' },
  'IA-32e mode guest': { bit: 9, meaning: 'The guest is in IA-32e mode (long mode) after the VM entry.' },
  'entry to SMM': { bit: 10, meaning: 'The processor is in system-management mode after the VM entry.' },
  'deactivate dual-monitor treatment': {
    bit: 11,
    meaning: 'The default treatment of SMIs and SMM applies after the VM entry.',
  },
  'load IA32_PERF_GLOBAL_CTRL': { bit: 13, meaning: 'IA32_PERF_GLOBAL_CTRL is loaded.' },
  'load IA32_PAT': { bit: 14, meaning: 'IA32_PAT is loaded.' },
  'load IA32_EFER': { bit: 15, meaning: 'IA32_EFER is loaded.' },
  'load IA32_BNDCFGS': { bit: 16, meaning: 'IA32_BNDCFGS is loaded.' },
  'conceal VMX from PT': { bit: 17, meaning: 'Processor Trace does not show the VM entry.' },
  'load IA32_RTIT_CTL': { bit: 18, meaning: 'IA32_RTIT_CTL is loaded.' },
  'load UINV': { bit: 19, meaning: 'The user-interrupt notification vector is loaded.' },
  'load CET state': { bit: 20, meaning: 'The CET MSRs and SSP are loaded.' },
  'load guest IA32_LBR_CTL': { bit: 21, meaning: 'IA32_LBR_CTL is loaded.' },
  'load PKRS': { bit: 22, meaning: 'IA32_PKRS is loaded.' },
  'load FRED': { bit: 23, meaning: 'The FRED MSRs are loaded.' },
  'load IA32_SPEC_CTRL': { bit: 24, meaning: 'IA32_SPEC_CTRL is loaded.' },
  'allow SEAM-guest telemetry': { bit: 25, meaning: 'Core out-of-band telemetry may be enabled in a SEAM guest.' },
} as const satisfies ControlTable;

export const VM_FUNCTIONS = {
  'EPTP switching': { bit: 0, meaning: 'VM function 0 loads an EPTP from the EPTP list.' },
} as const satisfies ControlTable;
// biome-ignore-end format: one row a control

export interface ControlNames {
  readonly pin: keyof typeof PIN_CONTROLS;
  readonly primary: keyof typeof PRIMARY_CONTROLS;
  readonly secondary: keyof typeof SECONDARY_CONTROLS;
  readonly tertiary: keyof typeof TERTIARY_CONTROLS;
  readonly exit: keyof typeof EXIT_CONTROLS;
  readonly 'secondary exit': keyof typeof SECONDARY_EXIT_CONTROLS;
  readonly entry: keyof typeof ENTRY_CONTROLS;
  readonly vmfunc: keyof typeof VM_FUNCTIONS;
}

export type ControlWord = keyof ControlNames;

export interface ControlWordRow {
  readonly title: string;
  /** What the SDM's running text calls one such control. */
  readonly kind: string;
  readonly field: VmcsFieldName;
  readonly width: 32 | 64;
  readonly bits: ControlTable;
  /** Reserved bits that read as 1 unless the TRUE capability MSR says otherwise. */
  readonly default1: bigint;
  /** Capability MSRs; `true` only where the TRUE form exists. */
  readonly capability: { readonly msr: number; readonly true?: number };
}

export const CONTROL_WORDS: Readonly<Record<ControlWord, ControlWordRow>> = {
  pin: {
    title: 'Pin-based VM-execution controls',
    kind: 'VM-execution control',
    field: 'Pin-based VM-execution controls',
    width: 32,
    bits: PIN_CONTROLS,
    default1: 0x16n,
    capability: { msr: 0x481, true: 0x48d },
  },
  primary: {
    title: 'Primary processor-based VM-execution controls',
    kind: 'VM-execution control',
    field: 'Primary processor-based VM-execution controls',
    width: 32,
    bits: PRIMARY_CONTROLS,
    default1: 0x401e172n,
    capability: { msr: 0x482, true: 0x48e },
  },
  secondary: {
    title: 'Secondary processor-based VM-execution controls',
    kind: 'VM-execution control',
    field: 'Secondary processor-based VM-execution controls',
    width: 32,
    bits: SECONDARY_CONTROLS,
    default1: 0n,
    capability: { msr: 0x48b },
  },
  tertiary: {
    title: 'Tertiary processor-based VM-execution controls',
    kind: 'VM-execution control',
    field: 'Tertiary processor-based VM-execution controls',
    width: 64,
    bits: TERTIARY_CONTROLS,
    default1: 0n,
    capability: { msr: 0x492 },
  },
  exit: {
    title: 'Primary VM-exit controls',
    kind: 'VM-exit control',
    field: 'Primary VM-exit controls',
    width: 32,
    bits: EXIT_CONTROLS,
    default1: 0x36dffn,
    capability: { msr: 0x483, true: 0x48f },
  },
  'secondary exit': {
    title: 'Secondary VM-exit controls',
    kind: 'VM-exit control',
    field: 'Secondary VM-exit controls',
    width: 64,
    bits: SECONDARY_EXIT_CONTROLS,
    default1: 0n,
    capability: { msr: 0x493 },
  },
  entry: {
    title: 'VM-entry controls',
    kind: 'VM-entry control',
    field: 'VM-entry controls',
    width: 32,
    bits: ENTRY_CONTROLS,
    default1: 0x11ffn,
    capability: { msr: 0x484, true: 0x490 },
  },
  vmfunc: {
    title: 'VM-function controls',
    kind: 'VM-function control',
    field: 'VM-function controls',
    width: 64,
    bits: VM_FUNCTIONS,
    default1: 0n,
    capability: { msr: 0x491 },
  },
};

/** Mask of one control in its word. */
export function controlMask<W extends ControlWord>(word: W, name: ControlNames[W]): bigint {
  const row = CONTROL_WORDS[word].bits[name];
  if (row === undefined) {
    throw new Error(`no control "${name}" in the ${word} controls`);
  }
  return 1n << BigInt(row.bit);
}

/** Mask of several controls of one word. */
export function controlMasks<W extends ControlWord>(word: W, names: readonly ControlNames[W][]): bigint {
  return names.reduce((mask, name) => mask | controlMask(word, name), 0n);
}

/** Name for expressions and C headers: `HLT exiting` is HLT_EXITING. */
export function controlIdentifier(name: string): string {
  return name
    .toUpperCase()
    .replace(/#/g, '')
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}

/** The word's named bits as a layout; `always1` bits that software must keep at 1 are named "always 1". */
export function controlLayout(word: ControlWord): BitLayout {
  const row = CONTROL_WORDS[word];
  const named = Object.entries(row.bits).map(([name, { bit, meaning }]) => ({ name, low: bit, high: bit, meaning }));
  const taken = named.reduce((mask, field) => mask | fieldMask(field), 0n);
  const reserved = [];
  for (let position = 0; position < row.width; position += 1) {
    const mask = 1n << BigInt(position);
    if ((row.default1 & mask) !== 0n && (taken & mask) === 0n) {
      reserved.push({
        name: `always 1 (bit ${position})`,
        low: position,
        high: position,
        meaning: 'Reserved; must be 1.',
      });
    }
  }
  return [...named, ...reserved].sort((a, b) => a.low - b.low);
}
