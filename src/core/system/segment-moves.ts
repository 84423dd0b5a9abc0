// Instructions that load and store segment registers, and the operands of far jumps, calls and returns.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CS,
  GS,
  SI_IMMEDIATE,
  SI_IMMEDIATE2,
  SI_MEMORY,
  SI_MODRM,
  SI_OFFSET,
  SI_OPERAND_SIZE,
  SI_REG,
  SI_REX,
  SI_RM,
  SI_SEGMENT,
  SS,
} from '../layout.ts';
import { BLOCKING_MOV_SS, VECTOR_UD } from '../bits.ts';
import { blockNext, raiseNoError } from '../events.ts';
import { readRm, writeRegister } from '../integer/operands.ts';
import { readMemory, writeMemory } from '../memory.ts';
import { loadSegment, segmentAddress } from '../segments.ts';
import { retire } from '../slow.ts';
import { beginStack, commitStack, popItem, pushItem } from '../stack.ts';
import { segSelector, updateMode } from '../state.ts';
import { farCall, farJump, farReturn } from '../transfer.ts';

function operandMask(size: u32): u64 {
  if (size == 1) return 0xffff;
  return size == 2 ? 0xffffffff : ~(<u64>0);
}

// What `readPointer` read.
let pointerOffset: u64 = 0;
let pointerSelector: u32 = 0;

/** A far pointer in memory: offset, then selector. */
function readPointer(size: u32): void {
  const segment = load<u32>(SI_SEGMENT);
  const offset = load<u64>(SI_OFFSET);
  const bytes: u32 = 1 << size;
  const linear = segmentAddress(segment, offset, bytes + 2, ACCESS_READ);
  pointerOffset = readMemory(linear, size);
  pointerSelector = <u32>readMemory(linear + bytes, 1);
}

function readTarget(): void {
  const size = load<u32>(SI_OPERAND_SIZE);
  if (load<u32>(SI_MEMORY)) readPointer(size);
  else {
    pointerOffset = load<u64>(SI_IMMEDIATE) & operandMask(size);
    pointerSelector = <u32>load<u64>(SI_IMMEDIATE2) & 0xffff;
  }
}

export function execFarJump(): void {
  readTarget();
  farJump(pointerSelector, pointerOffset);
}

export function execFarCall(): void {
  readTarget();
  farCall(pointerSelector, pointerOffset, load<u32>(SI_OPERAND_SIZE));
}

export function execFarReturn(): void {
  farReturn(load<u32>(SI_OPERAND_SIZE), <u32>load<u64>(SI_IMMEDIATE) & 0xffff);
}

/** After a load of SS: the stack's width, and blocking of events for one instruction. */
function stackLoaded(): void {
  updateMode();
  blockNext(BLOCKING_MOV_SS);
}

export function execLoadFarPointer(): void {
  const size = load<u32>(SI_OPERAND_SIZE);
  const segment = load<u32>(SI_REG);
  readPointer(size);
  const offset = pointerOffset;
  loadSegment(segment, pointerSelector);
  // SI_REG is the segment; the general register is in ModRM.reg with REX.R.
  writeRegister(((load<u32>(SI_MODRM) >> 3) & 7) | ((load<u32>(SI_REX) & 4) << 1), size, offset);
  if (segment == SS) updateMode();
  retire();
}

export function execMovToSegment(): void {
  const segment = load<u32>(SI_REG) & 7;
  if (segment == CS || segment > GS) raiseNoError(VECTOR_UD);
  loadSegment(segment, <u32>readRm(1));
  if (segment == SS) stackLoaded();
  retire();
}

export function execMovFromSegment(): void {
  const segment = load<u32>(SI_REG) & 7;
  if (segment > GS) raiseNoError(VECTOR_UD);
  const value = <u64>segSelector(segment);
  if (load<u32>(SI_MEMORY))
    writeMemory(segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), 2, ACCESS_WRITE), 1, value);
  else writeRegister(load<u32>(SI_RM), load<u32>(SI_OPERAND_SIZE), value);
  retire();
}

export function execPushSegment(): void {
  beginStack();
  pushItem(load<u32>(SI_OPERAND_SIZE), segSelector(load<u32>(SI_REG)));
  commitStack();
  retire();
}

export function execPopSegment(): void {
  const segment = load<u32>(SI_REG);
  beginStack();
  const selector = <u32>popItem(load<u32>(SI_OPERAND_SIZE)) & 0xffff;
  loadSegment(segment, selector);
  commitStack();
  if (segment == SS) stackLoaded();
  retire();
}
