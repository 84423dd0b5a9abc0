// Questions about a program's symbols and lines, answered from indices that are built once.
import { baseName, normalPath } from './paths.ts';
import type { LineRow, Program, Symbol as ProgramSymbol } from './types.ts';

export interface Image {
  readonly program: Program;
  /** Whether it holds for the side and address space that run now; absent: always. */
  readonly applies?: () => boolean;
  /** In address order; of several at one address the best name last. */
  readonly symbols: readonly ProgramSymbol[];
  readonly symbolAddresses: BigUint64Array;
  readonly byName: ReadonlyMap<string, ProgramSymbol>;
  readonly rowAddresses: BigUint64Array;
  /** Indices of statement rows of each file, in address order. */
  readonly rowsOfFile: ReadonlyMap<number, readonly number[]>;
  /** Where each function begins in the source: by file, lines ascending. */
  readonly functionLines: ReadonlyMap<number, readonly number[]>;
}

export interface SymbolAt {
  readonly name: string;
  readonly offset: bigint;
  readonly symbol: ProgramSymbol;
}

export interface LineAt {
  /** Index into the program's `lines.files`, and the path there. */
  readonly file: number;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** The bytes that belong to this row: from `start` up to `end` (not included). */
  readonly start: bigint;
  readonly end: bigint;
}

export interface LineBinding {
  readonly path: string;
  /** The line that has code: the one asked for, or the next that has. */
  readonly line: number;
  readonly column: number;
  /** One for each place to stop at; ascending. */
  readonly addresses: readonly bigint[];
}

/** How far a label without a size reaches when no other follows it. */
const LABEL_REACH = 0x10000n;

const RANK: Readonly<Record<ProgramSymbol['kind'], number>> = { label: 1, object: 0, function: 2 };

export function imageOf(program: Program): Image {
  const symbols = [...program.symbols].sort(
    (a, b) => compare(a.address, b.address) || RANK[a.kind] - RANK[b.kind] || a.size - b.size,
  );
  const byName = new Map<string, ProgramSymbol>();
  for (const symbol of symbols) {
    const known = byName.get(symbol.name);
    if (!known || RANK[symbol.kind] > RANK[known.kind]) byName.set(symbol.name, symbol);
    if (symbol.linkageName !== undefined && !byName.has(symbol.linkageName)) byName.set(symbol.linkageName, symbol);
  }
  const { rows } = program.lines;
  const rowsOfFile = new Map<number, number[]>();
  for (const [index, row] of rows.entries()) {
    if (row.end || !row.statement || row.line === 0) continue;
    const list = rowsOfFile.get(row.file);
    if (list) list.push(index);
    else rowsOfFile.set(row.file, [index]);
  }
  const image: Image = {
    program,
    symbols,
    symbolAddresses: addressesOf(symbols),
    byName,
    rowAddresses: addressesOf(rows),
    rowsOfFile,
    functionLines: new Map(),
  };
  return { ...image, functionLines: linesOfFunctions(image) };
}

function addressesOf(all: readonly { readonly address: bigint }[]): BigUint64Array {
  const addresses = new BigUint64Array(all.length);
  for (let index = 0; index < all.length; index++) addresses[index] = all[index]!.address;
  return addresses;
}

/** The symbol that an address belongs to; undefined when it is in none. */
export function symbolAt(image: Image, address: bigint): SymbolAt | undefined {
  const { symbols, symbolAddresses } = image;
  const last = lastAtOrBelow(symbolAddresses, address);
  for (let index = last; index >= 0 && index > last - 16; index--) {
    const symbol = symbols[index]!;
    const offset = address - symbol.address;
    const reach = symbol.size > 0 ? BigInt(symbol.size) : LABEL_REACH;
    if (offset < reach || offset === 0n) return { name: symbol.name, offset, symbol };
  }
  return undefined;
}

/** Address of a symbol by its name. */
export const addressOf = (image: Image, name: string): bigint | undefined => image.byName.get(name)?.address;

/** Functions in address order; labels too where the program has no functions (assembly). */
export function functionsOf(image: Image): readonly ProgramSymbol[] {
  const functions = image.symbols.filter(({ kind }) => kind === 'function');
  return functions.length > 0 ? functions : image.symbols.filter(({ kind }) => kind === 'label');
}

/**
 * The row that an address belongs to; undefined where no source line is known. Of several rows at one address it is the last
 * statement; code that the compiler gave line 0 belongs to the line before it.
 */
export function lineAt(image: Image, address: bigint): LineAt | undefined {
  const { rows, files } = image.program.lines;
  const last = lastAtOrBelow(image.rowAddresses, address);
  let index = last;
  while (rows[index]?.line === 0 && !rows[index]!.end) index--;
  let row = rows[index];
  if (!row || row.end) return undefined;
  while (!row.statement) {
    const before: LineRow | undefined = rows[--index];
    if (!before || before.address !== row.address || before.end || before.line === 0) break;
    if (before.statement) row = before;
  }
  const { file, line, column, address: start } = row;
  return { file, path: files[file] ?? '', line, column, start, end: rows[last + 1]?.address ?? address + 1n };
}

