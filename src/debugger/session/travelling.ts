// Going another way through time than forward: judged as a run is, but nothing is told.

import { dependsOnHits } from '../breakpoint-verdicts.ts';
import { allBreakpoints } from '../breakpoints.ts';
import { filterDependsOnHits } from '../exit-filters.ts';
import { type Counter, countedLater, noteDeparture, recount } from '../hits.ts';
import { replay } from '../reverse/search.ts';
import { before, goTo, INTERRUPTED, type Journey, type Traveller } from '../reverse/traveller.ts';
import type { Cause } from './cause.ts';
import { type InForce, runOptions, setAddresses } from './in-force.ts';
import { type Judge, judge } from './judge.ts';
import { BREATH, NONE, type Run } from './slices.ts';

/** Why the machine stands where the journey led; where it began when the user paused. */
export async function goOn(run: Run, journey: Journey): Promise<Cause> {
  const { scheduler, wishes } = run;
  const state = run.judge;
  const { machine, images, force } = state;
  const { history } = machine;
  const origin = history.now();
  noteDeparture(countersOf(force), origin);
  const silent: Judge = { ...state, tell: () => {}, firstExitWanted: false, expected: [], unmet: undefined };
  let breath = scheduler.now();
  const traveller: Traveller = {
    machine,
    image: images.view(machine.side()),
    breathe: async () => {
      if (scheduler.now() - breath < BREATH) return;
      await scheduler.breathe();
      breath = scheduler.now();
      if (wishes.pause !== undefined || wishes.disposed) throw INTERRUPTED;
    },
    setBreakpoints: (addresses, withOwn) => setAddresses(force, addresses, withOwn),
    options: () => runOptions(force, undefined, false),
    judge: (stop) => judge(silent, stop),
    countPast: () => countPast(traveller, force),
  };
  try {
    return await journey(traveller);
  } catch (thrown) {
    if (thrown !== INTERRUPTED) return internalError(thrown);
    history.goTo(origin);
    return { kind: 'pause' };
  } finally {
    state.expected = [];
    state.watchJudged = false;
    recount(countersOf(force), history.now());
    setAddresses(force, NONE, true);
    history.arrive();
  }
}

export function countersOf({ filters, breakpoints }: InForce): Counter[] {
  return [...filters.active, ...allBreakpoints(breakpoints)];
}

/** Runs once more over the time before what counts its hits was there. */
async function countPast(traveller: Traveller, force: InForce): Promise<void> {
  const { history } = traveller.machine;
  const first = history.first();
  const counting = [
    ...force.filters.active.filter(filterDependsOnHits),
    ...allBreakpoints(force.breakpoints).filter(dependsOnHits),
  ];
  const late = countedLater(counting, first);
  if (late.length === 0) return;
  const origin = history.now();
  const end = late.map(({ met }) => met.since ?? first).reduce((a, b) => (before(a, b) ? b : a));
  await goTo(traveller, first);
  traveller.setBreakpoints([], true);
  await replay(traveller, traveller.options(), end, (stop) => {
    traveller.judge(stop);
    return true;
  });
  for (const { met } of late) met.since = first;
  await goTo(traveller, origin);
}

export function internalError(thrown: unknown): Cause {
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return { kind: 'internal-error', explanation: `Ringside met a bug of its own. ${text}` };
}
