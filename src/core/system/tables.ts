// LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT, STR, and the instructions that ask about segments: LAR, LSL, VERR, VERW, ARPL.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CODE_MODE,
  CPL,
  CR4,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  LDTR,
  NON_ROOT,
  SECONDARY_CONTROLS,
  SI_MEMORY,
  SI_OFFSET,
  SI_OPERAND_SIZE,
  SI_RM,
  SI_SEGMENT,
  TR,
} from '../layout.ts';
import {
  CR4_UMIP,
  RIGHTS_S,
  RIGHTS_UNUSABLE,
  TYPE_CODE,
  TYPE_CONFORMING,
  TYPE_WRITABLE,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_UD,
} from '../bits.ts';
import { raise, raiseNoError } from '../events.ts';
import { getStatus, setStatus } from '../flags.ts';
import { beginRm, endRm, readReg, readRm, writeReg, writeRegister } from '../integer/operands.ts';
import {
  REASON_GDTR_IDTR,
  REASON_LDTR_TR,
  SECONDARY_DESCRIPTOR_TABLE,
  displacementQualification,
  exitWithInfo,
  operandInfo,
} from '../intercepts.ts';
import { readMemory, sysWrite, writeMemory } from '../memory.ts';
import {
  descriptorBase,
  descriptorDpl,
  descriptorLimit,
  descriptorPresent,
  descriptorRights,
  descriptorType,
  inTable,
  readDescriptor,
  segmentAddress,
} from '../segments.ts';
import { retire } from '../slow.ts';
import { MODE_64, isCanonical, isLongMode, isProtected, isV86, segSelector, setSegment } from '../state.ts';

const STATUS_ZF: u32 = 1 << 6;

function requirePrivilege(): void {
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
}

function requireNoUmip(): void {
  if (load<u32>(CPL) && load<u64>(CR4) & CR4_UMIP) raise(VECTOR_GP, 0);
}

function requireProtected(): void {
  if (!isProtected() || isV86()) raiseNoError(VECTOR_UD);
}

/** Descriptor-table exiting. `identity` is the instruction's number in its table; answers whether it exited. */
function exits(reason: u32, identity: u32): bool {
  if (!load<u32>(NON_ROOT) || !(load<u32>(SECONDARY_CONTROLS) & SECONDARY_DESCRIPTOR_TABLE)) return false;
  let info = operandInfo(0) | (identity << 28);
  if (reason == REASON_GDTR_IDTR) {
    const wide: u32 = load<u32>(SI_OPERAND_SIZE) == 1 ? 0 : 1 << 11;
    info |= wide;
  }
  exitWithInfo(reason, displacementQualification(), info);
  return true;
}

// ---- GDTR and IDTR --------------------------------------------------------------------------------------------------------

function pseudoDescriptor(access: u32): u64 {
  const bytes: u32 = load<u32>(CODE_MODE) == MODE_64 ? 10 : 6;
  return segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), bytes, access);
}

function loadTable(base: usize, limit: usize, identity: u32): void {
  requirePrivilege();
  if (exits(REASON_GDTR_IDTR, identity)) return;
  const long = load<u32>(CODE_MODE) == MODE_64;
  const linear = pseudoDescriptor(ACCESS_READ);
  const newLimit = <u32>readMemory(linear, 1);
  let newBase = readMemory(linear + 2, long ? 3 : 2);
  if (!long && load<u32>(SI_OPERAND_SIZE) == 1) newBase &= 0xffffff;
  if (long && !isCanonical(newBase)) raise(VECTOR_GP, 0);
  store<u64>(base, newBase);
  store<u32>(limit, newLimit);
  retire();
}

function storeTable(base: usize, limit: usize, identity: u32): void {
  requireNoUmip();
  if (exits(REASON_GDTR_IDTR, identity)) return;
  const linear = pseudoDescriptor(ACCESS_WRITE);
  writeMemory(linear, 1, load<u32>(limit));
  writeMemory(linear + 2, load<u32>(CODE_MODE) == MODE_64 ? 3 : 2, load<u64>(base));
  retire();
}

export function execSgdt(): void {
  storeTable(GDTR_BASE, GDTR_LIMIT, 0);
}
export function execSidt(): void {
  storeTable(IDTR_BASE, IDTR_LIMIT, 1);
}
export function execLgdt(): void {
  loadTable(GDTR_BASE, GDTR_LIMIT, 2);
}
export function execLidt(): void {
  loadTable(IDTR_BASE, IDTR_LIMIT, 3);
}

// ---- LDTR and TR ----------------------------------------------------------------------------------------------------------

function storeSelector(segment: u32, identity: u32): void {
  requireProtected();
  requireNoUmip();
  if (exits(REASON_LDTR_TR, identity)) return;
  const value = <u64>segSelector(segment);
  if (load<u32>(SI_MEMORY))
    writeMemory(segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), 2, ACCESS_WRITE), 1, value);
  else writeRegister(load<u32>(SI_RM), load<u32>(SI_OPERAND_SIZE), value);
  retire();
}

export function execSldt(): void {
  storeSelector(LDTR, 0);
}
export function execStr(): void {
  storeSelector(TR, 1);
}

