// Standing at a test, as a debug session on it begins.
import { describe, expect, test } from 'vitest';
import { standAtTest } from '../../../src/debugger/tests/stand.ts';
import { createMachine } from '../../../src/machine/machine.ts';
import { addressOf, imageOf } from '../../../src/program/image.ts';
import { loadProgram } from '../../../src/program/load.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

const RAM = 16 << 20;

async function standing(source: string, name: string) {
  const bytes = new TextEncoder().encode(source);
  const program = await loadProgram('/suite.asm', { ramSize: RAM }, () => Promise.resolve(bytes));
  const image = imageOf(program);
  const machine = createMachine({ coreWasm: coreModule(), ramSize: RAM, program });
  const answer = await standAtTest(machine, image, name);
  const run = () => machine.run({ limit: 100_000 });
  return { machine, image, answer, run };
}

const TEST = `test_one:
        mov     ecx, 5
        ret
`;

describe('standing at a test', () => {
  test.each([16, 32, 64] as const)(
    '%i bits: at its first instruction, and its return ends with success',
    async (bits) => {
      const { machine, image, answer, run } = await standing(`        bits ${bits}\nstart:  hlt\n${TEST}`, 'test_one');
      expect(answer).toEqual({ ok: true });
      const base = machine.readRegister('cs.base') ?? 0n;
      expect((machine.readRegister('rip') ?? 0n) + base).toBe(addressOf(image, 'test_one'));
      // isa-debug-exit makes 1 of the value 0.
      expect(run()).toMatchObject({ kind: 'shutdown', status: 1, port: 0xf4 });
      expect(machine.readRegister('rcx')).toBe(5n);
    },
  );

  test('the stack is aligned as after a CALL', async () => {
    const { machine } = await standing(`        bits 64\nstart:  hlt\n${TEST}`, 'test_one');
    expect((machine.readRegister('rsp') ?? 0n) % 16n).toBe(8n);
  });

  test('the program runs to ready_for_tests, then before_tests, then the test', async () => {
    const source = `        bits 64
start:  mov     edx, 1
ready_for_tests:
        hlt
before_tests:
        lea     ebx, [rdx + 1]
        ret
test_one:
        lea     ecx, [rbx + 1]
        ret
`;
    const { machine, image, run } = await standing(source, 'test_one');
    expect(machine.readRegister('rip')).toBe(addressOf(image, 'before_tests'));
    expect(run()).toMatchObject({ kind: 'shutdown', status: 1 });
    expect(machine.readRegister('rcx')).toBe(3n);
  });

  test.each([
    [`        bits 64\nstart:  hlt\n${TEST}`, 'test_two', 'suite.asm has no test "test_two"; it has "test_one"'],
    [
      `        bits 64\nstart:  hlt\n        nop\nready_for_tests:\n        nop\n${TEST}`,
      'test_one',
      expect.stringMatching(/^The program did not reach ready_for_tests and stands at .*start/),
    ],
  ])('what cannot be: %#', async (source, name, problem) => {
    expect((await standing(source, name)).answer).toEqual({ ok: false, problem });
  });

  test('a whole program stands at its beginning', async () => {
    const { machine, image, answer } = await standing('        bits 64\nstart:  hlt\n', 'suite');
    expect([answer, machine.readRegister('rip')]).toEqual([{ ok: true }, addressOf(image, 'start')]);
  });
});
