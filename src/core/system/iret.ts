// IRET in every mode (SDM "IRET/IRETD/IRETQ - Interrupt Return").

import { CODE_MODE, CPL, CR4, CS, DS, ES, FS, GS, SI_OPERAND_SIZE, SS, SYSTEM_FLAGS } from '../layout.ts';
import {
  CR4_VME,
  FLAG_AC,
  FLAG_ID,
  FLAG_IF,
  FLAG_IOPL,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  FLAG_VIF,
  FLAG_VIP,
  FLAG_VM,
  VECTOR_GP,
} from '../bits.ts';
import { clearNmiUnblocking, flagsChanged, iretUnblocksNmi, keepResumeFlag, raise } from '../events.ts';
import { getFlags, setFlags } from '../flags.ts';
import { dropInaccessible, isLongCode, loadCode, setRealSegment, setV86Segment } from '../segments.ts';
import { beginStack, commitStack, popItem, setStackPointer, stackMask } from '../stack.ts';
import { MODE_64, getNextRip, isLongMode, isProtected, isV86, segLimit, updateMode } from '../state.ts';
import { taskReturn } from '../task.ts';
import { arrive, checkTarget, loadReturnStack, retireUnlessExit, returnCode, returnStack } from '../transfer.ts';
import { iopl } from './flags.ts';

/** Flags that IRET loads at every level: CF PF AF ZF SF TF DF OF NT. */
const ALWAYS: u32 = 0x4dd5;

export function execIret(): void {
  const size = load<u32>(SI_OPERAND_SIZE);
  iretUnblocksNmi();
  if (!isProtected()) returnReal(size);
  else if (isV86()) returnInV86(size);
  else if (load<u32>(SYSTEM_FLAGS) & FLAG_NT) {
    if (isLongMode()) raise(VECTOR_GP, 0);
    taskReturn(<u32>getNextRip());
    retireUnlessExit();
  } else returnProtected(size);
  clearNmiUnblocking();
}

/** Loads the flags that `loaded` names and keeps the others; RF, once loaded, holds for the next instruction. */
function loadImage(image: u32, loaded: u32): void {
  const before = load<u32>(SYSTEM_FLAGS);
  setFlags((image & loaded) | (<u32>getFlags() & ~loaded));
  flagsChanged(before);
  if (loaded & image & FLAG_RF) keepResumeFlag();
}

function returnReal(size: u32): void {
  beginStack();
  const rip = popItem(size);
  const selector = <u32>popItem(size) & 0xffff;
  const image = <u32>popItem(size);
  if (rip > <u64>segLimit(CS)) raise(VECTOR_GP, 0);
  commitStack();
  setRealSegment(CS, selector);
  const common = ALWAYS | FLAG_IF | FLAG_IOPL;
  loadImage(image, size == 1 ? common : common | FLAG_RF | FLAG_AC | FLAG_ID);
  arrive(rip);
}

function returnInV86(size: u32): void {
  const virtual = iopl() < 3;
  if (virtual && (size != 1 || !(load<u64>(CR4) & CR4_VME))) raise(VECTOR_GP, 0);
  beginStack();
  const rip = popItem(size);
  const selector = <u32>popItem(size) & 0xffff;
  let image = <u32>popItem(size);
  if (rip > <u64>segLimit(CS)) raise(VECTOR_GP, 0);
  let loaded = ALWAYS | FLAG_IF;
  if (virtual) {
    if (image & FLAG_TF || (image & FLAG_IF && load<u32>(SYSTEM_FLAGS) & FLAG_VIP)) raise(VECTOR_GP, 0);
    image = image & FLAG_IF ? image | FLAG_VIF : image & ~FLAG_VIF;
    loaded = ALWAYS | FLAG_VIF;
  } else if (size != 1) loaded |= FLAG_RF | FLAG_AC | FLAG_ID;
  commitStack();
  setV86Segment(CS, selector);
  loadImage(image, loaded);
  arrive(rip);
}

function returnProtected(size: u32): void {
  const long = load<u32>(CODE_MODE) == MODE_64;
  const cpl = load<u32>(CPL);
  beginStack();
  const rip = popItem(size);
  const selector = <u32>popItem(size) & 0xffff;
  const image = <u32>popItem(size);
  if (image & FLAG_VM && size == 2 && !cpl && !isLongMode()) {
    returnToV86(rip, selector, image);
    return;
  }
  const code = returnCode(selector);
  const newCpl = selector & 3;
  let loaded = ALWAYS;
  if (size != 1) loaded |= FLAG_RF | FLAG_AC | FLAG_ID;
  if (cpl <= iopl()) loaded |= FLAG_IF;
  if (!cpl) loaded |= size == 1 ? FLAG_IOPL : FLAG_IOPL | FLAG_VIF | FLAG_VIP;
  if (newCpl == cpl && !long) {
    checkTarget(rip, code);
    commitStack();
    loadCode(selector, code, newCpl);
    loadImage(image, loaded);
    arrive(rip);
    return;
  }
  const stackPointer = popItem(size);
  const stackSelector = <u32>popItem(size) & 0xffff;
  const stack = returnStack(stackSelector, newCpl, isLongCode(code));
  checkTarget(rip, code);
  loadCode(selector, code, newCpl);
  loadReturnStack(stackSelector, stack, newCpl);
  loadImage(image, loaded);
  updateMode();
  setStackPointer(stackPointer, stackMask());
  if (newCpl != cpl) dropInaccessible(newCpl);
  arrive(rip);
}

/** To virtual-8086 mode: the rest of the frame holds ESP and every segment. */
function returnToV86(rip: u64, selector: u32, image: u32): void {
  const esp = popItem(2);
  const ss = <u32>popItem(2) & 0xffff;
  const es = <u32>popItem(2) & 0xffff;
  const ds = <u32>popItem(2) & 0xffff;
  const fs = <u32>popItem(2) & 0xffff;
  const gs = <u32>popItem(2) & 0xffff;
  if (rip > 0xffff) raise(VECTOR_GP, 0);
  setV86Segment(CS, selector);
  setV86Segment(SS, ss);
  setV86Segment(ES, es);
  setV86Segment(DS, ds);
  setV86Segment(FS, fs);
  setV86Segment(GS, gs);
  setStackPointer(esp, 0xffffffff);
  loadImage(image, ALWAYS | FLAG_IF | FLAG_IOPL | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_ID | FLAG_VIF | FLAG_VIP);
  arrive(rip);
}
