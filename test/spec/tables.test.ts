// Controls, exit reasons, errors, MSRs and registers against numbers typed from other projects' headers, and their rendering.

import { describe, expect, test } from 'vitest';
import { BIT_LAYOUTS, describe as describeByName, registerLayout } from '../../src/spec/bit-layouts.ts';
import { bitPositions, describeBits, fieldMask } from '../../src/spec/bits.ts';
import { CONTROL_WORDS, type ControlWord, controlIdentifier, controlLayout } from '../../src/spec/controls.ts';
import { EXCEPTIONS, vectorName } from '../../src/spec/exceptions.ts';
import { describeQualification, QUALIFICATIONS } from '../../src/spec/exit-qualifications.ts';
import {
  EXIT_CLASSES,
  EXIT_REASON_LIST,
  type ExitClass,
  exitReason,
  exitReasonName,
  exitReasonsOfClass,
} from '../../src/spec/exit-reasons.ts';
import {
  describeInterruption,
  ENTRY_INTERRUPTION_INFORMATION,
  EXIT_INTERRUPTION_INFORMATION,
} from '../../src/spec/interruption-info.ts';
import { MSR_LIST, msrByIndex, msrByName } from '../../src/spec/msrs.ts';
import { VM_INSTRUCTION_ERRORS, vmInstructionError } from '../../src/spec/vm-instruction-errors.ts';

/** Bits from Linux' arch/x86/include/asm/vmxfeatures.h and vmx.h, by the manual's names. */
const CONTROLS: Readonly<Record<ControlWord, Readonly<Record<string, number>>>> = {
  pin: {
    'external-interrupt exiting': 0x1,
    'NMI exiting': 0x8,
    'virtual NMIs': 0x20,
    'activate VMX-preemption timer': 0x40,
    'process posted interrupts': 0x80,
  },
  primary: {
    'interrupt-window exiting': 0x4,
    'use TSC offsetting': 0x8,
    'HLT exiting': 0x80,
    'INVLPG exiting': 0x200,
    'MWAIT exiting': 0x400,
    'RDPMC exiting': 0x800,
    'RDTSC exiting': 0x1000,
    'CR3-load exiting': 0x8000,
    'CR3-store exiting': 0x1_0000,
    'activate tertiary controls': 0x2_0000,
    'CR8-load exiting': 0x8_0000,
    'CR8-store exiting': 0x10_0000,
    'use TPR shadow': 0x20_0000,
    'NMI-window exiting': 0x40_0000,
    'MOV-DR exiting': 0x80_0000,
    'unconditional I/O exiting': 0x100_0000,
    'use I/O bitmaps': 0x200_0000,
    'monitor trap flag': 0x800_0000,
    'use MSR bitmaps': 0x1000_0000,
    'MONITOR exiting': 0x2000_0000,
    'PAUSE exiting': 0x4000_0000,
    'activate secondary controls': 0x8000_0000,
  },
  secondary: {
    'virtualize APIC accesses': 0x1,
    'enable EPT': 0x2,
    'descriptor-table exiting': 0x4,
    'enable RDTSCP': 0x8,
    'virtualize x2APIC mode': 0x10,
    'enable VPID': 0x20,
    'WBINVD exiting': 0x40,
    'unrestricted guest': 0x80,
    'APIC-register virtualization': 0x100,
    'virtual-interrupt delivery': 0x200,
    'PAUSE-loop exiting': 0x400,
    'RDRAND exiting': 0x800,
    'enable INVPCID': 0x1000,
    'enable VM functions': 0x2000,
    'VMCS shadowing': 0x4000,
    'enable ENCLS exiting': 0x8000,
    'RDSEED exiting': 0x1_0000,
    'enable PML': 0x2_0000,
    'EPT-violation #VE': 0x4_0000,
    'conceal VMX from PT': 0x8_0000,
    'enable XSAVES/XRSTORS': 0x10_0000,
    'mode-based execute control for EPT': 0x40_0000,
    'Intel PT uses guest physical addresses': 0x100_0000,
    'use TSC scaling': 0x200_0000,
    'enable user wait and pause': 0x400_0000,
    'enable ENCLV exiting': 0x1000_0000,
    'VMM bus-lock detection': 0x4000_0000,
    'instruction timeout': 0x8000_0000,
  },
  tertiary: { 'IPI virtualization': 0x10, 'APIC-timer virtualization': 0x100 },
  exit: {
    'save debug controls': 0x4,
    'host address-space size': 0x200,
    'load IA32_PERF_GLOBAL_CTRL': 0x1000,
    'acknowledge interrupt on exit': 0x8000,
    'save IA32_PAT': 0x4_0000,
    'load IA32_PAT': 0x8_0000,
    'save IA32_EFER': 0x10_0000,
    'load IA32_EFER': 0x20_0000,
    'save VMX-preemption timer value': 0x40_0000,
    'clear IA32_BNDCFGS': 0x80_0000,
    'conceal VMX from PT': 0x100_0000,
    'clear IA32_RTIT_CTL': 0x200_0000,
    'load CET state': 0x1000_0000,
  },
  'secondary exit': {},
  entry: {
    'load debug controls': 0x4,
    'IA-32e mode guest': 0x200,
    'entry to SMM': 0x400,
    'deactivate dual-monitor treatment': 0x800,
    'load IA32_PERF_GLOBAL_CTRL': 0x2000,
    'load IA32_PAT': 0x4000,
    'load IA32_EFER': 0x8000,
    'load IA32_BNDCFGS': 0x1_0000,
    'conceal VMX from PT': 0x2_0000,
    'load IA32_RTIT_CTL': 0x4_0000,
    'load CET state': 0x10_0000,
  },
  vmfunc: { 'EPTP switching': 0x1 },
};

