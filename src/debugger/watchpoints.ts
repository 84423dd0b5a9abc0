// Data and event breakpoints in a session: what the machine watches for them, and what a watch or transition that is met means.

import type { Machine, Stop, Watch } from '../machine/types.ts';
import { allBreakpoints, type Breakpoint, type BreakpointTable } from './breakpoints.ts';

/** The watches of all usable breakpoints, and whose each is. */
export interface WatchList {
  readonly watches: readonly Watch[];
  readonly owners: readonly Breakpoint[];
}

export function watchList(table: BreakpointTable): WatchList {
  const owned = allBreakpoints(table)
    .filter(({ usable, subject }) => usable && subject !== undefined)
    .flatMap((owner) => (owner.subject?.watches ?? []).map((watch) => ({ watch, owner })));
  return { watches: owned.map(({ watch }) => watch), owners: owned.map(({ owner }) => owner) };
}

/** Puts the watches of the breakpoints in force. One that the machine refuses makes its breakpoint unusable, which is answered. */
export function applyWatches(machine: Machine, table: BreakpointTable): WatchList & { readonly refused: Breakpoint[] } {
  const refused: Breakpoint[] = [];
  for (;;) {
    const list = watchList(table);
    const refusal = machine.setWatches(list.watches);
    const owner = refusal === undefined ? undefined : list.owners[refusal.watch];
    if (refusal === undefined || owner === undefined) return { ...list, refused };
    owner.usable = false;
    owner.verified = false;
    owner.message = refusal.explanation;
    refused.push(owner);
  }
}

/** Takes the present values of watched data, so that a later one can be told from it. */
export function lookAtData(machine: Machine, table: BreakpointTable): void {
  for (const breakpoint of allBreakpoints(table)) {
    if (breakpoint.subject?.read !== undefined) breakpoint.seen = breakpoint.subject.read(machine);
  }
}

export interface Met {
  readonly breakpoint: Breakpoint;
  /** `qword[gva:0x1000] was 0x1, is 0x2`. */
  readonly text: string;
}

/** Breakpoints whose watches were met. With `before`, those that look afterwards are left out. */
export function metByWatch(machine: Machine, owners: readonly Breakpoint[], stop: Stop & { kind: 'watch' }): Met[] {
  const met: Met[] = [];
  for (const { watch, access } of stop.hits) {
    const breakpoint = owners[watch];
    const subject = breakpoint?.subject;
    if (breakpoint === undefined || subject === undefined || met.some((other) => other.breakpoint === breakpoint))
      continue;
    if (stop.before && subject.afterwards) continue;
    const text = wordsFor(machine, breakpoint, access === 'read');
    if (text !== undefined) met.push({ breakpoint, text });
  }
  return met;
}

/** Breakpoints on data that must be looked at after the instruction. */
export function lookAfterwards(owners: readonly Breakpoint[], stop: Stop & { kind: 'watch' }): Breakpoint[] {
  if (!stop.before) return [];
  return [...new Set(stop.hits.flatMap(({ watch }) => owners[watch] ?? []))].filter(
    ({ subject }) => subject?.afterwards === true,
  );
}

/** What to say about a breakpoint that is met; undefined when its data did not change and only changes count. */
export function wordsFor(machine: Machine, breakpoint: Breakpoint, onlyRead: boolean): string | undefined {
  const { subject } = breakpoint;
  if (subject === undefined) return undefined;
  if (subject.read === undefined) return subject.text;
  const before = breakpoint.seen;
  const now = subject.read(machine);
  breakpoint.seen = now;
  if (before === now) {
    if (subject.onlyChanges) return undefined;
    return `${subject.text} was ${onlyRead ? 'read' : 'accessed'}: ${shownValue(now)}`;
  }
  return `${subject.text} was ${shownValue(before)}, is ${shownValue(now)}`;
}

/** A value of data, short. */
export function shownValue(value: string | undefined): string {
  if (value === undefined) return 'unreadable';
  return value.length > 20 ? `${value.slice(0, 16)}…` : value;
}

/** Breakpoints on a VM exit or VM entry. */
export function metByTransition(table: BreakpointTable, stop: Stop): Breakpoint[] {
  if (stop.kind !== 'vm-exit' && stop.kind !== 'vm-entry') return [];
  return allBreakpoints(table).filter(({ usable, subject }) => {
    const transition = subject?.transition;
    if (!usable || transition === undefined) return false;
    if (stop.kind === 'vm-entry') return transition === 'entry';
    return transition !== 'entry' && transition.has(stop.exit.reason & 0xffff);
  });
}

/** Adds the exit reasons that breakpoints ask for to those of the filters; undefined when there are none. */
export function exitReasonsWanted(table: BreakpointTable, filters: Uint8Array | undefined): Uint8Array | undefined {
  const sets = allBreakpoints(table).flatMap(({ usable, subject }) =>
    usable && subject?.transition instanceof Set ? [subject.transition] : [],
  );
  if (sets.length === 0) return filters;
  const wanted = filters?.slice() ?? new Uint8Array(256);
  for (const set of sets) for (const reason of set) wanted[reason] = 1;
  return wanted;
}

export function wantsEntries(table: BreakpointTable): boolean {
  return allBreakpoints(table).some(({ usable, subject }) => usable && subject?.transition === 'entry');
}

/**
 * Code breakpoints whose code became mapped, or no longer is; their `verified` is changed. With `pendingOnly` those that are verified stay
 * so: while the machine runs, address spaces come and go.
 */
export function updateMapped(machine: Machine, table: BreakpointTable, pendingOnly = false): Breakpoint[] {
  return allBreakpoints(table).filter((breakpoint) => {
    if (!breakpoint.usable || breakpoint.addresses.length === 0) return false;
    if (pendingOnly && breakpoint.verified) return false;
    const mapped = breakpoint.addresses.some(
      (address) =>
        machine.peekLinear('root', address, 1).length > 0 || machine.peekLinear('non-root', address, 1).length > 0,
    );
    if (mapped === breakpoint.verified) return false;
    breakpoint.verified = mapped;
    breakpoint.message = mapped ? undefined : NOT_MAPPED;
    return true;
  });
}

const NOT_MAPPED = 'Its address is not mapped yet, on either side. It will stop there all the same once it is.';
