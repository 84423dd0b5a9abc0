// The software floating point of SSE against this computer's processor: operations, formats, rounding modes, masks, DAZ and FTZ.
// RINGSIDE_SEED and RINGSIDE_RECORDS choose another run.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeObstacle } from '../native/native.ts';
import { below, type Random, wide } from '../native/random.ts';
import { floatOperand } from './operands.ts';

const SEED = Number(process.env.RINGSIDE_SEED ?? 1);
const COUNT = Number(process.env.RINGSIDE_RECORDS ?? 4000);
const RECORD = 32;
const AT = 0x10000;

const OPERATIONS = [
  'add',
  'multiply',
  'subtract',
  'divide',
  'square root',
  'compare, quiet NaNs allowed',
  'compare',
  'convert to the other format',
  'to 32-bit integer',
  'to 64-bit integer',
  'to 64-bit integer, truncating',
  'from 64-bit integer',
  'from 32-bit integer',
  'round to integral',
  'round down to integral, no precision exception',
];
const FORMATS = ['f32', 'f64'];
const UNMASKED_ANSWER = 0xdeadn;

const obstacle = nativeObstacle();

describe.skipIf(obstacle)(`against this computer's processor, seed ${SEED}`, () => {
  let folder = '';
  let run: (at: number, count: number) => void;
  let memory: WebAssembly.Memory;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringside-float-'));
    const source = fileURLToPath(new URL('./native.c', import.meta.url));
    execFileSync('gcc', ['-O1', '-msse4.1', '-o', join(folder, 'native'), source]);
    const wasm = join(folder, 'float.wasm');
    const { error, stderr } = await asc.main([
      'src/core/float/batch.ts',
      '--outFile',
      wasm,
      '-O1',
      '--runtime',
      'stub',
      '--initialMemory',
      '16',
      '--memoryBase',
      '1024',
      '--use',
      'abort=',
      '--disableWarning',
      '201',
      '--transform',
      './scripts/core-transform.mjs',
    ]);
    if (error) throw new Error(stderr.toString());
    const { instance } = await WebAssembly.instantiate(readFileSync(wasm));
    run = instance.exports.runBatch as typeof run;
    memory = instance.exports.memory as WebAssembly.Memory;
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const cases = OPERATIONS.flatMap((name, operation) =>
    FORMATS.map((format, index) => ({ name, operation, format, index })),
  );
  test.each(cases)('$format $name', ({ operation, index }) => {
    const random: Random = { state: SEED * 100 + operation * 2 + index };
    const file = new Uint8Array(COUNT * RECORD);
    const view = new DataView(file.buffer);
    for (let i = 0; i < COUNT; i++) {
      const at = i * RECORD;
      view.setUint8(at, operation);
      view.setUint8(at + 1, index);
      view.setUint32(at + 4, mxcsr(random), true);
      const integer = operation === 11 || operation === 12;
      view.setBigUint64(at + 8, integer ? integerOperand(random) : floatOperand(random, index), true);
      view.setBigUint64(at + 16, floatOperand(random, index), true);
    }
    const input = join(folder, `input-${operation}-${index}`);
    const output = join(folder, `output-${operation}-${index}`);
    writeFileSync(input, file);
    execFileSync(join(folder, 'native'), [input, output]);
    const expected = readFileSync(output);
    expect(expected.length).toBe(file.length);
    new Uint8Array(memory.buffer).set(file, AT);
    run(AT, COUNT);
    const actual = new Uint8Array(memory.buffer).slice(AT, AT + file.length);
    const differing: string[] = [];
    for (let at = 0; at < file.length; at += RECORD) {
      const one = record(expected, at, index);
      const other = record(actual, at, index);
      if (one.unmasked) other.answer = UNMASKED_ANSWER;
      if (one.flags !== other.flags || one.answer !== other.answer)
        differing.push(`${describeRecord(one)}: processor ${outcome(one)}, Ringside ${outcome(other)}`);
    }
    expect(differing.slice(0, 5), `${differing.length} differ`).toEqual([]);
  });
});

/** Mostly with all exceptions masked. */
function mxcsr(random: Random): number {
  const masks = below(random, 4) === 0 ? below(random, 64) << 7 : 0x1f80;
  const daz = below(random, 4) === 0 ? 0x40 : 0;
  const ftz = below(random, 4) === 0 ? 0x8000 : 0;
  return masks | daz | ftz | (below(random, 4) << 13);
}

function integerOperand(random: Random): bigint {
  return BigInt.asUintN(64, (wide(random) >> BigInt(below(random, 64))) * (below(random, 2) ? 1n : -1n));
}

function record(bytes: Uint8Array, at: number, format: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mxcsrBits = view.getUint32(at + 4, true);
  const flags = view.getUint16(at + 2, true);
  const wide = format === 1 || [8, 9, 10].includes(view.getUint8(at)) || view.getUint8(at) === 7;
  return {
    mxcsr: mxcsrBits,
    x: view.getBigUint64(at + 8, true),
    y: view.getBigUint64(at + 16, true),
    answer: BigInt.asUintN(wide ? 64 : 32, view.getBigUint64(at + 24, true)),
    flags,
    unmasked: (flags & ~(mxcsrBits >> 7) & 0x3f) !== 0,
  };
}

function describeRecord(r: ReturnType<typeof record>): string {
  return `${r.x.toString(16)} with ${r.y.toString(16)}, MXCSR ${r.mxcsr.toString(16)}`;
}

function outcome(r: ReturnType<typeof record>): string {
  return `${r.answer.toString(16)} raising ${r.flags.toString(16)}`;
}
