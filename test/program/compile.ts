// Fixtures built by the compilers of the machine that runs the tests, in the variants that matter to debug information.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './toolchain.ts';

export const FIXTURES = join(import.meta.dirname, 'fixtures');

export interface Variant {
  readonly compiler: 'gcc' | 'clang';
  readonly version: 3 | 4 | 5;
  readonly optimization: '-O0' | '-O1' | '-O2';
  readonly bits: 32 | 64;
  readonly extra?: readonly string[];
}

export const titleOf = ({ compiler, version, optimization, bits, extra = [] }: Variant): string =>
  [compiler, `DWARF ${version}`, optimization, `-m${bits}`, ...extra].join(' ');

/** The ELF file that a source of the fixtures becomes; built once for a folder. */
export function build(folder: string, source: string, variant: Variant): string {
  const { compiler, version, optimization, bits, extra = [] } = variant;
  const output = join(folder, `${`${source} ${titleOf(variant)}`.replaceAll(/\W+/g, '-')}.elf`);
  if (existsSync(output)) return output;
  const plus = source.endsWith('.cpp');
  // biome-ignore format: a command line
  run(plus ? compiler.replace('gcc', 'g++').replace('clang', 'clang++') : compiler, [
    '-g', `-gdwarf-${version}`, optimization, `-m${bits}`, '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-fno-stack-protector',
    ...(plus ? ['-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics'] : []), ...(compiler === 'gcc' ? ['-no-pie'] : []), ...extra,
    '-Wl,--build-id=none', '-Wl,-Ttext=0x100000', '-Wl,-e,_start', '-o', output, source,
  ], FIXTURES);
  return output;
}

/** Answers of gdb to commands about a file that does not run, one text a command. */
export function askGdb(elf: string, commands: readonly string[]): string[] {
  const marked = commands.flatMap((command) => ['-ex', command, '-ex', 'echo \\n%%\\n']);
  const settings = ['set width 0', 'set print elements 0', 'set print address off'].flatMap((text) => ['-iex', text]);
  return run('gdb', ['-batch', '-nx', '-q', ...settings, ...marked, elf])
    .split('\n%%\n')
    .slice(0, commands.length)
    .map((text) => text.trim());
}
