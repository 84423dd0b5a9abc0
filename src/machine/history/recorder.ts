// The recorder: takes snapshots while the machine runs, keeps what came from outside, and goes back to any moment by restoring the
// snapshot before it and running forward. What is recorded never decides what the machine does.
import { compareMoments, type Moment, presentEvents, presentMoment } from './moments.ts';
import { createPageStore, dropHolder, keepWritten, type PageStore, restorePages } from './pages.ts';
import { isPresent, restoreSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts';
import { type Runner, run, stepNext } from '../runner.ts';
import { presentTime } from '../hardware.ts';
import { noteWritten } from '../../vmx/processor.ts';

/** Something that reached the machine from outside, after all else of its moment. */
export interface Input extends Moment {
  /** For people: `console input`, `rax`, `memory`. */
  readonly what: string;
  /** False: the machine refused it, and nothing changed. */
  readonly apply: () => boolean;
}

export interface Recorder {
  readonly runner: Runner;
  readonly store: PageStore;
  /** Bytes that the history may take. */
  limit: number;
  /** Oldest first, no two of the same time. */
  readonly snapshots: Snapshot[];
  readonly inputs: Input[];
  /** Inputs that the present has taken: the rest is the future. */
  taken: number;
  /** The snapshot since which writes are marked. */
  base: Snapshot;
  /** The latest moment that was reached. */
  far: Moment;
  /** Time of the next snapshot to take, or to pass. */
  markAt: number;
  /** Console bytes since power-on, as far as they are known; `dropped` more went before them. */
  readonly console: number[];
  dropped: number;
  /** Console bytes sent up to the present. */
  sent: number;
  /** Snapshots' own bytes, without pages. */
  bytes: number;
}

export const DEFAULT_HISTORY_LIMIT = 512 * 1024 * 1024;

// Spacing. A snapshot costs about as much time as these many instructions take; it may take one part in SHARE of the run.
const SNAPSHOT_COST = 200_000;
const PAGE_COST = 800;
const SHARE = 30;
const CLOSEST = 4_000_000;
const WIDEST = 16_000_000;
/** Going back leaves a snapshot this far before where it goes, so that the next steps back are short. */
const NEAR = 50_000;
const FAR_FROM_SNAPSHOT = 200_000;
const CONSOLE_BYTES = 1 << 20;
/** Fewer snapshots are not thinned out: then the oldest goes. */
const FEWEST = 16;

/** Starts recording at the present. */
export function createRecorder(runner: Runner, limit: number): Recorder {
  const store = createPageStore();
  const { core } = runner.hardware;
  // Whatever an earlier recording knew, all of RAM is new to this one.
  for (let page = 0; page < core.ramSize / 4096; page++) noteWritten(core, page * 4096);
  const first = takeSnapshot(runner, { sent: 0, inputs: 0 });
  keepWritten(store, core, first);
  return {
    runner,
    store,
    limit,
    snapshots: [first],
    inputs: [],
    taken: 0,
    base: first,
    far: first,
    markAt: first.time + CLOSEST,
    console: [],
    dropped: 0,
    sent: 0,
    bytes: first.bytes,
  };
}

/** Time at which the run loop must come by: for a snapshot or a recorded input. */
export function dueTime(recorder: Recorder): number {
  return Math.min(recorder.markAt, inputTime(recorder));
}

export function inputTime(recorder: Recorder): number {
  return recorder.inputs[recorder.taken]?.time ?? Number.POSITIVE_INFINITY;
}

/** At the top of the run loop, when `dueTime` has come. */
export function attendRecorder(recorder: Recorder): void {
  takeInputs(recorder);
  const now = presentTime(recorder.runner.hardware.core);
  if (now < recorder.markAt) return;
  if (now < recorder.far.time) passSnapshot(recorder, now);
  else mark(recorder);
}

/** What came from outside at the present moment of a past that is gone over again. */
export function takeInputs(recorder: Recorder): void {
  const { core } = recorder.runner.hardware;
  const now = presentTime(core);
  for (;;) {
    const input = recorder.inputs[recorder.taken];
    if (input === undefined || input.time > now || input.events > presentEvents(core)) break;
    if (input.time < now || input.events < presentEvents(core))
      throw new Error(`a replay diverged: it passed ${input.time}, when ${input.what} came, and is at ${now}`);
    recorder.taken++;
    input.apply();
  }
}

/** In the recorded past: when it is exactly a snapshot's moment, writes are marked since then. */
function passSnapshot(recorder: Recorder, now: number): void {
  const { snapshots, runner } = recorder;
  const snapshot = snapshots[indexBefore(recorder, { time: now, events: Number.POSITIVE_INFINITY })];
  if (snapshot !== undefined && snapshot.loop.inputs === recorder.taken && isPresent(runner.hardware.core, snapshot)) {
    runner.hardware.core.exports.keepPages();
    recorder.base = snapshot;
  }
  recorder.markAt = nextSnapshotTime(recorder, now);
}

function nextSnapshotTime(recorder: Recorder, now: number): number {
  const next = recorder.snapshots.find((snapshot) => snapshot.time > now);
  return next?.time ?? Math.max(recorder.far.time, now + CLOSEST);
}

/** Takes a snapshot of the present, unless there is one of this time. */
export function mark(recorder: Recorder): void {
  const { runner, snapshots, store } = recorder;
  const { core } = runner.hardware;
  const now = presentMoment(core);
  const index = indexBefore(recorder, { time: now.time, events: Number.POSITIVE_INFINITY }) + 1;
  recorder.markAt = now.time + CLOSEST;
  if (snapshots[index - 1]?.time === now.time) return;
  const snapshot = takeSnapshot(runner, { sent: recorder.sent, inputs: recorder.taken });
  snapshots.splice(index, 0, snapshot);
  recorder.bytes += snapshot.bytes;
  const written = keepWritten(store, core, snapshot);
  recorder.base = snapshot;
  if (compareMoments(recorder.far, now) <= 0) {
    recorder.far = now;
    recorder.markAt = now.time + Math.min(WIDEST, Math.max(CLOSEST, SHARE * (SNAPSHOT_COST + PAGE_COST * written)));
  } else recorder.markAt = nextSnapshotTime(recorder, now.time);
  thin(recorder);
}

/** The processor was idle: that time costs nothing, and needs no snapshots of its own. */
export function idled(recorder: Recorder, time: number): void {
  if (presentTime(recorder.runner.hardware.core) >= recorder.far.time) recorder.markAt += time - (time >>> 4);
}

/** Index of the last snapshot at or before a moment; -1: none. */
export function indexBefore({ snapshots }: Recorder, moment: Moment): number {
  let low = 0;
  let high = snapshots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareMoments(snapshots[middle] as Snapshot, moment) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function historyBytes({ store, bytes }: Recorder): number {
  return store.bytes + bytes;
}

/** Keeps the history within its limit: the past grows coarser the older it is, and begins later at last. */
function thin(recorder: Recorder): void {
  const { snapshots } = recorder;
  while (historyBytes(recorder) > recorder.limit && snapshots.length > 2) {
    drop(recorder, snapshots.length > FEWEST ? leastMissed(recorder) : 0);
  }
}

/** The snapshot without which the gap in time is smallest, measured by its age. */
function leastMissed({ snapshots, base, far }: Recorder): number {
  let best = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < snapshots.length - 1; i++) {
    if (snapshots[i] === base) continue;
    const after = (snapshots[i + 1] as Snapshot).time;
    const missed = (after - (snapshots[i - 1] as Snapshot).time) / (far.time - after + CLOSEST);
    if (missed >= least) continue;
    least = missed;
    best = i;
  }
  return best;
}

function drop(recorder: Recorder, index: number): void {
  const { snapshots, store } = recorder;
  const snapshot = snapshots[index] as Snapshot;
  if (snapshot === recorder.base) index++;
  const [gone] = snapshots.splice(index, 1);
  if (gone === undefined) return;
  dropHolder(store, gone, snapshots[index]);
  recorder.bytes -= gone.bytes;
}

/** The machine is about to be changed from outside: what was recorded after the present is no longer its future. True when there was such a future. */
export function cutFuture(recorder: Recorder): boolean {
  const now = presentMoment(recorder.runner.hardware.core);
  const had = compareMoments(now, recorder.far) < 0;
  while (recorder.snapshots.length > 1) {
    const last = recorder.snapshots[recorder.snapshots.length - 1] as Snapshot;
    if (compareMoments(last, now) <= 0 || last === recorder.base) break;
    recorder.snapshots.pop();
    dropHolder(recorder.store, last, undefined);
    recorder.bytes -= last.bytes;
  }
  recorder.inputs.length = recorder.taken;
  recorder.console.length = Math.max(0, recorder.sent - recorder.dropped);
  recorder.far = now;
  if (had) recorder.markAt = now.time + CLOSEST;
  return had;
}

/** Records what reaches the machine now, unless it is refused. True when that cut a recorded future off. */
export function record(recorder: Recorder, what: string, apply: Input['apply']): boolean {
  if (!apply()) return false;
  const cut = cutFuture(recorder);
  recorder.inputs.push({ ...presentMoment(recorder.runner.hardware.core), what, apply });
  recorder.taken = recorder.inputs.length;
  return cut;
}

/** A byte was sent to the console. True when it was never sent before. */
export function recordConsole(recorder: Recorder, byte: number): boolean {
  const at = recorder.sent++ - recorder.dropped;
  if (at !== recorder.console.length) return false;
  recorder.console.push(byte);
  if (recorder.console.length > 2 * CONSOLE_BYTES) {
    recorder.console.splice(0, CONSOLE_BYTES);
    recorder.dropped += CONSOLE_BYTES;
  }
  return true;
}

/** Restores a snapshot. */
export function restore(recorder: Recorder, snapshot: Snapshot): void {
  const { runner, snapshots, base } = recorder;
  const { core } = runner.hardware;
  const now = presentMoment(core);
  if (compareMoments(recorder.far, now) < 0) recorder.far = now;
  const from = Math.min(snapshot.time, base.time);
  const to = Math.max(snapshot.time, base.time);
  const between = snapshots.filter(({ time }) => time > from && time <= to);
  restorePages(recorder.store, core, snapshot.time, between);
  restoreSnapshot(runner, snapshot);
  recorder.base = snapshot;
  recorder.taken = snapshot.loop.inputs;
  recorder.sent = snapshot.loop.sent;
  recorder.markAt = nextSnapshotTime(recorder, snapshot.time);
}

/** Instructions between two answers of `travel`. */
const STRIDE = 4_000_000;

/**
 * Goes to a moment: yields now and then, answers whether it was reached (it is not when it lies before what is recorded, or after where
 * the machine can get). Inputs of the moment have been taken.
 */
export function* travel(recorder: Recorder, target: Moment): Generator<void, boolean> {
  const { runner } = recorder;
  const { core } = runner.hardware;
  const now = presentMoment(core);
  const index = indexBefore(recorder, target);
  if (index < 0) return false;
  const start = recorder.snapshots[index] as Snapshot;
  if (compareMoments(target, now) < 0 || compareMoments(now, start) < 0) restore(recorder, start);
  const goal = target.time - NEAR;
  if (goal - presentTime(core) > FAR_FROM_SNAPSHOT) {
    if (!(yield* advance(recorder, goal))) return false;
    if (presentTime(core) < recorder.far.time) mark(recorder);
  }
  if (!(yield* advance(recorder, target.time))) return false;
  while (presentTime(core) === target.time && presentEvents(core) < target.events) {
    const before = presentEvents(core);
    stepNext(runner);
    if (presentTime(core) === target.time && presentEvents(core) === before) break;
  }
  attendRecorder(recorder);
  return presentTime(core) === target.time && presentEvents(core) >= target.events;
}

function* advance(recorder: Recorder, time: number): Generator<void, boolean> {
  const { runner } = recorder;
  const { core } = runner.hardware;
  let stuck = 0;
  for (;;) {
    const left = time - presentTime(core);
    if (left <= 0) return true;
    const before = presentMoment(core);
    const stop = run(runner, {
      limit: Math.min(STRIDE, left),
      vmFails: false,
      entryFailures: false,
      tripleFaults: false,
    });
    if (stop.kind === 'shutdown' || stop.kind === 'unsimulated' || stop.kind === 'idle') return false;
    stuck = compareMoments(presentMoment(core), before) === 0 ? stuck + 1 : 0;
    if (stuck > 2) return false;
    yield;
  }
}
