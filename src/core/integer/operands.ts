// Operands of a slow integer instruction, read from and written through the frame SI_*: sizes are 0 to 3 (8 to 64 bits).
// Order in every instruction: read (which also proves that the destination can be written), compute, write, then flags
// and registers. A fault unwinds from the reads, so nothing has changed by then.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  RAX,
  SI_ADDRESS_SIZE,
  SI_MEMORY,
  SI_OFFSET,
  SI_OPERAND_SIZE,
  SI_REG,
  SI_REX,
  SI_RM,
  SI_SEGMENT,
} from '../layout.ts';
import { readMemory, readForWrite, writeMemory } from '../memory.ts';
import { segmentAddress } from '../segments.ts';

/** Value mask of a size. */
export function sizeMask(size: u32): u64 {
  return 0xffffffffffffffff >> <u64>(64 - (8 << size));
}

export function signExtend(value: u64, size: u32): i64 {
  const shift = <u64>(64 - (8 << size));
  return <i64>(value << shift) >> shift;
}

/** Address of a byte register: AH, CH, DH, BH (4 to 7 without REX) are the second bytes of the first four. */
function byteRegister(index: u32): usize {
  if (index >= 4 && index < 8 && !load<u32>(SI_REX)) return RAX + <usize>((index - 4) << 3) + 1;
  return RAX + <usize>(index << 3);
}

export function readRegister(index: u32, size: u32): u64 {
  if (size == 0) return <u64>load<u8>(byteRegister(index));
  const at = RAX + <usize>(index << 3);
  if (size == 3) return load<u64>(at);
  if (size == 2) return <u64>load<u32>(at);
  return <u64>load<u16>(at);
}

/** A 32-bit result clears the upper half, as 64-bit mode demands (outside it nobody sees the upper half). */
export function writeRegister(index: u32, size: u32, value: u64): void {
  if (size == 0) {
    store<u8>(byteRegister(index), <u8>value);
    return;
  }
  const at = RAX + <usize>(index << 3);
  if (size == 3) store<u64>(at, value);
  else if (size == 2) store<u64>(at, value & 0xffffffff);
  else store<u16>(at, <u16>value);
}

/** Writes as many bits as an address size (1 to 3) has. */
export function writeAddressRegister(at: usize, addressSize: u32, value: u64): void {
  if (addressSize == 3) store<u64>(at, value);
  else if (addressSize == 2) store<u64>(at, value & 0xffffffff);
  else store<u16>(at, <u16>value);
}

export function isMemory(): bool {
  return load<u32>(SI_MEMORY) != 0;
}

export function operandSize(): u32 {
  return load<u32>(SI_OPERAND_SIZE);
}

/** Size of an operand that is 32 bits, or 64 by REX.W, whatever the code's size and 66H say. */
export function doubleOrQuad(): u32 {
  return load<u32>(SI_REX) & 8 ? 3 : 2;
}

export function readReg(size: u32): u64 {
  return readRegister(load<u32>(SI_REG), size);
}

export function writeReg(size: u32, value: u64): void {
  writeRegister(load<u32>(SI_REG), size, value);
}

/** Wraps an effective address to the instruction's address size. */
export function wrapAddress(offset: u64): u64 {
  const addressSize = load<u32>(SI_ADDRESS_SIZE);
  if (addressSize == 3) return offset;
  return addressSize == 2 ? offset & 0xffffffff : offset & 0xffff;
}

/** Linear address of the memory operand, checked for an access of `bytes`. */
export function operandAddress(bytes: u32, access: u32): u64 {
  return segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), bytes, access);
}

/** The r/m operand, to be read only. */
export function readRm(size: u32): u64 {
  if (!isMemory()) return readRegister(load<u32>(SI_RM), size);
  return readMemory(operandAddress(1 << size, ACCESS_READ), size);
}

let destination: u64 = 0; // linear address of the operand that `beginRm` read

/** The r/m operand, about to be written by `endRm`: raises what the write would raise. */
export function beginRm(size: u32): u64 {
  if (!isMemory()) return readRegister(load<u32>(SI_RM), size);
  return beginMemory(load<u64>(SI_OFFSET), size);
}

export function endRm(size: u32, value: u64): void {
  if (isMemory()) endMemory(size, value);
  else writeRegister(load<u32>(SI_RM), size, value);
}

/** The same at an offset of its own in the operand's segment. */
export function beginMemory(offset: u64, size: u32): u64 {
  destination = segmentAddress(load<u32>(SI_SEGMENT), offset, 1 << size, ACCESS_WRITE);
  return readForWrite(destination, size);
}

export function endMemory(size: u32, value: u64): void {
  writeMemory(destination, size, value);
}
