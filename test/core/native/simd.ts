// Every MMX and SSE instruction of the core's table, with random operands; registers and memory full of the values that find mistakes.

import { ROWS } from '../../../src/core/ops/simd/table.ts';
import type { Kind, Row as SimdRow } from '../../../src/core/ops/simd/row.ts';
import { encode, type Instruction } from './encoder.ts';
import type { Recipe } from './generator.ts';
import type { Row } from './instructions.ts';
import { anyMemory, anyRegister, here, setRegister, type Writer } from './operands.ts';
import { below, between, chance, next, pick, type Random, value } from './random.ts';
import { BASE_16, DATA, type Mode } from './space.ts';

/** Where memory holds values for LDMXCSR. */
const MXCSR_AT = 12;
const MXCSR_STEP = 64;
const ESCAPES = { 1: [0x0f], 2: [0x0f, 0x38], 3: [0x0f, 0x3a] } as const;
const RAX = 0;
const RDX = 2;
const RDI = 7;

/** The SDM leaves how exact these are to the processor: simd-approximations.test.ts. */
const APPROXIMATE = /^r(cp|sqrt)[ps]s$/;

function registerOf(w: Writer, kind: Kind): number {
  if (kind === 'g') return anyRegister(w);
  return below(w.random, kind === 'm' || w.mode !== 64 ? 8 : 16);
}

function put(w: Writer, instruction: Instruction): void {
  w.bytes.push(...encode(instruction, w.mode, here(w)));
}

/** MOVD of a small number, so that a shift's count is not always beyond its element. */
function setCount(w: Writer, kind: Kind, register: number): void {
  setRegister(w, RAX, 32, BigInt(below(w.random, 70)));
  put(w, {
    opcode: [0x0f, 0x6e],
    width: 32,
    fixedWidth: true,
    reg: register,
    rm: RAX,
    ...(kind === 'x' ? { mandatory: 0x66 } : {}),
  });
}

function emit(w: Writer, row: SimdRow): void {
  const { random } = w;
  const memory = row.form === 'memory' || (row.form === 'either' && chance(random, 50));
  let rm: Instruction['rm'];
  if (/^pcmpestr/.test(row.name))
    for (const register of [RAX, RDX])
      if (chance(random, 80)) setRegister(w, register, 32, BigInt.asUintN(32, BigInt(between(random, -20, 20))));
  if (memory) {
    const alwaysAligned = row.feature === 'sha'; // the SDM demands it, AMD's processors do not
    const boundary = row.aligned && (alwaysAligned || chance(random, 90)) ? 16 : chance(random, 50) ? row.bytes : 1;
    const target = DATA + below(random, chance(random, 90) ? 0x1fe0 : 0x3000);
    const chosen = row.name === 'ldmxcsr' ? target - (target % MXCSR_STEP) + MXCSR_AT : target - (target % boundary);
    const free = row.name !== 'ldmxcsr' && !alwaysAligned && chance(random, 20);
    rm = anyMemory(w, { size: row.bytes, ...(free ? {} : { target: chosen }) });
  } else rm = registerOf(w, row.rm);
  if (/^ps[lr][la]/.test(row.name) && row.digit === undefined && !memory && chance(random, 80))
    setCount(w, row.rm, rm as number);
  put(w, {
    opcode: [...ESCAPES[row.map], row.opcode],
    width: row.wide ? 64 : 32,
    ...(row.wide ? {} : { fixedWidth: true }),
    reg: row.digit ?? registerOf(w, row.reg),
    rm,
    ...(row.prefix ? { mandatory: row.prefix } : {}),
    ...(row.immediate ? { immediate: { value: BigInt(immediate(random)), bytes: 1 } } : {}),
  });
}

function immediate(random: Random): number {
  return chance(random, 50) ? below(random, 40) : below(random, 256);
}

const MODES: readonly Mode[] = [16, 32, 64];

export const SIMD_ROWS: readonly Row[] = ROWS.filter((row) => !APPROXIMATE.test(row.name)).map((row) => ({
  name: row.name,
  modes: row.wide ? [64] : MODES,
  flagsLostByFault: false,
  tagsLostByFault: /^cvt.*pi/.test(row.name), // #XM: some processors have marked the registers by then
  emit(w: Writer): number {
    if (row.keepsState) w.bytes.push(0x0f, 0x77);
    else emit(w, row);
    return 0;
  },
}));

/** MASKMOVQ and MASKMOVDQU: the destination is at DS:rDI. */
const MASKED: readonly Row[] = (['m', 'x'] as const).map((kind) => ({
  name: `maskmov ${kind}`,
  modes: MODES,
  flagsLostByFault: false,
  emit(w: Writer): number {
    const base = w.mode === 16 ? BASE_16 : 0;
    setRegister(w, RDI, w.mode, BigInt(DATA + below(w.random, 0x1ff0) - base));
    put(w, {
      opcode: [0x0f, 0xf7],
      width: 32,
      fixedWidth: true,
      reg: registerOf(w, kind),
      rm: registerOf(w, kind),
      ...(kind === 'x' ? { mandatory: 0x66 } : {}),
    });
    return 0;
  },
}));

// ---- Values ---------------------------------------------------------------------------------------------------------------

