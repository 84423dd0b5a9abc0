// Decimal adjustment: DAA DAS AAA AAS AAM AAD (outside 64-bit mode only).

import { RAX, SI_IMMEDIATE, SI_OPCODE } from '../layout.ts';
import { VECTOR_DE } from '../bits.ts';
import { raiseNoError } from '../events.ts';
import { getStatus, setStatus } from '../flags.ts';
import { AF, CF, resultStatus } from './status.ts';

/** SDM "DAA" and "DAS": corrects AL after an addition or a subtraction of packed digits. OF, undefined, becomes 0. */
function adjustPacked(subtract: bool): void {
  const al = <u32>load<u8>(RAX);
  const before = getStatus();
  let result = al;
  let bits: u32 = 0;
  if ((al & 15) > 9 || before & AF) {
    if (subtract) {
      result = al - 6;
      if (al < 6 || before & CF) bits |= CF;
    } else {
      result = al + 6;
      if (al > 0xf9 || before & CF) bits |= CF;
    }
    bits |= AF;
  }
  if (al > 0x99 || before & CF) {
    result = subtract ? result - 0x60 : result + 0x60;
    bits |= CF;
  } else if (!subtract) bits &= ~CF;
  store<u8>(RAX, <u8>result);
  setStatus(bits | resultStatus(<u64>(result & 0xff), 0));
}

/** SDM "AAA" and "AAS": corrects AX for unpacked digits. OF, SF, ZF and PF, undefined, follow AL (OF 0). */
function adjustUnpacked(subtract: bool): void {
  let ax = <u32>load<u16>(RAX);
  let bits: u32 = 0;
  if ((ax & 15) > 9 || getStatus() & AF) {
    ax = subtract ? ax - 0x106 : ax + 0x106;
    bits = AF | CF;
  }
  ax &= 0xff0f;
  store<u16>(RAX, <u16>ax);
  setStatus(bits | resultStatus(<u64>(ax & 0xff), 0));
}

export function execDecimal(): void {
  const opcode = load<u32>(SI_OPCODE);
  const base = <u32>load<u64>(SI_IMMEDIATE) & 0xff;
  const al = <u32>load<u8>(RAX);
  let result: u32 = 0;
  switch (opcode) {
    case 0x27:
      adjustPacked(false);
      return;
    case 0x2f:
      adjustPacked(true);
      return;
    case 0x37:
      adjustUnpacked(false);
      return;
    case 0x3f:
      adjustUnpacked(true);
      return;
    case 0xd4: // AAM
      if (!base) raiseNoError(VECTOR_DE);
      result = al % base;
      store<u16>(RAX, <u16>(((al / base) << 8) | result));
      break;
    default: // 0xD5, AAD
      result = (al + <u32>load<u8>(RAX + 1) * base) & 0xff;
      store<u16>(RAX, <u16>result);
  }
  setStatus(resultStatus(<u64>result, 0));
}
