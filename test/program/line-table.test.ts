import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressesOfLine, imageOf, lineAt, linesWithCode, symbolAt } from '../../src/program/image.ts';
import { baseName, normalPath } from '../../src/program/paths.ts';
import type { Program } from '../../src/program/types.ts';
import { build, titleOf, type Variant } from './compile.ts';
import { lacking, load, run, temporaryFolder } from './toolchain.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

interface Build {
  readonly compiler: string;
  readonly version: number;
  readonly optimization: string;
  readonly bits: 32 | 64;
  readonly extra: readonly string[];
}

const BUILDS: readonly Build[] = ['gcc', 'clang'].flatMap((compiler) => [
  ...[2, 3, 4, 5].flatMap((version) =>
    ['-O0', '-O2'].map(
      (optimization): Build => ({ compiler, version, optimization, bits: version % 2 ? 32 : 64, extra: [] }),
    ),
  ),
  { compiler, version: 5, optimization: '-Og', bits: 64, extra: [] } as Build,
  { compiler, version: 5, optimization: '-O2', bits: 64, extra: ['-gdwarf64'] } as Build,
  { compiler, version: 4, optimization: '-O1', bits: 32, extra: ['-ffunction-sections', '-Wl,--gc-sections'] } as Build,
]);

const title = ({ compiler, version, optimization, bits, extra }: Build): string =>
  `${compiler} DWARF ${version} ${optimization} -m${bits} ${extra.join(' ')}`;

function compile(folder: string, build: Build): string {
  const { compiler, version, optimization, bits, extra } = build;
  const output = join(folder, `${title(build).replaceAll(/\W+/g, '-')}.elf`);
  if (existsSync(output)) return output;
  // biome-ignore format: a command line
  const args = [
    '-g', `-gdwarf-${version}`, optimization, `-m${bits}`, '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-mno-sse', ...extra,
    '-Wl,--build-id=none', `-Wl,-T${join(FIXTURES, 'link.ld')}`, '-o', output, '-x', 'c', 'main.c', join(FIXTURES, 'other.c'), '-x', 'none',
  ];
  if (compiler === 'gcc') args.push('-no-pie');
  run(compiler, args, FIXTURES);
  return output;
}

interface OracleRow {
  readonly file: string;
  readonly line: number;
  readonly address: bigint;
  readonly statement: boolean;
  readonly end: boolean;
}

/** Rows as readelf decodes them; sequences of code that the linker dropped begin at 0 and are left out. */
function oracleRows(elf: string): OracleRow[] {
  const sequences: OracleRow[][] = [[]];
  for (const text of run('readelf', ['-W', '--debug-dump=decodedline', elf]).split('\n')) {
    const match = /^(\S+)\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\[\d+\])?(?:\s+\d+)?(\s+x)?\s*$/.exec(text);
    if (!match) continue;
    const [, file, line, address, statement] = match;
    const end = line === '-';
    sequences.at(-1)!.push({
      file: baseName(file!),
      line: Number(line),
      address: BigInt(address!),
      statement: statement !== undefined,
      end,
    });
    if (end) sequences.push([]);
  }
  return sequences
    .filter((rows) => rows.length > 0 && rows[0]!.address !== 0n)
    .sort((a, b) => Number(a[0]!.address - b[0]!.address))
    .flat();
}

const ownRows = ({ lines }: Program): OracleRow[] =>
  lines.rows.map(({ file, line, address, statement, end }) => ({
    file: baseName(lines.files[file]!),
    line,
    address,
    statement,
    end,
  }));

// readelf does not print whether an end row is a statement, nor its line.
const comparable = (row: OracleRow) => (row.end ? { address: row.address, end: true } : row);

function expectRowsOf(elf: string, program: Program, least: number): void {
  const oracle = oracleRows(elf);
  expect(oracle.length).toBeGreaterThan(least);
  expect(ownRows(program).map(comparable)).toEqual(oracle.map(comparable));
}

