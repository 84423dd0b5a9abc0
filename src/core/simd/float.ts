// Floating-point arithmetic of SSE. What is ordinary is computed by WebAssembly's own f32 and f64, everything else by ../float,
// with the same outcome. All elements are computed before anything is stored; exceptions of all of them go to MXCSR together.
//
// WebAssembly rounds to nearest and tells no exceptions. So its result stands when the mode is nearest, operands and result are zero or
// well inside the normal range, and PRECISION, the only exception left, is masked and either set already or known not to be met.

import {
  ADD,
  DIVIDE,
  F32,
  F64,
  MULTIPLY,
  SUBTRACT,
  arithmeticSse,
  beginSse,
  compareSse,
  squareRootSse,
} from '../float/sse.ts';
import { DENORMAL, INVALID, PRECISION, ZERO_DIVIDE, fp } from '../float/context.ts';
import { GREATER, LESS, UNORDERED } from '../float/arithmetic.ts';
import { MXCSR, SCRATCH } from '../layout.ts';
import { syncOp } from '../sync.ts';
import { raiseSimd } from '../x87/checks.ts';

/** Results wait here until every element has one. */
export const RESULT: usize = SCRATCH + 0x80;

// Operations: those of float/sse.ts, then these.
export const SQUARE_ROOT: u32 = 4;
export const MINIMUM: u32 = 5;
export const MAXIMUM: u32 = 6;

const DAZ: u32 = 1 << 6;
export const PRECISION_MASK: u32 = PRECISION << 7;
export const ROUNDING: u32 = 3 << 13;
const BEFORE_COMPUTING: u32 = INVALID | DENORMAL | ZERO_DIVIDE;

/** @inline */
export function format<T>(): u32 {
  return sizeof<T>() == 4 ? F32 : F64;
}

/** @inline */
export function bitsOf<T>(x: T): u64 {
  return sizeof<T>() == 4 ? <u64>reinterpret<u32>(<f32>x) : reinterpret<u64>(<f64>x);
}

/** @inline */
export function ofBits<T>(bits: u64): T {
  return sizeof<T>() == 4 ? <T>reinterpret<f32>(<u32>bits) : <T>reinterpret<f64>(bits);
}

/** Neither zero nor near the ends of the range of normal values. @inline */
export function isInner<T>(x: T): bool {
  return sizeof<T>() == 4
    ? (<u32>(bitsOf<T>(x) >> 23) & 0xff) - 2 < 0xfc
    : (<u32>(bitsOf<T>(x) >> 52) & 0x7ff) - 2 < 0x7fc;
}

/** Zero, or such a value. @inline */
export function isTame<T>(x: T): bool {
  return isInner<T>(x) || x == <T>0;
}

/** Neither NaN nor denormal. @inline */
export function isSettled<T>(x: T): bool {
  return sizeof<T>() == 4
    ? (<u32>bitsOf<T>(x) & 0x7fffffff) - 0x800000 <= 0x7f000000 || x == <T>0
    : (bitsOf<T>(x) & 0x7fffffffffffffff) - 0x10000000000000 <= 0x7fe0000000000000 || x == <T>0;
}

/** Whether rounding is to nearest with PRECISION masked. @inline */
export function isNearest(mxcsr: u32): bool {
  return (mxcsr & (PRECISION_MASK | ROUNDING)) == PRECISION_MASK;
}

/** What WebAssembly computes. @inline */
function compute<T>(operation: u32, x: T, y: T): T {
  if (operation == ADD) return x + y;
  if (operation == SUBTRACT) return x - y;
  if (operation == MULTIPLY) return x * y;
  if (operation == DIVIDE) return x / y;
  return <T>sqrt<T>(y);
}

/** Whether the rounding error of x + y = r is zero, all three tame (the sum of r and its error is exact). @inline */
function isExactSum<T>(x: T, y: T, r: T): bool {
  const part = r - x;
  return x - (r - part) + (y - part) == <T>0;
}

/** Whether x * y is exactly r, all tame; may deny it. @inline */
function isExactProduct<T>(x: T, y: T, r: T): bool {
  if (sizeof<T>() == 4) return <f64>x * <f64>y == <f64>r;
  return !((bitsOf<T>(x) | bitsOf<T>(y)) & 0x7ffffff) && x * y == r; // at most 26 bits each
}

