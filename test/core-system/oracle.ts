// Runs one flat multiboot image in the bare core and in QEMU (TCG), and gives back what each wrote to port E9H.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CSTAR,
  EFER,
  FMASK,
  IO_VALUE,
  LSTAR,
  MSR_VALUE,
  PAT,
  STAR,
  STOP_TRIPLE_FAULT,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  TSC_AUX,
} from '../../src/core/layout.ts';
import { enterProtected, load, openCore, readQuad, type TestCore, writeQuad } from '../core/harness.ts';

const PROGRAMS = fileURLToPath(new URL('./programs/', import.meta.url));
const LOAD_ADDRESS = 0x100000;
const OUTPUT_PORT = 0xe9;
const EXIT_PORT = 0xf4;
const SLICE = 100_000;

const MSR_CELLS: ReadonlyMap<number, number> = new Map([
  [0x174, SYSENTER_CS],
  [0x175, SYSENTER_ESP],
  [0x176, SYSENTER_EIP],
  [0x277, PAT],
  [0xc0000080, EFER],
  [0xc0000081, STAR],
  [0xc0000082, LSTAR],
  [0xc0000083, CSTAR],
  [0xc0000084, FMASK],
  [0xc0000103, TSC_AUX],
]);

export function haveTool(name: string): boolean {
  return spawnSync('which', [name]).status === 0;
}

/** Assembles a program of programs/ with nasm. */
export function assemble(name: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  try {
    const output = join(folder, 'image.bin');
    execFileSync('nasm', ['-f', 'bin', '-I', PROGRAMS, '-o', output, join(PROGRAMS, name)]);
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Outcome {
  readonly text: string;
  /** 'exit', 'triple fault', or why it ended otherwise. */
  readonly end: string;
}

/** A bare core with the MSRs that live in cells. */
export function openSystemCore(written: (port: number, value: number) => void): TestCore {
  const core: TestCore = openCore(16, {
    readMsr: (index) => {
      const cell = MSR_CELLS.get(index);
      if (cell === undefined) return 0;
      writeQuad(core, MSR_VALUE, readQuad(core, cell));
      return 1;
    },
    writeMsr: (index) => {
      const cell = MSR_CELLS.get(index);
      if (cell === undefined) return 0;
      writeQuad(core, cell, readQuad(core, MSR_VALUE));
      return index === 0xc0000080 ? 5 : 1;
    },
    readPort: () => {
      core.words[IO_VALUE >>> 2] = 0xffffffff;
      return 1;
    },
    writePort: (port, _size, value) => {
      written(port, value);
      return port === EXIT_PORT ? 2 : 1;
    },
  });
  return core;
}

/** Runs the image from its multiboot entry (32-bit protected mode); at most `limit` instructions. */
export function runInCore(image: Uint8Array, limit = 2_000_000): Outcome {
  let text = '';
  let exited = false;
  const core = openSystemCore((port, value) => {
    if (port === OUTPUT_PORT) text += String.fromCharCode(value & 0xff);
    if (port === EXIT_PORT) exited = true;
  });
  load(core, LOAD_ADDRESS, image);
  const entry = new DataView(image.buffer, image.byteOffset).getUint32(28, true);
  enterProtected(core, entry);
  for (let done = 0; done < limit; done += SLICE) {
    const stop = runSlice(core, () => text);
    if (exited) return { text, end: 'exit' };
    if (stop === STOP_TRIPLE_FAULT) return { text, end: 'triple fault' };
    if (stop !== 0 && stop !== 9) return { text, end: `stop ${stop} at ${core.exports.getRip().toString(16)}` };
  }
  return { text, end: `still running at ${core.exports.getRip().toString(16)}` };
}

function runSlice(core: TestCore, text: () => string): number {
  let first = true;
  for (;;) {
    try {
      const exports = core.exports as typeof core.exports & { resume(): number };
      const again = first;
      first = false;
      return again ? exports.run(SLICE) : exports.resume();
    } catch (thrown) {
      if (thrown instanceof Error) throw new Error(`${text()} ${thrown.stack}`);
    }
  }
}

/** The same image under QEMU's TCG. */
export function runInQemu(image: Uint8Array, cpu = 'max'): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  try {
    const kernel = join(folder, 'image.bin');
    const log = join(folder, 'log');
    writeFileSync(kernel, image);
    const result = spawnSync(
      'qemu-system-x86_64',
      ['-accel', 'tcg', '-cpu', cpu, '-m', '32', '-display', 'none', '-no-reboot', '-kernel', kernel].concat([
        '-debugcon',
        `file:${log}`,
        '-device',
        'isa-debug-exit,iobase=0xf4,iosize=4',
      ]),
      { timeout: 20_000, encoding: 'utf8' },
    );
    const end =
      result.status === 1 ? 'exit' : result.status === 0 ? 'triple fault' : `status ${result.status} ${result.stderr}`;
    return { text: readFileSync(log, 'latin1'), end };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
