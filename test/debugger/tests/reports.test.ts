import { expect, it } from 'vitest';
import { junit, lcov, tapHead, tapLine } from '../../../src/debugger/tests/reports.ts';
import type { TestResult } from '../../../src/debugger/tests/types.ts';

const test = (name: string) => ({ name, address: 0n, path: '/t/a.asm', line: 3 });
const passed: TestResult = {
  test: test('test_a'),
  failures: [],
  notes: ['n < 1'],
  console: '',
  instructions: 1,
  exits: 0,
};
const failed: TestResult = {
  test: test('test_#b'),
  failures: [{ message: 'a "b" & <c>\nmore', path: '/t/a.asm', line: 7 }],
  notes: [],
  console: 'k\x01',
  instructions: 1,
  exits: 0,
};

it('TAP 14: plan, test points, a block of YAML behind a failure, notes as comments', () => {
  expect(tapHead(2) + tapLine(1, 'a.asm', passed) + tapLine(2, 'a.asm', failed)).toBe(`TAP version 14
1..2
ok 1 - a.asm: test_a
# n < 1
not ok 2 - a.asm: test_\\#b
  ---
  failures:
    - message: "a \\"b\\" & <c>\\nmore"
      at: "/t/a.asm:7"
  console: "k\\u0001"
  ...
`);
});

it('JUnit: well-formed XML, counts, failures with their text', () => {
  expect(junit([{ path: 'a.asm', results: [passed, failed] }])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a.asm" tests="2" failures="1" errors="0">
    <testcase name="test_a" classname="a.asm" file="/t/a.asm" line="3">
      <system-out>
n &lt; 1</system-out>
    </testcase>
    <testcase name="test_#b" classname="a.asm" file="/t/a.asm" line="3">
      <failure message="a &quot;b&quot; &amp; &lt;c&gt;">a &quot;b&quot; &amp; &lt;c&gt;
more</failure>
      <system-out>k\ufffd</system-out>
    </testcase>
  </testsuite>
</testsuites>
`);
});

it('lcov: a record for each source, lines in order, lines found and hit', () => {
  const lines = new Map([
    [5, 0],
    [2, 3],
  ]);
  expect(lcov(new Map([['/t/a.asm', lines]]))).toBe('TN:\nSF:/t/a.asm\nDA:2,3\nDA:5,0\nLF:2\nLH:1\nend_of_record\n');
  expect(lcov(new Map())).toBe('');
});
