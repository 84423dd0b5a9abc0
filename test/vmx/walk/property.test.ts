// The walk for people against the processor's own: random paging structures, extended page tables, registers and accesses;
// both must come to the same physical address, page fault, EPT violation or misconfiguration.

import { beforeAll, describe, expect, test } from 'vitest';
import {
  CR0,
  CR3,
  CR4,
  CS,
  EFER,
  EPTP,
  EVENT_VALID,
  EXCEPTION_BITMAP,
  EXIT_GUEST_LINEAR,
  EXIT_GUEST_PHYSICAL,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  LAST_PHYSICAL,
  NON_ROOT,
  PDPTE0,
  PFEC_MASK,
  PFEC_MATCH,
  PKRS,
  PKRU,
  RAM,
  RAX,
  SECONDARY_CONTROLS,
  SS,
  STOP_VM_EXIT,
  VMX_OFFERS,
  VMX_ON,
} from '../../../src/core/layout.ts';
import type { EptSettings, PhysicalReader } from '../../../src/vmx/ept-walk.ts';
import type { LinearAccess, PagingState } from '../../../src/vmx/page-rights.ts';
import { type PageWalk, walkPaging } from '../../../src/vmx/walk.ts';
import {
  enterLong,
  enterProtected,
  load,
  openCore,
  readQuad,
  readWord,
  runFor,
  setSegment,
  type TestCore,
  writeQuad,
  writeWord,
} from '../../core/harness.ts';

const TRIALS = Number(process.env.RINGSIDE_TRIALS ?? 600);
const SEED = 20_261_122;
const PHYSICAL_BITS = 39;

// Physical memory: pages that code may land on hold NOPs.
const CODE = 0x8000;
const READ_CODE = 0x000;
const WRITE_CODE = 0x010;
const JUMP_CODE = 0x020;
const FIXED_TABLES = 0x1_0000; // map the code page
const EPT_TABLES = 0x4_0000;
const EPT_ROOT_5 = 0x4_8000;
const EPT_LOW = 0x4_9000; // maps the first 2 MBytes by pages of 4 KBytes
const HIGH = 1n << 30n; // guest-physical: the low GByte again, by an EPT page of 1 GByte or a table
const GUEST_TABLES = 0x10_0000;
const TABLES_OF_LEVEL = 3;
const HIGHEST_LEVEL = 5;
const FAR_TABLES = 0x60_0000; // guest tables at addresses that EPT translates freely
const NOPS = 0x9090_9090_9090_9090n;
const INDICES = 4; // entries of each table that are used

/** xorshift64*, so that a failure can be repeated. */
function randomSource(seed: number): (below: number) => number {
  let state = BigInt(seed);
  return (below) => {
    state ^= state >> 12n;
    state = BigInt.asUintN(64, state ^ (state << 25n));
    state ^= state >> 27n;
    return Number(BigInt.asUintN(64, state * 0x2545_f491_4f6c_dd1dn) >> 33n) % below;
  };
}

type Random = ReturnType<typeof randomSource>;
type Mode = Exclude<PageWalk['mode'], 'no paging'>;

const chance = (random: Random, percent: number): boolean => random(100) < percent;
const flag = (random: Random, percent: number, bit: number): bigint =>
  chance(random, percent) ? 1n << BigInt(bit) : 0n;
const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)] as T;

function store(core: TestCore, address: number, value: bigint, bytes: 4 | 8): void {
  if (bytes === 8) {
    writeQuad(core, RAM + address, value);
  } else {
    writeWord(core, RAM + address, Number(value));
  }
}

function frame(random: Random, level: number, second: bigint): bigint {
  const base = pick(random, [0x20_0000n, 0x40_0000n]);
  const high = chance(random, 15) ? second : 0n;
  return high + (level === 3 ? 0n : level === 2 ? base : base + 0x1000n * BigInt(random(INDICES)));
}

/** A table of entries of this level: tables of one level never serve at another, so that code never runs from a table. */
function guestTable(random: Random, level: number, second: bigint): bigint {
  return level <= INDICES && chance(random, 15)
    ? BigInt(FAR_TABLES + 0x1000 * (level - 1)) + (chance(random, 40) ? second : 0n)
    : BigInt(guestTableAt(level, random(TABLES_OF_LEVEL)));
}

