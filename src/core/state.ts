// Registers, segments, RIP and mode of the logical processor that runs.

import {
  CR0_AM,
  CR0_PE,
  CR4_LA57,
  CR4_SMAP,
  EFER_LMA,
  FLAG_AC,
  FLAG_IF,
  FLAG_RF,
  FLAG_TF,
  FLAG_VM,
  RIGHTS_DB,
  RIGHTS_L,
  RIGHTS_P,
  RIGHTS_S,
  RIGHTS_UNUSABLE,
  TYPE_CODE,
  TYPE_EXPAND_DOWN,
  TYPE_WRITABLE,
} from './bits.ts';
import { codeSpaceBase, codeSpaceKey } from './cache.ts';
import {
  ATTEND_ALIGNMENT,
  ATTEND_BREAKPOINTS,
  ATTEND_MTF,
  ATTEND_PENDING_DEBUG,
  ATTEND_RESUME_FLAG,
  ATTEND_SHADOW,
  ATTEND_TRAP_FLAG,
  ATTENTION,
  BUDGET,
  CODE_MODE,
  CODE_SPACE_KEY,
  CPL,
  CR0,
  CR4,
  CS,
  DR7,
  EFER,
  GENERATION,
  GS,
  INTERRUPTIBILITY,
  MTF_PENDING,
  NON_ROOT,
  PENDING_DEBUG,
  RAX,
  REMAINING,
  RETIRED,
  RIP,
  SEG_BASE,
  SEG_FLAT,
  SEG_LIMIT,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEGMENT_SIZE,
  SEGMENTS,
  SET_EMPTY,
  SI_NEXT,
  SS,
  SYSTEM_FLAGS,
  TLB_AREA,
  TLB_BASE,
  TLB_LOGS,
  TLB_SET,
} from './layout.ts';

/** Set in the RIP key of 16- and 32-bit code; no canonical address has bits 62 and 63 different. */
export const CODE_SPACE_TAG: u64 = 0x4000000000000000;
export const TLB_LOG_SIZE: usize = 0x2000;

export const MODE_16: u32 = 0;
export const MODE_32: u32 = 1;
export const MODE_64: u32 = 2;

// ---- General registers and segments ---------------------------------------------------------------------------------

/** @inline */
export function getReg(index: u32): u64 {
  return load<u64>(RAX + ((<usize>index) << 3));
}

/** @inline */
export function setReg(index: u32, value: u64): void {
  store<u64>(RAX + ((<usize>index) << 3), value);
}

/** Address of a segment register's record. @inline */
export function segment(seg: u32): usize {
  return SEGMENTS + <usize>seg * SEGMENT_SIZE;
}

/** @inline */
export function segSelector(seg: u32): u32 {
  return load<u32>(segment(seg), SEG_SELECTOR);
}

/** @inline */
export function segRights(seg: u32): u32 {
  return load<u32>(segment(seg), SEG_RIGHTS);
}

/** @inline */
export function segLimit(seg: u32): u32 {
  return load<u32>(segment(seg), SEG_LIMIT);
}

/** @inline */
export function segBase(seg: u32): u64 {
  return load<u64>(segment(seg), SEG_BASE);
}

/** Writes a whole segment register and what is derived from it. After CS or SS call `updateMode` too. */
export function setSegment(seg: u32, selector: u32, rights: u32, limit: u32, base: u64): void {
  const at = segment(seg);
  store<u32>(at, selector, SEG_SELECTOR);
  store<u32>(at, rights, SEG_RIGHTS);
  store<u32>(at, limit, SEG_LIMIT);
  store<u64>(at, base, SEG_BASE);
  segmentChanged(seg);
}

