// What views make of the timeline: rows, filters, bars, the picture, CSV.
import { describe, expect, test } from 'vitest';
import { type FilteredExits, filterStep } from '../../../src/debugger/views/chosen-exits.ts';
import {
  everyExit,
  exitPage,
  exitPicture,
  exitsCsv,
  type ExitFilter,
  reasonBars,
} from '../../../src/debugger/views/exits.ts';
import { timelineWriter } from './timelines.ts';

const CPUID = 10;
const HLT = 12;
const EPT_VIOLATION = 48;
const nameless = (): string => '';

/** Exits at 100, 200, 300 with handlers of 30, 50 and no end; the guest was first entered at 90. */
function threeExits() {
  const writer = timelineWriter();
  writer.exit(100, CPUID, 0x1000, 90);
  writer.entry(130);
  writer.exit(200, EPT_VIOLATION, 0x1008, 130);
  writer.entry(250);
  writer.exit(300, CPUID, 0x1000, 250);
  return writer;
}

/** Numbers of the exits that pass, in one step. */
function passing(timeline: ReturnType<typeof timelineWriter>['timeline'], filter: ExitFilter, former?: FilteredExits) {
  const step = filterStep(timeline, 'f', filter, former);
  return { numbers: Array.from({ length: step.chosen.count }, (_, i) => step.chosen.numberAt(i)), step };
}

describe('rows', () => {
  test('reason and qualification in words', () => {
    const { timeline } = threeExits();
    const page = exitPage(timeline, (rip) => (rip === 0x1008n ? 'guest+0x8' : ''), everyExit(timeline), 1, 1);
    expect(page).toMatchObject({ logged: 3, matching: 3 });
    expect(page.rows).toHaveLength(1);
    expect(page.rows[0]).toMatchObject({ number: 2, time: 200, title: 'EPT violation', rip: '0x1008', spent: 50 });
    expect(page.rows[0]).toMatchObject({ guest: 70, symbol: 'guest+0x8', processor: 0 });
    expect(page.rows[0]?.qualification).toMatch(/write.*guest-physical 0x400128/);
  });

  test('a handler that has not ended, and a guest that was not seen entered', () => {
    const writer = timelineWriter();
    writer.exit(5, HLT);
    expect(exitPage(writer.timeline, nameless, everyExit(writer.timeline), 0, 9).rows).toMatchObject([
      { number: 1, spent: null, guest: null },
    ]);
  });

  test('a filter by reason keeps the order and the numbers', () => {
    expect(passing(threeExits().timeline, { reasons: new Set([CPUID]) }).numbers).toEqual([1, 3]);
  });

  test('a condition', () => {
    expect(passing(threeExits().timeline, { accepts: ({ rip }) => rip === 0x1008n }).numbers).toEqual([2]);
  });
});

describe('a filter', () => {
  test('follows the timeline, and begins anew when the future has become another', () => {
    const writer = threeExits();
    const onlyCpuid = { reasons: new Set([CPUID]) };
    let { numbers, step } = passing(writer.timeline, onlyCpuid);
    expect(numbers).toEqual([1, 3]);
    writer.exit(400, CPUID);
    ({ numbers, step } = passing(writer.timeline, onlyCpuid, step.filtered));
    expect(numbers).toEqual([1, 3, 4]);
    writer.cut(2, 260);
    writer.exit(300, HLT);
    writer.exit(400, HLT);
    expect(passing(writer.timeline, onlyCpuid, step.filtered).numbers).toEqual([1]);
  });

  test('looks at a bounded number of exits in a step, and says how many are left', () => {
    const writer = timelineWriter();
    for (let n = 1; n <= 25; n++) writer.exit(n * 10, n % 2 === 0 ? HLT : CPUID);
    const odd = { accepts: ({ number }: { number: number }) => number % 5 === 0 };
    const left: number[] = [];
    let looked = 0;
    const counting = { accepts: (exit: { number: number }) => (looked++, odd.accepts(exit)) };
    let filtered: FilteredExits | undefined;
    let count = 0;
    do {
      const step = filterStep(writer.timeline, 'f', counting, filtered, 10);
      filtered = step.filtered;
      count = step.chosen.count;
      left.push(step.left);
    } while (left.at(-1) !== 0);
    expect(left).toEqual([15, 5, 0]);
    expect(looked).toBe(25);
    expect(count).toBe(5);
  });
});

