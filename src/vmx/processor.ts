// The processor as VMX operation sees it: the core's memory and functions, and what the machine around it does for VMX.
import {
  BUDGET,
  PAGE_CLEAN,
  PAGE_FLAGS,
  REMAINING,
  RETIRED,
  WATCH_READ,
  WATCH_WRITE,
  WATCHES,
} from '../core/layout.ts';

/** What the core exports; src/core/README.md describes each. */
export interface CoreExports {
  init(): void;
  run(budget: number): number;
  /** Goes on with the budget of the last `run` after an unwinding. */
  resume(): number;
  inspectInstruction(): number;
  physicalWritten(physical: bigint, length: number): void;
  /** VMX operation is about to read or write RAM (WATCH_*) that somebody may watch. */
  physicalAccessed(physical: bigint, bytes: number, kind: number): void;
  forgetPage(page: number): void;
  flushEveryTlb(): void;
  restoreTlbEntry(processor: number, set: number, index: number, page: bigint, addend: number, frame: number): void;
  writtenPages(from: number): number;
  keepPages(): void;
  isZeroPage(page: number): number;
  /** Puts the state of another logical processor into STATE. */
  switchProcessor(next: number): void;
  /** The page of a VMCS that is current on some processor was written. */
  vmcsWritten(): void;
  updateMode(): void;
  getRip(): bigint;
  setRip(rip: bigint): void;
  getFlags(): bigint;
  setFlags(flags: bigint): void;
  flushTlb(scope: number): void;
  flushCode(): void;
  setBreakpoints(): void;
  /** After WATCHES changed. */
  watchesChanged(): void;
  /** Notes in WATCH_HIT and CELL_WATCHES which watched cells changed; answers whether one did. */
  compareCells(): number;
  acknowledge(vector: number): void;
  inject(info: number, error: number, length: number): void;
  finishVmx(outcome: number): void;
  processPostedInterrupts(): void;
  /** The first bytes of the current VMCS region, to VMCS_COPY. */
  copyVmcs(bytes: number): void;
  /** Saves the guest's state and counts the VM exit. */
  vmxSaveGuest(): void;
  /** The same, then `vmxLoadHost`. */
  vmxLeaveGuest(): number;
  /** Counts a VM exit that saves nothing. */
  noteExit(): void;
  vmxLoadGuest(): void;
  /** 0, or the VMX-abort indicator. */
  vmxLoadHost(): number;
}

export interface Core {
  readonly exports: CoreExports;
  /** The whole WebAssembly memory in the widths that layout.ts needs; index = address / width. */
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly signed: Int32Array;
  readonly quads: BigUint64Array;
  /** Bytes of guest RAM behind RAM in layout.ts. */
  readonly ramSize: number;
}

/** The page of RAM at a physical address is about to be written from outside the core: the next snapshot must hold it. */
export function noteWritten(core: Core, physical: number): void {
  const at = PAGE_FLAGS + Math.floor(physical / 4096);
  core.bytes[at] = (core.bytes[at] as number) & ~PAGE_CLEAN;
}

/** The same, and whoever watches these bytes is told. */
export function noteWrite(core: Core, physical: number, bytes: number): void {
  noteWritten(core, physical);
  if (readWord(core, WATCHES) !== 0) core.exports.physicalAccessed(BigInt(physical), bytes, WATCH_WRITE);
}

/** RAM is read that somebody may watch. */
export function noteRead(core: Core, physical: bigint, bytes: number): void {
  if (readWord(core, WATCHES) !== 0) core.exports.physicalAccessed(physical, bytes, WATCH_READ);
}

export function readWord(core: Core, address: number): number {
  return core.words[address >>> 2] as number;
}

export function writeWord(core: Core, address: number, value: number): void {
  core.words[address >>> 2] = value;
}

export function readQuad(core: Core, address: number): bigint {
  return core.quads[address >>> 3] as bigint;
}

export function writeQuad(core: Core, address: number, value: bigint): void {
  core.quads[address >>> 3] = value;
}

/** A 64-bit cell that holds an exact integer below 2^53, without a bigint. */
export function readCount(core: Core, address: number): number {
  const at = address >>> 2;
  return (core.words[at + 1] as number) * 0x100000000 + (core.words[at] as number);
}

export function writeCount(core: Core, address: number, value: number): void {
  const at = address >>> 2;
  core.words[at] = value >>> 0;
  core.words[at + 1] = Math.floor(value / 0x100000000);
}

// A VM exit and a VM entry are counted and timed at every transition. In two halves that takes neither a bigint nor a number with a
// fraction, and so no allocation.

/** Counts a 64-bit cell up by one. */
export function countUp({ words }: Core, address: number): void {
  const at = address >>> 2;
  const low = ((words[at] as number) + 1) >>> 0;
  words[at] = low;
  if (low === 0) words[at + 1] = (words[at + 1] as number) + 1;
}

/** Copies a 64-bit cell. */
export function copyQuad({ words }: Core, to: number, from: number): void {
  words[to >>> 2] = words[from >>> 2] as number;
  words[(to >>> 2) + 1] = words[(from >>> 2) + 1] as number;
}

/** Writes the present time, instructions retired since power-on, into a 64-bit cell. */
export function stampTime({ words, signed }: Core, address: number): void {
  const before = signed[RETIRED >>> 2] as number;
  const low = (before + (((signed[BUDGET >>> 2] as number) - (signed[REMAINING >>> 2] as number)) | 0)) | 0;
  const carry = low >>> 0 < before >>> 0 ? 1 : 0;
  words[address >>> 2] = low;
  words[(address >>> 2) + 1] = (words[(RETIRED >>> 2) + 1] as number) + carry;
}

/** Instructions from the time in one 64-bit cell to a later one in another. */
export function timeBetween({ signed }: Core, from: number, to: number): number {
  const start = signed[from >>> 2] as number;
  const end = signed[to >>> 2] as number;
  const borrow = end >>> 0 < start >>> 0 ? 1 : 0;
  const high = ((signed[(to >>> 2) + 1] as number) - (signed[(from >>> 2) + 1] as number) - borrow) | 0;
  const low = (end - start) >>> 0;
  return high === 0 ? low : high * 0x100000000 + low;
}
