// Expressions, parsed once into a tree. evaluate.ts gives their value in each pass.
import { arithmetic, unary } from './arithmetic.ts';
import {
  type Problem,
  expected,
  notANumber,
  badEscape,
  segUnsupported,
  wrtUnsupported,
  nestedTooDeep,
  badToken,
  floatInExpression,
} from './errors.ts';
import { floatBits, isFloatText, parseNumber, stringBytes, stringValue, wrap64 } from './numbers.ts';
import { REGISTERS, type Register } from './registers.ts';
import { type SourceRange, TOKEN, type Token, rangeOf } from './tokens.ts';

export type Expression =
  | { readonly kind: 'number'; readonly value: bigint; readonly range: SourceRange }
  | { readonly kind: 'string'; readonly bytes: Uint8Array; readonly value: bigint; readonly range: SourceRange }
  | { readonly kind: 'symbol'; readonly name: string; readonly range: SourceRange }
  | { readonly kind: 'here' | 'section'; readonly range: SourceRange }
  | { readonly kind: 'register'; readonly register: Register; readonly range: SourceRange }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression; readonly range: SourceRange }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
      readonly range: SourceRange;
    }
  | {
      readonly kind: 'choice';
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression;
      readonly range: SourceRange;
    };

/** A place in a token list, and what went wrong there. */
export interface Cursor {
  readonly tokens: readonly Token[];
  at: number;
  /** Where to point when the tokens end too early. */
  readonly end: SourceRange;
  readonly problem: (problem: Problem, range: SourceRange) => void;
}

export const peekText = (c: Cursor): string => {
  const token = c.tokens[c.at];
  return token !== undefined && token.kind !== TOKEN.string ? token.text : '';
};

export function cursorRange(c: Cursor): SourceRange {
  return c.tokens[c.at] ?? c.end;
}

/** Binding strength of NASM's binary operators; higher binds tighter. */
const STRENGTH: Readonly<Record<string, number>> = {
  '||': 1,
  '^^': 2,
  '&&': 3,
  '=': 4,
  '==': 4,
  '!=': 4,
  '<>': 4,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '<=>': 4,
  '|': 5,
  '^': 6,
  '&': 7,
  '<<': 8,
  '>>': 8,
  '<<<': 8,
  '>>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '//': 10,
  '%': 10,
  '%%': 10,
};
const UNARY = new Set(['-', '+', '~', '!']);

/** Undefined when the tokens at the cursor are no expression; the reason has been reported then. */
export function parseExpression(c: Cursor, depth = 0): Expression | undefined {
  const first = cursorRange(c);
  const condition = parseBinary(c, 1, depth);
  if (condition === undefined || peekText(c) !== '?') return condition;
  c.at++;
  const yes = parseExpression(c, depth + 1);
  if (yes === undefined) return undefined;
  if (peekText(c) !== ':') {
    c.problem(expected('":" of the conditional operator', peekText(c)), cursorRange(c));
    return undefined;
  }
  c.at++;
  const no = parseExpression(c, depth + 1);
  if (no === undefined) return undefined;
  return { kind: 'choice', condition, yes, no, range: rangeOf(first, no.range) };
}

/** In a row, between what is not known while parsing: evaluation goes down the tree. */
const MOST_OPERATORS = 1000;

function parseBinary(c: Cursor, minimum: number, depth: number): Expression | undefined {
  let left = parseUnary(c, depth);
  let operators = 0;
  while (left !== undefined) {
    const operator = peekText(c);
    const strength = STRENGTH[operator];
    if (strength === undefined || strength < minimum) {
      if (operator.toLowerCase() === 'wrt') {
        c.problem(wrtUnsupported(), cursorRange(c));
        return undefined;
      }
      return left;
    }
    c.at++;
    const right = parseBinary(c, strength + 1, depth);
    if (right === undefined) return undefined;
    left = fold({ kind: 'binary', operator, left, right, range: rangeOf(left.range, right.range) });
    operators = left.kind === 'binary' ? operators + 1 : 0;
    if (operators > MOST_OPERATORS) {
      c.problem(nestedTooDeep(), left.range);
      return undefined;
    }
  }
  return undefined;
}

