// The software TLB of each logical processor: seven sets of read, write and execute tables, each with a generation and a log of what was
// filled, so that flushing a lightly used set is cheap. A write entry of a page with decoded code, of one that was not written since the last
// snapshot, or of one with a monitored line, is *soft*: its tag has SOFT set, never matches the fast comparison, and still spares the slow
// path the walk. So are all data entries of a watched page. Thus neither snapshots nor watches decide which walks are made and which accessed
// and dirty flags are set.

import { flushCode } from './cache.ts';
import {
  GENERATION,
  PAGE_CLEAN,
  PAGE_CODE,
  PAGE_DEVICE,
  PAGE_FLAGS,
  PAGE_MONITOR,
  PAGE_SLOW_READ,
  PAGE_SLOW_WRITE,
  PROCESSOR,
  PROCESSOR_COUNT,
  RAM,
  RAM_SIZE,
  SET_EMPTY,
  SET_GUEST_SUPERVISOR,
  TLB,
  TLB_AREA,
  TLB_BASE,
  TLB_EXEC,
  TLB_LOG,
  TLB_LOGS,
  TLB_PROCESSOR,
  TLB_PROCESSOR_LOGS,
  TLB_SET,
  TLB_SETS,
  TLB_WAY,
  TLB_WRITE,
  WATCHES,
} from './layout.ts';
import { TLB_LOG_SIZE } from './state.ts';
import { pageWatched } from './watches.ts';

export const SOFT: u64 = 2;
/** Flags of a page that make its write entries soft. */
export const SOFT_WRITES: u32 = PAGE_CODE | PAGE_CLEAN | PAGE_MONITOR;
const INVALID: u64 = 1;
const LOG_ENTRIES: u32 = 4092;

let generations: u32 = 0;

/** Address of the entry for a linear address in a table (0, TLB_WRITE or TLB_EXEC) of the current set. @inline */
export function tlbEntry(linear: u64): usize {
  return <usize>load<u32>(TLB_BASE) + <usize>(<u32>(linear >> 8) & 0xfff0);
}

/** TLB sets and logs of a logical processor. */
function areaOf(processor: u32): usize {
  return processor ? behindRam(processor) : TLB;
}

function logsOf(processor: u32): usize {
  return processor ? behindRam(processor) + TLB_PROCESSOR_LOGS : TLB_LOG;
}

function behindRam(processor: u32): usize {
  return RAM + <usize>load<u64>(RAM_SIZE) + <usize>(processor - 1) * TLB_PROCESSOR;
}

/** Gives the processor in STATE its own TLB. */
export function takeTlb(): void {
  store<u32>(TLB_AREA, <u32>areaOf(load<u32>(PROCESSOR)));
  store<u32>(TLB_LOGS, <u32>logsOf(load<u32>(PROCESSOR)));
}

/** Sets of the processor in STATE. @inline */
function baseOf(set: u32): usize {
  return <usize>(load<u32>(TLB_AREA) + set * TLB_SET);
}

/** @inline */
function logOf(set: u32): usize {
  return <usize>load<u32>(TLB_LOGS) + <usize>set * TLB_LOG_SIZE;
}

/**
 * Enters the page of a linear address. `table` is 0, TLB_WRITE or TLB_EXEC; `host` the address in the WebAssembly memory.
 * `frame` is the guest-physical address of the page. Of a page with a flag of PAGE_SLOW_WRITE that is none of SOFT_WRITES no
 * write entry may be made, of one with PAGE_SLOW_READ none.
 */
export function tlbInsert(set: u32, table: usize, linear: u64, host: usize, frame: u64): void {
  const base = baseOf(set);
  const entry = base + table + <usize>(<u32>(linear >> 8) & 0xfff0);
  if (load<u64>(entry) == INVALID) {
    const log = logOf(set);
    const count = load<u32>(log);
    if (count < LOG_ENTRIES) store<u16>(log + 8 + ((<usize>count) << 1), <u16>((entry - base) >> 4));
    if (count <= LOG_ENTRIES) store<u32>(log, count + 1);
  } else if (table == TLB_EXEC && load<u64>(entry) != (linear & ~(<u64>0xfff))) {
    // Links and the jump cache may lead to the page that loses its entry: they hold only while they spare a probe that would hit.
    newGeneration(base, logOf(set));
  }
  let tag = linear & ~(<u64>0xfff);
  if (table == TLB_WRITE && load<u8>(PAGE_FLAGS + ((host - RAM) >> 12)) & SOFT_WRITES) tag |= SOFT;
  if (table != TLB_EXEC && load<u32>(WATCHES) && pageWatched(set, linear, host, frame)) tag |= SOFT;
  store<u64>(entry, tag);
  store<u32>(entry, <u32>host - <u32>linear, 8);
  store<u32>(entry, <u32>(frame >> 12), 12);
}

