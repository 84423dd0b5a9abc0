// The linear address space in which a sequence runs, the same natively (runner.c) and in the core (simulated.ts).
//
//   DATA - 1000H   nothing
//   DATA           two writable pages
//   DATA + 2000H   a read-only page
//   DATA + 3000H   nothing
//   STACK          one writable page, nothing on either side
//   CODE           instructions, in blocks of 64 KiB; each block begins with the exits of the three code sizes

export const DATA = 0x10000000;
export const DATA_WRITABLE = 0x2000;
export const DATA_SIZE = 0x3000;
export const STACK = 0x10008000;
export const STACK_SIZE = 0x1000;
export const CODE = 0x20000000;
export const CODE_BLOCK = 0x10000;
/** Bytes at the start of each block that hold exits. */
export const BLOCK_RESERVED = 0x80;
/** Offsets in a block where a sequence ends, by mode. */
export const EXIT = { 64: 0x00, 32: 0x20, 16: 0x40 } as const;

/** Base of DS, ES and SS in 16-bit code; DATA is at offset 4000H, STACK at C000H. */
export const BASE_16 = 0x0fffc000;

/** What GS is in a case: in 64-bit code its base alone counts. */
export const GS_PROFILES = [
  { base: DATA + 0x340, limit: 0x17ff, kind: 'data' },
  { base: DATA - 0x1000, limit: 0x12ff, kind: 'expand-down' },
  { base: DATA + 0x123, limit: 0x1fff, kind: 'read-only' },
] as const;

export type Mode = 16 | 32 | 64;

export const CF = 1;
export const PF = 4;
export const AF = 0x10;
export const ZF = 0x40;
export const SF = 0x80;
export const DF = 0x400;
export const OF = 0x800;
export const STATUS = CF | PF | AF | ZF | SF | OF;
