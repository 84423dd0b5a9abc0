// The sections of an ELF file that debug information is in; those that are missing are empty.
import { type Elf, SECTION_FLAG_COMPRESSED, sectionBytes } from '../elf.ts';

export interface DebugSections {
  readonly file: string;
  /** Of the ELF file, in bytes: what addresses in .debug_frame and older units have. */
  readonly addressSize: 4 | 8;
  /** How far addresses in memory are from those in the file. */
  readonly displacement: bigint;
  readonly info: Uint8Array;
  /** Type units of DWARF 4. */
  readonly types: Uint8Array;
  readonly abbreviations: Uint8Array;
  readonly strings: Uint8Array;
  readonly lineStrings: Uint8Array;
  readonly stringOffsets: Uint8Array;
  readonly addresses: Uint8Array;
  readonly rangeLists: Uint8Array;
  readonly ranges: Uint8Array;
  readonly locationLists: Uint8Array;
  readonly locations: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/** Names of the debug sections that are compressed, which nothing here reads. */
export const compressedSections = (elf: Elf): string[] =>
  elf.sections
    .filter(({ name, flags }) => (/^\.debug_/.test(name) && flags & SECTION_FLAG_COMPRESSED) || /^\.zdebug_/.test(name))
    .map(({ name }) => name);

export function debugSections(elf: Elf): DebugSections {
  const section = (name: string): Uint8Array => sectionBytes(elf, `.debug_${name}`) ?? EMPTY;
  return {
    file: elf.file,
    addressSize: elf.bits === 64 ? 8 : 4,
    displacement: elf.displacement,
    info: section('info'),
    types: section('types'),
    abbreviations: section('abbrev'),
    strings: section('str'),
    lineStrings: section('line_str'),
    stringOffsets: section('str_offsets'),
    addresses: section('addr'),
    rangeLists: section('rnglists'),
    ranges: section('ranges'),
    locationLists: section('loclists'),
    locations: section('loc'),
  };
}