function newGeneration(base: usize, log: usize): void {
  if (generations == 0xffffffff) {
    // Links and the jump cache hold old numbers, which must not come true again.
    generations = 0;
    flushCode(); // renews every set
    return;
  }
  store<u32>(log, ++generations, 4);
  if (<usize>load<u32>(TLB_BASE) == base) store<u32>(GENERATION, generations);
}

/** Gives every set of every processor a new generation: links across pages and the jump cache are looked up again. */
export function renewGenerations(): void {
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const area = areaOf(processor);
    const logs = logsOf(processor);
    for (let set: usize = 0; set < TLB_SETS; set++) newGeneration(area + set * TLB_SET, logs + set * TLB_LOG_SIZE);
  }
}

export function flushSet(set: u32): void {
  flush(baseOf(set), logOf(set));
}

/** A set that nothing was entered into since it was flushed has none of the links that a new generation would end. */
function flush(base: usize, log: usize): void {
  const count = load<u32>(log);
  if (!count) return;
  if (count > LOG_ENTRIES) {
    for (let at = base; at < base + 3 * TLB_WAY; at += 16) store<u64>(at, INVALID);
  } else {
    for (let i: usize = 0; i < <usize>count; i++) {
      store<u64>(base + ((<usize>load<u16>(log + 8 + (i << 1))) << 4), INVALID);
    }
  }
  store<u32>(log, 0);
  newGeneration(base, log);
}

/** Flushes the sets of VMX root operation (bit 0 of `scope`), of non-root operation (bit 1), or both. */
export function flushTlb(scope: u32): void {
  for (let set: u32 = 0; set < SET_EMPTY; set++) {
    if (scope & (set < SET_GUEST_SUPERVISOR ? 1 : 2)) flushSet(set);
  }
}

/** Drops the page of a linear address from the sets of one side or both (`scope` as in `flushTlb`). */
export function flushTlbPage(linear: u64, scope: u32): void {
  const offset = <usize>(<u32>(linear >> 8) & 0xfff0);
  const page = linear & ~(<u64>0xfff);
  for (let set: u32 = 0; set < SET_EMPTY; set++) {
    if (!(scope & (set < SET_GUEST_SUPERVISOR ? 1 : 2))) continue;
    for (let table: usize = 0; table <= TLB_EXEC; table += TLB_WAY) {
      const entry = baseOf(set) + table + offset;
      // An invalid entry stays in the log; entering it again would log it twice, which is harmless.
      if ((load<u64>(entry) & ~(<u64>0xfff)) == page) store<u64>(entry, INVALID);
    }
    newGeneration(baseOf(set), logOf(set));
  }
}

/** Drops every page of an aligned region of 1 << `shift` bytes around a linear address from the sets of one side or both. */
export function flushTlbRegion(linear: u64, shift: u64, scope: u32): void {
  const region = linear >> shift;
  for (let set: u32 = 0; set < SET_EMPTY; set++) {
    if (!(scope & (set < SET_GUEST_SUPERVISOR ? 1 : 2))) continue;
    const base = baseOf(set);
    const log = logOf(set);
    const count = load<u32>(log);
    if (count > LOG_ENTRIES) {
      flush(base, log);
      continue;
    }
    for (let i: usize = 0; i < <usize>count; i++) {
      const entry = base + ((<usize>load<u16>(log + 8 + (i << 1))) << 4);
      if (load<u64>(entry) != INVALID && load<u64>(entry) >> shift == region) store<u64>(entry, INVALID);
    }
    newGeneration(base, log);
  }
}

/** Makes the write entries of a physical page soft (it has decoded code now), in every set of every processor. */
export function softenPage(page: u32): void {
  const host = <u32>RAM + (page << 12);
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const area = areaOf(processor);
    const logs = logsOf(processor);
    for (let set: usize = 0; set < SET_EMPTY; set++) softenIn(area + set * TLB_SET, logs + set * TLB_LOG_SIZE, host);
  }
}

function softenIn(base: usize, log: usize, host: u32): void {
  const count = load<u32>(log);
  if (count > LOG_ENTRIES) {
    for (let at = base + TLB_WRITE; at < base + TLB_WRITE + TLB_WAY; at += 16) soften(at, host);
  } else {
    for (let i: usize = 0; i < <usize>count; i++) {
      const index = <usize>load<u16>(log + 8 + (i << 1));
      if (index - 4096 < 4096) soften(base + (index << 4), host);
    }
  }
}

/** Makes every write entry soft: all pages are clean now. */
export function softenAll(): void {
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const area = areaOf(processor);
    const logs = logsOf(processor);
    for (let set: usize = 0; set < SET_EMPTY; set++) softenSet(area + set * TLB_SET, logs + set * TLB_LOG_SIZE);
  }
}

