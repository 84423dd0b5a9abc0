// Segment registers, descriptors, and the address checks of segmentation (SDM "Protected-Mode Memory Management" and
// "Protection").

import {
  ACCESS_EXECUTE,
  ACCESS_WRITE,
  CPL,
  CS,
  FS,
  GDTR_BASE,
  GDTR_LIMIT,
  LDTR,
  SEG_BASE,
  SEG_LIMIT,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SS,
} from './layout.ts';
import {
  RIGHTS_DB,
  RIGHTS_L,
  RIGHTS_S,
  RIGHTS_UNUSABLE,
  TYPE_ACCESSED,
  TYPE_CODE,
  TYPE_CONFORMING,
  TYPE_EXPAND_DOWN,
  TYPE_WRITABLE,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
} from './bits.ts';
import {
  isCanonical,
  isCode64,
  isLongMode,
  isProtected,
  isV86,
  segBase,
  segLimit,
  segRights,
  segment as segmentRecord,
  setSegment,
} from './state.ts';
import { sysRead, sysWrite } from './memory.ts';
import { raise } from './events.ts';

// ---- Registers --------------------------------------------------------------------------------------------------------

/** Real-address mode: only selector and base change. */
export function setRealSegment(segment: u32, selector: u32): void {
  const at = segmentRecord(segment);
  store<u32>(at, selector, SEG_SELECTOR);
  store<u64>(at, (<u64>selector) << 4, SEG_BASE);
  // Rights and limit stay as protected mode left them (CS.D, too).
  if (load<u32>(at, SEG_RIGHTS) & RIGHTS_UNUSABLE) {
    store<u32>(at, 0x93, SEG_RIGHTS);
    store<u32>(at, 0xffff, SEG_LIMIT);
  }
}

/** Virtual-8086 mode: base, limit and rights follow from the selector. */
export function setV86Segment(segment: u32, selector: u32): void {
  setSegment(segment, selector, 0xf3, 0xffff, (<u64>selector) << 4);
}

/** A null selector in a data segment register. */
export function setNullSegment(segment: u32, selector: u32): void {
  setSegment(segment, selector, RIGHTS_UNUSABLE, 0, 0);
}

// ---- Descriptors ------------------------------------------------------------------------------------------------------

/** Access rights in VMCS format. */
export function descriptorRights(descriptor: u64): u32 {
  return <u32>(descriptor >> 40) & 0xf0ff;
}
export function descriptorDpl(descriptor: u64): u32 {
  return <u32>(descriptor >> 45) & 3;
}
/** Limit in bytes, granularity applied. */
export function descriptorLimit(descriptor: u64): u32 {
  const limit = (<u32>descriptor & 0xffff) | (<u32>(descriptor >> 32) & 0xf0000);
  return (descriptor >> 55) & 1 ? (limit << 12) | 0xfff : limit;
}
export function descriptorBase(descriptor: u64): u64 {
  return ((descriptor >> 16) & 0xffffff) | ((descriptor >> 32) & 0xff000000);
}
/** Bits 4 to 0 of the type byte: S and type. */
export function descriptorType(descriptor: u64): u32 {
  return <u32>(descriptor >> 40) & 31;
}
export function descriptorPresent(descriptor: u64): bool {
  return ((descriptor >> 47) & 1) != 0;
}
export function isCode(descriptor: u64): bool {
  return (descriptorType(descriptor) & (RIGHTS_S | TYPE_CODE)) == (RIGHTS_S | TYPE_CODE);
}
export function isConforming(descriptor: u64): bool {
  return (descriptorType(descriptor) & TYPE_CONFORMING) != 0;
}
export function isWritableData(descriptor: u64): bool {
  return (descriptorType(descriptor) & (RIGHTS_S | TYPE_CODE | TYPE_WRITABLE)) == (RIGHTS_S | TYPE_WRITABLE);
}

/** Whether `size` bytes from the selector's entry lie in its table. */
export function inTable(selector: u32, size: u32): bool {
  const last = (selector & 0xfff8) + size - 1;
  if (selector & 4) return !(segRights(LDTR) & RIGHTS_UNUSABLE) && last <= segLimit(LDTR);
  return last <= load<u32>(GDTR_LIMIT);
}

/** The 8-byte descriptor of a selector that is in its table; `high` reads the following 8 bytes of a 16-byte one. */
export function readDescriptor(selector: u32, high: bool): u64 {
  const base = selector & 4 ? segBase(LDTR) : load<u64>(GDTR_BASE);
  let address = base + (selector & 0xfff8) + (high ? 8 : 0);
  if (!isLongMode()) address &= 0xffffffff;
  return sysRead<u64>(address);
}

/** The descriptor of a selector; raises `vector` with the selector and `external` as error code outside the table. */
export function fetchDescriptor(selector: u32, vector: u32, external: u32): u64 {
  if (!inTable(selector, 8)) raise(vector, (selector & 0xfffc) | external);
  return readDescriptor(selector, false);
}

/** Sets the accessed bit of a selector's descriptor in memory; answers the descriptor with it. */
export function markAccessed(selector: u32, descriptor: u64): u64 {
  const type = <u32>(descriptor >> 40) & 0xff;
  if (type & TYPE_ACCESSED) return descriptor;
  const base = selector & 4 ? segBase(LDTR) : load<u64>(GDTR_BASE);
  let address = base + (selector & 0xfff8) + 5;
  if (!isLongMode()) address &= 0xffffffff;
  sysWrite<u8>(address, <u8>(type | TYPE_ACCESSED));
  return descriptor | ((<u64>1) << 40);
}