/** The always-one values of Linux' vmx.h. */
const ALWAYS_ON = { pin: 0x16n, primary: 0x0401e172n, exit: 0x36dffn, entry: 0x11ffn };

/** Numbers from Linux' arch/x86/include/uapi/asm/vmx.h, by this table's identifiers. */
const EXIT_REASONS: Readonly<Record<string, number>> = {
  EXCEPTION_NMI: 0,
  EXTERNAL_INTERRUPT: 1,
  TRIPLE_FAULT: 2,
  INIT_SIGNAL: 3,
  SIPI: 4,
  OTHER_SMI: 6,
  INTERRUPT_WINDOW: 7,
  NMI_WINDOW: 8,
  TASK_SWITCH: 9,
  CPUID: 10,
  HLT: 12,
  INVD: 13,
  INVLPG: 14,
  RDPMC: 15,
  RDTSC: 16,
  VMCALL: 18,
  VMCLEAR: 19,
  VMLAUNCH: 20,
  VMPTRLD: 21,
  VMPTRST: 22,
  VMREAD: 23,
  VMRESUME: 24,
  VMWRITE: 25,
  VMXOFF: 26,
  VMXON: 27,
  CR_ACCESS: 28,
  DR_ACCESS: 29,
  IO_INSTRUCTION: 30,
  RDMSR: 31,
  WRMSR: 32,
  INVALID_GUEST_STATE: 33,
  MSR_LOADING: 34,
  MWAIT: 36,
  MONITOR_TRAP_FLAG: 37,
  MONITOR: 39,
  PAUSE: 40,
  MACHINE_CHECK: 41,
  TPR_BELOW_THRESHOLD: 43,
  APIC_ACCESS: 44,
  VIRTUALIZED_EOI: 45,
  GDTR_IDTR_ACCESS: 46,
  LDTR_TR_ACCESS: 47,
  EPT_VIOLATION: 48,
  EPT_MISCONFIGURATION: 49,
  INVEPT: 50,
  RDTSCP: 51,
  PREEMPTION_TIMER: 52,
  INVVPID: 53,
  WBINVD: 54,
  XSETBV: 55,
  APIC_WRITE: 56,
  RDRAND: 57,
  INVPCID: 58,
  VMFUNC: 59,
  ENCLS: 60,
  RDSEED: 61,
  PML_FULL: 62,
  XSAVES: 63,
  XRSTORS: 64,
  UMWAIT: 67,
  TPAUSE: 68,
  BUS_LOCK: 74,
  INSTRUCTION_TIMEOUT: 75,
  SEAMCALL: 76,
  TDCALL: 77,
};

