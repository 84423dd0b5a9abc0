// Desktop entry of the extension: the debug adapter is a process of its own.
import type * as vscode from 'vscode';
import { activateWith } from './activate.ts';
import { adapterFactory } from './adapter.ts';
import { commandLine } from './command-line.ts';
import { ringsideTasks } from './tasks.ts';
import { testProcess } from './tests/process.ts';

export function activate(context: vscode.ExtensionContext): void {
  const ringside = commandLine(context.extensionPath);
  const loadClient = () => import('./language-client.ts');
  activateWith(context, adapterFactory(context.extensionPath), loadClient, testProcess(ringside));
  context.subscriptions.push(ringsideTasks(ringside));
}
