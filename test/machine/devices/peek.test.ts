// What a person sees of the interrupt controllers is what software would read, and looking changes nothing.
import { describe, expect, it } from 'vitest';
import { createBench, initializePic } from './bench.ts';

const LOCAL = 0xfee00000;
const IO = 0xfec00000;

function started() {
  const bench = createBench();
  const write = (offset: number, value: number): void => bench.board.writeMemory(LOCAL + offset, 4, value);
  const read = (offset: number): number => bench.board.readMemory(LOCAL + offset, 4);
  write(0xf0, 0x1ff);
  return { bench, write, read, peek: () => bench.board.peek(0) };
}

describe('the local APIC', () => {
  it('lists what waits, what is in service and the priorities', () => {
    const { bench, write, read, peek } = started();
    // Interrupts to itself with the vectors 31H, 45H and E2H: the highest is taken.
    for (const vector of [0x31, 0x45, 0xe2]) write(0x300, 0x40000 | vector);
    expect(bench.board.acknowledge()).toBe(0xe2);
    const { local } = peek();
    expect(local).toMatchObject({ mode: 'xAPIC', page: LOCAL, id: 0, requests: [0x31, 0x45], inService: [0xe2] });
    expect(local.processorPriority).toBe(0xe0);
    expect(local.command).toBe(0x400e2);
    expect(local.spuriousVector).toBe(0x1ff);
    expect([read(0x210), read(0x220), read(0x170)]).toEqual([1 << 0x11, 1 << 5, 4]);
  });

  it('knows when the timer expires', () => {
    const { bench, write, read, peek } = started();
    write(0x3e0, 0xb); // divide by 1
    write(0x320, 0x20040); // periodic, vector 40H
    write(0x380, 1000);
    bench.time += 300;
    expect(peek().local.timer).toMatchObject({ initialCount: 1000, currentCount: 700, expires: 1000 });
    expect(bench.board.nextEvent()).toBe(1000);
    expect(read(0x390)).toBe(700);
  });

  it('lets a masked timer run in what it shows, as a read would', () => {
    const { bench, write, read, peek } = started();
    write(0x3e0, 0xb);
    write(0x320, 0x30040); // masked
    write(0x380, 1000);
    bench.time = 2500;
    expect(peek().local.timer).toMatchObject({ currentCount: 500, expires: 3000 });
    expect(read(0x390)).toBe(500);
  });

  it('is in x2APIC mode with its identifier and without a destination format', () => {
    const { bench, peek } = started();
    bench.board.setApicBase(LOCAL | 0xc00);
    expect(peek().local).toMatchObject({ mode: 'x2APIC', id: 0, destinationFormat: undefined });
    bench.board.setApicBase(LOCAL);
    expect(peek().local.mode).toBe('disabled');
  });
});

it('the I/O APIC’s entries and lines, and the 8259s’ registers', () => {
  const { bench, peek } = started();
  initializePic(bench, 0xffee);
  const redirect = (pin: number, low: number, high: number): void => {
    bench.board.writeMemory(IO, 4, 0x10 + 2 * pin);
    bench.board.writeMemory(IO + 0x10, 4, low);
    bench.board.writeMemory(IO, 4, 0x11 + 2 * pin);
    bench.board.writeMemory(IO + 0x10, 4, high);
  };
  redirect(9, 0xa051, 0x0f000000);
  const { ioApic, pics } = peek();
  expect(ioApic.pins).toHaveLength(24);
  expect(ioApic.pins[9]).toEqual({ entry: 0x0f00_0000_0000_a051n, line: false });
  expect(ioApic.pins[8]?.entry).toBe(0x10000n);
  expect(pics.map(({ base, mask }) => [base, mask])).toEqual([
    [0x20, 0xee],
    [0x28, 0xff],
  ]);
});

it('looking changes nothing', () => {
  const { bench, write, peek } = started();
  write(0x320, 0x40);
  write(0x380, 10);
  write(0x300, 0x40031);
  bench.time = 50_000;
  const before = JSON.stringify(bench.board.save());
  peek();
  expect(JSON.stringify(bench.board.save())).toBe(before);
});
