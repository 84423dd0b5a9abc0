// FBLD and FBSTP: 18 digits of packed BCD and a sign (SDM "Packed BCD Integers").

import { INVALID, PRECISION, fp } from '../float/context.ts';
import { toIntegral } from '../float/convert.ts';
import { FINITE, ZERO, a, copyValue, loadExtended, z } from '../float/value.ts';
import { ACCESS_READ, SCRATCH } from '../layout.ts';
import { operandAddress } from '../integer/operands.ts';
import { readMemory } from '../memory.ts';
import { probeOperand, writeTenBytes } from './memory.ts';
import { pushWhole } from './moves.ts';
import { begin, isEmpty, pop, settle, st, stackFault, withheld } from './registers.ts';

const TOO_LARGE: u64 = 1000000000000000000;
const BUFFER: usize = SCRATCH + 32;

export function execFbld(): void {
  const linear = operandAddress(10, ACCESS_READ);
  const digits = readMemory(linear, 3);
  const upper = readMemory(linear + 8, 1);
  let value = ((upper >> 4) & 15) * 10 + (upper & 15);
  for (let shift: i32 = 60; shift >= 0; shift -= 4) value = value * 10 + ((digits >> shift) & 15);
  pushWhole(<i64>value, (upper & 0x8000) != 0);
}

/** Writes the packed BCD indefinite to BUFFER. */
function indefinite(): void {
  store<u64>(BUFFER, 0xc000000000000000);
  store<u16>(BUFFER, 0xffff, 8);
}

export function execFbstp(): void {
  begin();
  if (isEmpty(0)) {
    stackFault(false);
    indefinite();
  } else convert();
  const stored = !withheld();
  if (stored) writeTenBytes(BUFFER);
  else probeOperand(10);
  settle();
  if (stored) pop();
}

function convert(): void {
  loadExtended(a, st(0));
  copyValue(z, a);
  let inexact = false;
  if (a.kind == FINITE && a.exponent < 63) inexact = toIntegral(fp.rounding);
  const whole = z.kind == ZERO || (z.kind == FINITE && z.exponent < 60);
  const magnitude: u64 = whole && z.kind == FINITE ? z.significand >> (63 - z.exponent) : 0;
  if (!whole || magnitude >= TOO_LARGE) {
    fp.raised |= INVALID;
    fp.roundedUp = false;
    indefinite();
    return;
  }
  if (inexact) fp.raised |= PRECISION;
  let rest = magnitude;
  for (let i: usize = 0; i < 9; i++) {
    const pair = rest % 100;
    rest /= 100;
    store<u8>(BUFFER + i, <u8>((pair / 10) << 4) | <u8>(pair % 10));
  }
  store<u8>(BUFFER, a.sign ? 0x80 : 0, 9);
}
