// Repeated string instructions: how a long repetition is cut and counted, where faults leave registers, overlap and direction,
// page by page against the definition (one element after the other), and access to devices.

import { describe, expect, it } from 'vitest';
import { RAM, RUN_CAREFUL, RUN_FLAGS, STOP_BUDGET, STOP_EVENTS, STOP_HALT } from '../../../src/core/layout.ts';
import {
  enterLong,
  enterProtected,
  enterReal,
  limitSegment,
  load,
  openCore,
  RDI,
  RSI,
  RCX,
  register,
  retired,
  runFor,
  setRegister,
  type TestCore,
  writeWord,
} from '../harness.ts';
import { below, between, next, type Random } from '../native/random.ts';

const CODE = 0x8000;
const REP_MOVSB = [0xf3, 0xa4];
const REP_STOSQ = [0xf3, 0x48, 0xab];
const REPNE_SCASB = [0xf2, 0xae];
const DIRECTION = 0x400n;

function start(bytes: readonly number[]): TestCore {
  const core = openCore();
  load(core, CODE, [...bytes, 0xf4]);
  enterLong(core, CODE);
  return core;
}

/** Runs to HLT; answers how many instructions it took, HLT left out. */
function run(core: TestCore): number {
  const before = retired(core);
  let result = runFor(core, 1_000_000);
  while (result.stop === STOP_EVENTS) result = runFor(core, 1_000_000); // after each access to a device
  expect(result).toEqual({ stop: STOP_HALT });
  return retired(core) - before - 1;
}

describe('how a repetition is counted', () => {
  // A go ends where the count becomes a multiple of 4096 and retires one instruction.
  it.each([
    [0, 1],
    [1, 1],
    [4095, 1],
    [4096, 1],
    [4097, 2],
    [10000, 3],
    [16384, 4],
  ])('REP STOSQ of %i elements retires %i', (count, retires) => {
    const core = start(REP_STOSQ);
    setRegister(core, RCX, BigInt(count));
    setRegister(core, RDI, 0x100000n);
    expect(run(core)).toBe(retires);
    expect(register(core, RCX)).toBe(0n);
    expect(register(core, RDI)).toBe(0x100000n + 8n * BigInt(count));
  });

  it('does not depend on how it is run', () => {
    const ends = [0, RUN_CAREFUL].map((flags) => {
      const core = start(REP_MOVSB);
      writeWord(core, RUN_FLAGS, flags);
      setRegister(core, RCX, 9001n);
      setRegister(core, RSI, 0x100003n);
      setRegister(core, RDI, 0x200ff1n);
      return [run(core), register(core, RSI), register(core, RDI)];
    });
    expect(ends[1]).toEqual(ends[0]);
  });

  it('comes back to itself when the budget is used up', () => {
    const core = start(REP_STOSQ);
    setRegister(core, RCX, 3n * 4096n);
    setRegister(core, RDI, 0x100000n);
    expect(runFor(core, 1)).toEqual({ stop: STOP_BUDGET });
    expect(register(core, RCX)).toBe(2n * 4096n);
    expect(core.exports.getRip()).toBe(BigInt(CODE));
  });

  it('REPNE SCASB ends with the element found', () => {
    const core = start(REPNE_SCASB);
    core.bytes.fill(1, RAM + 0x100000, RAM + 0x110000);
    core.bytes[RAM + 0x102345] = 0;
    setRegister(core, RCX, 0x10000n);
    setRegister(core, RDI, 0x100000n);
    run(core);
    expect(register(core, RDI)).toBe(0x102346n);
    expect(register(core, RCX)).toBe(0x10000n - 0x2346n);
    expect(core.exports.getFlags() & 0x40n).toBe(0x40n);
  });
});

