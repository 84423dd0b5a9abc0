// One expanded line to a statement. Never gives up silently: what it cannot read, it reports and leaves out.
import {
  badDecorator,
  badToken,
  expected,
  instructionExpected,
  notAnOperand,
  pointerKeyword,
  segmentOutside,
  unclosedBracket,
  badStringOperand,
  badEscape,
} from './errors.ts';
import type { Problem } from './errors.ts';
import { PREFIX_NAMES } from './encoder/prefixes.ts';
import { isMnemonic } from './encoder/forms.ts';
import { type Cursor, type Expression, cursorRange, parseExpression, peekText } from './expression.ts';
import { isFloatText, stringBytes } from './numbers.ts';
import type { Line } from './preprocessor/state.ts';
import { REGISTERS, type Register } from './registers.ts';
import type { Body, DataItem, Decorators, Label, MemoryOperand, Operand, Prefix, Statement } from './statement.ts';
import { type SourceRange, TOKEN, type Token, rangeOf } from './tokens.ts';

export const SIZES: Readonly<Record<string, number>> = {
  byte: 8,
  word: 16,
  dword: 32,
  qword: 64,
  tword: 80,
  oword: 128,
  yword: 256,
  zword: 512,
};
const DATA: Readonly<Record<string, number>> = { db: 1, dw: 2, dd: 4, dq: 8, dt: 10, do: 16, dy: 32, dz: 64 };
const RESERVE: Readonly<Record<string, number>> = {
  resb: 1,
  resw: 2,
  resd: 4,
  resq: 8,
  rest: 10,
  reso: 16,
  resy: 32,
  resz: 64,
};
export const DIRECTIVE_NAMES: ReadonlySet<string> = new Set([
  'section',
  'segment',
  'bits',
  'use16',
  'use32',
  'use64',
  'org',
  'default',
  'cpu',
  'global',
  'extern',
  'common',
  'static',
  'required',
  'absolute',
  'float',
  'warning',
  'struc',
  'endstruc',
  'istruc',
  'iend',
  'at',
  'align',
  'alignb',
  'sectalign',
  'list',
  'map',
]);
const OTHER_KEYWORDS = new Set(['times', 'equ', 'incbin']);

export const isKeyword = (lower: string): boolean =>
  isMnemonic(lower) ||
  PREFIX_NAMES.has(lower) ||
  DATA[lower] !== undefined ||
  RESERVE[lower] !== undefined ||
  DIRECTIVE_NAMES.has(lower) ||
  OTHER_KEYWORDS.has(lower);

export type Report = (problem: Problem, range: SourceRange) => void;

/** Undefined: the line has no meaning, which has been reported. */
export function parseLine(line: Line, problem: Report): Statement | undefined {
  const tokens = line.tokens;
  const first = tokens[0]!;
  const last = tokens[tokens.length - 1]!;
  for (const token of tokens) {
    if (token.kind === TOKEN.bad) {
      problem(badToken(token.text), token);
      return undefined;
    }
    if (token.kind === TOKEN.percent) {
      problem(badToken(`"${token.text}" belongs to the preprocessor and has no meaning here`), token);
      return undefined;
    }
  }
  const end: SourceRange = { file: last.file, line: last.line, column: last.end, end: last.end + 1 };
  const c: Cursor = { tokens, at: 0, end, problem };
  const range = rangeOf(first, last);
  if (first.text === '[' && tokens[1]?.kind === TOKEN.identifier) {
    const close = tokens.findIndex((t) => t.text === ']');
    if (close < 0) {
      problem(unclosedBracket(), first);
      return undefined;
    }
    const body: Body = {
      kind: 'directive',
      name: tokens[1].text.toLowerCase(),
      nameRange: tokens[1],
      arguments: tokens.slice(2, close),
    };
    return statement(undefined, undefined, body, range, line);
  }
  const label = parseLabel(c);
  let times: Expression | undefined;
  if (peekText(c).toLowerCase() === 'times') {
    c.at++;
    times = parseExpression(c);
    if (times === undefined) return undefined;
  }
  const body = parseBody(c, label);
  if (body === undefined) {
    // The label is still defined, so that one mistake does not become many.
    return label === undefined ? undefined : statement(label, undefined, { kind: 'none' }, range, line);
  }
  if (c.at < tokens.length) {
    const rest = tokens[c.at]!;
    problem(expected('the end of the line', rest.text), rest);
  }
  return statement(label, times, body, range, line);
}

