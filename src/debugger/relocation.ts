// Where in memory an image lies that was moved when it was loaded: found by its own bytes at an address that the processor runs or has
// been told of. Whatever moves code moves it by whole pages, so few places of the file come into question.

import type { Machine, Side } from '../machine/types.ts';
import { vmcsEncoding } from '../spec/vmcs-fields.ts';
import type { MovableCode, MovableFile } from '../program/symbol-file.ts';
import { gateTargets } from './event-delivery.ts';
import { readSideRegister } from './expressions/registers.ts';
import { type Position, positionOf } from './position.ts';

type Code = MovableFile['code'];

const HOST_RIP = vmcsEncoding('Host RIP');
const PAGE = 0x1000;
/** Bytes that are compared at once. */
const WINDOW = 16;
/** How many windows of the file are looked at before a place is believed. */
const WINDOWS = 64;
/** Fewer equal ones say nothing, unless the file has no more. */
const LEAST_EQUAL = 4;
/** Bytes of a window that loading must not change, for it to be compared. */
const LEAST_KEPT = 8;
/** Of the interrupt-descriptor table. */
const MOST_GATES = 32;
/** Bytes of the stack that are looked through, and of the words there how many are followed. */
const STACK = 0x1000;
const MOST_RETURNS = 64;

/**
 * How far (modulo 2^64) an image lies from where it was linked, as one side sees memory now; undefined while none of its code is met.
 * `refused` tells displacements that are not meant; `anchors` where to look.
 */
export function findDisplacement(
  machine: Machine,
  side: Side,
  code: Code,
  refused: (displacement: bigint) => boolean,
  anchors = anchorsOf(machine, side, true),
): bigint | undefined {
  for (const anchor of anchors) {
    const bytes = machine.peekLinear(side, anchor, WINDOW);
    if (bytes.length < WINDOW || isUniform(bytes)) continue;
    for (const { linear, bytes: file, changed } of code) {
      const first = Number(BigInt.asUintN(12, anchor - linear));
      for (let at = first; at + WINDOW <= file.length; at += PAGE) {
        if (!isTelling(changed, at) || !sameBytes(file, at, bytes, changed)) continue;
        const displacement = BigInt.asUintN(64, anchor - linear - BigInt(at));
        if (!refused(displacement) && liesThere(machine, side, code, displacement)) return displacement;
      }
    }
  }
  return undefined;
}

/**
 * Where code is for sure: the instruction pointer, the handler of VM exits, that of system calls; `thoroughly` those of interrupts, and what
 * may be return addresses on the stack.
 */
export function anchorsOf(machine: Machine, side: Side, thoroughly: boolean): ReadonlySet<bigint> {
  const position = positionOf(machine, side);
  if (position === undefined) return new Set();
  const exits = side === 'root' ? (machine.readVmcs(HOST_RIP) ?? 0n) : 0n;
  const system = readSideRegister(machine, side, 'lstar') ?? 0n;
  const certain = [position.linear, exits, system].filter((address) => address !== 0n);
  if (!thoroughly) return new Set(certain);
  const gates = [...gateTargets(machine, side)].slice(0, MOST_GATES);
  return new Set([...certain, ...returnAddresses(machine, position).slice(0, MOST_RETURNS), ...gates]);
}

/** Words of the stack that point into the 2 GiB that the instruction pointer is in. */
function returnAddresses(machine: Machine, { side, bits, linear, stack }: Position): bigint[] {
  const size = bits === 64 ? 8 : 4;
  const bytes = machine.peekLinear(side, stack, STACK);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words: bigint[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) {
    const word = size === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
    if (word >> 31n === linear >> 31n && word !== 0n) words.push(word);
  }
  return words;
}

/** Relocated addresses in the code differ: the greater part of what can be read must be equal. */
function liesThere(machine: Machine, side: Side, code: Code, displacement: bigint): boolean {
  let read = 0;
  let equal = 0;
  for (const { linear, bytes, changed } of code) {
    const stride = Math.max(WINDOW, Math.floor((bytes.length * code.length) / WINDOWS));
    for (let at = 0; at + WINDOW <= bytes.length; at += stride) {
      if (isUniform(bytes.subarray(at, at + WINDOW)) || !isTelling(changed, at)) continue;
      const there = machine.peekLinear(side, BigInt.asUintN(64, linear + displacement + BigInt(at)), WINDOW);
      if (there.length < WINDOW) continue;
      read++;
      if (sameBytes(bytes, at, there, changed)) equal++;
    }
  }
  return equal * 2 > read && equal >= Math.min(LEAST_EQUAL, read);
}

const isUniform = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === bytes[0]);

/** Enough of a window is in memory as it is in the file. */
function isTelling(changed: MovableCode['changed'], at: number): boolean {
  if (changed === undefined) return true;
  let kept = 0;
  for (let index = 0; index < WINDOW; index++) if (changed[at + index] === 0) kept++;
  return kept >= LEAST_KEPT;
}

function sameBytes(file: Uint8Array, at: number, wanted: Uint8Array, changed?: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++)
    if (file[at + index] !== wanted[index] && !changed?.[at + index]) return false;
  return true;
}
