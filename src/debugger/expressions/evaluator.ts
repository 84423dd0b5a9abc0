// Trees to values. All arithmetic wraps at 64 bits. Signedness follows C: literals below 2^63, negations and casts s8 to s64
// are signed, everything read from the machine is unsigned; an operation is signed when both operands are. `/`, `%`, `<`,
// `>` and so on differ by it; `>>` is arithmetic when its left operand is signed.

import { hex, littleEndian, toLittleEndian } from '../format.ts';
import { type AddressPrefix, explainUnreadable, type MemoryAddress, peek, poke, spaceOf } from '../memory.ts';
import { attempt, type ExpressionResult, fail } from './errors.ts';
import { assignName, type Context, resolveName } from './names.ts';
import { type BinaryOperator, type Expression, parseExpression } from './parser.ts';
import { numeric, signed, truth, unsigned, type Value } from './values.ts';

/** Evaluates a parsed expression; an assignment writes to the machine. */
export function evaluate(expression: Expression, context: Context): ExpressionResult<Value> {
  return attempt(() => visit(expression, context));
}

/** Parses and evaluates. */
export function evaluateText(text: string, context: Context): ExpressionResult<Value> {
  const parsed = parseExpression(text);
  return parsed.ok ? evaluate(parsed.value, context) : parsed;
}

/** Assigns to what an expression names: a register, a VMCS field or memory. Answers the value as read back. */
export function assign(target: Expression, value: Value, context: Context): ExpressionResult<Value> {
  return attempt(() => store(target, value, context));
}

/** The memory that an expression names, when it names memory or an address. */
export function memoryOf(expression: Expression, context: Context): MemoryAddress | undefined {
  if (expression.kind !== 'memory' && expression.kind !== 'address') return undefined;
  const result = attempt(() => place(expression.address, expression.prefix, context));
  return result.ok ? result.value : undefined;
}

function visit(expression: Expression, context: Context): Value {
  switch (expression.kind) {
    case 'number':
      return { value: expression.value, signed: expression.value < 1n << 63n, bits: 64 };
    case 'name':
      return resolveName(expression.name, context, expression);
    case 'unary':
      return unary(expression.operator, visit(expression.operand, context));
    case 'binary':
      return binary(expression, context);
    case 'conditional':
      return visit(expression.condition, context).value !== 0n
        ? visit(expression.whenTrue, context)
        : visit(expression.whenFalse, context);
    case 'call':
      return cast(expression.name, visit(expression.argument, context).value);
    case 'address':
      return { ...unsigned(visit(expression.address, context).value), isAddress: true };
    case 'memory': {
      const at = place(expression.address, expression.prefix, context);
      const bytes = peek(context.machine, at, expression.size);
      if (bytes.length < expression.size) {
        const first = { space: at.space, address: BigInt.asUintN(64, at.address + BigInt(bytes.length)) };
        fail('unreadable-memory', explainUnreadable(context.machine, first), expression.position, expression.length);
      }
      return unsigned(littleEndian(bytes), expression.size * 8);
    }
    case 'assignment': {
      const right = visit(expression.value, context);
      const value =
        expression.operator === undefined
          ? right
          : arithmetic(expression.operator, visit(expression.target, context), right, expression);
      return store(expression.target, value, context);
    }
  }
}

function place(address: Expression, prefix: AddressPrefix | undefined, context: Context): MemoryAddress {
  return { space: spaceOf(prefix, context.side), address: visit(address, context).value };
}

function store(target: Expression, value: Value, context: Context): Value {
  switch (target.kind) {
    case 'name':
      assignName(target.name, value.value, context, target);
      return visit(target, context);
    case 'memory': {
      const at = place(target.address, target.prefix, context);
      // All or nothing: a store that would stop half-way at an unmapped page writes nothing.
      const readable = peek(context.machine, at, target.size).length;
      if (readable < target.size || poke(context.machine, at, toLittleEndian(value.value, target.size)) < target.size) {
        fail('unreadable-memory', explainUnreadable(context.machine, at), target.position, target.length);
      }
      return visit(target, context);
    }
    default:
      return fail(
        'not-assignable',
        'Only a register, a VMCS field or memory such as dword[0x1000] can be assigned to.',
        target.position,
        target.length,
      );
  }
}

function unary(operator: '-' | '+' | '~' | '!', operand: Value): Value {
  switch (operator) {
    case '-':
      return signed(-operand.value);
    case '+':
      return operand;
    case '~':
      return { value: BigInt.asUintN(64, ~operand.value), signed: operand.signed, bits: 64 };
    case '!':
      return truth(operand.value === 0n);
  }
}

function binary(expression: Expression & { kind: 'binary' }, context: Context): Value {
  const left = visit(expression.left, context);
  if (expression.operator === '&&') {
    return truth(left.value !== 0n && visit(expression.right, context).value !== 0n);
  }
  if (expression.operator === '||') {
    return truth(left.value !== 0n || visit(expression.right, context).value !== 0n);
  }
  return arithmetic(expression.operator, left, visit(expression.right, context), expression);
}

function arithmetic(operator: BinaryOperator, left: Value, right: Value, at: Expression): Value {
  const both = left.signed && right.signed;
  const a = both ? numeric(left) : left.value;
  const b = both ? numeric(right) : right.value;
  const result = (value: bigint): Value => ({ value: BigInt.asUintN(64, value), signed: both, bits: 64 });
  switch (operator) {
    case '*':
      return result(a * b);
    case '/':
    case '%':
      if (b === 0n) fail('division-by-zero', 'Division by zero.', at.position, at.length);
      return result(operator === '/' ? a / b : a % b);
    case '+':
      return result(a + b);
    case '-':
      return result(a - b);
    case '<<':
      return {
        value: right.value > 63n ? 0n : BigInt.asUintN(64, left.value << right.value),
        signed: left.signed,
        bits: 64,
      };
    case '>>': {
      const count = right.value > 63n ? 64n : right.value;
      return { value: BigInt.asUintN(64, numeric(left) >> count), signed: left.signed, bits: 64 };
    }
    case '<':
      return truth(a < b);
    case '>':
      return truth(a > b);
    case '<=':
      return truth(a <= b);
    case '>=':
      return truth(a >= b);
    case '==':
      return truth(left.value === right.value);
    case '!=':
      return truth(left.value !== right.value);
    case '&':
      return result(a & b);
    case '^':
      return result(a ^ b);
    case '|':
      return result(a | b);
    case '&&':
      return truth(left.value !== 0n && right.value !== 0n);
    case '||':
      return truth(left.value !== 0n || right.value !== 0n);
  }
}

function cast(name: string, value: bigint): Value {
  const bits = Number(name.slice(1));
  return name.startsWith('s') ? signed(BigInt.asIntN(bits, value), bits) : unsigned(BigInt.asUintN(bits, value), bits);
}

/** `rax = 0x10`: used in messages. */
export function valueText(value: Value): string {
  return value.signed ? numeric(value).toString() : hex(value.value);
}
