// Prefixes, ModRM, SIB and displacement (SDM "Instruction Format").

import { DS, FS, GS, SS } from '../layout.ts';
import { MODE_32, MODE_64 } from '../state.ts';
import { byte, d, signedByte, signedDword } from './state.ts';

/** Offset of the register that is always 0, from STATE. */
export const NO_REGISTER: u32 = 0x80;
/** Offset of EA, which an address operation fills. */
export const EA_REGISTER: u32 = 0x88;
const LONGEST: usize = 15;

/** Reads prefixes; answers the first opcode byte. Too many of them: `at` ends beyond the longest instruction. */
export function readPrefixes(): u32 {
  d.rex = 0;
  d.vex = 0;
  d.prefix66 = false;
  d.repeat = 0;
  d.lock = false;
  d.segmentPrefix = -1;
  let prefix67 = false;
  let opcode: u32;
  while (true) {
    if (d.at - d.start >= LONGEST) {
      d.at++;
      return 0x90;
    }
    opcode = byte();
    if (opcode == 0x66) d.prefix66 = true;
    else if (opcode == 0x67) prefix67 = true;
    else if (opcode == 0xf2 || opcode == 0xf3) d.repeat = opcode;
    else if (opcode == 0xf0) d.lock = true;
    else if (opcode == 0x64) d.segmentPrefix = FS;
    else if (opcode == 0x65) d.segmentPrefix = GS;
    else if ((opcode & 0xe7) == 0x26) {
      // In 64-bit mode ES, CS, SS and DS overrides are ignored.
      if (d.mode != MODE_64) d.segmentPrefix = (opcode >> 3) & 3;
    } else if ((opcode & 0xf0) == 0x40 && d.mode == MODE_64) {
      d.rex = opcode;
      continue;
    } else break;
    d.rex = 0; // only the last byte before the opcode counts as REX
  }
  if (d.mode == MODE_64) {
    d.operandSize = d.rex & 8 ? 3 : d.prefix66 ? 1 : 2;
    d.addressSize = prefix67 ? 2 : 3;
  } else {
    d.operandSize = (d.mode == MODE_32) == d.prefix66 ? 1 : 2;
    d.addressSize = (d.mode == MODE_32) == prefix67 ? 1 : 2;
  }
  return opcode;
}

/** Offset from STATE of a general register operand of size 0 to 3. */
export function registerOffset(register: u32, size: u32): u32 {
  return size == 0 && !d.rex && !d.vex && register >= 4 && register < 8 ? ((register - 4) << 3) + 1 : register << 3;
}

/** Segment of a data access with a default, override applied. */
export function overridden(segment: u32): u32 {
  return d.segmentPrefix >= 0 ? <u32>d.segmentPrefix : segment;
}

export function readModrm(): void {
  const modrm = byte();
  const mod = modrm >> 6;
  const rm = modrm & 7;
  d.modrm = modrm;
  d.reg = ((modrm >> 3) & 7) | ((d.rex & 4) << 1);
  d.ripRelative = false;
  d.displacement = 0;
  if (mod == 3) {
    d.memory = false;
    d.rm = rm | ((d.rex & 1) << 3);
    return;
  }
  d.memory = true;
  d.rm = 0;
  d.base = NO_REGISTER;
  d.index = NO_REGISTER;
  d.scale = 0;
  if (d.addressSize == 1) readModrm16(mod, rm);
  else readModrm32(mod, rm);
}

function readModrm16(mod: u32, rm: u32): void {
  let base: i32 = -1;
  let index: i32 = -1;
  if (rm < 4) {
    base = rm & 2 ? 5 : 3;
    index = rm & 1 ? 7 : 6;
  } else if (rm == 4) base = 6;
  else if (rm == 5) base = 7;
  else if (rm == 7) base = 3;
  else if (mod) base = 5;
  if (mod == 1) d.displacement = signedByte();
  else if (mod == 2 || (mod == 0 && rm == 6)) {
    d.displacement = <i64>load<i16>(d.at);
    d.at += 2;
  }
  if (base >= 0) d.base = (<u32>base) << 3;
  if (index >= 0) d.index = (<u32>index) << 3;
  d.segment = overridden(base == 5 ? SS : DS);
  d.sib = sibOf(0, index, base);
}

function readModrm32(mod: u32, rm: u32): void {
  let base: i32 = <i32>(rm | ((d.rex & 1) << 3));
  let index: i32 = -1;
  if (rm == 4) {
    const sib = byte();
    d.scale = sib >> 6;
    index = <i32>(((sib >> 3) & 7) | ((d.rex & 2) << 2));
    if (index == 4) index = -1;
    base = <i32>((sib & 7) | ((d.rex & 1) << 3));
    if ((sib & 7) == 5 && mod == 0) base = -1;
  } else if (rm == 5 && mod == 0) {
    base = -1;
    d.ripRelative = d.mode == MODE_64;
  }
  if (mod == 1) d.displacement = signedByte();
  else if (mod == 2 || base < 0) d.displacement = signedDword();
  if (base >= 0) d.base = (<u32>base) << 3;
  if (index >= 0) d.index = (<u32>index) << 3;
  d.segment = overridden(base == 4 || base == 5 ? SS : DS);
  d.sib = sibOf(d.scale, index, base);
}

function sibOf(scale: u32, index: i32, base: i32): u32 {
  return scale | (index < 0 ? 0x8000 : (<u32>index) << 8) | (base < 0 ? 0x800000 : (<u32>base) << 16);
}

/** A direct memory offset (A0 to A3), as wide as the address size. */
export function readMemoryOffset(): void {
  d.modrm = 0;
  d.reg = 0;
  d.memory = true;
  d.ripRelative = false;
  d.base = NO_REGISTER;
  d.index = NO_REGISTER;
  d.scale = 0;
  d.segment = overridden(DS);
  d.sib = sibOf(0, -1, -1);
  if (d.addressSize == 3) {
    d.displacement = load<i64>(d.at);
    d.at += 8;
  } else if (d.addressSize == 2) {
    d.displacement = <i64>load<u32>(d.at);
    d.at += 4;
  } else {
    d.displacement = <i64>load<u16>(d.at);
    d.at += 2;
  }
}

/** Size of an operand whose opcode's bit 0 says byte or full. @inline */
export function sizeByOpcode(opcode: u32): u32 {
  return opcode & 1 ? d.operandSize : 0;
}

export function opcodeRegister(opcode: u32): u32 {
  return (opcode & 7) | ((d.rex & 1) << 3);
}

/** Size of stack operands: 64 bits by default in 64-bit mode, where 32 cannot be had. */
export function stackSize(): u32 {
  if (d.mode != MODE_64) return d.operandSize;
  return d.prefix66 && !(d.rex & 8) ? 1 : 3;
}

/** Whether no prefix of 66, F2 and F3 is there: many instructions of group 7 then exist only. */
export function unprefixed(): bool {
  return !d.prefix66 && !d.repeat;
}