/** The other sources that tests build, and the ELF files that are kept with them. */
const OTHERS: readonly (readonly [string, (folder: string) => string])[] = [
  ...['types.c', 'shapes.cpp', 'calls.c'].flatMap((source) =>
    (['gcc', 'clang'] as const).flatMap((compiler) =>
      (['-O0', '-O2'] as const).flatMap((optimization) =>
        ([4, 5] as const).map((version) => {
          const variant: Variant = { compiler, version, optimization, bits: version === 4 ? 32 : 64 };
          return [`${source}, ${titleOf(variant)}`, (folder: string) => build(folder, source, variant)] as const;
        }),
      ),
    ),
  ),
  ...['samples/tiny-hypervisor/tiny-hypervisor', 'fixture-v0', 'fixture-legacy'].map((name) => {
    const rust = join('test/program/fixtures/rust', name);
    const path = join(import.meta.dirname, '../..', `${name.includes('/') ? name : rust}.elf`);
    return [`${baseName(path)} as it is kept`, () => path] as const;
  }),
  ...(['gcc', 'clang'] as const).flatMap((compiler) =>
    (['-O0', '-O2'] as const).map(
      (optimization) =>
        [
          `tiny-hypervisor, ${compiler} ${optimization}`,
          (folder: string) => tinyHypervisor(folder, compiler, optimization),
        ] as const,
    ),
  ),
];

/** Its Makefile's flags with another compiler or optimization. */
function tinyHypervisor(folder: string, compiler: string, optimization: string): string {
  const copy = join(folder, `tiny-${compiler}${optimization}`);
  const options = { recursive: true, filter: (path: string) => !/(\.elf|build)$/.test(path) };
  cpSync(join(import.meta.dirname, '../../samples/tiny-hypervisor'), copy, options);
  const makefile = join(copy, 'Makefile');
  writeFileSync(
    makefile,
    readFileSync(makefile, 'utf8').replace(' -Og ', ` ${optimization} `).replace('-Werror', '-w'),
  );
  // Clang calls functions that the library would have; the line table does not miss them.
  run('make', ['-s', `CC=${compiler}`, 'LD=ld --unresolved-symbols=ignore-all'], copy);
  return join(copy, 'tiny-hypervisor.elf');
}

