// Where the debug adapter runs in a browser: a worker of its own. Messages pass through here, because paths mean something else there:
// VS Code knows sources by URI, the adapter by path.
import * as vscode from 'vscode';
import { pathOf, rootOf, uriBeside } from './places.ts';
import { type MachineWorker, startWorker } from './worker.ts';

export function workerAdapterFactory(extension: vscode.Uri): vscode.DebugAdapterDescriptorFactory {
  return {
    createDebugAdapterDescriptor(session) {
      return new vscode.DebugAdapterInlineImplementation(new WorkerAdapter(extension, rootOf(session) ?? extension));
    },
  };
}

class WorkerAdapter implements vscode.DebugAdapter {
  readonly #messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly #worker: Promise<MachineWorker>;
  readonly onDidSendMessage = this.#messages.event;

  constructor(extension: vscode.Uri, root: vscode.Uri) {
    this.#worker = startWorker(extension, root, {
      said: (data) => {
        if (data.kind === 'message')
          this.#messages.fire(withPaths(data.message, (path) => uriBeside(root, path).toString()));
      },
      failed: (problem) => void vscode.window.showErrorMessage(`Ringside: the debug adapter failed: ${problem}`),
    });
    this.#worker.catch((problem: unknown) => {
      const text = problem instanceof Error ? problem.message : String(problem);
      void vscode.window.showErrorMessage(`Ringside: the debug adapter did not start: ${text}`);
    });
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    const sent = withPaths(message, pathOf);
    void this.#worker.then((worker) => worker.post({ kind: 'message', message: sent }));
  }

  dispose(): void {
    void this.#worker.then((worker) => worker.terminate());
    this.#messages.dispose();
  }
}

/** A copy of a message in which the `path` of every source, and the `program` of a launch, is changed. */
function withPaths(message: object, change: (path: string) => string): object {
  const walk = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown) => walk(item, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        const isPath = typeof inner === 'string' && PATHS[name]?.has(key);
        return [name, isPath ? change(inner) : walk(inner, name)];
      }),
    );
  };
  return walk(message, '') as object;
}

/** Properties of the protocol that hold paths, and the properties whose objects these are in. */
const PATHS: Readonly<Record<string, ReadonlySet<string>>> = {
  path: new Set(['source', 'sources']),
  program: new Set(['arguments']),
};
