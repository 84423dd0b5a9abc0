// Data accesses by linear address. The fast forms (`rd`, `wrm`, `hostRW`) are one TLB probe; they hit only when the whole
// access lies in one page. Everything else takes the slow path: page walk, page crossing (assembled in SCRATCH), writes to
// pages with decoded code, devices, watches, alignment checks. Addresses are canonical-checked here; segment checks are the
// caller's (address operations, `segAddress`).

import { readAs, writeAs } from './access.ts';
import { VECTOR_GP, VECTOR_SS } from './bits.ts';
import { codeWritten } from './cache.ts';
import { checkedAccess } from './breakpoints.ts';
import { raise } from './events.ts';
import { host_mmio_read, host_mmio_write, unwind } from './host.ts';
import {
  ACCESS_READ,
  ACCESS_WRITE,
  ATTEND_DEVICE,
  ATTEND_LOOK,
  ATTENTION,
  CODE_MODE,
  EA,
  LAST_PHYSICAL,
  MMIO_ALLOWED,
  PAGE_CLEAN,
  PAGE_CODE,
  PAGE_FLAGS,
  PAGE_MONITOR,
  PAGE_SLOW_WRITE,
  PAGE_VMCS,
  RAM,
  SCRATCH,
  SET_EMPTY,
  SS,
  STATE,
  TLB_AREA,
  TLB_BASE,
  TLB_SET,
  TLB_WRITE,
  WATCH_READ,
  WATCH_WRITE,
  WATCHES,
} from './layout.ts';
import { AS_SUPERVISOR, frame, translate } from './paging.ts';
import { lineWritten, vmcsWritten } from './processors.ts';
import { isCanonical, MODE_64 } from './state.ts';
import { syncOp } from './sync.ts';
import { SOFT, entryFrame, tlbEntry } from './tlb.ts';
import { MET, UNWATCHED, meetWatches } from './watches.ts';
import { apicRead, apicWrite, isApicAccess } from './virtual-apic.ts';

// ---- Fast forms, for handlers: `op` and `rem` say where the processor is, should the access fault ---------------------

/** Reads T at a linear address. @inline */
export function rd<T>(va: u64, op: usize, rem: i32): T {
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  const h: usize =
    load<u64>(e) == ((va + (sizeof<T>() - 1)) & ~0xfff)
      ? <usize>(<u32>va + load<u32>(e, 8))
      : slowRead(va, sizeof<T>(), op, rem);
  return load<T>(h);
}

/** Writes T at a linear address. @inline */
export function wrm<T>(va: u64, v: T, op: usize, rem: i32): void {
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  if (load<u64>(e, TLB_WRITE) == ((va + (sizeof<T>() - 1)) & ~0xfff))
    store<T>(<usize>(<u32>va + load<u32>(e, TLB_WRITE + 8)), v);
  else slowWrite(va, <u64>v, sizeof<T>(), op, rem);
}

/** Where T may be read and then written; below SCRATCH_END the caller calls `commitRW` after writing. @inline */
export function hostRW<T>(va: u64, op: usize, rem: i32): usize {
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  return load<u64>(e, TLB_WRITE) == ((va + (sizeof<T>() - 1)) & ~0xfff)
    ? <usize>(<u32>va + load<u32>(e, TLB_WRITE + 8))
    : slowReadWrite(va, sizeof<T>(), op, rem);
}

/** Where `bytes` (up to 16) may be read. @inline */
export function hostR(va: u64, bytes: u32, op: usize, rem: i32): usize {
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  return load<u64>(e) == ((va + (bytes - 1)) & ~0xfff)
    ? <usize>(<u32>va + load<u32>(e, 8))
    : slowRead(va, bytes, op, rem);
}

/** Writes 16 bytes at a linear address. @inline */
export function wr128(va: u64, v: v128, op: usize, rem: i32): void {
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  if (load<u64>(e, TLB_WRITE) == ((va + 15) & ~0xfff)) store<v128>(<usize>(<u32>va + load<u32>(e, TLB_WRITE + 8)), v);
  else {
    store<v128>(SCRATCH, v);
    slowWriteScratch(va, 16, op, rem);
  }
}