function guestTableAt(level: number, index: number): number {
  return GUEST_TABLES + 0x1000 * (TABLES_OF_LEVEL * (level - 1) + index);
}

/** An entry of a guest table of this level, of the formats with 8 bytes. */
function guestEntry(random: Random, level: number, mode: Mode, second: bigint): bigint {
  const large = (level === 2 || level === 3) && chance(random, 35);
  const leaf = large || level === 1;
  return (
    flag(random, 93, 0) |
    flag(random, 80, 1) |
    flag(random, 75, 2) |
    flag(random, 50, 5) |
    flag(random, 50, 6) |
    (large ? 0x80n : 0n) |
    (leaf ? frame(random, level, second) : guestTable(random, level - 1, second)) |
    (level >= 4 ? flag(random, 3, 7) : 0n) |
    (large ? flag(random, 4, 12) | flag(random, 4, 14) : 0n) |
    flag(random, 3, 45) |
    flag(random, 12, 63) |
    (mode === 'PAE' ? flag(random, 3, 58) : BigInt(random(16)) << 59n)
  );
}

/** An entry of 32-bit paging. */
function guestEntry32(random: Random, level: number, second: bigint): bigint {
  const large = level === 2 && chance(random, 35);
  return (
    flag(random, 93, 0) |
    flag(random, 80, 1) |
    flag(random, 75, 2) |
    flag(random, 50, 5) |
    flag(random, 50, 6) |
    (large
      ? 0x80n | (chance(random, 50) ? 0n : 0x40_0000n) | flag(random, 4, 20) | flag(random, 4, 21)
      : level === 1
        ? frame(random, 1, second)
        : guestTable(random, 1, second))
  );
}

function eptEntry(random: Random, level: number, address: bigint, leaf: boolean): bigint {
  return (
    (chance(random, 5) ? 4n : flag(random, 92, 0) | flag(random, 85, 1) | flag(random, 85, 2)) |
    (leaf
      ? BigInt(pick(random, [6, 6, 6, 6, 0, 1, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 3])) << 3n
      : flag(random, 3, 4)) |
    (leaf && level > 1 ? 0x80n | flag(random, 3, 14) : 0n) |
    flag(random, 50, 8) |
    flag(random, 50, 9) |
    flag(random, 70, 10) |
    flag(random, 2, 44) |
    address
  );
}

const RWXU = 0x407n;
const RWXU_WB = 0x437n;
const ENTRY_FLAGS = 0x67n; // present, writable, user, accessed, dirty
/** Bits of VMX_OFFERS. */
const OFFERS: Readonly<Record<keyof EptSettings['offers'], number>> = {
  advancedInformation: 1 << 3,
  pages2M: 1 << 6,
  pages1G: 1 << 7,
  executeOnly: 1 << 16,
};

/** EPT: the first 2 MBytes as they are, the next three directory entries and the second GByte at random. */
function buildEpt(core: TestCore, random: Random): EptSettings {
  const [pml4, pdpt, directory] = [EPT_TABLES, EPT_TABLES + 0x1000, EPT_TABLES + 0x2000];
  store(core, EPT_ROOT_5, BigInt(pml4) | RWXU, 8);
  store(core, pml4, BigInt(pdpt) | RWXU, 8);
  store(core, pdpt, BigInt(directory) | RWXU, 8);
  const large = chance(random, 70);
  store(core, pdpt + 8, eptEntry(random, 3, large ? 0n : BigInt(directory), large), 8);
  store(core, directory, BigInt(EPT_LOW) | RWXU, 8);
  for (let index = 1; index <= 3; index += 1) {
    const target = index === 3 ? BigInt(FAR_TABLES) : pick(random, [0x20_0000n, 0x40_0000n]);
    const table = EPT_TABLES + 0x2000 + 0x1000 * index;
    const leaf = chance(random, 40);
    store(core, directory + 8 * index, eptEntry(random, 2, leaf ? target : BigInt(table), leaf), 8);
    for (let entry = 0; entry < INDICES; entry += 1) {
      const page = index === 3 ? entry : random(INDICES);
      store(core, table + 8 * entry, eptEntry(random, 1, target + 0x1000n * BigInt(page), true), 8);
    }
  }
  const flags = chance(random, 50) ? 0x40n : 0n;
  return {
    eptp: (chance(random, 30) ? BigInt(EPT_ROOT_5) | 0x26n : BigInt(pml4) | 0x1en) | flags,
    physicalBits: PHYSICAL_BITS,
    modeBasedExecute: chance(random, 40),
    // Every set that a profile, or a profile without single capabilities, can have.
    offers: {
      executeOnly: chance(random, 70),
      pages2M: chance(random, 75),
      pages1G: chance(random, 75),
      advancedInformation: chance(random, 60),
    },
  };
}

