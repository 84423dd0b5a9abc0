// A file that is read for its symbols and lines only: code that gets into memory by other ways than the program itself (a guest's kernel, a
// module, a relocated copy).
import { loadAssembly } from './assembly.ts';
import { debugInformation } from './elf-program.ts';
import { type Elf, elfSymbols, isElf, parseElf } from './elf.ts';
import {
  noCodeInObject,
  notASymbolFile,
  notMovable,
  objectWithoutAddress,
  ProgramError,
  unreadable,
} from './errors.ts';
import { type Peek, changedBytes, linkedObject, mainSection, placeSections } from './object-file.ts';
import { baseName } from './paths.ts';
import { type SourceMap, mappedPath } from './source-map.ts';
import { atOnce } from './steps.ts';
import { isSymbolMap, symbolMap } from './symbol-map.ts';
import type { FileReader, Program } from './types.ts';

export interface SymbolFile {
  readonly program: Program;
  /** Linear address of the file's first byte in memory, and how far that is from where the file was linked. */
  readonly address: bigint;
  readonly displacement: bigint;
}

/**
 * Reads an ELF file (position-independent ones too), a relocatable object, a list of symbols as nm prints it, or an assembly source. `address`
 * is where its first byte lies in linear memory (an object's: its greatest section of code); without it the file's own addresses hold. `peek`
 * reads memory: it tells where an object's other sections lie. Rejects with a ProgramError.
 */
export async function loadSymbolFile(
  path: string,
  address: bigint | undefined,
  readFile: FileReader,
  sourceMap: SourceMap = {},
  peek: Peek = () => new Uint8Array(0),
): Promise<SymbolFile> {
  const read = (file: string): Promise<Uint8Array> => readBytes(file, readFile);
  const bytes = await read(path);
  if (isElf(bytes)) {
    const elf = parseElf(path, bytes, { address, objects: true });
    if (elf.relocatable) {
      if (address === undefined) throw objectWithoutAddress(path);
      return { program: objectProgram(elf, codeOf(elf), address, peek, sourceMap), address, displacement: address };
    }
    return { program: symbolsOf(elf, sourceMap), address: elf.start, displacement: elf.displacement };
  }
  if (isSymbolMap(bytes)) return symbolMap(path, bytes, address);
  if (!/\.(asm|nasm|s16|s32|s64)$/i.test(path)) throw notASymbolFile(path);
  const options = { bits: undefined, address: address === undefined ? undefined : Number(address), defines: undefined };
  const program = await loadAssembly(path, bytes, options, read);
  const start = BigInt(program.segments[0]?.address ?? 0);
  const displacement = address === undefined ? 0n : address - start;
  const moved: Program = {
    ...program,
    segments: [],
    symbols: program.symbols.map((symbol) => ({ ...symbol, address: symbol.address + displacement })),
    lines: {
      files: program.lines.files.map((file) => mappedPath(file, sourceMap)),
      rows: program.lines.rows.map((row) => ({ ...row, address: row.address + displacement })),
    },
  };
  return { program: moved, address: start + displacement, displacement };
}

/** A file of which is not known yet where in memory it lies. */
export interface MovableFile {
  /** Its code, at the addresses that it was linked for. */
  readonly code: readonly MovableCode[];
  /** Linear address that its first byte, or a symbol, was linked for; undefined when there is no such symbol. */
  linked(symbol: string | undefined): bigint | undefined;
  /** Its symbols and lines when it lies so far (modulo 2^64) from where it was linked; `peek` reads the memory that it was found in. */
  at(displacement: bigint, peek?: Peek): Program;
}

export interface MovableCode {
  readonly linear: bigint;
  readonly bytes: Uint8Array;
  /** Not 0 for each byte that loading changes. */
  readonly changed?: Uint8Array;
}

/** Reads an ELF file whose place in memory is to be found. Rejects with a ProgramError. */
export async function loadMovableFile(
  path: string,
  readFile: FileReader,
  sourceMap: SourceMap = {},
): Promise<MovableFile> {
  const bytes = await readBytes(path, readFile);
  if (!isElf(bytes)) throw notMovable(path);
  const elf = parseElf(path, bytes, { address: undefined, objects: true });
  if (elf.relocatable) {
    const number = codeOf(elf);
    const { offset, size } = elf.sections[number] as { offset: number; size: number };
    const changed = changedBytes(elf, number);
    return {
      code: [{ linear: 0n, bytes: elf.bytes.subarray(offset, offset + size), changed }],
      // Where its symbols will lie depends on what is linked around them.
      linked: (symbol) => (symbol === undefined ? 0n : undefined),
      at: (displacement, peek = () => new Uint8Array(0)) => objectProgram(elf, number, displacement, peek, sourceMap),
    };
  }
  const code = elf.segments
    .filter((segment) => segment.executable && segment.bytes.length > 0)
    .map((segment) => ({ linear: segment.virtual, bytes: segment.bytes }));
  if (code.length === 0) throw notMovable(path);
  return {
    code,
    linked: (symbol) =>
      symbol === undefined
        ? elf.start
        : elfSymbols(elf).find(({ name, linkageName }) => name === symbol || linkageName === symbol)?.address,
    at: (displacement) => {
      const address = BigInt.asUintN(64, elf.start + displacement);
      return symbolsOf(parseElf(path, bytes, { address }), sourceMap);
    },
  };
}

/** The number of the section that counts as an object's first. */
function codeOf(elf: Elf): number {
  const number = mainSection(elf);
  if (number === undefined) throw noCodeInObject(elf.file);
  return number;
}

function objectProgram(elf: Elf, number: number, address: bigint, peek: Peek, sourceMap: SourceMap): Program {
  return symbolsOf(linkedObject(elf, placeSections(elf, new Map([[number, address]]), peek)), sourceMap);
}

function symbolsOf(elf: Elf, sourceMap: SourceMap): Program {
  const { symbols, lines, debug, notices } = atOnce(debugInformation(elf, sourceMap));
  const entry = { kind: 'flat', entry: 0, bits: elf.bits } as const;
  return { name: baseName(elf.file), segments: [], entry, symbols, lines, debug, notices };
}

async function readBytes(file: string, readFile: FileReader): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof ProgramError) throw error;
    throw unreadable(file, error instanceof Error ? error.message : String(error));
  }
}
