// A source that is not the one that the program was built from is told, once a file.

import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createHost } from '../../src/cli/host.ts';
import { createMachine } from '../../src/machine/machine.ts';
import { FIXTURES } from '../program/compile.ts';
import { lacking, run, temporaryFolder } from '../program/toolchain.ts';
import { coreModule } from '../vmx/hypervisors.ts';
import { toyAdapter } from './toy-adapter.ts';

const BUILT = 1_700_000_000;
const HOUR = 3600;

/** Launches a program and sets a breakpoint in its source, twice; everything that the debug console was told. */
async function toldOf(elf: string, source: string, options: { readonly times: boolean }): Promise<string> {
  const host = createHost();
  let looking = false;
  let looked = (): void => {};
  const last = new Promise<void>((resolve) => {
    looked = resolve;
  });
  /** A check ends with the time of the program, or where there are no times with the source. */
  const told = async <T>(path: string, asked: Promise<T>): Promise<T> => {
    const answer = await asked;
    if (looking && path === (options.times ? elf : source)) looked();
    return answer;
  };
  const client = toyAdapter(undefined, {
    readFile: (path) => (options.times ? host.readFile(path) : told(path, host.readFile(path))),
    ...(options.times ? { modified: (path: string) => told(path, host.modified!(path)) } : {}),
    createMachine: async (program, settings) => createMachine({ coreWasm: coreModule(), program, ...settings }),
  });
  await client.request('initialize', { adapterID: 'ringside' });
  await client.request('launch', { program: elf, bits: 64, memory: 16, stopOnEntry: true });
  await client.toStop('configurationDone');
  looking = true;
  for (const line of [30, 31])
    await client.request('setBreakpoints', { source: { path: source }, breakpoints: [{ line }] });
  await last;
  // What follows the last answer needs no more than its turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  await client.request('disconnect', { terminateDebuggee: true });
  return client.messages
    .filter(({ event }) => event === 'output')
    .map(({ body }) => String(body?.output))
    .filter((text) => text.includes('is not what'))
    .join('');
}

describe.skipIf(lacking('gcc', 'clang'))('a source that', () => {
  const folder = temporaryFolder();
  const made = (name: string, compiler: string, version: number): { elf: string; source: string } => {
    const inner = join(folder, name);
    mkdirSync(inner);
    const source = join(inner, 'calls.c');
    writeFileSync(source, readFileSync(join(FIXTURES, 'calls.c')));
    const elf = join(inner, 'calls.elf');
    // biome-ignore format: a command line
    run(compiler, ['-g', `-gdwarf-${version}`, '-O0', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-fno-stack-protector', '-Wl,-Ttext=0x100000', '-o', elf, source]);
    utimesSync(source, BUILT - HOUR, BUILT - HOUR);
    utimesSync(elf, BUILT, BUILT);
    return { elf, source };
  };

  test.each([
    ['is older than a program without sums', 'gcc', 4, -HOUR, true, ''],
    [
      'is newer than a program without sums',
      'gcc',
      4,
      HOUR,
      true,
      /calls\.c is not what calls\.elf was built from: it was modified at 2023-11-14 23:13:20 UTC, after the program was built at 2023-11-14 22:13:20 UTC\. .*Build it again/,
    ],
    ['is newer, where files have no times', 'gcc', 4, HOUR, false, ''],
    ['is newer, and has the sum that the program has', 'clang', 5, HOUR, true, ''],
  ] as const)('%s', async (title, compiler, version, age, times, said) => {
    const { elf, source } = made(title.replaceAll(/\W+/g, '-'), compiler, version);
    utimesSync(source, BUILT + age, BUILT + age);
    const told = await toldOf(elf, source, { times });
    if (said === '') expect(told).toBe('');
    else expect(told).toMatch(said);
    expect(told.split('\n').length).toBeLessThan(3);
  });

  test('was changed since the program was built with its sum', async () => {
    const { elf, source } = made('changed', 'clang', 5);
    writeFileSync(source, `${readFileSync(source, 'utf8')}\n`);
    expect(await toldOf(elf, source, { times: false })).toMatch(/MD5 sum differs/);
  });

  test('has times where there are files', async () => {
    const { elf } = made('times', 'gcc', 4);
    expect(await createHost().modified?.(elf)).toBe(statSync(elf).mtimeMs / 1000);
    expect(await createHost().modified?.(`${elf}.not`)).toBeUndefined();
  });
});
