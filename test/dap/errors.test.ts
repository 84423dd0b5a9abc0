// Every mistake that a client can make has its own error, which says what was wrong and what to do.
import { describe, expect, test } from 'vitest';
import * as errors from '../../src/dap/errors.ts';
import { launchedMachine, whyNoBundle } from './machine-adapter.ts';
import { launchedToy, type Message, PATH, type ToyAdapter, toyAdapter } from './toy-adapter.ts';

const skip = whyNoBundle();
const THREAD = { threadId: 1 };

type Mistake = () => Promise<Message>;

async function begun(): Promise<ToyAdapter> {
  const toy = toyAdapter();
  await toy.request('initialize', {});
  return toy;
}

const launching = (args: object) => async () => (await begun()).raw('launch', { program: PATH, ...args });
const onMachine =
  (command: string, args: object, launch: Record<string, unknown> = {}) =>
  async () =>
    (await launchedMachine(launch)).raw(command, args);

/** By the name of the function that makes the error: its number, a mistake that leads to it, what is said. */
const MISTAKES: Readonly<Record<string, readonly [number, Mistake, RegExp]>> = {
  unknownRequest: [1001, async () => (await begun()).raw('fly'), /does not know the request "fly"/],
  badArguments: [1002, onMachine('setVariable', { name: 5 }), /"setVariable" is malformed: .*"variablesReference"/],
  notInitialized: [1003, () => toyAdapter().raw('threads'), /"threads" came before "initialize"/],
  alreadyInitialized: [1004, async () => (await begun()).raw('initialize', {}), /came twice; open another connection/],
  notLaunched: [1005, async () => (await begun()).raw('continue', THREAD), /needs a program; send "launch" first/],
  alreadyLaunched: [1006, async () => (await launchedToy()).raw('launch', { program: PATH }), /use "restart"/],
  notStopped: [
    1007,
    async () => {
      const toy = await launchedToy();
      await toy.request('continue', THREAD);
      return toy.raw('stackTrace', THREAD);
    },
    /it is running\. Send "pause" first/,
  ],
  noAttach: [1008, async () => (await begun()).raw('attach', {}), /Use "request": "launch"/],
  noSuchFrame: [1009, onMachine('scopes', { frameId: 999 }), /no stack frame 999 now/],
  noSuchVariable: [1010, onMachine('variables', { variablesReference: 99_999 }), /variables reference 99999/],
  noSuchThread: [1011, onMachine('stackTrace', { threadId: 9 }), /no thread 9; "threads" lists/],
  badReference: [
    1012,
    onMachine('readMemory', { memoryReference: 'here', count: 1 }),
    /"here" is not an address; write/,
  ],
  expressionFailed: [
    1013,
    onMachine('evaluate', { expression: 'raz', context: 'watch' }),
    /^`raz` is not a register, .*\. Is `rax` meant\?/,
  ],
  writeRefused: [1014, onMachine('writeMemory', { memoryReference: 'hpa:0xfff0000000', data: 'AA==' }), /0xfff0000000/],
  tooMuch: [1015, onMachine('disassemble', { memoryReference: '0x100000', instructionCount: 1e7 }), /ask in parts/],
  noStopToExplain: [1016, onMachine('exceptionInfo', THREAD), /not stopped at an event that has an explanation/],
  noSourceText: [1017, onMachine('source', { sourceReference: 77 }), /no such listing/],
  internalError: [
    1018,
    async () => {
      const toy = await launchedToy();
      Object.assign(toy.toy(), {
        peekLinear: () => {
          throw new Error('out of paint');
        },
      });
      return toy.raw('readMemory', { memoryReference: '0x1000', count: 1 });
    },
    /a bug of its own: .*out of paint/s,
  ],
  commandFailed: [1019, onMachine('evaluate', { expression: 'dump', context: 'repl' }), /Usage: dump/],
  unknownMode: [
    1020,
    onMachine('dataBreakpointInfo', { name: '0x1000', asAddress: true, bytes: 1, mode: 'nowhere' }),
    /no breakpoint mode "nowhere" here; there are/,
  ],
  cancelled: [
    1021,
    async () => {
      const toy = await launchedToy();
      void toy.raw('evaluate', { expression: '1', context: 'watch' });
      const answer = toy.raw('evaluate', { expression: '2', context: 'watch' });
      await toy.raw('cancel', { requestId: toy.lastSeq() });
      return answer;
    },
    /^cancelled: "evaluate" was taken back/,
  ],
  noSuchTarget: [1022, onMachine('goto', { threadId: 1, targetId: 4711 }), /"gotoTargets" and "stepInTargets" offer/],
  noSuchLocation: [1023, onMachine('locations', { locationReference: 4711 }), /no source location 4711/],
  noSuchExit: [1024, onMachine('ringside/jump', { exit: 99 }), /VM exit 99 is not in the timeline/],
  historyOff: [1025, onMachine('stepBack', THREAD, { history: false }), /remove "history": false/],
  snapshotFailed: [1026, onMachine('ringside/loadSnapshot', { name: 'x' }), /no snapshot "x" yet/],
  missingProgram: [1101, async () => (await begun()).raw('launch', {}), /has no "program"; name an/],
  badLaunchValue: [1102, launching({ memory: 'much' }), /"memory" is "much"; expected/],
  programFailed: [
    1103,
    launching({ program: '/no/such.asm' }),
    /\/no\/such\.asm: cannot be read: there is no such file/,
  ],
  machineFailed: [
    1104,
    async () => {
      const toy = toyAdapter(() => {
        throw new Error('too little memory is left');
      });
      await toy.request('initialize', {});
      return toy.raw('launch', { program: PATH });
    },
    /could not be made: too little memory is left/,
  ],
  noSuchCapability: [1105, launching({ profile: 'pentium' }), /"profile" names "pentium", which is unknown; expected/],
  testFailed: [1106, onMachineLaunch({ test: 'test_nothing' }), /has no test "test_nothing"; it has/],
};

function onMachineLaunch(launch: Record<string, unknown>): Mistake {
  return async () => {
    let answer: Message | undefined;
    await launchedMachine(launch).catch((problem: unknown) => {
      const [, text] = /^launch: (.*)$/s.exec(problem instanceof Error ? problem.message : '') ?? [];
      answer = { type: 'response', success: false, message: text ?? '', body: { error: { id: 1106 } } };
    });
    if (answer === undefined) throw new Error('it was launched');
    return answer;
  };
}

describe.skipIf(skip !== undefined)('errors of the adapter', () => {
  test('each has a row here', () => {
    const makers = Object.keys(errors).filter((name) => name !== 'DapError');
    expect(Object.keys(MISTAKES).toSorted()).toEqual(makers.toSorted());
  });

  test.each(Object.entries(MISTAKES))('%s', async (_name, [id, mistake, text]) => {
    const answer = await mistake();
    expect(answer).toMatchObject({ success: false, message: expect.stringMatching(text) });
    expect((answer.body?.error as { id?: number } | undefined)?.id).toBe(id);
    // A whole sentence, and nothing that only a programmer understands.
    if (id !== 1018) expect(answer.message).toMatch(/[.:\]]$|[^\n]$/);
    if (id !== 1018) expect(answer.message).not.toMatch(/undefined|\[object|NaN|a bug of its own/);
  });
});

test('numbers and codes are each given once', () => {
  const source = Object.values(MISTAKES).map(([id]) => id);
  expect(new Set(source).size).toBe(source.length);
});
