// VM exits as a view shows them: rows with words, the picture in buckets, bars by reason, and CSV.

import { describeQualification } from '../../spec/exit-qualifications.ts';
import { exitReason } from '../../spec/exit-reasons.ts';
import {
  exitBasicReason,
  exitFrom,
  exitHandler,
  exitTime,
  firstExit,
  type Timeline,
  timelineExit,
  type TimelineExit,
} from '../../vmx/timeline.ts';
import { exitReasonTitle } from '../facts.ts';
import { hex } from '../format.ts';

/** Name of the place that a guest's RIP is at; empty: it has none. */
export type SymbolOf = (rip: bigint) => string;

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
  /** Instructions since the VM entry before; null: not known. */
  readonly guest: number | null;
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

/** What is asked of the timeline. */
export interface ExitFilter {
  /** Basic exit reasons; undefined: all. */
  readonly reasons?: ReadonlySet<number> | undefined;
  /** A condition beyond the reason. */
  readonly accepts?: ((exit: TimelineExit) => boolean) | undefined;
}

export interface ExitPage {
  /** Exits that are held, and of those the ones that pass the filter. */
  readonly logged: number;
  readonly matching: number;
  readonly rows: readonly ExitRow[];
}

/** Exits of the timeline, perhaps of those that pass a filter, in order. */
export interface ChosenExits {
  readonly count: number;
  /** Number of the exit in place `i`, from 0. */
  readonly numberAt: (i: number) => number;
}

export function everyExit(timeline: Timeline): ChosenExits {
  const first = firstExit(timeline);
  return { count: timeline.count - first + 1, numberAt: (i) => first + i };
}

/** Places `start` to `start + count` of those that are chosen. */
export function exitPage(
  timeline: Timeline,
  symbolOf: SymbolOf,
  chosen: ChosenExits,
  start: number,
  count: number,
): ExitPage {
  const rows: ExitRow[] = [];
  for (let i = Math.max(0, start); i < Math.min(chosen.count, start + count); i++) {
    const exit = timelineExit(timeline, chosen.numberAt(i));
    if (exit !== undefined) rows.push(exitRow(exit, symbolOf));
  }
  return { logged: everyExit(timeline).count, matching: chosen.count, rows };
}

export function exitRow(exit: TimelineExit, symbolOf: SymbolOf): ExitRow {
  return {
    number: exit.number,
    processor: exit.processor,
    time: exit.time,
    reason: exit.reason,
    title: exitReasonTitle(exit.reason),
    qualification: qualificationWords(exit),
    rip: hex(exit.rip),
    symbol: symbolOf(exit.rip),
    spent: exit.handler ?? null,
    guest: exit.guest ?? null,
  };
}

function qualificationWords(exit: TimelineExit): string {
  const words = describeQualification(exit.reason, exit.qualification, exit.interruptionInfo);
  const memory = exitReason(exit.reason)?.class === 'memory';
  return [words, memory ? `guest-physical ${hex(exit.guestPhysical)}` : ''].filter((text) => text !== '').join('; ');
}

/** The most frequent first. */
export function reasonBars(timeline: Timeline): ReasonBar[] {
  const bars = new Map<number, { count: number; handled: number; instructions: number }>();
  for (let number = firstExit(timeline); number <= timeline.count; number++) {
    const basic = exitBasicReason(timeline, number);
    let bar = bars.get(basic);
    if (bar === undefined) {
      bar = { count: 0, handled: 0, instructions: 0 };
      bars.set(basic, bar);
    }
    bar.count++;
    const instructions = exitHandler(timeline, number);
    if (instructions < 0) continue;
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
export interface ExitPicture {
  readonly from: number;
  readonly to: number;
  readonly parts: number;
  /** Basic reason and one count a part. */
  readonly series: readonly { readonly reason: number; readonly title: string; readonly counts: readonly number[] }[];
  /** VM entries that the exits were followed by, and the first exit's own: one count a part. */
  readonly entries: readonly number[];
  /** Number of the first exit of each part; 0 where there is none. */
  readonly first: readonly number[];
}

/** @param to exclusive; times are instructions retired */
export function exitPicture(
  timeline: Timeline,
  chosen: ChosenExits,
  from: number,
  to: number,
  parts: number,
): ExitPicture {
  const series = new Map<number, Uint32Array>();
  const first = new Uint32Array(parts);
  const entries = new Uint32Array(parts);
  const scale = parts / Math.max(1, to - from);
  const partOf = (time: number): number => Math.min(parts - 1, Math.floor((time - from) * scale));
  const enter = (time: number): void => {
    if (time < from || time >= to) return;
    const part = partOf(time);
    entries[part] = (entries[part] as number) + 1;
  };
  const start = placeFrom(chosen, exitFrom(timeline, from));
  // The handler of the exit before may reach into the span.
  if (start > 0) addEntryOf(timeline, chosen.numberAt(start - 1), enter);
  else addFirstEntry(timeline, chosen, enter);
  for (let i = start; i < chosen.count; i++) {
    const number = chosen.numberAt(i);
    const at = exitTime(timeline, number);
    if (at >= to) break;
    const part = partOf(at);
    const basic = exitBasicReason(timeline, number);
    let counts = series.get(basic);
    if (counts === undefined) {
      counts = new Uint32Array(parts);
      series.set(basic, counts);
    }
    counts[part] = (counts[part] as number) + 1;
    if (first[part] === 0) first[part] = number;
    const spent = exitHandler(timeline, number);
    if (spent >= 0) enter(at + spent);
  }
  return {
    from,
    to,
    parts,
    series: [...series]
      .sort(([a], [b]) => a - b)
      .map(([basic, counts]) => ({ reason: basic, title: exitReasonTitle(basic), counts: [...counts] })),
    entries: [...entries],
    first: [...first],
  };
}

function addEntryOf(timeline: Timeline, number: number, enter: (time: number) => void): void {
  const spent = exitHandler(timeline, number);
  if (spent >= 0) enter(exitTime(timeline, number) + spent);
}

/** The entry before the first exit that is held. */
function addFirstEntry(timeline: Timeline, chosen: ChosenExits, enter: (time: number) => void): void {
  const exit = chosen.count === 0 ? undefined : timelineExit(timeline, chosen.numberAt(0));
  if (exit?.guest !== undefined) enter(exit.time - exit.guest);
}

/** First place whose exit has at least this number. */
export function placeFrom({ count, numberAt }: ChosenExits, number: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numberAt(middle) >= number) high = middle;
    else low = middle + 1;
  }
  return low;
}

const CSV_HEAD = 'number,processor,time,reason,name,qualification,rip,symbol,instructions';

/** One line an exit, from place `start` on, with a header before the first; RFC 4180. */
export function exitsCsv(
  timeline: Timeline,
  symbolOf: SymbolOf,
  chosen: ChosenExits,
  start = 0,
  count = chosen.count,
): string {
  const lines = start === 0 ? [CSV_HEAD] : [];
  for (let i = start; i < Math.min(chosen.count, start + count); i++) {
    const exit = timelineExit(timeline, chosen.numberAt(i));
    if (exit === undefined) continue;
    const cells = [
      exit.number,
      exit.processor,
      exit.time,
      exit.reason,
      exitReasonTitle(exit.reason),
      hex(exit.qualification),
      hex(exit.rip),
      symbolOf(exit.rip),
      exit.handler ?? '',
    ];
    lines.push(cells.map((cell) => quoted(String(cell))).join(','));
  }
  return lines.map((line) => `${line}\r\n`).join('');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
