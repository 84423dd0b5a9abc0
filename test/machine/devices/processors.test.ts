// Interrupt messages between the local APICs of four processors, and from the I/O APIC (SDM "Advanced Programmable Interrupt Controller").
import { describe, expect, it } from 'vitest';
import { createBoard } from '../../../src/machine/board.ts';
import type { Board } from '../../../src/machine/devices/types.ts';

const COUNT = 4;
const LOCAL = 0xfee00000;
const ALL = [0, 1, 2, 3];

function fourProcessors(): { board: Board; priorities: number[] } {
  const priorities = new Array<number>(COUNT).fill(0);
  const board = createBoard({
    ramSize: 1 << 20,
    processors: COUNT,
    now: () => 0,
    readTaskPriority: (processor) => priorities[processor]!,
    writeTaskPriority: (processor, value) => {
      priorities[processor] = value;
    },
    output: () => {},
    notice: () => {},
    shutdown: () => {},
    unsimulated: () => {},
  });
  for (const processor of ALL) {
    board.select(processor);
    board.writeMemory(LOCAL + 0xf0, 4, 0x1ff);
  }
  return { board, priorities };
}

function write(board: Board, processor: number, offset: number, value: number): void {
  board.select(processor);
  board.writeMemory(LOCAL + offset, 4, value >>> 0);
}

function send(board: Board, sender: number, command: number, destination: number): void {
  write(board, sender, 0x310, destination << 24);
  write(board, sender, 0x300, command);
}

/** Who has the vector waiting, and takes it. */
function receivers(board: Board): number[] {
  return ALL.filter((processor) => {
    if (!board.interruptPending(processor)) return false;
    board.select(processor);
    board.acknowledge();
    board.writeMemory(LOCAL + 0xb0, 4, 0);
    return true;
  });
}

describe('interprocessor interrupts', () => {
  it.each([
    ['physical', 0x4050, 2, [2]],
    ['physical broadcast', 0x4050, 0xff, ALL],
    ['physical to nobody', 0x4050, 9, []],
    ['to self', 0x44050, 3, [1]],
    ['to all', 0x84050, 3, ALL],
    ['to all but self', 0xc4050, 3, [0, 2, 3]],
    ['flat logical', 0x4850, 0b1010, [1, 3]],
    ['flat logical broadcast', 0x4850, 0xff, ALL],
  ])('%s', (_name, command, destination, expected) => {
    const { board } = fourProcessors();
    for (const processor of ALL) {
      write(board, processor, 0xe0, 0xffffffff);
      write(board, processor, 0xd0, (1 << processor) << 24);
    }
    send(board, 1, command, destination);
    expect(receivers(board)).toEqual(expected);
  });

  it.each([
    ['a member of a cluster', 0x21, [2]],
    ['two members', 0x23, [2, 3]],
    ['members that a cluster lacks', 0x2c, []],
    ['another cluster', 0x13, [0, 1]],
  ])('cluster model: %s', (_name, destination, expected) => {
    const { board } = fourProcessors();
    for (const processor of ALL) {
      write(board, processor, 0xe0, 0x0fffffff);
      write(board, processor, 0xd0, (((processor >> 1) + 1) << 28) | ((1 << (processor & 1)) << 24));
    }
    send(board, 0, 0x4850, destination);
    expect(receivers(board)).toEqual(expected);
  });

  it.each([
    ['physical', 0x4050, 3, [3]],
    ['physical beyond 8 bits', 0x4050, 0x103, []],
    ['broadcast', 0x4050, 0xffffffff, ALL],
    ['logical: cluster 0, members 1 and 2', 0x4850, 0x0006, [1, 2]],
    ['logical: another cluster', 0x4850, 0x10006, []],
  ])('x2APIC: %s', (_name, command, destination, expected) => {
    const { board } = fourProcessors();
    for (const processor of ALL) {
      board.select(processor);
      board.setApicBase(LOCAL | 0xc00);
    }
    board.select(0);
    expect(board.writeApicMsr(0x830, command, destination)).toBe(true);
    const got = ALL.filter((processor) => board.interruptPending(processor));
    expect(got).toEqual(expected);
  });

  it.each([
    ['the lowest task priority', [3, 2, 1, 2], 2],
    ['of equals the first', [1, 1, 1, 1], 0],
  ])('lowest priority goes to %s', (_name, tasks, expected) => {
    const { board, priorities } = fourProcessors();
    tasks.forEach((task, processor) => {
      priorities[processor] = task;
    });
    send(board, 0, 0x4150, 0xff);
    expect(receivers(board)).toEqual([expected]);
  });

  it('lowest priority passes over one that is disabled by software', () => {
    const { board } = fourProcessors();
    write(board, 0, 0xf0, 0xff);
    send(board, 0, 0x4150, 0xff);
    expect(receivers(board)).toEqual([1]);
  });

  it('INIT drops a SIPI that came before, and a SIPI after it waits beside it', () => {
    const { board } = fourProcessors();
    send(board, 0, 0x4655, 1);
    expect(board.startupPending(1)).toBe(true);
    send(board, 0, 0x4500, 1);
    expect([board.initPending(1), board.startupPending(1)]).toEqual([true, false]);
    send(board, 0, 0x4644, 1);
    send(board, 0, 0x4400, 3);
    expect(ALL.map((processor) => board.nmiPending(processor))).toEqual([false, false, false, true]);
    board.select(1);
    expect([board.takeInit(), board.takeStartup()]).toEqual([true, 0x44]);
  });
});

describe('devices', () => {
  const redirect = (board: Board, pin: number, low: number, high: number): void => {
    board.writeMemory(0xfec00000, 4, 0x11 + 2 * pin);
    board.writeMemory(0xfec00010, 4, high << 24);
    board.writeMemory(0xfec00000, 4, 0x10 + 2 * pin);
    board.writeMemory(0xfec00010, 4, low);
  };

  it.each([
    ['physical', 0x60, 3, [3]],
    ['lowest priority, logical', 0x960, 0b0110, [1]],
    ['to all', 0x60, 0xff, ALL],
  ])('the I/O APIC reaches any processor: %s', (_name, low, high, expected) => {
    const { board } = fourProcessors();
    for (const processor of ALL) {
      write(board, processor, 0xe0, 0xffffffff);
      write(board, processor, 0xd0, (1 << processor) << 24);
    }
    redirect(board, 17, low, high);
    board.writePort(0x2000 + 17, 1, 1);
    expect(receivers(board)).toEqual(expected);
  });

  it('the 8259s reach the bootstrap processor alone', () => {
    const { board } = fourProcessors();
    for (const [port, value] of [
      [0x20, 0x11],
      [0x21, 0x20],
      [0x21, 4],
      [0x21, 1],
      [0x21, 0xef],
    ] as const)
      board.writePort(port, 1, value);
    board.writePort(0x2004, 1, 1);
    expect(ALL.filter((processor) => board.interruptPending(processor))).toEqual([0]);
  });
});
