// The recorded past as the debugger sees it.
import { type Runner, stepNext } from '../runner.ts';
import { compareMoments, presentMoment } from './moments.ts';
import {
  createRecorder,
  cutFuture,
  historyBytes,
  indexBefore,
  mark,
  type Recorder,
  record,
  recordConsole,
  takeInputs,
  travel,
} from './recorder.ts';
import { BREAKPOINTS, COUNT_EXITS } from '../../core/layout.ts';
import { createVmcsCopy } from '../../vmx/history.ts';
import { readCount, readWord, writeWord } from '../../vmx/processor.ts';
import { cutTimeline, exitFrom, firstExit, timelineBuckets, timelineExit } from '../../vmx/timeline.ts';
import { setWatches } from '../watches.ts';
import { presentTime } from '../hardware.ts';
import { loadMachine, misfit, saveMachine } from './saved.ts';
import { stateHash } from './state-hash.ts';
import type { HistoryView } from './types.ts';

export interface HistoryEvents {
  /** A console byte to show. */
  output(byte: number): void;
  /** The console went back: it now holds these bytes. */
  rewound(bytes: Uint8Array): void;
}

/** The machine's own handle on its past: what it records, beside what the debugger asks. */
export interface MachineHistory extends HistoryView {
  /** A byte goes out to the console. */
  sent(byte: number): void;
  /** Something reaches the machine from outside. `apply` answers false when it is refused, and nothing changed. */
  input(what: string, apply: () => boolean): void;
}

export function createHistory(runner: Runner, events: HistoryEvents): MachineHistory {
  let recorder: Recorder | undefined;
  let silent = false;
  /** Console bytes that were shown, counted from power-on. */
  let shown = 0;
  let cuts = 0;
  const { core } = runner.hardware;
  const { timeline } = runner.vmx.history;

  const start = (limit: number): void => {
    recorder = createRecorder(runner, limit);
    recorder.sent = shown;
    recorder.dropped = shown;
    runner.recorder = recorder;
  };

  /** Brings the console to what was sent up to the present. */
  const showConsole = ({ console, dropped, sent }: Recorder): void => {
    if (sent < shown) events.rewound(Uint8Array.from(console.slice(0, Math.max(0, sent - dropped))));
    else for (let at = Math.max(shown, dropped); at < sent; at++) events.output(console[at - dropped] as number);
    shown = sent;
  };

  /** The way to a moment is travelled without the debugger's breakpoints and watches; answers how to put them back. */
  const suspend = (): (() => void) => {
    const breakpoints = readWord(core, BREAKPOINTS);
    const { list } = runner.watches;
    if (breakpoints > 0) {
      writeWord(core, BREAKPOINTS, 0);
      core.exports.setBreakpoints();
    }
    if (list.length > 0) setWatches(runner.hardware, runner.watches, []);
    return () => {
      if (breakpoints > 0) {
        writeWord(core, BREAKPOINTS, breakpoints);
        core.exports.setBreakpoints();
      }
      if (list.length > 0) setWatches(runner.hardware, runner.watches, list);
    };
  };

  const cutHappened = (): void => {
    cutTimeline(timeline, readCount(core, COUNT_EXITS), presentTime(core));
    cuts++;
    view.onCut?.();
  };

  const view: MachineHistory = {
    onCut: undefined,
    get recording() {
      return recorder !== undefined;
    },
    get cuts() {
      return cuts;
    },
    get travelling() {
      return silent;
    },
    record(limit) {
      if (limit <= 0) {
        recorder = undefined;
        runner.recorder = undefined;
      } else if (recorder === undefined) start(limit);
      else recorder.limit = limit;
    },
    mark() {
      if (recorder !== undefined) mark(recorder);
    },
    now: () => presentMoment(core),
    first: () => recorder?.snapshots[0] ?? presentMoment(core),
    last() {
      const now = presentMoment(core);
      return recorder === undefined || compareMoments(recorder.far, now) < 0 ? now : recorder.far;
    },
    snapshots: () => recorder?.snapshots.map(({ time, events: count }) => ({ time, events: count })) ?? [],
    bytes: () => (recorder === undefined ? 0 : historyBytes(recorder)),
    before(moment) {
      if (recorder === undefined) return undefined;
      return recorder.snapshots[indexBefore(recorder, { time: moment.time, events: moment.events - 1 })];
    },
    mayHaveWritten(page, from, to) {
      const holders = recorder?.snapshots.filter((snapshot) => compareMoments(snapshot, from) > 0) ?? [];
      const until = holders.findIndex((snapshot) => compareMoments(snapshot, to) >= 0);
      return until < 0 || holders.slice(0, until + 1).some(({ pages }) => pages.has(page));
    },
    *travel(moment) {
      if (recorder === undefined) return false;
      silent = true;
      const resume = suspend();
      try {
        return yield* travel(recorder, moment);
      } finally {
        resume();
        silent = false;
      }
    },
    goTo(moment) {
      const journey = this.travel(moment);
      for (;;) {
        const step = journey.next();
        if (step.done === true) {
          this.arrive();
          return step.value;
        }
      }
    },
    step: (options) => stepNext(runner, options),
    quietly(action) {
      const before = silent;
      silent = true;
      try {
        return action();
      } finally {
        silent = before;
      }
    },
    arrive() {
      if (recorder === undefined) return;
      takeInputs(recorder);
      showConsole(recorder);
    },
    idle: () => ({ from: runner.idleFrom, until: runner.idleUntil }),
    timeline,
    keepVmcs() {
      const { history } = runner.vmx;
      history.vmcsAtExit ??= createVmcsCopy(core);
      return history.vmcsAtExit;
    },
    exits: () => ({ first: firstExit(timeline), last: timeline.count }),
    exit: (number) => timelineExit(timeline, number),
    exitFrom: (time) => exitFrom(timeline, time),
    buckets: (from, to, count) => timelineBuckets(timeline, from, to, count),
    save: () => saveMachine(runner, recorder?.sent ?? shown),
    load(saved) {
      const problem = misfit(runner, saved);
      if (problem !== undefined) return problem;
      const limit = recorder?.limit ?? 0;
      recorder = undefined;
      runner.recorder = undefined;
      loadMachine(runner, saved);
      if (limit > 0) start(limit);
      return undefined;
    },
    hash: () => stateHash(runner.hardware),
    sent(byte) {
      if (recorder !== undefined) recordConsole(recorder, byte);
      if (silent) return;
      shown++;
      events.output(byte);
    },
    input(what, apply) {
      if (recorder === undefined) apply();
      else if (record(recorder, what, apply)) cutHappened();
    },
    cut() {
      if (recorder !== undefined && cutFuture(recorder)) cutHappened();
    },
  };
  return view;
}
