// Operands of instructions: registers, numbers, far addresses, memory, and their decorations.
import { badDecorator, expected, notAnOperand, pointerKeyword, segmentOutside, unclosedBracket } from './errors.ts';
import { type Cursor, cursorRange, parseExpression, peekText } from './expression.ts';
import { REGISTERS, type Register } from './registers.ts';
import type { Decorators, MemoryOperand, Operand } from './statement.ts';
import { type SourceRange, TOKEN, rangeOf } from './tokens.ts';

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

export function parseOperands(c: Cursor): Operand[] | undefined {
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
