// Sum, difference, product, quotient and square root of the operands `a` and `b` that are no NaNs, and their comparison. The
// result is in `z`, not yet rounded when it is finite. Invalid operations and divisions by zero are raised here.

import { DENORMAL, DOWN, INVALID, ZERO_DIVIDE, fp } from './context.ts';
import { FINITE, INFINITE, ZERO, a, b, copyValue, setFinite, setIndefinite, setValue, z } from './value.ts';
import { divideWide, high, low, multiplyWide, quotient, remainder, shiftLeft, shiftRightSticky } from './wide.ts';

function invalid(): void {
  fp.raised |= INVALID;
  setIndefinite(z);
}

/** Raises the denormal-operand exception where an operand calls for it. */
function noteDenormals(): void {
  if (a.denormal || b.denormal) fp.raised |= DENORMAL;
}

/** z = a + b. */
export function add(): void {
  addSigned(b.sign);
}

/** z = a - b. */
export function subtract(): void {
  addSigned(b.sign ^ 1);
}

function addSigned(sign: u32): void {
  if (a.kind == INFINITE && b.kind == INFINITE && a.sign != sign) {
    invalid();
    return;
  }
  noteDenormals();
  if (a.kind == INFINITE) setValue(z, INFINITE, a.sign);
  else if (b.kind == INFINITE) setValue(z, INFINITE, sign);
  else if (b.kind == ZERO) {
    if (a.kind == ZERO) setValue(z, ZERO, a.sign == sign ? sign : u32(fp.rounding == DOWN));
    else copyValue(z, a);
  } else if (a.kind == ZERO) {
    copyValue(z, b);
    z.sign = sign;
  } else if (a.sign == sign) addMagnitudes();
  else subtractMagnitudes(sign);
}

function addMagnitudes(): void {
  const larger = a.exponent >= b.exponent ? a : b;
  const smaller = a.exponent >= b.exponent ? b : a;
  shiftRightSticky(smaller.significand, 0, <u32>(larger.exponent - smaller.exponent));
  const sum = larger.significand + high;
  if (sum >= high) setFinite(z, a.sign, larger.exponent, sum, low);
  else {
    shiftRightSticky(sum, low, 1);
    setFinite(z, a.sign, larger.exponent + 1, high | 0x8000000000000000, low);
  }
}

function subtractMagnitudes(sign: u32): void {
  const swap = a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand);
  const larger = swap ? b : a;
  const smaller = swap ? a : b;
  shiftRightSticky(smaller.significand, 0, <u32>(larger.exponent - smaller.exponent));
  const extra = 0 - low;
  const difference = larger.significand - high - u64(low != 0);
  if (!difference && !extra) {
    setValue(z, ZERO, u32(fp.rounding == DOWN));
    return;
  }
  const count = difference ? <u32>clz<u64>(difference) : 64 + <u32>clz<u64>(extra);
  shiftLeft(difference, extra, count);
  setFinite(z, swap ? sign : a.sign, larger.exponent - <i32>count, high, low);
}

/** z = a x b. */
export function multiply(): void {
  const sign = a.sign ^ b.sign;
  if ((a.kind == INFINITE && b.kind == ZERO) || (a.kind == ZERO && b.kind == INFINITE)) {
    invalid();
    return;
  }
  noteDenormals();
  if (a.kind == INFINITE || b.kind == INFINITE) setValue(z, INFINITE, sign);
  else if (a.kind == ZERO || b.kind == ZERO) setValue(z, ZERO, sign);
  else {
    multiplyWide(a.significand, b.significand);
    const exponent = a.exponent + b.exponent;
    if (high >> 63) setFinite(z, sign, exponent + 1, high, low);
    else setFinite(z, sign, exponent, (high << 1) | (low >> 63), low << 1);
  }
}

