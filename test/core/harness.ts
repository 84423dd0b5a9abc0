// The bare core for tests: dist/core.wasm (test/build-core.ts has built it), a host that records, and three flat entry states.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  ACTIVITY,
  BUDGET,
  CPUID_EAX,
  CR0,
  CR3,
  CR4,
  CS,
  DS,
  EFER,
  EVENT_CR2,
  EVENT_ERROR,
  EVENT_HAS_ERROR,
  EVENT_VALID,
  EVENT_VECTOR,
  GDTR_BASE,
  GDTR_LIMIT,
  GS,
  IDTR_BASE,
  IDTR_LIMIT,
  IO_VALUE,
  LDTR,
  MONITOR_ADDRESS,
  MXCSR,
  PREEMPTION_DEADLINE,
  RAM,
  RAM_SIZE,
  RANDOM_STATE,
  RAX,
  REMAINING,
  RESERVED_PHYSICAL,
  VMX_OFFERS,
  RETIRED,
  SEG_BASE,
  SEG_LIMIT,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEGMENT_SIZE,
  SEGMENTS,
  SS,
  TR,
  TSC_MULTIPLIER,
  VMCS_POINTER,
  VMXON_POINTER,
  XCR0,
} from '../../src/core/layout.ts';
import { type CoreHost, createCore } from '../../src/machine/core-instance.ts';
import { type Core, readQuad, readWord, writeQuad, writeWord } from '../../src/vmx/processor.ts';

export { readQuad, readWord, writeQuad, writeWord };

/** Bits that take part in 4-level paging entries. */
export const PAGE_PRESENT = 1n;
export const PAGE_WRITABLE = 2n;
export const PAGE_USER = 4n;
export const PAGE_LARGE = 0x80n;

/** VMX_OFFERS: everything, apart from bits 11:9 of the exit qualification of EPT violations. */
const EVERY_CAPABILITY_BUT_ADVANCED_INFORMATION = 0xfffffff7;

export interface TestCore extends Core {
  /** Bytes written to each port, in order. */
  readonly written: { port: number; size: number; value: number }[];
}

let compiled: WebAssembly.Module | undefined;

function coreModule(): WebAssembly.Module {
  if (!compiled) {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    compiled = new WebAssembly.Module(readFileSync(`${root}dist/core.wasm`));
  }
  return compiled;
}

const ALL_ONES = 0xffffffffffffffffn;

/** A core after power-on with RAM of zeros. Ports answer all ones, MSRs and CPUID nothing, unless `host` says otherwise. */
export function openCore(ramMiB = 16, host: Partial<CoreHost> = {}): TestCore {
  const written: TestCore['written'] = [];
  const core: TestCore = Object.assign(
    createCore(coreModule(), ramMiB << 20, {
      cpuid: () => core.words.fill(0, CPUID_EAX >>> 2, (CPUID_EAX >>> 2) + 4),
      readMsr: () => 0,
      writeMsr: () => 0,
      readPort: () => {
        core.words[IO_VALUE >>> 2] = 0xffffffff;
        return 1;
      },
      writePort: (port, size, value) => {
        written.push({ port, size, value });
        return 1;
      },
      readMemory: (_physical, size) => BigInt.asUintN(size * 8, -1n),
      writeMemory: () => {},
      ...host,
    }),
    { written },
  );
  writeQuad(core, RAM_SIZE, BigInt(core.ramSize));
  writeQuad(core, RESERVED_PHYSICAL, 0x000fff8000000000n);
  writeWord(core, VMX_OFFERS, EVERY_CAPABILITY_BUT_ADVANCED_INFORMATION);
  writeQuad(core, RANDOM_STATE, 0x9e3779b97f4a7c15n);
  writeQuad(core, VMCS_POINTER, ALL_ONES);
  writeQuad(core, VMXON_POINTER, ALL_ONES);
  writeQuad(core, MONITOR_ADDRESS, ALL_ONES);
  writeQuad(core, PREEMPTION_DEADLINE, ALL_ONES);
  writeQuad(core, TSC_MULTIPLIER, 1n << 48n);
  writeQuad(core, XCR0, 1n);
  writeWord(core, MXCSR, 0x1f80);
  core.exports.init();
  return core;
}

export function setSegment(
  core: Core,
  index: number,
  selector: number,
  rights: number,
  limit: number,
  base: number,
): void {
  const at = SEGMENTS + index * SEGMENT_SIZE;
  writeWord(core, at + SEG_SELECTOR, selector);
  writeWord(core, at + SEG_RIGHTS, rights);
  writeWord(core, at + SEG_LIMIT, limit);
  writeQuad(core, at + SEG_BASE, BigInt(base));
}

/** Access rights in VMCS format. */
export const CODE_64 = 0xa09b;
export const CODE_32 = 0xc09b;
export const CODE_16 = 0x009b;
export const DATA_32 = 0xc093;
export const DATA_16 = 0x0093;
export const UNUSABLE = 0x10000;

const PAGE_TABLES = 0x1000; // physical addresses that the entry states use: PML4, PDPT, and 4 page directories
const STACK_TOP = 0x9000;

function clearState(core: Core): void {
  for (let index = 0; index < 16; index++) writeQuad(core, RAX + 8 * index, 0n);
  setSegment(core, LDTR, 0, UNUSABLE | 0x82, 0, 0);
  setSegment(core, TR, 0x28, 0x8b, 0x67, 0);
  writeQuad(core, GDTR_BASE, 0n);
  writeWord(core, GDTR_LIMIT, 0);
  writeQuad(core, IDTR_BASE, 0n);
  writeWord(core, IDTR_LIMIT, 0);
  writeWord(core, ACTIVITY, 0);
  writeWord(core, EVENT_VALID, 0);
  writeQuad(core, RAX + 32, BigInt(STACK_TOP));
}

