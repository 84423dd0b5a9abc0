// ADDPS and its kin, HADDPS, ADDSUBPS, DPPS: every element, or pairs of them.

import { ADD, DIVIDE, MULTIPLY, SUBTRACT, beginSse } from '../float/sse.ts';
import { PRECISION } from '../float/context.ts';
import { MXCSR } from '../layout.ts';
import { MAXIMUM, MINIMUM, PRECISION_MASK, RESULT, ROUNDING, SQUARE_ROOT, element, finishFloat } from './float.ts';

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
