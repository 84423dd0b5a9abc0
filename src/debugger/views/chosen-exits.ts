// Exits of a timeline that pass a filter. Looking at each of a million is done in steps, and what was looked at is kept, so that
// asking again looks at new exits only.

import { exitBasicReason, firstExit, type Timeline, timelineExit } from '../../vmx/timeline.ts';
import { type ChosenExits, everyExit, type ExitFilter, placeFrom } from './exits.ts';

/** Exits that a condition is evaluated on in one step: some tens of milliseconds. */
export const STEP = 10_000;

export interface FilteredExits {
  readonly filter: string;
  /** As the timeline's when it was begun. */
  readonly cuts: number;
  /** Number of the last exit that was looked at. */
  looked: number;
  numbers: Uint32Array;
  count: number;
}

export interface FilterStep {
  readonly chosen: ChosenExits;
  /** Exits that are held and not looked at yet: ask again. */
  readonly left: number;
  /** To be given at the next step; undefined: every exit passes. */
  readonly filtered: FilteredExits | undefined;
}

/** Looks at more exits. `text` names the filter; `former` is what the step before gave. */
export function filterStep(
  timeline: Timeline,
  text: string,
  filter: ExitFilter,
  former: FilteredExits | undefined,
  step = STEP,
): FilterStep {
  const { reasons, accepts } = filter;
  if (reasons === undefined && accepts === undefined)
    return { chosen: everyExit(timeline), left: 0, filtered: undefined };
  const first = firstExit(timeline);
  const known = former?.filter === text && former.cuts === timeline.cuts ? former : begin(timeline, text);
  let budget = step;
  let number = Math.max(known.looked + 1, first);
  for (; number <= timeline.count && budget > 0; number++) {
    if (reasons !== undefined && !reasons.has(exitBasicReason(timeline, number))) continue;
    if (accepts !== undefined) {
      budget--;
      const exit = timelineExit(timeline, number);
      if (exit === undefined || !accepts(exit)) continue;
    }
    add(known, number);
  }
  known.looked = number - 1;
  const all: ChosenExits = { count: known.count, numberAt: (i) => known.numbers[i] ?? 0 };
  const gone = placeFrom(all, first);
  const chosen = gone === 0 ? all : { count: all.count - gone, numberAt: (i: number) => all.numberAt(i + gone) };
  return { chosen, left: timeline.count - known.looked, filtered: known };
}

function begin(timeline: Timeline, filter: string): FilteredExits {
  return { filter, cuts: timeline.cuts, looked: 0, numbers: new Uint32Array(1024), count: 0 };
}

function add(filtered: FilteredExits, number: number): void {
  if (filtered.count === filtered.numbers.length) {
    const numbers = new Uint32Array(filtered.count * 2);
    numbers.set(filtered.numbers);
    filtered.numbers = numbers;
  }
  filtered.numbers[filtered.count++] = number;
}
