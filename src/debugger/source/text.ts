// Typed values as a person reads them. Numbers come first and words behind them in parentheses, so that an edit may begin with what is shown.

import type { Machine } from '../../machine/types.ts';
import {
  type BaseType,
  type DebugType,
  type EnumType,
  type Member,
  plainType,
  sizeOfType,
} from '../../program/debug-types.ts';
import { type Image, symbolAt } from '../../program/image.ts';
import { formatNumber, hex, type NumberFormat, symbolText } from '../format.ts';
import { type AddressSpace, peek } from '../memory.ts';
import { addressOfPlace, elementPlace, memberPlace, type Place, readPlace } from './places.ts';
import { type Slice, sliceOf } from './slices.ts';

export interface TextContext {
  readonly machine: Machine;
  readonly image: Image;
  readonly format?: NumberFormat | undefined;
}

/** How much of a string, an array and a record is shown on one line. */
const MAX_STRING = 96;
const MAX_ELEMENTS = 8;
const MAX_MEMBERS = 6;
const MAX_DEPTH = 2;

/** The value of a place; `<optimized out>` and the like where there is none. */
export function placeText(context: TextContext, place: Place, depth = 0): string {
  const type = plainType(place.type);
  switch (type.kind) {
    case 'record': {
      if (place.location.kind === 'unavailable') return unavailable(place.location.why);
      if (type.incomplete) return '<incomplete type>';
      const slice = sliceOf(context.machine, place);
      if (slice !== undefined) return sliceText(context, slice, depth);
      if (type.members().some(({ variant }) => variant !== undefined)) return variantText(context, place, depth);
      return depth >= MAX_DEPTH ? '{…}' : recordText(context, place, membersOf(context.machine, place), depth);
    }
    case 'array':
      if (place.location.kind === 'unavailable') return unavailable(place.location.why);
      return arrayText(context, place, depth);
    case 'void':
      return '<void>';
    case 'function': {
      const address = addressOfPlace(place);
      return address === undefined ? '<function>' : addressText(context, address.address, address.space);
    }
    default: {
      const read = readPlace(context.machine, place);
      return 'why' in read
        ? unavailable(read.why)
        : scalarText(context, place.type, read.value, place.bits, place.space);
    }
  }
}

const unavailable = (why: string): string => `<${why}>`;

/** A number of a type that is not an aggregate. */
export function scalarText(
  context: TextContext,
  type: DebugType,
  value: bigint,
  bits: number,
  space: AddressSpace,
): string {
  const plain = plainType(type);
  const { format } = context;
  if (format !== undefined && format !== 'hex' && plain.kind !== 'base') return formatNumber(value, format, bits);
  switch (plain.kind) {
    case 'pointer':
      return pointerText(context, plain.target(), value, space);
    case 'enum':
      return enumText(plain, value, bits);
    case 'base':
      return baseText(plain, value, bits, format);
    default:
      return hex(value);
  }
}

function baseText(type: BaseType, value: bigint, bits: number, format: NumberFormat | undefined): string {
  switch (type.encoding) {
    case 'boolean':
      return value === 0n ? 'false' : value === 1n ? 'true' : `${hex(value)} (neither true nor false)`;
    case 'float':
      return floatText(value, bits);
    case 'character': {
      const number = format === undefined ? hex(value) : formatNumber(value, format, bits);
      return `${number} (${characterText(value)})`;
    }
    default:
      if (format !== undefined) return formatNumber(value, format, bits);
      return type.encoding === 'signed' ? BigInt.asIntN(bits, value).toString() : hex(value);
  }
}

function floatText(value: bigint, bits: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, value), true);
  if (bits === 32) return String(view.getFloat32(0, true));
  if (bits === 64) return String(view.getFloat64(0, true));
  return extendedText(value);
}

/** The x87 format: 64 bits of mantissa with its integer bit, 15 bits of exponent, a sign. */
function extendedText(value: bigint): string {
  const exponent = Number((value >> 64n) & 0x7fffn);
  const mantissa = Number(BigInt.asUintN(64, value));
  const sign = (value >> 79n) & 1n ? -1 : 1;
  if (exponent === 0x7fff) return BigInt.asUintN(63, value) === 0n ? (sign < 0 ? '-Infinity' : 'Infinity') : 'NaN';
  return String(sign * mantissa * 2 ** (exponent - 16383 - 63));
}

const ESCAPES: Readonly<Record<number, string>> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  13: '\\r',
  92: '\\\\',
};

function escaped(code: number, quote: number): string {
  if (ESCAPES[code] !== undefined) return ESCAPES[code];
  if (code === quote) return `\\${String.fromCharCode(code)}`;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  return String.fromCodePoint(code);
}

const characterText = (value: bigint): string => `'${value > 0x10ffffn ? '?' : escaped(Number(value), 39)}'`;

function enumText(type: EnumType, value: bigint, bits: number): string {
  const same = (other: bigint): boolean => BigInt.asUintN(bits, other) === value;
  const exact = type.enumerators().find((enumerator) => same(enumerator.value));
  const number = type.signed && BigInt.asIntN(bits, value) < 0n ? BigInt.asIntN(bits, value).toString() : hex(value);
  if (exact !== undefined) return `${number} (${exact.name})`;
  const flags = type
    .enumerators()
    .filter(({ value: flag }) => flag > 0n && (flag & (flag - 1n)) === 0n && (value & flag) !== 0n);
  const covered = flags.reduce((sum, flag) => sum | flag.value, 0n);
  return covered === value && flags.length > 1 ? `${number} (${flags.map(({ name }) => name).join(' | ')})` : number;
}

