// 8- and 16-bit MUL, IMUL, DIV and IDIV; the interpreter's switch holds the wider ones.

import { RAX, RDX, SI_IMMEDIATE, SI_MODRM, SI_OPCODE } from '../layout.ts';
import { VECTOR_DE } from '../bits.ts';
import { raiseNoError } from '../events.ts';
import { setStatus } from '../flags.ts';
import { CF, OF, resultStatus } from './status.ts';
import { operandSize, readReg, readRegister, readRm, signExtend, sizeMask, writeReg } from './operands.ts';

/** AX, or DX:AX. */
function readPair(size: u32): u64 {
  if (size == 0) return <u64>load<u16>(RAX);
  return ((<u64>load<u16>(RDX)) << 16) | <u64>load<u16>(RAX);
}

/** The low half goes to AL or AX, the high half to AH or DX. */
function writePair(size: u32, low: u64, high: u64): void {
  if (size == 0) store<u16>(RAX, <u16>((low & 0xff) | (high << 8)));
  else {
    store<u16>(RAX, <u16>low);
    store<u16>(RDX, <u16>high);
  }
}

/** Flags of a product, whose low half is `low`: CF and OF tell whether the high half holds anything. */
function setProductStatus(low: u64, size: u32, overflow: bool): void {
  setStatus(resultStatus(low, size) | (overflow ? CF | OF : 0));
}

function multiply(size: u32, factor: u64, signed: bool): void {
  const mask = sizeMask(size);
  const a = readRegister(0, size);
  const product = signed ? <u64>(signExtend(a, size) * signExtend(factor, size)) : a * factor;
  const low = product & mask;
  writePair(size, low, (product >> <u64>(8 << size)) & mask);
  setProductStatus(low, size, signed ? <i64>product != signExtend(low, size) : product != low);
}

/** IMUL with two or three operands: the product is cut to the operand size. */
function multiplyInto(size: u32, a: u64, b: u64): void {
  const product = signExtend(a, size) * signExtend(b, size);
  const low = <u64>product & sizeMask(size);
  writeReg(size, low);
  setProductStatus(low, size, product != signExtend(low, size));
}

function divide(size: u32, divisor: u64): void {
  if (!divisor) raiseNoError(VECTOR_DE);
  const dividend = readPair(size);
  const quotient = dividend / divisor;
  if (quotient > sizeMask(size)) raiseNoError(VECTOR_DE);
  writePair(size, quotient, dividend % divisor);
}

function divideSigned(size: u32, divisor: u64): void {
  if (!divisor) raiseNoError(VECTOR_DE);
  const dividend = signExtend(readPair(size), size + 1);
  const d = signExtend(divisor, size);
  const quotient = dividend / d;
  if (quotient != signExtend(<u64>quotient, size)) raiseNoError(VECTOR_DE);
  writePair(size, <u64>quotient, <u64>(dividend % d));
}

export function execMulDiv(): void {
  const size = operandSize();
  const opcode = load<u32>(SI_OPCODE);
  const operand = readRm(size);
  if (opcode == 0x0faf) {
    multiplyInto(size, readReg(size), operand);
    return;
  }
  if (opcode == 0x69 || opcode == 0x6b) {
    multiplyInto(size, operand, load<u64>(SI_IMMEDIATE));
    return;
  }
  switch ((load<u32>(SI_MODRM) >> 3) & 7) {
    case 4:
      multiply(size, operand, false);
      return;
    case 5:
      multiply(size, operand, true);
      return;
    case 6:
      divide(size, operand);
      return;
    default:
      divideSigned(size, operand);
  }
}
