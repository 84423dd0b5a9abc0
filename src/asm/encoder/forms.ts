// Instruction forms by mnemonic: the generated table, read one mnemonic at a time, plus NASM's own names and shorthands.
import type { RegisterClass } from '../registers.ts';
import {
  ALIASES,
  DROPPED_ROWS,
  EVEX_FIRST,
  EXTRA_ROWS,
  IMMEDIATE_ALIASES,
  LATER_ROWS,
  NARROW_ROWS,
} from './aliases.ts';
import { FORM_ROWS } from './generated/forms.ts';

/** Where a register goes; `both`: into reg and rm (IMUL of a register with a number). */
export type Slot = 'reg' | 'rm' | 'both' | 'vvvv' | 'opcode' | 'is4' | 'none';

export interface OperandForm {
  readonly kind: 'register' | 'register-or-memory' | 'memory' | 'fixed' | 'immediate' | 'relative' | 'far' | 'offset';
  /** Of registers; of `fixed` the class of the fixed register. */
  readonly class: RegisterClass | undefined;
  /** Bits of the register, immediate, displacement or far offset. */
  readonly bits: number;
  /** Bits that a shorter immediate is sign-extended to; 0: not extended. */
  readonly extended: number;
  readonly slot: Slot;
  /** Number of a fixed register, or the value of a fixed immediate. */
  readonly fixed: number;
  /** Class of the index register of a vector memory operand. */
  readonly index: RegisterClass | undefined;
  /** A 32-bit immediate that the processor extends with zeros: MOV to a 64-bit register through its lower half. */
  readonly zeroExtended: boolean;
  /** The address must be encoded with a SIB byte. */
  readonly needsSib: boolean;
  /** Written with `to`: FADD TO ST1. */
  readonly to: boolean;
}

export interface Form {
  readonly operands: readonly OperandForm[];
  readonly encoding: 'l' | 'v' | 'e' | 'x' | 'd';
  readonly map: number;
  /** 0, 0x66, 0xF3 or 0xF2. */
  readonly prefix: number;
  readonly opcode: readonly number[];
  /** The /digit of the ModRM byte, or -1. */
  readonly digit: number;
  readonly operandSize: number;
  readonly addressSize: number;
  readonly vectorLength: number;
  readonly wide: boolean;
  /** 1: 16-bit code, 2: 32-bit code, 4: 64-bit code. */
  readonly modes: number;
  readonly memoryBits: number;
  readonly broadcastBits: number;
  /** Tuple name of an EVEX form, for the scale of an 8-bit displacement. */
  readonly tuple: string;
  readonly default64: boolean;
  readonly force64: boolean;
  readonly waits: boolean;
  readonly canMask: boolean;
  readonly canZero: boolean;
  readonly canRound: boolean;
  readonly canSuppress: boolean;
  /** Lower is tried first. */
  readonly rank: number;
  /** An immediate that the mnemonic implies (cmpeqps), or -1. */
  readonly implied: number;
}

const FIXED: Readonly<Record<string, readonly [RegisterClass, number, number]>> = {
  es: ['sreg', 0, 16],
  cs: ['sreg', 1, 16],
  ss: ['sreg', 2, 16],
  ds: ['sreg', 3, 16],
  fs: ['sreg', 4, 16],
  gs: ['sreg', 5, 16],
  al: ['r8', 0, 8],
  cl: ['r8', 1, 8],
  ax: ['r16', 0, 16],
  dx: ['r16', 2, 16],
  cx: ['r16', 1, 16],
  eax: ['r32', 0, 32],
  ecx: ['r32', 1, 32],
  edx: ['r32', 2, 32],
  rax: ['r64', 0, 64],
  rcx: ['r64', 1, 64],
  st0: ['st', 0, 80],
  xmm0: ['x', 0, 128],
};
const SLOTS: Readonly<Record<string, Slot>> = { r: 'reg', m: 'rm', rm: 'both', v: 'vvvv', o: 'opcode', 4: 'is4' };
const CLASS_BITS: Readonly<Record<string, number>> = {
  r8: 8,
  r16: 16,
  r32: 32,
  r64: 64,
  x: 128,
  y: 256,
  z: 512,
  mm: 64,
  k: 64,
  bnd: 128,
  sreg: 16,
  cr: 0,
  dr: 0,
  tr: 0,
  st: 80,
  tmm: 8192,
};

