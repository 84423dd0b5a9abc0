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
import { LESS, UNORDERED, GREATER, EQUAL } from '../float/arithmetic.ts';
import { CF, PF, ZF } from '../integer/status.ts';
import { setStatus } from '../flags.ts';
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
const PRECISION_MASK: u32 = PRECISION << 7;
const ROUNDING: u32 = 3 << 13;
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

// ---- Whole vectors, with PRECISION set and masked, rounding to nearest -------------------------------------------------------

/** @inline */
function computeAll<T>(operation: u32, a: v128, b: v128): v128 {
  if (operation == ADD) return v128.add<T>(a, b);
  if (operation == SUBTRACT) return v128.sub<T>(a, b);
  if (operation == MULTIPLY) return v128.mul<T>(a, b);
  if (operation == DIVIDE) return v128.div<T>(a, b);
  if (operation == MINIMUM) return v128.pmin<T>(b, a); // a < b ? a : b
  if (operation == MAXIMUM) return v128.pmax<T>(b, a);
  return v128.sqrt<T>(b);
}

/** Elements that are neither zero nor near the ends of the range. @inline */
function areInner<T>(a: v128): v128 {
  if (sizeof<T>() == 4) {
    const exponents = v128.and(i32x4.shr_u(a, 23), i32x4.splat(0xff));
    return v128.and(i32x4.gt_s(exponents, i32x4.splat(1)), i32x4.lt_s(exponents, i32x4.splat(0xfe)));
  }
  const exponents = v128.and(i64x2.shr_u(a, 52), i64x2.splat(0x7ff));
  return v128.and(i64x2.gt_s(exponents, i64x2.splat(1)), i64x2.lt_s(exponents, i64x2.splat(0x7fe)));
}

/** @inline */
function areZero<T>(a: v128): v128 {
  return v128.eq<T>(a, i64x2.splat(0));
}

/** @inline */
function areNegative<T>(a: v128): v128 {
  return sizeof<T>() == 4 ? i32x4.shr_s(a, 31) : i64x2.shr_s(a, 63);
}

/** Whether r is what the operation answers in all elements. @inline */
function areGood<T>(operation: u32, a: v128, b: v128, r: v128): bool {
  let good: v128;
  const innerB = areInner<T>(b);
  const zeroB = areZero<T>(b);
  if (operation == SQUARE_ROOT) good = v128.or(zeroB, v128.andnot(innerB, areNegative<T>(b)));
  else {
    const innerA = areInner<T>(a);
    const zeroA = areZero<T>(a);
    const tame = v128.and(v128.or(innerA, zeroA), v128.or(innerB, zeroB));
    if (operation >= MINIMUM) good = tame;
    else if (operation == ADD || operation == SUBTRACT) good = v128.and(tame, v128.or(areInner<T>(r), areZero<T>(r)));
    else if (operation == MULTIPLY) {
      good = v128.and(tame, v128.or(areInner<T>(r), v128.or(zeroA, zeroB)));
    } else good = v128.and(v128.and(tame, innerB), v128.or(areInner<T>(r), zeroA));
  }
  return i32x4.all_true(good);
}

/** Stores what waits in RESULT when nothing unmasked was raised. */
function commit(d: usize, op: usize, rem: i32): void {
  finishFloat(op, rem);
  store<v128>(d, load<v128>(RESULT));
}

/** ADDPS and its kin: every element. @inline */
export function packed<T>(operation: u32, d: usize, s: usize, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  if ((mxcsr & (PRECISION | PRECISION_MASK | ROUNDING)) == (PRECISION | PRECISION_MASK)) {
    const a = load<v128>(d);
    const b = load<v128>(s);
    const r = computeAll<T>(operation, a, b);
    if (areGood<T>(operation, a, b, r)) {
      store<v128>(d, r);
      return;
    }
  }
  carefulPacked<T>(operation, d, s, mxcsr, op, rem);
}

function carefulPacked<T>(operation: u32, d: usize, s: usize, mxcsr: u32, op: usize, rem: i32): void {
  beginSse(mxcsr);
  for (let i: usize = 0; i < 16; i += sizeof<T>()) {
    store<T>(RESULT + i, element<T>(operation, load<T>(d + i), load<T>(s + i), mxcsr));
  }
  commit(d, op, rem);
}