/** z = a / b. */
export function divide(): void {
  const sign = a.sign ^ b.sign;
  if ((a.kind == INFINITE && b.kind == INFINITE) || (a.kind == ZERO && b.kind == ZERO)) {
    invalid();
    return;
  }
  if (a.kind == FINITE && b.kind == ZERO) {
    fp.raised |= ZERO_DIVIDE;
    setValue(z, INFINITE, sign);
    return;
  }
  noteDenormals();
  if (a.kind == INFINITE) setValue(z, INFINITE, sign);
  else if (a.kind == ZERO || b.kind == INFINITE) setValue(z, ZERO, sign);
  else divideFinite(sign);
}

function divideFinite(sign: u32): void {
  const below = a.significand < b.significand;
  if (below) divideWide(a.significand, 0, b.significand);
  else divideWide(a.significand >> 1, a.significand << 63, b.significand);
  const q = quotient;
  const r = remainder;
  // The next bit, and a sticky one.
  const next = r >= b.significand - r;
  const rest = next ? r - (b.significand - r) : r;
  setFinite(z, sign, a.exponent - b.exponent - i32(below), q, ((<u64>next) << 63) | u64(rest != 0));
}

/** z = square root of a. */
export function squareRoot(): void {
  if (a.kind == ZERO) {
    setValue(z, ZERO, a.sign);
    return;
  }
  if (a.sign) {
    invalid();
    return;
  }
  if (a.denormal) fp.raised |= DENORMAL;
  if (a.kind == INFINITE) setValue(z, INFINITE, 0);
  else rootFinite();
}

/** Digit by digit: the root of significand x 2^63 (or x 2^64 where the exponent is odd), a number of 64 bits. */
function rootFinite(): void {
  const odd = (a.exponent & 1) != 0;
  let upper = odd ? a.significand : a.significand >> 1;
  let lower: u64 = odd ? 0 : a.significand << 63;
  let root: u64 = 0;
  let rest: u64 = 0; // remainder, less than 2 x root + 1: its bit 64 is `carry`
  let carry: u64 = 0;
  for (let i = 0; i < 64; i++) {
    // remainder = remainder x 4 + the next two bits; trial = root x 4 + 1
    carry = (carry << 2) | (rest >> 62);
    rest = (rest << 2) | (upper >> 62);
    upper = (upper << 2) | (lower >> 62);
    lower <<= 2;
    const trialHigh = root >> 62;
    const trial = (root << 2) | 1;
    root <<= 1;
    if (carry > trialHigh || (carry == trialHigh && rest >= trial)) {
      carry = carry - trialHigh - u64(rest < trial);
      rest -= trial;
      root |= 1;
    }
  }
  // The root lies above root + 1/2 when the remainder is greater than root; it never is exactly half-way.
  const extra = ((<u64>(carry != 0 || rest > root)) << 63) | u64((carry | rest) != 0);
  setFinite(z, 0, a.exponent >> 1, root, extra);
}

// ---- Comparison ---------------------------------------------------------------------------------------------------------

export const LESS: u32 = 0;
export const EQUAL: u32 = 1;
export const GREATER: u32 = 2;
export const UNORDERED: u32 = 3;

/** How a relates to b; neither is a NaN. */
export function compare(): u32 {
  noteDenormals();
  if (a.kind == ZERO && b.kind == ZERO) return EQUAL;
  if (a.kind == ZERO) return b.sign ? GREATER : LESS;
  if (b.kind == ZERO || a.sign != b.sign) return a.sign ? LESS : GREATER;
  const order = compareMagnitudes();
  return a.sign ? GREATER - order : order;
}

function compareMagnitudes(): u32 {
  if (a.kind != b.kind) return a.kind == INFINITE ? GREATER : LESS;
  if (a.kind == INFINITE) return EQUAL;
  if (a.exponent != b.exponent) return a.exponent > b.exponent ? GREATER : LESS;
  if (a.significand == b.significand) return EQUAL;
  return a.significand > b.significand ? GREATER : LESS;
}
