// Far jumps, calls and returns (SDM "JMP", "CALL", "RET"): direct, through call gates and task gates, to other levels.

import { CODE_MODE, CPL, CS, RIP, RSP, SI_NEXT, SS, STOP, TR } from './layout.ts';
import { RIGHTS_DB, RIGHTS_S, VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_TS } from './bits.ts';
import { privilegeAt, writeAs } from './access.ts';
import { innerPointer, innerSelector, innerStack } from './gates.ts';
import { raise } from './events.ts';
import { readMemory, sysRead } from './memory.ts';
import {
  descriptorBase,
  descriptorDpl,
  descriptorLimit,
  descriptorPresent,
  descriptorRights,
  descriptorType,
  dropInaccessible,
  fetchDescriptor,
  inTable,
  isCode,
  isConforming,
  isLongCode,
  isWritableData,
  loadChecked,
  loadCode,
  readDescriptor,
  segmentAddress,
  setNullStack,
  setRealSegment,
  setV86Segment,
  withinLimit,
} from './segments.ts';
import { retire } from './slow.ts';
import { beginStack, commitStack, popItem, pushItem, setStackPointer, skipItems, stackMask } from './stack.ts';
import {
  MODE_64,
  getNextRip,
  isCanonical,
  isLongMode,
  isProtected,
  isV86,
  segBase,
  segLimit,
  segSelector,
  setRip,
  updateMode,
} from './state.ts';
import { BY_CALL, BY_JUMP, availableTask, switchTask } from './task.ts';

const CALL_GATE_16: u32 = 4;
const TASK_GATE: u32 = 5;
const CALL_GATE: u32 = 12; // 32-bit, or 64-bit in IA-32e mode

/** Retires a transfer whose target is in CS already: computes the mode and sets RIP. */
export function arrive(rip: u64): void {
  updateMode();
  setRip(rip);
  retireHere();
}

/** Retires an instruction that has set RIP itself. */
export function retireHere(): void {
  store<u64>(SI_NEXT, load<u64>(RIP));
  retire();
}

/** Address of the instruction after this one, as pushed. */
function nextIp(): u64 {
  const next = getNextRip();
  return load<u32>(CODE_MODE) == MODE_64 ? next : next & 0xffffffff;
}

function realOrV86(): bool {
  return !isProtected() || isV86();
}

function loadRealCode(selector: u32): void {
  if (isV86()) setV86Segment(CS, selector);
  else setRealSegment(CS, selector);
}

/** The offset of a target in a checked code segment; #GP(0) outside it. */
export function checkTarget(offset: u64, code: u64): void {
  if (isLongCode(code)) {
    if (!isCanonical(offset)) raise(VECTOR_GP, 0);
  } else if (offset > <u64>descriptorLimit(code)) raise(VECTOR_GP, 0);
}

/** A code segment with both L and D set is invalid in IA-32e mode. */
function checkLongBits(code: u64, error: u32): void {
  if (isLongMode() && (descriptorRights(code) & 0x6000) == 0x6000) raise(VECTOR_GP, error);
}

/** A code segment that a direct jump or call may go to. */
function checkDirect(selector: u32, code: u64): void {
  const error = selector & 0xfffc;
  const cpl = load<u32>(CPL);
  checkLongBits(code, error);
  const dpl = descriptorDpl(code);
  if (isConforming(code)) {
    if (dpl > cpl) raise(VECTOR_GP, error);
  } else if ((selector & 3) > cpl || dpl != cpl) raise(VECTOR_GP, error);
  if (!descriptorPresent(code)) raise(VECTOR_NP, error);
}

/** Reads the 64-bit form's second half; its type field must be 0. */
function gateHigh(selector: u32): u64 {
  const error = selector & 0xfffc;
  if (!inTable(selector, 16)) raise(VECTOR_GP, error);
  const high = readDescriptor(selector, true);
  if ((high >> 40) & 31) raise(VECTOR_GP, error);
  return high;
}

