// Going another way through time than forward: judged as a run is, but nothing is told or counted.

import { allBreakpoints } from '../breakpoints.ts';
import { INTERRUPTED, type Journey, type Traveller } from '../reverse/traveller.ts';
import type { Cause } from './cause.ts';
import { runOptions, setAddresses } from './in-force.ts';
import { type Judge, judge } from './judge.ts';
import { BREATH, NONE, type Run } from './slices.ts';

/** Why the machine stands where the journey led; where it began when the user paused. */
export async function goOn(run: Run, journey: Journey): Promise<Cause> {
  const { scheduler, wishes } = run;
  const state = run.judge;
  const { machine, images, force } = state;
  const { history } = machine;
  const origin = history.now();
  const counters = [...force.filters.active, ...allBreakpoints(force.breakpoints)].map(
    (counter) => [counter, counter.hits] as const,
  );
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
    for (const [counter, hits] of counters) counter.hits = hits;
    setAddresses(force, NONE, true);
    history.arrive();
  }
}

export function internalError(thrown: unknown): Cause {
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return { kind: 'internal-error', explanation: `Ringside met a bug of its own. ${text}` };
}