/** Pops' and returns' read of T from a 64-bit stack. @inline */
export function rdStack<T>(va: u64, op: usize, rem: i32): T {
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  const h: usize =
    load<u64>(e) == ((va + (sizeof<T>() - 1)) & ~0xfff)
      ? <usize>(<u32>va + load<u32>(e, 8))
      : slowStackRead(va, sizeof<T>(), op, rem);
  return load<T>(h);
}

/** Pushes' and calls' write of T to a 64-bit stack. @inline */
export function wrStack<T>(va: u64, v: T, op: usize, rem: i32): void {
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  if (load<u64>(e, TLB_WRITE) == ((va + (sizeof<T>() - 1)) & ~0xfff))
    store<T>(<usize>(<u32>va + load<u32>(e, TLB_WRITE + 8)), v);
  else slowStackWrite(va, <u64>v, sizeof<T>(), op, rem);
}

/** Whether an operation's address is based on RSP or RBP, so that a non-canonical one is #SS. */
function stackOperand(op: usize): bool {
  const base = load<u8>(op, 6);
  if (base == EA_OFFSET) return load<u8>(op - 32, 4) == SS; // the address operation in front has the segment
  return base == 0x20 || base == 0x28;
}

const EA_OFFSET: u8 = <u8>(EA - STATE);

export function slowRead(va: u64, size: u32, op: usize, rem: i32): usize {
  syncOp(op, rem);
  return readPointer(va, size, stackOperand(op));
}

export function slowReadWrite(va: u64, size: u32, op: usize, rem: i32): usize {
  syncOp(op, rem);
  return readWritePointer(va, size, stackOperand(op));
}

export function slowWrite(va: u64, value: u64, size: u32, op: usize, rem: i32): void {
  syncOp(op, rem);
  writeSized(va, value, size, stackOperand(op));
}

/** Writes `bytes` (up to 16) of SCRATCH. */
export function slowWriteScratch(va: u64, bytes: u32, op: usize, rem: i32): void {
  syncOp(op, rem);
  canonical(va, bytes, stackOperand(op));
  if (emptySet()) checkedAccess(va, bytes, ACCESS_WRITE);
  commitRW(va, bytes);
}

export function slowStackRead(va: u64, size: u32, op: usize, rem: i32): usize {
  syncOp(op, rem);
  return readPointer(va, size, true);
}

export function slowStackWrite(va: u64, value: u64, size: u32, op: usize, rem: i32): void {
  syncOp(op, rem);
  writeSized(va, value, size, true);
}

// ---- Forms for slow instructions: RIP and REMAINING are synchronised; sizes are 0 to 3 (1 to 8 bytes) -----------------

/** Reads 1 << size bytes at a linear address, zero-extended. */
export function readMemory(linear: u64, size: u32): u64 {
  const e = tlbEntry(linear);
  const bytes = (<u64>1) << (<u64>size);
  const host =
    load<u64>(e) == ((linear + bytes - 1) & ~0xfff)
      ? <usize>(<u32>linear + load<u32>(e, 8))
      : readPointer(linear, <u32>bytes, false);
  return loadSized(host, size);
}

/** Reads what `writeMemory` will then overwrite: raises what the write would raise. */
export function readForWrite(linear: u64, size: u32): u64 {
  return loadSized(readWritePointer(linear, 1 << size, false), size);
}

export function writeMemory(linear: u64, size: u32, value: u64): void {
  const e = tlbEntry(linear);
  const bytes = (<u64>1) << (<u64>size);
  if (load<u64>(e, TLB_WRITE) == ((linear + bytes - 1) & ~0xfff))
    storeSized(<usize>(<u32>linear + load<u32>(e, TLB_WRITE + 8)), value, size);
  else writeSized(linear, value, <u32>bytes, false);
}

