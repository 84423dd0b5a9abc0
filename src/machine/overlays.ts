// Pages of RAM that a device overlays (a local APIC moved below the end of RAM): the core sends their accesses to the board.
import { PAGE_CLEAN, PAGE_DEVICE, PAGE_FLAGS } from '../core/layout.ts';
import type { Core } from '../vmx/processor.ts';
import type { Board } from './devices/types.ts';

/** Marks the pages that are overlaid now; `marked` are those of the last call. Answers the new ones. */
export function markOverlays(core: Core, board: Board, marked: readonly number[]): readonly number[] {
  for (const page of marked) setFlag(core, page, false);
  const pages = board.overlays();
  for (const page of pages) setFlag(core, page, true);
  if (pages.length + marked.length > 0) core.exports.flushTlb(3);
  return pages;
}

function setFlag(core: Core, page: number, device: boolean): void {
  const at = PAGE_FLAGS + page / 4096;
  const flags = core.bytes[at] as number;
  core.bytes[at] = device ? (flags | PAGE_DEVICE) & ~PAGE_CLEAN : flags & ~PAGE_DEVICE;
}
