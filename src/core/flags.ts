// Lazy status flags. LF_KIND says how CF, OF and AF follow from LF_RES, LF_OP1 and LF_OP2, which are sign-extended to 64
// bits (so that unsigned order is kept at every width); ZF, SF and PF follow from LF_RES alone, with SF and PF flipped by
// bits 16 and 17 of LF_KIND. So every combination of the six flags has a representation.

import { FLAG_AC, FLAG_RF, FLAG_TF, FLAG_VM } from './bits.ts';
import { LF_KIND, LF_OP1, LF_OP2, LF_RES, SYSTEM_FLAGS } from './layout.ts';
import { selectTlbSet, updateAttention, updateMode } from './state.ts';

export const K_EXPLICIT: u32 = 0; // LF_OP1 holds them: bit 0 CF, 1 OF, 2 AF
export const K_ADD: u32 = 1;
export const K_SUB: u32 = 2;
export const K_LOGIC: u32 = 3;
export const K_INC: u32 = 4; // LF_OP1 holds CF
export const K_DEC: u32 = 5; // LF_OP1 holds CF
export const K_ADC: u32 = 6; // addition with a carry in of 1
export const K_SBB: u32 = 7; // subtraction with a borrow in of 1
export const K_IMUL: u32 = 8; // 64-bit product of LF_OP1 and LF_OP2

const FLIP_SF: u32 = 16; // bit numbers in LF_KIND
const FLIP_PF: u32 = 17;
/** Of LF_KIND: width and flips, that is, what says how to read LF_RES. */
const KEEP_RESULT: u32 = 0x3ff00;

const STATUS_CF: u32 = 1;
const STATUS_PF: u32 = 1 << 2;
const STATUS_AF: u32 = 1 << 4;
const STATUS_ZF: u32 = 1 << 6;
const STATUS_SF: u32 = 1 << 7;
const STATUS_OF: u32 = 1 << 11;
const SYSTEM_BITS: u32 = 0x3f7700; // TF IF DF IOPL NT RF VM AC VIF VIP ID

export function getCF(): u32 {
  const kind = load<u32>(LF_KIND);
  const r = load<u64>(LF_RES);
  const a = load<u64>(LF_OP1);
  switch (kind & 15) {
    case K_ADD:
      return u32(r < a);
    case K_SUB:
      return u32(a < r);
    case K_LOGIC:
      return 0;
    case K_ADC:
      return u32(r <= a);
    case K_SBB:
      return u32(r >= a);
    case K_IMUL:
      return imulOverflow(a, load<u64>(LF_OP2), r);
    default:
      return <u32>a & 1;
  }
}

export function getOF(): u32 {
  const kind = load<u32>(LF_KIND);
  const r = load<u64>(LF_RES);
  const a = load<u64>(LF_OP1);
  const top = <u64>((kind >> 8) & 0xff);
  switch (kind & 15) {
    case K_ADD:
      return <u32>(((a ^ r) & ((r - a) ^ r)) >> top) & 1;
    case K_SUB:
      return <u32>(((a ^ (a - r)) & (a ^ r)) >> top) & 1;
    case K_ADC:
      return <u32>(((a ^ r) & ((r - a - 1) ^ r)) >> top) & 1;
    case K_SBB:
      return <u32>(((a ^ (a - r - 1)) & (a ^ r)) >> top) & 1;
    case K_LOGIC:
      return 0;
    case K_INC:
      return u32((r & (((<u64>2) << top) - 1)) == (<u64>1) << top);
    case K_DEC:
      return u32((r & (((<u64>2) << top) - 1)) == ((<u64>1) << top) - 1);
    case K_IMUL:
      return imulOverflow(a, load<u64>(LF_OP2), r);
    default:
      return <u32>(a >> 1) & 1;
  }
}

export function getAF(): u32 {
  const r = load<u64>(LF_RES);
  const a = load<u64>(LF_OP1);
  switch (load<u32>(LF_KIND) & 15) {
    case K_ADD:
      return <u32>((r ^ a ^ (r - a)) >> 4) & 1;
    case K_SUB:
      return <u32>((r ^ a ^ (a - r)) >> 4) & 1;
    case K_ADC:
      return <u32>((r ^ a ^ (r - a - 1)) >> 4) & 1;
    case K_SBB:
      return <u32>((r ^ a ^ (a - r - 1)) >> 4) & 1;
    case K_INC:
      return u32((r & 15) == 0);
    case K_DEC:
      return u32((r & 15) == 15);
    case K_LOGIC:
    case K_IMUL:
      return 0;
    default:
      return <u32>(a >> 2) & 1;
  }
}

