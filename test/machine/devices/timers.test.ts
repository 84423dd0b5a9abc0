import { describe, expect, it } from 'vitest';
import { ticksAt, timeOfTick } from '../../../src/machine/devices/clock.ts';
import { PIT_FREQUENCY } from '../../../src/machine/devices/pit.ts';
import { createBench, initializePic } from './bench.ts';

const SECOND = 1_000_000_000;
const LOCAL = 0xfee00000;

describe('clock', () => {
  it.each([1, 7, 1_193_182, 32_768])('%s Hz: exact both ways, also after a hundred days', (frequency) => {
    for (const start of [0, 12_345, 8_640_000 * SECOND]) {
      const tick = ticksAt(start, frequency);
      const exact = (BigInt(start) * BigInt(frequency)) / BigInt(SECOND);
      expect(BigInt(tick)).toBe(exact);
      for (let next = tick + 1; next < tick + 50; next++) {
        const time = timeOfTick(next, frequency);
        expect(ticksAt(time, frequency)).toBe(next);
        expect(ticksAt(time - 1, frequency)).toBe(next - 1);
      }
    }
  });
});

describe('PIT', () => {
  const program = (mode: number, count: number) => {
    const bench = createBench();
    initializePic(bench, 0xfffe);
    bench.out(0x43, 0x30 | (mode << 1));
    bench.out(0x40, count & 0xff);
    bench.out(0x40, count >> 8);
    return bench;
  };
  /** Times at which IRQ 0 is presented, acknowledged and ended at once. */
  function interrupts(bench: ReturnType<typeof createBench>, until: number): number[] {
    const times: number[] = [];
    for (let next = bench.board.nextEvent(); next <= until; next = bench.board.nextEvent()) {
      bench.runTo(next);
      while (bench.board.interruptPending()) {
        expect(bench.board.acknowledge()).toBe(0x20);
        bench.out(0x20, 0x20);
        times.push(bench.time);
      }
    }
    bench.runTo(until);
    return times;
  }

  it.each([2, 3])('mode %s interrupts once a period, 1,193,182 ticks a second', (mode) => {
    const count = 11_932; // 100 Hz
    const bench = program(mode, count);
    const times = interrupts(bench, SECOND);
    expect(times.length).toBe(Math.floor((PIT_FREQUENCY - 1) / count));
    expect(times).toEqual(times.map((_, index) => timeOfTick(1 + (index + 1) * count, PIT_FREQUENCY)));
  });

  it.each([
    [0, 1 + 1000],
    [4, 1 + 1000 + 1],
  ])('mode %s interrupts once', (mode, tick) => {
    expect(interrupts(program(mode, 1000), SECOND)).toEqual([timeOfTick(tick, PIT_FREQUENCY)]);
  });

  it('a count of 0 is 65,536', () => {
    expect(interrupts(program(2, 0), SECOND / 10)[0]).toBe(timeOfTick(65_537, PIT_FREQUENCY));
  });

  it('a new count in mode 2 begins with the next period', () => {
    const bench = program(2, 1000);
    bench.runTo(timeOfTick(500, PIT_FREQUENCY));
    bench.out(0x40, 0xd0);
    bench.out(0x40, 0x07); // 2000
    const times = interrupts(bench, timeOfTick(6000, PIT_FREQUENCY));
    expect(times).toEqual([1001, 3001, 5001].map((tick) => timeOfTick(tick, PIT_FREQUENCY)));
  });

  it.each([
    [2, false, [1, 500, 501], [0x1000, 0x1000 - 499, 0x1000 - 500]],
    [3, false, [1, 500, 0x801], [0x1000, 0x1000 - 998, 0x1000]],
    [0, false, [1, 500, 0x1002], [0x1000, 0x1000 - 499, 0xffff]],
    [2, true, [1, 2, 12], [0x1000, 0x0999, 0x0989]],
  ] as const)('mode %s, BCD %s: the count as it reads', (mode, bcd, ticks, counts) => {
    const bench = createBench();
    bench.out(0x43, 0x30 | (mode << 1) | (bcd ? 1 : 0));
    bench.out(0x40, 0x00);
    bench.out(0x40, 0x10);
    const values = ticks.map((tick) => {
      bench.runTo(timeOfTick(tick, PIT_FREQUENCY));
      bench.out(0x43, 0x00);
      return bench.in(0x40) | (bench.in(0x40) << 8);
    });
    expect(values).toEqual(counts);
  });

  it('channel 2 runs by its gate and shows its output in port 61H', () => {
    const bench = createBench();
    bench.out(0x61, 0);
    bench.out(0x43, 0xb0); // mode 0
    bench.out(0x42, 0x64);
    bench.out(0x42, 0x00);
    bench.runTo(timeOfTick(1000, PIT_FREQUENCY));
    expect(bench.in(0x61) & 0x20).toBe(0);
    bench.out(0x61, 1);
    bench.runTo(timeOfTick(1099, PIT_FREQUENCY));
    expect(bench.in(0x61) & 0x21).toBe(1);
    bench.runTo(timeOfTick(1101, PIT_FREQUENCY));
    expect(bench.in(0x61) & 0x21).toBe(0x21);
  });

  it('announces nothing while IRQ 0 is masked everywhere, and remembers the edge', () => {
    const bench = program(2, 1000);
    bench.out(0x21, 0xff);
    expect(bench.board.nextEvent()).toBe(Number.POSITIVE_INFINITY);
    bench.runTo(SECOND);
    expect(bench.board.interruptPending()).toBe(false);
    bench.out(0x21, 0xfe);
    expect(bench.board.interruptPending()).toBe(true);
  });
});

