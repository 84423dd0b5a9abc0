// The values of db, dw and so on: expressions, strings, floating-point numbers, reserved places, repetitions.
import { badEscape, badStringOperand, expected } from './errors.ts';
import { type Cursor, type Expression, cursorRange, parseExpression, peekText } from './expression.ts';
import { isFloatText, stringBytes } from './numbers.ts';
import { SIZES } from './operands.ts';
import type { DataItem } from './statement.ts';
import { TOKEN, type Token, rangeOf } from './tokens.ts';

/** Whether a string at the cursor is a whole item of its own (`db "text"`), not part of an expression. */
function wholeItem(c: Cursor, nested: boolean): boolean {
  const next = c.tokens[c.at + 1];
  return (
    next === undefined || (next.kind === TOKEN.punctuation && (next.text === ',' || (nested && next.text === ')')))
  );
}

export function parseItems(c: Cursor, size: number, nested: boolean): DataItem[] | undefined {
  const items: DataItem[] = [];
  for (;;) {
    if (c.at >= c.tokens.length && items.length > 0) return items;
    const item = parseItem(c, size, nested);
    if (item === undefined) return undefined;
    items.push(item);
    if (peekText(c) !== ',') return items;
    c.at++;
  }
}

const FUNCTION =
  /^__\??(utf16|utf16le|utf32|utf32le|float8|float16|float32|float64|float80m|float80e|float128l|float128h)\??__$/i;

function parseItem(c: Cursor, size: number, nested: boolean): DataItem | undefined {
  const token = c.tokens[c.at];
  if (token === undefined) {
    c.problem(expected('a value', ''), c.end);
    return undefined;
  }
  if (token.kind === TOKEN.string && wholeItem(c, nested)) {
    const bytes = stringBytes(token.text);
    if (!bytes.ok) {
      c.problem(badEscape(token.text.slice(bytes.at, bytes.at + 2), bytes.reason), token);
      return undefined;
    }
    c.at++;
    return { kind: 'bytes', bytes: padded(bytes.bytes, size), range: token };
  }
  if (token.text === '?' && wholeItem(c, nested)) {
    c.at++;
    return { kind: 'reserved', size, range: token };
  }
  const signed = (token.text === '-' || token.text === '+') && token.kind === TOKEN.punctuation ? 1 : 0;
  const number = c.tokens[c.at + signed];
  const special =
    number !== undefined && number.kind === TOKEN.identifier && /^__\??(infinity|q?nan|snan)\??__$/i.test(number.text);
  if (number !== undefined && ((number.kind === TOKEN.number && isFloatText(number.text)) || special)) {
    c.at += signed + 1;
    return {
      kind: 'float',
      text: number.text,
      negative: signed === 1 && token.text === '-',
      size,
      range: rangeOf(token, number),
    };
  }
  const wide = token.kind === TOKEN.identifier ? FUNCTION.exec(token.text)?.[1]?.toLowerCase() : undefined;
  if (wide?.startsWith('utf')) return parseWide(c, token, wide.startsWith('utf16') ? 2 : 4, size);
  let itemSize = size;
  const keyword = token.kind === TOKEN.identifier ? SIZES[token.text.toLowerCase()] : undefined;
  if (keyword !== undefined && c.tokens[c.at + 1] !== undefined) {
    itemSize = keyword / 8;
    c.at++;
  }
  if (peekText(c) === '(' && nested) {
    c.at++;
    return parseGroup(c, token, itemSize, undefined);
  }
  const expression = parseExpression(c);
  if (expression === undefined) return undefined;
  if (peekText(c).toLowerCase() === 'dup') {
    c.at++;
    let dupSize = itemSize;
    const inner = SIZES[peekText(c).toLowerCase()];
    if (inner !== undefined) {
      dupSize = inner / 8;
      c.at++;
    }
    if (peekText(c) !== '(') {
      c.problem(expected('"(" after dup', peekText(c)), cursorRange(c));
      return undefined;
    }
    c.at++;
    return parseGroup(c, token, dupSize, expression);
  }
  return { kind: 'expression', expression, size: itemSize, range: expression.range };
}

function parseGroup(c: Cursor, token: Token, size: number, count: Expression | undefined): DataItem | undefined {
  const items = parseItems(c, size, true);
  if (items === undefined) return undefined;
  if (peekText(c) !== ')') {
    c.problem(expected('")"', peekText(c)), cursorRange(c));
    return undefined;
  }
  const close = cursorRange(c);
  c.at++;
  const range = rangeOf(token, close);
  return { kind: 'duplicate', count: count ?? { kind: 'number', value: 1n, range: token }, items, range };
}

function padded(bytes: Uint8Array, size: number): Uint8Array {
  const rest = bytes.length % size;
  if (rest === 0) return bytes;
  const out = new Uint8Array(bytes.length + size - rest);
  out.set(bytes);
  return out;
}

/** `__utf16__("text")`. */
function parseWide(c: Cursor, token: Token, unit: 2 | 4, size: number): DataItem | undefined {
  const string = c.tokens[c.at + 2];
  const bytes = string?.kind === TOKEN.string ? stringBytes(string.text) : undefined;
  if (c.tokens[c.at + 1]?.text !== '(' || string === undefined || !bytes?.ok || c.tokens[c.at + 3]?.text !== ')') {
    c.problem(badStringOperand(token.text), token);
    return undefined;
  }
  c.at += 4;
  const text = new TextDecoder().decode(bytes.bytes);
  const out: number[] = [];
  const units =
    unit === 2
      ? Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
      : Array.from(text, (char) => char.codePointAt(0)!);
  for (const code of units) for (let i = 0; i < unit; i++) out.push((code >>> (8 * i)) & 0xff);
  return { kind: 'bytes', bytes: padded(Uint8Array.from(out), size), range: rangeOf(token, string) };
}