/** Indices from Linux' arch/x86/include/asm/msr-index.h. */
const MSRS: Readonly<Record<string, number>> = {
  IA32_TIME_STAMP_COUNTER: 0x10,
  IA32_APIC_BASE: 0x1b,
  IA32_FEATURE_CONTROL: 0x3a,
  IA32_TSC_ADJUST: 0x3b,
  IA32_SPEC_CTRL: 0x48,
  IA32_MTRRCAP: 0xfe,
  IA32_ARCH_CAPABILITIES: 0x10a,
  IA32_SYSENTER_CS: 0x174,
  IA32_SYSENTER_ESP: 0x175,
  IA32_SYSENTER_EIP: 0x176,
  IA32_MCG_CAP: 0x179,
  IA32_MCG_STATUS: 0x17a,
  IA32_MISC_ENABLE: 0x1a0,
  IA32_DEBUGCTL: 0x1d9,
  IA32_PAT: 0x277,
  IA32_MTRR_DEF_TYPE: 0x2ff,
  IA32_PERF_GLOBAL_CTRL: 0x38f,
  IA32_VMX_BASIC: 0x480,
  IA32_VMX_MISC: 0x485,
  IA32_VMX_CR0_FIXED0: 0x486,
  IA32_VMX_CR4_FIXED1: 0x489,
  IA32_VMX_VMCS_ENUM: 0x48a,
  IA32_VMX_PROCBASED_CTLS2: 0x48b,
  IA32_VMX_EPT_VPID_CAP: 0x48c,
  IA32_VMX_TRUE_PINBASED_CTLS: 0x48d,
  IA32_VMX_TRUE_PROCBASED_CTLS: 0x48e,
  IA32_VMX_TRUE_EXIT_CTLS: 0x48f,
  IA32_VMX_TRUE_ENTRY_CTLS: 0x490,
  IA32_VMX_VMFUNC: 0x491,
  IA32_VMX_PROCBASED_CTLS3: 0x492,
  IA32_U_CET: 0x6a0,
  IA32_S_CET: 0x6a2,
  IA32_INTERRUPT_SSP_TABLE_ADDR: 0x6a8,
  IA32_TSC_DEADLINE: 0x6e0,
  IA32_BNDCFGS: 0xd90,
  IA32_XSS: 0xda0,
  IA32_EFER: 0xc0000080,
  IA32_STAR: 0xc0000081,
  IA32_LSTAR: 0xc0000082,
  IA32_CSTAR: 0xc0000083,
  IA32_FMASK: 0xc0000084,
  IA32_FS_BASE: 0xc0000100,
  IA32_GS_BASE: 0xc0000101,
  IA32_KERNEL_GS_BASE: 0xc0000102,
  IA32_TSC_AUX: 0xc0000103,
};

/** Numbers from Linux' enum vm_instruction_error_number. */
const ERRORS: Readonly<Record<string, number>> = {
  VMCALL_IN_ROOT: 1,
  VMCLEAR_ADDRESS: 2,
  VMCLEAR_VMXON: 3,
  VMLAUNCH_NOT_CLEAR: 4,
  VMRESUME_NOT_LAUNCHED: 5,
  VMRESUME_AFTER_VMXOFF: 6,
  ENTRY_CONTROLS: 7,
  ENTRY_HOST_STATE: 8,
  VMPTRLD_ADDRESS: 9,
  VMPTRLD_VMXON: 10,
  VMPTRLD_REVISION: 11,
  UNSUPPORTED_FIELD: 12,
  READ_ONLY_FIELD: 13,
  VMXON_IN_ROOT: 15,
  EXECUTIVE_POINTER: 16,
  EXECUTIVE_NOT_LAUNCHED: 17,
  EXECUTIVE_NOT_VMXON: 18,
  VMCALL_NOT_CLEAR: 19,
  VMCALL_EXIT_CONTROLS: 20,
  VMCALL_MSEG_REVISION: 22,
  VMXOFF_DUAL_MONITOR: 23,
  VMCALL_SMM_FEATURES: 24,
  EXECUTIVE_CONTROLS: 25,
  BLOCKED_BY_MOV_SS: 26,
  INVEPT_INVVPID_OPERAND: 28,
};

