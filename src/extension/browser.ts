// Entry of the extension in a browser: the debug adapter is a worker.
import type * as vscode from 'vscode';
import { activateWith } from './activate.ts';
import { workerAdapterFactory } from './worker-adapter.ts';

export function activate(context: vscode.ExtensionContext): void {
  activateWith(context, workerAdapterFactory(context.extensionUri));
}
