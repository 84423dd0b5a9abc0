// SDM "Checks on Guest Segment Registers": CS, SS, DS, ES, FS and GS. TR and LDTR are in guest-system-segments.ts.

import { hex } from '../../spec/bits.ts';
import { canonical, mask, zeroBits } from './rules.ts';
import {
  baseField,
  CODE_AND_DATA,
  DATA,
  dpl,
  isBig,
  isChecked,
  isCodeOrData,
  isLong,
  isPresent,
  isUsable,
  limitField,
  rightsField,
  rpl,
  type SegmentName,
  selectorField,
  type,
} from './segments.ts';
import { granularity } from './segment-granularity.ts';
import {
  bitOf,
  guestFred,
  guestLongMode,
  guestProtected,
  guestVirtual8086,
  type Predicate,
  unrestrictedGuest,
} from './state.ts';
import type { SectionCheck } from './types.ts';

const VIRTUAL_8086_RIGHTS = 0xf3n;
const VIRTUAL_8086_LIMIT = 0xffffn;
const READ_WRITE_DATA = 3;
const ACCESSED_CODE = new Set([9, 11, 13, 15]);

const id = (name: SegmentName, rule: string): string => `${name.toLowerCase()}-${rule}`;
const real: Predicate = (v) => !guestVirtual8086(v);
const checked =
  (name: SegmentName): Predicate =>
  (v) =>
    real(v) && isChecked(v, name);
const IF_CHECKED = (name: SegmentName): string =>
  name === 'CS' ? 'Outside virtual-8086 mode, ' : `Outside virtual-8086 mode, if ${name} is usable, `;

function virtual8086(name: SegmentName): SectionCheck[] {
  return [
    {
      id: id(name, 'v86-base'),
      fields: [baseField(name), selectorField(name)],
      rule: `In virtual-8086 mode, ${baseField(name)} must be the selector × 16`,
      applies: guestVirtual8086,
      holds: (v) => v.field(baseField(name)) === v.field(selectorField(name)) << 4n,
      fix: (v) => `use base ${hex(v.field(selectorField(name)) << 4n)}`,
    },
    {
      id: id(name, 'v86-limit'),
      fields: [limitField(name)],
      rule: `In virtual-8086 mode, ${limitField(name)} must be 0000FFFFH`,
      applies: guestVirtual8086,
      holds: (v) => v.field(limitField(name)) === VIRTUAL_8086_LIMIT,
      fix: 'use 0xffff',
    },
    {
      id: id(name, 'v86-rights'),
      fields: [rightsField(name)],
      rule: `In virtual-8086 mode, ${rightsField(name)} must be 000000F3H`,
      applies: guestVirtual8086,
      holds: (v) => v.field(rightsField(name)) === VIRTUAL_8086_RIGHTS,
      fix: 'use 0xf3',
    },
  ];
}

/** What CS, and every usable data segment, must show in its access rights. */
function common(name: SegmentName): SectionCheck[] {
  const rights = rightsField(name);
  return [
    {
      id: id(name, 's'),
      fields: [rights],
      rule: `${IF_CHECKED(name)}bit 4 (S) of ${rights} must be 1`,
      applies: checked(name),
      holds: (v) => isCodeOrData(v, name),
      fix: 'set bit 4',
    },
    {
      id: id(name, 'present'),
      fields: [rights],
      rule: `${IF_CHECKED(name)}bit 7 (P) of ${rights} must be 1`,
      applies: checked(name),
      holds: (v) => isPresent(v, name),
      fix: name === 'CS' ? 'set bit 7' : 'set bit 7, or mark the segment unusable (bit 16)',
    },
    zeroBits(
      { id: id(name, 'reserved'), applies: checked(name) },
      rights,
      mask(11, 8) | mask(31, 17),
      `${IF_CHECKED(name)}reserved bits 11:8 and 31:17 of ${rights} must be 0`,
    ),
    ...granularity(name, IF_CHECKED(name), checked(name)),
  ];
}