describe('bit layouts', () => {
  test.each(Object.entries(BIT_LAYOUTS))('%s: fields do not overlap and are named once', (_, layout) => {
    let taken = 0n;
    for (const field of layout) {
      expect(taken & fieldMask(field), field.name).toBe(0n);
      taken |= fieldMask(field);
    }
    expect(new Set(layout.map((field) => field.name)).size).toBe(layout.length);
  });

  test.each(Object.entries(QUALIFICATIONS))('qualification %s: fields do not overlap', (_, layout) => {
    let taken = 0n;
    for (const field of layout) {
      expect(taken & fieldMask(field), field.name).toBe(0n);
      taken |= fieldMask(field);
    }
  });

  test.each([
    ['cr0', 0x80000011n, 'PE, ET, PG'],
    ['cr4', 0x2020n, 'PAE, VMXE'],
    ['rflags', 0x3202n, 'always 1, IF, IOPL=3'],
    ['efer', 0x501n, 'SCE, LME, LMA'],
    ['efer', 0x1000n, 'reserved bit 12'],
    ['exception-bitmap', 0x4000n, '#PF'],
    ['pin-controls', 0x17n, 'external-interrupt exiting, always 1 (bit 1), always 1 (bit 2), always 1 (bit 4)'],
    ['interruptibility', 0n, 'none'],
    ['access-rights', 0xa09bn, 'Type=execute/read code, accessed, S=code or data, P, L, G'],
    ['access-rights', 0x8bn, 'Type=busy TSS, S=system, P'],
    ['access-rights', 0x1_0000n, 'unusable'],
  ] as const)('%s %i reads "%s"', (name, value, text) => {
    expect(describeByName(name, value).summary).toBe(text);
  });

  test('positions of bits', () => {
    expect(bitPositions(8n)).toBe('bit 3');
    expect(bitPositions(0b1110001n)).toBe('bits 0, 4–6');
    expect(bitPositions(0xffff_ffff_0000_0000n)).toBe('bits 32–63');
  });

  test('registers by name', () => {
    expect(registerLayout('cs')).toBe(BIT_LAYOUTS.selector);
    expect(registerLayout('tr.rights')).toBe(BIT_LAYOUTS['access-rights']);
    expect(registerLayout('rax')).toBeUndefined();
    expect(describeBits(registerLayout('cs') ?? [], 0x2bn).summary).toBe('RPL=3, TI=GDT, index=0x5');
  });
});

describe('controls', () => {
  test.each(Object.entries(CONTROLS))('%s: bits as in Linux', (word, expected) => {
    for (const [name, mask] of Object.entries(expected)) {
      const row = CONTROL_WORDS[word as ControlWord].bits[name];
      expect(row, name).toBeDefined();
      expect(2 ** (row?.bit ?? -1), name).toBe(mask);
    }
  });

  test.each(Object.entries(ALWAYS_ON))('%s: always-one bits as in Linux', (word, mask) => {
    expect(CONTROL_WORDS[word as ControlWord].default1).toBe(mask);
  });

  test.each(Object.keys(CONTROL_WORDS))('%s: identifiers are unique', (word) => {
    const names = Object.keys(CONTROL_WORDS[word as ControlWord].bits).map(controlIdentifier);
    expect(new Set(names).size).toBe(names.length);
    expect(controlLayout(word as ControlWord).every((bit) => bit.high < CONTROL_WORDS[word as ControlWord].width)).toBe(
      true,
    );
  });

  test('identifiers', () => {
    expect(controlIdentifier('HLT exiting')).toBe('HLT_EXITING');
    expect(controlIdentifier('EPT-violation #VE')).toBe('EPT_VIOLATION_VE');
    expect(controlIdentifier('unconditional I/O exiting')).toBe('UNCONDITIONAL_I_O_EXITING');
  });
});

