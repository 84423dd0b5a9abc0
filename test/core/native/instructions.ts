// Every integer instruction that user code may execute, each as a function that writes one instance with random operands.
// It answers the status flags that the SDM leaves undefined after it.

import { encode, type Instruction, littleEndian } from './encoder.ts';
import { anyMemory, anyRegister, here, RSP, setRegister, type Writer } from './operands.ts';
import { below, between, chance, next, pick, value } from './random.ts';
import { AF, CF, CODE, DATA, type Mode, OF, PF, SF, STACK, ZF } from './space.ts';

/** Writes an instruction; returns its undefined flags. */
export type Emit = (w: Writer) => number;

export interface Row {
  readonly name: string;
  readonly emit: Emit;
  readonly modes: readonly Mode[];
  /** A fault in the middle leaves the flags to the vendor. */
  readonly flagsLostByFault: boolean;
  /** A fault leaves TOP and tags of the x87 registers to the vendor. */
  readonly tagsLostByFault?: boolean;
}

type Width = 8 | 16 | 32 | 64;

const ALL: readonly Mode[] = [16, 32, 64];
const LEGACY: readonly Mode[] = [16, 32];
const LONG: readonly Mode[] = [64];
const PROTECTED: readonly Mode[] = [16, 32, 64]; // VEX is valid in 16-bit protected-mode code too

const rows: Row[] = [];

function row(name: string, emit: Emit, modes: readonly Mode[] = ALL, flagsLostByFault = false): void {
  rows.push({ name, emit, modes, flagsLostByFault });
}

function put(w: Writer, instruction: Instruction): void {
  w.bytes.push(...encode(instruction, w.mode, here(w)));
}

function wide(w: Writer): 16 | 32 | 64 {
  return pick(w.random, w.mode === 64 ? ([16, 32, 64, 64] as const) : ([16, 32] as const));
}

/** A register operand of a width: byte registers with or without REX, never SPL. */
function operandRegister(w: Writer, width: Width, rex: boolean, avoid: readonly number[]): number {
  for (;;) {
    const register = below(w.random, w.mode === 64 && (rex || width !== 8) ? 16 : 8);
    if (register === RSP && (width !== 8 || rex)) continue;
    const whole = width === 8 && !rex ? register & 3 : register;
    if (!avoid.includes(whole)) return register;
  }
}

interface Shape {
  readonly opcode: readonly number[];
  readonly width: Width;
  /** ModRM.reg as opcode extension; absent: a register operand. */
  readonly digit?: number;
  readonly rm: 'register' | 'memory' | 'either';
  readonly immediate?: { readonly value: bigint; readonly bytes: number };
  readonly avoid?: readonly number[];
  readonly mandatory?: number;
  readonly fixedWidth?: boolean;
  readonly default64?: boolean;
  /** LOCK is allowed when the operand is memory. */
  readonly lock?: boolean;
  readonly prefixes?: readonly number[];
  readonly accessSize?: number;
  readonly target?: number;
  readonly vex?: { readonly map: 2 | 3; readonly pp: 0 | 1 | 2 | 3; readonly vvvv?: number };
  /** Extra values for register operands. */
  readonly reg?: number;
}

/** An instruction with a ModRM byte. */
function modrm(w: Writer, shape: Shape): void {
  const { random } = w;
  const avoid = shape.avoid ?? [];
  const forceRex = w.mode === 64 && shape.width === 8 && chance(random, 40);
  const isMemory = shape.rm === 'memory' || (shape.rm === 'either' && chance(random, 50));
  let rm: Instruction['rm'];
  let needsRex = forceRex;
  if (isMemory) {
    const options = {
      size: shape.accessSize ?? shape.width / 8,
      avoid,
      ...(shape.target ? { target: shape.target } : {}),
    };
    const memory = anyMemory(w, options);
    rm = memory;
    if ((memory.base ?? 0) > 7 || (memory.index ?? 0) > 7) needsRex = true;
  } else {
    rm = operandRegister(w, shape.width, forceRex, avoid);
    if (rm > 7) needsRex = true;
  }
  const reg = shape.digit ?? shape.reg ?? operandRegister(w, shape.width, needsRex, avoid);
  // A register above 7 brings REX, which turns AH to BH of the other operand into SPL to DIL: SPL must not come of it.
  const rex = needsRex || (shape.digit === undefined && reg > 7);
  if (
    shape.width === 8 &&
    rex &&
    ((typeof rm === 'number' && rm === RSP) || (shape.digit === undefined && reg === RSP))
  ) {
    modrm(w, shape);
    return;
  }
  const prefixes = [...(shape.prefixes ?? [])];
  if (shape.lock && isMemory && chance(random, 20)) prefixes.push(0xf0);
  const vex = shape.vex && { ...shape.vex, vvvv: shape.vex.vvvv ?? anyRegister(w, avoid) };
  put(w, {
    opcode: shape.opcode,
    width: shape.width,
    reg,
    rm,
    forceRex: forceRex || (shape.width === 8 && needsRex && rex),
    prefixes,
    ...(shape.immediate ? { immediate: shape.immediate } : {}),
    ...(shape.mandatory ? { mandatory: shape.mandatory } : {}),
    ...(shape.fixedWidth ? { fixedWidth: true } : {}),
    ...(shape.default64 ? { default64: true } : {}),
    ...(vex ? { vex } : {}),
  });
}

