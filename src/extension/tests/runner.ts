// Who carries tests out: `ringside test --json` as a process on the desktop.
import type * as vscode from 'vscode';
import type { TestEvent } from '../../debugger/tests/events.ts';

/** Runs `ringside test` with arguments; answers what went wrong beside the tests themselves, or an empty text. */
export type TestRunner = (
  args: readonly string[],
  onEvent: (event: TestEvent) => void,
  token: vscode.CancellationToken,
) => Promise<string>;

/** Files whose tests are listed or run by one process: a command line has a longest length. */
const FILES_AT_ONCE = 50;

/** The tests of files, as events of the kinds `test` and `problem`. */
export async function listTests(
  runner: TestRunner,
  files: readonly string[],
  onEvent: (event: TestEvent) => void,
  token: vscode.CancellationToken,
): Promise<string> {
  const problems: string[] = [];
  for (let at = 0; at < files.length; at += FILES_AT_ONCE) {
    problems.push(await runner([...files.slice(at, at + FILES_AT_ONCE), '--list', '--json'], onEvent, token));
  }
  return problems.filter((text) => text !== '').join('\n');
}

export interface RunSettings {
  readonly coverage: boolean;
  /** Instructions that one test may take. */
  readonly maxInstructions: number;
}

/** Arguments that run a file's tests; `names` are some of them, undefined is all. */
export function runArguments(file: string, names: readonly string[] | undefined, settings: RunSettings): string[] {
  return [
    file,
    ...(names ?? []).flatMap((name) => ['--test', name]),
    '--json',
    ...(settings.coverage ? ['--coverage'] : []),
    '--max-instructions',
    String(settings.maxInstructions),
  ];
}
