// Assembles the hypervisors of test/vmx/programs with nasm and runs them on the machine.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseProfile } from '../../src/vmx/choose-profile.ts';
import type { CapabilityProfile } from '../../src/vmx/capabilities.ts';
import { createMachine } from '../../src/machine/machine.ts';
import type { Machine, RunOptions, Stop } from '../../src/machine/types.ts';
import type { Program } from '../../src/program/types.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '../..');
export const PROGRAMS = join(HERE, 'programs');
export const PROCESSORS = join(HERE, 'processors');
const ORIGIN = 0x100000;

/** Whether nasm is installed; tests that need it say so when they skip. */
export function hasNasm(): boolean {
  try {
    execFileSync('nasm', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('skipped: nasm is not installed');
    return false;
  }
}

let compiled: WebAssembly.Module | undefined;

/** The core: that of RINGSIDE_CORE as it is, or dist/core.wasm, built when its sources changed. */
export function coreModule(): WebAssembly.Module {
  if (compiled === undefined) {
    const given = process.env.RINGSIDE_CORE;
    if (given === undefined)
      execFileSync(process.execPath, [join(ROOT, 'scripts/build-core.mjs')], { stdio: 'inherit' });
    compiled = new WebAssembly.Module(readFileSync(given ?? join(ROOT, 'dist/core.wasm')));
  }
  return compiled;
}

/** Assembles a file, by its name in programs/, to a flat 64-bit program at 1 MiB. */
export function assembleProgram(name: string): Program {
  return assemble(join(PROGRAMS, name), 64, ORIGIN);
}

/** Assembles a file of programs32/, entered in flat 32-bit protected mode, with these names defined. */
export function assembleProgram32(name: string, ...defines: string[]): Program {
  return assemble(join(HERE, 'programs32', name), 32, ORIGIN, defines);
}

/** Assembles a file of processors/, for a machine with several. */
export function assembleSeveral(name: string): Program {
  return assemble(join(PROCESSORS, name), 64, ORIGIN);
}

/** How many processors a program of processors/ asks for: `; processors: COUNT`. */
export function processorsAskedFor(name: string): number {
  const count = /^; processors: (\d+)$/m.exec(readFileSync(join(PROCESSORS, name), 'utf8'))?.[1];
  if (count === undefined) throw new Error(`${name} does not say how many processors it needs`);
  return Number(count);
}

/** Assembles text; `origin` is where it is loaded and entered (`org` is the text's own). */
export function assembleText(text: string, bits: 16 | 32 | 64 = 64, origin = ORIGIN): Program {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-text-'));
  try {
    const file = join(folder, 'text.asm');
    writeFileSync(file, `bits ${bits}\norg ${origin}\n${text}\n`);
    return assemble(file, bits, origin);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assemble(file: string, bits: 16 | 32 | 64, origin: number, defines: readonly string[] = []): Program {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-vmx-'));
  try {
    const output = join(folder, 'program.bin');
    execFileSync('nasm', [
      '-f',
      'bin',
      '-I',
      `${PROGRAMS}/`,
      '-w-all',
      ...defines.map((name) => `-D${name}`),
      '-o',
      output,
      file,
    ]);
    const bytes = new Uint8Array(readFileSync(output));
    return {
      name: basename(file),
      segments: [{ address: origin, bytes, size: bytes.length }],
      entry: { kind: 'flat', entry: origin, bits },
      symbols: [],
      lines: { files: [], rows: [] },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Hypervisor {
  readonly machine: Machine;
  /** Console output so far. */
  readonly output: () => string;
  readonly notices: readonly string[];
}

/** The processor that a program asks for in comments of its own: `; profile: NAME`, `; without: CAPABILITY, CAPABILITY`. */
export function profileAskedFor(name: string): CapabilityProfile {
  const text = readFileSync(join(PROGRAMS, name), 'utf8');
  const said = (key: string) => new RegExp(`^; ${key}: (.*)$`, 'm').exec(text)?.[1];
  return profileNamed(said('profile'), ...(said('without')?.split(', ') ?? []));
}

export function profileNamed(name?: string, ...without: string[]): CapabilityProfile {
  const choice = chooseProfile(name, without);
  if (!choice.ok) throw new Error(`${choice.setting} ${choice.name}: expected ${choice.expected}`);
  return choice.profile;
}

export function startProgram(program: Program, ramMiB = 32, profile?: CapabilityProfile, processors = 1): Hypervisor {
  const machine = createMachine({ coreWasm: coreModule(), ramSize: ramMiB << 20, program, profile, processors });
  let text = '';
  const notices: string[] = [];
  machine.onOutput = (bytes) => {
    text += String.fromCharCode(...bytes);
  };
  machine.onNotice = (notice) => notices.push(notice);
  return { machine, output: () => text, notices };
}

const EVERYTHING_PASSES: RunOptions = { limit: 20_000_000, entryFailures: false, vmFails: false };

/** Runs a program to its end; answers what it said and how it stopped, for one comparison. */
export function runProgram(name: string, options: Partial<RunOptions> = {}): { output: string; stop: Stop } {
  const { machine, output } = startProgram(assembleProgram(name), 32, profileAskedFor(name));
  const stop = machine.run({ ...EVERYTHING_PASSES, ...options });
  return { output: output(), stop };
}
