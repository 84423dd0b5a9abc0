// What handlers of MMX and SSE instructions call: checks of the control registers, memory operands of up to 16 bytes.

import { CR0_EM, CR0_TS, CR4_OSFXSR, VECTOR_GP } from '../bits.ts';
import { raise } from '../events.ts';
import { CR0, CR4, SCRATCH, TLB_BASE, TLB_WRITE, X87_STATUS } from '../layout.ts';
import { slowRead, slowWriteScratch } from '../memory.ts';
import { syncOp } from '../sync.ts';
import { checkMmx, checkSse } from '../x87/checks.ts';

const STATUS_ERROR_SUMMARY: u32 = 1 << 7;

// Bits of the word at +24 of a general operation, see ops/simd.ts
const ALIGNED: u32 = 0x2000;
const NEEDS_OSFXSR: u32 = 0x4000;

/** An SSE instruction that CR0 or CR4 forbid. */
export function simdDenied(op: usize, rem: i32): void {
  syncOp(op, rem);
  checkSse();
}

/** Before an MMX instruction, which may have an XMM register too: CR0, CR4 and an x87 exception that waits. */
export function mmxCheck(op: usize, rem: i32): void {
  const mixed = (load<u32>(op, 24) & NEEDS_OSFXSR) != 0;
  if (
    !(load<u64>(CR0) & (CR0_EM | CR0_TS)) &&
    !(mixed && !(load<u64>(CR4) & CR4_OSFXSR)) &&
    !(load<u32>(X87_STATUS) & STATUS_ERROR_SUMMARY)
  )
    return;
  syncOp(op, rem);
  if (mixed) checkSse();
  checkMmx();
}

export function simdMisaligned(op: usize, rem: i32): void {
  syncOp(op, rem);
  raise(VECTOR_GP, 0);
}

/** Where the memory operand of a general operation lies, to be read; `word` is what the operation has at +24. */
export function simdSource(va: u64, word: u32, op: usize, rem: i32): usize {
  const bytes = (word >> 8) & 31;
  if (word & ALIGNED && va & 15) simdMisaligned(op, rem);
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  if (load<u64>(e) == ((va + bytes - 1) & ~0xfff)) return <usize>(<u32>va + load<u32>(e, 8));
  return slowRead(va, bytes, op, rem);
}

/** Writes the memory operand of a general operation from a register's cell. */
export function simdStore(va: u64, source: usize, word: u32, op: usize, rem: i32): void {
  const bytes = (word >> 8) & 31;
  if (word & ALIGNED && va & 15) simdMisaligned(op, rem);
  const e: usize = <usize>load<u32>(TLB_BASE) + <usize>(<u32>(va >> 8) & 0xfff0);
  if (load<u64>(e, TLB_WRITE) == ((va + bytes - 1) & ~0xfff)) {
    memory.copy(<usize>(<u32>va + load<u32>(e, TLB_WRITE + 8)), source, bytes);
    return;
  }
  memory.copy(SCRATCH, source, bytes);
  slowWriteScratch(va, bytes, op, rem);
}
