// Tests under the debugger: one session after the other, judged by how it ended.
import * as vscode from 'vscode';
import { programOf } from '../places.ts';
import type { Chosen } from './run.ts';
import { debugVerdict } from './summary.ts';

export async function debugTests(
  debugType: string,
  controller: vscode.TestController,
  request: vscode.TestRunRequest,
  chosen: readonly Chosen[],
  token: vscode.CancellationToken,
): Promise<void> {
  const run = controller.createTestRun(request);
  for (const { file, tests } of chosen) {
    for (const item of tests.length === 0 ? [file] : tests) {
      if (token.isCancellationRequested) break;
      await debugOne(debugType, run, file, item, token);
    }
  }
  run.end();
}

/** The program of a test's file, and the label to call unless the program as a whole is the test. */
function configurationOf(debugType: string, file: vscode.TestItem, item: vscode.TestItem): vscode.DebugConfiguration {
  return {
    type: debugType,
    request: 'launch',
    name: `Test ${item.label}`,
    program: file.uri === undefined ? '' : programOf(file.uri),
    ...(item === file ? {} : { test: item.label }),
    stopOnFirstVmExit: false,
  };
}

async function debugOne(
  debugType: string,
  run: vscode.TestRun,
  file: vscode.TestItem,
  item: vscode.TestItem,
  token: vscode.CancellationToken,
): Promise<void> {
  const configuration = configurationOf(debugType, file, item);
  let session: vscode.DebugSession | undefined;
  let status: number | undefined;
  let exceptions = false;
  let ended: () => void = () => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const isOurs = (other: vscode.DebugSession): boolean =>
    other.type === debugType &&
    other.configuration['program'] === configuration['program'] &&
    other.name === configuration.name;
  const watching = vscode.Disposable.from(
    vscode.debug.registerDebugAdapterTrackerFactory(debugType, {
      createDebugAdapterTracker(tracked) {
        if (!isOurs(tracked)) return undefined;
        session = tracked;
        return {
          onDidSendMessage(message: { type?: string; event?: string; body?: { exitCode?: number; reason?: string } }) {
            if (message.type !== 'event') return;
            if (message.event === 'exited') status = message.body?.exitCode;
            if (message.event === 'stopped' && message.body?.reason === 'exception') exceptions = true;
          },
        };
      },
    }),
    vscode.debug.onDidTerminateDebugSession((gone) => {
      if (gone.id === session?.id) ended();
    }),
    token.onCancellationRequested(() => vscode.debug.stopDebugging(session)),
  );
  run.started(item);
  const folder = file.uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(file.uri);
  const started = await vscode.debug.startDebugging(folder, configuration, { testRun: run });
  if (started) await end;
  watching.dispose();
  if (!started) {
    run.errored(item, new vscode.TestMessage('The debug session did not start.'));
    return;
  }
  const verdict = debugVerdict(status, exceptions);
  if (verdict === 'passed') run.passed(item);
  else if (verdict === 'failed') run.failed(item, new vscode.TestMessage(`It ended with status ${status}.`));
  else run.skipped(item);
}
