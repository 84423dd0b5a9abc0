// MXCSR.

import { VECTOR_GP } from '../bits.ts';
import { raise } from '../events.ts';
import { MXCSR } from '../layout.ts';
import { syncOp } from '../sync.ts';

const DEFINED: u32 = 0xffff; // MXCSR_MASK

/** LDMXCSR. */
export function setMxcsr(value: u32, op: usize, rem: i32): void {
  if (value & ~DEFINED) {
    syncOp(op, rem);
    raise(VECTOR_GP, 0);
  }
  store<u32>(MXCSR, value);
}