function statement(
  label: Label | undefined,
  times: Expression | undefined,
  body: Body,
  range: SourceRange,
  line: Line,
): Statement {
  return {
    label,
    times,
    body,
    range,
    expansion: line.expansion,
    memo: { candidates: undefined, bits: 0, bytes: undefined, constant: undefined, chosen: -1 },
  };
}

function parseLabel(c: Cursor): Label | undefined {
  const token = c.tokens[0]!;
  if (token.kind !== TOKEN.identifier) return undefined;
  const next = c.tokens[1];
  const colon = next?.text === ':' && next.kind === TOKEN.punctuation;
  const lower = token.text.toLowerCase();
  if (!colon && (isKeyword(lower) || token.text === '?')) return undefined;
  if (colon && PREFIX_NAMES.has(lower) && REGISTERS.has(lower)) return undefined;
  c.at = colon ? 2 : 1;
  return { name: token.text.charCodeAt(0) === 36 ? token.text.slice(1) : token.text, colon, range: token };
}

function parseBody(c: Cursor, label: Label | undefined): Body | undefined {
  const prefixes: Prefix[] = [];
  for (;;) {
    const token = c.tokens[c.at];
    if (token === undefined) {
      return prefixes.length === 0
        ? { kind: 'none' }
        : { kind: 'instruction', prefixes, mnemonic: '', name: prefixes[0]!.range, operands: [] };
    }
    if (token.text === '{' && token.kind === TOKEN.punctuation) {
      const close = c.tokens[c.at + 2];
      const name = `{${c.tokens[c.at + 1]?.text.toLowerCase() ?? ''}}`;
      if (close?.text !== '}' || !PREFIX_NAMES.has(name)) {
        c.problem(instructionExpected(token.text, false), token);
        return undefined;
      }
      prefixes.push({ name, range: rangeOf(token, close) });
      c.at += 3;
      continue;
    }
    const lower = token.text.toLowerCase();
    if (token.kind !== TOKEN.identifier) {
      c.problem(instructionExpected(token.text, label !== undefined), token);
      return undefined;
    }
    c.at++;
    if (PREFIX_NAMES.has(lower)) {
      prefixes.push({ name: lower, range: token });
      continue;
    }
    return parseCore(c, token, lower, prefixes, label);
  }
}

function parseCore(
  c: Cursor,
  token: Token,
  lower: string,
  prefixes: Prefix[],
  label: Label | undefined,
): Body | undefined {
  if (isMnemonic(lower)) {
    const operands = parseOperands(c);
    return operands === undefined
      ? undefined
      : { kind: 'instruction', prefixes, mnemonic: lower, name: token, operands };
  }
  const data = DATA[lower];
  if (data !== undefined) {
    const items = parseItems(c, data, false);
    return items === undefined ? undefined : { kind: 'data', size: data, items };
  }
  const reserve = RESERVE[lower];
  if (reserve !== undefined) {
    const count = parseExpression(c);
    return count === undefined ? undefined : { kind: 'reserve', size: reserve, count };
  }
  switch (lower) {
    case 'equ': {
      const expression = parseExpression(c);
      return expression === undefined ? undefined : { kind: 'equ', expression };
    }
    case 'incbin':
      return parseIncbin(c);
    case 'align':
    case 'alignb':
      return parseAlign(c, lower, label);
    default:
      break;
  }
  if (DIRECTIVE_NAMES.has(lower)) {
    const rest = c.tokens.slice(c.at);
    c.at = c.tokens.length;
    return { kind: 'directive', name: lower, nameRange: token, arguments: rest };
  }
  // A name that stood where the label stands, and then something that is no instruction: the first word is the mistake.
  const colon = c.tokens[1]?.text === ':';
  if (label !== undefined && !colon) c.problem(instructionExpected(label.name, false), label.range);
  else c.problem(instructionExpected(token.text, label !== undefined), token);
  return undefined;
}

