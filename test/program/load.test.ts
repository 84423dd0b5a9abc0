import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProgramError } from '../../src/program/errors.ts';
import { type LoadOptions, loadProgram } from '../../src/program/load.ts';
import type { Program } from '../../src/program/types.ts';
import { MEMORY, fileReader, filesReader, lacking, load, randomNumbers, run, temporaryFolder } from './toolchain.ts';

const MAGIC = 0x1badb002;

/** A flat file of 32-bit words, little-endian, padded to `size` bytes. */
function words(values: readonly number[], size = values.length * 4): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value, true);
  return bytes;
}

const header = (flags: number, ...addresses: number[]): number[] => [
  MAGIC,
  flags,
  (-MAGIC - flags) >>> 0,
  ...addresses,
];

const loadBytes = (
  bytes: Uint8Array,
  options: Partial<LoadOptions> = {},
  files: Record<string, Uint8Array> = {},
): Promise<Program> =>
  loadProgram('/x/image.bin', { ramSize: MEMORY, ...options }, filesReader({ '/x/image.bin': bytes, ...files }));

async function failure(promise: Promise<unknown>): Promise<ProgramError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ProgramError) return error;
  throw new Error(`not a ProgramError: ${String(error)}`);
}

/** Physical memory as the program's segments fill it. */
function memoryOf(program: Program): DataView {
  const end = Math.max(...program.segments.map(({ address, size }) => address + size));
  const memory = new Uint8Array(end);
  for (const { address, bytes } of program.segments) memory.set(bytes, address);
  return new DataView(memory.buffer);
}

function textAt(memory: DataView, address: number): string {
  let text = '';
  for (let at = address; memory.getUint8(at) !== 0; at++) text += String.fromCharCode(memory.getUint8(at));
  return text;
}

describe('flat binaries', () => {
  it.each([
    [16, undefined, 0x7c00],
    [32, undefined, 0x100000],
    [64, undefined, 0x100000],
    [64, 0x200000, 0x200000],
  ] as const)('%s bits at %s', async (bits, address, expected) => {
    const program = await loadBytes(Uint8Array.of(0xf4, 0x90), { bits, address });
    expect(program.entry).toEqual({ kind: 'flat', entry: expected, bits });
    expect(program.segments).toEqual([{ address: expected, bytes: Uint8Array.of(0xf4, 0x90), size: 2 }]);
    expect(program.name).toBe('image.bin');
  });

  it('knows a boot sector by its signature', async () => {
    const sector = new Uint8Array(512);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    expect((await loadBytes(sector)).entry).toEqual({ kind: 'flat', entry: 0x7c00, bits: 16 });
  });
});

describe('multiboot', () => {
  it('loads by the address fields', async () => {
    const bytes = words([0, ...header(0x10003, 0x200004, 0x200000, 0x200040, 0x201000, 0x200024)], 0x80);
    const program = await loadBytes(bytes);
    expect(program.entry).toMatchObject({ kind: 'multiboot', entry: 0x200024 });
    expect(program.segments[0]).toMatchObject({ address: 0x200000, size: 0x1000 });
    expect(program.segments[0]!.bytes.length).toBe(0x40);
  });

  it('leaves the information structure of the specification', async () => {
    const bytes = words(header(0x10003, 0x100000, 0x100000, 0, 0, 0x100020), 0x1234);
    const modules = ['/m/one', { path: '/m/two', args: 'a b' }];
    const files = { '/m/one': Uint8Array.of(1, 2, 3), '/m/two': new Uint8Array(5000).fill(7) };
    const program = await loadBytes(bytes, { args: 'verbose root=1', modules }, files);
    if (program.entry.kind !== 'multiboot') throw new Error('not multiboot');
    const memory = memoryOf(program);
    const info = program.entry.info;
    const word = (offset: number): number => memory.getUint32(info + offset, true);
    expect(word(0)).toBe(0b10_0100_1101); // memory, command line, modules, memory map, boot loader name
    expect(word(4)).toBe(639);
    expect(word(8)).toBe(MEMORY / 1024 - 1024);
    expect(textAt(memory, word(16))).toBe('image.bin verbose root=1');
    expect(word(20)).toBe(2);
    const module = (index: number) =>
      [0, 4, 8, 12].map((offset) => memory.getUint32(word(24) + index * 16 + offset, true));
    expect(module(0).slice(0, 2)).toEqual([0x102000, 0x102003]);
    expect(module(1).slice(0, 2)).toEqual([0x103000, 0x103000 + 5000]);
    expect(textAt(memory, module(0)[2]!)).toBe('one');
    expect(textAt(memory, module(1)[2]!)).toBe('two a b');
    expect(memory.getUint8(0x102002)).toBe(3);
    expect(memory.getUint8(0x103000 + 4999)).toBe(7);
    expect(textAt(memory, word(64))).toBe('Ringside');
    const map: (readonly [bigint, bigint, number])[] = [];
    for (let at = word(48); at < word(48) + word(44); at += memory.getUint32(at, true) + 4) {
      map.push([
        memory.getBigUint64(at + 4, true),
        memory.getBigUint64(at + 12, true),
        memory.getUint32(at + 20, true),
      ]);
    }
    expect(map).toEqual([
      [0n, 0x9fc00n, 1],
      [0x9fc00n, 0x400n, 2],
      [0xf0000n, 0x10000n, 2],
      [0x100000n, BigInt(MEMORY) - 0x100000n, 1],
    ]);
  });

  it('keeps the information structure off an image in low memory', async () => {
    const bytes = words(header(0x10003, 0x8f000, 0x8f000, 0, 0, 0x8f020), 0x4000);
    const { entry } = await loadBytes(bytes);
    expect(entry).toMatchObject({ info: 0x100000 });
  });

  it('says that no video mode is set', async () => {
    const { notices } = await loadBytes(words(header(0x10007, 0x100000, 0x100000, 0, 0, 0x100020), 0x100));
    expect(notices!.join()).toContain('video mode');
  });
});

