// Conversations that are out of order, malformed, huge or cut off: every request gets an answer, and the session lives on.

import { describe, expect, test } from 'vitest';
import { createDecoder, encodeMessage } from '../../src/dap/transport.ts';
import { requestNames } from '../../src/dap/requests/index.ts';
import { launchedToy, PATH, toyAdapter, type ToyAdapter } from './toy-adapter.ts';

const THREAD = { threadId: 1 };

describe('requests out of order', () => {
  test.each(requestNames().filter((name) => name !== 'initialize' && name !== 'disconnect'))(
    '%s before initialize',
    async (name) => {
      const toy = toyAdapter();
      expect(await toy.raw(name, {})).toMatchObject({ success: false, message: expect.stringContaining('initialize') });
    },
  );

  test.each(
    requestNames().filter(
      (name) => !['initialize', 'disconnect', 'launch', 'attach', 'source', 'threads', 'cancel'].includes(name),
    ),
  )('%s before launch', async (name) => {
    const toy = toyAdapter();
    await toy.request('initialize', {});
    const answer = await toy.raw(name, {
      threadId: 1,
      variablesReference: 1,
      name: 'rax',
      value: '1',
      expression: 'rax',
    });
    expect(answer).toMatchObject({ success: false, message: expect.stringContaining('launch') });
  });

  test('initialize twice, launch twice, attach, unknown', async () => {
    const toy = await launchedToy();
    for (const command of ['initialize', 'launch', 'attach', 'fly', '__proto__', 'constructor', 'toString']) {
      const answer = await toy.raw(command, { program: PATH });
      expect(answer.success, command).toBe(false);
      expect(answer.message, command).not.toContain('bug');
    }
    await usable(toy);
  });

  test('every state request while the machine runs', async () => {
    const toy = await launchedToy();
    await toy.request('continue', THREAD);
    for (const name of [
      'continue',
      'next',
      'stepIn',
      'stepOut',
      'stackTrace',
      'scopes',
      'variables',
      'evaluate',
      'readMemory',
      'writeMemory',
      'disassemble',
      'exceptionInfo',
    ]) {
      const answer = await toy.raw(name, {
        threadId: 1,
        frameId: 1,
        variablesReference: 1,
        expression: 'rax',
        memoryReference: '0',
        count: 1,
        data: '',
      });
      expect(answer, name).toMatchObject({ success: false });
      expect(answer.message, name).not.toContain('bug');
    }
    expect(await toy.toStop('pause', THREAD)).toMatchObject({ reason: 'pause' });
    await usable(toy);
  });
});

describe('wrong arguments', () => {
  const wrong: unknown[] = [
    undefined,
    null,
    0,
    -1,
    1.5,
    Number.MAX_VALUE,
    '',
    'x',
    '\u0000',
    true,
    [],
    [1],
    {},
    { a: 1 },
    'x'.repeat(10_000),
  ];

  test.each(requestNames().filter((name) => !['disconnect', 'terminate', 'restart', 'initialize'].includes(name)))(
    '%s',
    async (name) => {
      const toy = await launchedToy();
      for (const value of wrong) {
        const variants: unknown[] = [
          value,
          { threadId: value },
          { frameId: value },
          { variablesReference: value, name: value, value },
          { expression: value, context: value, value },
          {
            memoryReference: value,
            offset: value,
            count: value,
            instructionCount: value,
            instructionOffset: value,
            data: value,
          },
          {
            memoryReference: '0x1000',
            offset: 0,
            count: value,
            instructionCount: value,
            instructionOffset: value,
            data: value,
          },
          { source: value, breakpoints: value, lines: value, line: value },
          { source: { path: PATH }, breakpoints: [value], line: value, endLine: value },
          {
            breakpoints: [
              {
                name: value,
                line: value,
                instructionReference: value,
                condition: value,
                hitCondition: value,
                logMessage: value,
              },
            ],
          },
          { filters: value, filterOptions: value },
          { filters: [value], filterOptions: [{ filterId: value, condition: value }] },
          { text: value, column: value },
          { granularity: value, threadId: 1 },
          { data: value },
        ];
        for (const args of variants) {
          const answer = await toy.raw(name, args);
          expect(answer.message ?? '', `${name} ${JSON.stringify(args)?.slice(0, 200)}`).not.toContain(
            'a bug of its own',
          );
        }
      }
      toy.adapter.dispose();
    },
  );
});

describe('hostile expressions', () => {
  test.each([
    '('.repeat(100_000),
    '-'.repeat(100_000),
    `${'('.repeat(500)}1${')'.repeat(500)}`,
    'qword['.repeat(5000),
    '1?'.repeat(5000),
    `1${'+1'.repeat(20_000)}`,
    '9'.repeat(50_000),
    '{'.repeat(1000),
    "'",
    'rax = rbx = rcx',
    'qword[qword[qword[0xffffffffffffffff]]]',
    '1 << 99999999999',
    '\u202e rax',
  ])('case %#', async (expression) => {
    const toy = await launchedToy();
    for (const context of ['watch', 'repl', 'hover', 'clipboard', 'unheard-of']) {
      const answer = await toy.raw('evaluate', { expression, context });
      expect(answer.message ?? '').not.toContain('a bug of its own');
    }
    await usable(toy);
  });
});

