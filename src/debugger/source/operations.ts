// What C's operators do with objects of the program: members, elements, pointers, casts.

import type { Machine, Side } from '../../machine/types.ts';
import { type DebugType, plainType, type PointerType, sizeOfType, typeName } from '../../program/debug-types.ts';
import { fail } from '../expressions/errors.ts';
import { numeric, signed, unsigned, type Value } from '../expressions/values.ts';
import type { AddressSpace } from '../memory.ts';
import {
  addressOfPlace,
  elementPlace,
  findMember,
  type Place,
  placeInMemory,
  pointedPlace,
  readPlace,
} from './places.ts';
import { sliceOf } from './slices.ts';

/** Where an operator stands in the text, for errors. */
export interface At {
  readonly position: number;
  readonly length: number;
}

/** The value of an object: a number with its type; for structures and arrays their address. */
export function objectValue(machine: Machine, place: Place, what: string, at: At): Value {
  const type = plainType(place.type);
  const typed = { type: place.type, place };
  if (type.kind === 'record' || type.kind === 'array' || type.kind === 'function' || type.kind === 'void') {
    if (place.location.kind === 'unavailable')
      fail('unavailable', gone(what, place.location.why), at.position, at.length);
    const address = addressOfPlace(place);
    return { ...unsigned(address?.address ?? 0n), isAddress: true, typed, space: place.space };
  }
  const read = readPlace(machine, place);
  if ('why' in read) return fail('unavailable', gone(what, read.why), at.position, at.length);
  return { ...ofType(read.value, place.type, place.bits), typed, space: place.space };
}

const gone = (what: string, why: string): string =>
  why === 'optimized out' ? `\`${what}\` is optimized out here.` : `\`${what}\` has no value here: ${why}.`;

/** A number as a type holds it. */
export function ofType(value: bigint, type: DebugType, bits = sizeOfType(type) * 8): Value {
  const plain = plainType(type);
  const width = Math.min(64, Math.max(1, bits));
  const isSigned = (plain.kind === 'base' || plain.kind === 'enum') && plain.signed;
  const number = isSigned ? signed(BigInt.asIntN(width, value), width) : unsigned(BigInt.asUintN(width, value), width);
  return plain.kind === 'pointer' ? { ...number, isAddress: true, typed: { type } } : { ...number, typed: { type } };
}

/** A constant of an enumeration: an int wherever it fits, whatever the enumeration is kept in (C, "Enumeration specifiers"). */
export function enumeratorValue(value: bigint, type: DebugType): Value {
  const constant = value === BigInt.asIntN(32, value) ? ({ bits: 32, signed: true } as const) : undefined;
  const own = ofType(value, type);
  return constant === undefined ? own : { ...own, constant };
}

/** `ptrdiff_t` of 64-bit code. */
const LONG: DebugType = { kind: 'base', name: 'long', size: 8, encoding: 'signed', signed: true };

/** The object that a typed value is, also where only its address is known. */
export function typedPlace(value: Value): Place | undefined {
  if (value.typed === undefined) return undefined;
  const { type, place } = value.typed;
  if (place !== undefined) return place;
  const space: AddressSpace = value.space ?? { kind: 'linear', side: 'root' };
  const bits = sizeOfType(type) * 8;
  return { type, location: { kind: 'value', value: value.value }, offset: 0, bits, space, registers: undefined };
}

/** What a pointer points to; an array stands for its first element. */
export function dereferenced(machine: Machine, value: Value, index: bigint, side: Side, at: At): Place {
  const type = value.typed === undefined ? undefined : plainType(value.typed.type);
  const space = value.space ?? { kind: 'linear', side };
  if (type?.kind === 'pointer') {
    const target = plainType(type.target());
    if (target.kind === 'void')
      fail(
        'not-typed',
        'A void pointer says nothing about what it points to: cast it, for example *(uint64_t *)p.',
        at.position,
        at.length,
      );
    return pointedPlace(type, value.value, index, space);
  }
  const whole = value.typed?.place;
  if (type?.kind === 'array' && whole !== undefined) return elementPlace(whole, type, index);
  const slice = whole === undefined ? undefined : sliceOf(machine, whole);
  if (slice !== undefined) return elementPlace(slice.place, slice.array, index);
  return fail(
    'not-typed',
    'This is not a pointer or an array: cast it, for example *(uint64_t *)rsp, or write qword[rsp].',
    at.position,
    at.length,
  );
}

