// What VM exits cost: for each place of a guest, reason and VMCS how many there were, and how many instructions passed from
// the VM exit to the next VM entry of the same processor. Plain words, filled without allocation; a function of the
// VM exits and VM entries so far and of nothing else, so a machine that is set back is set back in this too (save, load).
import { F_GUEST_CS_ACCESS_RIGHTS, F_GUEST_CS_BASE, F_VM_ENTRY_CONTROLS } from '../core/generated/vmcs-offsets.ts';
import {
  ENTRY_TIME,
  EXIT_REASON,
  EXIT_RIP,
  EXIT_TIME,
  STATISTICS_ROW,
  VMCS_ADDRESS,
  VMCS_POINTER,
} from '../core/layout.ts';
import { type Core, timeBetween } from './processor.ts';

/** Places that are told apart; a power of two. Further ones are counted under their reason alone. */
export const STATISTICS_ROWS = 4096;
const MOST_USED = STATISTICS_ROWS - 512;

// Words of a key: RIP (2), reason with USED, VMCS, linear address of RIP (2).
const KEY = 6;
const USED = 0x40000000;
const ELSEWHERE = 0x20000000;
const REASON = 0xffff;
// Numbers of a row: exits, exits whose handler entered a guest again, instructions in those together, fewest, most.
const NUMBERS = 5;

const ENTRY_GUEST_LONG = 1 << 9;
const RIGHTS_L = 1 << 13;

export interface StatisticsTables {
  readonly keys: Uint32Array;
  readonly numbers: Float64Array;
  used: number;
}

/** One place: `rip` undefined counts the places that found no room in the table. */
export interface ExitStatisticsRow {
  /** Basic exit reason. */
  readonly reason: number;
  readonly rip: bigint | undefined;
  /** Linear address of `rip`. */
  readonly linear: bigint | undefined;
  /** Host-physical address of the VMCS. */
  readonly vmcs: bigint;
  readonly count: number;
  /** How many of the exits were followed by a VM entry. */
  readonly handled: number;
  /** Instructions from the exit to that entry, over all of them: sum, fewest, most; 0 while there is none. */
  readonly total: number;
  readonly least: number;
  readonly most: number;
}

export interface ExitStatistics {
  /** Most frequent first; places with equal counts by reason and address. */
  readonly places: readonly ExitStatisticsRow[];
}

export function createStatistics(): StatisticsTables {
  return {
    keys: new Uint32Array(STATISTICS_ROWS * KEY),
    numbers: new Float64Array(STATISTICS_ROWS * NUMBERS),
    used: 0,
  };
}

/** Counts the VM exit that was just recorded. */
export function countExit(tables: StatisticsTables, core: Core): void {
  const { words } = core;
  const low = words[EXIT_RIP >>> 2] as number;
  const high = words[(EXIT_RIP >>> 2) + 1] as number;
  const reason = (words[EXIT_REASON >>> 2] as number) & REASON;
  const vmcs = words[VMCS_POINTER >>> 2] as number;
  let row = probe(tables, low, high, reason | USED, vmcs);
  if (row < 0) row = insert(tables, core, low, high, reason, vmcs);
  const at = row * NUMBERS;
  tables.numbers[at] = (tables.numbers[at] as number) + 1;
  words[STATISTICS_ROW >>> 2] = row + 1;
}

/** Counts the VM entry that was just made: the handler of the last VM exit of this processor is done. */
export function countEntry(tables: StatisticsTables, core: Core): void {
  const pending = core.words[STATISTICS_ROW >>> 2] as number;
  if (pending === 0) return;
  core.words[STATISTICS_ROW >>> 2] = 0;
  const spent = timeBetween(core, EXIT_TIME, ENTRY_TIME);
  const { numbers } = tables;
  const at = (pending - 1) * NUMBERS;
  const handled = numbers[at + 1] as number;
  numbers[at + 1] = handled + 1;
  numbers[at + 2] = (numbers[at + 2] as number) + spent;
  if (handled === 0 || spent < (numbers[at + 3] as number)) numbers[at + 3] = spent;
  if (spent > (numbers[at + 4] as number)) numbers[at + 4] = spent;
}

function slotOf(low: number, high: number, reason: number, vmcs: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b) ^ (reason << 20) ^ vmcs, 0x9e3779b1);
  hash ^= hash >>> 15;
  return hash & (STATISTICS_ROWS - 1);
}

