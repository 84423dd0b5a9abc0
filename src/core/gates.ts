// Delivery through the interrupt vector table, and through gates of the IDT: frames, stacks of inner levels, error codes
// (SDM "INT n/INTO/INT3/INT1 - Call to Interrupt Procedure").

import {
  CS,
  DS,
  ES,
  EVENT_DR6,
  EVENT_HARDWARE,
  EVENT_PRIVILEGED,
  EVENT_SOFTWARE_EXCEPTION,
  EVENT_SOFTWARE_INTERRUPT,
  FS,
  GS,
  IDTR_BASE,
  IDTR_LIMIT,
  CPL,
  RSP,
  SS,
  SYSTEM_FLAGS,
  TR,
} from './layout.ts';
import {
  FLAG_AC,
  FLAG_IF,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  FLAG_VM,
  RIGHTS_DB,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
  VECTOR_TS,
} from './bits.ts';
import { privilegeAt, writeAs } from './access.ts';
import { raise } from './events.ts';
import { getFlags } from './flags.ts';
import { sysRead } from './memory.ts';
import {
  descriptorBase,
  descriptorDpl,
  descriptorLimit,
  descriptorPresent,
  descriptorRights,
  fetchDescriptor,
  isCode,
  isConforming,
  isWritableData,
  loadChecked,
  loadCode,
  setNullSegment,
  setNullStack,
  setRealSegment,
  withinLimit,
} from './segments.ts';
import { getRip, isCanonical, isV86, segBase, segLimit, segRights, segSelector, setRip, updateMode } from './state.ts';
import { taskGate } from './task.ts';

/** INT n, INT1, INT3 and INTO: the instruction is behind the return address. */
export function isSoftware(type: u32): bool {
  return type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_PRIVILEGED || type == EVENT_SOFTWARE_EXCEPTION;
}

/** Whether the RFLAGS image of an event has RF set: faults, apart from instruction breakpoints. */
export function setsResume(vector: u32, type: u32): bool {
  if (type != EVENT_HARDWARE) return false;
  return vector != VECTOR_DB || (load<u64>(EVENT_DR6) & (1 << 13)) != 0;
}

/** RFLAGS as pushed. */
function flagsImage(vector: u32, type: u32): u64 {
  return setsResume(vector, type) ? getFlags() | FLAG_RF : getFlags();
}

function externalBit(type: u32): u32 {
  return type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_SOFTWARE_EXCEPTION ? 0 : 1;
}

function clearOnEntry(interruptGate: bool): void {
  const clear = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (interruptGate ? FLAG_IF : 0);
  store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) & ~clear);
}

// ---- Real-address mode ------------------------------------------------------------------------------------------------

/** Delivers through the interrupt vector table; also INT n in virtual-8086 mode where VME redirects it to 8086 code. */
export function deliverReal(vector: u32, length: u32): void {
  if (vector * 4 + 3 > load<u32>(IDTR_LIMIT)) raise(VECTOR_GP, vector * 8 + 2);
  const entry = sysRead<u32>(load<u64>(IDTR_BASE) + vector * 4);
  const frame = new16BitFrame();
  pushWord(frame, 0, <u32>getFlags());
  pushWord(frame, 1, segSelector(CS));
  pushWord(frame, 2, <u32>getRip() + length);
  if ((entry & 0xffff) > segLimit(CS)) raise(VECTOR_GP, 0);
  setStackPointer(frame);
  setRealSegment(CS, entry >> 16);
  store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) & ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF));
  updateMode();
  setRip(entry & 0xffff);
}

/** Offset of the stack after three words are pushed. */
export function new16BitFrame(): u64 {
  const mask: u64 = segRights(SS) & RIGHTS_DB ? 0xffffffff : 0xffff;
  return (load<u64>(RSP) - 6) & mask;
}

/** Writes the word that is pushed as number `index` (0 first) of a three-word frame. */
export function pushWord(frame: u64, index: u32, value: u32): void {
  const mask: u64 = segRights(SS) & RIGHTS_DB ? 0xffffffff : 0xffff;
  const offset = (frame + 4 - index * 2) & mask;
  if (!withinLimit(segRights(SS), segLimit(SS), offset, 2)) raise(VECTOR_SS, 0);
  writeAs((segBase(SS) + offset) & 0xffffffff, 2, value & 0xffff, privilegeAt(load<u32>(CPL)));
}

/** SP or ESP, by the stack segment's size. */
export function setStackPointer(offset: u64): void {
  if (segRights(SS) & RIGHTS_DB) store<u64>(RSP, offset);
  else store<u16>(RSP, <u16>offset);
}

// ---- IA-32e mode ------------------------------------------------------------------------------------------------------

