// Instruction fetch: from a RIP key to the bytes in memory.

import { VECTOR_GP } from './bits.ts';
import { raise } from './events.ts';
import { unwind } from './host.ts';
import {
  ACCESS_EXECUTE,
  LAST_PHYSICAL,
  STOP,
  STOP_UNSIMULATED,
  TLB_EXEC,
  UNSUPPORTED,
  UNSUPPORTED_PHYSICAL,
} from './layout.ts';
import { translate } from './paging.ts';
import { isCanonical, linearOfKey } from './state.ts';
import { tlbEntry } from './tlb.ts';
import { apicFetch, isApicAccess } from './virtual-apic.ts';

/** Address in the WebAssembly memory of the instruction byte at a key; unwinds with #PF or #GP at the current RIP. */
export function fetchHost(key: u64): usize {
  const linear = linearOfKey(key);
  const entry = tlbEntry(linear) + TLB_EXEC;
  if (load<u64>(entry) == (linear & ~0xfff)) return <usize>(<u32>linear + load<u32>(entry, 8));
  if (!isCanonical(linear)) raise(VECTOR_GP, 0);
  const host = translate(linear, ACCESS_EXECUTE);
  if (!host) {
    if (isApicAccess(load<u64>(LAST_PHYSICAL))) apicFetch(load<u64>(LAST_PHYSICAL));
    store<u32>(UNSUPPORTED, UNSUPPORTED_PHYSICAL);
    store<u32>(UNSUPPORTED, <u32>load<u64>(LAST_PHYSICAL), 4);
    store<u32>(STOP, STOP_UNSIMULATED);
    unwind();
    unreachable();
  }
  return host;
}
