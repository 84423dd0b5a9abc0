// A board on the test bench: time and CR8 are variables, everything else is recorded.
import { type BoardOptions, createBoard } from '../../../src/machine/board.ts';
import type { AccessSize, Board } from '../../../src/machine/devices/types.ts';

export interface Bench {
  readonly board: Board;
  time: number;
  taskPriority: number;
  readonly output: number[];
  readonly notices: string[];
  readonly shutdowns: { status: number; port: number }[];
  readonly unsimulated: string[];
  in(port: number, size?: AccessSize): number;
  out(port: number, value: number, size?: AccessSize): void;
  /** Lets time reach `time`, stopping at every event as the machine does; answers when each was. */
  runTo(time: number): number[];
}

export const MEGABYTE = 1 << 20;

export function createBench(ramSize = 64 * MEGABYTE, options: BoardOptions = {}): Bench {
  const bench = {
    time: 0,
    taskPriority: 0,
    output: [] as number[],
    notices: [] as string[],
    shutdowns: [] as { status: number; port: number }[],
    unsimulated: [] as string[],
  };
  const board = createBoard(
    {
      ramSize,
      now: () => bench.time,
      processors: 1,
      readTaskPriority: () => bench.taskPriority,
      writeTaskPriority: (_processor, value) => {
        bench.taskPriority = value;
      },
      output: (byte) => bench.output.push(byte),
      notice: (text) => bench.notices.push(text),
      shutdown: (status, port) => bench.shutdowns.push({ status, port }),
      unsimulated: (explanation) => bench.unsimulated.push(explanation),
    },
    options,
  );
  return Object.assign(bench, {
    board,
    in: (port: number, size: AccessSize = 1) => board.readPort(port, size),
    out: (port: number, value: number, size: AccessSize = 1) => board.writePort(port, size, value),
    runTo(time: number) {
      const events: number[] = [];
      for (let next = board.nextEvent(); next <= time; next = board.nextEvent()) {
        if (next < bench.time) throw new Error(`an event at ${next} lies before ${bench.time}`);
        bench.time = next;
        board.advance(next);
        if (events.at(-1) !== next) events.push(next);
        if (events.length > 100_000) throw new Error('events without end');
      }
      bench.time = time;
      board.advance(time);
      return events;
    },
  });
}

/** Initializes both 8259s as PC software does: vectors 20H and 28H, masks as given (bit 0 is IRQ 0). */
export function initializePic(bench: Bench, mask: number): void {
  for (const [base, vector, wire] of [
    [0x20, 0x20, 4],
    [0xa0, 0x28, 2],
  ] as const) {
    for (const [port, value] of [
      [base, 0x11],
      [base + 1, vector],
      [base + 1, wire],
      [base + 1, 1],
    ] as const) {
      bench.out(port, value);
    }
  }
  bench.out(0x21, mask & 0xff);
  bench.out(0xa1, mask >> 8);
}
