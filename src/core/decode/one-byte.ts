// The one-byte opcode map (SDM "One-Byte Opcode Map"), one function for sixteen opcodes; a table in the form of switches. LOCK is
// checked here: where it is not allowed the instruction is #UD.

import {
  FAM_ALU,
  FAM_EXTEND_A,
  FAM_FLAG,
  FAM_LEA,
  FAM_LOOP,
  FAM_MOV,
  FAM_POP,
  FAM_POP_LEGACY,
  FAM_PUSH,
  FAM_PUSH_LEGACY,
  FAM_TEST,
  FAM_UNARY,
  FAM_XCHG,
  OP_LEAVE,
  OP_NOP,
} from '../../../build/core/op-ids.ts';
import { CS, DS, ES } from '../layout.ts';
import {
  SL_ARPL,
  SL_BCD,
  SL_BOUND,
  SL_CLI,
  SL_ENTER,
  SL_FAR_CALL,
  SL_FAR_JUMP,
  SL_FAR_RETURN,
  SL_FWAIT,
  SL_HLT,
  SL_IN,
  SL_INS,
  SL_INT,
  SL_INT1,
  SL_INT3,
  SL_INTO,
  SL_IRET,
  SL_LAHF,
  SL_LOAD_FAR_POINTER,
  SL_MOV_FROM_SEGMENT,
  SL_MOV_TO_SEGMENT,
  SL_OUT,
  SL_OUTS,
  SL_PAUSE,
  SL_POPA,
  SL_POPF,
  SL_POP_SEGMENT,
  SL_PUSHA,
  SL_PUSHF,
  SL_PUSH_SEGMENT,
  SL_SALC,
  SL_STI,
  SL_STRING,
  SL_XLAT,
} from '../slow-ids.ts';
import { MODE_64 } from '../state.ts';
import {
  READS,
  WRITES,
  badLock,
  emit,
  emitEffectiveAddress,
  emitJump,
  emitMemory,
  emitSlow,
  emitUndefined,
} from './emit.ts';
import {
  decodeGroup1,
  decodeGroup3,
  decodeGroup5,
  decodeImul,
  decodeMovsxd,
  decodePopMemory,
  decodeShift,
  decodeTest,
  decodeXchg,
} from './groups.ts';
import { decodeEscape } from './escape.ts';
import { decodeJcc, decodeJumpOrCall, decodeReturn } from './jumps.ts';
import {
  opcodeRegister,
  overridden,
  readMemoryOffset,
  readModrm,
  registerOffset,
  sizeByOpcode,
  stackSize,
} from './operands.ts';
import { byte, d, immediateOf, signedByte, truncate, word } from './state.ts';
import { decodeTwoByte } from './two-byte.ts';
import { decodeVex } from './vex.ts';

export function decodeOneByte(opcode: u32): void {
  d.opcode = opcode;
  if (opcode < 0x40) {
    if ((opcode & 7) < 6) decodeAlu(opcode);
    else if (opcode == 0x0f) decodeTwoByte();
    else decodeSegmentStackOrBcd(opcode);
    return;
  }
  if (d.lock && !mayLock(opcode)) {
    // The bytes of the instruction do not matter: #UD comes first.
    emitUndefined();
    return;
  }
  if (opcode < 0x50) {
    d.destination = registerOffset(opcode & 7, d.operandSize);
    emit(FAM_UNARY + ((opcode & 8 ? 4 : 0) + d.operandSize) * 3);
  } else if (opcode < 0x60) decodePushPop(opcode);
  else if (opcode < 0x70) decode60(opcode);
  else if (opcode < 0x80) decodeJcc(opcode & 15, signedByte());
  else if (opcode < 0x90) decode80(opcode);
  else if (opcode < 0xa0) decode90(opcode);
  else if (opcode < 0xb0) decodeA0(opcode);
  else if (opcode < 0xc0) decodeMoveImmediate(opcode);
  else if (opcode < 0xd0) decodeC0(opcode);
  else if (opcode < 0xe0) decodeD0(opcode);
  else if (opcode < 0xf0) decodeE0(opcode);
  else decodeF0(opcode);
}

/** One-byte opcodes from 40 on that may take LOCK, which their groups then check. */
function mayLock(opcode: u32): bool {
  return (
    (opcode >= 0x80 && opcode <= 0x83) ||
    opcode == 0x86 ||
    opcode == 0x87 ||
    opcode == 0xf6 ||
    opcode == 0xf7 ||
    opcode >= 0xfe
  );
}

