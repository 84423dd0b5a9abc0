// Task switches (SDM "Task Management"; in VMX non-root operation "Treatment of Task Switches").

import {
  CR0,
  CR3,
  CR4,
  CS,
  DR7,
  DS,
  ES,
  EVENT_DR6,
  EVENT_HAS_ERROR,
  EVENT_HARDWARE,
  EXIT_LENGTH,
  FS,
  GDTR_BASE,
  GS,
  LDTR,
  NON_ROOT,
  RSP,
  SI_LENGTH,
  SS,
  TR,
} from './layout.ts';
import {
  CR0_PG,
  CR0_TS,
  CR4_PAE,
  FLAG_NT,
  FLAG_RF,
  FLAG_VM,
  RIGHTS_DB,
  RIGHTS_S,
  RIGHTS_UNUSABLE,
  TYPE_CODE,
  TYPE_CONFORMING,
  TYPE_WRITABLE,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
  VECTOR_TS,
} from './bits.ts';
import { privilegeAt, writeAs } from './access.ts';
import { attend, keepResumeFlag, raise, setEvent } from './events.ts';
import { getFlags, setFlags } from './flags.ts';
import { REASON_TASK_SWITCH, beginExit } from './intercepts.ts';
import { sysRead, sysWrite } from './memory.ts';
import { loadPdptes } from './paging.ts';
import {
  descriptorBase,
  descriptorDpl,
  descriptorLimit,
  descriptorPresent,
  descriptorRights,
  descriptorType,
  fetchDescriptor,
  inTable,
  isCode,
  isWritableData,
  loadChecked,
  readDescriptor,
  setNullSegment,
  setV86Segment,
  withinLimit,
} from './segments.ts';
import {
  getReg,
  getRip,
  segBase,
  segLimit,
  segRights,
  segSelector,
  setReg,
  setRip,
  setSegment,
  updateMode,
} from './state.ts';
import { flushTlb } from './tlb.ts';

// What asks for the switch: the source in the exit qualification.
export const BY_CALL: u32 = 0;
export const BY_IRET: u32 = 1;
export const BY_JUMP: u32 = 2;
export const BY_GATE: u32 = 3;

const IMAGE = memory.data(104, 8); // the new task's TSS, while the switch is made

/** An event met a task gate in the IDT: `length` is that of a software event's instruction. */
export function taskGate(selector: u32, external: u32, hasError: u32, error: u32, length: u32): void {
  const descriptor = availableTask(selector, external);
  switchTask(selector, descriptor, BY_GATE, <u32>getRip() + length, external, hasError, error);
}

/** The TSS descriptor of a task that is called or jumped to: available, present, in the GDT. */
export function availableTask(selector: u32, external: u32): u64 {
  const error = (selector & 0xfffc) | external;
  if (selector & 4 || !(selector & 0xfffc) || !inTable(selector, 8)) raise(VECTOR_GP, error);
  const descriptor = readDescriptor(selector, false);
  const type = descriptorType(descriptor);
  if (type != 1 && type != 9) raise(VECTOR_GP, error);
  if (!descriptorPresent(descriptor)) raise(VECTOR_NP, error);
  return descriptor;
}

/** IRET with NT set: back to the task in the link field. */
export function taskReturn(nextIp: u32): void {
  const selector: u32 = sysRead<u16>(segBase(TR) & 0xffffffff);
  const error = selector & 0xfffc;
  if (selector & 4 || !error || !inTable(selector, 8)) raise(VECTOR_TS, error);
  const descriptor = readDescriptor(selector, false);
  const type = descriptorType(descriptor);
  if (type != 3 && type != 11) raise(VECTOR_TS, error);
  if (!descriptorPresent(descriptor)) raise(VECTOR_NP, error);
  switchTask(selector, descriptor, BY_IRET, nextIp, 0, 0, 0);
}

function setBusy(selector: u32, busy: bool): void {
  const address = (load<u64>(GDTR_BASE) + (selector & 0xfff8) + 5) & 0xffffffff;
  const type = sysRead<u8>(address);
  sysWrite<u8>(address, busy ? type | 2 : type & ~2);
}

