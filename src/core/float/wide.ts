// 128-bit arithmetic in two halves.

/** Upper half of the last product or shift, and its lower half. */
export let high: u64 = 0;
export let low: u64 = 0;
/** Of the last division. */
export let quotient: u64 = 0;
export let remainder: u64 = 0;

/** x * y in `high` and `low`. */
export function multiplyWide(x: u64, y: u64): void {
  const x0 = x & 0xffffffff;
  const x1 = x >> 32;
  const y0 = y & 0xffffffff;
  const y1 = y >> 32;
  const p00 = x0 * y0;
  const p10 = x1 * y0 + (p00 >> 32);
  const p01 = x0 * y1 + (p10 & 0xffffffff);
  high = x1 * y1 + (p10 >> 32) + (p01 >> 32);
  low = (p01 << 32) | (p00 & 0xffffffff);
}

/** Shifts upper:lower right; what falls out makes the lowest bit sticky. In `high` and `low`. */
export function shiftRightSticky(upper: u64, lower: u64, count: u32): void {
  if (!count) {
    high = upper;
    low = lower;
  } else if (count < 64) {
    high = upper >> count;
    low = (upper << (64 - count)) | (lower >> count) | u64(lower << (64 - count) != 0);
  } else if (count == 64) {
    high = 0;
    low = upper | u64(lower != 0);
  } else if (count < 128) {
    high = 0;
    low = (upper >> (count - 64)) | u64(((upper << (128 - count)) | lower) != 0);
  } else {
    high = 0;
    low = u64((upper | lower) != 0);
  }
}

/** Shifts upper:lower left by less than 128. In `high` and `low`. */
export function shiftLeft(upper: u64, lower: u64, count: u32): void {
  if (!count) {
    high = upper;
    low = lower;
  } else if (count < 64) {
    high = (upper << count) | (lower >> (64 - count));
    low = lower << count;
  } else {
    high = lower << (count - 64);
    low = 0;
  }
}

/** upper:lower / divisor, where divisor has bit 63 set and is greater than upper (Knuth, algorithm D). */
export function divideWide(upper: u64, lower: u64, divisor: u64): void {
  const d1 = divisor >> 32;
  const d0 = divisor & 0xffffffff;
  const first = digit(upper, lower >> 32, divisor, d1, d0);
  const rest = ((upper << 32) | (lower >> 32)) - first * divisor;
  const second = digit(rest, lower & 0xffffffff, divisor, d1, d0);
  quotient = (first << 32) | second;
  remainder = ((rest << 32) | (lower & 0xffffffff)) - second * divisor;
}

/** One digit of 32 bits of the quotient. */
function digit(upper: u64, next: u64, divisor: u64, d1: u64, d0: u64): u64 {
  let q = upper / d1;
  let r = upper - q * d1;
  while (q >> 32 || q * d0 > ((r << 32) | next)) {
    q--;
    r += d1;
    if (r >> 32) break;
  }
  return q;
}