describe('mistakes', () => {
  const boot = (...addresses: number[]) => words(header(0x10003, ...addresses), 0x100);
  it.each([
    ['an empty file', new Uint8Array(0), {}, 'empty-file', 0],
    ['bytes that say nothing', new Uint8Array(64), {}, 'bits-needed', undefined],
    ['a flat format without bits', new Uint8Array(64), { format: 'flat' }, 'bits-needed', undefined],
    ['an ELF header that ends', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 1), { bits: 32 }, 'truncated', undefined],
    ['a format that it is not', new Uint8Array(64), { format: 'elf', bits: 32 }, 'unsupported-elf', 0],
    ['an unknown ELF class', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 9, 1), { bits: 32 }, 'unsupported-elf', 4],
    ['unknown demands', words(header(0x18), 64), {}, 'unsupported-boot-flags', 4],
    ['address fields that end', words(header(0x10000, 1, 2)), {}, 'truncated', undefined],
    ['load_addr above header_addr', boot(0x100000, 0x100004, 0, 0, 0x100000), {}, 'bad-boot-addresses', 0],
    ['load_addr before the file', boot(0x100010, 0x100000, 0, 0, 0x100000), {}, 'bad-boot-addresses', 0],
    ['load_end_addr beyond the file', boot(0x100000, 0x100000, 0x101000, 0, 0x100000), {}, 'bad-boot-addresses', 0],
    [
      'bss_end_addr below load_end_addr',
      boot(0x100000, 0x100000, 0x100080, 0x100010, 0x100000),
      {},
      'bad-boot-addresses',
      0,
    ],
    ['an image beyond memory', boot(0x100000, 0x100000, 0, 0x10000000, 0x100000), {}, 'outside-memory', undefined],
    ['an entry beyond memory', boot(0x100000, 0x100000, 0, 0, 0x10000000), {}, 'outside-memory', undefined],
    ['16-bit code above 1 MiB', new Uint8Array(4), { bits: 16, address: 0x200000 }, 'bad-option', undefined],
    ['an entry outside the binary', new Uint8Array(4), { bits: 32, entry: 0x500000 }, 'bad-option', undefined],
    ['memory that is no whole page', new Uint8Array(4), { bits: 32, ramSize: 12345678 }, 'bad-option', undefined],
    [
      'a module that is not there',
      boot(0x100000, 0x100000, 0, 0, 0x100000),
      { modules: ['/m/none'] },
      'unreadable',
      undefined,
    ],
  ] as const)('%s', async (_title, bytes, options, code, offset) => {
    const error = await failure(loadBytes(bytes, options as Partial<LoadOptions>));
    expect(error.code).toBe(code);
    if (offset !== undefined) expect(error.offset).toBe(offset);
    expect(error.advice).not.toBe('');
  });

  it('a file that is not there', async () => {
    const error = await failure(loadProgram('/none', { ramSize: MEMORY }, filesReader({})));
    expect(error).toMatchObject({ code: 'unreadable', file: '/none' });
    expect(error.message).toContain('no such file');
  });
});

const KERNEL = `
__attribute__((section(".multiboot"), used)) static const unsigned header[3] = {0x1badb002u, 3u, -(0x1badb002u + 3u)};
unsigned big[0x1000];
void _start(void) { for (;;) big[3]++; }
`;
const HIGH = `ENTRY(_start) SECTIONS {
  . = 0x100000; .multiboot : { KEEP(*(.multiboot)) }
  . = 0xC0200000; .text : AT(0x200000) { *(.text) } .bss : AT(0x300000) { *(.bss) } /DISCARD/ : { *(.eh_frame) *(.note*) *(.comment) } }`;