function gateChecks(selector: u32, gate: u64): void {
  const error = selector & 0xfffc;
  const dpl = descriptorDpl(gate);
  if (dpl < load<u32>(CPL) || dpl < (selector & 3)) raise(VECTOR_GP, error);
  if (!descriptorPresent(gate)) raise(VECTOR_NP, error);
}

// ---- Jump ---------------------------------------------------------------------------------------------------------------

/** JMP far. */
export function farJump(selector: u32, offset: u64): void {
  if (realOrV86()) {
    if (offset > <u64>segLimit(CS)) raise(VECTOR_GP, 0);
    loadRealCode(selector);
    arrive(offset);
    return;
  }
  if (!(selector & 0xfffc)) raise(VECTOR_GP, 0);
  const error = selector & 0xfffc;
  const descriptor = fetchDescriptor(selector, VECTOR_GP, 0);
  if (descriptorType(descriptor) & RIGHTS_S) {
    if (!isCode(descriptor)) raise(VECTOR_GP, error);
    checkDirect(selector, descriptor);
    checkTarget(offset, descriptor);
    loadCode(selector, descriptor, load<u32>(CPL));
    arrive(offset);
    return;
  }
  const type = descriptorType(descriptor);
  if (type == CALL_GATE || (type == CALL_GATE_16 && !isLongMode())) jumpThroughGate(selector, descriptor);
  else if (isLongMode()) raise(VECTOR_GP, error);
  else task(selector, descriptor, BY_JUMP);
}

function jumpThroughGate(selector: u32, gate: u64): void {
  const target = gateTarget(selector, gate);
  const codeSelector = <u32>(gate >> 16) & 0xffff;
  const code = gateCode(codeSelector);
  const cpl = load<u32>(CPL);
  const dpl = descriptorDpl(code);
  const error = codeSelector & 0xfffc;
  if (isConforming(code) ? dpl > cpl : dpl != cpl) raise(VECTOR_GP, error);
  if (!descriptorPresent(code)) raise(VECTOR_NP, error);
  checkTarget(target, code);
  loadCode(codeSelector, code, cpl);
  arrive(target);
}

/** Checks the gate itself and answers its target's offset. */
function gateTarget(selector: u32, gate: u64): u64 {
  const long = isLongMode();
  const high: u64 = long ? gateHigh(selector) : 0;
  gateChecks(selector, gate);
  if (descriptorType(gate) == CALL_GATE_16) return gate & 0xffff;
  return (gate & 0xffff) | ((gate >> 32) & 0xffff0000) | (high << 32);
}

/** The code segment that a call gate names, apart from privilege and presence. */
function gateCode(selector: u32): u64 {
  if (!(selector & 0xfffc)) raise(VECTOR_GP, 0);
  const code = fetchDescriptor(selector, VECTOR_GP, 0);
  if (!isCode(code)) raise(VECTOR_GP, selector & 0xfffc);
  if (isLongMode() && (descriptorRights(code) & 0x6000) != 0x2000) raise(VECTOR_GP, selector & 0xfffc);
  return code;
}

/** A far transfer to a TSS or task gate. */
function task(selector: u32, descriptor: u64, source: u32): void {
  const type = descriptorType(descriptor);
  if (type != TASK_GATE && type != 1 && type != 9) raise(VECTOR_GP, selector & 0xfffc);
  gateChecks(selector, descriptor);
  const target = type == TASK_GATE ? <u32>(descriptor >> 16) & 0xffff : selector;
  const tss = availableTask(target, 0);
  switchTask(target, tss, source, <u32>nextIp(), 0, 0, 0);
  retireUnlessExit();
}

/** Retires after a task switch, unless it became a VM exit. */
export function retireUnlessExit(): void {
  if (!load<u32>(STOP)) retireHere();
}

// ---- Call ---------------------------------------------------------------------------------------------------------------