/** Delivers through the IDT in IA-32e mode. */
export function deliverLong(vector: u32, type: u32, hasError: u32, error: u32, length: u32): void {
  const external = externalBit(type);
  const gateError = vector * 8 + 2 + external;
  if (vector * 16 + 15 > load<u32>(IDTR_LIMIT)) raise(VECTOR_GP, gateError);
  const low = sysRead<u64>(load<u64>(IDTR_BASE) + vector * 16);
  const high = sysRead<u64>(load<u64>(IDTR_BASE) + vector * 16 + 8);
  const gateType = <u32>(low >> 40) & 31;
  if (gateType != 14 && gateType != 15) raise(VECTOR_GP, gateError);
  const cpl = load<u32>(CPL);
  if (!external && descriptorDpl(low) < cpl) raise(VECTOR_GP, gateError);
  if (!descriptorPresent(low)) raise(VECTOR_NP, gateError);
  const selector = <u32>(low >> 16) & 0xffff;
  if (!(selector & 0xfffc)) raise(VECTOR_GP, external);
  const selectorError = (selector & 0xfffc) | external;
  const code = fetchDescriptor(selector, VECTOR_GP, external);
  const dpl = descriptorDpl(code);
  if (!isCode(code) || dpl > cpl) raise(VECTOR_GP, selectorError);
  if ((descriptorRights(code) & 0x6000) != 0x2000) raise(VECTOR_GP, selectorError); // L set, D clear
  if (!descriptorPresent(code)) raise(VECTOR_NP, selectorError);
  const newCpl = isConforming(code) ? cpl : dpl;
  const ist = <u32>(low >> 32) & 7;
  let stack = load<u64>(RSP);
  if (ist || newCpl != cpl) {
    const offset: u32 = ist ? 28 + ist * 8 : 4 + newCpl * 8;
    if (<u32>offset + 7 > segLimit(TR)) raise(VECTOR_TS, (segSelector(TR) & 0xfffc) | external);
    stack = sysRead<u64>(segBase(TR) + offset);
    if (!isCanonical(stack)) raise(VECTOR_SS, external);
  }
  const target = (low & 0xffff) | ((low >> 32) & 0xffff0000) | (high << 32);
  if (!isCanonical(target)) raise(VECTOR_GP, external);
  stack &= ~(<u64>15);
  const count: u64 = hasError ? 6 : 5;
  const top = stack - count * 8;
  if (!isCanonical(top) || !isCanonical(stack - 1)) raise(VECTOR_SS, external);
  const privilege = privilegeAt(newCpl);
  writeAs(stack - 8, 8, segSelector(SS), privilege);
  writeAs(stack - 16, 8, load<u64>(RSP), privilege);
  writeAs(stack - 24, 8, flagsImage(vector, type), privilege);
  writeAs(stack - 32, 8, segSelector(CS), privilege);
  writeAs(stack - 40, 8, isSoftware(type) ? getRip() + length : getRip(), privilege);
  if (hasError) writeAs(stack - 48, 8, error, privilege);
  loadCode(selector, code, newCpl);
  if (newCpl != cpl) setNullStack(newCpl, newCpl);
  store<u64>(RSP, top);
  clearOnEntry(gateType == 14);
  updateMode();
  setRip(target);
}

// ---- Protected mode ---------------------------------------------------------------------------------------------------

// The frame that is being pushed, on the current stack or on that of an inner level.
let frameBase: u64 = 0;
let frameMask: u64 = 0;
let frameOffset: u64 = 0;
let frameSize: u32 = 4;
let framePrivilege: u32 = 0;

function pushFrame(value: u32): void {
  frameOffset = (frameOffset - frameSize) & frameMask;
  const linear = (frameBase + frameOffset) & 0xffffffff;
  writeAs(linear, frameSize, frameSize == 2 ? value & 0xffff : value, framePrivilege);
}

