// Conversions between f32, f64 and integers, and rounding to integral values.

import { F32, F64, beginSse, convertFormatSse, fromIntegerSse, roundSse, toIntegerSse } from '../float/sse.ts';
import { NEAREST, PRECISION, TRUNCATE, UP, fp } from '../float/context.ts';
import { MXCSR } from '../layout.ts';
import { RESULT, bitsOf, finishFloat, format, isInner, isNearest, isSettled, isTame, ofBits } from './float.ts';

const PRECISION_SET_AND_MASKED: u32 = PRECISION | (PRECISION << 7);

// ---- To integers ------------------------------------------------------------------------------------------------------------

/** The rounding of conversions: MXCSR's, or towards zero. */
function roundingOf(truncate: bool): u32 {
  return truncate ? TRUNCATE : (load<u32>(MXCSR) >> 13) & 3;
}

/** An ordinary value, rounded. @inline */
function rounded<T>(x: T, rounding: u32): T {
  if (rounding == NEAREST) return <T>nearest<T>(x);
  if (rounding == TRUNCATE) return <T>trunc<T>(x);
  return rounding == UP ? <T>ceil<T>(x) : <T>floor<T>(x);
}

/** Whether changing x to r raises nothing new. @inline */
function isQuiet<T>(x: T, r: T, mxcsr: u32): bool {
  return r == x || (mxcsr & PRECISION_SET_AND_MASKED) == PRECISION_SET_AND_MASKED;
}

/** @inline */
function toInteger<T>(x: T, bits: u32, rounding: u32, mxcsr: u32): i64 {
  const r = rounded<T>(x, rounding);
  // the largest f32 below the limit, which f64 has too
  const inside = bits == 32 ? abs<f64>(<f64>r) <= 2147483520.0 : abs<f64>(<f64>r) <= 9223371487098961920.0;
  if (inside && isSettled<T>(x) && isQuiet<T>(x, r, mxcsr)) return <i64>r;
  return toIntegerSse(bitsOf<T>(x), format<T>(), bits, rounding);
}

/** CVTSS2SI and its kin, to a general register; 32-bit results clear the upper half. */
export function toGeneral<T>(bits: u32, truncate: bool, d: usize, s: usize, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  const r = toInteger<T>(load<T>(s), bits, roundingOf(truncate), mxcsr);
  finishFloat(op, rem);
  store<u64>(d, bits == 32 ? <u64>(<u32>r) : <u64>r);
}

/** Packed, to doublewords: `count` of them, zeros above to the end of `width` bytes. */
export function toDoublewords<T>(
  count: u32,
  width: usize,
  truncate: bool,
  d: usize,
  s: usize,
  op: usize,
  rem: i32,
): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  store<u64>(RESULT, 0, 8);
  const rounding = roundingOf(truncate);
  for (let i: u32 = 0; i < count; i++) {
    const r = toInteger<T>(load<T>(s + <usize>(i * sizeof<T>())), 32, rounding, mxcsr);
    store<u32>(RESULT + <usize>(i << 2), <u32>r);
  }
  finishFloat(op, rem);
  memory.copy(d, RESULT, width);
}

// ---- From integers ----------------------------------------------------------------------------------------------------------

/** @inline */
function fromInteger<T>(value: i64, mxcsr: u32): T {
  const r = <T>value;
  const exact =
    sizeof<T>() == 4 ? <u64>(value + 0x1000000) <= 0x2000000 : <u64>(value + 0x20000000000000) <= 0x40000000000000;
  if (exact || (isNearest(mxcsr) && mxcsr & PRECISION)) return r;
  return ofBits<T>(fromIntegerSse(value, format<T>()));
}

/** CVTSI2SS and its kin. */
export function fromGeneral<T>(bits: u32, d: usize, s: usize, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  const r = fromInteger<T>(bits == 32 ? <i64>load<i32>(s) : load<i64>(s), mxcsr);
  finishFloat(op, rem);
  store<T>(d, r);
}

/** Packed, from doublewords. */
export function fromDoublewords<T>(count: u32, d: usize, s: usize, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  for (let i: u32 = 0; i < count; i++) {
    store<T>(RESULT + <usize>(i * sizeof<T>()), fromInteger<T>(<i64>load<i32>(s + <usize>(i << 2)), mxcsr));
  }
  finishFloat(op, rem);
  memory.copy(d, RESULT, <usize>(count * sizeof<T>()));
}

// ---- Between formats --------------------------------------------------------------------------------------------------------

/** @inline */
function widened(x: f32): f64 {
  return isSettled<f32>(x) ? <f64>x : ofBits<f64>(convertFormatSse(bitsOf<f32>(x), F32, F64));
}

/** @inline */
function narrowed(x: f64, mxcsr: u32): f32 {
  const r = <f32>x;
  if (isNearest(mxcsr) && isTame<f64>(x) && (x == 0 || isInner<f32>(r)) && (mxcsr & PRECISION || <f64>r == x)) return r;
  return ofBits<f32>(convertFormatSse(bitsOf<f64>(x), F64, F32));
}

/** CVTSS2SD, CVTPS2PD. */
export function widen(count: u32, d: usize, s: usize, op: usize, rem: i32): void {
  beginSse(load<u32>(MXCSR));
  for (let i: u32 = 0; i < count; i++) store<f64>(RESULT + <usize>(i << 3), widened(load<f32>(s + <usize>(i << 2))));
  finishFloat(op, rem);
  memory.copy(d, RESULT, <usize>(count << 3));
}

/** CVTSD2SS (4 bytes are stored), CVTPD2PS (16, the upper half zeros). */
export function narrow(count: u32, width: usize, d: usize, s: usize, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  store<u64>(RESULT, 0, 8);
  for (let i: u32 = 0; i < count; i++) {
    store<f32>(RESULT + <usize>(i << 2), narrowed(load<f64>(s + <usize>(i << 3)), mxcsr));
  }
  finishFloat(op, rem);
  memory.copy(d, RESULT, width);
}

// ---- To integral values -----------------------------------------------------------------------------------------------------

const SUPPRESS: u32 = 8; // of the immediate: PRECISION
const BY_MXCSR: u32 = 4;

/** ROUNDPS, ROUNDSS and their kin. */
export function roundElements<T>(bytes: usize, d: usize, s: usize, n: u32, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  const rounding = n & BY_MXCSR ? fp.rounding : n & 3;
  const quiet = (n & SUPPRESS) != 0;
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    const x = load<T>(s + i);
    const r = rounded<T>(x, rounding);
    const good = isSettled<T>(x) && (quiet || isQuiet<T>(x, r, mxcsr));
    store<T>(RESULT + i, good ? r : ofBits<T>(roundSse(bitsOf<T>(x), format<T>(), rounding, quiet)));
  }
  finishFloat(op, rem);
  memory.copy(d, RESULT, bytes);
}