/** Recomputes SEG_FLAT; whoever writes rights or limit of a segment calls it (`setSegment` and `updateMode` do). */
export function segmentChanged(seg: u32): void {
  const at = segment(seg);
  const rights = load<u32>(at, SEG_RIGHTS);
  let flat: u32 = 0;
  if (
    !(rights & RIGHTS_UNUSABLE) &&
    load<u32>(at, SEG_LIMIT) == 0xffffffff &&
    (rights & (RIGHTS_S | RIGHTS_P)) == (RIGHTS_S | RIGHTS_P)
  ) {
    if (rights & TYPE_CODE) flat = rights & TYPE_WRITABLE ? 1 : 0;
    else if (!(rights & TYPE_EXPAND_DOWN)) flat = rights & TYPE_WRITABLE ? 3 : 1;
  }
  store<u32>(at, flat, SEG_FLAT);
}

// ---- Mode -----------------------------------------------------------------------------------------------------------

/** @inline */
export function isProtected(): bool {
  return (load<u64>(CR0) & CR0_PE) != 0;
}

/** @inline */
export function isV86(): bool {
  return (load<u32>(SYSTEM_FLAGS) & FLAG_VM) != 0;
}

/** Real-address mode or virtual-8086 mode: segments are selector << 4. */
export function isRealOrV86(): bool {
  return !isProtected() || isV86();
}

/** IA-32e mode is active (64-bit or compatibility). @inline */
export function isLongMode(): bool {
  return (load<u64>(EFER) & EFER_LMA) != 0;
}

/** @inline */
export function isCode64(): bool {
  return load<u32>(CODE_MODE) == MODE_64;
}

/** The machine's time: instructions retired since power-on. */
export function time(): u64 {
  return load<u64>(RETIRED) + <u64>(load<i32>(BUDGET) - load<i32>(REMAINING));
}

/** Whether a 64-bit linear address is canonical (48 bits, or 57 with CR4.LA57). */
export function isCanonical(linear: u64): bool {
  const shift: i64 = load<u64>(CR4) & CR4_LA57 ? 7 : 16;
  return <u64>(<i64>(linear << (<u64>shift)) >> shift) == linear;
}

/**
 * Recomputes what is derived from the registers: CPL, code mode, code space, TLB set, attention, segment checks. To be called
 * after a change of CR0, CR4, EFER, RFLAGS.VM or AC, DR7, CS, SS or NON_ROOT. RIP keeps its architectural value.
 */
export function updateMode(): void {
  for (let seg: u32 = 0; seg <= GS; seg++) segmentChanged(seg);
  modeChanged();
  updateAttention();
}

/** The same without segment checks and attention, for VM entries and VM exits: they have their own, and `resume` follows. */
export function modeChanged(): void {
  const rip = getRip();
  const protectedMode = isProtected();
  let cpl: u32 = 0;
  if (protectedMode) cpl = isV86() ? 3 : (segRights(SS) >> 5) & 3;
  store<u32>(CPL, cpl);
  const rights = segRights(CS);
  let mode = rights & RIGHTS_DB ? MODE_32 : MODE_16;
  if (isLongMode() && rights & RIGHTS_L) mode = MODE_64;
  store<u32>(CODE_MODE, mode);
  store<u64>(CODE_SPACE_KEY, mode == MODE_64 ? 0 : codeSpaceKey(segBase(CS), segLimit(CS), mode));
  setRip(rip);
  selectTlbSet();
}

/** Makes the TLB set of the current privilege and side current. */
export function selectTlbSet(): void {
  const user = load<u32>(CPL) == 3;
  const alignment = (load<u32>(SYSTEM_FLAGS) & FLAG_AC) != 0;
  let set: u32 = user ? 2 : alignment && load<u64>(CR4) & CR4_SMAP ? 1 : 0;
  if (load<u32>(NON_ROOT)) set += 3;
  if ((user && alignment && load<u64>(CR0) & CR0_AM) || watchesData()) set = SET_EMPTY;
  store<u32>(TLB_BASE, load<u32>(TLB_AREA) + set * TLB_SET);
  store<u32>(GENERATION, load<u32>(<usize>load<u32>(TLB_LOGS) + <usize>set * TLB_LOG_SIZE, 4));
}

