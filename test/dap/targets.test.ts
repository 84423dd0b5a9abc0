// goto, step-in targets, locations of values, notations, and styling, on the real machine.
import { describe, expect, test } from 'vitest';
import { launchedMachine, lineAfter, type MachineAdapter, whyNoBundle } from './machine-adapter.ts';

const skip = whyNoBundle();
const THREAD = { threadId: 1 };

interface Frame {
  readonly id: number;
  readonly line: number;
  readonly name: string;
}

async function frames(adapter: MachineAdapter): Promise<Frame[]> {
  return (await adapter.request('stackTrace', THREAD)).stackFrames as Frame[];
}

async function at(name: string): Promise<MachineAdapter> {
  const adapter = await launchedMachine();
  await adapter.say(`break ${name}`);
  await adapter.go();
  return adapter;
}

describe.skipIf(skip !== undefined)('goto', () => {
  test('moves RIP to a line and tells of it', async () => {
    const adapter = await at('guest');
    const line = lineAfter('guest', 'mov     ebx, 7');
    const { targets } = await adapter.request('gotoTargets', { source: { path: '/work/program.asm' }, line });
    expect(targets).toMatchObject([{ line, label: expect.stringContaining('guest+') }]);
    const { id } = (targets as { id: number }[])[0] as { id: number };
    expect(await adapter.toStop('goto', { ...THREAD, targetId: id })).toMatchObject({ reason: 'goto' });
    expect((await frames(adapter))[0]?.line).toBe(line);
    expect(await adapter.say('exits,d')).toBe('0'); // CPUID before it was not carried out
  });

  test.each([
    ['goto', { ...THREAD, targetId: 9999 }, 'There is no target 9999'],
    ['stepIn', { ...THREAD, targetId: 9999 }, 'There is no target 9999'],
    ['locations', { locationReference: 9999 }, 'There is no source location 9999'],
    ['stepInTargets', { frameId: 9999 }, 'There is no stack frame 9999'],
  ])('%s of what was not offered', async (command, args, text) => {
    const adapter = await at('guest');
    expect(await adapter.raw(command, args)).toMatchObject({ success: false, message: expect.stringContaining(text) });
  });
});

describe.skipIf(skip !== undefined)('step in', () => {
  test('offers the function that the line calls, and goes there', async () => {
    const adapter = await at('guest');
    while ((await frames(adapter))[0]?.line !== lineAfter('guest', 'call    guest_function'))
      await adapter.toStop('next', THREAD);
    const [frame] = await frames(adapter);
    const { targets } = await adapter.request('stepInTargets', { frameId: frame?.id });
    expect(targets).toMatchObject([{ label: expect.stringMatching(/^guest_function \(program\.asm:\d+\)$/) }]);
    const { id } = (targets as { id: number }[])[0] as { id: number };
    expect(await adapter.toStop('stepIn', { ...THREAD, targetId: id })).toMatchObject({ reason: 'step' });
    expect((await frames(adapter))[0]).toMatchObject({ name: 'guest_function' });
  });
});

describe.skipIf(skip !== undefined)('values', () => {
  test('HOST_RIP leads to its source line', async () => {
    const adapter = await at('guest');
    const [frame] = await frames(adapter);
    const { scopes } = await adapter.request('scopes', { frameId: frame?.id });
    const host = (scopes as { name: string; variablesReference: number }[]).find(
      ({ name }) => name === 'Host-state area',
    );
    const { variables } = await adapter.request('variables', { variablesReference: host?.variablesReference });
    const rip = (variables as { name: string; valueLocationReference?: number }[]).find(
      ({ name }) => name === 'HOST_RIP',
    );
    const where = await adapter.request('locations', { locationReference: rip?.valueLocationReference });
    expect(where).toMatchObject({
      source: { path: '/work/program.asm' },
      line: lineAfter('exit_handler', 'push    rax'),
    });
  });

  test.each([
    [{ hex: true }, '0x1c'],
    [{ hex: false }, '28'],
    [undefined, '28 (0x1c)'],
  ])('the notation of format %j', async (format, expected) => {
    const adapter = await launchedMachine();
    const { result } = await adapter.request('evaluate', {
      expression: '4 * 7',
      context: 'watch',
      ...(format === undefined ? {} : { format }),
    });
    expect(result).toBe(expected);
  });

  test('variables in decimal', async () => {
    const adapter = await at('guest');
    await adapter.say('rbx = 28');
    const [frame] = await frames(adapter);
    const { scopes } = await adapter.request('scopes', { frameId: frame?.id });
    const { variablesReference } = (scopes as { variablesReference: number }[])[0] as { variablesReference: number };
    const value = async (format: object): Promise<string | undefined> => {
      const { variables } = await adapter.request('variables', { variablesReference, ...format });
      return (variables as { name: string; value: string }[]).find(({ name }) => name === 'rbx')?.value;
    };
    expect(await value({ format: { hex: false } })).toBe('28');
    expect(await value({})).toBe('0x1c');
  });
});

