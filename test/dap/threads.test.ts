// A thread is a logical processor: stops, stacks, variables and steps by thread, on the whole machine.
import { beforeEach, describe, expect, test } from 'vitest';
import { DebugAdapter } from '../../src/dap/adapter.ts';
import { createScheduler } from '../../src/debugger/scheduler.ts';
import { createMachine } from '../../src/machine/machine.ts';
import { coreModule } from '../vmx/hypervisors.ts';

/** Processor 0 counts in 64-bit code; processor 1, once started, in real mode at 0800:0000. */
const SOURCE = `bits 64
start:
        mov rsi, trampoline
        mov edi, 0x8000
        mov ecx, trampoline_end - trampoline
        rep movsb
        mov eax, 0xFEE00310
        mov dword [rax], 1 << 24
        mov eax, 0xFEE00300
        mov dword [rax], 0x4500
        mov dword [rax], 0x4608
again:
        inc qword [counter]
        jmp again
counter: dq 0
bits 16
trampoline:
        mov ax, cs
        mov ds, ax
loop16: inc dword [32]
        inc dword [32]
        jmp loop16
        times 32 - ($ - trampoline) db 0
        dd 0
trampoline_end:
`;
const COUNTER_OF_1 = 'dword[hpa:0x8020]';

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes
  readonly body: any;
}

let request: (command: string, args?: unknown) => Promise<Message['body']>;
let toStop: (command: string, args?: unknown) => Promise<Message['body']>;

beforeEach(() => {
  const adapter = new DebugAdapter({
    scheduler: createScheduler(),
    readFile: async () => new TextEncoder().encode(SOURCE),
    createMachine: async (program, settings) => createMachine({ coreWasm: coreModule(), program, ...settings }),
  });
  const waiting = new Set<(message: Message) => void>();
  adapter.onDidSendMessage((message) => {
    for (const each of [...waiting]) each(message as Message);
  });
  const next = (wanted: (message: Message) => boolean): Promise<Message> =>
    new Promise((resolve) => {
      const each = (message: Message): void => {
        if (!wanted(message)) return;
        waiting.delete(each);
        resolve(message);
      };
      waiting.add(each);
    });
  let seq = 0;
  request = async (command, args) => {
    const number = ++seq;
    const answer = next((message) => message.type === 'response' && message.request_seq === number);
    adapter.handleMessage({ seq: number, type: 'request', command, arguments: args });
    const { success, message, body } = await answer;
    if (success !== true) throw new Error(message);
    return body;
  };
  toStop = async (command, args) => {
    const stopped = next((message) => message.event === 'stopped');
    await request(command, args);
    return (await stopped).body;
  };
});

async function launch(processors: number): Promise<Message['body']> {
  await request('initialize', {});
  await request('launch', { program: '/two.asm', memory: 4, processors, stopOnEntry: true });
  return toStop('configurationDone');
}

/** Until processor 1 stands before its first INC. */
async function startSecond(): Promise<Message['body']> {
  await launch(2);
  await request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x8004' }] });
  const stopped = await toStop('continue', { threadId: 1 });
  await request('setInstructionBreakpoints', { breakpoints: [] });
  return stopped;
}

async function frameOf(threadId: number): Promise<number> {
  const { stackFrames } = await request('stackTrace', { threadId });
  return stackFrames[0].id;
}

async function evaluate(threadId: number, expression: string): Promise<string> {
  return (await request('evaluate', { expression, frameId: await frameOf(threadId), context: 'watch' })).result;
}

