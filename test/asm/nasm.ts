// Debian's nasm as the oracle of the assembler's tests.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

export interface NasmResult {
  /** Undefined when nasm refuses the program. */
  readonly bytes: Uint8Array | undefined;
  /** Hexadecimal bytes by source line, from nasm's listing. */
  readonly lines: ReadonlyMap<number, string>;
  /** Lines that nasm refuses, with its message. */
  readonly errors: ReadonlyMap<number, string>;
}

/** Assembles a program as `nasm -f bin`; `cwd` is where %include looks. */
export function nasm(source: string, cwd?: string): NasmResult {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-asm-'));
  try {
    const file = join(folder, 'program.asm');
    const output = join(folder, 'program.bin');
    const listing = join(folder, 'program.lst');
    writeFileSync(file, source);
    const run = spawnSync('nasm', ['-f', 'bin', '-w-all', '-o', output, '-l', listing, file], {
      encoding: 'utf8',
      cwd: cwd ?? folder,
      maxBuffer: 1 << 28,
    });
    const errors = new Map<number, string>();
    // An instruction on which nasm 2.16 stops with "panic" counts as refused.
    for (const match of run.stderr.matchAll(/program\.asm:(\d+): (.*)/g)) errors.set(Number(match[1]), match[2]!);
    if (run.status !== 0) return { bytes: undefined, lines: new Map(), errors };
    return { bytes: new Uint8Array(readFileSync(output)), lines: listingLines(readFileSync(listing, 'utf8')), errors };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function listingLines(text: string): Map<number, string> {
  const lines = new Map<number, string>();
  for (const row of text.split('\n')) {
    const match = /^ *(\d+) [0-9A-F]{8} ([0-9A-F[\]()<>-]+)/.exec(row);
    if (!match) continue;
    const line = Number(match[1]);
    lines.set(line, (lines.get(line) ?? '') + match[2]!.replaceAll(/[^0-9A-F]/g, ''));
  }
  return lines;
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

/** Where two images differ first, with a few bytes of each; undefined: nowhere. */
export function difference(ours: Uint8Array, theirs: Uint8Array): string | undefined {
  let at = 0;
  while (at < ours.length && at < theirs.length && ours[at] === theirs[at]) at++;
  if (at === ours.length && at === theirs.length) return undefined;
  return `at ${at}: ours ${hex(ours.slice(at, at + 12))} of ${ours.length} bytes, nasm ${hex(theirs.slice(at, at + 12))} of ${theirs.length}`;
}

/** Numbers that follow from a seed. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}
