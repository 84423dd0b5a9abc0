// One line-number program (DWARF 5, "Line Number Information"; versions 2 to 5): header, file names, state machine.
import {
  type Cursor,
  advance,
  cursorOver,
  readCount,
  readI8,
  readDifference,
  readString,
  readU16,
  readU8,
  readUleb,
  readUnsigned,
  remaining,
} from '../bytes.ts';
import { badStructure } from '../errors.ts';
import { joinPath } from '../paths.ts';
import type { SourceStamp } from '../types.ts';
import { type FormContext, readForm, readInitialLength, readOffset } from './forms.ts';

/** A row as the state machine appended it; `file` is an index into the program's own `files`. */
export interface RawRow {
  readonly address: bigint;
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly statement: boolean;
  readonly end: boolean;
}

export interface LineProgram {
  /** Paths by the number that rows use (from 1 before version 5, from 0 since); holes are empty. */
  readonly files: readonly string[];
  /** What the program tells of the files' contents; numbered like `files`. */
  readonly stamps: readonly SourceStamp[];
  /** Each sequence's rows, its end row last. */
  readonly sequences: readonly (readonly RawRow[])[];
  /** Offset of the next program. */
  readonly next: number;
}

interface Header {
  readonly minimumLength: number;
  readonly maximumOperations: number;
  readonly defaultStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operandCounts: readonly number[];
  readonly addressSize: number;
  readonly displacement: bigint;
}

export interface LineSections {
  readonly file: string;
  readonly lines: Uint8Array;
  readonly strings: Uint8Array;
  readonly lineStrings: Uint8Array;
  readonly addressSize: number;
  /** How far addresses in memory are from those in the file. */
  readonly displacement: bigint;
}

const CONTENT_PATH = 1;
const CONTENT_FOLDER = 2;
const CONTENT_TIME = 3;
const CONTENT_SIZE = 4;
const CONTENT_MD5 = 5;

/** Reads the program at `offset` of .debug_line. `folder` is the unit's compilation directory, for versions before 5. */
export function readLineProgram(sections: LineSections, offset: number, folder: string | undefined): LineProgram {
  const { file, lines } = sections;
  const outer = cursorOver(file, '.debug_line', lines, offset);
  const { length, offsetSize } = readInitialLength(outer);
  const body = offset + advance(outer, Number(length));
  const cursor = cursorOver(file, 'a line-number program', lines, body, Number(length));
  const next = body + Number(length);
  const version = readU16(cursor);
  if (version < 2 || version > 5)
    throw badStructure(file, undefined, `.debug_line holds version ${version}, not 2 to 5`);
  const addressSize = version >= 5 ? readU8(cursor) : sections.addressSize;
  if (version >= 5) readU8(cursor); // segment selector size
  const headerLength = Number(readOffset(cursor, { offsetSize }));
  const start = cursor.offset + headerLength;
  const minimumLength = readU8(cursor);
  const maximumOperations = version >= 4 ? readU8(cursor) : 1;
  const defaultStatement = readU8(cursor) !== 0;
  const lineBase = readI8(cursor);
  const lineRange = readU8(cursor);
  const opcodeBase = readU8(cursor);
  if (lineRange === 0 || opcodeBase === 0 || maximumOperations === 0) {
    throw badStructure(
      file,
      undefined,
      `the line-number program at 0x${offset.toString(16)} of .debug_line divides by zero`,
    );
  }
  const operandCounts = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode++) operandCounts.push(readU8(cursor));
  const context: FormContext = {
    file,
    version,
    offsetSize,
    addressSize,
    strings: sections.strings,
    lineStrings: sections.lineStrings,
  };
  const files = version >= 5 ? readFiles(cursor, context) : readOldFiles(cursor, folder);
  cursor.offset = start;
  if (remaining(cursor) < 0)
    throw badStructure(
      file,
      undefined,
      `a header of .debug_line at 0x${offset.toString(16)} is longer than its program`,
    );
  const header = {
    minimumLength,
    maximumOperations,
    defaultStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    addressSize,
    displacement: sections.displacement,
  };
  return {
    files: files.paths,
    stamps: files.stamps,
    sequences: runProgram(cursor, header, files, file),
    next,
  };
}

interface FileNames {
  readonly paths: string[];
  readonly stamps: SourceStamp[];
  readonly folders: readonly string[];
}

/** Versions 2 to 4: folder 0 is the compilation directory, files count from 1. */
function readOldFiles(cursor: Cursor, folder: string | undefined): FileNames {
  const folders = [folder ?? ''];
  for (let name = readString(cursor); name !== ''; name = readString(cursor)) folders.push(joinPath(folders[0]!, name));
  const names: FileNames = { paths: [''], stamps: [{}], folders };
  for (let name = readString(cursor); name !== ''; name = readString(cursor)) readOldFile(cursor, name, names);
  return names;
}

function readOldFile(cursor: Cursor, name: string, { paths, stamps, folders }: FileNames): void {
  const folder = readCount(cursor);
  const modified = known(readUleb(cursor));
  const size = known(readUleb(cursor));
  paths.push(joinPath(folders[folder] ?? '', name));
  stamps.push({ modified, size });
}

