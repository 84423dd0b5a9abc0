// Abbreviation tables (DWARF 5, "Abbreviations Tables"): what an entry's code stands for.
import { type Cursor, cursorOver, readCount, readSleb, readU8 } from '../bytes.ts';
import { fixedSize } from './forms.ts';

export interface AttributeForm {
  readonly attribute: number;
  readonly form: number;
  /** The value itself, for the form implicit_const. */
  readonly implicit: bigint;
}

export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeForm[];
  /** Bytes of all values together, when no value's width depends on its contents. */
  readonly size: number | undefined;
}

export type AbbreviationTable = ReadonlyMap<number, Abbreviation>;

const FORM_IMPLICIT_CONSTANT = 0x21;

/** The table at `offset` of .debug_abbrev; the widths are of a unit with these sizes. */
export function readAbbreviations(
  file: string,
  section: Uint8Array,
  offset: number,
  widths: Parameters<typeof fixedSize>[1],
): AbbreviationTable {
  const cursor = cursorOver(file, '.debug_abbrev', section, offset);
  const table = new Map<number, Abbreviation>();
  for (let code = readCount(cursor); code !== 0; code = readCount(cursor)) {
    const tag = readCount(cursor);
    const hasChildren = readU8(cursor) !== 0;
    const attributes = readAttributes(cursor);
    let size: number | undefined = 0;
    for (const { form } of attributes) {
      const fixed = fixedSize(form, widths);
      size = size === undefined || fixed === undefined ? undefined : size + fixed;
    }
    table.set(code, { tag, hasChildren, attributes, size });
  }
  return table;
}

function readAttributes(cursor: Cursor): AttributeForm[] {
  const attributes: AttributeForm[] = [];
  for (;;) {
    const attribute = readCount(cursor);
    const form = readCount(cursor);
    if (attribute === 0 && form === 0) return attributes;
    attributes.push({ attribute, form, implicit: form === FORM_IMPLICIT_CONSTANT ? readSleb(cursor) : 0n });
  }
}
