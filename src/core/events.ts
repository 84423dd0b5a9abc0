// Exceptions raised, and what happens between two instructions: traps, NMIs, interrupts, VM exits that wait for a boundary
// (SDM "Priority Among Concurrent Events", "Monitor Trap Flag", "Interrupt-Window Exiting").

import {
  ACTIVITY,
  APIC_WRITE,
  ATTENTION,
  ATTEND_BREAKPOINTS,
  ATTEND_EVENT,
  ATTEND_MTF,
  ATTEND_SHADOW,
  DEBUGCTL,
  ENTRY_INJECTION,
  EVENT_DR6,
  EVENT_ERROR,
  EVENT_EXTERNAL,
  EVENT_HARDWARE,
  EVENT_HAS_ERROR,
  EVENT_LENGTH,
  EVENT_NMI,
  EVENT_TYPE,
  EVENT_VALID,
  EVENT_VECTOR,
  INTERRUPTIBILITY,
  INTERRUPT_LINE,
  MTF_PENDING,
  NMI_PENDING,
  NON_ROOT,
  PENDING_DEBUG,
  PIN_CONTROLS,
  PREEMPTION_DEADLINE,
  PRIMARY_CONTROLS,
  STOP,
  STOP_INTERRUPT,
  SYSTEM_FLAGS,
  TPR_EXIT,
  VIRTUAL_INTERRUPT,
  VIRTUAL_NMI_BLOCKING,
} from './layout.ts';
import {
  BLOCKING_MOV_SS,
  BLOCKING_NMI,
  BLOCKING_STI,
  FLAG_AC,
  FLAG_IF,
  FLAG_RF,
  FLAG_TF,
  FLAG_VM,
  VECTOR_DB,
  VECTOR_NMI,
} from './bits.ts';
import { unwind } from './host.ts';
import { getRip, time, updateAttention, updateMode } from './state.ts';
import { beginExit } from './intercepts.ts';
import { deliverPending } from './delivery.ts';
import { instructionBreakpoints } from './breakpoints.ts';
import { trapEvent } from './watches.ts';
import { completeApicWrite, deliverVirtualInterrupt } from './virtual-apic.ts';

export const PIN_EXTERNAL_INTERRUPT: u32 = 1;
export const PIN_NMI: u32 = 1 << 3;
export const PIN_VIRTUAL_NMIS: u32 = 1 << 5;
export const PRIMARY_INTERRUPT_WINDOW: u32 = 1 << 2;
export const PRIMARY_NMI_WINDOW: u32 = 1 << 22;
export const PRIMARY_MTF: u32 = 1 << 27;

export const DR6_BS: u64 = 1 << 14;
export const DR6_BD: u64 = 1 << 13;
const ACTIVITY_SHUTDOWN: u32 = 2;
const ACTIVITY_WAIT_FOR_SIPI: u32 = 3;
/** In pending debug exceptions: at least one enabled breakpoint was met. */
export const PENDING_ENABLED: u64 = 1 << 12;

const REASON_INTERRUPT_WINDOW: u32 = 7;
const REASON_NMI_WINDOW: u32 = 8;
const REASON_MTF: u32 = 37;
const REASON_TPR_BELOW_THRESHOLD: u32 = 43;
const REASON_PREEMPTION_TIMER: u32 = 52;

// What lives only while one instruction runs.
let trapAtStart: bool = false; // RFLAGS.TF when the instruction began
let shadowAtStart: u32 = 0; // STI and MOV SS blocking when it began
let newShadow: u32 = 0; // blocking that it makes
let resumeAtStart: bool = false; // RFLAGS.RF when it began
let keepResume: bool = false; // the instruction loaded RF
let iretUnblocked: bool = false; // it is an IRET that ended blocking by NMI
let ranInGuest: bool = false;
let ripAtStart: u64 = 0;

// ---- Raising ----------------------------------------------------------------------------------------------------------

/** Raises a hardware exception with an error code. Does not return. */
export function raise(vector: u32, error: u32): void {
  store<u32>(EVENT_HAS_ERROR, 1);
  store<u32>(EVENT_ERROR, error);
  raiseEvent(vector, EVENT_HARDWARE, 0);
}

/** Raises a hardware exception without an error code. Does not return. */
export function raiseNoError(vector: u32): void {
  store<u32>(EVENT_HAS_ERROR, 0);
  store<u32>(EVENT_ERROR, 0);
  raiseEvent(vector, EVENT_HARDWARE, 0);
}

