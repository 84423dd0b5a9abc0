// For each check of the controls: an edit of the smallest VMCS that breaks just that rule, and edits at the edge that pass.

import type { VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import type { Edit } from './fixture.ts';

export interface Case extends Edit {
  readonly id: string;
  /** Checks that cannot but fail with it. */
  readonly also?: readonly string[];
}

export interface Edge extends Edit {
  readonly about: string;
}

const BEYOND = 1n << 39n;
const LAST_PAGE = BEYOND - 0x1000n;

/** Misaligned, and beyond the physical-address width. */
function address(id: string, field: VmcsFieldName, edit: Edit, alignment = 0x1000n): Case[] {
  return [
    { ...edit, id: `${id}-alignment`, set: { ...edit.set, [field]: alignment / 2n } },
    { ...edit, id: `${id}-width`, set: { ...edit.set, [field]: BEYOND } },
  ];
}

function area(id: string, addressField: VmcsFieldName, count: VmcsFieldName): Case[] {
  return [
    { id: `${id}-alignment`, set: { [addressField]: 0x2008n, [count]: 1n } },
    { id: `${id}-width`, set: { [addressField]: BEYOND, [count]: 1n }, also: [`${id}-end`] },
    { id: `${id}-end`, set: { [addressField]: BEYOND - 0x10n, [count]: 2n } },
  ];
}

const EPT: Edit = { on: { secondary: ['enable EPT'] }, set: { 'EPT pointer (EPTP)': 0x1000_001en } };
const tprShadow: Edit = { on: { primary: ['use TPR shadow'] }, set: { 'Virtual-APIC address': 0x7000n } };
const virtualInterrupts: Edit = {
  on: {
    pin: ['external-interrupt exiting'],
    primary: ['use TPR shadow'],
    secondary: ['virtual-interrupt delivery'],
  },
  set: { 'Virtual-APIC address': 0x7000n },
};
const posted: Edit = {
  on: {
    ...virtualInterrupts.on,
    pin: ['external-interrupt exiting', 'process posted interrupts'],
    exit: ['acknowledge interrupt on exit'],
  },
  set: { ...virtualInterrupts.set, 'Posted-interrupt descriptor address': 0x7040n },
};
const ipi: Edit = {
  on: { primary: ['use TPR shadow'], tertiary: ['IPI virtualization'] },
  set: { 'Virtual-APIC address': 0x7000n },
};
const hlat: Edit = { on: { ...EPT.on, tertiary: ['enable HLAT'] }, set: { ...EPT.set } };
const HLATP = 'Hypervisor-managed linear-address translation pointer (HLATP)';
const timer: Edit = {
  on: { ...virtualInterrupts.on, tertiary: ['APIC-timer virtualization'] },
  set: { ...virtualInterrupts.set },
};

export const EXECUTION_CASES: readonly Case[] = [
  { id: 'execution.pin-reserved', set: { 'Pin-based VM-execution controls': 0x14n } },
  { id: 'execution.primary-reserved', set: { 'Primary processor-based VM-execution controls': 0x0400_6173n } },
  {
    id: 'execution.secondary-reserved',
    on: { primary: ['activate secondary controls'] },
    set: { 'Secondary processor-based VM-execution controls': 1n << 29n },
  },
  {
    id: 'execution.tertiary-reserved',
    on: { primary: ['activate tertiary controls'] },
    set: { 'Tertiary processor-based VM-execution controls': 1n << 63n },
  },
  { id: 'execution.cr3-target-count', set: { 'CR3-target count': 5n } },
  ...address('execution.io-bitmap-a', 'Address of I/O bitmap A', { on: { primary: ['use I/O bitmaps'] } }),
  ...address('execution.io-bitmap-b', 'Address of I/O bitmap B', { on: { primary: ['use I/O bitmaps'] } }),
  ...address('execution.msr-bitmaps', 'Address of MSR bitmaps', { on: { primary: ['use MSR bitmaps'] } }),
  ...address('execution.virtual-apic', 'Virtual-APIC address', { on: { primary: ['use TPR shadow'] } }),
  ...address('execution.apic-access', 'APIC-access address', { on: { secondary: ['virtualize APIC accesses'] } }),
  ...address('execution.pml', 'PML address', { on: { secondary: ['enable EPT', 'enable PML'] }, set: EPT.set ?? {} }),
  ...address('execution.sub-page-table', 'Sub-page-permission-table pointer', {
    on: { secondary: ['enable EPT', 'sub-page write permissions for EPT'] },
    set: EPT.set ?? {},
  }),
  ...address('execution.eptp-list', 'EPTP-list address', {
    on: { vmfunc: ['EPTP switching'], secondary: ['enable EPT'] },
    set: EPT.set ?? {},
  }),
  ...address('execution.vmread-bitmap', 'VMREAD-bitmap address', { on: { secondary: ['VMCS shadowing'] } }),
  ...address('execution.vmwrite-bitmap', 'VMWRITE-bitmap address', { on: { secondary: ['VMCS shadowing'] } }),
  ...address('execution.ve-information', 'Virtualization-exception information address', {
    on: { secondary: ['EPT-violation #VE'] },
  }),
  ...address('execution.pasid-low', 'Low PASID directory address', { on: { secondary: ['PASID translation'] } }),
  ...address('execution.pasid-high', 'High PASID directory address', { on: { secondary: ['PASID translation'] } }),
  {
    id: 'execution.tpr-threshold-reserved',
    ...tprShadow,
    set: { ...tprShadow.set, 'TPR threshold': 0x10n },
  },
  {
    id: 'execution.tpr-threshold-vtpr',
    ...tprShadow,
    set: { ...tprShadow.set, 'TPR threshold': 3n },
    memory: { 0x7080: 0x2fn },
  },
  { id: 'execution.virtual-nmis', on: { pin: ['virtual NMIs'] } },
  { id: 'execution.nmi-window', on: { pin: ['NMI exiting'], primary: ['NMI-window exiting'] } },
  { id: 'execution.tpr-shadow-x2apic', on: { secondary: ['virtualize x2APIC mode'] } },
  { id: 'execution.tpr-shadow-apic-registers', on: { secondary: ['APIC-register virtualization'] } },
  {
    id: 'execution.tpr-shadow-virtual-interrupts',
    on: { pin: ['external-interrupt exiting'], secondary: ['virtual-interrupt delivery'] },
  },
  { id: 'execution.tpr-shadow-ipi', on: { tertiary: ['IPI virtualization'] } },
  {
    id: 'execution.x2apic-apic-accesses',
    ...tprShadow,
    on: { ...tprShadow.on, secondary: ['virtualize x2APIC mode', 'virtualize APIC accesses'] },
  },
  {
    id: 'execution.virtual-interrupts-exiting',
    ...virtualInterrupts,
    off: { pin: ['external-interrupt exiting'] },
  },
  {
    id: 'execution.posted-virtual-interrupts',
    ...posted,
    off: { secondary: ['virtual-interrupt delivery'] },
  },
  { id: 'execution.posted-acknowledge', ...posted, off: { exit: ['acknowledge interrupt on exit'] } },
  {
    id: 'execution.posted-vector',
    ...posted,
    set: { ...posted.set, 'Posted-interrupt notification vector': 0x100n },
  },
  ...address('execution.posted-descriptor', 'Posted-interrupt descriptor address', posted, 64n),
  ...address('execution.pid-table', 'PID-pointer table address', ipi, 8n).map((entry) =>
    entry.id.endsWith('-width') ? { ...entry, also: ['execution.pid-table-end'] } : entry,
  ),
  {
    id: 'execution.pid-table-end',
    ...ipi,
    set: { ...ipi.set, 'PID-pointer table address': BEYOND - 8n, 'Last PID-pointer index': 1n },
  },
  { id: 'execution.vpid-zero', on: { secondary: ['enable VPID'] } },
  { id: 'execution.eptp-memory-type', ...EPT, set: { 'EPT pointer (EPTP)': 0x1000_001dn } },
  { id: 'execution.eptp-walk-length', ...EPT, set: { 'EPT pointer (EPTP)': 0x1000_0016n } },
  {
    id: 'execution.eptp-accessed-dirty',
    ...EPT,
    set: { 'EPT pointer (EPTP)': 0x1000_005en },
    profile: { eptVpid: ['walk length 4', 'WB structures'] },
  },
  { id: 'execution.eptp-reserved', ...EPT, set: { 'EPT pointer (EPTP)': 0x1000_011en } },
  { id: 'execution.eptp-width', ...EPT, set: { 'EPT pointer (EPTP)': BEYOND | 0x1en } },
  { id: 'execution.ept-pml', on: { secondary: ['enable PML'] } },
  { id: 'execution.ept-unrestricted-guest', on: { secondary: ['unrestricted guest'] } },
  { id: 'execution.ept-mode-based-execute', on: { secondary: ['mode-based execute control for EPT'] } },
  { id: 'execution.ept-sub-page', on: { secondary: ['sub-page write permissions for EPT'] } },
  {
    id: 'execution.ept-pt',
    on: {
      secondary: ['Intel PT uses guest physical addresses'],
      entry: ['load IA32_RTIT_CTL'],
      exit: ['clear IA32_RTIT_CTL'],
    },
  },
  { id: 'execution.ept-pebs', on: { tertiary: ['PEBS uses guest physical addresses'] } },
  { id: 'execution.ept-hlat', on: { tertiary: ['enable HLAT'] } },
  { id: 'execution.ept-paging-write', on: { tertiary: ['EPT paging-write control'] } },
  { id: 'execution.ept-guest-paging-verification', on: { tertiary: ['guest-paging verification'] } },
  {
    id: 'execution.vm-functions-reserved',
    on: { secondary: ['enable VM functions'] },
    set: { 'VM-function controls': 2n },
  },
  { id: 'execution.eptp-switching-ept', on: { vmfunc: ['EPTP switching'] } },
  {
    id: 'execution.pt-load',
    on: {
      secondary: ['enable EPT', 'Intel PT uses guest physical addresses'],
      exit: ['clear IA32_RTIT_CTL'],
    },
    set: EPT.set ?? {},
  },
  {
    id: 'execution.pt-clear',
    on: {
      secondary: ['enable EPT', 'Intel PT uses guest physical addresses'],
      entry: ['load IA32_RTIT_CTL'],
    },
    set: EPT.set ?? {},
  },
  { id: 'execution.tsc-multiplier', on: { secondary: ['use TSC scaling'] } },
  { id: 'execution.hlatp-reserved', ...hlat, set: { ...hlat.set, [HLATP]: 0x20n } },
  { id: 'execution.hlatp-width', ...hlat, set: { ...hlat.set, [HLATP]: BEYOND } },
  {
    id: 'execution.timer-virtual-interrupts',
    ...timer,
    off: { secondary: ['virtual-interrupt delivery'] },
  },
  { id: 'execution.timer-rdtsc', ...timer, on: { ...timer.on, primary: ['use TPR shadow', 'RDTSC exiting'] } },
  { id: 'execution.timer-vector', ...timer, set: { ...timer.set, 'Virtual timer vector': 0x100n } },
];

export const EXIT_CASES: readonly Case[] = [
  { id: 'exit.exit-reserved', set: { 'Primary VM-exit controls': 0x0003_6febn } },
  {
    id: 'exit.secondary-exit-reserved',
    on: { exit: ['activate secondary controls'] },
    set: { 'Secondary VM-exit controls': 0x10n },
  },
  { id: 'exit.preemption-timer-save', on: { exit: ['save VMX-preemption timer value'] } },
  ...area('exit.msr-store', 'VM-exit MSR-store address', 'VM-exit MSR-store count'),
  ...area('exit.msr-load', 'VM-exit MSR-load address', 'VM-exit MSR-load count'),
];

const VALID = 0x8000_0000n;
const INFO = 'VM-entry interruption-information field';
const LENGTH = 'VM-entry instruction length';
const inject = (info: bigint, more: Edit['set'] = {}): Edit => ({ set: { [INFO]: VALID | info, ...more } });

export const ENTRY_CASES: readonly Case[] = [
  { id: 'entry.entry-reserved', set: { 'VM-entry controls': 0x0000_13f9n } },
  { id: 'entry.injected-type', ...inject(0x120n) },
  { id: 'entry.injected-nmi-vector', ...inject(0x203n) },
  { id: 'entry.injected-exception-vector', ...inject(0x320n), profile: { basic: ['TRUE controls', 'any error code'] } },
  { id: 'entry.injected-other-vector', ...inject(0x703n, { [LENGTH]: 2n }) },
  ...[8n, 10n, 11n, 12n, 13n, 14n, 17n].map((vector) => ({
    id: 'entry.injected-error-code-missing',
    ...inject(0x300n | vector),
  })),
  ...[0n, 1n, 3n, 7n, 9n, 15n, 16n, 18n, 31n].map((vector) => ({
    id: 'entry.injected-error-code-excess',
    ...inject(0xb00n | vector),
  })),
  { id: 'entry.injected-error-code-excess', ...inject(0xa02n) },
  {
    id: 'entry.injected-error-code-excess',
    on: { secondary: ['enable EPT', 'unrestricted guest'] },
    off: { entry: ['IA-32e mode guest'] },
    set: {
      ...EPT.set,
      'Guest CR0': 0x30n,
      'Guest CS access rights': 0xc09bn,
      [INFO]: VALID | 0xb0dn,
    },
  },
  { id: 'entry.injected-nested', ...inject(0x2303n) },
  { id: 'entry.injected-reserved', ...inject(0x4303n) },
  { id: 'entry.injected-reserved', ...inject(0x1303n) },
  {
    id: 'entry.injected-error-code-high',
    ...inject(0xb0dn, { 'VM-entry exception error code': 0x1_0000n }),
  },
  { id: 'entry.injected-length', ...inject(0x480n, { [LENGTH]: 16n }) },
  { id: 'entry.injected-length', ...inject(0x480n) },
  { id: 'entry.injected-length', ...inject(0x603n) },
  { id: 'entry.injected-length', ...inject(0x501n) },
  ...area('entry.msr-load', 'VM-entry MSR-load address', 'VM-entry MSR-load count').map((entry) =>
    entry.id.endsWith('-alignment') ? { ...entry, memory: { 0x2008: 0x10n } } : entry,
  ),
  {
    id: 'entry.entry-to-smm',
    on: { entry: ['entry to SMM'] },
    also: ['guest-state.smi-blocking-entry'],
  },
  { id: 'entry.deactivate-dual-monitor', on: { entry: ['deactivate dual-monitor treatment'] } },
  {
    id: 'entry.smm-exclusive',
    on: { entry: ['entry to SMM', 'deactivate dual-monitor treatment'] },
    also: ['entry.entry-to-smm', 'entry.deactivate-dual-monitor', 'guest-state.smi-blocking-entry'],
  },
];

export const CONTROL_EDGES: readonly Edge[] = [
  { about: 'four CR3 targets', set: { 'CR3-target count': 4n } },
  {
    about: 'secondary controls with reserved bits that are not activated',
    set: { 'Secondary processor-based VM-execution controls': 1n << 29n },
  },
  {
    about: 'bitmaps in the last page of the address space',
    on: { primary: ['use I/O bitmaps', 'use MSR bitmaps'] },
    set: {
      'Address of I/O bitmap A': LAST_PAGE,
      'Address of I/O bitmap B': LAST_PAGE,
      'Address of MSR bitmaps': LAST_PAGE,
    },
  },
  { about: 'bitmap addresses that are not used', set: { 'Address of I/O bitmap A': 1n, 'Address of MSR bitmaps': 1n } },
  {
    about: 'a TPR threshold equal to the task priority',
    ...tprShadow,
    set: { ...tprShadow.set, 'TPR threshold': 3n },
    memory: { 0x7080: 0x30n },
  },
  {
    about: 'a TPR threshold with virtual-interrupt delivery',
    ...virtualInterrupts,
    set: { ...virtualInterrupts.set, 'TPR threshold': 0x1fn },
  },
  {
    about: 'virtual NMIs with their window',
    on: { pin: ['NMI exiting', 'virtual NMIs'], primary: ['NMI-window exiting'] },
  },
  { about: 'posted interrupts', ...posted, set: { ...posted.set, 'Posted-interrupt notification vector': 0xffn } },
  { about: 'VPID 65535', on: { secondary: ['enable VPID'] }, set: { 'Virtual-processor identifier (VPID)': 0xffffn } },
  { about: '4-level EPT, write-back', ...EPT },
  { about: '5-level EPT, uncacheable, accessed and dirty flags', ...EPT, set: { 'EPT pointer (EPTP)': 0x1000_0060n } },
  { about: 'EPT at the top of the address space', ...EPT, set: { 'EPT pointer (EPTP)': LAST_PAGE | 0x1en } },
  { about: 'supervisor shadow stacks in the EPTP', ...EPT, set: { 'EPT pointer (EPTP)': 0x1000_009en } },
  { about: 'a TSC multiplier of 1', on: { secondary: ['use TSC scaling'] }, set: { 'TSC multiplier': 1n << 48n } },
  { about: 'HLAT with PWT and PCD', ...hlat, set: { ...hlat.set, [HLATP]: LAST_PAGE | 0x18n } },
  {
    about: 'the VMX-preemption timer saved',
    on: { pin: ['activate VMX-preemption timer'], exit: ['save VMX-preemption timer value'] },
  },
  {
    about: 'MSR areas that end at the top of the address space',
    set: {
      'VM-exit MSR-store address': BEYOND - 0x20n,
      'VM-exit MSR-store count': 2n,
      'VM-exit MSR-load address': BEYOND - 0x10n,
      'VM-exit MSR-load count': 1n,
    },
  },
  {
    about: 'MSR areas without entries',
    set: {
      'VM-exit MSR-store address': 1n,
      'VM-exit MSR-load address': BEYOND,
      'VM-entry MSR-load address': 7n,
    },
  },
  { about: 'an invalid event that is not valid', set: { [INFO]: 0x7fff_f1ffn } },
  { about: 'injection of #GP with error code', ...inject(0xb0dn, { 'VM-entry exception error code': 0xffffn }) },
  { about: 'injection of #UD', ...inject(0x306n) },
  {
    about: 'injection of #GP without error code where IA32_VMX_BASIC[56] is 1',
    ...inject(0x30dn),
    profile: { basic: ['TRUE controls', 'any error code'] },
  },
  { about: 'injection of NMI', ...inject(0x202n) },
  { about: 'injection of a pending MTF VM exit', ...inject(0x700n) },
  { about: 'injection of an interrupt', ...inject(0x0ffn, { 'Guest RFLAGS': 0x202n }) },
  { about: 'injection of INT n of 15 bytes', ...inject(0x4ffn, { [LENGTH]: 15n }) },
  {
    about: 'injection of INT3 of length 0 where IA32_VMX_MISC[30] is 1',
    ...inject(0x603n),
    profile: { misc: ['length 0', 'HLT', 'shutdown', 'wait-for-SIPI'] },
  },
  {
    about: 'a nested exception where IA32_VMX_BASIC[58] is 1',
    ...inject(0x2303n),
    profile: { basic: ['TRUE controls', 'nested exception'] },
  },
];
