// The run loop: gives the core slices of instructions, lets devices reach the present, and carries out what the core stops for.
import {
  NON_ROOT,
  PREEMPTION_DEADLINE,
  REMAINING,
  RUN_FLAGS,
  RUN_SKIP_BREAKPOINT,
  RUN_SKIP_TRAPS,
  RUN_NO_TRAPS,
  RUN_STEP,
  STOP_BREAKPOINT,
  STOP_BUDGET,
  STOP_DELIVERED,
  STOP_EVENTS,
  STOP_HALT,
  STOP_INTERRUPT,
  STOP_PAUSE,
  STOP_TRIPLE_FAULT,
  STOP_UNSIMULATED,
  STOP_VM_EXIT,
  STOP_VMX_INSTRUCTION,
  STOP_WATCH,
  TURN,
  TURN_END,
} from '../core/layout.ts';
import type { Vmx } from '../vmx/operation.ts';
import { type Core, readCount, readWord, writeWord } from '../vmx/processor.ts';
import { continueCore, runCore } from './core-instance.ts';
import { faultRecords } from './fault-log.ts';
import { attendRecorder, dueTime, type Recorder } from './history/recorder.ts';
import { type Hardware, presentTime } from './hardware.ts';
import { idle } from './idle.ts';
import { lookAtDevices, takeInterrupt, takeSignals, wake } from './interrupts.ts';
import { hasSeveral, isIdle, runningProcessor } from './processors.ts';
import { linearRip } from './registers.ts';
import { vmExit, vmxInstruction } from './transitions.ts';
import { endTurn, passTurn, resumeTurn } from './turns.ts';
import type { RunOptions, StepOptions, Stop, VmEntry, VmExit } from './types.ts';
import { explainUnsimulated } from './unsimulated.ts';
import { anyWatches, collectHits, type Watches, watchInterruptExit, watchStop } from './watches.ts';

/** Longest slice in instructions: the core returns often enough for V8 to move it to the optimising compiler. */
const SLICE = 1_000_000;
const FOREVER = Number.POSITIVE_INFINITY;
/** The upper half of a time that is never reached. */
const NEVER = -1;

export interface Runner {
  readonly hardware: Hardware;
  readonly vmx: Vmx;
  /** Absolute time at which a device does something next. */
  nextEvent: number;
  /** A device was reached: look at all of them before the next instruction. */
  look: boolean;
  readonly watches: Watches;
  /** By processor: pages of RAM that devices overlay when it runs (its local APIC). */
  readonly overlays: (readonly number[])[];
  /** Processors, as bits, that pass over a breakpoint at their next instruction. */
  skip: number;
  /** The same for what a watch tells before it happens. */
  skipWatch: number;
  /** A test exit or power off that was asked for. */
  shutdown: Stop | undefined;
  onTransition: ((event: { exit: VmExit } | { entry: VmEntry }) => void) | undefined;
  /** The last time that the processor spent idle: from, up to. */
  idleFrom: number;
  idleUntil: number;
  /** Absent: nothing is recorded. */
  recorder: Recorder | undefined;
  /** Marks the pages that devices overlay now. */
  readonly markOverlays: () => void;
  /** Bytes at RIP, for a message. */
  readonly bytesAtRip: () => Uint8Array;
}

const BUDGET_STOP: Stop = { kind: 'budget' };
const WAITING_STOP: Stop = { kind: 'budget', waiting: true };
const OTHERS: RunOptions = { limit: 1_000_000 };
const EVERY_REASON = new Uint8Array(256).fill(1);
const STEP_OPTIONS: RunOptions = { limit: 1, exitReasons: EVERY_REASON, entries: true };

/** Runs until something that `options` asks for happens. */
export function run(runner: Runner, options: RunOptions): Stop {
  const { core } = runner.hardware;
  if (options.skipBreakpoint === true) runner.skip |= (1 << runningProcessor(core)) | (1 << readWord(core, TURN));
  if (options.skipWatch === true) runner.skipWatch |= 1 << runningProcessor(core);
  resumeTurn(runner);
  return runUntil(runner, options, presentTime(core) + options.limit, undefined) ?? BUDGET_STOP;
}