/** CALL far; `size` 1 to 3 is the operand size. */
export function farCall(selector: u32, offset: u64, size: u32): void {
  if (realOrV86()) {
    beginStack();
    pushItem(size, segSelector(CS));
    pushItem(size, nextIp());
    if (offset > <u64>segLimit(CS)) raise(VECTOR_GP, 0);
    commitStack();
    loadRealCode(selector);
    arrive(offset);
    return;
  }
  if (!(selector & 0xfffc)) raise(VECTOR_GP, 0);
  const error = selector & 0xfffc;
  const descriptor = fetchDescriptor(selector, VECTOR_GP, 0);
  if (descriptorType(descriptor) & RIGHTS_S) {
    if (!isCode(descriptor)) raise(VECTOR_GP, error);
    checkDirect(selector, descriptor);
    pushReturn(size);
    checkTarget(offset, descriptor);
    commitStack();
    loadCode(selector, descriptor, load<u32>(CPL));
    arrive(offset);
    return;
  }
  const type = descriptorType(descriptor);
  if (type == CALL_GATE || (type == CALL_GATE_16 && !isLongMode())) callThroughGate(selector, descriptor);
  else if (isLongMode()) raise(VECTOR_GP, error);
  else task(selector, descriptor, BY_CALL);
}

function pushReturn(size: u32): void {
  beginStack();
  pushItem(size, segSelector(CS));
  pushItem(size, nextIp());
}

function callThroughGate(selector: u32, gate: u64): void {
  const target = gateTarget(selector, gate);
  const codeSelector = <u32>(gate >> 16) & 0xffff;
  const code = gateCode(codeSelector);
  const cpl = load<u32>(CPL);
  const dpl = descriptorDpl(code);
  if (dpl > cpl) raise(VECTOR_GP, codeSelector & 0xfffc);
  if (!descriptorPresent(code)) raise(VECTOR_NP, codeSelector & 0xfffc);
  const size: u32 = isLongMode() ? 3 : descriptorType(gate) == CALL_GATE ? 2 : 1;
  if (isConforming(code) || dpl == cpl) {
    // In IA-32e mode the pushes of a call gate are 64 bits wide, even from compatibility mode.
    pushReturn(size);
    checkTarget(target, code);
    commitStack();
    loadCode(codeSelector, code, cpl);
    arrive(target);
  } else if (size == 3) callInnerLong(codeSelector, code, target);
  else callInner(codeSelector, code, target, size, <u32>(gate >> 32) & 31);
}

function callInnerLong(selector: u32, code: u64, target: u64): void {
  const cpl = descriptorDpl(code);
  const offset = 4 + cpl * 8;
  if (<u32>offset + 7 > segLimit(TR)) raise(VECTOR_TS, segSelector(TR) & 0xfffc);
  const stack = sysRead<u64>(segBase(TR) + offset);
  if (!isCanonical(stack) || !isCanonical(stack - 32)) raise(VECTOR_SS, 0);
  checkTarget(target, code);
  const privilege = privilegeAt(cpl);
  writeAs(stack - 8, 8, segSelector(SS), privilege);
  writeAs(stack - 16, 8, load<u64>(RSP), privilege);
  writeAs(stack - 24, 8, segSelector(CS), privilege);
  writeAs(stack - 32, 8, nextIp(), privilege);
  loadCode(selector, code, cpl);
  setNullStack(cpl, cpl);
  store<u64>(RSP, stack - 32);
  arrive(target);
}

