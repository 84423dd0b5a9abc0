// Source text to lines of tokens. Comments vanish; a backslash at a line's end continues it.
import { TOKEN, type Token, type TokenKind } from './tokens.ts';

const LETTER = 1;
const DIGIT = 2;
const SPECIAL_START = 4;
const SPECIAL_INSIDE = 8;
const START = LETTER | SPECIAL_START;
const INSIDE = LETTER | DIGIT | SPECIAL_START | SPECIAL_INSIDE;

const CLASS = new Uint8Array(128);
for (let c = 65; c <= 90; c++) CLASS[c] = CLASS[c + 32] = LETTER;
for (let c = 48; c <= 57; c++) CLASS[c] = DIGIT;
for (const c of '._?@') CLASS[c.charCodeAt(0)] = SPECIAL_START;
for (const c of '$#~') CLASS[c.charCodeAt(0)] = SPECIAL_INSIDE;

const classOf = (code: number): number => (code < 128 ? CLASS[code]! : LETTER);
export const isIdentifierStart = (code: number): boolean => (classOf(code) & START) !== 0;
export const isIdentifierPart = (code: number): boolean => (classOf(code) & INSIDE) !== 0;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Longest first. */
const OPERATORS = ['<<<', '>>>', '<=>', '<<', '>>', '//', '%%', '==', '!=', '<>', '<=', '>=', '&&', '||', '^^', '::'];
const OPERATORS_BY_FIRST = new Map<number, string[]>();
for (const operator of OPERATORS) {
  const first = operator.charCodeAt(0);
  OPERATORS_BY_FIRST.set(first, [...(OPERATORS_BY_FIRST.get(first) ?? []), operator]);
}

/** End of the quoted string that begins at `start`, or -1 when it does not end on its line. */
function endOfString(text: string, start: number, limit: number): number {
  const quote = text.charCodeAt(start);
  for (let i = start + 1; i < limit; i++) {
    const c = text.charCodeAt(i);
    if (c === 92 && quote === 96) i++;
    else if (c === quote) return i + 1;
  }
  return -1;
}

function endOfNumber(text: string, start: number, limit: number): number {
  let i = start;
  const hex = text.charCodeAt(i) === 36 || /^0[xh]/i.test(text.slice(i, i + 2));
  for (i++; i < limit; i++) {
    const c = text.charCodeAt(i);
    if (isIdentifierPart(c) && c !== 36 && c !== 126 && c !== 63 && c !== 64 && c !== 35) {
      const exponent = hex ? c === 112 || c === 80 : c === 101 || c === 69;
      const sign = text.charCodeAt(i + 1);
      if (exponent && (sign === 43 || sign === 45) && isDigit(text.charCodeAt(i + 2))) i++;
      continue;
    }
    break;
  }
  return i;
}

/** `%{…}` is not longer: so a line of many that are not closed is not searched again and again. */
const LONGEST_BRACES = 1000;

/** End of the preprocessor token that begins with the percent sign at `start`; start when it is an operator. */
function endOfPercent(text: string, start: number, limit: number): number {
  let i = start + 1;
  const c = text.charCodeAt(i);
  if (i >= limit) return start;
  if (c === 123) {
    let depth = 0;
    for (const far = Math.min(limit, start + LONGEST_BRACES); i < far; i++) {
      const b = text.charCodeAt(i);
      if (b === 123) depth++;
      else if (b === 125 && --depth === 0) return i + 1;
    }
    return start;
  }
  if (c === 91) return i + 1;
  if (c === 43 && !isDigit(text.charCodeAt(i + 1))) return i + 1;
  if (c === 43 || c === 45) {
    if (!isDigit(text.charCodeAt(i + 1))) return start;
    i++;
    while (i < limit && isDigit(text.charCodeAt(i))) i++;
    return i;
  }
  if (c === 63) return text.charCodeAt(i + 1) === 63 ? i + 2 : i + 1;
  if (c === 42 && text.charCodeAt(i + 1) === 63) return text.charCodeAt(i + 2) === 63 ? i + 3 : i + 2;
  if (isDigit(c)) {
    while (i < limit && isDigit(text.charCodeAt(i))) i++;
    return i;
  }
  if (c === 33) {
    const next = text.charCodeAt(i + 1);
    if (next === 39 || next === 34 || next === 96) {
      const end = endOfString(text, i + 1, limit);
      return end < 0 ? start : end;
    }
  }
  if (c === 37 || c === 36 || c === 33) {
    while (text.charCodeAt(i) === c && i < limit && (c === 36 || i === start + 1)) i++;
    if (i >= limit || !isIdentifierPart(text.charCodeAt(i))) return start;
    while (i < limit && isIdentifierPart(text.charCodeAt(i))) i++;
    return i;
  }
  if (!isIdentifierStart(c)) return start;
  while (i < limit && isIdentifierPart(text.charCodeAt(i))) i++;
  return i;
}