/** Runs up to the time `end`, or until the turn of a processor begins; undefined then. */
function runUntil(runner: Runner, options: RunOptions, end: number, until: number | undefined): Stop | undefined {
  const { core } = runner.hardware;
  const { watches } = runner;
  const several = hasSeveral(core);
  for (;;) {
    const met = watchStop(core, watches);
    if (met !== undefined) return met;
    const now = presentTime(core);
    const due = attendHistory(runner, now);
    if (now >= end) return BUDGET_STOP;
    const signal = attendDevices(runner, now, options);
    if (signal !== undefined) return signal;
    let slice = Math.min(SLICE, end - now, due - now, runner.nextEvent - now, untilPreemption(core, now));
    if (several) {
      const left = readCount(core, TURN_END) - now;
      if (left <= 0 && passTurn(runner, now)) continue;
      if (until === readWord(core, TURN) && !isIdle(core, until)) return undefined;
      if (left > 0) slice = Math.min(slice, left);
    }
    // An input that came after an event of this very time waits for that event.
    const exact = due <= now;
    const flags = takeSkips(runner) | (exact ? RUN_STEP : 0);
    writeWord(core, RUN_FLAGS, flags | watches.runFlags);
    let code = runCore(core, exact ? 1 : slice);
    for (;;) {
      collectHits(core, watches);
      if (code === STOP_BUDGET) break;
      const stop = code === STOP_HALT ? idle(runner, exact ? end : Math.min(end, due)) : handle(runner, code, options);
      if (stop !== undefined) return stop;
      if (exact || !isPlainTransition(runner, code)) break;
      writeWord(core, RUN_FLAGS, 0);
      code = continueCore(core);
    }
  }
}

/** Whether what was just carried out is a VM entry, VM exit or VMX instruction that leaves the slice as it was: nothing came up that the loop looks for. */
function isPlainTransition({ hardware, look, watches, onTransition }: Runner, code: number): boolean {
  const { signed } = hardware.core;
  return (
    (code === STOP_VM_EXIT || code === STOP_VMX_INSTRUCTION) &&
    !look &&
    (signed[REMAINING >>> 2] as number) > 0 &&
    signed[(PREEMPTION_DEADLINE >>> 2) + 1] === NEVER &&
    onTransition === undefined &&
    !anyWatches(watches)
  );
}

/**
 * One instruction, one event delivery, or one VM transition of the processor that is in STATE. Until its turn comes, for
 * `others.limit` instructions at most, the others run as in `run`.
 */
export function step(runner: Runner, options: StepOptions): Stop {
  const { core } = runner.hardware;
  const stepped = runningProcessor(core);
  const others = options.others ?? OTHERS;
  resumeTurn(runner);
  const end = presentTime(core) + others.limit;
  for (;;) {
    const met = watchStop(core, runner.watches);
    if (met !== undefined) return met;
    const now = presentTime(core);
    if (hasSeveral(core) && (readWord(core, TURN) !== stepped || readCount(core, TURN_END) <= now)) {
      const stop = runUntil(runner, others, end, stepped);
      if (stop !== undefined) return stop === BUDGET_STOP ? WAITING_STOP : stop;
    } else {
      const stop = stepOnce(runner, options, now, end);
      if (stop !== undefined) return stop;
      if (hasSeveral(core) && presentTime(core) >= end) return WAITING_STOP;
    }
  }
}

/** One instruction, one event delivery, or one VM transition of whichever processor is next. */
export function stepNext(runner: Runner, options: StepOptions = {}): Stop {
  const { core } = runner.hardware;
  for (;;) {
    const met = watchStop(core, runner.watches);
    if (met !== undefined) return met;
    const now = presentTime(core);
    resumeTurn(runner);
    if (hasSeveral(core) && readCount(core, TURN_END) <= now) passTurn(runner, now);
    const stop = stepOnce(runner, options, now, FOREVER);
    if (stop !== undefined) return stop;
  }
}

