// What a person wrote about a name: the comment lines above its definition, or the one behind it.
import type { SourceRange } from '../asm/tokens.ts';
import type { Program } from './program.ts';

const texts = new WeakMap<object, string[]>();

export function linesOfFile(program: Program, file: number): readonly string[] {
  const source = program.assembly.files[file];
  if (source === undefined) return [];
  let lines = texts.get(source);
  if (lines === undefined) {
    lines = source.text.split(/\r?\n/);
    texts.set(source, lines);
  }
  return lines;
}

/** Where the comment of a line begins, from 0; -1: it has none. */
export function commentStart(line: string): number {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote !== '') {
      if (c === '\\' && quote === '`') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'" || c === '`') {
      if (line.indexOf(c, i + 1) >= 0) quote = c;
    } else if (c === ';') return i;
  }
  return -1;
}

export function commentAbove(program: Program, place: SourceRange): string {
  const lines = linesOfFile(program, place.file);
  const above: string[] = [];
  for (let i = place.line - 2; i >= 0 && above.length < 12; i--) {
    const match = /^\s*;+\s?(.*)$/.exec(lines[i]!);
    if (!match) break;
    if (/^[-=*; ]*$/.test(match[1]!)) {
      if (above.length > 0) break;
      continue;
    }
    above.unshift(match[1]!);
  }
  if (above.length > 0) return above.join('\n');
  const line = lines[place.line - 1] ?? '';
  const at = commentStart(line);
  return at < 0 ? '' : line.slice(at).replace(/^;+\s*/, '');
}
