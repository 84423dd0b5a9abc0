// VM exits as a view shows them: rows with words, the picture in buckets, bars by reason, and CSV.

import { type Image, symbolAt } from '../../program/image.ts';
import { describeQualification } from '../../spec/exit-qualifications.ts';
import { exitReason } from '../../spec/exit-reasons.ts';
import { exitReasonTitle } from '../facts.ts';
import { hex, symbolText } from '../format.ts';
import { type ExitLog, type LoggedExit, loggedExit, NOT_ENTERED } from './exit-log.ts';

export interface ExitRow {
  readonly number: number;
  /** Logical processor. */
  readonly processor: number;
  readonly time: number;
  readonly reason: number;
  readonly title: string;
  /** In words; empty when there is nothing to say. */
  readonly qualification: string;
  readonly rip: string;
  readonly symbol: string;
  /** Instructions until the next VM entry; null: none followed. */
  readonly spent: number | null;
}

export interface ReasonBar {
  readonly reason: number;
  readonly identifier: string;
  readonly title: string;
  readonly count: number;
  /** Exits that a VM entry followed, and the instructions of their handlers. */
  readonly handled: number;
  readonly instructions: number;
}

/** What is asked of the log. */
export interface ExitFilter {
  /** Basic exit reasons; undefined: all. */
  readonly reasons?: ReadonlySet<number> | undefined;
  /** A condition beyond the reason. */
  readonly accepts?: ((exit: LoggedExit) => boolean) | undefined;
}

export interface ExitPage {
  /** Exits in the log, and of those that pass the filter. */
  readonly logged: number;
  readonly matching: number;
  readonly rows: readonly ExitRow[];
}

/** Rows of the log from `start` on that pass a filter, as row numbers; undefined: every row does. */
export function matchingRows(log: ExitLog, filter: ExitFilter, start = 0): Uint32Array | undefined {
  const { reasons, accepts } = filter;
  if (reasons === undefined && accepts === undefined) return undefined;
  const found = new Uint32Array(log.count - start);
  let count = 0;
  for (let row = start; row < log.count; row++) {
    if (reasons !== undefined && !reasons.has((log.columns.reason[row] as number) & 0xffff)) continue;
    if (accepts !== undefined && !accepts(loggedExit(log, row) as LoggedExit)) continue;
    found[count++] = row;
  }
  return found.slice(0, count);
}

/** Rows `start` to `start + count` of those that match. */
export function exitPage(
  log: ExitLog,
  image: Image,
  matching: Uint32Array | undefined,
  start: number,
  count: number,
): ExitPage {
  const total = matching?.length ?? log.count;
  const rows: ExitRow[] = [];
  for (let i = Math.max(0, start); i < Math.min(total, start + count); i++) {
    const exit = loggedExit(log, matching?.[i] ?? i);
    if (exit !== undefined) rows.push(exitRow(exit, image));
  }
  return { logged: log.count, matching: total, rows };
}

export function exitRow(exit: LoggedExit, image: Image): ExitRow {
  const reason = exit.reason & 0xffff;
  const symbol = symbolAt(image, exit.rip);
  return {
    number: exit.number,
    processor: exit.processor,
    time: exit.time,
    reason,
    title: exitReasonTitle(exit.reason),
    qualification: qualificationWords(exit),
    rip: hex(exit.rip),
    symbol: symbol === undefined ? '' : symbolText(symbol),
    spent: exit.spent ?? null,
  };
}

function qualificationWords(exit: LoggedExit): string {
  const words = describeQualification(exit.reason & 0xffff, exit.qualification, exit.interruptionInfo);
  const memory = exitReason(exit.reason & 0xffff)?.class === 'memory';
  return [words, memory ? `guest-physical ${hex(exit.guestPhysical)}` : ''].filter((text) => text !== '').join('; ');
}

/** The most frequent first. */
export function reasonBars(log: ExitLog): ReasonBar[] {
  const bars = new Map<number, { count: number; handled: number; instructions: number }>();
  const { reason, spent } = log.columns;
  for (let row = 0; row < log.count; row++) {
    const basic = (reason[row] as number) & 0xffff;
    let bar = bars.get(basic);
    if (bar === undefined) {
      bar = { count: 0, handled: 0, instructions: 0 };
      bars.set(basic, bar);
    }
    bar.count++;
    const instructions = spent[row] as number;
    if (instructions === NOT_ENTERED) continue;
    bar.handled++;
    bar.instructions += instructions;
  }
  return [...bars]
    .map(([basic, bar]) => ({
      reason: basic,
      identifier: exitReason(basic)?.identifier ?? String(basic),
      title: exitReasonTitle(basic),
      ...bar,
    }))
    .sort((a, b) => b.count - a.count || a.reason - b.reason);
}

/** The picture of a span of time: how often each reason happened in each of equally long parts. */
export interface Timeline {
  readonly from: number;
  readonly to: number;
  readonly parts: number;
  /** Pairs of basic reason and counts, one count a part. */
  readonly series: readonly { readonly reason: number; readonly title: string; readonly counts: readonly number[] }[];
  /** Number of the first exit of each part; 0 where there is none. */
  readonly first: readonly number[];
}

/** @param to exclusive; times are instructions retired */
export function timeline(
  log: ExitLog,
  matching: Uint32Array | undefined,
  from: number,
  to: number,
  parts: number,
): Timeline {
  const { time, reason } = log.columns;
  const series = new Map<number, Uint32Array>();
  const first = new Uint32Array(parts);
  const total = matching?.length ?? log.count;
  const rowAt = (i: number): number => matching?.[i] ?? i;
  const scale = parts / Math.max(1, to - from);
  for (let i = lowerBound(total, (at) => (time[rowAt(at)] as number) >= from); i < total; i++) {
    const row = rowAt(i);
    const at = time[row] as number;
    if (at >= to) break;
    const part = Math.min(parts - 1, Math.floor((at - from) * scale));
    const basic = (reason[row] as number) & 0xffff;
    let counts = series.get(basic);
    if (counts === undefined) {
      counts = new Uint32Array(parts);
      series.set(basic, counts);
    }
    counts[part] = (counts[part] as number) + 1;
    if (first[part] === 0) first[part] = row + 1;
  }
  return {
    from,
    to,
    parts,
    series: [...series]
      .sort(([a], [b]) => a - b)
      .map(([basic, counts]) => ({ reason: basic, title: exitReasonTitle(basic), counts: [...counts] })),
    first: [...first],
  };
}

function lowerBound(length: number, holds: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const CSV_HEAD = 'number,processor,time,reason,name,qualification,rip,symbol,instructions';

/** One line an exit, with a header; RFC 4180. */
export function exitsCsv(log: ExitLog, image: Image, matching: Uint32Array | undefined): string {
  const total = matching?.length ?? log.count;
  const lines = [CSV_HEAD];
  for (let i = 0; i < total; i++) {
    const exit = loggedExit(log, matching?.[i] ?? i);
    if (exit === undefined) continue;
    const row = exitRow(exit, image);
    lines.push(
      [
        row.number,
        row.processor,
        row.time,
        row.reason,
        row.title,
        hex(exit.qualification),
        row.rip,
        row.symbol,
        row.spent ?? '',
      ]
        .map((cell) => quoted(String(cell)))
        .join(','),
    );
  }
  return `${lines.join('\r\n')}\r\n`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