/** Numbers of the files that a path means: the same path, or one whose last parts are the path's, or (failing those) the same name. */
export function filesMatching(image: Image, path: string): readonly number[] {
  const wanted = normalPath(path).replaceAll('\\', '/');
  const known = image.program.lines.files.map((file) => normalPath(file).replaceAll('\\', '/'));
  const where = (test: (file: string) => boolean): number[] =>
    known.flatMap((file, index) => (file !== '' && test(file) ? [index] : []));
  const same = where((file) => file === wanted);
  if (same.length > 0) return same;
  const suffix = where((file) => file.endsWith(`/${wanted}`) || wanted.endsWith(`/${file}`));
  if (suffix.length > 0) return suffix;
  return where((file) => baseName(file) === baseName(wanted));
}

/**
 * Where to stop for a line: its code, or that of the next line of the file that has any. In a function's own lines that is its first
 * instruction; in code that the compiler copied into a function from elsewhere (an inlined function), the beginning of every copy; in
 * code outside any function (assembly), the beginning of every stretch.
 */
export function addressesOfLine(image: Image, path: string, line: number): LineBinding | undefined {
  const { rows, files } = image.program.lines;
  let best = Number.POSITIVE_INFINITY;
  const candidates = filesMatching(image, path);
  for (const file of candidates) {
    for (const index of image.rowsOfFile.get(file) ?? []) {
      const found = rows[index]!.line;
      if (found >= line && found < best) best = found;
    }
  }
  if (best === Number.POSITIVE_INFINITY) return undefined;
  const found = candidates.flatMap((file) => stopsOfLine(image, file, best));
  const stops = found.length > 0 ? found : candidates.flatMap((file) => rowsOfLine(image, file, best).slice(0, 1));
  stops.sort((a, b) => compare(a.address, b.address));
  const first = stops[0]!;
  return {
    path: files[first.file] ?? '',
    line: best,
    column: first.column,
    addresses: [...new Set(stops.map(({ address }) => address))],
  };
}

/** Every line of the file that has code, ascending. */
export function linesWithCode(image: Image, path: string): readonly number[] {
  const lines = new Set<number>();
  for (const file of filesMatching(image, path)) {
    for (const index of image.rowsOfFile.get(file) ?? []) lines.add(image.program.lines.rows[index]!.line);
  }
  return [...lines].sort((a, b) => a - b);
}

const rowsOfLine = (image: Image, file: number, line: number): LineRow[] =>
  (image.rowsOfFile.get(file) ?? [])
    .map((index) => image.program.lines.rows[index]!)
    .filter((row) => row.line === line);

function stopsOfLine(image: Image, file: number, line: number): LineRow[] {
  const { rows } = image.program.lines;
  const stops: LineRow[] = [];
  const ownSeen = new Set<ProgramSymbol>();
  for (const index of image.rowsOfFile.get(file) ?? []) {
    const row = rows[index]!;
    if (row.line !== line) continue;
    const owner = symbolAt(image, row.address)?.symbol;
    if (owner?.kind === 'function' && isOwnLine(image, owner, file, line)) {
      if (!ownSeen.has(owner)) stops.push(row);
      ownSeen.add(owner);
    } else if (!continues(image, index, owner)) stops.push(row);
  }
  return stops;
}

/** True when the line lies between the beginning of this function and that of the next one in the file. */
function isOwnLine(image: Image, owner: ProgramSymbol, file: number, line: number): boolean {
  const begin = firstRow(image, owner.address);
  if (!begin || begin.file !== file || line < begin.line) return false;
  const next = image.functionLines.get(file)?.find((other) => other > begin.line);
  return next === undefined || line < next;
}

/** True when the stretch of code that a row is in already had this line: a loop inside a copy, or a row cut in two. */
function continues(image: Image, index: number, owner: ProgramSymbol | undefined): boolean {
  const { rows } = image.program.lines;
  const row = rows[index]!;
  if (owner?.kind !== 'function') {
    const before = rows[index - 1];
    return before !== undefined && !before.end && before.line === row.line && before.file === row.file;
  }
  for (let at = index - 1; at >= 0; at--) {
    const before = rows[at]!;
    if (before.end || before.address < owner.address || isOwnLine(image, owner, before.file, before.line)) return false;
    if (before.file === row.file && before.line === row.line && before.statement) return true;
  }
  return false;
}

/** The first row at exactly this address: the opening line of a function that begins there. */
function firstRow(image: Image, address: bigint): LineRow | undefined {
  const { rows } = image.program.lines;
  let index = lastAtOrBelow(image.rowAddresses, address);
  if (rows[index]?.address !== address) return undefined;
  while (rows[index - 1]?.address === address && !rows[index - 1]!.end) index--;
  return rows[index];
}

function linesOfFunctions(image: Image): Map<number, number[]> {
  const lines = new Map<number, Set<number>>();
  for (const symbol of image.symbols) {
    if (symbol.kind !== 'function') continue;
    const begin = firstRow(image, symbol.address);
    if (!begin) continue;
    const list = lines.get(begin.file);
    if (list) list.add(begin.line);
    else lines.set(begin.file, new Set([begin.line]));
  }
  return new Map([...lines].map(([file, list]) => [file, [...list].sort((a, b) => a - b)]));
}

function lastAtOrBelow(addresses: BigUint64Array, address: bigint): number {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (addresses[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