function decodeAlu(opcode: u32): void {
  const operation = opcode >> 3;
  const form = opcode & 7;
  const size = form & 1 ? d.operandSize : 0;
  const id = FAM_ALU + ((operation * 4 + size) << 3);
  if (form >= 4) {
    d.immediate = truncate(immediateOf(size), size);
    if (!badLock(false)) emit(id + 1);
    return;
  }
  readModrm();
  if (badLock(d.memory && form < 2 && operation != 7)) return;
  const register = registerOffset(d.reg, size);
  if (!d.memory) {
    const other = registerOffset(d.rm, size);
    d.destination = form < 2 ? other : register;
    d.source = form < 2 ? register : other;
    emit(id);
  } else if (form < 2) {
    d.source = register;
    emitMemory(id + 4, 1 << size, operation == 7 ? READS : WRITES);
  } else {
    d.destination = register;
    emitMemory(id + 2, 1 << size, READS);
  }
}

/** 06 to 3F outside the arithmetic block: PUSH and POP of segment registers, DAA DAS AAA AAS. */
function decodeSegmentStackOrBcd(opcode: u32): void {
  if (d.mode == MODE_64 || d.lock) {
    emitUndefined();
    return;
  }
  if (opcode >= 0x20) {
    emitSlow(SL_BCD, false);
    return;
  }
  d.reg = opcode >> 3;
  emitSlow(opcode & 1 ? SL_POP_SEGMENT : SL_PUSH_SEGMENT, true);
}

function decodePushPop(opcode: u32): void {
  const register = opcodeRegister(opcode) << 3;
  const size = stackSize();
  if (opcode < 0x58) d.source = register;
  else d.destination = register;
  d.kind = size;
  if (size == 3) emit(opcode < 0x58 ? FAM_PUSH : FAM_POP);
  else emit(opcode < 0x58 ? FAM_PUSH_LEGACY : FAM_POP_LEGACY);
}

function pushImmediate(value: i64): void {
  const size = stackSize();
  d.immediate = value;
  d.kind = size;
  emit(size == 3 ? FAM_PUSH + 1 : FAM_PUSH_LEGACY + 1);
}

function decode60(opcode: u32): void {
  switch (opcode) {
    case 0x60:
    case 0x61:
      if (d.mode == MODE_64) emitUndefined();
      else emitSlow(opcode == 0x60 ? SL_PUSHA : SL_POPA, false);
      return;
    case 0x62: // with a register operand, or in 64-bit mode, it is EVEX
      if (d.mode != MODE_64) readModrm();
      if (d.mode == MODE_64 || !d.memory) emitUndefined();
      else emitSlow(SL_BOUND, false);
      return;
    case 0x63:
      if (d.mode == MODE_64) decodeMovsxd();
      else {
        readModrm();
        emitSlow(SL_ARPL, true);
      }
      return;
    case 0x68:
      // In 64-bit mode the immediate is 32 bits wide even where the operand has 64.
      pushImmediate(immediateOf(d.mode == MODE_64 && stackSize() == 3 ? 2 : d.operandSize));
      return;
    case 0x6a:
      pushImmediate(signedByte());
      return;
    case 0x69:
    case 0x6b:
      readModrm();
      d.immediate = immediateOf(opcode == 0x6b ? 0 : d.operandSize);
      decodeImul(true);
      return;
    case 0x6c:
    case 0x6d:
      d.operandSize = opcode & 1 ? min<u32>(d.operandSize, 2) : 0;
      d.segment = ES;
      emitSlow(SL_INS, true);
      return;
    case 0x6e:
    case 0x6f:
      d.operandSize = opcode & 1 ? min<u32>(d.operandSize, 2) : 0;
      d.segment = overridden(DS);
      emitSlow(SL_OUTS, true);
      return;
  }
  unreachable(); // 64 to 67 are prefixes
}

