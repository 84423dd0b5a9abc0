// The client of the language server in a browser: the server runs in a worker and asks the client for files.
import * as vscode from 'vscode';
import { LanguageClient } from 'vscode-languageclient/browser';
import { languageClientOptions, serveFiles, serveLaunches, serveSession } from './language-options.ts';

/** Starts `dist/language-worker.js`; the answer stops it. */
export async function startClient(context: vscode.ExtensionContext, debugType: string): Promise<() => Promise<void>> {
  const script = vscode.Uri.joinPath(context.extensionUri, 'dist', 'language-worker.js');
  // As a blob: a host whose extensions are on a server makes no workers from their addresses.
  const source = new Blob([new Uint8Array(await vscode.workspace.fs.readFile(script))], { type: 'text/javascript' });
  const address = URL.createObjectURL(source);
  const worker = new Worker(address);
  const client = new LanguageClient(
    'ringside',
    'Ringside language server',
    worker,
    languageClientOptions(context.extensionUri),
  );
  serveFiles(client);
  await client.start();
  const served = vscode.Disposable.from(serveSession(client, debugType), serveLaunches(client));
  return async () => {
    served.dispose();
    await client.stop();
    worker.terminate();
    URL.revokeObjectURL(address);
  };
}
