// DWARF expressions (DWARF 5, "DWARF Expressions" and "Location Descriptions"): where a value is, or what it is.
import {
  advance,
  type Cursor,
  cursorOver,
  readCount,
  readSleb,
  readU8,
  readUleb,
  readUnsigned,
  remaining,
} from '../bytes.ts';
import { ProgramError } from '../errors.ts';

/** Where a part of an object is. */
export type Location =
  | { readonly kind: 'memory'; readonly address: bigint }
  /** A DWARF register number. */
  | { readonly kind: 'register'; readonly register: number }
  /** The value itself: the program holds it nowhere. */
  | { readonly kind: 'value'; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'pieces'; readonly pieces: readonly Piece[] }
  /** Not to be had, and why. */
  | { readonly kind: 'unavailable'; readonly why: string };

export interface Piece {
  readonly location: Location;
  readonly bits: number;
  /** Where the piece begins in its location, in bits. */
  readonly offset: number;
}

/** What expressions ask of the frame that they are evaluated in. Answers are undefined when they are not known. */
export interface ExpressionContext {
  readonly addressSize: number;
  /** How far addresses in memory are from those in the expression. */
  readonly displacement?: bigint;
  readonly offsetSize: 4 | 8;
  register(number: number): bigint | undefined;
  /** Little-endian value in memory. */
  memory(address: bigint, size: number): bigint | undefined;
  frameBase(): bigint | undefined;
  cfa(): bigint | undefined;
  /** Entry of .debug_addr. */
  address(index: number): bigint | undefined;
  /** Value that an expression had when the function was called. */
  entryValue(expression: Uint8Array): bigint | undefined;
  /** Location expression of the entry at an offset, in the unit or in the section. */
  called?(offset: number, inUnit: boolean): Uint8Array | undefined;
  /** Size in bytes and sign of the base type at an offset of the unit. */
  baseType?(offset: number): { readonly size: number; readonly signed: boolean } | undefined;
}

export const OPTIMIZED_OUT: Location = { kind: 'unavailable', why: 'optimized out' };

/** Carries a reason out of the evaluation; never leaves this file. */
class Unavailable extends Error {}

const needed = <T>(value: T | undefined, why: string): T => {
  if (value === undefined) throw new Unavailable(why);
  return value;
};

/** Evaluates a location description. */
export function evaluateLocation(file: string, bytes: Uint8Array, context: ExpressionContext): Location {
  if (bytes.length === 0) return OPTIMIZED_OUT;
  try {
    return run(file, bytes, context, []);
  } catch (thrown) {
    if (thrown instanceof Unavailable) return { kind: 'unavailable', why: thrown.message };
    if (thrown instanceof ProgramError) return { kind: 'unavailable', why: 'its location expression is damaged' };
    throw thrown;
  }
}

/** Evaluates an expression that computes a value (frame information, a frame base); undefined when it cannot be had. */
export function evaluateValue(
  file: string,
  bytes: Uint8Array,
  context: ExpressionContext,
  initial: readonly bigint[] = [],
): bigint | undefined {
  try {
    const found = run(file, bytes, context, [...initial]);
    if (found.kind === 'memory') return found.address;
    if (found.kind === 'value') return found.value;
    return found.kind === 'register' ? context.register(found.register) : undefined;
  } catch (thrown) {
    if (thrown instanceof Unavailable || thrown instanceof ProgramError) return undefined;
    throw thrown;
  }
}

/** The register that an expression names, when it does nothing else. */
export function namedRegister(bytes: Uint8Array): number | undefined {
  const [op = 0, ...rest] = bytes;
  if (op >= 0x50 && op <= 0x6f) return rest.length === 0 ? op - 0x50 : undefined;
  // regx; numbers of general registers fit in one byte
  return op === 0x90 && rest.length === 1 && rest[0]! < 0x80 ? rest[0] : undefined;
}

const MAX_STEPS = 10_000;