function decode80(opcode: u32): void {
  switch (opcode) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83:
      decodeGroup1(opcode);
      return;
    case 0x84:
    case 0x85:
      readModrm();
      decodeTest(sizeByOpcode(opcode), false);
      return;
    case 0x86:
    case 0x87:
      decodeXchg(sizeByOpcode(opcode));
      return;
    case 0x88:
    case 0x89: {
      const size = sizeByOpcode(opcode);
      readModrm();
      d.source = registerOffset(d.reg, size);
      if (d.memory) emitMemory(FAM_MOV + size * 8 + 4, 1 << size, WRITES);
      else {
        d.destination = registerOffset(d.rm, size);
        emit(FAM_MOV + size * 8);
      }
      return;
    }
    case 0x8a:
    case 0x8b: {
      const size = sizeByOpcode(opcode);
      readModrm();
      d.destination = registerOffset(d.reg, size);
      if (d.memory) emitMemory(FAM_MOV + size * 8 + 2, 1 << size, READS);
      else {
        d.source = registerOffset(d.rm, size);
        emit(FAM_MOV + size * 8);
      }
      return;
    }
    case 0x8c:
      readModrm();
      d.reg &= 7;
      if (d.reg > 5) emitUndefined();
      else emitSlow(SL_MOV_FROM_SEGMENT, true);
      return;
    case 0x8e:
      readModrm();
      d.reg &= 7;
      if (d.reg > 5 || d.reg == CS) emitUndefined();
      else emitSlow(SL_MOV_TO_SEGMENT, true);
      return;
    case 0x8d:
      readModrm();
      d.destination = d.reg << 3;
      if (d.memory) emitEffectiveAddress(FAM_LEA + (d.operandSize - 1) * 2);
      else emitUndefined();
      return;
    case 0x8f:
      decodePopMemory();
      return;
  }
}

function decode90(opcode: u32): void {
  if (opcode < 0x98) {
    const register = opcodeRegister(opcode);
    if (register == 0) {
      if (d.repeat == 0xf3) emitSlow(SL_PAUSE, true);
      else emit(OP_NOP);
      return;
    }
    d.source = register << 3;
    emit(FAM_XCHG + d.operandSize);
    return;
  }
  switch (opcode) {
    case 0x98:
      emit(FAM_EXTEND_A + d.operandSize - 1);
      return;
    case 0x99:
      emit(FAM_EXTEND_A + 3 + d.operandSize - 1);
      return;
    case 0x9a:
      decodeFarDirect(SL_FAR_CALL);
      return;
    case 0x9b:
      emitSlow(SL_FWAIT, true);
      return;
    case 0x9c:
    case 0x9d:
      d.operandSize = stackSize();
      emitSlow(opcode == 0x9c ? SL_PUSHF : SL_POPF, true);
      return;
    default:
      emitSlow(SL_LAHF, false);
  }
}

function decodeFarDirect(id: u32): void {
  if (d.mode == MODE_64) {
    emitUndefined();
    return;
  }
  d.immediate = truncate(immediateOf(d.operandSize), d.operandSize);
  d.immediate2 = word();
  emitSlow(id, true);
}

function decodeA0(opcode: u32): void {
  if (opcode < 0xa4) {
    const size = sizeByOpcode(opcode);
    readMemoryOffset();
    const id = FAM_MOV + size * 8;
    if (opcode < 0xa2) emitMemory(id + 2, 1 << size, READS);
    else emitMemory(id + 4, 1 << size, WRITES);
    return;
  }
  if (opcode == 0xa8 || opcode == 0xa9) {
    const size = sizeByOpcode(opcode);
    d.immediate = truncate(immediateOf(size), size);
    emit(FAM_TEST + size * 6 + 1);
    return;
  }
  d.operandSize = sizeByOpcode(opcode);
  d.segment = overridden(DS);
  emitSlow(SL_STRING, false);
}

function decodeMoveImmediate(opcode: u32): void {
  const size = opcode < 0xb8 ? 0 : d.operandSize;
  d.destination = registerOffset(opcodeRegister(opcode), size);
  if (size == 3) {
    d.immediate = load<i64>(d.at);
    d.at += 8;
  } else d.immediate = truncate(immediateOf(size), size);
  emit(FAM_MOV + size * 8 + 1);
}

