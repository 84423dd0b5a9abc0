// Typed objects of the program and their parts: reading, writing, members, elements, what a pointer points to.

import type { Machine } from '../../machine/types.ts';
import type { FrameAccess, Location } from '../../program/debug-info.ts';
import {
  type ArrayType,
  type DebugType,
  type Member,
  plainType,
  type PointerType,
  sizeOfType,
} from '../../program/debug-types.ts';
import { toLittleEndian } from '../format.ts';
import { type AddressSpace, explainUnreadable, type MemoryAddress, peek, poke } from '../memory.ts';
import { type FrameRegisters, registerNames, registerValue, writeFrameRegister } from './frame-registers.ts';

/** An object, or a part of one. */
export interface Place {
  readonly type: DebugType;
  /** Of the whole object. */
  readonly location: Location;
  /** Where the part begins in it, and its size, in bits. */
  readonly offset: number;
  readonly bits: number;
  /** What addresses mean. */
  readonly space: AddressSpace;
  readonly registers: FrameRegisters | undefined;
}

export type Read = { readonly value: bigint } | { readonly why: string };

/** An object of a type at a location. */
export function placeOf(
  type: DebugType,
  location: Location,
  space: AddressSpace,
  registers: FrameRegisters | undefined,
): Place {
  return { type, location, offset: 0, bits: sizeOfType(type) * 8, space, registers };
}

/** An object in memory. */
export const placeInMemory = (type: DebugType, at: MemoryAddress): Place =>
  placeOf(type, { kind: 'memory', address: at.address }, at.space, undefined);

/** Address of a place that is in memory at a whole byte. */
export function addressOfPlace(place: Place): MemoryAddress | undefined {
  const { location, offset, space } = place;
  if (location.kind !== 'memory' || offset % 8 !== 0 || isBitField(place)) return undefined;
  return { space, address: BigInt.asUintN(64, location.address + BigInt(offset / 8)) };
}

export const isBitField = ({ type, bits }: Place): boolean => bits !== sizeOfType(type) * 8;

/** The bits of a place as an unsigned number; at most `limit` bits of it. */
export function readPlace(machine: Machine, place: Place, limit = place.bits): Read {
  return readBits(machine, place, place.location, place.offset, Math.min(place.bits, limit));
}

function readBits(machine: Machine, place: Place, location: Location, offset: number, bits: number): Read {
  switch (location.kind) {
    case 'memory':
      return readMemory(machine, { space: place.space, address: location.address }, offset, bits);
    case 'register': {
      const value = place.registers && registerValue(machine, place.registers, location.register);
      return value === undefined
        ? { why: registerGone(place, location.register) }
        : { value: slice(value, offset, bits) };
    }
    case 'value':
      return { value: slice(location.value, offset, bits) };
    case 'bytes':
      return { value: slice(numberOf(location.bytes), offset, bits) };
    case 'pieces':
      return readPieces(machine, place, location.pieces, offset, bits);
    case 'unavailable':
      return { why: location.why };
  }
}

function registerGone(place: Place, register: number): string {
  const name = registerNames(place.registers?.bits ?? 64)[register];
  if (name === undefined) return 'it is in a register that is not supported';
  return `it was in ${name.toUpperCase()}, which was overwritten since`;
}

function readMemory(machine: Machine, at: MemoryAddress, offset: number, bits: number): Read {
  const skipped = Math.floor(offset / 8);
  const address = { space: at.space, address: BigInt.asUintN(64, at.address + BigInt(skipped)) };
  const size = Math.ceil(((offset % 8) + bits) / 8);
  const bytes = peek(machine, address, size);
  if (bytes.length < size) {
    const first = { space: at.space, address: BigInt.asUintN(64, address.address + BigInt(bytes.length)) };
    return { why: explainUnreadable(machine, first) };
  }
  return { value: slice(numberOf(bytes), offset % 8, bits) };
}

function readPieces(
  machine: Machine,
  place: Place,
  pieces: Extract<Location, { kind: 'pieces' }>['pieces'],
  offset: number,
  bits: number,
): Read {
  let value = 0n;
  let at = 0;
  for (const piece of pieces) {
    const from = Math.max(offset, at);
    const to = Math.min(offset + bits, at + piece.bits);
    if (from < to) {
      const part = readBits(machine, place, piece.location, piece.offset + from - at, to - from);
      if ('why' in part) return part;
      value |= part.value << BigInt(from - offset);
    }
    at += piece.bits;
  }
  return offset + bits > at ? { why: 'optimized out' } : { value };
}

