// Memory as it was at the last stop, where somebody looked: what changed since then can be shown.

import type { Machine } from '../../machine/types.ts';
import { advance, type MemoryAddress, peek, prefixOf } from '../memory.ts';

export interface MemoryRecord {
  /** What was looked at, the newest last. */
  asked: readonly MemoryRange[];
  /** Their bytes when the machine last went on. */
  before: readonly MemoryCopy[];
}

interface MemoryRange {
  readonly at: MemoryAddress;
  readonly length: number;
}

interface MemoryCopy {
  readonly range: MemoryRange;
  readonly bytes: ReadableBytes;
}

/** Bytes of a range, of which some cannot be read. */
export interface ReadableBytes {
  readonly bytes: Uint8Array;
  /** 1: the byte could be read. */
  readonly readable: Uint8Array;
}

const PAGE = 4096n;
/** Ranges that are kept; a page holds them with what lies around. */
const MOST_RANGES = 4;
const AROUND = 4096;

export const newMemoryRecord = (): MemoryRecord => ({ asked: [], before: [] });

/** Somebody looks at a range: it and what lies around will be kept when the machine goes on. */
export function lookAt(record: MemoryRecord, at: MemoryAddress, length: number): void {
  const range = { at: advance(at, -AROUND), length: length + 2 * AROUND };
  const others = record.asked.filter((known) => !isSame(known, range));
  record.asked = [...others, range].slice(-MOST_RANGES);
}

const isSame = (a: MemoryRange, b: MemoryRange): boolean =>
  a.length === b.length && a.at.address === b.at.address && prefixOf(a.at.space) === prefixOf(b.at.space);

/** The machine goes on. */
export function copyMemory(record: MemoryRecord, machine: Machine): void {
  record.before = record.asked.map((range) => ({ range, bytes: readMemory(machine, range.at, range.length) }));
}

/** A byte as it was at the last stop; undefined when that is not known. */
export function byteBefore(record: MemoryRecord, at: MemoryAddress): number | undefined {
  const prefix = prefixOf(at.space);
  for (const { range, bytes } of record.before) {
    if (prefixOf(range.at.space) !== prefix) continue;
    const offset = BigInt.asUintN(64, at.address - range.at.address);
    if (offset < BigInt(range.length) && bytes.readable[Number(offset)] === 1) return bytes.bytes[Number(offset)];
  }
  return undefined;
}

/** Every byte of a range that can be read, also behind those that cannot. */
export function readMemory(machine: Machine, at: MemoryAddress, length: number): ReadableBytes {
  const bytes = new Uint8Array(length);
  const readable = new Uint8Array(length);
  for (let offset = 0; offset < length; ) {
    const place = advance(at, offset);
    const size = Math.min(length - offset, Number(PAGE - (place.address & (PAGE - 1n))));
    const part = peek(machine, place, size);
    bytes.set(part, offset);
    readable.fill(1, offset, offset + part.length);
    offset += size;
  }
  return { bytes, readable };
}