describe('against the definition', () => {
  const prefixes: Record<number, number[]> = {
    1: [0xf3, 0xa4],
    2: [0xf3, 0x66, 0xa5],
    4: [0xf3, 0xa5],
    8: [0xf3, 0x48, 0xa5],
  };
  const random: Random = { state: 7 };
  const cases = Array.from({ length: 60 }, () => ({
    size: [1, 2, 4, 8][below(random, 4)]!,
    from: 0x100000 + between(random, 0x2800, 0x3800),
    distance: between(random, -40, 40) * (below(random, 3) ? 1 : 150),
    count: between(random, 1, 2000),
    down: below(random, 2) === 1,
  }));
  it.each(cases)(
    'REP MOVS $size bytes, $count times, $distance apart, downwards: $down',
    ({ size, from, distance, count, down }) => {
      const core = start(prefixes[size]!);
      const memory = core.bytes.subarray(RAM + 0x100000, RAM + 0x110000);
      for (let i = 0; i < memory.length; i++) memory[i] = next(random);
      const expected = memory.slice();
      const reach = count * size;
      const first = down ? from + reach : from;
      for (let i = 0; i < count; i++) {
        const at = first - 0x100000 + (down ? -i : i) * size;
        expected.copyWithin(at + distance, at, at + size);
      }
      setRegister(core, RCX, BigInt(count));
      setRegister(core, RSI, BigInt(first));
      setRegister(core, RDI, BigInt(first + distance));
      if (down) core.exports.setFlags(2n | DIRECTION);
      run(core);
      expect(Buffer.compare(memory, expected)).toBe(0);
    },
  );
});

describe('segments and address sizes', () => {
  it('REP STOSB wraps DI at 64 KiB in real mode', () => {
    const core = openCore();
    load(core, CODE, [0xf3, 0xaa, 0xf4]);
    enterReal(core, CODE);
    setRegister(core, 0, 0xabn);
    setRegister(core, RCX, 0x20n);
    setRegister(core, RDI, 0xfff0n);
    expect(runFor(core, 100).fault).toBeUndefined();
    expect(register(core, RDI) & 0xffffn).toBe(0x10n);
    expect(core.bytes.subarray(RAM + 0xfff0, RAM + 0x10001)).toEqual(new Uint8Array([...Array(16).fill(0xab), 0]));
    expect(core.bytes.subarray(RAM, RAM + 0x11)).toEqual(new Uint8Array([...Array(16).fill(0xab), 0]));
  });

  it('a fault in the middle leaves the registers at its element', () => {
    const core = openCore();
    load(core, CODE, [0xf3, 0xa5, 0xf4]); // REP MOVSD
    enterProtected(core, CODE);
    limitSegment(core, 0, 0x20_0fff); // ES
    setRegister(core, RCX, 0x1000n);
    setRegister(core, RSI, 0x100000n);
    setRegister(core, RDI, 0x200ff0n);
    expect(runFor(core, 100).fault).toEqual({ vector: 13, error: 0, address: 0n });
    expect(register(core, RDI)).toBe(0x201000n);
    expect(register(core, RSI)).toBe(0x100010n);
    expect(register(core, RCX)).toBe(0xffcn);
    expect(core.exports.getRip()).toBe(BigInt(CODE));
  });
});

describe('devices', () => {
  it('REP STOSD to a device writes element by element and counts as elsewhere', () => {
    const writes: bigint[] = [];
    const core = openCore(16, { writeMemory: (physical, size, value) => writes.push(physical, BigInt(size), value) });
    load(core, CODE, [0xf3, 0xab, 0xf4]);
    enterLong(core, CODE);
    setRegister(core, 0, 0x12345678n);
    setRegister(core, RCX, 3n);
    setRegister(core, RDI, 0xfee00300n);
    expect(run(core)).toBe(1);
    expect(writes).toEqual([0xfee00300n, 4n, 0x12345678n, 0xfee00304n, 4n, 0x12345678n, 0xfee00308n, 4n, 0x12345678n]);
  });

  it('copies from RAM into a device that begins in the middle', () => {
    const writes: bigint[] = [];
    const core = openCore(16, { writeMemory: (physical) => writes.push(physical) });
    load(core, CODE, [0xf3, 0xa4, 0xf4]);
    enterLong(core, CODE);
    setRegister(core, RCX, 0x1010n);
    setRegister(core, RSI, 0x100000n);
    setRegister(core, RDI, BigInt(16 << 20) - 0x1000n); // RAM ends 1000H further on
    expect(run(core)).toBe(2);
    expect(writes).toEqual(Array.from({ length: 16 }, (_, i) => BigInt((16 << 20) + i)));
  });
});
