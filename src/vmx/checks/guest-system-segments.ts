// SDM "Checks on Guest Segment Registers": TR and LDTR.

import { canonical, mask, zeroBits } from './rules.ts';
import { granularity } from './segment-granularity.ts';
import { isCodeOrData, isPresent, isUsable, rightsField, type SegmentName, selectorField, type } from './segments.ts';
import { guestLongMode, type Predicate } from './state.ts';
import type { SectionCheck } from './types.ts';

const BUSY_TSS_16 = 3;
const BUSY_TSS = 11;
const LDT = 2;
const always: Predicate = () => true;
const ldtrUsable: Predicate = (v) => isUsable(v, 'LDTR');

function systemSegment(name: SegmentName, condition: string, applies: Predicate): SectionCheck[] {
  const rights = rightsField(name);
  const prefix = name.toLowerCase();
  return [
    {
      id: `${prefix}-s`,
      fields: [rights],
      rule: `${condition}bit 4 (S) of ${rights} must be 0`,
      applies,
      holds: (v) => !isCodeOrData(v, name),
      fix: 'clear bit 4: it is a system segment',
    },
    {
      id: `${prefix}-present`,
      fields: [rights],
      rule: `${condition}bit 7 (P) of ${rights} must be 1`,
      applies,
      holds: (v) => isPresent(v, name),
      fix: name === 'TR' ? 'set bit 7' : 'set bit 7, or mark LDTR unusable (bit 16)',
    },
    zeroBits(
      { id: `${prefix}-reserved`, applies },
      rights,
      mask(11, 8) | mask(31, 17),
      `${condition}reserved bits 11:8 and 31:17 of ${rights} must be 0`,
    ),
    ...granularity(name, condition, applies),
  ];
}

function tableIndicator(name: SegmentName, condition: string, applies: Predicate): SectionCheck {
  return zeroBits(
    { id: `${name.toLowerCase()}-ti`, applies },
    selectorField(name),
    mask(2, 2),
    `${condition}bit 2 (TI) of ${selectorField(name)} must be 0`,
  );
}

export const GUEST_SYSTEM_SEGMENT_CHECKS: readonly SectionCheck[] = [
  tableIndicator('TR', '', always),
  tableIndicator('LDTR', 'If LDTR is usable, ', ldtrUsable),
  canonical({ id: 'tr-base' }, 'Guest TR base'),
  canonical({ id: 'ldtr-base', applies: ldtrUsable }, 'Guest LDTR base', 'If LDTR is usable, '),
  {
    id: 'tr-type',
    fields: ['Guest TR access rights'],
    rule: 'The type of TR must be 11 (busy 32-bit or 64-bit TSS), or outside IA-32e mode 3 (busy 16-bit TSS)',
    holds: (v) => type(v, 'TR') === BUSY_TSS || (!guestLongMode(v) && type(v, 'TR') === BUSY_TSS_16),
    fix: 'use type 11 (busy TSS): 0x8b',
  },
  ...systemSegment('TR', '', always),
  {
    id: 'tr-usable',
    fields: ['Guest TR access rights'],
    rule: 'TR must be usable (bit 16 must be 0)',
    holds: (v) => isUsable(v, 'TR'),
    fix: 'clear bit 16: 0x8b',
  },
  {
    id: 'ldtr-type',
    fields: ['Guest LDTR access rights'],
    rule: 'If LDTR is usable, its type must be 2 (LDT)',
    applies: ldtrUsable,
    holds: (v) => type(v, 'LDTR') === LDT,
    fix: 'use type 2: 0x82, or mark LDTR unusable: 0x10000',
  },
  ...systemSegment('LDTR', 'If LDTR is usable, ', ldtrUsable),
];
