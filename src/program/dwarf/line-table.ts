// All line-number programs of an ELF file as one table in address order.
import { type Elf, SECTION_FLAG_COMPRESSED, isCode, sectionBytes } from '../elf.ts';
import type { LineRow, LineTable } from '../types.ts';
import { compilationFolders } from './compile-units.ts';
import { type LineSections, type RawRow, readLineProgram } from './line-program.ts';

const EMPTY = new Uint8Array(0);

/**
 * The line table of an executable; empty without .debug_line. Sequences of code that the linker threw away are left out.
 * Throws ProgramError for damaged sections; adds to `notices` what cannot be used.
 */
export function elfLines(elf: Elf, notices: string[]): LineTable {
  const compressed = elf.sections.filter(
    ({ name, flags }) => (/^\.debug_/.test(name) && flags & SECTION_FLAG_COMPRESSED) || /^\.zdebug_/.test(name),
  );
  if (compressed.some(({ name }) => /debug_(line|info|abbrev|str)/.test(name))) {
    notices.push(
      `No source lines: ${compressed.map(({ name }) => name).join(', ')} compressed. Build with -gz=none, or use objcopy --decompress-debug-sections.`,
    );
    return { files: [], rows: [] };
  }
  const lines = sectionBytes(elf, '.debug_line') ?? EMPTY;
  const strings = sectionBytes(elf, '.debug_str') ?? EMPTY;
  const lineStrings = sectionBytes(elf, '.debug_line_str') ?? EMPTY;
  const info = sectionBytes(elf, '.debug_info') ?? EMPTY;
  const abbreviations = sectionBytes(elf, '.debug_abbrev') ?? EMPTY;
  const folders = compilationFolders({ file: elf.file, info, abbreviations, strings, lineStrings });
  const sections: LineSections = { file: elf.file, lines, strings, lineStrings, addressSize: elf.bits / 8 };
  const files = new Map<string, number>();
  const sequences: LineRow[][] = [];
  for (let offset = 0; offset < lines.length; ) {
    const program = readLineProgram(sections, offset, folders.get(offset));
    const fileNumber = (index: number): number => {
      const path = program.files[index] ?? '';
      const known = files.get(path);
      if (known !== undefined) return known;
      files.set(path, files.size);
      return files.size - 1;
    };
    for (const rows of program.sequences) {
      if (isLinked(elf, rows)) sequences.push(rows.map((row) => numbered(row, fileNumber(row.file))));
    }
    offset = program.next;
  }
  return { files: [...files.keys()], rows: inOrder(sequences) };
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
