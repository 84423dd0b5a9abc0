// `bs` and `bc`: one instruction back; back to the last breakpoint, or to just before the access that a watchpoint watches, as GDB expects it of a target that
// runs backwards: it then finds the old value where the new one was.

import { createPast, goToPlace } from '../debugger/reverse/past.ts';
import { searchBack } from '../debugger/reverse/search.ts';
import { before, goTo, type Journey } from '../debugger/reverse/traveller.ts';
import { toStart } from '../debugger/reverse/journeys.ts';
import { stepBack } from '../debugger/reverse/steps.ts';

export const backwards: Journey = async (traveller) => {
  const { machine } = traveller;
  const { history } = machine;
  const origin = history.now();
  traveller.setBreakpoints([], true);
  const found = await searchBack(traveller, {
    options: traveller.options(),
    // The access that led to the very present is the first that is undone.
    inclusive: true,
    accept: (stop) => {
      const cause = traveller.judge(stop);
      return cause?.kind === 'watch' || before(history.now(), origin) ? cause : undefined;
    },
  });
  if (found === undefined) return toStart(traveller);
  if (found.what.kind !== 'watch') return found.what;
  const place = await createPast(traveller).before(found.moment);
  if (place === undefined) return toStart(traveller);
  await goToPlace(traveller, place);
  return found.what;
};

/** A watched access that is undone is told, as a step forward would tell it. */
export const backwardsStep: Journey = async (traveller) => {
  const { machine } = traveller;
  const { history } = machine;
  const cause = await stepBack('in', 'instruction')(traveller);
  if (cause.kind !== 'step' || machine.watches().length === 0) return cause;
  const moment = history.now();
  const processor = machine.processor();
  traveller.setBreakpoints([], false);
  const stops = [
    history.quietly(() => history.step({ honourWatches: true, skipWatch: true })),
    history.quietly(() => machine.run({ limit: 0, skipBreakpoint: true, skipWatch: true })),
  ];
  const met = stops.map((stop) => traveller.judge(stop)).find((each) => each?.kind === 'watch');
  await goTo(traveller, moment);
  machine.select(processor);
  return met ?? cause;
};
