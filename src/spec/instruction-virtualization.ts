// The virtualization face of instructions: who may execute them, whether they are sensitive in the sense of Popek and
// Goldberg, and when they exit from VMX non-root operation. Source: SDM "Instructions That Cause VM Exits
// Unconditionally", "Instructions That Cause VM Exits Conditionally", "Changes to Instruction Behavior in VMX Non-Root
// Operation".

import type { ControlNames, ControlWord } from './controls.ts';

/** A control that must be 1 (or 0) for the exit. */
export type ExitControl = {
  readonly [W in ControlWord]: { readonly word: W; readonly name: ControlNames[W]; readonly value?: 0 };
}[ControlWord];

export interface ExitRule {
  readonly controls?: readonly ExitControl[];
  /** What else decides: a bitmap, a mask, an operand. */
  readonly when?: string;
}

export interface Sensitivity {
  readonly kind: 'control' | 'behaviour';
  readonly why: string;
}

export interface VirtualizationRow {
  /** Absent: any CPL. */
  readonly privilege?: string;
  /** Absent: innocuous. `control`: it changes or could change the machine; `behaviour`: its result shows the real machine. */
  readonly sensitive?: Sensitivity;
  /** `always`: exits unconditionally. Several rules: any of them suffices. Absent: never by itself. */
  readonly exits?: 'always' | readonly ExitRule[];
  /** Behaviour in VMX non-root operation that differs otherwise. */
  readonly note?: string;
}

const CPL0 = 'CPL 0; otherwise #GP(0)';
const IOPL = 'CPL ≤ IOPL, or the I/O permission bitmap of the TSS allows the port; otherwise #GP(0)';
const control = (why: string): Sensitivity => ({ kind: 'control', why });
const behaviour = (why: string): Sensitivity => ({ kind: 'behaviour', why });
const primary = (name: ControlNames['primary'], when?: string): ExitRule =>
  when === undefined ? { controls: [{ word: 'primary', name }] } : { controls: [{ word: 'primary', name }], when };
const secondary = (name: ControlNames['secondary'], when?: string): ExitRule =>
  when === undefined ? { controls: [{ word: 'secondary', name }] } : { controls: [{ word: 'secondary', name }], when };

const VMX_INSTRUCTION: VirtualizationRow = {
  privilege: CPL0,
  sensitive: control('it works on the VMX state of the processor'),
  exits: 'always',
  note: 'In a guest it exits at any CPL: the test for VMX non-root operation comes before that of the CPL. A hypervisor that emulates it tests the CPL itself.',
};
const IO: VirtualizationRow = {
  privilege: IOPL,
  sensitive: control('it reaches devices'),
  exits: [
    {
      controls: [{ word: 'primary', name: 'use I/O bitmaps' }],
      when: 'the bit of a port in I/O bitmap A or B is 1, or the access wraps around port FFFFH',
    },
    {
      controls: [
        { word: 'primary', name: 'unconditional I/O exiting' },
        { word: 'primary', name: 'use I/O bitmaps', value: 0 },
      ],
    },
  ],
};
const LOAD_TABLE: VirtualizationRow = {
  privilege: CPL0,
  sensitive: control('it replaces a descriptor table or the task'),
  exits: [secondary('descriptor-table exiting')],
};
const STORE_TABLE: VirtualizationRow = {
  privilege: 'any CPL, unless CR4.UMIP = 1: then CPL 0, otherwise #GP(0)',
  sensitive: behaviour('it shows the real descriptor table and does not trap without UMIP'),
  exits: [secondary('descriptor-table exiting')],
};
const LOAD_SEGMENT: VirtualizationRow = { sensitive: control('it loads a real descriptor, and does not trap') };
const MSR_LIST: VirtualizationRow = {
  privilege: CPL0,
  sensitive: behaviour('it reads the real registers'),
  exits: [
    {
      controls: [
        { word: 'tertiary', name: 'enable MSR-list instructions' },
        { word: 'primary', name: 'use MSR bitmaps', value: 0 },
      ],
    },
    {
      controls: [{ word: 'tertiary', name: 'enable MSR-list instructions' }],
      when: 'the bitmaps say so for an MSR of the list, as for RDMSR and WRMSR',
    },
  ],
  note: '#UD when "enable MSR-list instructions" is 0.',
};
const SEGMENT_CHECK: VirtualizationRow = {
  sensitive: behaviour('its answer depends on the real CPL and the real descriptors, and it does not trap'),
};
const LEAVES = (name: ControlNames['secondary'], bitmap: string, why: string): VirtualizationRow => ({
  privilege: CPL0,
  sensitive: control(why),
  exits: [secondary(name, `the bit of the leaf in EAX (bit 63 for leaves from 63 on) is 1 in the ${bitmap}`)],
});

