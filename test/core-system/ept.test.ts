// EPT under 4-level guest paging in the bare core: violations and misconfigurations with their reports, accessed and dirty flags,
// page-modification logging, #VE, mode-based execute control (SDM "The Extended Page Table Mechanism (EPT)").

import { describe, expect, it } from 'vitest';
import {
  EPTP,
  EXIT_GUEST_LINEAR,
  EXIT_GUEST_PHYSICAL,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  NON_ROOT,
  PML_ADDRESS,
  PML_INDEX,
  RAM,
  SECONDARY_CONTROLS,
  STOP_BUDGET,
  STOP_VM_EXIT,
  VE_INFORMATION,
  VMCS_ADDRESS,
} from '../../src/core/layout.ts';
import {
  enterLong,
  load,
  openCore,
  readQuad,
  readWord,
  runFor,
  type TestCore,
  writeQuad,
  writeWord,
} from '../core/harness.ts';

const EPT_PML4 = 0x100000;
const EPT_PT = 0x103000;
const LOG = 0x110000;
const AREA = 0x111000;
const VMCS = 0x112000;
const CODE = 0x8000;
const PAGE = 0xa000;
const GUEST_PD = 0x3000; // the page directory that maps the first GiB
const ALL = 7n;
const FLAGS = 1n << 6n; // EPTP: accessed and dirty flags
const ACCESSED = 0x100n;
const DIRTY = 0x200n;
const USER_EXECUTE = 0x400n;
const SUPPRESS_VE = 1n << 63n;
const PML = 1 << 17;
const VE = 1 << 18;
const MODE_BASED = 1 << 22;

const READ = [0x8a, 0x04, 0x25, 0x00, 0xa0, 0x00, 0x00]; // mov al, [0xa000]
const WRITE = [0x88, 0x04, 0x25, 0x00, 0xa0, 0x00, 0x00]; // mov [0xa000], al

const at = (core: TestCore, physical: number): bigint => readQuad(core, RAM + physical);
const entryOf = (page: number): number => EPT_PT + (page >> 12) * 8;

/** A guest in 64-bit mode about to run `code`, the first 2 MiB mapped to themselves by 4 KiB EPT entries. */
function guest(code: readonly number[], settings: { secondary?: number; flags?: bigint; leaf?: bigint }): TestCore {
  const core = openCore();
  enterLong(core, CODE);
  load(core, CODE, code);
  for (let level = 0; level < 3; level++) {
    writeQuad(core, RAM + EPT_PML4 + level * 0x1000, BigInt(EPT_PML4 + (level + 1) * 0x1000) | ALL | USER_EXECUTE);
  }
  for (let page = 0; page < 512; page++) {
    writeQuad(core, RAM + EPT_PT + page * 8, BigInt(page << 12) | (settings.leaf ?? ALL) | 0x30n);
  }
  writeQuad(core, EPTP, BigInt(EPT_PML4) | 6n | (3n << 3n) | (settings.flags ?? 0n));
  writeWord(core, SECONDARY_CONTROLS, (settings.secondary ?? 0) | 2);
  writeQuad(core, PML_ADDRESS, BigInt(LOG));
  writeWord(core, PML_INDEX, 511);
  writeQuad(core, VE_INFORMATION, BigInt(AREA));
  writeWord(core, VMCS_ADDRESS, RAM + VMCS);
  writeWord(core, NON_ROOT, 1);
  core.exports.updateMode();
  return core;
}

function setRights(core: TestCore, page: number, rights: bigint): void {
  writeQuad(core, RAM + entryOf(page), BigInt(page) | rights | 0x30n);
}

function exit(core: TestCore): { reason: number; qualification: bigint; linear: bigint; physical: bigint } {
  expect(runFor(core, 1)).toEqual({ stop: STOP_VM_EXIT });
  return {
    reason: readWord(core, EXIT_REASON),
    qualification: readQuad(core, EXIT_QUALIFICATION),
    linear: readQuad(core, EXIT_GUEST_LINEAR),
    physical: readQuad(core, EXIT_GUEST_PHYSICAL),
  };
}

