// What an editor keeps from one assembly to the next: the tokens of the lines that did not change, and what they parsed to.
// A line's tokens are the key: a statement is the same while its tokens are the same objects.
import type { Assembly } from './assembly.ts';
import { type ChangedPart, changedPart } from './changed-part.ts';
import { lexFile } from './lexer.ts';
import type { Reading } from './passes.ts';
import type { Line } from './preprocessor/state.ts';
import type { Statement } from './statement.ts';
import type { Token } from './tokens.ts';
import type { Diagnostic } from './types.ts';

type Tokens = readonly Token[];

interface CachedFile {
  readonly text: string;
  readonly file: number;
  readonly lines: Token[][];
}

/** What a line of a file was parsed to. */
export interface ParsedLine {
  /** Undefined: the line has no meaning. */
  readonly statement: Statement | undefined;
  readonly problems: readonly Diagnostic[];
  /** Lines that the preprocessor had given, this one included. */
  at: number;
}

interface Entry extends ParsedLine {
  /** The tokens that were parsed are those of the file, no macro's. */
  readonly same: boolean;
  usedIn: number;
  /** How often in that assembly. */
  uses: number;
}

export interface LineCache {
  readonly files: Map<string, CachedFile>;
  readonly lines: WeakMap<Tokens, Entry>;
  /** Assemblies so far; a statement object serves once in each. */
  assemblies: number;
  /** The assembly before. */
  last: (Reading & { readonly assembly: Assembly }) | undefined;
}

export function createLineCache(): LineCache {
  return { files: new Map(), lines: new WeakMap(), assemblies: 0, last: undefined };
}

/** The statement that these tokens were parsed to in an earlier assembly. */
export function reusable(cache: LineCache | undefined, line: Line, at: number): Statement | undefined {
  if (cache === undefined || line.expansion !== undefined || line.raw !== line.tokens) return undefined;
  const entry = cache.lines.get(line.raw);
  if (entry === undefined || entry.usedIn === cache.assemblies || !entry.same) return undefined;
  const { statement, problems } = entry;
  if (statement === undefined || problems.length > 0 || parsesLater(statement)) return undefined;
  entry.usedIn = cache.assemblies;
  entry.uses = 1;
  entry.at = at;
  return statement;
}

/** AT parses a part of its line later, so it is not used again. */
const parsesLater = ({ body }: Statement): boolean =>
  body.kind === 'directive' && (body.name === 'at' || body.name === 'iend');

export function parsed(cache: LineCache | undefined, line: Line, result: ParsedLine): void {
  if (cache === undefined || line.expansion !== undefined || line.raw === undefined) return;
  const known = cache.lines.get(line.raw);
  if (known?.usedIn === cache.assemblies) {
    known.uses++;
    return;
  }
  const same = line.raw === line.tokens;
  cache.lines.set(line.raw, { ...result, same, usedIn: cache.assemblies, uses: 1 });
}

/** What a line was parsed to in the assembly before, if it was read once. */
export function parsedOnce(cache: LineCache, raw: Tokens): ParsedLine | undefined {
  const entry = cache.lines.get(raw);
  return entry !== undefined && entry.usedIn === cache.assemblies && entry.uses === 1 ? entry : undefined;
}

/** The lines of a file; of one that was read before, only what changed is read again. */
export function linesOf(cache: LineCache | undefined, path: string, text: string, file: number): Token[][] {
  if (cache === undefined) return lexFile(text, file);
  const old = cache.files.get(path);
  const lines = old === undefined || old.file !== file ? lexFile(text, file) : relex(cache, old, text, file);
  cache.files.set(path, { text, file, lines });
  return lines;
}

function relex(cache: LineCache, old: CachedFile, text: string, file: number): Token[][] {
  if (old.text === text) return old.lines;
  return replaceLines(cache, old.lines, changedPart(old.text, text), text, file);
}

/** The lines with those of the changed part read anew. */
export function replaceLines(
  cache: LineCache,
  lines: Token[][],
  part: ChangedPart,
  text: string,
  file: number,
): Token[][] {
  const changed = lexFile(text.slice(part.from, part.newEnd), file, part.firstLine);
  const before = firstAt(lines, part.firstLine);
  const after = firstAt(lines, part.oldLast + 1);
  if (part.shift !== 0) for (let i = after; i < lines.length; i++) moveLine(cache, lines[i]!, part.shift);
  return lines.slice(0, before).concat(changed, lines.slice(after));
}

/** Index of the first line that begins at `line` or below. */
export function firstAt(lines: readonly Tokens[], line: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]![0]!.line < line) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Lets tokens, and the statement they were parsed to, stand some lines further down. */
function moveLine(cache: LineCache, tokens: Token[], shift: number): void {
  const entry = cache.lines.get(tokens);
  const first = tokens[0]!.line;
  const several = tokens[tokens.length - 1]!.line !== first;
  for (const token of tokens) (token as { line: number }).line += shift;
  if (entry?.statement === undefined) return;
  if (several || !entry.same) {
    cache.lines.delete(tokens);
    return;
  }
  const { label, times, body, range } = entry.statement;
  setLine(range, first + shift);
  if (label !== undefined) setLine(label, first + shift);
  if (times !== undefined) setLine(times, first + shift);
  setLine(body, first + shift);
}

/** Gives every place inside a parsed form the line. */
function setLine(part: object, line: number): void {
  if ('column' in part && 'line' in part) {
    part.line = line;
    return;
  }
  for (const key in part) {
    const value: unknown = part[key as keyof typeof part];
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) setLine(value, line);
  }
}
