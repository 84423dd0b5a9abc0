// The groups of the one-byte map whose operation is in ModRM.reg, and others with a form for register and memory.

import {
  FAM_ALU,
  FAM_ATOMIC,
  FAM_CALL_INDIRECT,
  FAM_IMUL,
  FAM_JMP_INDIRECT,
  FAM_JUMP_LEGACY,
  FAM_MOV,
  FAM_MOVX,
  FAM_MULDIV,
  FAM_POP,
  FAM_POP_LEGACY,
  FAM_PUSH,
  FAM_PUSH_LEGACY,
  FAM_SHIFT,
  FAM_TEST,
  FAM_UNARY,
  FAM_XCHG,
} from '../../../build/core/op-ids.ts';
import { SL_FAR_CALL, SL_FAR_JUMP, SL_MUL_DIV, SL_ROTATE_CARRY, SL_XCHG } from '../slow-ids.ts';
import { MODE_64, ripOfKey } from '../state.ts';
import {
  READS,
  WRITES,
  badLock,
  emit,
  emitMemory,
  emitSlow,
  emitThroughAddress,
  emitUndefined,
  nextKey,
} from './emit.ts';
import { readModrm, registerOffset, stackSize } from './operands.ts';
import { d, immediateOf, truncate } from './state.ts';

export function decodeGroup1(opcode: u32): void {
  const size = opcode & 1 ? d.operandSize : 0;
  readModrm();
  const operation = d.reg & 7;
  d.immediate = truncate(immediateOf(opcode == 0x81 ? size : 0), size);
  if (opcode == 0x82 && d.mode == MODE_64) {
    emitUndefined();
    return;
  }
  if (badLock(d.memory && operation != 7)) return;
  const id = FAM_ALU + ((operation * 4 + size) << 3);
  if (d.memory) emitMemory(id + 6, 1 << size, operation == 7 ? READS : WRITES);
  else {
    d.destination = registerOffset(d.rm, size);
    emit(id + 1);
  }
}

/** TEST of the r/m operand with a register or an immediate. */
export function decodeTest(size: u32, byImmediate: bool): void {
  const id = FAM_TEST + size * 6;
  if (!byImmediate) d.source = registerOffset(d.reg, size);
  if (d.memory) emitMemory(id + (byImmediate ? 4 : 2), 1 << size, READS);
  else {
    d.destination = registerOffset(d.rm, size);
    emit(id + u32(byImmediate));
  }
}

export function decodeXchg(size: u32): void {
  readModrm();
  if (badLock(d.memory)) return;
  if (d.memory) {
    d.operandSize = size;
    if (size >= 2) {
      d.destination = d.reg << 3;
      emitMemory(FAM_ATOMIC + (size - 2) * 2, 1 << size, WRITES);
    } else emitSlow(SL_XCHG, false);
    return;
  }
  d.destination = registerOffset(d.reg, size);
  d.source = registerOffset(d.rm, size);
  emit(FAM_XCHG + size);
}

export function decodePopMemory(): void {
  readModrm();
  if (d.reg & 7) {
    emitUndefined(); // XOP
    return;
  }
  const size = stackSize();
  d.kind = size;
  if (!d.memory) {
    d.destination = d.rm << 3;
    emit(size == 3 ? FAM_POP : FAM_POP_LEGACY);
    return;
  }
  // An address that uses RSP uses its value after the pop.
  if (d.base == 0x20) d.displacement += <i64>(1 << size);
  emitThroughAddress(size == 3 ? FAM_POP + 1 : FAM_POP_LEGACY + 1, 1 << size, WRITES);
}

/** Group 2; the count is in `immediate` or in CL. */
export function decodeShift(size: u32, byCl: bool): void {
  const operation = d.reg & 7;
  if (operation == 2 || operation == 3) {
    d.operandSize = size;
    emitSlow(SL_ROTATE_CARRY, false);
    return;
  }
  d.immediate &= size == 3 ? 63 : 31;
  const row: u32 = operation < 2 ? operation : operation == 5 ? 3 : operation == 7 ? 4 : 2;
  const id = FAM_SHIFT + (row * 4 + size) * 6;
  if (d.memory) emitMemory(id + (byCl ? 4 : 2), 1 << size, WRITES);
  else {
    d.destination = registerOffset(d.rm, size);
    emit(id + u32(byCl));
  }
}

