// Lists of symbols as nm prints them.

import { describe, expect, it } from 'vitest';
import { loadSymbolFile } from '../../src/program/symbol-file.ts';
import { build } from './compile.ts';
import { fileReader, filesReader, lacking, run, temporaryFolder } from './toolchain.ts';

const text = (content: string) => filesReader({ map: new TextEncoder().encode(content) });

// The first lines of a kernel's /proc/kallsyms, absolute ones included, and one of a module.
const KALLSYMS = `0000000000000000 A fixed_percpu_data
0000000000002000 A cpu_debug_store
ffffffff81000000 T startup_64
ffffffff81000000 T _text
ffffffff81000060 T secondary_startup_64
ffffffff81e00000 D __begin
ffffffffc031f000 t vmx_vcpu_run\t[kvm_intel]
`;

describe('a list of symbols', () => {
  it('is read as /proc/kallsyms tells it; absolute symbols are numbers', async () => {
    const { program, displacement } = await loadSymbolFile('map', undefined, text(KALLSYMS));
    expect(displacement).toBe(0n);
    expect(program.symbols).toEqual([
      { name: 'startup_64', address: 0xffffffff81000000n, size: 0x60, kind: 'function' },
      { name: '_text', address: 0xffffffff81000000n, size: 0x60, kind: 'function' },
      { name: 'secondary_startup_64', address: 0xffffffff81000060n, size: 0, kind: 'function' },
      { name: '__begin', address: 0xffffffff81e00000n, size: 0, kind: 'object' },
      { name: 'vmx_vcpu_run', address: 0xffffffffc031f000n, size: 0, kind: 'function' },
    ]);
  });

  it('can be moved: the address is that of its lowest function', async () => {
    const { program, displacement } = await loadSymbolFile('map', 0xffffffff91000000n, text(KALLSYMS));
    expect(displacement).toBe(0x10000000n);
    expect(program.symbols.find(({ name }) => name === 'secondary_startup_64')?.address).toBe(0xffffffff91000060n);
  });

  it.each([
    ['0000000000000000 T _text\n0000000000000000 T stext\n', /every address in the list of symbols is 0/],
    ['ffffffff81000000 T _text\nffffffff8100 T\n', /line 2 is not an address, a letter and a name/],
    ['hello\n', /it is none/],
  ])('%j is refused with what to do', async (content, message) => {
    await expect(loadSymbolFile('map', undefined, text(content))).rejects.toThrow(message);
  });

  it.skipIf(lacking('gcc', 'nm'))('has the names and addresses of the ELF file that nm read', async () => {
    const elf = build(temporaryFolder(), 'calls.c', { compiler: 'gcc', version: 5, optimization: '-O0', bits: 64 });
    const { program } = await loadSymbolFile('map', undefined, text(run('nm', [elf])));
    const whole = await loadSymbolFile(elf, undefined, fileReader);
    const functions = (symbols: typeof program.symbols) =>
      symbols.flatMap(({ name, kind, address }) => (kind === 'function' ? [`${name} ${address}`] : [])).toSorted();
    expect(functions(program.symbols)).toEqual(expect.arrayContaining(functions(whole.program.symbols)));
  });
});
