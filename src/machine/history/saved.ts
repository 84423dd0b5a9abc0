// A whole machine as data: saved at a moment, put into this machine or another later.
import * as layout from '../../core/layout.ts';
import { RAM } from '../../core/layout.ts';
import { readCount } from '../../vmx/processor.ts';
import type { Runner } from '../runner.ts';
import { restorePage, ZERO_PAGE } from './pages.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts';

const PAGE = 4096;

export interface SavedMachine {
  /** Fingerprint of the core's memory layout: another version of Ringside may have another. */
  readonly layout: string;
  readonly ramSize: number;
  readonly profile: string;
  /** Pages of RAM that are not all zeros, by number. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly snapshot: Omit<Snapshot, 'pages'>;
}

/** A number that differs when any address or number that the saved state depends on differs. */
function layoutFingerprint(): string {
  let hash = 0x811c9dc5;
  const text = JSON.stringify(Object.entries(layout).sort(([a], [b]) => (a < b ? -1 : 1)));
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
}

/** The present, between two steps. `sent` is how many bytes went to the console so far. */
export function saveMachine(runner: Runner, sent: number): SavedMachine {
  const { core } = runner.hardware;
  const { pages: _, ...snapshot } = takeSnapshot(runner, { sent, inputs: 0 });
  const pages = new Map<number, Uint8Array>();
  for (let page = 0; page < core.ramSize / PAGE; page++) {
    if (core.exports.isZeroPage(page) !== 0) continue;
    const at = RAM + page * PAGE;
    pages.set(page, core.bytes.slice(at, at + PAGE));
  }
  return { layout: layoutFingerprint(), ramSize: core.ramSize, profile: runner.vmx.profile.name, pages, snapshot };
}

/** Why a saved machine cannot be put into this one, or undefined. */
export function misfit(runner: Runner, saved: SavedMachine): string | undefined {
  const { core } = runner.hardware;
  if (saved.layout !== layoutFingerprint())
    return 'The snapshot was saved by another version of Ringside, whose machine is laid out differently.';
  if (saved.ramSize !== core.ramSize) {
    const mebibytes = (bytes: number): string => `${bytes / 1048576} MiB`;
    return `The snapshot is of a machine with ${mebibytes(saved.ramSize)} of memory; this one has ${mebibytes(core.ramSize)}. Set "memory" in launch.json.`;
  }
  if (saved.profile !== runner.vmx.profile.name)
    return `The snapshot is of a processor of the profile "${saved.profile}"; this one is "${runner.vmx.profile.name}". Set "profile" in launch.json.`;
  return undefined;
}

/** Makes the machine what was saved; it fits. */
export function loadMachine(runner: Runner, saved: SavedMachine): void {
  const { core } = runner.hardware;
  for (let page = 0; page < core.ramSize / PAGE; page++) {
    const data = saved.pages.get(page);
    if (data !== undefined) restorePage(core, page, data);
    else if (core.exports.isZeroPage(page) === 0) restorePage(core, page, ZERO_PAGE);
  }
  restoreSnapshot(runner, { ...saved.snapshot, pages: new Set() });
  const { timeline } = runner.vmx.history;
  timeline.pieces.length = 0;
  timeline.count = readCount(core, layout.COUNT_EXITS);
  timeline.dropped = timeline.count;
  timeline.cuts++;
}
