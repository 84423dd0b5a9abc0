// XCHG, XADD, CMPXCHG, CMPXCHG8B and CMPXCHG16B. There is one processor between two events, so each is atomic by nature.

import { ACCESS_WRITE, FS, RAX, RBX, RCX, RDX, SI_OFFSET, SI_SEGMENT } from '../layout.ts';
import { VECTOR_GP } from '../bits.ts';
import { raise } from '../events.ts';
import { setStatus } from '../flags.ts';
import { readForWrite, writeMemory } from '../memory.ts';
import { segBase } from '../state.ts';
import { ZF, addStatus, changeFlag, subtractStatus } from './status.ts';
import {
  beginRm,
  endRm,
  isMemory,
  operandAddress,
  operandSize,
  readReg,
  readRegister,
  sizeMask,
  writeReg,
  writeRegister,
} from './operands.ts';

export function execXchg(): void {
  const size = operandSize();
  const old = beginRm(size);
  endRm(size, readReg(size));
  writeReg(size, old);
}

export function execXadd(): void {
  const size = operandSize();
  const a = beginRm(size);
  const b = readReg(size);
  const sum = (a + b) & sizeMask(size);
  if (isMemory()) {
    endRm(size, sum);
    writeReg(size, a);
  } else {
    writeReg(size, a);
    endRm(size, sum); // last: it wins when both are one register
  }
  setStatus(addStatus(a, b, sum, size));
}

/** Memory is written in either case, so a read-only page faults even when the comparison fails; a register only when equal. */
export function execCmpxchg(): void {
  const size = operandSize();
  const old = beginRm(size);
  const accumulator = readRegister(0, size);
  if (old == accumulator) endRm(size, readReg(size));
  else {
    if (isMemory()) endRm(size, old);
    writeRegister(0, size, old);
  }
  setStatus(subtractStatus(accumulator, old, (accumulator - old) & sizeMask(size), size));
}

export function execCmpxchg8b(): void {
  if (operandSize() == 3) {
    compareExchange16();
    return;
  }
  const address = operandAddress(8, ACCESS_WRITE);
  const old = readForWrite(address, 3);
  const expected = (load<u64>(RDX) << 32) | <u64>load<u32>(RAX);
  const equal = old == expected;
  writeMemory(address, 3, equal ? (load<u64>(RCX) << 32) | <u64>load<u32>(RBX) : old);
  if (!equal) {
    store<u64>(RAX, old & 0xffffffff);
    store<u64>(RDX, old >> 32);
  }
  changeFlag(ZF, equal);
}

function compareExchange16(): void {
  const segment = load<u32>(SI_SEGMENT);
  const linear = load<u64>(SI_OFFSET) + (segment >= FS ? segBase(segment) : 0); // only 64-bit mode has this instruction
  if (linear & 15) raise(VECTOR_GP, 0);
  const address = operandAddress(16, ACCESS_WRITE);
  const low = readForWrite(address, 3); // aligned: both halves lie in one page
  const high = readForWrite(address + 8, 3);
  const equal = low == load<u64>(RAX) && high == load<u64>(RDX);
  if (equal) {
    writeMemory(address, 3, load<u64>(RBX));
    writeMemory(address + 8, 3, load<u64>(RCX));
  } else {
    writeMemory(address, 3, low);
    writeMemory(address + 8, 3, high);
    store<u64>(RAX, low);
    store<u64>(RDX, high);
  }
  changeFlag(ZF, equal);
}