function run(file: string, bytes: Uint8Array, context: ExpressionContext, stack: bigint[]): Location {
  const cursor = cursorOver(file, 'a location expression', bytes);
  const width = context.addressSize * 8;
  const wrap = (value: bigint): bigint => BigInt.asUintN(width, value);
  const signed = (value: bigint): bigint => BigInt.asIntN(width, value);
  const pop = (): bigint => needed(stack.pop(), 'its location expression is damaged');
  const push = (value: bigint): void => {
    stack.push(wrap(value));
  };
  const register = (number: number): bigint =>
    needed(context.register(number), 'a register that holds it was overwritten in a called function');
  const pieces: Piece[] = [];
  let simple: Location | undefined;
  const finish = (): Location => {
    if (simple !== undefined) return simple;
    const top = stack.at(-1);
    return top === undefined ? OPTIMIZED_OUT : { kind: 'memory', address: top };
  };
  const piece = (bits: number, offset: number): void => {
    pieces.push({ location: finish(), bits, offset });
    simple = undefined;
    stack.length = 0;
  };
  for (let steps = 0; remaining(cursor) > 0; steps++) {
    if (steps > MAX_STEPS) throw new Unavailable('its location expression does not end');
    const op = readU8(cursor);
    if (op >= 0x30 && op <= 0x4f) push(BigInt(op - 0x30));
    else if (op >= 0x50 && op <= 0x6f) simple = { kind: 'register', register: op - 0x50 };
    else if (op >= 0x70 && op <= 0x8f) push(register(op - 0x70) + readSleb(cursor));
    else if (op >= 0x12 && op <= 0x2e && op !== 0x28) arithmetic(op);
    else if (!other(op))
      throw new Unavailable(`its location uses DWARF operation 0x${op.toString(16)}, which is not supported`);
  }
  return pieces.length > 0 ? { kind: 'pieces', pieces } : finish();

  function arithmetic(op: number): void {
    switch (op) {
      case 0x12: {
        // dup
        const top = pop();
        stack.push(top, top);
        break;
      }
      case 0x13: // drop
        pop();
        break;
      case 0x14: // over
        stack.push(needed(stack.at(-2), 'its location expression is damaged'));
        break;
      case 0x15: // pick
        stack.push(needed(stack.at(-1 - readU8(cursor)), 'its location expression is damaged'));
        break;
      case 0x16: {
        // swap
        const [first, second] = [pop(), pop()];
        stack.push(first, second);
        break;
      }
      case 0x17: {
        // rot
        const [first, second, third] = [pop(), pop(), pop()];
        stack.push(first, third, second);
        break;
      }
      case 0x18: // xderef
        throw new Unavailable('its location uses an address space');
      case 0x19: {
        // abs
        const value = signed(pop());
        push(value < 0n ? -value : value);
        break;
      }
      case 0x1f: // neg
        push(-pop());
        break;
      case 0x20: // not
        push(~pop());
        break;
      case 0x23: // plus_uconst
        push(pop() + readUleb(cursor));
        break;
      default: {
        const right = pop();
        push(binary(op, pop(), right, width));
      }
    }
  }

  function deref(address: bigint, size: number): bigint {
    return needed(context.memory(address, size), 'memory on the way to it cannot be read');
  }

  function jump(): void {
    const distance = Number(BigInt.asIntN(16, readUnsigned(cursor, 2)));
    const target = cursor.offset + distance;
    if (target < 0 || target > bytes.length) throw new Unavailable('its location expression is damaged');
    cursor.offset = target;
  }

  function converted(value: bigint, type: number): bigint {
    if (type === 0) return value;
    const base = needed(context.baseType?.(type), 'its location uses a type that is not known');
    const bits = base.size * 8;
    return base.signed ? wrap(BigInt.asIntN(bits, value)) : BigInt.asUintN(bits, value);
  }

  /** False for operations that are not known. */
  function other(op: number): boolean {
    switch (op) {
      case 0x03: // addr
        push(readUnsigned(cursor, context.addressSize) + (context.displacement ?? 0n));
        return true;
      case 0x06: // deref
        push(deref(pop(), context.addressSize));
        return true;
      case 0x08: // const1u to const8s
      case 0x0a:
      case 0x0c:
      case 0x0e:
        push(readUnsigned(cursor, 1 << ((op - 8) / 2)));
        return true;
      case 0x09:
      case 0x0b:
      case 0x0d:
      case 0x0f: {
        const size = 1 << ((op - 9) / 2);
        push(BigInt.asIntN(size * 8, readUnsigned(cursor, size)));
        return true;
      }
      case 0x10:
        push(readUleb(cursor));
        return true;
      case 0x11:
        push(readSleb(cursor));
        return true;
      case 0x2f: // skip
        jump();
        return true;
      case 0x28: // bra
        if (pop() !== 0n) jump();
        else advance(cursor, 2);
        return true;
      case 0x90: // regx
        simple = { kind: 'register', register: readCount(cursor) };
        return true;
      case 0x91: {
        // fbreg
        const offset = readSleb(cursor);
        push(needed(context.frameBase(), 'the base of its frame is not known') + offset);
        return true;
      }
      case 0x92: {
        // bregx
        const number = readCount(cursor);
        push(register(number) + readSleb(cursor));
        return true;
      }
      case 0x93: // piece
        piece(readCount(cursor) * 8, 0);
        return true;
      case 0x94: // deref_size
        push(deref(pop(), readU8(cursor)));
        return true;
      case 0x96: // nop
        return true;
      case 0x98: // call2, call4, call_ref
      case 0x99:
      case 0x9a: {
        const offset = Number(readUnsigned(cursor, op === 0x98 ? 2 : op === 0x99 ? 4 : context.offsetSize));
        const called = context.called?.(offset, op !== 0x9a);
        if (called !== undefined && called.length > 0) {
          const result = run(file, called, { ...context, called: () => undefined }, stack);
          if (result.kind !== 'memory') simple = result;
        }
        return true;
      }
      case 0x9c: // call_frame_cfa
        push(needed(context.cfa(), 'the frame of its function is not known'));
        return true;
      case 0x9d: {
        // bit_piece
        const bits = readCount(cursor);
        piece(bits, readCount(cursor));
        return true;
      }
      case 0x9e: // implicit_value
        simple = { kind: 'bytes', bytes: block(cursor) };
        return true;
      case 0x9f: // stack_value
        simple = { kind: 'value', value: pop() };
        return true;
      case 0xa1: // addrx, constx
      case 0xa2:
      case 0xfb: // GNU_addr_index, GNU_const_index
      case 0xfc:
        push(needed(context.address(readCount(cursor)), 'its address is not in .debug_addr'));
        return true;
      case 0xa3: // entry_value
      case 0xf3: // GNU_entry_value
        push(needed(context.entryValue(block(cursor)), 'optimized out (only its value at the call would tell)'));
        return true;
      case 0xa4: // const_type
      case 0xf4: {
        readCount(cursor);
        const size = readU8(cursor);
        push(littleEndian(cursor, size));
        return true;
      }
      case 0xa5: // regval_type
      case 0xf5: {
        const number = readCount(cursor);
        push(converted(register(number), readCount(cursor)));
        return true;
      }
      case 0xa6: // deref_type
      case 0xf6: {
        const size = readU8(cursor);
        readCount(cursor);
        push(deref(pop(), size));
        return true;
      }
      case 0xa8: // convert, reinterpret
      case 0xa9:
      case 0xf7:
      case 0xf9:
        push(converted(pop(), readCount(cursor)));
        return true;
      case 0xa0: // implicit_pointer
      case 0xf2:
        throw new Unavailable('optimized out (a pointer to what is in no memory)');
      case 0x9b: // form_tls_address
      case 0xe0: // GNU_push_tls_address
        throw new Unavailable('it is in thread-local storage, which is not supported');
      case 0xf0: // GNU_uninit
        return true;
      default:
        return false;
    }
  }
}

