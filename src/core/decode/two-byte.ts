// The two-byte opcode map 0F and the maps 0F38 and 0F3A (SDM "Opcode Map"). MMX and SSE are in simd.ts; AVX is absent.

import { FAM_BSWAP, FAM_CMOV, FAM_CMOV16, FAM_SETCC, OP_NOP } from '../../../build/core/op-ids.ts';
import { ABSENT_ADX, ABSENT_INVPCID, ABSENT_MOVBE, ABSENT_MOVDIRI, ABSENT_POPCNT, FS, GS, SS } from '../layout.ts';
import {
  SL_ADX,
  SL_CLTS,
  SL_CMPXCHG,
  SL_CPUID,
  SL_CRC32,
  SL_FPU_ABSENT,
  SL_GETSEC,
  SL_INVD,
  SL_INVEPT,
  SL_INVPCID,
  SL_INVVPID,
  SL_LAR,
  SL_LOAD_FAR_POINTER,
  SL_LSL,
  SL_MOVBE,
  SL_MOVDIR,
  SL_MOV_FROM_CR,
  SL_MOV_FROM_DR,
  SL_MOV_TO_CR,
  SL_MOV_TO_DR,
  SL_POP_SEGMENT,
  SL_PUSH_SEGMENT,
  SL_RDMSR,
  SL_RDPMC,
  SL_RDTSC,
  SL_RSM,
  SL_SYSCALL,
  SL_SYSENTER,
  SL_SYSEXIT,
  SL_SYSRET,
  SL_VMREAD,
  SL_VMWRITE,
  SL_WBINVD,
  SL_WRMSR,
  SL_XADD,
} from '../slow-ids.ts';
import { MODE_64 } from '../state.ts';
import {
  decodeAtomic,
  decodeBitTest,
  decodeDoubleShift,
  decodeExtension,
  decodeGroup8,
  decodeBitScan,
  decodeScan,
} from './bit-operations.ts';
import {
  READS,
  WRITES,
  absent,
  badLock,
  emit,
  emitMemory,
  emitSlow,
  emitThroughAddress,
  emitUndefined,
} from './emit.ts';
import { decodeImul } from './groups.ts';
import { decodeJcc } from './jumps.ts';
import { readModrm, registerOffset, unprefixed } from './operands.ts';
import { FEATURE_SSE42, decodeEmms, decodeSimd, offers } from './simd.ts';
import { byte, d, immediateOf } from './state.ts';
import { decodeGroup15, decodeGroup6, decodeGroup7, decodeGroup9 } from './system-groups.ts';

export function decodeTwoByte(): void {
  const opcode = byte();
  d.opcode = 0x0f00 | opcode;
  if (opcode == 0x38) {
    d.opcode = 0x0f3800 | byte();
    decode0f38(d.opcode & 0xff);
    return;
  }
  if (opcode == 0x3a) {
    d.opcode = 0x0f3a00 | byte();
    readModrm();
    decodeSimd(3);
    return;
  }
  if (d.lock && !mayLockTwoByte(opcode)) {
    emitUndefined();
    return;
  }
  switch (opcode >> 4) {
    case 0x0:
      decode0f00(opcode);
      return;
    case 0x1:
      decode0f10(opcode);
      return;
    case 0x2:
      decode0f20(opcode);
      return;
    case 0x3:
      decode0f30(opcode);
      return;
    case 0x4:
      decodeCmov(opcode & 15);
      return;
    case 0x7:
      decode0f70(opcode);
      return;
    case 0x8:
      decodeJcc(opcode & 15, immediateOf(d.mode == MODE_64 ? 2 : d.operandSize));
      return;
    case 0x9:
      readModrm();
      if (d.memory) emitMemory(FAM_SETCC + (opcode & 15) * 3 + 1, 1, WRITES);
      else {
        d.destination = registerOffset(d.rm, 0);
        emit(FAM_SETCC + (opcode & 15) * 3);
      }
      return;
    case 0xa:
      decode0fa0(opcode);
      return;
    case 0xb:
      decode0fb0(opcode);
      return;
    case 0xc:
      decode0fc0(opcode);
      return;
    default: // 5, 6, D, E, F: MMX and SSE; FF is UD0
      readModrm();
      decodeSimd(1);
  }
}

/** Opcodes after 0F that may take LOCK; their groups check the form. */
function mayLockTwoByte(opcode: u32): bool {
  return (
    opcode == 0xab ||
    opcode == 0xb0 ||
    opcode == 0xb1 ||
    opcode == 0xb3 ||
    opcode == 0xba ||
    opcode == 0xbb ||
    opcode == 0xc0 ||
    opcode == 0xc1 ||
    opcode == 0xc7
  );
}