/** Switches to the task of a checked TSS descriptor. `nextIp` is saved as EIP of the old task. */
export function switchTask(
  selector: u32,
  descriptor: u64,
  source: u32,
  nextIp: u32,
  external: u32,
  hasError: u32,
  error: u32,
): void {
  if (load<u32>(NON_ROOT)) {
    beginExit(REASON_TASK_SWITCH, <u64>(selector | (source << 30)));
    if (source != BY_GATE) store<u32>(EXIT_LENGTH, load<u32>(SI_LENGTH));
    return;
  }
  const wide = (descriptorType(descriptor) & 8) != 0;
  const limit = descriptorLimit(descriptor);
  if (limit < <u32>(wide ? 0x67 : 0x2b)) raise(VECTOR_TS, (selector & 0xfffc) | external);
  const base = descriptorBase(descriptor);
  const size: u32 = wide ? 104 : 44;
  for (let i: u32 = 0; i < size; i += 4) store<u32>(IMAGE + <usize>i, sysRead<u32>((base + i) & 0xffffffff));
  saveTask(source == BY_IRET ? <u32>getFlags() & ~FLAG_NT : <u32>getFlags(), nextIp);
  const oldSelector = segSelector(TR);
  if (source == BY_CALL || source == BY_GATE) sysWrite<u16>(base & 0xffffffff, <u16>oldSelector);
  if (source == BY_JUMP || source == BY_IRET) setBusy(oldSelector, false);
  if (source != BY_IRET) setBusy(selector, true);
  // From here on the new task runs; faults are its own.
  store<u64>(CR0, load<u64>(CR0) | CR0_TS);
  store<u64>(DR7, load<u64>(DR7) & ~(<u64>0x155));
  setSegment(TR, selector, descriptorRights(descriptor) | 2, limit, base);
  loadTask(wide, source == BY_CALL || source == BY_GATE, external);
  if (hasError) pushError(wide, error, external);
  if (wide && load<u16>(IMAGE, 0x64) & 1) {
    store<u32>(EVENT_HAS_ERROR, 0);
    store<u64>(EVENT_DR6, 1 << 15);
    setEvent(VECTOR_DB, EVENT_HARDWARE, 0);
  }
  attend();
}

function saveTask(flags: u32, nextIp: u32): void {
  const base = segBase(TR);
  if (segRights(TR) & 8) {
    sysWrite<u32>((base + 0x20) & 0xffffffff, nextIp);
    sysWrite<u32>((base + 0x24) & 0xffffffff, flags);
    for (let i: u32 = 0; i < 8; i++) sysWrite<u32>((base + 0x28 + i * 4) & 0xffffffff, <u32>getReg(i));
    for (let i: u32 = ES; i <= GS; i++) sysWrite<u16>((base + 0x48 + i * 4) & 0xffffffff, <u16>segSelector(i));
  } else {
    sysWrite<u16>((base + 0x0e) & 0xffffffff, <u16>nextIp);
    sysWrite<u16>((base + 0x10) & 0xffffffff, <u16>flags);
    for (let i: u32 = 0; i < 8; i++) sysWrite<u16>((base + 0x12 + i * 2) & 0xffffffff, <u16>getReg(i));
    for (let i: u32 = ES; i <= DS; i++) sysWrite<u16>((base + 0x22 + i * 2) & 0xffffffff, <u16>segSelector(i));
  }
}

function loadTask(wide: bool, nested: bool, external: u32): void {
  if (wide && load<u64>(CR0) & CR0_PG) {
    const cr3 = <u64>load<u32>(IMAGE, 0x1c);
    if (load<u64>(CR4) & CR4_PAE && !loadPdptes(cr3)) raise(VECTOR_GP, external);
    store<u64>(CR3, cr3);
    flushTlb(1);
  }
  const eip = wide ? load<u32>(IMAGE, 0x20) : <u32>load<u16>(IMAGE, 0x0e);
  let flags = wide ? load<u32>(IMAGE, 0x24) : <u32>load<u16>(IMAGE, 0x10);
  if (nested) flags |= FLAG_NT;
  for (let i: u32 = 0; i < 8; i++) {
    if (wide) setReg(i, load<u32>(IMAGE + <usize>(i * 4), 0x28));
    else setReg(i, 0xffff0000 | <u64>load<u16>(IMAGE + <usize>(i * 2), 0x12));
  }
  const v86 = wide && (flags & FLAG_VM) != 0;
  const codeSelector = imageSelector(wide, CS);
  const cpl: u32 = v86 ? 3 : codeSelector & 3;
  for (let i: u32 = ES; i <= GS; i++) {
    const selector = imageSelector(wide, i);
    if (v86) setV86Segment(i, selector);
    else setSegment(i, selector, RIGHTS_UNUSABLE | (cpl << 5), 0, 0);
  }
  const ldt: u32 = wide ? load<u16>(IMAGE, 0x60) : load<u16>(IMAGE, 0x2a);
  setSegment(LDTR, ldt, RIGHTS_UNUSABLE, 0, 0);
  setFlags(flags & 0x3f7fd7);
  if (flags & FLAG_RF) keepResumeFlag();
  updateMode();
  setRip(eip);
  loadTaskLdt(ldt, external);
  if (!v86) loadTaskSegments(wide, cpl, external);
  updateMode();
  setRip(eip);
  if (<u64>eip > <u64>segLimit(CS)) raise(VECTOR_GP, external);
}