/** Whether r is what the operation answers, and raises nothing that is not in MXCSR. @inline */
function isGood<T>(operation: u32, x: T, y: T, r: T, mxcsr: u32): bool {
  if (!isNearest(mxcsr)) return false;
  const known = (mxcsr & PRECISION) != 0;
  if (operation == ADD) return isTame<T>(x) && isTame<T>(y) && isTame<T>(r) && (known || isExactSum<T>(x, y, r));
  if (operation == SUBTRACT) return isTame<T>(x) && isTame<T>(y) && isTame<T>(r) && (known || isExactSum<T>(x, -y, r));
  if (operation == MULTIPLY) {
    if (isInner<T>(r)) return isInner<T>(x) && isInner<T>(y) && (known || isExactProduct<T>(x, y, r));
    return (x == <T>0 && isTame<T>(y)) || (y == <T>0 && isTame<T>(x));
  }
  if (operation == DIVIDE) {
    if (!isInner<T>(y)) return false;
    return x == <T>0 || (isInner<T>(x) && isInner<T>(r) && (known || isExactProduct<T>(r, y, x)));
  }
  return y == <T>0 || (y > <T>0 && isInner<T>(y) && (known || isExactProduct<T>(r, r, y)));
}

/** A denormal under denormals-are-zero is a zero of its sign. */
function flushed<T>(x: T): T {
  if (!(load<u32>(MXCSR) & DAZ)) return x;
  const bits = bitsOf<T>(x);
  if (sizeof<T>() == 4) return bits & 0x7f800000 ? x : ofBits<T>(bits & 0x80000000);
  return bits & 0x7ff0000000000000 ? x : ofBits<T>(bits & 0x8000000000000000);
}

/** MIN and MAX: the second operand when both are zero or one is a NaN, which is invalid even when quiet. */
function select<T>(operation: u32, x: T, y: T): T {
  const order = compareSse(bitsOf<T>(x), bitsOf<T>(y), format<T>(), true);
  if (order == UNORDERED) return flushed<T>(y);
  return flushed<T>(order == (operation == MINIMUM ? LESS : GREATER) ? x : y);
}

/** The exact way, for one element; `beginSse` was called. */
export function careful<T>(operation: u32, x: T, y: T): T {
  if (operation >= MINIMUM) return select<T>(operation, x, y);
  if (operation == SQUARE_ROOT) return ofBits<T>(squareRootSse(bitsOf<T>(y), format<T>()));
  return ofBits<T>(arithmeticSse(operation, bitsOf<T>(x), bitsOf<T>(y), format<T>()));
}

/** Whether MIN or MAX of settled values is the first; of equal ones it is the second. @inline */
function isChosen<T>(operation: u32, x: T, y: T): bool {
  return operation == MINIMUM ? x < y : x > y;
}

/** One element of a packed instruction. @inline */
export function element<T>(operation: u32, x: T, y: T, mxcsr: u32): T {
  if (operation >= MINIMUM) {
    if (isSettled<T>(x) && isSettled<T>(y)) return isChosen<T>(operation, x, y) ? x : y;
  } else {
    const r = compute<T>(operation, x, y);
    if (isGood<T>(operation, x, y, r, mxcsr)) return r;
  }
  return careful<T>(operation, x, y);
}

/** Adds what was raised to MXCSR; raises #XM (or #UD) when some of it is unmasked. */
export function finishFloat(op: usize, rem: i32): void {
  if (!fp.raised) return;
  const unmasked = ~fp.masks;
  if (fp.raised & BEFORE_COMPUTING & unmasked) fp.raised &= BEFORE_COMPUTING;
  store<u32>(MXCSR, load<u32>(MXCSR) | fp.raised);
  if (fp.raised & unmasked) {
    syncOp(op, rem);
    raiseSimd();
  }
}

function carefulScalar<T>(operation: u32, d: usize, x: T, y: T, op: usize, rem: i32): void {
  beginSse(load<u32>(MXCSR));
  const r = careful<T>(operation, x, y);
  finishFloat(op, rem);
  store<T>(d, r);
}

/** ADDSS and its kin: the lowest element. @inline */
export function scalar<T>(operation: u32, d: usize, s: usize, op: usize, rem: i32): void {
  const x = load<T>(d);
  const y = load<T>(s);
  if (operation >= MINIMUM) {
    if (isSettled<T>(x) && isSettled<T>(y)) {
      store<T>(d, isChosen<T>(operation, x, y) ? x : y);
      return;
    }
  } else {
    const r = compute<T>(operation, x, y);
    if (isGood<T>(operation, x, y, r, load<u32>(MXCSR))) {
      store<T>(d, r);
      return;
    }
  }
  carefulScalar<T>(operation, d, x, y, op, rem);
}
