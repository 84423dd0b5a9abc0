// Conversions between values and integers, and rounding to an integral value.

import { INVALID, PRECISION, fp } from './context.ts';
import { increases } from './round.ts';
import { FINITE, ZERO, a, setFinite, setValue, z } from './value.ts';

/** z = an integer. */
export function fromInteger(value: i64): void {
  const sign = u32(value < 0);
  const magnitude = sign ? 0 - <u64>value : <u64>value;
  if (!magnitude) {
    setValue(z, ZERO, 0);
    return;
  }
  const shift = <i32>clz<u64>(magnitude);
  setFinite(z, sign, 63 - shift, magnitude << shift, 0);
}

/** What is below one: its first bit in bit 63, the lowest sticky. Set by `integerPart`. */
let fraction: u64 = 0;

/** Magnitude of the integer in a, a finite value below 2^64. */
function integerPart(): u64 {
  if (a.exponent >= 63) {
    fraction = 0;
    return a.significand;
  }
  if (a.exponent < 0) {
    fraction = a.exponent == -1 ? a.significand : 1;
    return 0;
  }
  fraction = a.significand << (a.exponent + 1);
  return a.significand >> (63 - a.exponent);
}

/** a as a signed integer of 16, 32 or 64 bits, rounded; where it does not fit INVALID is raised and the integer indefinite answered. */
export function toInteger(bits: u32, rounding: u32): i64 {
  const indefinite = (<i64>-1) << (bits - 1);
  if (a.kind == ZERO) return 0;
  if (a.kind != FINITE || a.exponent >= 64) {
    fp.raised |= INVALID;
    return indefinite;
  }
  let magnitude = integerPart();
  const up = increases(fraction, a.sign, (magnitude & 1) != 0, rounding);
  if (up) magnitude++;
  const limit = ((<u64>1) << (bits - 1)) - 1 + <u64>a.sign;
  if (magnitude > limit || (up && !magnitude)) {
    fp.raised |= INVALID;
    return indefinite;
  }
  fp.roundedUp = up;
  if (fraction) fp.raised |= PRECISION;
  return a.sign ? 0 - <i64>magnitude : <i64>magnitude;
}

/** z = a, a finite value, rounded to an integral value; answers whether that changed it. */
export function toIntegral(rounding: u32): bool {
  fp.roundedUp = false;
  if (a.exponent >= 63) {
    setFinite(z, a.sign, a.exponent, a.significand, 0);
    return false;
  }
  let magnitude = integerPart();
  const inexact = fraction != 0;
  fp.roundedUp = increases(fraction, a.sign, (magnitude & 1) != 0, rounding);
  if (fp.roundedUp) magnitude++;
  if (!magnitude) setValue(z, ZERO, a.sign);
  else {
    const shift = <i32>clz<u64>(magnitude);
    setFinite(z, a.sign, 63 - shift, magnitude << shift, 0);
  }
  return inexact;
}