export function emitSse(): void {
  emitSlow(SL_FPU_ABSENT, true);
}

/** A hint that does nothing, its operand not even accessed. */
function emitHint(): void {
  readModrm();
  d.immediate = 0;
  emit(OP_NOP);
}

function decode0f00(opcode: u32): void {
  switch (opcode) {
    case 0x00:
      decodeGroup6();
      return;
    case 0x01:
      decodeGroup7();
      return;
    case 0x02:
    case 0x03:
      readModrm();
      emitSlow(opcode == 0x02 ? SL_LAR : SL_LSL, true);
      return;
    case 0x05:
      emitSlow(SL_SYSCALL, true);
      return;
    case 0x06:
      emitSlow(SL_CLTS, true);
      return;
    case 0x07:
      emitSlow(SL_SYSRET, true);
      return;
    case 0x08:
      emitSlow(SL_INVD, true);
      return;
    case 0x09:
      emitSlow(SL_WBINVD, true);
      return;
    case 0x0d:
      emitHint();
      return;
    default: // 04 0A 0B 0C 0E 0F: UD2, 3DNow! and holes
      emitUndefined();
  }
}

function decode0f10(opcode: u32): void {
  if (opcode >= 0x18)
    emitHint(); // PREFETCH, CLDEMOTE, ENDBR, long NOP; MPX and CET are NOPs where they are absent
  else {
    readModrm();
    decodeSimd(1);
  }
}

function decode0f20(opcode: u32): void {
  if (opcode >= 0x28) {
    readModrm();
    decodeSimd(1);
    return;
  }
  if (opcode > 0x23) {
    emitUndefined();
    return;
  }
  // The operand is a register whatever mod says.
  const modrm = byte();
  d.modrm = modrm | 0xc0;
  d.memory = false;
  d.reg = ((modrm >> 3) & 7) | ((d.rex & 4) << 1);
  d.rm = (modrm & 7) | ((d.rex & 1) << 3);
  d.operandSize = d.mode == MODE_64 ? 3 : 2;
  if (opcode & 1 ? d.reg > 7 : !controlRegisterExists(d.reg)) {
    emitUndefined();
    return;
  }
  switch (opcode) {
    case 0x20:
      emitSlow(SL_MOV_FROM_CR, true);
      return;
    case 0x21:
      emitSlow(SL_MOV_FROM_DR, true);
      return;
    case 0x22:
      emitSlow(SL_MOV_TO_CR, true);
      return;
    default:
      emitSlow(SL_MOV_TO_DR, true);
  }
}

function controlRegisterExists(register: u32): bool {
  return register == 0 || (register >= 2 && register <= 4) || register == 8;
}

function decode0f30(opcode: u32): void {
  switch (opcode) {
    case 0x30:
      emitSlow(SL_WRMSR, true);
      return;
    case 0x31:
      emitSlow(SL_RDTSC, false);
      return;
    case 0x32:
      emitSlow(SL_RDMSR, false);
      return;
    case 0x33:
      emitSlow(SL_RDPMC, false);
      return;
    case 0x34:
      emitSlow(SL_SYSENTER, true);
      return;
    case 0x35:
      emitSlow(SL_SYSEXIT, true);
      return;
    case 0x37:
      if (unprefixed()) emitSlow(SL_GETSEC, true);
      else emitUndefined();
      return;
    default:
      emitUndefined();
  }
}

function decodeCmov(cc: u32): void {
  readModrm();
  d.destination = d.reg << 3;
  if (!d.memory) d.source = d.rm << 3;
  if (d.operandSize == 1) {
    d.kind = cc;
    if (d.memory) emitThroughAddress(FAM_CMOV16 + 1, 2, READS);
    else emit(FAM_CMOV16);
    return;
  }
  const id = FAM_CMOV + (cc * 2 + d.operandSize - 2) * 3;
  if (d.memory) emitMemory(id + 1, 1 << d.operandSize, READS);
  else emit(id);
}

function decode0f70(opcode: u32): void {
  if (opcode == 0x78 || opcode == 0x79) {
    readModrm();
    if (!unprefixed()) {
      emitUndefined();
      return;
    }
    d.operandSize = d.mode == MODE_64 ? 3 : 2;
    emitSlow(opcode == 0x78 ? SL_VMREAD : SL_VMWRITE, false);
    return;
  }
  if (opcode == 0x77) {
    decodeEmms();
    return;
  }
  readModrm();
  decodeSimd(1);
}

