// Pops and pushes of slow instructions: RSP changes only when the instruction commits.

import { ACCESS_READ, ACCESS_WRITE, CODE_MODE, RSP, SS } from './layout.ts';
import { RIGHTS_DB } from './bits.ts';
import { readMemory, writeMemory } from './memory.ts';
import { segmentAddress } from './segments.ts';
import { MODE_64, segRights } from './state.ts';

let pointer: u64 = 0;
let mask: u64 = 0;

/** What addresses of the current stack wrap by. */
export function stackMask(): u64 {
  if (load<u32>(CODE_MODE) == MODE_64) return ~(<u64>0);
  return segRights(SS) & RIGHTS_DB ? 0xffffffff : 0xffff;
}

export function beginStack(): void {
  mask = stackMask();
  pointer = load<u64>(RSP) & mask;
}

/** `size` is 1 to 3: 2, 4 or 8 bytes. */
export function popItem(size: u32): u64 {
  const value = readMemory(segmentAddress(SS, pointer, 1 << size, ACCESS_READ), size);
  pointer = (pointer + ((<u64>1) << (<u64>size))) & mask;
  return value;
}

export function pushItem(size: u32, value: u64): void {
  pointer = (pointer - ((<u64>1) << (<u64>size))) & mask;
  writeMemory(segmentAddress(SS, pointer, 1 << size, ACCESS_WRITE), size, value);
}

/** Passes over `bytes` of the stack. */
export function skipItems(bytes: u32): void {
  pointer = (pointer + bytes) & mask;
}

/** Makes the new stack pointer visible. */
export function commitStack(): void {
  setStackPointer(pointer, mask);
}

/** Sets SP, ESP or RSP: as many bits as the mask has, and none above them but the upper half of RSP. */
export function setStackPointer(value: u64, width: u64): void {
  if (width == 0xffff) store<u16>(RSP, <u16>value);
  else store<u64>(RSP, value & width);
}
