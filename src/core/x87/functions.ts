// The functions behind the transcendental instructions, in 128 bits: series that stop where a term no longer counts.

import { Precise } from '../float/precise.ts';

/** Terms this many binary places below a sum no longer count. */
const ENOUGH: i32 = 110;

const term: Precise = new Precise();
const square: Precise = new Precise();
const part: Precise = new Precise();
const other: Precise = new Precise();

export const ONE: Precise = new Precise().set(0, 0, 0x8000000000000000, 0);
export const PI: Precise = new Precise().set(0, 1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
export const HALF_PI: Precise = new Precise().set(0, 0, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
const QUARTER_PI: Precise = new Precise().set(0, -1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
const LN_2: Precise = new Precise().set(0, -1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);
const LOG2_E: Precise = new Precise().set(0, 0, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e88);

// ---- Sine and cosine --------------------------------------------------------------------------------------------------------

// Pi in 66 bits, in units of 2^-64: what Intel's processors reduce arguments with (SDM "Approximation of Pi").
const PI_HIGH: u64 = 3;
const PI_LOW: u64 = 0x243f6a8885a308d3;
const LARGEST_EXPONENT: i32 = 62;

/** Quadrant of the last reduced argument, 0 to 3. */
let quadrant: u32 = 0;

/** to = the magnitude significand x 2^(exponent - 63), reduced to at most a quarter of pi, signed; `quadrant` says from where. */
function reduce(to: Precise, exponent: i32, significand: u64): void {
  quadrant = 0;
  if (exponent < -1) {
    to.set(0, exponent, significand, 0);
    return;
  }
  // In units of 2^-65 half of pi is PI_HIGH:PI_LOW, and the argument significand x 2^(exponent + 2).
  let upper: u64 = 0;
  let lower = significand;
  const places = exponent + 2;
  for (let i = 0; i < places; i++) {
    upper = (upper << 1) | (lower >> 63);
    lower <<= 1;
    quadrant <<= 1;
    if (upper > PI_HIGH || (upper == PI_HIGH && lower >= PI_LOW)) {
      upper = upper - PI_HIGH - u64(lower < PI_LOW);
      lower -= PI_LOW;
      quadrant |= 1;
    }
  }
  // Beyond a quarter of pi: from the next quadrant, backwards.
  const doubledUpper = (upper << 1) | (lower >> 63);
  const doubledLower = lower << 1;
  let sign: u32 = 0;
  if (doubledUpper > PI_HIGH || (doubledUpper == PI_HIGH && doubledLower > PI_LOW)) {
    upper = PI_HIGH - upper - u64(PI_LOW < lower);
    lower = PI_LOW - lower;
    sign = 1;
    quadrant++;
  }
  quadrant &= 3;
  to.normalise(sign, 127 - 65, upper, lower);
}

/** to = x - x^3/3! + x^5/5! - ... */
function sineSeries(to: Precise, x: Precise): void {
  square.multiply(x, x);
  term.copy(x);
  to.copy(x);
  for (let n: u64 = 2; term.high && term.exponent > to.exponent - ENOUGH; n += 2) {
    term.multiply(term, square).divideSmall(term, n * (n + 1));
    term.sign ^= 1;
    to.add(to, term);
  }
}

/** to = 1 - x^2/2! + x^4/4! - ... */
function cosineSeries(to: Precise, x: Precise): void {
  square.multiply(x, x);
  term.copy(ONE);
  to.copy(ONE);
  for (let n: u64 = 1; term.high && term.exponent > to.exponent - ENOUGH; n += 2) {
    term.multiply(term, square).divideSmall(term, n * (n + 1));
    term.sign ^= 1;
    to.add(to, term);
  }
}

/** Sine and cosine of a value whose exponent is at most 62. */
export function sineAndCosine(sine: Precise, cosine: Precise, sign: u32, exponent: i32, significand: u64): void {
  reduce(part, exponent, significand);
  sineSeries(quadrant & 1 ? cosine : sine, part);
  cosineSeries(quadrant & 1 ? sine : cosine, part);
  // sin(q pi/2 + r): sin, cos, -sin, -cos; cos: cos, -sin, -cos, sin
  if (quadrant & 2) sine.sign ^= 1;
  if (quadrant == 1 || quadrant == 2) cosine.sign ^= 1;
  sine.sign ^= sign;
}

export function isReducible(exponent: i32): bool {
  return exponent <= LARGEST_EXPONENT;
}

// ---- Exponential and logarithms -----------------------------------------------------------------------------------------------

/** to = 2^x - 1, for x between -1 and 1. */
export function powerOfTwoMinusOne(to: Precise, x: Precise): void {
  part.multiply(x, LN_2);
  term.copy(part);
  to.copy(part);
  for (let n: u64 = 2; term.high && term.exponent > to.exponent - ENOUGH; n++) {
    term.multiply(term, part).divideSmall(term, n);
    to.add(to, term);
  }
}

/** to = 2 log2(e) (s + s^3/3 + s^5/5 + ...), the binary logarithm of (1 + s) / (1 - s). */
function logarithmSeries(to: Precise, s: Precise): void {
  square.multiply(s, s);
  term.copy(s);
  to.copy(s);
  for (let n: u64 = 3; term.high && term.exponent > to.exponent - ENOUGH; n += 2) {
    term.multiply(term, square);
    other.divideSmall(term, n);
    to.add(to, other);
  }
  to.multiply(to, LOG2_E);
  to.exponent++;
}

/** to = log2 of a positive number. */
export function binaryLogarithm(to: Precise, x: Precise): void {
  let k = x.exponent;
  part.copy(x);
  part.exponent = 0;
  if (x.high > 0xb504f333f9de6484) {
    part.exponent = -1;
    k++;
  }
  // s = (m - 1) / (m + 1)
  other.copy(ONE);
  other.sign = 1;
  other.add(part, other);
  part.add(part, ONE);
  part.divide(other, part);
  if (part.high) logarithmSeries(to, part);
  else to.set(0, 0, 0, 0);
  const magnitude = <u64>(k < 0 ? -k : k);
  other.normalise(u32(k < 0), 127, 0, magnitude);
  to.add(to, other);
}

/** to = log2(1 + x), where x is small. */
export function binaryLogarithmPlusOne(to: Precise, x: Precise): void {
  // s = x / (x + 2)
  other.copy(ONE);
  other.exponent = 1;
  other.add(x, other);
  part.divide(x, other);
  logarithmSeries(to, part);
}

// ---- Arctangent ---------------------------------------------------------------------------------------------------------------

const TANGENT_OF_EIGHTH: u64 = 0xd413cccfe7799211; // of pi/8, x 2^-65

/** to = x - x^3/3 + x^5/5 - ... */
function arctangentSeries(to: Precise, x: Precise): void {
  square.multiply(x, x);
  term.copy(x);
  to.copy(x);
  for (let n: u64 = 3; term.high && term.exponent > to.exponent - ENOUGH; n += 2) {
    term.multiply(term, square);
    term.sign ^= 1;
    other.divideSmall(term, n);
    to.add(to, other);
  }
}

/** to = arctangent of y / x, both positive and y not greater than x. */
export function arctangentOfRatio(to: Precise, y: Precise, x: Precise): void {
  part.divide(y, x);
  const far = part.exponent == 0 || part.exponent == -1 || (part.exponent == -2 && part.high > TANGENT_OF_EIGHTH);
  if (far) {
    // pi/4 + arctangent((y - x) / (y + x))
    other.copy(x);
    other.sign = 1;
    other.add(y, other);
    part.add(y, x);
    part.divide(other, part);
    if (!part.high) {
      to.copy(QUARTER_PI);
      return;
    }
  }
  arctangentSeries(to, part);
  if (far) to.add(to, QUARTER_PI);
}
