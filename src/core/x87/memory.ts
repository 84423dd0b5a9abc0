// Memory operands of x87 instructions.

import { ACCESS_READ, ACCESS_WRITE } from '../layout.ts';
import { F32, F64 } from '../float/context.ts';
import { fromInteger } from '../float/convert.ts';
import { b, copyValue, unpack, z } from '../float/value.ts';
import { operandAddress } from '../integer/operands.ts';
import { probeWrite, readMemory, writeMemory } from '../memory.ts';

/** Reads 2, 4 or 8 bytes (size 1 to 3). */
export function readOperand(size: u32): u64 {
  return readMemory(operandAddress(1 << size, ACCESS_READ), size);
}

export function writeOperand(size: u32, value: u64): void {
  writeMemory(operandAddress(1 << size, ACCESS_WRITE), size, value);
}

/** b = an f32 (size 2) or f64 (size 3). */
export function readReal(size: u32): void {
  unpack(b, readOperand(size), size == 2 ? F32 : F64);
}

/** b = an integer of 2, 4 or 8 bytes. */
export function readInteger(size: u32): void {
  const bits = readOperand(size);
  fromInteger(size == 1 ? <i64>(<i16>bits) : size == 2 ? <i64>(<i32>bits) : <i64>bits);
  copyValue(b, z);
}

let lastUpper: u32 = 0;

/** Reads 10 bytes: answers the significand, and `upper` the two bytes with sign and exponent. */
export function readTenBytes(): u64 {
  const linear = operandAddress(10, ACCESS_READ);
  const significand = readMemory(linear, 3);
  lastUpper = <u32>readMemory(linear + 8, 1);
  return significand;
}

export function upper(): u32 {
  return lastUpper;
}

/** Writes the 10 bytes at an address in the core's memory. */
export function writeTenBytes(from: usize): void {
  const linear = operandAddress(10, ACCESS_WRITE);
  probeWrite(linear, 10);
  writeMemory(linear, 3, load<u64>(from));
  writeMemory(linear + 8, 1, <u64>load<u16>(from, 8));
}

/** Raises what a write of the operand would raise, although nothing is written. */
export function probeOperand(bytes: u32): void {
  probeWrite(operandAddress(bytes, ACCESS_WRITE), bytes);
}
