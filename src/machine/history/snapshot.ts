// One snapshot: everything of a machine that decides its future, but the pages of RAM, which pages.ts holds.
import { loadStatistics, type SavedStatistics, saveStatistics } from '../../vmx/statistics.ts';
import type { Core } from '../../vmx/processor.ts';
import type { SavedState } from '../devices/types.ts';
import type { Runner } from '../runner.ts';
import { type Moment, presentMoment } from './moments.ts';
import type { PageHolder } from './pages.ts';
import { type ProcessorImage, restoreState, restoreTlb, takeProcessorImage } from './processor-image.ts';

export interface Snapshot extends Moment, PageHolder {
  readonly image: ProcessorImage;
  readonly board: SavedState;
  readonly statistics: SavedStatistics;
  readonly loop: LoopState;
  /** Bytes of all this, estimated; pages not counted. */
  readonly bytes: number;
}

/** What the run loop carries from one turn to the next. */
export interface LoopState {
  readonly nextEvent: number;
  readonly look: boolean;
  readonly idleFrom: number;
  readonly idleUntil: number;
  /** Console bytes sent so far. */
  readonly sent: number;
  /** Recorded inputs taken so far. */
  readonly inputs: number;
}

/** To be called at the top of the run loop, before `keepPages`. */
export function takeSnapshot(runner: Runner, loop: Pick<LoopState, 'sent' | 'inputs'>): Snapshot {
  const { core, board } = runner.hardware;
  const image = takeProcessorImage(core);
  return {
    ...presentMoment(core),
    pages: new Set(),
    image,
    board: board.save(),
    statistics: saveStatistics(runner.vmx.statistics),
    loop: {
      nextEvent: runner.nextEvent,
      look: runner.look,
      idleFrom: runner.idleFrom,
      idleUntil: runner.idleUntil,
      ...loop,
    },
    bytes: 16_384 + 4096 * (1 + image.others.size) + image.codeSpaces.length + image.tlb.length * 4,
  };
}

/** Puts everything back; RAM is as it was already. */
export function restoreSnapshot(runner: Runner, snapshot: Snapshot): void {
  const { hardware, vmx } = runner;
  const { core, board } = hardware;
  restoreState(core, snapshot.image);
  board.load(snapshot.board);
  runner.markOverlays();
  core.exports.keepPages();
  restoreTlb(core, snapshot.image);
  loadStatistics(vmx.statistics, snapshot.statistics);
  vmx.passed?.byPointer.clear();
  vmx.fail = undefined;
  vmx.failure = undefined;
  runner.shutdown = undefined;
  runner.nextEvent = snapshot.loop.nextEvent;
  runner.look = snapshot.loop.look;
  runner.idleFrom = snapshot.loop.idleFrom;
  runner.idleUntil = snapshot.loop.idleUntil;
}

export function isPresent(core: Core, snapshot: Moment): boolean {
  const now = presentMoment(core);
  return now.time === snapshot.time && now.events === snapshot.events;
}
