// 32- and 64-bit DIV and IDIV of RDX:RAX. `op` and `rem` say where the processor is, should #DE be raised.

import { VECTOR_DE } from './bits.ts';
import { raiseNoError } from './events.ts';
import { RAX, RDX } from './layout.ts';
import { syncOp } from './sync.ts';

function divideError(op: usize, rem: i32): void {
  syncOp(op, rem);
  raiseNoError(VECTOR_DE);
  unreachable();
}

export function div32(b: u32, op: usize, rem: i32): void {
  if (!b) divideError(op, rem);
  const n = (load<u64>(RDX) << 32) | <u64>load<u32>(RAX);
  const q = n / <u64>b;
  if (q >> 32) divideError(op, rem);
  store<u64>(RAX, q);
  store<u64>(RDX, n % <u64>b);
}

export function idiv32(b: u32, op: usize, rem: i32): void {
  const d = <i64>(<i32>b);
  const n = <i64>((load<u64>(RDX) << 32) | <u64>load<u32>(RAX));
  if (!d || (n == i64.MIN_VALUE && d == -1)) divideError(op, rem);
  const q = n / d;
  if (q != <i64>(<i32>q)) divideError(op, rem);
  store<u64>(RAX, <u64>(<u32>q));
  store<u64>(RDX, <u64>(<u32>(n % d)));
}

export function div64(b: u64, op: usize, rem: i32): void {
  const high = load<u64>(RDX);
  const low = load<u64>(RAX);
  if (high >= b) divideError(op, rem);
  if (!high) {
    store<u64>(RAX, low / b);
    store<u64>(RDX, low % b);
    return;
  }
  divide128(high, low, b);
  store<u64>(RAX, quotient);
  store<u64>(RDX, remainder);
}

export function idiv64(b: u64, op: usize, rem: i32): void {
  let high = load<u64>(RDX);
  let low = load<u64>(RAX);
  if (!b) divideError(op, rem);
  if (<i64>high == <i64>low >> 63) {
    if (<i64>low == i64.MIN_VALUE && <i64>b == -1) divideError(op, rem);
    store<i64>(RAX, <i64>low / <i64>b);
    store<i64>(RDX, <i64>low % <i64>b);
    return;
  }
  const negative = <i64>high < 0;
  if (negative) {
    low = 0 - low;
    high = ~high + u64(low == 0);
  }
  const divisor = <i64>b < 0 ? 0 - b : b;
  if (high >= divisor) divideError(op, rem);
  divide128(high, low, divisor);
  const minus = negative != <i64>b < 0;
  if (quotient > (minus ? <u64>0x8000000000000000 : <u64>0x7fffffffffffffff)) divideError(op, rem);
  store<u64>(RAX, minus ? 0 - quotient : quotient);
  store<u64>(RDX, negative ? 0 - remainder : remainder);
}

let quotient: u64 = 0;
let remainder: u64 = 0;

/** Unsigned high:low / b with high < b, in two steps of 32 bits (Knuth, algorithm D). */
function divide128(high: u64, low: u64, b: u64): void {
  const shift = clz<u64>(b);
  const divisor = b << shift;
  const d1 = divisor >> 32;
  const d0 = divisor & 0xffffffff;
  const upper = shift ? (high << shift) | (low >> (64 - shift)) : high;
  const lower = low << shift;
  const q1 = digit(upper, lower >> 32, d1, d0);
  const middle = ((upper << 32) | (lower >> 32)) - q1 * divisor;
  const q0 = digit(middle, lower & 0xffffffff, d1, d0);
  quotient = (q1 << 32) | q0;
  remainder = (((middle << 32) | (lower & 0xffffffff)) - q0 * divisor) >> shift;
}

/** One 32-bit digit of (n * 2^32 + next) / (d1 * 2^32 + d0). */
function digit(n: u64, next: u64, d1: u64, d0: u64): u64 {
  let q = n / d1;
  let r = n % d1;
  while (q >> 32 || q * d0 > ((r << 32) | next)) {
    q--;
    r += d1;
    if (r >> 32) break;
  }
  return q;
}
