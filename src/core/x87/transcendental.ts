// FSIN, FCOS, FSINCOS, FPTAN, FPATAN, F2XM1, FYL2X, FYL2XP1: operands, special cases, results (SDM "Transcendental Instructions",
// and the tables of the instructions).

import { DENORMAL, F80, INVALID, ZERO_DIVIDE, fp } from '../float/context.ts';
import { multiply } from '../float/arithmetic.ts';
import { fromInteger } from '../float/convert.ts';
import { Precise } from '../float/precise.ts';
import { roundTo } from '../float/round.ts';
import {
  FINITE,
  INFINITE,
  INTEGER_BIT,
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
import {
  HALF_PI,
  ONE,
  PI,
  arctangentOfRatio,
  binaryLogarithm,
  binaryLogarithmPlusOne,
  isReducible,
  powerOfTwoMinusOne,
  sineAndCosine,
} from './functions.ts';
import { takeNaN, takeOwnNaN } from './nans.ts';
import { C2, begin, isEmpty, pop, pushResult, settle, st, stackFault, storeResult, withheld } from './registers.ts';

const x: Precise = new Precise();
const y: Precise = new Precise();
const first: Precise = new Precise();
const second: Precise = new Precise();
const LIMIT_PLUS_ONE: i32 = -1; // exponent below which FYL2XP1's own series is used

/** Rounds an irrational result into z. */
function roundIrrational(value: Precise): void {
  setFinite(z, value.sign, value.exponent, value.high, value.low | 1);
  roundTo(F80);
}

function invalid(): void {
  fp.raised |= INVALID;
  setIndefinite(z);
}

function clearC2(): void {
  store<u32>(X87_STATUS, load<u32>(X87_STATUS) & ~C2);
}

// ---- Trigonometric functions ----------------------------------------------------------------------------------------------------

/** ST(0) into a. Answers false when z has the result already. */
function takeAngle(pushes: bool): bool {
  begin();
  clearC2();
  if (isEmpty(0) || (pushes && !isEmpty(7))) {
    stackFault(!isEmpty(0));
    return false;
  }
  loadExtended(a, st(0));
  if (takeOwnNaN()) return false;
  if (a.kind == INFINITE) {
    invalid();
    return false;
  }
  if (a.denormal) fp.raised |= DENORMAL;
  return true;
}

/** An argument of 2^63 or more: C2 says that it was not reduced, and nothing else happens. */
function outOfRange(): bool {
  if (a.kind != FINITE || isReducible(a.exponent)) return false;
  settle();
  store<u32>(X87_STATUS, load<u32>(X87_STATUS) | C2);
  return true;
}

function deliver(): void {
  const stored = !withheld();
  settle();
  if (stored) storeResult(0);
}

export function sine(): void {
  if (takeAngle(false)) {
    if (outOfRange()) return;
    if (a.kind == ZERO) copyValue(z, a);
    else if (!withheld()) {
      sineAndCosine(first, second, a.sign, a.exponent, a.significand);
      roundIrrational(first);
    }
  }
  deliver();
}

export function cosine(): void {
  if (takeAngle(false)) {
    if (outOfRange()) return;
    if (a.kind == ZERO) setFinite(z, 0, 0, INTEGER_BIT, 0);
    else if (!withheld()) {
      sineAndCosine(first, second, a.sign, a.exponent, a.significand);
      roundIrrational(second);
    }
  }
  deliver();
}

/** Stores z in ST(0) and pushes `b`. */
function deliverTwo(): void {
  const stored = !withheld();
  settle();
  if (!stored) return;
  storeResult(0);
  copyValue(z, b);
  pushResult();
}

/** FSINCOS: the cosine is pushed. */
export function sineCosine(): void {
  if (takeAngle(true)) {
    if (outOfRange()) return;
    if (a.kind == ZERO) {
      copyValue(z, a);
      setFinite(b, 0, 0, INTEGER_BIT, 0);
    } else if (!withheld()) {
      sineAndCosine(first, second, a.sign, a.exponent, a.significand);
      roundIrrational(second);
      copyValue(b, z);
      roundIrrational(first);
    }
  } else copyValue(b, z);
  deliverTwo();
}

/** FPTAN: 1 is pushed. */
export function tangent(): void {
  if (takeAngle(true)) {
    if (outOfRange()) return;
    if (a.kind == ZERO) copyValue(z, a);
    else if (!withheld()) {
      sineAndCosine(first, second, a.sign, a.exponent, a.significand);
      first.divide(first, second);
      roundIrrational(first);
    }
    setFinite(b, 0, 0, INTEGER_BIT, 0);
  } else copyValue(b, z);
  deliverTwo();
}

// ---- Functions of ST(1) and ST(0) that pop ----------------------------------------------------------------------------------------

/** ST(0) into a and ST(1) into b. Answers false when z has the result already. */
function takePair(): bool {
  begin();
  if (isEmpty(0) || isEmpty(1)) {
    stackFault(false);
    return false;
  }
  loadExtended(a, st(0));
  loadExtended(b, st(1));
  return !takeNaN();
}

function deliverPopped(): void {
  const stored = !withheld();
  settle();
  if (!stored) return;
  storeResult(1);
  pop();
}

/** FPATAN: the angle of the point (ST(0), ST(1)). */
export function arctangent(): void {
  if (takePair()) angle();
  deliverPopped();
}

function angle(): void {
  if (a.denormal || b.denormal) fp.raised |= DENORMAL;
  if (withheld()) return;
  const sign = b.sign;
  if (b.kind == ZERO || (a.kind == INFINITE && b.kind != INFINITE)) {
    if (a.sign) first.copy(PI);
    else {
      setValue(z, ZERO, sign);
      return;
    }
  } else if (b.kind == INFINITE && a.kind == INFINITE) {
    // pi/4 or 3 pi/4
    first.copy(HALF_PI);
    first.exponent--;
    if (a.sign) first.add(first, HALF_PI);
  } else if (b.kind == INFINITE || a.kind == ZERO) first.copy(HALF_PI);
  else {
    x.set(0, a.exponent, a.significand, 0);
    y.set(0, b.exponent, b.significand, 0);
    const steep = b.exponent > a.exponent || (b.exponent == a.exponent && b.significand > a.significand);
    if (steep) {
      arctangentOfRatio(first, x, y);
      first.sign ^= 1;
      first.add(HALF_PI, first);
    } else arctangentOfRatio(first, y, x);
    if (a.sign) {
      first.sign ^= 1;
      first.add(PI, first);
    }
  }
  first.sign = sign;
  roundIrrational(first);
}

/** FYL2X: ST(1) x log2(ST(0)). */
export function logarithm(): void {
  if (takePair()) yTimesLogarithm();
  deliverPopped();
}

function yTimesLogarithm(): void {
  if (a.kind == ZERO) {
    if (b.kind == ZERO) invalid();
    else {
      if (b.kind == FINITE) fp.raised |= ZERO_DIVIDE;
      setValue(z, INFINITE, b.sign ^ 1);
    }
    return;
  }
  if (a.sign) {
    invalid();
    return;
  }
  const power = a.kind == FINITE && a.significand == INTEGER_BIT;
  const isOne = power && a.exponent == 0;
  if ((a.kind == INFINITE && b.kind == ZERO) || (isOne && b.kind == INFINITE)) {
    invalid();
    return;
  }
  if (a.denormal || b.denormal) fp.raised |= DENORMAL;
  if (withheld()) return;
  const negative = u32(a.kind == FINITE && a.exponent < 0); // the logarithm
  if (a.kind == INFINITE || b.kind == INFINITE) setValue(z, INFINITE, b.sign ^ negative);
  else if (b.kind == ZERO || isOne) setValue(z, ZERO, b.sign ^ negative);
  else if (power) {
    fromInteger(<i64>a.exponent);
    copyValue(a, z);
    multiply();
    roundTo(F80);
  } else {
    x.set(0, a.exponent, a.significand, 0);
    binaryLogarithm(first, x);
    timesB();
  }
}

/** z = first x b. */
function timesB(): void {
  y.set(b.sign, b.exponent, b.significand, 0);
  first.multiply(first, y);
  roundIrrational(first);
}

/** FYL2XP1: ST(1) x log2(ST(0) + 1). */
export function logarithmPlusOne(): void {
  if (takePair()) yTimesLogarithmPlusOne();
  deliverPopped();
}

function yTimesLogarithmPlusOne(): void {
  if ((a.kind == ZERO && b.kind == INFINITE) || (a.kind == INFINITE && (a.sign || b.kind == ZERO))) {
    invalid();
    return;
  }
  if (a.denormal || b.denormal) fp.raised |= DENORMAL;
  if (withheld()) return;
  const sign = a.sign ^ b.sign;
  if (a.kind == INFINITE || b.kind == INFINITE) setValue(z, INFINITE, sign);
  else if (a.kind == ZERO || b.kind == ZERO) setValue(z, ZERO, sign);
  else if (a.sign && a.exponent >= 0) invalid();
  else {
    x.set(a.sign, a.exponent, a.significand, 0);
    if (a.exponent < LIMIT_PLUS_ONE) binaryLogarithmPlusOne(first, x);
    else {
      second.add(x, ONE);
      binaryLogarithm(first, second);
    }
    timesB();
  }
}

/** F2XM1: 2^ST(0) - 1. Beyond -1 to 1 the manual leaves the result open: ST(0) stays. */
export function exponential(): void {
  begin();
  if (isEmpty(0)) stackFault(false);
  else {
    loadExtended(a, st(0));
    if (!takeOwnNaN()) {
      if (a.denormal) fp.raised |= DENORMAL;
      power();
    }
  }
  deliver();
}

function power(): void {
  copyValue(z, a);
  if (a.kind == ZERO || withheld()) return;
  if (a.kind == INFINITE || a.exponent >= 0) {
    // 2^1 - 1 is 1, 2^-1 - 1 is -1/2, and 2^-infinity - 1 is -1
    if (a.kind == INFINITE && a.sign) setFinite(z, 1, 0, INTEGER_BIT, 0);
    else if (a.kind == FINITE && a.sign && a.exponent == 0 && a.significand == INTEGER_BIT) z.exponent = -1;
    return;
  }
  x.set(a.sign, a.exponent, a.significand, 0);
  powerOfTwoMinusOne(first, x);
  roundIrrational(first);
}