/** By mnemonic in lower case; instructions with several faces by operands have rows such as `mov to cr3`. */
export const VIRTUALIZATION = {
  cpuid: { sensitive: behaviour('it describes the real processor'), exits: 'always' },
  getsec: { privilege: CPL0, sensitive: control('it changes the measured environment'), exits: 'always' },
  invd: { privilege: CPL0, sensitive: control('it throws cached data away'), exits: 'always' },
  xsetbv: { privilege: CPL0, sensitive: control('it enables processor state'), exits: 'always' },
  invept: VMX_INSTRUCTION,
  invvpid: VMX_INSTRUCTION,
  vmcall: { sensitive: control('it calls the hypervisor'), exits: 'always', note: 'Exits at any CPL.' },
  vmclear: VMX_INSTRUCTION,
  vmlaunch: VMX_INSTRUCTION,
  vmptrld: VMX_INSTRUCTION,
  vmptrst: VMX_INSTRUCTION,
  vmresume: VMX_INSTRUCTION,
  vmxoff: VMX_INSTRUCTION,
  vmxon: VMX_INSTRUCTION,
  vmread: {
    ...VMX_INSTRUCTION,
    exits: [
      { controls: [{ word: 'secondary', name: 'VMCS shadowing', value: 0 }] },
      secondary(
        'VMCS shadowing',
        'the bit of the field in the VMREAD bitmap is 1, or bits above 14 of the encoding are not 0',
      ),
    ],
  },
  vmwrite: {
    ...VMX_INSTRUCTION,
    exits: [
      { controls: [{ word: 'secondary', name: 'VMCS shadowing', value: 0 }] },
      secondary(
        'VMCS shadowing',
        'the bit of the field in the VMWRITE bitmap is 1, or bits above 14 of the encoding are not 0',
      ),
    ],
  },
  vmfunc: {
    sensitive: control('it changes the EPTP'),
    exits: [secondary('enable VM functions', 'the function in EAX is not enabled, or its arguments are not valid')],
    note: '#UD when "enable VM functions" is 0.',
  },
  clts: {
    privilege: CPL0,
    sensitive: control('it changes CR0'),
    exits: [{ when: 'bit 3 (TS) is 1 in both the CR0 guest/host mask and the CR0 read shadow' }],
  },
  lmsw: {
    privilege: CPL0,
    sensitive: control('it changes CR0'),
    exits: [
      {
        when: 'it would set PE to 1 where the mask owns PE and its shadow is 0, or change MP, EM or TS owned by the mask to a value other than the shadow',
      },
    ],
  },
  smsw: {
    privilege: 'any CPL, unless CR4.UMIP = 1: then CPL 0, otherwise #GP(0)',
    sensitive: behaviour('it reads CR0 without trapping'),
    note: 'Never exits: bits owned by the CR0 guest/host mask are read from the CR0 read shadow.',
  },
  hlt: { privilege: CPL0, sensitive: control('it stops the processor'), exits: [primary('HLT exiting')] },
  in: IO,
  out: IO,
  ins: IO,
  insb: IO,
  insw: IO,
  insd: IO,
  outs: IO,
  outsb: IO,
  outsw: IO,
  outsd: IO,
  invlpg: { privilege: CPL0, sensitive: control('it changes the TLB'), exits: [primary('INVLPG exiting')] },
  invpcid: {
    privilege: CPL0,
    sensitive: control('it changes the TLB'),
    exits: [
      {
        controls: [
          { word: 'primary', name: 'INVLPG exiting' },
          { word: 'secondary', name: 'enable INVPCID' },
        ],
      },
    ],
    note: '#UD when "enable INVPCID" is 0.',
  },
  lgdt: LOAD_TABLE,
  lidt: LOAD_TABLE,
  lldt: LOAD_TABLE,
  ltr: LOAD_TABLE,
  sgdt: STORE_TABLE,
  sidt: STORE_TABLE,
  sldt: STORE_TABLE,
  str: STORE_TABLE,
  lar: SEGMENT_CHECK,
  lsl: SEGMENT_CHECK,
  verr: SEGMENT_CHECK,
  verw: SEGMENT_CHECK,
  monitor: {
    privilege: 'CPL 0; otherwise #UD',
    sensitive: control('it arms the monitor'),
    exits: [primary('MONITOR exiting')],
  },
  mwait: {
    privilege: 'CPL 0; otherwise #UD',
    sensitive: control('it stops the processor'),
    exits: [primary('MWAIT exiting')],
  },
  pause: {
    exits: [primary('PAUSE exiting'), secondary('PAUSE-loop exiting', 'at CPL 0, in a loop longer than PLE_Window')],
  },
  rdmsr: {
    privilege: CPL0,
    sensitive: behaviour('it reads the real registers'),
    exits: [
      { controls: [{ word: 'primary', name: 'use MSR bitmaps', value: 0 }] },
      primary('use MSR bitmaps', 'the bit of the MSR in ECX is 1 in the read bitmap, or the MSR is in neither range'),
    ],
  },
  wrmsr: {
    privilege: CPL0,
    sensitive: control('it writes the real registers'),
    exits: [
      { controls: [{ word: 'primary', name: 'use MSR bitmaps', value: 0 }] },
      primary('use MSR bitmaps', 'the bit of the MSR in ECX is 1 in the write bitmap, or the MSR is in neither range'),
    ],
  },
  rdpmc: {
    privilege: 'CPL 0, or any CPL when CR4.PCE = 1; otherwise #GP(0)',
    sensitive: behaviour('it reads the real counters'),
    exits: [primary('RDPMC exiting')],
  },
  rdrand: { exits: [secondary('RDRAND exiting')] },
  rdseed: { exits: [secondary('RDSEED exiting')] },
  rdtsc: {
    privilege: 'any CPL, unless CR4.TSD = 1: then CPL 0, otherwise #GP(0)',
    sensitive: behaviour('it reads the real time'),
    exits: [primary('RDTSC exiting')],
    note: 'Without the exit, the TSC offset and multiplier apply when their controls are 1.',
  },
  rdtscp: {
    privilege: 'any CPL, unless CR4.TSD = 1: then CPL 0, otherwise #GP(0)',
    sensitive: behaviour('it reads the real time and IA32_TSC_AUX'),
    exits: [
      {
        controls: [
          { word: 'secondary', name: 'enable RDTSCP' },
          { word: 'primary', name: 'RDTSC exiting' },
        ],
      },
    ],
    note: '#UD when "enable RDTSCP" is 0.',
  },
  rsm: {
    privilege: 'system-management mode; otherwise #UD',
    sensitive: control('it leaves system-management mode'),
    exits: [{ when: 'executed in system-management mode' }],
  },
  tpause: {
    exits: [
      {
        controls: [
          { word: 'secondary', name: 'enable user wait and pause' },
          { word: 'primary', name: 'RDTSC exiting' },
        ],
      },
    ],
    note: '#UD when "enable user wait and pause" is 0.',
  },
  umwait: {
    exits: [
      {
        controls: [
          { word: 'secondary', name: 'enable user wait and pause' },
          { word: 'primary', name: 'RDTSC exiting' },
        ],
      },
    ],
    note: '#UD when "enable user wait and pause" is 0.',
  },
  wbinvd: { privilege: CPL0, sensitive: control('it acts on the real caches'), exits: [secondary('WBINVD exiting')] },
  wbnoinvd: { privilege: CPL0, sensitive: control('it acts on the real caches'), exits: [secondary('WBINVD exiting')] },
  xsaves: {
    privilege: CPL0,
    sensitive: behaviour('it stores supervisor state'),
    exits: [
      secondary('enable XSAVES/XRSTORS', 'a component is selected in EDX:EAX, IA32_XSS and the XSS-exiting bitmap'),
    ],
    note: '#UD when "enable XSAVES/XRSTORS" is 0.',
  },
  xrstors: {
    privilege: CPL0,
    sensitive: control('it loads supervisor state'),
    exits: [
      secondary('enable XSAVES/XRSTORS', 'a component is selected in EDX:EAX, IA32_XSS and the XSS-exiting bitmap'),
    ],
    note: '#UD when "enable XSAVES/XRSTORS" is 0.',
  },
  encls: LEAVES('enable ENCLS exiting', 'ENCLS-exiting bitmap', 'it manages enclaves'),
  enclv: LEAVES('enable ENCLV exiting', 'ENCLV-exiting bitmap', 'it manages enclaves of guests'),
  pconfig: {
    ...LEAVES('enable PCONFIG', 'PCONFIG-exiting bitmap', 'it configures the platform'),
    note: '#UD when "enable PCONFIG" is 0.',
  },
  loadiwkey: {
    privilege: CPL0,
    sensitive: control('it replaces the wrapping key'),
    exits: [{ controls: [{ word: 'tertiary', name: 'LOADIWKEY exiting' }] }],
  },
  pushfw: { sensitive: behaviour('it shows IF and IOPL without trapping') },
  popfw: { sensitive: control('without privilege, IF and IOPL silently keep their values, and nothing traps') },
  pushf: { sensitive: behaviour('it shows IF and IOPL without trapping') },
  pushfd: { sensitive: behaviour('it shows IF and IOPL without trapping') },
  pushfq: { sensitive: behaviour('it shows IF and IOPL without trapping') },
  popf: { sensitive: control('without privilege, IF and IOPL silently keep their values, and nothing traps') },
  popfd: { sensitive: control('without privilege, IF and IOPL silently keep their values, and nothing traps') },
  popfq: { sensitive: control('without privilege, IF and IOPL silently keep their values, and nothing traps') },
  cli: {
    privilege: 'CPL ≤ IOPL, or virtual interrupts (CR4.PVI, CR4.VME); otherwise #GP(0)',
    sensitive: control('it masks interrupts'),
  },
  sti: {
    privilege: 'CPL ≤ IOPL, or virtual interrupts (CR4.PVI, CR4.VME); otherwise #GP(0)',
    sensitive: control('it unmasks interrupts'),
    note: 'With "interrupt-window exiting", the guest exits once interrupts can be delivered.',
  },
  iretw: {
    sensitive: control('it changes CPL, IF and IOPL'),
    exits: [{ when: 'it would switch tasks (NT = 1)' }],
    note: 'Ends virtual-NMI blocking when "virtual NMIs" is 1.',
  },
  iret: {
    sensitive: control('it changes CPL, IF and IOPL'),
    exits: [{ when: 'it would switch tasks (NT = 1)' }],
    note: 'Ends virtual-NMI blocking when "virtual NMIs" is 1.',
  },
  iretd: {
    sensitive: control('it changes CPL, IF and IOPL'),
    exits: [{ when: 'it would switch tasks (NT = 1)' }],
    note: 'Ends virtual-NMI blocking when "virtual NMIs" is 1.',
  },
  iretq: {
    sensitive: control('it changes CPL, IF and IOPL'),
    note: 'Ends virtual-NMI blocking when "virtual NMIs" is 1.',
  },
  int: {
    sensitive: control('it goes through the real descriptor tables'),
    exits: [{ when: 'the gate is a task gate' }],
  },
  lds: LOAD_SEGMENT,
  les: LOAD_SEGMENT,
  lfs: LOAD_SEGMENT,
  lgs: LOAD_SEGMENT,
  lss: LOAD_SEGMENT,
  int1: { exits: [{ when: 'bit 1 (#DB) of the exception bitmap is 1' }] },
  int3: { exits: [{ when: 'bit 3 (#BP) of the exception bitmap is 1' }] },
  into: { exits: [{ when: 'OF = 1 and bit 4 (#OF) of the exception bitmap is 1' }] },
  bound: { exits: [{ when: 'the index is out of range and bit 5 (#BR) of the exception bitmap is 1' }] },
  ud0: { exits: [{ when: 'bit 6 (#UD) of the exception bitmap is 1' }] },
  ud1: { exits: [{ when: 'bit 6 (#UD) of the exception bitmap is 1' }] },
  ud2: { exits: [{ when: 'bit 6 (#UD) of the exception bitmap is 1' }] },
  swapgs: { privilege: CPL0, sensitive: control('it exchanges the base of GS') },
  sysret: { privilege: CPL0, sensitive: control('it changes CPL') },
  sysretq: { privilege: CPL0, sensitive: control('it changes CPL') },
  sysexit: { privilege: CPL0, sensitive: control('it changes CPL') },
  sysexitq: { privilege: CPL0, sensitive: control('it changes CPL') },
  syscall: { sensitive: control('it changes CPL') },
  sysenter: { sensitive: control('it changes CPL') },
  clac: { privilege: 'CPL 0; otherwise #UD', sensitive: control('it changes what the supervisor may access') },
  stac: { privilege: 'CPL 0; otherwise #UD', sensitive: control('it changes what the supervisor may access') },
  rdmsrlist: MSR_LIST,
  wrmsrlist: { ...MSR_LIST, sensitive: control('it writes the real registers') },
  wrmsrns: {
    privilege: CPL0,
    sensitive: control('it writes the real registers'),
    exits: [
      { controls: [{ word: 'primary', name: 'use MSR bitmaps', value: 0 }] },
      primary('use MSR bitmaps', 'the bit of the MSR in ECX is 1 in the write bitmap, or the MSR is in neither range'),
    ],
  },
  seamcall: { privilege: CPL0, sensitive: control('it calls the SEAM module'), exits: 'always' },
  tdcall: { privilege: CPL0, sensitive: control('it calls the SEAM module'), exits: 'always' },
  rdpid: { sensitive: behaviour('it reads the real IA32_TSC_AUX'), note: '#UD when "enable RDTSCP" is 0.' },
  xgetbv: { sensitive: behaviour('it shows the real XCR0'), note: '#UD when CR4.OSXSAVE = 0.' },
  wrfsbase: { sensitive: control('it changes the base of FS'), note: '#UD when CR4.FSGSBASE = 0.' },
  wrgsbase: { sensitive: control('it changes the base of GS'), note: '#UD when CR4.FSGSBASE = 0.' },
  umonitor: { note: '#UD when "enable user wait and pause" is 0.' },
  rdfsbase: { sensitive: behaviour('it shows the base of FS'), note: '#UD when CR4.FSGSBASE = 0.' },
  rdgsbase: { sensitive: behaviour('it shows the base of GS'), note: '#UD when CR4.FSGSBASE = 0.' },
  'mov to cr0': {
    privilege: CPL0,
    sensitive: control('it changes the mode of the processor'),
    exits: [{ when: 'a bit owned by the CR0 guest/host mask would differ from the CR0 read shadow' }],
    note: 'Bits that CR0_FIXED0 and CR0_FIXED1 fix cannot change without the mask (PE and PG can with "unrestricted guest"): #GP(0).',
  },
  'mov from cr0': {
    privilege: CPL0,
    sensitive: behaviour('it shows the mode of the processor'),
    note: 'Never exits: bits owned by the CR0 guest/host mask are read from the CR0 read shadow.',
  },
  'mov to cr3': {
    privilege: CPL0,
    sensitive: control('it changes the address space'),
    exits: [primary('CR3-load exiting', 'the value is none of the CR3-target values')],
  },
  'mov from cr3': {
    privilege: CPL0,
    sensitive: behaviour('it shows the real address space'),
    exits: [primary('CR3-store exiting')],
  },
  'mov to cr4': {
    privilege: CPL0,
    sensitive: control('it changes the mode of the processor'),
    exits: [{ when: 'a bit owned by the CR4 guest/host mask would differ from the CR4 read shadow' }],
    note: 'Bits that CR4_FIXED0 and CR4_FIXED1 fix cannot change without the mask: #GP(0).',
  },
  'mov from cr4': {
    privilege: CPL0,
    sensitive: behaviour('it shows the mode of the processor'),
    note: 'Never exits: bits owned by the CR4 guest/host mask are read from the CR4 read shadow.',
  },
  'mov to cr8': {
    privilege: CPL0,
    sensitive: control('it changes the task priority'),
    exits: [primary('CR8-load exiting')],
    note: 'With "use TPR shadow" and without the exit it writes VTPR in the virtual-APIC page, and exits after that if the priority is below the TPR threshold.',
  },
  'mov from cr8': {
    privilege: CPL0,
    sensitive: behaviour('it shows the task priority'),
    exits: [primary('CR8-store exiting')],
    note: 'With "use TPR shadow" and without the exit it reads VTPR in the virtual-APIC page.',
  },
  'mov cr2': { privilege: CPL0, sensitive: control('CR2 belongs to the page-fault handler') },
  'mov dr': {
    privilege: CPL0,
    sensitive: control('it reads or changes the real debug registers'),
    exits: [primary('MOV-DR exiting')],
  },
  'mov from sreg': { sensitive: behaviour('it shows the real CPL and selector, and does not trap') },
  'mov to sreg': { sensitive: control('it loads a real descriptor') },
  'push sreg': { sensitive: behaviour('it shows the real selector, and does not trap') },
  'pop sreg': { sensitive: control('it loads a real descriptor, and does not trap') },
  'far jump': {
    sensitive: control('it goes through the real descriptor tables'),
    exits: [{ when: 'the target is a TSS or task gate (task switch)' }],
  },
} as const satisfies Record<string, VirtualizationRow>;

export type VirtualizationKey = keyof typeof VIRTUALIZATION;

/** The row of an instruction or face, or undefined. */
export function virtualizationOf(key: string): VirtualizationRow | undefined {
  return (VIRTUALIZATION as Readonly<Record<string, VirtualizationRow>>)[key];
}
