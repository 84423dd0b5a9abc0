// x87 instructions against this computer's processor: registers, tags, status, flags and memory operands. Transcendental
// instructions may differ by one unit in the last place. RINGSIDE_SEED and RINGSIDE_RECORDS choose another run.
//
// Not compared, since this processor may be AMD's: the instruction and data pointers and the opcode (tested against the manual
// in environment.test.ts).

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RAM, STOP_HALT } from '../../../src/core/layout.ts';
import { enterLong, load, openCore, RCX, RDI, RSI, runFor, setRegister, type TestCore, writeQuad } from '../harness.ts';
import { nativeObstacle } from '../native/native.ts';
import type { Random } from '../native/random.ts';
import { APPROXIMATE, C1, EXACT, type X87Instruction } from './instructions.ts';
import { describeOutput, machineCode, output, RECORD, records, type X87Output } from './records.ts';

const SEED = Number(process.env.RINGSIDE_SEED ?? 1);
const COUNT = Number(process.env.RINGSIDE_RECORDS ?? 300);
const CODE_AT = 0x10000;
const INPUT_AT = 0x200000;
const OUTPUT_AT = 0x600000;
const EXIT_AT = 0xf000;
const STACK_AT = 0x8ff8;
const HLT = 0xf4;
const INVALID = 1;
const DENORMAL = 1 << 1;
const PRECISION = 1 << 5;
const SUMMARY = 0x8080; // ES and B

const obstacle = nativeObstacle();

describe.skipIf(obstacle)(`against this computer's processor, seed ${SEED}`, () => {
  let folder = '';
  let core: TestCore;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringside-x87-'));
    const source = fileURLToPath(new URL('./native.c', import.meta.url));
    execFileSync('gcc', ['-O1', '-o', join(folder, 'native'), source]);
    core = openCore(16);
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function native(code: Uint8Array, input: Uint8Array): Uint8Array {
    const paths = ['code', 'input', 'output'].map((name) => join(folder, name));
    writeFileSync(paths[0]!, code);
    writeFileSync(paths[1]!, input);
    execFileSync(join(folder, 'native'), paths);
    return readFileSync(paths[2]!);
  }

  function simulated(code: Uint8Array, input: Uint8Array): Uint8Array {
    load(core, CODE_AT, code);
    load(core, EXIT_AT, [HLT]);
    load(core, INPUT_AT, input);
    core.bytes.fill(0, RAM + OUTPUT_AT, RAM + OUTPUT_AT + input.length);
    core.exports.flushCode();
    enterLong(core, CODE_AT);
    writeQuad(core, RAM + STACK_AT, BigInt(EXIT_AT));
    setRegister(core, 4, BigInt(STACK_AT));
    setRegister(core, RSI, BigInt(INPUT_AT));
    setRegister(core, RDI, BigInt(OUTPUT_AT));
    setRegister(core, RCX, BigInt(input.length / RECORD));
    expect(runFor(core, 10_000_000)).toEqual({ stop: STOP_HALT });
    return core.bytes.slice(RAM + OUTPUT_AT, RAM + OUTPUT_AT + input.length);
  }

  const all = [...EXACT, ...APPROXIMATE];
  test.each(all.map((instruction, number) => ({ name: instruction.name, instruction, number })))(
    '$name',
    ({ instruction, number }) => {
      const random: Random = { state: SEED * 1000 + number };
      const input = records(random, instruction, COUNT);
      const code = machineCode(instruction);
      const expected = native(code, input);
      const actual = simulated(code, input);
      const differing: string[] = [];
      for (let i = 0; i < COUNT; i++) {
        const one = output(expected, i);
        const other = output(actual, i);
        if (!isOpen(output(input, i), instruction, one) && !same(one, other, instruction)) {
          differing.push(
            `input     ${describeOutput(output(input, i))}\n  processor ${describeOutput(one)}\n  Ringside  ${describeOutput(other)}`,
          );
        }
      }
      expect(differing.slice(0, 3).join('\n'), `${differing.length} of ${COUNT} differ`).toBe('');
    },
  );
});

/** Whether the manual leaves the outcome open, or this processor departs from it. */
function isOpen(input: X87Output, { name, bytes, exponents, tolerance }: X87Instruction, outcome: X87Output): boolean {
  const unmasked = outcome.status & ~input.control & 0x3f;
  // A denormal that is loaded or compared with DE unmasked leaves TOP and condition codes alone by the manual, not so here.
  if (unmasked & DENORMAL && (name.startsWith('FLD f') || comparing(name))) return true;
  // Nor are the condition codes of an invalid comparison set when IE is unmasked.
  if (unmasked & INVALID && comparing(name)) return true;
  if (tolerance === undefined || !exponents) return false;
  // F2XM1 and FYL2XP1 are defined for small arguments only.
  const bounded = bytes[1] === 0xf0 || bytes[1] === 0xf9;
  const exponent = (input.registers[0]!.upper & 0x7fff) - 0x3fff;
  return bounded && exponent > exponents[1] && exponent < 0x4000;
}

function comparing(name: string): boolean {
  return /^F(U?COM|ICOM|TST)/.test(name);
}

function same(one: X87Output, other: X87Output, { tolerance, ignored: open }: X87Instruction): boolean {
  // Whether a transcendental result is inexact is not compared; then ES and B, which follow from it, are neither.
  const ignored =
    (open ?? 0) | (tolerance === undefined ? 0 : C1 | PRECISION | (one.control & PRECISION ? 0 : SUMMARY));
  return (
    one.control === other.control &&
    (one.status | ignored) === (other.status | ignored) &&
    one.tags === other.tags &&
    one.flags === other.flags &&
    one.ax === other.ax &&
    one.operand.every((quad, i) => quad === other.operand[i]) &&
    one.registers.every((r, i) => near(r, other.registers[i]!, tolerance ?? 0))
  );
}

/** Whether two 80-bit values are at most so many units in the last place apart. */
function near(one: X87Output['registers'][0], other: X87Output['registers'][0], tolerance: number): boolean {
  const distance = ordinal(one) - ordinal(other);
  return (distance < 0n ? -distance : distance) <= BigInt(tolerance);
}

/** The values of one sign in order, without the integer bit. */
function ordinal({ significand, upper }: X87Output['registers'][0]): bigint {
  const exponent = BigInt(upper & 0x7fff);
  const magnitude = (exponent << 63n) + (significand & ((1n << 63n) - 1n));
  return (BigInt(upper >> 15) << 80n) + magnitude + ((significand >> 63n) << 100n);
}
