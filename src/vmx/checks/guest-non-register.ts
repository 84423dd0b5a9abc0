// SDM "Checks on Guest Non-Register State".

import { hex } from '../../spec/bits.ts';
import { ACTIVITY_STATES } from '../../spec/vmcs-bits.ts';
import { VMCS_REVISION } from '../../spec/vmcs-layout.ts';
import {
  EXTERNAL_INTERRUPT,
  HARDWARE_EXCEPTION,
  INJECTED,
  injectedType,
  injectedVector,
  injects,
  injectsType,
  NMI,
  OTHER_EVENT,
} from './injection.ts';
import { bits, fitsPhysical, mask, zeroBits } from './rules.ts';
import { dpl } from './segments.ts';
import { bitOf, control, type Predicate } from './state.ts';
import type { EntryState, Outcome, SectionCheck } from './types.ts';

const ACTIVE = 0n;
const HLT = 1n;
const SHUTDOWN = 2n;
const WAIT_FOR_SIPI = 3n;
const DEBUG_EXCEPTION = 1;
const MACHINE_CHECK = 18;
const NO_LINK = 0xffff_ffff_ffff_ffffn;

const stiBlocking = bitOf('Guest interruptibility state', 0);
const movSsBlocking = bitOf('Guest interruptibility state', 1);
const nmiBlocking = bitOf('Guest interruptibility state', 3);
const vmcsShadowing = control('secondary', 'VMCS shadowing');
const virtualNmis = control('pin', 'virtual NMIs');
const activity = (v: EntryState): bigint => v.field('Guest activity state');

function supportsActivity(v: EntryState): boolean {
  const state = activity(v);
  if (state === ACTIVE) {
    return true;
  }
  const name = ACTIVITY_STATES[Number(state) as keyof typeof ACTIVITY_STATES];
  return name !== undefined && v.env.profile.misc.includes(name);
}

/** Events that each activity state lets through. */
function eventAllowed(v: EntryState): boolean {
  const type = injectedType(v);
  const vector = injectedVector(v);
  switch (activity(v)) {
    case HLT:
      return (
        type === EXTERNAL_INTERRUPT ||
        type === NMI ||
        (type === HARDWARE_EXCEPTION && (vector === DEBUG_EXCEPTION || vector === MACHINE_CHECK)) ||
        (type === OTHER_EVENT && vector === 0)
      );
    case SHUTDOWN:
      return type === NMI || (type === HARDWARE_EXCEPTION && vector === MACHINE_CHECK);
    case WAIT_FOR_SIPI:
      return false;
    default:
      return true;
  }
}

const activityChecks: readonly SectionCheck[] = [
  {
    id: 'activity-supported',
    fields: ['Guest activity state'],
    rule: 'Guest activity state must be 0 (active), or 1 (HLT), 2 (shutdown) or 3 (wait-for-SIPI) where IA32_VMX_MISC offers it',
    holds: supportsActivity,
    fix: 'use 0 (active)',
  },
  {
    id: 'activity-hlt-cpl',
    fields: ['Guest activity state', 'Guest SS access rights'],
    rule: 'Guest activity state must not be HLT unless the DPL of SS is 0',
    applies: (v) => activity(v) === HLT,
    holds: (v) => dpl(v, 'SS') === 0,
    fix: 'use 0 (active): HLT is possible at CPL 0 only',
  },
  {
    id: 'activity-blocking',
    fields: ['Guest activity state', 'Guest interruptibility state'],
    rule: 'If blocking by STI or by MOV SS is indicated, Guest activity state must be active',
    applies: (v) => stiBlocking(v) || movSsBlocking(v),
    holds: (v) => activity(v) === ACTIVE,
    fix: 'use activity state 0, or clear bits 1:0 of Guest interruptibility state',
  },
  {
    id: 'activity-injection',
    fields: ['Guest activity state', INJECTED],
    rule: 'The injected event must not be one that Guest activity state blocks',
    applies: injects,
    holds: eventAllowed,
    fix: 'use activity state 0 (active)',
  },
  {
    id: 'activity-smm',
    fields: ['Guest activity state', 'VM-entry controls'],
    rule: 'If “entry to SMM” is 1, Guest activity state must not be wait-for-SIPI',
    applies: control('entry', 'entry to SMM'),
    holds: (v) => activity(v) !== WAIT_FOR_SIPI,
    fix: 'use activity state 0 (active)',
  },
];

