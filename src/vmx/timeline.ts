// Every VM exit from the start of the run, 56 bytes each, with how long the guest ran before it and the handler after it. Outside
// snapshots: when the machine goes over the same time again, the same numbers are written to the same places.
import {
  COUNT_DELIVERED,
  COUNT_EXITS,
  EXIT_GUEST_PHYSICAL,
  EXIT_INTERRUPTION_INFO,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_RIP,
  EXIT_TIME,
  ENTRY_TIME,
  LAST_ENTRY,
  LAST_EXIT,
  PROCESSOR,
} from '../core/layout.ts';
import { type Core, readCount, timeBetween } from './processor.ts';

/** Exits in a piece; the oldest pieces go when there are more than MOST_PIECES. */
const PIECE_SHIFT = 14;
const PIECE = 1 << PIECE_SHIFT;
const MOST_PIECES = 96;
/** Words of an exit. */
export const ROW = 14;
const AT_TIME = 0;
const AT_RIP = 2;
const AT_QUALIFICATION = 4;
const AT_REASON = 6;
const AT_EVENTS = 7;
const AT_GUEST = 8;
const AT_HANDLER = 9;
const AT_GUEST_PHYSICAL = 10;
const AT_INTERRUPTION = 12;
const AT_PROCESSOR = 13;
const FAILED = 0x80000000;
const UNKNOWN = 0xffffffff;
const LONGEST = UNKNOWN - 1;

export interface Timeline {
  readonly pieces: Uint32Array[];
  /** Exits that went before those held. */
  dropped: number;
  /** Number of the last exit. */
  count: number;
  /** How often exits that were held became others or went. */
  cuts: number;
}

/** One VM exit of the timeline. */
export interface TimelineExit {
  readonly number: number;
  /** Logical processor. */
  readonly processor: number;
  readonly time: number;
  /** VM exits and event deliveries up to this one, itself included: with the time, the moment just after it. */
  readonly events: number;
  readonly reason: number;
  /** The VM exit of a VM entry that failed. */
  readonly failedEntry: boolean;
  readonly rip: bigint;
  readonly qualification: bigint;
  readonly guestPhysical: bigint;
  readonly interruptionInfo: number;
  /** Instructions of the guest since the VM entry before; undefined: not known. */
  readonly guest: number | undefined;
  /** Instructions from the exit to the next VM entry; undefined: there was none yet. */
  readonly handler: number | undefined;
}

export function createTimeline(): Timeline {
  return { pieces: [], dropped: 0, count: 0, cuts: 0 };
}

/** The VM exit that was just counted, of the processor that runs. */
export function addExit(timeline: Timeline, core: Core): void {
  const number = readCount(core, COUNT_EXITS);
  const isNew = number > timeline.count;
  if (isNew) timeline.count = number;
  const held = number - 1 - timeline.dropped;
  if (held < 0) return;
  const index = held | 0;
  const piece = pieceOf(timeline, index >>> PIECE_SHIFT);
  const at = (index & (PIECE - 1)) * ROW;
  const { words } = core;
  // Word by word: this runs a million times a second.
  piece[at + AT_TIME] = words[EXIT_TIME >>> 2] as number;
  piece[at + AT_TIME + 1] = words[(EXIT_TIME >>> 2) + 1] as number;
  piece[at + AT_RIP] = words[EXIT_RIP >>> 2] as number;
  piece[at + AT_RIP + 1] = words[(EXIT_RIP >>> 2) + 1] as number;
  piece[at + AT_QUALIFICATION] = words[EXIT_QUALIFICATION >>> 2] as number;
  piece[at + AT_QUALIFICATION + 1] = words[(EXIT_QUALIFICATION >>> 2) + 1] as number;
  piece[at + AT_GUEST_PHYSICAL] = words[EXIT_GUEST_PHYSICAL >>> 2] as number;
  piece[at + AT_GUEST_PHYSICAL + 1] = words[(EXIT_GUEST_PHYSICAL >>> 2) + 1] as number;
  const reason = words[EXIT_REASON >>> 2] as number;
  piece[at + AT_REASON] = reason;
  piece[at + AT_EVENTS] = (words[COUNT_EXITS >>> 2] as number) + (words[COUNT_DELIVERED >>> 2] as number);
  piece[at + AT_INTERRUPTION] = words[EXIT_INTERRUPTION_INFO >>> 2] as number;
  piece[at + AT_PROCESSOR] = words[PROCESSOR >>> 2] as number;
  const entered = reason < FAILED && words[LAST_ENTRY >>> 2] !== 0;
  piece[at + AT_GUEST] = entered ? Math.min(timeBetween(core, ENTRY_TIME, EXIT_TIME), LONGEST) : UNKNOWN;
  if (isNew) piece[at + AT_HANDLER] = UNKNOWN;
}

