// Inputs for one instruction: an x87 state as FRSTOR takes it, a memory operand, and RFLAGS; and outputs as FNSAVE leaves them.

import { below, chance, pick, type Random, value, wide } from '../native/random.ts';
import { exponentField, floatOperand, fraction } from '../float/operands.ts';
import type { OperandKind, X87Instruction } from './instructions.ts';

export const RECORD = 256;
const STATE = 0; // 108 bytes
export const OPERAND = 112; // 48 bytes
const FLAGS = 192;
const AX = 200;
const REGISTERS = 28;

/** One instruction over RCX records, from [RSI] to [RDI]; the last instruction is RET. */
export function machineCode(instruction: X87Instruction): Uint8Array {
  // biome-ignore format: one instruction a line
  const body = [
    0xdd, 0x26, // frstor [rsi]
    0x31, 0xc0, // xor eax, eax
    0x48, 0x8d, 0x5e, OPERAND, // lea rbx, [rsi + OPERAND]
    0xff, 0xb6, FLAGS, 0, 0, 0, // push qword [rsi + FLAGS]
    0x9d, // popfq
    ...instruction.bytes,
    0x9c, // pushfq
    0x8f, 0x87, FLAGS, 0, 0, 0, // pop qword [rdi + FLAGS]
    0x48, 0x89, 0x87, AX, 0, 0, 0, // mov [rdi + AX], rax
    0xdd, 0x37, // fnsave [rdi]
    ...[0, 8, 16, 24, 32, 40].flatMap((at) => [
      0x48, 0x8b, 0x43, at, // mov rax, [rbx + at]
      0x48, 0x89, 0x87, OPERAND + at, 0, 0, 0, // mov [rdi + OPERAND + at], rax
    ]),
    0x48, 0x81, 0xc6, 0, 1, 0, 0, // add rsi, RECORD
    0x48, 0x81, 0xc7, 0, 1, 0, 0, // add rdi, RECORD
    0x48, 0xff, 0xc9, // dec rcx
  ];
  const distance = -(body.length + 6);
  return Uint8Array.from([...body, 0x0f, 0x85, ...[0, 8, 16, 24].map((bit) => (distance >> bit) & 0xff), 0xc3]);
}

export function records(random: Random, instruction: X87Instruction, count: number): Uint8Array {
  const bytes = new Uint8Array(count * RECORD);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const at = i * RECORD;
    view.setUint32(at + STATE, 0xffff0000 | controlWord(random), true);
    view.setUint32(at + STATE + 4, statusWord(random), true);
    view.setUint32(at + STATE + 8, tagWord(random), true);
    for (let r = 0; r < 8; r++) {
      const x = extended(random, instruction.exponents);
      view.setBigUint64(at + REGISTERS + 10 * r, x.significand, true);
      view.setUint16(at + REGISTERS + 10 * r + 8, x.upper, true);
    }
    writeOperand(random, instruction.operand, view, at + OPERAND);
    view.setBigUint64(at + FLAGS, BigInt(2 | (below(random, 256) & 0xd5) | (chance(random, 50) ? 0x800 : 0)), true);
  }
  return bytes;
}

function controlWord(random: Random): number {
  const masks = chance(random, 70) ? 0x3f : below(random, 64);
  return 0x40 | masks | (pick(random, [0, 2, 3, 3, 3]) << 8) | (below(random, 4) << 10);
}

/** No exception is pending: any TOP and condition codes. */
function statusWord(random: Random): number {
  return (below(random, 8) << 11) | (below(random, 8) << 8) | (below(random, 2) << 14);
}

/** Most registers are not empty. */
function tagWord(random: Random): number {
  let tags = 0;
  const percent = chance(random, 50) ? 5 : 40;
  for (let r = 0; r < 8; r++) if (chance(random, percent)) tags |= 3 << (2 * r);
  return tags;
}

function extended(random: Random, exponents: X87Instruction['exponents']): { significand: bigint; upper: number } {
  const sign = below(random, 2) << 15;
  if (exponents && chance(random, 80)) {
    const [low, high] = exponents;
    return {
      significand: (1n << 63n) | fraction(random, 63),
      upper: sign | (0x3fff + low + below(random, high - low + 1)),
    };
  }
  const exponent = exponentField(random, 0x7fff, 0x3fff);
  const integerBit = exponent === 0 ? chance(random, 20) : !chance(random, 5);
  return { significand: (integerBit ? 1n << 63n : 0n) | fraction(random, 63), upper: sign | exponent };
}

function writeOperand(random: Random, kind: OperandKind, view: DataView, at: number): void {
  if (kind === 'none') return;
  if (kind === 'f32') view.setUint32(at, Number(floatOperand(random, 0)), true);
  else if (kind === 'f64') view.setBigUint64(at, floatOperand(random, 1), true);
  else if (kind === 'f80') {
    const x = extended(random, undefined);
    view.setBigUint64(at, x.significand, true);
    view.setUint16(at + 8, x.upper, true);
  } else if (kind === 'bcd') {
    for (let i = 0; i < 9; i++) view.setUint8(at + i, below(random, 10) | (below(random, 10) << 4));
    view.setUint8(at + 9, below(random, 2) << 7);
  } else view.setBigUint64(at, chance(random, 50) ? value(random) : wide(random), true);
}

export interface X87Output {
  readonly control: number;
  readonly status: number;
  readonly tags: number;
  readonly registers: readonly { readonly significand: bigint; readonly upper: number }[];
  readonly operand: readonly bigint[];
  readonly flags: number;
  readonly ax: bigint;
}

export function output(bytes: Uint8Array, index: number): X87Output {
  const view = new DataView(bytes.buffer, bytes.byteOffset + index * RECORD, RECORD);
  return {
    control: view.getUint16(0, true),
    status: view.getUint16(4, true),
    tags: view.getUint16(8, true),
    registers: Array.from({ length: 8 }, (_, r) => ({
      significand: view.getBigUint64(REGISTERS + 10 * r, true),
      upper: view.getUint16(REGISTERS + 10 * r + 8, true),
    })),
    operand: [0, 8].map((at) => view.getBigUint64(OPERAND + at, true)),
    flags: view.getUint32(FLAGS, true) & 0x8d5,
    ax: view.getBigUint64(AX, true),
  };
}

export function describeOutput(o: X87Output): string {
  const registers = o.registers.map((r) => `${r.upper.toString(16)}:${r.significand.toString(16)}`);
  return [
    `control ${o.control.toString(16)} status ${o.status.toString(16)} tags ${o.tags.toString(16)}`,
    `flags ${o.flags.toString(16)} AX ${o.ax.toString(16)} memory ${o.operand.map((q) => q.toString(16)).join(' ')}`,
    registers.join(' '),
  ].join(', ');
}
