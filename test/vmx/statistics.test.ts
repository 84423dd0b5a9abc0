// The tables of exit statistics: counts by hand, what happens when they are full, saving and loading.

import { expect, test } from 'vitest';
import {
  F_GUEST_CS_ACCESS_RIGHTS,
  F_GUEST_CS_BASE,
  F_VM_ENTRY_CONTROLS,
} from '../../src/core/generated/vmcs-offsets.ts';
import {
  ENTRY_TIME,
  EXIT_REASON,
  EXIT_RIP,
  EXIT_TIME,
  RAM,
  STATISTICS_ROW,
  VMCS_ADDRESS,
  VMCS_POINTER,
} from '../../src/core/layout.ts';
import { type Core, writeCount } from '../../src/vmx/processor.ts';
import {
  countEntry as countEntryAtItsTime,
  countExit as countExitAtItsTime,
  createStatistics,
  loadStatistics,
  readStatistics,
  STATISTICS_ROWS,
  type StatisticsTables,
  saveStatistics,
} from '../../src/vmx/statistics.ts';

const VMCS = 0x2000;

function createCore(): {
  core: Core;
  at: (rip: number, reason: number) => void;
  set: (offset: number, value: number) => void;
} {
  const words = new Uint32Array((RAM + 0x4000) >>> 2);
  words[VMCS_ADDRESS >>> 2] = RAM + VMCS;
  words[VMCS_POINTER >>> 2] = VMCS;
  const set = (offset: number, value: number): void => {
    words[(RAM + VMCS + offset) >>> 2] = value;
  };
  return {
    core: { words, signed: new Int32Array(words.buffer) } as unknown as Core,
    set,
    at: (rip, reason) => {
      words[EXIT_RIP >>> 2] = rip;
      words[EXIT_REASON >>> 2] = reason;
    },
  };
}

function countExit(tables: StatisticsTables, core: Core, time: number): void {
  writeCount(core, EXIT_TIME, time);
  countExitAtItsTime(tables, core);
}

function countEntry(tables: StatisticsTables, core: Core, time: number): void {
  writeCount(core, ENTRY_TIME, time);
  countEntryAtItsTime(tables, core);
}

test('instructions from each VM exit to the next VM entry: fewest, most, sum', () => {
  const { core, at } = createCore();
  const tables = createStatistics();
  for (const [exit, entry] of [
    [100, 130],
    [200, 210],
    [300, 350],
  ] as const) {
    at(0x1000, 10);
    countExit(tables, core, exit);
    countEntry(tables, core, entry);
  }
  at(0x1002, 12);
  countExit(tables, core, 400);
  const row = { vmcs: BigInt(VMCS) };
  expect(readStatistics(tables).places).toEqual([
    { ...row, reason: 10, rip: 0x1000n, linear: 0x1000n, count: 3, handled: 3, total: 90, least: 10, most: 50 },
    { ...row, reason: 12, rip: 0x1002n, linear: 0x1002n, count: 1, handled: 0, total: 0, least: 0, most: 0 },
  ]);
});

test('a VM entry that no VM exit preceded counts nothing; a second entry does not count twice', () => {
  const { core, at } = createCore();
  const tables = createStatistics();
  countEntry(tables, core, 5);
  at(0x1000, 10);
  countExit(tables, core, 10);
  countEntry(tables, core, 12);
  countEntry(tables, core, 99);
  expect(readStatistics(tables).places.map(({ handled, total }) => [handled, total])).toEqual([[1, 2]]);
});

test('outside 64-bit code the linear address has the base of CS', () => {
  const { core, at, set } = createCore();
  const tables = createStatistics();
  set(F_GUEST_CS_BASE, 0xf0000);
  at(0x10, 12);
  countExit(tables, core, 1);
  set(F_VM_ENTRY_CONTROLS, 1 << 9);
  set(F_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
  at(0x20, 12);
  countExit(tables, core, 2);
  expect(readStatistics(tables).places.map(({ rip, linear }) => [rip, linear])).toEqual([
    [0x10n, 0xf0010n],
    [0x20n, 0x20n],
  ]);
});

test('more places than the table holds are counted under their reason', () => {
  const { core, at } = createCore();
  const tables = createStatistics();
  const places = STATISTICS_ROWS + 1000;
  for (let i = 0; i < places; i++) {
    at(0x1000 + i, 10 + (i & 1));
    countExit(tables, core, i);
  }
  const { places: rows } = readStatistics(tables);
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(places);
  const elsewhere = rows.filter(({ rip }) => rip === undefined);
  expect(elsewhere.map(({ reason }) => reason).sort()).toEqual([10, 11]);
  expect(rows[0]?.rip).toBeUndefined();
});

test('saved and loaded, the tables go on as they would have', () => {
  const { core, at } = createCore();
  const tables = createStatistics();
  for (let i = 0; i < 500; i++) {
    at(0x1000 + (i % 37) * 3, i % 5);
    countExit(tables, core, 10 * i);
    countEntry(tables, core, 10 * i + (i % 7));
  }
  const saved = saveStatistics(tables);
  const pending = core.words[STATISTICS_ROW >>> 2];
  const goOn = (): unknown => {
    core.words[STATISTICS_ROW >>> 2] = pending as number;
    at(0x1003, 1);
    countExit(tables, core, 6000);
    countEntry(tables, core, 6100);
    return readStatistics(tables);
  };
  const first = goOn();
  loadStatistics(tables, saved);
  expect(goOn()).toEqual(first);
});
