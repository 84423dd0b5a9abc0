// Copies of pages in a few large buffers, so that they come and go without work for the garbage collector.

const PAGE = 4096;
const SLAB_PAGES = 1024;

export interface PagePool {
  readonly slabs: Uint8Array[];
  readonly free: number[];
  /** Slots that were ever given out. */
  used: number;
}

export function createPagePool(): PagePool {
  return { slabs: [], free: [], used: 0 };
}

/** Copies the 4 KiB at `at`; answers the number of the slot. */
export function keepPage(pool: PagePool, bytes: Uint8Array, at: number): number {
  const slot = pool.free.pop() ?? pool.used++;
  let slab = pool.slabs[Math.floor(slot / SLAB_PAGES)];
  if (slab === undefined) {
    slab = new Uint8Array(SLAB_PAGES * PAGE);
    pool.slabs.push(slab);
  }
  slab.set(bytes.subarray(at, at + PAGE), (slot % SLAB_PAGES) * PAGE);
  return slot;
}

export function freePage(pool: PagePool, slot: number): void {
  pool.free.push(slot);
}

/** The bytes of a slot, while it is not freed. */
export function pageOf(pool: PagePool, slot: number): Uint8Array {
  const at = (slot % SLAB_PAGES) * PAGE;
  return (pool.slabs[Math.floor(slot / SLAB_PAGES)] as Uint8Array).subarray(at, at + PAGE);
}