describe.skipIf(lacking('gcc', 'readelf', 'objcopy'))('ELF files of GCC', () => {
  const folder = temporaryFolder();
  const source = join(folder, 'kernel.c');
  writeFileSync(source, KERNEL);
  const build = (name: string, ...args: string[]): string => {
    const output = join(folder, name);
    run('gcc', [
      '-ffreestanding',
      '-nostdlib',
      '-static',
      '-fno-pie',
      '-no-pie',
      '-Wl,--build-id=none',
      '-g',
      '-o',
      output,
      source,
      ...args,
    ]);
    return output;
  };

  it.each(['-m32', '-m64'])('%s: loads what readelf lists', async (mode) => {
    const elf = build(`kernel${mode}`, mode, '-Wl,-Ttext-segment=0x100000', '-Wl,-z,noseparate-code');
    const program = await load(elf);
    const headers = run('readelf', ['-W', '-l', elf]);
    const expected = [...headers.matchAll(/^ {2}LOAD +0x\S+ 0x\S+ 0x0*(\S+) 0x(\S+) 0x(\S+)/gm)].map((match) => ({
      address: Number.parseInt(match[1]!, 16),
      length: Number.parseInt(match[2]!, 16),
      size: Number.parseInt(match[3]!, 16),
    }));
    expect(expected.length).toBeGreaterThan(0);
    const loaded = program.segments
      .slice(0, -1)
      .map(({ address, bytes, size }) => ({ address, length: bytes.length, size }));
    expect(loaded).toEqual(expected);
    const entry = Number(/Entry point (0x\S+)/.exec(headers)![1]);
    expect(program.entry).toEqual({ kind: 'multiboot', entry, info: 0x90000 });
  });

  it('turns a virtual entry into the physical one', async () => {
    const script = join(folder, 'high.ld');
    writeFileSync(script, HIGH);
    const program = await load(build('high', '-m32', `-Wl,-T${script}`));
    expect(program.segments.map(({ address }) => address)).toEqual(
      expect.arrayContaining([0x100000, 0x200000, 0x300000]),
    );
    expect(program.entry.entry).toBe(0x200000);
    expect(program.symbols.find(({ name }) => name === '_start')!.address).toBe(0xc0200000n);
  });

  it('starts an ELF without a boot header in the mode of "bits"', async () => {
    const elf = build('plain', '-m64', '-Wl,-Ttext-segment=0x100000');
    const bare = join(folder, 'bare');
    run('objcopy', ['--remove-section=.multiboot', elf, bare]);
    expect((await failure(load(bare))).code).toBe('no-boot-header');
    expect((await load(bare, { bits: 64 })).entry).toMatchObject({ kind: 'flat', bits: 64 });
  });

  it.each([
    [['-c'], 'is a relocatable object'],
    [['-shared', '-fPIC'], 'is a position-independent'],
  ])('refuses %j', async (args, text) => {
    const error = await failure(load(build(`wrong${args[0]}`, '-m64', ...args), { bits: 64 }));
    expect(error).toMatchObject({ code: 'unsupported-elf', offset: 16 });
    expect(error.message).toContain(text);
  });

  it('answers damaged files with named errors or loads what is left of them', async () => {
    const seed = Number(process.env.RINGSIDE_SEED ?? 20250101);
    const below = randomNumbers(seed);
    const originals = await Promise.all(
      ['-m32', '-m64'].map((mode) => fileReader(build(`seed${mode}`, mode, '-Wl,-Ttext-segment=0x100000'))),
    );
    const outcomes = new Map<string, number>();
    for (let round = 0; round < 1500; round++) {
      const original = originals[round % originals.length]!;
      const bytes = original.slice(0, below(10) === 0 ? below(original.length) : original.length);
      const view = new DataView(bytes.buffer);
      for (let changes = below(6); changes >= 0 && bytes.length > 8; changes--) {
        // Mostly headers and debug sections, where damage has meaning.
        const at = below(3) === 0 ? below(Math.min(bytes.length, 256)) : below(bytes.length);
        if (below(2)) view.setUint8(at, below(256));
        else if (at + 4 <= bytes.length)
          view.setUint32(at, [0, 0xffffffff, 0x7fffffff, 0x80000000, below(0x10000)][below(5)]!, true);
      }
      let outcome = 'loaded';
      try {
        const program = await loadBytes(bytes, below(4) === 0 ? { bits: 32 } : {});
        if (program.notices?.some((text) => text.startsWith('No '))) outcome = 'loaded with a notice';
      } catch (error) {
        if (!(error instanceof ProgramError))
          throw new Error(`seed ${seed}, round ${round}: ${(error as Error).stack}`);
        outcome = error.code;
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()]).toEqual(
      expect.arrayContaining(['loaded', 'loaded with a notice', 'truncated', 'bad-structure', 'no-boot-header']),
    );
  });
});
