// VEX-encoded instructions on general registers: BMI1 and BMI2. AVX is absent.

import { ABSENT_BMI1, ABSENT_BMI2 } from '../layout.ts';
import { MODE_64 } from '../state.ts';
import { SL_BMI, SL_FPU_ABSENT } from '../slow-ids.ts';
import { absent, emitSlow, emitUndefined } from './emit.ts';
import { readModrm } from './operands.ts';
import { byte, d } from './state.ts';

const W: u32 = 1 << 13;
const L: u32 = 1 << 12;

/** The bytes after C4 or C5. */
export function decodeVex(first: u32): void {
  const prefixed = d.prefix66 || d.repeat != 0 || d.lock || d.rex != 0;
  let map: u32 = 1;
  let last: u32;
  const second = byte();
  d.rex = second & 0x80 ? 0 : 4;
  if (first == 0xc4) {
    map = second & 0x1f;
    if (!(second & 0x40)) d.rex |= 2;
    if (!(second & 0x20)) d.rex |= 1;
    last = byte();
  } else last = second & 0x7f;
  if (d.mode != MODE_64) d.rex = 0;
  const pp = last & 3;
  const wide = (last & 0x80) != 0 && d.mode == MODE_64;
  let vvvv = ~(last >> 3) & 15;
  if (d.mode != MODE_64) vvvv &= 7;
  d.vex = 1 | (vvvv << 8) | (last & 4 ? L : 0) | (wide ? W : 0) | (pp << 14);
  d.operandSize = wide ? 3 : 2;
  const opcode = byte();
  d.opcode = map == 1 ? 0x0f00 | opcode : map == 2 ? 0x0f3800 | opcode : 0x0f3a00 | opcode;
  if (map < 1 || map > 3) {
    emitUndefined();
    return;
  }
  if (map != 1 || opcode != 0x77) readModrm();
  if (map == 3) d.immediate = <i64>byte();
  if (prefixed) emitUndefined();
  else if (isBmi(map, opcode, pp)) {
    if (d.vex & L) emitUndefined();
    else if (!absent(isBmi1(map, opcode, pp) ? ABSENT_BMI1 : ABSENT_BMI2)) emitSlow(SL_BMI, false);
  } else emitSlow(SL_FPU_ABSENT, true);
}

/** ANDN, BLSR, BLSMSK, BLSI and BEXTR; the others are BMI2. */
function isBmi1(map: u32, opcode: u32, pp: u32): bool {
  return map == 2 && (opcode == 0xf2 || opcode == 0xf3 || (opcode == 0xf7 && pp == 0));
}

function isBmi(map: u32, opcode: u32, pp: u32): bool {
  if (map == 3) return opcode == 0xf0 && pp == 3 && !((d.vex >> 8) & 15); // RORX
  if (map != 2) return false;
  switch (opcode) {
    case 0xf2: // ANDN
      return pp == 0;
    case 0xf3: // BLSR, BLSMSK, BLSI
      return pp == 0 && (d.reg & 7) >= 1 && (d.reg & 7) <= 3;
    case 0xf5: // BZHI, PEXT, PDEP
      return pp != 1;
    case 0xf6: // MULX
      return pp == 3;
    case 0xf7: // BEXTR, SHLX, SARX, SHRX
      return true;
    default:
      return false;
  }
}