function imageSelector(wide: bool, segment: u32): u32 {
  if (wide) return load<u16>(IMAGE + <usize>(segment * 4), 0x48);
  return segment > DS ? 0 : load<u16>(IMAGE + <usize>(segment * 2), 0x22);
}

function loadTaskLdt(selector: u32, external: u32): void {
  const error = (selector & 0xfffc) | external;
  if (!(selector & 0xfffc)) return;
  if (selector & 4 || !inTable(selector, 8)) raise(VECTOR_TS, error);
  const descriptor = readDescriptor(selector, false);
  if (descriptorType(descriptor) != 2 || !descriptorPresent(descriptor)) raise(VECTOR_TS, error);
  setSegment(LDTR, selector, descriptorRights(descriptor), descriptorLimit(descriptor), descriptorBase(descriptor));
}

function loadTaskSegments(wide: bool, cpl: u32, external: u32): void {
  const code = imageSelector(wide, CS);
  const codeError = (code & 0xfffc) | external;
  if (!(code & 0xfffc)) raise(VECTOR_TS, codeError);
  const codeDescriptor = fetchDescriptor(code, VECTOR_TS, external);
  const codeDpl = descriptorDpl(codeDescriptor);
  if (!isCode(codeDescriptor)) raise(VECTOR_TS, codeError);
  if (descriptorType(codeDescriptor) & TYPE_CONFORMING ? codeDpl > cpl : codeDpl != cpl) raise(VECTOR_TS, codeError);
  if (!descriptorPresent(codeDescriptor)) raise(VECTOR_NP, codeError);
  loadChecked(CS, code, codeDescriptor);
  const stack = imageSelector(wide, SS);
  const stackError = (stack & 0xfffc) | external;
  if (!(stack & 0xfffc)) raise(VECTOR_TS, stackError);
  const stackDescriptor = fetchDescriptor(stack, VECTOR_TS, external);
  if (!isWritableData(stackDescriptor) || descriptorDpl(stackDescriptor) != cpl || (stack & 3) != cpl) {
    raise(VECTOR_TS, stackError);
  }
  if (!descriptorPresent(stackDescriptor)) raise(VECTOR_SS, stackError);
  loadChecked(SS, stack, stackDescriptor);
  loadTaskData(ES, imageSelector(wide, ES), cpl, external);
  loadTaskData(DS, imageSelector(wide, DS), cpl, external);
  loadTaskData(FS, imageSelector(wide, FS), cpl, external);
  loadTaskData(GS, imageSelector(wide, GS), cpl, external);
}

function loadTaskData(segment: u32, selector: u32, cpl: u32, external: u32): void {
  if (!(selector & 0xfffc)) {
    setNullSegment(segment, selector);
    return;
  }
  const error = (selector & 0xfffc) | external;
  const descriptor = fetchDescriptor(selector, VECTOR_TS, external);
  const type = descriptorType(descriptor);
  if (!(type & RIGHTS_S) || (type & (TYPE_CODE | TYPE_WRITABLE)) == TYPE_CODE) raise(VECTOR_TS, error);
  if ((type & (TYPE_CODE | TYPE_CONFORMING)) != (TYPE_CODE | TYPE_CONFORMING)) {
    const dpl = descriptorDpl(descriptor);
    if ((selector & 3) > dpl || cpl > dpl) raise(VECTOR_TS, error);
  }
  if (!descriptorPresent(descriptor)) raise(VECTOR_NP, error);
  loadChecked(segment, selector, descriptor);
}

/** The error code of the exception that switched tasks, on the new task's stack. */
function pushError(wide: bool, error: u32, external: u32): void {
  const size: u32 = wide ? 4 : 2;
  const mask: u64 = segRights(SS) & RIGHTS_DB ? 0xffffffff : 0xffff;
  const offset = (load<u64>(RSP) - size) & mask;
  if (!withinLimit(segRights(SS), segLimit(SS), offset, size)) raise(VECTOR_SS, external);
  writeAs((segBase(SS) + offset) & 0xffffffff, size, error, privilegeAt((segRights(SS) >> 5) & 3));
  if (mask == 0xffffffff) store<u64>(RSP, offset);
  else store<u16>(RSP, <u16>offset);
}