/** Delivers through the IDT in protected mode, also from virtual-8086 mode. */
export function deliverProtected(vector: u32, type: u32, hasError: u32, error: u32, length: u32): void {
  const external = externalBit(type);
  const gateError = vector * 8 + 2 + external;
  if (vector * 8 + 7 > load<u32>(IDTR_LIMIT)) raise(VECTOR_GP, gateError);
  const gate = sysRead<u64>((load<u64>(IDTR_BASE) + vector * 8) & 0xffffffff);
  const gateType = <u32>(gate >> 40) & 31;
  if (gateType != 5 && gateType != 6 && gateType != 7 && gateType != 14 && gateType != 15) raise(VECTOR_GP, gateError);
  const cpl = load<u32>(CPL);
  if (!external && descriptorDpl(gate) < cpl) raise(VECTOR_GP, gateError);
  if (!descriptorPresent(gate)) raise(VECTOR_NP, gateError);
  const selector = <u32>(gate >> 16) & 0xffff;
  if (gateType == 5) {
    taskGate(selector, external, hasError, error, isSoftware(type) ? length : 0);
    return;
  }
  if (!(selector & 0xfffc)) raise(VECTOR_GP, external);
  const selectorError = (selector & 0xfffc) | external;
  const code = fetchDescriptor(selector, VECTOR_GP, external);
  const dpl = descriptorDpl(code);
  if (!isCode(code) || dpl > cpl) raise(VECTOR_GP, selectorError);
  if (!descriptorPresent(code)) raise(VECTOR_NP, selectorError);
  const v86 = isV86();
  const inner = !isConforming(code) && dpl < cpl;
  if (v86 && (!inner || dpl)) raise(VECTOR_GP, selectorError);
  frameSize = gateType & 8 ? 4 : 2;
  const target = gateType & 8 ? (<u32>(gate >> 32) & 0xffff0000) | (<u32>gate & 0xffff) : <u32>gate & 0xffff;
  const flags = <u32>flagsImage(vector, type);
  const rip = <u32>getRip() + (isSoftware(type) ? length : 0);
  const oldSs = segSelector(SS);
  const oldEsp = <u32>load<u64>(RSP);
  const newCpl = isConforming(code) ? cpl : dpl;
  framePrivilege = privilegeAt(newCpl);
  let stackSelector: u32 = 0;
  let stackDescriptor: u64 = 0;
  let words: u32 = hasError ? 4 : 3;
  let rights: u32;
  let limit: u32;
  if (inner) {
    stackDescriptor = innerStack(newCpl, external);
    stackSelector = innerSelector;
    rights = descriptorRights(stackDescriptor);
    limit = descriptorLimit(stackDescriptor);
    frameBase = descriptorBase(stackDescriptor);
    frameOffset = innerPointer;
    words += v86 ? 6 : 2;
  } else {
    rights = segRights(SS);
    limit = segLimit(SS);
    frameBase = segBase(SS);
    frameOffset = load<u64>(RSP);
  }
  frameMask = rights & RIGHTS_DB ? 0xffffffff : 0xffff;
  frameOffset &= frameMask;
  checkRoom(rights, limit, words * frameSize, (inner ? stackSelector & 0xfffc : 0) | external);
  if (target > descriptorLimit(code)) raise(VECTOR_GP, external);
  if (inner) {
    if (v86) {
      pushFrame(segSelector(GS));
      pushFrame(segSelector(FS));
      pushFrame(segSelector(DS));
      pushFrame(segSelector(ES));
    }
    pushFrame(oldSs);
    pushFrame(oldEsp);
  }
  pushFrame(flags);
  pushFrame(segSelector(CS));
  pushFrame(rip);
  if (hasError) pushFrame(error);
  if (inner) {
    store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) & ~FLAG_VM);
    loadChecked(SS, stackSelector, stackDescriptor);
    if (v86) {
      setNullSegment(ES, 0);
      setNullSegment(DS, 0);
      setNullSegment(FS, 0);
      setNullSegment(GS, 0);
    }
  }
  loadCode(selector, code, newCpl);
  if (frameMask == 0xffffffff) store<u64>(RSP, frameOffset);
  else store<u16>(RSP, <u16>frameOffset);
  if (inner && frameMask == 0xffff) store<u64>(RSP, (innerPointer & 0xffff0000) | frameOffset);
  clearOnEntry((gateType & 1) == 0);
  updateMode();
  setRip(target);
}

/** Whether `bytes` more fit on the stack of the frame; #SS with the error code otherwise. */
function checkRoom(rights: u32, limit: u32, bytes: u32, error: u32): void {
  // Pushes wrap within the mask, each item is checked as it would be written.
  let offset = frameOffset;
  for (let done: u32 = 0; done < bytes; done += frameSize) {
    offset = (offset - frameSize) & frameMask;
    if (!withinLimit(rights, limit, offset, frameSize)) raise(VECTOR_SS, error);
  }
}

/** Selector and pointer that `innerStack` took from the TSS. */
export let innerSelector: u32 = 0;
export let innerPointer: u64 = 0;

/** SS descriptor of an inner level's stack from the TSS, with every check of a switch of stacks. */
export function innerStack(cpl: u32, external: u32): u64 {
  const tssError = (segSelector(TR) & 0xfffc) | external;
  if (segRights(TR) & 8) {
    const offset = cpl * 8 + 4;
    if (offset + 5 > segLimit(TR)) raise(VECTOR_TS, tssError);
    innerPointer = sysRead<u32>((segBase(TR) + offset) & 0xffffffff);
    innerSelector = sysRead<u16>((segBase(TR) + offset + 4) & 0xffffffff);
  } else {
    const offset = cpl * 4 + 2;
    if (offset + 3 > segLimit(TR)) raise(VECTOR_TS, tssError);
    innerPointer = sysRead<u16>((segBase(TR) + offset) & 0xffffffff);
    innerSelector = sysRead<u16>((segBase(TR) + offset + 2) & 0xffffffff);
  }
  const selector = innerSelector;
  if (!(selector & 0xfffc)) raise(VECTOR_TS, external);
  const error = (selector & 0xfffc) | external;
  const descriptor = fetchDescriptor(selector, VECTOR_TS, external);
  if ((selector & 3) != cpl || descriptorDpl(descriptor) != cpl || !isWritableData(descriptor)) raise(VECTOR_TS, error);
  if (!descriptorPresent(descriptor)) raise(VECTOR_SS, error);
  return descriptor;
}
