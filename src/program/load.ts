// The one way from what a user names to a Program.
import type { AssemblyOptions } from './assembly.ts';
import { loadAssembly } from './assembly.ts';
import { loadElf } from './elf-program.ts';
import { isElf } from './elf.ts';
import {
  ProgramError,
  badOption,
  bitsNeeded,
  emptyFile,
  noBootHeader,
  outsideMemory,
  segmentsOverlap,
  unreadable,
} from './errors.ts';
import { loadFlat, loadFlatMultiboot } from './flat.ts';
import { isLinux, loadLinux } from './linux.ts';
import { type BootModule, type BootOptions, findBootHeader } from './multiboot.ts';
import { baseName } from './paths.ts';
import type { SourceMap } from './source-map.ts';
import { inSteps, type Reached } from './steps.ts';
import type { FileReader, Program } from './types.ts';

export const FORMATS = ['auto', 'elf', 'linux', 'flat', 'asm'] as const;

export interface LoadOptions {
  /** Bytes of RAM that the machine will have: goes into the boot information, and everything must fit into it. */
  readonly ramSize: number;
  /** `auto` (the default) looks at the name and the contents. */
  readonly format?: (typeof FORMATS)[number] | undefined;
  /** Mode at the entry of a flat binary, or of an ELF file that has no boot header; default mode of assembly; entry of a Linux image. */
  readonly bits?: 16 | 32 | 64 | undefined;
  /** Physical address of a flat binary, or origin of assembly without ORG. Default 7C00H for 16 bits, else 100000H. */
  readonly address?: number | undefined;
  /** Entry address of a flat binary. Default: its first byte. */
  readonly entry?: number | undefined;
  /** Command line of a multiboot image, without the program's name, which comes first by custom; of a Linux image, as it is. */
  readonly args?: string | undefined;
  /** Multiboot modules, or the initrd of a Linux image. The text that goes with one is its path's last part, then `args`. */
  readonly modules?: readonly (string | { readonly path: string; readonly args?: string | undefined })[] | undefined;
  /** Where the sources of an ELF file are now, by where they were built. */
  readonly sourceMap?: SourceMap | undefined;
  /** NASM `-D` definitions for assembly. */
  readonly defines?: Readonly<Record<string, string>> | undefined;
  /** Hears how far a large file is read; rejects to give up. */
  readonly reached?: Reached | undefined;
}

/**
 * Loads an ELF or flat multiboot image, a Linux bzImage, an ELF executable, a flat binary or an assembly source.
 * Rejects with a ProgramError (errors.ts) for everything that is wrong with files or options.
 */
export async function loadProgram(path: string, options: LoadOptions, readFile: FileReader): Promise<Program> {
  checkOptions(path, options);
  const bytes = await read(path, readFile);
  const program = await dispatch(path, bytes, options, readFile);
  checkSegments(path, program, options.ramSize);
  return program;
}

async function dispatch(path: string, bytes: Uint8Array, options: LoadOptions, readFile: FileReader): Promise<Program> {
  const format = options.format ?? 'auto';
  if (format === 'asm' || (format === 'auto' && /\.(asm|nasm|s16|s32|s64)$/i.test(path))) {
    const assembly: AssemblyOptions = { bits: options.bits, address: options.address, defines: options.defines };
    return loadAssembly(path, bytes, assembly, (include) => read(include, readFile));
  }
  if (bytes.length === 0) throw emptyFile(path);
  if (format === 'flat') {
    if (options.bits === undefined) throw bitsNeeded(path);
    return loadFlat(path, bytes, options.bits, options.address, options.entry);
  }
  if (format === 'linux' || (format === 'auto' && options.bits === undefined && isLinux(bytes))) {
    const boot = await bootRequest(path, options, readFile);
    return loadLinux(path, bytes, options.bits, { ...boot, commandLine: options.args ?? '' });
  }
  const elf = format === 'elf' || isElf(bytes);
  if (options.bits !== undefined && !elf) return loadFlat(path, bytes, options.bits, options.address, options.entry);
  const header = options.bits === undefined ? findBootHeader(path, bytes) : undefined;
  if (elf) {
    if (!header && options.bits === undefined) throw noBootHeader(path);
    const boot = await bootRequest(path, options, readFile);
    const start = { header, bits: options.bits, boot, sourceMap: options.sourceMap };
    return inSteps(loadElf(path, bytes, start), options.reached);
  }
  if (header?.addresses)
    return loadFlatMultiboot(path, bytes, header, header.addresses, await bootRequest(path, options, readFile));
  const bootSector = bytes.length >= 512 && bytes[510] === 0x55 && bytes[511] === 0xaa;
  if (!bootSector) throw bitsNeeded(path);
  return loadFlat(path, bytes, 16, options.address, options.entry);
}

async function bootRequest(path: string, options: LoadOptions, readFile: FileReader): Promise<BootOptions> {
  const modules: BootModule[] = [];
  for (const module of options.modules ?? []) {
    const { path: modulePath, args } = typeof module === 'string' ? { path: module, args: undefined } : module;
    modules.push({ bytes: await read(modulePath, readFile), text: withArguments(modulePath, args) });
  }
  return { ramSize: options.ramSize, commandLine: withArguments(path, options.args), modules };
}

const withArguments = (path: string, args: string | undefined): string =>
  args ? `${baseName(path)} ${args}` : baseName(path);

async function read(path: string, readFile: FileReader): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw error instanceof ProgramError
      ? error
      : unreadable(path, error instanceof Error ? error.message : String(error));
  }
}

function checkOptions(path: string, options: LoadOptions): void {
  const { ramSize, bits, address, entry } = options;
  if (!Number.isInteger(ramSize) || ramSize < 0x100000 || ramSize > 0xc0000000 || ramSize % 0x10000 !== 0) {
    throw badOption(path, 'ramSize', `is ${ramSize} bytes`, 'Give a multiple of 64 KiB from 1 MiB to 3 GiB.');
  }
  for (const [name, value] of Object.entries({ address, entry })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
      throw badOption(path, name, `is ${value}`, 'Give a physical address as a whole number.');
    }
  }
  if (bits !== undefined && bits !== 16 && bits !== 32 && bits !== 64) {
    throw badOption(path, 'bits', `is ${String(bits)}`, 'It can be 16, 32 or 64.');
  }
}

/** Everything lies in RAM, nothing lies on something else, and the entry can be reached. */
function checkSegments(path: string, program: Program, ramSize: number): void {
  const sorted = program.segments.filter(({ size }) => size > 0).sort((a, b) => a.address - b.address);
  for (const [index, { address, size }] of sorted.entries()) {
    if (address + size > ramSize) throw outsideMemory(path, address, size, ramSize);
    const next = sorted[index + 1];
    if (next && next.address < address + size) throw segmentsOverlap(path, address, next.address);
  }
  const { entry } = program;
  if (entry.entry >= ramSize) throw outsideMemory(path, entry.entry, 1, ramSize);
  if (entry.kind === 'flat' && entry.bits === 16 && entry.entry > 0xfffff) {
    throw badOption(
      path,
      'bits',
      `is 16, but the entry 0x${entry.entry.toString(16)} is above 1 MiB`,
      'Load it lower, or set 32 or 64.',
    );
  }
}
