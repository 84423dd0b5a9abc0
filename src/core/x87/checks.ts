// Whether an x87, MMX, SSE or state-management instruction may run at all (SDM "Exception Conditions" of each, "Emulating FPU
// Features", "Handling SIMD Floating-Point Exceptions"). Each function raises in the order of the manual; it returns when none is due.

import { CR0_EM, CR0_MP, CR0_NE, CR0_TS, CR4_OSFXSR, CR4_OSXMMEXCPT, CR4_OSXSAVE } from '../bits.ts';
import { VECTOR_MF, VECTOR_NM, VECTOR_UD, VECTOR_XM } from '../bits.ts';
import { raiseNoError } from '../events.ts';
import { unwind } from '../host.ts';
import { CR0, CR4, STOP, STOP_UNSIMULATED, UNSUPPORTED, UNSUPPORTED_FERR, X87_STATUS } from '../layout.ts';

const ERROR_SUMMARY: u32 = 1 << 7;

/** An x87 instruction other than FWAIT. */
export function checkX87(): void {
  if (load<u64>(CR0) & (CR0_EM | CR0_TS)) raiseNoError(VECTOR_NM);
}

/** FWAIT. */
export function checkWait(): void {
  if ((load<u64>(CR0) & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) raiseNoError(VECTOR_NM);
  checkPending();
}

/** Raises #MF when an unmasked x87 exception is pending: waiting x87 instructions, FWAIT, MMX. */
export function checkPending(): void {
  if (!(load<u32>(X87_STATUS) & ERROR_SUMMARY)) return;
  if (load<u64>(CR0) & CR0_NE) raiseNoError(VECTOR_MF);
  // FERR# would have an interrupt controller interrupt the processor: not simulated.
  store<u32>(UNSUPPORTED, UNSUPPORTED_FERR);
  store<u32>(STOP, STOP_UNSIMULATED);
  unwind();
}

/** An MMX instruction. */
export function checkMmx(): void {
  const cr0 = load<u64>(CR0);
  if (cr0 & CR0_EM) raiseNoError(VECTOR_UD);
  if (cr0 & CR0_TS) raiseNoError(VECTOR_NM);
  checkPending();
}

/** An SSE instruction. */
export function checkSse(): void {
  const cr0 = load<u64>(CR0);
  if (cr0 & CR0_EM || !(load<u64>(CR4) & CR4_OSFXSR)) raiseNoError(VECTOR_UD);
  if (cr0 & CR0_TS) raiseNoError(VECTOR_NM);
}

/** The instructions of the XSAVE feature set. */
export function checkXsave(): void {
  if (!(load<u64>(CR4) & CR4_OSXSAVE)) raiseNoError(VECTOR_UD);
  if (load<u64>(CR0) & CR0_TS) raiseNoError(VECTOR_NM);
}

/** Raises what an unmasked SIMD floating-point exception raises; MXCSR has its flags. */
export function raiseSimd(): void {
  raiseNoError(load<u64>(CR4) & CR4_OSXMMEXCPT ? VECTOR_XM : VECTOR_UD);
}
