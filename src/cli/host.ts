// What the machine and the adapter need from Node.js: files, the core's module, a scheduler.

import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { realpathSync } from 'node:fs';
import type { AdapterHost } from '../dap/connection.ts';
import { createScheduler } from '../debugger/scheduler.ts';
import { createMachine } from '../machine/machine.ts';
import { ProgramError } from '../program/errors.ts';
import { type LoadOptions, loadProgram } from '../program/load.ts';
import type { FileReader, Program } from '../program/types.ts';
import { missingCore, mistake } from './errors.ts';

/** Words for the errors of the file system that users meet. */
const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission is denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
};

export const readProgramFile: FileReader = async (path) => {
  try {
    return new Uint8Array(await readFile(path));
  } catch (problem) {
    throw new Error(fileProblem(problem));
  }
};

async function writeTextFile(path: string, text: string, append: boolean): Promise<void> {
  try {
    await (append ? appendFile : writeFile)(path, text);
  } catch (problem) {
    throw new Error(fileProblem(problem));
  }
}

export function fileProblem(problem: unknown): string {
  const code = problem instanceof Error && 'code' in problem ? String(problem.code) : '';
  return FILE_ERRORS[code] ?? (problem instanceof Error ? problem.message : String(problem));
}

/** Loads what the user named; a file that is no program is a mistake on the command line. */
export async function openProgram(file: string, load: LoadOptions): Promise<Program> {
  return loadProgram(file, load, readProgramFile).catch((problem: unknown) => {
    if (problem instanceof ProgramError) throw mistake(problem.code, problem.message);
    throw problem;
  });
}

let core: Promise<WebAssembly.Module> | undefined;

/** The processor core, from beside the bundle. Compiled once. */
export function coreModule(): Promise<WebAssembly.Module> {
  core ??= loadCore();
  return core;
}

async function loadCore(): Promise<WebAssembly.Module> {
  const path = process.env.RINGSIDE_CORE ?? join(dirname(realpathSync(process.argv[1] ?? '.')), 'core.wasm');
  const bytes = await readFile(path).catch(() => {
    throw missingCore(path);
  });
  return WebAssembly.compile(new Uint8Array(bytes));
}

export function createHost(): AdapterHost {
  return {
    scheduler: createScheduler(),
    readFile: readProgramFile,
    modified: (path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs / 1000,
        () => undefined,
      ),
    writeFile: writeTextFile,
    writeBytes: async (path, bytes) => {
      await writeFile(path, bytes).catch((problem: unknown) => {
        throw new Error(fileProblem(problem));
      });
    },
    createMachine: async (program, settings) => createMachine({ coreWasm: await coreModule(), program, ...settings }),
  };
}
