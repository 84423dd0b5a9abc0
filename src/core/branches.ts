// What the control-transfer and stack operations call: leaving superblocks, targets, loops, pushes and pops outside the plain
// 64-bit case (16- and 32-bit code, 16-bit operands in 64-bit code).

import { RIGHTS_DB, VECTOR_GP } from './bits.ts';
import { codeSpaceLimit } from './cache.ts';
import { condition } from './conditions.ts';
import { raise } from './events.ts';
import {
  ACCESS_READ,
  ACCESS_WRITE,
  CODE_MODE,
  CODE_SPACE_KEY,
  EA,
  LF_RES,
  RBP,
  RCX,
  REMAINING,
  RIP,
  RSP,
  SEG_BASE,
  SEG_FLAT,
  SEG_RIGHTS,
  SS,
  STATE,
} from './layout.ts';
import { rd, readMemory, wrm, writeMemory } from './memory.ts';
import { segmentAddress } from './segments.ts';
import { setStackPointer, stackMask } from './stack.ts';
import { isCanonical, keyOfRip, segment } from './state.ts';
import { headerOf, syncOp } from './sync.ts';

/** A superblock may run when at least this much budget remains: more than its instructions. */
export const MIN_REMAINING: i32 = 64;

export function exitTo(key: u64, rem: i32): void {
  store<u64>(RIP, key);
  store<i32>(REMAINING, rem);
}

/** Key of the target of a fused jump. */
export function relativeTarget(op: usize): u64 {
  return load<u64>(headerOf(op), 16) + <u64>(<i64>load<i32>(op, 28));
}

/** #GP(0) at the jump itself when its 64-bit target is not canonical. */
export function checkTarget(target: u64, op: usize, rem: i32): void {
  if (isCanonical(target)) return;
  syncOp(op, rem);
  raise(VECTOR_GP, 0);
}

// ---- LOOP, JCXZ -------------------------------------------------------------------------------------------------------

function countRegister(addressSize: u32): u64 {
  if (addressSize == 3) return load<u64>(RCX);
  return addressSize == 2 ? <u64>load<u32>(RCX) : <u64>load<u16>(RCX);
}

function loopHolds(kind: u32, left: u64): bool {
  if (kind == 0) return left != 0 && load<u64>(LF_RES) != 0;
  if (kind == 1) return left != 0 && load<u64>(LF_RES) == 0;
  return left != 0;
}

/** Counts down and says whether to jump: kind 0 LOOPNE, 1 LOOPE, 2 LOOP, 3 JCXZ. */
export function loopTaken(kind: u32, addressSize: u32): bool {
  if (kind == 3) return countRegister(addressSize) == 0;
  const left = countRegister(addressSize) - 1;
  if (addressSize == 3) store<u64>(RCX, left);
  else if (addressSize == 2) store<u64>(RCX, left & 0xffffffff);
  else store<u16>(RCX, <u16>left);
  return loopHolds(kind, addressSize == 3 ? left : addressSize == 2 ? left & 0xffffffff : left & 0xffff);
}

/** A jump whose target lies outside the code segment: raises #GP(0) if it is taken, else carries the instruction out. */
export function branchFault(kind: u32, addressSize: u32): void {
  let taken: bool;
  if (kind < 16) taken = condition(kind);
  else if (kind == 16) taken = true;
  else {
    const before = load<u64>(RCX);
    taken = loopTaken(kind - 17, addressSize);
    if (taken) store<u64>(RCX, before);
  }
  if (taken) raise(VECTOR_GP, 0);
}

// ---- Addresses --------------------------------------------------------------------------------------------------------

/** An address operation whose segment is not known to be flat; #GP or #SS as `segmentAddress` decides. */
export function addressChecked(offset: u64, op: usize, rem: i32): void {
  syncOp(op, rem);
  const access: u32 = load<u32>(op, 24) == 2 ? ACCESS_WRITE : ACCESS_READ;
  store<u64>(EA, segmentAddress(load<u8>(op, 4), offset, load<u8>(op, 5), access));
}

// ---- Stack outside the plain 64-bit case --------------------------------------------------------------------------------

