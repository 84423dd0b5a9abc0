// The native side: compiles runner.c once and has it run sequences on this computer's processor.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sequence } from './generator.ts';
import { CODE, DATA_WRITABLE, STACK_SIZE } from './space.ts';

export interface Outcome {
  /** Vector of the fault that ended the sequence; undefined: it ran to its end. */
  readonly fault: number | undefined;
  readonly error: number;
  /** Faulting linear address of a page fault, else 0. */
  readonly address: bigint;
  /** Linear address of the faulting instruction. */
  readonly rip: number;
  readonly registers: readonly bigint[];
  readonly flags: number;
  readonly digest: number;
  /** The x87 and SSE registers as FXSAVE stores them, for sequences that have some to begin with. */
  readonly state: Uint8Array | undefined;
  /** Data and stack pages, when asked for. */
  readonly memory: Uint8Array | undefined;
}

const NO_FAULT = 0xffffffff;
const TEST_BYTES = 144;
const RESULT_BYTES = 160;
const STATE_BYTES = 512;

const INTEGER_FEATURES = ['bmi1', 'bmi2', 'adx', 'movbe', 'popcnt', 'abm', 'clflushopt', 'clwb', 'cx16', 'sse4_2'];

/** Why the native side cannot run here, or undefined. */
export function nativeObstacle(wanted: readonly string[] = INTEGER_FEATURES): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `needs Linux on x86-64, this is ${process.platform} on ${process.arch}`;
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'needs gcc, which is not installed';
  }
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  const missing = wanted.filter((flag) => !flags.includes(flag));
  return missing.length ? `needs a processor with ${missing.join(', ')}` : undefined;
}

/** Compiles the runner into a folder of its own; `close` removes it. */
export function openRunner(): {
  run(sequences: readonly Sequence[], pattern: Uint8Array, dump: boolean): Outcome[];
  close(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-native-'));
  const program = join(folder, 'runner');
  const source = fileURLToPath(new URL('./runner.c', import.meta.url));
  execFileSync('gcc', ['-O2', '-no-pie', '-fno-pie', '-fcf-protection=none', '-o', program, source]);
  return {
    run(sequences, pattern, dump) {
      const input = join(folder, 'input');
      const output = join(folder, 'output');
      writeFileSync(input, inputFile(sequences, pattern, dump));
      execFileSync(program, [input, output], { stdio: ['ignore', 'inherit', 'inherit'] });
      if (statSync(output).size === 0) throw new Error('the native runner wrote nothing');
      return outcomes(readFileSync(output), sequences.length, dump, haveState(sequences));
    },
    close() {
      rmSync(folder, { recursive: true });
    },
  };
}

/** Sequences of one run all have a state or none has. */
function haveState(sequences: readonly Sequence[]): boolean {
  return sequences[0]?.state !== undefined;
}

function inputFile(sequences: readonly Sequence[], pattern: Uint8Array, dump: boolean): Uint8Array {
  const last = sequences.at(-1)!;
  const codeSize = last.address + last.bytes.length - CODE;
  const step = TEST_BYTES + (haveState(sequences) ? STATE_BYTES : 0);
  const file = new Uint8Array(16 + pattern.length + codeSize + sequences.length * step);
  const view = new DataView(file.buffer);
  view.setUint32(0, sequences.length, true);
  view.setUint32(4, codeSize, true);
  view.setUint32(8, dump ? 1 : 0, true);
  view.setUint32(12, haveState(sequences) ? 1 : 0, true);
  file.set(pattern, 16);
  const codeAt = 16 + pattern.length;
  let at = codeAt + codeSize;
  for (const sequence of sequences) {
    file.set(sequence.bytes, codeAt + sequence.address - CODE);
    view.setUint32(at, sequence.address, true);
    view.setUint32(at + 4, sequence.mode, true);
    view.setUint32(at + 8, sequence.gsProfile, true);
    view.setUint32(at + 12, sequence.flags, true);
    sequence.registers.forEach((value, i) => {
      view.setBigUint64(at + 16 + 8 * i, value, true);
    });
    if (sequence.state) file.set(sequence.state, at + TEST_BYTES);
    at += step;
  }
  return file;
}

function outcomes(file: Uint8Array, count: number, dump: boolean, withState: boolean): Outcome[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const fixed = RESULT_BYTES + (withState ? STATE_BYTES : 0);
  const step = fixed + (dump ? DATA_WRITABLE + STACK_SIZE : 0);
  if (file.length !== count * step)
    throw new Error(`the native runner answered ${file.length} bytes for ${count} sequences`);
  return Array.from({ length: count }, (_, i) => {
    const at = i * step;
    const fault = view.getUint32(at, true);
    return {
      fault: fault === NO_FAULT ? undefined : fault,
      error: view.getUint32(at + 4, true),
      address: view.getBigUint64(at + 8, true),
      rip: Number(view.getBigUint64(at + 16, true)),
      registers: Array.from({ length: 16 }, (_, r) => view.getBigUint64(at + 24 + 8 * r, true)),
      flags: view.getUint32(at + 152, true),
      digest: view.getUint32(at + 156, true),
      state: withState ? file.slice(at + RESULT_BYTES, at + fixed) : undefined,
      memory: dump ? file.slice(at + fixed, at + step) : undefined,
    };
  });
}
