// Maps of hand-made tables: what is mapped follows from the entries by the manual's rules, and the walk agrees.

import { describe, expect, test } from 'vitest';
import { type AddressSpace, mapEpt, mapPaging } from '../../../src/vmx/address-space.ts';
import type { EptSettings } from '../../../src/vmx/ept-walk.ts';
import type { PagingState } from '../../../src/vmx/page-rights.ts';

const LONG: PagingState = {
  cr0: 0x8001_0031n,
  cr3: 0x1000n,
  cr4: 0x20n,
  efer: 0xd01n,
  alignmentCheck: false,
  pkru: 0n,
  pkrs: 0n,
  physicalBits: 39,
};
const PAE: PagingState = { ...LONG, efer: 0x800n };
const LEGACY: PagingState = { ...LONG, cr4: 0x10n, efer: 0n };
const EPT: EptSettings = {
  eptp: 0x9000n | (3n << 3n) | 6n,
  physicalBits: 39,
  modeBasedExecute: false,
  offers: { executeOnly: true, pages2M: true, pages1G: true, advancedInformation: false },
};

const P = 1n;
const W = 2n;
const U = 4n;
const A = 0x20n;
const D = 0x40n;
const PS = 0x80n;
const XD = 1n << 63n;
/** EPT: read, write, execute; write-back. */
const RWX = 7n;
const WB = 6n << 3n;

type Memory = Readonly<Record<number, bigint>>;

function reader(memory: Memory) {
  return (address: bigint, bytes: 4 | 8): bigint | undefined => {
    if (address >= 0x100_0000n) return undefined;
    const word = memory[Number(address & ~7n)] ?? 0n;
    return BigInt.asUintN(bytes * 8, word >> (8n * (address & 7n)));
  };
}

/** Linear 0: PML4 1000H, PDPT 2000H, PD 3000H, PT 4000H. */
const TABLES: Memory = {
  0x1000: 0x2000n | P | W | U,
  0x2000: 0x3000n | P | W | U,
  0x3000: 0x4000n | P | W | U,
};

/** `from-to>target size rights pages/accessed/dirty`, addresses in hexadecimal. */
function texts({ ranges }: AddressSpace): string[] {
  return ranges.map((range) => {
    const at = (value: bigint): string => value.toString(16);
    const rights = `${range.read ? 'r' : ''}${range.write ? 'w' : ''}${range.execute ? 'x' : ''}${range.user ? 'u' : ''}`;
    const pages = `${range.pages}/${range.accessed}/${range.dirty}`;
    return `${at(range.from)}-${at(range.to)}>${at(range.target)} ${at(range.pageSize)} ${rights} ${pages}`;
  });
}

const ONE_PAGE: Memory = { ...TABLES, 0x4000: 0x5000n | P | U };

