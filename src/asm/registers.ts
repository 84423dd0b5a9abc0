// Register names of NASM.

export type RegisterClass =
  | 'r8'
  | 'r16'
  | 'r32'
  | 'r64'
  | 'sreg'
  | 'cr'
  | 'dr'
  | 'tr'
  | 'st'
  | 'mm'
  | 'x'
  | 'y'
  | 'z'
  | 'k'
  | 'bnd'
  | 'tmm'
  | 'rip';

export interface Register {
  readonly name: string;
  readonly class: RegisterClass;
  /** Number in the encoding, 0 to 31. */
  readonly number: number;
  /** SPL, BPL, SIL, DIL: reachable only with a REX prefix. */
  readonly needsRex: boolean;
  /** AH, CH, DH, BH: not reachable with a REX prefix. */
  readonly high: boolean;
  /** Width in bits. */
  readonly bits: number;
}

const BITS: Readonly<Record<RegisterClass, number>> = {
  r8: 8,
  r16: 16,
  r32: 32,
  r64: 64,
  sreg: 16,
  cr: 0,
  dr: 0,
  tr: 0,
  st: 80,
  mm: 64,
  x: 128,
  y: 256,
  z: 512,
  k: 64,
  bnd: 128,
  tmm: 8192,
  rip: 64,
};

function build(): ReadonlyMap<string, Register> {
  const map = new Map<string, Register>();
  const add = (name: string, cls: RegisterClass, number: number, needsRex = false, high = false): void => {
    map.set(name, { name, class: cls, number, needsRex, high, bits: BITS[cls] });
  };
  const plain = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
  plain.forEach((name, i) => {
    add(name, 'r16', i);
    add(`e${name}`, 'r32', i);
    add(`r${name}`, 'r64', i);
  });
  ['al', 'cl', 'dl', 'bl'].forEach((name, i) => {
    add(name, 'r8', i);
  });
  ['ah', 'ch', 'dh', 'bh'].forEach((name, i) => {
    add(name, 'r8', i + 4, false, true);
  });
  ['spl', 'bpl', 'sil', 'dil'].forEach((name, i) => {
    add(name, 'r8', i + 4, true);
  });
  for (let i = 8; i < 16; i++) {
    add(`r${i}`, 'r64', i);
    add(`r${i}d`, 'r32', i);
    add(`r${i}w`, 'r16', i);
    add(`r${i}b`, 'r8', i);
  }
  ['es', 'cs', 'ss', 'ds', 'fs', 'gs'].forEach((name, i) => {
    add(name, 'sreg', i);
  });
  for (let i = 0; i < 16; i++) {
    add(`cr${i}`, 'cr', i);
    add(`dr${i}`, 'dr', i);
  }
  for (let i = 0; i < 8; i++) {
    add(`tr${i}`, 'tr', i);
    add(`st${i}`, 'st', i);
    add(`mm${i}`, 'mm', i);
    add(`k${i}`, 'k', i);
    add(`tmm${i}`, 'tmm', i);
  }
  for (let i = 0; i < 4; i++) add(`bnd${i}`, 'bnd', i);
  for (let i = 0; i < 32; i++) {
    add(`xmm${i}`, 'x', i);
    add(`ymm${i}`, 'y', i);
    add(`zmm${i}`, 'z', i);
  }
  return map;
}

/** By lower-case name. */
export const REGISTERS: ReadonlyMap<string, Register> = build();