function immediate8(w: Writer): { value: bigint; bytes: number } {
  return { value: value(w.random), bytes: 1 };
}

/** iz: as wide as the operand, at most 4 bytes. */
function immediateZ(w: Writer, width: Width): { value: bigint; bytes: number } {
  return { value: value(w.random), bytes: width === 8 ? 1 : width === 16 ? 2 : 4 };
}

function plain(w: Writer, opcode: readonly number[], width: Width, rest: Partial<Instruction> = {}): void {
  put(w, { opcode, width, ...rest });
}

// ---- Arithmetic and logic -------------------------------------------------------------------------------------------------

const ARITHMETIC = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'];
ARITHMETIC.forEach((name, k) => {
  const undefinedFlags = k === 1 || k === 4 || k === 6 ? AF : 0;
  const lock = k !== 7;
  const emit = (shape: (w: Writer) => Shape) => (w: Writer) => {
    modrm(w, shape(w));
    return undefinedFlags;
  };
  row(
    `${name} rm8, r8`,
    emit(() => ({ opcode: [k * 8], width: 8, rm: 'either', lock })),
  );
  row(
    `${name} rm, r`,
    emit((w) => ({ opcode: [k * 8 + 1], width: wide(w), rm: 'either', lock })),
  );
  row(
    `${name} r8, rm8`,
    emit(() => ({ opcode: [k * 8 + 2], width: 8, rm: 'either' })),
  );
  row(
    `${name} r, rm`,
    emit((w) => ({ opcode: [k * 8 + 3], width: wide(w), rm: 'either' })),
  );
  row(
    `${name} rm8, ib`,
    emit((w) => ({ opcode: [0x80], digit: k, width: 8, rm: 'either', immediate: immediate8(w), lock })),
  );
  row(
    `${name} rm, iz`,
    emit((w) => {
      const width = wide(w);
      return { opcode: [0x81], digit: k, width, rm: 'either', immediate: immediateZ(w, width), lock };
    }),
  );
  row(
    `${name} rm, ib`,
    emit((w) => ({ opcode: [0x83], digit: k, width: wide(w), rm: 'either', immediate: immediate8(w), lock })),
  );
  row(
    `${name} rm8, ib (82)`,
    emit((w) => ({ opcode: [0x82], digit: k, width: 8, rm: 'either', immediate: immediate8(w), lock })),
    LEGACY,
  );
  row(`${name} accumulator, imm`, (w) => {
    const width = chance(w.random, 50) ? 8 : wide(w);
    plain(w, [k * 8 + (width === 8 ? 4 : 5)], width, { immediate: immediateZ(w, width) });
    return undefinedFlags;
  });
});

function simple(name: string, undefinedFlags: number, shape: (w: Writer) => Shape, modes: readonly Mode[] = ALL): void {
  row(
    name,
    (w) => {
      modrm(w, shape(w));
      return undefinedFlags;
    },
    modes,
  );
}

function byteOrWide(w: Writer, opcode: number): { opcode: number[]; width: Width } {
  return chance(w.random, 35) ? { opcode: [opcode], width: 8 } : { opcode: [opcode + 1], width: wide(w) };
}

simple('test rm, r', AF, (w) => ({ ...byteOrWide(w, 0x84), rm: 'either' }));
simple('test rm, imm', AF, (w) => {
  const which = byteOrWide(w, 0xf6);
  return { ...which, digit: below(w.random, 2), rm: 'either', immediate: immediateZ(w, which.width) };
});
row('test accumulator, imm', (w) => {
  const width = chance(w.random, 50) ? 8 : wide(w);
  plain(w, [width === 8 ? 0xa8 : 0xa9], width, { immediate: immediateZ(w, width) });
  return AF;
});
for (const [name, digit] of [
  ['inc', 0],
  ['dec', 1],
] as const) {
  simple(`${name} rm`, 0, (w) => ({ ...byteOrWide(w, 0xfe), digit, rm: 'either', lock: true }));
  row(
    `${name} r (short)`,
    (w) => {
      plain(w, [0x40 + digit * 8], wide(w), { opcodeRegister: anyRegister(w) });
      return 0;
    },
    LEGACY,
  );
}
simple('not rm', 0, (w) => ({ ...byteOrWide(w, 0xf6), digit: 2, rm: 'either', lock: true }));
simple('neg rm', 0, (w) => ({ ...byteOrWide(w, 0xf6), digit: 3, rm: 'either', lock: true }));
simple('mul rm', SF | ZF | AF | PF, (w) => ({ ...byteOrWide(w, 0xf6), digit: 4, rm: 'either' }));
simple('imul rm', SF | ZF | AF | PF, (w) => ({ ...byteOrWide(w, 0xf6), digit: 5, rm: 'either' }));
simple('imul r, rm', SF | ZF | AF | PF, (w) => ({ opcode: [0x0f, 0xaf], width: wide(w), rm: 'either' }));
simple('imul r, rm, iz', SF | ZF | AF | PF, (w) => {
  const width = wide(w);
  return { opcode: [0x69], width, rm: 'either', immediate: immediateZ(w, width) };
});
simple('imul r, rm, ib', SF | ZF | AF | PF, (w) => ({
  opcode: [0x6b],
  width: wide(w),
  rm: 'either',
  immediate: immediate8(w),
}));

