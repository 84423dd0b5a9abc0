// The adapter in the test's own process, on the real machine.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMachine } from '../../src/machine/machine.ts';
import type { Machine } from '../../src/machine/types.ts';
import { ROOT } from '../cli/bundle.ts';
import { type ToyAdapter, toyAdapter } from './toy-adapter.ts';

export { whyNoBundle } from '../cli/bundle.ts';

export const HYPERVISOR = join(ROOT, 'test', 'dap', 'programs', 'hypervisor.asm');
const TEXT = readFileSync(HYPERVISOR, 'utf8');

/** Line of the first line with this text after a label, from 1. */
export function lineAfter(label: string, text: string): number {
  const lines = TEXT.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`${label}:`));
  const found = lines.findIndex((line, index) => index > start && line.trim().startsWith(text));
  if (start < 0 || found < 0) throw new Error(`no "${text}" after ${label}`);
  return found + 1;
}

let core: WebAssembly.Module | undefined;

export interface MachineAdapter extends ToyAdapter {
  readonly machine: () => Machine;
  readonly first: Record<string, unknown>;
  /** The result of an evaluation in the debug console. */
  say(line: string): Promise<string>;
  /** Runs on; the body of the next `stopped` event, or undefined when the program ended. */
  go(): Promise<Record<string, unknown> | undefined>;
}

/** A session on hypervisor.asm, or on `text`, stopped before the first instruction. */
export async function launchedMachine(
  launch: Record<string, unknown> = {},
  text: string | Uint8Array = TEXT,
): Promise<MachineAdapter> {
  let machine: Machine | undefined;
  core ??= new WebAssembly.Module(readFileSync(join(ROOT, 'dist', 'core.wasm')));
  const coreWasm = core;
  const adapter = toyAdapter((program, ramSize) => {
    machine = createMachine({ coreWasm, ramSize, program });
    return machine;
  });
  const path = typeof text === 'string' ? '/work/program.asm' : '/work/program.elf';
  adapter.files.set(path, text);
  await adapter.request('initialize', {
    adapterID: 'ringside',
    linesStartAt1: true,
    columnsStartAt1: true,
    pathFormat: 'path',
    supportsInvalidatedEvent: true,
    supportsMemoryEvent: true,
    supportsANSIStyling: true,
    supportsProgressReporting: true,
  });
  const initialized = adapter.event('initialized');
  await adapter.request('launch', {
    type: 'ringside',
    request: 'launch',
    name: 'test',
    program: path,
    memory: 16,
    stopOnEntry: true,
    stopOnFirstVmExit: false,
    ...launch,
  });
  await initialized;
  await adapter.request('setExceptionBreakpoints', { filters: [] });
  const first = await adapter.toStop('configurationDone');
  const ended = new Promise<undefined>((resolve) => void adapter.event('terminated').then(() => resolve(undefined)));
  return {
    ...adapter,
    first,
    machine: () => {
      if (machine === undefined) throw new Error('no machine yet');
      return machine;
    },
    say: async (line) => (await adapter.request('evaluate', { expression: line, context: 'repl' })).result as string,
    go: () => Promise.race([adapter.toStop('continue', { threadId: 1 }), ended]),
  };
}
