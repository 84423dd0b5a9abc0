import { describe, expect, it } from 'vitest';
import { lacking, randomNumbers } from '../../program/toolchain.ts';
import { createBench } from './bench.ts';
import { type Access, inb, outb, playInQemu, playOnBoard, read, write } from './qemu.ts';

/** A list, and the bits in which QEMU is known to differ from the data sheet, by position in the list. */
interface Case {
  readonly name: string;
  readonly list: readonly Access[];
  readonly ignore?: Readonly<Record<number, number>>;
}

const cmos = (...indices: number[]): Access[] => indices.flatMap((index) => [outb(0x70, index), inb(0x71)]);
const setCmos = (index: number, value: number): Access[] => [outb(0x70, index), outb(0x71, value)];
const LOCAL = 0xfee00000;
const IO = 0xfec00000;

const CASES: readonly Case[] = [
  {
    name: 'COM1: registers, FIFO, loopback, interrupt identification',
    // biome-ignore format: a script
    list: [
      outb(0x3fc, 8), inb(0x3fc), inb(0x3f9), outb(0x3fb, 0x83), outb(0x3f8, 1), outb(0x3f9, 0), inb(0x3f8), inb(0x3f9), outb(0x3fb, 3), inb(0x3fa), outb(0x3fa, 7),
      inb(0x3fa), inb(0x3fd), inb(0x3fe), outb(0x3fc, 0x1f), inb(0x3fe), outb(0x3f8, 0x41), inb(0x3fd), inb(0x3f8), inb(0x3fd),
      outb(0x3fc, 0x10), inb(0x3fe), outb(0x3f9, 0xff), inb(0x3f9), outb(0x3ff, 0x5a), inb(0x3ff), outb(0x3fc, 0x1a), inb(0x3fe),
      outb(0x3f9, 1), outb(0x3f8, 1), outb(0x3f8, 2), inb(0x3fd), inb(0x3f8), inb(0x3f8), inb(0x3f8), inb(0x3fd), outb(0x3fa, 0),
      inb(0x3fa), outb(0x3f9, 2), inb(0x3fa), inb(0x3fa), outb(0x3f8, 0x42), inb(0x3fa), inb(0x3f8),
    ],
    ignore: { 15: 0x0f, 21: 0x0f, 27: 0x0f }, // QEMU leaves out the delta bits in loopback
  },
  {
    name: 'PIT: status, counts, gate and output of channel 2',
    // biome-ignore format: a script
    list: [
      outb(0x43, 0x34), outb(0x43, 0xe2), inb(0x40), outb(0x43, 0x30), outb(0x43, 0xe2), inb(0x40), outb(0x40, 0xff), outb(0x40, 0xff), outb(0x43, 0xe2), inb(0x40),
      outb(0x61, 0), outb(0x43, 0xb6), outb(0x43, 0xe8), inb(0x42), outb(0x42, 0), outb(0x42, 0), outb(0x43, 0xe8), inb(0x42),
      outb(0x43, 0x12), outb(0x43, 0xe2), inb(0x40), outb(0x43, 0x25), outb(0x43, 0xe2), inb(0x40),
    ],
    ignore: { 2: 0xc0, 5: 0xc0, 13: 0xc0, 17: 0x40, 20: 0xc0, 23: 0xc0 }, // QEMU has no null-count flag, and no output before a count
  },
  {
    name: 'RTC: memory size, setting the date, BCD and binary, 12 and 24 hours',
    // biome-ignore format: a script
    list: [
      ...cmos(0x0b, 0x0d, 0x15, 0x16, 0x17, 0x18, 0x30, 0x31, 0x34, 0x35, 0x0f, 0x5b),
      ...setCmos(0x0b, 0x82), ...setCmos(0, 0x10), ...setCmos(2, 0x58), ...setCmos(4, 0x23), ...setCmos(7, 0x28), ...setCmos(8, 0x02), ...setCmos(9, 0x24), ...setCmos(0x0b, 0x02),
      ...cmos(0, 2, 4, 7, 8, 9), ...setCmos(0x0b, 0x04), ...cmos(2, 4, 7, 8, 9), ...setCmos(0x0b, 0x00), ...cmos(2, 4, 7, 8, 9),
      ...setCmos(0x0b, 0x82), ...setCmos(1, 0xff), ...setCmos(3, 0x12), ...setCmos(5, 0x34), ...cmos(1, 3, 5), ...setCmos(0x0a, 0x2f), ...cmos(0x0a),
    ],
  },
  {
    name: 'keyboard controller, PCI, fw_cfg, test ports',
    // biome-ignore format: a script
    list: [
      outb(0x64, 0xaa), inb(0x64), inb(0x60), inb(0x64), outb(0x64, 0xab), inb(0x60), outb(0x64, 0x60), outb(0x60, 0x45), outb(0x64, 0x20), inb(0x60), outb(0x92, 2), inb(0x92),
      { kind: 'out', at: 0xcf8, size: 4, value: 0x8000f800 }, { kind: 'in', at: 0xcf8, size: 4 }, inb(0xcf9), outb(0xcf9, 2), inb(0xcf9),
      { kind: 'out', at: 0x510, size: 2, value: 0 }, inb(0x511), inb(0x511), inb(0x511), inb(0x511), inb(0x511),
      { kind: 'out', at: 0x510, size: 2, value: 3 }, inb(0x511), inb(0x511), inb(0x511), inb(0x511), inb(0x511),
      { kind: 'out', at: 0x510, size: 2, value: 5 }, inb(0x511), inb(0x511), { kind: 'out', at: 0x510, size: 2, value: 15 }, inb(0x511), inb(0xf4), inb(0xe9),
      { kind: 'in', at: 0x1234, size: 4 }, inb(0x4321),
    ],
  },
  {
    name: 'local APIC: reset values behind firmware, priorities, self-IPI, logical destination',
    // biome-ignore format: a script
    list: [
      ...[0x20, 0x30, 0x80, 0xd0, 0xe0, 0xf0, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3e0].map((offset) => read(LOCAL + offset)),
      write(LOCAL + 0xf0, 0x1ff), write(LOCAL + 0x3e0, 0xffffffff), read(LOCAL + 0x3e0), write(LOCAL + 0x80, 0x45), read(LOCAL + 0x80), read(LOCAL + 0xa0),
      write(LOCAL + 0x300, 0x40041), read(LOCAL + 0x300), read(LOCAL + 0x220), write(LOCAL + 0x300, 0x40073), read(LOCAL + 0x230), read(LOCAL + 0xa0), read(LOCAL + 0x110),
      write(LOCAL + 0xd0, 0xffffffff), read(LOCAL + 0xd0), write(LOCAL + 0xe0, 0), read(LOCAL + 0xe0), write(LOCAL + 0x310, 0x01000000), write(LOCAL + 0x300, 0x00052), read(LOCAL + 0x220),
      write(LOCAL + 0x310, 0xff000000), write(LOCAL + 0x300, 0x00053), read(LOCAL + 0x220), write(LOCAL + 0xe0, 0xffffffff), write(LOCAL + 0xd0, 0x02000000),
      write(LOCAL + 0x310, 0x01000000), write(LOCAL + 0x300, 0x00854), read(LOCAL + 0x220), write(LOCAL + 0x310, 0x03000000), write(LOCAL + 0x300, 0x00855), read(LOCAL + 0x220),
      write(LOCAL + 0x300, 0xc0056), read(LOCAL + 0x220), write(LOCAL + 0x300, 0x80057), read(LOCAL + 0x220), read(LOCAL + 0x190), write(LOCAL + 0x40, 0),
    ],
  },
  {
    name: 'I/O APIC: registers and pins',
    // biome-ignore format: a script
    list: [
      write(LOCAL + 0xf0, 0x1ff), read(IO), write(IO, 1), read(IO + 0x10), write(IO, 0x10), read(IO + 0x10), write(IO, 0), read(IO + 0x10), write(IO + 0x10, 0xff000000), read(IO + 0x10),
      write(IO, 2), read(IO + 0x10), write(IO, 0x3f), read(IO + 0x10), write(IO, 0x40), read(IO + 0x10), write(IO, 0x123), read(IO),
      outb(0x3f9, 0), write(IO, 0x18), write(IO + 0x10, 0x08061), outb(0x3fc, 8), outb(0x3f9, 2), read(LOCAL + 0x230), read(LOCAL + 0x1b0), read(IO + 0x10), inb(0x3fa), read(IO + 0x10),
      write(IO + 0x40, 0x61), read(IO + 0x10), outb(0x3f9, 0), outb(0x3f9, 2), read(IO + 0x10), write(IO, 0x18), write(IO + 0x10, 0x00062), read(IO + 0x10), read(LOCAL + 0x230), inb(0x3fa), outb(0x3f8, 0x41), read(LOCAL + 0x230),
    ],
    ignore: { 36: 0x04 }, // QEMU sends when an edge-triggered entry is written while its line is up
  },
];