/** Dividends are mostly chosen so that the quotient fits: a sign extension, zero, or a small upper half. */
function divide(digit: number): Emit {
  return (w) => {
    const { random } = w;
    const which = byteOrWide(w, 0xf6);
    const bits = which.width === 8 ? 16 : which.width;
    const roll = below(random, 10);
    if (which.width === 8) {
      if (roll < 7)
        setRegister(
          w,
          0,
          w.mode === 16 ? 16 : 32,
          BigInt(digit === 6 ? below(random, 4096) : between(random, -2048, 2047)),
        );
    } else if (roll < 4) setRegister(w, 2, bits as Mode, 0n);
    else if (roll < 6) {
      const low = value(random);
      setRegister(w, 0, bits as Mode, low);
      setRegister(w, 2, bits as Mode, BigInt.asIntN(bits, low) < 0n ? -1n : 0n);
    } else if (roll < 9) setRegister(w, 2, bits as Mode, BigInt.asIntN(32, value(random)) >> BigInt(below(random, 31)));
    modrm(w, { ...which, digit, rm: 'either', avoid: [0, 2] });
    return CF | OF | SF | ZF | AF | PF;
  };
}
row('div rm', divide(6));
row('idiv rm', divide(7));

// ---- Shifts -----------------------------------------------------------------------------------------------------------------