/** Writes the bits of a place; answers an error in words, or undefined when they were written. */
export function writePlace(machine: Machine, place: Place, value: bigint): string | undefined {
  return writeBits(machine, place, place.location, place.offset, place.bits, value);
}

function writeBits(
  machine: Machine,
  place: Place,
  location: Location,
  offset: number,
  bits: number,
  value: bigint,
): string | undefined {
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(offset);
  switch (location.kind) {
    case 'memory': {
      const skipped = Math.floor(offset / 8);
      const at = { space: place.space, address: BigInt.asUintN(64, location.address + BigInt(skipped)) };
      const size = Math.ceil(((offset % 8) + bits) / 8);
      const old = peek(machine, at, size);
      if (old.length < size) return explainUnreadable(machine, at);
      const inner = ((1n << BigInt(bits)) - 1n) << BigInt(offset % 8);
      const whole = (numberOf(old) & ~inner) | ((value << BigInt(offset % 8)) & inner);
      return poke(machine, at, bytesOf(whole, size)) === size ? undefined : explainUnreadable(machine, at);
    }
    case 'register': {
      const { registers } = place;
      const old = registers && registerValue(machine, registers, location.register);
      if (registers === undefined || old === undefined)
        return `It cannot be changed: ${registerGone(place, location.register)}.`;
      return writeFrameRegister(
        machine,
        registers,
        location.register,
        (old & ~mask) | ((value << BigInt(offset)) & mask),
      );
    }
    case 'pieces': {
      let at = 0;
      for (const piece of location.pieces) {
        const from = Math.max(offset, at);
        const to = Math.min(offset + bits, at + piece.bits);
        if (from < to) {
          const part = slice(value, from - offset, to - from);
          const refused = writeBits(machine, place, piece.location, piece.offset + from - at, to - from, part);
          if (refused !== undefined) return refused;
        }
        at += piece.bits;
      }
      return undefined;
    }
    case 'value':
    case 'bytes':
      return 'It cannot be changed: the compiler knew its value and keeps it nowhere.';
    case 'unavailable':
      return `It cannot be changed: ${location.why}.`;
  }
}

/** A member of a record. */
export function memberPlace(place: Place, member: Member): Place {
  const bits = member.bits?.size ?? sizeOfType(member.type) * 8;
  return { ...place, type: member.type, offset: place.offset + (member.bits?.offset ?? member.offset * 8), bits };
}

/** An element of an array; it may lie beyond the end, as in C. */
export function elementPlace(place: Place, array: ArrayType, index: bigint): Place {
  const bits = sizeOfType(array.element) * 8;
  const distance = index * BigInt(bits);
  if (place.location.kind === 'memory' && place.offset % 8 === 0) {
    const address = BigInt.asUintN(64, place.location.address + BigInt(place.offset / 8) + distance / 8n);
    return { ...place, type: array.element, location: { kind: 'memory', address }, offset: 0, bits };
  }
  return { ...place, type: array.element, offset: place.offset + Number(distance), bits };
}

/** What a pointer with this value points to, `index` objects further. */
export function pointedPlace(pointer: PointerType, value: bigint, index: bigint, space: AddressSpace): Place {
  const target = pointer.target();
  const step = BigInt(Math.max(1, sizeOfType(target)));
  return placeInMemory(target, { space, address: BigInt.asUintN(64, value + index * step) });
}

/** Finds a member by name, also in anonymous structures, unions and base classes. */
export function findMember(place: Place, name: string, depth = 0): Place | undefined {
  const record = plainType(place.type);
  if (record.kind !== 'record' || depth > 8) return undefined;
  const members = record.members();
  const own = members.find((member) => member.name === name);
  if (own !== undefined) return memberPlace(place, own);
  for (const member of members) {
    if (member.name !== undefined && !member.base) continue;
    const inner = findMember(memberPlace(place, member), name, depth + 1);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** What location expressions may ask of a frame. */
export function frameAccess(
  machine: Machine,
  registers: FrameRegisters,
  cfa: () => bigint | undefined,
  entryRegister: (number: number) => bigint | undefined = () => undefined,
): FrameAccess {
  return {
    register: (number) => registerValue(machine, registers, number),
    memory: (address, size) => {
      const bytes = machine.peekLinear(registers.side, address, size);
      return bytes.length === size ? numberOf(bytes) : undefined;
    },
    cfa,
    entryRegister,
  };
}

const slice = (value: bigint, offset: number, bits: number): bigint => BigInt.asUintN(bits, value >> BigInt(offset));

function numberOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

function bytesOf(value: bigint, size: number): Uint8Array {
  if (size <= 8) return toLittleEndian(value, size);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) bytes[at] = Number((value >> BigInt(at * 8)) & 0xffn);
  return bytes;
}
