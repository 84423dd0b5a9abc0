// Tokens of NASM source. Every token knows where it stands, so that all later parts can point at it.

export const TOKEN = {
  identifier: 0,
  number: 1,
  string: 2,
  punctuation: 3,
  /** `%name`, `%1`, `%%local`, `%$context`, `%{…}`, `%+`, `%?`: for the preprocessor. `text` includes the percent sign. */
  percent: 4,
  /** A character or string that cannot be a token; `text` says what is wrong. */
  bad: 5,
} as const;

export type TokenKind = (typeof TOKEN)[keyof typeof TOKEN];

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** White space stands in front. */
  readonly space: boolean;
  /** Index into the list of files of this assembly. */
  readonly file: number;
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Column behind the last character. */
  readonly end: number;
}

/** A part of one source line. */
export interface SourceRange {
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly end: number;
}

/** The same token standing elsewhere: what a macro's body becomes at its call. */
export function moved(token: Token, place: SourceRange, space: boolean): Token {
  return {
    kind: token.kind,
    text: token.text,
    space,
    file: place.file,
    line: place.line,
    column: place.column,
    end: place.end,
  };
}

export function withSpace(token: Token, space: boolean): Token {
  return token.space === space ? token : moved(token, token, space);
}

export function makeToken(kind: TokenKind, text: string, place: SourceRange, space: boolean): Token {
  return { kind, text, space, file: place.file, line: place.line, column: place.column, end: place.end };
}

/** From the first to the last of some tokens; of tokens on several lines, the part on the first one's line. */
export function rangeOf(first: SourceRange, last: SourceRange): SourceRange {
  if (first.file !== last.file || first.line !== last.line || last.end < first.end) return first;
  return { file: first.file, line: first.line, column: first.column, end: last.end };
}

/** The tokens as source text, one space where there was white space. */
export function textOf(tokens: readonly Token[]): string {
  let text = '';
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    text += i > 0 && token.space ? ` ${token.text}` : token.text;
  }
  return text;
}
