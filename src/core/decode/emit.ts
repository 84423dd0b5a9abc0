// Writes decoded operations. All bytes of the instruction have been read by then.

import {
  FAM_ADDRESS,
  FAM_ALU,
  FAM_ALU_QUIET,
  FAM_IMUL,
  FAM_IMUL_QUIET,
  FAM_JCC,
  FAM_SHIFT,
  FAM_SHIFT_QUIET,
  FAM_SLOW,
  FAM_TEST,
  OP_BRANCH_FAULT,
  OP_DATA,
} from '../../../build/core/op-ids.ts';
import { codeSpaceBase, codeSpaceLimit } from '../cache.ts';
import { ABSENT, FS } from '../layout.ts';
import { SL_UD } from '../slow-ids.ts';
import { isCanonical, keyAfter, MODE_64, ripOfKey } from '../state.ts';
import { EA_REGISTER, NO_REGISTER } from './operands.ts';
import { d } from './state.ts';

/** Access kinds of an address operation, as the bits of SEG_FLAT that make it pass. */
export const READS: u32 = 1;
export const WRITES: u32 = 2;

export function length(): u32 {
  return <u32>(d.at - d.start);
}

/** RIP key of the next instruction. */
export function nextKey(): u64 {
  return keyAfter(d.key, length());
}

/** False, and noted, when the instruction reaches beyond the bytes that may be fetched. */
function accepted(): bool {
  if (length() > d.available) d.rejected = true;
  return !d.rejected;
}

/** Clears the next operation and fills what all have; `instructions` it stands for. */
function begin(id: u32, instructions: u32): usize {
  const op = d.op;
  memory.fill(op, 0, 32);
  store<u32>(op, id);
  store<u8>(op, <u8>(d.count + instructions), 9);
  store<u16>(op, <u16>((<u32>d.key & 0xfff) | (instructions << 12)), 10);
  d.op = op + 32;
  return op;
}

function resolvedDisplacement(): i64 {
  return d.ripRelative ? d.displacement + <i64>nextKey() : d.displacement;
}

/** An operation without memory operand. */
export function emit(id: u32): void {
  if (!accepted()) return;
  if (d.last >= 0 && setsAllStatus(id)) quieten(d.op - 32, <u32>d.last);
  const op = begin(id, 1);
  store<u8>(op, <u8>d.destination, 4);
  store<u8>(op, <u8>d.source, 5);
  store<u8>(op, <u8>d.kind, 8);
  store<i64>(op, d.immediate, 24);
  d.last = <i32>id;
}

/** Whether a register-only operation sets all status flags, and so makes those of the one before it dead. */
function setsAllStatus(id: u32): bool {
  if (id >= FAM_ALU && id < FAM_TEST) {
    const operation = (id - FAM_ALU) >> 5;
    return ((id - FAM_ALU) & 7) < 2 && operation != 2 && operation != 3;
  }
  if (id >= FAM_SHIFT && id < FAM_JCC) return id >= FAM_SHIFT + 48 && (id - FAM_SHIFT) % 6 == 0 && d.immediate != 0;
  if (id >= FAM_IMUL && id < FAM_IMUL_QUIET) return (id - FAM_IMUL) % 3 == 0;
  return id >= FAM_TEST && id < FAM_ALU_QUIET && (id - FAM_TEST) % 6 < 2;
}

/** Replaces an operation by its form without flags, where there is one. Nothing can look at the flags in between. */
function quieten(op: usize, id: u32): void {
  if (id >= FAM_ALU && id < FAM_TEST) {
    const operation = (id - FAM_ALU) >> 5;
    const size = ((id - FAM_ALU) >> 3) & 3;
    const form = (id - FAM_ALU) & 7;
    if (size < 2 || form > 3 || operation == 2 || operation == 3 || operation == 7) return;
    store<u32>(op, FAM_ALU_QUIET + (((operation < 2 ? operation : operation - 2) * 2 + size - 2) << 2) + form);
  } else if (id >= FAM_SHIFT && id < FAM_JCC) {
    const row = (id - FAM_SHIFT) / 24;
    const size = ((id - FAM_SHIFT) / 6) & 3;
    if (row >= 2 && size >= 2 && (id - FAM_SHIFT) % 6 == 0) store<u32>(op, FAM_SHIFT_QUIET + (row - 2) * 2 + size - 2);
  } else if (id >= FAM_IMUL && id < FAM_IMUL_QUIET) store<u32>(op, id + (FAM_IMUL_QUIET - FAM_IMUL));
}