describe('RTC', () => {
  const cmos = (bench: ReturnType<typeof createBench>, index: number): number => {
    bench.out(0x70, index);
    return bench.in(0x71);
  };
  const setCmos = (bench: ReturnType<typeof createBench>, index: number, value: number): void => {
    bench.out(0x70, index);
    bench.out(0x71, value);
  };
  const START = Date.UTC(2024, 1, 29, 23, 59, 58) / 1000; // a leap day, a Thursday

  it('keeps the date from its start, across midnight of a leap day', () => {
    const bench = createBench(64 << 20, { startSeconds: START });
    const date = (): number[] => [0, 2, 4, 6, 7, 8, 9, 0x32].map((index) => cmos(bench, index));
    expect(date()).toEqual([0x58, 0x59, 0x23, 5, 0x29, 0x02, 0x24, 0x20]);
    bench.runTo(2 * SECOND);
    expect(date()).toEqual([0x00, 0x00, 0x00, 6, 0x01, 0x03, 0x24, 0x20]);
  });

  it('shows an update in progress during the last 2228 microseconds of a second only', () => {
    const bench = createBench(64 << 20, { startSeconds: START });
    const updating = [0, 0.5, 0.9977, 0.9978, 0.9999, 1].map((seconds) => {
      bench.runTo(seconds * SECOND);
      return cmos(bench, 0x0a) >> 7;
    });
    expect(updating).toEqual([0, 0, 0, 1, 1, 0]);
  });

  it.each([
    [6, 1024],
    [15, 2],
    [3, 8192],
    [1, 256],
  ])('rate %s interrupts %s times a second', (rate, frequency) => {
    const bench = createBench(64 << 20, { startSeconds: START });
    initializePic(bench, 0xfefb); // IRQ 8 and the cascade
    setCmos(bench, 0x0a, 0x20 | rate);
    setCmos(bench, 0x0b, 0x42);
    let count = 0;
    for (let next = bench.board.nextEvent(); next <= SECOND; next = bench.board.nextEvent()) {
      bench.runTo(next);
      if (!bench.board.interruptPending()) continue;
      expect(bench.board.acknowledge()).toBe(0x28);
      expect(cmos(bench, 0x0c)).toBe(next % SECOND === 0 ? 0xd0 : 0xc0); // with the update flag of a full second
      bench.out(0xa0, 0x20);
      bench.out(0x20, 0x20);
      count++;
    }
    expect(count).toBe(frequency);
  });

  it('raises the alarm at its time, with "any" bytes', () => {
    const bench = createBench(64 << 20, { startSeconds: START });
    initializePic(bench, 0xfefb);
    setCmos(bench, 1, 0x05);
    setCmos(bench, 3, 0xff);
    setCmos(bench, 5, 0xc0);
    setCmos(bench, 0x0b, 0x22);
    while (!bench.board.interruptPending()) bench.runTo(bench.board.nextEvent());
    expect(bench.time).toBe(7 * SECOND);
    expect(cmos(bench, 0x0c)).toBe(0xf0); // alarm and update, and the periodic flag, which is set whether or not it interrupts
  });
});