/** An operation on two values; the result is not yet wrapped to the width. */
function binary(op: number, left: bigint, right: bigint, width: number): bigint {
  const signed = (value: bigint): bigint => BigInt.asIntN(width, value);
  const tooFar = right >= BigInt(width);
  if ((op === 0x1b || op === 0x1d) && right === 0n) throw new Unavailable('its location expression divides by zero');
  switch (op) {
    case 0x1a: // and
      return left & right;
    case 0x1b: // div is signed
      return signed(left) / signed(right);
    case 0x1c: // minus
      return left - right;
    case 0x1d: // mod is unsigned
      return left % right;
    case 0x1e: // mul
      return left * right;
    case 0x21: // or
      return left | right;
    case 0x22: // plus
      return left + right;
    case 0x24: // shl
      return tooFar ? 0n : left << right;
    case 0x25: // shr
      return tooFar ? 0n : left >> right;
    case 0x26: // shra
      return signed(left) >> (tooFar ? BigInt(width - 1) : right);
    case 0x27: // xor
      return left ^ right;
    case 0x29: // eq
      return BigInt(left === right);
    case 0x2a: // ge
      return BigInt(signed(left) >= signed(right));
    case 0x2b: // gt
      return BigInt(signed(left) > signed(right));
    case 0x2c: // le
      return BigInt(signed(left) <= signed(right));
    case 0x2d: // lt
      return BigInt(signed(left) < signed(right));
    default: // ne
      return BigInt(left !== right);
  }
}

function block(cursor: Cursor): Uint8Array {
  const size = readCount(cursor);
  const start = advance(cursor, size);
  return new Uint8Array(cursor.view.buffer, cursor.view.byteOffset + start, size);
}

function littleEndian(cursor: Cursor, size: number): bigint {
  let value = 0n;
  for (let at = 0; at < size; at++) value |= BigInt(readU8(cursor)) << BigInt(at * 8);
  return BigInt.asUintN(64, value);
}
