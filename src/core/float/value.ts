// Floating-point values taken apart: one form for the three formats. A finite value other than zero is
// (-1)^sign x 2^exponent x significand / 2^63, its significand normalised (bit 63 set) but in a denormal result.

import { F32, F64, fp } from './context.ts';

// Kinds of values. NaNs compare greater than the others.
export const ZERO: u32 = 0;
export const FINITE: u32 = 1;
export const INFINITE: u32 = 2;
export const UNSUPPORTED: u32 = 3; // an 80-bit pattern that is no number: pseudo-NaN, pseudo-infinity, unnormal
export const QUIET: u32 = 4;
export const SIGNALING: u32 = 5;

export const INTEGER_BIT: u64 = 0x8000000000000000;
export const QUIET_BIT: u64 = 0x4000000000000000;
export const INDEFINITE: u64 = 0xc000000000000000;

export class Value {
  kind: u32 = 0;
  sign: u32 = 0;
  exponent: i32 = 0;
  significand: u64 = 0; // of a NaN: bit 63 set, bit 62 quiet, then the payload
  extra: u64 = 0; // bits below the significand, the lowest sticky
  denormal: bool = false; // it came from a denormal (or pseudo-denormal) operand
}

/** The operands and the result of the operation in hand. */
export const a: Value = new Value();
export const b: Value = new Value();
export const z: Value = new Value();

export function copyValue(to: Value, from: Value): void {
  to.kind = from.kind;
  to.sign = from.sign;
  to.exponent = from.exponent;
  to.significand = from.significand;
  to.extra = from.extra;
  to.denormal = from.denormal;
}

export function setValue(to: Value, kind: u32, sign: u32): void {
  to.kind = kind;
  to.sign = sign;
  to.exponent = 0;
  to.significand = kind == INFINITE ? INTEGER_BIT : 0;
  to.extra = 0;
  to.denormal = false;
}

export function setFinite(to: Value, sign: u32, exponent: i32, significand: u64, extra: u64): void {
  to.kind = FINITE;
  to.sign = sign;
  to.exponent = exponent;
  to.significand = significand;
  to.extra = extra;
  to.denormal = false;
}

/** The quiet NaN that an invalid operation answers. */
export function setIndefinite(to: Value): void {
  setValue(to, QUIET, 1);
  to.significand = INDEFINITE;
}

/** @inline */
export function isNotANumber(v: Value): bool {
  return v.kind >= QUIET;
}

// ---- Formats ------------------------------------------------------------------------------------------------------------

/** Bits of the significand, the integer bit included. */
export function significandBits(format: u32): u32 {
  return format == F32 ? 24 : format == F64 ? 53 : 64;
}

/** Exponent of the smallest normal value. */
export function leastExponent(format: u32): i32 {
  return format == F32 ? -126 : format == F64 ? -1022 : -16382;
}

/** Exponent of the largest finite value. */
export function greatestExponent(format: u32): i32 {
  return format == F32 ? 127 : format == F64 ? 1023 : 16383;
}

function normalise(to: Value, exponent: i32, significand: u64): void {
  const shift = <i32>clz<u64>(significand);
  to.kind = FINITE;
  to.exponent = exponent - shift;
  to.significand = significand << shift;
}

/** Takes an f32 or f64 apart. */
export function unpack(to: Value, bits: u64, format: u32): void {
  const fractionBits: u32 = format == F32 ? 23 : 52;
  const top: u32 = format == F32 ? 0xff : 0x7ff;
  const biased = <u32>(bits >> fractionBits) & top;
  const fraction = bits << (64 - fractionBits); // its first bit in bit 63
  to.sign = <u32>(bits >> (format == F32 ? 31 : 63)) & 1;
  to.extra = 0;
  to.denormal = false;
  if (biased == top) {
    to.exponent = 0;
    to.significand = INTEGER_BIT | (fraction >> 1);
    to.kind = !fraction ? INFINITE : fraction >> 63 ? QUIET : SIGNALING;
  } else if (biased) {
    to.kind = FINITE;
    to.exponent = <i32>biased - greatestExponent(format);
    to.significand = INTEGER_BIT | (fraction >> 1);
  } else if (fraction) {
    normalise(to, leastExponent(format), fraction >> 1);
    to.denormal = true;
  } else setValue(to, ZERO, to.sign);
}

/** The same for an operand of SSE: with MXCSR.DAZ a denormal is zero. */
export function operand(to: Value, bits: u64, format: u32): void {
  unpack(to, bits, format);
  if (to.denormal && fp.denormalsAreZero) setValue(to, ZERO, to.sign);
}

/** Takes an 80-bit value apart: its significand, and sign and exponent as they are stored. */
export function unpackExtended(to: Value, significand: u64, upper: u32): void {
  const biased = upper & 0x7fff;
  to.sign = (upper >> 15) & 1;
  to.extra = 0;
  to.denormal = false;
  to.exponent = <i32>biased - 16383;
  to.significand = significand;
  if (!biased) {
    if (!significand) setValue(to, ZERO, to.sign);
    else {
      normalise(to, -16382, significand); // a denormal, or with the integer bit a pseudo-denormal
      to.denormal = true;
    }
  } else if (!(significand >> 63)) to.kind = UNSUPPORTED;
  else if (biased != 0x7fff) to.kind = FINITE;
  else to.kind = significand == INTEGER_BIT ? INFINITE : significand & QUIET_BIT ? QUIET : SIGNALING;
}

/** The bits of a rounded value in f32 or f64. NaNs lose the payload bits that have no place. */
export function pack(v: Value, format: u32): u64 {
  const fractionBits: u32 = format == F32 ? 23 : 52;
  const sign = (<u64>v.sign) << (format == F32 ? 31 : 63);
  if (v.kind == ZERO) return sign;
  const fraction = (v.significand << 1) >> (64 - fractionBits);
  const top: u64 = format == F32 ? 0xff : 0x7ff;
  if (v.kind != FINITE) return sign | (top << fractionBits) | (v.kind == INFINITE ? 0 : fraction);
  const biased: u64 = v.significand >> 63 ? <u64>(v.exponent + greatestExponent(format)) : 0;
  return sign | (biased << fractionBits) | fraction;
}

/** Sign and exponent of a rounded value in the 80-bit format; the significand is the value's. */
export function packUpper(v: Value): u32 {
  const sign = v.sign << 15;
  if (v.kind == ZERO) return sign;
  if (v.kind != FINITE) return sign | 0x7fff;
  return sign | (v.significand >> 63 ? <u32>(v.exponent + 16383) & 0x7fff : 0);
}

/** Takes apart the 80-bit value at an address. */
export function loadExtended(to: Value, at: usize): void {
  unpackExtended(to, load<u64>(at), <u32>load<u16>(at, 8));
}

/** Stores a rounded value, or a NaN or infinity, as 80 bits. */
export function storeExtended(v: Value, at: usize): void {
  const upper = packUpper(v); // first: `at` may be where v came from
  store<u64>(at, v.kind == ZERO ? 0 : v.significand);
  store<u16>(at, <u16>upper, 8);
}
