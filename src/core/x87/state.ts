// FXSAVE, FXRSTOR, and the XSAVE feature set for the components x87 (bit 0) and SSE (bit 1) (SDM "FXSAVE Area", "Managing State
// Using the XSAVE Feature Set").

import { VECTOR_GP, VECTOR_UD, CR0_EM, CR0_TS, VECTOR_NM } from '../bits.ts';
import { raise, raiseNoError } from '../events.ts';
import { operandAddress } from '../integer/operands.ts';
import {
  ABSENT,
  ABSENT_XSAVEC,
  ABSENT_XSAVEOPT,
  ACCESS_READ,
  ACCESS_WRITE,
  CODE_MODE,
  CR0,
  MXCSR,
  RAX,
  RDX,
  SI_MODRM,
  SI_OPCODE,
  SI_REX,
  X87,
  X87_CONTROL,
  X87_CS,
  X87_DP,
  X87_DS,
  X87_IP,
  X87_OPCODE,
  X87_STATUS,
  X87_TAGS,
  XCR0,
  XMM,
} from '../layout.ts';
import { probeWrite, readMemory, writeMemory } from '../memory.ts';
import { MODE_64 } from '../state.ts';
import { checkXsave } from './checks.ts';
import { savedSelector } from './environment.ts';
import { initialise, setControl, st } from './registers.ts';

const FXSAVE_BYTES: u32 = 512;
const XSAVE_BYTES: u32 = 576; // the legacy region and the header
const HEADER: u64 = 512;
const MXCSR_AT: u64 = 24;
const REGISTERS_AT: u64 = 32;
const XMM_AT: u64 = 160;
const MXCSR_MASK: u64 = 0xffff;
const MXCSR_INITIAL: u32 = 0x1f80;
const COMPONENT_X87: u64 = 1;
const COMPONENT_SSE: u64 = 2;
const COMPONENT_AVX: u64 = 4;
const COMPACTED: u64 = 0x8000000000000000;

/** Carries out the instruction of 0F AE /0 /1 /4 /5 /6 or 0F C7 /4 over the frame SI_*. */
export function execState(): void {
  const operation = (load<u32>(SI_MODRM) >> 3) & 7;
  if (load<u32>(SI_OPCODE) == 0x0fc7) {
    refuse(ABSENT_XSAVEC);
    save(true, true);
  } else if (operation == 0) fxsave();
  else if (operation == 1) fxrstor();
  else if (operation == 4) save(false, false);
  else if (operation == 5) restore();
  else {
    refuse(ABSENT_XSAVEOPT);
    save(true, false);
  }
}

function refuse(absent: u32): void {
  if (load<u32>(ABSENT) & absent) raiseNoError(VECTOR_UD);
}

function registerCount(): u32 {
  return load<u32>(CODE_MODE) == MODE_64 ? 16 : 8;
}

/** Address of the area, which must be aligned and is about to be read or written as a whole. */
function area(bytes: u32, alignment: u64, access: u32): u64 {
  const linear = operandAddress(bytes, access);
  if (linear & (alignment - 1)) raise(VECTOR_GP, 0);
  if (access == ACCESS_WRITE) probeWrite(linear, bytes);
  else {
    readMemory(linear, 3);
    readMemory(linear + bytes - 8, 3);
  }
  return linear;
}

// ---- The two components -----------------------------------------------------------------------------------------------------------