/** A member of a structure, or of what a pointer points to; `.` and `->` are taken for each other. */
export function memberOf(machine: Machine, value: Value, name: string, side: Side, at: At): Place {
  let place = value.typed?.place;
  let type = value.typed === undefined ? undefined : plainType(value.typed.type);
  if (type?.kind === 'pointer') {
    place = dereferenced(machine, value, 0n, side, at);
    type = plainType(place.type);
    // A reference to a pointer, as C++ has them.
    if (type.kind === 'pointer') return memberOf(machine, objectValue(machine, place, name, at), name, side, at);
  }
  if (place === undefined || type?.kind !== 'record')
    return fail('not-typed', `\`.${name}\`: this is not a structure or union.`, at.position, at.length);
  const found = findMember(place, name);
  if (found !== undefined) return found;
  const names = type.members().flatMap((member) => member.name ?? []);
  return fail(
    'unknown-name',
    `${typeName(type)} has no member \`${name}\`; there are ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`,
    at.position,
    at.length,
  );
}

/** A pointer to an object. */
export function addressValue(place: Place, what: string, at: At): Value {
  const address = addressOfPlace(place);
  if (address === undefined) {
    const why = place.location.kind === 'memory' ? 'it is a bit field' : 'it is not in memory';
    return fail('unavailable', `\`${what}\` has no address: ${why}.`, at.position, at.length);
  }
  const type: PointerType = { kind: 'pointer', sign: '*', size: 8, target: () => place.type };
  return { ...unsigned(address.address), isAddress: true, typed: { type }, space: place.space };
}

/** A value with another type. */
export function castTo(value: Value, type: DebugType, side: Side): Value {
  const plain = plainType(type);
  // `(struct vm)0x1000` means the structure there, which C cannot say.
  if (plain.kind === 'record' || plain.kind === 'array') {
    const place =
      value.typed?.place ??
      placeInMemory(type, { space: value.space ?? { kind: 'linear', side }, address: value.value });
    return { ...value, isAddress: true, typed: { type, place: { ...place, type, bits: sizeOfType(type) * 8 } } };
  }
  const space = value.space === undefined ? {} : { space: value.space };
  const truth = plain.kind === 'base' && plain.encoding === 'boolean';
  return { ...ofType(truth ? BigInt(value.value !== 0n) : value.value, type), ...space };
}

/** `pointer + index`, in elements; undefined when the operands are no pointer and number. */
export function pointerArithmetic(operator: '+' | '-', left: Value, right: Value): Value | undefined {
  const step = stepOf(left);
  const other = stepOf(right);
  if (step !== undefined && other !== undefined && operator === '-')
    return ofType(BigInt.asIntN(64, left.value - right.value) / step, LONG);
  if (step !== undefined && other === undefined) {
    const distance = numeric(right) * step;
    return moved(left, operator === '+' ? distance : -distance);
  }
  return operator === '+' && other !== undefined && step === undefined
    ? moved(right, numeric(left) * other)
    : undefined;
}

/** Bytes from an element to the next, of pointers and arrays. */
function stepOf(value: Value): bigint | undefined {
  const type = value.typed === undefined ? undefined : plainType(value.typed.type);
  const target = type?.kind === 'pointer' ? type.target() : type?.kind === 'array' ? type.element : undefined;
  return target === undefined ? undefined : BigInt(Math.max(1, sizeOfType(target)));
}

function moved(pointer: Value, distance: bigint): Value {
  const plain = plainType(pointer.typed!.type);
  const element = plain.kind === 'array' ? plain.element : undefined;
  const type: DebugType =
    element === undefined ? pointer.typed!.type : { kind: 'pointer', sign: '*', size: 8, target: () => element };
  const space = pointer.space === undefined ? {} : { space: pointer.space };
  return { ...unsigned(pointer.value + distance), isAddress: true, typed: { type }, ...space };
}