/** Raises #DB with the given DR6 bits (bits 0 to 3, BD, BS). Does not return. */
export function raiseDebug(bits: u64): void {
  store<u64>(EVENT_DR6, bits);
  raiseNoError(VECTOR_DB);
}

function raiseEvent(vector: u32, type: u32, length: u32): void {
  setEvent(vector, type, length);
  unwind();
}

/** Makes an event the one to deliver next (EVENT_HAS_ERROR and EVENT_ERROR are the caller's). */
export function setEvent(vector: u32, type: u32, length: u32): void {
  store<u32>(EVENT_VECTOR, vector);
  store<u32>(EVENT_TYPE, type);
  store<u32>(EVENT_LENGTH, length);
  store<u32>(EVENT_VALID, 1);
}

/** Delivers an event without an error code at once: INT n, INT1, INT3, INTO (RIP at the instruction), or an interrupt. */
export function deliverNow(vector: u32, type: u32, length: u32): void {
  store<u32>(EVENT_HAS_ERROR, 0);
  store<u32>(EVENT_ERROR, 0);
  setEvent(vector, type, length);
  deliverPending();
}

/** An external interrupt that the interrupt controller has acknowledged. */
export function acknowledge(vector: u32): void {
  deliverAsynchronous(vector, EVENT_EXTERNAL);
}

function deliverAsynchronous(vector: u32, type: u32): void {
  store<u32>(EVENT_HAS_ERROR, 0);
  store<u32>(EVENT_ERROR, 0);
  setEvent(vector, type, 0);
  // The run loop delivers it, so that a fault of the delivery unwinds to it and not to the caller.
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_EVENT);
}

/**
 * VM-entry event injection (SDM "Event Injection"): `info` in interruption-information format, `length` of the
 * instruction for software events. Delivered by the run loop before the first instruction of the guest.
 */
export function inject(info: u32, error: u32, length: u32): void {
  const type = (info >> 8) & 7;
  if (type == 7) {
    store<u32>(MTF_PENDING, 1); // "other event" with vector 0: a pending MTF VM exit
    attend();
    return;
  }
  store<u32>(EVENT_HAS_ERROR, (info >> 11) & 1);
  store<u32>(EVENT_ERROR, error);
  setEvent(info & 0xff, type, length);
  store<u32>(ENTRY_INJECTION, info);
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_EVENT);
}

// ---- Attention --------------------------------------------------------------------------------------------------------

/** Whether anything waits for an instruction boundary, given what blocks it now. */
function eventWaits(): bool {
  if (load<u32>(EVENT_VALID) | load<u32>(MTF_PENDING) | load<u32>(TPR_EXIT)) return true;
  if (load<u32>(NMI_PENDING) && (!nmiBlocked() || virtualNmis())) return true;
  const guest = load<u32>(NON_ROOT) != 0;
  const enabled = (load<u32>(SYSTEM_FLAGS) & FLAG_IF) != 0;
  if (load<u32>(INTERRUPT_LINE) && (enabled || (guest && load<u32>(PIN_CONTROLS) & PIN_EXTERNAL_INTERRUPT)))
    return true;
  if (!guest) return false;
  if (enabled && load<u32>(VIRTUAL_INTERRUPT)) return true;
  const primary = load<u32>(PRIMARY_CONTROLS);
  if (primary & PRIMARY_INTERRUPT_WINDOW && enabled) return true;
  if (primary & PRIMARY_NMI_WINDOW && !nmiBlocked()) return true;
  return time() >= load<u64>(PREEMPTION_DEADLINE);
}

/** Recomputes ATTENTION after a change to flags, blocking, debug registers, pending events or VMX controls. */
export function attend(): void {
  updateAttention();
  const bits = load<u32>(ATTENTION) & ~(ATTEND_EVENT | ATTEND_MTF);
  const watched: u32 = load<u32>(NON_ROOT) && load<u32>(PRIMARY_CONTROLS) & PRIMARY_MTF ? ATTEND_MTF : 0;
  store<u32>(ATTENTION, bits | watched | (eventWaits() ? ATTEND_EVENT : 0));
}

/** Changes system flags; AC and VM change the mode, too. */
export function changeFlags(clear: u32, set: u32): void {
  const before = load<u32>(SYSTEM_FLAGS);
  const after = (before & ~clear) | set;
  store<u32>(SYSTEM_FLAGS, after);
  if ((before ^ after) & (FLAG_AC | FLAG_VM)) updateMode();
  flagsChanged(before);
}

