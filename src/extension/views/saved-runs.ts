// The VM exits of a run as a `.vmtrace` file: saving it, and the editor that shows one without a session.
import * as vscode from 'vscode';
import type { TracePieceBody } from '../../dap/protocol.ts';
import { listenToPage, page, pagesOf, type ViewKind } from './panel.ts';
import { saveAs } from './save-as.ts';
import type { SessionWatch } from './session-state.ts';

/** Saves the VM exits of the session's run; answers whether that was done. */
export async function saveRun(watch: SessionWatch): Promise<boolean> {
  const { session } = watch;
  if (session === undefined) throw new Error('No session is running.');
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: 'Saving the VM exits of the run',
    cancellable: true,
  };
  const pieces = await vscode.window.withProgress(options, (progress, token) => piecesOf(session, progress, token));
  if (pieces === undefined) return false;
  return saveAs('run.vmtrace', 'Saved runs of Ringside', await packed(pieces));
}

/** undefined: it was cancelled. */
async function piecesOf(
  session: vscode.DebugSession,
  progress: vscode.Progress<{ message?: string; increment?: number }>,
  token: vscode.CancellationToken,
): Promise<Uint8Array<ArrayBuffer>[] | undefined> {
  const bytesOf = ({ data }: TracePieceBody): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  let piece: TracePieceBody = await session.customRequest('ringside/trace', {});
  const pieces = [bytesOf(piece)];
  const { last } = piece;
  while (piece.next <= last) {
    if (token.isCancellationRequested) return undefined;
    const from = piece.next;
    piece = await session.customRequest('ringside/trace', { from, to: last });
    pieces.push(bytesOf(piece));
    progress.report({ message: `${piece.next - 1} of ${last}`, increment: ((piece.next - from) / last) * 100 });
  }
  return pieces;
}

async function packed(pieces: Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> {
  const stream = new Blob(pieces).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The editor of `.vmtrace` files; they are read, never written. */
export function savedRunEditor(
  context: vscode.ExtensionContext,
  watch: SessionWatch,
  actions: NonNullable<ViewKind['actions']>,
): vscode.Disposable {
  const view: ViewKind = { id: 'trace', title: 'Saved VM Exits', requests: [], actions };
  const provider: vscode.CustomReadonlyEditorProvider = {
    openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
    resolveCustomEditor({ uri }, { webview, onDidDispose }) {
      const root = pagesOf(context);
      webview.options = { enableScripts: true, localResourceRoots: [root] };
      const send = async (): Promise<void> => {
        const bytes = await vscode.workspace.fs.readFile(uri);
        await webview.postMessage({ kind: 'file', bytes: Uint8Array.from(bytes) });
      };
      const listening = listenToPage(webview, watch, view, () => void send());
      onDidDispose(() => listening.dispose());
      webview.html = page(webview, root, view);
    },
  };
  return vscode.window.registerCustomEditorProvider('ringside.vmtrace', provider, {
    webviewOptions: { retainContextWhenHidden: true },
    supportsMultipleEditorsPerDocument: true,
  });
}