describe.skipIf(skip !== undefined)('stepping out', () => {
  test('of a function, to after its call', async () => {
    const adapter = await at('guest_function');
    expect(await adapter.toStop('stepOut', THREAD)).toMatchObject({ reason: 'step' });
    expect((await frames(adapter))[0]?.line).toBe(lineAfter('guest', 'hlt'));
  });
});

describe.skipIf(skip !== undefined)('going back', () => {
  test('a step, to the call of a frame, and to the start', async () => {
    const adapter = await at('guest_function');
    const time = async (): Promise<number> => Number(await adapter.say('time,d'));
    const arrived = await time();
    const instruction = { ...THREAD, granularity: 'instruction' };
    await adapter.toStop('next', instruction);
    await adapter.toStop('stepBack', instruction);
    expect([await time(), (await frames(adapter))[0]?.name]).toEqual([arrived, 'guest_function']);
    await adapter.toStop('next', instruction);
    await adapter.toStop('restartFrame', { frameId: (await frames(adapter))[0]?.id });
    expect(await time()).toBeLessThanOrEqual(arrived);
    await adapter.say('break delete all');
    await adapter.toStop('reverseContinue', THREAD);
    expect(await time()).toBe(0);
  });
});

describe.skipIf(skip !== undefined)('evaluate', () => {
  test.each(['watch', 'hover', 'clipboard', 'variables'])('as %s it reads and never writes', async (context) => {
    const adapter = await launchedMachine();
    await adapter.say('rcx = 0x1234');
    expect(await adapter.request('evaluate', { expression: 'rcx', context })).toMatchObject({ result: '0x1234' });
    expect(await adapter.raw('evaluate', { expression: 'rcx = 1', context })).toMatchObject({ success: false });
    expect(await adapter.raw('evaluate', { expression: 'inject nmi', context })).toMatchObject({ success: false });
    expect(await adapter.say('rcx')).toBe('0x1234');
  });
});

describe.skipIf(skip !== undefined)('events after a change', () => {
  test('memory that is open is told of, and views are invalidated', async () => {
    const adapter = await launchedMachine();
    await adapter.request('readMemory', { memoryReference: 'hpa:0x300000', count: 16 });
    const changes: (readonly [string, object])[] = [
      ['evaluate', { expression: 'dword[hpa:0x300000] = 5', context: 'repl' }],
      ['writeMemory', { memoryReference: 'hpa:0x300000', data: 'AQ==' }],
      ['setExpression', { expression: 'dword[hpa:0x300000]', value: '7' }],
    ];
    for (const [command, args] of changes) {
      const before = adapter.messages.length;
      const told = adapter.event('invalidated');
      await adapter.request(command, args);
      await told;
      const events = adapter.messages.slice(before).flatMap(({ event }) => event ?? []);
      expect(events).toEqual(['memory', 'invalidated']);
    }
    expect(await adapter.say('dword[hpa:0x300000],d')).toBe('7');
  });

  test('what went wrong stands out where the client shows ANSI styling', async () => {
    const adapter = await launchedMachine({}, 'bits 64\norg 0x100000\nhlt\n');
    await adapter.go();
    const texts = adapter.messages.filter(({ event }) => event === 'output').map(({ body }) => String(body?.output));
    expect(texts.some((text) => text.startsWith('\u001b[1mThe processor waits for ever\u001b[0m\n'))).toBe(true);
  });
});
