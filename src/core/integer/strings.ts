// MOVS, CMPS, STOS, LODS and SCAS. Repeated forms work a page at a time on the addresses that the TLB holds, and one
// element at a time through the general path where it holds none (first touch, devices, decoded code, watched pages).
//
// One go ends when the count register reaches a multiple of 4096 (or after one iteration with RFLAGS.TF or the monitor trap
// flag), so how a long
// repetition is cut depends on architectural state alone. Registers are committed before every access that may fault.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  APIC_WRITE,
  CODE_MODE,
  ES,
  PRIMARY_CONTROLS,
  RAX,
  RCX,
  RDI,
  RSI,
  SEGMENTS,
  SEGMENT_SIZE,
  SEG_LIMIT,
  SEG_RIGHTS,
  SI_ADDRESS_SIZE,
  SI_OPCODE,
  SI_REPEAT,
  SI_SEGMENT,
  SYSTEM_FLAGS,
  TLB_BASE,
  TLB_WRITE,
} from '../layout.ts';
import { FLAG_DF, FLAG_TF, RIGHTS_DB, TYPE_CODE, TYPE_EXPAND_DOWN } from '../bits.ts';
import { PRIMARY_MTF } from '../events.ts';
import { setStatus } from '../flags.ts';
import { readMemory, writeMemory } from '../memory.ts';
import { segmentAddress } from '../segments.ts';
import { subtractStatus } from './status.ts';
import { operandSize, readRegister, sizeMask, writeAddressRegister, writeRegister } from './operands.ts';

const GO: u64 = 4096; // iterations
const PAGE: u32 = 4096;
const UNBOUNDED: u64 = 0xffffffff;

// The instruction in hand: address size (1 to 3) and mask, source segment, direction, element size (0 to 3).
let addressSize: u32 = 0;
let addressMask: u64 = 0;
let segment: u32 = 0;
let down: bool = false;
let size: u32 = 0;

function source(): u64 {
  return segmentAddress(segment, load<u64>(RSI) & addressMask, 1 << size, ACCESS_READ);
}

function target(access: u32): u64 {
  return segmentAddress(ES, load<u64>(RDI) & addressMask, 1 << size, access);
}

function advance(register: usize, elements: u64): void {
  const distance = elements << (<u64>size);
  writeAddressRegister(register, addressSize, load<u64>(register) + (down ? 0 - distance : distance));
}

/** Address in the WebAssembly memory of a linear address, if the read (0) or write (TLB_WRITE) table holds its page. */
function cached(linear: u64, table: usize): usize {
  const entry = <usize>load<u32>(TLB_BASE) + table + <usize>(<u32>(linear >> 8) & 0xfff0);
  return load<u64>(entry) == (linear & ~0xfff) ? <usize>(<u32>linear + load<u32>(entry, 8)) : 0;
}

/** Elements from `linear` on, in the direction of the instruction, that lie in its page: 0 when the first leaves it. */
function pageRoom(linear: u64): u64 {
  const place = <u32>linear & (PAGE - 1);
  if (place + (1 << size) > PAGE) return 0;
  return <u64>(down ? (place >> size) + 1 : (PAGE - place) >> size);
}

/** Elements from `offset` on before the offset wraps or passes the segment's limit; the first is known to be inside. */
function segmentRoom(segmentNumber: u32, offset: u64): u64 {
  let lowest: u64 = 0;
  let highest = addressMask;
  if (load<u32>(CODE_MODE) != 2) {
    const at = SEGMENTS + <usize>(segmentNumber * SEGMENT_SIZE);
    const limit = <u64>load<u32>(at, SEG_LIMIT);
    const rights = load<u32>(at, SEG_RIGHTS);
    if ((rights & (TYPE_CODE | TYPE_EXPAND_DOWN)) == TYPE_EXPAND_DOWN) {
      lowest = limit + 1;
      if (!(rights & RIGHTS_DB) && highest > 0xffff) highest = 0xffff;
    } else if (limit < highest) highest = limit;
  } else if (addressSize == 3) return UNBOUNDED;
  return down ? ((offset - lowest) >> <u64>size) + 1 : (highest - offset + 1) >> <u64>size;
}

