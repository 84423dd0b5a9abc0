// The x87 and SSE registers in the debugger: scope, words, parts, edits, expressions. Bit patterns are those of the formats' definitions.
import { describe, expect, test } from 'vitest';
import { evaluateShown } from '../../src/debugger/evaluation.ts';
import type { Context } from '../../src/debugger/expressions/names.ts';
import { extendedText, vectorText } from '../../src/debugger/float-text.ts';
import type { CodeFrame } from '../../src/debugger/stack.ts';
import { childrenOf, scopesOf, writeChild } from '../../src/debugger/variables.ts';
import { imageOf } from '../../src/program/image.ts';
import { assembleText, hasNasm, startProgram } from '../vmx/hypervisors.ts';

test.each([
  [0x3fff8000000000000000n, '1'],
  [0xc0008000000000000000n, '-2'],
  [0x4000c90fdaa22168c235n, '3.141592653589793'],
  [0n, '0'],
  [1n << 79n, '-0'],
  [0x7fff8000000000000000n, 'infinity'],
  [0xffffc000000000000000n, 'NaN'],
  [0x3fff4000000000000000n, 'unsupported'],
  [0x7ffe8000000000000000n, '9223372036854775808 × 2^16320'],
])('80 bits %#x are %s', (bits, text) => {
  expect(extendedText(bits)).toBe(text);
});

test('128 bits are two f64 and four f32', () => {
  expect(vectorText((0x4000000000000000n << 64n) | 0x3f800000c0400000n)).toBe('f64 0.0078125056, 2; f32 -3, 1, 0, 2');
});

describe.skipIf(!hasNasm())('of a program', () => {
  const program = assembleText('fninit\nfldpi\nfld1\nhlt\n');
  const { machine } = startProgram(program);
  machine.run({ limit: 3 });
  const subject = { machine, image: imageOf(program) };
  const rows = () => new Map((childrenOf(subject, 'float/root') ?? []).map((row) => [row.name, row]));
  const context = { machine, side: 'root', image: subject.image } as unknown as Context;

  test('are a scope with words', () => {
    expect(scopesOf(subject, { side: 'root' } as CodeFrame).map(({ name }) => name)).toContain('x87 and SSE');
    expect(rows().get('st0')?.value).toBe('0x3fff8000000000000000 (1)');
    expect(rows().get('st1')?.value).toBe('0x4000c90fdaa22168c235 (3.141592653589793)');
    expect(rows().get('st2')?.value).toMatch(/^0x0 \(empty/);
    expect(rows().get('fcw')?.value).toMatch(/^0x37f/);
    expect(rows().get('ftw')?.value).toBe('0xfff'); // R7 and R6 valid, six empty
    expect(rows().get('mxcsr')?.value).toMatch(/^0x1f80/);
  });

  test('have parts that can be edited', () => {
    expect(childrenOf(subject, 'float/root/st1')?.map(({ name, value }) => [name, value])).toEqual([
      ['significand', '0xc90fdaa22168c235'],
      ['exponent', '0x4000'],
    ]);
    expect(writeChild(subject, 'float/root/xmm3', 'high', 0x4000000000000000n)).toMatchObject({
      row: { value: '0x4000000000000000' },
    });
    expect(rows().get('xmm3')?.value).toContain('f64 0, 2');
    expect(writeChild(subject, 'float/root', 'mxcsr', 0x10000n)).toMatchObject({
      error: expect.stringMatching(/Reserved/),
    });
  });

  test.each([
    ['st1', '0x4000c90fdaa22168c235'],
    ['st1.exponent', '0x4000'],
    ['fsw >> 11 & 7', '0x6'],
    ['st1 == st0', '0'],
    ['mxcsr == 0x1f80', '1'],
  ])('%s is an expression', (text, shown) => {
    const result = evaluateShown(text, context);
    expect(result.ok ? result.value.text.split(' (')[0] : result).toBe(shown.split(' (')[0]);
  });
});
