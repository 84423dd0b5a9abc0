// Loads, stores and moves: FLD, FST, FILD, FIST, FISTTP, FXCH, FCMOVcc, constants, FXAM.

import { condition } from '../conditions.ts';
import { DENORMAL, F32, F64, F80, INVALID, PRECISION, TRUNCATE, fp } from '../float/context.ts';
import { fromInteger, toInteger } from '../float/convert.ts';
import { roundTo } from '../float/round.ts';
import {
  FINITE,
  INFINITE,
  QUIET,
  QUIET_BIT,
  SIGNALING,
  UNSUPPORTED,
  ZERO,
  a,
  b,
  copyValue,
  isNotANumber,
  loadExtended,
  pack,
  setFinite,
  setIndefinite,
  setValue,
  storeExtended,
  z,
} from '../float/value.ts';
import { SCRATCH } from '../layout.ts';
import { probeOperand, readOperand, writeOperand, writeTenBytes } from './memory.ts';
import {
  C0,
  C1,
  C2,
  C3,
  begin,
  isEmpty,
  markValid,
  pop,
  pushResult,
  setCodes,
  settle,
  st,
  stackFault,
  storeResult,
  withheld,
} from './registers.ts';
import { X87_STATUS } from '../layout.ts';

// ---- Loads ------------------------------------------------------------------------------------------------------------------

/** Pushes z, which needs no rounding, unless the stack is full or an exception withholds it. */
function push(): void {
  if (!isEmpty(7)) {
    fp.raised = 0; // a stack fault goes before what the operand raised
    stackFault(true);
  }
  const stored = !withheld();
  settle();
  if (stored) pushResult();
}

/** FLD of an f32 or f64, in b. */
export function pushReal(): void {
  copyValue(z, b);
  if (b.kind == SIGNALING) {
    fp.raised |= INVALID;
    z.kind = QUIET;
    z.significand |= QUIET_BIT;
  }
  if (b.denormal) fp.raised |= DENORMAL;
  push();
}

/** FILD: the integer in b is exact. */
export function pushInteger(): void {
  copyValue(z, b);
  push();
}

/** FLD of 80 bits at an address: any pattern, and no exception but that of the stack. */
function pushBits(significand: u64, upper: u32, empty: bool): void {
  if (empty) stackFault(false);
  else if (!isEmpty(7)) stackFault(true);
  const fault = fp.raised != 0;
  const stored = !withheld();
  settle();
  if (!stored) return;
  if (fault) {
    pushResult();
    return;
  }
  setValue(z, ZERO, 0);
  pushResult();
  store<u64>(st(0), significand);
  store<u16>(st(0), <u16>upper, 8);
}

/** FLD m80fp. */
export function pushExtended(significand: u64, upper: u32): void {
  pushBits(significand, upper, false);
}

/** FLD ST(i). */
export function pushRegister(i: u32): void {
  begin();
  const from = st(i);
  pushBits(load<u64>(from), <u32>load<u16>(from, 8), isEmpty(i));
}

/** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ (0 to 6): pi and the logarithms are rounded as the control word says. */
export function pushConstant(which: u32): void {
  begin();
  switch (which) {
    case 0:
      setFinite(z, 0, 0, 0x8000000000000000, 0);
      break;
    case 1:
      setFinite(z, 0, 1, 0xd49a784bcd1b8afe, 0x492f6ff4db0c9bee);
      break;
    case 2:
      setFinite(z, 0, 0, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89);
      break;
    case 3:
      setFinite(z, 0, 1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
      break;
    case 4:
      setFinite(z, 0, -2, 0x9a209a84fbcff798, 0x8f8959ac0b7c9178);
      break;
    case 5:
      setFinite(z, 0, -1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);
      break;
    default:
      setValue(z, ZERO, 0);
  }
  if (z.kind == FINITE) roundTo(F80);
  fp.raised = 0;
  fp.roundedUp = false;
  push();
}

// ---- Stores -----------------------------------------------------------------------------------------------------------------

/** FST and FSTP to an f32 (size 2) or f64 (size 3). */
export function storeReal(size: u32, pops: bool): void {
  begin();
  fp.wrap = 0;
  const format = size == 2 ? F32 : F64;
  if (isEmpty(0)) stackFault(false);
  else {
    loadExtended(a, st(0));
    copyValue(z, a);
    if (a.kind == UNSUPPORTED) {
      fp.raised |= INVALID;
      setIndefinite(z);
    } else if (isNotANumber(a)) {
      if (a.kind == SIGNALING) fp.raised |= INVALID;
      z.kind = QUIET;
      z.significand |= QUIET_BIT;
    } else if (a.kind == FINITE) roundTo(format);
  }
  // An unmasked overflow or underflow leaves memory and stack alone, too.
  const stored = !(fp.raised & 0x1f & ~fp.masks);
  if (stored) writeOperand(size, pack(z, format));
  else {
    fp.raised &= ~PRECISION;
    if (!(fp.raised & INVALID)) fp.roundedUp = false;
    probeOperand(1 << size);
  }
  settle();
  if (stored && pops) pop();
}

/** FSTP m80fp. */
export function storeTenBytes(): void {
  begin();
  let from = st(0);
  if (isEmpty(0)) {
    stackFault(false);
    storeExtended(z, SCRATCH + 32);
    from = SCRATCH + 32;
  }
  const stored = !withheld();
  if (stored) writeTenBytes(from);
  else probeOperand(10);
  settle();
  if (stored) pop();
}

/** FST and FSTP to ST(i). */
export function storeRegister(i: u32, pops: bool): void {
  begin();
  const from = st(0);
  const empty = isEmpty(0);
  if (empty) stackFault(false);
  const stored = !withheld();
  settle();
  if (!stored) return;
  if (empty) storeResult(i);
  else {
    store<u64>(st(i), load<u64>(from));
    store<u16>(st(i), load<u16>(from, 8), 8);
    markValid(i);
  }
  if (pops) pop();
}

/** FIST, FISTP and FISTTP to 2, 4 or 8 bytes (size 1 to 3). */
export function storeInteger(size: u32, truncate: bool, pops: bool): void {
  begin();
  const bits: u32 = 8 << size;
  let value = (<i64>-1) << (bits - 1); // the integer indefinite
  if (isEmpty(0)) stackFault(false);
  else {
    loadExtended(a, st(0));
    value = toInteger(bits, truncate ? TRUNCATE : fp.rounding);
  }
  const stored = !withheld();
  if (stored) writeOperand(size, <u64>value);
  else probeOperand(1 << size);
  settle();
  if (stored && pops) pop();
}

// ---- Between registers ----------------------------------------------------------------------------------------------------------

export function execFxch(i: u32): void {
  begin();
  if (isEmpty(0) || isEmpty(i)) stackFault(false);
  const go = !withheld();
  settle();
  if (!go) return;
  if (isEmpty(0)) storeResult(0);
  if (isEmpty(i)) storeResult(i);
  const first = st(0);
  const second = st(i);
  const significand = load<u64>(first);
  const upper = load<u16>(first, 8);
  store<u64>(first, load<u64>(second));
  store<u16>(first, load<u16>(second, 8), 8);
  store<u64>(second, significand);
  store<u16>(second, upper, 8);
}

/** FCMOVcc: ST(0) = ST(i) where a condition (0 to 15, as of Jcc) holds. */
export function execFcmov(cc: u32, i: u32): void {
  begin();
  const empty = isEmpty(0) || isEmpty(i);
  if (empty) stackFault(false);
  const go = !withheld();
  settle();
  if (!go) return;
  if (empty) storeResult(0);
  else if (condition(cc)) {
    store<u64>(st(0), load<u64>(st(i)));
    store<u16>(st(0), load<u16>(st(i), 8), 8);
  }
}

/** Says of what class ST(0) is. */
export function execFxam(): void {
  begin();
  settle();
  loadExtended(a, st(0));
  const sign = load<u16>(st(0), 8) >> 15;
  store<u32>(X87_STATUS, (load<u32>(X87_STATUS) & ~C1) | (sign ? C1 : 0));
  setCodes(isEmpty(0) ? C3 | C0 : classCodes());
}

function classCodes(): u32 {
  if (a.kind == UNSUPPORTED) return 0;
  if (isNotANumber(a)) return C0;
  if (a.kind == INFINITE) return C2 | C0;
  if (a.kind == ZERO) return C3;
  return a.denormal ? C3 | C2 : C2;
}

/** FILD's and FBLD's value, exact, to be pushed. */
export function pushWhole(value: i64, negative: bool): void {
  begin();
  fromInteger(value);
  if (negative) z.sign = 1;
  push();
}
