// Floating point of SSE: the quick way and the exact one agree; approximations are as close as the SDM says. The exact way is held to
// this computer's processor in float/sse.test.ts and native/simd.test.ts.

import { describe, expect, it } from 'vitest';
import { RAM, STOP_BUDGET } from '../../src/core/layout.ts';
import { floatOperand } from './float/operands.ts';
import { load, runFor } from './harness.ts';
import type { Random } from './native/random.ts';
import { MASKED, start } from './simd-start.ts';

const COUNT = 1500;
const INPUT = 0x100000;
const OUTPUT = 0x180000;
const STEP = 32; // two operands in, a result and MXCSR out

/** Runs one instruction on many pairs of operands; answers results and MXCSRs. */
function runAll(instruction: string, before: number, operands: Uint8Array): Uint8Array {
  const core = start(`
    mov esi, ${INPUT}
    mov edi, ${OUTPUT}
    mov ecx, ${COUNT}
    mov dword [rbx], ${before}
  again:
    ldmxcsr [rbx]
    movaps xmm0, [rsi]
    movaps xmm1, [rsi+16]
    ${instruction}
    movaps [rdi], xmm0
    stmxcsr [rdi+16]
    add esi, ${STEP}
    add edi, ${STEP}
    dec ecx
    jnz again
    jmp $`);
  load(core, INPUT, operands);
  expect(runFor(core, 5 + 10 * COUNT).stop).toBe(STOP_BUDGET);
  return core.bytes.slice(RAM + OUTPUT, RAM + OUTPUT + COUNT * STEP);
}

/** Operands of f32 (format 0) or f64 (1). */
function randomOperands(seed: number, format: number): Uint8Array {
  const random: Random = { state: seed };
  const bytes = new Uint8Array(COUNT * STEP);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += format ? 8 : 4) {
    const value = floatOperand(random, format);
    if (format) view.setBigUint64(at, value, true);
    else view.setUint32(at, Number(value), true);
  }
  return bytes;
}

const PRECISION = 0x20;

describe('the quick way, with PRECISION set before, and the exact one agree on', () => {
  const packed = ['add', 'sub', 'mul', 'div', 'sqrt', 'min', 'max', 'hadd', 'addsub'].flatMap((name) => [
    [`${name}ps xmm0, xmm1`, 0],
    [`${name}pd xmm0, xmm1`, 1],
  ]) as [string, number][];
  const rest: [string, number][] = [
    ['addss xmm0, xmm1', 0],
    ['divsd xmm0, xmm1', 1],
    ['sqrtsd xmm0, xmm1', 1],
    ['cvtps2dq xmm0, xmm1', 0],
    ['cvtpd2dq xmm0, xmm1', 1],
    ['cvtpd2ps xmm0, xmm1', 1],
    ['cvtdq2ps xmm0, xmm1', 0],
    ['roundps xmm0, xmm1, 4', 0],
    ['dpps xmm0, xmm1, 0xf1', 0],
    ['cmpps xmm0, xmm1, 1', 0],
  ];
  it.each([...packed, ...rest])('%s', (instruction, format) => {
    const operands = randomOperands(format + 1, format);
    const exact = runAll(instruction, MASKED, operands);
    const quick = runAll(instruction, MASKED | PRECISION, operands);
    let inexact = 0;
    for (let at = 0; at < exact.length; at += STEP) {
      inexact += (exact[at + 16]! & PRECISION) >> 5;
      exact[at + 16]! |= PRECISION;
    }
    expect(Buffer.from(quick).equals(Buffer.from(exact))).toBe(true);
    if (!/min|max|cmp/.test(instruction)) expect(inexact).toBeGreaterThan(0);
  });
});

describe('approximations', () => {
  it.each([
    ['rcpps xmm0, xmm1', (x: number) => 1 / x],
    ['rsqrtps xmm0, xmm1', (x: number) => 1 / Math.sqrt(x)],
  ] as const)('%s: at most 1.5 x 2^-12 off, MXCSR as it was', (instruction, exact) => {
    const operands = randomOperands(7, 0);
    const results = new DataView(runAll(instruction, MASKED, operands).buffer);
    const inputs = new DataView(operands.buffer);
    for (let at = 0; at < operands.length; at += STEP) {
      expect(results.getUint32(at + 16, true)).toBe(MASKED);
      for (let i = 0; i < 16; i += 4) {
        const x = inputs.getFloat32(at + 16 + i, true);
        const r = results.getFloat32(at + i, true);
        const bits = inputs.getUint32(at + 16 + i, true);
        const normal = (bits & 0x7f800000) !== 0 && Number.isFinite(x);
        const zero = x < 0 || Object.is(x, -0) ? -0 : 0;
        // A denormal counts as a zero of its sign.
        const expected = exact(normal || !Number.isFinite(x) ? x : zero);
        if (Number.isNaN(expected)) expect(r).toBeNaN();
        else if (Math.abs(expected) < 2 ** -126 / (1 + 2 ** -12 + 2 ** -13)) expect(r).toBe(zero);
        else if (!Number.isFinite(expected)) expect(r).toBe(expected);
        else if (Math.abs(expected) >= 2 ** -126)
          expect(Math.abs(r / expected - 1)).toBeLessThanOrEqual(1.5 * 2 ** -12);
      }
    }
  });
});
