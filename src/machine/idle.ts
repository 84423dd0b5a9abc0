// A processor that waits for an event from outside.
import { ACTIVITY, ACTIVITY_ACTIVE, ACTIVITY_MWAIT_BREAK, IDLE, NON_ROOT, SYSTEM_FLAGS } from '../core/layout.ts';
import { type Core, readWord, writeWord } from '../vmx/processor.ts';
import { presentTime, skipTime } from './hardware.ts';
import { idled } from './history/recorder.ts';
import { wake } from './interrupts.ts';
import {
  activityName,
  canWake,
  everyProcessor,
  hasSeveral,
  isDue,
  isHeld,
  runningProcessor,
  timerOf,
} from './processors.ts';
import type { Runner } from './runner.ts';
import { passTurn } from './turns.ts';
import type { Stop } from './types.ts';

const RFLAGS_IF = 1 << 9;

/** The processor waits: another runs, or time goes to the next event that can wake one, or the machine stops when there is none. */
export function idle(runner: Runner, end: number): Stop | undefined {
  const { hardware } = runner;
  const { core } = hardware;
  const now = presentTime(core);
  const running = runningProcessor(core);
  if (isDue(hardware, running, now) && !isHeld(core, running)) {
    endWait(core);
    runner.look = true;
    return undefined;
  }
  writeWord(core, IDLE, 1);
  if (hasSeveral(core) && passTurn(runner, now)) return undefined;
  const waiting = everyProcessor(core).filter((processor) => canWake(core, processor) && !isHeld(core, processor));
  const next = Math.min(runner.nextEvent, ...waiting.map((processor) => timerOf(core, processor)));
  if (next > Number.MAX_SAFE_INTEGER || waiting.length === 0) {
    return { kind: 'idle', explanation: explainIdle(core, next) };
  }
  if (next > now) skip(runner, now, Math.min(next, end));
  return undefined;
}

function skip(runner: Runner, now: number, until: number): void {
  if (runner.idleUntil !== now) runner.idleFrom = now;
  runner.idleUntil = until;
  if (runner.recorder !== undefined) idled(runner.recorder, until - now);
  skipTime(runner.hardware.core, until - now);
}

/** An interrupt that is not delivered ends MWAIT with the break-event extension; anything else is looked at between two instructions. */
function endWait(core: Core): void {
  writeWord(core, IDLE, 0);
  if (readWord(core, ACTIVITY) === ACTIVITY_MWAIT_BREAK) writeWord(core, ACTIVITY, ACTIVITY_ACTIVE);
  wake(core);
}

function explainIdle(core: Core, next: number): string {
  if (hasSeveral(core)) {
    const each = everyProcessor(core).map((processor) => {
      const held = isHeld(core, processor) ? ' and held by the debugger' : '';
      return `CPU ${processor} is ${activityName(core, processor)}${held}`;
    });
    return `No processor runs, and nothing will wake one: ${each.join('; ')}.`;
  }
  const state = activityName(core, 0);
  const side = readWord(core, NON_ROOT) !== 0 ? 'guest' : 'processor';
  const enabled = (readWord(core, SYSTEM_FLAGS) & RFLAGS_IF) !== 0;
  const why = enabled
    ? 'no device has anything left to do'
    : next > Number.MAX_SAFE_INTEGER
      ? 'interrupts are disabled and no device has anything left to do'
      : 'interrupts are disabled (RFLAGS.IF is 0)';
  return `The ${side} is ${state} at RIP 0x${BigInt.asUintN(64, core.exports.getRip()).toString(16)}, and nothing will wake it: ${why}.`;
}