function parseAlign(c: Cursor, lower: string, label: Label | undefined): Body | undefined {
  const boundary = parseExpression(c);
  if (boundary === undefined) return undefined;
  let fill: Body | undefined;
  if (peekText(c) === ',') {
    c.at++;
    if (c.at < c.tokens.length) {
      fill = parseBody(c, label);
      if (fill === undefined) return undefined;
    }
  }
  return { kind: 'align', boundary, fill, reserve: lower === 'alignb' };
}

function parseIncbin(c: Cursor): Body | undefined {
  const token = c.tokens[c.at];
  const bytes = token?.kind === TOKEN.string ? stringBytes(token.text) : undefined;
  if (token === undefined || !bytes?.ok) {
    c.problem(badStringOperand('incbin'), token ?? c.end);
    return undefined;
  }
  c.at++;
  const path = new TextDecoder().decode(bytes.bytes);
  let skip: Expression | undefined;
  let length: Expression | undefined;
  if (peekText(c) === ',') {
    c.at++;
    skip = parseExpression(c);
    if (skip === undefined) return undefined;
    if (peekText(c) === ',') {
      c.at++;
      length = parseExpression(c);
      if (length === undefined) return undefined;
    }
  }
  return { kind: 'incbin', path, pathRange: token, skip, length };
}

/** Whether a string at the cursor is a whole item of its own (`db "text"`), not part of an expression. */
function wholeItem(c: Cursor, nested: boolean): boolean {
  const next = c.tokens[c.at + 1];
  return (
    next === undefined || (next.kind === TOKEN.punctuation && (next.text === ',' || (nested && next.text === ')')))
  );
}