function sourceRoom(linear: u64): u64 {
  return min(pageRoom(linear), segmentRoom(segment, load<u64>(RSI) & addressMask));
}

function targetRoom(linear: u64): u64 {
  return min(pageRoom(linear), segmentRoom(ES, load<u64>(RDI) & addressMask));
}

function readElement(at: usize): u64 {
  if (size == 0) return <u64>load<u8>(at);
  if (size == 1) return <u64>load<u16>(at);
  return size == 2 ? <u64>load<u32>(at) : load<u64>(at);
}

function writeElement(at: usize, value: u64): void {
  if (size == 0) store<u8>(at, <u8>value);
  else if (size == 1) store<u16>(at, <u16>value);
  else if (size == 2) store<u32>(at, <u32>value);
  else store<u64>(at, value);
}

// ---- MOVS ----

/** Copies as the iterations would: where source and target overlap ahead of each other, later ones see earlier writes. */
function copy(from: usize, to: usize, elements: u64): void {
  const bytes = (<usize>elements) << (<usize>size);
  const step = (<usize>1) << (<usize>size);
  if (down) {
    const lowest = bytes - step;
    if (to < from && from - to < bytes) {
      for (let i: usize = 0; i < bytes; i += step) writeElement(to - i, readElement(from - i));
    } else memory.copy(to - lowest, from - lowest, bytes);
  } else if (to > from && to - from < bytes) {
    for (let i: usize = 0; i < bytes; i += step) writeElement(to + i, readElement(from + i));
  } else memory.copy(to, from, bytes);
}

function moveSome(most: u64): u64 {
  const fromLinear = source();
  const from = cached(fromLinear, 0);
  let done: u64 = 0;
  if (from) {
    const toLinear = target(ACCESS_WRITE);
    const to = cached(toLinear, TLB_WRITE);
    if (to) {
      done = min(most, min(sourceRoom(fromLinear), targetRoom(toLinear)));
      if (done) copy(from, to, done);
    }
  }
  if (!done) {
    const value = readMemory(fromLinear, size);
    writeMemory(target(ACCESS_WRITE), size, value);
    done = 1;
  }
  advance(RSI, done);
  advance(RDI, done);
  return done;
}

// ---- STOS ----

function fill(to: usize, elements: u64, value: u64): void {
  const bytes = (<usize>elements) << (<usize>size);
  const first = down ? to + ((<usize>1) << (<usize>size)) - bytes : to;
  let pattern = value;
  if (size == 0) pattern *= 0x0101010101010101;
  else if (size == 1) pattern *= 0x0001000100010001;
  else if (size == 2) pattern |= pattern << 32;
  if (pattern == (pattern & 0xff) * 0x0101010101010101) {
    memory.fill(first, <u8>pattern, bytes);
    return;
  }
  const end = first + bytes;
  let at = first;
  for (; at + 8 <= end; at += 8) store<u64>(at, pattern);
  for (; at < end; at += (<usize>1) << (<usize>size)) writeElement(at, value);
}

function storeSome(most: u64): u64 {
  const linear = target(ACCESS_WRITE);
  const value = load<u64>(RAX) & sizeMask(size);
  const to = cached(linear, TLB_WRITE);
  let done: u64 = to ? min(most, targetRoom(linear)) : 0;
  if (done) fill(to, done, value);
  else {
    writeMemory(linear, size, value);
    done = 1;
  }
  advance(RDI, done);
  return done;
}

// ---- LODS ----

/** Only the last element of a repetition stays, but each is read. */
function loadSome(most: u64): u64 {
  const linear = source();
  const from = cached(linear, 0);
  let done: u64 = from ? min(most, sourceRoom(linear)) : 0;
  if (done) {
    const distance = <usize>((done - 1) << (<u64>size));
    writeRegister(0, size, readElement(down ? from - distance : from + distance));
  } else {
    writeRegister(0, size, readMemory(linear, size));
    done = 1;
  }
  advance(RSI, done);
  return done;
}

