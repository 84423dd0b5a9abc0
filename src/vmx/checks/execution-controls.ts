// SDM "Checks on VMX Controls", "VM-Execution Control Fields".

import { bitPositions, hex } from '../../spec/bits.ts';
import { CONTROL_WORDS, type ControlNames, type ControlWord } from '../../spec/controls.ts';
import { allowedSettings, supportsEptVpid } from '../capabilities.ts';
import { reservedControls } from './reserved-controls.ts';
import { bits, fitsPhysical, mask, mustBe, physicalAddress, zeroBits } from './rules.ts';
import { control, enableEpt, type Predicate, useTprShadow, virtualInterruptDelivery } from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

const virtualizeApicAccesses = control('secondary', 'virtualize APIC accesses');
const virtualNmis = control('pin', 'virtual NMIs');
const postedInterrupts = control('pin', 'process posted interrupts');
const ipiVirtualization = control('tertiary', 'IPI virtualization');
const eptpSwitching = control('vmfunc', 'EPTP switching');
const useIoBitmaps = control('primary', 'use I/O bitmaps');
const vmcsShadowing = control('secondary', 'VMCS shadowing');
const pasidTranslation = control('secondary', 'PASID translation');
const enableHlat = control('tertiary', 'enable HLAT');
const timerVirtualization = control('tertiary', 'APIC-timer virtualization');
const guestPhysicalTrace = control('secondary', 'Intel PT uses guest physical addresses');
const nmiExiting = control('pin', 'NMI exiting');

const VTPR_OFFSET = 0x80n;

/** Task priority in the virtual-APIC page, or undefined where no memory is. */
function virtualTaskPriority(v: EntryState): bigint | undefined {
  return v.memory(v.field('Virtual-APIC address') + VTPR_OFFSET, 4);
}

/** One control demands a setting of another. */
function needs<A extends ControlWord, B extends ControlWord>(
  id: string,
  when: readonly [A, ControlNames[A]],
  value: 0 | 1,
  then: readonly [B, ControlNames[B]],
  whenValue: 0 | 1 = 1,
): SectionCheck {
  const condition = control(when[0], when[1]);
  return mustBe(
    id,
    CONTROL_WORDS[then[0]].field,
    value,
    control(then[0], then[1]),
    then[1],
    `If “${when[1]}” is ${whenValue}, `,
    (v) => condition(v) === (whenValue === 1),
  );
}

const NEEDS_EPT: readonly (readonly ['secondary' | 'tertiary', string, string])[] = [
  ['secondary', 'enable PML', 'pml'],
  ['secondary', 'unrestricted guest', 'unrestricted-guest'],
  ['secondary', 'mode-based execute control for EPT', 'mode-based-execute'],
  ['secondary', 'sub-page write permissions for EPT', 'sub-page'],
  ['secondary', 'Intel PT uses guest physical addresses', 'pt'],
  ['tertiary', 'PEBS uses guest physical addresses', 'pebs'],
  ['tertiary', 'enable HLAT', 'hlat'],
  ['tertiary', 'EPT paging-write control', 'paging-write'],
  ['tertiary', 'guest-paging verification', 'guest-paging-verification'],
];

const EPT_WALK_LENGTHS: Readonly<Record<string, string>> = { '3': 'walk length 4', '4': 'walk length 5' };

function eptWalkSupported(v: EntryState): boolean {
  const name = EPT_WALK_LENGTHS[`${bits(v.field('EPT pointer (EPTP)'), 5, 3)}`];
  return name !== undefined && supportsEptVpid(v.env.profile, name);
}

function eptTypeSupported(v: EntryState): boolean {
  const type = bits(v.field('EPT pointer (EPTP)'), 2, 0);
  const { profile } = v.env;
  return (
    (type === 0n && supportsEptVpid(profile, 'UC structures')) ||
    (type === 6n && supportsEptVpid(profile, 'WB structures'))
  );
}

const WITHOUT_TPR_SHADOW: readonly (readonly [Predicate, ControlWord, string, string])[] = [
  [control('secondary', 'virtualize x2APIC mode'), 'secondary', 'virtualize x2APIC mode', 'x2apic'],
  [control('secondary', 'APIC-register virtualization'), 'secondary', 'APIC-register virtualization', 'apic-registers'],
  [virtualInterruptDelivery, 'secondary', 'virtual-interrupt delivery', 'virtual-interrupts'],
  [ipiVirtualization, 'tertiary', 'IPI virtualization', 'ipi'],
];