function pieceOf(timeline: Timeline, place: number): Uint32Array {
  const { pieces } = timeline;
  return place < pieces.length ? (pieces[place] as Uint32Array) : addPiece(timeline);
}

function addPiece(timeline: Timeline): Uint32Array {
  const piece = new Uint32Array(PIECE * ROW);
  timeline.pieces.push(piece);
  if (timeline.pieces.length > MOST_PIECES) {
    timeline.pieces.shift();
    timeline.dropped += PIECE;
  }
  return piece;
}

/** A VM entry was made: the handler of the processor's last VM exit is done. */
export function addEntry(timeline: Timeline, core: Core): void {
  const held = readCount(core, LAST_EXIT) - 1 - timeline.dropped;
  const index = held | 0;
  const piece = held < 0 ? undefined : timeline.pieces[index >>> PIECE_SHIFT];
  if (piece === undefined) return;
  piece[(index & (PIECE - 1)) * ROW + AT_HANDLER] = Math.min(timeBetween(core, EXIT_TIME, ENTRY_TIME), LONGEST);
}

function timeAt(piece: Uint32Array, at: number): number {
  return (piece[at + AT_TIME + 1] as number) * 0x100000000 + (piece[at + AT_TIME] as number);
}

function quadAt(piece: Uint32Array, at: number): bigint {
  return (BigInt(piece[at + 1] as number) << 32n) | BigInt(piece[at] as number);
}

/** Forgets the exits after a number, and a VM entry after `time`: the machine's future is another now. */
export function cutTimeline(timeline: Timeline, count: number, time: number): void {
  timeline.count = Math.min(timeline.count, count);
  timeline.cuts++;
  const last = place(timeline, timeline.count);
  if (last === undefined) return;
  const { piece, at } = last;
  if (timeAt(piece, at) + (piece[at + AT_HANDLER] as number) > time) piece[at + AT_HANDLER] = UNKNOWN;
}

/** Number of the first exit that is held; one more than the last when there is none. */
export function firstExit(timeline: Timeline): number {
  return Math.min(timeline.dropped, timeline.count) + 1;
}

function place({ pieces, dropped, count }: Timeline, number: number): { piece: Uint32Array; at: number } | undefined {
  const index = number - 1 - dropped;
  const piece = index < 0 || number > count ? undefined : pieces[Math.floor(index / PIECE)];
  return piece === undefined ? undefined : { piece, at: (index % PIECE) * ROW };
}

function wordOf({ pieces, dropped }: Timeline, number: number, word: number): number {
  const index = number - 1 - dropped;
  return pieces[Math.floor(index / PIECE)]?.[(index % PIECE) * ROW + word] ?? 0;
}

/** Words of an exit that is held, for a file. */
export function exitWords(timeline: Timeline, number: number): Uint32Array | undefined {
  const found = place(timeline, number);
  return found?.piece.subarray(found.at, found.at + ROW);
}