function enter(core: Core, rip: number): void {
  core.exports.setFlags(2n);
  core.exports.updateMode();
  core.exports.flushTlb(3);
  core.exports.setRip(BigInt(rip));
}

/** 64-bit mode, CPL 0, the first 4 GiB mapped to themselves by 2 MiB pages (tables at 1000H to 6FFFH), stack below 9000H. */
export function enterLong(core: Core, rip: number): void {
  clearState(core);
  const quads = new BigUint64Array(core.bytes.buffer, RAM + PAGE_TABLES, (6 * 4096) / 8);
  quads.fill(0n);
  const flags = PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER;
  quads[0] = BigInt(PAGE_TABLES + 0x1000) | flags;
  for (let i = 0; i < 4; i++) quads[512 + i] = BigInt(PAGE_TABLES + 0x2000 + i * 0x1000) | flags;
  for (let i = 0; i < 2048; i++) quads[1024 + i] = BigInt(i * 0x200000) | flags | PAGE_LARGE;
  for (let index = 0; index <= GS; index++) setSegment(core, index, 0x10, DATA_32, 0xffffffff, 0);
  setSegment(core, CS, 0x08, CODE_64, 0xffffffff, 0);
  writeQuad(core, CR0, 0x80010031n);
  writeQuad(core, CR3, BigInt(PAGE_TABLES));
  writeQuad(core, CR4, 0x20n);
  writeQuad(core, EFER, 0x500n);
  enter(core, rip);
}

/** 32-bit protected mode without paging, CPL 0, flat segments, stack below 9000H. */
export function enterProtected(core: Core, rip: number): void {
  clearState(core);
  for (let index = 0; index <= GS; index++) setSegment(core, index, 0x10, DATA_32, 0xffffffff, 0);
  setSegment(core, CS, 0x08, CODE_32, 0xffffffff, 0);
  writeQuad(core, CR0, 0x11n);
  writeQuad(core, CR3, 0n);
  writeQuad(core, CR4, 0n);
  writeQuad(core, EFER, 0n);
  enter(core, rip);
}

/** Real-address mode, all segments 0, stack below 9000H. */
export function enterReal(core: Core, rip: number): void {
  clearState(core);
  for (let index = 0; index <= GS; index++) setSegment(core, index, 0, DATA_16, 0xffff, 0);
  setSegment(core, CS, 0, DATA_16, 0xffff, 0);
  setSegment(core, SS, 0, DATA_16, 0xffff, 0);
  setSegment(core, DS, 0, DATA_16, 0xffff, 0);
  writeWord(core, IDTR_LIMIT, 0xffff);
  writeQuad(core, CR0, 0x10n);
  writeQuad(core, CR3, 0n);
  writeQuad(core, CR4, 0n);
  writeQuad(core, EFER, 0n);
  enter(core, rip);
}

/** Copies bytes into physical memory (before they have run, or followed by `flushCode`). */
export function load(core: Core, physical: number, bytes: ArrayLike<number>): void {
  core.bytes.set(bytes, RAM + physical);
}

export interface RaisedFault {
  readonly vector: number;
  readonly error: number | undefined;
  /** Of a page fault. */
  readonly address: bigint;
}

/** What a run came to: a STOP_* code, or a fault that was raised and has not been delivered. */
export type RunResult =
  | { readonly stop: number; readonly fault?: undefined }
  | { readonly stop?: undefined; readonly fault: RaisedFault };

/**
 * Runs at most `budget` instructions. With `catchFaults` the run ends at the first fault, registers as the handler would find
 * them; without, faults are delivered through the IDT as on the machine.
 */
export function runFor(core: Core, budget: number, catchFaults = true): RunResult {
  let unwound = false;
  for (;;) {
    try {
      return { stop: unwound ? core.exports.resume() : core.exports.run(budget) };
    } catch (thrown) {
      if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof Error) throw thrown;
      unwound = true;
      if (catchFaults && readWord(core, EVENT_VALID)) {
        writeWord(core, EVENT_VALID, 0);
        return { fault: raisedFault(core) };
      }
    }
  }
}

function raisedFault(core: Core): RaisedFault {
  const vector = readWord(core, EVENT_VECTOR);
  return {
    vector,
    error: readWord(core, EVENT_HAS_ERROR) ? readWord(core, EVENT_ERROR) : undefined,
    address: vector === 14 ? readQuad(core, EVENT_CR2) : 0n,
  };
}

/** Instructions retired so far. */
export function retired(core: Core): number {
  return Number(readQuad(core, RETIRED)) + (readWord(core, BUDGET) | 0) - (readWord(core, REMAINING) | 0);
}

export function register(core: Core, index: number): bigint {
  return readQuad(core, RAX + 8 * index);
}

export const RCX = 1;
export const RSI = 6;
export const RDI = 7;

export function setRegister(core: Core, index: number, value: bigint): void {
  writeQuad(core, RAX + 8 * index, value);
}

/** Gives a segment another limit, in bytes. */
export function limitSegment(core: Core, index: number, limit: number): void {
  writeWord(core, SEGMENTS + index * SEGMENT_SIZE + SEG_LIMIT, limit);
  core.exports.updateMode();
}
