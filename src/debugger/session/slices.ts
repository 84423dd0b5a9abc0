// The run itself: slices of the machine's time, between which the front end is served, until the user wants to stand still.

import type { RunOptions, Stop } from '../../machine/types.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Plan, Wanted } from '../stepping.ts';
import type { Cause } from './cause.ts';
import { runOptions, setAddresses } from './in-force.ts';
import { type Judge, judge, stepExpecting } from './judge.ts';
import { placeImages, type SymbolFiles } from './symbol-files.ts';

/** Wall time after which the session lets the host handle messages, in milliseconds. */
export const BREATH = 8;
/** Wall time between looks whether the code of pending breakpoints is mapped by now, in milliseconds. */
const PENDING_LOOK = 100;
const FIRST_SLICE = 50_000;
const SMALLEST_SLICE = 1_000;
const LARGEST_SLICE = 50_000_000;
/** While an image is looked for in memory: instructions between two looks, as many as let looking cost a tenth of the time. */
const SMALLEST_SEARCH = 20_000;
const LARGEST_SEARCH = 1_000_000;
const SEARCH_COST = 0.1;
/** One look of so many is thorough. */
const THOROUGH = 32;

/** What came in from the user while the machine ran. */
export interface Wishes {
  /** Stop, to look at a processor: the one that runs unless one is named. */
  pause: { readonly processor: number | undefined } | undefined;
  disposed: boolean;
}

export interface Run {
  readonly judge: Judge;
  readonly files: SymbolFiles;
  readonly scheduler: Scheduler;
  readonly wishes: Wishes;
  /** Tells which breakpoints whose code was not mapped have become verified. */
  readonly tellMapped: () => void;
  /** Instructions of a slice. */
  slice: number;
  /** Instructions between two looks for an image, and how many looks there were. */
  search: number;
  looks: number;
  /** The breakpoints at the current instruction had their say. */
  arrivalJudged: boolean;
}

export function createRun(parts: Omit<Run, 'slice' | 'search' | 'looks' | 'arrivalJudged'>): Run {
  return { ...parts, slice: FIRST_SLICE, search: SMALLEST_SEARCH, looks: 0, arrivalJudged: false };
}

/** Why it ended; undefined when the session was disposed of. */
export type Outcome = { readonly cause: Cause } | { readonly status: number } | undefined;

/** Runs on, or as a plan wants it. */
export async function runSlices(run: Run, plan: Plan | undefined): Promise<Outcome> {
  const { scheduler, wishes, files } = run;
  const { machine } = run.judge;
  let wanted = nextWanted(plan, undefined);
  // Into an inlined function: nothing moves.
  if (plan !== undefined && wanted === undefined) return { cause: { kind: 'step' } };
  const stepped = machine.processor();
  let breath = scheduler.now();
  let looked = breath;
  while (!wishes.disposed) {
    const before = scheduler.now();
    const stop = advance(run, wanted, stepped);
    const after = scheduler.now();
    if (stop.kind === 'shutdown') return { status: stop.status };
    if (files.images.unplaced.length > 0) search(run, after - before, stop.kind !== 'budget');
    const waits = stop.kind === 'budget' && stop.waiting === true;
    if (stop.kind === 'budget' && ((wanted?.single !== true && run.judge.unmet === undefined) || waits)) {
      run.arrivalJudged = false;
      run.judge.watchJudged = false;
      adapt(run, after - before);
    } else {
      run.arrivalJudged = true;
      run.judge.watchJudged = false;
      const cause = judge(run.judge, stop);
      if (cause !== undefined) return { cause };
      // After a watch that is told before it happens nothing has happened yet: on over it, with the same aim. What other
      // processors met is no step of this one.
      if (plan !== undefined && !run.judge.watchJudged && machine.processor() === stepped) {
        wanted = nextWanted(plan, stop);
        if (wanted === undefined) return { cause: { kind: 'step' } };
      }
    }
    if (after - breath < BREATH) continue;
    if (after - looked >= PENDING_LOOK) {
      looked = after;
      run.tellMapped();
    }
    await scheduler.breathe();
    breath = scheduler.now();
    if (wishes.pause !== undefined && !wishes.disposed) {
      if (wishes.pause.processor !== undefined) machine.select(wishes.pause.processor);
      return { cause: { kind: 'pause' } };
    }
  }
  return undefined;
}

function advance(run: Run, wanted: Wanted | undefined, stepped: number): Stop {
  const { machine, force, watchJudged } = run.judge;
  if (run.judge.expected.length > 0) return stepExpecting(run.judge);
  setAddresses(force, wanted?.addresses ?? NONE);
  if (wanted?.single !== true) return machine.run(forward(run, wanted));
  machine.select(stepped);
  return machine.step({ honourWatches: true, skipWatch: watchJudged, others: forward(run, undefined) });
}

function forward(run: Run, wanted: Wanted | undefined): RunOptions {
  const { force, firstExitWanted, watchJudged } = run.judge;
  return {
    ...runOptions(force, wanted, firstExitWanted),
    limit: run.files.images.unplaced.length > 0 ? Math.min(run.slice, run.search) : run.slice,
    skipBreakpoint: run.arrivalJudged,
    skipWatch: watchJudged,
  };
}

/** Looks for images that are not placed yet; `ran`: wall time since the last look, in milliseconds. Thoroughly where the machine stopped. */
function search(run: Run, ran: number, thoroughly: boolean): void {
  const before = run.scheduler.now();
  placeImages(run.files, run.looks++ % THOROUGH === 0 || thoroughly);
  const cost = run.scheduler.now() - before;
  const factor = cost > ran * SEARCH_COST ? 2 : 0.5;
  run.search = Math.min(LARGEST_SEARCH, Math.max(SMALLEST_SEARCH, run.search * factor));
}

/** Slices of about half a breath, so that requests and pauses are served in time whatever the machine's speed is. */
function adapt(run: Run, milliseconds: number): void {
  const factor = Math.min(2, Math.max(0.05, (BREATH * 0.5) / Math.max(milliseconds, 0.01)));
  run.slice = Math.min(LARGEST_SLICE, Math.max(SMALLEST_SLICE, Math.floor(run.slice * factor)));
}

export const NONE: readonly bigint[] = [];

function nextWanted(plan: Plan | undefined, stop: Stop | undefined): Wanted | undefined {
  if (plan === undefined) return undefined;
  const next = stop === undefined ? plan.next() : plan.next(stop);
  return next.done === true ? undefined : next.value;
}
