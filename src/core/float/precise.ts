// Numbers of 128 significant bits, for functions that must be right in 64: (-1)^sign x 2^exponent x high:low / 2^127, where bit
// 63 of `high` is set, or high is 0 for zero. Operations cut off what does not fit. A result may be one of the operands.

import { high, low, multiplyWide, shiftLeft, shiftRightSticky } from './wide.ts';

export class Precise {
  sign: u32 = 0;
  exponent: i32 = 0;
  high: u64 = 0;
  low: u64 = 0;

  set(sign: u32, exponent: i32, upper: u64, lower: u64): Precise {
    this.sign = sign;
    this.exponent = exponent;
    this.high = upper;
    this.low = lower;
    return this;
  }

  copy(x: Precise): Precise {
    return this.set(x.sign, x.exponent, x.high, x.low);
  }

  /** From upper:lower x 2^(exponent - 127), not normalised. */
  normalise(sign: u32, exponent: i32, upper: u64, lower: u64): Precise {
    if (!(upper | lower)) return this.set(sign, 0, 0, 0);
    const shift = upper ? <u32>clz<u64>(upper) : 64 + <u32>clz<u64>(lower);
    shiftLeft(upper, lower, shift);
    return this.set(sign, exponent - <i32>shift, high, low);
  }

  multiply(x: Precise, y: Precise): Precise {
    const sign = x.sign ^ y.sign;
    if (!x.high || !y.high) return this.set(sign, 0, 0, 0);
    const exponent = x.exponent + y.exponent;
    multiplyWide(x.high, y.low);
    const cross = high;
    multiplyWide(x.low, y.high);
    const crosses = cross + high;
    const carry = u64(crosses < cross);
    multiplyWide(x.high, y.high);
    const lower = low + crosses;
    const upper = high + carry + u64(lower < crosses);
    return upper >> 63
      ? this.set(sign, exponent + 1, upper, lower)
      : this.set(sign, exponent, (upper << 1) | (lower >> 63), lower << 1);
  }

  add(x: Precise, y: Precise): Precise {
    if (!x.high) return this.copy(y);
    if (!y.high) return this.copy(x);
    const larger = x.exponent > y.exponent || (x.exponent == y.exponent && x.high >= y.high) ? x : y;
    const smaller = larger === x ? y : x;
    const distance = larger.exponent - smaller.exponent;
    shiftRightSticky(smaller.high, smaller.low, <u32>(distance > 200 ? 200 : distance));
    const sign = larger.sign;
    const exponent = larger.exponent;
    if (larger.sign == smaller.sign) {
      const lower = larger.low + low;
      const upper = larger.high + high + u64(lower < low);
      const carry = upper < larger.high || (upper == larger.high && (high | u64(lower < low)) != 0);
      return carry
        ? this.set(sign, exponent + 1, (upper >> 1) | 0x8000000000000000, (lower >> 1) | (upper << 63))
        : this.set(sign, exponent, upper, lower);
    }
    const lower = larger.low - low;
    const upper = larger.high - high - u64(larger.low < low);
    if (upper >> 63 && larger.high < high) return this.normalise(sign ^ 1, exponent, ~upper + u64(!lower), 0 - lower);
    return this.normalise(sign, exponent, upper, lower);
  }

  divide(x: Precise, y: Precise): Precise {
    const sign = x.sign ^ y.sign;
    if (!x.high) return this.set(sign, 0, 0, 0);
    const below = x.high < y.high || (x.high == y.high && x.low < y.low);
    const exponent = x.exponent - y.exponent - i32(below);
    const dHigh = y.high;
    const dLow = y.low;
    let rHigh = x.high;
    let rLow = x.low;
    let out: u64 = 0;
    if (below) {
      out = rHigh >> 63;
      rHigh = (rHigh << 1) | (rLow >> 63);
      rLow <<= 1;
    }
    let qHigh: u64 = 0;
    let qLow: u64 = 0;
    for (let i = 0; i < 128; i++) {
      qHigh = (qHigh << 1) | (qLow >> 63);
      qLow <<= 1;
      if (out || rHigh > dHigh || (rHigh == dHigh && rLow >= dLow)) {
        rHigh = rHigh - dHigh - u64(rLow < dLow);
        rLow -= dLow;
        qLow |= 1;
      }
      out = rHigh >> 63;
      rHigh = (rHigh << 1) | (rLow >> 63);
      rLow <<= 1;
    }
    return this.set(sign, exponent, qHigh, qLow);
  }

  /** Divides by a number below 2^32. */
  divideSmall(x: Precise, n: u64): Precise {
    if (!x.high) return this.copy(x);
    let rest = x.high >> 32;
    const q0 = rest / n;
    rest = ((rest % n) << 32) | (x.high & 0xffffffff);
    const q1 = rest / n;
    rest = ((rest % n) << 32) | (x.low >> 32);
    const q2 = rest / n;
    rest = ((rest % n) << 32) | (x.low & 0xffffffff);
    const q3 = rest / n;
    rest = (rest % n) << 32;
    const q4 = rest / n;
    const upper = (q0 << 32) | q1;
    const lower = (q2 << 32) | q3;
    // n has at most 32 bits, so at most 32 leading zeros: the fifth digit fills them.
    const shift = <u32>clz<u64>(upper);
    const sign = x.sign;
    const exponent = x.exponent - <i32>shift;
    shiftLeft(upper, lower, shift);
    const fill = shift > 32 ? q4 << (shift - 32) : q4 >> (32 - shift);
    return this.set(sign, exponent, high, low | fill);
  }
}