function decodeC0(opcode: u32): void {
  switch (opcode) {
    case 0xc0:
    case 0xc1:
      readModrm();
      d.immediate = <i64>byte();
      decodeShift(sizeByOpcode(opcode), false);
      return;
    case 0xc2:
    case 0xc3:
      decodeReturn(opcode == 0xc2 ? word() : 0);
      return;
    case 0xc4:
    case 0xc5: // in 16- and 32-bit code a register form is VEX
      if (d.mode == MODE_64 || load<u8>(d.at) >= 0xc0) decodeVex(opcode);
      else {
        readModrm();
        d.reg = opcode == 0xc4 ? ES : DS;
        emitSlow(SL_LOAD_FAR_POINTER, true);
      }
      return;
    case 0xc6:
    case 0xc7: {
      const size = sizeByOpcode(opcode);
      readModrm();
      if (d.reg & 7) {
        emitUndefined();
        return;
      }
      d.immediate = truncate(immediateOf(size), size);
      if (d.memory) emitMemory(FAM_MOV + size * 8 + 6, 1 << size, WRITES);
      else {
        d.destination = registerOffset(d.rm, size);
        emit(FAM_MOV + size * 8 + 1);
      }
      return;
    }
    case 0xc8:
      d.immediate = <i64>word();
      d.immediate2 = byte();
      d.operandSize = stackSize();
      emitSlow(SL_ENTER, false);
      return;
    case 0xc9:
      d.kind = stackSize();
      emit(d.kind == 3 ? OP_LEAVE : FAM_POP_LEGACY + 2);
      return;
    case 0xca:
    case 0xcb:
      d.immediate = opcode == 0xca ? <i64>word() : 0;
      emitSlow(SL_FAR_RETURN, true);
      return;
    case 0xcc:
      emitSlow(SL_INT3, true);
      return;
    case 0xcd:
      d.immediate = <i64>byte();
      emitSlow(SL_INT, true);
      return;
    case 0xce:
      if (d.mode == MODE_64) emitUndefined();
      else emitSlow(SL_INTO, true);
      return;
    case 0xcf:
      emitSlow(SL_IRET, true);
      return;
  }
}

function decodeD0(opcode: u32): void {
  switch (opcode) {
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      readModrm();
      d.immediate = 1;
      decodeShift(sizeByOpcode(opcode), opcode >= 0xd2);
      return;
    case 0xd4:
    case 0xd5:
      d.immediate = <i64>byte();
      if (d.mode == MODE_64) emitUndefined();
      else emitSlow(SL_BCD, false);
      return;
    case 0xd6:
      if (d.mode == MODE_64) emitUndefined();
      else emitSlow(SL_SALC, false);
      return;
    case 0xd7:
      d.segment = overridden(DS);
      emitSlow(SL_XLAT, false);
      return;
    default:
      decodeEscape();
  }
}

function decodeE0(opcode: u32): void {
  switch (opcode) {
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3: {
      const kind = opcode - 0xe0;
      const distance = signedByte();
      d.kind = kind | (d.addressSize << 4);
      emitJump(FAM_LOOP, FAM_LOOP + 1, distance, 17 + kind, 0);
      return;
    }
    case 0xe4:
    case 0xe5:
    case 0xe6:
    case 0xe7:
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
      if (opcode < 0xe8) d.immediate = <i64>byte();
      d.operandSize = opcode & 1 ? min<u32>(d.operandSize, 2) : 0;
      emitSlow(opcode & 2 ? SL_OUT : SL_IN, true);
      return;
    case 0xe8:
    case 0xe9:
    case 0xeb:
      decodeJumpOrCall(opcode);
      return;
    case 0xea:
      decodeFarDirect(SL_FAR_JUMP);
  }
}

function decodeF0(opcode: u32): void {
  switch (opcode) {
    case 0xf1:
      emitSlow(SL_INT1, true);
      return;
    case 0xf4:
      emitSlow(SL_HLT, true);
      return;
    case 0xf5:
      emit(FAM_FLAG);
      return;
    case 0xf6:
    case 0xf7:
      decodeGroup3(sizeByOpcode(opcode));
      return;
    case 0xf8:
    case 0xf9:
      emit(FAM_FLAG + 1 + (opcode & 1));
      return;
    case 0xfa:
      emitSlow(SL_CLI, true);
      return;
    case 0xfb:
      emitSlow(SL_STI, true);
      return;
    case 0xfc:
    case 0xfd:
      emit(FAM_FLAG + 3 + (opcode & 1));
      return;
    default:
      decodeGroup5(sizeByOpcode(opcode), opcode == 0xff);
  }
}
