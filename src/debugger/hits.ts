// How often breakpoints, filters and annotations were met. A count belongs to a moment: it goes down when the machine goes back, and going
// over the same time again counts the same.

import { compareMoments } from '../machine/history/moments.ts';
import type { Moment } from '../machine/history/types.ts';

export interface Counter {
  /** Up to the present. */
  hits: number;
  readonly met: Meetings;
}

/** The moments at which something was met, in their order. */
export interface Meetings {
  readonly times: number[];
  readonly events: number[];
  /** From here on all of them are known; undefined: from the present. */
  since: Moment | undefined;
}

/** Moments that are kept. What is met more often is counted on, but going back to a later moment is to the count of the last one kept. */
const MOST = 1 << 20;

export function createCounter(): Counter {
  return { hits: 0, met: { times: [], events: [], since: undefined } };
}

/** What the count is when it is met now. */
export function nextHit({ hits, met }: Counter, now: Moment): number {
  const place = placeOf(met, now);
  return isFull(met, place) ? hits + 1 : place + 1;
}

/** It is met now. Answers the count, this time included. */
export function countHit(counter: Counter, now: Moment): number {
  const { met } = counter;
  const place = placeOf(met, now);
  if (isFull(met, place)) return ++counter.hits;
  if (met.times[place] !== now.time || met.events[place] !== now.events) {
    met.times.splice(place, 0, now.time);
    met.events.splice(place, 0, now.events);
  }
  counter.hits = place + 1;
  return counter.hits;
}

const isFull = ({ times }: Meetings, place: number): boolean => place === times.length && place >= MOST;

/** How many of the moments lie before one. */
function placeOf({ times, events }: Meetings, now: Moment): number {
  let low = 0;
  let high = times.length;
  // Most are met in the order of time.
  if (high > 0 && isBefore(times, events, high - 1, now)) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(times, events, middle, now)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(
  times: readonly number[],
  events: readonly number[],
  index: number,
  { time, events: e }: Moment,
): boolean {
  const at = times[index] as number;
  return at < time || (at === time && (events[index] as number) < e);
}

/** After the machine went to another moment: the counts are those of that moment. */
export function recount(counters: readonly Counter[], now: Moment): void {
  for (const counter of counters) counter.hits = placeOf(counter.met, { ...now, events: now.events + 1 });
}

/** The future is another one from now on. */
export function forgetFuture(counters: readonly Counter[], now: Moment): void {
  for (const { met } of counters) {
    const kept = placeOf(met, { ...now, events: now.events + 1 });
    met.times.length = kept;
    met.events.length = kept;
  }
}

/** Nothing is known of the past. */
export function forgetHits(counters: readonly Counter[]): void {
  for (const counter of counters) {
    counter.hits = 0;
    counter.met.times.length = 0;
    counter.met.events.length = 0;
    counter.met.since = undefined;
  }
}

/** The machine is about to leave this moment. */
export function noteDeparture(counters: readonly Counter[], now: Moment): void {
  for (const { met } of counters) met.since ??= now;
}

/** Those of which it is not known how often they were met from a moment on. */
export function countedLater<T extends Counter>(counters: readonly T[], first: Moment): T[] {
  return counters.filter(({ met }) => met.since !== undefined && compareMoments(first, met.since) < 0);
}
