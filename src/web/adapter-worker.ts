// The debug adapter in a browser's worker: the machine runs here, so that it never holds up the editor. Files come from the extension.

import type { DebugAdapter } from '../dap/adapter.ts';
import type { AdapterHost } from '../dap/connection.ts';
import type { FromWorker, ToWorker, WorkerFiles } from './protocol.ts';

/** The worker's own end. (The DOM's types are not loaded here.) */
interface WorkerScope {
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
  postMessage(message: FromWorker): void;
  /** Where the bundle's stand-in for Node's `fs` finds the disassembler: scripts/browser-shims.mjs. */
  ringsideDisassembler?: Uint8Array;
}

const scope = globalThis as unknown as WorkerScope;
const waiting = new Map<number, (answer: Extract<ToWorker, { id: number }>) => void>();
let lastId = 0;
let adapter: Promise<DebugAdapter> | undefined;

scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case 'start':
      adapter ??= start(data.files);
      return;
    case 'message':
      void adapter?.then((running) => running.handleMessage(data.message));
      return;
    case 'file':
    case 'written':
      waiting.get(data.id)?.(data);
      waiting.delete(data.id);
  }
};

/** Asks the extension for something about a file. */
function ask(question: (id: number) => FromWorker): Promise<Extract<ToWorker, { id: number }>> {
  const id = ++lastId;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    scope.postMessage(question(id));
  });
}

async function start(files: WorkerFiles): Promise<DebugAdapter> {
  scope.ringsideDisassembler = files.disassembler;
  // Only now: the disassembler is read when its module is loaded.
  const [{ DebugAdapter }, { createScheduler }, { createMachine }] = await Promise.all([
    import('../dap/adapter.ts'),
    import('../debugger/scheduler.ts'),
    import('../machine/machine.ts'),
  ]);
  const core = WebAssembly.compile(files.core as BufferSource);
  const host: AdapterHost = {
    scheduler: createScheduler(),
    async readFile(path) {
      const answer = await ask((id) => ({ kind: 'read', id, path }));
      if (answer.kind !== 'file' || answer.bytes === undefined) throw new Error(answer.problem);
      return answer.bytes;
    },
    async writeFile(path, text, append) {
      const answer = await ask((id) => ({ kind: 'write', id, path, text, append }));
      if (answer.problem !== '') throw new Error(answer.problem);
    },
    createMachine: async (program, settings) => createMachine({ coreWasm: await core, program, ...settings }),
  };
  const running = new DebugAdapter(host);
  running.onDidSendMessage((message) => scope.postMessage({ kind: 'message', message }));
  return running;
}