/** 0 means that the compiler did not say. */
const known = (value: bigint): number | undefined => (value === 0n ? undefined : Number(value));

/** Version 5: tables that describe their own columns; folder 0 is the compilation directory, files count from 0. */
function readFiles(cursor: Cursor, context: FormContext): FileNames {
  const folders: string[] = [];
  for (const entry of readEntries(cursor, context))
    folders.push(folders.length === 0 ? entry.path : joinPath(folders[0]!, entry.path));
  const entries = readEntries(cursor, context);
  const paths = entries.map(({ path, folder }) => joinPath(folders[folder] ?? '', path));
  return { paths, stamps: entries.map(({ stamp }) => stamp), folders };
}

interface FileEntry {
  path: string;
  folder: number;
  stamp: SourceStamp;
}

function readEntries(cursor: Cursor, context: FormContext): FileEntry[] {
  const columns: { content: number; form: number }[] = [];
  for (let left = readU8(cursor); left > 0; left--)
    columns.push({ content: readCount(cursor), form: readCount(cursor) });
  const entries: FileEntry[] = [];
  const count = readCount(cursor);
  if (count > 0 && (columns.length === 0 || count > remaining(cursor))) {
    throw badStructure(
      context.file,
      undefined,
      `a table of .debug_line claims ${count} entries and does not hold them`,
    );
  }
  for (let left = count; left > 0; left--) {
    const entry: FileEntry = { path: '', folder: 0, stamp: {} };
    for (const { content, form } of columns) {
      const value = readForm(cursor, form, context);
      if (content === CONTENT_PATH) entry.path = typeof value === 'string' ? value : '';
      if (content === CONTENT_FOLDER && typeof value === 'bigint') entry.folder = Number(value);
      if (content === CONTENT_MD5 && value instanceof Uint8Array)
        entry.stamp = { ...entry.stamp, md5: hexadecimal(value) };
      if (content === CONTENT_TIME && typeof value === 'bigint')
        entry.stamp = { ...entry.stamp, modified: known(value) };
      if (content === CONTENT_SIZE && typeof value === 'bigint') entry.stamp = { ...entry.stamp, size: known(value) };
    }
    entries.push(entry);
  }
  return entries;
}

function runProgram(cursor: Cursor, header: Header, names: FileNames, file: string): RawRow[][] {
  const { minimumLength, maximumOperations, lineBase, lineRange, opcodeBase, operandCounts } = header;
  const sequences: RawRow[][] = [];
  let rows: RawRow[] = [];
  let address = 0n;
  let operation = 0;
  let fileIndex = 1;
  let line = 1;
  let column = 0;
  let statement = header.defaultStatement;
  const reset = (): void => {
    address = 0n;
    operation = 0;
    fileIndex = 1;
    line = 1;
    column = 0;
    statement = header.defaultStatement;
  };
  const append = (end: boolean): void => {
    rows.push({ address, file: fileIndex, line, column, statement, end });
  };
  const move = (operations: number): void => {
    const total = operation + operations;
    address = BigInt.asUintN(64, address + BigInt(minimumLength * Math.floor(total / maximumOperations)));
    operation = total % maximumOperations;
  };
  while (remaining(cursor) > 0) {
    const opcode = readU8(cursor);
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      move(Math.floor(adjusted / lineRange));
      line += lineBase + (adjusted % lineRange);
      append(false);
      continue;
    }
    switch (opcode) {
      case 0: {
        const length = readCount(cursor);
        const begin = advance(cursor, length);
        const inner = cursorOver(file, 'an extended opcode of .debug_line', bytesOf(cursor), begin, length);
        if (length === 0) break;
        const extended = readU8(inner);
        if (extended === 1) {
          append(true);
          sequences.push(rows);
          rows = [];
          reset();
        } else if (extended === 2) {
          address = readUnsigned(inner, remaining(inner)) + header.displacement;
          operation = 0;
        } else if (extended === 3) {
          readOldFile(inner, readString(inner), names);
        }
        break; // discriminators and what vendors add say nothing about lines
      }
      case 1:
        append(false);
        break;
      case 2:
        move(readCount(cursor));
        break;
      case 3:
        line += readDifference(cursor);
        break;
      case 4:
        fileIndex = readCount(cursor);
        break;
      case 5:
        column = readCount(cursor);
        break;
      case 6:
        statement = !statement;
        break;
      case 7: // basic block
      case 10: // prologue end
      case 11: // epilogue begin
        break;
      case 8:
        move(Math.floor((255 - opcodeBase) / lineRange));
        break;
      case 9:
        address = BigInt.asUintN(64, address + BigInt(readU16(cursor)));
        operation = 0;
        break;
      case 12:
        readUleb(cursor); // instruction set
        break;
      default: // a standard opcode of a later version: its operands are counted in the header
        for (let left = operandCounts[opcode] ?? 0; left > 0; left--) readUleb(cursor);
    }
  }
  return sequences;
}

const bytesOf = ({ view }: Cursor): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

const hexadecimal = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
