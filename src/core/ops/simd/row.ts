// One row for each form of an MMX or SSE instruction: how it is encoded, what its operands are, and what it does.
//
// A body is AssemblyScript over `d` and `s`, the addresses of destination and source (a register's cell in the processor state, or
// where a memory operand lies in this computer's memory), and `n`, the immediate byte. It computes first and stores last.

/** Register kinds: XMM, MMX, general, MXCSR's cell. */
export type Kind = 'x' | 'm' | 'g' | 'mxcsr';

/** What CPUID offers, in the order of its bits of ABSENT (layout.ts). */
export const FEATURES = ['mmx', 'sse', 'sse2', 'sse3', 'ssse3', 'sse4.1', 'sse4.2', 'aes', 'pclmulqdq', 'sha'] as const;
export type Feature = (typeof FEATURES)[number];

/** Rows that have a handler of their own (../simd.ts), by its family; `simd`: the general one. */
export const MOVES = [
  'simd',
  'load16',
  'load16_aligned',
  'store16',
  'store16_aligned',
  'copy16',
  'load8',
  'load4',
  'store8',
  'store4',
  'xor',
  'from_general4',
  'from_general8',
  'to_general4',
  'to_general8',
  'low8',
  'low4',
] as const;
export type Move = (typeof MOVES)[number];

export type Prefix = 0 | 0x66 | 0xf3 | 0xf2;

export interface Row {
  readonly name: string;
  readonly map: 1 | 2 | 3;
  readonly prefix: Prefix;
  readonly opcode: number;
  /** Opcode extension in ModRM.reg; then r/m alone is an operand. */
  readonly digit?: number;
  /** REX.W chooses this row; the row without it stands right before. */
  readonly wide?: boolean;
  readonly form: 'either' | 'register' | 'memory';
  readonly reg: Kind;
  readonly rm: Kind;
  /** Bytes of the memory operand, or of what is stored. */
  readonly bytes: number;
  /** A memory operand off its natural boundary is #GP(0). */
  readonly aligned?: boolean;
  /** The r/m operand is the destination. */
  readonly store?: boolean;
  readonly immediate?: boolean;
  /** The upper half of the XMM register is what is stored. */
  readonly high?: boolean;
  /** The immediate chooses which element is stored. */
  readonly select?: boolean;
  /** An MMX instruction that does not mark the x87 registers as in use: EMMS. */
  readonly keepsState?: boolean;
  readonly feature: Feature;
  readonly move?: Move;
  readonly body: string;
}

export type Encoding = readonly [map: 1 | 2 | 3, prefix: Prefix, opcode: number];

/** The 128-bit form: operands a and b, a result that replaces a. Memory operands are aligned. */
export function xmm(encoding: Encoding, name: string, feature: Feature, expression: string): Row {
  const [map, prefix, opcode] = encoding;
  const body = `const a=load<v128>(d);const b=load<v128>(s);store<v128>(d,${expression});`;
  return { name, map, prefix, opcode, form: 'either', reg: 'x', rm: 'x', bytes: 16, aligned: true, feature, body };
}

/** The 64-bit form of the same expression over the low halves; only the low half of its value counts. */
export function mmx(encoding: Encoding, name: string, feature: Feature, expression: string, bytes = 8): Row {
  const [map, prefix, opcode] = encoding;
  const source = bytes === 4 ? 'v128.load32_zero(s)' : 'v128.load64_zero(s)';
  const body = `const a=v128.load64_zero(d);const b=${source};v128.store64_lane(d,${expression},0);`;
  return { name, map, prefix, opcode, form: 'either', reg: 'm', rm: 'm', bytes, feature, body };
}

/** Both forms of one opcode: without prefix on MMX, with 66 on XMM registers. */
export function both(
  map: 1 | 2 | 3,
  opcode: number,
  name: string,
  features: readonly [Feature, Feature],
  expression: string,
  narrow: string = expression,
): Row[] {
  return [mmx([map, 0, opcode], name, features[0], narrow), xmm([map, 0x66, opcode], name, features[1], expression)];
}

/** Any other row. */
export function other(
  encoding: Encoding,
  name: string,
  feature: Feature,
  operands: Pick<Row, 'form' | 'reg' | 'rm' | 'bytes'> & Partial<Row>,
  body: string,
): Row {
  const [map, prefix, opcode] = encoding;
  return { name, map, prefix, opcode, feature, body, ...operands };
}