function operandForm(text: string): OperandForm {
  const base = {
    class: undefined,
    bits: 0,
    extended: 0,
    slot: 'none' as Slot,
    fixed: 0,
    index: undefined,
    zeroExtended: false,
    needsSib: false,
    to: false,
  };
  if (text.startsWith('=')) {
    const [cls, fixed, bits] = FIXED[text.slice(1)]!;
    return { ...base, kind: 'fixed', class: cls, fixed, bits };
  }
  if (text === 'msib') return { ...base, kind: 'memory', slot: 'rm', needsSib: true };
  if (text === 'm' || text === 'mib') return { ...base, kind: 'memory', slot: 'rm' };
  if (/^v[xyz]$/.test(text)) return { ...base, kind: 'memory', slot: 'rm', index: text[1] as RegisterClass };
  if (text === 'moffs') return { ...base, kind: 'offset' };
  if (text === 'i1') return { ...base, kind: 'immediate', bits: 0, fixed: 1 };
  if (text === 'i4') return { ...base, kind: 'immediate', bits: 4 };
  if (text === 'i32u') return { ...base, kind: 'immediate', bits: 32, zeroExtended: true };
  const immediate = /^i(8|16|32|64)(?:s(\d+))?$/.exec(text);
  if (immediate) return { ...base, kind: 'immediate', bits: Number(immediate[1]), extended: Number(immediate[2] ?? 0) };
  if (text.startsWith('rel')) return { ...base, kind: 'relative', bits: Number(text.slice(3)) };
  if (text.startsWith('far')) return { ...base, kind: 'far', bits: Number(text.slice(3)) };
  const [cls, slot] = text.split(/[:/]/) as [RegisterClass, string];
  const bits = CLASS_BITS[cls]!;
  if (text.includes('/')) return { ...base, kind: 'register-or-memory', class: cls, bits, slot: 'rm' };
  return { ...base, kind: 'register', class: cls, bits, slot: SLOTS[slot]! };
}

function rankOf(operands: readonly OperandForm[], opcode: number, encoding: string): number {
  if (encoding === 'e') return 5;
  if (opcode === 0xc7 && operands[0]?.class === 'r64') return 1;
  if (operands.some((o) => o.kind === 'relative' && o.bits === 8)) return 0;
  if (operands.some((o) => o.kind === 'immediate' && ((o.extended > o.bits && o.bits === 8) || o.fixed === 1)))
    return 0;
  if (operands.some((o) => o.zeroExtended)) return 0;
  // FADD ST0, ST0 and its like: NASM takes the form that writes ST(i).
  if (operands[1]?.kind === 'fixed' && operands[1].class === 'st') return 0;
  if (operands.some((o) => o.kind === 'fixed' || o.kind === 'offset')) return 1;
  return 2;
}

function parseRow(row: string, implied: number): Form {
  const [name, operands, encoding, map, prefix, opcode, digit, os, as, l, w, modes, memory, broadcast, tuple, flags] =
    row.split(' ') as string[];
  const forms = operands === '-' ? [] : operands!.split(',').map(operandForm);
  const bytes: number[] = [];
  for (let i = 0; i < opcode!.length; i += 2) bytes.push(Number.parseInt(opcode!.slice(i, i + 2), 16));
  return {
    operands: forms,
    encoding: encoding as Form['encoding'],
    map: Number(map),
    prefix: prefix === '-' ? 0 : Number.parseInt(prefix!, 16),
    opcode: bytes,
    digit: digit === '-' ? -1 : Number(digit),
    operandSize: Number(os),
    addressSize: Number(as),
    vectorLength: l === 'g' ? 0 : Number(l),
    wide: w === '1' && !NARROW_ROWS.has(`${name} ${operands}`),
    modes: Number(modes),
    memoryBits: Number(memory) * 8,
    broadcastBits: Number(broadcast) * 8,
    tuple: tuple!,
    default64: flags!.includes('D'),
    force64: flags!.includes('F'),
    waits: flags!.includes('w'),
    canMask: flags!.includes('k'),
    canZero: flags!.includes('z'),
    canRound: flags!.includes('e'),
    canSuppress: flags!.includes('s'),
    rank:
      rankOf(forms, bytes[0]!, encoding!) +
      (LATER_ROWS.has(`${encoding} ${name} ${operands} ${w}`) ? 1 : 0) +
      (encoding === 'v' && EVEX_FIRST.has(name!) ? 10 : 0),
    implied,
  };
}

