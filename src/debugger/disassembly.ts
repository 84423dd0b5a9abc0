// Listings of instructions around an address, also backwards, where x86 gives no certain answer.

import type { Machine } from '../machine/types.ts';
import { type Image, symbolAt } from '../program/image.ts';
import { symbolText } from './format.ts';
import {
  type CodeBits,
  type DecodedInstruction,
  decodeAll,
  lengthsFromEveryByte,
  invalidAt,
  MAX_LENGTH,
} from './instructions.ts';
import { advance, type MemoryAddress, peek } from './memory.ts';

export interface ListedInstruction extends DecodedInstruction {
  /** Symbol that begins here. */
  readonly label: string | undefined;
  /** False for a place that cannot be read or decoded. */
  readonly valid: boolean;
}

/** How far back a symbol or line is trusted as the beginning of an instruction, in bytes. */
const SYNC_DISTANCE = 4096n;

/**
 * `count` instructions, the first being `offset` instructions away from the one at `at`. Always answers `count` rows:
 * what cannot be read is filled with one-byte invalid rows.
 */
export function disassemble(
  machine: Machine,
  image: Image,
  at: MemoryAddress,
  bits: CodeBits,
  offset: number,
  count: number,
): ListedInstruction[] {
  const rows: DecodedInstruction[] = [];
  if (offset < 0) rows.push(...backwards(machine, image, at, bits, -offset));
  const forwardFrom = Math.max(0, offset);
  const wanted = Math.max(0, offset + count);
  if (wanted > 0) rows.push(...forwards(machine, at, bits, wanted).slice(forwardFrom));
  return rows.slice(0, count).map((row) => listed(row, at, image));
}

function listed(row: DecodedInstruction, at: MemoryAddress, image: Image): ListedInstruction {
  const isCode = at.space.kind === 'linear';
  const here = isCode ? symbolAt(image, row.address) : undefined;
  const target = row.target ?? row.memoryTarget;
  const there = isCode && target !== undefined ? symbolAt(image, target) : undefined;
  return {
    ...row,
    text: there === undefined ? row.text : `${row.text}  ; ${symbolText(there)}`,
    label: here !== undefined && here.offset === 0n ? here.name : undefined,
    valid: row.flow !== 'invalid',
  };
}

function forwards(machine: Machine, at: MemoryAddress, bits: CodeBits, count: number): DecodedInstruction[] {
  const rows: DecodedInstruction[] = [];
  let next = at;
  while (rows.length < count) {
    const wanted = Math.min((count - rows.length) * MAX_LENGTH, 0x10000);
    const bytes = peek(machine, next, wanted);
    if (bytes.length === 0) {
      rows.push(invalidAt(next.address, bytes));
      next = advance(next, 1);
      continue;
    }
    // The last instructions of a chunk may be cut off: leave them to the next chunk unless memory ends here.
    const complete = bytes.length < wanted;
    const decoded = decodeAll(bytes, next.address, bits, count - rows.length);
    for (const row of decoded) {
      const end = row.address - next.address + BigInt(MAX_LENGTH);
      if (!complete && end > BigInt(bytes.length) && rows.length > 0 && row !== decoded[0]) break;
      rows.push(row);
    }
    const last = rows[rows.length - 1] as DecodedInstruction;
    next = { space: at.space, address: BigInt.asUintN(64, last.address + BigInt(Math.max(1, last.bytes.length))) };
  }
  return rows;
}

function backwards(
  machine: Machine,
  image: Image,
  at: MemoryAddress,
  bits: CodeBits,
  count: number,
): DecodedInstruction[] {
  const rows: DecodedInstruction[] = [];
  let before = at;
  while (rows.length < count) {
    const chunk = before.address === 0n ? [] : instructionsBefore(machine, image, before, bits, count - rows.length);
    const first = chunk[0];
    if (first === undefined) {
      before = advance(before, -1);
      rows.unshift(invalidAt(before.address, peek(machine, before, 1)));
      continue;
    }
    rows.unshift(...chunk.slice(-(count - rows.length)));
    before = { space: at.space, address: first.address };
  }
  return rows;
}

