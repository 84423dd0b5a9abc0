// Every combination of EPT permissions, page size, accessed and dirty flags, mode-based execute control and access, against the rules
// of the SDM ("EPT Misconfigurations", "EPT Violations", "Accessed and Dirty Flags for EPT", "Exit Qualification for EPT Violations").
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm, profileNamed } from '../hypervisors.ts';
import { EPT, openStand, START_TIMEOUT, type Outcome, type Stand, TABLES, userTables } from '../stand.ts';

const PRIMARY_SECONDARY = 1 << 31;
const SECONDARY_EPT = 1 << 1;
const SECONDARY_MODE_BASED = 1 << 22;
const [EPT_PDPT, EPT_PD, EPT_PT] = [EPT + 0x1000, EPT + 0x2000, EPT + 0x3000] as const;
const HOST_PAGE = 0xa0_0000n; // what the page under test is
const WRITE_BACK = 6n << 3n;
const LARGE = 1n << 7n;
const ACCESSED = 1n << 8n;
const DIRTY = 1n << 9n;
const ALL = 0x407n; // read, write, execute, user execute

/** Guest-physical and guest-linear address of the page under test, by size. */
const PLACES = { '4 KBytes': 0x300_0000, '2 MBytes': 0x320_0000, '1 GByte': 0x40a0_0000 } as const;
type Size = keyof typeof PLACES;
const SIZES = Object.keys(PLACES) as Size[];
const ACCESSES = ['read', 'write', 'fetch'] as const;
type Access = (typeof ACCESSES)[number];

interface Case {
  readonly size: Size;
  /** Bits 0 to 2: read, write, execute; bit 3: user execute (bit 10 of the entry). */
  readonly rights: number;
  readonly access: Access;
  readonly userPage: boolean;
  readonly flags: boolean;
  readonly modeBased: boolean;
}

const bits = <T>(values: readonly T[], more: (value: T) => Case[]): Case[] => values.flatMap(more);
const BOTH = [false, true] as const;
const CASES = bits(SIZES, (size) =>
  bits(ACCESSES, (access) =>
    bits(BOTH, (userPage) =>
      bits(BOTH, (flags) =>
        bits(BOTH, (modeBased) =>
          Array.from({ length: 16 }, (_, rights) => ({ size, rights, access, userPage, flags, modeBased })),
        ),
      ),
    ),
  ),
);

/** What the SDM says of the access: the exit reason, or 18 (the VMCALL after it), with the qualification of a violation. */
function expected({ rights, access, userPage, modeBased }: Case): { reason: number; qualification: bigint } {
  const [read, write, execute, userExecute] = [1, 2, 4, 8].map((bit) => (rights & bit) !== 0);
  const present = read || write || execute || (modeBased && userExecute);
  if (present && write && !read) return { reason: 49, qualification: 0n };
  const allowed = { read, write, fetch: modeBased && userPage ? userExecute : execute }[access];
  if (present && allowed) return { reason: 18, qualification: 0n };
  const held = present ? rights & (modeBased ? 15 : 7) : 0;
  const kind = { read: 1, write: 2, fetch: 4 }[access];
  // Bits 8:7: the translation of a linear address. Bits 11:9: a user page or not, writable, not execute-disabled.
  const page = userPage ? 0x600 : 0x400;
  return { reason: 48, qualification: BigInt(kind | (held << 3) | 0x180 | page) };
}

function entryOf(rights: number): bigint {
  return BigInt(rights & 7) | (BigInt(rights >> 3) << 10n);
}

/** Identity EPT of the first 16 MBytes, and the page under test with these rights. Answers the address of its entry. */
function buildEpt(stand: Stand, size: Size, rights: number): number {
  stand.write(EPT, BigInt(EPT_PDPT) | ALL);
  stand.write(EPT_PDPT, BigInt(EPT_PD) | ALL);
  stand.write(EPT_PDPT + 8, LARGE | WRITE_BACK | entryOf(size === '1 GByte' ? rights : 15));
  for (let page = 0; page < 8; page += 1) stand.write(EPT_PD + 8 * page, BigInt(page << 21) | LARGE | WRITE_BACK | ALL);
  stand.write(EPT_PD + 8 * 24, BigInt(EPT_PT) | ALL);
  stand.write(EPT_PT, HOST_PAGE | WRITE_BACK | entryOf(rights));
  stand.write(EPT_PD + 8 * 25, HOST_PAGE | LARGE | WRITE_BACK | entryOf(rights));
  return { '4 KBytes': EPT_PT, '2 MBytes': EPT_PD + 8 * 25, '1 GByte': EPT_PDPT + 8 }[size];
}

