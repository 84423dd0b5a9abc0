// Who carries tests out: `ringside test --json` as a process on the desktop, the machine's worker in a browser.
import type * as vscode from 'vscode';
import type { TestEvent } from '../../debugger/tests/events.ts';
import type { TestsRequest } from '../../web/protocol.ts';

/** Lists or runs the tests of files in the file system of `root`; answers what went wrong beside the tests themselves, or an empty text. */
export type TestRunner = (
  request: TestsRequest,
  root: vscode.Uri,
  onEvent: (event: TestEvent) => void,
  token: vscode.CancellationToken,
) => Promise<string>;

/** Files whose tests are listed or run by one process: a command line has a longest length. */
const FILES_AT_ONCE = 50;

/** The tests of files, as events of the kinds `test` and `problem`. */
export async function listTests(
  runner: TestRunner,
  files: readonly vscode.Uri[],
  onEvent: (file: vscode.Uri, event: TestEvent) => void,
  token: vscode.CancellationToken,
): Promise<string> {
  const problems: string[] = [];
  for (const some of batches(files)) {
    const byPath = new Map(some.map((file) => [file.fsPath, file]));
    const request = { paths: [...byPath.keys()], names: [], list: true, coverage: false, maxInstructions: 1 };
    const tell = (event: TestEvent): void => {
      const file = 'file' in event ? byPath.get(event.file) : undefined;
      if (file !== undefined) onEvent(file, event);
    };
    problems.push(await runner(request, some[0], tell, token));
  }
  return problems.filter((text) => text !== '').join('\n');
}

/** In the files' order; those of a batch are in one file system. */
function batches(files: readonly vscode.Uri[]): [vscode.Uri, ...vscode.Uri[]][] {
  const made: [vscode.Uri, ...vscode.Uri[]][] = [];
  for (const file of files) {
    const batch = made.find(
      ([{ scheme, authority }, ...others]) =>
        scheme === file.scheme && authority === file.authority && others.length + 1 < FILES_AT_ONCE,
    );
    if (batch === undefined) made.push([file]);
    else batch.push(file);
  }
  return made;
}

/** The request as arguments of `ringside test`. */
export function testArguments({ paths, names, list, coverage, maxInstructions }: TestsRequest): string[] {
  return [
    ...paths,
    ...names.flatMap((name) => ['--test', name]),
    '--json',
    ...(list ? ['--list'] : ['--max-instructions', String(maxInstructions)]),
    ...(coverage ? ['--coverage'] : []),
  ];
}
