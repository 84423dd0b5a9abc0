// Random operands: registers, and memory operands of every addressing form that lead to an address of our choice.

import { encode, type Memory } from './encoder.ts';
import { below, between, chance, next, pick, type Random, value } from './random.ts';
import { BASE_16, DATA, DATA_SIZE, GS_PROFILES, type Mode } from './space.ts';

export interface Writer {
  readonly random: Random;
  readonly mode: Mode;
  readonly gsProfile: number;
  readonly bytes: number[];
  /** Address of bytes[0]. */
  readonly start: number;
}

export function here(w: Writer): number {
  return w.start + w.bytes.length;
}

export const RSP = 4;

/** A general register other than RSP. */
export function anyRegister(w: Writer, avoid: readonly number[] = []): number {
  for (;;) {
    const register = below(w.random, w.mode === 64 ? 16 : 8);
    if (register !== RSP && !avoid.includes(register)) return register;
  }
}

/** MOV register, immediate, of `bits`. */
export function setRegister(w: Writer, register: number, bits: Mode, wanted: bigint): void {
  const small = bits === 64 && BigInt.asUintN(64, wanted) < 1n << 32n;
  const width = small ? 32 : bits;
  w.bytes.push(
    ...encode(
      { opcode: [0xb8], opcodeRegister: register, width, immediate: { value: wanted, bytes: width / 8 } },
      w.mode,
      here(w),
    ),
  );
}

/** The same for a register that an address of `bits` is made of: what lies above those bits must not count. */
function setAddressRegister(w: Writer, register: number, bits: Mode, wanted: bigint): void {
  const low = BigInt.asUintN(bits, wanted);
  if (bits < w.mode && register !== RSP)
    setRegister(w, register, w.mode, ((value(w.random) >> BigInt(bits)) << BigInt(bits)) | low);
  else setRegister(w, register, bits, low);
}

/** Where accesses go: mostly inside, often across the middle, sometimes over the edges. */
function pickTarget(w: Writer, size: number): number {
  const roll = below(w.random, 100);
  if (roll < 55) return DATA + below(w.random, 0x2000 - 64);
  if (roll < 75) return DATA + 0x1000 - below(w.random, size + 1);
  if (roll < 80) return DATA + 0x2000 - below(w.random, size + 1);
  if (roll < 82) return DATA + 0x2000 + below(w.random, 0xff0);
  if (roll < 84) return DATA + DATA_SIZE - below(w.random, size + 1);
  if (roll < 85) return DATA - between(w.random, 1, size + 1);
  return DATA + 8 * below(w.random, 0x3f0);
}

export interface MemoryOptions {
  /** Bytes that will be accessed at the address. */
  readonly size: number;
  /** Registers that hold other operands already. */
  readonly avoid?: readonly number[];
  /** Linear address, if the instruction needs a certain one. */
  readonly target?: number;
  readonly noSegment?: boolean;
}

