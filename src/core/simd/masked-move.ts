// MASKMOVQ and MASKMOVDQU: the bytes whose mask has its top bit set go to DS:DI, EDI or RDI.

import { ACCESS_WRITE, RDI, SI_OPERAND_SIZE, SI_REG, SI_RM, SI_SEGMENT, X87, XMM } from '../layout.ts';
import { probeWrite, writeMemory } from '../memory.ts';
import { segmentAddress } from '../segments.ts';
import { checkMmx, checkSse } from '../x87/checks.ts';
import { wrapAddress } from '../integer/operands.ts';
import { mmxUsed } from './mmx.ts';

/** SI_OPERAND_SIZE is the register's: 3 an MMX, 4 an XMM register. Without a bit in the mask memory is not looked at. */
export function execMaskedMove(): void {
  const wide = load<u32>(SI_OPERAND_SIZE) == 4;
  if (wide) checkSse();
  else checkMmx();
  const registers = wide ? XMM : X87;
  const source = registers + ((<usize>load<u32>(SI_REG)) << 4);
  const mask = registers + ((<usize>load<u32>(SI_RM)) << 4);
  const bytes: u32 = wide ? 16 : 8;
  let any: u32 = 0;
  for (let i: u32 = 0; i < bytes; i++) any |= load<u8>(mask + <usize>i) & 0x80;
  if (any) {
    const linear = segmentAddress(load<u32>(SI_SEGMENT), wrapAddress(load<u64>(RDI)), bytes, ACCESS_WRITE);
    probeWrite(linear, bytes);
    for (let i: u32 = 0; i < bytes; i++) {
      if (load<u8>(mask + <usize>i) & 0x80) writeMemory(linear + <u64>i, 0, <u64>load<u8>(source + <usize>i));
    }
  }
  if (!wide) mmxUsed();
}
