// Whose turn it is (docs/adr/0006-processors.md): the processors run in turn, each for a fixed number of instructions, one that
// waits or spins for fewer. All of it is decided from the machine's state and time, so that it is the same however `run` is sliced.
import { IDLE, PAUSES_LEFT, PROCESSOR_COUNT, TURN, TURN_END } from '../core/layout.ts';
import { type Core, readWord, writeCount, writeWord } from '../vmx/processor.ts';
import { presentTime } from './hardware.ts';
import { changeOverlays } from './overlays.ts';
import { isDue, isHeld, isIdle, runningProcessor } from './processors.ts';
import type { Runner } from './runner.ts';
import { watchOwnCells } from './watches.ts';

/** Instructions of a turn. */
export const TURN_LENGTH = 10_000;
/** PAUSEs after which a turn ends. */
export const TURN_PAUSES = 16;
/** A processor that runs alone may spin as long as it likes. */
const ANY_PAUSES = 0xffffffff;

/** Gives the turn to the next processor that can run, the same one if it is alone; false when none can. */
export function passTurn(runner: Runner, now: number): boolean {
  const { core } = runner.hardware;
  const turn = readWord(core, TURN);
  const count = readWord(core, PROCESSOR_COUNT);
  for (let step = 1; step <= count; step++) {
    const next = (turn + step) % count;
    if (!canRun(runner, next, now)) continue;
    writeWord(core, TURN, next);
    writeCount(core, TURN_END, now + TURN_LENGTH);
    writeWord(core, PAUSES_LEFT, step < count ? TURN_PAUSES : ANY_PAUSES);
    resumeTurn(runner);
    writeWord(core, IDLE, 0);
    return true;
  }
  return false;
}

function canRun({ hardware }: Runner, processor: number, now: number): boolean {
  const { core } = hardware;
  return !isHeld(core, processor) && (!isIdle(core, processor) || isDue(hardware, processor, now));
}

/** The turn is over: the run loop passes it on. */
export function endTurn(core: Core): void {
  writeCount(core, TURN_END, presentTime(core));
}

/** Puts the processor whose turn it is into STATE. */
export function resumeTurn(runner: Runner): void {
  show(runner, readWord(runner.hardware.core, TURN));
}

/** Puts a processor into STATE, to run or to be looked at. */
export function show(runner: Runner, processor: number): void {
  const { core, board } = runner.hardware;
  const running = runningProcessor(core);
  if (processor === running) return;
  core.exports.switchProcessor(processor);
  board.select(processor);
  watchOwnCells(core, runner.watches);
  changeOverlays(core, runner.overlays[running] ?? [], runner.overlays[processor] ?? []);
  runner.look = true;
}
