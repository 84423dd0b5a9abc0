// Trees to values. All arithmetic wraps at 64 bits. Signedness follows C: literals below 2^63, negations and casts s8 to s64
// are signed, everything read from the machine is unsigned; an operation is signed when both operands are. `/`, `%`, `<`,
// `>` and so on differ by it; `>>` is arithmetic when its left operand is signed.

import { hex, littleEndian, toLittleEndian } from '../format.ts';
import { type AddressPrefix, explainUnreadable, type MemoryAddress, peek, poke, spaceOf } from '../memory.ts';
import { attempt, type ExpressionResult, fail } from './errors.ts';
import { addressValue, castTo, dereferenced, memberOf, pointerArithmetic, objectValue } from '../source/operations.ts';
import { type Place, writePlace } from '../source/places.ts';
import { builtinType } from '../source/builtin-types.ts';
import { type DebugType, plainType, sizeOfType } from '../../program/debug-types.ts';
import { addressOfName, assignName, type Context, placeOfName, resolveName } from './names.ts';
import { type BinaryOperator, type Expression, parseExpression, type TypeReference } from './parser.ts';
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
    case 'address': {
      const { value } = visit(expression.address, context);
      return { ...unsigned(value), isAddress: true, space: spaceOf(expression.prefix, context.side) };
    }
    case 'member':
    case 'index':
    case 'dereference':
      return objectValue(context.machine, objectOf(expression, context), textOf(expression), expression);
    case 'address-of':
      return addressOf(expression.operand, context);
    case 'cast':
      return castTo(visit(expression.operand, context), namedType(expression.type, context), context.side);
    case 'sizeof':
      return unsigned(BigInt(sizeOfType(typeOfOperand(expression.operand, context))));
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

/** The object that an expression names. */
function objectOf(expression: Expression, context: Context): Place {
  const { machine, side } = context;
  switch (expression.kind) {
    case 'member': {
      const [first = '', ...rest] = expression.names;
      let found = memberOf(machine, visit(expression.object, context), first, side, expression);
      for (const name of rest)
        found = memberOf(machine, objectValue(machine, found, first, expression), name, side, expression);
      return found;
    }
    case 'index':
      return dereferenced(
        visit(expression.object, context),
        numeric(visit(expression.index, context)),
        side,
        expression,
      );
    case 'dereference':
      return dereferenced(visit(expression.operand, context), 0n, side, expression);
    case 'name': {
      const found = placeOfName(expression.name, context, expression);
      if (found !== undefined) return found;
      break;
    }
    case 'cast': {
      const found = visit(expression, context).typed?.place;
      if (found !== undefined) return found;
      break;
    }
  }
  return fail('not-typed', 'This is not an object of the program.', expression.position, expression.length);
}

function addressOf(operand: Expression, context: Context): Value {
  if (operand.kind === 'name') {
    const found = addressOfName(operand.name, context, operand);
    if (found !== undefined) return found;
  }
  if (operand.kind === 'memory') return { ...visit(operand.address, context), isAddress: true };
  return addressValue(objectOf(operand, context), textOf(operand), operand);
}

/** How messages name an object. */
function textOf(expression: Expression): string {
  switch (expression.kind) {
    case 'name':
      return expression.name;
    case 'member':
      return `${textOf(expression.object)}${expression.arrow ? '->' : '.'}${expression.names.join('.')}`;
    case 'index':
      return `${textOf(expression.object)}[…]`;
    case 'dereference':
      return `*${textOf(expression.operand)}`;
    default:
      return '…';
  }
}

function namedType({ name, pointers, position, length }: TypeReference, context: Context): DebugType {
  const word = context.machine.codeBits(context.side) === 64 ? 8 : 4;
  // The program's own declaration comes first, so that its typedefs keep their names.
  const found = context.source?.type(name) ?? builtinType(name, word);
  if (found === undefined) {
    const known =
      context.source === undefined
        ? 'The program has no debug information.'
        : 'Structures are written with their keyword: struct NAME.';
    return fail('unknown-name', `There is no type \`${name}\`. ${known}`, position, length);
  }
  let type = found;
  for (let left = pointers; left > 0; left--) {
    const target = type;
    type = { kind: 'pointer', sign: '*', size: word, target: () => target };
  }
  return type;
}

