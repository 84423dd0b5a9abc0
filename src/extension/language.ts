// Starts the language server with the first NASM document; until then nothing of it is loaded.
import * as vscode from 'vscode';

const LANGUAGE = 'nasm';

export interface ClientModule {
  startClient(context: vscode.ExtensionContext, debugType: string): Promise<() => Promise<void>>;
}

/** `load`: gives the client, when it is needed. */
export function languageSupport(
  context: vscode.ExtensionContext,
  debugType: string,
  load: () => Promise<ClientModule>,
): vscode.Disposable {
  let stopped = false;
  let stop: (() => Promise<void>) | undefined;
  const listener = vscode.workspace.onDidOpenTextDocument((document) => start(document));
  const start = (document: vscode.TextDocument): void => {
    if (document.languageId !== LANGUAGE) return;
    listener.dispose();
    load()
      .then(({ startClient }) => startClient(context, debugType))
      .then(
        (running) => {
          if (stopped) void running();
          else stop = running;
        },
        (problem: unknown) => {
          void vscode.window.showErrorMessage(
            `Ringside: the language server did not start: ${problem instanceof Error ? problem.message : String(problem)}`,
          );
        },
      );
  };
  const open = vscode.workspace.textDocuments.find((document) => document.languageId === LANGUAGE);
  if (open) start(open);
  return {
    dispose() {
      stopped = true;
      listener.dispose();
      void stop?.();
    },
  };
}