/** Instructions that end exactly at `at`, as many as one trustworthy starting point gives; empty when nothing fits. */
function instructionsBefore(
  machine: Machine,
  image: Image,
  at: MemoryAddress,
  bits: CodeBits,
  count: number,
): DecodedInstruction[] {
  const sync = at.space.kind === 'linear' ? boundaryBefore(image, at.address) : undefined;
  if (sync !== undefined && at.address - sync <= SYNC_DISTANCE) {
    const length = Number(at.address - sync);
    const bytes = peek(machine, { space: at.space, address: sync }, length);
    if (bytes.length === length) {
      const rows = decodeAll(bytes, sync, bits);
      if (endsAt(rows, at.address)) return rows;
    }
  }
  return guessBefore(machine, at, bits, count);
}

/** The nearest place below an address where an instruction surely begins: a row of the line table or a code symbol. */
export function boundaryBefore(image: Image, address: bigint): bigint | undefined {
  let best: bigint | undefined;
  const row = lastBelow(image.rowAddresses, address);
  if (row >= 0 && image.program.lines.rows[row]?.end === false) best = image.rowAddresses[row];
  for (let index = lastBelow(image.symbolAddresses, address); index >= 0; index--) {
    const symbol = image.symbols[index];
    if (symbol === undefined || (best !== undefined && symbol.address <= best)) break;
    if (symbol.kind !== 'object') {
      best = symbol.address;
      break;
    }
  }
  return best;
}

function lastBelow(sorted: BigUint64Array, address: bigint): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as bigint) < address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function endsAt(rows: readonly DecodedInstruction[], address: bigint): boolean {
  const last = rows[rows.length - 1];
  return last !== undefined && last.flow !== 'invalid' && last.address + BigInt(last.bytes.length) === address;
}

/**
 * Without symbols: decodings from different starting points soon agree, so every byte before `at` is tried as one. The
 * instruction that most of those name as the last before `at` is taken, with the longest way that leads there.
 */
function guessBefore(machine: Machine, at: MemoryAddress, bits: CodeBits, count: number): DecodedInstruction[] {
  const wanted = BigInt(Math.min(count, 64) * 5 + 3 * MAX_LENGTH);
  const bytes = readBefore(machine, at, Number(wanted < at.address ? wanted : at.address));
  const start = at.address - BigInt(bytes.length);
  const lengths = lengthsFromEveryByte(bytes, start, bits);
  // last[i]: where the last instruction before `at` begins when decoding begins at byte i; -1 when that does not end at `at`.
  const last = new Int32Array(bytes.length).fill(-1);
  const votes = new Uint32Array(bytes.length);
  for (let begin = bytes.length - 1; begin >= 0; begin--) {
    const length = lengths[begin] ?? 0;
    const end = begin + length;
    if (length === 0 || end > bytes.length) continue;
    const found = end === bytes.length ? begin : (last[end] ?? -1);
    last[begin] = found;
    if (found >= 0) votes[found] = (votes[found] ?? 0) + 1;
  }
  const winner = votes.reduce((best, vote, index) => (vote > (votes[best] ?? 0) ? index : best), 0);
  const first = last.indexOf(winner);
  return first < 0 ? [] : decodeAll(bytes.subarray(first), start + BigInt(first), bits);
}

/** The readable bytes directly before an address, at most `reach`. */
function readBefore(machine: Machine, at: MemoryAddress, reach: number): Uint8Array {
  for (let length = reach; length > 0; ) {
    const bytes = peek(machine, advance(at, -length), length);
    if (bytes.length === length) return bytes;
    // Unreadable at `bytes.length`: begin after that page.
    const hole = at.address - BigInt(length) + BigInt(bytes.length);
    const nextPage = (hole | 0xfffn) + 1n;
    length = Number(at.address - nextPage);
  }
  return new Uint8Array(0);
}