/** A call to an inner level through a 16- or 32-bit gate: the stack switches, `count` parameters are copied. */
function callInner(selector: u32, code: u64, target: u64, size: u32, count: u32): void {
  const cpl = descriptorDpl(code);
  const stack = innerStack(cpl, 0);
  const stackSelector = innerSelector;
  const bytes: u32 = 1 << size;
  const rights = descriptorRights(stack);
  const limit = descriptorLimit(stack);
  const base = descriptorBase(stack);
  const mask: u64 = rights & RIGHTS_DB ? 0xffffffff : 0xffff;
  const privilege = privilegeAt(cpl);
  const oldSs = segSelector(SS);
  const oldSp = load<u64>(RSP);
  let pointer = innerPointer & mask;
  for (let i: u32 = 1; i <= count + 4; i++) {
    if (!withinLimit(rights, limit, (pointer - i * bytes) & mask, bytes)) raise(VECTOR_SS, stackSelector & 0xfffc);
  }
  checkTarget(target, code);
  const oldMask = stackMask();
  for (let i: u32 = 0; i < count + 4; i++) {
    let value: u64;
    if (i == 0) value = oldSs;
    else if (i == 1) value = oldSp;
    else if (i < count + 2) {
      const from = (oldSp + (count + 1 - i) * bytes) & oldMask;
      value = readMemory(segmentAddress(SS, from, bytes, 0), size);
    } else if (i == count + 2) value = segSelector(CS);
    else value = nextIp();
    pointer = (pointer - bytes) & mask;
    writeAs((base + pointer) & 0xffffffff, bytes, size == 1 ? value & 0xffff : value & 0xffffffff, privilege);
  }
  loadChecked(SS, stackSelector, stack);
  loadCode(selector, code, cpl);
  store<u64>(RSP, mask == 0xffff ? (innerPointer & 0xffff0000) | pointer : pointer);
  arrive(target);
}

// ---- Return -------------------------------------------------------------------------------------------------------------

/** RET far; `extra` bytes are released above the return address. */
export function farReturn(size: u32, extra: u32): void {
  beginStack();
  const offset = popItem(size);
  const selector = <u32>popItem(size) & 0xffff;
  if (realOrV86()) {
    if (offset > <u64>segLimit(CS)) raise(VECTOR_GP, 0);
    skipItems(extra);
    commitStack();
    loadRealCode(selector);
    arrive(offset);
    return;
  }
  const code = returnCode(selector);
  const cpl = selector & 3;
  skipItems(extra);
  if (cpl == load<u32>(CPL)) {
    checkTarget(offset, code);
    commitStack();
    loadCode(selector, code, cpl);
    arrive(offset);
    return;
  }
  const stackPointer = popItem(size);
  const stackSelector = <u32>popItem(size) & 0xffff;
  const stack = returnStack(stackSelector, cpl, isLongCode(code));
  checkTarget(offset, code);
  loadCode(selector, code, cpl);
  loadReturnStack(stackSelector, stack, cpl);
  updateMode();
  setStackPointer(stackPointer + extra, stackMask());
  dropInaccessible(cpl);
  arrive(offset);
}

/** The code segment that RET or IRET goes back to, with every check. */
export function returnCode(selector: u32): u64 {
  if (!(selector & 0xfffc)) raise(VECTOR_GP, 0);
  const error = selector & 0xfffc;
  const code = fetchDescriptor(selector, VECTOR_GP, 0);
  const rpl = selector & 3;
  if (!isCode(code) || rpl < load<u32>(CPL)) raise(VECTOR_GP, error);
  checkLongBits(code, error);
  const dpl = descriptorDpl(code);
  if (isConforming(code) ? dpl > rpl : dpl != rpl) raise(VECTOR_GP, error);
  if (!descriptorPresent(code)) raise(VECTOR_NP, error);
  return code;
}

/** The stack segment that RET or IRET goes back to; 0 stands for a null SS, which 64-bit code below CPL 3 may have. */
export function returnStack(selector: u32, cpl: u32, long: bool): u64 {
  if (!(selector & 0xfffc)) {
    if (!long || cpl == 3 || (selector & 3) != cpl) raise(VECTOR_GP, 0);
    return 0;
  }
  const error = selector & 0xfffc;
  const stack = fetchDescriptor(selector, VECTOR_GP, 0);
  if ((selector & 3) != cpl || !isWritableData(stack) || descriptorDpl(stack) != cpl) raise(VECTOR_GP, error);
  if (!descriptorPresent(stack)) raise(VECTOR_SS, error);
  return stack;
}

export function loadReturnStack(selector: u32, stack: u64, cpl: u32): void {
  if (stack) loadChecked(SS, selector, stack);
  else setNullStack(selector, cpl);
}