function writeX87(linear: u64): void {
  const wide = (load<u32>(SI_REX) & 8) != 0;
  writeMemory(linear, 1, <u64>load<u32>(X87_CONTROL));
  writeMemory(linear + 2, 1, <u64>load<u32>(X87_STATUS));
  writeMemory(linear + 4, 1, <u64>load<u32>(X87_TAGS));
  writeMemory(linear + 6, 1, <u64>load<u32>(X87_OPCODE));
  if (wide) {
    writeMemory(linear + 8, 3, load<u64>(X87_IP));
    writeMemory(linear + 16, 3, load<u64>(X87_DP));
  } else {
    writeMemory(linear + 8, 3, (load<u64>(X87_IP) & 0xffffffff) | (savedSelector(X87_CS) << 32));
    writeMemory(linear + 16, 3, (load<u64>(X87_DP) & 0xffffffff) | (savedSelector(X87_DS) << 32));
  }
  for (let i: u32 = 0; i < 8; i++) {
    const to = linear + REGISTERS_AT + i * 16;
    writeMemory(to, 3, load<u64>(st(i)));
    writeMemory(to + 8, 3, <u64>load<u16>(st(i), 8));
  }
}

function readX87(linear: u64): void {
  const wide = (load<u32>(SI_REX) & 8) != 0;
  const ip = readMemory(linear + 8, 3);
  const dp = readMemory(linear + 16, 3);
  store<u32>(X87_STATUS, <u32>readMemory(linear + 2, 1));
  store<u32>(X87_TAGS, <u32>readMemory(linear + 4, 0));
  store<u32>(X87_OPCODE, <u32>readMemory(linear + 6, 1) & 0x7ff);
  store<u64>(X87_IP, wide ? ip : ip & 0xffffffff);
  store<u64>(X87_DP, wide ? dp : dp & 0xffffffff);
  store<u32>(X87_CS, wide ? 0 : <u32>(ip >> 32) & 0xffff);
  store<u32>(X87_DS, wide ? 0 : <u32>(dp >> 32) & 0xffff);
  setControl(<u32>readMemory(linear, 1)); // also says whether an exception is pending
  for (let i: u32 = 0; i < 8; i++) {
    const from = linear + REGISTERS_AT + i * 16;
    store<u64>(st(i), readMemory(from, 3));
    store<u64>(st(i), readMemory(from + 8, 1), 8);
  }
}

function initialiseX87(): void {
  initialise();
  memory.fill(X87, 0, 128);
}

function isX87InUse(): bool {
  if (load<u32>(X87_CONTROL) != 0x37f || load<u32>(X87_STATUS) | load<u32>(X87_TAGS) | load<u32>(X87_OPCODE))
    return true;
  if (load<u64>(X87_IP) | load<u64>(X87_DP)) return true;
  return !isZero(X87, 128);
}

function writeXmm(linear: u64): void {
  const bytes = registerCount() * 16;
  for (let i: u32 = 0; i < bytes; i += 8) writeMemory(linear + XMM_AT + i, 3, load<u64>(XMM + <usize>i));
}

function readXmm(linear: u64): void {
  const bytes = registerCount() * 16;
  for (let i: u32 = 0; i < bytes; i += 8) store<u64>(XMM + <usize>i, readMemory(linear + XMM_AT + i, 3));
}

function writeMxcsr(linear: u64): void {
  writeMemory(linear + MXCSR_AT, 2, <u64>load<u32>(MXCSR));
  writeMemory(linear + MXCSR_AT + 4, 2, MXCSR_MASK);
}

/** MXCSR in the area; a reserved bit is #GP(0). */
function readMxcsr(linear: u64): u32 {
  const value = readMemory(linear + MXCSR_AT, 2);
  if (value & ~MXCSR_MASK) raise(VECTOR_GP, 0);
  return <u32>value;
}

function isZero(at: usize, bytes: usize): bool {
  for (let i: usize = 0; i < bytes; i += 8) if (load<u64>(at + i)) return false;
  return true;
}

/** Which components are not in their initial configuration; MXCSR counts with SSE. */
export function componentsInUse(): u64 {
  const sse = load<u32>(MXCSR) != MXCSR_INITIAL || !isZero(XMM, 256);
  return (isX87InUse() ? COMPONENT_X87 : 0) | (sse ? COMPONENT_SSE : 0);
}

// ---- FXSAVE, FXRSTOR ---------------------------------------------------------------------------------------------------------------