/** A memory operand; writes the MOVs that load its base and index. */
export function anyMemory(w: Writer, options: MemoryOptions): Memory {
  const { random, mode } = w;
  const avoid = options.avoid ?? [];
  const target = options.target ?? pickTarget(w, options.size);
  let segmentBase = mode === 16 ? BASE_16 : 0;
  let segmentPrefix: number | undefined;
  const other: Mode = mode === 64 ? 32 : mode === 32 ? 16 : 32;
  let addressBits: Mode = chance(random, mode === 16 ? 25 : 10) ? other : mode;
  if (!options.noSegment && chance(random, 12)) {
    segmentPrefix = 0x65;
    segmentBase = GS_PROFILES[w.gsProfile]!.base;
  } else if (!options.noSegment && chance(random, 4))
    segmentPrefix = pick(random, mode === 16 ? [0x36, 0x3e, 0x26] : [0x2e, 0x36, 0x3e, 0x26]);
  if (mode === 32 && addressBits === 16 && segmentPrefix !== 0x65) addressBits = 32; // a flat 64 KiB holds nothing of ours
  let offset = BigInt(target - segmentBase);
  if (mode === 64 && addressBits === 64 && !segmentPrefix && chance(random, 1)) offset = pick(random, NOT_CANONICAL);
  if (addressBits === 16) return memory16(w, offset, segmentPrefix, avoid);

  const form = below(random, 10);
  if (form === 0 && mode === 64)
    return {
      addressBits,
      displacement: segmentPrefix === 0x65 ? offset : BigInt(target),
      displacementBytes: 4,
      ripRelative: true,
      segmentPrefix,
    };
  if (form === 1 && BigInt.asIntN(32, offset) === offset) {
    return { addressBits, displacement: offset, displacementBytes: 4, segmentPrefix };
  }
  let displacementBytes = pick(random, [0, 1, 4] as const);
  const wantBase = form < 8;
  if (!wantBase) displacementBytes = 4;
  const wantIndex = form >= 5;
  const index = wantIndex ? anyRegister(w, avoid) : undefined;
  let base: number | undefined;
  if (wantBase) {
    base =
      mode !== 16 && chance(random, 6) && !avoid.includes(RSP)
        ? RSP
        : anyRegister(w, index === undefined ? avoid : [...avoid, index]);
    if ((base & 7) === 5 && displacementBytes === 0) displacementBytes = 1;
  }
  const scale = index === undefined ? 0 : (below(random, 4) as 0 | 1 | 2 | 3);
  const displacement =
    displacementBytes === 0
      ? 0n
      : displacementBytes === 1
        ? BigInt(between(random, -128, 127))
        : BigInt(next(random) | 0);
  if (base === undefined) {
    // The index alone: make offset - displacement a multiple of the scale.
    const unit = 1n << BigInt(scale);
    let shifted = displacement;
    shifted += (((offset - shifted) % unit) + unit) % unit;
    shifted = BigInt.asIntN(32, shifted);
    setAddressRegister(w, index!, addressBits, (offset - shifted) / unit);
    return { addressBits, index, scale, displacement: shifted, displacementBytes, segmentPrefix };
  }
  let distance = displacement;
  if (index !== undefined) {
    const indexValue = chance(random, 50)
      ? BigInt(between(random, -100, 100))
      : BigInt.asIntN(addressBits, value(random));
    setAddressRegister(w, index, addressBits, indexValue);
    distance += indexValue << BigInt(scale);
  }
  setAddressRegister(w, base, addressBits, offset - distance);
  return { addressBits, base, index, scale, displacement, displacementBytes, segmentPrefix };
}

const NOT_CANONICAL = [0x800000000000n, 0x7ffffffffffdn, 0xffff7ffffffffffan, 0x1234567890abcdefn];

function memory16(w: Writer, offset: bigint, segmentPrefix: number | undefined, avoid: readonly number[]): Memory {
  const { random } = w;
  const [base, index] = pick(random, [
    [3, 6],
    [3, 7],
    [5, 6],
    [5, 7],
    [6],
    [7],
    [5],
    [3],
    [],
  ] as const) as readonly number[];
  if (base === undefined || avoid.includes(base) || (index !== undefined && avoid.includes(index))) {
    return { addressBits: 16, displacement: offset, displacementBytes: 2, segmentPrefix };
  }
  let displacementBytes = pick(random, [0, 1, 2] as const);
  if (base === 5 && index === undefined && displacementBytes === 0) displacementBytes = 1;
  const displacement =
    displacementBytes === 0
      ? 0n
      : displacementBytes === 1
        ? BigInt(between(random, -128, 127))
        : BigInt(below(random, 65536));
  let distance = displacement;
  if (index !== undefined) {
    const indexValue = value(random);
    setAddressRegister(w, index, 16, indexValue);
    distance += indexValue;
  }
  setAddressRegister(w, base, 16, offset - distance);
  return { addressBits: 16, base, index, displacement, displacementBytes, segmentPrefix };
}