/** Puts words from a file behind the last exit. */
export function appendExit(timeline: Timeline, words: Uint32Array): void {
  const index = timeline.count++ - timeline.dropped;
  if (index % PIECE === 0) timeline.pieces.push(new Uint32Array(PIECE * ROW));
  timeline.pieces.at(-1)?.set(words, (index % PIECE) * ROW);
}

// Single numbers of an exit that is held, without making an object.

export function exitTime(timeline: Timeline, number: number): number {
  return wordOf(timeline, number, AT_TIME + 1) * 0x100000000 + wordOf(timeline, number, AT_TIME);
}

/** Basic exit reason. */
export function exitBasicReason(timeline: Timeline, number: number): number {
  return wordOf(timeline, number, AT_REASON) & 0xffff;
}

/** Instructions of the handler; -1: no VM entry followed. */
export function exitHandler(timeline: Timeline, number: number): number {
  const spent = wordOf(timeline, number, AT_HANDLER);
  return spent === UNKNOWN ? -1 : spent;
}

export function timelineExit(timeline: Timeline, number: number): TimelineExit | undefined {
  const found = place(timeline, number);
  if (found === undefined) return undefined;
  const { piece, at } = found;
  const reason = piece[at + AT_REASON] as number;
  const spent = (value: number): number | undefined => (value === UNKNOWN ? undefined : value);
  return {
    number,
    processor: piece[at + AT_PROCESSOR] as number,
    time: timeAt(piece, at),
    events: piece[at + AT_EVENTS] as number,
    reason: reason & 0xffff,
    failedEntry: (reason & FAILED) !== 0,
    rip: quadAt(piece, at + AT_RIP),
    qualification: quadAt(piece, at + AT_QUALIFICATION),
    guestPhysical: quadAt(piece, at + AT_GUEST_PHYSICAL),
    interruptionInfo: piece[at + AT_INTERRUPTION] as number,
    guest: spent(piece[at + AT_GUEST] as number),
    handler: spent(piece[at + AT_HANDLER] as number),
  };
}

/** Number of the first exit at or after a time; one more than the last when there is none. */
export function exitFrom(timeline: Timeline, time: number): number {
  let low = firstExit(timeline);
  let high = timeline.count + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (exitTime(timeline, middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A stretch of time with how much of it was spent where, and its VM exits by reason. */
export interface TimelineBucket {
  readonly from: number;
  readonly to: number;
  readonly exits: number;
  /** By basic exit reason. */
  readonly reasons: Readonly<Record<number, number>>;
  /** Instructions of guests, and of handlers, of the exits in it. */
  readonly guest: number;
  readonly handler: number;
}

/** The time from `from` up to `to` in equal stretches; none is empty of time. */
export function timelineBuckets(timeline: Timeline, from: number, to: number, count: number): TimelineBucket[] {
  const buckets: TimelineBucket[] = [];
  let number = exitFrom(timeline, from);
  const stretches = Math.min(count, Math.max(1, to - from));
  for (let i = 0; i < stretches; i++) {
    const start = from + Math.floor(((to - from) * i) / stretches);
    const end = from + Math.floor(((to - from) * (i + 1)) / stretches);
    const reasons: Record<number, number> = {};
    let exits = 0;
    let guest = 0;
    let handler = 0;
    for (; number <= timeline.count; number++) {
      const found = place(timeline, number);
      if (found === undefined) break;
      const { piece, at } = found;
      if (timeAt(piece, at) >= end) break;
      const reason = (piece[at + AT_REASON] as number) & 0xffff;
      reasons[reason] = (reasons[reason] ?? 0) + 1;
      exits++;
      if (piece[at + AT_GUEST] !== UNKNOWN) guest += piece[at + AT_GUEST] as number;
      if (piece[at + AT_HANDLER] !== UNKNOWN) handler += piece[at + AT_HANDLER] as number;
    }
    buckets.push({ from: start, to: end, exits, reasons, guest, handler });
  }
  return buckets;
}
