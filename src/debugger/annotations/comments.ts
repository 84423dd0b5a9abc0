// Where comments are in a source, and which of them are annotations: `; @assert EXPR`, `// @log TEXT {expr}`, `/* @expect-exit REASON */`.

export type SourceLanguage = 'assembly' | 'c';

/** The language of a source by its name; undefined when comments in it are not known. */
export function languageOf(path: string): SourceLanguage | undefined {
  if (/\.(?:asm|nasm|inc)$/i.test(path)) return 'assembly';
  return /\.(?:c|h|cc|cpp|cxx|hh|hpp|hxx|rs|s)$/i.test(path) ? 'c' : undefined;
}

export interface Comment {
  /** From 1. */
  readonly line: number;
  /** Of the first character after the comment's opening, from 1. */
  readonly column: number;
  readonly text: string;
}

/** Every comment of a source, each line of a longer one by itself. Quotes hide what looks like a comment. */
export function commentsOf(source: string, language: SourceLanguage): Comment[] {
  return language === 'assembly' ? assemblyComments(source) : cComments(source);
}

function assemblyComments(source: string): Comment[] {
  const comments: Comment[] = [];
  for (const [index, line] of source.split(/\r?\n/).entries()) {
    const at = firstOutsideQuotes(line, ';');
    if (at >= 0) comments.push({ line: index + 1, column: at + 2, text: line.slice(at + 1) });
  }
  return comments;
}

function firstOutsideQuotes(line: string, wanted: string): number {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const char = line[i] as string;
    if (quote !== '') {
      // Only backquotes know escapes in NASM.
      if (char === '\\' && quote === '`') i++;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'" || char === '`') {
      quote = char;
    } else if (char === wanted) {
      return i;
    }
  }
  return -1;
}

/** Strings, characters and comments of C; a quote that its line does not close ends with the line (Rust's lifetimes look so). */
const C_PARTS = /"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])'|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

function cComments(source: string): Comment[] {
  const comments: Comment[] = [];
  let line = 1;
  let lineStart = 0;
  let seen = 0;
  for (const match of source.matchAll(C_PARTS)) {
    const [part] = match;
    if (!part.startsWith('/')) continue;
    for (let i = source.indexOf('\n', seen); i >= 0 && i < match.index; i = source.indexOf('\n', i + 1)) {
      line++;
      lineStart = i + 1;
    }
    seen = match.index;
    const block = part.startsWith('/*');
    const inner = part.slice(2, block && part.endsWith('*/') ? -2 : undefined);
    for (const [index, text] of inner.split('\n').entries()) {
      const column = index === 0 ? match.index - lineStart + 3 : 1;
      comments.push({ line: line + index, column, text: text.replace(/\r$/, '') });
    }
  }
  return comments;
}