function offersWord(offers: EptSettings['offers']): number {
  return (Object.keys(OFFERS) as (keyof typeof OFFERS)[]).reduce(
    (word, name) => word | (offers[name] ? OFFERS[name] : 0),
    0,
  );
}

interface Setup {
  readonly mode: Mode;
  readonly state: PagingState;
  readonly ept: EptSettings | undefined;
  readonly access: LinearAccess;
  readonly linear: bigint;
  readonly code: bigint;
}

const LEVELS: Readonly<Record<Mode, number>> = { '32-bit': 2, PAE: 2, '4-level': 4, '5-level': 5 };

/** Tables that map the code page at the top of the address space, and random ones under the other entries of the root. */
function buildGuest(
  core: TestCore,
  random: Random,
  mode: Mode,
  user: boolean,
  ept: boolean,
): { code: bigint; pdptes?: bigint[] } {
  const second = ept ? HIGH : 0n;
  const bytes = mode === '32-bit' ? 4 : 8;
  const entryOf = (level: number): bigint =>
    bytes === 4 ? guestEntry32(random, level, second) : guestEntry(random, level, mode, second);
  const root = guestTableAt(LEVELS[mode], 0);
  for (let level = 1; level <= HIGHEST_LEVEL; level += 1) {
    const tables = Array.from({ length: TABLES_OF_LEVEL }, (_, index) => guestTableAt(level, index));
    for (const table of level <= INDICES ? [...tables, FAR_TABLES + 0x1000 * (level - 1)] : tables) {
      for (let entry = 0; entry < INDICES; entry += 1) {
        store(core, table + bytes * entry, entryOf(level), bytes);
      }
    }
  }
  const fixed = user ? ENTRY_FLAGS : ENTRY_FLAGS & ~4n;
  if (mode === '32-bit') {
    store(core, FIXED_TABLES + 4 * 8, BigInt(CODE) | fixed, 4);
    store(core, root + 4 * 768, BigInt(FIXED_TABLES) | ENTRY_FLAGS, 4);
    return { code: 0xc000_8000n };
  }
  store(core, FIXED_TABLES + 8 * 8, BigInt(CODE) | fixed, 8);
  for (let level = 2; level < 5; level += 1) {
    store(core, FIXED_TABLES + 0x1000 * (level - 1), BigInt(FIXED_TABLES + 0x1000 * (level - 2)) | ENTRY_FLAGS, 8);
  }
  if (mode === 'PAE') {
    const pdptes = Array.from({ length: 3 }, () => guestTable(random, 2, second) | flag(random, 90, 0));
    return { code: 0xc000_8000n, pdptes: [...pdptes, BigInt(FIXED_TABLES + 0x1000) | 1n] };
  }
  store(core, root + 8 * 511, BigInt(FIXED_TABLES + 0x1000 * (LEVELS[mode] - 2)) | ENTRY_FLAGS, 8);
  const shift = BigInt(12 + 9 * (LEVELS[mode] - 1));
  return { code: BigInt.asUintN(64, -(1n << shift)) + 0x8000n };
}

