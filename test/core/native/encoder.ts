// Machine code from its parts: prefixes, REX or VEX, opcode, ModRM, SIB, displacement, immediate.

import type { Mode } from './space.ts';

export interface Memory {
  /** Size of the address: 16, 32 or 64 bits. */
  readonly addressBits: Mode;
  /** Register numbers; absent: none. With 16-bit addresses BX, BP, SI and DI as the SDM's table pairs them. */
  readonly base?: number | undefined;
  readonly index?: number | undefined;
  readonly scale?: 0 | 1 | 2 | 3 | undefined;
  readonly displacement: bigint;
  readonly displacementBytes: 0 | 1 | 2 | 4;
  /** The displacement counts from the next instruction; `displacement` is then the absolute target. */
  readonly ripRelative?: boolean | undefined;
  /** Segment override prefix byte. */
  readonly segmentPrefix?: number | undefined;
}

export interface Instruction {
  /** Opcode bytes after mandatory prefixes, escapes included; for VEX only the last byte. */
  readonly opcode: readonly number[];
  /** Operand size in bits; chooses 66H and REX.W. 8 and `fixed` choose nothing. */
  readonly width: 8 | 16 | 32 | 64;
  /** The size is 64 bits in 64-bit mode without REX.W (PUSH, POP). */
  readonly default64?: boolean | undefined;
  /** Operand size fixed by the opcode: no 66H and no REX.W from `width`. */
  readonly fixedWidth?: boolean | undefined;
  readonly mandatory?: number | undefined;
  /** LOCK, REP. */
  readonly prefixes?: readonly number[] | undefined;
  /** ModRM.reg (a register or an opcode extension). Absent with `rm` absent: no ModRM. */
  readonly reg?: number | undefined;
  /** Register of ModRM.r/m, or memory. */
  readonly rm?: number | Memory | undefined;
  /** Register in the low bits of the opcode. */
  readonly opcodeRegister?: number | undefined;
  readonly immediate?: { readonly value: bigint; readonly bytes: number } | undefined;
  /** Force a REX prefix: selects SPL, BPL, SIL, DIL for byte registers 4 to 7. */
  readonly forceRex?: boolean | undefined;
  readonly vex?: { readonly map: 1 | 2 | 3; readonly pp: 0 | 1 | 2 | 3; readonly vvvv: number } | undefined;
}

export function littleEndian(value: bigint, bytes: number): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(bytes * 8, value);
  for (let i = 0; i < bytes; i++, rest >>= 8n) out.push(Number(rest & 255n));
  return out;
}

const PAIRS_16 = ['3,6', '3,7', '5,6', '5,7', '6,', '7,', '5,', '3,'];

interface Addressing {
  readonly modrm: number;
  readonly tail: number[];
  readonly rexX: number;
  readonly rexB: number;
}

function modOf(bytes: number): number {
  return bytes === 0 ? 0 : bytes === 1 ? 1 : 2;
}

function addressing(memory: Memory, mode: Mode): Addressing {
  const displacement = littleEndian(memory.displacement, memory.displacementBytes);
  const { base, index } = memory;
  if (memory.addressBits === 16) {
    if (base === undefined) return { modrm: 6, tail: displacement, rexX: 0, rexB: 0 };
    const rm = PAIRS_16.indexOf(`${base},${index ?? ''}`);
    if (rm < 0) throw new Error(`no 16-bit form for base ${base}, index ${index}`);
    return { modrm: (modOf(memory.displacementBytes) << 6) | rm, tail: displacement, rexX: 0, rexB: 0 };
  }
  if (memory.ripRelative) return { modrm: 5, tail: displacement, rexX: 0, rexB: 0 };
  const scale = memory.scale ?? 0;
  if (base === undefined) {
    // Without a base the displacement has four bytes; in 64-bit mode the form without SIB is RIP-relative.
    if (index === undefined && mode !== 64) return { modrm: 5, tail: displacement, rexX: 0, rexB: 0 };
    const sib = (scale << 6) | (((index ?? 4) & 7) << 3) | 5;
    return { modrm: 4, tail: [sib, ...displacement], rexX: (index ?? 0) >> 3, rexB: 0 };
  }
  const mod = modOf(memory.displacementBytes) << 6;
  if (index === undefined && (base & 7) !== 4)
    return { modrm: mod | (base & 7), tail: displacement, rexX: 0, rexB: base >> 3 };
  const sib = (scale << 6) | (((index ?? 4) & 7) << 3) | (base & 7);
  return { modrm: mod | 4, tail: [sib, ...displacement], rexX: (index ?? 0) >> 3, rexB: base >> 3 };
}

/** Bytes of an instruction at an address in a code segment of `mode` bits. */
export function encode(instruction: Instruction, mode: Mode, address: number): number[] {
  const out: number[] = [...(instruction.prefixes ?? [])];
  const { width, rm, vex } = instruction;
  const memory = typeof rm === 'object' ? rm : undefined;
  if (memory?.segmentPrefix) out.push(memory.segmentPrefix);
  if (memory && memory.addressBits !== mode) out.push(0x67);
  const sized = width !== 8 && !instruction.fixedWidth && !vex;
  if (sized && (mode === 16 ? width === 32 : width === 16)) out.push(0x66);
  if (instruction.mandatory) out.push(instruction.mandatory);

  const where = memory ? addressing(memory, mode) : undefined;
  const reg = instruction.reg ?? 0;
  const rexW = vex ? (width === 64 ? 1 : 0) : sized && width === 64 && !instruction.default64 ? 1 : 0;
  const rexR = reg >> 3;
  const rexX = where?.rexX ?? 0;
  const rexB = where ? where.rexB : typeof rm === 'number' ? rm >> 3 : (instruction.opcodeRegister ?? 0) >> 3;
  if (vex) {
    const rxb = ((rexR ^ 1) << 7) | ((rexX ^ 1) << 6) | ((rexB ^ 1) << 5);
    out.push(0xc4, rxb | vex.map, (rexW << 7) | ((~vex.vvvv & 15) << 3) | vex.pp);
  } else {
    const rex = (rexW << 3) | (rexR << 2) | (rexX << 1) | rexB;
    if (rex || instruction.forceRex) out.push(0x40 | rex);
  }
  const opcode = [...instruction.opcode];
  if (instruction.opcodeRegister !== undefined) opcode[opcode.length - 1]! |= instruction.opcodeRegister & 7;
  out.push(...opcode);
  const immediate = instruction.immediate ? littleEndian(instruction.immediate.value, instruction.immediate.bytes) : [];
  if (where) {
    out.push(where.modrm | ((reg & 7) << 3));
    if (memory?.ripRelative) {
      const end = address + out.length + 4 + immediate.length;
      out.push(...littleEndian(memory.displacement - BigInt(end), 4));
    } else out.push(...where.tail);
  } else if (typeof rm === 'number') out.push(0xc0 | ((reg & 7) << 3) | (rm & 7));
  out.push(...immediate);
  return out;
}
