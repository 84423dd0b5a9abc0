// Values of expressions: 64-bit integers with C's rule for signedness, and objects of the program with their types.

import type { DebugType } from '../../program/debug-types.ts';
import type { AddressSpace } from '../memory.ts';
import type { Place } from '../source/places.ts';

/** `value` is unsigned 64-bit (wider only for a whole x87 or SSE register, which operators cut off); `signed` says how operators and decimal notation read it. */
export interface Value {
  readonly value: bigint;
  readonly signed: boolean;
  /** Width of what was read: 1 to 64, or 80 and 128 for registers as wide. Affects notation only. */
  readonly bits: number;
  /** Present when the value is an address that memory views can open. */
  readonly isAddress?: boolean;
  /** The value in words, for example the name of an exit reason. */
  readonly text?: string;
  /** Values of the program: their type, and where they are. The value of a structure or array is its address, 0 when it has none. */
  readonly typed?: TypedValue;
  /** Constants: the type that C gives them, for when they meet values of the program. */
  readonly constant?: IntegerType;
  /** What the value means as an address, when that is not a linear address of the frame's side. */
  readonly space?: AddressSpace;
}

/** An integer type of C as arithmetic sees it: int, unsigned int, and those of 64 bits. */
export interface IntegerType {
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

export interface TypedValue {
  readonly type: DebugType;
  /** Missing for results of casts and arithmetic. */
  readonly place?: Place | undefined;
}

export function unsigned(value: bigint, bits = 64): Value {
  return { value: BigInt.asUintN(Math.max(64, bits), value), signed: false, bits };
}

export function signed(value: bigint, bits = 64): Value {
  return { value: BigInt.asUintN(64, value), signed: true, bits };
}

/** As C reads it: two's complement when signed. */
export function numeric(value: Value): bigint {
  return value.signed ? BigInt.asIntN(64, value.value) : value.value;
}

export function truth(value: boolean): Value {
  return { value: value ? 1n : 0n, signed: true, bits: 1 };
}
