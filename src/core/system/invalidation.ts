// INVLPG's reach: the TLB holds 4 KiB pieces, and a large page's pieces must all go.

import { NON_ROOT } from '../layout.ts';
import { largePageSeen } from '../paging.ts';
import { flushTlb, flushTlbPage } from '../tlb.ts';

/** Drops what the running side's TLB sets hold of the page that maps a linear address. */
export function flushOwnPage(linear: u64): void {
  const scope: u32 = load<u32>(NON_ROOT) ? 2 : 1;
  if (largePageSeen(scope)) flushTlb(scope);
  else flushTlbPage(linear, scope);
}
