// The x87 and SSE registers by name, straight from the processor. A register wider than 64 bits also has parts: `st0.significand` and
// `st0.exponent` (with the sign in bit 15), `xmm0.low` and `xmm0.high`.
import {
  MXCSR,
  X87,
  X87_CONTROL,
  X87_CS,
  X87_DP,
  X87_DS,
  X87_IP,
  X87_OPCODE,
  X87_STATUS,
  X87_TAGS,
  XMM,
} from '../core/layout.ts';
import { type Core, readQuad, readWord, writeQuad, writeWord } from '../vmx/processor.ts';

export interface FloatRegister {
  readonly bits: 16 | 32 | 64 | 80 | 128;
  readonly read: (core: Core) => bigint;
  readonly write: (core: Core, value: bigint) => void;
  /** The one cell that holds it. */
  readonly cell?: number;
  /** Bits that may be 1, where not all may. */
  readonly allowed?: bigint;
}

const EMPTY = 3;
const FCW_ALLOWED = 0x1f7fn;
const MXCSR_ALLOWED = 0xffffn;

function word(cell: number, bits: 16 | 32, allowed?: bigint): FloatRegister {
  return {
    bits,
    cell,
    read: (core) => BigInt(readWord(core, cell)),
    write: (core, value) => writeWord(core, cell, Number(value)),
    ...(allowed === undefined ? {} : { allowed }),
  };
}

function quad(cell: number): FloatRegister {
  return {
    bits: 64,
    cell,
    read: (core) => readQuad(core, cell),
    write: (core, value) => writeQuad(core, cell, value),
  };
}

function top(core: Core): number {
  return (readWord(core, X87_STATUS) >>> 11) & 7;
}

function physical(core: Core, i: number): number {
  return X87 + 16 * ((top(core) + i) & 7);
}

function stackRegister(i: number): FloatRegister {
  return {
    bits: 80,
    read: (core) => (readQuad(core, physical(core, i) + 8) << 64n) | readQuad(core, physical(core, i)),
    write: (core, value) => {
      writeQuad(core, physical(core, i), BigInt.asUintN(64, value));
      writeQuad(core, physical(core, i) + 8, value >> 64n);
    },
  };
}

function stackPart(i: number, offset: 0 | 8): FloatRegister {
  return {
    bits: offset === 0 ? 64 : 16,
    read: (core) => readQuad(core, physical(core, i) + offset),
    write: (core, value) => writeQuad(core, physical(core, i) + offset, value),
  };
}

function vectorRegister(i: number): FloatRegister {
  const at = XMM + 16 * i;
  return {
    bits: 128,
    read: (core) => (readQuad(core, at + 8) << 64n) | readQuad(core, at),
    write: (core, value) => {
      writeQuad(core, at, BigInt.asUintN(64, value));
      writeQuad(core, at + 8, value >> 64n);
    },
  };
}

/** Two bits a physical register: 0 valid, 1 zero, 2 special, 3 empty. */
function tagWord(core: Core): bigint {
  let tags = 0;
  for (let register = 0; register < 8; register++) tags |= tagOf(core, register) << (2 * register);
  return BigInt(tags);
}

function tagOf(core: Core, register: number): number {
  if (((readWord(core, X87_TAGS) >>> register) & 1) === 0) return EMPTY;
  const significand = readQuad(core, X87 + 16 * register);
  const exponent = Number(readQuad(core, X87 + 16 * register + 8)) & 0x7fff;
  if (exponent === 0) return significand === 0n ? 1 : 2;
  return exponent === 0x7fff || significand >> 63n === 0n ? 2 : 0;
}

/** Only whether a register is empty is kept. */
function writeTagWord(core: Core, value: bigint): void {
  let tags = 0;
  for (let register = 0; register < 8; register++)
    if (((Number(value) >>> (2 * register)) & 3) !== EMPTY) tags |= 1 << register;
  writeWord(core, X87_TAGS, tags);
}

function rows(): Map<string, FloatRegister> {
  const table = new Map<string, FloatRegister>([
    ['fcw', word(X87_CONTROL, 16, FCW_ALLOWED)],
    ['fsw', word(X87_STATUS, 16)],
    ['ftw', { bits: 16, read: tagWord, write: writeTagWord }],
    ['fop', word(X87_OPCODE, 16, 0x7ffn)],
    ['fip', quad(X87_IP)],
    ['fcs', word(X87_CS, 16)],
    ['fdp', quad(X87_DP)],
    ['fds', word(X87_DS, 16)],
    ['mxcsr', word(MXCSR, 32, MXCSR_ALLOWED)],
  ]);
  for (let i = 0; i < 8; i++) {
    table.set(`st${i}`, stackRegister(i));
    table.set(`st${i}.significand`, stackPart(i, 0));
    table.set(`st${i}.exponent`, stackPart(i, 8));
  }
  for (let i = 0; i < 16; i++) {
    table.set(`xmm${i}`, vectorRegister(i));
    table.set(`xmm${i}.low`, quad(XMM + 16 * i));
    table.set(`xmm${i}.high`, quad(XMM + 16 * i + 8));
  }
  return table;
}

const FLOAT_REGISTERS: ReadonlyMap<string, FloatRegister> = rows();

export const FLOAT_REGISTER_NAMES: readonly string[] = [...FLOAT_REGISTERS.keys()];

export function floatRegister(name: string): FloatRegister | undefined {
  return FLOAT_REGISTERS.get(name);
}

/** Writes one as a debugger does; answers an error in words, or undefined. */
export function writeFloatRegister(
  core: Core,
  name: string,
  register: FloatRegister,
  value: bigint,
): string | undefined {
  if (value < 0n || value >> BigInt(register.bits) !== 0n) return `The value must fit ${register.bits} bits.`;
  if (register.allowed !== undefined && (value & ~register.allowed) !== 0n)
    return `Reserved bits of ${name.toUpperCase()} must be 0: it has 0x${register.allowed.toString(16)}.`;
  register.write(core, value);
  return undefined;
}
