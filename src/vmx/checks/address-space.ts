// SDM "Checks Related to Address-Space Size".

import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import { canonical, isCanonical, mask, mustBe, zeroBits } from './rules.ts';
import { bitOf, control, guestLongMode, hostLongMode, not, type Predicate } from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

const loadCet = control('exit', 'load CET state');
const shortHost = not(hostLongMode);

/** The width of linear addresses after the VM exit: 57 bits with 5-level paging. */
function hostLinearBits(v: EntryState): number {
  return bitOf('Host CR4', 12)(v) ? 57 : 48;
}

function cleared(id: string, name: string, position: number): SectionCheck {
  return zeroBits(
    { id, applies: shortHost },
    'Host CR4',
    mask(position, position),
    `If “host address-space size” is 0, bit ${position} (${name}) of Host CR4 must be 0`,
  );
}

function shortAddress(id: string, field: VmcsFieldName, condition: string, applies: Predicate): SectionCheck {
  return zeroBits({ id, applies }, field, mask(63, 32), `${condition}bits 63:32 of ${field} must be 0`);
}

const SHORT_CET = 'If “host address-space size” is 0 and “load CET state” is 1, ';
const LONG_CET = 'If “host address-space size” and “load CET state” are 1, ';
const shortCet: Predicate = (v) => !hostLongMode(v) && loadCet(v);
const longCet: Predicate = (v) => hostLongMode(v) && loadCet(v);

export const ADDRESS_SPACE_CHECKS: readonly SectionCheck[] = [
  mustBe(
    'guest-outside-long-mode',
    'VM-entry controls',
    0,
    guestLongMode,
    'IA-32e mode guest',
    'If the processor is outside IA-32e mode at VM entry, ',
    (v) => !v.env.longMode,
  ),
  mustBe(
    'host-outside-long-mode',
    'Primary VM-exit controls',
    0,
    hostLongMode,
    'host address-space size',
    'If the processor is outside IA-32e mode at VM entry, ',
    (v) => !v.env.longMode,
  ),
  mustBe(
    'host-in-long-mode',
    'Primary VM-exit controls',
    1,
    hostLongMode,
    'host address-space size',
    'If the processor is in IA-32e mode at VM entry, ',
    (v) => v.env.longMode,
  ),
  mustBe(
    'guest-with-short-host',
    'VM-entry controls',
    0,
    guestLongMode,
    'IA-32e mode guest',
    'If “host address-space size” is 0, ',
    shortHost,
  ),
  cleared('short-pcide', 'PCIDE', 17),
  cleared('short-fred', 'FRED', 32),
  shortAddress('short-rip', 'Host RIP', 'If “host address-space size” is 0, ', shortHost),
  shortAddress('short-s-cet', 'Host IA32_S_CET', SHORT_CET, shortCet),
  shortAddress('short-ssp', 'Host SSP', SHORT_CET, shortCet),
  {
    id: 'long-pae',
    fields: ['Host CR4'],
    rule: 'If “host address-space size” is 1, bit 5 (PAE) of Host CR4 must be 1',
    applies: hostLongMode,
    holds: bitOf('Host CR4', 5),
    fix: 'set bit 5 (PAE) of Host CR4',
  },
  {
    id: 'long-rip',
    fields: ['Host RIP', 'Host CR4'],
    rule: 'If “host address-space size” is 1, Host RIP must be canonical (48 bits, or 57 with LA57 in Host CR4)',
    applies: hostLongMode,
    holds: (v) => isCanonical(v.field('Host RIP'), hostLinearBits(v)),
    fix: 'use the address of the exit handler',
  },
  canonical({ id: 'long-s-cet', applies: longCet }, 'Host IA32_S_CET', LONG_CET),
  canonical({ id: 'long-ssp', applies: longCet }, 'Host SSP', LONG_CET),
  canonical({ id: 'ssp-table', applies: loadCet }, 'Host IA32_INTERRUPT_SSP_TABLE_ADDR', 'If “load CET state” is 1, '),
];
