// The main job over the wire: the bundled `ringside dap` on standard streams and on TCP, driven as an editor drives it.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bundle, bundle, ROOT, whyNoBundle } from '../cli/bundle.ts';

const skip = whyNoBundle();
if (skip !== undefined) console.log(`the debug adapter is not tested over the wire: ${skip}`);

const PROGRAM = join(ROOT, 'test', 'dap', 'programs', 'hypervisor.asm');
const SOURCE = readFileSync(PROGRAM, 'utf8').split('\n');
const THREAD = { threadId: 1 };

/** Enables the receive interrupt of COM1 (IRQ 4, vector 24H), halts, and ends with the byte that came. */
const WAITS_FOR_INPUT = `bits 64
        mov rsp, 0x90000
        mov rax, received
        mov rbx, idt + 0x24 * 16
        mov [rbx], ax
        mov word [rbx + 2], cs
        mov word [rbx + 4], 0x8E00
        shr rax, 16
        mov [rbx + 6], ax
        lidt [idt_register]
        mov al, 0x11
        out 0x20, al
        mov al, 0x20
        out 0x21, al
        mov al, 4
        out 0x21, al
        mov al, 1
        out 0x21, al
        mov al, 0xEF
        out 0x21, al
        mov dx, 0x3F9
        mov al, 1
        out dx, al
        mov dx, 0x3FC
        mov al, 8
        out dx, al
        sti
pause_: hlt
        jmp pause_
received:
        mov dx, 0x3F8
        in al, dx
        out 0xF4, al
idt:    times 0x25 * 2 dq 0
idt_register:
        dw $ - idt - 1
        dq idt
`;

/** Line of the first source line with this text after a label. */
function lineOf(label: string, text: string): number {
  const start = SOURCE.findIndex((line) => line.startsWith(`${label}:`));
  const found = SOURCE.findIndex((line, index) => index > start && line.trim().startsWith(text));
  if (start < 0 || found < 0) throw new Error(`no "${text}" after ${label}`);
  return found + 1;
}

