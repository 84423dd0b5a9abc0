// Where the debug adapter runs in a browser: a worker of its own. Messages pass through here, because paths mean something else there:
// VS Code knows sources by URI, the adapter by path; files are read and written through VS Code.
import * as vscode from 'vscode';
import type { FromWorker, ToWorker } from '../web/protocol.ts';

/** Starts `dist/adapter-worker.js`; the folder of the session says to which file system paths belong. */
export function workerAdapterFactory(extension: vscode.Uri): vscode.DebugAdapterDescriptorFactory {
  return {
    createDebugAdapterDescriptor(session) {
      const root = session.workspaceFolder?.uri ?? vscode.workspace.workspaceFolders?.[0]?.uri ?? extension;
      return new vscode.DebugAdapterInlineImplementation(new WorkerAdapter(extension, root));
    },
  };
}

class WorkerAdapter implements vscode.DebugAdapter {
  readonly #root: vscode.Uri;
  readonly #messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly #worker: Promise<Worker>;
  readonly onDidSendMessage = this.#messages.event;

  constructor(extension: vscode.Uri, root: vscode.Uri) {
    this.#root = root;
    this.#worker = this.#start(extension);
    this.#worker.catch((problem: unknown) => {
      const text = problem instanceof Error ? problem.message : String(problem);
      void vscode.window.showErrorMessage(`Ringside: the debug adapter did not start: ${text}`);
    });
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    const sent = withPaths(message, (path) => this.#pathOf(path));
    void this.#worker.then((worker) => post(worker, { kind: 'message', message: sent }));
  }

  dispose(): void {
    void this.#worker.then((worker) => worker.terminate());
    this.#messages.dispose();
  }

  async #start(extension: vscode.Uri): Promise<Worker> {
    const file = (name: string) => vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, 'dist', name));
    const [script, core, disassembler] = await Promise.all(
      ['adapter-worker.js', 'core.wasm', 'iced_x86_bg.wasm'].map(file),
    );
    // The script may come from another origin, which a worker's URL must not. The URL stays valid: VS Code wraps workers, and loads it later.
    const url = URL.createObjectURL(new Blob([script as BlobPart], { type: 'text/javascript' }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }: { data: FromWorker }) => void this.#take(worker, data);
    worker.onerror = ({ message }) =>
      void vscode.window.showErrorMessage(`Ringside: the debug adapter failed: ${message}`);
    post(worker, { kind: 'start', files: { core: core as Uint8Array, disassembler: disassembler as Uint8Array } });
    return worker;
  }

  async #take(worker: Worker, data: FromWorker): Promise<void> {
    switch (data.kind) {
      case 'message':
        this.#messages.fire(withPaths(data.message, (path) => this.#uriOf(path).toString()));
        return;
      case 'read':
        try {
          const bytes = await vscode.workspace.fs.readFile(this.#uriOf(data.path));
          post(worker, { kind: 'file', id: data.id, bytes, problem: '' });
        } catch (problem) {
          post(worker, { kind: 'file', id: data.id, bytes: undefined, problem: fileProblem(problem) });
        }
        return;
      case 'write':
        post(worker, { kind: 'written', id: data.id, problem: await this.#write(data) });
    }
  }

  async #write({ path, text, append }: Extract<FromWorker, { kind: 'write' }>): Promise<string> {
    const uri = this.#uriOf(path);
    try {
      const before = append
        ? await vscode.workspace.fs.readFile(uri).then(undefined, () => new Uint8Array())
        : new Uint8Array();
      const after = new TextEncoder().encode(text);
      const whole = new Uint8Array(before.length + after.length);
      whole.set(before);
      whole.set(after, before.length);
      await vscode.workspace.fs.writeFile(uri, whole);
      return '';
    } catch (problem) {
      return fileProblem(problem);
    }
  }

  #uriOf(path: string): vscode.Uri {
    return this.#root.with({ path: path.startsWith('/') ? path : `/${path}` });
  }

  #pathOf(text: string): string {
    return /^[a-z][\w+.-]+:\//i.test(text) ? vscode.Uri.parse(text).path : text;
  }
}

function post(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}

/** A copy of a message in which the `path` of every source (an object with `path` beside `name` or `sourceReference`, or `source`'s) is changed. */
function withPaths(message: object, change: (path: string) => string): object {
  const walk = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown) => walk(item, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        const isPath = name === 'path' && typeof inner === 'string' && SOURCES.has(key);
        return [name, isPath ? change(inner) : walk(inner, name)];
      }),
    );
  };
  return walk(message, '') as object;
}

/** Properties of the protocol that hold sources. */
const SOURCES = new Set(['source', 'sources']);

/** What the file system said, in words for the adapter's own message. */
function fileProblem(problem: unknown): string {
  if (problem instanceof vscode.FileSystemError && problem.code === 'FileNotFound') return 'there is no such file';
  return problem instanceof Error ? problem.message : String(problem);
}
