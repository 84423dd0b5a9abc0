// SYSCALL, SYSRET, SYSENTER, SYSEXIT: transfers with flat segments that no descriptor table is read for.

import {
  CODE_MODE,
  CPL,
  CS,
  EFER,
  FMASK,
  LSTAR,
  R11,
  RCX,
  RDX,
  RSP,
  SI_OPERAND_SIZE,
  SS,
  STAR,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  SYSTEM_FLAGS,
} from '../layout.ts';
import { EFER_SCE, FLAG_IF, FLAG_RF, FLAG_VM, VECTOR_GP, VECTOR_UD } from '../bits.ts';
import { attend, flagsChanged, raise, raiseNoError, trapByNewFlags } from '../events.ts';
import { getFlags, setFlags } from '../flags.ts';
import { MODE_64, getNextRip, isCanonical, isLongMode, isProtected, setSegment } from '../state.ts';
import { arrive } from '../transfer.ts';

const CODE_64: u32 = 0xa09b;
const CODE_32: u32 = 0xc09b;
const STACK: u32 = 0xc093;
const USER: u32 = 3 << 5;
const FLAT: u32 = 0xffffffff;

/** Loads flat CS and SS for a level. */
function loadFlat(selector: u32, stackSelector: u32, cpl: u32, long: bool): void {
  const dpl = cpl ? USER : 0;
  setSegment(CS, (selector & 0xfffc) | cpl, (long ? CODE_64 : CODE_32) | dpl, FLAT, 0);
  setSegment(SS, (stackSelector & 0xfffc) | cpl, STACK | dpl, FLAT, 0);
}

export function execSyscall(): void {
  if (load<u32>(CODE_MODE) != MODE_64 || !(load<u64>(EFER) & EFER_SCE)) raiseNoError(VECTOR_UD);
  const flags = getFlags() & ~(<u64>FLAG_RF);
  store<u64>(RCX, getNextRip());
  store<u64>(R11, flags);
  const selector = <u32>(load<u64>(STAR) >> 32) & 0xffff;
  loadFlat(selector, selector + 8, 0, true);
  setFlags(flags & ~load<u64>(FMASK));
  trapByNewFlags();
  flagsChanged(<u32>flags);
  arrive(load<u64>(LSTAR));
}

export function execSysret(): void {
  if (load<u32>(CODE_MODE) != MODE_64 || !(load<u64>(EFER) & EFER_SCE)) raiseNoError(VECTOR_UD);
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
  const long = load<u32>(SI_OPERAND_SIZE) == 3;
  const target = long ? load<u64>(RCX) : load<u64>(RCX) & 0xffffffff;
  if (!isCanonical(target)) raise(VECTOR_GP, 0);
  const selector = <u32>(load<u64>(STAR) >> 48) & 0xffff;
  loadFlat(long ? selector + 16 : selector, selector + 8, 3, long);
  const before = load<u32>(SYSTEM_FLAGS);
  setFlags(load<u64>(R11) & 0x3c7fd7);
  trapByNewFlags();
  flagsChanged(before);
  arrive(target);
}

export function execSysenter(): void {
  const selector = <u32>load<u64>(SYSENTER_CS) & 0xfffc;
  if (!isProtected() || !selector) raise(VECTOR_GP, 0);
  const long = isLongMode();
  const mask: u64 = long ? ~(<u64>0) : 0xffffffff;
  store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) & ~(FLAG_VM | FLAG_IF | FLAG_RF));
  store<u64>(RSP, load<u64>(SYSENTER_ESP) & mask);
  loadFlat(selector, selector + 8, 0, long);
  attend();
  arrive(load<u64>(SYSENTER_EIP) & mask);
}

export function execSysexit(): void {
  const selector = <u32>load<u64>(SYSENTER_CS) & 0xfffc;
  if (!isProtected() || !selector || load<u32>(CPL)) raise(VECTOR_GP, 0);
  const long = load<u32>(SI_OPERAND_SIZE) == 3;
  if (long && (!isCanonical(load<u64>(RCX)) || !isCanonical(load<u64>(RDX)))) raise(VECTOR_GP, 0);
  const mask: u64 = long ? ~(<u64>0) : 0xffffffff;
  store<u64>(RSP, load<u64>(RCX) & mask);
  const code = selector + (long ? 32 : 16);
  loadFlat(code, code + 8, 3, long);
  arrive(load<u64>(RDX) & mask);
}
