// The adapter in the test's own process, on the toy machine, with files in memory.

import { DebugAdapter } from '../../src/dap/adapter.ts';
import type { AdapterHost } from '../../src/dap/connection.ts';
import { createScheduler } from '../../src/debugger/scheduler.ts';
import type { Machine } from '../../src/machine/types.ts';
import type { Program } from '../../src/program/types.ts';
import { createToy, type Toy } from '../debugger/toy-machine.ts';

/** What toy-program.ts holds as bytes, as source: both must stay the same instructions. */
export const SOURCE = `bits 64
org 0x1000
_start:
        nop
        call setup
        vmlaunch
        nop
forever:
        jmp forever
        times 0x20 - ($ - $$) db 0
setup:
        inc rax
        rep stosb
        ret
        times 0x100 - ($ - $$) db 0
handler:
        nop
        call skip
        vmresume
        times 0x120 - ($ - $$) db 0
skip:
        vmptrst [rsp]
        ret
        times 0x1000 - ($ - $$) db 0
guest:
        nop
        cpuid
        inc rax
        call guest_function
        vmcall
        hlt
        jmp guest
        times 0x1020 - ($ - $$) db 0
guest_function:
        cpuid
        ret
`;

export const PATH = '/samples/toy.asm';

export function lineOf(text: string, occurrence = 1): number {
  const lines = SOURCE.split('\n');
  let seen = 0;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === text && ++seen === occurrence) return index + 1;
  }
  throw new Error(`no line "${text}"`);
}

export interface Message {
  readonly type: 'response' | 'event';
  readonly command?: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: Record<string, unknown>;
}

export interface ToyAdapter {
  readonly adapter: DebugAdapter;
  readonly messages: Message[];
  readonly files: Map<string, string | Uint8Array>;
  toy(): Toy;
  /** Sends a request; resolves with the response, whatever it says. */
  raw(command: string, args?: unknown): Promise<Message>;
  /** Sends a request; resolves with the body, rejects when it was refused. */
  request(command: string, args?: unknown): Promise<Record<string, unknown>>;
  /** Number of the request that was sent last. */
  lastSeq(): number;
  event(name: string): Promise<Message>;
  /** A request that makes the machine run, and the body of the `stopped` event that follows. */
  toStop(command: string, args?: unknown): Promise<Record<string, unknown>>;
}

/** An adapter with files in memory; without `makeMachine` on the toy machine. `host` takes the place of parts of its host. */
export function toyAdapter(
  makeMachine?: (program: Program, ramSize: number) => Machine,
  host: Partial<AdapterHost> = {},
): ToyAdapter {
  const files = new Map<string, string | Uint8Array>([[PATH, SOURCE]]);
  let toy: Toy | undefined;
  const adapter = new DebugAdapter({
    scheduler: createScheduler(),
    readFile: async (path) => {
      const text = files.get(path);
      if (text === undefined) throw new Error('there is no such file');
      return typeof text === 'string' ? new TextEncoder().encode(text) : text;
    },
    writeFile: async (path, text, append) => {
      if (path.startsWith('/nowhere')) throw new Error('there is no such folder');
      files.set(path, (append ? (files.get(path) ?? '') : '') + text);
    },
    createMachine: async (program, { ramSize }) => {
      if (makeMachine !== undefined) return makeMachine(program, ramSize);
      toy = toyFor(program);
      return toy;
    },
    ...host,
  });
  const messages: Message[] = [];
  const waiting: { test: (message: Message) => boolean; resolve: (message: Message) => void }[] = [];
  adapter.onDidSendMessage((message) => {
    messages.push(message as Message);
    for (const [index, waiter] of [...waiting.entries()].reverse()) {
      if (!waiter.test(message as Message)) continue;
      waiting.splice(index, 1);
      waiter.resolve(message as Message);
    }
  });
  let seq = 1;
  const wait = (test: (message: Message) => boolean): Promise<Message> =>
    new Promise((resolve) => waiting.push({ test, resolve }));
  const raw = (command: string, args?: unknown): Promise<Message> => {
    const number = seq++;
    const answer = wait((message) => message.type === 'response' && message.request_seq === number);
    adapter.handleMessage({ seq: number, type: 'request', command, arguments: args });
    return answer;
  };
  const request = async (command: string, args?: unknown): Promise<Record<string, unknown>> => {
    const answer = await raw(command, args);
    if (answer.success !== true) throw new Error(`${command}: ${answer.message}`);
    return answer.body ?? {};
  };
  const event = (name: string): Promise<Message> =>
    wait((message) => message.type === 'event' && message.event === name);
  return {
    adapter,
    messages,
    files,
    toy: () => {
      if (toy === undefined) throw new Error('no machine yet');
      return toy;
    },
    raw,
    lastSeq: () => seq - 1,
    request,
    event,
    toStop: async (command, args) => {
      const stop = event('stopped');
      await request(command, args);
      return (await stop).body ?? {};
    },
  };
}

function toyFor(program: Program): Toy {
  return createToy({
    code: new Map(program.segments.map((segment) => [segment.address, [...segment.bytes]])),
    entry: program.entry.entry,
    vmcs: {
      HOST_RIP: 0x1100n,
      HOST_RSP: 0x7800n,
      HOST_CR3: 0x1000n,
      GUEST_RIP: 0x2000n,
      GUEST_RSP: 0x5000n,
      GUEST_RFLAGS: 2n,
      GUEST_CR0: 0x80000031n,
      GUEST_CR3: 0x9000n,
      EXIT_REASON: 0n,
      EXIT_QUALIFICATION: 0n,
      VM_EXIT_INSTRUCTION_LENGTH: 0n,
      VM_ENTRY_INTERRUPTION_INFORMATION: 0n,
      PIN_BASED_VM_EXECUTION_CONTROLS: 0x16n,
      PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS: 0x401e1f2n,
    },
  });
}

/** A session that is launched and configured. */
export async function launchedToy(
  launch: Record<string, unknown> = {},
): Promise<ToyAdapter & { first: Record<string, unknown> }> {
  const toy = toyAdapter();
  await toy.request('initialize', {
    adapterID: 'ringside',
    linesStartAt1: true,
    columnsStartAt1: true,
    pathFormat: 'path',
    supportsInvalidatedEvent: true,
  });
  const initialized = toy.event('initialized');
  await toy.request('launch', { type: 'ringside', request: 'launch', name: 'toy', program: PATH, ...launch });
  await initialized;
  const first = await toy.toStop('configurationDone');
  return { ...toy, first };
}