/** Undefined: nothing of the processor happened yet. */
function stepOnce(runner: Runner, options: StepOptions, now: number, end: number): Stop | undefined {
  const { core } = runner.hardware;
  const { watches } = runner;
  const due = attendHistory(runner, now);
  const signal = attendDevices(runner, now, STEP_OPTIONS);
  if (signal !== undefined) return signal;
  untilPreemption(core, now);
  const skips = takeSkips(runner);
  const passed =
    options.honourWatches !== true
      ? RUN_NO_TRAPS
      : options.skipWatch === true
        ? RUN_SKIP_TRAPS
        : skips & RUN_SKIP_TRAPS;
  writeWord(core, RUN_FLAGS, RUN_SKIP_BREAKPOINT | RUN_STEP | passed | watches.runFlags);
  const code = runCore(core, 1);
  collectHits(core, watches);
  if (code === STOP_BUDGET) return BUDGET_STOP;
  const ran = presentTime(core) > now;
  const limit = hasSeveral(core) ? end : FOREVER;
  const stop =
    (code === STOP_HALT
      ? idle(runner, due <= now ? limit : Math.min(limit, due))
      : handle(runner, code, STEP_OPTIONS)) ?? watchStop(core, watches);
  return stop ?? (code === STOP_DELIVERED || ran ? BUDGET_STOP : undefined);
}

/** Takes the snapshots and inputs that are due; answers when the next are. */
function attendHistory({ recorder }: Runner, now: number): number {
  if (recorder === undefined) return FOREVER;
  if (now >= dueTime(recorder)) attendRecorder(recorder);
  return dueTime(recorder);
}

/** What the running processor passes over at its next instruction, as bits of RUN_FLAGS. */
function takeSkips(runner: Runner): number {
  const bit = 1 << runningProcessor(runner.hardware.core);
  const flags =
    ((runner.skip & bit) !== 0 ? RUN_SKIP_BREAKPOINT : 0) | ((runner.skipWatch & bit) !== 0 ? RUN_SKIP_TRAPS : 0);
  runner.skip &= ~bit;
  runner.skipWatch &= ~bit;
  return flags;
}

/** Lets devices act when their time has come or one was reached; a stop when an INIT or SIPI leads to one. */
function attendDevices(runner: Runner, now: number, options: RunOptions): Stop | undefined {
  if (!runner.look && now < runner.nextEvent) return undefined;
  const { hardware } = runner;
  runner.look = false;
  runner.nextEvent = lookAtDevices(hardware, now);
  if (!hardware.board.signalPending()) return undefined;
  switch (takeSignals(hardware)) {
    case 'vm-exit':
      return vmExit(runner, options);
    case 'bootstrap-init':
      return {
        kind: 'unsimulated',
        explanation:
          'The bootstrap processor received INIT outside VMX operation: the machine has no firmware to reset into.',
      };
    case 'none':
      return undefined;
  }
}

/** Instructions until the VMX-preemption timer expires; draws the core's attention when it has. */
function untilPreemption(core: Core, now: number): number {
  if (readWord(core, NON_ROOT) === 0) return FOREVER;
  const left = readCount(core, PREEMPTION_DEADLINE) - now;
  if (left > 0) return left;
  wake(core);
  return 1;
}

/** Carries out what the core stopped for, but for STOP_HALT; undefined when the machine runs on. */
function handle(runner: Runner, code: number, options: RunOptions): Stop | undefined {
  const { hardware } = runner;
  const { core } = hardware;
  switch (code) {
    case STOP_VM_EXIT:
      return vmExit(runner, options);
    case STOP_VMX_INSTRUCTION:
      return vmxInstruction(runner, options);
    case STOP_EVENTS:
      runner.look = true;
      return takeShutdown(runner);
    case STOP_INTERRUPT:
      runner.look = true;
      if (!takeInterrupt(hardware)) {
        collectHits(core, runner.watches); // posted interrupts
        return undefined;
      }
      watchInterruptExit(hardware.core, runner.watches);
      return vmExit(runner, options);
    case STOP_PAUSE:
      endTurn(core);
      return undefined;
    case STOP_BREAKPOINT:
      return { kind: 'breakpoint', linear: linearRip(core) };
    case STOP_TRIPLE_FAULT:
      return options.tripleFaults === false ? undefined : { kind: 'triple-fault', faults: faultRecords(hardware.core) };
    case STOP_UNSIMULATED: {
      const rip = hardware.core.exports.getRip();
      return { kind: 'unsimulated', explanation: explainUnsimulated(hardware.core, rip, runner.bytesAtRip()) };
    }
    case STOP_DELIVERED:
    case STOP_WATCH:
      return undefined;
    default:
      throw new Error(`the core stopped with the unknown code ${code}`);
  }
}

function takeShutdown(runner: Runner): Stop | undefined {
  const { shutdown } = runner;
  if (shutdown === undefined) return undefined;
  runner.shutdown = undefined;
  return shutdown;
}