function randomLinear(random: Random, mode: Mode): bigint {
  const offset = 0x800n;
  const page = BigInt(random(INDICES)) << 12n;
  if (mode === '32-bit') {
    return (BigInt(random(3)) << 22n) | page | offset;
  }
  if (mode === 'PAE') {
    return (BigInt(random(3)) << 30n) | (BigInt(random(3)) << 21n) | page | offset;
  }
  // Not 0: the harness keeps tables of its own in the first pages, which a 1-GByte page would map.
  const middle = BigInt(1 + random(2)) << 21n;
  const upper = (BigInt(random(INDICES)) << 30n) | (BigInt(random(INDICES)) << 39n);
  return upper | (mode === '5-level' ? BigInt(random(INDICES)) << 48n : 0n) | middle | page | offset;
}

function setUp(core: TestCore, random: Random, mode: Mode, ept: boolean): Setup {
  const long = mode === '4-level' || mode === '5-level';
  const user = chance(random, 50);
  const { code, pdptes } = buildGuest(core, random, mode, user, ept);
  const state: PagingState = {
    cr0: 0x8000_0031n | flag(random, 50, 16),
    cr3: BigInt(guestTableAt(LEVELS[mode], 0)),
    cr4:
      (mode === '32-bit' ? flag(random, 80, 4) : 0x20n) |
      (mode === '5-level' ? 0x1000n : 0n) |
      flag(random, 40, 20) |
      flag(random, 40, 21) |
      (long ? flag(random, 40, 22) | flag(random, 40, 24) : 0n),
    efer: (long ? 0x500n : 0n) | flag(random, 70, 11),
    alignmentCheck: chance(random, 40),
    pkru: BigInt(random(0x1_0000)) | (BigInt(random(0x1_0000)) << 16n),
    pkrs: BigInt(random(0x1_0000)) | (BigInt(random(0x1_0000)) << 16n),
    physicalBits: PHYSICAL_BITS,
    ...(pdptes && { pdptes }),
  };
  return {
    mode,
    state,
    ept: ept ? buildEpt(core, random) : undefined,
    access: { kind: pick(random, ['read', 'write', 'execute'] as const), user },
    linear: randomLinear(random, mode),
    code,
  };
}

function enter(core: TestCore, { mode, state, ept, access, linear, code }: Setup): void {
  const long = mode === '4-level' || mode === '5-level';
  (long ? enterLong : enterProtected)(core, CODE);
  const privilege = access.user ? 0x60 : 0;
  setSegment(core, CS, 0x08 | (access.user ? 3 : 0), (long ? 0xa09b : 0xc09b) | privilege, 0xffffffff, 0);
  setSegment(core, SS, 0x10 | (access.user ? 3 : 0), 0xc093 | privilege, 0xffffffff, 0);
  writeQuad(core, CR0, state.cr0);
  writeQuad(core, CR3, state.cr3);
  writeQuad(core, CR4, state.cr4);
  writeQuad(core, EFER, state.efer);
  writeQuad(core, PKRU, state.pkru);
  writeQuad(core, PKRS, state.pkrs);
  for (let index = 0; index < 4; index += 1) {
    writeQuad(core, PDPTE0 + 8 * index, state.pdptes?.[index] ?? 0n);
  }
  const guest = ept === undefined ? 0 : 1;
  writeWord(core, VMX_ON, guest);
  writeWord(core, NON_ROOT, guest);
  writeQuad(core, EPTP, ept?.eptp ?? 0n);
  writeWord(core, SECONDARY_CONTROLS, ept === undefined ? 0 : 2 | (ept.modeBasedExecute ? 1 << 22 : 0));
  writeWord(core, VMX_OFFERS, ept === undefined ? 0 : offersWord(ept.offers));
  for (const cell of [EXCEPTION_BITMAP, PFEC_MASK, PFEC_MATCH, EVENT_VALID]) {
    writeWord(core, cell, 0);
  }
  writeQuad(core, RAX, NOPS);
  writeQuad(core, RAX + 8 * 3, linear);
  core.exports.setFlags(2n | (state.alignmentCheck ? 1n << 18n : 0n));
  core.exports.updateMode();
  core.exports.flushTlb(3);
  const offset = { read: READ_CODE, write: WRITE_CODE, execute: JUMP_CODE }[access.kind];
  core.exports.setRip(code + BigInt(offset));
}

