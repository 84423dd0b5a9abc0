// DWARF attribute forms (DWARF 5, "Form Encodings"): reading a value, or moving past it.
import {
  type Cursor,
  advance,
  readCount,
  readSleb,
  readString,
  readU16,
  readU32,
  readU8,
  readU64,
  readUleb,
  readUnsigned,
  stringAt,
} from '../bytes.ts';
import { badStructure } from '../errors.ts';

/** What the width and the meaning of a form depend on. */
export interface FormContext {
  readonly file: string;
  readonly version: number;
  /** 4 in 32-bit DWARF, 8 in 64-bit DWARF. */
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
  readonly strings: Uint8Array;
  readonly lineStrings: Uint8Array;
}

/** Strings as text; everything of up to 8 bytes as an unsigned number (signed for sdata and implicit_const); blocks as bytes. */
export type FormValue = string | bigint | Uint8Array;

/** Bytes of a form's value when they do not depend on the value. */
export function fixedSize(
  form: number,
  widths: Pick<FormContext, 'version' | 'offsetSize' | 'addressSize'>,
): number | undefined {
  switch (form) {
    case 0x19: // flag_present
    case 0x21: // implicit_const
      return 0;
    case 0x0b: // data1
    case 0x0c: // flag
    case 0x11: // ref1
    case 0x25: // strx1
    case 0x29: // addrx1
      return 1;
    case 0x05: // data2
    case 0x12: // ref2
    case 0x26: // strx2
    case 0x2a: // addrx2
      return 2;
    case 0x27: // strx3
    case 0x2b: // addrx3
      return 3;
    case 0x06: // data4
    case 0x13: // ref4
    case 0x1c: // ref_sup4
    case 0x28: // strx4
    case 0x2c: // addrx4
      return 4;
    case 0x07: // data8
    case 0x14: // ref8
    case 0x20: // ref_sig8
    case 0x24: // ref_sup8
      return 8;
    case 0x1e: // data16
      return 16;
    case 0x01: // addr
      return widths.addressSize;
    case 0x10: // ref_addr
      return widths.version <= 2 ? widths.addressSize : widths.offsetSize;
    case 0x0e: // strp
    case 0x17: // sec_offset
    case 0x1d: // strp_sup
    case 0x1f: // line_strp
    case 0x1f20: // GNU_ref_alt
    case 0x1f21: // GNU_strp_alt
      return widths.offsetSize;
    default:
      return undefined;
  }
}

/** Reads one value; throws `bad-structure` for a form that no DWARF version up to 5 defines. `implicit` is the abbreviation's constant. */
export function readForm(cursor: Cursor, form: number, context: FormContext, implicit = 0n): FormValue {
  const at = cursor.base + cursor.offset;
  switch (form) {
    case 0x01: // addr
      return readUnsigned(cursor, context.addressSize);
    case 0x03: // block2
      return bytesOf(cursor, readU16(cursor));
    case 0x04: // block4
      return bytesOf(cursor, readU32(cursor));
    case 0x05: // data2
    case 0x12: // ref2
    case 0x26: // strx2
    case 0x2a: // addrx2
      return BigInt(readU16(cursor));
    case 0x06: // data4
    case 0x13: // ref4
    case 0x1c: // ref_sup4
    case 0x28: // strx4
    case 0x2c: // addrx4
      return BigInt(readU32(cursor));
    case 0x07: // data8
    case 0x14: // ref8
    case 0x20: // ref_sig8
    case 0x24: // ref_sup8
      return readU64(cursor);
    case 0x08: // string
      return readString(cursor);
    case 0x09: // block
    case 0x18: // exprloc
      return bytesOf(cursor, readCount(cursor));
    case 0x0a: // block1
      return bytesOf(cursor, readU8(cursor));
    case 0x0b: // data1
    case 0x0c: // flag
    case 0x11: // ref1
    case 0x25: // strx1
    case 0x29: // addrx1
      return BigInt(readU8(cursor));
    case 0x0d: // sdata
      return readSleb(cursor);
    case 0x0e: // strp
      return stringAt(context.strings, Number(readOffset(cursor, context)));
    case 0x0f: // udata
    case 0x15: // ref_udata
    case 0x1a: // strx
    case 0x1b: // addrx
    case 0x22: // loclistx
    case 0x23: // rnglistx
    case 0x1f01: // GNU_addr_index
    case 0x1f02: // GNU_str_index
      return readUleb(cursor);
    case 0x10: // ref_addr: an address in DWARF 2, an offset since
      return context.version <= 2 ? readUnsigned(cursor, context.addressSize) : readOffset(cursor, context);
    case 0x16: // indirect
      return readForm(cursor, readCount(cursor), context, implicit);
    case 0x17: // sec_offset
    case 0x1d: // strp_sup
    case 0x1f20: // GNU_ref_alt
    case 0x1f21: // GNU_strp_alt
      return readOffset(cursor, context);
    case 0x19: // flag_present
      return 1n;
    case 0x1e: // data16
      return bytesOf(cursor, 16);
    case 0x1f: // line_strp
      return stringAt(context.lineStrings, Number(readOffset(cursor, context)));
    case 0x21: // implicit_const
      return implicit;
    case 0x27: // strx3
    case 0x2b: // addrx3
      return BigInt(readU16(cursor) | (readU8(cursor) << 16));
    default:
      throw badStructure(
        context.file,
        at,
        `debug information uses form 0x${form.toString(16)}, which DWARF 2 to 5 do not define`,
      );
  }
}

export const readOffset = (cursor: Cursor, context: Pick<FormContext, 'offsetSize'>): bigint =>
  readUnsigned(cursor, context.offsetSize);

function bytesOf(cursor: Cursor, size: number): Uint8Array {
  const start = advance(cursor, size);
  return new Uint8Array(cursor.view.buffer, cursor.view.byteOffset + start, size);
}

/** Moves past a value. */
export function skipForm(cursor: Cursor, form: number, context: FormContext): void {
  const size = fixedSize(form, context);
  if (size !== undefined) {
    advance(cursor, size);
    return;
  }
  switch (form) {
    case 0x08: {
      const { view } = cursor;
      while (readU8(cursor) !== 0 && cursor.offset < view.byteLength);
      return;
    }
    default:
      readForm(cursor, form, context);
  }
}

/** The initial length of a unit (DWARF 5, "Initial Length Values"): how long the rest is, and which DWARF format it has. */
export function readInitialLength(cursor: Cursor): { length: bigint; offsetSize: 4 | 8 } {
  const first = readU32(cursor);
  if (first === 0xffffffff) return { length: readU64(cursor), offsetSize: 8 };
  return { length: BigInt(first), offsetSize: 4 };
}
