// ENTER, PUSHA and POPA: instructions that move several stack elements and change the stack pointer last.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CODE_MODE,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  SEGMENTS,
  SEGMENT_SIZE,
  SEG_RIGHTS,
  SI_IMMEDIATE,
  SI_IMMEDIATE2,
  SS,
} from '../layout.ts';
import { RIGHTS_DB } from '../bits.ts';
import { readForWrite, readMemory, writeMemory } from '../memory.ts';
import { segmentAddress } from '../segments.ts';
import { operandSize, readRegister, sizeMask, writeAddressRegister, writeRegister } from './operands.ts';

const BP_INDEX: u32 = 5;

/** Size of stack addresses, 1 to 3: 64-bit mode, or the B flag of SS. */
function stackSize(): u32 {
  if (load<u32>(CODE_MODE) == 2) return 3;
  return load<u32>(SEGMENTS + SS * SEGMENT_SIZE + SEG_RIGHTS) & RIGHTS_DB ? 2 : 1;
}

function readStack(offset: u64, size: u32): u64 {
  return readMemory(segmentAddress(SS, offset & sizeMask(stackSize()), 1 << size, ACCESS_READ), size);
}

function writeStack(offset: u64, size: u32, value: u64): void {
  writeMemory(segmentAddress(SS, offset & sizeMask(stackSize()), 1 << size, ACCESS_WRITE), size, value);
}

/** SDM "ENTER": SI_IMMEDIATE bytes of locals, SI_IMMEDIATE2 the nesting level (modulo 32). */
export function execEnter(): void {
  const size = operandSize();
  const step = <u64>(1 << size);
  const level = <u32>load<u64>(SI_IMMEDIATE2) & 31;
  let top = load<u64>(RSP) - step;
  writeStack(top, size, readRegister(BP_INDEX, size));
  const frame = top;
  if (level) {
    let display = load<u64>(RBP);
    for (let i: u32 = 1; i < level; i++) {
      display -= step;
      const pointer = readStack(display, size);
      top -= step;
      writeStack(top, size, pointer);
    }
    top -= step;
    writeStack(top, size, frame);
  }
  top -= load<u64>(SI_IMMEDIATE);
  // "Causes a page fault whenever a write using the final value of the stack pointer would do so."
  readForWrite(segmentAddress(SS, top & sizeMask(stackSize()), 1 << size, ACCESS_WRITE), size);
  writeRegister(BP_INDEX, size, frame);
  writeAddressRegister(RSP, stackSize(), top);
}

export function execPusha(): void {
  const size = operandSize();
  const step = <u64>(1 << size);
  let top = load<u64>(RSP);
  for (let index: u32 = 0; index < 8; index++) {
    top -= step;
    writeStack(top, size, readRegister(index, size)); // SP itself as it was before
  }
  writeAddressRegister(RSP, stackSize(), top);
}

export function execPopa(): void {
  const size = operandSize();
  const step = <u64>(1 << size);
  const top = load<u64>(RSP);
  const di = readStack(top, size);
  const si = readStack(top + step, size);
  const bp = readStack(top + 2 * step, size);
  const bx = readStack(top + 4 * step, size); // the element of SP is skipped
  const dx = readStack(top + 5 * step, size);
  const cx = readStack(top + 6 * step, size);
  const ax = readStack(top + 7 * step, size);
  writeAddressRegister(RDI, size, di);
  writeAddressRegister(RSI, size, si);
  writeAddressRegister(RBP, size, bp);
  writeAddressRegister(RBX, size, bx);
  writeAddressRegister(RDX, size, dx);
  writeAddressRegister(RCX, size, cx);
  writeAddressRegister(RAX, size, ax);
  writeAddressRegister(RSP, stackSize(), top + 8 * step);
}