function softenSet(base: usize, log: usize): void {
  const count = load<u32>(log);
  if (count > LOG_ENTRIES) {
    for (let at = base + TLB_WRITE; at < base + TLB_WRITE + TLB_WAY; at += 16) {
      const tag = load<u64>(at);
      if (tag != INVALID) store<u64>(at, tag | SOFT);
    }
  } else {
    for (let i: usize = 0; i < <usize>count; i++) {
      const index = <usize>load<u16>(log + 8 + (i << 1));
      if (index - 4096 >= 4096) continue;
      const tag = load<u64>(base + (index << 4));
      if (tag != INVALID) store<u64>(base + (index << 4), tag | SOFT);
    }
  }
}

/** Flushes the TLBs of all processors, before a snapshot's are put back. */
export function flushEveryTlb(): void {
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const area = areaOf(processor);
    const logs = logsOf(processor);
    for (let set: usize = 0; set < SET_EMPTY; set++) flush(area + set * TLB_SET, logs + set * TLB_LOG_SIZE);
  }
}

/** Enters what a snapshot held: `index` counts the entries of a processor's set from its read table's first. */
export function restoreTlbEntry(processor: u32, set: u32, index: u32, page: u64, addend: u32, frame: u32): void {
  store<u32>(TLB_AREA, <u32>areaOf(processor));
  store<u32>(TLB_LOGS, <u32>logsOf(processor));
  restoreEntry(set, index, page, addend, frame);
  takeTlb();
}

function restoreEntry(set: u32, index: u32, page: u64, addend: u32, frame: u32): void {
  const table = <usize>(index >> 12) * TLB_WAY;
  const host = <usize>(<u32>page + addend);
  const flags = <u32>load<u8>(PAGE_FLAGS + ((host - RAM) >> 12));
  if (table == TLB_EXEC) {
    if (flags & PAGE_DEVICE) return;
  } else if (flags & (table == TLB_WRITE ? PAGE_SLOW_WRITE & ~SOFT_WRITES : PAGE_SLOW_READ)) return;
  tlbInsert(set, table, page, host, (<u64>frame) << 12);
}

function soften(entry: usize, host: u32): void {
  const tag = load<u64>(entry);
  if (tag != INVALID && <u32>tag + load<u32>(entry, 8) == host) store<u64>(entry, tag | SOFT);
}

/** The guest-physical address of the page of a TLB entry. @inline */
export function entryFrame(entry: usize): u64 {
  return (<u64>load<u32>(entry, 12)) << 12;
}

/** To be called after WATCHES changed: entries of watched pages become soft; the slow path hardens those that no longer are. */
export function watchesChanged(): void {
  if (!load<u32>(WATCHES)) return;
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const area = areaOf(processor);
    for (let set: u32 = 0; set < SET_EMPTY; set++) softenWatched(set, area + <usize>set * TLB_SET);
  }
}

function softenWatched(set: u32, base: usize): void {
  for (let at = base; at < base + 2 * TLB_WAY; at += 16) {
    const tag = load<u64>(at);
    if (tag == INVALID) continue;
    const linear = tag & ~(<u64>0xfff);
    const host = <usize>(<u32>linear + load<u32>(at, 8));
    if (pageWatched(set, linear, host, entryFrame(at))) store<u64>(at, tag | SOFT);
  }
}

/** Drops every entry of a physical page from every set of every processor: its flags changed in a way that forbids them (devices). */
export function forgetPage(page: u32): void {
  const host = <u32>RAM + (page << 12);
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const area = areaOf(processor);
    const logs = logsOf(processor);
    for (let set: usize = 0; set < SET_EMPTY; set++) forgetIn(area + set * TLB_SET, logs + set * TLB_LOG_SIZE, host);
  }
}

function forgetIn(base: usize, log: usize, host: u32): void {
  const count = load<u32>(log);
  if (count > LOG_ENTRIES) {
    for (let at = base; at < base + 3 * TLB_WAY; at += 16) forget(at, host);
  } else {
    for (let i: usize = 0; i < <usize>count; i++) forget(base + ((<usize>load<u16>(log + 8 + (i << 1))) << 4), host);
  }
}

function forget(entry: usize, host: u32): void {
  const tag = load<u64>(entry);
  if (tag != INVALID && (<u32>tag & 0xfffff000) + load<u32>(entry, 8) == host) store<u64>(entry, INVALID);
}

/** Empties everything, at power-on. */
export function initTlb(): void {
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const area = areaOf(processor);
    const logs = logsOf(processor);
    for (let set: usize = 0; set < TLB_SETS; set++) {
      store<u32>(logs + set * TLB_LOG_SIZE, 0xffffffff);
      flush(area + set * TLB_SET, logs + set * TLB_LOG_SIZE);
    }
  }
}