describe('local APIC timer', () => {
  /** Enabled by software, timer entry with vector 40H. */
  function timer(mode: number, divide: number, initial: number) {
    const bench = createBench();
    const write = (offset: number, value: number): void => bench.board.writeMemory(LOCAL + offset, 4, value);
    const read = (offset: number): number => bench.board.readMemory(LOCAL + offset, 4);
    write(0xf0, 0x1ff);
    write(0x3e0, divide);
    write(0x320, (mode << 17) | 0x40);
    write(0x380, initial);
    return { bench, read, write };
  }
  const take = (bench: ReturnType<typeof createBench>): number => {
    const vector = bench.board.acknowledge();
    bench.board.writeMemory(LOCAL + 0xb0, 4, 0);
    return vector;
  };

  // CPUID leaf 15H: a crystal of 1 GHz; divide configuration as the SDM's table.
  it.each([
    [0b1011, 1],
    [0b0000, 2],
    [0b0001, 4],
    [0b0010, 8],
    [0b0011, 16],
    [0b1000, 32],
    [0b1001, 64],
    [0b1010, 128],
  ])('divide configuration %s divides by %s', (code, by) => {
    const { bench, read } = timer(0, code, 1000);
    expect(bench.board.nextEvent()).toBe(1000 * by);
    bench.runTo(400 * by);
    expect(read(0x390)).toBe(600);
    bench.runTo(1000 * by - 1);
    expect(bench.board.interruptPending()).toBe(false);
    bench.runTo(1000 * by);
    expect(read(0x390)).toBe(0);
    expect(take(bench)).toBe(0x40);
    expect(bench.board.nextEvent()).toBe(Number.POSITIVE_INFINITY);
  });

  it('repeats in periodic mode', () => {
    const { bench, read } = timer(1, 0b1011, 100);
    expect(bench.runTo(1000)).toEqual(Array.from({ length: 10 }, (_, index) => (index + 1) * 100));
    bench.runTo(1025);
    expect(read(0x390)).toBe(75);
    expect(take(bench)).toBe(0x40);
    expect(bench.board.interruptPending()).toBe(false);
  });

  it('stops when the initial count becomes 0, and counts on from one-shot to periodic and back', () => {
    const stopped = timer(1, 0b1011, 100);
    stopped.write(0x380, 0);
    expect(stopped.bench.board.nextEvent()).toBe(Number.POSITIVE_INFINITY);
    const changed = timer(1, 0b1011, 100);
    changed.bench.runTo(30);
    changed.write(0x320, 0x40);
    expect([changed.read(0x380), changed.read(0x390)]).toEqual([100, 70]);
    changed.bench.runTo(100);
    expect([take(changed.bench), changed.read(0x390)]).toEqual([0x40, 0]);
    const deadline = timer(1, 0b1011, 100);
    deadline.write(0x320, 0x40040);
    deadline.write(0x320, 0x20040);
    expect([deadline.read(0x380), deadline.read(0x390)]).toEqual([0, 0]);
  });

  it('fires at a TSC deadline once, at once when that is past', () => {
    const { bench, read } = timer(2, 0, 55);
    expect(read(0x390)).toBe(0); // the initial count means nothing in this mode
    bench.board.writeDeadline(5000);
    expect(bench.board.readDeadline()).toBe(5000);
    bench.runTo(5000);
    expect(take(bench)).toBe(0x40);
    expect(bench.board.readDeadline()).toBe(0);
    bench.board.writeDeadline(10);
    expect(take(bench)).toBe(0x40);
    expect(bench.board.nextEvent()).toBe(Number.POSITIVE_INFINITY);
    bench.board.writeMemory(LOCAL + 0x320, 4, 0x40);
    bench.board.writeDeadline(9000);
    expect(bench.board.readDeadline()).toBe(0); // not in this mode
  });

  it('counts on under a mask without an interrupt', () => {
    const { bench, write } = timer(1, 0b1011, 100);
    write(0x320, 0x30040);
    expect(bench.board.nextEvent()).toBe(Number.POSITIVE_INFINITY);
    bench.runTo(250);
    expect(bench.board.interruptPending()).toBe(false);
    write(0x320, 0x20040);
    expect(bench.board.nextEvent()).toBe(300);
  });
});
