// What an editor keeps from one assembly to the next: the tokens of the lines that did not change, and what they parsed to.
// A line's tokens are the key: a statement is the same while its tokens are the same objects.
import { continues, lexFile } from './lexer.ts';
import type { Line } from './preprocessor/state.ts';
import type { Statement } from './statement.ts';
import type { Token } from './tokens.ts';

type Tokens = readonly Token[];

interface CachedFile {
  readonly text: string;
  readonly file: number;
  readonly lines: Token[][];
}

export interface LineCache {
  readonly files: Map<string, CachedFile>;
  readonly statements: WeakMap<Tokens, { readonly statement: Statement; usedIn: number }>;
  /** Assemblies so far; a statement object serves once in each. */
  assemblies: number;
}

export function createLineCache(): LineCache {
  return { files: new Map(), statements: new WeakMap(), assemblies: 0 };
}

/** The statement that these tokens were parsed to in an earlier assembly. */
export function reusable(cache: LineCache | undefined, line: Line): Statement | undefined {
  if (cache === undefined || line.expansion !== undefined) return undefined;
  const entry = cache.statements.get(line.tokens);
  if (entry === undefined || entry.usedIn === cache.assemblies) return undefined;
  entry.usedIn = cache.assemblies;
  return entry.statement;
}

/** Remembers a line that parsed without a mistake. AT parses a part of its line later, so it is left out. */
export function parsed(cache: LineCache | undefined, line: Line, statement: Statement): void {
  if (cache === undefined || line.expansion !== undefined || cache.statements.has(line.tokens)) return;
  if (statement.body.kind === 'directive' && (statement.body.name === 'at' || statement.body.name === 'iend')) return;
  cache.statements.set(line.tokens, { statement, usedIn: cache.assemblies });
}

/** The lines of a file; of one that was read before, only what changed is read again. */
export function linesOf(cache: LineCache | undefined, path: string, text: string, file: number): Token[][] {
  if (cache === undefined) return lexFile(text, file);
  const old = cache.files.get(path);
  const lines = old === undefined || old.file !== file ? lexFile(text, file) : relex(cache, old, text, file);
  cache.files.set(path, { text, file, lines });
  return lines;
}

function countNewlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let i = text.indexOf('\n', from); i >= 0 && i < to; i = text.indexOf('\n', i + 1)) count++;
  return count;
}

/** Whether the line that ends with the newline at `end` goes on behind it. */
function goesOn(text: string, end: number): boolean {
  return continues(text, text.lastIndexOf('\n', end - 1) + 1, end);
}

function relex(cache: LineCache, old: CachedFile, text: string, file: number): Token[][] {
  if (old.text === text) return old.lines;
  const shorter = Math.min(old.text.length, text.length);
  let from = 0;
  while (from < shorter && old.text.charCodeAt(from) === text.charCodeAt(from)) from++;
  let tail = 0;
  while (
    tail < shorter - from &&
    old.text.charCodeAt(old.text.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail)
  )
    tail++;
  // The changed part in whole lines that are not joined to their neighbours.
  from = from === 0 ? 0 : text.lastIndexOf('\n', from - 1) + 1;
  while (from > 0 && goesOn(text, from - 1)) from = text.lastIndexOf('\n', from - 2) + 1;
  let oldEnd = old.text.length - tail;
  let newEnd = text.length - tail;
  for (;;) {
    const next = old.text.indexOf('\n', oldEnd);
    if (next < 0) {
      oldEnd = old.text.length;
      newEnd = text.length;
      break;
    }
    newEnd += next - oldEnd;
    oldEnd = next;
    if (!goesOn(old.text, oldEnd) && !goesOn(text, newEnd)) break;
    oldEnd++;
    newEnd++;
  }
  const firstLine = 1 + countNewlines(text, 0, from);
  const oldLast = firstLine + countNewlines(old.text, from, oldEnd);
  const shift = countNewlines(text, from, newEnd) - countNewlines(old.text, from, oldEnd);
  const before = old.lines.findIndex((tokens) => tokens[0]!.line >= firstLine);
  const kept = before < 0 ? old.lines : old.lines.slice(0, before);
  const changed = lexFile(text.slice(from, newEnd), file, firstLine);
  const after = old.lines.filter((tokens) => tokens[0]!.line > oldLast);
  if (shift !== 0) for (const tokens of after) moveLine(cache, tokens, shift);
  return [...kept, ...changed, ...after];
}

/** Lets tokens, and the statement they were parsed to, stand some lines further down. */
function moveLine(cache: LineCache, tokens: Token[], shift: number): void {
  const entry = cache.statements.get(tokens);
  const first = tokens[0]!.line;
  const several = tokens[tokens.length - 1]!.line !== first;
  for (const token of tokens) (token as { line: number }).line += shift;
  if (entry === undefined) return;
  if (several) {
    cache.statements.delete(tokens);
    return;
  }
  const { label, times, body } = entry.statement;
  setLine([entry.statement.range, label, times, body], first + shift);
}

/** Gives every place inside a parsed form the line. */
function setLine(part: unknown, line: number): void {
  if (typeof part !== 'object' || part === null || part instanceof Uint8Array) return;
  if ('column' in part && 'line' in part) {
    part.line = line;
    return;
  }
  for (const value of Object.values(part)) setLine(value, line);
}
