// XLAT, LAHF, SAHF, SALC, MOVBE, MOVNTI, MOVDIRI, CRC32, BOUND and cache hints.

import { ACCESS_READ, ACCESS_WRITE, RAX, RBX, SI_OPCODE, SI_SEGMENT } from '../layout.ts';
import { VECTOR_BR } from '../bits.ts';
import { raiseNoError } from '../events.ts';
import { getStatus } from '../flags.ts';
import { readMemory, writeMemory } from '../memory.ts';
import { translate } from '../paging.ts';
import { segmentAddress } from '../segments.ts';
import { AF, CF, PF, SF, ZF, changeStatus } from './status.ts';
import {
  doubleOrQuad,
  operandAddress,
  operandSize,
  readReg,
  readRm,
  signExtend,
  wrapAddress,
  writeReg,
} from './operands.ts';

export function execXlat(): void {
  const offset = wrapAddress(load<u64>(RBX) + <u64>load<u8>(RAX));
  store<u8>(RAX, <u8>readMemory(segmentAddress(load<u32>(SI_SEGMENT), offset, 1, ACCESS_READ), 0));
}

/** LAHF (9F) and SAHF (9E): AH holds SF ZF 0 AF 0 PF 1 CF. */
export function execLahf(): void {
  const held = CF | PF | AF | ZF | SF;
  if (load<u32>(SI_OPCODE) == 0x9f) store<u8>(RAX + 1, <u8>((getStatus() & held) | 2));
  else changeStatus(held, <u32>load<u8>(RAX + 1) & held);
}

export function execSalc(): void {
  store<u8>(RAX, getStatus() & CF ? 0xff : 0);
}

function swapBytes(value: u64, size: u32): u64 {
  return bswap<u64>(value) >> <u64>(64 - (8 << size));
}

/** MOVBE: 0F38F0 loads, 0F38F1 stores. */
export function execMovbe(): void {
  const size = operandSize();
  if (load<u32>(SI_OPCODE) == 0x0f38f0) writeReg(size, swapBytes(readRm(size), size));
  else writeMemory(operandAddress(1 << size, ACCESS_WRITE), size, swapBytes(readReg(size), size));
}

/** MOVNTI and MOVDIRI: stores; how they reach memory cannot be seen. */
export function execMovdir(): void {
  const size = doubleOrQuad();
  writeMemory(operandAddress(1 << size, ACCESS_WRITE), size, readReg(size));
}

const CRC32C: u32 = 0x82f63b78; // the polynomial 11EDC6F41H, bits reversed

export function execCrc32(): void {
  const size = load<u32>(SI_OPCODE) == 0x0f38f0 ? 0 : operandSize();
  let data = readRm(size);
  let crc = <u32>readReg(2);
  for (let byte = 0; byte < 1 << size; byte++) {
    crc ^= <u32>data & 0xff;
    data >>= 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? CRC32C : 0);
  }
  writeReg(2, <u64>crc);
}

export function execBound(): void {
  const size = operandSize();
  const bytes: u32 = 1 << size;
  const address = operandAddress(2 * bytes, ACCESS_READ);
  const lower = signExtend(readMemory(address, size), size);
  const upper = signExtend(readMemory(address + bytes, size), size);
  const index = signExtend(readReg(size), size);
  if (index < lower || index > upper) raiseNoError(VECTOR_BR);
}

/** CLFLUSH, CLFLUSHOPT and CLWB fault as a byte load does; PREFETCH and CLDEMOTE (0F0D, 0F18, 0F1C) never fault. */
export function execCacheHint(): void {
  if (load<u32>(SI_OPCODE) == 0x0fae) translate(operandAddress(1, ACCESS_READ), ACCESS_READ);
}