/** Whether the memory operand needs an address operation in front. */
export function needsAddress(): bool {
  return d.mode != MODE_64 || d.addressSize != 3 || d.segment >= FS;
}

/** Which address operation: without segment (LEA), or with the segment's rules. */
function addressOperation(plain: bool): u32 {
  if (plain) return FAM_ADDRESS + (d.addressSize == 3 ? 1 : d.addressSize == 2 ? 3 : 4);
  if (d.mode != MODE_64) return FAM_ADDRESS + (d.addressSize == 2 ? 5 : 6);
  if (d.segment < FS) return FAM_ADDRESS + (d.addressSize == 3 ? 1 : 3);
  return FAM_ADDRESS + (d.addressSize == 3 ? 0 : 2);
}

/** Puts the linear address of the memory operand (or with `plain` the effective address) into EA. */
function emitAddress(bytes: u32, access: u32, plain: bool): void {
  const op = begin(addressOperation(plain), 0);
  store<u8>(op, <u8>d.segment, 4);
  store<u8>(op, <u8>bytes, 5);
  store<u8>(op, <u8>d.base, 6);
  store<u8>(op, <u8>d.index, 7);
  store<u8>(op, <u8>d.scale, 8);
  store<i64>(op, resolvedDisplacement(), 16);
  store<i64>(op, <i64>access, 24);
}

function emitOperand(id: u32, throughAddress: bool): void {
  const op = begin(throughAddress || d.index == NO_REGISTER ? id : id + 1, 1);
  store<u8>(op, <u8>d.destination, 4);
  store<u8>(op, <u8>d.source, 5);
  if (throughAddress) {
    store<u8>(op, <u8>EA_REGISTER, 6);
    store<u8>(op, <u8>d.kind, 8);
  } else {
    store<u8>(op, <u8>d.base, 6);
    store<u8>(op, <u8>d.index, 7);
    store<u8>(op, <u8>d.scale, 8);
    store<i64>(op, resolvedDisplacement(), 16);
  }
  store<i64>(op, d.immediate, 24);
  d.last = <i32>load<u32>(op);
}

/** An operation with a memory operand of `bytes`; `id` is its b form and the x form follows. */
export function emitMemory(id: u32, bytes: u32, access: u32): void {
  if (!accepted()) return;
  const address = needsAddress();
  if (address) emitAddress(bytes, access, false);
  emitOperand(id, address);
}

/** An operation that has only a b form and uses byte 8: its address always goes through EA. */
export function emitThroughAddress(id: u32, bytes: u32, access: u32): void {
  if (!accepted()) return;
  emitAddress(bytes, access, false);
  emitOperand(id, true);
}

/** LEA: no segment, no check. */
export function emitEffectiveAddress(id: u32): void {
  if (!accepted()) return;
  // Addresses at least as wide as the operand need no wrapping of their own.
  const address = d.addressSize < d.operandSize || (d.addressSize < 3 && d.ripRelative);
  if (address) emitAddress(0, 0, true);
  emitOperand(id, address);
}

// ---- Jumps ------------------------------------------------------------------------------------------------------------

/** Whether a key lies on another page than the superblock. */
export function farFrom(key: u64): bool {
  return (key & ~0xfff) != (d.blockKey & ~0xfff);
}

let target: u64 = 0;

/** Computes the key of a relative jump's target; false when it lies outside the segment or is not canonical. */
export function jumpTarget(distance: i64): bool {
  const next = nextKey();
  if (d.mode == MODE_64) {
    target = next + <u64>distance;
    return isCanonical(target);
  }
  const mask: u64 = d.operandSize == 1 ? 0xffff : 0xffffffff;
  const eip = (ripOfKey(next) + <u64>distance) & mask;
  target = (next & 0xffffffff00000000) | <u64>(<u32>(codeSpaceBase(next) + eip));
  return eip <= <u64>codeSpaceLimit(next);
}

