// Tools of the machine that runs the tests: found, or the tests that need them are skipped with the reason printed.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProgram, type LoadOptions } from '../../src/program/load.ts';
import type { Program } from '../../src/program/types.ts';

export function lacking(...tools: string[]): boolean {
  const missing = tools.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (missing.length > 0) console.warn(`skipped: ${missing.join(', ')} not installed`);
  return missing.length > 0;
}

/** A folder that goes away when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const run = (tool: string, args: readonly string[], cwd?: string): string =>
  execFileSync(tool, args, { encoding: 'utf8', cwd, maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] });

export const fileReader = async (path: string): Promise<Uint8Array> => new Uint8Array(readFileSync(path));

export const MEMORY = 64 << 20;

export const load = (path: string, options: Partial<LoadOptions> = {}): Promise<Program> =>
  loadProgram(path, { ramSize: MEMORY, ...options }, fileReader);

/** A reader over files that exist only in the test. */
export const filesReader =
  (files: Readonly<Record<string, Uint8Array>>) =>
  async (path: string): Promise<Uint8Array> => {
    const bytes = files[path];
    if (!bytes) throw new Error('no such file');
    return bytes;
  };

/** Reproducible pseudo-random numbers below `bound` (xorshift32). */
export function randomNumbers(seed: number): (bound: number) => number {
  let state = seed >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
