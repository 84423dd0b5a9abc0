// A bounds-checked little-endian reader over the bytes of a file: plain state and functions. Running past the end is
// the user's file's fault, so it is the named error.
import { truncated } from './errors.ts';

export interface Cursor {
  readonly file: string;
  readonly view: DataView;
  /** What is being read, for the error. */
  readonly what: string;
  /** Position of `view` in the file, for the error. */
  readonly base: number;
  offset: number;
}

/** A cursor over `length` bytes of `bytes` from `start`; throws `truncated` when they are not all there. */
export function cursorOver(
  file: string,
  what: string,
  bytes: Uint8Array,
  start = 0,
  length = bytes.length - start,
): Cursor {
  if (!(start >= 0 && length >= 0 && start + length <= bytes.length))
    throw truncated(file, Math.min(start, bytes.length), what);
  return { file, what, base: start, offset: 0, view: new DataView(bytes.buffer, bytes.byteOffset + start, length) };
}

export const remaining = (cursor: Cursor): number => cursor.view.byteLength - cursor.offset;

/** Moves past `size` bytes and answers where they begin. */
export function advance(cursor: Cursor, size: number): number {
  const at = cursor.offset;
  if (!(size >= 0 && size <= cursor.view.byteLength - at)) throw truncated(cursor.file, cursor.base + at, cursor.what);
  cursor.offset = at + size;
  return at;
}

export const readU8 = (cursor: Cursor): number => cursor.view.getUint8(advance(cursor, 1));
export const readI8 = (cursor: Cursor): number => cursor.view.getInt8(advance(cursor, 1));
export const readU16 = (cursor: Cursor): number => cursor.view.getUint16(advance(cursor, 2), true);
export const readU32 = (cursor: Cursor): number => cursor.view.getUint32(advance(cursor, 4), true);
export const readU64 = (cursor: Cursor): bigint => cursor.view.getBigUint64(advance(cursor, 8), true);

/** An unsigned value of 1, 2, 4 or 8 bytes. */
export function readUnsigned(cursor: Cursor, size: number): bigint {
  switch (size) {
    case 1:
      return BigInt(readU8(cursor));
    case 2:
      return BigInt(readU16(cursor));
    case 4:
      return BigInt(readU32(cursor));
    case 8:
      return readU64(cursor);
    default:
      throw truncated(cursor.file, cursor.base + cursor.offset, `${cursor.what} (a value of ${size} bytes)`);
  }
}

/** LEB128, unsigned, wrapped to 64 bits. */
export function readUleb(cursor: Cursor): bigint {
  let small = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = readU8(cursor);
    small |= (byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt(small);
  }
  let value = BigInt(small);
  for (let shift = 28n; ; shift += 7n) {
    const byte = readU8(cursor);
    if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
}

/** LEB128, signed, wrapped to 64 bits. */
export function readSleb(cursor: Cursor): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = readU8(cursor);
    if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, byte & 0x40 && shift < 64n ? value - (1n << (shift + 7n)) : value);
  }
}

/** LEB128 that must be a small count or index: at most FFFFFFFFH is answered. */
export function readCount(cursor: Cursor): number {
  const first = readU8(cursor);
  if (first < 0x80) return first;
  cursor.offset--;
  const value = readUleb(cursor);
  return value > 0xffffffffn ? 0xffffffff : Number(value);
}

/** Signed LEB128 as a number: differences of lines. */
export function readDifference(cursor: Cursor): number {
  const first = readU8(cursor);
  if (first < 0x80) return first & 0x40 ? first - 0x80 : first;
  cursor.offset--;
  return Number(readSleb(cursor));
}

const utf8 = new TextDecoder();

/** A zero-terminated UTF-8 string. */
export function readString(cursor: Cursor): string {
  const { view } = cursor;
  const start = cursor.offset;
  let end = start;
  while (end < view.byteLength && view.getUint8(end) !== 0) end++;
  if (end >= view.byteLength) throw truncated(cursor.file, cursor.base + start, `a string of ${cursor.what}`);
  cursor.offset = end + 1;
  return utf8.decode(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
}

/** The string at `offset` of a string table; empty when the offset is outside. */
export function stringAt(table: Uint8Array, offset: number): string {
  if (!(offset >= 0 && offset < table.length)) return '';
  let end = table.indexOf(0, offset);
  if (end < 0) end = table.length;
  return utf8.decode(table.subarray(offset, end));
}