describe('exit reasons', () => {
  test('numbers are unique and ascend', () => {
    const numbers = EXIT_REASON_LIST.map((row) => row.reason);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  test.each(Object.entries(EXIT_REASONS))('%s is %i, as in Linux', (identifier, reason) => {
    expect(exitReason(reason)?.identifier).toBe(identifier);
  });

  test('none of 0 to 75 is missing but those that are not defined', () => {
    const missing = Array.from({ length: 76 }, (_, reason) => reason).filter(
      (reason) => exitReason(reason) === undefined,
    );
    expect(missing).toEqual([35, 38, 42, 71]);
  });

  test('each class has reasons, and each reason one class', () => {
    const all = (Object.keys(EXIT_CLASSES) as ExitClass[]).flatMap((name) => {
      expect(exitReasonsOfClass(name).length, name).toBeGreaterThan(0);
      return exitReasonsOfClass(name);
    });
    expect(all.sort((a, b) => a - b)).toEqual(EXIT_REASON_LIST.map((row) => row.reason));
  });

  test('names', () => {
    expect(exitReasonName(48)).toBe('EPT violation');
    expect(exitReasonName(0x8000_0021)).toBe('VM-entry failure due to invalid guest state');
    expect(exitReasonName(999)).toBe('exit reason 999');
  });

  test.each([
    [28, 0x103n, 0, 'CR3 ← RCX'],
    [28, 0x214n, 0, 'RDX ← CR4'],
    [28, 0x20n, 0, 'CLTS'],
    [28, 0x000b_0070n, 0, 'LMSW 0xb (memory operand)'],
    [29, 0x907n, 0, 'DR7 ← R9'],
    [29, 0x16n, 0, 'RAX ← DR6'],
    [30, 0x03f8_0000n, 0, 'OUT 1 byte to port 0x3f8 (DX)'],
    [30, 0x0060_004bn, 0, 'IN 4 bytes from port 0x60 (immediate)'],
    [30, 0x01f0_0039n, 0, 'REP string IN 2 bytes from port 0x1f0 (DX)'],
    [48, 0x182n, 0, 'write of a page that is not present'],
    [48, 0x1aan, 0, 'write of a page that is readable, executable'],
    [48, 0x83n, 0, 'read and write of a paging structure on a page that is not present'],
    [9, 0xc000_0028n, 0, 'selector=0x28, source=task gate in the IDT'],
    [0, 0xdead_b000n, 0x8000_0b0e, 'linear address 0xdeadb000'],
    [0, 0x4001n, 0x8000_0301, 'B0, BS'],
    [0, 0n, 0x8000_0202, ''],
    [14, 0x1000n, 0, 'linear address 0x1000'],
    [33, 4n, 0, 'cause=VMCS link pointer'],
    [34, 3n, 0, 'entry 3 of the MSR-load area'],
    [10, 0n, 0, ''],
    [44, 0x1080n, 0, 'offset=0x80, access=linear, data write'],
  ] as const)('qualification of reason %i, %i (%i) reads "%s"', (reason, qualification, info, text) => {
    expect(describeQualification(reason, qualification, info)).toBe(text);
  });
});

describe('events', () => {
  test.each([
    [0n, 'none'],
    [0x8000_0020n, 'external interrupt 0x20'],
    [0x8000_0202n, 'NMI'],
    [0x8000_0b0en, '#PF (hardware exception), deliver error code'],
    [0x8000_0480n, 'software interrupt 0x80'],
    [0x8000_0603n, '#BP (software exception)'],
    [0x8000_0501n, '#DB (privileged software exception)'],
    [0x8000_0700n, 'pending MTF VM exit'],
  ])('injection %i reads "%s"', (value, text) => {
    expect(describeInterruption(ENTRY_INTERRUPTION_INFORMATION, value)).toBe(text);
  });

  test('NMI unblocking', () => {
    expect(describeInterruption(EXIT_INTERRUPTION_INFORMATION, 0x8000_1b0en)).toBe(
      '#PF (hardware exception), error code valid, NMI unblocking due to IRET',
    );
  });

  test('vectors', () => {
    expect(vectorName(13)).toBe('#GP');
    expect(vectorName(15)).toBe('vector 15');
    const vectors = Object.values(EXCEPTIONS).map((row) => row.vector);
    expect(new Set(vectors).size).toBe(vectors.length);
  });

  test('the double-fault classes', () => {
    const contributory = Object.values(EXCEPTIONS)
      .filter((row) => row.class === 'contributory')
      .map((row) => row.vector);
    expect(contributory).toEqual([0, 10, 11, 12, 13, 21]);
  });

  test('exceptions with error codes', () => {
    const withCode = Object.values(EXCEPTIONS)
      .filter((row) => row.error !== 'none')
      .map((row) => row.vector);
    expect(withCode).toEqual([8, 10, 11, 12, 13, 14, 17, 21]);
  });
});

describe('VM-instruction errors', () => {
  test.each(Object.entries(ERRORS))('%s is %i, as in Linux', (name, number) => {
    expect(VM_INSTRUCTION_ERRORS[name as keyof typeof VM_INSTRUCTION_ERRORS].number).toBe(number);
    expect(vmInstructionError(number)?.text).not.toBe('');
  });

  test('nothing else is defined', () => {
    expect(Object.keys(VM_INSTRUCTION_ERRORS).sort()).toEqual(Object.keys(ERRORS).sort());
    expect(vmInstructionError(14)).toBeUndefined();
  });
});

describe('MSRs', () => {
  test('indices are unique', () => {
    expect(new Set(MSR_LIST.map((row) => row.index)).size).toBe(MSR_LIST.length);
  });

  test.each(Object.entries(MSRS))('%s is %i, as in Linux', (name, index) => {
    expect(msrByName(name.toLowerCase())?.index).toBe(index);
    expect(msrByIndex(index)?.name).toBe(name);
  });
});
