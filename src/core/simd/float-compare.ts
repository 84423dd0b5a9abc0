// CMPPS and CMPSS, COMISS and UCOMISS.

import { beginSse, compareSse } from '../float/sse.ts';
import { EQUAL, GREATER, LESS, UNORDERED } from '../float/arithmetic.ts';
import { CF, PF, ZF } from '../integer/status.ts';
import { setStatus } from '../flags.ts';
import { MXCSR } from '../layout.ts';
import { RESULT, bitsOf, finishFloat, format, isSettled } from './float.ts';

/** Outcomes (1 << LESS, EQUAL, GREATER, UNORDERED) that meet each predicate of CMPPS: EQ LT LE UNORD NEQ NLT NLE ORD. */
function predicate(n: u32): u32 {
  return (0x7ced8312 >> ((n & 7) * 4)) & 15;
}

function compareElement<T>(x: T, y: T, n: u32): bool {
  let order: u32;
  if (isSettled<T>(x) && isSettled<T>(y)) order = x < y ? LESS : x > y ? GREATER : EQUAL;
  else {
    const which = n & 3;
    order = compareSse(bitsOf<T>(x), bitsOf<T>(y), format<T>(), which == 1 || which == 2); // LT, LE and their negations
  }
  return ((predicate(n) >> order) & 1) != 0;
}

/** CMPPS, CMPSS: all ones where the predicate n holds. @inline */
export function comparePacked<T>(bytes: usize, d: usize, s: usize, n: u32, op: usize, rem: i32): void {
  beginSse(load<u32>(MXCSR));
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    const mask: u64 = compareElement<T>(load<T>(d + i), load<T>(s + i), n) ? ~(<u64>0) : 0;
    if (sizeof<T>() == 4) store<u32>(RESULT + i, <u32>mask);
    else store<u64>(RESULT + i, mask);
  }
  finishFloat(op, rem);
  memory.copy(d, RESULT, bytes);
}

function carefulFlags<T>(x: T, y: T, quietToo: bool, op: usize, rem: i32): void {
  beginSse(load<u32>(MXCSR));
  const order = compareSse(bitsOf<T>(x), bitsOf<T>(y), format<T>(), quietToo);
  finishFloat(op, rem);
  setStatus(order == UNORDERED ? ZF | PF | CF : order == LESS ? CF : order == EQUAL ? ZF : 0);
}

/** COMISS, UCOMISS: ZF, PF and CF by the order; OF, SF and AF 0. @inline */
export function compareFlags<T>(d: usize, s: usize, quietToo: bool, op: usize, rem: i32): void {
  const x = load<T>(d);
  const y = load<T>(s);
  if (isSettled<T>(x) && isSettled<T>(y)) setStatus(x < y ? CF : x == y ? ZF : 0);
  else carefulFlags<T>(x, y, quietToo, op, rem);
}