describe('the ends of a session', () => {
  test('after terminate and after disconnect every request is answered', async () => {
    for (const end of ['terminate', 'disconnect']) {
      const toy = await launchedToy();
      await toy.request(end, {});
      for (const name of requestNames()) {
        const answer = await toy.raw(name, { threadId: 1, expression: 'rax', program: PATH });
        expect(answer.message ?? '', `${name} after ${end}`).not.toContain('a bug of its own');
        if (['continue', 'next', 'stackTrace', 'readMemory'].includes(name))
          expect(answer, `${name} after ${end}`).toMatchObject({
            message: expect.stringMatching(/stopped; its program has ended/),
          });
      }
    }
  });

  test('two programs at once: the second is refused, the first goes on', async () => {
    const toy = toyAdapter();
    await toy.request('initialize', {});
    const [first, second] = await Promise.all([
      toy.raw('launch', { program: PATH, stopOnEntry: true }),
      toy.raw('launch', { program: PATH }),
    ]);
    expect(first.success).toBe(true);
    expect(second).toMatchObject({ success: false, message: expect.stringContaining('already') });
    await toy.toStop('configurationDone');
    await usable(toy);
  });

  test('a program that cannot be loaded leaves a session that can launch another', async () => {
    const toy = toyAdapter();
    await toy.request('initialize', {});
    expect(await toy.raw('launch', { program: '/no/such.asm' })).toMatchObject({ success: false });
    expect(await toy.raw('launch', {})).toMatchObject({ success: false });
    await toy.request('launch', { program: PATH, stopOnEntry: true });
    await toy.toStop('configurationDone');
    await usable(toy);
  });
});

test('cancel at random: every request has one answer, and what was not cancelled is carried out', async () => {
  const random = createRandom(Number(process.env.RINGSIDE_SEED ?? 11));
  const toy = await launchedToy();
  const answers: Promise<unknown>[] = [];
  const cancelled = new Set<number>();
  for (let i = 0; i < 400; i++) {
    if (random() < 0.3) {
      const requestId = toy.lastSeq() + Math.floor(random() * 6) - 3;
      cancelled.add(requestId);
      answers.push(toy.raw('cancel', { requestId }));
    } else answers.push(toy.raw('evaluate', { expression: `${i}`, context: 'watch' }));
    if (random() < 0.1) await answers.at(-1);
  }
  await Promise.all(answers);
  const responses = toy.messages.filter(({ type, command }) => type === 'response' && command === 'evaluate');
  for (const { success, message, request_seq: seq } of responses) {
    if (success !== true)
      expect([message, cancelled.has(seq ?? 0)]).toEqual([expect.stringMatching(/^cancelled: /), true]);
  }
  const all = toy.messages.flatMap(({ request_seq: seq }) => (seq === undefined ? [] : [seq]));
  expect(new Set(all).size).toBe(all.length);
  await usable(toy);
});

test('random conversations: every request is answered and the session stays usable', async () => {
  const seed = Number(process.env.RINGSIDE_SEED ?? 20260101);
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const toy = await launchedToy();
  const names = requestNames().filter((name) => !['disconnect', 'terminate', 'initialize', 'restart'].includes(name));
  const values = [
    0,
    1,
    2,
    3,
    5,
    17,
    -1,
    1001,
    '0x1000',
    'gva:0x2000',
    'gpa:0x1100',
    'vmcs:0',
    'rax',
    'rip',
    'GUEST_RIP',
    'rax = 3',
    'qword[rsp]',
    PATH,
    true,
    undefined,
    null,
    'instruction',
    'any-exit',
  ];
  const fields = [
    'threadId',
    'frameId',
    'variablesReference',
    'name',
    'value',
    'expression',
    'context',
    'memoryReference',
    'count',
    'data',
    'instructionCount',
    'instructionOffset',
    'granularity',
    'line',
    'text',
    'column',
  ];
  for (let i = 0; i < 1500; i++) {
    const args: Record<string, unknown> = random() < 0.7 ? { threadId: 1 } : {};
    for (let count = Math.floor(random() * 5); count > 0; count--) args[pick(fields)] = pick(values);
    const command = pick(names);
    const answer = await toy.raw(command, args);
    expect(answer.message ?? '', `seed ${seed}, request ${i}: ${command} ${JSON.stringify(args)}`).not.toContain(
      'a bug of its own',
    );
  }
  const internal = toy.messages.filter((message) => JSON.stringify(message.body ?? {}).includes('a bug of its own'));
  expect(internal).toEqual([]);
  await toy.raw('pause', THREAD);
}, 30_000);