function parseItems(c: Cursor, size: number, nested: boolean): DataItem[] | undefined {
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

function parseOperands(c: Cursor): Operand[] | undefined {
  const operands: Operand[] = [];
  if (c.at >= c.tokens.length) return operands;
  for (;;) {
    const operand = parseOperand(c);
    if (operand === undefined) return undefined;
    operands.push(operand);
    if (peekText(c) !== ',') return operands;
    c.at++;
  }
}

function parseOperand(c: Cursor): Operand | undefined {
  const first = cursorRange(c);
  let size = 0;
  let strict = false;
  let to = false;
  let distance: Operand['distance'];
  for (;;) {
    const token = c.tokens[c.at];
    if (token?.kind !== TOKEN.identifier) break;
    const lower = token.text.toLowerCase();
    const keyword = SIZES[lower];
    if (keyword !== undefined) size = keyword;
    else if (lower === 'strict') strict = true;
    else if (lower === 'to') to = true;
    else if (lower === 'short' || lower === 'near' || lower === 'far') distance = lower;
    else if (lower === 'ptr') {
      c.problem(pointerKeyword(), token);
      return undefined;
    } else break;
    c.at++;
  }
  const token = c.tokens[c.at];
  if (token === undefined) {
    c.problem(notAnOperand(''), c.end);
    return undefined;
  }
  const base = { size, strict, distance };
  if (token.kind === TOKEN.punctuation && token.text === '[') return parseMemory(c, first, base);
  if (token.kind === TOKEN.punctuation && token.text === '{') {
    const decorators = parseDecorators(c);
    if (decorators === undefined) return undefined;
    return { kind: 'rounding', ...base, decorators, range: token };
  }
  const register = token.kind === TOKEN.identifier ? REGISTERS.get(token.text.toLowerCase()) : undefined;
  if (register !== undefined) {
    const next = c.tokens[c.at + 1];
    if (next === undefined || next.text === ',' || next.text === '{') {
      c.at++;
      const decorators = parseDecorators(c);
      if (next?.text === '{' && decorators === undefined) return undefined;
      return { kind: 'register', register, to, ...base, decorators, range: rangeOf(first, token) };
    }
    if (next.text === ':' && register.class === 'sreg') {
      c.problem(segmentOutside(token.text), rangeOf(token, next));
      return undefined;
    }
  }
  const expression = parseExpression(c);
  if (expression === undefined) return undefined;
  if (peekText(c) === ':') {
    c.at++;
    const offset = parseExpression(c);
    if (offset === undefined) return undefined;
    return {
      kind: 'far',
      segment: expression,
      expression: offset,
      ...base,
      decorators: undefined,
      range: rangeOf(first, offset.range),
    };
  }
  const decorators = parseDecorators(c);
  return { kind: 'immediate', expression, ...base, decorators, range: rangeOf(first, expression.range) };
}

function parseMemory(
  c: Cursor,
  first: SourceRange,
  base: Pick<MemoryOperand, 'size' | 'strict' | 'distance'>,
): MemoryOperand | undefined {
  const open = cursorRange(c);
  c.at++;
  let displacement = 0;
  let addressSize = 0;
  let relative: MemoryOperand['relative'];
  let noSplit = false;
  let segment: Register | undefined;
  for (;;) {
    const token = c.tokens[c.at];
    if (token?.kind !== TOKEN.identifier) break;
    const lower = token.text.toLowerCase();
    const keyword = SIZES[lower];
    const register = REGISTERS.get(lower);
    if (keyword !== undefined) displacement = keyword;
    else if (lower === 'a16' || lower === 'a32' || lower === 'a64') addressSize = Number(lower.slice(1));
    else if (lower === 'rel' || lower === 'abs') relative = lower;
    else if (lower === 'nosplit') noSplit = true;
    else if (register?.class === 'sreg' && c.tokens[c.at + 1]?.text === ':') {
      segment = register;
      c.at++;
    } else break;
    c.at++;
  }
  let expression = parseExpression(c);
  if (expression === undefined) return undefined;
  if (peekText(c) === ',') {
    c.at++;
    const index = parseExpression(c);
    if (index === undefined) return undefined;
    expression = {
      kind: 'binary',
      operator: '+',
      left: expression,
      right: index,
      range: rangeOf(expression.range, index.range),
    };
    noSplit = true;
  }
  const close = c.tokens[c.at];
  if (close?.text !== ']') {
    c.problem(close === undefined ? unclosedBracket() : expected('"]"', close.text), close ?? open);
    return undefined;
  }
  c.at++;
  const decorators = parseDecorators(c);
  return {
    kind: 'memory',
    expression,
    segment,
    displacement,
    addressSize,
    relative,
    noSplit,
    ...base,
    decorators,
    range: rangeOf(first, close),
  };
}

/** {k1}{z}{1to8}{rn-sae} behind an operand; undefined when there is none or it was reported. */
function parseDecorators(c: Cursor): Decorators | undefined {
  let mask: Register | undefined;
  let zero = false;
  let broadcast = 0;
  let rounding: string | undefined;
  let any = false;
  while (peekText(c) === '{') {
    const open = c.tokens[c.at]!;
    let text = '';
    let at = c.at + 1;
    while (c.tokens[at] !== undefined && c.tokens[at]!.text !== '}') text += c.tokens[at++]!.text;
    text = text.toLowerCase();
    const register = REGISTERS.get(text);
    const times = /^1to(2|4|8|16|32)$/.exec(text);
    if (register?.class === 'k') mask = register;
    else if (text === 'z') zero = true;
    else if (times) broadcast = Number(times[1]);
    else if (/^(r[nduz]-)?sae$/.test(text)) rounding = text;
    else {
      c.problem(badDecorator(text), open);
      return undefined;
    }
    any = true;
    c.at = at + 1;
  }
  return any ? { mask, zero, broadcast, rounding } : undefined;
}
