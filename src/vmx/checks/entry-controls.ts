// SDM "Checks on VMX Controls", "VM-Entry Control Fields".

import { vectorName } from '../../spec/exceptions.ts';
import { supportsControl } from '../capabilities.ts';
import {
  deliversErrorCode,
  HARDWARE_EXCEPTION,
  INJECTED,
  injectedType,
  injectedVector,
  injects,
  injectsType,
  NMI,
  OTHER_EVENT,
  PRIVILEGED_SOFTWARE_EXCEPTION,
  SOFTWARE_EXCEPTION,
  SOFTWARE_INTERRUPT,
} from './injection.ts';
import { reservedControls } from './reserved-controls.ts';
import { mask, msrArea, mustBe, zeroBits } from './rules.ts';
import { control, guestFred, guestProtected, unrestrictedGuest } from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

const entryToSmm = control('entry', 'entry to SMM');
const deactivateDualMonitor = control('entry', 'deactivate dual-monitor treatment');

const LONGEST_INSTRUCTION = 15n;
/** #DF, #TS, #NP, #SS, #GP, #PF and #AC. */
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);

function hasMonitorTrapFlag(v: EntryState): boolean {
  return supportsControl(v.env.profile, 'primary', 'monitor trap flag');
}

function hasFred(v: EntryState): boolean {
  return v.env.profile.features.includes('FRED');
}

/** IA32_VMX_BASIC[56]: error codes are not tied to vectors. */
function anyErrorCode(v: EntryState): boolean {
  return v.env.profile.basic.includes('any error code');
}

/** Real mode after the VM entry: nothing pushes an error code. */
function guestRealMode(v: EntryState): boolean {
  return unrestrictedGuest(v) && !guestProtected(v);
}

function isSoftwareEvent(v: EntryState): boolean {
  const type = injectedType(v);
  return (
    type === SOFTWARE_INTERRUPT ||
    type === SOFTWARE_EXCEPTION ||
    type === PRIVILEGED_SOFTWARE_EXCEPTION ||
    (type === OTHER_EVENT && injectedVector(v) !== 0)
  );
}

const injection: readonly SectionCheck[] = [
  {
    id: 'injected-type',
    fields: [INJECTED],
    rule: 'The event type (bits 10:8) of an injected event must not be 1, nor 7 where neither monitor trap flag nor FRED is supported',
    applies: injects,
    holds: (v) => {
      const type = injectedType(v);
      return type !== 1 && (type !== OTHER_EVENT || hasMonitorTrapFlag(v) || hasFred(v));
    },
    fix: 'use 0 external interrupt, 2 NMI, 3 hardware exception, 4 software interrupt, 5 INT1, 6 INT3 or INTO',
  },
  {
    id: 'injected-nmi-vector',
    fields: [INJECTED],
    rule: 'An injected NMI must have vector 2',
    applies: (v) => injectsType(v, NMI),
    holds: (v) => injectedVector(v) === 2,
    fix: 'use vector 2: 0x80000202',
  },
  {
    id: 'injected-exception-vector',
    fields: [INJECTED],
    rule: 'An injected hardware exception must have a vector of at most 31',
    applies: (v) => injectsType(v, HARDWARE_EXCEPTION),
    holds: (v) => injectedVector(v) <= 31,
    fix: 'use an exception’s vector, or type 0 for an external interrupt',
  },
  {
    id: 'injected-other-vector',
    fields: [INJECTED],
    rule: 'An injected event of type 7 must have vector 0 (pending MTF VM exit), or with FRED transitions 1 (SYSCALL) or 2 (SYSENTER)',
    applies: (v) => injectsType(v, OTHER_EVENT),
    holds: (v) => {
      const vector = injectedVector(v);
      return (vector === 0 && hasMonitorTrapFlag(v)) || ((vector === 1 || vector === 2) && guestFred(v));
    },
    fix: 'use vector 0',
  },
  {
    id: 'injected-error-code-missing',
    fields: [INJECTED],
    rule: 'An injected #DF, #TS, #NP, #SS, #GP, #PF or #AC must deliver an error code (bit 11), except in real mode',
    applies: (v) =>
      injectsType(v, HARDWARE_EXCEPTION) &&
      !guestRealMode(v) &&
      !anyErrorCode(v) &&
      WITH_ERROR_CODE.has(injectedVector(v)),
    holds: deliversErrorCode,
    fix: (v) => `set bit 11: ${vectorName(injectedVector(v))} pushes an error code`,
  },
  {
    id: 'injected-error-code-excess',
    fields: [INJECTED],
    rule: 'Only a hardware exception that has an error code may deliver one (bit 11), and none in real mode',
    applies: (v) =>
      injects(v) &&
      (injectedType(v) !== HARDWARE_EXCEPTION ||
        guestRealMode(v) ||
        (!anyErrorCode(v) && !WITH_ERROR_CODE.has(injectedVector(v)))),
    holds: (v) => !deliversErrorCode(v),
    fix: 'clear bit 11',
  },
  {
    id: 'injected-nested',
    fields: [INJECTED],
    rule: 'The nested-exception bit (13) must be 0, unless the event is a hardware exception and IA32_VMX_BASIC[58] is 1',
    applies: (v) =>
      injects(v) && (injectedType(v) !== HARDWARE_EXCEPTION || !v.env.profile.basic.includes('nested exception')),
    holds: (v) => (v.field(INJECTED) & mask(13, 13)) === 0n,
    fix: 'clear bit 13',
  },
  zeroBits(
    { id: 'injected-reserved', applies: injects },
    INJECTED,
    mask(30, 14) | mask(12, 12),
    'Reserved bits 30:14 and 12 of the VM-entry interruption information must be 0',
  ),
  zeroBits(
    { id: 'injected-error-code-high', applies: (v) => injects(v) && deliversErrorCode(v) },
    'VM-entry exception error code',
    mask(31, 16),
    'If an error code is delivered, bits 31:16 of it must be 0',
  ),
  {
    id: 'injected-length',
    fields: ['VM-entry instruction length'],
    rule: 'For a software interrupt or software exception the VM-entry instruction length must be 0 to 15, and 0 only where IA32_VMX_MISC[30] is 1',
    applies: (v) => injects(v) && isSoftwareEvent(v),
    holds: (v) => {
      const length = v.field('VM-entry instruction length');
      return length <= LONGEST_INSTRUCTION && (length !== 0n || v.env.profile.misc.includes('length 0'));
    },
    fix: 'use the length of the instruction: 2 for INT n, 1 for INT3, INTO and INT1',
  },
];

export const ENTRY_CONTROL_CHECKS: readonly SectionCheck[] = [
  reservedControls('entry-reserved', 'entry'),
  ...injection,
  ...msrArea('msr-load', 'VM-entry MSR-load address', 'VM-entry MSR-load count'),
  mustBe('entry-to-smm', 'VM-entry controls', 0, entryToSmm, 'entry to SMM', 'Outside SMM, ', () => true),
  mustBe(
    'deactivate-dual-monitor',
    'VM-entry controls',
    0,
    deactivateDualMonitor,
    'deactivate dual-monitor treatment',
    'Outside SMM, ',
    () => true,
  ),
  {
    id: 'smm-exclusive',
    fields: ['VM-entry controls'],
    rule: '“entry to SMM” and “deactivate dual-monitor treatment” must not both be 1',
    holds: (v) => !(entryToSmm(v) && deactivateDualMonitor(v)),
    fix: 'clear both',
  },
];