/** Raises what a write of `bytes` (up to a page) would raise, and writes nothing. */
export function probeWrite(linear: u64, bytes: u32): void {
  canonical(linear, bytes, false);
  probePart(linear);
  if ((<u32>linear & 0xfff) + bytes > 4096) probePart(nextPage(linear));
}

function probePart(linear: u64): void {
  if (!writeHost(linear, 0, WATCH_WRITE)) allowDevice();
}

// ---- Supervisor accesses to descriptor tables, TSS and the like: implicit, whatever CPL is ------------------------------

/** Reads T at a linear address as the processor itself does. */
export function sysRead<T>(linear: u64): T {
  return <T>readAs(linear, sizeof<T>(), AS_SUPERVISOR);
}

export function sysWrite<T>(linear: u64, value: T): void {
  writeAs(linear, sizeof<T>(), <u64>value, AS_SUPERVISOR);
}

// ---- The slow path -------------------------------------------------------------------------------------------------------

function emptySet(): bool {
  return load<u32>(TLB_BASE) == load<u32>(TLB_AREA) + SET_EMPTY * TLB_SET;
}

/** Linear addresses wrap at 4 GiB outside 64-bit mode. */
function advance(linear: u64, bytes: u32): u64 {
  return load<u32>(CODE_MODE) == MODE_64 ? linear + <u64>bytes : (linear + <u64>bytes) & 0xffffffff;
}

function nextPage(linear: u64): u64 {
  return advance(linear & ~(<u64>0xfff), 4096);
}

function canonical(linear: u64, bytes: u32, stack: bool): void {
  if (load<u32>(CODE_MODE) != MODE_64) return;
  if (!isCanonical(linear) || !isCanonical(linear + <u64>bytes - 1)) raise(stack ? VECTOR_SS : VECTOR_GP, 0);
}

function crosses(linear: u64, bytes: u32): bool {
  return (<u32>linear & 0xfff) + bytes > 4096;
}

/** The part of an access that lies in one page; 0: a device, at LAST_PHYSICAL. */
function readHost(linear: u64, bytes: u32): usize {
  const e = tlbEntry(linear);
  const tag = load<u64>(e);
  const page = linear & ~(<u64>0xfff);
  if ((tag & ~SOFT) != page) {
    const host = translate(linear, ACCESS_READ);
    if (host && load<u32>(WATCHES)) watchAccess(host, bytes, linear, frame, WATCH_READ);
    return host;
  }
  const host = <usize>(<u32>linear + load<u32>(e, 8));
  if (tag != page && !watchAccess(host, bytes, linear, entryFrame(e), WATCH_READ)) store<u64>(e, page);
  return host;
}

/** The same for writing, or with `kind` for reading and writing: afterwards `bytes` may be written. */
function writeHost(linear: u64, bytes: u32, kind: u32): usize {
  const e = tlbEntry(linear) + TLB_WRITE;
  const tag = load<u64>(e);
  const page = linear & ~(<u64>0xfff);
  let host: usize;
  let free = true;
  if ((tag & ~SOFT) == page) {
    host = <usize>(<u32>linear + load<u32>(e, 8));
    if (tag == page) return host;
    if (load<u32>(WATCHES)) free = !watchAccess(host, bytes, linear, entryFrame(e), kind);
  } else {
    host = translate(linear, ACCESS_WRITE);
    if (!host) return 0;
    if (load<u32>(WATCHES)) free = !watchAccess(host, bytes, linear, frame, kind);
  }
  writeNotice(host, bytes);
  if (free && !(load<u8>(PAGE_FLAGS + ((host - RAM) >> 12)) & PAGE_SLOW_WRITE) && (load<u64>(e) & ~SOFT) == page) {
    store<u64>(e, page);
  }
  return host;
}