/** Attention after a change of system flags from `before`; cheap when only IF changed and nothing waits for it. */
export function flagsChanged(before: u32): void {
  const after = load<u32>(SYSTEM_FLAGS);
  const changed = before ^ after;
  if (changed & (FLAG_TF | FLAG_RF)) attend();
  else if (changed & FLAG_IF && load<u32>(INTERRUPT_LINE) | load<u32>(NON_ROOT) | (load<u32>(ATTENTION) & ATTEND_EVENT))
    attend();
}

/** Blocking by STI or MOV SS for the next instruction. */
export function blockNext(bit: u32): void {
  newShadow = bit;
  store<u32>(INTERRUPTIBILITY, load<u32>(INTERRUPTIBILITY) | bit);
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_SHADOW);
}

/** The instruction loaded RFLAGS.RF (IRET, a task switch): it holds for the next instruction. */
export function keepResumeFlag(): void {
  keepResume = true;
}

// ---- Blocking by NMI --------------------------------------------------------------------------------------------------

function virtualNmis(): bool {
  return load<u32>(NON_ROOT) != 0 && (load<u32>(PIN_CONTROLS) & PIN_VIRTUAL_NMIS) != 0;
}

/** Blocking by NMI, or with virtual NMIs blocking by virtual NMI; the interruptibility state holds either. */
export function nmiBlocked(): bool {
  return (load<u32>(INTERRUPTIBILITY) & BLOCKING_NMI) != 0;
}

export function blockNmi(): void {
  store<u32>(INTERRUPTIBILITY, load<u32>(INTERRUPTIBILITY) | BLOCKING_NMI);
  if (virtualNmis()) store<u32>(VIRTUAL_NMI_BLOCKING, 1);
}

/** IRET ends blocking by NMI even when it faults; in a guest with NMI exiting but no virtual NMIs it does not. */
export function iretUnblocksNmi(): void {
  if (!nmiBlocked()) return;
  if (load<u32>(NON_ROOT)) {
    const pin = load<u32>(PIN_CONTROLS);
    if (pin & PIN_NMI && !(pin & PIN_VIRTUAL_NMIS)) return;
  }
  store<u32>(INTERRUPTIBILITY, load<u32>(INTERRUPTIBILITY) & ~BLOCKING_NMI);
  store<u32>(VIRTUAL_NMI_BLOCKING, 0);
  iretUnblocked = true;
  attend();
}

/** Whether a VM exit now has "NMI unblocking due to IRET" set. */
export function nmiUnblockedByIret(): bool {
  return iretUnblocked;
}

/** Forgets it: a new instruction begins, or an event is delivered. */
export function clearNmiUnblocking(): void {
  iretUnblocked = false;
}

// ---- Between two instructions -----------------------------------------------------------------------------------------

export const GO: u32 = 0; // execute the next instruction
export const AGAIN: u32 = 1; // an event was delivered: look again
export const HALT: u32 = 2; // STOP is set

