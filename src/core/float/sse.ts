// Floating point by the rules of SSE, on the bits of f32 and f64: denormals-are-zero, flush-to-zero, NaNs of the first operand
// before those of the second (SDM "SSE and SSE2 Floating-Point Exceptions"). `begin` takes MXCSR; each operation adds what it
// raises to `fp.raised`. Where `stopped()` or an unmasked exception is raised the answer means nothing.

import { F32, F64, INVALID, DENORMAL, NEAREST, PRECISION, UNDERFLOW, fp } from './context.ts';
import { UNORDERED, add, compare, divide, multiply, squareRoot, subtract } from './arithmetic.ts';
import { fromInteger, toInteger, toIntegral } from './convert.ts';
import { roundTo } from './round.ts';
import {
  FINITE,
  QUIET,
  QUIET_BIT,
  SIGNALING,
  ZERO,
  a,
  b,
  copyValue,
  isNotANumber,
  operand,
  pack,
  setValue,
  z,
} from './value.ts';

const DAZ: u32 = 1 << 6;
const FTZ: u32 = 1 << 15;

// Operations.
export const ADD: u32 = 0;
export const MULTIPLY: u32 = 1;
export const SUBTRACT: u32 = 2;
export const DIVIDE: u32 = 3;

/** Prepares for operations under an MXCSR; `fp.raised` becomes 0. */
export function beginSse(mxcsr: u32): void {
  fp.rounding = (mxcsr >> 13) & 3;
  fp.masks = (mxcsr >> 7) & 0x3f;
  fp.raised = 0;
  fp.denormalsAreZero = (mxcsr & DAZ) != 0;
  fp.flushToZero = (mxcsr & FTZ) != 0 && (fp.masks & UNDERFLOW) != 0;
  fp.wrap = 0;
}

/** The NaN among the operands in z, quiet: the first operand's where both are. */
function takeNaN(): void {
  if (a.kind == SIGNALING || b.kind == SIGNALING) fp.raised |= INVALID;
  copyValue(z, isNotANumber(a) ? a : b);
  z.kind = QUIET;
  z.significand |= QUIET_BIT;
}

function finish(format: u32): u64 {
  if (z.kind == FINITE && !(fp.raised & 7 & ~fp.masks)) roundTo(format);
  return pack(z, format);
}

/** One of ADD, SUBTRACT, MULTIPLY, DIVIDE. */
export function arithmeticSse(operation: u32, x: u64, y: u64, format: u32): u64 {
  operand(a, x, format);
  operand(b, y, format);
  if (isNotANumber(a) || isNotANumber(b)) {
    takeNaN();
    return pack(z, format);
  }
  if (operation == ADD) add();
  else if (operation == SUBTRACT) subtract();
  else if (operation == MULTIPLY) multiply();
  else divide();
  return finish(format);
}

export function squareRootSse(x: u64, format: u32): u64 {
  operand(a, x, format);
  setValue(b, ZERO, 0);
  if (isNotANumber(a)) {
    takeNaN();
    return pack(z, format);
  }
  squareRoot();
  return finish(format);
}

/** LESS, EQUAL, GREATER or UNORDERED. A signaling NaN is invalid, with `quietToo` a quiet one is as well. */
export function compareSse(x: u64, y: u64, format: u32, quietToo: bool): u32 {
  operand(a, x, format);
  operand(b, y, format);
  if (isNotANumber(a) || isNotANumber(b)) {
    if (quietToo || a.kind == SIGNALING || b.kind == SIGNALING) fp.raised |= INVALID;
    return UNORDERED;
  }
  return compare();
}

/** f32 to f64 or f64 to f32. */
export function convertFormatSse(x: u64, from: u32, to: u32): u64 {
  operand(a, x, from);
  setValue(b, ZERO, 0);
  if (isNotANumber(a)) {
    takeNaN();
    return pack(z, to);
  }
  if (a.denormal) fp.raised |= DENORMAL;
  copyValue(z, a);
  return finish(to);
}

/** To a signed integer of 32 or 64 bits. */
export function toIntegerSse(x: u64, format: u32, bits: u32, rounding: u32): i64 {
  operand(a, x, format);
  return toInteger(bits, rounding);
}

export function fromIntegerSse(value: i64, format: u32): u64 {
  fromInteger(value);
  return finish(format);
}

/** ROUNDPS and its kin: to an integral value; `quiet` suppresses PRECISION. */
export function roundSse(x: u64, format: u32, rounding: u32, quiet: bool): u64 {
  operand(a, x, format);
  setValue(b, ZERO, 0);
  if (isNotANumber(a)) takeNaN();
  else if (a.kind == FINITE) {
    if (toIntegral(rounding) && !quiet) fp.raised |= PRECISION;
  } else copyValue(z, a);
  return pack(z, format);
}

// ---- The common case ----------------------------------------------------------------------------------------------------

/**
 * Whether WebAssembly's own arithmetic has the same outcome, provided that operands and result are normal: round to nearest, and
 * PRECISION, the only exception left, is already set and masked in MXCSR.
 */
export function isPlain(mxcsr: u32): bool {
  return (mxcsr & (PRECISION | (PRECISION << 7) | (3 << 13))) == (PRECISION | (PRECISION << 7) | (NEAREST << 13));
}

/** Whether an f32 is neither zero, denormal, infinite nor NaN, nor the least or the greatest of binades. @inline */
export function isOrdinary32(bits: u32): bool {
  return ((bits >> 23) & 0xff) - 2 < 0xfc;
}

/** The same of an f64. @inline */
export function isOrdinary64(bits: u64): bool {
  return ((bits >> 52) & 0x7ff) - 2 < 0x7fc;
}

export { F32, F64 };
