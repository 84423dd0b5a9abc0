// Memory as a view shows it: rows of 8 or 16 bytes as text and numbers, what changed since the last stop, what points into it.

import type { Machine } from '../../machine/types.ts';
import { type Image, symbolAt } from '../../program/image.ts';
import { hex, littleEndian, symbolText } from '../format.ts';
import { advance, explainUnreadable, formatReference, type MemoryAddress } from '../memory.ts';
import { addressOfField, pointersInto } from './memory-pointers.ts';
import { byteBefore, lookAt, type MemoryRecord, type ReadableBytes, readMemory } from './memory-record.ts';

/** Bytes of a number. */
export const UNITS = [1, 2, 4, 8] as const;
export type Unit = (typeof UNITS)[number];

export interface MemoryView {
  /** `gva:0x1000`: the address that was asked for. */
  readonly address: string;
  /** Whose memory, in words. */
  readonly space: string;
  readonly unit: Unit;
  /** What an address is in this memory, for following one. */
  readonly pointer: 'dword' | 'qword';
  readonly rows: readonly MemoryRow[];
}

export interface MemoryRow {
  /** Of its first byte. */
  readonly reference: string;
  /** The symbol that its first byte belongs to; empty for none. */
  readonly symbol: string;
  /** Symbols that begin in it. */
  readonly symbols: readonly string[];
  readonly cells: readonly MemoryCell[];
  /** One character a byte: printable ASCII, a point for others, a blank for what cannot be read. */
  readonly text: string;
  /** Why bytes cannot be read, where the first of them stands. */
  readonly why?: string;
}

export interface MemoryCell {
  readonly reference: string;
  /** Hexadecimal digits; empty: it cannot be read. */
  readonly digits: string;
  /** What it was at the last stop, where it differs. */
  readonly before?: string;
  /** What points to one of its bytes. */
  readonly pointers?: readonly string[];
  /** The symbol that its value is an address of, of units of 4 and 8 bytes. */
  readonly target?: string;
  /** Of a VMCS field that is an address: that address as an expression. */
  readonly follow?: string;
}

/** Bytes of a row. */
export const WIDTHS = [8, 16] as const;
export type Width = (typeof WIDTHS)[number];
/** Bytes of one answer. */
export const MOST_BYTES = 4096;

export interface MemoryWanted {
  readonly at: MemoryAddress;
  /** Bytes from there to the first row. */
  readonly offset: number;
  readonly rows: number;
  readonly width: Width;
  readonly unit: Unit;
}

/** @param image what linear addresses of its space are named by */
export function memoryView(
  machine: Machine,
  image: Image,
  record: MemoryRecord,
  { at, offset, rows, width, unit }: MemoryWanted,
): MemoryView {
  const moved = advance(at, offset);
  const top = advance(moved, -(moved.address % BigInt(width)));
  const length = rows * width;
  const memory = readMemory(machine, top, length);
  const pointers = pointersInto(machine, top, length);
  lookAt(record, top, length);
  const isLinear = at.space.kind === 'linear';
  const nameOf = (address: bigint): string => {
    const symbol = isLinear ? symbolAt(image, address) : undefined;
    return symbol === undefined ? '' : symbolText(symbol);
  };
  const cell = (start: number): MemoryCell => {
    const place = advance(top, start);
    const digits = digitsOf(memory, start, unit);
    const before = digits === '' ? undefined : beforeOf(record, memory, place, start, unit);
    const names = Array.from({ length: unit }, (_, byte) => pointers.get(start + byte) ?? []).flat();
    const target = unit >= 4 && digits !== '' ? nameOf(BigInt(`0x${digits}`)) : '';
    const follow = at.space.kind === 'vmcs' && names[0] !== undefined ? addressOfField(names[0]) : undefined;
    return {
      reference: formatReference(place),
      digits,
      ...(before === undefined ? {} : { before }),
      ...(names.length === 0 ? {} : { pointers: names }),
      ...(target === '' ? {} : { target }),
      ...(follow === undefined ? {} : { follow }),
    };
  };
  let failing = false;
  const row = (index: number): MemoryRow => {
    const start = index * width;
    const place = advance(top, start);
    const hole = memory.readable.subarray(start, start + width).indexOf(0);
    // The reason stands once for what cannot be read together, and again where another page begins.
    const newPage = place.address % 4096n === 0n;
    const why = hole < 0 || (failing && !newPage) ? undefined : explainUnreadable(machine, advance(place, hole));
    failing = hole >= 0;
    return {
      reference: formatReference(place),
      symbol: nameOf(place.address),
      symbols: isLinear ? symbolsFrom(image, place.address, width) : [],
      cells: Array.from({ length: width / unit }, (_, i) => cell(start + i * unit)),
      text: textOf(memory, start, width),
      ...(why === undefined ? {} : { why }),
    };
  };
  return {
    address: formatReference(at),
    space: spaceText(at),
    unit,
    pointer: at.space.kind === 'linear' && machine.codeBits(at.space.side) !== 64 ? 'dword' : 'qword',
    rows: Array.from({ length: rows }, (_, index) => row(index)),
  };
}

function digitsOf({ bytes, readable }: ReadableBytes, start: number, unit: Unit): string {
  if (readable.subarray(start, start + unit).includes(0)) return '';
  return numberText(bytes.subarray(start, start + unit));
}

const numberText = (bytes: Uint8Array): string =>
  littleEndian(bytes)
    .toString(16)
    .padStart(bytes.length * 2, '0');

/** What the unit was, when all of it is known and some of it differs. */
function beforeOf(
  record: MemoryRecord,
  { bytes }: ReadableBytes,
  place: MemoryAddress,
  start: number,
  unit: Unit,
): string | undefined {
  const old = Array.from({ length: unit }, (_, byte) => byteBefore(record, advance(place, byte)));
  if (old.includes(undefined)) return undefined;
  if (old.every((byte, i) => byte === bytes[start + i])) return undefined;
  return numberText(Uint8Array.from(old as number[]));
}

const symbolsFrom = ({ symbols }: Image, address: bigint, width: number): string[] =>
  symbols
    .filter((symbol) => symbol.address >= address && symbol.address < address + BigInt(width))
    .map(({ name }) => name);

function textOf({ bytes, readable }: ReadableBytes, start: number, width: number): string {
  return Array.from({ length: width }, (_, i) => {
    const byte = bytes[start + i] ?? 0;
    if (readable[start + i] !== 1) return ' ';
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
  }).join('');
}

function spaceText({ space }: MemoryAddress): string {
  switch (space.kind) {
    case 'linear':
      return space.side === 'root' ? 'Linear memory of the host' : 'Linear memory of the guest';
    case 'guest-physical':
      return 'Guest-physical memory';
    case 'host-physical':
      return 'Host-physical memory';
    case 'vmcs':
      return `Current VMCS, ${hex(4096)} bytes`;
  }
}