/** On the careful path, before each instruction: what waits for this boundary, highest priority first. */
export function beforeInstruction(): u32 {
  iretUnblocked = false;
  if (load<u32>(EVENT_VALID)) {
    if (!trapEvent()) deliverPending();
    return load<u32>(STOP) ? HALT : AGAIN;
  }
  if (load<u32>(TPR_EXIT)) {
    store<u32>(TPR_EXIT, 0);
    return leave(REASON_TPR_BELOW_THRESHOLD);
  }
  store<u32>(APIC_WRITE, 0);
  // Nothing but a SIPI ends wait-for-SIPI; external interrupts do not end shutdown.
  const activity = load<u32>(ACTIVITY);
  if (activity == ACTIVITY_WAIT_FOR_SIPI) return GO;
  const guest = load<u32>(NON_ROOT) != 0;
  const blocking = load<u32>(INTERRUPTIBILITY);
  if (guest && load<u32>(MTF_PENDING)) {
    store<u32>(MTF_PENDING, 0);
    return leave(REASON_MTF);
  }
  const debug = load<u64>(PENDING_DEBUG);
  if (!(debug & (DR6_BS | PENDING_ENABLED))) store<u64>(PENDING_DEBUG, 0);
  else if (!(blocking & BLOCKING_MOV_SS)) {
    store<u64>(EVENT_DR6, debug & (DR6_BS | 15));
    trap();
    return load<u32>(STOP) ? HALT : AGAIN;
  }
  const primary = load<u32>(PRIMARY_CONTROLS);
  if (guest && time() >= load<u64>(PREEMPTION_DEADLINE)) return leave(REASON_PREEMPTION_TIMER);
  if (!(blocking & BLOCKING_MOV_SS)) {
    const blocked = nmiBlocked();
    if (guest && !blocked && primary & PRIMARY_NMI_WINDOW) return leave(REASON_NMI_WINDOW);
    // Blocking by virtual NMI does not hold back a real one.
    if (load<u32>(NMI_PENDING) && (!blocked || virtualNmis())) {
      store<u32>(NMI_PENDING, 0);
      store<u32>(EVENT_HAS_ERROR, 0);
      store<u32>(EVENT_ERROR, 0);
      setEvent(VECTOR_NMI, EVENT_NMI, 0);
      if (!trapEvent()) deliverPending();
      return load<u32>(STOP) ? HALT : AGAIN;
    }
  }
  if (!(blocking & (BLOCKING_STI | BLOCKING_MOV_SS)) && activity != ACTIVITY_SHUTDOWN) {
    const enabled = (load<u32>(SYSTEM_FLAGS) & FLAG_IF) != 0;
    if (guest && enabled && primary & PRIMARY_INTERRUPT_WINDOW) return leave(REASON_INTERRUPT_WINDOW);
    if (enabled && load<u32>(VIRTUAL_INTERRUPT)) {
      deliverVirtualInterrupt();
      return load<u32>(STOP) ? HALT : AGAIN;
    }
    if (load<u32>(INTERRUPT_LINE) && (enabled || (guest && load<u32>(PIN_CONTROLS) & PIN_EXTERNAL_INTERRUPT))) {
      store<u32>(STOP, STOP_INTERRUPT);
      return HALT;
    }
  }
  if (
    load<u32>(ATTENTION) & ATTEND_BREAKPOINTS &&
    !(load<u32>(SYSTEM_FLAGS) & FLAG_RF) &&
    !(blocking & BLOCKING_MOV_SS)
  ) {
    const matched = instructionBreakpoints();
    if (matched) raiseDebug(matched);
  }
  trapAtStart = (load<u32>(SYSTEM_FLAGS) & FLAG_TF) != 0;
  resumeAtStart = (load<u32>(SYSTEM_FLAGS) & FLAG_RF) != 0;
  shadowAtStart = blocking & (BLOCKING_STI | BLOCKING_MOV_SS);
  newShadow = 0;
  keepResume = false;
  ranInGuest = guest;
  ripAtStart = getRip();
  return GO;
}

function leave(reason: u32): u32 {
  beginExit(reason, 0);
  return HALT;
}

/** #DB as a trap: between two instructions, RIP is that of the next one. */
function trap(): void {
  store<u64>(PENDING_DEBUG, 0);
  store<u32>(EVENT_HAS_ERROR, 0);
  store<u32>(EVENT_ERROR, 0);
  setEvent(VECTOR_DB, EVENT_HARDWARE, 0);
  if (!trapEvent()) deliverPending();
}

/**
 * On the careful path, after an instruction that retired (also one that ended in a VM exit of trap kind, not one that
 * faulted or stopped before it). `length` is the instruction's, so that a branch is told for DEBUGCTL.BTF.
 */
export function afterInstruction(length: u32): void {
  if (resumeAtStart && !keepResume) store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) & ~FLAG_RF);
  if (shadowAtStart) {
    const others = load<u32>(INTERRUPTIBILITY) & ~(BLOCKING_STI | BLOCKING_MOV_SS);
    store<u32>(INTERRUPTIBILITY, others | (newShadow & ~shadowAtStart));
  }
  if (trapAtStart && !(load<u64>(DEBUGCTL) & 2 && getRip() == ripAtStart + length)) {
    store<u64>(PENDING_DEBUG, load<u64>(PENDING_DEBUG) | DR6_BS);
  }
  if (ranInGuest && load<u32>(NON_ROOT) && load<u32>(PRIMARY_CONTROLS) & PRIMARY_MTF) store<u32>(MTF_PENDING, 1);
  if (load<u32>(APIC_WRITE) && !load<u32>(STOP)) completeApicWrite();
  attend();
}

/** SYSCALL and SYSRET: whether the single-step trap follows is decided by TF after the instruction, not before. */
export function trapByNewFlags(): void {
  trapAtStart = (load<u32>(SYSTEM_FLAGS) & FLAG_TF) != 0;
}

/** INT n and its like clear TF on delivery and are not followed by a single-step trap. */
export function noTrapAfter(): void {
  trapAtStart = false;
  resumeAtStart = false;
  newShadow = 0;
}
