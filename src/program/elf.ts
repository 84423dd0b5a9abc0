// ELF32 and ELF64 executables, little-endian (System V ABI, "Object Files"): headers, what to load, sections, symbols.
import { type Cursor, advance, cursorOver, readU16, readU32, readU64, readU8, stringAt } from './bytes.ts';
import { demangle } from './demangle/demangle.ts';
import { badStructure, unsupportedElf } from './errors.ts';
import type { Symbol as ProgramSymbol } from './types.ts';

export interface ElfSegment {
  readonly virtual: bigint;
  readonly physical: bigint;
  /** Bytes in the file; memory beyond them up to `size` is zero. */
  readonly bytes: Uint8Array;
  readonly size: bigint;
  readonly executable: boolean;
}

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

export interface Elf {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly bits: 32 | 64;
  readonly machine: number;
  readonly entry: bigint;
  /** The lowest address, and how far all addresses here are from those in the file. */
  readonly start: bigint;
  readonly displacement: bigint;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  /** A relocatable object: values of symbols are relative to their section. */
  readonly relocatable: boolean;
}

const TYPE_NAMES = [
  'no type',
  'a relocatable object',
  'an executable',
  'a position-independent executable or library',
  'a core dump',
];
const TYPE_RELOCATABLE = 1;
const TYPE_EXECUTABLE = 2;
const TYPE_POSITION_INDEPENDENT = 3;
export const MACHINE_386 = 3;
const MACHINE_X86_64 = 62;
const SEGMENT_LOAD = 1;
const SECTION_SYMBOLS = 2;
export const SECTION_NO_BITS = 8;
export const SECTION_FLAG_ALLOCATE = 2n;
export const SECTION_FLAG_EXECUTE = 4n;
export const SECTION_FLAG_COMPRESSED = 0x800n;

/** True when the file begins as every ELF file does. */
export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Of a file that is read for its symbols: where its first byte lies in memory, when that is not where it was linked. */
export interface Placement {
  readonly address: bigint | undefined;
  /** Relocatable objects are taken as well. */
  readonly objects?: boolean;
}

/**
 * Reads the headers of an executable; throws the named errors of errors.ts. With a placement position-independent files are taken too, and
 * all addresses are those in memory.
 */
export function parseElf(file: string, bytes: Uint8Array, placement?: Placement): Elf {
  if (!isElf(bytes)) {
    throw unsupportedElf(
      file,
      0,
      'it does not begin with 7FH "ELF"',
      'Name an ELF file, or leave the format to "auto".',
    );
  }
  const ident = cursorOver(file, 'the ELF header', bytes, 0);
  advance(ident, 4);
  const bits = identClass(file, readU8(ident));
  const data = readU8(ident);
  if (data !== 1) throw unsupportedElf(file, 5, `byte order ${data} is not little-endian (1)`, 'Build it for x86.');
  advance(ident, 10);
  const type = readU16(ident);
  const machine = readU16(ident);
  if (machine !== MACHINE_386 && machine !== MACHINE_X86_64) {
    throw unsupportedElf(
      file,
      18,
      `it is for machine ${machine}, not for the 386 (3) or x86-64 (62)`,
      'Build it for x86.',
    );
  }
  const movable = placement !== undefined && type === TYPE_POSITION_INDEPENDENT;
  const relocatable = type === TYPE_RELOCATABLE;
  if (type !== TYPE_EXECUTABLE && !movable && !(relocatable && placement?.objects === true)) {
    const advice = type === 3 ? 'Link it with -static -no-pie.' : 'Link it into an executable at fixed addresses.';
    throw unsupportedElf(file, 16, `it is ${TYPE_NAMES[type] ?? `of type ${type}`}, not an executable (2)`, advice);
  }
  advance(ident, 4);
  const word = (): bigint => (bits === 64 ? readU64(ident) : BigInt(readU32(ident)));
  const entry = word();
  const programOffset = fileOffset(file, ident, word());
  const sectionOffset = fileOffset(file, ident, word());
  advance(ident, 6);
  const programSize = readU16(ident);
  const programCount = readU16(ident);
  const sectionSize = readU16(ident);
  const sectionCount = readU16(ident);
  const namesIndex = readU16(ident);
  const segments = parseSegments(file, bytes, bits, programOffset, programSize, programCount);
  const sections = parseSections(file, bytes, bits, sectionOffset, sectionSize, sectionCount, namesIndex);
  const linked = segments.reduce(
    (least, { virtual }) => (virtual < least ? virtual : least),
    segments[0]?.virtual ?? 0n,
  );
  const displacement = placement?.address === undefined || relocatable ? 0n : placement.address - linked;
  const elf = { file, bytes, bits, machine, entry, start: linked, displacement, segments, sections, relocatable };
  return displacement === 0n ? elf : moved(elf);
}