/** Loads a segment register from a descriptor that has been checked; sets the accessed bit. */
export function loadChecked(segment: u32, selector: u32, descriptor: u64): void {
  const marked = markAccessed(selector, descriptor);
  setSegment(segment, selector, descriptorRights(marked), descriptorLimit(marked), descriptorBase(marked));
}

/** Loads CS with a checked descriptor; RPL becomes the CPL given. */
export function loadCode(selector: u32, descriptor: u64, cpl: u32): void {
  loadChecked(CS, (selector & 0xfffc) | cpl, descriptor);
  store<u32>(CPL, cpl);
}

// ---- Loads by instructions --------------------------------------------------------------------------------------------

/** MOV, POP and far-pointer loads of a segment register (not CS), with every check. */
export function loadSegment(segment: u32, selector: u32): void {
  if (!isProtected()) setRealSegment(segment, selector);
  else if (isV86()) setV86Segment(segment, selector);
  else if (segment == SS) loadStackSegment(selector);
  else loadDataSegment(segment, selector);
}

function loadDataSegment(segment: u32, selector: u32): void {
  if (!(selector & 0xfffc)) {
    setNullSegment(segment, selector);
    return;
  }
  const error = selector & 0xfffc;
  const descriptor = fetchDescriptor(selector, VECTOR_GP, 0);
  const type = descriptorType(descriptor);
  if (!(type & RIGHTS_S)) raise(VECTOR_GP, error);
  if (type & TYPE_CODE && !(type & TYPE_WRITABLE)) raise(VECTOR_GP, error); // code that cannot be read
  if ((type & (TYPE_CODE | TYPE_CONFORMING)) != (TYPE_CODE | TYPE_CONFORMING)) {
    const dpl = descriptorDpl(descriptor);
    if ((selector & 3) > dpl || load<u32>(CPL) > dpl) raise(VECTOR_GP, error);
  }
  if (!descriptorPresent(descriptor)) raise(VECTOR_NP, error);
  loadChecked(segment, selector, descriptor);
}

function loadStackSegment(selector: u32): void {
  const cpl = load<u32>(CPL);
  if (!(selector & 0xfffc)) {
    if (!isCode64() || cpl == 3 || (selector & 3) != cpl) raise(VECTOR_GP, 0);
    setNullStack(selector, cpl);
    return;
  }
  const error = selector & 0xfffc;
  const descriptor = fetchDescriptor(selector, VECTOR_GP, 0);
  if ((selector & 3) != cpl || !isWritableData(descriptor) || descriptorDpl(descriptor) != cpl) raise(VECTOR_GP, error);
  if (!descriptorPresent(descriptor)) raise(VECTOR_SS, error);
  loadChecked(SS, selector, descriptor);
}

/** A null SS, as 64-bit mode allows below CPL 3; SS.DPL goes on to hold the CPL. */
export function setNullStack(selector: u32, cpl: u32): void {
  setSegment(SS, selector, RIGHTS_UNUSABLE | (cpl << 5), 0, 0);
}

/** On a return to an outer level: data segments that the outer level may not use become null. */
export function dropInaccessible(cpl: u32): void {
  for (let segment: u32 = 0; segment < 6; segment++) {
    if (segment == CS || segment == SS) continue;
    const rights = segRights(segment);
    if (rights & RIGHTS_UNUSABLE) continue;
    const conforming = (rights & (TYPE_CODE | TYPE_CONFORMING)) == (TYPE_CODE | TYPE_CONFORMING);
    if (!conforming && ((rights >> 5) & 3) < cpl) setNullSegment(segment, 0);
  }
}

// ---- Addresses --------------------------------------------------------------------------------------------------------

function segmentFault(segment: u32): void {
  raise(segment == SS ? VECTOR_SS : VECTOR_GP, 0);
}

/** Whether `size` bytes at an offset are within a segment's limit. */
export function withinLimit(rights: u32, limit: u32, offset: u64, size: u32): bool {
  const last = offset + size - 1;
  if ((rights & (RIGHTS_S | TYPE_CODE | TYPE_EXPAND_DOWN)) == (RIGHTS_S | TYPE_EXPAND_DOWN)) {
    const top: u64 = rights & RIGHTS_DB ? 0xffffffff : 0xffff;
    return offset > <u64>limit && last <= top;
  }
  return last <= <u64>limit;
}

/** Linear address of an access of `size` bytes in a segment (ACCESS_*), after the checks of the current mode. */
export function segmentAddress(segment: u32, offset: u64, size: u32, access: u32): u64 {
  if (isCode64()) {
    const linear = segment >= FS ? offset + segBase(segment) : offset;
    if (!isCanonical(linear) || !isCanonical(linear + size - 1)) segmentFault(segment);
    return linear;
  }
  const rights = segRights(segment);
  if (rights & RIGHTS_UNUSABLE) segmentFault(segment);
  if (isProtected() && !isV86()) {
    if (access == ACCESS_WRITE) {
      if (rights & TYPE_CODE || !(rights & TYPE_WRITABLE)) raise(VECTOR_GP, 0);
    } else if (access != ACCESS_EXECUTE && (rights & (TYPE_CODE | TYPE_WRITABLE)) == TYPE_CODE) raise(VECTOR_GP, 0);
  }
  if (!withinLimit(rights, segLimit(segment), offset, size)) segmentFault(segment);
  return (offset + segBase(segment)) & 0xffffffff;
}

/** Size in bytes of the stack's pointer: SP, ESP or RSP. */
export function stackAddressMask(): u64 {
  if (isCode64()) return ~(<u64>0);
  return segRights(SS) & RIGHTS_DB ? 0xffffffff : 0xffff;
}

/** Whether a descriptor is of 64-bit code while IA-32e mode is active. */
export function isLongCode(descriptor: u64): bool {
  return isLongMode() && (descriptorRights(descriptor) & RIGHTS_L) != 0;
}
