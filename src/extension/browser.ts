// Entry of the extension in a browser: debug adapter, tests and language server are workers.
import type * as vscode from 'vscode';
import { activateWith } from './activate.ts';
import { testWorker } from './tests/worker.ts';
import { workerAdapterFactory } from './worker-adapter.ts';

export function activate(context: vscode.ExtensionContext): void {
  activateWith(context, {
    browser: true,
    adapters: workerAdapterFactory(context.extensionUri),
    // In one file with this one, but evaluated only then.
    loadClient: () => import('./language-client-web.ts'),
    tests: testWorker(context.extensionUri),
  });
}