const reserved: readonly SectionCheck[] = [
  reservedControls('pin-reserved', 'pin'),
  reservedControls('primary-reserved', 'primary'),
  reservedControls('secondary-reserved', 'secondary'),
  reservedControls('tertiary-reserved', 'tertiary'),
  {
    id: 'cr3-target-count',
    fields: ['CR3-target count'],
    rule: 'CR3-target count must not exceed the number of CR3-target values (IA32_VMX_MISC[24:16])',
    holds: (v) => v.field('CR3-target count') <= BigInt(v.env.profile.cr3Targets),
    fix: (v) => `use a count of at most ${v.env.profile.cr3Targets}`,
  },
];

const addresses: readonly SectionCheck[] = [
  ...physicalAddress(
    { id: 'io-bitmap-a', applies: useIoBitmaps },
    'Address of I/O bitmap A',
    'If “use I/O bitmaps” is 1, ',
  ),
  ...physicalAddress(
    { id: 'io-bitmap-b', applies: useIoBitmaps },
    'Address of I/O bitmap B',
    'If “use I/O bitmaps” is 1, ',
  ),
  ...physicalAddress(
    { id: 'msr-bitmaps', applies: control('primary', 'use MSR bitmaps') },
    'Address of MSR bitmaps',
    'If “use MSR bitmaps” is 1, ',
  ),
  ...physicalAddress(
    { id: 'virtual-apic', applies: useTprShadow },
    'Virtual-APIC address',
    'If “use TPR shadow” is 1, ',
  ),
  ...physicalAddress(
    { id: 'apic-access', applies: virtualizeApicAccesses },
    'APIC-access address',
    'If “virtualize APIC accesses” is 1, ',
  ),
  ...physicalAddress(
    { id: 'pml', applies: control('secondary', 'enable PML') },
    'PML address',
    'If “enable PML” is 1, ',
  ),
  ...physicalAddress(
    { id: 'sub-page-table', applies: control('secondary', 'sub-page write permissions for EPT') },
    'Sub-page-permission-table pointer',
    'If “sub-page write permissions for EPT” is 1, ',
  ),
  ...physicalAddress({ id: 'eptp-list', applies: eptpSwitching }, 'EPTP-list address', 'If “EPTP switching” is 1, '),
  ...physicalAddress(
    { id: 'vmread-bitmap', applies: vmcsShadowing },
    'VMREAD-bitmap address',
    'If “VMCS shadowing” is 1, ',
  ),
  ...physicalAddress(
    { id: 'vmwrite-bitmap', applies: vmcsShadowing },
    'VMWRITE-bitmap address',
    'If “VMCS shadowing” is 1, ',
  ),
  ...physicalAddress(
    { id: 've-information', applies: control('secondary', 'EPT-violation #VE') },
    'Virtualization-exception information address',
    'If “EPT-violation #VE” is 1, ',
  ),
  ...physicalAddress(
    { id: 'pasid-low', applies: pasidTranslation },
    'Low PASID directory address',
    'If “PASID translation” is 1, ',
  ),
  ...physicalAddress(
    { id: 'pasid-high', applies: pasidTranslation },
    'High PASID directory address',
    'If “PASID translation” is 1, ',
  ),
];

