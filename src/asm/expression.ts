// Expressions: parsed once into a tree, evaluated in each pass to a constant plus multiples of registers and sections.
import {
  type Problem,
  divisionByZero,
  expected,
  notScalarOperand,
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

function parseBinary(c: Cursor, minimum: number, depth: number): Expression | undefined {
  let left = parseUnary(c, depth);
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

function unary(operator: string, a: bigint): bigint {
  switch (operator) {
    case '-':
      return wrap64(-a);
    case '~':
      return ~a;
    case '!':
      return a === 0n ? 1n : 0n;
    default:
      return a;
  }
}

const unsigned = (a: bigint): bigint => BigInt.asUintN(64, a);
const truth = (a: boolean): bigint => (a ? 1n : 0n);

/** 64-bit arithmetic as NASM does it: comparisons signed, / and % and >> unsigned. Undefined: division by zero. */
function arithmetic(operator: string, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case '+':
      return wrap64(a + b);
    case '-':
      return wrap64(a - b);
    case '*':
      return wrap64(a * b);
    case '/':
      return b === 0n ? undefined : wrap64(unsigned(a) / unsigned(b));
    case '%':
      return b === 0n ? undefined : wrap64(unsigned(a) % unsigned(b));
    case '//':
      return b === 0n ? undefined : wrap64(a / b);
    case '%%':
      return b === 0n ? undefined : wrap64(a % b);
    case '|':
      return a | b;
    case '&':
      return a & b;
    case '^':
      return a ^ b;
    case '<<':
    case '<<<': {
      const count = unsigned(b);
      return count > 63n ? 0n : wrap64(a << count);
    }
    case '>>': {
      const count = unsigned(b);
      return count > 63n ? 0n : wrap64(unsigned(a) >> count);
    }
    case '>>>': {
      const count = unsigned(b);
      return a >> (count > 63n ? 63n : count);
    }
    case '=':
    case '==':
      return truth(a === b);
    case '!=':
    case '<>':
      return truth(a !== b);
    case '<':
      return truth(a < b);
    case '>':
      return truth(a > b);
    case '<=':
      return truth(a <= b);
    case '>=':
      return truth(a >= b);
    case '<=>':
      return a < b ? -1n : a > b ? 1n : 0n;
    case '||':
      return truth(a !== 0n || b !== 0n);
    case '&&':
      return truth(a !== 0n && b !== 0n);
    default:
      return truth((a !== 0n) !== (b !== 0n));
  }
}

/** A multiple of a register or of a section's (yet unknown) address. */
export interface Term {
  readonly register: Register | undefined;
  /** Index of the section, or -1 for a register. */
  readonly section: number;
  readonly factor: bigint;
}

export interface Value {
  readonly constant: bigint;
  readonly terms: readonly Term[] | undefined;
  /** Depends on a symbol that has no address yet (first pass). */
  readonly unknown: boolean;
}

/** What names mean at the moment of evaluation. */
export interface Names {
  /** Undefined: there is no such symbol and it has been reported. */
  symbol(name: string, range: SourceRange): Value | undefined;
  here(range: SourceRange): Value | undefined;
  sectionStart(range: SourceRange): Value | undefined;
  problem(problem: Problem, range: SourceRange): void;
}

export const constantValue = (constant: bigint): Value => ({ constant, terms: undefined, unknown: false });
export const UNKNOWN: Value = { constant: 0n, terms: undefined, unknown: true };

function addTerms(
  a: readonly Term[] | undefined,
  b: readonly Term[] | undefined,
  sign: bigint,
): readonly Term[] | undefined {
  if (b === undefined) return a;
  const out: Term[] = a === undefined ? [] : [...a];
  for (const term of b) {
    const index = out.findIndex((t) => t.register === term.register && t.section === term.section);
    if (index < 0) out.push(sign === 1n ? term : { ...term, factor: -term.factor });
    else {
      const factor = out[index]!.factor + sign * term.factor;
      if (factor === 0n) out.splice(index, 1);
      else out[index] = { ...out[index]!, factor };
    }
  }
  return out.length === 0 ? undefined : out;
}

const COMPARISONS = new Set(['=', '==', '!=', '<>', '<', '>', '<=', '>=', '<=>']);

/** The value of an expression, or undefined when it has none; the reason has been reported then. */
export function evaluate(expression: Expression, names: Names): Value | undefined {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return constantValue(expression.value);
    case 'symbol':
      return names.symbol(expression.name, expression.range);
    case 'here':
      return names.here(expression.range);
    case 'section':
      return names.sectionStart(expression.range);
    case 'register':
      return { constant: 0n, terms: [{ register: expression.register, section: -1, factor: 1n }], unknown: false };
    case 'choice': {
      const condition = evaluate(expression.condition, names);
      const yes = evaluate(expression.yes, names);
      const no = evaluate(expression.no, names);
      if (condition === undefined || yes === undefined || no === undefined) return undefined;
      if (condition.unknown) return UNKNOWN;
      if (condition.terms !== undefined) return notScalar('?', expression.condition, names);
      return condition.constant !== 0n ? yes : no;
    }
    case 'unary': {
      const a = evaluate(expression.operand, names);
      if (a === undefined) return undefined;
      if (expression.operator === '+') return a;
      if (a.unknown) return UNKNOWN;
      if (expression.operator === '-')
        return { constant: wrap64(-a.constant), terms: addTerms(undefined, a.terms, -1n), unknown: false };
      if (a.terms !== undefined) return notScalar(expression.operator, expression.operand, names);
      return constantValue(unary(expression.operator, a.constant));
    }
    default:
      return binary(expression, names);
  }
}

function notScalar(operator: string, operand: Expression, names: Names): undefined {
  names.problem(notScalarOperand(operator), operand.range);
  return undefined;
}

function binary(expression: Extract<Expression, { kind: 'binary' }>, names: Names): Value | undefined {
  const a = evaluate(expression.left, names);
  const b = evaluate(expression.right, names);
  if (a === undefined || b === undefined) return undefined;
  const operator = expression.operator;
  if (a.unknown || b.unknown) return UNKNOWN;
  if (a.terms === undefined && b.terms === undefined) {
    const value = arithmetic(operator, a.constant, b.constant);
    if (value !== undefined) return constantValue(value);
    names.problem(divisionByZero(operator), expression.right.range);
    return undefined;
  }
  if (operator === '+' || operator === '-') {
    const sign = operator === '+' ? 1n : -1n;
    return {
      constant: wrap64(a.constant + sign * b.constant),
      terms: addTerms(a.terms, b.terms, sign),
      unknown: false,
    };
  }
  if (operator === '*') {
    const [scalar, vector] = a.terms === undefined ? [a, b] : [b, a];
    if (scalar.terms !== undefined) return notScalar(operator, expression.right, names);
    if (scalar.constant === 0n) return constantValue(0n);
    const terms = vector.terms!.map((term) => ({ ...term, factor: term.factor * scalar.constant }));
    return { constant: wrap64(vector.constant * scalar.constant), terms, unknown: false };
  }
  if (COMPARISONS.has(operator)) {
    const difference = addTerms(a.terms, b.terms, -1n);
    if (difference === undefined) return constantValue(arithmetic(operator, wrap64(a.constant - b.constant), 0n)!);
    if (operator === '=' || operator === '==') return constantValue(0n);
    if (operator === '!=' || operator === '<>') return constantValue(1n);
  }
  return notScalar(operator, a.terms !== undefined ? expression.left : expression.right, names);
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
