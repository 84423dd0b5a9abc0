// Desktop entry of the extension: the debug adapter is a process of its own.
import type * as vscode from 'vscode';
import { activateWith } from './activate.ts';
import { adapterFactory } from './adapter.ts';
import { commandLine } from './command-line.ts';
import { ringsideTasks } from './tasks.ts';
import { testProcess } from './tests/process.ts';

export function activate(context: vscode.ExtensionContext): void {
  const ringside = commandLine(context.extensionPath);
  activateWith(context, {
    browser: false,
    adapters: adapterFactory(context.extensionPath),
    loadClient: () => import('./language-client.ts'),
    tests: testProcess(ringside),
  });
  context.subscriptions.push(ringsideTasks(ringside));
}
