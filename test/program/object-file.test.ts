// A relocatable object is read as GNU ld would have linked it, with nothing known but where its code lies and what memory holds.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseElf } from '../../src/program/elf.ts';
import { imageOf } from '../../src/program/image.ts';
import { loadMovableFile, loadSymbolFile } from '../../src/program/symbol-file.ts';
import type { Program } from '../../src/program/types.ts';
import { FIXTURES, type Variant, titleOf } from './compile.ts';
import { fileReader, lacking, run, temporaryFolder } from './toolchain.ts';

const VARIANTS: readonly (Variant & { readonly source: string })[] = (['gcc', 'clang'] as const).flatMap((compiler) =>
  (['-O0', '-O2'] as const).flatMap((optimization) =>
    (
      [
        [4, 32],
        [5, 64],
      ] as const
    ).map(([version, bits]) => ({ compiler, version, optimization, bits, source: 'calls.c' })),
  ),
);

/** Far apart, so that nothing fits by chance. */
const PLACES = ['.text=0x41000', '.rodata=0x92000', '.data=0xa3000', '.bss=0xb4000'];

function built(folder: string, { compiler, version, optimization, bits, source }: Variant & { source: string }) {
  const object = join(folder, 'object.o');
  const linked = join(folder, 'linked.elf');
  // biome-ignore format: a command line
  run(compiler, [
    '-c', '-g', `-gdwarf-${version}`, optimization, `-m${bits}`, '-ffreestanding', '-fno-pie', '-fno-stack-protector', '-fno-asynchronous-unwind-tables',
    '-o', object, source,
  ], FIXTURES);
  const places = PLACES.flatMap((place) => ['--section-start', place]);
  run('ld', [
    '-m',
    bits === 64 ? 'elf_x86_64' : 'elf_i386',
    '--build-id=none',
    '-e',
    '0',
    ...places,
    '-o',
    linked,
    object,
  ]);
  return { object, linked };
}

/** Memory as the linked file fills it. */
function memoryOf(linked: string) {
  const { segments } = parseElf(linked, new Uint8Array(readFileSync(linked)));
  return (address: bigint, length: number): Uint8Array => {
    const within = segments.find(({ virtual, size }) => address >= virtual && address < virtual + size);
    if (within === undefined) return new Uint8Array(0);
    const all = new Uint8Array(Number(within.size));
    all.set(within.bytes);
    return all.slice(Number(address - within.virtual)).subarray(0, length);
  };
}

function namedByNm(linked: string): [string, bigint][] {
  return run('nm', [linked])
    .split('\n')
    .flatMap((line): [string, bigint][] => {
      const [, address, kind, name] = /^([0-9a-f]+) (\w) (\S+)$/.exec(line) ?? [];
      return address && kind && name && /[tTdDbBrR]/.test(kind) && !/^(_|\.L)/.test(name)
        ? [[name, BigInt(`0x${address}`)]]
        : [];
    })
    .toSorted();
}

const named = ({ symbols }: Program): [string, bigint][] =>
  symbols
    .flatMap(({ name, address }): [string, bigint][] => (/^(_|\.L)/.test(name) ? [] : [[name, address]]))
    .toSorted();

describe.skipIf(lacking('gcc', 'clang', 'ld', 'nm'))('a relocatable object', () => {
  it.each(VARIANTS.map((variant) => [titleOf(variant), variant] as const))('%s', async (_title, variant) => {
    const { object, linked } = built(temporaryFolder(), variant);
    const peek = memoryOf(linked);
    const { program } = await loadSymbolFile(object, 0x41000n, fileReader, {}, peek);
    const expected = namedByNm(linked);
    expect(expected.length).toBeGreaterThan(5);
    const own = named(program);
    // What no relocation leads to cannot be placed; in these programs that is nothing but the entry of a section without references.
    expect(own).toEqual(expected);

    const whole = (await loadSymbolFile(linked, undefined, fileReader)).program;
    expect(whole.lines.rows.length).toBeGreaterThan(20);
    expect(program.lines.rows).toEqual(whole.lines.rows);
    const functions = (of: Program) =>
      whole.symbols.flatMap(({ kind, address, name }) =>
        kind === 'function' ? [[name, of.debug?.functionsAt(address + 1n).map(({ name: called }) => called)]] : [],
      );
    expect(functions(program)).toEqual(functions(whole));

    const movable = await loadMovableFile(object, fileReader);
    expect(named(movable.at(0x41000n, peek))).toEqual(expected);
    // Bytes that the linker changed are those that are named as changed, calls and jumps with their first byte.
    const [{ bytes, changed } = { bytes: new Uint8Array(0), changed: undefined }] = movable.code;
    const there = peek(0x41000n, bytes.length);
    const unexpected = [...bytes].flatMap((byte, at) => (byte !== there[at] && !changed?.[at] ? [at] : []));
    expect(unexpected).toEqual([]);
    expect(imageOf(program).byName.get('weigh')?.address).toBe(expected.find(([name]) => name === 'weigh')?.[1]);
  });

  it('says what it needs, and what it is without code', async () => {
    const folder = temporaryFolder();
    const { object } = built(folder, VARIANTS[0]!);
    await expect(loadSymbolFile(object, undefined, fileReader)).rejects.toThrow(
      /relocatable object does not say where it lies/,
    );
    const data = join(folder, 'data.o');
    run('gcc', ['-c', '-x', 'c', '-o', data, '/dev/null']);
    await expect(loadMovableFile(data, fileReader)).rejects.toThrow(/no code/);
    await expect(loadSymbolFile(data, 0x1000n, fileReader)).rejects.toThrow(/no code/);
  });
});