const SINGLES = [
  0, 1, 2, 0x7fffff, 0x800000, 0x800001, 0x3f800000, 0x3f800001, 0x3f7fffff, 0x40000000, 0x40490fdb, 0x4b000000,
  0x4b800001, 0x4effffff, 0x4f000000, 0x5effffff, 0x5f000000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff,
  0x7fc00000, 0x7fffffff, 0x3effffff, 0x3f000000, 0x3fc00000, 0x1f800000, 0x20000000,
] as const;

/** An f32 as bits: special, small, random. */
function single(random: Random): number {
  const sign = chance(random, 50) ? 0x80000000 : 0;
  switch (below(random, 6)) {
    case 0:
      return (pick(random, SINGLES) | sign) >>> 0;
    case 1: // near one
      return ((0x3f800000 + (next(random) >>> 7) - 0x1000000) | sign) >>> 0;
    case 2: // a small integer or fraction
      return bitsOf32((below(random, 2000) - 1000) / pick(random, [1, 2, 4, 3, 10]));
    case 3: // near the ends of the exponent range
      return (((chance(random, 50) ? 0x7e000000 : 0x01000000) + (next(random) >>> 8)) | sign) >>> 0;
    case 4: // denormal
      return ((next(random) >>> 9) | sign) >>> 0;
    default:
      return next(random);
  }
}

function bitsOf32(x: number): number {
  return new Uint32Array(new Float32Array([x]).buffer)[0]!;
}

function double(random: Random): bigint {
  const low = BigInt(next(random));
  const top = BigInt(single(random));
  const sign = (top >> 31n) << 63n;
  switch (below(random, 5)) {
    case 0: // the same kinds as single, with its exponent stretched
      return widened(Number(top));
    case 1:
      return sign | ((1023n - 30n + BigInt(below(random, 60))) << 52n) | (chance(random, 50) ? low << 20n : low);
    case 2:
      return (
        sign |
        (BigInt(pick(random, [0, 1, 2, 52, 2045, 2046, 2047])) << 52n) |
        (chance(random, 40) ? 0n : low << BigInt(below(random, 20)))
      );
    case 3:
      return new BigUint64Array(
        new Float64Array([(below(random, 2000) - 1000) / pick(random, [1, 2, 4, 3, 10])]).buffer,
      )[0]!;
    default:
      return (top << 32n) | low;
  }
}

function widened(bits: number): bigint {
  const exponent = (bits >>> 23) & 0xff;
  const sign = BigInt(bits >>> 31) << 63n;
  const fraction = BigInt(bits & 0x7fffff) << 29n;
  if (exponent === 0xff) return sign | (0x7ffn << 52n) | fraction;
  return sign | (BigInt(exponent === 0 ? 0 : exponent - 127 + 1023) << 52n) | fraction;
}

function fill16(random: Random, into: DataView, at: number): void {
  const kind = below(random, 8);
  for (let i = 0; i < 16; i += kind < 3 ? 4 : 8) {
    if (kind < 3) into.setUint32(at + i, single(random), true);
    else if (kind < 6) into.setBigUint64(at + i, double(random), true);
    else into.setBigUint64(at + i, kind === 6 ? value(random) : BigInt(next(random)) * 0x100000001n, true);
  }
  // Text with an end, for string instructions.
  if (kind === 7 && chance(random, 50))
    for (let i = 0; i < 16; i++) into.setUint8(at + i, below(random, 6) === 0 ? 0 : 0x61 + below(random, 4));
}

/** For LDMXCSR: allowed, or with a reserved bit; AMD's processors have bit 17. */
function mxcsrOperand(random: Random): number {
  return chance(random, 50) ? mxcsr(random) : next(random) & 0xfffdffff;
}

export function simdPattern(seed: number, bytes: number): Uint8Array {
  const random: Random = { state: seed ^ 0x2545f491 };
  const pattern = new Uint8Array(bytes);
  const view = new DataView(pattern.buffer);
  for (let at = 0; at < bytes; at += 16) fill16(random, view, at);
  for (let at = MXCSR_AT; at < bytes; at += MXCSR_STEP) view.setUint32(at, mxcsrOperand(random), true);
  return pattern;
}

/** MXCSR: exceptions mostly masked, any rounding, now and then denormals-are-zero and flush-to-zero. */
function mxcsr(random: Random): number {
  const masks = chance(random, 80) ? 0x1f80 : (next(random) & 0x1f80) | 0x1000;
  const flags = chance(random, 50) ? 0x20 : next(random) & 0x3f;
  const rounding = chance(random, 50) ? 0 : below(random, 4) << 13;
  const zeros = chance(random, 75) ? 0 : next(random) & 0x8040;
  return masks | flags | rounding | zeros;
}

function state(random: Random): Uint8Array {
  const image = new Uint8Array(512);
  const view = new DataView(image.buffer);
  view.setUint16(0, 0x37f, true);
  view.setUint16(2, below(random, 8) << 11, true);
  image[4] = next(random);
  view.setUint32(24, mxcsr(random), true);
  for (let i = 0; i < 8; i++) {
    fill16(random, view, 32 + 16 * i);
    image.fill(0, 42 + 16 * i, 48 + 16 * i);
  }
  for (let i = 0; i < 16; i++) fill16(random, view, 160 + 16 * i);
  return image;
}

export const SIMD: Recipe = { rows: [...SIMD_ROWS, ...MASKED], most: 8, state };
