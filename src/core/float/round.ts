// Rounding of a result to a format, with overflow, underflow and inexactness (SDM "Numeric Overflow Exception", "Numeric Underflow
// Exception", "Inexact-Result (Precision) Exception"). Tininess is detected after rounding.

import { DOWN, F80, NEAREST, OVERFLOW, PRECISION, TRUNCATE, UNDERFLOW, UP, fp } from './context.ts';
import {
  FINITE,
  INFINITE,
  INTEGER_BIT,
  ZERO,
  greatestExponent,
  leastExponent,
  setValue,
  significandBits,
  z,
} from './value.ts';
import { high, low, shiftRightSticky } from './wide.ts';

/** Bits below the kept ones, their first in bit 63 and the lowest sticky. */
function restBelow(bits: u32): u64 {
  return bits == 64 ? z.extra : (z.significand << bits) | u64(z.extra != 0);
}

/** Whether the rounding mode increases a magnitude whose dropped bits are `rest`. */
export function increases(rest: u64, sign: u32, odd: bool, rounding: u32): bool {
  if (!rest) return false;
  if (rounding == NEAREST) return rest > INTEGER_BIT || (rest == INTEGER_BIT && odd);
  if (rounding == DOWN) return sign != 0;
  return rounding == UP && !sign;
}

/** Rounds the significand of z to so many bits, whatever its exponent; answers whether it was inexact. */
function roundSignificand(bits: u32): bool {
  const rest = restBelow(bits);
  const unit = (<u64>1) << (64 - bits);
  z.extra = 0;
  z.significand &= ~(unit - 1);
  fp.roundedUp = increases(rest, z.sign, (z.significand & unit) != 0, fp.rounding);
  if (fp.roundedUp) {
    z.significand += unit;
    if (z.significand < unit) {
      z.significand = INTEGER_BIT;
      z.exponent++;
    }
  }
  return rest != 0;
}

/** Whether rounding to so many bits carries into the next power of two. */
function carries(bits: u32): bool {
  const unit = (<u64>1) << (64 - bits);
  return z.significand >= 0 - unit && increases(restBelow(bits), z.sign, true, fp.rounding);
}

/** Rounds z, a finite value other than zero, to a format. */
export function roundTo(format: u32): void {
  roundResult(significandBits(format), leastExponent(format), greatestExponent(format));
}

/** Rounds z to an x87 register under precision control. */
export function roundToRegister(): void {
  roundResult(fp.precision, leastExponent(F80), greatestExponent(F80));
}

function roundResult(bits: u32, least: i32, greatest: i32): void {
  if (z.exponent < least && !(z.exponent == least - 1 && carries(bits))) {
    roundTiny(bits, least);
    return;
  }
  if (z.exponent < least) {
    // It becomes the smallest normal value.
    fp.roundedUp = true;
    fp.raised |= PRECISION;
    z.exponent = least;
    z.significand = INTEGER_BIT;
    z.extra = 0;
    return;
  }
  const inexact = roundSignificand(bits);
  if (z.exponent > greatest) overflow(bits, greatest, inexact);
  else if (inexact) fp.raised |= PRECISION;
}

function roundTiny(bits: u32, least: i32): void {
  if (!(fp.masks & UNDERFLOW)) {
    fp.raised |= UNDERFLOW;
    if (roundSignificand(bits)) fp.raised |= PRECISION;
    z.exponent += fp.wrap;
    if (fp.wrap && z.exponent < least) {
      // FSCALE can go even further down.
      fp.raised |= PRECISION;
      fp.roundedUp = false;
      setValue(z, ZERO, z.sign);
    }
    return;
  }
  if (fp.flushToZero) {
    fp.raised |= UNDERFLOW | PRECISION;
    fp.roundedUp = false;
    setValue(z, ZERO, z.sign);
    return;
  }
  const shift = least - z.exponent;
  shiftRightSticky(z.significand, z.extra, <u32>(shift > 200 ? 200 : shift));
  z.significand = high;
  z.extra = low;
  z.exponent = least;
  if (roundSignificand(bits)) fp.raised |= UNDERFLOW | PRECISION;
  if (!z.significand) setValue(z, ZERO, z.sign);
}

function overflow(bits: u32, greatest: i32, inexact: bool): void {
  fp.raised |= OVERFLOW;
  if (!(fp.masks & OVERFLOW)) {
    if (inexact) fp.raised |= PRECISION;
    z.exponent -= fp.wrap;
    if (fp.wrap && z.exponent > greatest) {
      // FSCALE can go even further up.
      fp.raised |= PRECISION;
      fp.roundedUp = true;
      setValue(z, INFINITE, z.sign);
    }
    return;
  }
  fp.raised |= PRECISION;
  const finite = fp.rounding == TRUNCATE || fp.rounding == (z.sign ? UP : DOWN);
  fp.roundedUp = !finite;
  if (finite) {
    z.kind = FINITE;
    z.exponent = greatest;
    z.significand = ~(((<u64>1) << (64 - bits)) - 1);
  } else setValue(z, INFINITE, z.sign);
}
