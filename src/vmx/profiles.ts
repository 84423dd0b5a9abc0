// The processors that a machine can have: what each offers in VMX operation and beside it. Every one is restricted to what
// this machine simulates. Sources: SDM "VMX Capability Reporting Facility"; what the named generations introduced.

import type { ControlNames } from '../spec/controls.ts';
import type { CapabilityProfile } from './capabilities.ts';

/** A recent server processor, restricted to what this machine simulates. The default. */
export const RECENT_SERVER: CapabilityProfile = {
  name: 'recent-server',
  title: 'Recent server',
  controls: {
    pin: ['external-interrupt exiting', 'NMI exiting', 'virtual NMIs', 'activate VMX-preemption timer'],
    primary: [
      'interrupt-window exiting',
      'use TSC offsetting',
      'HLT exiting',
      'INVLPG exiting',
      'MWAIT exiting',
      'RDPMC exiting',
      'RDTSC exiting',
      'CR3-load exiting',
      'CR3-store exiting',
      'CR8-load exiting',
      'CR8-store exiting',
      'use TPR shadow',
      'NMI-window exiting',
      'MOV-DR exiting',
      'unconditional I/O exiting',
      'use I/O bitmaps',
      'monitor trap flag',
      'use MSR bitmaps',
      'MONITOR exiting',
      'PAUSE exiting',
      'activate secondary controls',
    ],
    secondary: [
      'enable EPT',
      'descriptor-table exiting',
      'enable RDTSCP',
      'enable VPID',
      'WBINVD exiting',
      'unrestricted guest',
      'PAUSE-loop exiting',
      'RDRAND exiting',
      'enable INVPCID',
      'enable VM functions',
      'RDSEED exiting',
      'use TSC scaling',
    ],
    tertiary: [],
    exit: [
      'save debug controls',
      'host address-space size',
      'load IA32_PERF_GLOBAL_CTRL',
      'acknowledge interrupt on exit',
      'save IA32_PAT',
      'load IA32_PAT',
      'save IA32_EFER',
      'load IA32_EFER',
      'save VMX-preemption timer value',
    ],
    'secondary exit': [],
    entry: [
      'load debug controls',
      'IA-32e mode guest',
      'load IA32_PERF_GLOBAL_CTRL',
      'load IA32_PAT',
      'load IA32_EFER',
    ],
    vmfunc: ['EPTP switching'],
  },
  basic: ['INS/OUTS information', 'TRUE controls'],
  misc: ['LMA stored', 'HLT', 'shutdown', 'wait-for-SIPI', 'write all fields', 'length 0'],
  eptVpid: [
    'execute-only',
    'walk length 4',
    'walk length 5',
    'UC structures',
    'WB structures',
    '2-MByte pages',
    '1-GByte pages',
    'INVEPT',
    'accessed and dirty flags',
    'INVEPT single-context',
    'INVEPT all-context',
    'INVVPID',
    'INVVPID individual-address',
    'INVVPID single-context',
    'INVVPID all-context',
    'INVVPID retaining globals',
  ],
  preemptionTimerRate: 5,
  cr3Targets: 4,
  cr0Fixed0: ['PE', 'NE', 'PG'],
  cr0Fixed1: 0xffff_ffffn,
  cr4Fixed0: ['VMXE'],
  cr4Fixed1: [
    'VME',
    'PVI',
    'TSD',
    'DE',
    'PSE',
    'PAE',
    'MCE',
    'PGE',
    'PCE',
    'UMIP',
    'LA57',
    'VMXE',
    'FSGSBASE',
    'PCIDE',
    'SMEP',
    'SMAP',
    'PKE',
  ],
  features: [],
  msrBits: { efer: 0xd01n, debugctl: 0x3n, perfGlobalCtrl: 0n, bndcfgs: 0n, sCet: 0n, specCtrl: 0n },
  vmx: 'ready',
  signature: 0x606a6,
  hidden: [],
};

/** All but the named. */
function except<T extends string>(names: readonly T[], ...gone: readonly T[]): readonly T[] {
  return names.filter((name) => !gone.includes(name));
}

