// The machine in a browser's worker, so that it never holds up the editor: debug adapter and tests. Files come from the extension.

import type { DebugAdapter } from '../dap/adapter.ts';
import type { AdapterHost, MachineSettings } from '../dap/connection.ts';
import type { Program } from '../program/types.ts';
import type { FromWorker, TestsRequest, ToWorker, WorkerFiles } from './protocol.ts';

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
let host: Promise<AdapterHost> | undefined;
let adapter: Promise<DebugAdapter> | undefined;

scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case 'start':
      host ??= start(data.files);
      return;
    case 'message':
      adapter ??= startAdapter();
      void adapter.then((running) => running.handleMessage(data.message));
      return;
    case 'tests':
      void test(data.request).then(
        () => scope.postMessage({ kind: 'tested', problem: '' }),
        (problem: unknown) =>
          scope.postMessage({ kind: 'tested', problem: problem instanceof Error ? problem.message : String(problem) }),
      );
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

async function start(files: WorkerFiles): Promise<AdapterHost> {
  scope.ringsideDisassembler = files.disassembler;
  const core = WebAssembly.compile(files.core as BufferSource);
  // Only now: the disassembler is read when its module is loaded.
  const [{ createScheduler }, { createMachine }] = await Promise.all([
    import('../debugger/scheduler.ts'),
    import('../machine/machine.ts'),
  ]);
  return {
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
    createMachine: async (program: Program, settings: MachineSettings) =>
      createMachine({ coreWasm: await core, program, ...settings }),
  };
}

/** What the extension sends first is the files. */
function started(): Promise<AdapterHost> {
  if (host === undefined) throw new Error('the worker was not started');
  return host;
}

async function startAdapter(): Promise<DebugAdapter> {
  const [files, { DebugAdapter }] = [await started(), await import('../dap/adapter.ts')];
  const running = new DebugAdapter(files);
  running.onDidSendMessage((message) => scope.postMessage({ kind: 'message', message }));
  return running;
}

async function test({ paths, names, ...request }: TestsRequest): Promise<void> {
  const { readFile, scheduler, createMachine } = await started();
  const [{ tellTests }, { DEFAULT_MEMORY }, { chooseProfile }] = await Promise.all([
    import('../debugger/tests/suite.ts'),
    import('../dap/launch.ts'),
    import('../vmx/choose-profile.ts'),
  ]);
  const ramSize = DEFAULT_MEMORY << 20;
  const chosen = chooseProfile();
  if (!chosen.ok) throw new Error(chosen.expected);
  const { profile } = chosen;
  await tellTests(
    { ...request, paths, load: { ramSize }, wanted: (name) => names.length === 0 || names.includes(name) },
    {
      readFile,
      createMachine: (program) => createMachine(program, { ramSize, processors: 1, profile }),
      breathe: () => scheduler.breathe(),
    },
    (event) => scope.postMessage({ kind: 'test', event }),
  );
}
