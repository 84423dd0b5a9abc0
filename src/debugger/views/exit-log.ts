// Every VM exit of a run in columns of plain numbers, for pictures, tables and files. Exit n is in row n - 1. Going back in time
// keeps the rows: what has not happened yet is written again when it happens.

import type { VmEntry, VmExit } from '../../machine/types.ts';

/** Rows that are kept at most; further exits are counted by the machine alone. */
export const MOST_EXITS = 1 << 21;
const FIRST_CAPACITY = 1024;
/** The exit was not followed by a VM entry (yet). */
export const NOT_ENTERED = -1;

export interface ExitColumns {
  /** Instructions retired at the exit. */
  readonly time: Float64Array;
  /** Exit-reason word, bit 31 included. */
  readonly reason: Uint32Array;
  readonly rip: BigUint64Array;
  readonly qualification: BigUint64Array;
  readonly guestPhysical: BigUint64Array;
  readonly interruptionInfo: Uint32Array;
  readonly processor: Uint8Array;
  /** Instructions from the exit to the next VM entry. */
  readonly spent: Float64Array;
}

export interface ExitLog {
  columns: ExitColumns;
  /** Rows that hold an exit. */
  count: number;
  /** How often a row was written: more than `count` once exits happened again after going back. */
  writes: number;
  /** Row of the last exit of each logical processor that has not entered again. */
  readonly pending: Map<number, number>;
}

/** One row as values. */
export interface LoggedExit {
  readonly number: number;
  readonly time: number;
  readonly reason: number;
  readonly rip: bigint;
  readonly qualification: bigint;
  readonly guestPhysical: bigint;
  readonly interruptionInfo: number;
  readonly processor: number;
  /** undefined: no VM entry followed. */
  readonly spent: number | undefined;
}

export function createExitLog(): ExitLog {
  return { columns: columnsOf(FIRST_CAPACITY), count: 0, writes: 0, pending: new Map() };
}

function columnsOf(capacity: number): ExitColumns {
  return {
    time: new Float64Array(capacity),
    reason: new Uint32Array(capacity),
    rip: new BigUint64Array(capacity),
    qualification: new BigUint64Array(capacity),
    guestPhysical: new BigUint64Array(capacity),
    interruptionInfo: new Uint32Array(capacity),
    processor: new Uint8Array(capacity),
    spent: new Float64Array(capacity),
  };
}

function grow(log: ExitLog): void {
  const old = log.columns;
  const columns = columnsOf(Math.min(MOST_EXITS, old.time.length * 2));
  columns.time.set(old.time);
  columns.reason.set(old.reason);
  columns.rip.set(old.rip);
  columns.qualification.set(old.qualification);
  columns.guestPhysical.set(old.guestPhysical);
  columns.interruptionInfo.set(old.interruptionInfo);
  columns.processor.set(old.processor);
  columns.spent.set(old.spent);
  log.columns = columns;
}

export function logExit(log: ExitLog, exit: VmExit): void {
  const row = exit.number - 1;
  if (row >= MOST_EXITS) return;
  while (row >= log.columns.time.length) grow(log);
  const { columns } = log;
  columns.time[row] = exit.time;
  columns.reason[row] = exit.reason >>> 0;
  columns.rip[row] = exit.guestRip;
  columns.qualification[row] = exit.qualification;
  columns.guestPhysical[row] = exit.guestPhysical;
  columns.interruptionInfo[row] = exit.interruptionInfo >>> 0;
  columns.processor[row] = exit.processor;
  columns.spent[row] = NOT_ENTERED;
  log.pending.set(exit.processor, row);
  log.count = Math.max(log.count, exit.number);
  log.writes++;
}

export function logEntry(log: ExitLog, entry: VmEntry): void {
  const row = log.pending.get(entry.processor);
  if (row === undefined) return;
  log.pending.delete(entry.processor);
  log.columns.spent[row] = entry.time - (log.columns.time[row] as number);
}

export function loggedExit({ columns, count }: ExitLog, row: number): LoggedExit | undefined {
  if (row < 0 || row >= count) return undefined;
  const spent = columns.spent[row] as number;
  return {
    number: row + 1,
    time: columns.time[row] as number,
    reason: columns.reason[row] as number,
    rip: columns.rip[row] as bigint,
    qualification: columns.qualification[row] as bigint,
    guestPhysical: columns.guestPhysical[row] as bigint,
    interruptionInfo: columns.interruptionInfo[row] as number,
    processor: columns.processor[row] as number,
    spent: spent === NOT_ENTERED ? undefined : spent,
  };
}
