// Random conversations against a model: what the client wrote is what it reads, requests are refused exactly when they must be, breakpoints
// are as they were asked for, and the program afterwards ends as it does without a debugger.
import { describe, expect, test } from 'vitest';
import { launchedMachine, type MachineAdapter, whyNoBundle } from './machine-adapter.ts';
import type { Message } from './toy-adapter.ts';

const skip = whyNoBundle();
const THREAD = { threadId: 1 };
/** Memory that hypervisor.asm does not use. */
const BASE = 0x300000;
const SIZE = 64;

interface Model {
  state: 'stopped' | 'running' | 'ended';
  readonly memory: Uint8Array;
}

type Action = (adapter: MachineAdapter, model: Model, random: () => number) => Promise<void>;

const below = (random: () => number, limit: number): number => Math.floor(random() * limit);

/** The answer must be there, and refused exactly when the machine does not stand still. */
async function whenStopped(adapter: MachineAdapter, model: Model, command: string, args: object): Promise<Message> {
  const answer = await adapter.raw(command, args);
  expect([command, model.state, answer.success, answer.message]).toEqual([
    command,
    model.state,
    model.state === 'stopped',
    answer.message,
  ]);
  if (model.state !== 'stopped') expect(answer.message).toMatch(/needs a machine that is stopped/);
  return answer;
}

async function moving(adapter: MachineAdapter, model: Model, command: string): Promise<void> {
  const stopped = Promise.race([adapter.event('stopped'), adapter.event('terminated')]);
  const answer = await whenStopped(adapter, model, command, THREAD);
  if (answer.success === true) model.state = (await stopped).event === 'stopped' ? 'stopped' : 'ended';
}

const ACTIONS: readonly Action[] = [
  async (adapter, model, random) => {
    const at = below(random, SIZE - 8);
    const bytes = Uint8Array.from({ length: 1 + below(random, 8) }, () => below(random, 256));
    const data = btoa(String.fromCharCode(...bytes));
    const answer = await whenStopped(adapter, model, 'writeMemory', { memoryReference: `hpa:${BASE + at}`, data });
    if (answer.success === true) model.memory.set(bytes, at);
  },
  async (adapter, model, random) => {
    const at = below(random, SIZE - 8);
    const value = below(random, 2 ** 32);
    const expression = `dword[hpa:${BASE + at}]`;
    const answer = await whenStopped(adapter, model, 'setExpression', { expression, value: String(value) });
    if (answer.success === true) new DataView(model.memory.buffer).setUint32(at, value, true);
  },
  async (adapter, model) => {
    const answer = await whenStopped(adapter, model, 'readMemory', { memoryReference: `hva:${BASE}`, count: SIZE });
    if (answer.success !== true) return;
    expect(atob(answer.body?.data as string)).toBe(String.fromCharCode(...model.memory));
  },
  async (adapter, _model, random) => {
    const names = [
      'guest',
      'exit_handler',
      'guest_function',
      'nowhere',
      'exit:VMCALL',
      'port:0x3f8',
      'vector:300',
      'change:rbx',
    ];
    const wrong = new Set(['nowhere', 'vector:300']);
    const chosen = names.filter(() => random() < 0.3);
    const { breakpoints } = await adapter.request('setFunctionBreakpoints', {
      breakpoints: chosen.map((name) => ({ name })),
    });
    expect((breakpoints as { verified: boolean }[]).map(({ verified }) => verified)).toEqual(
      chosen.map((name) => !wrong.has(name)),
    );
  },
  async (adapter, _model, random) => {
    const breakpoints = Array.from({ length: below(random, 4) }, (_, i) => ({
      dataId: random() < 0.2 ? 'nonsense' : `host/hpa:${BASE + 8 * i}/8`,
      accessType: 'write',
    }));
    const answer = await adapter.request('setDataBreakpoints', { breakpoints });
    expect((answer.breakpoints as { verified: boolean }[]).map(({ verified }) => verified)).toEqual(
      breakpoints.map(({ dataId }) => dataId !== 'nonsense'),
    );
  },
  async (adapter, model, random) =>
    moving(adapter, model, ['next', 'stepIn', 'continue', 'next'][below(random, 4)] ?? 'next'),
  async (adapter, model) => {
    await whenStopped(adapter, model, 'stackTrace', THREAD);
  },
  async (adapter, _model, random) => {
    const junk = [
      null,
      'text',
      42,
      { type: 'request' },
      { type: 'request', command: 7 },
      { type: 'response' },
      { type: 'request', command: 'x', seq: 'y' },
      [],
    ];
    adapter.adapter.handleMessage(junk[below(random, junk.length)]);
  },
  async (adapter, _model, random) => {
    const commands = [
      'readMemory',
      'variables',
      'goto',
      'setVariable',
      'disassemble',
      'cancel',
      'restart',
      'setBreakpoints',
    ];
    const args = { threadId: 'x', memoryReference: {}, count: -1, arguments: [], source: 5 };
    await adapter.raw(commands[below(random, commands.length - 2)] ?? 'goto', args);
  },
];

describe.skipIf(skip !== undefined)('random conversations against a model', () => {
  test.each([1, 2, 3])('seed %i', async (seed) => {
    const random = createRandom(seed);
    const adapter = await launchedMachine();
    const model: Model = { state: 'stopped', memory: new Uint8Array(SIZE) };
    for (let i = 0; i < 120; i++) await ACTIONS[below(random, ACTIONS.length)]?.(adapter, model, random);
    expect(adapter.messages.filter((message) => JSON.stringify(message).includes('bug of its own'))).toEqual([]);
    await adapter.request('setFunctionBreakpoints', { breakpoints: [] });
    await adapter.request('setDataBreakpoints', { breakpoints: [] });
    while (model.state === 'stopped') await moving(adapter, model, 'continue');
    const exited = adapter.messages.find(({ event }) => event === 'exited');
    expect(exited?.body).toEqual({ exitCode: 3 });
    const printed = adapter.messages.filter(({ body }) => body?.category === 'stdout').map(({ body }) => body?.output);
    expect(printed.join('')).toBe('ccv\n');
  });
});

/** A linear congruential generator (Knuth's MMIX constants, upper bits). */
function createRandom(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}
