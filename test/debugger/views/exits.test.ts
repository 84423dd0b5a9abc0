// The exit log and what is made of it: rows, filters, bars, the picture, CSV.
import { describe, expect, test } from 'vitest';
import type { VmExit } from '../../../src/machine/types.ts';
import { createExitLog, type ExitLog, logEntry, loggedExit, logExit } from '../../../src/debugger/views/exit-log.ts';
import { filteredRows, type ViewRecord } from '../../../src/debugger/views/record.ts';
import { exitPage, exitsCsv, matchingRows, reasonBars, timeline } from '../../../src/debugger/views/exits.ts';
import { toyImage } from '../toy-program.ts';

const CPUID = 10;
const HLT = 12;
const EPT_VIOLATION = 48;

function exit(number: number, time: number, reason: number, rip = 0x1000n): VmExit {
  return {
    number,
    processor: 0,
    time,
    reason,
    qualification: reason === EPT_VIOLATION ? 2n : 0n,
    guestRip: rip,
    instructionLength: 2,
    instructionInfo: 0,
    interruptionInfo: 0,
    interruptionError: 0,
    idtVectoringInfo: 0,
    idtVectoringError: 0,
    guestLinear: 0n,
    guestPhysical: 0x400128n,
    vmcs: 0x2000n,
  };
}

const entry = (time: number) => ({
  number: 1,
  processor: 0,
  time,
  instruction: 'VMRESUME' as const,
  hostRip: 0n,
  guestRip: 0n,
  injected: 0,
  vmcs: 0x2000n,
});

/** Exits at 100, 200, 300 with handlers of 30, 50 and no end. */
function threeExits(): ExitLog {
  const log = createExitLog();
  logExit(log, exit(1, 100, CPUID));
  logEntry(log, entry(130));
  logExit(log, exit(2, 200, EPT_VIOLATION, 0x1008n));
  logEntry(log, entry(250));
  logExit(log, exit(3, 300, CPUID));
  return log;
}

const image = toyImage();

describe('the log', () => {
  test('a handler’s instructions are those from the exit to the next entry', () => {
    const log = threeExits();
    expect([0, 1, 2].map((row) => loggedExit(log, row)?.spent)).toEqual([30, 50, undefined]);
    expect(loggedExit(log, 3)).toBeUndefined();
  });

  test('a first entry follows no exit', () => {
    const log = createExitLog();
    logEntry(log, entry(10));
    expect(log.count).toBe(0);
  });

  test('grows beyond its first room, and a second time through the same exits changes nothing', () => {
    const log = createExitLog();
    for (let round = 0; round < 2; round++)
      for (let n = 1; n <= 5000; n++) logExit(log, exit(n, n * 10, n % 2 === 0 ? HLT : CPUID));
    expect(log.count).toBe(5000);
    expect(loggedExit(log, 4999)).toMatchObject({ number: 5000, time: 50_000, reason: HLT });
  });
});

describe('rows', () => {
  test('reason and qualification in words', () => {
    const page = exitPage(threeExits(), image, undefined, 1, 1);
    expect(page).toMatchObject({ logged: 3, matching: 3 });
    expect(page.rows).toHaveLength(1);
    expect(page.rows[0]).toMatchObject({ number: 2, time: 200, title: 'EPT violation', rip: '0x1008', spent: 50 });
    expect(page.rows[0]?.qualification).toMatch(/write.*guest-physical 0x400128/);
  });

  test('a filter by reason keeps the order and the numbers', () => {
    const log = threeExits();
    const rows = matchingRows(log, { reasons: new Set([CPUID]) });
    expect(exitPage(log, image, rows, 0, 10).rows.map((row) => row.number)).toEqual([1, 3]);
  });

  test('a condition', () => {
    const rows = matchingRows(threeExits(), { accepts: (logged) => logged.rip === 0x1008n });
    expect([...(rows ?? [])]).toEqual([1]);
  });
});

test('filtered rows follow the log, also when exits happen again after going back', () => {
  const exits = threeExits();
  const record: ViewRecord = { exits, filtered: undefined, atExit: undefined, atStop: undefined };
  const rows = () => [...(filteredRows(record, 'CPUID', { reasons: new Set([CPUID]) }) ?? [])];
  expect(rows()).toEqual([0, 2]);
  logExit(exits, exit(4, 400, CPUID));
  expect(rows()).toEqual([0, 2, 3]);
  logExit(exits, exit(3, 300, HLT));
  logExit(exits, exit(4, 400, HLT));
  expect(rows()).toEqual([0]);
  expect(filteredRows(record, '', {})).toBeUndefined();
});

test('bars: the most frequent first, with the instructions of the handlers that ended', () => {
  expect(reasonBars(threeExits())).toMatchObject([
    { identifier: 'CPUID', count: 2, handled: 1, instructions: 30 },
    { identifier: 'EPT_VIOLATION', count: 1, handled: 1, instructions: 50 },
  ]);
});

describe('the picture', () => {
  test('counts in equal parts, and the first exit of each', () => {
    const line = timeline(threeExits(), undefined, 0, 400, 4);
    expect(line.first).toEqual([0, 1, 2, 3]);
    expect(line.series).toEqual([
      { reason: CPUID, title: 'CPUID', counts: [0, 1, 0, 1] },
      { reason: EPT_VIOLATION, title: 'EPT violation', counts: [0, 0, 1, 0] },
    ]);
  });

  test('a span leaves out what is before and after it', () => {
    const line = timeline(threeExits(), undefined, 150, 300, 1);
    expect(line.series.map(({ reason, counts }) => [reason, ...counts])).toEqual([[EPT_VIOLATION, 1]]);
  });
});

test('CSV: a header, one line an exit, an empty cell where no entry followed', () => {
  const lines = exitsCsv(threeExits(), image, undefined).split('\r\n');
  expect(lines[0]).toBe('number,processor,time,reason,name,qualification,rip,symbol,instructions');
  expect(lines[2]).toMatch(/^2,0,200,48,EPT violation,0x2,0x1008,.*,50$/);
  expect(lines[3]).toMatch(/,$/);
  expect(lines).toHaveLength(5);
});
