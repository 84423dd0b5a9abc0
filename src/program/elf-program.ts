// An ELF executable as a Program: what it loads, how it starts, its symbols and lines.
import type { DebugInfo } from './debug-info.ts';
import { debugInfoOf } from './dwarf/information.ts';
import { type ElfLines, elfLines } from './dwarf/line-table.ts';
import { type Elf, type ElfSegment, elfSymbols, parseElf } from './elf.ts';
import { ProgramError, noSegments, outsideMemory } from './errors.ts';
import { type BootHeader, type BootOptions, addressedSegment, bootMaterial, videoNotices } from './multiboot.ts';
import { baseName, folderOf, joinPath } from './paths.ts';
import { mappedPath, type SourceMap } from './source-map.ts';
import { inOne, type Steps } from './steps.ts';
import type { LineTable, Program, Segment, Symbol as ProgramSymbol } from './types.ts';

export interface ElfStart {
  /** The multiboot header; without one the program starts at its entry in the mode of `bits`. */
  readonly header: BootHeader | undefined;
  readonly bits: 16 | 32 | 64 | undefined;
  readonly boot: BootOptions;
  readonly sourceMap?: SourceMap | undefined;
}

export function* loadElf(file: string, bytes: Uint8Array, start: ElfStart): Steps<Program> {
  const elf = parseElf(file, bytes);
  const { header, boot } = start;
  const { symbols, lines, debug, notices } = yield* debugInformation(elf, start.sourceMap);
  const name = baseName(file);
  if (header?.addresses) {
    const image = addressedSegment(file, bytes, header, header.addresses);
    const material = bootMaterial({ ...boot, occupied: [image] });
    const segments = [image, ...material.segments];
    const entry = { kind: 'multiboot', entry: header.addresses.entry, info: material.info } as const;
    return { name, segments, entry, symbols, lines, debug, notices: [...notices, ...videoNotices(header)] };
  }
  const image = elf.segments.filter(({ size }) => size > 0n).map((segment) => placed(file, segment, boot.ramSize));
  if (image.length === 0) throw noSegments(file);
  const entry = physicalEntry(elf);
  if (!header) {
    return {
      name,
      segments: image,
      entry: { kind: 'flat', entry, bits: start.bits ?? elf.bits },
      symbols,
      lines,
      debug,
      notices,
    };
  }
  const material = bootMaterial({ ...boot, occupied: image });
  return {
    name,
    segments: [...image, ...material.segments],
    entry: { kind: 'multiboot', entry, info: material.info },
    symbols,
    lines,
    debug,
    notices: [...notices, ...videoNotices(header)],
  };
}

function placed(file: string, segment: ElfSegment, ramSize: number): Segment {
  if (segment.physical + segment.size > BigInt(ramSize))
    throw outsideMemory(file, segment.physical, segment.size, ramSize);
  return { address: Number(segment.physical), bytes: segment.bytes, size: Number(segment.size) };
}

/** Paging is off at the entry: an entry at a virtual address of a segment becomes the physical one. */
function physicalEntry(elf: Elf): number {
  for (const { virtual, physical, size } of elf.segments) {
    if (elf.entry >= virtual && elf.entry < virtual + size) return Number(elf.entry - virtual + physical);
  }
  if (elf.entry > 0xffffffffn) throw outsideMemory(elf.file, elf.entry, 1, 0x100000000);
  return Number(elf.entry);
}

export interface DebugInformation {
  readonly symbols: ProgramSymbol[];
  readonly lines: LineTable;
  readonly debug: DebugInfo | undefined;
  readonly notices: string[];
}

/** Symbols, lines and the rest; what cannot be read of them becomes a notice, because the program runs all the same. */
export function* debugInformation(elf: Elf, sourceMap: SourceMap = {}): Steps<DebugInformation> {
  const notices: string[] = [];
  function* attempt<T>(what: string, read: () => Steps<T>, otherwise: T): Steps<T> {
    try {
      return yield* read();
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      notices.push(`No ${what}: ${error.message}`);
      return otherwise;
    }
  }
  const symbols = yield* attempt('symbols', () => inOne(() => elfSymbols(elf)), []);
  const { programs, ...table } = yield* attempt('source lines', () => elfLines(elf, notices), NO_LINES);
  // Debug information may be relative to where the program was built: then its sources are beside it.
  const folder = folderOf(elf.file);
  const shown = (path: string): string => mappedPath(joinPath(folder, path), sourceMap);
  const lines = { ...table, files: table.files.map(shown) };
  const filesOf = (statements: number): string[] => (programs.get(statements) ?? []).map(shown);
  const debug = yield* attempt('variables and types', () => inOne(() => debugInfoOf(elf, filesOf, notices)), undefined);
  return { symbols, lines, debug, notices };
}

const NO_LINES: ElfLines = { files: [], rows: [], programs: new Map() };