describe('two processors', () => {
  test('are two threads, which say where they are', async () => {
    expect(await launch(2)).toMatchObject({ reason: 'entry', threadId: 1, allThreadsStopped: true });
    expect((await request('threads')).threads).toEqual([
      { id: 1, name: 'CPU 0 — outside VMX operation' },
      { id: 2, name: 'CPU 1 — outside VMX operation, waiting for a SIPI' },
    ]);
  });

  test('a stop names its thread, and each has a stack, scopes and variables of its own', async () => {
    expect(await startSecond()).toMatchObject({ reason: 'instruction breakpoint', threadId: 2 });
    const selectors: string[] = [];
    const references: number[] = [];
    for (const threadId of [1, 2]) {
      const { scopes } = await request('scopes', { frameId: await frameOf(threadId) });
      references.push(scopes.find(({ name }: { name: string }) => name.startsWith('Segments')).variablesReference);
    }
    for (const variablesReference of references) {
      const { variables } = await request('variables', { variablesReference });
      selectors.push(variables.find(({ name }: { name: string }) => name.toLowerCase() === 'cs').value);
    }
    expect(selectors.map((text) => Number.parseInt(text, 16))).toEqual([8, 0x800]);
    expect([await evaluate(1, 'cpu'), await evaluate(2, 'cpu')].map(Number)).toEqual([0, 1]);
    expect(Number(await evaluate(2, 'rip'))).toBe(4);
  });

  test('a step of one lets the other run, or not', async () => {
    await startSecond();
    const before = Number(await evaluate(1, 'qword[counter]'));
    // So many steps that a turn of the other one comes between.
    for (let i = 0; i < 40; i++) {
      const stopped = await toStop('next', { threadId: 2, granularity: 'instruction', singleThread: true });
      expect(stopped).toMatchObject({ reason: 'step', threadId: 2 });
    }
    expect(Number(await evaluate(1, 'qword[counter]'))).toBe(before);
    const own = Number(await evaluate(2, COUNTER_OF_1));
    expect(own).toBe(Math.ceil((40 * 2) / 3));
    await toStop('next', { threadId: 1, granularity: 'instruction' });
    expect(Number(await evaluate(2, COUNTER_OF_1))).toBeGreaterThan(own);
    expect((await toStop('stepIn', { threadId: 2, granularity: 'instruction' })).threadId).toBe(2);
    expect(Number(await evaluate(1, 'qword[counter]'))).toBeGreaterThan(before);
  });

  test('a condition can name the processor; a pause stops at the thread it names', async () => {
    await startSecond();
    await request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x8004', condition: 'cpu == 0' }],
    });
    const stopped = toStop('pause', { threadId: 2 });
    await request('continue', { threadId: 1 });
    await request('pause', { threadId: 2 });
    expect(await stopped.catch(() => undefined)).toMatchObject({ reason: 'pause', threadId: 2 });
  });

  test.each(['stepBack', 'ringside/stepBackOver'])(
    '%s goes back by instructions of the thread that is named',
    async (command) => {
      await startSecond();
      const granularity = 'instruction';
      const here = async (): Promise<string> => `${await evaluate(2, 'rip')} ${await evaluate(2, COUNTER_OF_1)}`;
      const visited: string[] = [];
      for (let i = 0; i < 5; i++) {
        visited.push(await here());
        await toStop('stepIn', { threadId: 2, granularity });
      }
      // A turn of the other processor comes between: its last instruction is not what thread 2 goes back by.
      const counter = async (): Promise<number> => Number(await evaluate(1, 'qword[counter]'));
      await toStop('stepIn', { threadId: 1, granularity });
      await toStop('stepIn', { threadId: 1, granularity });
      const places = [Number(await evaluate(1, 'rip'))];
      const counters = [await counter()];
      for (let i = 0; i < 2; i++) {
        expect(await toStop(command, { threadId: 1, granularity })).toMatchObject({ reason: 'step', threadId: 1 });
        places.push(Number(await evaluate(1, 'rip')));
        counters.push(await counter());
      }
      // INC and JMP in turn.
      expect(places[0]).toBe(places[2]);
      expect(places[1]).not.toBe(places[0]);
      expect((counters[0] ?? 0) - (counters[2] ?? 0)).toBe(1);
      await request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x8004' }] });
      const back = await toStop('reverseContinue', { threadId: 1 });
      expect(back).toMatchObject({ reason: 'instruction breakpoint', threadId: 2 });
      await request('setInstructionBreakpoints', { breakpoints: [] });
      // On to where the steps of thread 2 ended, by going back further and forward again.
      await toStop('ringside/jump', { time: 0 });
      await request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x8004' }] });
      await toStop('continue', { threadId: 1 });
      await request('setInstructionBreakpoints', { breakpoints: [] });
      for (let i = 0; i < 5; i++) await toStop('stepIn', { threadId: 2, granularity });
      for (const place of visited.reverse()) {
        expect(await toStop(command, { threadId: 2, granularity })).toMatchObject({ reason: 'step', threadId: 2 });
        expect(await here()).toBe(place);
      }
    },
  );

  test('what cannot be is refused', async () => {
    await launch(2);
    await expect(request('stackTrace', { threadId: 3 })).rejects.toThrow(/no thread 3/);
    await expect(request('next', { threadId: 0 })).rejects.toThrow(/no thread 0/);
  });
});

test.each([0, 17, 1.5, '2'])('launch refuses %s processors', async (processors) => {
  await request('initialize', {});
  await expect(request('launch', { program: '/two.asm', processors })).rejects.toThrow(/from 1 to 16/);
});
