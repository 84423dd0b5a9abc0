// Moments: points between two steps of the machine, in the order in which it reaches them.
import { COUNT_DELIVERED, COUNT_EXITS } from '../../core/layout.ts';
import { type Core, readCount } from '../../vmx/processor.ts';
import { presentTime } from '../hardware.ts';

/** Instructions retired, and how many VM exits and event deliveries there were: these retire nothing, so the time alone does not name a moment. */
export interface Moment {
  readonly time: number;
  readonly events: number;
}

export function presentMoment(core: Core): Moment {
  return { time: presentTime(core), events: presentEvents(core) };
}

export function presentEvents(core: Core): number {
  return readCount(core, COUNT_EXITS) + readCount(core, COUNT_DELIVERED);
}

/** Negative: `a` comes before `b`. */
export function compareMoments(a: Moment, b: Moment): number {
  return a.time - b.time || a.events - b.events;
}