function pointerText(context: TextContext, target: DebugType, value: bigint, space: AddressSpace): string {
  const plain = plainType(target);
  if (value !== 0n && plain.kind === 'base' && plain.encoding === 'character' && plain.size === 1) {
    const text = stringAt(context.machine, value, space);
    if (text !== undefined) return `${hex(value)} (${text})`;
  }
  return addressText(context, value, space);
}

function addressText(context: TextContext, value: bigint, space: AddressSpace): string {
  const symbol = space.kind === 'linear' ? symbolAt(context.image, value) : undefined;
  const near =
    symbol !== undefined && (symbol.offset === 0n || symbol.symbol.size > 0) ? symbolText(symbol) : undefined;
  return near === undefined ? hex(value) : `${hex(value)} (${near})`;
}

/** The text at an address, quoted; undefined when nothing can be read there. */
export function stringAt(machine: Machine, address: bigint, space: AddressSpace): string | undefined {
  const bytes = peek(machine, { space, address }, MAX_STRING);
  return bytes.length === 0 ? undefined : quoted(bytes, bytes.length === MAX_STRING);
}

function quoted(bytes: Uint8Array, cut: boolean): string {
  const end = bytes.indexOf(0);
  return quotedAll(end < 0 ? bytes : bytes.subarray(0, end), end < 0 && cut);
}

function quotedAll(bytes: Uint8Array, cut: boolean): string {
  const text = new TextDecoder().decode(bytes);
  const shown = Array.from(text, (character) => escaped(character.codePointAt(0) ?? 0, 34)).join('');
  return `"${shown}"${cut ? '…' : ''}`;
}

/** Members that are there: of a Rust enum's variants the one that the discriminant chooses. */
export function membersOf(machine: Machine, place: Place): readonly Member[] {
  const type = plainType(place.type);
  if (type.kind !== 'record') return [];
  const all = type.members();
  const variants = all.filter((member) => member.variant !== undefined);
  if (variants.length === 0) return all;
  const discriminant = variants[0]!.variant!.discriminant;
  const read = readPlace(machine, memberPlace(place, discriminant));
  if ('why' in read) return all;
  const bits = sizeOfType(discriminant.type) * 8;
  const chosen =
    variants.find(
      ({ variant }) => variant!.value !== undefined && BigInt.asUintN(bits, variant!.value) === read.value,
    ) ?? variants.find(({ variant }) => variant!.value === undefined);
  return all.filter((member) => member.variant === undefined || member === chosen);
}

/** A Rust enum as Rust writes it: `Circle(5)`, `Rectangle {width: 6, height: 7}`, `Nothing`. */
function variantText(context: TextContext, place: Place, depth: number): string {
  const chosen = membersOf(context.machine, place);
  const [variant] = chosen;
  if (chosen.length !== 1 || variant?.name === undefined) return '{…}';
  const inner = memberPlace(place, variant);
  const parts = membersOf(context.machine, inner);
  if (parts.length === 0) return variant.name;
  if (depth >= MAX_DEPTH) return `${variant.name}…`;
  const text = recordText(context, inner, parts, depth);
  const numbered = parts.every(({ name }) => name !== undefined && /^__\d+$/.test(name));
  return numbered ? `${variant.name}(${text.slice(1, -1).replaceAll(/\b__\d+: /g, '')})` : `${variant.name} ${text}`;
}

function sliceText(context: TextContext, { place, array, text }: Slice, depth: number): string {
  const at = addressOfPlace(place);
  if (!text || at === undefined) return arrayText(context, place, depth);
  const count = array.count ?? 0;
  const bytes = peek(context.machine, at, Math.min(count, MAX_STRING));
  return bytes.length === 0 && count > 0
    ? arrayText(context, place, MAX_DEPTH)
    : quotedAll(bytes, count > bytes.length);
}

function recordText(context: TextContext, place: Place, members: readonly Member[], depth: number): string {
  const shown = members.slice(0, MAX_MEMBERS).map((member) => {
    const text = placeText(context, memberPlace(place, member), depth + 1);
    return member.name === undefined ? text : `${member.name}: ${text}`;
  });
  if (members.length > MAX_MEMBERS) shown.push('…');
  return `{${shown.join(', ')}}`;
}

function arrayText(context: TextContext, place: Place, depth: number): string {
  const type = plainType(place.type);
  if (type.kind !== 'array') return '';
  const { count } = type;
  if (count === undefined) return '[] {…}';
  const element = plainType(type.element);
  const at = addressOfPlace(place);
  if (
    element.kind === 'base' &&
    element.encoding === 'character' &&
    element.size === 1 &&
    at !== undefined &&
    count > 0
  ) {
    const bytes = peek(context.machine, at, Math.min(count, MAX_STRING));
    if (bytes.length > 0) return quoted(bytes, count > MAX_STRING);
  }
  if (depth >= MAX_DEPTH) return `[${count}] {…}`;
  const shown: string[] = [];
  for (let index = 0; index < Math.min(count, MAX_ELEMENTS); index++)
    shown.push(placeText(context, elementPlace(place, type, BigInt(index)), depth + 1));
  if (count > MAX_ELEMENTS) shown.push('…');
  return `[${count}] {${shown.join(', ')}}`;
}
