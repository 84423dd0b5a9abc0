// Random journeys through time against a model: memory is what it was at each moment, changes of the past cut the future off, breakpoints stop at
// the moments where they must, and nothing that goes on leaves what was recorded.
import { describe, expect, test } from 'vitest';
import { launchedMachine, type MachineAdapter, whyNoBundle } from './machine-adapter.ts';

const skip = whyNoBundle();
const THREAD = { threadId: 1 };
/** Memory that the program does not use. */
const BASE = 0x300000;
const SIZE = 16;
/** A loop of four instructions, for ever: `again` is met at times 1, 5, 9, … */
const TEXT = `bits 64
org 0x100000
        xor ecx, ecx
again:  inc rcx
        mov rax, rcx
        nop
        jmp again
`;
const FIRST = 1;
const TURN = 4;

interface Model {
  now: number;
  /** The latest moment that was reached. */
  last: number;
  /** What was written, in order: from that time on the memory is that. */
  written: { readonly time: number; readonly bytes: Uint8Array }[];
  breakpoint: boolean;
}

const below = (random: () => number, limit: number): number => Math.floor(random() * limit);
const memoryAt = ({ written, now }: Model): Uint8Array =>
  written.findLast(({ time }) => time <= now)?.bytes ?? new Uint8Array(SIZE);

type Action = (adapter: MachineAdapter, model: Model, random: () => number) => Promise<void>;

async function arrive(adapter: MachineAdapter, model: Model, command: string, args: object, reason: string | RegExp) {
  const body = await adapter.toStop(command, { ...THREAD, ...args });
  expect([command, body.reason]).toEqual([command, expect.stringMatching(reason)]);
  model.now = adapter.machine().time();
  return body;
}

const ACTIONS: readonly Action[] = [
  async (adapter, model) => {
    const before = model.now;
    await arrive(adapter, model, 'stepIn', { granularity: 'instruction' }, /step|breakpoint/);
    expect(model.now).toBe(before + 1);
  },
  async (adapter, model) => {
    const before = model.now;
    await arrive(adapter, model, 'stepBack', { granularity: 'instruction' }, before === 0 ? 'pause' : 'step');
    expect(model.now).toBe(Math.max(0, before - 1));
  },
  async (adapter, model, random) => {
    const time = below(random, model.last + 1);
    await arrive(adapter, model, 'ringside/jump', { time }, 'goto');
    expect(model.now).toBe(time);
  },
  async (adapter, model, random) => {
    const bytes = Uint8Array.from({ length: SIZE }, () => below(random, 256));
    const data = btoa(String.fromCharCode(...bytes));
    await adapter.request('writeMemory', { memoryReference: `hpa:${BASE}`, data });
    model.written = [...model.written.filter(({ time }) => time <= model.now), { time: model.now, bytes }];
    model.last = model.now;
  },
  async (adapter, model, random) => {
    model.breakpoint = random() < 0.7;
    await adapter.request('setFunctionBreakpoints', { breakpoints: model.breakpoint ? [{ name: 'again' }] : [] });
  },
  async (adapter, model) => {
    if (!model.breakpoint) return;
    const before = model.now;
    await arrive(adapter, model, 'continue', {}, 'function breakpoint');
    const turns = before < FIRST ? 0 : Math.floor((before - FIRST) / TURN) + 1;
    expect(model.now).toBe(FIRST + turns * TURN);
  },
  async (adapter, model) => {
    const before = model.now;
    const turn = model.breakpoint && before > FIRST ? Math.ceil((before - FIRST) / TURN) - 1 : undefined;
    await arrive(adapter, model, 'reverseContinue', {}, turn === undefined ? 'pause' : 'function breakpoint');
    expect(model.now).toBe(turn === undefined ? 0 : FIRST + turn * TURN);
  },
  async (adapter, model) => {
    const history = await adapter.request('ringside/history');
    expect(history).toMatchObject({ now: { time: model.now }, last: { time: model.last }, recording: true });
  },
];

describe.skipIf(skip !== undefined)('random journeys', () => {
  test.each([1, 2, 3, 4])('seed %i', async (seed) => {
    const random = createRandom(seed);
    const adapter = await launchedMachine({}, TEXT);
    const model: Model = { now: 0, last: 0, written: [], breakpoint: false };
    for (let i = 0; i < 150; i++) {
      const action = below(random, ACTIONS.length);
      await ACTIONS[action]?.(adapter, model, random);
      model.last = Math.max(model.last, model.now);
      const { data } = await adapter.request('readMemory', { memoryReference: `hpa:${BASE}`, count: SIZE });
      expect([i, action, model.now, [...atob(data as string)].map((char) => char.charCodeAt(0))]).toEqual([
        i,
        action,
        model.now,
        [...memoryAt(model)],
      ]);
      // INC RCX is the second instruction of each turn.
      const counted = model.now < 2 ? 0 : Math.floor((model.now - 2) / TURN) + 1;
      expect(adapter.machine().readRegister('rcx')).toBe(BigInt(counted));
    }
    expect(adapter.messages.filter((message) => JSON.stringify(message).includes('bug of its own'))).toEqual([]);
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
