// FADD, FSUB, FMUL, FDIV and their forms; comparisons; FSQRT, FRNDINT, FSCALE, FXTRACT, FABS, FCHS.

import {
  EQUAL,
  GREATER,
  LESS,
  UNORDERED,
  add,
  compare,
  divide,
  multiply,
  squareRoot,
  subtract,
} from '../float/arithmetic.ts';
import { DENORMAL, F80, INVALID, PRECISION, ZERO_DIVIDE, fp } from '../float/context.ts';
import { fromInteger, toIntegral } from '../float/convert.ts';
import { roundTo, roundToRegister } from '../float/round.ts';
import {
  FINITE,
  INFINITE,
  SIGNALING,
  UNSUPPORTED,
  ZERO,
  a,
  b,
  copyValue,
  isNotANumber,
  loadExtended,
  setFinite,
  setIndefinite,
  setValue,
  z,
} from '../float/value.ts';
import { setStatus } from '../flags.ts';
import { takeNaN, takeOwnNaN } from './nans.ts';
import {
  C0,
  C2,
  C3,
  begin,
  isEmpty,
  pop,
  pushResult,
  setCodes,
  settle,
  st,
  stackFault,
  storeResult,
  withheld,
} from './registers.ts';

/** Rounds z to a register as precision control says, unless it is exact already or no result is due. */
function roundBasic(): void {
  if (z.kind == FINITE && !withheld()) roundToRegister();
}

function roundExtended(): void {
  if (z.kind == FINITE && !withheld()) roundTo(F80);
}

/** Stores z in ST(i) unless an exception withholds it. Answers whether it was stored. */
function deliver(i: u32): bool {
  const stored = !withheld();
  settle();
  if (stored) storeResult(i);
  return stored;
}

// ---- Basic arithmetic -----------------------------------------------------------------------------------------------------

/** z = a op b: 0 FADD, 1 FMUL, 4 FSUB, 5 FSUBR, 6 FDIV, 7 FDIVR, as in the ModRM byte; ST(0) in a. */
function compute(operation: u32): void {
  if (operation & 4 && operation & 1) {
    copyValue(z, a);
    copyValue(a, b);
    copyValue(b, z);
  }
  if (takeNaN()) return;
  if (operation == 0) add();
  else if (operation == 1) multiply();
  else if (operation < 6) subtract();
  else divide();
  roundBasic();
}

/** ST(0) and the memory operand in b. */
export function arithmeticMemory(operation: u32): void {
  if (isEmpty(0)) stackFault(false);
  else {
    loadExtended(a, st(0));
    compute(operation);
  }
  deliver(0);
}

/** ST(0) and ST(i), into ST(destination). */
export function arithmeticStack(operation: u32, i: u32, destination: u32, pops: bool): void {
  begin();
  if (isEmpty(0) || isEmpty(i)) stackFault(false);
  else {
    loadExtended(a, st(0));
    loadExtended(b, st(i));
    compute(operation);
  }
  if (deliver(destination) && pops) pop();
}

// ---- Comparison -----------------------------------------------------------------------------------------------------------

/** How a relates to b. `quietToo`: quiet NaNs are invalid as well. */
function relate(quietToo: bool): u32 {
  if (a.kind == UNSUPPORTED || b.kind == UNSUPPORTED) {
    fp.raised |= INVALID;
    return UNORDERED;
  }
  if (isNotANumber(a) || isNotANumber(b)) {
    if (quietToo || a.kind == SIGNALING || b.kind == SIGNALING) fp.raised |= INVALID;
    return UNORDERED;
  }
  return compare();
}

/** C3, C2 and C0 of a relation. */
function codesOf(relation: u32): u32 {
  if (relation == GREATER) return 0;
  if (relation == LESS) return C0;
  return relation == EQUAL ? C3 : C0 | C2 | C3;
}

/** Compares ST(0) with b and sets the condition codes; then pops so many times. */
function compareCodes(empty: bool, quietToo: bool, pops: u32): void {
  let relation = UNORDERED;
  if (empty) stackFault(false);
  else {
    loadExtended(a, st(0));
    relation = relate(quietToo);
  }
  const done = !withheld();
  settle();
  if (!done) return;
  setCodes(codesOf(relation));
  for (let i: u32 = 0; i < pops; i++) pop();
}

/** FCOM with the memory operand in b. */
export function compareMemory(pops: u32): void {
  compareCodes(isEmpty(0), true, pops);
}

/** FCOM (quietToo) or FUCOM with ST(i). */
export function compareStack(i: u32, quietToo: bool, pops: u32): void {
  begin();
  const empty = isEmpty(0) || isEmpty(i);
  if (!empty) loadExtended(b, st(i));
  compareCodes(empty, quietToo, pops);
}

