// .eh_frame and .debug_frame (DWARF 5, "Structure of Call Frame Information"; Linux Standard Base, "Exception Frames"): which function entry
// covers an address.
import {
  advance,
  type Cursor,
  cursorOver,
  readCount,
  readSleb,
  readString,
  readU16,
  readU32,
  readU64,
  readU8,
  readUleb,
  readUnsigned,
  remaining,
} from '../bytes.ts';
import { type Elf, sectionBytes } from '../elf.ts';
import { unlessDamaged } from '../errors.ts';
import { readInitialLength } from './forms.ts';
import { type CallFrame, type Common, rulesAt } from './frame-rules.ts';

interface FunctionEntry {
  readonly start: bigint;
  readonly end: bigint;
  readonly common: Common;
  readonly instructions: Cursor;
}

/** Answers how the frame of an address finds its caller; undefined where the file does not say. Reads the sections when first asked. */
export function callFrames(elf: Elf, addressSize: number): (address: bigint) => CallFrame | undefined {
  let entries: readonly FunctionEntry[] | undefined;
  return (address) => {
    entries ??= readSections(elf, addressSize);
    const entry = entryAt(entries, address);
    if (entry === undefined) return undefined;
    // A damaged entry is as good as none: the frame pointer may still lead on.
    return unlessDamaged(() => rulesAt(entry.common, entry.start, entry.instructions, address), undefined);
  };
}

function entryAt(entries: readonly FunctionEntry[], address: bigint): FunctionEntry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  const found = entries[low - 1];
  return found !== undefined && address < found.end ? found : undefined;
}

function readSections(elf: Elf, addressSize: number): FunctionEntry[] {
  const entries: FunctionEntry[] = [];
  for (const name of ['.debug_frame', '.eh_frame'] as const) {
    const bytes = sectionBytes(elf, name);
    if (bytes === undefined) continue;
    const address = elf.sections.find((section) => section.name === name)?.address ?? 0n;
    const { file, displacement } = elf;
    const section = { file, name, bytes, address, addressSize, displacement };
    // What was read before a section is cut off holds.
    unlessDamaged(() => readSection(section, entries), undefined);
  }
  // Code that the linker dropped begins at 0.
  return entries
    .filter(({ start, end }) => start !== 0n && end > start)
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}

interface FrameSection {
  readonly file: string;
  readonly name: '.debug_frame' | '.eh_frame';
  readonly bytes: Uint8Array;
  readonly address: bigint;
  readonly addressSize: number;
  readonly displacement: bigint;
}

function readSection(section: FrameSection, entries: FunctionEntry[]): void {
  const { file, name, bytes } = section;
  const exceptions = name === '.eh_frame';
  const cursor = cursorOver(file, name, bytes);
  const commons = new Map<number, Common>();
  while (remaining(cursor) > 0) {
    const offset = cursor.offset;
    const { length, offsetSize } = readInitialLength(cursor);
    if (length === 0n) {
      if (exceptions) break;
      continue;
    }
    const body = advance(cursor, Number(length));
    const end = cursor.offset;
    cursor.offset = body;
    const idAt = cursor.offset;
    const id = readUnsigned(cursor, exceptions ? 4 : offsetSize);
    const commonId = exceptions ? 0n : offsetSize === 8 ? 0xffffffffffffffffn : 0xffffffffn;
    unlessDamaged(() => {
      if (id === commonId) {
        commons.set(offset, readCommon(section, cursor, end));
      } else {
        const common = commons.get(exceptions ? idAt - Number(id) : Number(id));
        if (common !== undefined) entries.push(readFunction(section, cursor, end, common));
      }
    }, undefined);
    cursor.offset = end;
  }
}

function part(section: FrameSection, start: number, end: number): Cursor {
  return cursorOver(section.file, section.name, section.bytes, start, end - start);
}

interface Augmented extends Common {
  /** The function entries carry augmentation data. */
  readonly augmented: boolean;
  /** Reads the length of a function's code. */
  readonly readLength: (cursor: Cursor) => bigint;
}

function readCommon(section: FrameSection, cursor: Cursor, end: number): Augmented {
  const version = readU8(cursor);
  const augmentation = readString(cursor);
  let { addressSize } = section;
  if (version >= 4) {
    addressSize = readU8(cursor);
    readU8(cursor); // segment selector size
  }
  const codeAlignment = readUleb(cursor);
  const dataAlignment = readSleb(cursor);
  const returnRegister = version === 1 ? readU8(cursor) : readCount(cursor);
  let encoding = 0;
  let signal = false;
  const augmented = augmentation.startsWith('z');
  if (augmented) {
    const size = readCount(cursor);
    const after = cursor.offset + size;
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') encoding = readU8(cursor);
      else if (letter === 'L') readU8(cursor);
      else if (letter === 'P') readPointer(section, cursor, readU8(cursor), addressSize);
      else if (letter === 'S') signal = true;
      else if (letter !== 'B') break;
    }
    cursor.offset = after;
  }
  return {
    codeAlignment,
    dataAlignment,
    returnRegister,
    signal,
    addressSize,
    augmented,
    instructions: part(section, cursor.offset, end),
    readAddress: (at) => readPointer(section, at, encoding, addressSize),
    // A length has the width of the pointers, and is never relative.
    readLength: (at) => BigInt.asUintN(addressSize * 8, pointerValue(at, encoding & 0x0f, addressSize)),
  };
}

function readFunction(section: FrameSection, cursor: Cursor, end: number, common: Common): FunctionEntry {
  const { augmented, readAddress, readLength } = common as Augmented;
  const start = readAddress(cursor);
  const length = readLength(cursor);
  if (augmented) advance(cursor, readCount(cursor));
  return { start, end: start + length, common, instructions: part(section, cursor.offset, end) };
}

/** A pointer in one of the encodings of exception frames: the low half is the width, the high half what it counts from. */
function readPointer(section: FrameSection, cursor: Cursor, encoding: number, addressSize: number): bigint {
  if (encoding === 0xff) return 0n;
  const from = section.address + BigInt(cursor.base + cursor.offset);
  const value = pointerValue(cursor, encoding & 0x0f, addressSize);
  const relative = (encoding & 0x70) === 0x10 ? from : section.displacement;
  return BigInt.asUintN(addressSize * 8, value + relative);
}

function pointerValue(cursor: Cursor, width: number, addressSize: number): bigint {
  switch (width) {
    case 0x01:
      return readUleb(cursor);
    case 0x02:
      return BigInt(readU16(cursor));
    case 0x03:
      return BigInt(readU32(cursor));
    case 0x04:
      return readU64(cursor);
    case 0x09:
      return readSleb(cursor);
    case 0x0a:
      return BigInt.asIntN(16, BigInt(readU16(cursor)));
    case 0x0b:
      return BigInt.asIntN(32, BigInt(readU32(cursor)));
    case 0x0c:
      return BigInt.asIntN(64, readU64(cursor));
    default:
      return readUnsigned(cursor, addressSize);
  }
}
