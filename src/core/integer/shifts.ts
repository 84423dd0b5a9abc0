// SHLD, SHRD, RCL, RCR.

import { RCX, SI_IMMEDIATE, SI_MODRM, SI_OPCODE } from '../layout.ts';
import { getStatus, setStatus } from '../flags.ts';
import { CF, OF, changeStatus, resultStatus } from './status.ts';
import { beginRm, endRm, operandSize, readReg, sizeMask } from './operands.ts';

/** SHLD (A4, A5) and SHRD (AC, AD) by an immediate or CL. */
export function execDoubleShift(): void {
  const size = operandSize();
  const opcode = load<u32>(SI_OPCODE);
  const right = (opcode & 8) != 0;
  const width = <u64>(8 << size);
  const value = beginRm(size);
  const filler = readReg(size);
  const count = (opcode & 1 ? load<u64>(RCX) : load<u64>(SI_IMMEDIATE)) & (size == 3 ? 63 : 31);
  if (!count) {
    endRm(size, value);
    return;
  }
  let result: u64;
  let carry: u64;
  if (size == 1) {
    // Counts above 16 are undefined; the processor then goes on with the first operand's bits again.
    const low = right ? value | (filler << 16) | (value << 32) : (value << 32) | (filler << 16) | value;
    result = right ? low >> count : (low << count) >> 32;
    carry = right ? (low >> (count - 1)) & 1 : (low >> (48 - count)) & 1;
  } else if (right) {
    result = (value >> count) | (filler << (width - count));
    carry = (value >> (count - 1)) & 1;
  } else {
    result = (value << count) | (filler >> (width - count));
    carry = (value >> (width - count)) & 1;
  }
  result &= sizeMask(size);
  endRm(size, result);
  const top = width - 1;
  // Defined for a count of 1 (the sign changed); the same formula serves the others.
  const overflow = right ? (result >> top) ^ ((result >> (top - 1)) & 1) : (result >> top) ^ carry;
  setStatus(resultStatus(result, size) | <u32>carry | (overflow & 1 ? OF : 0));
}

/** RCL (ModRM.reg 2) and RCR (3) by 1, an immediate or CL; through CF, so modulo 9, 17, 33 or 65 bits. */
export function execRotateCarry(): void {
  const size = operandSize();
  const opcode = load<u32>(SI_OPCODE);
  const right = ((load<u32>(SI_MODRM) >> 3) & 1) != 0;
  const width = <u64>(8 << size);
  const value = beginRm(size);
  let count: u64 = 1;
  if (opcode < 0xd0) count = load<u64>(SI_IMMEDIATE);
  else if (opcode >= 0xd2) count = load<u64>(RCX);
  count = (count & (size == 3 ? 63 : 31)) % (width + 1);
  if (!count) {
    endRm(size, value);
    return;
  }
  const carryIn = <u64>(getStatus() & CF);
  let result: u64;
  let carry: u64;
  if (right) {
    carry = (value >> (count - 1)) & 1;
    result = (value >> count) | (carryIn << (width - count));
    if (count > 1) result |= value << (width + 1 - count);
  } else {
    carry = (value >> (width - count)) & 1;
    result = (value << count) | (carryIn << (count - 1));
    if (count > 1) result |= value >> (width + 1 - count);
  }
  result &= sizeMask(size);
  endRm(size, result);
  const top = width - 1;
  const overflow = right ? (result >> top) ^ ((result >> (top - 1)) & 1) : (result >> top) ^ carry;
  changeStatus(CF | OF, <u32>carry | (overflow & 1 ? OF : 0));
}
