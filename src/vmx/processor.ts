// The processor as VMX operation sees it: the core's memory and functions, and what the machine around it does for VMX.
import { PAGE_CLEAN, PAGE_FLAGS } from '../core/layout.ts';

/** What the core exports; src/core/README.md describes each. */
export interface CoreExports {
  init(): void;
  run(budget: number): number;
  /** Goes on with the budget of the last `run` after an unwinding. */
  resume(): number;
  inspectInstruction(): number;
  physicalWritten(physical: bigint, length: number): void;
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
  vmxSaveGuest(): void;
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