describe('paging', () => {
  test.each<[string, Memory, PagingState, readonly string[]]>([
    ['one page', ONE_PAGE, LONG, ['0-fff>5000 1000 rxu 1/0/0']],
    [
      'pages that follow each other are one range; flags are counted',
      { ...TABLES, 0x4000: 0x5000n | P | A, 0x4008: 0x6000n | P | A | D, 0x4010: 0x7000n | P },
      LONG,
      ['0-2fff>5000 1000 rx 3/2/1'],
    ],
    [
      'a hole, a target elsewhere and other rights begin a range',
      {
        ...TABLES,
        0x4000: 0x5000n | P | W,
        0x4010: 0x7000n | P | W,
        0x4018: 0x5000n | P | W,
        0x4020: 0x6000n | P | W | XD,
      },
      LONG,
      [
        '0-fff>5000 1000 rwx 1/0/0',
        '2000-2fff>7000 1000 rwx 1/0/0',
        '3000-3fff>5000 1000 rwx 1/0/0',
        '4000-4fff>6000 1000 rw 1/0/0',
      ],
    ],
    [
      'a right counts when every entry gives it',
      { ...ONE_PAGE, 0x2000: 0x3000n | P | U, 0x4000: 0x5000n | P | W | U },
      LONG,
      ['0-fff>5000 1000 rxu 1/0/0'],
    ],
    [
      'large pages; the upper half is canonical',
      {
        0x1ff8: 0x2000n | P | W,
        0x2000: 0x4000_0000n | P | PS,
        0x2008: 0x3000n | P | W,
        0x3000: 0x20_0000n | P | W | PS,
      },
      LONG,
      [
        'ffffff8000000000-ffffff803fffffff>40000000 40000000 rx 1/0/0',
        'ffffff8040000000-ffffff80401fffff>200000 200000 rwx 1/0/0',
      ],
    ],
    [
      'PAE: PDPTE 3',
      { 0x1018: 0x3000n | P, 0x3000: 0x40_0000n | P | PS },
      PAE,
      ['c0000000-c01fffff>400000 200000 rx 1/0/0'],
    ],
    [
      '32-bit: entries of four bytes, a 4-MByte page above 4 GBytes (PSE-36)',
      { 0x1000: ((0x80_0000n | (1n << 13n) | P | PS) << 32n) | 0x4000n | P | W, 0x4000: 0x5000n | P | W },
      LEGACY,
      ['0-fff>5000 1000 rwx 1/0/0', '400000-7fffff>100800000 400000 rx 1/0/0'],
    ],
    ['no paging', {}, { ...LONG, cr0: 0x31n }, []],
  ])('%s', (_, memory, state, expected) => {
    expect(texts(mapPaging(state, reader(memory)))).toEqual(expected);
  });

  test('reserved bits: nothing is reached', () => {
    const { ranges } = mapPaging(LONG, reader({ ...TABLES, 0x3000: 0x2000n | 0x20_0000n | P | PS }));
    expect(ranges.map((range) => range.stop)).toEqual([expect.stringContaining('reserved bits')]);
  });

  test('a table where no memory is', () => {
    const { ranges } = mapPaging(LONG, reader({ 0x1000: 0x2000n | P, 0x2000: 0x800_0000n | P }));
    expect(ranges).toMatchObject([{ from: 0n, to: 0x3fff_ffffn, stop: expect.stringContaining('0x8000000') }]);
  });

  test('under EPT the tables are found by it', () => {
    // Guest-physical 0 to 2 MBytes are host-physical 8 to 10 MBytes.
    const guest = Object.fromEntries(Object.entries(ONE_PAGE).map(([at, entry]) => [Number(at) + 0x80_0000, entry]));
    const ept = { 0x9000: 0xa000n | RWX, 0xa000: 0xb000n | RWX, 0xb000: 0x80_0000n | RWX | WB | PS };
    expect(texts(mapPaging(LONG, reader({ ...guest, ...ept }), EPT))).toEqual(['0-fff>5000 1000 rxu 1/0/0']);
    expect(mapPaging(LONG, reader(guest), EPT).ranges).toMatchObject([
      { from: 0n, stop: expect.stringContaining('not present') },
    ]);
  });
});

describe('EPT', () => {
  const tables = { 0x9000: 0xa000n | RWX, 0xa000: 0xb000n | RWX };
  test('large pages, rights, accessed and dirty', () => {
    const memory = { ...tables, 0xb000: 0x40_0000n | RWX | WB | PS | 0x300n, 0xb008: 0x60_0000n | 1n | WB | PS };
    expect(texts(mapEpt(EPT, reader(memory)))).toEqual([
      '0-1fffff>400000 200000 rwx 1/1/1',
      '200000-3fffff>600000 200000 r 1/0/0',
    ]);
  });

  test('a misconfigured entry', () => {
    const { ranges } = mapEpt(EPT, reader({ ...tables, 0xb000: 0x40_0000n | 2n | WB | PS }));
    expect(ranges).toMatchObject([{ stop: expect.stringContaining('allows writes but not reads') }]);
  });
});

test('a big address space comes in pieces that join', () => {
  // 100 page tables at 200000H, every 32nd page of each mapped to itself: 1,600 ranges.
  const memory: Record<number, bigint> = { ...TABLES };
  for (let table = 0; table < 100; table++) {
    memory[0x3000 + 8 * table] = BigInt(0x20_0000 + table * 0x1000) | P | W;
    for (let page = 0; page < 512; page += 32)
      memory[0x20_0000 + table * 0x1000 + 8 * page] = BigInt((table * 512 + page) * 0x1000) | P | W;
  }
  const starts: bigint[] = [];
  let pieces = 0;
  for (let from: bigint | undefined = 0n; from !== undefined; pieces++) {
    const piece: AddressSpace = mapPaging(LONG, reader(memory), undefined, from);
    starts.push(...piece.ranges.map((range) => range.from));
    from = piece.next;
  }
  expect(pieces).toBeGreaterThan(2);
  expect(starts).toEqual(Array.from({ length: 1600 }, (_, i) => BigInt(i * 32 * 0x1000)));
});