const interrupts: readonly SectionCheck[] = [
  zeroBits(
    { id: 'tpr-threshold-reserved', applies: (v) => useTprShadow(v) && !virtualInterruptDelivery(v) },
    'TPR threshold',
    mask(31, 4),
    'If “use TPR shadow” is 1 and “virtual-interrupt delivery” is 0, bits 31:4 of the TPR threshold must be 0',
  ),
  {
    id: 'tpr-threshold-vtpr',
    fields: ['TPR threshold', 'Virtual-APIC address'],
    rule: 'If “use TPR shadow” is 1 and “virtualize APIC accesses” and “virtual-interrupt delivery” are 0, bits 3:0 of the TPR threshold must not exceed bits 7:4 of the task priority in the virtual-APIC page',
    applies: (v) => useTprShadow(v) && !virtualizeApicAccesses(v) && !virtualInterruptDelivery(v),
    holds: (v) => {
      const priority = virtualTaskPriority(v);
      return priority === undefined || bits(v.field('TPR threshold'), 3, 0) <= bits(priority, 7, 4);
    },
    fix: (v) => {
      const priority = bits(virtualTaskPriority(v) ?? 0n, 7, 4);
      return `use a threshold of at most ${priority}, or raise the task priority (byte 80H of the virtual-APIC page)`;
    },
  },
  needs('virtual-nmis', ['pin', 'NMI exiting'], 0, ['pin', 'virtual NMIs'], 0),
  {
    ...mustBe(
      'nmi-window',
      'Primary processor-based VM-execution controls',
      0,
      control('primary', 'NMI-window exiting'),
      'NMI-window exiting',
      'If “virtual NMIs” is 0, ',
      (v) => !virtualNmis(v),
    ),
    fix: (v) =>
      nmiExiting(v)
        ? 'set “virtual NMIs” in the pin-based controls, or clear “NMI-window exiting”'
        : 'set “NMI exiting” and “virtual NMIs” in the pin-based controls, or clear “NMI-window exiting”',
  },
  ...WITHOUT_TPR_SHADOW.map(([predicate, word, name, id]) =>
    mustBe(
      `tpr-shadow-${id}`,
      CONTROL_WORDS[word].field,
      0,
      predicate,
      name,
      'If “use TPR shadow” is 0, ',
      (v) => !useTprShadow(v),
    ),
  ),
  needs('x2apic-apic-accesses', ['secondary', 'virtualize x2APIC mode'], 0, ['secondary', 'virtualize APIC accesses']),
  needs('virtual-interrupts-exiting', ['secondary', 'virtual-interrupt delivery'], 1, [
    'pin',
    'external-interrupt exiting',
  ]),
  needs('posted-virtual-interrupts', ['pin', 'process posted interrupts'], 1, [
    'secondary',
    'virtual-interrupt delivery',
  ]),
  needs('posted-acknowledge', ['pin', 'process posted interrupts'], 1, ['exit', 'acknowledge interrupt on exit']),
  zeroBits(
    { id: 'posted-vector', applies: postedInterrupts },
    'Posted-interrupt notification vector',
    mask(15, 8),
    'If “process posted interrupts” is 1, the posted-interrupt notification vector must be at most 255',
  ),
  ...physicalAddress(
    { id: 'posted-descriptor', applies: postedInterrupts },
    'Posted-interrupt descriptor address',
    'If “process posted interrupts” is 1, ',
    64,
  ),
  ...physicalAddress(
    { id: 'pid-table', applies: ipiVirtualization },
    'PID-pointer table address',
    'If “IPI virtualization” is 1, ',
    8,
  ),
  {
    id: 'pid-table-end',
    fields: ['PID-pointer table address', 'Last PID-pointer index'],
    rule: 'If “IPI virtualization” is 1, the last entry of the PID-pointer table must be within the physical-address width',
    applies: ipiVirtualization,
    holds: (v) => fitsPhysical(v, v.field('PID-pointer table address') + 8n * v.field('Last PID-pointer index')),
    fix: 'lower the address of the table or the last index',
  },
];

const translation: readonly SectionCheck[] = [
  {
    id: 'vpid-zero',
    fields: ['Virtual-processor identifier (VPID)'],
    rule: 'If “enable VPID” is 1, the VPID must not be 0',
    applies: control('secondary', 'enable VPID'),
    holds: (v) => v.field('Virtual-processor identifier (VPID)') !== 0n,
    fix: 'use a VPID from 1 to 65535, a different one for each virtual processor',
  },
  {
    id: 'eptp-memory-type',
    fields: ['EPT pointer (EPTP)'],
    rule: 'If “enable EPT” is 1, bits 2:0 of the EPTP must be a memory type that IA32_VMX_EPT_VPID_CAP offers',
    applies: enableEpt,
    holds: eptTypeSupported,
    fix: 'use 6 (WB) in bits 2:0',
  },
  {
    id: 'eptp-walk-length',
    fields: ['EPT pointer (EPTP)'],
    rule: 'If “enable EPT” is 1, bits 5:3 of the EPTP must be one less than a page-walk length that IA32_VMX_EPT_VPID_CAP offers',
    applies: enableEpt,
    holds: eptWalkSupported,
    fix: 'use 3 (walk length 4) in bits 5:3',
  },
  {
    id: 'eptp-accessed-dirty',
    fields: ['EPT pointer (EPTP)'],
    rule: 'If “enable EPT” is 1 and the processor lacks accessed and dirty flags for EPT, bit 6 of the EPTP must be 0',
    applies: (v) => enableEpt(v) && !supportsEptVpid(v.env.profile, 'accessed and dirty flags'),
    holds: (v) => bits(v.field('EPT pointer (EPTP)'), 6, 6) === 0n,
    fix: 'clear bit 6',
  },
  {
    id: 'eptp-reserved',
    fields: ['EPT pointer (EPTP)'],
    rule: 'If “enable EPT” is 1, reserved bits 11:7 of the EPTP must be 0 (bit 7 only where IA32_VMX_EPT_VPID_CAP lacks supervisor shadow-stack control)',
    applies: enableEpt,
    holds: (v) => (v.field('EPT pointer (EPTP)') & eptpReserved(v)) === 0n,
    fix: (v) => {
      const wrong = v.field('EPT pointer (EPTP)') & eptpReserved(v);
      return `clear ${bitPositions(wrong)}: ${hex(v.field('EPT pointer (EPTP)') & ~wrong)}`;
    },
  },
  {
    id: 'eptp-width',
    fields: ['EPT pointer (EPTP)'],
    rule: 'If “enable EPT” is 1, the address in the EPTP must not use bits above the physical-address width',
    applies: enableEpt,
    holds: (v) => fitsPhysical(v, v.field('EPT pointer (EPTP)')),
    fix: (v) => `use a table below ${hex(1n << BigInt(v.env.physicalBits))}`,
  },
  ...NEEDS_EPT.map(([word, name, id]) => needs(`ept-${id}`, [word, name as never], 1, ['secondary', 'enable EPT'])),
];