/** The same file with all addresses displaced. */
function moved(elf: Elf): Elf {
  const { displacement } = elf;
  const mask = elf.bits === 64 ? 64 : 32;
  const at = (address: bigint): bigint => BigInt.asUintN(mask, address + displacement);
  return {
    ...elf,
    entry: at(elf.entry),
    start: at(elf.start),
    segments: elf.segments.map((segment) => ({ ...segment, virtual: at(segment.virtual) })),
    sections: elf.sections.map((section) =>
      section.flags & SECTION_FLAG_ALLOCATE ? { ...section, address: at(section.address) } : section,
    ),
  };
}

function identClass(file: string, value: number): 32 | 64 {
  if (value === 1) return 32;
  if (value === 2) return 64;
  throw unsupportedElf(file, 4, `ELF class ${value} is neither 32-bit (1) nor 64-bit (2)`, 'Build it for x86.');
}

function fileOffset(file: string, cursor: Cursor, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw badStructure(file, cursor.offset - 8, `offset 0x${value.toString(16)} is beyond any file`);
  return Number(value);
}

function parseSegments(
  file: string,
  bytes: Uint8Array,
  bits: 32 | 64,
  offset: number,
  size: number,
  count: number,
): ElfSegment[] {
  const least = bits === 64 ? 56 : 32;
  if (count > 0 && size < least)
    throw badStructure(file, 42, `program headers of ${size} bytes are shorter than ${least}`);
  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index++) {
    const at = offset + index * size;
    const header = cursorOver(file, `program header ${index}`, bytes, at, least);
    const type = readU32(header);
    if (type !== SEGMENT_LOAD) continue;
    let flags = bits === 64 ? readU32(header) : 0;
    const word = (): bigint => (bits === 64 ? readU64(header) : BigInt(readU32(header)));
    const start = word();
    const virtual = word();
    const physical = word();
    const fileSize = word();
    const memorySize = word();
    if (bits === 32) flags = readU32(header);
    if (fileSize > memorySize)
      throw badStructure(file, at, `segment ${index} has more bytes in the file than in memory`);
    if (start + fileSize > BigInt(bytes.length)) {
      throw badStructure(
        file,
        at,
        `segment ${index} (offset 0x${start.toString(16)}, 0x${fileSize.toString(16)} bytes) lies beyond the end of the file`,
      );
    }
    const contents = bytes.subarray(Number(start), Number(start + fileSize));
    segments.push({ virtual, physical, bytes: contents, size: memorySize, executable: (flags & 1) !== 0 });
  }
  return segments;
}

function parseSections(
  file: string,
  bytes: Uint8Array,
  bits: 32 | 64,
  offset: number,
  size: number,
  count: number,
  namesIndex: number,
): ElfSection[] {
  if (offset === 0 || count === 0) return [];
  const least = bits === 64 ? 64 : 40;
  if (size < least) throw badStructure(file, 46, `section headers of ${size} bytes are shorter than ${least}`);
  const raw: { name: number; section: Omit<ElfSection, 'name'> }[] = [];
  for (let index = 0; index < count; index++) {
    const header = cursorOver(file, `section header ${index}`, bytes, offset + index * size, least);
    const word = (): bigint => (bits === 64 ? readU64(header) : BigInt(readU32(header)));
    const name = readU32(header);
    const type = readU32(header);
    const flags = word();
    const address = word();
    const start = fileOffset(file, header, word());
    const length = fileOffset(file, header, word());
    const link = readU32(header);
    const info = readU32(header);
    word();
    const entrySize = Number(word());
    if (type !== SECTION_NO_BITS && type !== 0 && start + length > bytes.length) {
      throw badStructure(file, offset + index * size, `section ${index} lies beyond the end of the file`);
    }
    raw.push({ name, section: { type, flags, address, offset: start, size: length, link, info, entrySize } });
  }
  const names = raw[namesIndex]?.section;
  const table =
    names && names.type !== SECTION_NO_BITS
      ? bytes.subarray(names.offset, names.offset + names.size)
      : new Uint8Array(0);
  return raw.map(({ name, section }) => ({ name: stringAt(table, name), ...section }));
}