function decode0fa0(opcode: u32): void {
  switch (opcode) {
    case 0xa0:
    case 0xa1:
    case 0xa8:
    case 0xa9:
      d.reg = opcode < 0xa8 ? FS : GS;
      emitSlow(opcode & 1 ? SL_POP_SEGMENT : SL_PUSH_SEGMENT, true);
      return;
    case 0xa2:
      emitSlow(SL_CPUID, true);
      return;
    case 0xa3:
    case 0xab:
      decodeBitTest(opcode);
      return;
    case 0xa4:
    case 0xac:
      readModrm();
      d.immediate = <i64>byte();
      decodeDoubleShift(opcode, 0);
      return;
    case 0xa5:
    case 0xad:
      readModrm();
      decodeDoubleShift(opcode, 1);
      return;
    case 0xaa:
      emitSlow(SL_RSM, true);
      return;
    case 0xae:
      decodeGroup15();
      return;
    case 0xaf:
      readModrm();
      decodeImul(false);
      return;
    default: // A6, A7
      emitUndefined();
  }
}

function decode0fb0(opcode: u32): void {
  switch (opcode) {
    case 0xb0:
    case 0xb1:
      readModrm();
      if (badLock(d.memory)) return;
      decodeAtomic(2, opcode == 0xb0 ? 0 : d.operandSize, SL_CMPXCHG);
      return;
    case 0xb2:
    case 0xb4:
    case 0xb5:
      readModrm();
      // SI_REG is the segment; the general register follows from SI_MODRM and SI_REX.
      d.reg = opcode == 0xb2 ? SS : opcode == 0xb4 ? FS : GS;
      if (d.memory) emitSlow(SL_LOAD_FAR_POINTER, true);
      else emitUndefined();
      return;
    case 0xb3:
    case 0xbb:
      decodeBitTest(opcode);
      return;
    case 0xb6:
    case 0xb7:
    case 0xbe:
    case 0xbf:
      decodeExtension(opcode);
      return;
    case 0xb8:
      readModrm();
      if (d.repeat != 0xf3) emitUndefined();
      else if (!absent(ABSENT_POPCNT)) decodeScan(4);
      return;
    case 0xb9:
      readModrm();
      emitUndefined();
      return;
    case 0xba:
      decodeGroup8();
      return;
    default: // BC, BD
      readModrm();
      decodeBitScan(opcode & 1);
  }
}

function decode0fc0(opcode: u32): void {
  if (opcode >= 0xc8) {
    d.destination = ((opcode & 7) | ((d.rex & 1) << 3)) << 3;
    emit(FAM_BSWAP + d.operandSize - 1);
    return;
  }
  readModrm();
  switch (opcode) {
    case 0xc0:
    case 0xc1:
      if (badLock(d.memory)) return;
      decodeAtomic(1, opcode == 0xc0 ? 0 : d.operandSize, SL_XADD);
      return;
    case 0xc3:
      if (d.memory && unprefixed())
        emitSlow(SL_MOVDIR, false); // MOVNTI
      else emitUndefined();
      return;
    case 0xc7:
      decodeGroup9();
      return;
    default:
      decodeSimd(1);
  }
}

function decode0f38(opcode: u32): void {
  readModrm();
  if (d.lock) {
    emitUndefined();
    return;
  }
  switch (opcode) {
    case 0x80:
    case 0x81:
    case 0x82:
      if (!d.memory || !d.prefix66 || d.repeat) emitUndefined();
      else if (opcode != 0x82) emitSlow(opcode == 0x80 ? SL_INVEPT : SL_INVVPID, true);
      else if (!absent(ABSENT_INVPCID)) emitSlow(SL_INVPCID, true);
      return;
    case 0xf0:
    case 0xf1:
      if (d.repeat == 0xf2) {
        if (offers(FEATURE_SSE42)) emitSlow(SL_CRC32, false);
        else emitUndefined();
      } else if (!d.memory || d.repeat) emitUndefined();
      else if (!absent(ABSENT_MOVBE)) emitSlow(SL_MOVBE, false);
      return;
    case 0xf6:
      if (d.repeat != 0xf3 && (!d.prefix66 || d.repeat)) emitUndefined();
      else if (!absent(ABSENT_ADX)) emitSlow(SL_ADX, false);
      return;
    case 0xf9:
      if (!d.memory || !unprefixed()) emitUndefined();
      else if (!absent(ABSENT_MOVDIRI)) emitSlow(SL_MOVDIR, false);
      return;
    case 0xf8:
      emitUndefined();
      return;
    default:
      decodeSimd(2);
  }
}
