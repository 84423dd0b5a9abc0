// A saved run answers as the machine does whose run it is.
import { describe, expect, test } from 'vitest';
import { everyExit, exitPage, exitsCsv } from '../../../src/debugger/views/exits.ts';
import { openSavedRun, type SavedRun } from '../../../src/debugger/views/saved-run.ts';
import { traceBlock, traceHeader } from '../../../src/debugger/views/trace-file.ts';
import { timelineWriter } from './timelines.ts';

const symbolOf = (rip: bigint): string => `guest+0x${(rip - 0x1000n).toString(16)}`;

/** Exits 1 to `count`, some 2^40 instructions apart, with entries. */
function recorded(count: number) {
  const writer = timelineWriter();
  for (let n = 1; n <= count; n++) {
    const time = n * 2 ** 40;
    writer.exit(time, n % 3 === 0 ? 48 : 10, 0x1000 + (n % 7), time - n);
    writer.entry(time + 5);
  }
  return writer.timeline;
}

function file(timeline: ReturnType<typeof recorded>, ranges: readonly (readonly [number, number])[]): Uint8Array {
  const pieces = [
    traceHeader({ program: 'toy.asm', time: 7 }),
    ...ranges.map(([from, to]) => traceBlock(timeline, symbolOf, from, to)),
  ];
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function opened(bytes: Uint8Array): SavedRun {
  const run = openSavedRun(bytes);
  if ('error' in run) throw new Error(run.error);
  return run;
}

describe('a saved run', () => {
  const timeline = recorded(40);
  const run = opened(
    file(timeline, [
      [1, 16],
      [17, 40],
    ]),
  );

  test('names the program and its time', () => {
    expect(run).toMatchObject({ program: 'toy.asm', time: 7 });
  });

  test('rows and CSV are those of the run', () => {
    const all = everyExit(timeline);
    const { rows } = exitPage(timeline, symbolOf, all, 0, 100);
    expect(run.answer('ringside/exits', {})).toMatchObject({ rows, logged: 40, matching: 40, left: 0, happened: 40 });
    expect(rows[39]).toMatchObject({ number: 40, time: 40 * 2 ** 40, guest: 40, spent: 5 });
    expect(run.answer('ringside/exitsCsv', {})).toMatchObject({ csv: exitsCsv(timeline, symbolOf, all), total: 40 });
  });

  test('conditions know exit.* alone', () => {
    const numbers = (filter: string) => {
      const answer = run.answer('ringside/exits', { filter }) as { rows: { number: number }[] };
      return answer.rows.map((row) => row.number);
    };
    expect(numbers('exit.reason == EPT_VIOLATION && exit.number > 30')).toEqual([33, 36, 39]);
    expect(run.answer('ringside/exits', { filter: 'rax == 1' })).toMatchObject({
      error: expect.stringContaining('there is no machine'),
    });
  });

  test('what needs a machine is refused', () => {
    expect(run.answer('ringside/jump', {})).toMatchObject({ error: expect.stringContaining('ringside/jump') });
  });
});

test('a run whose first exits are not held', () => {
  const run = opened(file(recorded(30), [[21, 30]]));
  const answer = run.answer('ringside/exits', {}) as { logged: number; rows: { number: number }[] };
  expect([answer.logged, answer.rows[0]?.number, answer.rows.at(-1)?.number]).toEqual([10, 21, 30]);
});

test('a run without exits', () => {
  expect(opened(file(recorded(0), [])).answer('ringside/exits', {})).toMatchObject({ logged: 0, rows: [] });
});

describe('what cannot be read says why', () => {
  const good = file(recorded(3), [[1, 3]]);
  const other = good.slice();
  other[8] = 9;
  test.each([
    ['no file of ours', new TextEncoder().encode('not a saved run, certainly'), 'no saved run'],
    ['another version', other, 'version 9'],
    ['a file that ends too early', good.slice(0, good.length - 10), 'damaged'],
    ['an empty file', new Uint8Array(), 'no saved run'],
  ])('%s', (_, bytes, why) => {
    expect(openSavedRun(bytes)).toMatchObject({ error: expect.stringContaining(why) });
  });
});
