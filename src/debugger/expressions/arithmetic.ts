// Operators on numbers. Values of the program follow C: the integer promotions and the usual arithmetic conversions. Everything else is 64-bit:
// registers, VMCS fields and memory are unsigned, literals below 2^63 and negations are signed, and an operation is signed when both operands
// are. Where the two meet, 64 bits unsigned win, as they do in C.

import { type BaseType, plainType } from '../../program/debug-types.ts';
import { ofType, pointerArithmetic } from '../source/operations.ts';
import { fail } from './errors.ts';
import type { NumberForm } from './lexer.ts';
import type { BinaryOperator, Expression } from './parser.ts';
import { type IntegerType, numeric, signed, truth, type Value } from './values.ts';

/** A number as it was written. */
export function literal(value: bigint, form: NumberForm): Value {
  const isSigned = value < 1n << 63n && !form.unsigned;
  return { value, signed: isSigned, bits: 64, constant: typeOfLiteral(value, form) };
}

/** C, "Integer constants": the first type that holds it; only those that are not decimal may be unsigned without saying so. */
function typeOfLiteral(value: bigint, { decimal, unsigned, long }: NumberForm): IntegerType {
  const candidates = ([32, 64] as const).flatMap((bits) => [
    ...(unsigned ? [] : [{ bits, signed: true }]),
    ...(unsigned || !decimal ? [{ bits, signed: false }] : []),
  ]);
  const fits = ({ bits, signed: isSigned }: IntegerType): boolean => value < 1n << BigInt(isSigned ? bits - 1 : bits);
  return candidates.find((type) => (!long || type.bits === 64) && fits(type)) ?? { bits: 64, signed: false };
}

export function unary(operator: '-' | '+' | '~' | '!', operand: Value, at: Expression): Value {
  if (operator === '!') return truth(operand.value === 0n);
  if (operand.typed !== undefined) {
    refuseFloat(operand, at);
    const type = promoted(operand) ?? UNSIGNED_LONG;
    const value = numeric(operand);
    return inType(operator === '-' ? -value : operator === '~' ? ~value : value, type);
  }
  switch (operator) {
    case '-':
      return signed(-operand.value);
    case '+':
      return operand;
    case '~':
      return { value: BigInt.asUintN(64, ~operand.value), signed: operand.signed, bits: 64 };
  }
}

export function arithmetic(operator: BinaryOperator, left: Value, right: Value, at: Expression): Value {
  const moved = operator === '+' || operator === '-' ? pointerArithmetic(operator, left, right) : undefined;
  if (moved !== undefined) return moved;
  refuseFloat(left, at);
  refuseFloat(right, at);
  switch (operator) {
    case '<<':
    case '>>':
      return shifted(operator, left, right);
    case '<':
    case '>':
    case '<=':
    case '>=':
    case '==':
    case '!=':
      return truth(compared(operator, left, right));
    case '&&':
      return truth(left.value !== 0n && right.value !== 0n);
    case '||':
      return truth(left.value !== 0n || right.value !== 0n);
    default:
      return computed(operator, left, right, at);
  }
}

function computed(
  operator: '*' | '/' | '%' | '+' | '-' | '&' | '^' | '|',
  left: Value,
  right: Value,
  at: Expression,
): Value {
  const type = commonType(left, right);
  const both = left.signed && right.signed;
  const operand = (value: Value): bigint =>
    type !== undefined ? converted(value, type) : both ? numeric(value) : value.value;
  const [a, b] = [operand(left), operand(right)];
  if ((operator === '/' || operator === '%') && b === 0n)
    fail('division-by-zero', 'Division by zero.', at.position, at.length);
  const value = compute(operator, a, b);
  return type !== undefined ? inType(value, type) : { value: BigInt.asUintN(64, value), signed: both, bits: 64 };
}

function compute(operator: '*' | '/' | '%' | '+' | '-' | '&' | '^' | '|', a: bigint, b: bigint): bigint {
  switch (operator) {
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '&':
      return a & b;
    case '^':
      return a ^ b;
    case '|':
      return a | b;
  }
}