test('bars: the most frequent first, with the instructions of the handlers that ended', () => {
  expect(reasonBars(threeExits().timeline)).toMatchObject([
    { identifier: 'CPUID', count: 2, handled: 1, instructions: 30 },
    { identifier: 'EPT_VIOLATION', count: 1, handled: 1, instructions: 50 },
  ]);
});

describe('the picture', () => {
  test('counts in equal parts, the first exit of each, and the entries', () => {
    const { timeline } = threeExits();
    const line = exitPicture(timeline, everyExit(timeline), 0, 400, 4);
    expect(line.first).toEqual([0, 1, 2, 3]);
    expect(line.series).toEqual([
      { reason: CPUID, title: 'CPUID', counts: [0, 1, 0, 1] },
      { reason: EPT_VIOLATION, title: 'EPT violation', counts: [0, 0, 1, 0] },
    ]);
    // At 90, 130 and 250.
    expect(line.entries).toEqual([1, 1, 1, 0]);
  });

  test('a span leaves out what is before and after it, and knows the entry of the handler that reaches in', () => {
    const { timeline } = threeExits();
    const line = exitPicture(timeline, everyExit(timeline), 210, 301, 1);
    expect(line.series.map(({ reason, counts }) => [reason, ...counts])).toEqual([[CPUID, 1]]);
    expect(line.entries).toEqual([1]);
  });
});

describe('CSV', () => {
  test('a header, one line an exit, an empty cell where no entry followed', () => {
    const { timeline } = threeExits();
    const lines = exitsCsv(timeline, () => 'a "b"', everyExit(timeline)).split('\r\n');
    expect(lines[0]).toBe('number,processor,time,reason,name,qualification,rip,symbol,instructions');
    expect(lines[2]).toBe('2,0,200,48,EPT violation,0x2,0x1008,"a ""b""",50');
    expect(lines[3]).toMatch(/,$/);
    expect(lines).toHaveLength(5);
  });

  test('in pieces it is the same', () => {
    const { timeline } = threeExits();
    const all = everyExit(timeline);
    const pieces = [0, 2].map((start) => exitsCsv(timeline, nameless, all, start, 2));
    expect(pieces.join('')).toBe(exitsCsv(timeline, nameless, all));
  });
});

test('a million exits: rows, bars, picture and filter agree', () => {
  const MILLION = 1_000_000;
  const writer = timelineWriter();
  for (let n = 1; n <= MILLION; n++) writer.exit(n * 10, n % 4 === 0 ? HLT : CPUID);
  const { timeline } = writer;
  const all = everyExit(timeline);
  expect(reasonBars(timeline).map(({ count }) => count)).toEqual([750_000, 250_000]);
  expect(exitPage(timeline, nameless, all, MILLION - 1, 5).rows).toMatchObject([{ number: MILLION, time: 10_000_000 }]);
  const line = exitPicture(timeline, all, 0, 10_000_001, 100);
  const sum = (counts: readonly number[] | undefined): number => (counts ?? []).reduce((a, b) => a + b, 0);
  expect(line.series.map(({ counts }) => sum(counts))).toEqual([750_000, 250_000]);
  const { chosen, left } = filterStep(timeline, 'HLT', { reasons: new Set([HLT]) }, undefined);
  expect([chosen.count, left, chosen.numberAt(249_999)]).toEqual([250_000, 0, MILLION]);
});
