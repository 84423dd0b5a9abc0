// Which encodings of the escape opcodes D8 to DF are instructions (SDM "Escape Opcode Instructions").

import { SL_FPU_ABSENT, SL_X87 } from '../slow-ids.ts';
import { emitSlow } from './emit.ts';
import { readModrm } from './operands.ts';
import { d } from './state.ts';

export function decodeEscape(): void {
  readModrm();
  const known = d.memory ? knownMemory(d.opcode & 7, (d.modrm >> 3) & 7) : knownRegister(d.opcode & 7, d.modrm & 0x3f);
  emitSlow(known ? SL_X87 : SL_FPU_ABSENT, !known);
}

function knownMemory(opcode: u32, operation: u32): bool {
  if (opcode == 1) return operation != 1;
  if (opcode == 3) return operation != 4 && operation != 6;
  return opcode != 5 || operation != 5;
}

/** `form`: the low six bits of ModRM. */
function knownRegister(opcode: u32, form: u32): bool {
  const operation = form >> 3;
  switch (opcode) {
    case 1:
      if (form < 0x20) return operation != 2 || form == 0x10; // FNOP
      return form != 0x22 && form != 0x23 && form != 0x26 && form != 0x27 && form != 0x2f;
    case 2:
      return form < 0x20 || form == 0x29; // FCMOVcc, FUCOMPP
    case 3:
      return form < 0x25 || (form >= 0x28 && form < 0x38); // FCMOVcc, FNENI to FNSETPM, FUCOMI, FCOMI
    case 5:
      return form < 0x30;
    case 6:
      return operation != 3 || form == 0x19; // FCOMPP
    case 7:
      return form < 0x21 || (form >= 0x28 && form < 0x38); // FNSTSW AX, FUCOMIP, FCOMIP
    default:
      return true;
  }
}
