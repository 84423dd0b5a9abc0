// The client of the language server, in a bundle of its own that is loaded with the first NASM document.
import * as vscode from 'vscode';
import { LanguageClient, TransportKind, type LanguageClientOptions } from 'vscode-languageclient/node';
import { languageClientOptions, serveLaunches, serveSession } from './language-options.ts';

/** Starts `dist/ringside.cjs lsp` with the editor's own Node.js; the answer stops it. */
export async function startClient(context: vscode.ExtensionContext, debugType: string): Promise<() => Promise<void>> {
  const module = vscode.Uri.joinPath(context.extensionUri, 'dist', 'ringside.cjs').fsPath;
  const options: LanguageClientOptions = languageClientOptions(context.extensionUri);
  const client = new LanguageClient(
    'ringside',
    'Ringside language server',
    {
      command: process.execPath,
      args: [module, 'lsp'],
      transport: TransportKind.stdio,
      options: { env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } },
    },
    options,
  );
  await client.start();
  const served = vscode.Disposable.from(serveSession(client, debugType), serveLaunches(client));
  return async () => {
    served.dispose();
    await client.stop();
  };
}