/** Random commands to the 8259s, with COM1's line (IRQ 4) and the second chip's cascade going up and down between them. */
function randomPicList(seed: number, length: number): Access[] {
  const below = randomNumbers(seed);
  const initialize = (base: number, vector: number): Access[] => [
    outb(base, 0x11),
    outb(base + 1, vector),
    outb(base + 1, base === 0x20 ? 4 : 2),
    outb(base + 1, below(3) === 0 ? 3 : 1),
  ];
  // The timer's line goes up once, before the initialization, and stays.
  const quiet = [outb(0x43, 0x30), outb(0x40, 1), outb(0x40, 0), { kind: 'wait' } as const];
  const list: Access[] = [
    ...quiet,
    outb(0x3fc, 8),
    outb(0x3f9, 0),
    ...initialize(0x20, 0x20),
    ...initialize(0xa0, 0x28),
  ];
  let raised = false;
  for (let step = 0; step < length; step++) {
    const base = below(4) === 0 ? 0xa0 : 0x20;
    switch (below(9)) {
      case 0:
        list.push(outb(base + 1, below(256)), inb(base + 1));
        break;
      case 1: // end of interrupt, specific or not, with or without rotation
        list.push(outb(base, [0x20, 0x60 | below(8), 0xa0, 0xe0 | below(8)][below(4)]!));
        break;
      case 2: // set priority, rotation on automatic end
        list.push(outb(base, [0xc0 | below(8), 0x80, 0x00, 0x40][below(4)]!));
        break;
      case 3:
        list.push(outb(base, 0x0c), inb(base));
        break;
      case 4:
        list.push(outb(base, 0x0a + below(2)), inb(base));
        break;
      case 5:
        if (!raised) list.push(outb(0x3f9, 2));
        raised = true;
        break;
      case 6: // lowered only after a poll took the request: the data sheet drops a request whose line falls, QEMU keeps it
        if (raised) list.push(outb(0x21, 0xef), outb(0x20, 0x0c), inb(0x20), outb(0x20, 0x0c), inb(0x20), inb(0x3fa));
        raised = false;
        break;
      case 7:
        if (below(6) === 0) list.push(...initialize(base, base === 0x20 ? 0x40 : 0x48));
        break;
      default:
        list.push(outb(base, 0x0b), inb(base), outb(base, 0x0a), inb(base));
    }
  }
  return list;
}

const reads = (list: readonly Access[]): { index: number; at: number }[] =>
  [...list.entries()].flatMap(([index, access]) =>
    access.kind === 'in' || access.kind === 'read' ? [{ index, at: access.at }] : [],
  );

function compare(list: readonly Access[], ignore: Readonly<Record<number, number>> = {}): void {
  const describeAnswers = (answers: readonly number[]): string[] =>
    reads(list).map(
      ({ index, at }, order) =>
        `${index} ${at.toString(16)}: ${((answers[order]! & ~(ignore[index] ?? 0)) >>> 0).toString(16)}`,
    );
  expect(describeAnswers(playOnBoard(list, createBench()))).toEqual(describeAnswers(playInQemu(list)));
}

describe.skipIf(lacking('qemu-system-x86_64', 'nasm'))('devices answer as QEMU does', () => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s', (_name, { list, ignore }) => compare(list, ignore));

  it.each([1, 2, 3, 4])('8259s: random commands, seed %s', (seed) => compare(randomPicList(seed, 400)));
});
