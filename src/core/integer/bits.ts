// Bit tests, bit scans and counts.

import { SI_IMMEDIATE, SI_OFFSET, SI_MODRM, SI_OPCODE, SI_REPEAT, SI_SEGMENT, ACCESS_READ } from '../layout.ts';
import { readMemory } from '../memory.ts';
import { segmentAddress } from '../segments.ts';
import { setStatus } from '../flags.ts';
import { CF, ZF, changeFlag, resultStatus } from './status.ts';
import {
  beginMemory,
  beginRm,
  endMemory,
  endRm,
  isMemory,
  operandSize,
  readReg,
  readRm,
  signExtend,
  wrapAddress,
  writeReg,
} from './operands.ts';

const TEST: u32 = 0;
const SET: u32 = 1;
const RESET: u32 = 2;

/** Which of BT, BTS, BTR, BTC (0 to 3): two bits of the opcode, or of ModRM.reg in the group with an immediate. */
function bitOperation(): u32 {
  const opcode = load<u32>(SI_OPCODE);
  return opcode == 0x0fba ? (load<u32>(SI_MODRM) >> 3) & 3 : (opcode >> 3) & 3;
}

function changedBit(value: u64, bit: u64, operation: u32): u64 {
  const mask = (<u64>1) << bit;
  if (operation == SET) return value | mask;
  if (operation == RESET) return value & ~mask;
  return value ^ mask;
}

/** SDM "BT": with a memory operand and a bit offset in a register the offset reaches any operand-sized word around it. */
export function execBitTest(): void {
  const size = operandSize();
  const operation = bitOperation();
  const immediate = load<u32>(SI_OPCODE) == 0x0fba;
  const index = immediate ? load<u64>(SI_IMMEDIATE) : readReg(size);
  const bit = index & <u64>((8 << size) - 1);
  let value: u64;
  if (isMemory()) {
    const words = immediate ? 0 : signExtend(index, size) >> <i64>(3 + size);
    const offset = wrapAddress(load<u64>(SI_OFFSET) + <u64>(words << (<i64>size)));
    if (operation == TEST)
      value = readMemory(segmentAddress(load<u32>(SI_SEGMENT), offset, 1 << size, ACCESS_READ), size);
    else {
      value = beginMemory(offset, size);
      endMemory(size, changedBit(value, bit, operation));
    }
  } else if (operation == TEST) value = readRm(size);
  else {
    value = beginRm(size);
    endRm(size, changedBit(value, bit, operation));
  }
  changeFlag(CF, ((value >> bit) & 1) != 0);
}

/** BSF BSR TZCNT LZCNT POPCNT. */
export function execBitScan(): void {
  const size = operandSize();
  const opcode = load<u32>(SI_OPCODE);
  const value = readRm(size);
  const width = <u64>(8 << size);
  if (opcode == 0x0fb8) {
    writeReg(size, popcnt<u64>(value));
    setStatus(value ? 0 : ZF);
    return;
  }
  const reverse = opcode == 0x0fbd;
  if (load<u32>(SI_REPEAT) == 0xf3) {
    const count = reverse ? clz<u64>(value) - (64 - width) : value ? ctz<u64>(value) : width;
    writeReg(size, count);
    setStatus((resultStatus(count, size) & ~CF) | (value ? 0 : CF));
    return;
  }
  if (!value) {
    changeFlag(ZF, true); // the destination stays as it is
    return;
  }
  const found = reverse ? 63 - clz<u64>(value) : ctz<u64>(value);
  writeReg(size, found);
  setStatus(resultStatus(found, size) & ~ZF);
}
