// Desktop entry of the extension: the debug adapter is a process of its own.
import type * as vscode from 'vscode';
import { activateWith } from './activate.ts';
import { adapterFactory } from './adapter.ts';

export function activate(context: vscode.ExtensionContext): void {
  activateWith(context, adapterFactory(context.extensionPath), () => import('./language-client.ts'));
}
