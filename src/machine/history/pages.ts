// The contents of RAM at every snapshot: for each page the versions that snapshots found written since the one before.
import { PAGE_CODE, PAGE_FLAGS, PAGE_LIST, PAGE_LIST_MAX, RAM } from '../../core/layout.ts';
import type { Core } from '../../vmx/processor.ts';
import { createPagePool, freePage, keepPage, type PagePool, pageOf } from './page-pool.ts';

const PAGE = 4096;
export const ZERO_PAGE: Uint8Array = new Uint8Array(PAGE);
const ZERO_SLOT = -1;

/** What pages need to know of a snapshot. */
export interface PageHolder {
  readonly time: number;
  /** Pages of which it holds a version. */
  readonly pages: Set<number>;
}

interface Version {
  holder: PageHolder;
  /** Of the pool; ZERO_SLOT for a page of zeros. */
  readonly slot: number;
}

export interface PageStore {
  /** By page number; oldest first. */
  readonly versions: Map<number, Version[]>;
  readonly pool: PagePool;
  /** Bytes of versions held. */
  bytes: number;
}

export function createPageStore(): PageStore {
  return { versions: new Map(), pool: createPagePool(), bytes: 0 };
}

/** Numbers of the pages written since the last `keepPages`. */
export function writtenPages(core: Core): number[] {
  const pages: number[] = [];
  for (let from = 0; ; ) {
    const count = core.exports.writtenPages(from);
    for (let i = 0; i < count; i++) pages.push(core.words[(PAGE_LIST >>> 2) + i] as number);
    if (count < PAGE_LIST_MAX) return pages;
    from = (pages[pages.length - 1] as number) + 1;
  }
}

/** The index of the first version after `time`. */
function upperBound(versions: readonly Version[], time: number): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((versions[middle] as Version).holder.time <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The page as it was at the snapshot of `time`. */
export function pageAt(store: PageStore, page: number, time: number): Uint8Array {
  const versions = store.versions.get(page);
  if (versions === undefined) return ZERO_PAGE;
  const slot = versions[upperBound(versions, time) - 1]?.slot ?? ZERO_SLOT;
  return slot === ZERO_SLOT ? ZERO_PAGE : pageOf(store.pool, slot);
}

const cost = (slot: number): number => (slot === ZERO_SLOT ? 64 : PAGE + 64);

/** Gives a snapshot its version of a page. */
function addVersion(store: PageStore, holder: PageHolder, page: number, slot: number): void {
  const versions = store.versions.get(page) ?? [];
  if (versions.length === 0) store.versions.set(page, versions);
  const last = versions[versions.length - 1];
  if (last === undefined || last.holder.time < holder.time) versions.push({ holder, slot });
  else versions.splice(upperBound(versions, holder.time), 0, { holder, slot });
  holder.pages.add(page);
  store.bytes += cost(slot);
}

/** Copies the pages written since the last snapshot, and gives them to `holder`. Answers how many. */
export function keepWritten(store: PageStore, core: Core, holder: PageHolder): number {
  const pages = writtenPages(core);
  for (const page of pages) {
    const zero = core.exports.isZeroPage(page) !== 0;
    // At power-on most of RAM is empty, and what no version tells of is empty.
    if (zero && !store.versions.has(page)) continue;
    addVersion(store, holder, page, zero ? ZERO_SLOT : keepPage(store.pool, core.bytes, RAM + page * PAGE));
  }
  core.exports.keepPages();
  return pages.length;
}

/** A snapshot goes: what it alone knows becomes the next one's; without a next one it is forgotten. */
export function dropHolder(store: PageStore, holder: PageHolder, next: PageHolder | undefined): void {
  for (const page of holder.pages) {
    const versions = store.versions.get(page) as Version[];
    const index = upperBound(versions, holder.time) - 1;
    const version = versions[index] as Version;
    if (next !== undefined && !next.pages.has(page)) {
      version.holder = next;
      next.pages.add(page);
      continue;
    }
    versions.splice(index, 1);
    store.bytes -= cost(version.slot);
    if (version.slot !== ZERO_SLOT) freePage(store.pool, version.slot);
    if (versions.length === 0) store.versions.delete(page);
  }
}

/**
 * Makes RAM what it was at the snapshot of time `to`. `base` is the time of the snapshot since which writes are marked, `between` the
 * snapshots after the earlier and up to the later of the two.
 */
export function restorePages(store: PageStore, core: Core, to: number, between: readonly PageHolder[]): void {
  const pages = new Set(writtenPages(core));
  for (const holder of between) for (const page of holder.pages) pages.add(page);
  for (const page of pages) restorePage(core, page, pageAt(store, page, to));
}

export function restorePage(core: Core, page: number, data: Uint8Array): void {
  const at = RAM + page * PAGE;
  if (((core.bytes[PAGE_FLAGS + page] as number) & PAGE_CODE) !== 0) {
    if (equal(core.bytes, at, data)) return;
    core.exports.physicalWritten(BigInt(page * PAGE), PAGE);
  }
  core.bytes.set(data, at);
}

function equal(bytes: Uint8Array, at: number, data: Uint8Array): boolean {
  for (let i = 0; i < PAGE; i++) if (bytes[at + i] !== data[i]) return false;
  return true;
}