function typeOfOperand(operand: Expression | TypeReference, context: Context): DebugType {
  if (operand.kind === 'type') {
    const object = operand.pointers === 0 ? placeOfName(operand.name, context, operand) : undefined;
    return object?.type ?? namedType(operand, context);
  }
  const value = visit(operand, context);
  if (value.typed !== undefined) return value.typed.type;
  return { kind: 'unknown', name: 'register', size: Math.ceil(value.bits / 8) };
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
    case 'member':
    case 'index':
    case 'dereference': {
      const object = objectOf(target, context);
      const kind = plainType(object.type).kind;
      if (kind === 'record' || kind === 'array')
        fail(
          'not-assignable',
          'A structure or array cannot be assigned to: assign to its parts.',
          target.position,
          target.length,
        );
      const refused = writePlace(context.machine, object, value.value);
      if (refused !== undefined) fail('write-refused', refused, target.position, target.length);
      return visit(target, context);
    }
    default:
      return fail(
        'not-assignable',
        'Only a register, a VMCS field, a variable or memory such as dword[0x1000] can be assigned to.',
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
  const moved = operator === '+' || operator === '-' ? pointerArithmetic(operator, left, right) : undefined;
  if (moved !== undefined) return moved;
  refuseFloat(left, at);
  refuseFloat(right, at);
  const both = countsAsSigned(left) && countsAsSigned(right);
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
    case '>':
    case '<=':
    case '>=':
    case '==':
    case '!=':
      return truth(compared(operator, left, right, a, b));
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

function compared(
  operator: '<' | '>' | '<=' | '>=' | '==' | '!=',
  left: Value,
  right: Value,
  a64: bigint,
  b64: bigint,
): boolean {
  const common = left.typed === undefined && right.typed === undefined ? undefined : commonType(left, right);
  const a = common === undefined ? a64 : common(left);
  const b = common === undefined ? b64 : common(right);
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
      return isEqual(a, b);
    case '!=':
      return !isEqual(a, b);
  }
}

/** A negative number is equal to its two's complement; of a wide register all bits count. */
function isEqual(a: bigint, b: bigint): boolean {
  const unsigned = (x: bigint) => (x < 0n ? BigInt.asUintN(64, x) : x);
  return unsigned(a) === unsigned(b);
}

/** C's usual arithmetic conversions: both become the wider type; of two as wide as each other the unsigned one. */
function commonType(left: Value, right: Value): (value: Value) => bigint {
  const [one, other] = [left, right].map((value) => ({ width: widthInC(value), signed: countsAsSigned(value) })) as [
    Ranked,
    Ranked,
  ];
  const width = Math.max(one.width, other.width);
  const isSigned =
    one.width === other.width ? one.signed && other.signed : one.width > other.width ? one.signed : other.signed;
  return (value) => (isSigned ? BigInt.asIntN(width, numeric(value)) : BigInt.asUintN(width, numeric(value)));
}

interface Ranked {
  readonly width: number;
  readonly signed: boolean;
}

/** 32 or 64 bits. Numbers without a type that fit are ints. */
function widthInC(value: Value): 32 | 64 {
  if (value.typed !== undefined || !value.signed) return value.bits <= 32 ? 32 : 64;
  const number = numeric(value);
  return number === BigInt.asIntN(32, number) ? 32 : 64;
}

/** C widens what is narrower than int to int, whatever its sign. */
const countsAsSigned = ({ signed: isSigned, typed, bits }: Value): boolean =>
  isSigned || (typed !== undefined && bits < 32);

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

function cast(name: string, value: bigint): Value {
  const bits = Number(name.slice(1));
  return name.startsWith('s') ? signed(BigInt.asIntN(bits, value), bits) : unsigned(BigInt.asUintN(bits, value), bits);
}

/** `rax = 0x10`: used in messages. */
export function valueText(value: Value): string {
  return value.signed ? numeric(value).toString() : hex(value.value);
}
