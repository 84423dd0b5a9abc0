// The page walk for people on hand-made tables; results typed from the manual's rules.

import { describe, expect, test } from 'vitest';
import { type EptSettings, walkEpt } from '../../../src/vmx/ept-walk.ts';
import type { LinearAccess, PagingState } from '../../../src/vmx/page-rights.ts';
import { pagingMode, walkPaging } from '../../../src/vmx/walk.ts';

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

const P = 1n;
const W = 2n;
const U = 4n;
const PS = 0x80n;
const XD = 1n << 63n;

type Memory = Readonly<Record<number, bigint>>;

/** Linear 0: PML4 1000H, PDPT 2000H, PD 3000H, PT 4000H, page 5000H. */
const TABLES: Memory = {
  0x1000: 0x2000n | P | W | U,
  0x2000: 0x3000n | P | W | U,
  0x3000: 0x4000n | P | W | U,
  0x4000: 0x5000n | P | W | U,
};

const read: LinearAccess = { kind: 'read', user: false };
const write: LinearAccess = { kind: 'write', user: false };
const fetch: LinearAccess = { kind: 'execute', user: false };
const userRead: LinearAccess = { kind: 'read', user: true };
const userWrite: LinearAccess = { kind: 'write', user: true };
const userFetch: LinearAccess = { kind: 'execute', user: true };

function reader(memory: Memory) {
  return (address: bigint, bytes: 4 | 8): bigint | undefined => {
    if (address >= 0x100_0000n) {
      return undefined;
    }
    const word = memory[Number(address & ~7n)] ?? 0n;
    return BigInt.asUintN(bytes * 8, word >> (8n * (address & 7n)));
  };
}

function walk(linear: bigint, memory: Memory, access?: LinearAccess, state: PagingState = LONG, ept?: EptSettings) {
  return walkPaging(linear, state, reader({ ...TABLES, ...memory }), ept, access);
}

describe('translations', () => {
  test.each([
    ['4-KByte page', 0x123n, {}, LONG, 0x5123n, 0x1000n],
    ['2-MByte page', 0x12_3456n, { 0x3000: 0x40_0000n | P | PS }, LONG, 0x52_3456n, 0x20_0000n],
    ['1-GByte page', 0x1234_5678n, { 0x2000: 0x4000_0000n | P | PS }, LONG, 0x5234_5678n, 0x4000_0000n],
    [
      '5-level paging',
      0x0fffn,
      { 0x1000: 0x6000n | P, 0x6000: 0x2000n | P },
      { ...LONG, cr4: 0x1020n },
      0x5fffn,
      0x1000n,
    ],
    ['the upper half', 0xffff_8000_0000_0000n, { 0x1800: 0x2000n | P }, LONG, 0x5000n, 0x1000n],
    ['PAE paging', 0x8n, { 0x1000: 0x3000n | P }, PAE, 0x5008n, 0x1000n],
    ['PAE registers', 0x8n, { 0x1000: 0n }, { ...PAE, pdptes: [0x3001n, 0n, 0n, 0n] }, 0x5008n, 0x1000n],
    [
      '32-bit paging',
      0x40_1008n,
      { 0x1000: (0x2000n | P) << 32n, 0x2000: (0x7000n | P) << 32n },
      LEGACY,
      0x7008n,
      0x1000n,
    ],
    [
      '4-MByte page of 40-bit addresses',
      0x3f_ffffn,
      { 0x1000: 0x80_0000n | (0x12n << 13n) | P | PS },
      LEGACY,
      0x12_00bf_ffffn,
      0x40_0000n,
    ],
    ['no paging', 0xdead_beefn, {}, { ...LONG, cr0: 0x11n, efer: 0n }, 0xdead_beefn, 0x1000n],
  ] as const)('%s', (_, linear, memory, state, physical, pageSize) => {
    expect(walk(linear, memory, undefined, state).result).toEqual({
      ok: true,
      guestPhysical: physical,
      hostPhysical: physical,
      pageSize,
    });
  });

  test('without PSE, bit 7 of a 32-bit directory entry is ignored', () => {
    const memory = { 0x1000: 0x2000n | P | PS, 0x2000: 0x7000n | P };
    expect(walk(0n, memory, undefined, { ...LEGACY, cr4: 0n }).result).toMatchObject({
      ok: true,
      guestPhysical: 0x7000n,
    });
  });

  test('paging modes', () => {
    expect(pagingMode({ ...LONG, cr0: 0x11n })).toBe('no paging');
    expect([LEGACY, PAE, LONG, { ...LONG, cr4: 0x1020n }].map(pagingMode)).toEqual([
      '32-bit',
      'PAE',
      '4-level',
      '5-level',
    ]);
  });
});

