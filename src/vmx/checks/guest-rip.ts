// SDM "Checks on Guest RIP, RFLAGS, and SSP".

import { bitPositions, hex } from '../../spec/bits.ts';
import { EXTERNAL_INTERRUPT, injectsType } from './injection.ts';
import { hasEqualUpperBits, mask, zeroBits } from './rules.ts';
import { isLong } from './segments.ts';
import { bitOf, control, guestLongMode, guestProtected } from './state.ts';
import type { SectionCheck } from './types.ts';

const RFLAGS_ZERO = mask(63, 22) | mask(15, 15) | mask(5, 5) | mask(3, 3);
const RFLAGS_ONE = mask(1, 1);
const loadCet = control('entry', 'load CET state');

/** The checks that a write of Guest RIP alone makes necessary again. */
export const GUEST_RIP_CHECKS: readonly SectionCheck[] = [
  {
    id: 'rip-high',
    fields: ['Guest RIP', 'VM-entry controls', 'Guest CS access rights'],
    rule: 'Unless “IA-32e mode guest” and bit 13 (L) of CS are 1, bits 63:32 of Guest RIP must be 0',
    applies: (v) => !guestLongMode(v) || !isLong(v, 'CS'),
    holds: (v) => v.field('Guest RIP') >> 32n === 0n,
    fix: 'use a 32-bit address, or make the guest 64-bit: “IA-32e mode guest” and L of CS',
  },
  {
    id: 'rip-width',
    fields: ['Guest RIP'],
    rule: 'If “IA-32e mode guest” and bit 13 (L) of CS are 1, the bits of Guest RIP above the linear-address width must be equal',
    applies: (v) => guestLongMode(v) && isLong(v, 'CS'),
    holds: (v) => hasEqualUpperBits(v.field('Guest RIP'), v.env.linearBits),
    fix: (v) => `make bits 63:${v.env.linearBits} all 0 or all 1`,
  },
];

export const GUEST_FLAG_CHECKS: readonly SectionCheck[] = [
  {
    id: 'rflags-reserved',
    fields: ['Guest RFLAGS'],
    rule: 'Reserved bits 63:22, 15, 5 and 3 of Guest RFLAGS must be 0, and bit 1 must be 1',
    holds: (v) => (v.field('Guest RFLAGS') & (RFLAGS_ZERO | RFLAGS_ONE)) === RFLAGS_ONE,
    fix: (v) => {
      const flags = v.field('Guest RFLAGS');
      const steps = [
        (flags & RFLAGS_ONE) === 0n ? 'set bit 1' : '',
        (flags & RFLAGS_ZERO) === 0n ? '' : `clear ${bitPositions(flags & RFLAGS_ZERO)}`,
      ].filter((step) => step !== '');
      return `${steps.join(' and ')}: ${hex((flags & ~RFLAGS_ZERO) | RFLAGS_ONE)}`;
    },
  },
  {
    id: 'rflags-vm',
    fields: ['Guest RFLAGS'],
    rule: 'If “IA-32e mode guest” is 1, or bit 0 (PE) of Guest CR0 is 0, bit 17 (VM) of Guest RFLAGS must be 0',
    applies: (v) => guestLongMode(v) || !guestProtected(v),
    holds: (v) => !bitOf('Guest RFLAGS', 17)(v),
    fix: 'clear bit 17 (VM)',
  },
  {
    id: 'rflags-if',
    fields: ['Guest RFLAGS', 'VM-entry interruption-information field'],
    rule: 'If an external interrupt is injected, bit 9 (IF) of Guest RFLAGS must be 1',
    applies: (v) => injectsType(v, EXTERNAL_INTERRUPT),
    holds: bitOf('Guest RFLAGS', 9),
    fix: 'set IF, or wait for it with “interrupt-window exiting” before injecting',
  },
  zeroBits(
    { id: 'ssp-alignment', applies: loadCet },
    'Guest SSP',
    mask(1, 0),
    'If “load CET state” is 1, bits 1:0 of Guest SSP must be 0',
  ),
  {
    id: 'ssp-width',
    fields: ['Guest SSP'],
    rule: 'If “load CET state” is 1, the bits of Guest SSP above the linear-address width must be equal',
    applies: loadCet,
    holds: (v) => hasEqualUpperBits(v.field('Guest SSP'), v.env.linearBits),
    fix: (v) => `make bits 63:${v.env.linearBits} all 0 or all 1`,
  },
];
