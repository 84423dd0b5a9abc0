// MOV to and from debug registers (SDM "MOV - Move to/from Debug Registers", "Debug Registers").

import { CODE_MODE, CPL, CR4, DR0, DR6, DR7, NON_ROOT, PRIMARY_CONTROLS, SI_REG, SI_RM } from '../layout.ts';
import { CR4_DE, VECTOR_GP, VECTOR_UD } from '../bits.ts';
import { DR6_BD, raise, raiseDebug, raiseNoError } from '../events.ts';
import { PRIMARY_MOV_DR, REASON_MOV_DR, exitInstruction } from '../intercepts.ts';
import { retire } from '../slow.ts';
import { MODE_64, getReg, setReg, updateMode } from '../state.ts';

const DR7_GD: u64 = 1 << 13;
const DR6_ONES: u64 = 0xffff0ff0;
const DR6_WRITABLE: u64 = 0xe00f;
const DR7_ONES: u64 = 0x400;
const DR7_WRITABLE: u64 = 0xffff23ff;

/** The checks common to both directions; answers whether the instruction became a VM exit. */
function checkAccess(from: u32): bool {
  const register = load<u32>(SI_REG);
  if (register > 7) raiseNoError(VECTOR_UD);
  // This exit comes before #GP for the privilege level and #UD for DR4 and DR5.
  if (load<u32>(NON_ROOT) && load<u32>(PRIMARY_CONTROLS) & PRIMARY_MOV_DR) {
    exitInstruction(REASON_MOV_DR, <u64>(register | (from << 4) | (load<u32>(SI_RM) << 8)));
    return true;
  }
  if ((register == 4 || register == 5) && load<u64>(CR4) & CR4_DE) raiseNoError(VECTOR_UD);
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
  if (load<u64>(DR7) & DR7_GD) raiseDebug(DR6_BD);
  return false;
}

/** DR4 and DR5 are other names of DR6 and DR7 while CR4.DE is clear. */
function cellOf(register: u32): usize {
  if (register == 4 || register == 6) return DR6;
  if (register == 5 || register == 7) return DR7;
  return DR0 + ((<usize>register) << 3);
}

export function execMovFromDr(): void {
  if (checkAccess(1)) return;
  const value = load<u64>(cellOf(load<u32>(SI_REG)));
  setReg(load<u32>(SI_RM), load<u32>(CODE_MODE) == MODE_64 ? value : value & 0xffffffff);
  retire();
}

export function execMovToDr(): void {
  if (checkAccess(0)) return;
  const cell = cellOf(load<u32>(SI_REG));
  let value = getReg(load<u32>(SI_RM));
  if (load<u32>(CODE_MODE) != MODE_64) value &= 0xffffffff;
  if (cell == DR6 || cell == DR7) {
    if (value >> 32) raise(VECTOR_GP, 0);
    value = cell == DR6 ? (value & DR6_WRITABLE) | DR6_ONES : (value & DR7_WRITABLE) | DR7_ONES;
  }
  store<u64>(cell, value);
  if (cell == DR7) updateMode();
  retire();
}
