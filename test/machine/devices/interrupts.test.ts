import { describe, expect, it } from 'vitest';
import { MEGABYTE, createBench, initializePic } from './bench.ts';

const LOCAL = 0xfee00000;
const IO = 0xfec00000;

function apicBench() {
  const bench = createBench();
  const write = (offset: number, value: number): void => bench.board.writeMemory(LOCAL + offset, 4, value);
  const read = (offset: number): number => bench.board.readMemory(LOCAL + offset, 4);
  write(0xf0, 0x1ff);
  return { bench, board: bench.board, read, write, self: (vector: number) => write(0x300, 0x40000 | vector) };
}

describe('8259s through the local APIC', () => {
  const raiseSerial = (bench: ReturnType<typeof createBench>): void => bench.out(0x3f9, 2);

  it('present IRQ 4 as power-on firmware leaves LINT0, and not once LINT0 is masked', () => {
    const bench = createBench();
    initializePic(bench, 0xffef);
    raiseSerial(bench);
    expect(bench.board.interruptPending()).toBe(true);
    bench.board.writeMemory(LOCAL + 0x350, 4, 0x10700);
    expect(bench.board.interruptPending()).toBe(false);
    bench.board.setApicBase(0xfee00100); // disabled: LINT0 is the INTR pin
    expect(bench.board.interruptPending()).toBe(true);
    expect(bench.board.acknowledge()).toBe(0x24);
  });

  it('answer with a spurious vector when the request is gone', () => {
    const bench = createBench();
    initializePic(bench, 0xffef);
    raiseSerial(bench);
    bench.in(0x3fa); // the port's request goes away
    expect(bench.board.interruptPending()).toBe(false);
    expect(bench.board.acknowledge()).toBe(0x27);
    bench.out(0x20, 0x0b);
    expect(bench.in(0x20)).toBe(0); // nothing is in service
  });

  it('a level-triggered input asks again after its end while its line is up', () => {
    const bench = createBench();
    initializePic(bench, 0xffef);
    bench.out(0x4d0, 0x10);
    expect(bench.in(0x4d0)).toBe(0x10);
    raiseSerial(bench);
    expect(bench.board.acknowledge()).toBe(0x24);
    expect(bench.board.interruptPending()).toBe(false);
    bench.out(0x20, 0x20);
    expect(bench.board.interruptPending()).toBe(true);
    bench.in(0x3fa);
    expect(bench.board.interruptPending()).toBe(false);
  });

  it('do not come before a local APIC interrupt that passes', () => {
    const { bench, board, self } = apicBench();
    initializePic(bench, 0xffef);
    raiseSerial(bench);
    self(0x81);
    expect(board.acknowledge()).toBe(0x81);
    expect(board.acknowledge()).toBe(0x24);
  });
});