export function execFtst(): void {
  begin();
  setValue(b, ZERO, 0);
  compareCodes(isEmpty(0), true, 0);
}

/** FCOMI (quietToo) and FUCOMI: the answer in ZF, PF and CF. */
export function compareFlags(i: u32, quietToo: bool, pops: bool): void {
  begin();
  let relation = UNORDERED;
  if (isEmpty(0) || isEmpty(i)) stackFault(false);
  else {
    loadExtended(a, st(0));
    loadExtended(b, st(i));
    relation = relate(quietToo);
  }
  const done = !withheld();
  settle();
  if (!done) return;
  setStatus(relation == UNORDERED ? 0x45 : relation == EQUAL ? 0x40 : relation == LESS ? 1 : 0);
  if (pops) pop();
}

// ---- One operand ------------------------------------------------------------------------------------------------------------

/** Loads ST(0) into a; false, with the result in z, when it is empty or no number. */
function takeOperand(): bool {
  begin();
  if (isEmpty(0)) {
    stackFault(false);
    return false;
  }
  loadExtended(a, st(0));
  return !takeOwnNaN();
}

export function execFsqrt(): void {
  if (takeOperand()) {
    squareRoot();
    roundBasic();
  }
  deliver(0);
}

export function execFrndint(): void {
  if (takeOperand()) {
    if (a.kind != FINITE) copyValue(z, a);
    else {
      if (a.denormal) fp.raised |= DENORMAL;
      if (!withheld() && toIntegral(fp.rounding)) fp.raised |= PRECISION;
    }
  }
  deliver(0);
}

/** FABS (clears the sign) and FCHS (inverts it). */
export function changeSign(invert: bool): void {
  begin();
  if (isEmpty(0)) {
    stackFault(false);
    deliver(0);
    return;
  }
  const upper = <u32>load<u16>(st(0), 8);
  store<u16>(st(0), <u16>(invert ? upper ^ 0x8000 : upper & 0x7fff), 8);
  settle();
}

// ---- FSCALE, FXTRACT ----------------------------------------------------------------------------------------------------------

const LARGEST_SCALE: i32 = 1 << 20; // beyond every exponent and every wrap

export function execFscale(): void {
  begin();
  if (isEmpty(0) || isEmpty(1)) stackFault(false);
  else {
    loadExtended(a, st(0));
    loadExtended(b, st(1));
    if (!takeNaN()) scale();
  }
  deliver(0);
}

function scale(): void {
  if (b.kind == INFINITE && a.kind == (b.sign ? INFINITE : ZERO)) {
    fp.raised |= INVALID;
    setIndefinite(z);
    return;
  }
  if (a.denormal || b.denormal) fp.raised |= DENORMAL;
  if (b.kind == INFINITE) {
    if (a.kind == FINITE || a.kind == ZERO) setValue(z, b.sign ? ZERO : INFINITE, a.sign);
    else copyValue(z, a);
    return;
  }
  copyValue(z, a);
  if (a.kind != FINITE) return;
  z.exponent += truncated();
  roundExtended();
}

/** b, a finite value, truncated to an integer within LARGEST_SCALE. */
function truncated(): i32 {
  if (b.kind == ZERO || b.exponent < 0) return 0;
  const magnitude = b.exponent > 19 ? LARGEST_SCALE : <i32>(b.significand >> (63 - b.exponent));
  return b.sign ? -magnitude : magnitude;
}

/** ST(0) becomes the exponent, and the significand is pushed. */
export function execFxtract(): void {
  begin();
  if (isEmpty(0) || !isEmpty(7)) {
    stackFault(!isEmpty(0));
    const stored = !withheld();
    settle();
    if (!stored) return;
    storeResult(0);
    pushResult();
    return;
  }
  loadExtended(a, st(0));
  let number = false;
  if (takeOwnNaN()) copyValue(a, z);
  else {
    number = true;
    if (a.kind == ZERO) fp.raised |= ZERO_DIVIDE;
    if (a.denormal) fp.raised |= DENORMAL;
  }
  const stored = !withheld();
  settle();
  if (!stored) return;
  if (number) {
    if (a.kind == ZERO) setValue(z, INFINITE, 1);
    else if (a.kind == INFINITE) setValue(z, INFINITE, 0);
    else fromInteger(<i64>a.exponent);
  }
  storeResult(0);
  if (number && a.kind == FINITE) setFinite(z, a.sign, 0, a.significand, 0);
  else copyValue(z, a);
  pushResult();
}