/** A processor with EPT accessed and dirty flags, VMFUNC and VMCS shadowing, without what came later. */
const HASWELL: CapabilityProfile = {
  ...RECENT_SERVER,
  name: 'haswell',
  title: 'Haswell-like: EPT and unrestricted guest, no APIC-register virtualization, no PML, no TSC scaling',
  controls: {
    ...RECENT_SERVER.controls,
    pin: except<ControlNames['pin']>(RECENT_SERVER.controls.pin, 'process posted interrupts'),
    primary: except<ControlNames['primary']>(RECENT_SERVER.controls.primary, 'activate tertiary controls'),
    secondary: except<ControlNames['secondary']>(
      RECENT_SERVER.controls.secondary,
      'APIC-register virtualization',
      'virtual-interrupt delivery',
      'RDSEED exiting',
      'enable PML',
      'EPT-violation #VE',
      'conceal VMX from PT',
      'enable XSAVES/XRSTORS',
      'mode-based execute control for EPT',
      'use TSC scaling',
      'enable user wait and pause',
    ),
    tertiary: [],
    exit: except<ControlNames['exit']>(
      RECENT_SERVER.controls.exit,
      'conceal VMX from PT',
      'load PKRS',
      'activate secondary controls',
    ),
    'secondary exit': [],
    entry: except<ControlNames['entry']>(
      RECENT_SERVER.controls.entry,
      'conceal VMX from PT',
      'load PKRS',
      'load IA32_SPEC_CTRL',
    ),
  },
  eptVpid: except(RECENT_SERVER.eptVpid, 'walk length 5', 'advanced information'),
  cr4Fixed1: except(RECENT_SERVER.cr4Fixed1, 'UMIP', 'LA57', 'SMAP', 'PKE', 'PKS'),
  msrBits: { ...RECENT_SERVER.msrBits, specCtrl: 0n },
  signature: 0x306c3,
  hidden: ['RDSEED', 'ADX', 'CLFLUSHOPT', 'CLWB', 'RDPID', 'MOVDIRI', 'WAITPKG', 'FSRM', 'IBRS', 'STIBP', 'SSBD'],
};

/** The first generation with EPT and VPID. */
const NEHALEM: CapabilityProfile = {
  ...HASWELL,
  name: 'nehalem',
  title: 'Nehalem-like: EPT without unrestricted guest',
  controls: {
    ...HASWELL.controls,
    secondary: except<ControlNames['secondary']>(
      HASWELL.controls.secondary,
      'unrestricted guest',
      'PAUSE-loop exiting',
      'RDRAND exiting',
      'enable INVPCID',
      'enable VM functions',
      'VMCS shadowing',
    ),
    vmfunc: [],
  },
  misc: except(HASWELL.misc, 'LMA stored', 'write all fields', 'length 0'),
  eptVpid: except(HASWELL.eptVpid, 'accessed and dirty flags', '1-GByte pages'),
  cr4Fixed1: except(HASWELL.cr4Fixed1, 'FSGSBASE', 'PCIDE', 'SMEP'),
  signature: 0x106a5,
  hidden: [
    ...HASWELL.hidden,
    'x2APIC',
    'MOVBE',
    'TSC-deadline',
    'RDRAND',
    'BMI1',
    'BMI2',
    'ERMS',
    'INVPCID',
    'FCS_FDS',
    'IA32_TSC_ADJUST',
    'LZCNT',
    'PREFETCHW',
    'Page1GB',
  ],
};

/** Before EPT: no TRUE capability MSRs, no VPID, no VMX-preemption timer, no loads of IA32_PAT and IA32_EFER. */
const PENRYN: CapabilityProfile = {
  ...NEHALEM,
  name: 'penryn',
  title: 'Penryn-like: no EPT, no unrestricted guest, no VPID, no TRUE capability MSRs',
  controls: {
    ...NEHALEM.controls,
    pin: except<ControlNames['pin']>(NEHALEM.controls.pin, 'activate VMX-preemption timer'),
    primary: except<ControlNames['primary']>(NEHALEM.controls.primary, 'monitor trap flag'),
    secondary: ['virtualize APIC accesses', 'WBINVD exiting'],
    exit: [
      'save debug controls',
      'host address-space size',
      'load IA32_PERF_GLOBAL_CTRL',
      'acknowledge interrupt on exit',
    ],
    entry: ['load debug controls', 'IA-32e mode guest', 'load IA32_PERF_GLOBAL_CTRL'],
  },
  basic: except(NEHALEM.basic, 'TRUE controls'),
  eptVpid: [],
  signature: 0x10676,
  hidden: [...NEHALEM.hidden, 'POPCNT', 'RDTSCP'],
};

const NO_VMX: CapabilityProfile = {
  ...RECENT_SERVER,
  name: 'no-vmx',
  title: 'No VMX: CPUID does not report it, CR4.VMXE is reserved, VMXON is #UD',
  vmx: 'absent',
};

const LOCKED_OFF: CapabilityProfile = {
  ...RECENT_SERVER,
  name: 'vmx-locked-off',
  title: 'VMX locked off by firmware: IA32_FEATURE_CONTROL is locked without the enable bit, VMXON is #GP(0)',
  vmx: 'locked-off',
};

const UNLOCKED: CapabilityProfile = {
  ...RECENT_SERVER,
  name: 'vmx-unlocked',
  title: 'VMX left to software: IA32_FEATURE_CONTROL is 0, VMXON is #GP(0) until it is enabled and locked',
  vmx: 'unlocked',
};

/** Every profile, the default first. */
export const PROFILES: readonly CapabilityProfile[] = [
  RECENT_SERVER,
  HASWELL,
  NEHALEM,
  PENRYN,
  NO_VMX,
  LOCKED_OFF,
  UNLOCKED,
];