describe.skipIf(lacking('gcc', 'clang', 'readelf', 'gdb', 'addr2line', 'nm', 'objcopy'))('line tables', () => {
  const folder = temporaryFolder();

  it.each(BUILDS.map((build) => [title(build), build] as const))(
    '%s: rows as readelf decodes them',
    async (_title, build) => {
      const elf = compile(folder, build);
      const program = await load(elf);
      expect(program.notices).toEqual([]);
      expectRowsOf(elf, program, 20);
      for (const path of program.lines.files) expect(path).toMatch(/^\/.*\.(c|h)$/);
    },
  );

  it.skipIf(lacking('g++', 'clang++', 'make', 'ld')).each(OTHERS)(
    '%s: rows as readelf decodes them',
    async (_title, made) => {
      const elf = made(folder);
      expectRowsOf(elf, await load(elf, { bits: 64 }), 10);
    },
  );

  it.each(
    BUILDS.filter(({ extra, version }) => extra.length === 0 && version >= 4).map(
      (build) => [title(build), build] as const,
    ),
  )('%s: lines of addresses as gdb and addr2line say', async (_title, build) => {
    const elf = compile(folder, build);
    const image = imageOf(await load(elf));
    const addresses = [...new Set(image.program.lines.rows.filter(({ end }) => !end).map(({ address }) => address))];
    const commands = addresses.flatMap((address) => ['-ex', `info line *0x${address.toString(16)}`]);
    const answers = run('gdb', ['-batch', '-nx', ...commands, elf])
      .split('\n')
      .filter((text) => text.startsWith('Line') || text.startsWith('No line'));
    expect(answers.length).toBe(addresses.length);
    for (const [index, address] of addresses.entries()) {
      const match = /^Line (\d+) of "([^"]+)"/.exec(answers[index]!);
      const own = lineAt(image, address);
      expect(own && { line: own.line, file: baseName(own.path) }, `0x${address.toString(16)}`).toEqual(
        match ? { line: Number(match[1]), file: baseName(match[2]!) } : undefined,
      );
    }
    const paths = run('addr2line', ['-e', elf, ...addresses.map((address) => address.toString(16))])
      .trim()
      .split('\n');
    for (const [index, address] of addresses.entries()) {
      const path = paths[index]!.replace(/:.*$/, '');
      if (baseName(path) === baseName(lineAt(image, address)!.path))
        expect(lineAt(image, address)!.path).toBe(normalPath(path));
    }
  });

  it.each(BUILDS.filter(({ extra }) => extra.length === 0).map((build) => [title(build), build] as const))(
    '%s: symbols as nm lists them',
    async (_title, build) => {
      const elf = compile(folder, build);
      const { symbols } = await load(elf);
      const listed = run('nm', [elf])
        .trim()
        .split('\n')
        .map((text) => /^([0-9a-f]+) (\S) (\S+)$/.exec(text)!);
      for (const [, address, , name] of listed) {
        const found = symbols.filter((symbol) => symbol.name === name);
        expect(
          found.map((symbol) => symbol.address),
          name,
        ).toContain(BigInt(`0x${address}`));
      }
      expect(symbols.length).toBe(listed.length);
    },
  );

  it('binds a line to its code, to the next line that has code, and to every inlined copy', async () => {
    const elf = compile(folder, { compiler: 'gcc', version: 5, optimization: '-O1', bits: 64, extra: [] });
    const image = imageOf(await load(elf));
    const start = image.byName.get('_start')!.address;
    const startLine = addressesOfLine(image, 'main.c', 40)!;
    expect(startLine).toMatchObject({ line: 40, addresses: [start] });
    expect(symbolAt(image, start + 3n)).toMatchObject({ name: '_start', offset: 3n });
    expect(addressesOfLine(image, 'main.c', 39)).toMatchObject({ line: 40 }); // a blank line
    expect(addressesOfLine(image, 'main.c', 4000)).toBeUndefined();
    expect(addressesOfLine(image, 'missing.c', 1)).toBeUndefined();
    // inline.h: mix() is copied into sum once, into pick twice, into other once
    const copies = addressesOfLine(image, join(FIXTURES, 'inner/inline.h'), 7)!.addresses;
    const owners = copies.map((address) => symbolAt(image, address)!.name);
    expect(new Set(owners)).toEqual(new Set(['sum', 'pick', 'other']));
    // The heading of a loop in a function's own lines is one place, although its code is in several.
    expect(addressesOfLine(image, 'main.c', 10)!.addresses.length).toBe(1);
    expect(linesWithCode(image, 'other.c')[0]).toBe(3);
  });

  it('is the same in an ELF32 that objcopy made of an ELF64', async () => {
    const elf = compile(folder, { compiler: 'gcc', version: 4, optimization: '-O2', bits: 64, extra: [] });
    const narrow = join(folder, 'narrow.elf');
    run('objcopy', ['-O', 'elf32-i386', elf, narrow]);
    const [wide, small] = [await load(elf), await load(narrow)];
    expect(small.lines).toEqual(wide.lines);
    expect(small.entry).toEqual(wide.entry);
  });

  it('says so when debug sections are compressed, and loads', async () => {
    const elf = compile(folder, { compiler: 'gcc', version: 5, optimization: '-O0', bits: 64, extra: ['-gz=zlib'] });
    const program = await load(elf);
    expect(program.lines.rows).toEqual([]);
    expect(program.notices!.join()).toMatch(/\.debug_line.*compressed.*-gz=none/);
  });
});