export function getSF(): u32 {
  return <u32>(load<u64>(LF_RES) >> 63) ^ ((load<u32>(LF_KIND) >> FLIP_SF) & 1);
}

export function getPF(): u32 {
  return (~popcnt<u32>(load<u8>(LF_RES)) ^ (load<u32>(LF_KIND) >> FLIP_PF)) & 1;
}

/** SF != OF: signed less, after a comparison. */
export function lessSigned(): bool {
  const kind = load<u32>(LF_KIND);
  if ((kind & 15) == K_SUB) {
    const r = load<i64>(LF_RES);
    const a = load<i64>(LF_OP1);
    return ((<u64>(r ^ ((a ^ (a - r)) & (a ^ r))) >> <u64>((kind >> 8) & 0xff)) & 1) != 0;
  }
  return getSF() != getOF();
}

/** Changes CF and OF and keeps SF, ZF, AF and PF (rotates). */
export function setCarryOverflow(cf: u32, overflow: u32): void {
  const af = getAF();
  store<u32>(LF_KIND, K_EXPLICIT | (load<u32>(LF_KIND) & KEEP_RESULT));
  store<u64>(LF_OP1, <u64>(cf | (overflow << 1) | (af << 2)));
}

/** Changes CF and keeps the others (BT, CLC, STC, CMC). */
export function setCarry(cf: u32): void {
  setCarryOverflow(cf, getOF());
}

/** Sets ZF and keeps the others (BSF and BSR of 0). */
export function setZero(): void {
  setStatus(getStatus() | STATUS_ZF);
}

/** The six status flags as bits of RFLAGS. */
export function getStatus(): u32 {
  let bits = getCF() | (getPF() << 2) | (getAF() << 4) | (getSF() << 7) | (getOF() << 11);
  if (!load<u64>(LF_RES)) bits |= STATUS_ZF;
  return bits;
}

/** Sets the six status flags from bits of RFLAGS; other bits are ignored. */
export function setStatus(bits: u32): void {
  const zero = (bits & STATUS_ZF) != 0;
  // A result of 0 reads as SF 0, PF 1; a result of 1 as SF 0, PF 0.
  const flipSign = u32((bits & STATUS_SF) != 0);
  const flipParity = u32((bits & STATUS_PF) != 0) ^ u32(zero);
  store<u32>(LF_KIND, K_EXPLICIT | (63 << 8) | (flipSign << FLIP_SF) | (flipParity << FLIP_PF));
  store<u64>(LF_RES, zero ? 0 : 1);
  store<u64>(LF_OP1, <u64>((bits & STATUS_CF) | ((bits & STATUS_OF) >> 10) | ((bits & STATUS_AF) >> 2)));
}

/** RFLAGS. */
export function getFlags(): u64 {
  return <u64>(getStatus() | load<u32>(SYSTEM_FLAGS) | 2);
}

/** Sets RFLAGS, with what depends on it: attention, and mode and TLB set when VM or AC change. */
export function setFlags(value: u64): void {
  setStatus(<u32>value);
  const bits = <u32>value & SYSTEM_BITS;
  const changed = load<u32>(SYSTEM_FLAGS) ^ bits;
  store<u32>(SYSTEM_FLAGS, bits);
  if (changed & FLAG_VM) updateMode();
  else {
    if (changed & FLAG_AC) selectTlbSet();
    if (changed & (FLAG_TF | FLAG_RF | FLAG_AC)) updateAttention();
  }
}

/** Whether the signed 64-bit product of a and b does not fit in 64 bits (r is its low half). */
export function imulOverflow(a: u64, b: u64, r: u64): u32 {
  return u32(highSigned(a, b) != <u64>(<i64>r >> 63));
}

/** Upper 64 bits of an unsigned product. */
export function highUnsigned(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const middle1 = al * bh;
  const middle2 = ah * bl;
  const carry = ((al * bl) >> 32) + (middle1 & 0xffffffff) + (middle2 & 0xffffffff);
  return ah * bh + (middle1 >> 32) + (middle2 >> 32) + (carry >> 32);
}

/** Upper 64 bits of a signed product. */
export function highSigned(a: u64, b: u64): u64 {
  let high = highUnsigned(a, b);
  if (<i64>a < 0) high -= b;
  if (<i64>b < 0) high -= a;
  return high;
}
