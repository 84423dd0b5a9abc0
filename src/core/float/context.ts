// What every floating-point operation reads and leaves: rounding, masks, and the exceptions raised. The bits of an exception are
// those of MXCSR and of the x87 status and control words (SDM "Overview of Floating-Point Exceptions").

export const INVALID: u32 = 1;
export const DENORMAL: u32 = 2;
export const ZERO_DIVIDE: u32 = 4;
export const OVERFLOW: u32 = 8;
export const UNDERFLOW: u32 = 16;
export const PRECISION: u32 = 32;

// Rounding modes, as the RC fields.
export const NEAREST: u32 = 0;
export const DOWN: u32 = 1;
export const UP: u32 = 2;
export const TRUNCATE: u32 = 3;

// Formats.
export const F32: u32 = 0;
export const F64: u32 = 1;
export const F80: u32 = 2;

export class Context {
  rounding: u32 = 0;
  masks: u32 = 0x3f; // a set bit masks the exception
  raised: u32 = 0; // exceptions so far: the caller clears it
  denormalsAreZero: bool = false;
  flushToZero: bool = false;
  precision: u32 = 64; // bits of the significand that x87 arithmetic rounds to
  roundedUp: bool = false; // the last rounding increased the significand (x87: C1)
  // x87: what an unmasked overflow or underflow adds to the exponent; 0: the result is not delivered
  wrap: i32 = 0;
}

export const fp: Context = new Context();

/** Raises exceptions; answers whether any of these is unmasked. */
export function signal(exceptions: u32): bool {
  fp.raised |= exceptions;
  return (exceptions & ~fp.masks) != 0;
}

/** Whether an exception found before the operation computes is unmasked: it then has no result. */
export function stopped(): bool {
  return (fp.raised & (INVALID | DENORMAL | ZERO_DIVIDE) & ~fp.masks) != 0;
}