/** Bytes of the section with this name; undefined when there is none. */
export function sectionBytes(elf: Elf, name: string): Uint8Array | undefined {
  const section = elf.sections.find((candidate) => candidate.name === name && candidate.type !== SECTION_NO_BITS);
  return section && elf.bytes.subarray(section.offset, section.offset + section.size);
}

/** True when a section with contents covers the address and holds code. */
export const isCode = (elf: Elf, address: bigint): boolean =>
  elf.sections.some(
    ({ flags, address: start, size }) =>
      flags & SECTION_FLAG_EXECUTE && address >= start && address < start + BigInt(size),
  );

/** Section numbers from here on mean something else. */
export const RESERVED_SECTIONS = 0xff00;

const SYMBOL_KINDS: Readonly<Record<number, ProgramSymbol['kind']>> = {
  0: 'label',
  1: 'object',
  2: 'function',
  10: 'function',
};

/** Named symbols with an address (.symtab), in address order. Sections, files and undefined symbols are left out. */
export function elfSymbols(elf: Elf): ProgramSymbol[] {
  const symbols: ProgramSymbol[] = [];
  for (const { name, info, section, value, size } of rawSymbols(elf)) {
    const kind = SYMBOL_KINDS[info & 15];
    const defined = section !== 0 && section < RESERVED_SECTIONS;
    if (kind === undefined || !defined || name === '') continue;
    const base = elf.relocatable ? placeOf(elf.sections[section]) : elf.displacement;
    if (base === undefined) continue;
    const written = demangle(name);
    const named = written === undefined ? { name } : { name: written, linkageName: name };
    symbols.push({ ...named, address: value + base, size: Number(size), kind });
  }
  return symbols.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

/** Of a section that is in memory. */
const placeOf = (section: ElfSection | undefined): bigint | undefined =>
  section !== undefined && section.flags & SECTION_FLAG_ALLOCATE ? section.address : undefined;

/** The entries of the symbol tables as they stand in the file, the nameless first one too. */
export function rawSymbols(elf: Elf): RawSymbol[] {
  const symbols: RawSymbol[] = [];
  const entrySize = elf.bits === 64 ? 24 : 16;
  for (const table of elf.sections) {
    if (table.type !== SECTION_SYMBOLS) continue;
    const strings = elf.sections[table.link];
    if (!strings || strings.type === SECTION_NO_BITS) continue;
    const names = elf.bytes.subarray(strings.offset, strings.offset + strings.size);
    const length = table.size - (table.size % entrySize);
    const cursor = cursorOver(elf.file, 'the symbol table', elf.bytes, table.offset, length);
    while (cursor.offset < cursor.view.byteLength) {
      const { nameAt, ...symbol } = elf.bits === 64 ? readSymbol64(cursor) : readSymbol32(cursor);
      symbols.push({ name: stringAt(names, nameAt), ...symbol });
    }
  }
  return symbols;
}

export interface RawSymbol {
  readonly name: string;
  readonly info: number;
  /** Number of its section; 0: undefined; from RESERVED_SECTIONS on none. */
  readonly section: number;
  readonly value: bigint;
  readonly size: bigint;
}

type SymbolEntry = Omit<RawSymbol, 'name'> & { readonly nameAt: number };

function readSymbol64(cursor: Cursor): SymbolEntry {
  const nameAt = readU32(cursor);
  const info = readU8(cursor);
  readU8(cursor);
  const section = readU16(cursor);
  return { nameAt, info, section, value: readU64(cursor), size: readU64(cursor) };
}

function readSymbol32(cursor: Cursor): SymbolEntry {
  const nameAt = readU32(cursor);
  const value = BigInt(readU32(cursor));
  const size = BigInt(readU32(cursor));
  const info = readU8(cursor);
  readU8(cursor);
  return { nameAt, info, section: readU16(cursor), value, size };
}