/** The tokens of `text` from `from` up to `limit`, which stand on one line that begins at `lineStart`. */
function lexPart(
  text: string,
  from: number,
  limit: number,
  lineStart: number,
  file: number,
  line: number,
  out: Token[],
): void {
  let i = from;
  let space = false;
  const push = (kind: TokenKind, end: number, message?: string): void => {
    out.push({
      kind,
      text: message ?? text.slice(i, end),
      space,
      file,
      line,
      column: i - lineStart + 1,
      end: end - lineStart + 1,
    });
    space = false;
    i = end;
  };
  while (i < limit) {
    const c = text.charCodeAt(i);
    if (c === 32 || c === 9 || c === 13 || c === 12 || c === 11 || c === 0xfeff || c === 0xa0) {
      space = true;
      i++;
    } else if (c === 59) {
      return;
    } else if ((classOf(c) & START) !== 0) {
      let end = i + 1;
      while (end < limit && isIdentifierPart(text.charCodeAt(end))) end++;
      push(TOKEN.identifier, end);
    } else if (isDigit(c)) {
      push(TOKEN.number, endOfNumber(text, i, limit));
    } else if (c === 36) {
      const next = text.charCodeAt(i + 1);
      if (i + 1 < limit && isDigit(next)) push(TOKEN.number, endOfNumber(text, i, limit));
      else if (i + 1 < limit && next === 36) push(TOKEN.punctuation, i + 2);
      else if (i + 1 < limit && isIdentifierStart(next)) {
        let end = i + 2;
        while (end < limit && isIdentifierPart(text.charCodeAt(end))) end++;
        push(TOKEN.identifier, end);
      } else push(TOKEN.punctuation, i + 1);
    } else if (c === 39 || c === 34 || c === 96) {
      const end = endOfString(text, i, limit);
      if (end < 0) push(TOKEN.bad, limit, 'this string has no closing quote on its line');
      else push(TOKEN.string, end);
    } else {
      if (c === 37) {
        const end = endOfPercent(text, i, limit);
        if (end > i) {
          push(TOKEN.percent, end);
          continue;
        }
      }
      const operator = OPERATORS_BY_FIRST.get(c)?.find((o) => text.startsWith(o, i));
      if (operator !== undefined) push(TOKEN.punctuation, i + operator.length);
      else if (c > 32 && c < 127) push(TOKEN.punctuation, i + 1);
      else
        push(TOKEN.bad, i + 1, `the character U+${c.toString(16).toUpperCase().padStart(4, '0')} has no meaning here`);
    }
  }
}

/** Whether the line's last character is a backslash that continues it (a comment's backslash does not). */
export function continues(text: string, start: number, end: number): boolean {
  let last = end - 1;
  if (text.charCodeAt(last) === 13) last--;
  return last >= start && text.charCodeAt(last) === 92;
}

/** All lines of a file, each as its tokens; empty lines are left out. Continued lines become one. */
export function lexFile(text: string, file: number, firstLine = 1): Token[][] {
  const lines: Token[][] = [];
  let line = firstLine;
  let start = 0;
  let current: Token[] | undefined;
  while (start <= text.length) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const tokens = current ?? [];
    if (continues(text, start, end)) {
      const backslash = text.lastIndexOf('\\', end - 1);
      lexPart(text, start, backslash, start, file, line, tokens);
      current = tokens;
    } else {
      lexPart(text, start, end, start, file, line, tokens);
      if (tokens.length > 0) lines.push(tokens);
      current = undefined;
    }
    start = end + 1;
    line++;
  }
  if (current !== undefined && current.length > 0) lines.push(current);
  return lines;
}

/** Tokens of a text that a macro made; all stand at `place`. */
export function lexText(text: string, place: { file: number; line: number; column: number; end: number }): Token[] {
  const tokens: Token[] = [];
  lexPart(text, 0, text.length, 0, place.file, place.line, tokens);
  return tokens.map((token) => ({ ...token, column: place.column, end: place.end }));
}