const interruptibilityChecks: readonly SectionCheck[] = [
  zeroBits(
    { id: 'interruptibility-reserved' },
    'Guest interruptibility state',
    mask(31, 5),
    'Reserved bits 31:5 of Guest interruptibility state must be 0',
  ),
  {
    id: 'sti-and-mov-ss',
    fields: ['Guest interruptibility state'],
    rule: 'Blocking by STI (bit 0) and by MOV SS (bit 1) must not both be indicated',
    holds: (v) => !(stiBlocking(v) && movSsBlocking(v)),
    fix: 'clear bit 0 or bit 1',
  },
  {
    id: 'sti-if',
    fields: ['Guest interruptibility state', 'Guest RFLAGS'],
    rule: 'If bit 9 (IF) of Guest RFLAGS is 0, blocking by STI (bit 0) must be 0',
    applies: (v) => !bitOf('Guest RFLAGS', 9)(v),
    holds: (v) => !stiBlocking(v),
    fix: 'clear bit 0 of Guest interruptibility state, or set IF',
  },
  {
    id: 'interrupt-injection',
    fields: ['Guest interruptibility state', INJECTED],
    rule: 'If an external interrupt is injected, blocking by STI and by MOV SS (bits 1:0) must be 0',
    applies: (v) => injectsType(v, EXTERNAL_INTERRUPT),
    holds: (v) => !stiBlocking(v) && !movSsBlocking(v),
    fix: 'clear bits 1:0 of Guest interruptibility state, or wait with “interrupt-window exiting” before injecting',
  },
  {
    id: 'nmi-injection-mov-ss',
    fields: ['Guest interruptibility state', INJECTED],
    rule: 'If an NMI is injected, blocking by MOV SS (bit 1) must be 0',
    applies: (v) => injectsType(v, NMI),
    holds: (v) => !movSsBlocking(v),
    fix: 'clear bit 1 of Guest interruptibility state',
  },
  {
    id: 'nmi-injection-sti',
    outcome: invalidGuestState(3n),
    fields: ['Guest interruptibility state', INJECTED],
    rule: 'If an NMI is injected, blocking by STI (bit 0) must be 0',
    applies: (v) => injectsType(v, NMI),
    holds: (v) => !stiBlocking(v),
    fix: 'clear bit 0 of Guest interruptibility state',
  },
  {
    id: 'smi-blocking',
    fields: ['Guest interruptibility state'],
    rule: 'Outside SMM, blocking by SMI (bit 2) must be 0',
    holds: (v) => !bitOf('Guest interruptibility state', 2)(v),
    fix: 'clear bit 2',
  },
  {
    id: 'smi-blocking-entry',
    fields: ['Guest interruptibility state', 'VM-entry controls'],
    rule: 'If “entry to SMM” is 1, blocking by SMI (bit 2) must be 1',
    applies: control('entry', 'entry to SMM'),
    holds: bitOf('Guest interruptibility state', 2),
    fix: 'clear “entry to SMM” in the VM-entry controls',
  },
  {
    id: 'nmi-injection-blocking',
    fields: ['Guest interruptibility state', INJECTED],
    rule: 'If “virtual NMIs” is 1 and an NMI is injected, blocking by NMI (bit 3) must be 0',
    applies: (v) => virtualNmis(v) && injectsType(v, NMI),
    holds: (v) => !nmiBlocking(v),
    fix: 'clear bit 3, or wait with “NMI-window exiting” before injecting',
  },
  {
    id: 'enclave-interruption',
    fields: ['Guest interruptibility state'],
    rule: 'If enclave interruption (bit 4) is 1, blocking by MOV SS must be 0 and the processor must support SGX',
    applies: bitOf('Guest interruptibility state', 4),
    holds: (v) => !movSsBlocking(v) && v.env.profile.features.includes('SGX'),
    fix: 'clear bit 4',
  },
];

const PENDING = 'Guest pending debug exceptions';
const PENDING_RESERVED = mask(63, 17) | mask(15, 15) | mask(13, 13) | mask(11, 4);
const singleStepHeld: Predicate = (v) => stiBlocking(v) || movSsBlocking(v) || activity(v) === HLT;
const singleStepping: Predicate = (v) => bitOf('Guest RFLAGS', 8)(v) && !bitOf('Guest IA32_DEBUGCTL', 1)(v);

