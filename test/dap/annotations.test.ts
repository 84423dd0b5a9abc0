// @assert, @log and @expect-exit in the comments of a program, in a session.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HYPERVISOR, launchedMachine, type MachineAdapter, whyNoBundle } from './machine-adapter.ts';

const skip = whyNoBundle();

const TEXT = `bits 64
org 0x100000
        mov eax, 4
        mov ecx, 3              ; @assert eax == 4
again:  dec ecx                 ; @log[loop] {ecx,d} left
        jnz again
        nop                     ; @assert[late] ecx == 1
        nop                     ; @expect-exit[exits] HLT if eax == 4
        nop                     ; @expect-exit[exits] HLT if eax == 5
        mov al, 0
        out 0xf4, al
        hlt
`;

function logs(adapter: MachineAdapter): string[] {
  return adapter.messages
    .filter(({ event, body }) => event === 'output' && / left\n$/.test(String(body?.output)))
    .map(({ body }) => String(body?.output).trim());
}

describe.skipIf(skip !== undefined)('annotations', () => {
  test('log, stop where they do not hold, and are told of with their place', async () => {
    const adapter = await launchedMachine({}, TEXT);
    expect(await adapter.go()).toMatchObject({
      reason: 'exception',
      description: 'Assertion failed: ecx == 1, where ecx is 0x0 (program.asm:7 in again)',
    });
    expect(logs(adapter)).toEqual(['3 left', '2 left', '1 left']);
    expect(await adapter.go()).toMatchObject({
      description: 'Expected VM exit HLT if eax == 4, but no VM exit happened (program.asm:8 in again)',
    });
    expect(await adapter.say('rip')).toContain('0x100010'); // after the NOP at 10000FH
    expect(await adapter.go()).toBeUndefined();
  });

  test('a VM exit that is expected, and another than is expected', async () => {
    const text = (expected: string): string =>
      readHypervisor().replace(
        '        cpuid\n        mov     ebx, 7',
        `        cpuid ; @expect-exit ${expected}\n        mov     ebx, 7`,
      );
    const met = await launchedMachine({}, text('CPUID'));
    expect(await met.go()).toBeUndefined();
    const other = await launchedMachine({}, text('HLT'));
    expect(await other.go()).toMatchObject({
      description: expect.stringMatching(
        /^Expected VM exit HLT, but the VM exit was CPUID \(program\.asm:\d+ in guest\)$/,
      ),
    });
    expect(other.machine().side()).toBe('root');
  });

  test.each<[string, unknown, string[]]>([
    ['off', false, []],
    ['one group', ['loop'], ['3 left', '2 left', '1 left']],
    ['those without a group', [''], []],
  ])('launch.json: %s', async (_name, annotations, expected) => {
    const adapter = await launchedMachine({ annotations }, TEXT);
    expect(await adapter.go()).toBeUndefined();
    expect(logs(adapter)).toEqual(expected);
  });

  test('the command lists and switches groups', async () => {
    const adapter = await launchedMachine({}, TEXT);
    expect((await adapter.say('annotations')).split('\n')).toEqual([
      'on       @assert eax == 4  (program.asm:4)',
      'on       @log[loop] {ecx,d} left  (program.asm:5 in again)',
      'on       @assert[late] ecx == 1  (program.asm:7 in again)',
      'on       @expect-exit[exits] HLT if eax == 4  (program.asm:8 in again)',
      'on       @expect-exit[exits] HLT if eax == 5  (program.asm:9 in again)',
    ]);
    expect(await adapter.say('annotations off late loop')).toBe('3 of 5 annotations are on.');
    expect(await adapter.go()).toMatchObject({ description: expect.stringContaining('Expected VM exit') });
    expect(logs(adapter)).toEqual([]);
    const answer = await adapter.raw('evaluate', { expression: 'annotations off never', context: 'repl' });
    expect(answer.message).toContain('There is no group "never"; there are loop, late, exits.');
  });

  test('what is wrong with one is told with its line, and the rest holds', async () => {
    const adapter = await launchedMachine({}, `bits 64\norg 0x100000\nnop ; @assert rax ==\nnop ; @assert rax == 1\n`);
    const outputs = adapter.messages.filter(({ event }) => event === 'output').map(({ body }) => String(body?.output));
    expect(outputs.some((text) => text.startsWith('/work/program.asm:3: '))).toBe(true);
    expect(await adapter.go()).toMatchObject({
      description: 'Assertion failed: rax == 1, where rax is 0x0 (program.asm:4)',
    });
  });

  test('launch.json: anything else is refused', async () => {
    await expect(launchedMachine({ annotations: 'some' }, TEXT)).rejects.toThrow(
      'expected true, false, or a list of group names',
    );
  });
});

function readHypervisor(): string {
  return readFileSync(HYPERVISOR, 'utf8');
}