/** The result has the promoted type of what is shifted; that of a literal is 64-bit, so that `1 << bit` reaches every bit. */
function shifted(operator: '<<' | '>>', left: Value, right: Value): Value {
  const type = left.typed === undefined ? undefined : (promoted(left) ?? UNSIGNED_LONG);
  const limit = BigInt(type?.bits ?? 64);
  const count = right.value < limit ? right.value : limit;
  const value = type === undefined ? numeric(left) : converted(left, type);
  // C leaves it open what counts do that are too large: all bits leave.
  const result = operator === '<<' ? (count === limit ? 0n : value << count) : value >> count;
  return type !== undefined
    ? inType(result, type)
    : { value: BigInt.asUintN(64, result), signed: left.signed, bits: 64 };
}

function compared(operator: '<' | '>' | '<=' | '>=' | '==' | '!=', left: Value, right: Value): boolean {
  const type = comparedAs(left, right);
  const both = left.signed && right.signed;
  const operand = (value: Value): bigint =>
    type !== undefined ? converted(value, type) : both ? numeric(value) : value.value;
  const [a, b] = [operand(left), operand(right)];
  switch (operator) {
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '<=':
      return a <= b;
    case '>=':
      return a >= b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
  }
}

const UNSIGNED_LONG: IntegerType = { bits: 64, signed: false };

/** The type that a value has after the integer promotions; undefined for what the machine holds without a type. */
function promoted(value: Value): IntegerType | undefined {
  if (value.constant !== undefined) return value.constant;
  if (value.typed === undefined) {
    if (!value.signed) return undefined;
    // Truth values, and what was computed from literals: the smaller type that holds it.
    const number = numeric(value);
    return { bits: number === BigInt.asIntN(32, number) ? 32 : 64, signed: true };
  }
  const { kind } = plainType(value.typed.type);
  if (kind !== 'base' && kind !== 'enum') return UNSIGNED_LONG;
  // What is narrower than int becomes int, whatever its sign.
  if (value.bits < 32) return { bits: 32, signed: true };
  return { bits: value.bits === 32 ? 32 : 64, signed: value.signed };
}

/** The usual arithmetic conversions: the wider type; of two as wide as each other the unsigned one. Undefined without a value of the program. */
function commonType(left: Value, right: Value): IntegerType | undefined {
  const [one, other] = [promoted(left), promoted(right)];
  if (left.typed === undefined && right.typed === undefined) return undefined;
  return one === undefined || other === undefined ? undefined : widerOf(one, other);
}

/** A comparison takes a register for an unsigned number of its own width: `eax` holds what the program says is an int. */
function comparedAs(left: Value, right: Value): IntegerType | undefined {
  if (left.typed === undefined && right.typed === undefined) return undefined;
  const typeOf = (value: Value): IntegerType => promoted(value) ?? { bits: value.bits <= 32 ? 32 : 64, signed: false };
  return widerOf(typeOf(left), typeOf(right));
}

function widerOf(one: IntegerType, other: IntegerType): IntegerType {
  if (one.bits !== other.bits) return one.bits > other.bits ? one : other;
  return one.signed ? other : one;
}

const converted = (value: Value, { bits, signed: isSigned }: IntegerType): bigint =>
  isSigned ? BigInt.asIntN(bits, numeric(value)) : BigInt.asUintN(bits, numeric(value));

const base = (name: string, size: number, isSigned: boolean): BaseType => ({
  kind: 'base',
  name,
  size,
  encoding: isSigned ? 'signed' : 'unsigned',
  signed: isSigned,
});

const INTEGERS = {
  32: { signed: base('int', 4, true), unsigned: base('unsigned int', 4, false) },
  64: { signed: base('long', 8, true), unsigned: base('unsigned long', 8, false) },
} as const;

const inType = (value: bigint, { bits, signed: isSigned }: IntegerType): Value =>
  ofType(value, INTEGERS[bits][isSigned ? 'signed' : 'unsigned']);

function refuseFloat({ typed }: Value, at: Expression): void {
  const type = typed === undefined ? undefined : plainType(typed.type);
  if (type?.kind === 'base' && type.encoding === 'float')
    fail(
      'not-typed',
      'Expressions compute with integers only, not with floating-point numbers.',
      at.position,
      at.length,
    );
}