function eptFields(flags: boolean, modeBased: boolean) {
  return {
    'Primary processor-based VM-execution controls': PRIMARY,
    'Secondary processor-based VM-execution controls': SECONDARY_EPT | (modeBased ? SECONDARY_MODE_BASED : 0),
    'Guest CR3': TABLES,
    'EPT pointer (EPTP)': EPT | 0x1e | (flags ? 0x40 : 0),
  } as const;
}

let PRIMARY = 0n;

function open(without: readonly string[] = []): Stand {
  const stand = openStand(
    {
      read: 'mov al, [rbx]\n vmcall',
      write: 'mov [rbx], al\n vmcall',
      fetch: 'jmp rbx',
    },
    profileNamed(undefined, ...without),
  );
  PRIMARY = stand.field('Primary processor-based VM-execution controls') | BigInt(PRIMARY_SECONDARY);
  PRIMARY = BigInt.asUintN(32, PRIMARY);
  userTables(stand);
  return stand;
}

function enter(stand: Stand, one: Case): { outcome: Outcome; entry: bigint } {
  let entry = 0;
  const outcome = stand.enter({
    at: one.access,
    fields: eptFields(one.flags, one.modeBased),
    registers: { rbx: PLACES[one.size] },
    before: () => {
      stand.write(TABLES + 0x1000 + 8, 0x4000_0000n | 0xe3n | (one.userPage ? 4n : 0n));
      for (const page of [24, 25])
        stand.write(TABLES + 0x2000 + 8 * page, BigInt(page << 21) | 0xe3n | (one.userPage ? 4n : 0n));
      entry = buildEpt(stand, one.size, one.rights);
      stand.write(Number(HOST_PAGE), 0xf4c1010fn, 4); // VMCALL
    },
  });
  return { outcome, entry: stand.read(entry) };
}

/** The parts of an outcome that the rules speak of; bit 6 of the qualification is undefined without mode-based execute control. */
function told(outcome: Outcome, modeBased: boolean) {
  if (outcome.kind !== 'exit') return outcome;
  const qualification = outcome.reason === 48 ? outcome.qualification & (modeBased ? ~0n : ~0x40n) : 0n;
  return { reason: outcome.reason, qualification };
}

