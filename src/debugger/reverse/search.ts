// The last time before now at which something happened: windows between snapshots are run again, the latest first, and the last hit
// in the first window that has any is it.

import type { Moment } from '../../machine/history/types.ts';
import type { RunOptions, Stop } from '../../machine/types.ts';
import { before, goTo, type Traveller } from './traveller.ts';

export interface Found<T> {
  readonly moment: Moment;
  readonly what: T;
}

export interface Search<T> {
  readonly options: Omit<RunOptions, 'limit'>;
  /** What a stop means, or undefined when it is not what is looked for. Called with the machine where it stopped. */
  accept(stop: Stop): T | undefined;
  /** Also what led to the very present is looked for. */
  readonly inclusive?: boolean;
  /** False: nothing can have happened between the two, which follow each other. */
  readonly possible?: (from: Moment, to: Moment) => boolean;
}

/** The end of the run is looked at by itself, so that a hit nearby is found without running a whole window. */
const NEARBY = 100_000;
const SLICE = 2_000_000;

/** Leaves the machine at the moment found; anywhere when there is none. */
export async function searchBack<T>(traveller: Traveller, search: Search<T>): Promise<Found<T> | undefined> {
  const { history } = traveller.machine;
  const origin = history.now();
  let end = origin;
  const nearby = origin.time - NEARBY;
  if (nearby > history.first().time) {
    await goTo(traveller, { time: nearby, events: 0 });
    const start = history.now();
    const found = await lastIn(traveller, search, origin, origin);
    if (found !== undefined) return found;
    end = start;
  }
  for (;;) {
    const start = history.before(end);
    if (start === undefined) return undefined;
    if (search.possible?.(start, end) !== false) {
      await goTo(traveller, start);
      const found = await lastIn(traveller, search, end, origin);
      if (found !== undefined) return found;
    }
    end = start;
  }
}

/** Runs from here up to `end`; the last hit, which came before `origin`. Leaves the machine there. */
async function lastIn<T>(
  traveller: Traveller,
  search: Search<T>,
  end: Moment,
  origin: Moment,
): Promise<Found<T> | undefined> {
  const { history } = traveller.machine;
  let last: Found<T> | undefined;
  const counts = (): boolean =>
    search.inclusive === true ? !before(origin, history.now()) : before(history.now(), origin);
  await replay(traveller, search.options, end, (stop) => {
    if (!counts()) return false;
    const what = search.accept(stop);
    // Judging may take a step.
    if (what !== undefined && counts()) last = { moment: history.now(), what };
    return true;
  });
  // TypeScript does not see that the visitor assigns it.
  const found = last as Found<T> | undefined;
  if (found !== undefined) await goTo(traveller, found.moment);
  return found;
}

/** Runs from here up to `end`, which was reached before; `visit` sees every stop, quietly, and answers false when the rest of a moment does not matter. */
export async function replay(
  traveller: Traveller,
  options: Omit<RunOptions, 'limit'>,
  end: Moment,
  visit: (stop: Stop) => boolean,
): Promise<void> {
  const { machine } = traveller;
  const { history } = machine;
  let skipBreakpoint = false;
  while (before(history.now(), end)) {
    const left = Math.min(SLICE, end.time - machine.time());
    const moment = history.now();
    const stop = history.quietly(() =>
      left > 0
        ? machine.run({ ...options, limit: left, skipBreakpoint, skipWatch: skipBreakpoint })
        : history.step({ honourWatches: true, skipWatch: skipBreakpoint }),
    );
    skipBreakpoint = stop.kind !== 'budget';
    const now = history.now();
    // A VM transition that a step made is told first; what was watched and it wrote is told by a run of no length.
    const stops =
      left > 0
        ? [stop]
        : [stop, history.quietly(() => machine.run({ limit: 0, skipBreakpoint: true, skipWatch: true }))];
    for (const each of stops) if (!history.quietly(() => visit(each))) break;
    // A machine that can go no further (idle, shut down) has no more hits.
    if (
      now.time === moment.time &&
      now.events === moment.events &&
      stop.kind !== 'breakpoint' &&
      stop.kind !== 'watch'
    ) {
      if (stop.kind !== 'budget' || left === 0) break;
    }
    await traveller.breathe();
  }
}