const pendingDebugChecks: readonly SectionCheck[] = [
  zeroBits(
    { id: 'pending-reserved' },
    PENDING,
    PENDING_RESERVED,
    'Reserved bits 63:17, 15, 13 and 11:4 of Guest pending debug exceptions must be 0',
  ),
  {
    id: 'pending-step-missing',
    fields: [PENDING, 'Guest RFLAGS'],
    rule: 'Under blocking by STI or MOV SS, or in HLT, if TF of Guest RFLAGS is 1 and BTF of Guest IA32_DEBUGCTL is 0, bit 14 (BS) must be 1',
    applies: (v) => singleStepHeld(v) && singleStepping(v),
    holds: bitOf(PENDING, 14),
    fix: 'set bit 14 (BS) of Guest pending debug exceptions',
  },
  {
    id: 'pending-step-excess',
    fields: [PENDING, 'Guest RFLAGS'],
    rule: 'Under blocking by STI or MOV SS, or in HLT, if TF of Guest RFLAGS is 0 or BTF of Guest IA32_DEBUGCTL is 1, bit 14 (BS) must be 0',
    applies: (v) => singleStepHeld(v) && !singleStepping(v),
    holds: (v) => !bitOf(PENDING, 14)(v),
    fix: 'clear bit 14 (BS) of Guest pending debug exceptions',
  },
  {
    id: 'pending-rtm',
    fields: [PENDING, 'Guest interruptibility state'],
    rule: 'If bit 16 (RTM) of Guest pending debug exceptions is 1, bits 11:0, 15:13 and 63:17 must be 0, bit 12 must be 1, blocking by MOV SS must be 0, and the processor must support RTM',
    applies: bitOf(PENDING, 16),
    holds: (v) =>
      (v.field(PENDING) & (mask(63, 17) | mask(15, 13) | mask(11, 0))) === 0n &&
      bitOf(PENDING, 12)(v) &&
      !movSsBlocking(v) &&
      v.env.profile.features.includes('RTM'),
    fix: 'clear bit 16',
  },
];

function invalidGuestState(qualification: bigint): Outcome {
  return { kind: 'vm-exit', reason: 0x8000_0021, qualification };
}

const linked: Predicate = (v) => v.field('VMCS link pointer') !== NO_LINK;
const linkOutcome = invalidGuestState(4n);

function linkedIdentifier(v: EntryState): bigint | undefined {
  return fitsPhysical(v, v.field('VMCS link pointer')) ? v.memory(v.field('VMCS link pointer'), 4) : undefined;
}

const linkChecks: readonly SectionCheck[] = [
  {
    ...zeroBits(
      { id: 'link-alignment', applies: linked },
      'VMCS link pointer',
      mask(11, 0),
      'VMCS link pointer must be 4-KByte aligned, or all ones',
    ),
    outcome: linkOutcome,
    fix: 'write 0xffffffffffffffff (VMREAD and VMWRITE of the guest then always exit)',
  },
  {
    id: 'link-width',
    outcome: linkOutcome,
    fields: ['VMCS link pointer'],
    rule: 'VMCS link pointer must not use bits above the physical-address width, unless it is all ones',
    applies: linked,
    holds: (v) => fitsPhysical(v, v.field('VMCS link pointer')),
    fix: 'write 0xffffffffffffffff; with 32-bit VMWRITEs write both halves (encodings 2800H and 2801H)',
  },
  {
    id: 'link-revision',
    outcome: linkOutcome,
    fields: ['VMCS link pointer'],
    rule: 'Bits 30:0 of the 4 bytes at the VMCS link pointer must be the VMCS revision identifier',
    applies: (v) => linked(v) && fitsPhysical(v, v.field('VMCS link pointer')),
    holds: (v) => bits(linkedIdentifier(v) ?? 0n, 30, 0) === BigInt(VMCS_REVISION),
    fix: `write ${hex(VMCS_REVISION)} (IA32_VMX_BASIC[30:0]) there, or 0xffffffffffffffff into the link pointer`,
  },
  {
    id: 'link-shadow',
    outcome: linkOutcome,
    fields: ['VMCS link pointer'],
    rule: 'Bit 31 of the 4 bytes at the VMCS link pointer must equal “VMCS shadowing”',
    applies: (v) => linked(v) && fitsPhysical(v, v.field('VMCS link pointer')),
    holds: (v) => (bits(linkedIdentifier(v) ?? 0n, 31, 31) === 1n) === vmcsShadowing(v),
    fix: (v) => `${vmcsShadowing(v) ? 'set' : 'clear'} bit 31 of the linked region’s first 4 bytes`,
  },
  {
    id: 'link-current',
    outcome: linkOutcome,
    fields: ['VMCS link pointer'],
    rule: 'VMCS link pointer must not be the current VMCS',
    applies: linked,
    holds: (v) => v.field('VMCS link pointer') !== v.env.currentVmcs,
    fix: 'write 0xffffffffffffffff, or the address of another region',
  },
];

export const GUEST_NON_REGISTER_CHECKS: readonly SectionCheck[] = [
  ...activityChecks,
  ...interruptibilityChecks,
  ...pendingDebugChecks,
  ...linkChecks,
];