/** @inline */
function flatStack(check: u32): bool {
  return (
    load<u32>(CODE_MODE) == 1 &&
    (load<u32>(segment(SS), SEG_FLAT) & check) != 0 &&
    (load<u32>(segment(SS), SEG_RIGHTS) & RIGHTS_DB) != 0
  );
}

/** Pushes 2, 4 or 8 bytes (size 1 to 3). */
export function pushLegacy(value: u64, size: u32, op: usize, rem: i32): void {
  if (size == 2 && flatStack(2)) {
    const sp = load<u32>(RSP) - 4;
    wrm<u32>(<u64>(<u32>load<u64>(segment(SS), SEG_BASE) + sp), <u32>value, op, rem);
    store<u64>(RSP, <u64>sp);
    return;
  }
  syncOp(op, rem);
  pushSized(value, size);
}

/** The same with RIP and REMAINING already synchronised. */
export function pushSized(value: u64, size: u32): void {
  const mask = stackMask();
  const sp = (load<u64>(RSP) - <u64>(1 << size)) & mask;
  writeMemory(segmentAddress(SS, sp, 1 << size, ACCESS_WRITE), size, value);
  setStackPointer(sp, mask);
}

function readTop(sp: u64, size: u32): u64 {
  return readMemory(segmentAddress(SS, sp, 1 << size, ACCESS_READ), size);
}

/** Pops into a register by its offset from STATE. */
export function popLegacy(register: usize, size: u32, op: usize, rem: i32): void {
  if (size == 2 && flatStack(1)) {
    const sp = load<u32>(RSP);
    const value = rd<u32>(<u64>(<u32>load<u64>(segment(SS), SEG_BASE) + sp), op, rem);
    store<u64>(RSP, <u64>(sp + 4));
    store<u64>(register, <u64>value, STATE);
    return;
  }
  syncOp(op, rem);
  const value = popSized(size);
  if (size == 1) store<u16>(register, <u16>value, STATE);
  else store<u64>(register, value, STATE);
}

/** Pops 2, 4 or 8 bytes, zero-extended, with RIP and REMAINING already synchronised. */
export function popSized(size: u32): u64 {
  const mask = stackMask();
  const sp = load<u64>(RSP) & mask;
  const value = readTop(sp, size);
  setStackPointer(sp + <u64>(1 << size), mask);
  return value;
}

export function popLegacyTo(linear: u64, size: u32): void {
  const mask = stackMask();
  const sp = load<u64>(RSP) & mask;
  writeMemory(linear, size, readTop(sp, size));
  setStackPointer(sp + <u64>(1 << size), mask);
}

export function leaveLegacy(size: u32): void {
  const mask = stackMask();
  const sp = load<u64>(RBP) & mask;
  const value = readTop(sp, size);
  setStackPointer(sp + <u64>(1 << size), mask);
  if (size == 1) store<u16>(RBP, <u16>value);
  else store<u64>(RBP, value);
}

// ---- Indirect jumps in 16- and 32-bit code ------------------------------------------------------------------------------

/** Key of an EIP of an operand size, checked against the CS limit. */
function targetKey(target: u64, size: u32): u64 {
  const eip = size == 1 ? target & 0xffff : target & 0xffffffff;
  if (eip > <u64>codeSpaceLimit(load<u64>(CODE_SPACE_KEY))) raise(VECTOR_GP, 0);
  return keyOfRip(eip);
}

function retireTo(key: u64): void {
  store<u64>(RIP, key);
  store<i32>(REMAINING, load<i32>(REMAINING) - 1);
}

export function jumpLegacy(target: u64, size: u32): void {
  retireTo(targetKey(target, size));
}

export function callLegacy(target: u64, size: u32, returnAddress: u64): void {
  const key = targetKey(target, size);
  pushSized(returnAddress, size);
  retireTo(key);
}

export function returnLegacy(size: u32, release: u32): void {
  const mask = stackMask();
  const sp = load<u64>(RSP) & mask;
  const key = targetKey(readTop(sp, size), size);
  setStackPointer(sp + <u64>(1 << size) + <u64>release, mask);
  retireTo(key);
}
