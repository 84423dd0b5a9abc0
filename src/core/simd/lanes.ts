// Functions over whole vectors that WebAssembly has no single operation for.

import { SCRATCH } from '../layout.ts';
import { CF, ZF } from '../integer/status.ts';
import { setStatus } from '../flags.ts';

/** Elements 0, 1, 2 … of bytes. @inline */
export function bytesInOrder(): v128 {
  return i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/** The low halves of both, a's below. @inline */
export function join(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 0, 2);
}

/** The upper half, in both places. @inline */
export function upper(a: v128): v128 {
  return v128.shuffle<i64>(a, a, 1, 1);
}

/** PALIGNR: 16 bytes from byte `n` on of a (above) and b (below), zeros above them. */
export function aligned(a: v128, b: v128, n: u32): v128 {
  if (n > 31) return i64x2.splat(0);
  store<v128>(SCRATCH, b);
  store<v128>(SCRATCH + 16, a);
  store<v128>(SCRATCH + 32, i64x2.splat(0));
  return load<v128>(SCRATCH + <usize>n);
}

/** PSHUFW: the low four words, chosen by two bits each; the upper half is not defined. */
export function shuffled16(a: v128, n: u32): v128 {
  store<v128>(SCRATCH + 32, a);
  let value: u64 = 0;
  for (let i: u32 = 0; i < 4; i++) {
    const word = <u64>load<u16>(SCRATCH + 32 + <usize>(((n >> (2 * i)) & 3) << 1));
    value |= word << (<u64>(16 * i));
  }
  return i64x2.splat(value);
}

/** SHUFPS: two doublewords of a, then two of b. PSHUFD has a twice. */
export function shuffled32(a: v128, b: v128, n: u32): v128 {
  store<v128>(SCRATCH + 32, a);
  store<v128>(SCRATCH + 48, b);
  const low = <u64>load<u32>(SCRATCH + 32 + <usize>((n & 3) << 2));
  const high = <u64>load<u32>(SCRATCH + 32 + <usize>(n & 12));
  const low2 = <u64>load<u32>(SCRATCH + 48 + <usize>((n >> 2) & 12));
  const high2 = <u64>load<u32>(SCRATCH + 48 + <usize>((n >> 4) & 12));
  return i64x2.replace_lane(i64x2.splat(low | (high << 32)), 1, low2 | (high2 << 32));
}

/** SHUFPD: one quadword of a, one of b. */
export function shuffled64(a: v128, b: v128, n: u32): v128 {
  const low = n & 1 ? upper(a) : a;
  return n & 2 ? v128.shuffle<i64>(low, b, 0, 3) : v128.shuffle<i64>(low, b, 0, 2);
}

/** All ones in the elements whose bit of n is set. */
export function mask16(n: u32): v128 {
  const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  return i16x8.eq(v128.and(i16x8.splat(<i16>n), bits), bits);
}

export function mask32(n: u32): v128 {
  const bits = i32x4(1, 2, 4, 8);
  return i32x4.eq(v128.and(i32x4.splat(n), bits), bits);
}

export function mask64(n: u32): v128 {
  const bits = i64x2(1, 2);
  return i64x2.eq(v128.and(i64x2.splat(<i64>n), bits), bits);
}

/** PSADBW: the sum of the eight differences in each half. */
export function sumOfDifferences(a: v128, b: v128): v128 {
  const difference = v128.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a));
  const sums = i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_u(difference));
  const both = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2));
  return v128.and(both, i64x2.splat(0xffffffff));
}

/** PMULHRSW; -1 times -1 overflows to -1, where WebAssembly saturates. */
export function roundedProducts(a: v128, b: v128): v128 {
  const least = i16x8.splat(-32768);
  const overflow = v128.and(i16x8.eq(a, least), i16x8.eq(b, least));
  return v128.xor(i16x8.q15mulr_sat_s(a, b), overflow);
}

/** PMADDUBSW: unsigned bytes of a times signed bytes of b, neighbours added and saturated. */
export function unsignedBySigned(a: v128, b: v128): v128 {
  const low = i16x8.mul(i16x8.extend_low_i8x16_u(a), i16x8.extend_low_i8x16_s(b));
  const high = i16x8.mul(i16x8.extend_high_i8x16_u(a), i16x8.extend_high_i8x16_s(b));
  return i16x8.add_sat_s(
    v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14),
    v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15),
  );
}

/** PHMINPOSUW: the smallest word and, above it, the number of its first place. */
export function smallestWord(a: v128): v128 {
  store<v128>(SCRATCH + 32, a);
  let least: u32 = 0x10000;
  let place: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) {
    const word = <u32>load<u16>(SCRATCH + 32 + <usize>(i << 1));
    if (word < least) {
      least = word;
      place = i;
    }
  }
  return i32x4.replace_lane(i64x2.splat(0), 0, least | (place << 16));
}

/** MPSADBW: eight sums of four differences, of neighbouring places in a (from n[2] * 4) and one of b (n[1:0] * 4). */
export function sumsOfDifferences(a: v128, b: v128, n: u32): v128 {
  store<v128>(SCRATCH + 32, a);
  store<v128>(SCRATCH + 48, b);
  const left = SCRATCH + 32 + <usize>(n & 4);
  const right = SCRATCH + 48 + <usize>((n & 3) << 2);
  for (let i: usize = 0; i < 8; i++) {
    let sum: i32 = 0;
    for (let k: usize = 0; k < 4; k++) sum += abs(<i32>load<u8>(left + i + k) - <i32>load<u8>(right + k));
    store<u16>(SCRATCH + 64 + (i << 1), <u16>sum);
  }
  return load<v128>(SCRATCH + 64);
}

/** INSERTPS: the value to place n[5:4], then the places of n[3:0] cleared. */
export function insertSingle(d: usize, value: u32, n: u32): void {
  store<u32>(d + <usize>((n >> 2) & 12), value);
  store<v128>(d, v128.andnot(load<v128>(d), mask32(n)));
}

/** PTEST: ZF when a AND b is 0, CF when b AND NOT a is; the other flags are 0. */
export function testBits(a: v128, b: v128): void {
  const zero = v128.any_true(v128.and(a, b)) ? 0 : ZF;
  const carry = v128.any_true(v128.andnot(b, a)) ? 0 : CF;
  setStatus(zero | carry);
}
