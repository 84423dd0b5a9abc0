// `ringside asm`: NASM syntax to a flat binary.

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { assemble } from '../asm/assemble.ts';
import type { Diagnostic } from '../asm/types.ts';
import { mistake, STATUS } from './errors.ts';
import { fileProblem } from './host.ts';

export interface AsmCommand {
  readonly file: string;
  readonly output: string;
  readonly listing: string | undefined;
  readonly defines: Readonly<Record<string, string>>;
}

/** Answers the exit status. Writes nothing when the source has errors. */
export async function assembleFile(command: AsmCommand): Promise<number> {
  const result = assemble(command.file, readSource(command.file), {
    readInclude: (path) => tryRead(path)?.toString('utf8'),
    readBinary: (path) => tryRead(path),
    defines: command.defines,
  });
  for (const diagnostic of result.diagnostics) process.stderr.write(`${diagnosticLine(diagnostic)}\n`);
  if (!result.ok) return STATUS.mistake;
  await write(command.output, result.bytes);
  if (command.listing !== undefined) await write(command.listing, result.listing());
  return 0;
}

/** `file:line:column: error: message [code]`, as compilers write it. */
function diagnosticLine(diagnostic: Diagnostic): string {
  const { file, line, column, severity, message, code } = diagnostic;
  return `${file}:${line}:${column}: ${severity}: ${message} [${code}]`;
}

function readSource(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (problem) {
    throw mistake('unreadable', `${path} cannot be read: ${fileProblem(problem)}.`);
  }
}

function tryRead(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // Not found here; the assembler looks elsewhere and reports it in the end.
    return undefined;
  }
}

async function write(path: string, data: string | Uint8Array): Promise<void> {
  await writeFile(path, data).catch((problem: unknown) => {
    throw mistake('unwritable', `${path} cannot be written: ${fileProblem(problem)}.`);
  });
}
