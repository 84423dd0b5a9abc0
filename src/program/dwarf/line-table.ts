// All line-number programs of an ELF file as one table in address order.
import { type Elf, isCode, sectionBytes } from '../elf.ts';
import type { LineRow, LineTable, SourceStamp } from '../types.ts';
import type { Steps } from '../steps.ts';
import { ATTRIBUTE } from './constants.ts';
import { attribute, constantOf, headOf, textOf } from './entries.ts';
import { type LineSections, type RawRow, readLineProgram } from './line-program.ts';
import { compressedSections, type DebugSections, debugSections } from './sections.ts';
import { readUnits } from './units.ts';

export interface ElfLines extends LineTable {
  /** Paths of the files of each line program, by its offset in .debug_line. */
  readonly programs: ReadonlyMap<number, readonly string[]>;
}

/**
 * The line table of an executable; empty without .debug_line. Sequences of code that the linker threw away are left out.
 * Throws ProgramError for damaged sections; adds to `notices` what cannot be used.
 */
export function* elfLines(elf: Elf, notices: string[]): Steps<ElfLines> {
  const compressed = compressedSections(elf);
  if (compressed.some((name) => /debug_(line|info|abbrev|str)/.test(name))) {
    notices.push(
      `No source lines: ${compressed.join(', ')} compressed. Build with -gz=none, or use objcopy --decompress-debug-sections.`,
    );
    return { files: [], rows: [], programs: new Map() };
  }
  const debug = debugSections(elf);
  const { strings, lineStrings } = debug;
  const lines = sectionBytes(elf, '.debug_line') ?? new Uint8Array(0);
  const folders = compilationFolders(debug);
  const sections: LineSections = {
    file: elf.file,
    lines,
    strings,
    lineStrings,
    addressSize: elf.bits / 8,
    displacement: elf.displacement,
  };
  const files = new Map<string, number>();
  const stamps: SourceStamp[] = [];
  const programs = new Map<number, readonly string[]>();
  const sequences: LineRow[][] = [];
  for (let offset = 0; offset < lines.length; ) {
    const program = readLineProgram(sections, offset, folders.get(offset));
    programs.set(offset, program.files);
    const fileNumber = (index: number): number => {
      const path = program.files[index] ?? '';
      const known = files.get(path);
      if (known !== undefined) return known;
      files.set(path, files.size);
      stamps.push(program.stamps[index] ?? {});
      return files.size - 1;
    };
    for (const rows of program.sequences) {
      if (isLinked(elf, rows)) sequences.push(rows.map((row) => numbered(row, fileNumber(row.file))));
    }
    offset = program.next;
    yield offset / lines.length;
  }
  return { files: [...files.keys()], stamps, rows: inOrder(sequences), programs };
}

const numbered = ({ address, line, column, statement, end }: RawRow, file: number): LineRow => ({
  address,
  file,
  line,
  column,
  statement,
  end,
});

/** A sequence that covers code of the file; sequences of dropped sections begin at 0 or at a tombstone. */
function isLinked(elf: Elf, rows: readonly RawRow[]): boolean {
  const first = rows[0]!.address;
  return first < rows.at(-1)!.address && isCode(elf, first);
}

function inOrder(sequences: LineRow[][]): LineRow[] {
  sequences.sort((a, b) => compare(a[0]!.address, b[0]!.address));
  const rows = sequences.flat();
  const ordered = rows.every(({ address }, index) => index === 0 || rows[index - 1]!.address <= address);
  return ordered ? rows : rows.sort((a, b) => compare(a.address, b.address));
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** Compilation directories by offset of the line program in .debug_line: line programs before DWARF 5 do not tell theirs. */
function compilationFolders(sections: DebugSections): Map<number, string> {
  const folders = new Map<number, string>();
  for (const unit of readUnits(sections).units) {
    const head = headOf(unit);
    const statements = constantOf(attribute(head, ATTRIBUTE.statementList));
    const folder = textOf(unit, attribute(head, ATTRIBUTE.compilationFolder));
    if (statements !== undefined && folder !== undefined) folders.set(statements, folder);
  }
  return folders;
}