describe('local APIC priorities', () => {
  it('delivers by class, nests, and returns in order', () => {
    const { board, self, write, read } = apicBench();
    for (const vector of [0x41, 0x45, 0x52, 0x31]) self(vector);
    expect(board.acknowledge()).toBe(0x52);
    expect(board.interruptPending()).toBe(false); // 45H waits for the end of its better
    expect(read(0xa0)).toBe(0x50);
    self(0x61);
    expect(board.acknowledge()).toBe(0x61);
    write(0xb0, 0);
    expect(board.interruptPending()).toBe(false);
    write(0xb0, 0);
    expect(board.acknowledge()).toBe(0x45);
    expect(board.interruptPending()).toBe(false); // 41H is of the same class
    write(0xb0, 0);
    expect(board.acknowledge()).toBe(0x41);
    write(0xb0, 0);
    expect(board.acknowledge()).toBe(0x31);
  });

  it('shares bits 7:4 of the task priority with CR8', () => {
    const { bench, board, self, write, read } = apicBench();
    write(0x80, 0x57);
    expect(bench.taskPriority).toBe(5);
    expect(read(0x80)).toBe(0x57);
    self(0x5f);
    expect(board.interruptPending()).toBe(false);
    bench.taskPriority = 4; // MOV CR8
    expect(read(0x80)).toBe(0x40);
    expect(board.interruptPending()).toBe(true);
    bench.taskPriority = 15;
    expect(board.acknowledge()).toBe(0xff); // spurious: it no longer passes
    expect(read(0xa0)).toBe(0xf0);
  });

  it.each([
    ['fixed with vector 15', 0x4000f, 0x60],
    ['fixed with vector 16', 0x40010, 0],
  ])('error status after %s', (_name, command, errors) => {
    const { read, write } = apicBench();
    write(0x300, command);
    write(0x280, 0);
    expect(read(0x280)).toBe(errors & 0x20);
  });

  it('records accesses to registers that do not exist, and interrupts by the error entry', () => {
    const { board, read, write } = apicBench();
    write(0x370, 0xfe);
    read(0x2f0);
    expect(board.acknowledge()).toBe(0xfe);
    write(0x280, 0);
    expect(read(0x280)).toBe(0x80);
    write(0x280, 0);
    expect(read(0x280)).toBe(0);
  });

  it('sends NMI, INIT and start-up to itself', () => {
    const { board, write } = apicBench();
    expect(board.signalPending()).toBe(false);
    write(0x310, 0);
    write(0x300, 0x0400);
    expect([board.signalPending(), board.takeNmi(), board.takeNmi(), board.signalPending()]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    write(0x300, 0x4500);
    expect([board.takeInit(), board.takeInit()]).toEqual([true, false]);
    write(0x300, 0x0500); // level de-assert
    expect(board.takeInit()).toBe(false);
    write(0x300, 0x0608);
    expect([board.takeStartup(), board.takeStartup()]).toEqual([8, undefined]);
    write(0x300, 0xc4400); // all but itself: nobody
    expect(board.signalPending()).toBe(false);
  });

  it('accepts nothing while disabled by software, and masks its local entries', () => {
    const { board, read, write, self } = apicBench();
    write(0x320, 0x40);
    write(0xf0, 0xff);
    self(0x50);
    expect(board.interruptPending()).toBe(false);
    expect(read(0x320)).toBe(0x10040);
    write(0x320, 0x40);
    expect(read(0x320)).toBe(0x10040);
    write(0xf0, 0x1ff);
    expect(read(0x320)).toBe(0x10040);
  });
});

describe('IA32_APIC_BASE', () => {
  it('moves the page, overlays RAM with it, and takes it away', () => {
    const { board } = apicBench();
    expect(board.overlays()).toEqual([]);
    board.setApicBase(0x00300900);
    expect(board.overlays()).toEqual([0x300000]);
    expect(board.readMemory(0x300030, 4)).toBe(0x50014);
    expect(board.readMemory(0xfee00030, 4)).toBe(0xffffffff);
    board.setApicBase(0x00300100);
    expect(board.overlays()).toEqual([]);
    board.setApicBase(0xfee00900);
    expect(board.readMemory(LOCAL + 0xf0, 4)).toBe(0xff); // as after reset
    expect(board.readMemory(LOCAL + 0x350, 4)).toBe(0x10000);
  });

  it('x2APIC: registers are MSRs, with #GP for what is reserved', () => {
    const { board } = apicBench();
    expect(board.readApicMsr(0x802)).toBeUndefined();
    board.setApicBase(0xfee00d00);
    expect(board.readMemory(LOCAL + 0x30, 4)).toBe(0xffffffff);
    expect(board.readApicMsr(0x802)).toEqual({ low: 0, high: 0 });
    expect(board.readApicMsr(0x803)).toEqual({ low: 0x50014, high: 0 });
    expect(board.readApicMsr(0x80d)).toEqual({ low: 1, high: 0 });
    // SDM, "x2APIC Register Address Space": write-only, absent and reserved ones
    for (const index of [0x80b, 0x83f, 0x80e, 0x831, 0x800, 0x801, 0x804, 0x809, 0x82f, 0x83a, 0x8ff])
      expect(board.readApicMsr(index)).toBeUndefined();
    for (const index of [0x802, 0x803, 0x80a, 0x80d, 0x80e, 0x810, 0x820, 0x831, 0x839, 0x84f])
      expect(board.writeApicMsr(index, 0, 0)).toBe(false);
    expect(board.writeApicMsr(0x808, 0x100, 0)).toBe(false);
    expect(board.writeApicMsr(0x808, 0x20, 1)).toBe(false);
    expect(board.writeApicMsr(0x808, 0x20, 0)).toBe(true);
    expect(board.writeApicMsr(0x80b, 1, 0)).toBe(false);
    expect(board.writeApicMsr(0x828, 1, 0)).toBe(false);
    expect(board.writeApicMsr(0x83e, 4, 0)).toBe(false);
    expect(board.writeApicMsr(0x80f, 0x200, 0)).toBe(false);
    expect(board.writeApicMsr(0x830, 0x1000, 0)).toBe(false);
    expect(board.writeApicMsr(0x83f, 0x100, 0)).toBe(false);
    expect(board.writeApicMsr(0x83f, 0x71, 0)).toBe(true);
    expect(board.acknowledge()).toBe(0x71);
    expect(board.writeApicMsr(0x80b, 0, 0)).toBe(true);
    expect(board.writeApicMsr(0x830, 0x72, 0)).toBe(true); // to APIC 0
    expect(board.writeApicMsr(0x830, 0x73, 1)).toBe(true); // to APIC 1, which is not there
    expect(board.writeApicMsr(0x830, 0x874, 1)).toBe(true); // logical: cluster 0, member 0
    expect(board.readApicMsr(0x830)).toEqual({ low: 0x874, high: 1 });
    expect([board.acknowledge(), board.interruptPending()]).toEqual([0x74, false]);
    expect(board.writeApicMsr(0x80b, 0, 0)).toBe(true);
    expect(board.acknowledge()).toBe(0x72);
  });
});

describe('I/O APIC', () => {
  function pin(number: number, low: number) {
    const { bench, board, write, read } = apicBench();
    const select = (register: number, value: number): void => {
      board.writeMemory(IO, 4, register);
      board.writeMemory(IO + 0x10, 4, value);
    };
    const entry = (): number => {
      board.writeMemory(IO, 4, 0x10 + number * 2);
      return board.readMemory(IO + 0x10, 4);
    };
    select(0x10 + number * 2, low);
    return { bench, board, write, read, entry };
  }

  it('delivers a level-triggered pin until its line falls', () => {
    const { bench, board, write, entry } = pin(4, 0x8044);
    bench.out(0x3f9, 2);
    expect(entry()).toBe(0xc044); // remote IRR
    expect(board.acknowledge()).toBe(0x44);
    write(0xb0, 0);
    expect(entry()).toBe(0xc044); // the line was up: again
    expect(board.acknowledge()).toBe(0x44);
    bench.in(0x3fa);
    write(0xb0, 0);
    expect(entry()).toBe(0x8044);
    expect(board.interruptPending()).toBe(false);
  });

  it('delivers an edge once, and loses it while masked', () => {
    const { bench, board, write } = pin(4, 0x044);
    bench.out(0x3f9, 2);
    expect(board.acknowledge()).toBe(0x44);
    write(0xb0, 0);
    expect(board.interruptPending()).toBe(false);
    const masked = pin(4, 0x10044);
    masked.bench.out(0x3f9, 2);
    masked.board.writeMemory(IO + 0x10, 4, 0x044);
    expect(masked.board.interruptPending()).toBe(false);
  });

  it('has the timer at pin 2', () => {
    const { bench, board } = pin(2, 0x032);
    bench.out(0x43, 0x34);
    bench.out(0x40, 100);
    bench.out(0x40, 0);
    bench.runTo(board.nextEvent());
    expect(board.acknowledge()).toBe(0x32);
  });

  it('passes the 8259s through pin 0 as an external interrupt', () => {
    const { bench, board, write } = pin(0, 0x700);
    initializePic(bench, 0xffef);
    write(0x350, 0x10700);
    bench.out(0x3f9, 2);
    expect(board.acknowledge()).toBe(0x24);
  });
});

describe('COM1', () => {
  it('sends, and receives any number of bytes through its FIFO with interrupts', () => {
    const bench = createBench();
    initializePic(bench, 0xffef);
    for (const byte of [0x48, 0x69]) bench.out(0x3f8, byte);
    expect(bench.output).toEqual([0x48, 0x69]);
    bench.out(0x3fa, 0xc7); // FIFO, trigger level 14
    bench.out(0x3f9, 1);
    const text = Array.from({ length: 40 }, (_, index) => index + 1);
    bench.board.input(Uint8Array.from(text));
    expect(bench.board.acknowledge()).toBe(0x24);
    expect(bench.in(0x3fa)).toBe(0xc4);
    const received: number[] = [];
    while (bench.in(0x3fd) & 1) received.push(bench.in(0x3f8));
    expect(received).toEqual(text);
    expect(bench.in(0x3fa)).toBe(0xc1);
    bench.board.input(Uint8Array.of(9));
    expect(bench.in(0x3fa)).toBe(0xcc); // below the trigger level: character timeout
  });
});

describe('ports for tests, resets, empty places', () => {
  it.each([
    ['test exit', [[0xf4, 0x10, 1]], [{ status: 0x21, port: 0xf4 }]],
    ['test exit, 32 bits', [[0xf4, 0x1234, 4]], [{ status: 0x2469, port: 0xf4 }]],
    [
      'the word "Shutdown"',
      [...'ShutShutdown'].map((letter) => [0x8900, letter.charCodeAt(0), 1]),
      [{ status: 0, port: 0x8900 }],
    ],
    ['keyboard controller reset', [[0x64, 0xfe, 1]], [{ status: 2, port: 0x64 }]],
    ['port 92H reset', [[0x92, 3, 1]], [{ status: 2, port: 0x92 }]],
    [
      'CF9H reset',
      [
        [0xcf9, 2, 1],
        [0xcf9, 6, 1],
      ],
      [{ status: 2, port: 0xcf9 }],
    ],
  ] as const)('%s', (_name, writes, shutdowns) => {
    const bench = createBench();
    for (const [port, value, size] of writes) bench.out(port!, value!, size as 1 | 4);
    expect(bench.shutdowns).toEqual(shutdowns);
  });

  it('says once for each port and page that nothing is there', () => {
    const bench = createBench();
    expect([
      bench.in(0x300, 2),
      bench.in(0x300),
      bench.board.readMemory(0xe0000010, 4),
      bench.board.readMemory(0xe0000ff0, 1),
    ]).toEqual([0xffff, 0xff, 0xffffffff, 0xff]);
    expect(bench.notices.length).toBe(3);
    expect(bench.notices.join()).toMatch(/300H.*301H.*E0000000H/);
  });

  it('splits wide accesses to byte devices', () => {
    const bench = createBench();
    bench.out(0x20, 0x2011, 2); // ICW1, ICW2
    bench.out(0x21, 4);
    bench.out(0x21, 1);
    bench.out(0x21, 0xef);
    bench.out(0x3f9, 2);
    expect(bench.board.acknowledge()).toBe(0x24);
  });

  it("has QEMU's device for test suites: a data port, interrupt lines, memory", () => {
    const bench = createBench();
    initializePic(bench, 0xff7f);
    bench.out(0xe0, 0x12345678, 4);
    expect([bench.in(0xe1), bench.in(0xe2, 2), bench.in(0xe0, 4)]).toEqual([0x56, 0x1234, 0x12345678]);
    bench.out(0x2007, 1);
    expect(bench.board.acknowledge()).toBe(0x27);
    bench.board.writeMemory(0xff000010, 4, 0xcafe1234);
    expect([bench.board.readMemory(0xff000011, 1), bench.board.readMemory(0xff000010, 4)]).toEqual([0x12, 0xcafe1234]);
    expect(bench.notices).toEqual([]);
  });

  it('waits for nothing at power-on', () => {
    expect(createBench().board.nextEvent()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('snapshots', () => {
  it('give the same future', () => {
    const busy = (): ReturnType<typeof createBench> => {
      const bench = createBench(128 * MEGABYTE);
      initializePic(bench, 0xfeea);
      bench.out(0x43, 0x34);
      bench.out(0x40, 0x34);
      bench.out(0x40, 0x12);
      bench.board.writeMemory(LOCAL + 0x320, 4, 0x20055);
      bench.board.writeMemory(LOCAL + 0x380, 4, 12345);
      bench.out(0x70, 0x0b);
      bench.out(0x71, 0x52);
      bench.out(0x3f9, 3);
      bench.board.input(Uint8Array.of(1, 2, 3));
      bench.in(0x300);
      bench.runTo(3_333_333);
      return bench;
    };
    const future = (bench: ReturnType<typeof createBench>): unknown[] => {
      const happenings: unknown[] = [];
      for (let step = 0; step < 200; step++) {
        happenings.push(
          bench.runTo(bench.time + 77_777),
          bench.board.interruptPending(),
          bench.in(0x3fd),
          bench.in(0x40),
          bench.board.readMemory(LOCAL + 0x390, 4),
        );
        if (bench.board.interruptPending()) happenings.push(bench.board.acknowledge());
        if (step % 3 === 0) bench.out(0x20, 0x20);
        if (step % 5 === 0) bench.board.writeMemory(LOCAL + 0xb0, 4, 0);
        if (step % 7 === 0) happenings.push(bench.in(0x3f8), bench.in(0x300));
      }
      return [...happenings, bench.notices];
    };
    const original = busy();
    const saved = original.board.save();
    const frozen = structuredClone(saved);
    const first = future(original);
    expect(saved).toEqual(frozen); // the running board did not reach into it
    const restored = createBench(128 * MEGABYTE);
    restored.board.load(saved);
    restored.time = 3_333_333;
    restored.notices.push(...busy().notices);
    expect(future(restored)).toEqual(first);
    expect(structuredClone(saved)).toEqual(frozen);
  });
});