/** Row of a key, or -1 - n when row n is free for it. */
function probe({ keys }: StatisticsTables, low: number, high: number, reason: number, vmcs: number): number {
  for (let row = slotOf(low, high, reason, vmcs); ; row = (row + 1) & (STATISTICS_ROWS - 1)) {
    const at = row * KEY;
    const found = keys[at + 2] as number;
    if (found === 0) return -1 - row;
    if (found === reason && keys[at] === low && keys[at + 1] === high && keys[at + 3] === vmcs) return row;
  }
}

function insert(tables: StatisticsTables, core: Core, low: number, high: number, reason: number, vmcs: number): number {
  const full = tables.used >= MOST_USED;
  const key = full ? reason | USED | ELSEWHERE : reason | USED;
  const place = full ? probe(tables, 0, 0, key, 0) : probe(tables, low, high, key, vmcs);
  if (place >= 0) return place;
  const row = -1 - place;
  const at = row * KEY;
  const { keys } = tables;
  keys[at + 2] = key;
  tables.used += 1;
  if (full) return row;
  keys[at] = low;
  keys[at + 1] = high;
  keys[at + 3] = vmcs;
  const region = core.words[VMCS_ADDRESS >>> 2] as number;
  const long =
    ((core.words[(region + F_VM_ENTRY_CONTROLS) >>> 2] as number) & ENTRY_GUEST_LONG) !== 0 &&
    ((core.words[(region + F_GUEST_CS_ACCESS_RIGHTS) >>> 2] as number) & RIGHTS_L) !== 0;
  keys[at + 4] = long ? low : low + (core.words[(region + F_GUEST_CS_BASE) >>> 2] as number);
  keys[at + 5] = long ? high : 0;
  return row;
}

/** The counts as data. */
export function readStatistics({ keys, numbers }: StatisticsTables): ExitStatistics {
  const places: ExitStatisticsRow[] = [];
  for (let row = 0; row < STATISTICS_ROWS; row++) {
    const word = (i: number): number => keys[row * KEY + i] as number;
    const number = (i: number): number => numbers[row * NUMBERS + i] as number;
    if (word(2) === 0) continue;
    const elsewhere = (word(2) & ELSEWHERE) !== 0;
    places.push({
      reason: word(2) & REASON,
      rip: elsewhere ? undefined : quad(word(0), word(1)),
      linear: elsewhere ? undefined : quad(word(4), word(5)),
      vmcs: BigInt(word(3)),
      count: number(0),
      handled: number(1),
      total: number(2),
      least: number(3),
      most: number(4),
    });
  }
  return {
    places: places.sort((a, b) => b.count - a.count || a.reason - b.reason || (address(a) < address(b) ? -1 : 1)),
  };
}

function address(row: ExitStatisticsRow): bigint {
  return row.rip ?? 0xffff_ffff_ffff_ffffn;
}

function quad(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** What a snapshot must hold of the tables; the processor's part is in its state. */
export interface SavedStatistics {
  readonly rows: Uint32Array;
  readonly keys: Uint32Array;
  readonly numbers: Float64Array;
}

export function saveStatistics(tables: StatisticsTables): SavedStatistics {
  const rows = new Uint32Array(tables.used);
  const keys = new Uint32Array(tables.used * KEY);
  const numbers = new Float64Array(tables.used * NUMBERS);
  let next = 0;
  for (let row = 0; row < STATISTICS_ROWS; row++) {
    if (tables.keys[row * KEY + 2] === 0) continue;
    rows[next] = row;
    keys.set(tables.keys.subarray(row * KEY, (row + 1) * KEY), next * KEY);
    numbers.set(tables.numbers.subarray(row * NUMBERS, (row + 1) * NUMBERS), next * NUMBERS);
    next += 1;
  }
  return { rows, keys, numbers };
}

export function loadStatistics(tables: StatisticsTables, saved: SavedStatistics): void {
  tables.keys.fill(0);
  tables.numbers.fill(0);
  tables.used = saved.rows.length;
  saved.rows.forEach((row, i) => {
    tables.keys.set(saved.keys.subarray(i * KEY, (i + 1) * KEY), row * KEY);
    tables.numbers.set(saved.numbers.subarray(i * NUMBERS, (i + 1) * NUMBERS), row * NUMBERS);
  });
}
