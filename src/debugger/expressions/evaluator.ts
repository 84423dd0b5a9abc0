// Trees to values.

import { hex, littleEndian, toLittleEndian } from '../format.ts';
import { type AddressPrefix, explainUnreadable, type MemoryAddress, peek, poke, spaceOf } from '../memory.ts';
import { arithmetic, literal, unary } from './arithmetic.ts';
import { attempt, type ExpressionResult, fail } from './errors.ts';
import { addressValue, castTo, dereferenced, memberOf, objectValue } from '../source/operations.ts';
import { type Place, writePlace } from '../source/places.ts';
import { builtinType } from '../source/builtin-types.ts';
import { type DebugType, plainType, sizeOfType } from '../../program/debug-types.ts';
import { addressOfName, assignName, type Context, placeOfName, resolveName } from './names.ts';
import { type Expression, parseExpression, type TypeReference } from './parser.ts';
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
      return literal(expression.value, expression.form);
    case 'name':
      return resolveName(expression.name, context, expression);
    case 'unary':
      return unary(expression.operator, visit(expression.operand, context), expression);
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
        machine,
        visit(expression.object, context),
        numeric(visit(expression.index, context)),
        side,
        expression,
      );
    case 'dereference':
      return dereferenced(machine, visit(expression.operand, context), 0n, side, expression);
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

function cast(name: string, value: bigint): Value {
  const bits = Number(name.slice(1));
  return name.startsWith('s') ? signed(BigInt.asIntN(bits, value), bits) : unsigned(BigInt.asUintN(bits, value), bits);
}

/** `rax = 0x10`: used in messages. */
export function valueText(value: Value): string {
  return value.signed ? numeric(value).toString() : hex(value.value);
}
