// INVLPG's reach: the TLB holds 4 KiB pieces, and a large page's pieces must all go.

import { LARGE_PAGES, NON_ROOT } from '../layout.ts';
import { flushTlbPage, flushTlbRegion } from '../tlb.ts';

const SHIFT_1_GIB: u64 = 30;
const SHIFT_4_MIB: u64 = 22;

/** Drops what the running side's TLB sets hold of the page that maps a linear address. */
export function flushOwnPage(linear: u64): void {
  const guest = load<u32>(NON_ROOT) != 0;
  const scope: u32 = guest ? 2 : 1;
  const large = (load<u32>(LARGE_PAGES) >> (guest ? 2 : 0)) & 3;
  if (!large) flushTlbPage(linear, scope);
  else flushTlbRegion(linear, large & 2 ? SHIFT_1_GIB : SHIFT_4_MIB, scope);
}
