// The past of a machine, for the debugger: moments, and going to them.
import type { VmcsCopy } from '../../vmx/history.ts';
import type { Timeline, TimelineBucket, TimelineExit } from '../../vmx/timeline.ts';
import type { Moment } from './moments.ts';

import type { StepOptions, Stop } from '../types.ts';
import type { SavedMachine } from './saved.ts';

export type { Moment } from './moments.ts';

export interface HistoryView {
  readonly recording: boolean;
  /** How often something from outside, given in the past, replaced a recorded future. */
  readonly cuts: number;
  /** Called when that happens. */
  onCut: (() => void) | undefined;
  /** False: between two moments, the first that of a snapshot, no byte of a page of host-physical memory was written. */
  mayHaveWritten(page: number, from: Moment, to: Moment): boolean;
  /** True while the machine is on its way to a moment: listeners are told nothing. */
  readonly travelling: boolean;
  /** Records from now on within this many bytes; 0 forgets the past and records nothing. */
  record(limit: number): void;
  /** Takes a snapshot of the present, when one is not there already. */
  mark(): void;
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
  /** One step of whichever processor is next, as `Machine.step` of one that is alone. */
  step(options?: StepOptions): Stop;
  /** Runs something without telling listeners. */
  quietly<T>(action: () => T): T;
  /** After travelling or running: what came from outside at the present moment is there, the console shows what was sent up to it. */
  arrive(): void;
  /** The last time that the processor spent idle. */
  idle(): { readonly from: number; readonly until: number };
  /** Every VM exit; kept also when nothing is recorded. To read. */
  readonly timeline: Timeline;
  /** From now on the fields of the VMCS are copied at each VM exit, to what is answered. */
  keepVmcs(): VmcsCopy;
  /** Numbers of the VM exits that the timeline holds; `first` above `last`: none. It is kept also when nothing is recorded. */
  exits(): { readonly first: number; readonly last: number };
  exit(number: number): TimelineExit | undefined;
  /** Number of the first VM exit at or after a time. */
  exitFrom(time: number): number;
  /** The time from `from` up to `to` in at most `count` equal stretches. */
  buckets(from: number, to: number, count: number): readonly TimelineBucket[];
  /** A hash of the whole machine: machines with equal hashes have equal futures. */
  hash(): string;
  /** The whole machine as it is now. */
  save(): SavedMachine;
  /** Makes the machine what was saved; what was recorded is forgotten, and recording goes on from there. Answers why it does not fit, or undefined. */
  load(saved: SavedMachine): string | undefined;
  /** The recorded future is forgotten: the present is to be changed. */
  cut(): void;
}
