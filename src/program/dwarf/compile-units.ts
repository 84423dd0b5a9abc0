// As much of .debug_info as line tables before DWARF 5 need: the compilation directory of each line program
// (DWARF 5, "Unit Headers" and "Full and Partial Compilation Unit Entries").
import { type Cursor, advance, cursorOver, readCount, readSleb, readU16, readU8, remaining } from '../bytes.ts';
import { badStructure } from '../errors.ts';
import { type FormContext, readForm, readInitialLength, readOffset } from './forms.ts';

const ATTRIBUTE_STATEMENT_LIST = 0x10;
const ATTRIBUTE_COMPILATION_FOLDER = 0x1b;
const FORM_IMPLICIT_CONSTANT = 0x21;
const UNIT_SKELETON = 4;
const UNIT_SPLIT_COMPILE = 5;
const UNIT_TYPE = 2;
const UNIT_SPLIT_TYPE = 6;

export interface DebugSections {
  readonly file: string;
  readonly info: Uint8Array;
  readonly abbreviations: Uint8Array;
  readonly strings: Uint8Array;
  readonly lineStrings: Uint8Array;
}

/** Compilation directories by offset of the line program in .debug_line. */
export function compilationFolders(sections: DebugSections): Map<number, string> {
  const folders = new Map<number, string>();
  const units = cursorOver(sections.file, '.debug_info', sections.info);
  while (remaining(units) > 0) {
    const { length, offsetSize } = readInitialLength(units);
    const start = advance(units, Number(length));
    const unit = cursorOver(sections.file, 'a unit of .debug_info', sections.info, start, Number(length));
    const { statements, folder } = readUnit(unit, sections, offsetSize);
    if (statements !== undefined && folder !== undefined) folders.set(statements, folder);
  }
  return folders;
}

function readUnit(unit: Cursor, sections: DebugSections, offsetSize: 4 | 8): { statements?: number; folder?: string } {
  const { file, strings, lineStrings } = sections;
  const version = readU16(unit);
  if (version < 2 || version > 5)
    throw badStructure(file, undefined, `.debug_info holds DWARF version ${version}, not 2 to 5`);
  let addressSize: number;
  let abbreviations: bigint;
  if (version === 5) {
    const type = readU8(unit);
    addressSize = readU8(unit);
    abbreviations = readOffset(unit, { offsetSize });
    if (type === UNIT_SKELETON || type === UNIT_SPLIT_COMPILE) advance(unit, 8);
    if (type === UNIT_TYPE || type === UNIT_SPLIT_TYPE) advance(unit, 8 + offsetSize);
  } else {
    abbreviations = readOffset(unit, { offsetSize });
    addressSize = readU8(unit);
  }
  const code = readCount(unit);
  if (code === 0) return {};
  const context: FormContext = { file, version, offsetSize, addressSize, strings, lineStrings };
  const found: { statements?: number; folder?: string } = {};
  for (const { attribute, form, implicit } of abbreviation(sections, Number(abbreviations), code)) {
    const value = readForm(unit, form, context, implicit);
    if (attribute === ATTRIBUTE_STATEMENT_LIST && typeof value === 'bigint') found.statements = Number(value);
    if (attribute === ATTRIBUTE_COMPILATION_FOLDER && typeof value === 'string') found.folder = value;
  }
  return found;
}

interface AttributeForm {
  readonly attribute: number;
  readonly form: number;
  readonly implicit: bigint;
}

/** Attributes of the abbreviation with this code, in the table at `offset` of .debug_abbrev. */
function abbreviation(sections: DebugSections, offset: number, wanted: number): AttributeForm[] {
  const cursor = cursorOver(sections.file, '.debug_abbrev', sections.abbreviations, offset);
  for (;;) {
    const code = readCount(cursor);
    if (code === 0)
      throw badStructure(
        sections.file,
        undefined,
        `.debug_abbrev has no abbreviation ${wanted} at 0x${offset.toString(16)}`,
      );
    readCount(cursor); // tag
    readU8(cursor); // has children
    const attributes: AttributeForm[] = [];
    for (;;) {
      const attribute = readCount(cursor);
      const form = readCount(cursor);
      if (attribute === 0 && form === 0) break;
      attributes.push({ attribute, form, implicit: form === FORM_IMPLICIT_CONSTANT ? readSleb(cursor) : 0n });
    }
    if (code === wanted) return attributes;
  }
}
