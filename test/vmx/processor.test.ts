// 64-bit cells in two halves, against 64-bit integers.

import { expect, test } from 'vitest';
import { BUDGET, ENTRY_TIME, EXIT_TIME, REMAINING, RETIRED, STATE, STATE_SIZE } from '../../src/core/layout.ts';
import { type Core, copyQuad, countUp, stampTime, timeBetween } from '../../src/vmx/processor.ts';

function createCore(): Core {
  const buffer = new ArrayBuffer(STATE + STATE_SIZE);
  return {
    words: new Uint32Array(buffer),
    signed: new Int32Array(buffer),
    quads: new BigUint64Array(buffer),
  } as unknown as Core;
}

const TIMES = [0n, 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_fffen, 0xffff_ffffn, 0x1_0000_0000n, 0x1f_ffff_ffff_ff00n];

test.each(TIMES)('counts up from 0x%x', (value) => {
  const core = createCore();
  core.quads[EXIT_TIME >>> 3] = value;
  countUp(core, EXIT_TIME);
  expect(core.quads[EXIT_TIME >>> 3]).toBe(value + 1n);
  copyQuad(core, ENTRY_TIME, EXIT_TIME);
  expect(core.quads[ENTRY_TIME >>> 3]).toBe(value + 1n);
});

test.each(TIMES)('the time is what was retired before, and of the budget: 0x%x', (retired) => {
  const core = createCore();
  for (const [budget, remaining] of [
    [0, 0],
    [1_000_000, 1_000_000],
    [1_000_000, 0],
    [1, 0],
    [0x7fff_ffff, 1],
  ] as const) {
    core.quads[RETIRED >>> 3] = retired;
    core.signed[BUDGET >>> 2] = budget;
    core.signed[REMAINING >>> 2] = remaining;
    stampTime(core, EXIT_TIME);
    expect(core.quads[EXIT_TIME >>> 3]).toBe(retired + BigInt(budget - remaining));
  }
});

test.each(TIMES.flatMap((from) => TIMES.filter((to) => to >= from).map((to) => [from, to] as const)))(
  'between 0x%x and 0x%x',
  (from, to) => {
    const core = createCore();
    core.quads[EXIT_TIME >>> 3] = from;
    core.quads[ENTRY_TIME >>> 3] = to;
    expect(timeBetween(core, EXIT_TIME, ENTRY_TIME)).toBe(Number(to - from));
  },
);
