// Longer ways through time: reverse continue, to the previous VM exit, to a moment.

import type { Moment } from '../../machine/history/types.ts';
import type { Cause } from '../session/cause.ts';
import { createPast, goToPlace } from './past.ts';
import { searchBack } from './search.ts';
import { goTo, type Journey, type Traveller } from './traveller.ts';

const EVERY_REASON = new Uint8Array(256).fill(1);
const QUIET = { entryFailures: false, vmFails: false, tripleFaults: false } as const;

/** Back to the last moment at which the user's breakpoints and filters would have stopped. */
export const reverseContinue: Journey = async (traveller) => {
  await traveller.countPast();
  traveller.setBreakpoints([], true);
  const found = await searchBack(traveller, {
    options: traveller.options(),
    accept: (stop) => traveller.judge(stop),
  });
  return found?.what ?? toStart(traveller);
};

/** Back to just after the last VM exit. */
export const previousExit: Journey = async (traveller) => {
  traveller.setBreakpoints([], false);
  const found = await searchBack<Cause>(traveller, {
    options: { ...QUIET, exitReasons: EVERY_REASON },
    accept: (stop) => (stop.kind === 'vm-exit' ? { kind: 'vm-exit', exit: stop.exit, errors: [] } : undefined),
  });
  return found?.what ?? toStart(traveller);
};

export async function toStart(traveller: Traveller): Promise<Cause> {
  await goTo(traveller, traveller.machine.history.first());
  return { kind: 'history-start' };
}

/** To a moment, whichever direction it lies in. */
export function toMoment(moment: Moment): Journey {
  return async (traveller) => {
    const { history } = traveller.machine;
    if (moment.time < history.first().time) return toStart(traveller);
    await goTo(traveller, moment);
    return { kind: 'jump' };
  };
}

/** To the place before something that is known by the moment after it. */
export function toBefore(moment: Moment): Journey {
  return async (traveller) => {
    // The processor that ran last then.
    await goTo(traveller, moment);
    const place = await createPast(traveller).before(moment);
    if (place === undefined) return toStart(traveller);
    await goToPlace(traveller, place);
    return { kind: 'jump' };
  };
}