/** HADDPS and HSUBPS: neighbours, those of d first. @inline */
export function horizontal<T>(operation: u32, d: usize, s: usize, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  for (let i: usize = 0; i < 8; i += sizeof<T>()) {
    store<T>(RESULT + i, element<T>(operation, load<T>(d + 2 * i), load<T>(d + 2 * i + sizeof<T>()), mxcsr));
    store<T>(RESULT + 8 + i, element<T>(operation, load<T>(s + 2 * i), load<T>(s + 2 * i + sizeof<T>()), mxcsr));
  }
  commit(d, op, rem);
}

/** ADDSUBPS: even elements are subtracted, odd ones added. @inline */
export function alternating<T>(d: usize, s: usize, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  for (let i: usize = 0; i < 16; i += 2 * sizeof<T>()) {
    const k = i + sizeof<T>();
    store<T>(RESULT + i, element<T>(SUBTRACT, load<T>(d + i), load<T>(s + i), mxcsr));
    store<T>(RESULT + k, element<T>(ADD, load<T>(d + k), load<T>(s + k), mxcsr));
  }
  commit(d, op, rem);
}

/** DPPS and DPPD: products where n[7:4] says so, their sum to the places of n[3:0]. Each step raises on its own. @inline */
export function dotProduct<T>(d: usize, s: usize, n: u32, op: usize, rem: i32): void {
  const mxcsr = load<u32>(MXCSR);
  beginSse(mxcsr);
  for (let i: usize = 0; i < 16; i += sizeof<T>()) {
    const chosen = (n >> (4 + <u32>(i / sizeof<T>()))) & 1;
    store<T>(RESULT + i, chosen ? element<T>(MULTIPLY, load<T>(d + i), load<T>(s + i), mxcsr) : <T>0);
  }
  finishFloat(op, rem);
  let sum = element<T>(ADD, load<T>(RESULT), load<T>(RESULT + sizeof<T>()), mxcsr);
  if (sizeof<T>() == 4) {
    const upper = element<T>(ADD, load<T>(RESULT + 8), load<T>(RESULT + 12), mxcsr);
    finishFloat(op, rem);
    sum = element<T>(ADD, sum, upper, mxcsr);
  }
  finishFloat(op, rem);
  for (let i: usize = 0; i < 16; i += sizeof<T>()) {
    store<T>(d + i, (n >> <u32>(i / sizeof<T>())) & 1 ? sum : <T>0);
  }
}

// ---- Comparisons ------------------------------------------------------------------------------------------------------------

/** Outcomes (1 << LESS, EQUAL, GREATER, UNORDERED) that meet each predicate of CMPPS: EQ LT LE UNORD NEQ NLT NLE ORD. */
function predicate(n: u32): u32 {
  return (0x7ced8312 >> ((n & 7) * 4)) & 15;
}

function compareElement<T>(x: T, y: T, n: u32): bool {
  let order: u32;
  if (isSettled<T>(x) && isSettled<T>(y)) order = x < y ? LESS : x > y ? GREATER : EQUAL;
  else {
    const which = n & 3;
    order = compareSse(bitsOf<T>(x), bitsOf<T>(y), format<T>(), which == 1 || which == 2); // LT, LE and their negations
  }
  return ((predicate(n) >> order) & 1) != 0;
}

/** CMPPS, CMPSS: all ones where the predicate n holds. @inline */
export function comparePacked<T>(bytes: usize, d: usize, s: usize, n: u32, op: usize, rem: i32): void {
  beginSse(load<u32>(MXCSR));
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    const mask: u64 = compareElement<T>(load<T>(d + i), load<T>(s + i), n) ? ~(<u64>0) : 0;
    if (sizeof<T>() == 4) store<u32>(RESULT + i, <u32>mask);
    else store<u64>(RESULT + i, mask);
  }
  finishFloat(op, rem);
  memory.copy(d, RESULT, bytes);
}

function carefulFlags<T>(x: T, y: T, quietToo: bool, op: usize, rem: i32): void {
  beginSse(load<u32>(MXCSR));
  const order = compareSse(bitsOf<T>(x), bitsOf<T>(y), format<T>(), quietToo);
  finishFloat(op, rem);
  setStatus(order == UNORDERED ? ZF | PF | CF : order == LESS ? CF : order == EQUAL ? ZF : 0);
}

/** COMISS, UCOMISS: ZF, PF and CF by the order; OF, SF and AF 0. @inline */
export function compareFlags<T>(d: usize, s: usize, quietToo: bool, op: usize, rem: i32): void {
  const x = load<T>(d);
  const y = load<T>(s);
  if (isSettled<T>(x) && isSettled<T>(y)) setStatus(x < y ? CF : x == y ? ZF : 0);
  else carefulFlags<T>(x, y, quietToo, op, rem);
}