const SHIFTS = ['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'sal', 'sar'];

function shiftUndefined(digit: number, count: number, width: Width): number {
  const masked = count & (width === 64 ? 63 : 31);
  if (!masked) return 0;
  let flags = masked === 1 ? 0 : OF;
  if (digit >= 4) flags |= AF;
  if (digit >= 4 && digit !== 7 && masked >= width) flags |= CF;
  return flags;
}

SHIFTS.forEach((name, digit) => {
  row(`${name} rm, 1`, (w) => {
    const which = byteOrWide(w, 0xd0);
    modrm(w, { ...which, digit, rm: 'either' });
    return shiftUndefined(digit, 1, which.width);
  });
  row(`${name} rm, ib`, (w) => {
    const which = byteOrWide(w, 0xc0);
    const count = chance(w.random, 80) ? below(w.random, which.width + 2) : below(w.random, 256);
    modrm(w, { ...which, digit, rm: 'either', immediate: { value: BigInt(count), bytes: 1 } });
    return shiftUndefined(digit, count, which.width);
  });
  row(`${name} rm, cl`, (w) => {
    const which = byteOrWide(w, 0xd2);
    const count = chance(w.random, 80) ? below(w.random, which.width + 2) : below(w.random, 256);
    w.bytes.push(0xb1, count);
    modrm(w, { ...which, digit, rm: 'either', avoid: [1] });
    return shiftUndefined(digit, count, which.width);
  });
});

for (const [name, opcode] of [
  ['shld', 0xa4],
  ['shrd', 0xac],
] as const) {
  row(name, (w) => {
    const width = wide(w);
    // Above 16 a 16-bit double shift is undefined altogether.
    let count = below(w.random, width === 16 ? 17 : width);
    if (chance(w.random, 10)) count |= width === 64 ? 0xc0 : 0xe0;
    if (width === 16 && (count & 31) > 16) count &= 0xef;
    const byCl = chance(w.random, 50);
    if (byCl) w.bytes.push(0xb1, count);
    modrm(w, {
      opcode: [0x0f, opcode + (byCl ? 1 : 0)],
      width,
      rm: 'either',
      avoid: [1],
      ...(byCl ? {} : { immediate: { value: BigInt(count), bytes: 1 } }),
    });
    const masked = count & (width === 64 ? 63 : 31);
    return masked ? AF | (masked === 1 ? 0 : OF) : 0;
  });
}

// ---- Bits ---------------------------------------------------------------------------------------------------------------------

const BIT_UNDEFINED = OF | SF | AF | PF;
['bt', 'bts', 'btr', 'btc'].forEach((name, k) => {
  simple(`${name} rm, ib`, BIT_UNDEFINED, (w) => ({
    opcode: [0x0f, 0xba],
    digit: 4 + k,
    width: wide(w),
    rm: 'either',
    immediate: immediate8(w),
    lock: k > 0,
  }));
  simple(`${name} r, r`, BIT_UNDEFINED, (w) => ({ opcode: [0x0f, 0xa3 + 8 * k], width: wide(w), rm: 'register' }));
  row(`${name} m, r`, (w) => {
    const width = wide(w);
    const reg = anyRegister(w);
    const far = chance(w.random, 4);
    const bit = far ? value(w.random) : BigInt(between(w.random, -0x4000, 0x4000));
    setRegister(w, reg, (w.mode === 16 && width === 16 ? 16 : width === 64 ? 64 : 32) as Mode, bit);
    modrm(w, {
      opcode: [0x0f, 0xa3 + 8 * k],
      width,
      rm: 'memory',
      reg,
      avoid: [reg],
      lock: k > 0,
      target: DATA + 0x1000 + between(w.random, -0x700, 0x700),
    });
    return BIT_UNDEFINED;
  });
});
simple('bsf', CF | BIT_UNDEFINED, (w) => ({ opcode: [0x0f, 0xbc], width: wide(w), rm: 'either' }));
simple('bsr', CF | BIT_UNDEFINED, (w) => ({ opcode: [0x0f, 0xbd], width: wide(w), rm: 'either' }));
simple('tzcnt', BIT_UNDEFINED, (w) => ({ opcode: [0x0f, 0xbc], mandatory: 0xf3, width: wide(w), rm: 'either' }));
simple('lzcnt', BIT_UNDEFINED, (w) => ({ opcode: [0x0f, 0xbd], mandatory: 0xf3, width: wide(w), rm: 'either' }));
simple('popcnt', 0, (w) => ({ opcode: [0x0f, 0xb8], mandatory: 0xf3, width: wide(w), rm: 'either' }));
simple('crc32', 0, (w) => ({ opcode: [0x0f, 0x38, 0xf1], mandatory: 0xf2, width: wide(w), rm: 'either' }));
simple('crc32 of a byte', 0, () => ({
  opcode: [0x0f, 0x38, 0xf0],
  mandatory: 0xf2,
  width: 32,
  fixedWidth: true,
  rm: 'memory',
  accessSize: 1,
}));
row('bswap', (w) => {
  plain(w, [0x0f, 0xc8], pick(w.random, w.mode === 64 ? [32, 64] : [32]), { opcodeRegister: anyRegister(w) });
  return 0;
});

function vexWidth(w: Writer): 32 | 64 {
  return w.mode === 64 && chance(w.random, 50) ? 64 : 32;
}
function vex(
  name: string,
  opcode: number,
  map: 2 | 3,
  pp: 0 | 1 | 2 | 3,
  undefinedFlags: number,
  rest: (w: Writer) => Partial<Shape> = () => ({}),
): void {
  simple(
    name,
    undefinedFlags,
    (w) => {
      const more = rest(w);
      return { opcode: [opcode], width: vexWidth(w), rm: 'either', ...more, vex: { map, pp, ...more.vex } };
    },
    PROTECTED,
  );
}
vex('andn', 0xf2, 2, 0, AF | PF);
vex('blsr', 0xf3, 2, 0, AF | PF, () => ({ digit: 1 }));
vex('blsmsk', 0xf3, 2, 0, AF | PF, () => ({ digit: 2 }));
vex('blsi', 0xf3, 2, 0, AF | PF, () => ({ digit: 3 }));
vex('bextr', 0xf7, 2, 0, AF | SF | PF);
vex('bzhi', 0xf5, 2, 0, AF | PF);
vex('pdep', 0xf5, 2, 3, 0);
vex('pext', 0xf5, 2, 2, 0);
vex('mulx', 0xf6, 2, 3, 0);
vex('shlx', 0xf7, 2, 1, 0);
vex('sarx', 0xf7, 2, 2, 0);
vex('shrx', 0xf7, 2, 3, 0);
vex('rorx', 0xf0, 3, 3, 0, (w) => ({ immediate: immediate8(w), vex: { map: 3, pp: 3, vvvv: 0 } }));
for (const [name, opcode] of [
  ['bextr', 0xf7],
  ['bzhi', 0xf5],
] as const) {
  row(
    `${name}, small control`,
    (w) => {
      const control = anyRegister(w);
      setRegister(w, control, w.mode === 16 ? 16 : 32, BigInt(below(w.random, 70) | (below(w.random, 70) << 8)));
      modrm(w, {
        opcode: [opcode],
        width: vexWidth(w),
        rm: 'either',
        avoid: [control],
        vex: { map: 2, pp: 0, vvvv: control },
      });
      return AF | PF | (name === 'bextr' ? SF : 0);
    },
    PROTECTED,
  );
}
const ADX_WIDTH = (w: Writer) => (w.mode === 64 && chance(w.random, 50) ? 64 : 32);
for (const [name, mandatory] of [
  ['adcx', 0x66],
  ['adox', 0xf3],
] as const) {
  simple(name, 0, (w) => {
    const width = ADX_WIDTH(w);
    // 66H is the instruction's own here, so the encoder must not add one; REX.W comes from `width` in 64-bit mode.
    return {
      opcode: [0x0f, 0x38, 0xf6],
      width,
      mandatory,
      rm: 'either',
      ...(w.mode === 16 ? { fixedWidth: true } : {}),
    };
  });
}

// ---- Data movement ----------------------------------------------------------------------------------------------------------

simple('mov rm, r', 0, (w) => ({ ...byteOrWide(w, 0x88), rm: 'either' }));
simple('mov r, rm', 0, (w) => ({ ...byteOrWide(w, 0x8a), rm: 'either' }));
simple('mov rm, imm', 0, (w) => {
  const which = byteOrWide(w, 0xc6);
  return { ...which, digit: 0, rm: 'either', immediate: immediateZ(w, which.width) };
});
row('mov r8, ib', (w) => {
  plain(w, [0xb0], 8, { opcodeRegister: operandRegister(w, 8, false, []), immediate: immediate8(w) });
  return 0;
});
row('mov r, iv', (w) => {
  const width = wide(w);
  plain(w, [0xb8], width, { opcodeRegister: anyRegister(w), immediate: { value: value(w.random), bytes: width / 8 } });
  return 0;
});
row('mov accumulator, moffs', (w) => {
  const store = chance(w.random, 50) ? 2 : 0;
  const width = chance(w.random, 40) ? 8 : wide(w);
  const base = w.mode === 16 ? 0x4000 : DATA;
  plain(w, [0xa0 + store + (width === 8 ? 0 : 1)], width, {
    immediate: { value: BigInt(base + below(w.random, 0x1ff0)), bytes: w.mode / 8 },
  });
  return 0;
});
for (const [name, opcode, from] of [
  ['movzx r, rm8', 0xb6, 8],
  ['movzx r, rm16', 0xb7, 16],
  ['movsx r, rm8', 0xbe, 8],
  ['movsx r, rm16', 0xbf, 16],
] as const) {
  row(name, (w) => {
    // The source's width decides about AH or SPL: without REX, 4 to 7 are AH to BH for the source and SP to DI for the target.
    const width = wide(w);
    const isMemory = chance(w.random, 50);
    const reg = anyRegister(w);
    if (isMemory) modrm(w, { opcode: [0x0f, opcode], width, rm: 'memory', reg, avoid: [], accessSize: from / 8 });
    else {
      const rm = from === 8 ? below(w.random, w.mode === 64 ? 16 : 8) : anyRegister(w);
      plain(w, [0x0f, opcode], width, { reg, rm });
    }
    return 0;
  });
}
simple(
  'movsxd',
  0,
  // Of a 16-bit operand AMD's processors read 32 bits and Intel's 16.
  (w) => ({ opcode: [0x63], width: chance(w.random, 50) ? 32 : 64, rm: 'either', accessSize: 4 }),
  LONG,
);
simple('movsxd r16, r16', 0, () => ({ opcode: [0x63], width: 16, rm: 'register' }), LONG);
for (let condition = 0; condition < 16; condition++) {
  simple(`cmov ${condition}`, 0, (w) => ({ opcode: [0x0f, 0x40 + condition], width: wide(w), rm: 'either' }));
  simple(`set ${condition}`, 0, (w) => ({
    opcode: [0x0f, 0x90 + condition],
    width: 8,
    digit: below(w.random, 8),
    rm: 'either',
  }));
}
simple('lea', 0, (w) => ({ opcode: [0x8d], width: wide(w), rm: 'memory' }));
simple('xchg rm, r', 0, (w) => ({ ...byteOrWide(w, 0x86), rm: 'either', lock: true }));
row('xchg accumulator, r', (w) => {
  plain(w, [0x90], wide(w), { opcodeRegister: anyRegister(w) });
  return 0;
});
simple('xadd', 0, (w) => {
  const which = byteOrWide(w, 0xc0);
  return { ...which, opcode: [0x0f, ...which.opcode], rm: 'either', lock: true };
});
simple('cmpxchg', 0, (w) => {
  const which = byteOrWide(w, 0xb0);
  return { ...which, opcode: [0x0f, ...which.opcode], rm: 'either', lock: true };
});
row('cmpxchg r, r (equal)', (w) => {
  const width = wide(w);
  const rm = anyRegister(w, [0]);
  plain(w, [0x8b], width, { reg: 0, rm }); // MOV accumulator, rm
  plain(w, [0x0f, 0xb1], width, { reg: anyRegister(w), rm });
  return 0;
});
row('cmpxchg m, r (equal)', (w) => {
  const width = wide(w);
  const memory = anyMemory(w, { size: width / 8, avoid: [0] });
  plain(w, [0x8b], width, { reg: 0, rm: memory });
  plain(w, [0x0f, 0xb1], width, {
    reg: anyRegister(w),
    rm: memory,
    ...(chance(w.random, 30) ? { prefixes: [0xf0] } : {}),
  });
  return 0;
});
row('cmpxchg8b', (w) => {
  const memory = anyMemory(w, {
    size: 8,
    avoid: [0, 1, 2, 3],
    target: chance(w.random, 80) ? DATA + 8 * below(w.random, 0x3f0) : DATA + 0xffc,
  });
  if (chance(w.random, 60)) {
    plain(w, [0x8b], 32, { reg: 0, rm: memory });
    plain(w, [0x8b], 32, { reg: 2, rm: { ...memory, ...bumped(memory, 4n) } });
  }
  plain(w, [0x0f, 0xc7], 32, {
    reg: 1,
    rm: memory,
    fixedWidth: true,
    ...(chance(w.random, 30) ? { prefixes: [0xf0] } : {}),
  });
  return 0;
});
row(
  'cmpxchg16b',
  (w) => {
    const target = DATA + 16 * below(w.random, 0x1ff) + (chance(w.random, 10) ? 8 : 0);
    const memory = anyMemory(w, { size: 16, avoid: [0, 1, 2, 3], target });
    if (chance(w.random, 60)) {
      plain(w, [0x8b], 64, { reg: 0, rm: memory });
      plain(w, [0x8b], 64, { reg: 2, rm: { ...memory, ...bumped(memory, 8n) } });
    }
    plain(w, [0x0f, 0xc7], 64, { reg: 1, rm: memory, ...(chance(w.random, 30) ? { prefixes: [0xf0] } : {}) });
    return 0;
  },
  LONG,
);

/** The same operand some bytes further on, if its displacement has room: else the same address again. */
function bumped(memory: { displacement: bigint; displacementBytes: number }, bytes: bigint): { displacement: bigint } {
  const room = memory.displacementBytes === 4 || (memory.displacementBytes === 1 && memory.displacement + bytes < 128n);
  return { displacement: room ? memory.displacement + bytes : memory.displacement };
}

for (const [name, opcode] of [
  ['movbe r, m', 0xf0],
  ['movbe m, r', 0xf1],
] as const) {
  simple(name, 0, (w) => ({ opcode: [0x0f, 0x38, opcode], width: wide(w), rm: 'memory' }));
}
simple('movnti', 0, (w) => ({
  opcode: [0x0f, 0xc3],
  width: w.mode === 64 && chance(w.random, 50) ? 64 : 32,
  rm: 'memory',
  ...(w.mode === 16 ? { fixedWidth: true } : {}),
}));
row('cbw cwde cdqe', (w) => {
  plain(w, [0x98], wide(w));
  return 0;
});
row('cwd cdq cqo', (w) => {
  plain(w, [0x99], wide(w));
  return 0;
});
for (const [name, opcode] of [
  ['lahf', 0x9f],
  ['sahf', 0x9e],
  ['clc', 0xf8],
  ['stc', 0xf9],
  ['cmc', 0xf5],
  ['cld', 0xfc],
  ['std', 0xfd],
] as const) {
  row(name, (w) => {
    w.bytes.push(opcode);
    return 0;
  });
}
row('xlat', (w) => {
  const near = DATA + 0x100 + below(w.random, 0x1d00) - (w.mode === 16 ? 0x0fffc000 : 0);
  setRegister(w, 3, w.mode, BigInt(near));
  if (chance(w.random, 20)) w.bytes.push(0x67); // from BX or EBX then: mostly a fault, or the same
  w.bytes.push(0xd7);
  return 0;
});
row('nop forms', (w) => {
  const { random } = w;
  switch (below(random, 6)) {
    case 0:
      w.bytes.push(0x90);
      break;
    case 1:
      w.bytes.push(0xf3, 0x90);
      break;
    case 2:
      plain(w, [0x0f, 0x1f], wide(w), { reg: 0, rm: anyMemory(w, { size: 1 }) });
      break;
    case 3:
      w.bytes.push(0x0f, 0xae, pick(random, [0xe8, 0xf0, 0xf8]));
      break;
    case 4:
      plain(w, [0x0f, 0x18], 8, { reg: below(random, 4), rm: anyMemory(w, { size: 1 }) });
      break;
    default:
      w.bytes.push(0xf3, 0x0f, 0x1e, 0xfa);
  }
  return 0;
});
row('clflush clflushopt clwb', (w) => {
  const which = below(w.random, 3);
  const memory = anyMemory(w, { size: 1 });
  plain(w, [0x0f, 0xae], 8, { reg: which === 2 ? 6 : 7, rm: memory, ...(which ? { mandatory: 0x66 } : {}) });
  return 0;
});

// ---- Decimal ------------------------------------------------------------------------------------------------------------------

for (const [name, opcode, undefinedFlags] of [
  ['daa', 0x27, OF],
  ['das', 0x2f, OF],
  ['aaa', 0x37, OF | SF | ZF | PF],
  ['aas', 0x3f, OF | SF | ZF | PF],
  ['salc', 0xd6, 0],
] as const) {
  row(
    name,
    (w) => {
      w.bytes.push(opcode);
      return undefinedFlags;
    },
    LEGACY,
  );
}
for (const [name, opcode] of [
  ['aam', 0xd4],
  ['aad', 0xd5],
] as const) {
  row(
    name,
    (w) => {
      w.bytes.push(opcode, chance(w.random, 50) ? 10 : below(w.random, 256));
      return OF | AF | CF;
    },
    LEGACY,
  );
}
simple(
  'bound',
  0,
  (w) => {
    const width = pick(w.random, [16, 32] as const);
    return { opcode: [0x62], width, rm: 'memory', accessSize: width / 4 };
  },
  LEGACY,
);

// ---- Strings ----------------------------------------------------------------------------------------------------------------

function stringOffset(w: Writer, linear: number): bigint {
  return BigInt(linear - (w.mode === 16 ? 0x0fffc000 : 0));
}

for (const [name, opcode] of [
  ['movs', 0xa4],
  ['cmps', 0xa6],
  ['stos', 0xaa],
  ['lods', 0xac],
  ['scas', 0xae],
] as const) {
  for (const repeat of [0, 0xf3, 0xf2]) {
    row(
      `${repeat ? `rep ${repeat.toString(16)} ` : ''}${name}`,
      (w) => {
        const { random } = w;
        const width = chance(random, 40) ? 8 : wide(w);
        const near = () => (chance(random, 15) ? 0x1000 + between(random, -20, 20) : between(random, 0x80, 0x1f00));
        const from = DATA + near();
        const to = chance(random, 30) ? from + between(random, -24, 24) : DATA + near();
        const prefixes: number[] = [];
        // Another address size: 32 bits hold every address of ours; 16 bits in 32-bit code would not.
        const addressBits: Mode =
          w.mode === 64 ? (chance(random, 15) ? 32 : 64) : w.mode === 16 && chance(random, 15) ? 32 : w.mode;
        if (addressBits !== w.mode) prefixes.push(0x67);
        setRegister(w, 6, addressBits, stringOffset(w, from));
        setRegister(w, 7, addressBits, stringOffset(w, to));
        if (chance(random, 25)) w.bytes.push(chance(random, 50) ? 0xfd : 0xfc);
        if (repeat) {
          // A count of zero with a 32-bit address size in 64-bit code leaves RCX to the vendor: not chosen.
          const count =
            chance(random, 10) && addressBits === w.mode
              ? 0
              : chance(random, 10)
                ? between(random, 1, 0x900)
                : between(random, 1, 40);
          setRegister(w, 1, addressBits, BigInt(count));
          prefixes.push(repeat);
        }
        if ((name === 'scas' || name === 'cmps') && chance(random, 50))
          setRegister(w, 0, 32 === w.mode || w.mode === 64 ? 32 : 16, BigInt(pick(random, [0, 0x5555, 0xffff])));
        plain(w, [opcode + (width === 8 ? 0 : 1)], width, { prefixes });
        return 0;
      },
      ALL,
      repeat !== 0 && (name === 'cmps' || name === 'scas'),
    );
  }
}

// ---- Stack --------------------------------------------------------------------------------------------------------------------

/** A stack pointer with room on both sides: a fault half way leaves registers to the vendor. */
function safeStack(w: Writer): void {
  setRegister(w, RSP, w.mode, stringOffset(w, STACK + 8 * between(w.random, 0x20, 0x1d0)));
}

function stackWidth(w: Writer): 16 | 32 | 64 {
  return w.mode === 64 ? (chance(w.random, 15) ? 16 : 64) : pick(w.random, [16, 32] as const);
}
row('push r', (w) => {
  plain(w, [0x50], stackWidth(w), { default64: true, opcodeRegister: chance(w.random, 10) ? RSP : anyRegister(w) });
  return 0;
});
row('pop r', (w) => {
  plain(w, [0x58], stackWidth(w), { default64: true, opcodeRegister: anyRegister(w) });
  return 0;
});
simple('push rm', 0, (w) => ({ opcode: [0xff], digit: 6, width: stackWidth(w), default64: true, rm: 'either' }));
simple('pop rm', 0, (w) => ({
  opcode: [0x8f],
  digit: 0,
  width: stackWidth(w),
  default64: true,
  rm: 'either',
  avoid: [RSP], // which of two faults comes first is the vendor's choice
}));
row('pop m, based on the stack pointer', (w) => {
  safeStack(w);
  const displacement = BigInt(between(w.random, -64, 64));
  const addressBits: Mode = w.mode === 16 ? 32 : w.mode;
  plain(w, [0x8f], stackWidth(w), {
    default64: true,
    reg: 0,
    rm: { addressBits, base: RSP, displacement, displacementBytes: 1 },
  });
  return 0;
});
row('push iz', (w) => {
  const width = stackWidth(w);
  plain(w, [0x68], width, { default64: true, immediate: immediateZ(w, width) });
  return 0;
});
row('push ib', (w) => {
  plain(w, [0x6a], stackWidth(w), { default64: true, immediate: immediate8(w) });
  return 0;
});
row('pushf popf', (w) => {
  const width = stackWidth(w);
  plain(w, [0x9c], width, { default64: true });
  plain(w, [0x9d], width, { default64: true });
  return 0;
});
row(
  'pusha',
  (w) => {
    safeStack(w);
    plain(w, [0x60], stackWidth(w));
    return 0;
  },
  LEGACY,
);
row(
  'popa',
  (w) => {
    safeStack(w);
    plain(w, [0x61], stackWidth(w));
    return 0;
  },
  LEGACY,
);
row('leave', (w) => {
  setRegister(w, 5, w.mode, stringOffset(w, STACK + 8 * between(w.random, 0x20, 0x1f0)));
  plain(w, [0xc9], w.mode === 64 ? 64 : w.mode, { default64: true });
  return 0;
});
row('enter', (w) => {
  const width = w.mode === 64 ? 64 : pick(w.random, [16, 32] as const);
  setRegister(w, 5, w.mode, stringOffset(w, STACK + 8 * between(w.random, 0x80, 0x1f0)));
  const size = chance(w.random, 80) ? below(w.random, 256) : below(w.random, 65536);
  const level = chance(w.random, 40) ? 0 : chance(w.random, 80) ? below(w.random, 4) : below(w.random, 256);
  plain(w, [0xc8], width, { default64: true, immediate: { value: BigInt(size | (level << 16)), bytes: 3 } });
  return 0;
});

// ---- Branches: all lead to the next instruction or over one byte-sized obstacle -----------------------------------------

const OBSTACLE = [0x0f, 0xc8]; // BSWAP of the accumulator: shows whether it ran

function branchBytes(w: Writer, opcode: readonly number[], bytes: number): void {
  w.bytes.push(...opcode, ...littleEndian(BigInt(OBSTACLE.length), bytes), ...obstacle(w));
}
function obstacle(w: Writer): number[] {
  return w.mode === 16 ? [0xf7, 0xd0] : OBSTACLE; // NOT AX in 16-bit code, of the same length
}
for (let condition = 0; condition < 16; condition++) {
  row(`jcc ${condition} short`, (w) => {
    branchBytes(w, [0x70 + condition], 1);
    return 0;
  });
  row(`jcc ${condition} near`, (w) => {
    branchBytes(w, [0x0f, 0x80 + condition], w.mode === 16 ? 2 : 4);
    return 0;
  });
}
row('jmp short', (w) => {
  branchBytes(w, [0xeb], 1);
  return 0;
});
row('jmp near', (w) => {
  branchBytes(w, [0xe9], w.mode === 16 ? 2 : 4);
  return 0;
});
for (const [name, opcode] of [
  ['loopne', 0xe0],
  ['loope', 0xe1],
  ['loop', 0xe2],
  ['jcxz', 0xe3],
] as const) {
  row(name, (w) => {
    if (chance(w.random, 60)) setRegister(w, 1, w.mode, BigInt(below(w.random, 3)));
    const prefix = chance(w.random, 15) ? [0x67] : [];
    branchBytes(w, [...prefix, opcode], 1);
    return 0;
  });
}
row('loop, several turns', (w) => {
  setRegister(w, 1, w.mode, BigInt(between(w.random, 1, 60)));
  const body = w.bytes.length;
  w.bytes.push(...obstacle(w), 0xf9); // and STC
  w.bytes.push(0xe2, (body - (w.bytes.length + 2)) & 0xff);
  return 0;
});
row('call near', (w) => {
  branchBytes(w, [0xe8], w.mode === 16 ? 2 : 4);
  return 0;
});
/** Address of the byte after what follows, as code sees it. */
function codeOffset(w: Writer, linear: number): bigint {
  return BigInt(w.mode === 16 ? (linear - CODE) & 0xffff : linear);
}
for (const [name, digit] of [
  ['call r', 2],
  ['jmp r', 4],
] as const) {
  row(name, (w) => {
    const register = anyRegister(w);
    const setup: Writer = { ...w, bytes: [] };
    setRegister(setup, register, w.mode, codeOffset(w, here(w)));
    const jump = encode({ opcode: [0xff], width: w.mode, fixedWidth: true, reg: digit, rm: register }, w.mode, 0);
    const target = here(w) + setup.bytes.length + jump.length + 2;
    setRegister(w, register, w.mode, codeOffset(w, target));
    w.bytes.push(...jump, ...obstacle(w));
    return 0;
  });
}
row('ret', (w) => {
  const release = chance(w.random, 50);
  const jump = release ? [0xc2, ...littleEndian(BigInt(below(w.random, 32)), 2)] : [0xc3];
  const push = w.mode === 16 ? 3 : 5;
  const target = here(w) + push + jump.length + 2;
  w.bytes.push(0x68, ...littleEndian(codeOffset(w, target), push - 1), ...jump, ...obstacle(w));
  return 0;
});
for (const [name, digit] of [
  ['call m', 2],
  ['jmp m', 4],
] as const) {
  row(name, (w) => {
    // The target is written to memory first: MOV [m], imm has no 64-bit immediate, but addresses fit in 31 bits.
    const memory = anyMemory(w, { size: w.mode / 8 });
    const bytes = w.mode === 16 ? 2 : 4;
    const build = (target: number) => {
      const out: number[] = [];
      out.push(
        ...encode(
          { opcode: [0xc7], width: w.mode, reg: 0, rm: memory, immediate: { value: codeOffset(w, target), bytes } },
          w.mode,
          here(w),
        ),
      );
      out.push(
        ...encode(
          { opcode: [0xff], width: w.mode, fixedWidth: true, reg: digit, rm: memory },
          w.mode,
          here(w) + out.length,
        ),
      );
      return out;
    };
    const length = build(here(w)).length;
    w.bytes.push(...build(here(w) + length + 2), ...obstacle(w));
    return 0;
  });
}
row('lea far values', (w) => {
  plain(w, [0x8d], wide(w), {
    reg: anyRegister(w),
    rm: {
      addressBits: w.mode === 16 ? 32 : w.mode,
      base: anyRegister(w),
      index: anyRegister(w),
      scale: below(w.random, 4) as 0 | 1 | 2 | 3,
      displacement: BigInt(next(w.random) | 0),
      displacementBytes: 4,
    },
  });
  return 0;
});

export const INSTRUCTIONS: readonly Row[] = rows;
