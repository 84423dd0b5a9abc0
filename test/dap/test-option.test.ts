// A session on one test of a program: launch.json's "test".
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import { ROOT, whyNoBundle } from '../cli/bundle.ts';
import { toyAdapter } from './toy-adapter.ts';

const SOURCE = `        bits 64
start:  hlt
test_sum:
        mov     eax, 2
        add     eax, 3
        ret
`;
const PATH = '/work/sum.test.asm';

async function adapterFor(settings: Record<string, unknown>) {
  const coreWasm = new WebAssembly.Module(readFileSync(join(ROOT, 'dist', 'core.wasm')));
  const adapter = toyAdapter((program, ramSize) => createMachine({ coreWasm, ramSize, program }));
  adapter.files.set(PATH, SOURCE);
  await adapter.request('initialize', { adapterID: 'ringside', linesStartAt1: true, pathFormat: 'path' });
  const initialized = adapter.event('initialized');
  const launch = () => adapter.request('launch', { program: PATH, memory: 16, stopOnFirstVmExit: false, ...settings });
  return { adapter, initialized, launch };
}

describe.skipIf(whyNoBundle() !== undefined)('a session on a test', () => {
  test('a breakpoint on its first instruction is met, and its return ends the machine with success', async () => {
    const { adapter, initialized, launch } = await adapterFor({ test: 'test_sum' });
    await launch();
    await initialized;
    await adapter.request('setBreakpoints', { source: { path: PATH }, breakpoints: [{ line: 4 }] });
    expect(await adapter.toStop('configurationDone')).toMatchObject({ reason: 'breakpoint' });
    const exited = adapter.event('exited');
    await adapter.request('continue', { threadId: 1 });
    // isa-debug-exit makes 1 of the value 0.
    expect(await exited).toMatchObject({ body: { exitCode: 1 } });
  });

  test.each([
    ['test_product', /"test" cannot be carried out: sum\.test\.asm has no test "test_product"; it has "test_sum"/],
    [7, /"test" is 7; expected the name of a test/],
  ])('"test": %j is a mistake', async (name, message) => {
    const { launch } = await adapterFor({ test: name });
    await expect(launch()).rejects.toThrow(message);
  });
});
