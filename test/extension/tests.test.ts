// What the Testing view is made of, without VS Code.
import { describe, expect, test } from 'vitest';
import type { TestEnded } from '../../src/debugger/tests/events.ts';
import { createLineReader } from '../../src/extension/lines.ts';
import { listTests, runArguments, type TestRunner } from '../../src/extension/tests/runner.ts';
import { addLines, coverageOf, debugVerdict, messagesOf, outputOf } from '../../src/extension/tests/summary.ts';

const RESULT: TestEnded = {
  kind: 'result',
  file: '/w/test.asm',
  name: 'test_a',
  passed: false,
  failures: [{ message: 'It is wrong.', path: '/w/lab.asm', line: 12 }, { message: 'It took too long.' }],
  notes: ['rax is 5'],
  console: 'hello\nworld\n',
  instructions: 1,
  exits: 2,
};

describe('lines of a process', () => {
  test.each([
    [
      ['a\nb', 'c\n', 'd'],
      ['a', 'bc', 'd'],
    ],
    [
      ['a\r', '\nb\n'],
      ['a', 'b'],
    ],
    [[''], []],
  ])('%j', (pieces, lines) => {
    const found: string[] = [];
    const reader = createLineReader((line) => found.push(line));
    for (const piece of pieces) reader.add(piece);
    reader.end();
    expect(found).toEqual(lines);
  });
});

test('arguments of a run', () => {
  const settings = { coverage: false, maxInstructions: 5 };
  expect(runArguments('/a', undefined, settings)).toEqual(['/a', '--json', '--max-instructions', '5']);
  expect(runArguments('/a', ['x', 'y'], { ...settings, coverage: true })).toEqual(
    '/a --test x --test y --json --coverage --max-instructions 5'.split(' '),
  );
});

test('many files are listed by several processes, and each may have its problem', async () => {
  const calls: (readonly string[])[] = [];
  const runner: TestRunner = async (args) => {
    calls.push(args);
    return args.includes('f60') ? 'broken' : '';
  };
  const files = Array.from({ length: 120 }, (_, index) => `f${index}`);
  const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => {} }) };
  expect(await listTests(runner, files, () => {}, token)).toBe('broken');
  expect(calls.map((args) => args.length)).toEqual([52, 52, 22]);
  expect(calls.flat().filter((arg) => arg.startsWith('f'))).toEqual(files);
});

test('failures stand at their lines, counted from 0, or at the test', () => {
  expect(messagesOf(RESULT)).toEqual([
    { text: 'It is wrong.', path: '/w/lab.asm', line: 11 },
    { text: 'It took too long.', path: undefined, line: 0 },
  ]);
});

test('output for a terminal', () => {
  expect(outputOf(RESULT)).toBe(
    'hello\r\nworld\r\nrax is 5\r\nIt is wrong.\r\nIt took too long.\r\ntest_a: failed after 1 instruction and 2 VM exits\r\n',
  );
});

test('coverage of several runs adds up', () => {
  const sum = new Map<number, number>();
  addLines(sum, [
    [7, 1],
    [3, 0],
  ]); // prettier-ignore
  addLines(sum, [[3, 2]]);
  expect(coverageOf(sum)).toEqual([
    { line: 2, executed: 2 },
    { line: 6, executed: 1 },
  ]);
});

test.each([
  [undefined, false, 'unknown'],
  // isa-debug-exit of the values 0 and 1.
  [1, false, 'passed'],
  [3, false, 'failed'],
  // It may have stopped at an assertion and gone on.
  [1, true, 'unknown'],
] as const)('a debugged test that ended with %j, after an exception: %j', (status, exceptions, verdict) => {
  expect(debugVerdict(status, exceptions)).toBe(verdict);
});