const selectors: readonly SectionCheck[] = [
  {
    id: 'ss-rpl-cs',
    fields: ['Guest SS selector', 'Guest CS selector'],
    rule: 'Outside virtual-8086 mode and without “unrestricted guest”, RPL of Guest SS selector must equal RPL of Guest CS selector',
    applies: (v) => real(v) && !unrestrictedGuest(v),
    holds: (v) => rpl(v, 'SS') === rpl(v, 'CS'),
    fix: (v) => `use RPL ${rpl(v, 'CS')} in bits 1:0 of Guest SS selector`,
  },
];

const bases: readonly SectionCheck[] = [
  canonical({ id: 'fs-base' }, 'Guest FS base'),
  canonical({ id: 'gs-base' }, 'Guest GS base'),
  zeroBits({ id: 'cs-base-high' }, 'Guest CS base', mask(63, 32), 'Bits 63:32 of Guest CS base must be 0'),
  ...(['SS', 'DS', 'ES'] as const).map((name) =>
    zeroBits(
      { id: id(name, 'base-high'), applies: (v) => isUsable(v, name) },
      baseField(name),
      mask(63, 32),
      `If ${name} is usable, bits 63:32 of ${baseField(name)} must be 0`,
    ),
  ),
];

const types: readonly SectionCheck[] = [
  {
    id: 'cs-type',
    fields: ['Guest CS access rights'],
    rule: 'Outside virtual-8086 mode, the type of CS must be 9, 11, 13 or 15 (accessed code), or under “unrestricted guest” 3 (accessed read/write data)',
    applies: real,
    holds: (v) => ACCESSED_CODE.has(type(v, 'CS')) || (unrestrictedGuest(v) && type(v, 'CS') === READ_WRITE_DATA),
    fix: 'use type 11 (execute/read, accessed): 0xa09b for 64-bit code, 0xc09b for 32-bit code',
  },
  {
    id: 'ss-type',
    fields: ['Guest SS access rights'],
    rule: 'Outside virtual-8086 mode, if SS is usable, its type must be 3 or 7 (accessed read/write data)',
    applies: (v) => real(v) && isUsable(v, 'SS'),
    holds: (v) => type(v, 'SS') === READ_WRITE_DATA || type(v, 'SS') === 7,
    fix: 'use type 3: 0xc093',
  },
  ...DATA.flatMap((name): SectionCheck[] => [
    {
      id: id(name, 'type-accessed'),
      fields: [rightsField(name)],
      rule: `Outside virtual-8086 mode, if ${name} is usable, bit 0 of its type (accessed) must be 1`,
      applies: (v) => real(v) && isUsable(v, name),
      holds: (v) => (type(v, name) & 1) === 1,
      fix: 'set bit 0, or mark the segment unusable (bit 16)',
    },
    {
      id: id(name, 'type-readable'),
      fields: [rightsField(name)],
      rule: `Outside virtual-8086 mode, if ${name} is usable and a code segment, it must be readable (bit 1 of its type)`,
      applies: (v) => real(v) && isUsable(v, name) && (type(v, name) & 8) === 8,
      holds: (v) => (type(v, name) & 2) === 2,
      fix: 'set bit 1, or use a data segment',
    },
  ]),
];

