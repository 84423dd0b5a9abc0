// Units of .debug_info and .debug_types (DWARF 5, "Unit Headers"): headers at once, entries when somebody asks.
import { advance, type Cursor, cursorOver, readU16, readU64, readU8, remaining } from '../bytes.ts';
import { badStructure } from '../errors.ts';
import { type AbbreviationTable, readAbbreviations } from './abbreviations.ts';
import { type FormContext, readInitialLength, readOffset } from './forms.ts';
import type { DebugSections } from './sections.ts';

export const UNIT_KIND = { compile: 1, type: 2, partial: 3, skeleton: 4, splitCompile: 5, splitType: 6 } as const;

export interface Unit {
  readonly debug: DebugUnits;
  readonly context: FormContext;
  readonly kind: number;
  /** Over the section that the unit is in; whoever reads sets `offset`. */
  readonly cursor: Cursor;
  /** Offsets in that section: the header, the first entry, the end. */
  readonly offset: number;
  readonly first: number;
  readonly end: number;
  readonly abbreviations: () => AbbreviationTable;
  /** Of a type unit: its signature, and the offset of the type's entry. */
  readonly signature: bigint | undefined;
  readonly typeOffset: number;
}

export interface DebugUnits {
  readonly sections: DebugSections;
  /** In order of offset; type units of .debug_types behind them. */
  readonly units: readonly Unit[];
  /** How many of them are in .debug_info. */
  readonly informationUnits: () => number;
  readonly bySignature: ReadonlyMap<bigint, Unit>;
}

/** All unit headers; throws `bad-structure` for damaged ones and for versions other than 2 to 5. */
export function readUnits(sections: DebugSections): DebugUnits {
  const units: Unit[] = [];
  const bySignature = new Map<bigint, Unit>();
  let inInformation = 0;
  const debug: DebugUnits = { sections, units, bySignature, informationUnits: () => inInformation };
  const tables = new Map<string, AbbreviationTable>();
  for (const [what, bytes] of [
    ['.debug_info', sections.info],
    ['.debug_types', sections.types],
  ] as const) {
    const cursor = cursorOver(sections.file, what, bytes);
    while (remaining(cursor) > 0) {
      const unit = readHeader(debug, cursor, what, tables);
      units.push(unit);
      if (unit.signature !== undefined) bySignature.set(unit.signature, unit);
      cursor.offset = unit.end;
    }
    if (what === '.debug_info') inInformation = units.length;
  }
  return debug;
}

function readHeader(debug: DebugUnits, cursor: Cursor, what: string, tables: Map<string, AbbreviationTable>): Unit {
  const { sections } = debug;
  const { file } = sections;
  const offset = cursor.offset;
  const { length, offsetSize } = readInitialLength(cursor);
  const body = advance(cursor, Number(length));
  const end = body + Number(length);
  cursor.offset = body;
  const version = readU16(cursor);
  if (version < 2 || version > 5)
    throw badStructure(file, undefined, `${what} holds DWARF version ${version}, not 2 to 5`);
  let kind: number = what === '.debug_types' ? UNIT_KIND.type : UNIT_KIND.compile;
  let addressSize: number;
  let abbreviationsAt: number;
  if (version === 5) {
    kind = readU8(cursor);
    addressSize = readU8(cursor);
    abbreviationsAt = Number(readOffset(cursor, { offsetSize }));
  } else {
    abbreviationsAt = Number(readOffset(cursor, { offsetSize }));
    addressSize = readU8(cursor);
  }
  let signature: bigint | undefined;
  let typeOffset = 0;
  if (kind === UNIT_KIND.skeleton || kind === UNIT_KIND.splitCompile) advance(cursor, 8);
  if (kind === UNIT_KIND.type || kind === UNIT_KIND.splitType) {
    signature = readU64(cursor);
    typeOffset = offset + Number(readOffset(cursor, { offsetSize }));
  }
  const { strings, lineStrings } = sections;
  const context: FormContext = { file, version, offsetSize, addressSize, strings, lineStrings };
  const abbreviations = (): AbbreviationTable => {
    const key = `${abbreviationsAt} ${version} ${offsetSize} ${addressSize}`;
    const table = tables.get(key) ?? readAbbreviations(file, sections.abbreviations, abbreviationsAt, context);
    tables.set(key, table);
    return table;
  };
  const own = { ...cursor, offset: 0 };
  return { debug, context, kind, cursor: own, offset, first: cursor.offset, end, abbreviations, signature, typeOffset };
}