// ---- CMPS and SCAS ----

let left: u64 = 0; // operands of the last comparison
let right: u64 = 0;

/** Compares elements until one ends the repetition (equality is not as `whileEqual` wants it) or `most` are done. */
function compareSome(most: u64, whileEqual: bool): u64 {
  const leftLinear = source();
  const from = cached(leftLinear, 0);
  let done: u64 = 0;
  if (from) {
    const rightLinear = target(ACCESS_READ);
    const to = cached(rightLinear, 0);
    if (to) {
      const room = min(most, min(sourceRoom(leftLinear), targetRoom(rightLinear)));
      const step = down ? 0 - ((<usize>1) << (<usize>size)) : (<usize>1) << (<usize>size);
      let place: usize = 0;
      while (done < room) {
        left = readElement(from + place);
        right = readElement(to + place);
        place += step;
        done++;
        if ((left == right) != whileEqual) break;
      }
    }
  }
  if (!done) {
    left = readMemory(leftLinear, size);
    right = readMemory(target(ACCESS_READ), size);
    done = 1;
  }
  advance(RSI, done);
  advance(RDI, done);
  return done;
}

function scanSome(most: u64, whileEqual: bool): u64 {
  left = readRegister(0, size);
  const linear = target(ACCESS_READ);
  const to = cached(linear, 0);
  let done: u64 = 0;
  if (to) {
    const room = min(most, targetRoom(linear));
    const step = down ? 0 - ((<usize>1) << (<usize>size)) : (<usize>1) << (<usize>size);
    let at = to;
    while (done < room) {
      right = readElement(at);
      at += step;
      done++;
      if ((left == right) != whileEqual) break;
    }
  }
  if (!done) {
    right = readMemory(linear, size);
    done = 1;
  }
  advance(RDI, done);
  return done;
}

// ---- The instruction ----

function someOf(opcode: u32, most: u64, whileEqual: bool): u64 {
  switch ((opcode >> 1) & 7) {
    case 2:
      return moveSome(most);
    case 3:
      return compareSome(most, whileEqual);
    case 5:
      return storeSome(most);
    case 6:
      return loadSome(most);
    default:
      return scanSome(most, whileEqual);
  }
}

/** Answers false when the instruction is not finished and must come back to itself. */
export function execString(): bool {
  const opcode = load<u32>(SI_OPCODE);
  addressSize = load<u32>(SI_ADDRESS_SIZE);
  addressMask = sizeMask(addressSize);
  segment = load<u32>(SI_SEGMENT);
  down = (load<u32>(SYSTEM_FLAGS) & FLAG_DF) != 0;
  size = opcode & 1 ? operandSize() : 0;
  const compares = (opcode & 0xfe) == 0xa6 || (opcode & 0xfe) == 0xae;
  const repeat = load<u32>(SI_REPEAT);
  let finished = true;
  if (!repeat) someOf(opcode, 1, true);
  else {
    const whileEqual = repeat == 0xf3;
    let count = load<u64>(RCX) & addressMask;
    if (!count) return true;
    let most =
      load<u32>(SYSTEM_FLAGS) & FLAG_TF || load<u32>(PRIMARY_CONTROLS) & PRIMARY_MTF ? 1 : ((count - 1) & (GO - 1)) + 1;
    while (most) {
      const done = someOf(opcode, most, whileEqual);
      most -= done;
      count -= done;
      writeAddressRegister(RCX, addressSize, count);
      if (compares && (left == right) != whileEqual) {
        most = 0;
        finished = true;
        break;
      }
      finished = !count;
      if (load<u32>(APIC_WRITE)) most = 0; // what follows the write comes before the next iteration
    }
  }
  if (compares) setStatus(subtractStatus(left, right, (left - right) & sizeMask(size), size));
  return finished;
}
