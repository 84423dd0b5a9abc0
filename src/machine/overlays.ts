// Pages of RAM that a device overlays (a local APIC moved below the end of RAM): the core sends their accesses to the board.
import { PAGE_CLEAN, PAGE_DEVICE, PAGE_FLAGS } from '../core/layout.ts';
import type { Core } from '../vmx/processor.ts';
import type { Board } from './devices/types.ts';

/** Marks the pages that are overlaid now; `marked` are those of the last call. Answers the new ones. */
export function markOverlays(core: Core, board: Board, marked: readonly number[]): readonly number[] {
  const pages = board.overlays();
  changeOverlays(core, marked, pages);
  if (pages.length + marked.length > 0) core.exports.flushTlb(3);
  return pages;
}

/** Another processor runs, whose local APIC may lie elsewhere; its TLB knows that already. */
export function changeOverlays(core: Core, old: readonly number[], pages: readonly number[]): void {
  for (const page of old) setFlag(core, page, false);
  for (const page of pages) setFlag(core, page, true);
}

function setFlag(core: Core, page: number, device: boolean): void {
  const at = PAGE_FLAGS + page / 4096;
  const flags = core.bytes[at] as number;
  core.bytes[at] = device ? (flags | PAGE_DEVICE) & ~PAGE_CLEAN : flags & ~PAGE_DEVICE;
}
