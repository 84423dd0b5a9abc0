// FPREM and FPREM1: remainders, exact, in steps of at most 63 binary places (SDM "FPREM—Partial Remainder").

import { DENORMAL, F80, INVALID, fp } from '../float/context.ts';
import { roundTo } from '../float/round.ts';
import {
  FINITE,
  INFINITE,
  ZERO,
  a,
  b,
  copyValue,
  loadExtended,
  setFinite,
  setIndefinite,
  setValue,
  z,
} from '../float/value.ts';
import { X87_STATUS } from '../layout.ts';
import { takeNaN } from './nans.ts';
import { C0, C1, C2, C3, begin, isEmpty, settle, st, stackFault, storeResult, withheld } from './registers.ts';

let quotient: u64 = 0; // its low bits
let partial: bool = false; // the reduction is not complete

/** `nearest`: FPREM1, whose quotient is rounded to the nearest integer; else it is truncated. */
export function remainder(nearest: bool): void {
  begin();
  quotient = 0;
  partial = false;
  store<u32>(X87_STATUS, load<u32>(X87_STATUS) & ~C2);
  let codes = false;
  if (isEmpty(0) || isEmpty(1)) stackFault(false);
  else {
    loadExtended(a, st(0));
    loadExtended(b, st(1));
    if (!takeNaN()) {
      codes = true;
      reduce(nearest);
    }
  }
  const stored = !withheld();
  settle();
  if (!stored) return;
  storeResult(0);
  if (codes && !(fp.raised & INVALID)) setQuotient();
}

function setQuotient(): void {
  const q = <u32>quotient;
  let status = load<u32>(X87_STATUS) & ~(C0 | C1 | C2 | C3);
  if (partial) status |= C2;
  else {
    if (q & 4) status |= C0;
    if (q & 2) status |= C3;
    if (q & 1) status |= C1;
  }
  store<u32>(X87_STATUS, status);
}

function reduce(nearest: bool): void {
  if (a.kind == INFINITE || b.kind == ZERO) {
    fp.raised |= INVALID;
    setIndefinite(z);
    return;
  }
  if (a.denormal || b.denormal) fp.raised |= DENORMAL;
  copyValue(z, a);
  if (withheld() || a.kind == ZERO) return;
  const difference = a.exponent - b.exponent;
  if (b.kind == INFINITE) quotient = 0;
  else if (difference < 64) complete(nearest, difference);
  else {
    partial = true;
    const places = (difference & 31) | 32; // between 32 and 63
    divideDown(a.significand, b.significand, places);
    finish(a.sign, a.exponent - places);
  }
  if (z.kind == FINITE) roundTo(F80);
  fp.roundedUp = false;
}

let rest: u64 = 0; // remainder of `divideDown`

/** rest = x x 2^places mod y, both with bit 63 set; the quotient's low bits go to `quotient`. */
function divideDown(x: u64, y: u64, places: i32): void {
  rest = x;
  quotient = u64(rest >= y);
  if (quotient) rest -= y;
  for (let i = 0; i < places; i++) {
    const out = rest >> 63;
    rest <<= 1;
    quotient <<= 1;
    if (out || rest >= y) {
      rest -= y;
      quotient |= 1;
    }
  }
}

function complete(nearest: bool, difference: i32): void {
  const divisor = b.significand;
  if (difference < 0) {
    // The quotient is below one; when it is above a half FPREM1 makes it one.
    if (!nearest || difference < -1 || a.significand <= divisor) return;
    quotient = 1;
    rest = (divisor << 1) - a.significand;
    finish(a.sign ^ 1, a.exponent);
    return;
  }
  divideDown(a.significand, divisor, difference);
  let sign = a.sign;
  if (nearest && (rest > divisor - rest || (rest == divisor - rest && quotient & 1))) {
    quotient++;
    rest = divisor - rest;
    sign ^= 1;
  }
  finish(sign, b.exponent);
}

/** z = rest x 2^(exponent - 63), with a sign. */
function finish(sign: u32, exponent: i32): void {
  if (!rest) {
    setValue(z, ZERO, a.sign);
    return;
  }
  const shift = <i32>clz<u64>(rest);
  setFinite(z, sign, exponent - shift, rest << shift, 0);
}
