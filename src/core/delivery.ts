// Which event is delivered, and what it becomes: a VM exit, a double or triple fault (SDM "Interrupt and Exception Handling").

import {
  ACTIVITY,
  COUNT_DELIVERED,
  APIC_WRITE,
  CR2,
  DEBUGCTL,
  DELIVERING_ERROR,
  DELIVERING_INFO,
  DELIVERING_LENGTH,
  DELIVERING_VALID,
  DR6,
  DR7,
  ENTRY_INJECTION,
  EVENT_CR2,
  EVENT_DR6,
  EVENT_ERROR,
  EVENT_HARDWARE,
  EVENT_HAS_ERROR,
  EVENT_LENGTH,
  EVENT_NMI,
  EVENT_PRIVILEGED,
  EVENT_SOFTWARE_EXCEPTION,
  EVENT_TYPE,
  EVENT_VALID,
  EVENT_VECTOR,
  EXIT_INTERRUPTION_ERROR,
  EXIT_INTERRUPTION_INFO,
  EXIT_LENGTH,
  FAULT_LOG,
  INTERRUPTIBILITY,
  MTF_PENDING,
  NON_ROOT,
  PENDING_DEBUG,
  PIN_CONTROLS,
  PRIMARY_CONTROLS,
  RIP,
  RUN_FLAGS,
  RUN_STEP,
  STOP,
  STOP_DELIVERED,
  STOP_TRIPLE_FAULT,
  SYSTEM_FLAGS,
} from './layout.ts';
import { BLOCKING_MOV_SS, BLOCKING_STI, FLAG_RF, VECTOR_DB, VECTOR_DF, VECTOR_PF, VECTOR_VE } from './bits.ts';
import { PIN_NMI, PRIMARY_MTF, attend, blockNmi, clearNmiUnblocking, nmiUnblockedByIret } from './events.ts';
import { REASON_EXCEPTION, REASON_TRIPLE_FAULT, beginExit, exceptionExits, interruptionInfo } from './intercepts.ts';
import { getRip, isLongMode, isProtected } from './state.ts';
import { completeApicWrite } from './virtual-apic.ts';
import { deliverLong, deliverProtected, deliverReal, isSoftware, setsResume } from './gates.ts';

const CONTRIBUTORY: u32 = (1 << 0) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 21);

// ---- Which event, and whether it exits --------------------------------------------------------------------------------

/**
 * Delivers the event in EVENT_*, or makes the VM exit, double fault or triple fault that it becomes. A fault of the delivery
 * unwinds; the run loop then calls this again with the new event while DELIVERING_* holds the first.
 */
export function deliverPending(): void {
  const injected = load<u32>(ENTRY_INJECTION) != 0;
  const type = load<u32>(EVENT_TYPE);
  let vector = load<u32>(EVENT_VECTOR);
  let error = load<u32>(EVENT_ERROR);
  let hasError = load<u32>(EVENT_HAS_ERROR);
  const length = load<u32>(EVENT_LENGTH);
  store<u32>(EVENT_VALID, 0);
  store<u32>(ENTRY_INJECTION, 0);
  store<u64>(COUNT_DELIVERED, load<u64>(COUNT_DELIVERED) + 1);
  if (!injected) {
    if (type == EVENT_NMI && load<u32>(NON_ROOT) && load<u32>(PIN_CONTROLS) & PIN_NMI) {
      exitForEvent(vector, type, 0, 0, 0);
      return;
    }
    if (type == EVENT_HARDWARE || type == EVENT_PRIVILEGED || type == EVENT_SOFTWARE_EXCEPTION) {
      if (exceptionExits(vector, error)) {
        exitForEvent(vector, type, hasError, error, length);
        return;
      }
    }
    if (type == EVENT_HARDWARE) {
      logFault(vector, error);
      if (vector == VECTOR_PF) store<u64>(CR2, load<u64>(EVENT_CR2));
      if (load<u32>(DELIVERING_VALID)) {
        if (isTriple()) {
          tripleFault();
          return;
        }
        if (isDouble(vector)) {
          vector = VECTOR_DF;
          error = 0;
          hasError = 1;
          store<u32>(DELIVERING_VALID, 0);
          logFault(vector, error);
          if (exceptionExits(vector, 0)) {
            exitForEvent(vector, type, 1, 0, 0);
            return;
          }
        }
      }
      if (vector == VECTOR_DB) {
        store<u64>(DR6, (load<u64>(DR6) & ~(<u64>15)) | load<u64>(EVENT_DR6));
        enterDebugHandler();
      }
    } else if (type == EVENT_PRIVILEGED) enterDebugHandler(); // INT1 leaves DR6 as it is
  }
  // A chain of faults begins anew with an event that is none.
  if (injected && type == EVENT_HARDWARE) logFault(vector, error);
  else if (type != EVENT_HARDWARE) store<u32>(FAULT_LOG, 0);
  store<u32>(DELIVERING_INFO, interruptionInfo(vector, type, hasError));
  store<u32>(DELIVERING_ERROR, hasError ? error : 0);
  store<u32>(DELIVERING_LENGTH, isSoftware(type) ? length : 0);
  store<u32>(DELIVERING_VALID, 1);
  clearNmiUnblocking();
  if (type == EVENT_NMI) blockNmi();
  if (!isProtected()) deliverReal(vector, isSoftware(type) ? length : 0);
  else if (isLongMode()) deliverLong(vector, type, hasError, error, length);
  else deliverProtected(vector, type, hasError, error, length);
  if (load<u32>(STOP)) return; // a task gate made a VM exit
  store<u32>(DELIVERING_VALID, 0);
  store<u32>(INTERRUPTIBILITY, load<u32>(INTERRUPTIBILITY) & ~(BLOCKING_STI | BLOCKING_MOV_SS));
  store<u32>(ACTIVITY, 0);
  if (load<u32>(NON_ROOT) && load<u32>(PRIMARY_CONTROLS) & PRIMARY_MTF) store<u32>(MTF_PENDING, 1);
  if (load<u32>(APIC_WRITE)) completeApicWrite();
  attend();
  if (load<u32>(RUN_FLAGS) & RUN_STEP && !isSoftware(type)) store<u32>(STOP, STOP_DELIVERED);
}

