// Time travel as a client sees it: capabilities, requests, stopped events, errors that say what to do.
import { describe, expect, test } from 'vitest';
import { readLaunch } from '../../src/dap/launch.ts';
import { launchedMachine, whyNoBundle } from './machine-adapter.ts';
import { CAPABILITIES } from '../../src/dap/requests/lifecycle.ts';

describe('launch.json: history', () => {
  test.each([
    [undefined, 512],
    [true, 512],
    [false, 0],
    [{}, 512],
    [{ limit: 64 }, 64],
  ])('%j is %i MiB', (history, mebibytes) => {
    expect(readLaunch({ program: 'a.asm', history }).historyLimit).toBe(mebibytes * 1024 * 1024);
  });

  test.each([[{ limit: 1 }], [{ limit: 'much' }], [7], ['off'], [{ limit: 16.5 }]])(
    '%j is refused by name',
    (history) => {
      expect(() => readLaunch({ program: 'a.asm', history })).toThrow(/"history".*expected false, or .*"limit"/);
    },
  );
});

test('a client is told that the machine goes back', () => {
  expect(CAPABILITIES).toMatchObject({ supportsStepBack: true, supportsRestartFrame: true });
});

const skip = whyNoBundle();

describe.skipIf(skip !== undefined)('on the real machine', () => {
  test('steps back, reverse continue, the timeline, who wrote this', async () => {
    const adapter = await launchedMachine();
    const { machine, request, toStop, say } = adapter;
    await request('setFunctionBreakpoints', { breakpoints: [{ name: 'on_hlt' }] });
    expect(await adapter.go()).toMatchObject({ reason: 'function breakpoint' });
    const timeline = await request('ringside/timeline', { buckets: 4 });
    expect((timeline.exits as { reasonName: string }[]).map((exit) => exit.reasonName)).toEqual([
      'CPUID',
      'CPUID',
      'VMCALL',
      'HLT',
    ]);
    expect((timeline.buckets as { exits: number }[]).reduce((sum, bucket) => sum + bucket.exits, 0)).toBe(4);
    const end = machine().time();
    expect(await toStop('stepBack', { threadId: 1, granularity: 'instruction' })).toMatchObject({ reason: 'step' });
    expect(machine().time()).toBe(end - 1);
    expect(await toStop('ringside/previousExit', { threadId: 1 })).toMatchObject({ reason: 'exception' });
    expect(machine().exitCount()).toBe(4);
    expect(await toStop('ringside/jump', { exit: 2, before: true })).toMatchObject({ reason: 'goto' });
    expect([machine().side(), machine().exitCount()]).toEqual(['non-root', 1]);
    expect(await toStop('ringside/stepBackOut', { threadId: 1 })).toMatchObject({ reason: 'step' });
    expect(machine().side()).toBe('root');
    await request('setFunctionBreakpoints', { breakpoints: [{ name: 'locked' }] });
    expect(await toStop('reverseContinue', { threadId: 1 })).toMatchObject({ reason: 'function breakpoint' });
    expect(await toStop('reverseContinue', { threadId: 1 })).toMatchObject({
      reason: 'pause',
      description: 'Paused where the recorded past begins',
    });
    expect(machine().time()).toBe(0);
    const arrived = adapter.event('stopped');
    expect(await say('goto 50')).toBe('To time 50.');
    await arrived;
    expect(machine().time()).toBe(50);
    expect(await say('history')).toMatch(/now at|Recorded/);
  });

  test('restartFrame goes to the call; a change of the past is told', async () => {
    const adapter = await launchedMachine();
    const { machine, request, toStop, event } = adapter;
    await request('setFunctionBreakpoints', { breakpoints: [{ name: 'guest_function' }] });
    await adapter.go();
    const rip = machine().readRegister('rip') ?? 0n;
    const { stackFrames } = await request('stackTrace', { threadId: 1 });
    const [frame] = stackFrames as { id: number }[];
    expect(await toStop('restartFrame', { frameId: frame?.id })).toMatchObject({ reason: 'step' });
    // CALL rel32 takes five bytes, and HLT one, in front of the function.
    expect(machine().readRegister('rip')).toBe(rip - 6n);
    const told = event('output');
    await request('evaluate', { expression: 'rax = 1', context: 'repl' });
    expect((await told).body).toMatchObject({
      output: expect.stringContaining('what was recorded after it is forgotten'),
    });
  });

  test('what is logged again after going back is announced once', async () => {
    const adapter = await launchedMachine();
    const { request, toStop } = adapter;
    const logged = (): string[] =>
      adapter.messages
        .filter(({ event, body }) => event === 'output' && /^at |went back/.test(String(body?.output)))
        .map(({ body }) => String(body?.output).trim());
    await request('setFunctionBreakpoints', { breakpoints: [{ name: 'on_hlt' }] });
    await adapter.say('break on_cpuid log "at {rip}"');
    await adapter.go();
    const once = logged();
    expect(once).toHaveLength(2);
    expect(await toStop('reverseContinue', { threadId: 1 })).toMatchObject({ reason: 'pause' });
    await toStop('stepIn', { threadId: 1, granularity: 'instruction' });
    expect(logged()).toEqual(once);
    await adapter.go();
    expect(logged()).toEqual([
      ...once,
      'The machine went back in time: what follows was told before, up to where it came from.',
      ...once,
    ]);
  });

  test('named snapshots are kept, listed, compared, loaded and forgotten', async () => {
    const { machine, request, toStop, go } = await launchedMachine();
    await request('setFunctionBreakpoints', { breakpoints: [{ name: 'on_hlt' }] });
    await go();
    const time = machine().time();
    const rip = `0x${machine().readRegister('rip')?.toString(16)}`;
    const row = { name: 'at HLT', time, side: 'root', rip };
    expect(await request('ringside/saveSnapshot', { name: 'at HLT' })).toMatchObject(row);
    await toStop('stepIn', { threadId: 1, granularity: 'instruction' });
    await request('evaluate', { expression: 'rbx = rbx ^ 0x10', context: 'repl' });
    const before = machine().readRegister('rbx') ?? 0n;
    const { text, diff } = await request('ringside/diffSnapshots', { from: 'at HLT' });
    expect(diff).toMatchObject({ from: { name: 'at HLT', time }, to: { name: 'now', time: time + 1 } });
    const hex = (value: bigint): string => `0x${value.toString(16)}`;
    expect((diff as { registers: object[] }).registers).toContainEqual({
      name: 'rbx',
      was: hex(before ^ 0x10n),
      is: hex(before),
      bits: [],
    });
    expect(text).toContain('1 instructions');
    expect(await request('ringside/loadSnapshot', { name: 'at HLT' })).toMatchObject(row);
    expect([machine().time(), machine().readRegister('rbx')]).toEqual([time, before ^ 0x10n]);
    expect((await request('ringside/snapshots')).snapshots).toMatchObject([row]);
    await request('ringside/deleteSnapshot', { name: 'at HLT' });
    expect((await request('ringside/snapshots')).snapshots).toEqual([]);
    await expect(request('ringside/loadSnapshot', { name: 'at HLT' })).rejects.toThrow(/no snapshot "at HLT"/);
    await expect(request('ringside/saveSnapshot', { name: ' ' })).rejects.toThrow(/"name" is empty/);
  });

  test('stopAtEnd: back from the end of the program; going on ends the session', async () => {
    const text = 'bits 64\nstart: mov ebx, 6\nmov eax, 3\nout 0xf4, al\njmp start\n';
    const { machine, request, toStop, event, go } = await launchedMachine({ stopAtEnd: true }, text);
    // isa-debug-exit: 3 gives (3 << 1) | 1.
    const end = { reason: 'pause', description: 'Paused at the end: exit status 7' };
    expect(await go()).toMatchObject(end);
    expect(machine().time()).toBe(3);
    for (const time of [2, 1]) {
      await toStop('stepBack', { threadId: 1, granularity: 'instruction' });
      expect(machine().time()).toBe(time);
    }
    expect(await go()).toMatchObject(end);
    expect(machine().time()).toBe(3);
    await toStop('ringside/jump', { time: 1 });
    await toStop('ringside/jump', { time: 3 });
    const exited = event('exited');
    const terminated = event('terminated');
    await request('continue', { threadId: 1 });
    expect((await exited).body).toEqual({ exitCode: 7 });
    await terminated;
  });

  test('without a recorded past', async () => {
    const adapter = await launchedMachine({ history: false });
    await expect(adapter.request('stepBack', { threadId: 1 })).rejects.toThrow(/switches recording off/);
  });
});
