// Ringside's command line as a process beside the editor, with the editor's own Node.js. For the desktop alone.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import { createLineReader } from './lines.ts';

export interface CommandLine {
  readonly command: string;
  /** Arguments before those of Ringside. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function commandLine(extensionPath: string): CommandLine {
  return {
    command: process.execPath,
    args: [join(extensionPath, 'dist', 'ringside.cjs')],
    env: { ELECTRON_RUN_AS_NODE: '1' },
  };
}

/** Runs to the end; answers what it said on standard error. A cancelled process is ended. */
export function runCommandLine(
  { command, args, env }: CommandLine,
  given: readonly string[],
  onLine: (line: string) => void,
  token: vscode.CancellationToken,
): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args, ...given], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const cancelled = token.onCancellationRequested(() => child.kill());
    const reader = createLineReader(onLine);
    const errors: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => reader.add(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
    const end = (text: string): void => {
      cancelled.dispose();
      reader.end();
      resolve(text);
    };
    child.on('error', (problem) => end(problem.message));
    child.on('close', () => end(errors.join('').trim()));
  });
}
