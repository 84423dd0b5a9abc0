// BMI1, BMI2 and ADX: the VEX-coded instructions on general registers, ADCX and ADOX.

import { SI_IMMEDIATE, SI_MODRM, SI_OPCODE, SI_REPEAT, SI_VEX } from '../layout.ts';
import { getStatus, highUnsigned, setStatus } from '../flags.ts';
import { CF, OF, changeFlag, resultStatus } from './status.ts';
import {
  doubleOrQuad,
  operandSize,
  readReg,
  readRegister,
  readRm,
  signExtend,
  sizeMask,
  writeReg,
  writeRegister,
} from './operands.ts';

// VEX.pp
const PP_NONE: u32 = 0;
const PP_66: u32 = 1;
const PP_F3: u32 = 2;

/** Register named by VEX.vvvv. */
function vvvv(): u32 {
  return (load<u32>(SI_VEX) >> 8) & 15;
}

/** Bits of `value` picked by `mask`, packed to the low end. */
function extractBits(value: u64, mask: u64): u64 {
  let result: u64 = 0;
  let place: u64 = 1;
  for (let rest = mask; rest; rest &= rest - 1) {
    if (value & (rest & (0 - rest))) result |= place;
    place <<= 1;
  }
  return result;
}

/** The low bits of `value`, spread to the places that `mask` has set. */
function depositBits(value: u64, mask: u64): u64 {
  let result: u64 = 0;
  let bits = value;
  for (let rest = mask; rest; rest &= rest - 1) {
    if (bits & 1) result |= rest & (0 - rest);
    bits >>= 1;
  }
  return result;
}

export function execBmi(): void {
  const pp = (load<u32>(SI_VEX) >> 14) & 3;
  switch (load<u32>(SI_OPCODE)) {
    case 0x0f38f2:
      andNot();
      return;
    case 0x0f38f3:
      lowestBit();
      return;
    case 0x0f38f5:
      if (pp == PP_NONE) zeroHighBits();
      else gatherScatter(pp == PP_F3);
      return;
    case 0x0f38f6:
      multiplyNoFlags();
      return;
    case 0x0f38f7:
      if (pp == PP_NONE) extractField();
      else shiftNoFlags(pp);
      return;
    default: // 0x0F3AF0
      rotateNoFlags();
  }
}

/** Logical result: SF and ZF by it, CF and OF 0; AF and PF, undefined, become 0 and the low byte's parity. */
function finish(size: u32, result: u64, carry: bool): void {
  writeReg(size, result);
  setStatus(resultStatus(result, size) | (carry ? CF : 0));
}

function andNot(): void {
  const size = operandSize();
  const value = readRm(size);
  finish(size, ~readRegister(vvvv(), size) & value & sizeMask(size), false);
}

/** BLSR (ModRM.reg 1), BLSMSK (2), BLSI (3): the destination is VEX.vvvv. */
function lowestBit(): void {
  const size = operandSize();
  const value = readRm(size);
  let result: u64;
  let carry = value == 0;
  switch ((load<u32>(SI_MODRM) >> 3) & 7) {
    case 1:
      result = (value - 1) & value;
      break;
    case 2:
      result = (value - 1) ^ value;
      break;
    default:
      result = (0 - value) & value;
      carry = !carry;
  }
  result &= sizeMask(size);
  writeRegister(vvvv(), size, result);
  setStatus(resultStatus(result, size) | (carry ? CF : 0));
}

function zeroHighBits(): void {
  const size = operandSize();
  const value = readRm(size);
  const keep = readRegister(vvvv(), size) & 0xff;
  const width = <u64>(8 << size);
  finish(size, keep >= width ? value : value & (((<u64>1) << keep) - 1), keep >= width);
}

function gatherScatter(extract: bool): void {
  const size = operandSize();
  const mask = readRm(size);
  const value = readRegister(vvvv(), size);
  writeReg(size, extract ? extractBits(value, mask) : depositBits(value, mask));
}

/** MULX: the high half is written last, so it wins when both destinations are one register. */
function multiplyNoFlags(): void {
  const size = operandSize();
  const a = readRegister(2, size);
  const b = readRm(size);
  const low = a * b;
  const high = size == 3 ? highUnsigned(a, b) : low >> 32;
  writeRegister(vvvv(), size, low);
  writeReg(size, high);
}

/** BEXTR: OF and CF 0, ZF by the result; SF, AF and PF are undefined. */
function extractField(): void {
  const size = operandSize();
  const value = readRm(size);
  const control = readRegister(vvvv(), size);
  const start = control & 0xff;
  const length = (control >> 8) & 0xff;
  let result = start < 64 ? value >> start : 0;
  if (length < 64) result &= ((<u64>1) << length) - 1;
  finish(size, result, false);
}

function shiftNoFlags(pp: u32): void {
  const size = operandSize();
  const value = readRm(size);
  const count = readRegister(vvvv(), size) & <u64>((8 << size) - 1);
  if (pp == PP_66) writeReg(size, value << count);
  else if (pp == PP_F3) writeReg(size, <u64>(signExtend(value, size) >> <i64>count));
  else writeReg(size, value >> count);
}

function rotateNoFlags(): void {
  const size = operandSize();
  const value = readRm(size);
  const width = <u64>(8 << size);
  const count = load<u64>(SI_IMMEDIATE) & (width - 1);
  writeReg(size, count ? (value >> count) | (value << (width - count)) : value);
}

/** ADCX adds with CF (66H prefix), ADOX with OF (F3H): no other flag is read or changed. */
export function execAdx(): void {
  const size = doubleOrQuad();
  const flag = load<u32>(SI_REPEAT) == 0xf3 ? OF : CF;
  const mask = sizeMask(size);
  const a = readReg(size);
  const b = readRm(size);
  const sum = (a + b + (getStatus() & flag ? 1 : 0)) & mask;
  const carries = (a & b) | ((a | b) & ~sum);
  writeReg(size, sum);
  changeFlag(flag, ((carries >> <u64>((8 << size) - 1)) & 1) != 0);
}