/** What a write of `bytes` to a page with flags has to do first. */
export function writeNotice(host: usize, bytes: u32): void {
  const at = PAGE_FLAGS + ((host - RAM) >> 12);
  const flags = <u32>load<u8>(at);
  if (!(flags & PAGE_SLOW_WRITE) || !bytes) return;
  if (flags & PAGE_CLEAN) store<u8>(at, flags & ~PAGE_CLEAN);
  if (flags & PAGE_CODE) codeWritten(host, bytes);
  if (flags & PAGE_VMCS) vmcsWritten();
  if (flags & PAGE_MONITOR) lineWritten(host, bytes);
}

/**
 * Records an access that the debugger watches; the run loop stops after the instruction, which runs alone for it. Answers
 * whether anything in the page is watched.
 */
export function watchAccess(host: usize, bytes: u32, linear: u64, guestFrame: u64, kind: u32): bool {
  const outcome = meetWatches(host, bytes, linear, guestFrame, kind, bytes && load<u32>(MMIO_ALLOWED));
  if (outcome & MET && bytes) allowDevice();
  return outcome != UNWATCHED;
}

/** Unless this instruction already runs alone: has it run again alone, so that devices see an exact time. */
function allowDevice(): void {
  if (load<u32>(MMIO_ALLOWED)) return;
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_DEVICE);
  unwind();
  unreachable();
}

/** Reads 1 to 8 bytes of a device, or of physical memory where nothing is. */
export function deviceRead(physical: u64, bytes: u32): u64 {
  allowDevice();
  if (isApicAccess(physical)) return apicRead(physical, bytes, false);
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_LOOK);
  return host_mmio_read(physical, bytes);
}

/** Writes 1 to 8 bytes there. */
export function deviceWrite(physical: u64, bytes: u32, value: u64): void {
  allowDevice();
  if (isApicAccess(physical)) {
    apicWrite(physical, bytes, value);
    return;
  }
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_LOOK);
  host_mmio_write(physical, bytes, bytes == 8 ? value : value & (((<u64>1) << (<u64>(bytes * 8))) - 1));
}

/** Reads up to 16 bytes of a device into SCRATCH. */
function deviceReadWide(physical: u64, bytes: u32): void {
  store<u64>(SCRATCH, deviceRead(physical, min<u32>(bytes, 8)));
  if (bytes > 8) store<u64>(SCRATCH + 8, deviceRead(physical + 8, bytes - 8));
}

/** Reads an access that may cross into the next page, byte by byte, into SCRATCH. */
function gather(linear: u64, bytes: u32, first: usize, firstPhysical: u64, second: usize, secondPhysical: u64): void {
  const split: u32 = 4096 - (<u32>linear & 0xfff);
  for (let i: u32 = 0; i < bytes; i++) {
    const host = i < split ? first : second;
    const offset = i < split ? i : i - split;
    const physical = i < split ? firstPhysical : secondPhysical;
    store<u8>(SCRATCH + <usize>i, host ? load<u8>(host + <usize>offset) : <u8>deviceRead(physical + <u64>offset, 1));
  }
}

function readPointer(linear: u64, bytes: u32, stack: bool): usize {
  canonical(linear, bytes, stack);
  if (emptySet()) checkedAccess(linear, bytes, ACCESS_READ);
  if (!crosses(linear, bytes)) {
    const host = readHost(linear, bytes);
    if (host) return host;
    deviceReadWide(load<u64>(LAST_PHYSICAL), bytes);
    return SCRATCH;
  }
  const split: u32 = 4096 - (<u32>linear & 0xfff);
  const first = readHost(linear, split);
  const firstPhysical = load<u64>(LAST_PHYSICAL);
  const second = readHost(nextPage(linear), bytes - split);
  gather(linear, bytes, first, firstPhysical, second, load<u64>(LAST_PHYSICAL));
  return SCRATCH;
}

