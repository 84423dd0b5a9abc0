// The past of a machine, for the debugger: moments, and going to them.
import type { Moment } from './moments.ts';

export type { Moment } from './moments.ts';

export interface HistoryView {
  readonly recording: boolean;
  /** How often something from outside, given in the past, replaced a recorded future. */
  readonly cuts: number;
  /** True while the machine is on its way to a moment: listeners are told nothing. */
  readonly travelling: boolean;
  /** Records from now on within this many bytes; 0 forgets the past and records nothing. */
  record(limit: number): void;
  now(): Moment;
  /** The earliest moment that can be reached. */
  first(): Moment;
  /** The latest moment that was reached. */
  last(): Moment;
  /** Moments at which there are snapshots, oldest first. */
  snapshots(): readonly Moment[];
  /** Bytes that the history takes. */
  bytes(): number;
  /** The last snapshot before a moment, not at it. */
  before(moment: Moment): Moment | undefined;
  /** Goes to a moment: yields now and then, answers whether it was reached. Listeners are told nothing; `arrive` shows the console. */
  travel(moment: Moment): Generator<void, boolean>;
  /** The same at once. */
  goTo(moment: Moment): boolean;
  /** Runs something without telling listeners. */
  quietly<T>(action: () => T): T;
  /** After travelling: the console shows what was sent up to the present. */
  arrive(): void;
  /** The last time that the processor spent idle. */
  idle(): { readonly from: number; readonly until: number };
  /** A hash of the whole machine: machines with equal hashes have equal futures. */
  hash(): string;
  /** The recorded future is forgotten: the present is to be changed. */
  cut(): void;
}
