// PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM (SDM "Packed Compare ... String" and "Aggregation Operation").

import { RAX, RCX, RDX, SCRATCH, XMM } from '../layout.ts';
import { CF, OF, SF, ZF } from '../integer/status.ts';
import { setStatus } from '../flags.ts';

const FIRST: usize = SCRATCH + 32;
const SECOND: usize = SCRATCH + 48;

// Of the immediate
const WORDS: u32 = 1;
const SIGNED: u32 = 2;
const AGGREGATION: u32 = 3; // at bit 2
const NEGATED: u32 = 0x10;
const NEGATED_VALID: u32 = 0x20;
const LAST_OR_WIDE: u32 = 0x40;

const EQUAL_ANY: u32 = 0;
const RANGES: u32 = 1;
const EQUAL_EACH: u32 = 2;

function element(at: usize, i: u32, n: u32): i32 {
  if (n & WORDS) return n & SIGNED ? <i32>load<i16>(at + <usize>(i << 1)) : <i32>load<u16>(at + <usize>(i << 1));
  return n & SIGNED ? <i32>load<i8>(at + <usize>i) : <i32>load<u8>(at + <usize>i);
}

/** Length in a general register: its absolute value, at most all elements. */
function explicitLength(register: usize, wide: bool, most: u32): u32 {
  const value = wide ? load<i64>(register) : <i64>load<i32>(register);
  const size = value < 0 ? 0 - <u64>value : <u64>value;
  return size > <u64>most ? most : <u32>size;
}

/** Elements before the first that is 0. */
function implicitLength(at: usize, n: u32, most: u32): u32 {
  let length: u32 = 0;
  while (length < most && element(at, length, n)) length++;
  return length;
}

/** Whether element j of the second operand meets the first one, by the aggregation of the immediate. */
function meets(j: u32, n: u32, most: u32, length1: u32, length2: u32): bool {
  const value = element(SECOND, j, n);
  switch ((n >> 2) & AGGREGATION) {
    case EQUAL_ANY:
      if (j >= length2) return false;
      for (let i: u32 = 0; i < length1; i++) if (element(FIRST, i, n) == value) return true;
      return false;
    case RANGES:
      if (j >= length2) return false;
      for (let i: u32 = 0; i + 1 < length1; i += 2) {
        if (element(FIRST, i, n) <= value && value <= element(FIRST, i + 1, n)) return true;
      }
      return false;
    case EQUAL_EACH:
      if (j >= length1 || j >= length2) return j >= length1 && j >= length2;
      return element(FIRST, j, n) == value;
    default: // the first operand as a substring that begins at j; past the end of the register it is not looked at
      for (let i: u32 = 0; i < length1 && i + j < most; i++) {
        if (i + j >= length2 || element(FIRST, i, n) != element(SECOND, i + j, n)) return false;
      }
      return true;
  }
}

/** a is the first operand, b the second; the result goes to ECX or XMM0 and to the flags. */
export function compareStrings(a: v128, b: v128, n: u32, explicit: bool, mask: bool, wide: bool): void {
  store<v128>(FIRST, a);
  store<v128>(SECOND, b);
  const most: u32 = n & WORDS ? 8 : 16;
  const length1 = explicit ? explicitLength(RAX, wide, most) : implicitLength(FIRST, n, most);
  const length2 = explicit ? explicitLength(RDX, wide, most) : implicitLength(SECOND, n, most);
  let result: u32 = 0;
  for (let j: u32 = 0; j < most; j++) if (meets(j, n, most, length1, length2)) result |= 1 << j;
  if (n & NEGATED) result ^= n & NEGATED_VALID ? (1 << length2) - 1 : (1 << most) - 1;
  if (mask) storeMask(result, n);
  else {
    const place: u32 = !result ? most : n & LAST_OR_WIDE ? 31 - clz<u32>(result) : ctz<u32>(result);
    store<u64>(RCX, <u64>place);
  }
  let flags: u32 = result ? CF : 0;
  if (length2 < most) flags |= ZF;
  if (length1 < most) flags |= SF;
  if (result & 1) flags |= OF;
  setStatus(flags);
}

/** The result as bits, or as elements of all ones. */
function storeMask(result: u32, n: u32): void {
  store<v128>(XMM, i64x2.splat(0));
  if (!(n & LAST_OR_WIDE)) {
    store<u32>(XMM, result);
    return;
  }
  const bytes: u32 = n & WORDS ? 2 : 1;
  for (let i: u32 = 0; i < 16; i++) if ((result >> (i / bytes)) & 1) store<u8>(XMM + <usize>i, 0xff);
}
