import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundle, ringside, ROOT, whyNoBundle } from './bundle.ts';

const folder = join(ROOT, 'build', 'test', 'cli-test', 'suite');

const SOURCE = `        bits 64
start:  hlt
test_passes:
        ret             ; @assert rax == 0
test_fails:
        ret             ; @assert rax == 1
`;

describe.skipIf(whyNoBundle() !== undefined)('ringside test', () => {
  let built: Bundle;
  const run = (...args: string[]): ReturnType<typeof ringside> => ringside(built.cli, ['test', ...args]);
  beforeAll(async () => {
    built = await bundle('cli-test');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'empty'), { recursive: true });
    writeFileSync(join(folder, 'sum.test.asm'), SOURCE);
    writeFileSync(join(folder, 'not-one.asm'), '        mov eax,\n');
    writeFileSync(join(folder, 'bad.asm'), `        bits 64\n        nop ; @expect-exit CPUDI\n`);
  }, 60_000);

  test('a folder: TAP on standard output, the other reports in files, status 1 when one fails', async () => {
    const junit = join(folder, 'junit.xml');
    const lcov = join(folder, 'lcov.info');
    const { status, stdout } = await run(folder, '--junit', junit, '--lcov', lcov);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^TAP version 14\n1\.\.2\nok 1 - .*sum\.test\.asm: test_passes\nnot ok 2 - .*: test_fails\n/,
    );
    expect(stdout).toMatch(/Assertion failed[\s\S]*# 1 passed, 1 failed\n$/);
    expect(readFileSync(junit, 'utf8')).toContain('tests="2" failures="1"');
    // The first test's RET ran; the other's did not, because its assertion failed before it; the one at start never does.
    expect(readFileSync(lcov, 'utf8')).toMatch(/SF:.*sum\.test\.asm\nDA:2,0\nDA:4,1\nDA:6,0\nLF:3\nLH:1\n/);
  });

  test('--filter and --list', async () => {
    const passing = await run(folder, '--filter', 'passes');
    expect(passing.status).toBe(0);
    expect(passing.stdout).toContain('1..1\nok 1');
    expect((await run(folder, '--list')).stdout).toMatch(/: test_passes\n.*: test_fails\n$/);
    expect((await run(folder, '--filter', 'xyz')).stderr).toMatch(/No test has "xyz" in its name/);
  });

  const events = (stdout: string): unknown[] =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  test('--list --json: where each test is', async () => {
    const { stdout } = await run(folder, '--list', '--json');
    const file = join(folder, 'sum.test.asm');
    expect(events(stdout)).toEqual([
      { kind: 'test', file, name: 'test_passes', whole: false, path: file, line: 4 },
      { kind: 'test', file, name: 'test_fails', whole: false, path: file, line: 6 },
    ]);
  });

  test('--json --coverage: results and how often lines ran; a file that does not assemble stops no other', async () => {
    const bad = join(folder, 'not-one.asm');
    const file = join(folder, 'sum.test.asm');
    const { status, stdout } = await run(bad, file, '--json', '--coverage');
    expect(status).toBe(1);
    const result = { kind: 'result', file, notes: [], console: '', exits: 0, instructions: expect.any(Number) };
    expect(events(stdout)).toEqual([
      { kind: 'problem', file: bad, message: expect.stringMatching(/not-one\.asm.*1/) },
      { kind: 'start', file, name: 'test_passes' },
      { ...result, name: 'test_passes', passed: true, failures: [] },
      { kind: 'start', file, name: 'test_fails' },
      {
        ...result,
        name: 'test_fails',
        passed: false,
        failures: [{ message: expect.stringContaining('Assertion failed: rax == 1'), path: file, line: 6 }],
      },
      // HLT, and the RET of the test whose assertion failed before it, did not run.
      {
        kind: 'coverage',
        path: file,
        lines: [
          [2, 0],
          [4, 1],
          [6, 0],
        ],
      }, // prettier-ignore
    ]);
  });

  test('--test chooses by the whole name', async () => {
    const { status, stdout } = await run(folder, '--test', 'test_passes');
    expect([status, stdout.split('\n')[1]]).toEqual([0, '1..1']);
    expect((await run(folder, '--test', 'passes')).stderr).toMatch(/No test is named "passes"/);
  });

  test.each([
    [[], /needs a file or a folder/, 2],
    [[join(folder, 'nowhere')], /nowhere: cannot be read: there is no such file/, 1],
    [[join(folder, 'empty')], /no file in this folder is a test/, 1],
    [[join(folder, 'not-one.asm')], /not-one\.asm/, 1],
    [[join(folder, 'bad.asm')], /bad\.asm:2:15: "CPUDI" is not an exit reason; is CPUID meant\? \[annotation\]/, 1],
  ])('mistakes: %j', async (args, message, expected) => {
    const { status, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(expected);
  });
});
