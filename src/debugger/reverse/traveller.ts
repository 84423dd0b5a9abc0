// What going back needs of a session.

import type { Machine, RunOptions, Stop } from '../../machine/types.ts';
import type { Moment } from '../../machine/history/types.ts';
import type { Image } from '../../program/image.ts';
import type { Cause } from '../session/cause.ts';

export interface Traveller {
  readonly machine: Machine;
  readonly image: Image;
  /** Lets the front end speak when it is time; throws `INTERRUPTED` when the user paused or the session ended. */
  breathe(): Promise<void>;
  /** Linear addresses at which `run` comes back, with those of the user's breakpoints or alone. */
  setBreakpoints(addresses: readonly bigint[], withOwn: boolean): void;
  /** What the user's breakpoints and filters ask for. */
  readonly options: () => Omit<RunOptions, 'limit'>;
  /** Whether they would stop here; nothing is logged. */
  judge(stop: Stop): Cause | undefined;
  /** Has what counts its hits know them from where the recorded past begins. */
  countPast(): Promise<void>;
}

/** A way through time: ends where the machine then stands, and says why. */
export type Journey = (traveller: Traveller) => Promise<Cause>;

/** Thrown out of a journey that the user paused. */
export const INTERRUPTED: unique symbol = Symbol('interrupted');

export function before(a: Moment, b: Moment): boolean {
  return a.time < b.time || (a.time === b.time && a.events < b.events);
}

/** Goes to a moment. */
export async function goTo({ machine, breathe }: Traveller, moment: Moment): Promise<boolean> {
  const way = machine.history.travel(moment);
  try {
    for (;;) {
      const step = way.next();
      if (step.done === true) return step.value;
      await breathe();
    }
  } finally {
    way.return(false);
  }
}