let rowsByName: Map<string, string[]> | undefined;

function rows(): Map<string, string[]> {
  if (rowsByName !== undefined) return rowsByName;
  rowsByName = new Map();
  const add = (row: string, generated: boolean): void => {
    const end = row.indexOf(' ');
    if (end <= 0) return;
    const name = row.slice(0, end);
    if (generated && DROPPED_ROWS.has(row.slice(0, row.indexOf(' ', end + 1)))) return;
    const list = rowsByName!.get(name);
    if (list === undefined) rowsByName!.set(name, [row]);
    else list.push(row);
  };
  for (const row of EXTRA_ROWS.split('\n')) add(row, false);
  for (const row of FORM_ROWS.split('\n')) add(row, true);
  return rowsByName;
}

/** FADD, FSUB and so on without operands pop, as FADDP does. */
const POPPING = new Set(['fadd', 'fmul', 'fsub', 'fsubr', 'fdiv', 'fdivr']);

/** What NASM lets one leave out of x87 instructions: ST0, or both operands when they are ST0 and ST1. */
function stackShorthands(name: string, forms: readonly Form[]): Form[] {
  const out: Form[] = [];
  const stack = forms.filter(
    (f) => f.encoding === 'l' && f.operands.some((o) => o.class === 'st' && o.slot === 'opcode'),
  );
  const both = (form: Form): boolean => form.operands.length === 2;
  const writesTop = stack.some((f) => both(f) && f.operands[0]!.kind === 'fixed');
  for (const form of stack.filter(both)) {
    const operand = form.operands.find((o) => o.slot === 'opcode')!;
    const to = writesTop && form.operands[0]!.slot === 'opcode' && POPPING.has(name);
    if (form.operands[0]!.slot === 'opcode' && writesTop && !to) continue;
    out.push({ ...form, operands: [{ ...operand, to }] });
  }
  const base = POPPING.has(name) ? (formsOf(`${name}p`) ?? []).find(both) : (out[0] ?? stack[0]);
  if (base !== undefined && stack.length > 0 && base.operands.length > 0) {
    const opcode = base.opcode.map((byte, i) => (i === base.opcode.length - 1 ? byte | 1 : byte));
    out.push({ ...base, operands: [], opcode });
  }
  return out;
}

const cache = new Map<string, readonly Form[] | undefined>();

/** The forms of a mnemonic in lower case; undefined: there is no such instruction. */
export function formsOf(mnemonic: string): readonly Form[] | undefined {
  if (cache.has(mnemonic)) return cache.get(mnemonic);
  const implied = IMMEDIATE_ALIASES.get(mnemonic);
  const name = implied?.name ?? ALIASES.get(mnemonic) ?? mnemonic;
  const list = [...(rows().get(name) ?? [])];
  if (name !== mnemonic) list.push(...(rows().get(mnemonic) ?? []));
  let forms: readonly Form[] | undefined = list.map((row) => parseRow(row, implied?.value ?? -1));
  if (implied !== undefined) {
    forms = forms
      .filter((f) => f.operands.at(-1)?.kind === 'immediate')
      .map((f) => ({ ...f, operands: f.operands.slice(0, -1) }));
  }
  forms = [...forms, ...stackShorthands(name, forms)];
  if (forms.length === 0) forms = undefined;
  cache.set(mnemonic, forms);
  return forms;
}

export const isMnemonic = (name: string): boolean =>
  rows().has(name) || ALIASES.has(name) || IMMEDIATE_ALIASES.has(name);

/** Every mnemonic, for completion and for suggestions. */
export function mnemonics(): string[] {
  return [...new Set([...rows().keys(), ...ALIASES.keys(), ...IMMEDIATE_ALIASES.keys()])];
}