function eptpReserved(v: EntryState): bigint {
  return supportsEptVpid(v.env.profile, 'supervisor shadow stack') ? mask(11, 8) : mask(11, 7);
}

const functions: readonly SectionCheck[] = [
  {
    id: 'vm-functions-reserved',
    fields: ['VM-function controls'],
    rule: 'If “enable VM functions” is 1, reserved bits of the VM-function controls must be 0 (IA32_VMX_VMFUNC)',
    applies: control('secondary', 'enable VM functions'),
    holds: (v) => (v.field('VM-function controls') & ~allowedSettings(v.env.profile, 'vmfunc').allowed1) === 0n,
    fix: (v) => `use ${hex(v.field('VM-function controls') & allowedSettings(v.env.profile, 'vmfunc').allowed1)}`,
  },
  needs('eptp-switching-ept', ['vmfunc', 'EPTP switching'], 1, ['secondary', 'enable EPT']),
  mustBe(
    'pt-load',
    'VM-entry controls',
    1,
    control('entry', 'load IA32_RTIT_CTL'),
    'load IA32_RTIT_CTL',
    'If “Intel PT uses guest physical addresses” is 1, ',
    guestPhysicalTrace,
  ),
  mustBe(
    'pt-clear',
    'Primary VM-exit controls',
    1,
    control('exit', 'clear IA32_RTIT_CTL'),
    'clear IA32_RTIT_CTL',
    'If “Intel PT uses guest physical addresses” is 1, ',
    guestPhysicalTrace,
  ),
  {
    id: 'tsc-multiplier',
    fields: ['TSC multiplier'],
    rule: 'If “use TSC scaling” is 1, the TSC multiplier must not be 0',
    applies: control('secondary', 'use TSC scaling'),
    holds: (v) => v.field('TSC multiplier') !== 0n,
    fix: 'a factor of 1 is 0x1000000000000 (48 fraction bits)',
  },
  zeroBits(
    { id: 'hlatp-reserved', applies: enableHlat },
    'Hypervisor-managed linear-address translation pointer (HLATP)',
    mask(2, 0) | mask(11, 5),
    'If “enable HLAT” is 1, bits 2:0 and 11:5 of the HLATP must be 0',
  ),
  {
    id: 'hlatp-width',
    fields: ['Hypervisor-managed linear-address translation pointer (HLATP)'],
    rule: 'If “enable HLAT” is 1, the address in the HLATP must not use bits above the physical-address width',
    applies: enableHlat,
    holds: (v) => fitsPhysical(v, v.field('Hypervisor-managed linear-address translation pointer (HLATP)')),
    fix: (v) => `use a table below ${hex(1n << BigInt(v.env.physicalBits))}`,
  },
  needs('timer-virtual-interrupts', ['tertiary', 'APIC-timer virtualization'], 1, [
    'secondary',
    'virtual-interrupt delivery',
  ]),
  needs('timer-rdtsc', ['tertiary', 'APIC-timer virtualization'], 0, ['primary', 'RDTSC exiting']),
  zeroBits(
    { id: 'timer-vector', applies: timerVirtualization },
    'Virtual timer vector',
    mask(15, 8),
    'If “APIC-timer virtualization” is 1, the virtual timer vector must be at most 255',
  ),
];

export const EXECUTION_CONTROL_CHECKS: readonly SectionCheck[] = [
  ...reserved,
  ...addresses,
  ...interrupts,
  ...translation,
  ...functions,
];
