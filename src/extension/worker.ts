// A worker with the machine in it, for a browser: debug adapter and tests run in one each. Files are read and written through VS Code.
import * as vscode from 'vscode';
import type { FromWorker, ToWorker, WorkerFiles } from '../web/protocol.ts';
import { uriBeside } from './places.ts';

/** What a worker says beside its questions for files. */
export type WorkerSaid = Exclude<FromWorker, { readonly id: number }>;

export interface MachineWorker {
  post(message: ToWorker): void;
  terminate(): void;
}

export interface WorkerListener {
  said(message: WorkerSaid): void;
  /** A fault of ours: the worker threw. */
  failed(problem: string): void;
}

interface Parts {
  /** Address of the script. */
  readonly url: string;
  readonly files: WorkerFiles;
}

let loaded: { readonly extension: string; readonly parts: Promise<Parts> } | undefined;

/** Read once: every session and every run of tests starts a worker. */
function partsOf(extension: vscode.Uri): Promise<Parts> {
  if (loaded?.extension !== extension.toString()) {
    const parts = load(extension);
    loaded = { extension: extension.toString(), parts };
    parts.catch(() => {
      loaded = undefined;
    });
  }
  return loaded.parts;
}

async function load(extension: vscode.Uri): Promise<Parts> {
  const file = (name: string) => vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, 'dist', name));
  const [script, core, disassembler] = await Promise.all([
    file('adapter-worker.js'),
    file('core.wasm'),
    file('iced_x86_bg.wasm'),
  ]);
  // The script may come from another origin, which a worker's URL must not. The URL stays valid: VS Code wraps workers, and loads it later.
  const url = URL.createObjectURL(new Blob([script as BlobPart], { type: 'text/javascript' }));
  return { url, files: { core, disassembler } };
}

/** `root`: says to which file system the worker's paths belong. */
export async function startWorker(
  extension: vscode.Uri,
  root: vscode.Uri,
  listener: WorkerListener,
): Promise<MachineWorker> {
  const { url, files } = await partsOf(extension);
  const worker = new Worker(url);
  const post = (message: ToWorker): void => worker.postMessage(message);
  worker.onmessage = ({ data }: { data: FromWorker }) => {
    if (data.kind === 'read') void read(root, data.id, data.path).then(post);
    else if (data.kind === 'write') void write(root, data).then(post);
    else listener.said(data);
  };
  worker.onerror = ({ message }) => listener.failed(message);
  post({ kind: 'start', files });
  return { post, terminate: () => worker.terminate() };
}

async function read(root: vscode.Uri, id: number, path: string): Promise<ToWorker> {
  try {
    const bytes = await vscode.workspace.fs.readFile(uriBeside(root, path));
    return { kind: 'file', id, bytes, problem: '' };
  } catch (problem) {
    return { kind: 'file', id, bytes: undefined, problem: fileProblem(problem) };
  }
}

async function write(
  root: vscode.Uri,
  { id, path, text, append }: Extract<FromWorker, { kind: 'write' }>,
): Promise<ToWorker> {
  const uri = uriBeside(root, path);
  try {
    const before = append
      ? await vscode.workspace.fs.readFile(uri).then(undefined, () => new Uint8Array())
      : new Uint8Array();
    const after = new TextEncoder().encode(text);
    const whole = new Uint8Array(before.length + after.length);
    whole.set(before);
    whole.set(after, before.length);
    await vscode.workspace.fs.writeFile(uri, whole);
    return { kind: 'written', id, problem: '' };
  } catch (problem) {
    return { kind: 'written', id, problem: fileProblem(problem) };
  }
}

/** What the file system said, in words for the worker's own message. */
function fileProblem(problem: unknown): string {
  if (problem instanceof vscode.FileSystemError && problem.code === 'FileNotFound') return 'there is no such file';
  return problem instanceof Error ? problem.message : String(problem);
}
