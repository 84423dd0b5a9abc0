// PUSHF, POPF, CLI and STI with IOPL, virtual-8086 mode extensions and protected-mode virtual interrupts.

import { CPL, CR4, SI_OPERAND_SIZE, SYSTEM_FLAGS } from '../layout.ts';
import {
  BLOCKING_STI,
  CR4_PVI,
  CR4_VME,
  FLAG_AC,
  FLAG_ID,
  FLAG_IF,
  FLAG_IOPL,
  FLAG_RF,
  FLAG_TF,
  FLAG_VIF,
  FLAG_VIP,
  FLAG_VM,
  VECTOR_GP,
} from '../bits.ts';
import { blockNext, changeFlags, flagsChanged, raise } from '../events.ts';
import { getFlags, setFlags } from '../flags.ts';
import { retire } from '../slow.ts';
import { beginStack, commitStack, popItem, pushItem } from '../stack.ts';
import { isProtected, isV86 } from '../state.ts';

/** Flags that POPF may load with a 16-bit operand: CF PF AF ZF SF TF IF DF OF IOPL NT. */
const LOADED_16: u32 = 0x7fd5;

export function iopl(): u32 {
  return (load<u32>(SYSTEM_FLAGS) >> 12) & 3;
}

/** Loads RFLAGS with what depends on it. */
export function loadFlags(value: u64): void {
  const before = load<u32>(SYSTEM_FLAGS);
  setFlags(value);
  flagsChanged(before);
}

/** Flags image as an instruction of virtual-8086 code sees it under VME: IF is VIF, IOPL is 3. */
export function virtualFlags(): u32 {
  const flags = <u32>getFlags();
  return (flags & ~FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
}

export function execPushf(): void {
  const size = load<u32>(SI_OPERAND_SIZE);
  let image = <u32>getFlags() & ~(FLAG_VM | FLAG_RF);
  if (isV86() && iopl() < 3) {
    if (size != 1 || !(load<u64>(CR4) & CR4_VME)) raise(VECTOR_GP, 0);
    image = virtualFlags();
  }
  beginStack();
  pushItem(size, image);
  commitStack();
  retire();
}

export function execPopf(): void {
  const size = load<u32>(SI_OPERAND_SIZE);
  const v86 = isV86();
  const virtual = v86 && iopl() < 3;
  if (virtual && (size != 1 || !(load<u64>(CR4) & CR4_VME))) raise(VECTOR_GP, 0);
  beginStack();
  let image = <u32>popItem(size);
  const old = <u32>getFlags();
  let loaded = size == 1 ? LOADED_16 : LOADED_16 | FLAG_AC | FLAG_ID;
  if (virtual) {
    if (image & FLAG_TF || (image & FLAG_IF && old & FLAG_VIP)) raise(VECTOR_GP, 0);
    loaded = (loaded & ~(FLAG_IF | FLAG_IOPL)) | FLAG_VIF;
    image = image & FLAG_IF ? image | FLAG_VIF : image & ~FLAG_VIF;
  } else if (v86) loaded &= ~FLAG_IOPL;
  else if (isProtected()) {
    const cpl = load<u32>(CPL);
    if (cpl > 0) loaded &= ~FLAG_IOPL;
    if (cpl > iopl()) loaded &= ~FLAG_IF;
  }
  commitStack();
  let keep = ~loaded;
  if (size != 1) keep &= ~FLAG_RF;
  loadFlags((image & loaded) | (old & keep));
  retire();
}

/** Which flag CLI and STI act on: IF, VIF, or none (#GP(0)). */
function interruptFlag(): u32 {
  if (!isProtected() || load<u32>(CPL) <= iopl()) return FLAG_IF;
  if (load<u32>(CPL) == 3 && load<u64>(CR4) & (isV86() ? CR4_VME : CR4_PVI)) return FLAG_VIF;
  raise(VECTOR_GP, 0);
  return 0;
}

export function execCli(): void {
  changeFlags(interruptFlag(), 0);
  retire();
}

export function execSti(): void {
  const flag = interruptFlag();
  const old = load<u32>(SYSTEM_FLAGS);
  if (flag == FLAG_VIF && old & FLAG_VIP) raise(VECTOR_GP, 0);
  changeFlags(0, flag);
  if (flag == FLAG_IF && !(old & FLAG_IF)) blockNext(BLOCKING_STI);
  retire();
}