describe.skipIf(skip !== undefined).each(['stdio', 'tcp'])('over %s', (transport) => {
  let built: Bundle;
  let server: ChildProcess | undefined;
  let port: number | undefined;
  let client: DebugClient;

  beforeAll(async () => {
    built = await bundle(`dap-${transport}`);
    if (transport === 'tcp') {
      server = spawn(process.execPath, [built.cli, 'dap', '--port', '0']);
      port = await new Promise((resolve) => {
        server?.stderr?.on('data', (data: Buffer) => {
          const found = /listening on 127\.0\.0\.1:(\d+)/.exec(data.toString());
          if (found !== null) resolve(Number(found[1]));
        });
      });
    }
  }, 60_000);
  afterAll(() => {
    server?.kill();
  });
  beforeEach(async () => {
    client = new DebugClient('node', built.dap, 'ringside');
    client.defaultTimeout = 60_000;
    await client.start(port);
  });
  afterEach(async () => {
    await client.stop();
  });

  async function launch(options: Record<string, unknown> = {}): Promise<DebugProtocol.StoppedEvent['body']> {
    const stopped = client.waitForEvent('stopped');
    await Promise.all([
      client.waitForEvent('initialized').then(() => client.configurationDoneRequest()),
      client.launch({ type: 'ringside', request: 'launch', name: 'test', program: PROGRAM, ...options }),
    ]);
    return (await stopped).body;
  }

  async function toStop(run: () => Promise<unknown>): Promise<DebugProtocol.StoppedEvent['body']> {
    const stopped = client.waitForEvent('stopped');
    await run();
    return (await stopped).body;
  }

  async function frames(): Promise<DebugProtocol.StackFrame[]> {
    return (await client.stackTraceRequest(THREAD)).body.stackFrames;
  }

  async function evaluate(expression: string): Promise<string> {
    return (await client.evaluateRequest({ expression, context: 'watch' })).body.result;
  }

  async function scope(name: string): Promise<DebugProtocol.Variable[]> {
    const [top] = await frames();
    const { scopes } = (await client.scopesRequest({ frameId: top?.id ?? 0 })).body;
    const found = scopes.find((candidate) => candidate.name === name);
    return (await client.variablesRequest({ variablesReference: found?.variablesReference ?? 0 })).body.variables;
  }

  test('F5, first VM exit, VMCS, into the guest, into the handler, a reason with a condition, to the end', async () => {
    const first = await launch();
    expect(first).toMatchObject({ reason: 'exception', description: 'VM exit: CPUID', text: 'VM exit: CPUID' });
    const info = (await client.customRequest('exceptionInfo', THREAD))
      .body as DebugProtocol.ExceptionInfoResponse['body'];
    expect(info.description).toContain('CPUID leaf 0x1, subleaf 0x0');
    expect(info.description).toMatch(/Instruction: cpuid, 2 bytes/);
    expect((await frames()).map(({ name, line }) => [name, line])).toEqual([
      ['exit_handler', lineOf('exit_handler', 'push')],
      ['VM exit 1: CPUID', 0],
      ['guest+0x5', lineOf('guest', 'cpuid')],
    ]);

    // The VMCS, with bits named.
    const guest = await scope('Guest-state area');
    const cr0 = guest.find((row) => row.name === 'GUEST_CR0');
    expect(cr0?.value).toMatch(/^0x80000031 \(.*PE.*PG.*\)$/);
    const bits = (await client.variablesRequest({ variablesReference: cr0?.variablesReference ?? 0 })).body.variables;
    expect(bits.find((bit) => bit.name === 'PG')?.value).toBe('1');
    const controls = await scope('Control fields');
    expect(controls.find((row) => row.name.startsWith('PRIMARY_PROCESSOR'))?.value).toContain('HLT exiting');
    const capabilities = await scope('VMX capability MSRs');
    expect(capabilities.find((row) => row.name === 'IA32_VMX_BASIC')?.value).toContain('TRUE controls');

    // From VMRESUME into the guest's next instruction.
    await client.setBreakpointsRequest({
      source: { path: PROGRAM },
      breakpoints: [{ line: lineOf('next_instruction', 'vmresume') }],
    });
    expect((await toStop(() => client.continueRequest(THREAD))).reason).toBe('breakpoint');
    expect((await toStop(() => client.stepInRequest(THREAD))).reason).toBe('step');
    expect((await frames()).map(({ name, line }) => [name, line])).toEqual([
      ['guest+0x7', lineOf('guest', 'mov     ebx')],
      ['entered by VMRESUME', 0],
      ['next_instruction+0x1d', lineOf('next_instruction', 'vmresume')],
    ]);
    const threads = (await client.threadsRequest()).body.threads;
    expect(threads).toEqual([{ id: 1, name: 'CPU 0 — VMX non-root' }]);

    // From CPUID into the exit handler, and over it back to the guest.
    await toStop(() => client.nextRequest(THREAD));
    await toStop(() => client.nextRequest(THREAD));
    expect((await frames())[0]?.line).toBe(lineOf('guest', 'mov     eax, 0x40000000') + 1);
    await toStop(() => client.stepInRequest(THREAD));
    expect((await frames())[0]?.name).toBe('exit_handler');
    await client.setBreakpointsRequest({ source: { path: PROGRAM }, breakpoints: [] });
    await toStop(() => client.stepOutRequest(THREAD));
    expect((await frames())[0]).toMatchObject({ name: 'guest+0x13', line: lineOf('guest', 'call') });

    // One exit reason with a condition.
    await client.setExceptionBreakpointsRequest({
      filters: [],
      filterOptions: [{ filterId: 'by-reason', condition: 'exit.reason == VMCALL && rax == 5' }],
    });
    expect(await toStop(() => client.continueRequest(THREAD))).toMatchObject({ description: 'VM exit: VMCALL' });
    // The handler steps over CPUID without answering it: RBX is what the guest put there.
    expect(await evaluate('rbx')).toBe('0x7');
    expect(await evaluate('guest.rip')).toBe(await evaluate('guest_function + 5'));

    // To the end.
    const output: string[] = [];
    client.on('output', (event: DebugProtocol.OutputEvent) => {
      if (event.body.category === 'stdout') output.push(event.body.output);
    });
    const [exited] = await Promise.all([
      client.waitForEvent('exited'),
      client.waitForEvent('terminated'),
      client.continueRequest(THREAD),
    ]);
    expect((exited as DebugProtocol.ExitedEvent).body.exitCode).toBe(3);
    expect(output.join('')).toBe('v\n');
  }, 30_000);

  test('step over CPUID in the guest and over VMRESUME in the handler', async () => {
    await launch({ stopOnEntry: true, stopOnFirstVmExit: false });
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'launch' }] });
    await toStop(() => client.continueRequest(THREAD));
    await toStop(() => client.stepInRequest(THREAD));
    expect((await frames())[0]?.name).toBe('guest');
    await toStop(() => client.nextRequest(THREAD));
    await toStop(() => client.nextRequest(THREAD));
    expect((await frames())[0]?.name).toBe('guest+0x7');
    expect(await evaluate('exits')).toBe('0x1');
    await toStop(() => client.stepOutRequest(THREAD));
    expect((await frames()).map(({ name }) => name)).toEqual(['exit_handler', 'VM exit 2: CPUID', 'guest+0x11']);
  }, 30_000);

  test('a failed VM entry names every field', async () => {
    const program = join(ROOT, 'build', 'test', `dap-${transport}`, 'broken.asm');
    writeFileSync(program, `%define BROKEN\n${SOURCE.join('\n')}`);
    const stop = await launch({ program });
    expect(stop).toMatchObject({ reason: 'exception', description: 'VMLAUNCH failed: 3 checks fail' });
    const info = (await client.customRequest('exceptionInfo', THREAD))
      .body as DebugProtocol.ExceptionInfoResponse['body'];
    for (const field of ['Host CR4', 'Guest CS access rights', 'Guest RFLAGS'])
      expect(info.description).toContain(field);
    expect((await frames())[0]?.name).toBe('failed');
  }, 30_000);

  test('steps are answered, pause stops a running guest', async () => {
    await launch({ stopOnEntry: true });
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const start = performance.now();
      await toStop(() => client.nextRequest({ ...THREAD, granularity: 'instruction' }));
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    console.log(`${transport}: a step takes ${times[20]?.toFixed(2)} ms in the median`);
    const program = join(ROOT, 'build', 'test', `dap-${transport}`, 'loop.asm');
    writeFileSync(program, 'bits 64\nstart: inc rax\njmp start\n');
    await toStop(() => client.customRequest('restart', { arguments: { program, stopOnEntry: true } }));
    await client.continueRequest(THREAD);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const start = performance.now();
    expect((await toStop(() => client.pauseRequest(THREAD))).reason).toBe('pause');
    const taken = performance.now() - start;
    console.log(`${transport}: pause takes ${taken.toFixed(1)} ms`);
  }, 30_000);

  test.each([
    { sample: 'hello-vmx/hello-vmx.asm', description: 'VM exit: CPUID', sides: ['VM exit 1: CPUID'] },
    { sample: 'broken-entry/broken-entry.asm', description: 'VMLAUNCH failed: 3 checks fail', sides: [] },
    { sample: 'ept/ept.asm', description: 'VM exit: EPT violation', sides: ['VM exit 1: EPT violation'] },
    { sample: 'tiny-hypervisor/tiny-hypervisor.elf', description: 'VM exit: VMCALL', sides: ['VM exit 1: VMCALL'] },
  ])(
    'F5 on $sample stops with $description',
    async ({ sample, description, sides }) => {
      const program = join(ROOT, 'samples', sample);
      if (!existsSync(program)) return console.log(`${sample} is not built: not tested`);
      const start = performance.now();
      expect(await launch({ program })).toMatchObject({ reason: 'exception', description });
      console.log(`${transport}: F5 on ${sample} to the first stop: ${(performance.now() - start).toFixed(0)} ms`);
      const stack = await frames();
      expect(stack.filter((frame) => frame.presentationHint === 'label').map((frame) => frame.name)).toEqual(sides);
      expect(stack[0]?.source?.path).toMatch(/samples/);
      expect(existsSync(stack[0]?.source?.path ?? '')).toBe(true);
    },
    30_000,
  );

  test('failed checks are told at the lines of their VMWRITEs, and the explanations come as data', async () => {
    const program = join(ROOT, 'samples', 'broken-entry', 'broken-entry.asm');
    const told = client.waitForEvent('ringside/problems');
    await launch({ program });
    const { problems } = (await told).body as {
      problems: { path: string; line: number; severity: string; message: string }[];
    };
    expect(problems.map(({ severity }) => severity)).toEqual(['error', 'warning', 'warning']);
    const lines = readFileSync(program, 'utf8').split('\n');
    for (const problem of problems) {
      expect(problem.path).toBe(program);
      expect(problem.message).toMatch(/^VM entry fails: .* = 0x.*Fix: /);
      expect(lines[problem.line - 1]).not.toBe('');
    }
    const custom = async (name: string, args?: object) =>
      (await client.customRequest(name, args)).body as Record<string, never>;
    const audit = await custom('ringside/audit');
    expect(audit.problems).toEqual(problems);
    expect(audit.text).toMatch(/would not enter: 3 checks fail/);
    expect(await custom('ringside/walk', { expression: 'rip execute' })).toMatchObject({
      text: expect.stringContaining('4-level paging'),
      walk: { start: { kind: 'linear', side: 'root' } },
    });
    expect(await custom('ringside/exitStatistics')).toMatchObject({ report: { exits: 0 } });
    await expect(custom('ringside/why')).rejects.toThrow('There was no VM exit yet');
    expect(await custom('ringside/why', { expression: 'rip' })).toMatchObject({
      answer: { subject: 'instruction', verdict: { outcome: { kind: expect.any(String) } } },
    });
  }, 30_000);

  test('a guest without source is shown as a listing, and takes breakpoints there', async () => {
    const program = join(ROOT, 'samples', 'tiny-hypervisor', 'tiny-hypervisor.elf');
    if (!existsSync(program)) return console.log('tiny-hypervisor.elf is not built: not tested');
    await launch({ program, stopOnEntry: true, stopOnFirstVmExit: false });
    // The second CPUID is that of the real-mode guest.
    await client.setExceptionBreakpointsRequest({
      filters: [],
      filterOptions: [{ filterId: 'exit-cpuid', condition: 'hits == 2' }],
    });
    await toStop(() => client.continueRequest(THREAD));
    await client.setExceptionBreakpointsRequest({ filters: ['any-entry'] });
    await toStop(() => client.continueRequest(THREAD));
    const [top] = await frames();
    expect(top?.source).toMatchObject({ name: expect.stringContaining('guest code at 0x80'), sourceReference: 1 });
    const sourceReference = top?.source?.sourceReference ?? 0;
    const { content } = (await client.sourceRequest({ sourceReference })).body;
    const lines = content.split('\n');
    const shown = /^0x[0-9a-f]+/.exec(lines[(top?.line ?? 0) - 1] ?? '')?.[0];
    expect(Number(shown)).toBe(Number(await evaluate('cs.base + rip')));
    const vmcall = lines.findIndex((line) => line.includes('vmcall'));
    const set = await client.setBreakpointsRequest({
      source: { sourceReference },
      breakpoints: [{ line: vmcall + 1 }],
    });
    expect(set.body.breakpoints[0]?.verified).toBe(true);
    await client.setExceptionBreakpointsRequest({ filters: [] });
    expect((await toStop(() => client.continueRequest(THREAD))).reason).toBe('breakpoint');
    const [next] = await frames();
    expect([next?.source?.sourceReference, next?.line]).toEqual([sourceReference, vmcall + 1]);
  }, 30_000);

  test('input on COM1 wakes a processor that waits for it', async () => {
    const program = join(ROOT, 'build', 'test', `dap-${transport}`, 'wait.asm');
    writeFileSync(program, WAITS_FOR_INPUT);
    const stop = await launch({ program });
    expect(stop).toMatchObject({ reason: 'exception', description: 'The processor waits for ever' });
    const continued = client.waitForEvent('continued');
    const exited = client.waitForEvent('exited');
    await client.customRequest('ringside/input', { data: Buffer.from('x').toString('base64') });
    await continued;
    expect(((await exited) as DebugProtocol.ExitedEvent).body.exitCode).toBe(0x78 * 2 + 1);
  });

  test('without debugging it runs to its end', async () => {
    const [exited] = await Promise.all([
      client.waitForEvent('exited'),
      client.waitForEvent('terminated'),
      client.waitForEvent('initialized').then(() => client.configurationDoneRequest()),
      client.launch({ type: 'ringside', request: 'launch', name: 'test', program: PROGRAM, noDebug: true }),
    ]);
    expect((exited as DebugProtocol.ExitedEvent).body.exitCode).toBe(3);
  });

  test('a program that is not there: an error, and the session can be ended', async () => {
    await client.initializeRequest();
    await expect(client.launchRequest({ program: '/no/such/file.asm' } as never)).rejects.toThrow(
      'there is no such file',
    );
    await expect(client.launchRequest({} as never)).rejects.toThrow('launch.json has no "program"');
    await client.disconnectRequest();
  });
});
