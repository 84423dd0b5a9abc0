// A view in an editor tab: a web page that may run our script and nothing else, and asks the session through messages.
import * as vscode from 'vscode';
import type { SessionWatch } from './session-state.ts';

export interface ViewKind {
  /** `vmcs`: also the name of its script. */
  readonly id: string;
  readonly title: string;
  /** Requests of the adapter that its page may make. */
  readonly requests: readonly string[];
  /** What else its page may ask for, by name; the answer goes back to it. */
  readonly actions?: Readonly<Record<string, (body: unknown) => Thenable<unknown>>>;
}

/** A view that a command opens. */
export interface OpenedView extends ViewKind {
  readonly command: string;
}

/** What a page sends. */
interface PageMessage {
  readonly kind: 'request' | 'action' | 'ready';
  readonly id: number;
  readonly name: string;
  readonly body: unknown;
}

/**
 * Registers the command that opens a view, or shows the one that is open; a text as argument is what its page is to show. A view that was
 * open when the window was reloaded opens again.
 */
export function registerView(
  context: vscode.ExtensionContext,
  watch: SessionWatch,
  view: OpenedView,
): vscode.Disposable {
  const viewType = `ringside.${view.id}`;
  const root = pagesOf(context);
  const options = { enableScripts: true, localResourceRoots: [root] };
  let open: vscode.WebviewPanel | undefined;
  /** What the page is to show, when it can be told. */
  let wanted: string | undefined;
  const fill = (panel: vscode.WebviewPanel): void => {
    open = panel;
    const sendState = (): void => {
      const { state, session } = watch;
      void panel.webview.postMessage({ kind: 'state', state, session: session?.name ?? '' });
    };
    const ready = (): void => {
      if (wanted !== undefined) void panel.webview.postMessage({ kind: 'show', text: wanted });
      wanted = undefined;
      sendState();
    };
    const subscriptions = [watch.onDidChange(sendState), listenToPage(panel.webview, watch, view, ready)];
    panel.onDidDispose(() => {
      if (open === panel) open = undefined;
      for (const subscription of subscriptions) subscription.dispose();
    });
    panel.webview.options = options;
    panel.webview.html = page(panel.webview, root, view);
  };
  const show = (what?: unknown): void => {
    const text = typeof what === 'string' ? what : undefined;
    if (open !== undefined) {
      open.reveal(undefined, true);
      if (text !== undefined) void open.webview.postMessage({ kind: 'show', text });
      return;
    }
    wanted = text;
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    fill(vscode.window.createWebviewPanel(viewType, view.title, place, { ...options, retainContextWhenHidden: true }));
  };
  return vscode.Disposable.from(
    vscode.commands.registerCommand(view.command, show),
    vscode.window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: async (panel) => fill(panel),
    }),
  );
}

/** Answers what a page asks; `ready`: it can be told things now. */
export function listenToPage(
  webview: vscode.Webview,
  watch: SessionWatch,
  view: ViewKind,
  ready: () => void,
): vscode.Disposable {
  return webview.onDidReceiveMessage((message: PageMessage) => {
    if (message.kind === 'ready') return ready();
    answer(watch, view, message).then(
      (body) => webview.postMessage({ kind: 'answer', id: message.id, body }),
      (error: unknown) =>
        webview.postMessage({
          kind: 'answer',
          id: message.id,
          error: error instanceof Error ? error.message : String(error),
        }),
    );
  });
}

async function answer(watch: SessionWatch, view: ViewKind, message: PageMessage): Promise<unknown> {
  if (message.kind === 'action') {
    const action = view.actions?.[message.name];
    if (action === undefined) throw new Error(`The view "${view.title}" has no action "${message.name}".`);
    return action(message.body);
  }
  if (!view.requests.includes(message.name))
    throw new Error(`The view "${view.title}" does not ask for ${message.name}.`);
  if (watch.session === undefined) throw new Error('No session is running.');
  return watch.session.customRequest(message.name, message.body);
}

/** Where scripts and styles of pages are. */
export const pagesOf = (context: vscode.ExtensionContext): vscode.Uri =>
  vscode.Uri.joinPath(context.extensionUri, 'dist', 'views');

/** The page: its policy forbids every request but for the script and style that come with the extension. */
export function page(webview: vscode.Webview, root: vscode.Uri, view: ViewKind): string {
  const uri = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(root, name)).toString();
  const nonce = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${uri('views.css')}">
<title>${view.title}</title>
</head>
<body>
<main id="view" data-view="${view.id}"></main>
<script nonce="${nonce}" src="${uri(`${view.id}.js`)}"></script>
</body>
</html>`;
}