describe('page faults', () => {
  const supervisorPage = { 0x4000: 0x5000n | P | W };
  const readOnly = { 0x4000: 0x5000n | P | U };
  const key5: Memory = { 0x4000: 0x5000n | P | W | U | (5n << 59n) };
  const pke: PagingState = { ...LONG, cr4: 0x40_0020n };
  test.each([
    ['PML4E not present', { 0x1000: 0n }, read, LONG, 0x0],
    ['PTE not present, user write', { 0x4000: 0n }, userWrite, LONG, 0x6],
    ['PTE not present, fetch', { 0x4000: 0n }, userFetch, LONG, 0x14],
    ['fetch without NXE and SMEP', { 0x4000: 0n }, userFetch, { ...LONG, efer: 0x501n }, 0x4],
    ['PS in a PML4E', { 0x1000: 0x2000n | P | PS }, read, LONG, 0x9],
    ['bit 39 with 39 physical-address bits', { 0x4000: 0x5000n | P | (1n << 39n) }, read, LONG, 0x9],
    ['XD without NXE', { 0x4000: 0x5000n | P | XD }, read, { ...LONG, efer: 0x501n }, 0x9],
    ['bit 13 of a 2-MByte page', { 0x3000: 0x2000n | P | PS }, read, LONG, 0x9],
    ['bit 29 of a 1-GByte page', { 0x2000: 0x2000_0000n | P | PS }, write, LONG, 0xb],
    ['bit 62 of a PAE entry', { 0x1000: 0x3000n | P, 0x4000: 0x5000n | P | (1n << 62n) }, read, PAE, 0x9],
    ['bit 21 of a 4-MByte page', { 0x1000: 0x20_0000n | P | PS }, userRead, LEGACY, 0xd],
    ['user access to a supervisor page', supervisorPage, userRead, LONG, 0x5],
    ['user write to a read-only page', readOnly, userWrite, LONG, 0x7],
    ['supervisor write to a read-only page, WP', readOnly, write, LONG, 0x3],
    ['read-only at a higher level', { 0x2000: 0x3000n | P | U }, userWrite, LONG, 0x7],
    ['fetch from an XD page', { 0x4000: 0x5000n | P | U | XD }, userFetch, LONG, 0x15],
    ['XD at a higher level', { 0x1000: 0x2000n | P | W | U | XD }, userFetch, LONG, 0x15],
    ['SMEP', {}, fetch, { ...LONG, cr4: 0x10_0020n }, 0x11],
    ['SMAP', {}, read, { ...LONG, cr4: 0x20_0020n }, 0x1],
    ['protection key, access disabled', key5, userRead, { ...pke, pkru: 1n << 10n }, 0x25],
    ['protection key, write disabled', key5, userWrite, { ...pke, pkru: 2n << 10n }, 0x27],
    ['protection key, supervisor write with WP', key5, write, { ...pke, pkru: 2n << 10n }, 0x23],
  ] as const)('%s', (_, memory, access, state, errorCode) => {
    expect(walk(0n, memory, access, state).result).toMatchObject({ ok: false, kind: 'page-fault', errorCode });
  });

  test.each([
    ['supervisor write to a read-only page without WP', readOnly, write, { ...LONG, cr0: 0x8000_0031n }],
    ['SMAP with AC', {}, read, { ...LONG, cr4: 0x20_0020n, alignmentCheck: true }],
    ['supervisor fetch from a user page without SMEP', {}, fetch, LONG],
    ['a write-disabled key for a read', key5, userRead, { ...pke, pkru: 2n << 10n }],
    ['a key for a fetch', key5, userFetch, { ...pke, pkru: 3n << 10n }],
    ['a key of a supervisor page', { 0x4000: 0x5000n | P | W | (5n << 59n) }, read, { ...pke, pkru: 3n << 10n }],
    [
      'a write-disabled key for a supervisor write without WP',
      key5,
      write,
      { ...pke, cr0: 0x8000_0031n, pkru: 2n << 10n },
    ],
  ] as const)('none: %s', (_, memory, access, state) => {
    expect(walk(0n, memory, access, state).result.ok).toBe(true);
  });

  test('a non-canonical address is no page fault', () => {
    expect(walk(0x8000_0000_0000n, {}, read).result).toMatchObject({ ok: false, kind: 'not-canonical' });
    expect(walk(0x8000_0000_0000n, {}, read, { ...LONG, cr4: 0x1020n }).result).toMatchObject({ kind: 'page-fault' });
  });

  test('each step has address, raw value, named bits, and why it stops', () => {
    const { steps } = walk(0x20_0000n, {}, read);
    expect(steps).toEqual([
      { level: 'PML4E', address: 0x1000n, raw: 0x2007n, bits: 'P, R/W, U/S, table=0x2' },
      { level: 'PDPTE', address: 0x2000n, raw: 0x3007n, bits: 'P, R/W, U/S, table=0x3' },
      { level: 'PDE', address: 0x3008n, raw: 0n, bits: 'none', stop: 'the PDE at 0x3008 is not present' },
    ]);
  });

  test('tables where no memory is', () => {
    expect(walk(0n, { 0x1000: 0x200_0000n | P }, read).result).toEqual({
      ok: false,
      kind: 'no-memory',
      explanation: 'there is no memory at 0x2000000, where the PDPTE should be',
    });
  });
});

