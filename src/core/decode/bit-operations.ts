// Bit tests and scans, double shifts, atomic exchanges, MOVZX and MOVSX.

import {
  FAM_ATOMIC,
  FAM_BIT_STRING,
  FAM_BIT_TEST,
  FAM_DOUBLE_SHIFT,
  FAM_MOV,
  FAM_MOVX,
  FAM_SCAN,
} from '../../../build/core/op-ids.ts';
import { ABSENT_BMI1, ABSENT_LZCNT } from '../layout.ts';
import { SL_BIT_SCAN, SL_BIT_TEST, SL_DOUBLE_SHIFT } from '../slow-ids.ts';
import { READS, WRITES, badLock, emit, emitMemory, emitSlow, emitUndefined, lacks, needsAddress } from './emit.ts';
import { readModrm, registerOffset } from './operands.ts';
import { byte, d } from './state.ts';

/** BT BTS BTR BTC with the bit number in a register: A3 AB B3 BB. */
export function decodeBitTest(opcode: u32): void {
  readModrm();
  if (badLock(d.memory && opcode != 0xa3)) return;
  d.source = d.reg << 3;
  if (d.memory) {
    // The bit may lie far from the operand's address, which therefore cannot be checked before.
    if (needsAddress() || d.operandSize == 1) emitSlow(SL_BIT_TEST, false);
    else
      emitMemory(
        FAM_BIT_STRING + (((opcode >> 3) & 3) * 2 + d.operandSize - 2) * 2,
        1 << d.operandSize,
        opcode == 0xa3 ? READS : WRITES,
      );
    return;
  }
  d.destination = d.rm << 3;
  emit(FAM_BIT_TEST + (((opcode >> 3) & 3) * 3 + d.operandSize - 1) * 4);
}

/** BT BTS BTR BTC with an immediate. */
export function decodeGroup8(): void {
  readModrm();
  const operation = d.reg & 7;
  d.immediate = <i64>byte();
  if (operation < 4) {
    emitUndefined();
    return;
  }
  if (badLock(d.memory && operation != 4)) return;
  const id = FAM_BIT_TEST + ((operation - 4) * 3 + d.operandSize - 1) * 4;
  if (d.memory) emitMemory(id + 2, 1 << d.operandSize, operation == 4 ? READS : WRITES);
  else {
    d.destination = d.rm << 3;
    emit(id + 1);
  }
}

/** BC and BD: BSF and BSR, with F3 TZCNT and LZCNT where the processor has them. */
export function decodeBitScan(reverse: u32): void {
  if (lacks(reverse ? ABSENT_LZCNT : ABSENT_BMI1)) d.repeat = 0;
  decodeScan((d.repeat == 0xf3 ? 2 : 0) + reverse);
}

/** BSF BSR TZCNT LZCNT POPCNT (0 to 4). */
export function decodeScan(operation: u32): void {
  if (d.operandSize == 1) {
    emitSlow(SL_BIT_SCAN, false);
    return;
  }
  d.destination = d.reg << 3;
  const id = FAM_SCAN + (operation * 2 + d.operandSize - 2) * 3;
  if (d.memory) emitMemory(id + 1, 1 << d.operandSize, READS);
  else {
    d.source = d.rm << 3;
    emit(id);
  }
}

/** SHLD and SHRD: between registers of 32 or 64 bits by the switch. */
export function decodeDoubleShift(opcode: u32, byCl: u32): void {
  if (d.memory || d.operandSize == 1) {
    emitSlow(SL_DOUBLE_SHIFT, false);
    return;
  }
  d.destination = d.rm << 3;
  d.source = d.reg << 3;
  emit(FAM_DOUBLE_SHIFT + (u32(opcode >= 0xac) * 2 + d.operandSize - 2) * 2 + byCl);
}

/** XADD and CMPXCHG (1 and 2) of `size`, with the slow instruction for what the switch does not hold. */
export function decodeAtomic(operation: u32, size: u32, slow: u32): void {
  d.operandSize = size;
  if (!d.memory || size < 2) {
    emitSlow(slow, false);
    return;
  }
  d.destination = d.reg << 3;
  emitMemory(FAM_ATOMIC + (operation * 2 + size - 2) * 2, 1 << size, WRITES);
}

/** MOVZX and MOVSX. */
export function decodeExtension(opcode: u32): void {
  readModrm();
  d.destination = d.reg << 3;
  const from = opcode & 1;
  const size = d.operandSize;
  // Pairs in the family: 8 to 16, 32, 64, then 16 to 32, 64. From 16 to 16 the word is moved; the 8-to-16 row does not serve.
  if (from && size == 1) {
    moveWord();
    return;
  }
  const pair = from ? size + 1 : size - 1;
  const id = FAM_MOVX + (pair * 2 + u32(opcode >= 0xbe)) * 3;
  if (d.memory) emitMemory(id + 1, 1 << from, READS);
  else {
    d.source = registerOffset(d.rm, from);
    emit(id);
  }
}

function moveWord(): void {
  const id = FAM_MOV + 8;
  if (d.memory) emitMemory(id + 2, 2, READS);
  else {
    d.source = d.rm << 3;
    emit(id);
  }
}