/** DR7 enables a breakpoint on data (R/W 01 or 11) or I/O (10). */
export function watchesData(): bool {
  const dr7 = <u32>load<u64>(DR7);
  if (!(dr7 & 0xff)) return false;
  for (let i: u32 = 0; i < 4; i++) {
    if ((dr7 >> (i * 2)) & 3 && (dr7 >> (16 + i * 4)) & 3) return true;
  }
  return false;
}

/** DR7 enables a breakpoint on instructions. */
function watchesInstructions(): bool {
  const dr7 = <u32>load<u64>(DR7);
  if (!(dr7 & 0xff)) return false;
  for (let i: u32 = 0; i < 4; i++) {
    if ((dr7 >> (i * 2)) & 3 && !((dr7 >> (16 + i * 4)) & 3)) return true;
  }
  return false;
}

/** Recomputes the ATTENTION bits that mirror registers; ATTEND_EVENT and ATTEND_DEVICE stay as they are. */
export function updateAttention(): void {
  const flags = load<u32>(SYSTEM_FLAGS);
  const mirrored: u32 =
    ATTEND_TRAP_FLAG |
    ATTEND_SHADOW |
    ATTEND_MTF |
    ATTEND_PENDING_DEBUG |
    ATTEND_BREAKPOINTS |
    ATTEND_RESUME_FLAG |
    ATTEND_ALIGNMENT;
  let bits = load<u32>(ATTENTION) & ~mirrored;
  if (flags & FLAG_TF) bits |= ATTEND_TRAP_FLAG;
  if (flags & FLAG_RF) bits |= ATTEND_RESUME_FLAG;
  if (load<u32>(INTERRUPTIBILITY) & 3) bits |= ATTEND_SHADOW;
  if (load<u32>(MTF_PENDING)) bits |= ATTEND_MTF;
  if (load<u64>(PENDING_DEBUG)) bits |= ATTEND_PENDING_DEBUG;
  if (watchesInstructions() || watchesData()) bits |= ATTEND_BREAKPOINTS;
  if (load<u32>(TLB_BASE) == load<u32>(TLB_AREA) + SET_EMPTY * TLB_SET) bits |= ATTEND_ALIGNMENT;
  store<u32>(ATTENTION, bits);
}

export function interruptsEnabled(): bool {
  return (load<u32>(SYSTEM_FLAGS) & FLAG_IF) != 0;
}

// ---- RIP ------------------------------------------------------------------------------------------------------------

/** Linear address of a RIP key. @inline */
export function linearOfKey(key: u64): u64 {
  return key >> 62 == 1 ? key & 0xffffffff : key;
}

/** Architectural RIP of a key. */
export function ripOfKey(key: u64): u64 {
  if (key >> 62 != 1) return key;
  return <u64>(<u32>key - <u32>codeSpaceBase(key));
}

/** Key of an architectural RIP in the current code segment. */
export function keyOfRip(rip: u64): u64 {
  const space = load<u64>(CODE_SPACE_KEY);
  if (!space) return rip;
  return space | <u64>(<u32>rip + <u32>segBase(CS));
}

/** Key of the byte `length` after a key. @inline */
export function keyAfter(key: u64, length: u32): u64 {
  return key >> 62 == 1 ? (key & 0xffffffff00000000) | <u64>(<u32>key + length) : key + <u64>length;
}

export function getRip(): u64 {
  return ripOfKey(load<u64>(RIP));
}

/** RIP of the instruction after the slow instruction that runs. */
export function getNextRip(): u64 {
  return ripOfKey(load<u64>(SI_NEXT));
}

/** Sets RIP in the current code segment; not checked against limit or canonicality. */
export function setRip(value: u64): void {
  store<u64>(RIP, keyOfRip(value));
}