describe('EPT', () => {
  // EPT: PML4 at A000H, PDPT B000H, PD C000H, PT D000H; guest-physical 0 to 2 MBytes as they are but for 5000H.
  const RWX = 7n;
  const EPT_TABLES: Memory = {
    0xa000: 0xb000n | RWX,
    0xb000: 0xc000n | RWX,
    0xc000: 0xd000n | RWX,
    0xc008: 0x40_0000n | RWX | 0x30n | PS,
    ...Object.fromEntries(
      Array.from({ length: 16 }, (_, page) => [0xd000 + 8 * page, BigInt(page << 12) | RWX | 0x30n]),
    ),
    0xd028: 0x9000n | RWX | 0x30n,
  };
  const offers = { executeOnly: true, pages2M: true, pages1G: true, advancedInformation: false };
  const ept: EptSettings = { eptp: 0xa01en, physicalBits: 39, modeBasedExecute: false, offers };
  const flags: EptSettings = { ...ept, eptp: 0xa05en };
  const under = (memory: Memory, access: LinearAccess | undefined, settings = ept) =>
    walk(0x123n, { ...EPT_TABLES, ...memory }, access, LONG, settings);

  test('both translations', () => {
    const found = under({}, userWrite);
    expect(found.result).toEqual({ ok: true, guestPhysical: 0x5123n, hostPhysical: 0x9123n, pageSize: 0x1000n });
    expect(found.steps.map((step) => step.ept?.length)).toEqual([4, 4, 4, 4]);
    expect(found.ept.map((step) => step.level)).toEqual(['EPT PML4E', 'EPT PDPTE', 'EPT PDE', 'EPT PTE']);
  });

  test.each([
    ['data read of a page that is not present', { 0xd028: 0n }, read, ept, 0x181n],
    ['data write of a read-only page', { 0xd028: 0x9000n | 5n | 0x30n }, write, ept, 0x1aan],
    ['fetch of a page that is not executable', { 0xd028: 0x9000n | 3n | 0x30n }, fetch, ept, 0x19cn],
    ['a paging structure that is not present', { 0xd018: 0n }, read, ept, 0x81n],
    ['a paging structure with accessed and dirty flags', { 0xd018: 0n }, read, flags, 0x83n],
    [
      'a read-only paging structure with accessed and dirty flags',
      { 0xd018: 0x3000n | 5n | 0x30n },
      read,
      flags,
      0xabn,
    ],
    ['the accessed flag of a read-only paging structure', { 0xd018: 0x3000n | 5n | 0x30n }, read, ept, 0xabn],
  ] as const)('violation: %s', (_, memory, access, settings, qualification) => {
    expect(under(memory, access, settings).result).toMatchObject({ ok: false, kind: 'ept-violation', qualification });
  });

  test('no violation: a read-only paging structure whose accessed flag is set', () => {
    expect(under({ 0xd018: 0x3000n | 5n | 0x30n, 0x3000: 0x4000n | P | W | U | 0x20n }, read).result.ok).toBe(true);
  });

  test.each([
    ['writable and not readable', 0x9000n | 2n | 0x30n],
    ['writable and executable and not readable', 0x9000n | 6n | 0x30n],
    ['memory type 2', 0x9000n | RWX | 0x10n],
    ['memory type 7', 0x9000n | RWX | 0x38n],
    ['an address beyond the physical-address width', (1n << 39n) | RWX | 0x30n],
  ])('misconfiguration: %s', (_, entry) => {
    expect(under({ 0xd028: entry }, read).result).toMatchObject({ ok: false, kind: 'ept-misconfiguration' });
  });

  test.each([
    ['bit 12 of a 2-MByte page', { 0xc000: 0x1000n | RWX | 0x30n | PS }],
    ['bit 3 of a directory entry', { 0xc000: 0xd000n | RWX | 8n }],
    ['bit 7 of a PML4E', { 0xa000: 0xb000n | RWX | PS }],
  ])('misconfiguration: %s', (_, memory) => {
    expect(walkEpt(0n, ept, reader({ ...EPT_TABLES, ...memory })).result).toMatchObject({
      kind: 'ept-misconfiguration',
    });
  });

  test('execute-only is allowed', () => {
    expect(under({ 0xd028: 0x9000n | 4n | 0x30n }, fetch).result.ok).toBe(true);
    expect(under({ 0xd028: 0x9000n | 4n | 0x30n }, read).result).toMatchObject({ qualification: 0x1a1n });
  });

  test('a 2-MByte page', () => {
    expect(walkEpt(0x20_1234n, ept, reader(EPT_TABLES)).result).toEqual({
      ok: true,
      hostPhysical: 0x40_1234n,
      pageSize: 0x20_0000n,
      rights: 7,
    });
  });

  test('4-level EPT does not translate bits above 47', () => {
    expect(walkEpt(1n << 48n, ept, reader(EPT_TABLES)).result).toMatchObject({ kind: 'ept-violation' });
  });
});