/** What the processor came to, in the words of the walk. */
function processorResult(core: TestCore, { access }: Setup): unknown {
  const result = runFor(core, access.kind === 'execute' ? 2 : 1);
  if (result.fault !== undefined) {
    return { kind: `fault ${result.fault.vector}`, errorCode: result.fault.error, address: result.fault.address };
  }
  if (result.stop === STOP_VM_EXIT) {
    const reason = readWord(core, EXIT_REASON);
    const guestPhysical = readQuad(core, EXIT_GUEST_PHYSICAL);
    if (reason !== 48) return { kind: `exit ${reason}`, guestPhysical };
    const qualification = readQuad(core, EXIT_QUALIFICATION);
    return { kind: 'ept-violation', qualification, guestPhysical, linear: readQuad(core, EXIT_GUEST_LINEAR) };
  }
  return { kind: 'translated', hostPhysical: readQuad(core, LAST_PHYSICAL) };
}

function walkResult({ result }: PageWalk, linear: bigint): unknown {
  if (result.ok) {
    return { kind: 'translated', hostPhysical: result.hostPhysical };
  }
  switch (result.kind) {
    case 'page-fault':
      return { kind: 'fault 14', errorCode: result.errorCode, address: linear };
    case 'ept-violation':
      return {
        kind: 'ept-violation',
        qualification: result.qualification,
        guestPhysical: result.guestPhysical,
        linear,
      };
    case 'ept-misconfiguration':
      return { kind: 'exit 49', guestPhysical: result.guestPhysical };
    default:
      return { kind: result.kind };
  }
}

describe('page walks equal the processor’s', () => {
  let core: TestCore;
  let read: PhysicalReader;

  beforeAll(() => {
    core = openCore(16);
    read = (address, bytes) => {
      if (address + BigInt(bytes) > BigInt(core.ramSize)) {
        return undefined;
      }
      return bytes === 8 ? readQuad(core, RAM + Number(address)) : BigInt(readWord(core, RAM + Number(address)));
    };
    for (const [from, to] of [
      [0, 0x4000],
      [0x20_0000, 0x60_0000],
    ] as const) {
      core.bytes.fill(0x90, RAM + from, RAM + to);
    }
  }, 120_000);

  const modes = ['32-bit', 'PAE', '4-level', '5-level'] as const;
  test.each(
    modes.flatMap((mode) => [
      { mode, ept: false },
      { mode, ept: true },
    ]),
  )(`$mode, EPT $ept`, ({ mode, ept }) => {
    const random = randomSource(SEED + modes.indexOf(mode) * 2 + (ept ? 1 : 0));
    const long = mode === '4-level' || mode === '5-level';
    core.bytes.fill(0, RAM + CODE, RAM + CODE + 0x1000);
    load(core, CODE + READ_CODE, long ? [0x48, 0x8b, 0x03, 0x90] : [0x8b, 0x03, 0x90]); // mov rax, [rbx]
    load(core, CODE + WRITE_CODE, long ? [0x48, 0x89, 0x03, 0x90] : [0x89, 0x03, 0x90]); // mov [rbx], rax
    load(core, CODE + JUMP_CODE, [0xff, 0xe3]); // jmp rbx
    core.exports.flushCode();
    for (let page = 0; page < 512; page += 1) {
      store(core, EPT_LOW + 8 * page, BigInt(page << 12) | RWXU_WB, 8);
    }
    const kinds = new Map<string, number>();
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const setup = setUp(core, random, mode, ept);
      const walk = walkPaging(setup.linear, setup.state, read, setup.ept, setup.access);
      const expected = walkResult(walk, setup.linear) as { kind: string };
      enter(core, setup);
      const actual = processorResult(core, setup);
      if (JSON.stringify(actual, text) !== JSON.stringify(expected, text)) {
        expect(actual, `seed ${SEED}, trial ${trial}: ${JSON.stringify({ setup, walk }, text, 1)}`).toEqual(expected);
      }
      kinds.set(expected.kind, (kinds.get(expected.kind) ?? 0) + 1);
    }
    // The trials reach every outcome, or they would prove nothing.
    const outcomes = ['translated', 'fault 14', ...(ept ? ['ept-violation', 'exit 49'] : [])];
    for (const kind of outcomes) {
      expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(TRIALS / 100);
    }
  });
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}