describe.skipIf(!hasNasm())('EPT permissions', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = open();
  }, START_TIMEOUT);

  it(`${CASES.length} accesses: outcome, addresses, accessed and dirty flags`, () => {
    for (const one of CASES) {
      const { outcome, entry } = enter(stand, one);
      const wanted = expected(one);
      const name = JSON.stringify(one);
      expect(told(outcome, one.modeBased), name).toEqual(wanted);
      if (outcome.kind === 'exit' && wanted.reason !== 18)
        expect(outcome.guestPhysical, name).toBe(BigInt(PLACES[one.size]));
      if (outcome.kind === 'exit' && wanted.reason === 48)
        expect(outcome.guestLinear, name).toBe(BigInt(PLACES[one.size]));
      const used = wanted.reason === 18 && one.flags;
      expect(entry & (ACCESSED | DIRTY), name).toBe(
        (used ? ACCESSED : 0n) | (used && one.access === 'write' ? DIRTY : 0n),
      );
    }
  });

  it('128 accesses to paging structures: execute does not matter, writes with accessed and dirty flags', () => {
    for (const rights of Array.from({ length: 16 }, (_, value) => value))
      for (const flags of BOTH)
        for (const accessed of BOTH)
          for (const modeBased of BOTH) {
            const outcome = stand.enter({
              at: 'read',
              fields: eptFields(flags, modeBased),
              registers: { rbx: 0x4000_0000 },
              before: () => {
                // The page directory of the second GByte is the page under test.
                stand.write(TABLES + 0x1000 + 8, BigInt(PLACES['4 KBytes']) | 0x27n);
                buildEpt(stand, '4 KBytes', rights);
                stand.write(Number(HOST_PAGE), 0x20_0000n | 0x87n | (accessed ? 0x20n : 0n));
              },
            });
            const name = JSON.stringify({ rights, flags, accessed, modeBased });
            const [read, write] = [(rights & 1) !== 0, (rights & 2) !== 0];
            const present = (rights & (modeBased ? 15 : 7)) !== 0;
            const held = present ? (rights & (modeBased ? 15 : 7)) << 3 : 0;
            const got = told(outcome, modeBased);
            if (present && write && !read) expect(got, name).toEqual({ reason: 49, qualification: 0n });
            else if (!read || (!write && flags))
              expect(got, name).toEqual({ reason: 48, qualification: BigInt((flags ? 3 : 1) | held | 0x80) });
            else if (!write && !accessed) {
              // The accessed flag is set by a write; whether the violation also tells the read is not defined.
              expect(got, name).toMatchObject({ reason: 48 });
              expect('qualification' in got ? got.qualification & ~1n : 0n, name).toBe(BigInt(2 | held | 0x80));
            } else expect(got, name).toEqual({ reason: 18, qualification: 0n });
            if (outcome.kind === 'exit' && outcome.reason === 48) {
              expect(outcome.guestPhysical, name).toBe(BigInt(PLACES['4 KBytes']));
              expect(outcome.guestLinear, name).toBe(0x4000_0000n);
            }
          }
  });

  it('memory types and reserved bits of entries', () => {
    const [pt, pd, pdpt] = [EPT_PT, EPT_PD + 8 * 25, EPT_PDPT + 8];
    const leaf = (size: Size) => (size === '4 KBytes' ? 0n : LARGE);
    const place = (size: Size) => ({ '4 KBytes': pt, '2 MBytes': pd, '1 GByte': pdpt })[size];
    const target = (size: Size) => (size === '1 GByte' ? 0n : HOST_PAGE);
    const low = { '4 KBytes': 12, '2 MBytes': 21, '1 GByte': 30 } as const;
    for (const size of SIZES)
      for (let bit = 3; bit < 64; bit += 1)
        for (const type of bit === 3 ? [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n] : [6n]) {
          const flag = bit === 3 || bit === 4 || bit === 5 ? 0n : 1n << BigInt(bit);
          const outcome = stand.enter({
            at: 'read',
            fields: eptFields(false, false),
            registers: { rbx: PLACES[size] },
            before: () => {
              stand.write(TABLES + 0x1000 + 8, 0x4000_0000n | 0xe7n);
              buildEpt(stand, size, 7);
              stand.write(place(size), target(size) | leaf(size) | ALL | (type << 3n) | flag);
            },
          });
          const reserved =
            [2n, 3n, 7n].includes(type) ||
            (bit >= 39 && bit < 52) ||
            (bit >= 12 && bit < low[size] && size !== '4 KBytes');
          // Bit 7 is ignored in a PT entry; the others of 11:6 and 63:52 are flags or ignored; an address beyond RAM reads as FFH.
          expect(told(outcome, false), `${size}, bit ${bit}, type ${type}`).toEqual({
            reason: reserved ? 49 : 18,
            qualification: 0n,
          });
        }
  });

  it.each([
    ['execute-only', { size: '4 KBytes', rights: 4, access: 'fetch', modeBased: false }, 49],
    ['execute-only', { size: '4 KBytes', rights: 8, access: 'fetch', modeBased: true }, 49],
    ['execute-only', { size: '4 KBytes', rights: 5, access: 'fetch', modeBased: false }, 18],
    ['1-GByte pages', { size: '1 GByte', rights: 15, access: 'read', modeBased: false }, 49],
    ['advanced information', { size: '4 KBytes', rights: 2 ^ 7, access: 'write', modeBased: false }, 48],
  ] as const)('without %s', (without, one, reason) => {
    const lesser = open([without]);
    const { outcome } = enter(lesser, { ...one, userPage: true, flags: false });
    expect(outcome).toMatchObject({ kind: 'exit', reason });
    if (reason === 48 && outcome.kind === 'exit') expect(outcome.qualification & 0xe00n).toBe(0n);
  });
});
