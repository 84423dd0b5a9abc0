// The model-specific registers that the machine or the VMCS knows: index, name, meaning, bits.
// Source: SDM "Model-Specific Registers (MSRs)", "VMX Capability Reporting Facility".

import type { BitLayoutName } from './bit-layouts.ts';

export interface MsrRow {
  readonly index: number;
  readonly bits?: BitLayoutName;
  /** RDMSR only: WRMSR is #GP(0). */
  readonly readOnly?: true;
  readonly meaning: string;
}

// biome-ignore format: one row an MSR
export const MSRS = {
  IA32_TIME_STAMP_COUNTER: { index: 0x10, meaning: 'Time-stamp counter.' },
  IA32_PLATFORM_ID: { index: 0x17, readOnly: true, meaning: 'Platform identifier.' },
  IA32_APIC_BASE: { index: 0x1b, bits: 'apic-base', meaning: 'Address and mode of the local APIC.' },
  IA32_FEATURE_CONTROL: { index: 0x3a, bits: 'feature-control', meaning: 'Locks in whether VMXON is allowed.' },
  IA32_TSC_ADJUST: { index: 0x3b, meaning: 'What was added to the time-stamp counter since reset.' },
  IA32_SPEC_CTRL: { index: 0x48, meaning: 'Speculation control.' },
  IA32_PRED_CMD: { index: 0x49, meaning: 'Prediction command.' },
  IA32_BIOS_UPDT_TRIG: { index: 0x79, meaning: 'Starts a microcode update.' },
  IA32_BIOS_SIGN_ID: { index: 0x8b, meaning: 'Revision of the microcode.' },
  MSR_PLATFORM_INFO: { index: 0xce, readOnly: true, meaning: 'Ratios of the processor’s frequencies.' },
  IA32_UMWAIT_CONTROL: { index: 0xe1, meaning: 'Limits of UMWAIT and TPAUSE.' },
  IA32_MTRRCAP: { index: 0xfe, readOnly: true, meaning: 'What memory-type range registers there are.' },
  IA32_ARCH_CAPABILITIES: { index: 0x10a, readOnly: true, meaning: 'Weaknesses that the processor does not have.' },
  IA32_FLUSH_CMD: { index: 0x10b, meaning: 'Flushes the L1 data cache.' },
  IA32_SYSENTER_CS: { index: 0x174, meaning: 'Code segment of SYSENTER.' },
  IA32_SYSENTER_ESP: { index: 0x175, meaning: 'Stack pointer of SYSENTER.' },
  IA32_SYSENTER_EIP: { index: 0x176, meaning: 'Entry point of SYSENTER.' },
  IA32_MCG_CAP: { index: 0x179, readOnly: true, meaning: 'Machine-check banks.' },
  IA32_MCG_STATUS: { index: 0x17a, meaning: 'Machine-check status.' },
  IA32_MISC_ENABLE: { index: 0x1a0, bits: 'misc-enable', meaning: 'Enables of miscellaneous features.' },
  MSR_POWER_CTL: { index: 0x1fc, meaning: 'Power control: bit 0 bidirectional PROCHOT#, bit 1 C1E.' },
  IA32_DEBUGCTL: { index: 0x1d9, bits: 'debugctl', meaning: 'Debug features.' },
  IA32_MTRR_PHYSBASE0: { index: 0x200, meaning: 'Base and type of variable memory range 0.' },
  IA32_MTRR_PHYSMASK0: { index: 0x201, meaning: 'Mask of variable memory range 0.' },
  IA32_MTRR_PHYSBASE1: { index: 0x202, meaning: 'Base and type of variable memory range 1.' },
  IA32_MTRR_PHYSMASK1: { index: 0x203, meaning: 'Mask of variable memory range 1.' },
  IA32_MTRR_PHYSBASE2: { index: 0x204, meaning: 'Base and type of variable memory range 2.' },
  IA32_MTRR_PHYSMASK2: { index: 0x205, meaning: 'Mask of variable memory range 2.' },
  IA32_MTRR_PHYSBASE3: { index: 0x206, meaning: 'Base and type of variable memory range 3.' },
  IA32_MTRR_PHYSMASK3: { index: 0x207, meaning: 'Mask of variable memory range 3.' },
  IA32_MTRR_PHYSBASE4: { index: 0x208, meaning: 'Base and type of variable memory range 4.' },
  IA32_MTRR_PHYSMASK4: { index: 0x209, meaning: 'Mask of variable memory range 4.' },
  IA32_MTRR_PHYSBASE5: { index: 0x20a, meaning: 'Base and type of variable memory range 5.' },
  IA32_MTRR_PHYSMASK5: { index: 0x20b, meaning: 'Mask of variable memory range 5.' },
  IA32_MTRR_PHYSBASE6: { index: 0x20c, meaning: 'Base and type of variable memory range 6.' },
  IA32_MTRR_PHYSMASK6: { index: 0x20d, meaning: 'Mask of variable memory range 6.' },
  IA32_MTRR_PHYSBASE7: { index: 0x20e, meaning: 'Base and type of variable memory range 7.' },
  IA32_MTRR_PHYSMASK7: { index: 0x20f, meaning: 'Mask of variable memory range 7.' },
  IA32_MTRR_FIX64K_00000: { index: 0x250, meaning: 'Memory types of 00000H to 7FFFFH.' },
  IA32_MTRR_FIX16K_80000: { index: 0x258, meaning: 'Memory types of 80000H to 9FFFFH.' },
  IA32_MTRR_FIX16K_A0000: { index: 0x259, meaning: 'Memory types of A0000H to BFFFFH.' },
  IA32_MTRR_FIX4K_C0000: { index: 0x268, meaning: 'Memory types of C0000H to C7FFFH.' },
  IA32_MTRR_FIX4K_C8000: { index: 0x269, meaning: 'Memory types of C8000H to CFFFFH.' },
  IA32_MTRR_FIX4K_D0000: { index: 0x26a, meaning: 'Memory types of D0000H to D7FFFH.' },
  IA32_MTRR_FIX4K_D8000: { index: 0x26b, meaning: 'Memory types of D8000H to DFFFFH.' },
  IA32_MTRR_FIX4K_E0000: { index: 0x26c, meaning: 'Memory types of E0000H to E7FFFH.' },
  IA32_MTRR_FIX4K_E8000: { index: 0x26d, meaning: 'Memory types of E8000H to EFFFFH.' },
  IA32_MTRR_FIX4K_F0000: { index: 0x26e, meaning: 'Memory types of F0000H to F7FFFH.' },
  IA32_MTRR_FIX4K_F8000: { index: 0x26f, meaning: 'Memory types of F8000H to FFFFFH.' },
  IA32_PAT: { index: 0x277, bits: 'pat', meaning: 'Page attribute table: memory types by page-table bits.' },
  IA32_MTRR_DEF_TYPE: { index: 0x2ff, meaning: 'Default memory type; enables the ranges.' },
  IA32_PERF_GLOBAL_CTRL: { index: 0x38f, bits: 'perf-global-ctrl', meaning: 'Enables of performance counters.' },
  IA32_VMX_BASIC: { index: 0x480, bits: 'vmx-basic', readOnly: true, meaning: 'VMCS revision, region size, memory type, TRUE controls.' },
  IA32_VMX_PINBASED_CTLS: { index: 0x481, readOnly: true, meaning: 'Allowed settings of the pin-based controls.' },
  IA32_VMX_PROCBASED_CTLS: { index: 0x482, readOnly: true, meaning: 'Allowed settings of the primary processor-based controls.' },
  IA32_VMX_EXIT_CTLS: { index: 0x483, readOnly: true, meaning: 'Allowed settings of the primary VM-exit controls.' },
  IA32_VMX_ENTRY_CTLS: { index: 0x484, readOnly: true, meaning: 'Allowed settings of the VM-entry controls.' },
  IA32_VMX_MISC: { index: 0x485, bits: 'vmx-misc', readOnly: true, meaning: 'Preemption-timer rate, activity states, CR3 targets, and others.' },
  IA32_VMX_CR0_FIXED0: { index: 0x486, bits: 'cr0', readOnly: true, meaning: 'CR0 bits that must be 1 in VMX operation.' },
  IA32_VMX_CR0_FIXED1: { index: 0x487, bits: 'cr0', readOnly: true, meaning: 'CR0 bits that may be 1 in VMX operation.' },
  IA32_VMX_CR4_FIXED0: { index: 0x488, bits: 'cr4', readOnly: true, meaning: 'CR4 bits that must be 1 in VMX operation.' },
  IA32_VMX_CR4_FIXED1: { index: 0x489, bits: 'cr4', readOnly: true, meaning: 'CR4 bits that may be 1 in VMX operation.' },
  IA32_VMX_VMCS_ENUM: { index: 0x48a, bits: 'vmx-vmcs-enum', readOnly: true, meaning: 'Highest index of any VMCS field encoding.' },
  IA32_VMX_PROCBASED_CTLS2: { index: 0x48b, readOnly: true, meaning: 'Allowed settings of the secondary processor-based controls.' },
  IA32_VMX_EPT_VPID_CAP: { index: 0x48c, bits: 'vmx-ept-vpid-cap', readOnly: true, meaning: 'Capabilities of EPT and VPID.' },
  IA32_VMX_TRUE_PINBASED_CTLS: { index: 0x48d, readOnly: true, meaning: 'Allowed settings of the pin-based controls, default-1 class included.' },
  IA32_VMX_TRUE_PROCBASED_CTLS: { index: 0x48e, readOnly: true, meaning: 'Allowed settings of the primary processor-based controls, default-1 class included.' },
  IA32_VMX_TRUE_EXIT_CTLS: { index: 0x48f, readOnly: true, meaning: 'Allowed settings of the VM-exit controls, default-1 class included.' },
  IA32_VMX_TRUE_ENTRY_CTLS: { index: 0x490, readOnly: true, meaning: 'Allowed settings of the VM-entry controls, default-1 class included.' },
  IA32_VMX_VMFUNC: { index: 0x491, bits: 'vm-function-controls', readOnly: true, meaning: 'VM functions that may be enabled.' },
  IA32_VMX_PROCBASED_CTLS3: { index: 0x492, bits: 'tertiary-controls', readOnly: true, meaning: 'Tertiary processor-based controls that may be 1.' },
  IA32_VMX_EXIT_CTLS2: { index: 0x493, bits: 'secondary-exit-controls', readOnly: true, meaning: 'Secondary VM-exit controls that may be 1.' },
  IA32_U_CET: { index: 0x6a0, bits: 's-cet', meaning: 'User control-flow enforcement.' },
  IA32_S_CET: { index: 0x6a2, bits: 's-cet', meaning: 'Supervisor control-flow enforcement.' },
  IA32_PL0_SSP: { index: 0x6a4, meaning: 'Shadow-stack pointer of CPL 0.' },
  IA32_PL1_SSP: { index: 0x6a5, meaning: 'Shadow-stack pointer of CPL 1.' },
  IA32_PL2_SSP: { index: 0x6a6, meaning: 'Shadow-stack pointer of CPL 2.' },
  IA32_PL3_SSP: { index: 0x6a7, meaning: 'Shadow-stack pointer of CPL 3.' },
  IA32_INTERRUPT_SSP_TABLE_ADDR: { index: 0x6a8, meaning: 'Table of interrupt shadow stacks.' },
  IA32_TSC_DEADLINE: { index: 0x6e0, meaning: 'TSC value at which the local APIC’s timer interrupts.' },
  IA32_PKRS: { index: 0x6e1, meaning: 'Protection-key rights for supervisor pages.' },
  IA32_X2APIC_APICID: { index: 0x802, readOnly: true, meaning: 'Local APIC identifier.' },
  IA32_X2APIC_VERSION: { index: 0x803, readOnly: true, meaning: 'Local APIC version.' },
  IA32_X2APIC_TPR: { index: 0x808, meaning: 'Task priority.' },
  IA32_X2APIC_PPR: { index: 0x80a, readOnly: true, meaning: 'Processor priority.' },
  IA32_X2APIC_EOI: { index: 0x80b, meaning: 'End of interrupt.' },
  IA32_X2APIC_LDR: { index: 0x80d, readOnly: true, meaning: 'Logical destination.' },
  IA32_X2APIC_SIVR: { index: 0x80f, meaning: 'Spurious-interrupt vector; enables the APIC.' },
  IA32_X2APIC_ESR: { index: 0x828, meaning: 'Error status.' },
  IA32_X2APIC_ICR: { index: 0x830, meaning: 'Interrupt command.' },
  IA32_X2APIC_LVT_TIMER: { index: 0x832, meaning: 'Local vector of the timer.' },
  IA32_X2APIC_LVT_LINT0: { index: 0x835, meaning: 'Local vector of LINT0.' },
  IA32_X2APIC_LVT_LINT1: { index: 0x836, meaning: 'Local vector of LINT1.' },
  IA32_X2APIC_LVT_ERROR: { index: 0x837, meaning: 'Local vector of errors.' },
  IA32_X2APIC_INIT_COUNT: { index: 0x838, meaning: 'Timer’s initial count.' },
  IA32_X2APIC_CUR_COUNT: { index: 0x839, readOnly: true, meaning: 'Timer’s present count.' },
  IA32_X2APIC_DIV_CONF: { index: 0x83e, meaning: 'Timer’s divisor.' },
  IA32_X2APIC_SELF_IPI: { index: 0x83f, meaning: 'Sends an interrupt to the processor itself.' },
  IA32_BNDCFGS: { index: 0xd90, bits: 'bndcfgs', meaning: 'Supervisor MPX configuration.' },
  IA32_XSS: { index: 0xda0, meaning: 'Supervisor state components of XSAVES.' },
  IA32_EFER: { index: 0xc0000080, bits: 'efer', meaning: 'Extended features: SYSCALL, long mode, no-execute.' },
  IA32_STAR: { index: 0xc0000081, meaning: 'Segment selectors of SYSCALL and SYSRET.' },
  IA32_LSTAR: { index: 0xc0000082, meaning: 'Entry point of SYSCALL in 64-bit mode.' },
  IA32_CSTAR: { index: 0xc0000083, meaning: 'Entry point of SYSCALL in compatibility mode (not used).' },
  IA32_FMASK: { index: 0xc0000084, bits: 'rflags', meaning: 'RFLAGS bits that SYSCALL clears.' },
  IA32_FS_BASE: { index: 0xc0000100, meaning: 'Base of FS.' },
  IA32_GS_BASE: { index: 0xc0000101, meaning: 'Base of GS.' },
  IA32_KERNEL_GS_BASE: { index: 0xc0000102, meaning: 'Base that SWAPGS exchanges with GS.' },
  IA32_TSC_AUX: { index: 0xc0000103, meaning: 'What RDTSCP and RDPID return.' },
} as const satisfies Record<string, MsrRow>;

export type MsrName = keyof typeof MSRS;

export interface NamedMsr extends MsrRow {
  readonly name: MsrName;
}

export const MSR_LIST: readonly NamedMsr[] = Object.entries<MsrRow>(MSRS).map(([name, row]) => ({
  name: name as MsrName,
  ...row,
}));

const BY_INDEX = new Map(MSR_LIST.map((row) => [row.index, row]));

/** The row of an MSR index, or undefined. */
export function msrByIndex(index: number): NamedMsr | undefined {
  return BY_INDEX.get(index >>> 0);
}

/** The row of an MSR by name, in any case, or undefined. */
export function msrByName(name: string): NamedMsr | undefined {
  const wanted = name.toUpperCase();
  return MSR_LIST.find((row) => row.name === wanted);
}