/** The session still does what a session does. */
async function usable(toy: ToyAdapter): Promise<void> {
  await toy.request('setExceptionBreakpoints', { filters: ['any-exit'] });
  await toy.toStop('continue', THREAD);
  expect(((await toy.request('stackTrace', THREAD)).stackFrames as { name: string }[])[0]?.name).toBe('handler');
}

/** A linear congruential generator (Knuth's MMIX constants, upper bits): enough to vary requests, and repeatable. */
function createRandom(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

describe('framing', () => {
  const decode = (pieces: readonly Uint8Array[]): { messages: unknown[]; problems: string[] } => {
    const messages: unknown[] = [];
    const problems: string[] = [];
    const decoder = createDecoder(
      (message) => messages.push(message),
      (problem) => problems.push(problem),
    );
    for (const piece of pieces) decoder.push(piece);
    return { messages, problems };
  };
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const good = encodeMessage({ seq: 1, text: 'Grüße →' });

  test('any pieces', () => {
    for (let size = 1; size < good.length; size++) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < good.length; at += size) pieces.push(good.subarray(at, at + size));
      expect(decode(pieces)).toEqual({ messages: [{ seq: 1, text: 'Grüße →' }], problems: [] });
    }
  });

  test.each([
    ['not JSON', bytes('Content-Length: 5\r\n\r\nhello'), 'not JSON'],
    ['no length', bytes('X: 1\r\n\r\n'), 'no Content-Length'],
    ['negative length', bytes('Content-Length: -5\r\n\r\n'), 'no Content-Length'],
    ['empty', bytes('Content-Length: 0\r\n\r\n'), 'not JSON'],
    ['endless header', bytes('x'.repeat(20_000)), 'no message header'],
  ])('%s, then a good message', (_title, bad, problem) => {
    const { messages, problems } = decode([bad, good]);
    expect(problems[0]).toContain(problem);
    expect(messages).toEqual([{ seq: 1, text: 'Grüße →' }]);
  });

  test.each([
    ['too small', -7],
    ['too small by one', -1],
    ['too large by one', 1],
    ['too large', 30],
    ['larger than the message behind it', 90],
  ])('a length that is %s loses what it touches, not what follows', (_title, lie) => {
    const body = JSON.stringify({ seq: 1, type: 'request', command: 'threads' });
    const wrong = bytes(`Content-Length: ${body.length + lie}\r\n\r\n${body}`);
    const { messages, problems } = decode([wrong, good, good, good]);
    expect(problems.length).toBeGreaterThan(0);
    expect(messages.at(-1)).toEqual({ seq: 1, text: 'Grüße →' });
    expect(messages.length).toBeGreaterThanOrEqual(lie < 0 ? 3 : 1);
  });

  test('random damage: the stream is understood again behind it', () => {
    const random = createRandom(Number(process.env.RINGSIDE_SEED ?? 7));
    const below = (limit: number): number => Math.floor(random() * limit);
    for (let round = 0; round < 300; round++) {
      const stream = Array.from({ length: 6 }, (_, i) => [
        ...encodeMessage({ seq: i, text: 'x'.repeat(below(40)) }),
      ]).flat();
      for (let count = 1 + below(3); count > 0; count--) {
        const at = below(stream.length);
        const junk = Array.from({ length: below(12) }, () => below(256));
        stream.splice(at, below(12), ...junk);
      }
      // Enough behind the damage for the largest length that three digits tell.
      const tail = Array.from({ length: 40 }, (_, i) => [...encodeMessage({ seq: 100 + i })]).flat();
      const pieces: Uint8Array[] = [];
      const whole = Uint8Array.from([...stream, ...tail]);
      for (let at = 0; at < whole.length; ) {
        const size = 1 + below(50);
        pieces.push(whole.subarray(at, at + size));
        at += size;
      }
      const { messages } = decode(pieces);
      expect(messages.at(-1), `round ${round}`).toEqual({ seq: 139 });
    }
  });

  test('of a large message in small pieces no byte is copied again for each piece', () => {
    const large = encodeMessage({ text: 'x'.repeat(30_000_000) });
    const pieces = Array.from({ length: Math.ceil(large.length / 4096) }, (_, index) =>
      large.subarray(index * 4096, (index + 1) * 4096),
    );
    let copied = 0;
    const { set } = Uint8Array.prototype;
    Uint8Array.prototype.set = function (source: ArrayLike<number>, at?: number) {
      copied += source.length;
      set.call(this, source, at);
    };
    try {
      expect(decode(pieces).messages).toHaveLength(1);
    } finally {
      Uint8Array.prototype.set = set;
    }
    expect(copied).toBeLessThan(2 * large.length);
  });

  test('a message that is too large is skipped', () => {
    const size = 65 * 1024 * 1024;
    const chunk = new Uint8Array(1024 * 1024);
    const { messages, problems } = decode([
      bytes(`Content-Length: ${size}\r\n\r\n`),
      ...Array.from({ length: 65 }, () => chunk),
      good,
    ]);
    expect(problems[0]).toContain('limit');
    expect(messages).toHaveLength(1);
  });
});
