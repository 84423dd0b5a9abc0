// Status flags of slow integer instructions, as bits of RFLAGS. What the SDM leaves undefined is in README.md beside this.

import { getStatus, setStatus } from '../flags.ts';

export const CF: u32 = 1;
export const PF: u32 = 4;
export const AF: u32 = 0x10;
export const ZF: u32 = 0x40;
export const SF: u32 = 0x80;
export const OF: u32 = 0x800;

/** SF, ZF and PF of a result of `size` (0 to 3). */
export function resultStatus(result: u64, size: u32): u32 {
  const shift = <u64>(64 - (8 << size));
  const value = result << shift;
  let bits: u32 = value == 0 ? ZF : 0;
  if (<i64>value < 0) bits |= SF;
  if (!(popcnt<u32>(<u32>result & 0xff) & 1)) bits |= PF;
  return bits;
}

/** All six flags of `a + b (+ carry)`, whose result is given. */
export function addStatus(a: u64, b: u64, result: u64, size: u32): u32 {
  const top = <u64>((8 << size) - 1);
  const carries = (a & b) | ((a | b) & ~result);
  const overflow = (a ^ result) & (b ^ result);
  return (
    resultStatus(result, size) |
    (<u32>(carries >> top) & CF) |
    (<u32>(a ^ b ^ result) & AF) |
    ((<u32>(overflow >> top) & 1) << 11)
  );
}

/** All six flags of `a - b (- borrow)`, whose result is given. */
export function subtractStatus(a: u64, b: u64, result: u64, size: u32): u32 {
  const top = <u64>((8 << size) - 1);
  const borrows = (~a & b) | ((~a | b) & result);
  const overflow = (a ^ b) & (a ^ result);
  return (
    resultStatus(result, size) |
    (<u32>(borrows >> top) & CF) |
    (<u32>(a ^ b ^ result) & AF) |
    ((<u32>(overflow >> top) & 1) << 11)
  );
}

/** Replaces the flags of `mask` and keeps the others. */
export function changeStatus(mask: u32, bits: u32): void {
  setStatus((getStatus() & ~mask) | bits);
}

export function changeFlag(flag: u32, on: bool): void {
  changeStatus(flag, on ? flag : 0);
}