function parseUnary(c: Cursor, depth: number): Expression | undefined {
  const token = c.tokens[c.at];
  if (depth > 200) {
    c.problem(nestedTooDeep(), cursorRange(c));
    return undefined;
  }
  if (token === undefined) {
    c.problem(expected('an expression', ''), c.end);
    return undefined;
  }
  switch (token.kind) {
    case TOKEN.bad:
      c.problem(badToken(token.text), token);
      return undefined;
    case TOKEN.number: {
      const number = parseNumber(token.text);
      if (number === undefined) {
        c.problem(isFloatText(token.text) ? floatInExpression(token.text) : notANumber(token.text), token);
        return undefined;
      }
      c.at++;
      return { kind: 'number', value: number.value, range: token };
    }
    case TOKEN.string: {
      const bytes = stringBytes(token.text);
      if (!bytes.ok) {
        c.problem(badEscape(token.text.slice(bytes.at, bytes.at + 2), bytes.reason), token);
        return undefined;
      }
      c.at++;
      return { kind: 'string', bytes: bytes.bytes, value: stringValue(bytes.bytes), range: token };
    }
    case TOKEN.identifier: {
      const lower = token.text.toLowerCase();
      if (lower === 'seg') {
        c.problem(segUnsupported(), token);
        return undefined;
      }
      const float = FLOAT_FUNCTION.exec(lower);
      if (float !== null && c.tokens[c.at + 1]?.text === '(') return parseFloatFunction(c, token, float[1]!);
      c.at++;
      const register = REGISTERS.get(lower);
      if (register !== undefined) return { kind: 'register', register, range: token };
      const name = token.text.charCodeAt(0) === 36 ? token.text.slice(1) : token.text;
      return { kind: 'symbol', name, range: token };
    }
    default:
      break;
  }
  if (UNARY.has(token.text)) {
    c.at++;
    const operand = parseUnary(c, depth + 1);
    if (operand === undefined) return undefined;
    return fold({ kind: 'unary', operator: token.text, operand, range: rangeOf(token, operand.range) });
  }
  if (token.text === '(') {
    c.at++;
    const inner = parseExpression(c, depth + 1);
    if (inner === undefined) return undefined;
    if (peekText(c) !== ')') {
      c.problem(expected('")"', peekText(c)), cursorRange(c));
      return undefined;
    }
    c.at++;
    return inner;
  }
  if (token.text === '$' || token.text === '$$') {
    c.at++;
    return { kind: token.text === '$' ? 'here' : 'section', range: token };
  }
  c.problem(expected('an expression', token.text), token);
  return undefined;
}

const FLOAT_FUNCTION = /^__\??float(8|16|32|64|80m|80e|128l|128h)\??__$/;

/** `__float32__(1.5)`: the bits of a floating-point number; of the long formats, a part. */
function parseFloatFunction(c: Cursor, name: Token, format: string): Expression | undefined {
  let at = c.at + 2;
  const negative = c.tokens[at]?.text === '-';
  if (negative || c.tokens[at]?.text === '+') at++;
  const number = c.tokens[at];
  const close = c.tokens[at + 1];
  const bytes = Number.parseInt(format, 10) / 8;
  const bits = number === undefined ? undefined : floatBits(number.text, bytes, negative);
  if (bits === undefined || close?.text !== ')') {
    c.problem(expected('a floating-point number in parentheses', number?.text ?? ''), number ?? name);
    return undefined;
  }
  c.at = at + 2;
  const part = format === '80e' || format === '128h' ? bits >> 64n : bits;
  return { kind: 'number', value: wrap64(BigInt.asUintN(64, part)), range: rangeOf(name, close) };
}

/** Constant parts are computed while parsing. */
function fold(expression: Expression): Expression {
  if (expression.kind === 'unary') {
    if (expression.operand.kind !== 'number') return expression;
    return { kind: 'number', value: unary(expression.operator, expression.operand.value), range: expression.range };
  }
  if (expression.kind !== 'binary' || expression.left.kind !== 'number' || expression.right.kind !== 'number')
    return expression;
  const value = arithmetic(expression.operator, expression.left.value, expression.right.value);
  return value === undefined ? expression : { kind: 'number', value, range: expression.range };
}

/** Whether evaluating again later can give another value. */
export function isConstant(expression: Expression): boolean {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'register':
      return true;
    case 'unary':
      return isConstant(expression.operand);
    case 'binary':
      return isConstant(expression.left) && isConstant(expression.right);
    case 'choice':
      return isConstant(expression.condition) && isConstant(expression.yes) && isConstant(expression.no);
    default:
      return false;
  }
}

/** The first register as written, and whether it was multiplied: NASM's hint for which register is the base. */
export interface BaseHint {
  readonly register: Register;
  readonly multiplied: boolean;
  /** The register was written more than once: [eax+eax]. */
  readonly summed: boolean;
}

export function baseHint(expression: Expression): BaseHint | undefined {
  let first: Register | undefined;
  let multiplied = false;
  let count = 0;
  const visit = (node: Expression, under: boolean): void => {
    if (node.kind === 'register') {
      if (first === undefined) {
        first = node.register;
        multiplied = under;
      }
      if (node.register === first) count++;
    } else if (node.kind === 'binary') {
      const times = under || node.operator === '*';
      visit(node.left, times);
      visit(node.right, times);
    } else if (node.kind === 'unary') visit(node.operand, under);
  };
  visit(expression, false);
  return first === undefined ? undefined : { register: first, multiplied, summed: count > 1 };
}
