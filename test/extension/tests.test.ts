// What the Testing view is made of, without VS Code.
import { describe, expect, test } from 'vitest';
import type { Uri } from 'vscode';
import type { TestEnded } from '../../src/debugger/tests/events.ts';
import { createLineReader } from '../../src/extension/lines.ts';
import { listTests, type TestRunner, testArguments } from '../../src/extension/tests/runner.ts';
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

test('a request as arguments of the command line', () => {
  const run = { paths: ['/a'], names: [], list: false, coverage: false, maxInstructions: 5 };
  expect(testArguments(run).join(' ')).toBe('/a --json --max-instructions 5');
  expect(testArguments({ ...run, names: ['x', 'y'], coverage: true }).join(' ')).toBe(
    '/a --test x --test y --json --max-instructions 5 --coverage',
  );
  expect(testArguments({ ...run, list: true }).join(' ')).toBe('/a --json --list');
});

test('many files are listed by several processes, those of a file system together, and each may have its problem', async () => {
  const calls: { root: string; paths: readonly string[] }[] = [];
  const runner: TestRunner = async ({ paths }, root, onEvent) => {
    calls.push({ root: root.scheme, paths });
    for (const file of paths) onEvent({ kind: 'problem', file, message: 'm' });
    return paths.includes('f60') ? 'broken' : '';
  };
  const file = (scheme: string, fsPath: string) => ({ scheme, authority: '', fsPath }) as Uri;
  const files = Array.from({ length: 120 }, (_, index) => file('file', `f${index}`));
  const other = [file('memory', 'f0'), file('memory', 'f1')];
  const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => {} }) };
  const told: Uri[] = [];
  const mixed = [...files.slice(0, 70), ...other, ...files.slice(70)];
  expect(await listTests(runner, mixed, (uri) => told.push(uri), token)).toBe('broken');
  expect(calls.map(({ root, paths }) => `${root} ${paths.length}`)).toEqual([
    'file 50',
    'file 50',
    'memory 2',
    'file 20',
  ]);
  expect(new Set(told)).toEqual(new Set(mixed));
});

test('failures stand at their lines, counted from 0, or at the test', () => {
  expect(messagesOf(RESULT)).toEqual([
    { text: 'It is wrong.\n\nrax is 5', path: '/w/lab.asm', line: 11 },
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
