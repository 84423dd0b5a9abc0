// Random bytes as programs, run twice: in one slice on the fast path, and on the careful path or cut into random slices. Registers,
// flags, memory, faults and the number of instructions must be the same. Random stores hit the code all the time, so this
// also holds the block cache to what is in memory.

import { describe, expect, it } from 'vitest';
import {
  CR4,
  EVENT_VALID,
  MXCSR,
  RAM,
  RUN_CAREFUL,
  RUN_FLAGS,
  STOP_BUDGET,
  X87,
  X87_CONTROL,
  X87_STATUS,
  X87_TAGS,
  XMM,
} from '../../src/core/layout.ts';
import {
  type TestCore,
  enterLong,
  enterProtected,
  enterReal,
  load,
  openCore,
  readQuad,
  readWord,
  register,
  retired,
  runFor,
  writeQuad,
  writeWord,
} from './harness.ts';
import { below, between, chance, next, pick, type Random, value } from './native/random.ts';

const CODE = 0x8000;
const CODE_SIZE = 0x1000;
const MEMORY = 0x20000; // what is compared
const INSTRUCTIONS = 3000;
const SSE = 0x600n; // CR4.OSFXSR and OSXMMEXCPT

/** Opcodes that make programs go on: arithmetic, moves, short jumps, stack, strings; the rest is left to chance. */
const COMMON = [
  0x01, 0x03, 0x11, 0x13, 0x19, 0x1b, 0x29, 0x2b, 0x31, 0x33, 0x39, 0x3b, 0x50, 0x53, 0x58, 0x5b, 0x72, 0x73, 0x74,
  0x75, 0x78, 0x7c, 0x7e, 0x83, 0x85, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0xa4, 0xa5, 0xaa, 0xb8, 0xbb, 0xc1, 0xd1, 0xd3,
  0xe2, 0xe8, 0xeb, 0xf7, 0xfe,
] as const;

/** After 0F: moves of SSE, and arithmetic. */
const MOVES = [
  0x10, 0x11, 0x12, 0x16, 0x28, 0x29, 0x2a, 0x2d, 0x51, 0x58, 0x59, 0x5a, 0x5e, 0x6e, 0x6f, 0x7e, 0x7f, 0xd6,
] as const;

function randomProgram(random: Random): Uint8Array {
  const bytes: number[] = [];
  while (bytes.length < CODE_SIZE) {
    if (chance(random, 15)) bytes.push(pick(random, [0x66, 0x67, 0x48, 0x4d, 0xf3]));
    if (chance(random, 10)) bytes.push(0x0f, between(random, 0x40, 0xff));
    else if (chance(random, 11)) bytes.push(0x0f, pick(random, MOVES));
    else bytes.push(chance(random, 90) ? pick(random, COMMON) : below(random, 256));
    for (let i = below(random, 4); i >= 0; i--) bytes.push(chance(random, 30) ? below(random, 16) : below(random, 256));
  }
  return Uint8Array.from(bytes.slice(0, CODE_SIZE));
}

function prepare(enter: (core: TestCore, rip: number) => void, seed: number): TestCore {
  const random: Random = { state: seed };
  const core = openCore(1);
  enter(core, CODE);
  writeQuad(core, CR4, readQuad(core, CR4) | SSE);
  writeWord(core, MXCSR, 0x1f80);
  load(core, CODE, randomProgram(random));
  for (let index = 0; index < 16; index++) {
    // Most registers point into the code or the data beside it.
    const near = BigInt(CODE + below(random, 0x4000));
    if (index !== 4) writeQuad(core, 0x1000 + 8 * index, chance(random, 75) ? near : value(random));
  }
  return core;
}

/** Instructions, faults and where they were, until the budget is gone; after a fault the program goes on elsewhere. */
function trace(core: TestCore, random: Random, slice: () => number): string[] {
  const lines: string[] = [];
  let place = 0;
  while (retired(core) < INSTRUCTIONS && lines.length < 400) {
    const left = INSTRUCTIONS - retired(core);
    const result = runFor(core, Math.min(left, slice()));
    if (result.stop === STOP_BUDGET) continue;
    lines.push(
      `${retired(core)} ${core.exports.getRip().toString(16)} ${result.fault ? `fault ${result.fault.vector} ${result.fault.error} ${result.fault.address.toString(16)}` : `stop ${result.stop}`}`,
    );
    writeWord(core, EVENT_VALID, 0);
    place = (place + 0x35b + (next(random) & 0xff)) % (CODE_SIZE - 32);
    core.exports.setRip(BigInt(CODE + place));
    writeQuad(core, 0x1020, 0x9000n);
    if (result.stop !== undefined) break; // HLT and the like: the machine would have to wake it
  }
  const registers = Array.from({ length: 16 }, (_, i) => register(core, i).toString(16)).join(' ');
  lines.push(
    `${retired(core)} ${core.exports.getRip().toString(16)} ${registers} ${core.exports.getFlags().toString(16)}`,
    Buffer.from(core.bytes.subarray(XMM, XMM + 256)).toString('hex'),
    Buffer.from(core.bytes.subarray(X87, X87 + 128)).toString('hex'),
    [MXCSR, X87_CONTROL, X87_STATUS, X87_TAGS].map((cell) => readWord(core, cell).toString(16)).join(' '),
  );
  return lines;
}

const MODES = [
  { name: '64-bit', enter: enterLong },
  { name: '32-bit', enter: enterProtected },
  { name: '16-bit', enter: enterReal },
] as const;

describe('the careful path and random slices', () => {
  for (const { name, enter } of MODES) {
    it(`do in ${name} code what the fast path does`, () => {
      for (let seed = 1; seed <= 60; seed++) {
        const fast = prepare(enter, seed);
        const expected = trace(fast, { state: seed }, () => INSTRUCTIONS);
        const careful = prepare(enter, seed);
        writeWord(careful, RUN_FLAGS, RUN_CAREFUL);
        expect(
          trace(careful, { state: seed }, () => INSTRUCTIONS),
          `seed ${seed}, careful`,
        ).toEqual(expected);
        // Slices of every length, and ones that are shorter than a superblock may be.
        const cuts = [300, 70].map((longest) => {
          const cut = prepare(enter, seed);
          const random: Random = { state: ~seed };
          expect(
            trace(cut, { state: seed }, () => between(random, 1, longest)),
            `seed ${seed}, cut`,
          ).toEqual(expected);
          return cut;
        });
        for (const other of [careful, ...cuts]) {
          const same =
            Buffer.compare(fast.bytes.subarray(RAM, RAM + MEMORY), other.bytes.subarray(RAM, RAM + MEMORY)) === 0;
          expect(same, `memory after seed ${seed}`).toBe(true);
        }
      }
    });
  }
});