/** The event under delivery is a double fault. */
function isTriple(): bool {
  return (load<u32>(DELIVERING_INFO) & 0x7ff) == (VECTOR_DF | (EVENT_HARDWARE << 8));
}

/** SDM "Conditions for Generating a Double Fault": the event under delivery and the exception that it met. */
function isDouble(second: u32): bool {
  const info = load<u32>(DELIVERING_INFO);
  if (((info >> 8) & 7) != EVENT_HARDWARE) return false;
  const first = info & 0xff;
  const secondContributes = second < 32 && ((CONTRIBUTORY >> second) & 1) != 0;
  if (first == VECTOR_PF || first == VECTOR_VE) return secondContributes || second == VECTOR_PF || second == VECTOR_VE;
  return first < 32 && ((CONTRIBUTORY >> first) & 1) != 0 && secondContributes;
}

function tripleFault(): void {
  store<u32>(DELIVERING_VALID, 0);
  if (load<u32>(NON_ROOT)) {
    beginExit(REASON_TRIPLE_FAULT, 0);
    return;
  }
  store<u32>(ACTIVITY, 2);
  store<u32>(STOP, STOP_TRIPLE_FAULT);
}

/** A VM exit due to the event itself: exception, NMI. */
function exitForEvent(vector: u32, type: u32, hasError: u32, error: u32, length: u32): void {
  let qualification: u64 = 0;
  if (vector == VECTOR_PF && type == EVENT_HARDWARE) qualification = load<u64>(EVENT_CR2);
  else if (vector == VECTOR_DB && type == EVENT_HARDWARE) qualification = load<u64>(EVENT_DR6);
  const unblocked: u32 = nmiUnblockedByIret() && !load<u32>(DELIVERING_VALID) && vector != VECTOR_DF ? 1 << 12 : 0;
  beginExit(REASON_EXCEPTION, qualification);
  const info = interruptionInfo(vector, type, hasError);
  store<u32>(EXIT_INTERRUPTION_INFO, info | unblocked);
  store<u32>(EXIT_INTERRUPTION_ERROR, info & 0x800 ? error : 0);
  if (isSoftware(type)) store<u32>(EXIT_LENGTH, length);
  // RFLAGS is saved as delivery would have pushed it.
  if (setsResume(vector, type)) store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) | FLAG_RF);
}

/** DR7.GD and the trace bits of IA32_DEBUGCTL are cleared when a debug exception is delivered. */
function enterDebugHandler(): void {
  store<u64>(DR7, load<u64>(DR7) & ~(<u64>0x2000));
  store<u64>(DEBUGCTL, load<u64>(DEBUGCTL) & ~(<u64>3));
  store<u64>(PENDING_DEBUG, 0);
}

function logFault(vector: u32, error: u32): void {
  let count = load<u32>(DELIVERING_VALID) || vector == VECTOR_DF ? load<u32>(FAULT_LOG) : 0;
  if (count > 4) count = 4;
  const at = FAULT_LOG + 8 + <usize>(count << 5);
  store<u32>(at, vector);
  store<u32>(at, error, 4);
  store<u64>(at, getRip(), 8);
  store<u64>(at, vector == VECTOR_PF ? load<u64>(EVENT_CR2) : 0, 16);
  store<u64>(at, load<u64>(RIP), 24);
  store<u32>(FAULT_LOG, count + 1);
}
