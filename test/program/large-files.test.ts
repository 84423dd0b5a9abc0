// Files of many units: progress while they are read, and names that are looked up without reading all of them.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { typeName, sizeOfType } from '../../src/program/debug-types.ts';
import { addressOf, imageOf } from '../../src/program/image.ts';
import { loadProgram } from '../../src/program/load.ts';
import { fileReader, lacking, load, MEMORY, run, temporaryFolder } from './toolchain.ts';

const SAMPLE = join(import.meta.dirname, '../../samples/tiny-hypervisor/tiny-hypervisor.elf');

describe.skipIf(!existsSync(SAMPLE))('reading a file', () => {
  const reading = (reached: (done: number) => Promise<void>) =>
    loadProgram(SAMPLE, { ramSize: MEMORY, reached }, fileReader);

  it('tells how far it is', async () => {
    const told: number[] = [];
    await reading(async (done) => void told.push(done));
    expect(told.length).toBeGreaterThan(4);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(1);
  });

  it('ends when nobody wants it any more', async () => {
    let told = 0;
    const given = new Error('given up');
    const read = reading(async () => {
      told++;
      if (told === 2) throw given;
    });
    await expect(read).rejects.toBe(given);
    expect(told).toBe(2);
  });
});

const UNITS = {
  'one.c': `
extern int shared;
int shared = 5;
static int twin = 1;
enum step { FIRST = 3, SECOND } now = SECOND;
struct both { int a; };
typedef struct { char text[12]; } named;
struct both narrow;
named label;
struct declared;
struct declared *pointer;
int *use_one(void) {
  struct local { long x, y; } here = {1, 2};
  enum { INSIDE = 9 } kind = INSIDE;
  twin += (int)here.x + kind;
  return &twin;
}
`,
  'two.c': `
extern int shared;
static int twin = 2;
typedef long both;
both wide;
struct declared { short s[5]; };
struct declared real;
int *use_two(void) { twin += shared; return &twin; }
int *use_one(void);
void _start(void) { use_one(); use_two(); for (;;) ; }
`,
} as const;

describe.skipIf(lacking('gcc', 'clang'))('names', () => {
  const folder = temporaryFolder();
  it.each([
    ['gcc', 5],
    ['gcc', 4],
    ['clang', 5],
  ])('%s DWARF %d: of the unit that is near, of definitions, of types', async (compiler, version) => {
    const sources = Object.entries(UNITS).map(([name, text]) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    });
    const elf = join(folder, `${compiler}-${version}.elf`);
    // biome-ignore format: a command line
    run(compiler, ['-g', `-gdwarf-${version}`, '-O0', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-mno-sse', '-Wl,-Ttext=0x100000', '-Wl,-e,_start', '-o', elf, ...sources]);
    const program = await load(elf, { bits: 64 });
    const image = imageOf(program);
    const debug = program.debug!;
    const frame = {
      register: () => undefined,
      memory: () => undefined,
      cfa: () => undefined,
      entryRegister: () => undefined,
    };
    const place = (name: string, near?: string) =>
      debug.globalNamed(name, near === undefined ? undefined : addressOf(image, near))?.locate(0n, frame);
    const symbols = (name: string) =>
      image.symbols.filter((symbol) => symbol.name === name).map(({ address }) => address);
    expect(place('shared')).toEqual({ kind: 'memory', address: addressOf(image, 'shared') });
    const twins = [place('twin', 'use_one'), place('twin', 'use_two')].map((at) =>
      at?.kind === 'memory' ? at.address : 0n,
    );
    expect(twins.toSorted()).toEqual(symbols('twin').toSorted());
    expect(twins[0]).not.toBe(twins[1]);
    expect(debug.globalNames().toSorted()).toEqual(expect.arrayContaining(['pointer', 'real', 'shared', 'twin']));
    expect([debug.enumeratorNamed('FIRST')?.value, debug.enumeratorNamed('SECOND')?.value]).toEqual([3n, 4n]);
    // A plain name is a typedef first; the structure has its keyword.
    expect([sizeOfType(debug.typeNamed('both')!), sizeOfType(debug.typeNamed('struct both')!)]).toEqual([8, 4]);
    expect([typeName(debug.typeNamed('named')!), sizeOfType(debug.typeNamed('named')!)]).toEqual(['named', 12]);
    // Declared in one unit, defined in the other.
    const target = debug.globalNamed('pointer', undefined)!.type;
    expect(typeName(target)).toBe('struct declared *');
    expect(target.kind === 'pointer' ? sizeOfType(target.target()) : 0).toBe(10);
    // Declared in a function.
    expect(sizeOfType(debug.typeNamed('struct local')!)).toBe(16);
    expect([debug.globalNamed('here', undefined), debug.typeNamed('struct nothing')]).toEqual([undefined, undefined]);
    expect(debug.functionsNamed('use_two').map(({ start }) => start)).toEqual([addressOf(image, 'use_two')]);
  });
});