/** TEST, NOT, NEG, MUL, IMUL, DIV, IDIV. */
export function decodeGroup3(size: u32): void {
  readModrm();
  const operation = d.reg & 7;
  if (operation < 2) d.immediate = truncate(immediateOf(size), size);
  if (badLock(d.memory && (operation == 2 || operation == 3))) return;
  if (operation < 2) decodeTest(size, true);
  else if (operation < 4) decodeUnary(operation, size);
  else if (size < 2) {
    d.operandSize = size;
    emitSlow(SL_MUL_DIV, false);
  } else {
    const id = FAM_MULDIV + ((size - 2) * 4 + operation - 4) * 3;
    if (d.memory) emitMemory(id + 1, 1 << size, READS);
    else {
      d.source = d.rm << 3;
      emit(id);
    }
  }
}

/** INC, DEC, NOT, NEG: rows 0 to 3 of the family. */
function decodeUnary(row: u32, size: u32): void {
  const id = FAM_UNARY + (row * 4 + size) * 3;
  if (d.memory) emitMemory(id + 1, 1 << size, WRITES);
  else {
    d.destination = registerOffset(d.rm, size);
    emit(id);
  }
}

/** Groups 4 and 5: INC, DEC; only in group 5 near and far calls and jumps, PUSH. */
export function decodeGroup5(size: u32, full: bool): void {
  readModrm();
  const operation = d.reg & 7;
  if (badLock(d.memory && operation < 2)) return;
  if (operation < 2) {
    decodeUnary(operation, size);
    return;
  }
  if (!full || operation == 7) {
    emitUndefined();
    return;
  }
  if (operation == 3 || operation == 5) {
    if (d.memory) emitSlow(operation == 3 ? SL_FAR_CALL : SL_FAR_JUMP, true);
    else emitUndefined();
    return;
  }
  if (!d.memory) d.source = d.rm << 3;
  if (operation == 6) {
    const stack = stackSize();
    d.kind = stack;
    if (!d.memory) emit(stack == 3 ? FAM_PUSH : FAM_PUSH_LEGACY);
    else if (stack == 3) emitMemory(FAM_PUSH + 2, 8, READS);
    else emitThroughAddress(FAM_PUSH_LEGACY + 2, 1 << stack, READS);
    return;
  }
  d.ends = true;
  const call = operation == 2;
  if (d.mode == MODE_64) {
    d.immediate = <i64>nextKey();
    const id = call ? FAM_CALL_INDIRECT : FAM_JMP_INDIRECT;
    if (d.memory) emitMemory(id + 1, 8, READS);
    else emit(id);
    return;
  }
  d.immediate = <i64>ripOfKey(nextKey());
  d.kind = d.operandSize;
  const id = FAM_JUMP_LEGACY + (call ? 2 : 0);
  if (d.memory) emitThroughAddress(id + 1, 1 << d.operandSize, READS);
  else emit(id);
}

export function decodeMovsxd(): void {
  readModrm();
  d.destination = d.reg << 3;
  if (d.operandSize == 3) {
    const id = FAM_MOVX + (5 * 2 + 1) * 3;
    if (d.memory) emitMemory(id + 1, 4, READS);
    else {
      d.source = d.rm << 3;
      emit(id);
    }
    return;
  }
  const id = FAM_MOV + d.operandSize * 8;
  if (d.memory) emitMemory(id + 2, 1 << d.operandSize, READS);
  else {
    d.source = d.rm << 3;
    emit(id);
  }
}

/** IMUL with two or three operands. */
export function decodeImul(three: bool): void {
  if (d.operandSize == 1) {
    emitSlow(SL_MUL_DIV, false);
    return;
  }
  const id = FAM_IMUL + ((d.operandSize - 2) * 2 + u32(three)) * 3;
  d.destination = d.reg << 3;
  d.immediate = truncate(d.immediate, d.operandSize);
  if (d.memory) emitMemory(id + 1, 1 << d.operandSize, READS);
  else {
    d.source = d.rm << 3;
    emit(id);
  }
}
