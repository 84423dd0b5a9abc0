// `ringside run`: a program from start to end without a debugger; what happened as text.

import { writeSync } from 'node:fs';
import { createScheduler } from '../debugger/scheduler.ts';
import { writersOf } from '../debugger/checks.ts';
import { explainEntryFailure, explainTripleFault, explainVmFail, type Explanation } from '../debugger/explain.ts';
import { statisticsCsv, statisticsJson, statisticsReport, statisticsText } from '../debugger/statistics.ts';
import type { Machine, Stop } from '../machine/types.ts';
import { imageOf, type Image } from '../program/image.ts';
import type { LoadOptions } from '../program/load.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { STATUS } from './errors.ts';
import { coreModule, openProgram } from './host.ts';
import { createMachine } from '../machine/machine.ts';
import { finalState } from './trace.ts';
import { entryLine, exitLine } from '../debugger/trace.ts';

export interface RunCommand {
  readonly file: string;
  readonly load: LoadOptions;
  readonly processors: number;
  readonly profile: CapabilityProfile;
  readonly traceExits: boolean;
  /** Number.POSITIVE_INFINITY: no limit. */
  readonly maxInstructions: number;
  /** Standard input goes to COM1. */
  readonly interactive: boolean;
  /** What the VM exits cost, on standard error at the end: as text, CSV or JSON. */
  readonly statistics: 'text' | 'csv' | 'json' | undefined;
  readonly quiet: boolean;
}

const NEWLINE = 10;

/** Instructions between two looks at standard input. */
const SLICE = 20_000_000;

/** Answers the exit status of the process. */
export async function run(command: RunCommand): Promise<number> {
  const program = await openProgram(command.file, command.load);
  for (const text of program.notices ?? []) note(`notice: ${text}`);
  const image = imageOf(program);
  const machine = createMachine({
    coreWasm: await coreModule(),
    ramSize: command.load.ramSize,
    processors: command.processors,
    profile: command.profile,
    program,
  });
  const output = createOutput();
  machine.onOutput = (bytes) => output.add(bytes);
  machine.onNotice = (text) => note(`notice: ${text}`);
  if (command.traceExits) {
    machine.onTransition = (event) =>
      output.line('exit' in event ? exitLine(event.exit, machine, image) : entryLine(event.entry, machine, image));
  }
  const keyboard = command.interactive ? connectStandardInput(machine) : undefined;
  try {
    return await runToEnd(machine, image, command, output, keyboard);
  } finally {
    if (command.interactive) process.stdin.destroy();
  }
}

interface Keyboard {
  /** Resolves when more input came: true; or when there will be none: false. */
  more(): Promise<boolean>;
}

/** Standard input to COM1. */
function connectStandardInput(machine: Machine): Keyboard {
  let ended = false;
  let tell: (() => void) | undefined;
  process.stdin.on('data', (bytes: Uint8Array) => {
    machine.input(bytes);
    tell?.();
  });
  process.stdin.on('end', () => {
    ended = true;
    tell?.();
  });
  return {
    async more() {
      if (!ended) {
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      }
      return !ended;
    },
  };
}

async function runToEnd(
  machine: Machine,
  image: Image,
  command: RunCommand,
  output: Output,
  keyboard: Keyboard | undefined,
): Promise<number> {
  const scheduler = createScheduler();
  for (;;) {
    const limit = Math.min(SLICE, command.maxInstructions - machine.time());
    const stop: Stop | undefined = limit <= 0 ? undefined : machine.run({ limit });
    output.flush();
    if (stop?.kind === 'idle' && (await keyboard?.more()) === true) continue;
    const status = stop === undefined ? STATUS.limit : statusOf(stop, machine, image);
    if (status !== undefined) {
      if (!command.quiet) note(`${endText(stop)}\n${finalState(machine, image)}`);
      if (command.statistics !== undefined) note(statistics(command.statistics, machine, image));
      return status;
    }
    if (keyboard !== undefined) await scheduler.breathe();
  }
}

/** What a stop means for the process; undefined: the program runs on. Prints the explanations of failures. */
function statusOf(stop: Stop, machine: Machine, image: Image): number | undefined {
  switch (stop.kind) {
    case 'shutdown':
      return stop.status & 0xff;
    case 'idle':
      return 0;
    case 'entry-failure':
      explain(explainEntryFailure(stop.failure, image, writersOf(machine)));
      return undefined;
    case 'vm-fail':
      explain(explainVmFail(stop.fail, image));
      return undefined;
    case 'triple-fault':
      explain(explainTripleFault(stop.faults, machine, image));
      return STATUS.broken;
    case 'vmx-abort':
    case 'unsimulated':
      return STATUS.broken;
    default:
      return undefined;
  }
}

function statistics(form: 'text' | 'csv' | 'json', machine: Machine, image: Image): string {
  const report = statisticsReport(machine, image);
  if (form === 'csv') return statisticsCsv(report).trimEnd();
  return form === 'json' ? statisticsJson(report) : statisticsText(report, EVERY_PLACE);
}

const EVERY_PLACE = 100_000;

function endText(stop: Stop | undefined): string {
  switch (stop?.kind) {
    case undefined:
      return 'Ended: the limit of --max-instructions is reached.';
    case 'shutdown':
      return `Ended: status ${stop.status} through port 0x${stop.port.toString(16)}.`;
    case 'idle':
      return `Ended: ${stop.explanation}`;
    case 'vmx-abort':
      return `Ended: VMX abort ${stop.indicator}. ${stop.explanation}`;
    case 'unsimulated':
      return `Ended: ${stop.explanation}`;
    default:
      return 'Ended.';
  }
}

function explain(explanation: Explanation): void {
  note(`${explanation.title}\n${explanation.body}`);
}

interface Output {
  add(bytes: Uint8Array): void;
  /** A line of the trace, on a line of its own. */
  line(text: string): void;
  flush(): void;
}

/** Standard output, gathered: the machine sends single bytes. */
function createOutput(): Output {
  const buffer = new Uint8Array(4096);
  let length = 0;
  let last = NEWLINE;
  const flush = (): void => {
    if (length > 0) writeAll(1, buffer.subarray(0, length));
    length = 0;
  };
  const add = (bytes: Uint8Array): void => {
    for (const byte of bytes) {
      buffer[length++] = byte;
      last = byte;
      if (length === buffer.length) flush();
    }
  };
  return { add, flush, line: (text) => add(encode(`${last === NEWLINE ? '' : '\n'}${text}\n`)) };
}

function note(text: string): void {
  writeAll(2, encode(`${text}\n`));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Writes at once, so that what the program printed and what the trace says stay in order even if the process is ended. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (problem) {
      const code = problem instanceof Error && 'code' in problem ? problem.code : undefined;
      // A pipe that is full for the moment; its reader closed it.
      if (code === 'EPIPE') process.exit(STATUS.mistake);
      if (code !== 'EAGAIN') throw problem;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
