// The value of an expression: a constant plus multiples of registers and of section addresses.
import { arithmetic, unary } from './arithmetic.ts';
import { type Problem, divisionByZero, notScalarOperand } from './errors.ts';
import type { Expression } from './expression.ts';
import { wrap64 } from './numbers.ts';
import type { Register } from './registers.ts';
import type { SourceRange } from './tokens.ts';

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