function readWritePointer(linear: u64, bytes: u32, stack: bool): usize {
  canonical(linear, bytes, stack);
  if (emptySet()) checkedAccess(linear, bytes, ACCESS_WRITE);
  if (!crosses(linear, bytes)) {
    const host = writeHost(linear, bytes, WATCH_READ | WATCH_WRITE);
    if (host) return host;
    const physical = load<u64>(LAST_PHYSICAL);
    if (isApicAccess(physical)) {
      allowDevice();
      store<u64>(SCRATCH, apicRead(physical, bytes, true));
    } else store<u64>(SCRATCH, deviceRead(physical, bytes));
    return SCRATCH;
  }
  const split: u32 = 4096 - (<u32>linear & 0xfff);
  const first = writeHost(linear, split, WATCH_READ | WATCH_WRITE);
  const firstPhysical = load<u64>(LAST_PHYSICAL);
  const second = writeHost(nextPage(linear), bytes - split, WATCH_READ | WATCH_WRITE);
  gather(linear, bytes, first, firstPhysical, second, load<u64>(LAST_PHYSICAL));
  return SCRATCH;
}

/** Writes SCRATCH to where `hostRW` read it from: across two pages, or to a device. */
export function commitRW(linear: u64, bytes: u32): void {
  if (!crosses(linear, bytes)) {
    const host = writeHost(linear, bytes, WATCH_WRITE);
    if (host) {
      if (bytes > 8) memory.copy(host, SCRATCH, bytes);
      else storeBytes(host, load<u64>(SCRATCH), bytes);
      return;
    }
    const physical = load<u64>(LAST_PHYSICAL);
    deviceWrite(physical, min<u32>(bytes, 8), load<u64>(SCRATCH));
    if (bytes > 8) deviceWrite(physical + 8, bytes - 8, load<u64>(SCRATCH + 8));
    return;
  }
  const split: u32 = 4096 - (<u32>linear & 0xfff);
  const first = writeHost(linear, split, WATCH_WRITE);
  const firstPhysical = load<u64>(LAST_PHYSICAL);
  const second = writeHost(nextPage(linear), bytes - split, WATCH_WRITE);
  const secondPhysical = load<u64>(LAST_PHYSICAL);
  for (let i: u32 = 0; i < bytes; i++) {
    const host = i < split ? first : second;
    const offset = i < split ? i : i - split;
    const value = load<u8>(SCRATCH + <usize>i);
    if (host) store<u8>(host + <usize>offset, value);
    else deviceWrite((i < split ? firstPhysical : secondPhysical) + <u64>offset, 1, <u64>value);
  }
}

function writeSized(linear: u64, value: u64, bytes: u32, stack: bool): void {
  canonical(linear, bytes, stack);
  if (emptySet()) checkedAccess(linear, bytes, ACCESS_WRITE);
  store<u64>(SCRATCH, value);
  commitRW(linear, bytes);
}

/** Loads 1 << size bytes, zero-extended. */
export function loadSized(host: usize, size: u32): u64 {
  if (size == 3) return load<u64>(host);
  if (size == 2) return <u64>load<u32>(host);
  return size ? <u64>load<u16>(host) : <u64>load<u8>(host);
}

/** Stores 1 << size bytes. */
export function storeSized(host: usize, value: u64, size: u32): void {
  if (size == 3) store<u64>(host, value);
  else if (size == 2) store<u32>(host, <u32>value);
  else if (size == 1) store<u16>(host, <u16>value);
  else store<u8>(host, <u8>value);
}

/** Loads 1, 2, 4 or 8 bytes, zero-extended. */
export function loadBytes(host: usize, bytes: u32): u64 {
  if (bytes == 8) return load<u64>(host);
  if (bytes == 4) return <u64>load<u32>(host);
  return bytes == 2 ? <u64>load<u16>(host) : <u64>load<u8>(host);
}

/** Stores 1, 2, 4 or 8 bytes. */
export function storeBytes(host: usize, value: u64, bytes: u32): void {
  if (bytes == 8) store<u64>(host, value);
  else if (bytes == 4) store<u32>(host, <u32>value);
  else if (bytes == 2) store<u16>(host, <u16>value);
  else store<u8>(host, <u8>value);
}