describe('EPT', () => {
  // Qualification: bits 0-2 access, 3-5 rights of the entries, 7 and 8 linear address valid and its translation.
  it.each([
    ['a write to a read-only page', WRITE, PAGE, 5n, 0x1aan],
    ['a write to an absent page', WRITE, PAGE, 0n, 0x182n],
    ['a read of an absent page', READ, PAGE, 0n, 0x181n],
    ['a read of an execute-only page', READ, PAGE, 4n, 0x1a1n],
    ['a fetch from a page without execute', READ, CODE, 3n, 0x19cn],
  ])('%s', (_name, code, page, rights, qualification) => {
    const core = guest(code, {});
    setRights(core, page, rights);
    expect(exit(core)).toEqual({ reason: 48, qualification, linear: BigInt(page), physical: BigInt(page) });
  });

  it.each([
    ['flags on: accesses to paging structures are reads and writes', FLAGS, 0xabn],
    ['flags off: the entry is read, then written for its accessed flag', 0n, 0xabn],
  ])('a guest paging structure in a read-only page, %s', (_name, flags, qualification) => {
    const core = guest(READ, { flags });
    setRights(core, GUEST_PD, 5n);
    expect(exit(core)).toEqual({ reason: 48, qualification, linear: BigInt(CODE), physical: BigInt(GUEST_PD) });
  });

  it.each([
    ['writable without readable', 2n],
    ['memory type 2', ALL | 0x10n],
    ['an address above MAXPHYADDR', ALL | (1n << 48n)],
  ])('misconfiguration: %s', (_name, bits) => {
    const core = guest(READ, {});
    writeQuad(core, RAM + entryOf(PAGE), BigInt(PAGE) | bits);
    expect(exit(core)).toMatchObject({ reason: 49, physical: BigInt(PAGE) });
  });

  it('sets accessed and dirty flags as EPTP asks', () => {
    for (const [code, flags, expected] of [
      [READ, FLAGS, ACCESSED],
      [WRITE, FLAGS, ACCESSED | DIRTY],
      [WRITE, 0n, 0n],
    ] as const) {
      const core = guest(code, { flags });
      expect(runFor(core, 1)).toEqual({ stop: STOP_BUDGET });
      expect(at(core, entryOf(PAGE)) & (ACCESSED | DIRTY)).toBe(expected);
      expect(at(core, EPT_PML4) & ACCESSED).toBe(flags ? ACCESSED : 0n);
    }
  });

  it('logs pages that become dirty, from the top down', () => {
    const core = guest(WRITE, { secondary: PML, flags: FLAGS });
    expect(runFor(core, 1)).toEqual({ stop: STOP_BUDGET });
    const last = readWord(core, PML_INDEX);
    const logged = Array.from({ length: 511 - last }, (_, i) => Number(at(core, LOG + (511 - i) * 8)));
    // PML4, PDPT and page directory of the guest count as written, then the page itself.
    expect(logged).toEqual([0x1000, 0x2000, 0x3000, PAGE]);
  });

  it('exits when the log is full, before the dirty flag is set', () => {
    const core = guest(WRITE, { secondary: PML, flags: FLAGS });
    expect(runFor(core, 0)).toEqual({ stop: STOP_BUDGET });
    writeWord(core, PML_INDEX, 0xffff);
    expect(exit(core)).toMatchObject({ reason: 62, physical: 0x1000n });
    expect(at(core, entryOf(0x1000)) & DIRTY).toBe(0n);
  });

  it('turns a convertible violation into #VE and fills the information area', () => {
    const core = guest(WRITE, { secondary: VE });
    setRights(core, PAGE, 5n);
    expect(runFor(core, 1)).toEqual({ fault: { vector: 20, error: undefined, address: 0n } });
    expect(Array.from({ length: 4 }, (_, i) => at(core, AREA + i * 8))).toEqual([
      0xffffffff_00000030n,
      0x1aan,
      BigInt(PAGE),
      BigInt(PAGE),
    ]);
  });

  it.each([
    ['the entry suppresses #VE', 5n | SUPPRESS_VE, 0n],
    ['the area is in use', 5n, 0xffffffff_00000000n],
  ])('exits when %s', (_name, rights, area) => {
    const core = guest(WRITE, { secondary: VE });
    setRights(core, PAGE, rights);
    writeQuad(core, RAM + AREA, area);
    expect(exit(core)).toMatchObject({ reason: 48, qualification: 0x1aan });
  });

  it('mode-based execute control takes bit 10 for user-mode addresses', () => {
    // The guest's pages are user-mode addresses.
    const allowed = guest(READ, { secondary: MODE_BASED, leaf: 3n | USER_EXECUTE });
    expect(runFor(allowed, 1)).toEqual({ stop: STOP_BUDGET });
    const denied = guest(READ, { secondary: MODE_BASED, leaf: ALL });
    expect(exit(denied)).toMatchObject({ reason: 48, qualification: 0x1bcn });
  });
});