const privileges: readonly SectionCheck[] = [
  {
    id: 'cs-dpl-data',
    fields: ['Guest CS access rights'],
    rule: 'If the type of CS is 3 (data), its DPL must be 0',
    applies: (v) => real(v) && type(v, 'CS') === READ_WRITE_DATA,
    holds: (v) => dpl(v, 'CS') === 0,
    fix: 'use DPL 0 in CS (bits 6:5)',
  },
  {
    id: 'cs-dpl-nonconforming',
    fields: ['Guest CS access rights', 'Guest SS access rights'],
    rule: 'If the type of CS is 9 or 11 (non-conforming code), its DPL must equal the DPL of SS',
    applies: (v) => real(v) && (type(v, 'CS') === 9 || type(v, 'CS') === 11),
    holds: (v) => dpl(v, 'CS') === dpl(v, 'SS'),
    fix: (v) => `use DPL ${dpl(v, 'SS')} in CS, or DPL ${dpl(v, 'CS')} in SS (also where SS is unusable)`,
  },
  {
    id: 'cs-dpl-conforming',
    fields: ['Guest CS access rights', 'Guest SS access rights'],
    rule: 'If the type of CS is 13 or 15 (conforming code), its DPL must not exceed the DPL of SS',
    applies: (v) => real(v) && (type(v, 'CS') === 13 || type(v, 'CS') === 15),
    holds: (v) => dpl(v, 'CS') <= dpl(v, 'SS'),
    fix: (v) => `use a DPL of at most ${dpl(v, 'SS')} in CS`,
  },
  {
    id: 'ss-dpl-rpl',
    fields: ['Guest SS access rights', 'Guest SS selector'],
    rule: 'Without “unrestricted guest”, the DPL of SS must equal the RPL of its selector',
    applies: (v) => real(v) && !unrestrictedGuest(v),
    holds: (v) => dpl(v, 'SS') === rpl(v, 'SS'),
    fix: (v) => `use DPL ${rpl(v, 'SS')} in SS, or RPL ${dpl(v, 'SS')} in its selector`,
  },
  {
    id: 'ss-dpl-zero',
    fields: ['Guest SS access rights', 'Guest CS access rights', 'Guest CR0'],
    rule: 'If the type of CS is 3 (data), or bit 0 (PE) of Guest CR0 is 0, the DPL of SS must be 0',
    applies: (v) => real(v) && (type(v, 'CS') === READ_WRITE_DATA || !guestProtected(v)),
    holds: (v) => dpl(v, 'SS') === 0,
    fix: 'use DPL 0 in SS (bits 6:5)',
  },
  {
    id: 'fred-ss-dpl',
    fields: ['Guest SS access rights'],
    rule: 'With FRED transitions, the DPL of SS must be 0 or 3',
    applies: (v) => real(v) && guestFred(v),
    holds: (v) => dpl(v, 'SS') === 0 || dpl(v, 'SS') === 3,
    fix: 'use DPL 0 or 3 in SS',
  },
  {
    id: 'fred-cs-long',
    fields: ['Guest CS access rights', 'Guest SS access rights'],
    rule: 'With FRED transitions, if the DPL of SS is 0, bit 13 (L) of CS must be 1',
    applies: (v) => real(v) && guestFred(v) && dpl(v, 'SS') === 0,
    holds: (v) => isLong(v, 'CS'),
    fix: 'set bit 13 (L) of Guest CS access rights',
  },
  {
    id: 'fred-user',
    fields: ['Guest RFLAGS', 'Guest interruptibility state', 'Guest SS access rights'],
    rule: 'With FRED transitions, if the DPL of SS is 3, IOPL of Guest RFLAGS and “blocking by STI” must be 0',
    applies: (v) => real(v) && guestFred(v) && dpl(v, 'SS') === 3,
    holds: (v) => (v.field('Guest RFLAGS') & mask(13, 12)) === 0n && !bitOf('Guest interruptibility state', 0)(v),
    fix: 'clear IOPL in Guest RFLAGS and bit 0 of Guest interruptibility state',
  },
  ...DATA.map(
    (name): SectionCheck => ({
      id: id(name, 'dpl'),
      fields: [rightsField(name), selectorField(name)],
      rule: `Without “unrestricted guest”, if ${name} is usable and its type is 0 to 11 (data or non-conforming code), its DPL must not be less than the RPL of its selector`,
      applies: (v) => real(v) && !unrestrictedGuest(v) && isUsable(v, name) && type(v, name) <= 11,
      holds: (v) => dpl(v, name) >= rpl(v, name),
      fix: (v) => `use a DPL of at least ${rpl(v, name)}, or an RPL of at most ${dpl(v, name)}`,
    }),
  ),
  {
    id: 'cs-long-default-size',
    fields: ['Guest CS access rights'],
    rule: 'If “IA-32e mode guest” is 1 and bit 13 (L) of CS is 1, bit 14 (D/B) must be 0',
    applies: (v) => real(v) && guestLongMode(v) && isLong(v, 'CS'),
    holds: (v) => !isBig(v, 'CS'),
    fix: 'clear bit 14 (D/B): 0xa09b for 64-bit code',
  },
];

export const GUEST_SEGMENT_CHECKS: readonly SectionCheck[] = [
  ...selectors,
  ...CODE_AND_DATA.flatMap(virtual8086),
  ...bases,
  ...types,
  ...privileges,
  ...CODE_AND_DATA.flatMap(common),
];
