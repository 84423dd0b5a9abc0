// The worker of a browser, as it ships, in a worker of Node.js: its tests are those of the command line, event for event.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserShims } from '../../scripts/browser-shims.mjs';
import type { FromWorker, TestsRequest, ToWorker } from '../../src/web/protocol.ts';
import { type Bundle, bundle, ringside, ROOT, whyNoBundle } from '../cli/bundle.ts';

/** What a browser gives to a worker, made of what Node.js gives. */
const BROWSER = `
const { parentPort } = require('node:worker_threads');
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on('message', (data) => globalThis.onmessage({ data }));
`;

const LABS = join(ROOT, 'samples', 'labs');
const RUN: TestsRequest = { paths: [], names: [], list: false, coverage: false, maxInstructions: 1_000_000 };

describe.skipIf(whyNoBundle() !== undefined)('tests in a worker', () => {
  let script = '';
  let built: Bundle;
  const workers: Worker[] = [];

  beforeAll(async () => {
    built = await bundle('web');
    const { outputFiles } = await build({
      entryPoints: [join(ROOT, 'src', 'web', 'adapter-worker.ts')],
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      plugins: [browserShims],
      define: { __dirname: '""' },
      logLevel: 'error',
    });
    script = outputFiles[0]?.text ?? '';
  }, 60_000);
  afterAll(() => Promise.all(workers.map((worker) => worker.terminate())));

  /** Everything that the worker tells of a request, to its last message. */
  function told(request: TestsRequest): Promise<FromWorker[]> {
    const worker = new Worker(BROWSER + script, { eval: true });
    workers.push(worker);
    const post = (message: ToWorker): void => worker.postMessage(message);
    const file = (name: string) => new Uint8Array(readFileSync(join(built.cli, '..', name)));
    const messages: FromWorker[] = [];
    post({ kind: 'start', files: { core: file('core.wasm'), disassembler: file('iced_x86_bg.wasm') } });
    post({ kind: 'tests', request });
    return new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'read') post({ kind: 'file', id: message.id, ...read(message.path) });
        else messages.push(message);
        if (message.kind === 'tested') resolve(messages);
      });
    });
  }

  const read = (path: string): { bytes: Uint8Array | undefined; problem: string } => {
    try {
      return { bytes: new Uint8Array(readFileSync(path)), problem: '' };
    } catch {
      return { bytes: undefined, problem: 'there is no such file' };
    }
  };

  test.each<[string, Partial<TestsRequest>, string[]]>([
    ['run, one of them not right', { paths: ['01-enter-vmx-operation/test.asm', '04-three-faults/test.asm'] }, []],
    ['covered', { paths: ['01-enter-vmx-operation/test.asm'], coverage: true }, ['--coverage']],
    ['listed, one that is no program', { paths: ['02-first-vm-entry/test.asm', 'README.md'], list: true }, ['--list']],
  ])('%s', { timeout: 30_000 }, async (_name, request, options) => {
    const paths = (request.paths ?? []).map((file) => join(LABS, file));
    const { stdout } = await ringside(built.cli, [
      ...['test', ...paths, '--json', '--max-instructions', String(RUN.maxInstructions)],
      ...options,
    ]);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => ({ kind: 'test', event: JSON.parse(line) }));
    expect(await told({ ...RUN, ...request, paths })).toEqual([...events, { kind: 'tested', problem: '' }]);
  });
});