function fxsave(): void {
  if (load<u64>(CR0) & (CR0_EM | CR0_TS)) raiseNoError(VECTOR_NM);
  const linear = area(FXSAVE_BYTES, 16, ACCESS_WRITE);
  writeX87(linear);
  writeMxcsr(linear);
  writeXmm(linear);
}

function fxrstor(): void {
  if (load<u64>(CR0) & (CR0_EM | CR0_TS)) raiseNoError(VECTOR_NM);
  const linear = area(FXSAVE_BYTES, 16, ACCESS_READ);
  const mxcsr = readMxcsr(linear);
  readX87(linear);
  store<u32>(MXCSR, mxcsr);
  readXmm(linear);
}

// ---- XSAVE, XSAVEOPT, XSAVEC, XRSTOR --------------------------------------------------------------------------------------------------

/** The requested-feature bitmap: EDX:EAX and XCR0. */
function requested(): u64 {
  return (((<u64>load<u32>(RDX)) << 32) | <u64>load<u32>(RAX)) & load<u64>(XCR0);
}

/** `onlyInUse`: components in their initial configuration are not written. */
function save(onlyInUse: bool, compacted: bool): void {
  checkXsave();
  const linear = area(XSAVE_BYTES, 64, ACCESS_WRITE);
  const wanted = requested();
  const inUse = componentsInUse();
  const written = onlyInUse ? wanted & inUse : wanted;
  if (written & COMPONENT_X87) writeX87(linear);
  if ((compacted ? written : wanted) & (COMPONENT_SSE | COMPONENT_AVX)) writeMxcsr(linear);
  if (written & COMPONENT_SSE) writeXmm(linear);
  if (compacted) {
    writeMemory(linear + HEADER, 3, wanted & inUse);
    writeMemory(linear + HEADER + 8, 3, wanted | COMPACTED);
  } else writeMemory(linear + HEADER, 3, (readMemory(linear + HEADER, 3) & ~wanted) | (wanted & inUse));
}

function restore(): void {
  checkXsave();
  const linear = area(XSAVE_BYTES, 64, ACCESS_READ);
  const present = readMemory(linear + HEADER, 3);
  const layout = readMemory(linear + HEADER + 8, 3);
  checkHeader(linear, present, layout);
  const wanted = requested();
  const compacted = (layout & COMPACTED) != 0;
  let mxcsr = load<u32>(MXCSR);
  if (compacted) {
    if (wanted & COMPONENT_SSE) mxcsr = present & COMPONENT_SSE ? readMxcsr(linear) : MXCSR_INITIAL;
  } else if (wanted & (COMPONENT_SSE | COMPONENT_AVX)) mxcsr = readMxcsr(linear);
  if (wanted & COMPONENT_X87) {
    if (present & COMPONENT_X87) readX87(linear);
    else initialiseX87();
  }
  if (wanted & COMPONENT_SSE) {
    if (present & COMPONENT_SSE) readXmm(linear);
    else memory.fill(XMM, 0, registerCount() * 16);
  }
  store<u32>(MXCSR, mxcsr);
}

/** Reserved bits of the header are #GP(0). */
function checkHeader(linear: u64, present: u64, layout: u64): void {
  const compacted = (layout & COMPACTED) != 0;
  const components = layout & ~COMPACTED;
  let bad = false;
  if (!compacted) bad = layout != 0 || (present & ~load<u64>(XCR0)) != 0;
  else {
    bad = (load<u32>(ABSENT) & ABSENT_XSAVEC) != 0;
    bad = bad || (components & ~load<u64>(XCR0)) != 0 || (present & ~components) != 0;
  }
  const last: u64 = compacted ? 64 : 24; // the standard form says nothing of the bytes behind
  for (let at: u64 = 16; at < last; at += 8) bad = bad || readMemory(linear + HEADER + at, 3) != 0;
  if (bad) raise(VECTOR_GP, 0);
}