/** The system descriptor of a selector in the GDT; in IA-32e mode it takes 16 bytes. */
function systemDescriptor(selector: u32): u64 {
  if (selector & 4 || !inTable(selector, isLongMode() ? 16 : 8)) raise(VECTOR_GP, selector & 0xfffc);
  return readDescriptor(selector, false);
}

/** Base of a system descriptor, with its upper half in IA-32e mode. */
function systemBase(selector: u32, descriptor: u64): u64 {
  if (!isLongMode()) return descriptorBase(descriptor);
  const high = readDescriptor(selector, true);
  const base = descriptorBase(descriptor) | (high << 32);
  if ((high >> 40) & 31 || !isCanonical(base)) raise(VECTOR_GP, selector & 0xfffc);
  return base;
}

export function execLldt(): void {
  requireProtected();
  requirePrivilege();
  if (exits(REASON_LDTR_TR, 2)) return;
  const selector = <u32>readRm(1);
  if (selector & 0xfffc) {
    const descriptor = systemDescriptor(selector);
    if (descriptorType(descriptor) != 2) raise(VECTOR_GP, selector & 0xfffc);
    if (!descriptorPresent(descriptor)) raise(VECTOR_NP, selector & 0xfffc);
    const base = systemBase(selector, descriptor);
    setSegment(LDTR, selector, descriptorRights(descriptor), descriptorLimit(descriptor), base);
  } else setSegment(LDTR, selector, RIGHTS_UNUSABLE, 0, 0);
  retire();
}

export function execLtr(): void {
  requireProtected();
  requirePrivilege();
  if (exits(REASON_LDTR_TR, 3)) return;
  const selector = <u32>readRm(1);
  if (!(selector & 0xfffc)) raise(VECTOR_GP, 0);
  const descriptor = systemDescriptor(selector);
  const type = descriptorType(descriptor);
  if (type != 9 && (type != 1 || isLongMode())) raise(VECTOR_GP, selector & 0xfffc);
  if (!descriptorPresent(descriptor)) raise(VECTOR_NP, selector & 0xfffc);
  const base = systemBase(selector, descriptor);
  let address = load<u64>(GDTR_BASE) + (selector & 0xfff8) + 5;
  if (!isLongMode()) address &= 0xffffffff;
  sysWrite<u8>(address, <u8>((descriptor >> 40) | 2));
  setSegment(TR, selector, descriptorRights(descriptor) | 2, descriptorLimit(descriptor), base);
  retire();
}

// ---- Questions about segments -----------------------------------------------------------------------------------------------

const LAR_SYSTEM: u32 = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 9) | (1 << 11) | (1 << 12);
const LSL_SYSTEM: u32 = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 9) | (1 << 11);
const LAR_SYSTEM_LONG: u32 = (1 << 2) | (1 << 9) | (1 << 11) | (1 << 12);
const LSL_SYSTEM_LONG: u32 = (1 << 2) | (1 << 9) | (1 << 11);

let found: u64 = 0; // the descriptor that `visible` read

/** Whether a selector names a descriptor that the current level may ask about. `system` is a set of system types. */
function visible(selector: u32, system: u32): bool {
  if (!(selector & 0xfffc) || !inTable(selector, 8)) return false;
  found = readDescriptor(selector, false);
  const type = descriptorType(found);
  if (!(type & RIGHTS_S)) {
    if (!((system >> type) & 1)) return false;
    if (isLongMode() && !inTable(selector, 16)) return false;
  } else if ((type & (TYPE_CODE | TYPE_CONFORMING)) == (TYPE_CODE | TYPE_CONFORMING)) return true;
  const dpl = descriptorDpl(found);
  return load<u32>(CPL) <= dpl && (selector & 3) <= dpl;
}

function setZero(zero: bool): void {
  setStatus(zero ? getStatus() | STATUS_ZF : getStatus() & ~STATUS_ZF);
}

export function execLar(): void {
  requireProtected();
  const ok = visible(<u32>readRm(1), isLongMode() ? LAR_SYSTEM_LONG : LAR_SYSTEM);
  if (ok) writeReg(load<u32>(SI_OPERAND_SIZE), (found >> 32) & 0xf0ff00);
  setZero(ok);
  retire();
}

export function execLsl(): void {
  requireProtected();
  const ok = visible(<u32>readRm(1), isLongMode() ? LSL_SYSTEM_LONG : LSL_SYSTEM);
  if (ok) writeReg(load<u32>(SI_OPERAND_SIZE), descriptorLimit(found));
  setZero(ok);
  retire();
}

export function execVerr(): void {
  requireProtected();
  const ok = visible(<u32>readRm(1), 0) && (descriptorType(found) & (TYPE_CODE | TYPE_WRITABLE)) != TYPE_CODE;
  setZero(ok);
  retire();
}

export function execVerw(): void {
  requireProtected();
  const ok = visible(<u32>readRm(1), 0) && (descriptorType(found) & (TYPE_CODE | TYPE_WRITABLE)) == TYPE_WRITABLE;
  setZero(ok);
  retire();
}

export function execArpl(): void {
  requireProtected();
  const selector = beginRm(1);
  const least = readReg(1) & 3;
  const raised = (selector & 3) < least;
  if (raised) endRm(1, (selector & ~(<u64>3)) | least);
  setZero(raised);
  retire();
}
