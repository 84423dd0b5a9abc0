// Glue, address operations, flag instructions and slow instructions.
import { type Family, handler } from './context.ts';
import { address } from './forms.ts';

export const misc: readonly Family[] = [
  { name: 'NOP', handlers: [handler('nop', (c) => c.next)] },
  {
    // Address operations: the linear address of the next operation goes to EA. Base, index, scale and displacement are
    // as usual, byte 4 is the segment, byte 5 the size of the access in bytes, +24 its kind (ACCESS_*, bit 8: no check).
    name: 'ADDRESS', // 64-bit address of FS or GS; 64 bits without segment; 32 bits; 16 bits (with segmentation)
    handlers: [
      handler(
        'address_segment64',
        (c) => `store<u64>(EA,load<u64>(segment(u32(load<u8>(op,4))),SEG_BASE)+${address('x')});${c.next}`,
      ),
      handler('address_plain64', (c) => `store<u64>(EA,${address('x')});${c.next}`),
      handler(
        'address_segment64_32',
        (c) => `store<u64>(EA,load<u64>(segment(u32(load<u8>(op,4))),SEG_BASE)+u64(u32(${address('x')})));${c.next}`,
      ),
      handler('address_plain32', (c) => `store<u64>(EA,u64(u32(${address('x')})));${c.next}`),
      handler('address_plain16', (c) => `store<u64>(EA,u64(u16(${address('x')})));${c.next}`),
      handler(
        'address32',
        (c) =>
          `const offset:u32=u32(${address('x')});const s=segment(u32(load<u8>(op,4)));` +
          `if(load<u32>(s,SEG_FLAT)&load<u32>(op,24))store<u64>(EA,u64(u32(load<u64>(s,SEG_BASE))+offset));` +
          `else addressChecked(u64(offset),op,${c.rem});${c.next}`,
      ),
      handler('address16', (c) => `addressChecked(u64(u16(${address('x')})),op,${c.rem});${c.next}`),
    ],
  },
  {
    name: 'FLAG', // CMC, CLC, STC, CLD, STD
    handlers: [
      handler('cmc', (c) => `setCarry(getCF()^1);${c.next}`),
      handler('clc', (c) => `setCarry(0);${c.next}`),
      handler('stc', (c) => `setCarry(1);${c.next}`),
      handler('cld', (c) => `store<u32>(SYSTEM_FLAGS,load<u32>(SYSTEM_FLAGS)&~0x400);${c.next}`),
      handler('std', (c) => `store<u32>(SYSTEM_FLAGS,load<u32>(SYSTEM_FLAGS)|0x400);${c.next}`),
    ],
  },
  {
    // A slow instruction takes two operations, see core/slow.ts: one that ends the superblock, one after which it may go on.
    name: 'SLOW',
    handlers: [
      handler('slow', (c) => `${c.sync}execSlow(op);${c.leave}`, 'special'),
      handler(
        'slow_on',
        (c) =>
          `${c.sync}execSlow(op);if(load<u64>(RIP)==load<u64>(SI_NEXT)&&!(load<u32>(STOP)|load<u32>(ATTENTION))){${c.skip(2)}}${c.leave}`,
        'special',
      ),
    ],
  },
  {
    name: 'BREAKPOINT',
    handlers: [handler('breakpoint', (c) => `${c.sync}store<u32>(STOP,STOP_BREAKPOINT);${c.leave}`, 'special')],
  },
  // The code under the operation was overwritten: leave before it.
  { name: 'STALE', handlers: [handler('stale', (c) => `${c.sync}${c.leave}`, 'special')] },
];

/** Never run: the header of a superblock, and the second half of a slow instruction. */
export const markers: readonly Family[] = [
  { name: 'HEADER', handlers: [handler('header', () => 'unreachable();', 'special')] },
  { name: 'DATA', handlers: [handler('data', () => 'unreachable();', 'special')] },
];
