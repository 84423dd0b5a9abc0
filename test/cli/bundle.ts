// The command line as it ships: one bundle with core.wasm and the disassembler beside it, built once for all tests.

import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const CORE = join(ROOT, 'dist', 'core.wasm');

/** Why tests on the bundle cannot run here; undefined when they can. */
export function whyNoBundle(): string | undefined {
  return existsSync(CORE) ? undefined : 'dist/core.wasm is missing (npm run build makes it)';
}

export interface Bundle {
  /** The command line. */
  readonly cli: string;
  /** A script that starts `ringside dap`, for clients that cannot pass arguments. */
  readonly dap: string;
}

/** Bundles src/cli into a folder of build/, its own for each caller because test files run at the same time. */
export async function bundle(name: string): Promise<Bundle> {
  const folder = join(ROOT, 'build', 'test', name);
  mkdirSync(folder, { recursive: true });
  const cli = join(folder, 'ringside.cjs');
  await build({
    entryPoints: [join(ROOT, 'src', 'cli', 'main.ts')],
    outfile: cli,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  });
  copyFileSync(CORE, join(folder, 'core.wasm'));
  copyFileSync(join(ROOT, 'node_modules', 'iced-x86', 'iced_x86_bg.wasm'), join(folder, 'iced_x86_bg.wasm'));
  const dap = join(folder, 'dap.cjs');
  writeFileSync(dap, "process.argv.push('dap');\nrequire('./ringside.cjs');\n");
  return { cli, dap };
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end. */
export function ringside(cli: string, args: readonly string[], input?: string): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: ROOT });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    child.stdin.end(input);
  });
}