/** The key that `jumpTarget` computed. */
export function targetKey(): u64 {
  return target;
}

/**
 * A direct jump by operation `near` or `far`, as its target lies on the same page or on another. Where the target is out of
 * bounds the instruction faults if the jump `fault` is taken: 0 to 15 a condition, 16 always, 17 and up the kinds of LOOP.
 */
export function emitJump(near: u32, far: u32, distance: i64, fault: u32, returnAddress: u64): void {
  if (!accepted()) return;
  if (!jumpTarget(distance)) {
    d.destination = d.addressSize;
    d.kind = fault;
    emit(OP_BRANCH_FAULT);
    return;
  }
  linkTo(begin(farFrom(target) ? far : near, 1), returnAddress);
}

function linkTo(op: usize, returnAddress: u64): void {
  store<u32>(op, 0xffffffff, 4); // no generation yet
  store<u8>(op, <u8>d.kind, 8);
  store<u64>(op, returnAddress, 16);
  store<u64>(op, target, 24);
  d.last = -1;
}

/** Instruction fused into the previous operation: it then stands for two. */
export function fuseWithPrevious(id: u32): void {
  const op = d.op - 32;
  store<u32>(op, id);
  store<u8>(op, <u8>(d.count + 1), 9);
  store<u16>(op, <u16>(load<u16>(op, 10) + 0x1000), 10);
  store<u32>(op, 0, 12);
  store<i32>(op, <i32>(target - d.blockKey), 28);
  d.last = -1;
}

/** Whether a jump over `distance` may fuse: same page, target in bounds. */
export function mayFuse(distance: i64): bool {
  return d.fuse && d.last >= 0 && accepted() && jumpTarget(distance) && !farFrom(target);
}

// ---- Slow instructions --------------------------------------------------------------------------------------------------

/** `ends`: the superblock ends here. */
export function emitSlow(id: u32, ends: bool): void {
  if (!accepted()) return;
  const op = begin(FAM_SLOW + u32(!ends), 1);
  store<u8>(op, <u8>id, 4);
  store<u8>(op, <u8>length(), 5);
  if (d.memory) {
    store<u8>(op, <u8>d.base, 6);
    store<u8>(op, <u8>d.index, 7);
    store<u8>(op, <u8>d.scale, 8);
    store<i64>(op, resolvedDisplacement(), 16);
  } else {
    store<u8>(op, <u8>NO_REGISTER, 6);
    store<u8>(op, <u8>NO_REGISTER, 7);
  }
  store<u32>(op, d.opcode, 12);
  store<i64>(op, d.immediate, 24);
  const data = begin(OP_DATA, 0);
  store<u8>(data, <u8>d.operandSize, 4);
  store<u8>(data, <u8>d.addressSize, 5);
  store<u8>(data, u8(d.memory), 6);
  store<u8>(data, <u8>d.reg, 7);
  store<u8>(data, <u8>d.rm, 8);
  store<u8>(data, <u8>d.segment, 9);
  store<u8>(data, u8(d.segmentPrefix >= 0) | (u8(d.lock) << 1), 10);
  store<u8>(data, <u8>d.repeat, 11);
  store<u8>(data, <u8>d.rex, 12);
  store<u8>(data, <u8>d.modrm, 13);
  store<u16>(data, <u16>d.vex, 14);
  store<u32>(data, d.immediate2, 16);
  store<u32>(data, d.sib, 20);
  store<i64>(data, d.displacement, 24);
  d.last = -1;
  if (ends) d.ends = true;
}

export function emitUndefined(): void {
  emitSlow(SL_UD, true);
}

/** The processor lacks an instruction (ABSENT_*). */
export function lacks(feature: u32): bool {
  return (load<u32>(ABSENT) & feature) != 0;
}

/** #UD when the processor lacks the instruction: the caller returns. */
export function absent(feature: u32): bool {
  if (!lacks(feature)) return false;
  emitUndefined();
  return true;
}

/** LOCK on this form is #UD: the caller returns. */
export function badLock(allowed: bool): bool {
  if (!d.lock || allowed) return false;
  emitUndefined();
  return true;
}
