// What the debugger watches: memory by linear, guest-physical and host-physical address (WATCHES), instructions and events by
// what they touch (TRAPS), cells of the processor's state (CELL_WATCHES). All of it costs nothing while the counts are 0.
//
// A watched page has only soft entries in the TLB, so its accesses take the slow path, which asks here. Because every
// translation passes through the TLB, watches on linear and guest-physical addresses follow the page tables.

import { unwind } from './host.ts';
import { getFlags } from './flags.ts';
import {
  ATTEND_DEVICE,
  ATTENTION,
  CELL_CHANGED,
  CELL_WATCHES,
  EVENT_VECTOR,
  NON_ROOT,
  RAM,
  RCX,
  RDX,
  RUN_FLAGS,
  RUN_NO_TRAPS,
  RUN_SKIP_TRAPS,
  SET_GUEST_SUPERVISOR,
  SI_IMMEDIATE,
  SI_MODRM,
  SI_OPCODE,
  SI_OPERAND_SIZE,
  SI_REG,
  STOP,
  STOP_WATCH,
  TRAP_CONTROL,
  TRAP_FIELD,
  TRAP_MSR,
  TRAP_PORT,
  TRAP_VECTOR,
  TRAPS,
  WATCH_CELL,
  WATCH_GUEST_LINEAR,
  WATCH_GUEST_PHYSICAL,
  WATCH_HIT,
  WATCH_PHYSICAL,
  WATCH_READ,
  WATCH_ROOT_LINEAR,
  WATCH_SPACES,
  WATCH_TRAP,
  WATCH_WRITE,
  WATCHES,
} from './layout.ts';
import {
  SL_CLTS,
  SL_FSGSBASE,
  SL_IN,
  SL_INS,
  SL_INT,
  SL_INT1,
  SL_INT3,
  SL_INTO,
  SL_LMSW,
  SL_MOV_FROM_CR,
  SL_MOV_TO_CR,
  SL_OUT,
  SL_OUTS,
  SL_RDMSR,
  SL_SMSW,
  SL_SWAPGS,
  SL_VMREAD,
  SL_VMWRITE,
  SL_WRMSR,
} from './slow-ids.ts';
import { getReg } from './state.ts';

const FLAG_OF: u64 = 0x800;
const MSR_FS_BASE: u32 = 0xc0000100;
const MSR_GS_BASE: u32 = 0xc0000101;
const MSR_KERNEL_GS_BASE: u32 = 0xc0000102;

// ---- Memory -------------------------------------------------------------------------------------------------------------

/** Whether anything in the page of a TLB entry is watched. `frame` is the guest-physical address of the page. */
export function pageWatched(set: u32, linear: u64, host: usize, frame: u64): bool {
  const spaces: u32 = set >= SET_GUEST_SUPERVISOR ? GUEST_SPACES : ROOT_SPACES;
  for (let i: u32 = 0; i < load<u32>(WATCHES); i++) {
    const watch = WATCHES + 8 + <usize>(i << 4);
    const space = load<u32>(watch, 12) & WATCH_SPACES;
    if (space & ~spaces) continue;
    const at = (space ? (space == WATCH_GUEST_PHYSICAL ? frame : linear) : <u64>(host - RAM)) & ~(<u64>0xfff);
    const start = load<u64>(watch);
    if (start <= at + 0xfff && start + <u64>(load<u32>(watch, 8) - 1) >= at) return true;
  }
  return false;
}

/** Watch spaces that accesses of a side can meet. */
const ROOT_SPACES: u32 = WATCH_ROOT_LINEAR;
const GUEST_SPACES: u32 = WATCH_GUEST_LINEAR | WATCH_GUEST_PHYSICAL;

export const UNWATCHED: u32 = 0; // nothing in the page is watched
export const BESIDE: u32 = 1; // something in the page is, which the access does not meet
export const MET: u32 = 2;

/** How an access (WATCH_READ, WATCH_WRITE or both) stands to the watches; with `mark` what it meets is recorded. */
export function meetWatches(host: usize, bytes: u32, linear: u64, frame: u64, kind: u32, mark: bool): u32 {
  const count = load<u32>(WATCHES);
  const spaces: u32 = load<u32>(NON_ROOT) ? GUEST_SPACES : ROOT_SPACES;
  const physical = <u64>(host - RAM);
  const guestPhysical = frame | (linear & 0xfff);
  let outcome = UNWATCHED;
  let met: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const watch = WATCHES + 8 + <usize>(i << 4);
    const flags = load<u32>(watch, 12);
    const space = flags & WATCH_SPACES;
    if (space & ~spaces) continue;
    const at = space ? (space == WATCH_GUEST_PHYSICAL ? guestPhysical : linear) : physical;
    const start = load<u64>(watch);
    const last = start + <u64>(load<u32>(watch, 8) - 1);
    if (at > last || at + <u64>bytes <= start || !(flags & kind)) {
      if (start <= (at | 0xfff) && last >= (at & ~(<u64>0xfff))) outcome |= BESIDE;
      continue;
    }
    outcome |= MET;
    met |= flags & kind;
    if (mark) store<u32>(watch, flags | ((flags & kind) << 8), 12);
  }
  if (met && mark) {
    if (!(load<u32>(WATCH_HIT, 20) & (WATCH_READ | WATCH_WRITE))) {
      store<u64>(WATCH_HIT, linear);
      store<u64>(WATCH_HIT, physical, 8);
      store<u32>(WATCH_HIT, bytes, 16);
    }
    store<u32>(WATCH_HIT, load<u32>(WATCH_HIT, 20) | met, 20);
  }
  return outcome;
}

/** While superblocks run: what is met must run again alone. */
let inBlocks: bool = false;

export function setInBlocks(yes: bool): void {
  inBlocks = yes;
}

/**
 * Before an instruction or page walk writes by physical address: unless it runs alone already it is made to, so that the run ends right
 * after it. Nothing that cannot be done again may have happened.
 */
export function aloneIfWatched(): void {
  if (!load<u32>(WATCHES) || !inBlocks) return;
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_DEVICE);
  unwind();
}

/** The same before an access to a VMX structure in the page of a physical address, when anything in that page is watched by it. */
export function aloneIfPageWatched(physical: u64): void {
  const page = physical & ~(<u64>0xfff);
  for (let i: u32 = 0; i < load<u32>(WATCHES); i++) {
    const watch = WATCHES + 8 + <usize>(i << 4);
    const start = load<u64>(watch);
    if (load<u32>(watch, 12) & WATCH_SPACES || start > page + 0xfff) continue;
    if (start + <u64>(load<u32>(watch, 8) - 1) >= page) aloneIfWatched();
  }
}

/**
 * Records an access that the processor makes by physical address: to paging structures, VMX structures. `guestPhysical` is all ones where
 * it makes none of those.
 */
export function physicalAccess(physical: u64, bytes: u32, guestPhysical: u64, kind: u32): void {
  const count = load<u32>(WATCHES);
  for (let i: u32 = 0; i < count; i++) {
    const watch = WATCHES + 8 + <usize>(i << 4);
    const flags = load<u32>(watch, 12);
    const space = flags & WATCH_SPACES;
    if (!(flags & kind) || space & ~WATCH_GUEST_PHYSICAL) continue;
    const at = space ? guestPhysical : physical;
    const start = load<u64>(watch);
    if (space && (!~guestPhysical || !load<u32>(NON_ROOT))) continue;
    if (at > start + <u64>(load<u32>(watch, 8) - 1) || at + <u64>bytes <= start) continue;
    store<u32>(watch, flags | ((flags & kind) << PHYSICAL_SHIFT), 12);
    store<u32>(WATCH_HIT, load<u32>(WATCH_HIT, 20) | WATCH_PHYSICAL, 20);
  }
}

/** The same, for what is not part of the core. */
export function physicalAccessed(physical: u64, bytes: u32, kind: u32): void {
  physicalAccess(physical, bytes, u64.MAX_VALUE, kind);
}

const PHYSICAL_SHIFT: u32 = 12;

/** Forgets what was met: by the last run (all of it), or by an instruction that did not come to its end. */
export function clearHits(all: bool): void {
  const kinds = load<u32>(WATCH_HIT, 20);
  if (!kinds) return;
  store<u32>(WATCH_HIT, all ? 0 : kinds & WATCH_PHYSICAL, 20);
  const kept: u32 = all ? 0xff : 0xff | (0xf << PHYSICAL_SHIFT);
  for (let i: u32 = 0; i < load<u32>(WATCHES); i++) {
    const watch = WATCHES + 8 + <usize>(i << 4);
    store<u32>(watch, load<u32>(watch, 12) & kept, 12);
  }
  for (let i: u32 = 0; i < load<u32>(TRAPS); i++) {
    const trap = TRAPS + 8 + <usize>(i << 4);
    store<u32>(trap, load<u32>(trap, 12) & 0xff, 12);
  }
  for (let i: u32 = 0; i < load<u32>(CELL_WATCHES); i++) {
    const cell = CELL_WATCHES + 8 + <usize>(i << 4);
    store<u32>(cell, load<u32>(cell, 4) & ~CELL_CHANGED, 4);
  }
}

// ---- Instructions and events ----------------------------------------------------------------------------------------------

function meetTraps(subject: u32, first: u32, last: u32, kind: u32): bool {
  let met = false;
  for (let i: u32 = 0; i < load<u32>(TRAPS); i++) {
    const trap = TRAPS + 8 + <usize>(i << 4);
    const access = load<u32>(trap, 12);
    if (load<u32>(trap) != subject || !(access & kind)) continue;
    if (last < load<u32>(trap, 4) || first > load<u32>(trap, 8)) continue;
    store<u32>(trap, access | (kind << 8), 12);
    met = true;
  }
  if (met) {
    store<u32>(WATCH_HIT, load<u32>(WATCH_HIT, 20) | WATCH_TRAP, 20);
    store<u32>(STOP, STOP_WATCH);
  }
  return met;
}

function one(subject: u32, number: u32, kind: u32): bool {
  return meetTraps(subject, number, number, kind);
}

function portTrap(id: u32): bool {
  const string = id == SL_INS || id == SL_OUTS;
  const port =
    string || load<u32>(SI_OPCODE) & 8 ? <u32>(load<u64>(RDX) & 0xffff) : <u32>(load<u64>(SI_IMMEDIATE) & 0xff);
  const bytes: u32 = 1 << load<u32>(SI_OPERAND_SIZE);
  return meetTraps(TRAP_PORT, port, port + bytes - 1, id == SL_IN || id == SL_INS ? WATCH_READ : WATCH_WRITE);
}

function instructionMeetsTrap(id: u32): bool {
  switch (id) {
    case SL_IN:
    case SL_OUT:
    case SL_INS:
    case SL_OUTS:
      return portTrap(id);
    case SL_RDMSR:
      return one(TRAP_MSR, <u32>load<u64>(RCX), WATCH_READ);
    case SL_WRMSR:
      return one(TRAP_MSR, <u32>load<u64>(RCX), WATCH_WRITE);
    case SL_SWAPGS:
      return meetTraps(TRAP_MSR, MSR_GS_BASE, MSR_KERNEL_GS_BASE, WATCH_WRITE);
    case SL_FSGSBASE: {
      const which = (load<u32>(SI_MODRM) >> 3) & 7;
      return one(TRAP_MSR, which & 1 ? MSR_GS_BASE : MSR_FS_BASE, which < 2 ? WATCH_READ : WATCH_WRITE);
    }
    case SL_MOV_FROM_CR:
      return one(TRAP_CONTROL, load<u32>(SI_REG), WATCH_READ);
    case SL_MOV_TO_CR:
      return one(TRAP_CONTROL, load<u32>(SI_REG), WATCH_WRITE);
    case SL_SMSW:
      return one(TRAP_CONTROL, 0, WATCH_READ);
    case SL_CLTS:
    case SL_LMSW:
      return one(TRAP_CONTROL, 0, WATCH_WRITE);
    case SL_INT:
      return one(TRAP_VECTOR, <u32>load<u64>(SI_IMMEDIATE) & 0xff, WATCH_WRITE);
    case SL_INT1:
      return one(TRAP_VECTOR, 1, WATCH_WRITE);
    case SL_INT3:
      return one(TRAP_VECTOR, 3, WATCH_WRITE);
    case SL_INTO:
      return (getFlags() & FLAG_OF) != 0 && one(TRAP_VECTOR, 4, WATCH_WRITE);
    case SL_VMREAD:
      return one(TRAP_FIELD, <u32>getReg(load<u32>(SI_REG)), WATCH_READ);
    case SL_VMWRITE:
      return one(TRAP_FIELD, <u32>getReg(load<u32>(SI_REG)), WATCH_WRITE);
    default:
      return false;
  }
}

/** Before a slow instruction: comes back with STOP_WATCH when a trap asks for it, with nothing of the instruction done. */
export function trapInstruction(id: u32): void {
  if (!passedOver() && instructionMeetsTrap(id)) unwind();
}

/** Whether the caller of `run` wants this trap passed over; it can ask that of one. */
function passedOver(): bool {
  const flags = load<u32>(RUN_FLAGS);
  store<u32>(RUN_FLAGS, flags & ~RUN_SKIP_TRAPS);
  return (flags & (RUN_SKIP_TRAPS | RUN_NO_TRAPS)) != 0;
}

/** Before the event in EVENT_* is delivered, or exits: whether a trap asks to stop; STOP is then set. */
export function trapEvent(): bool {
  if (!load<u32>(TRAPS) || passedOver()) return false;
  return one(TRAP_VECTOR, load<u32>(EVENT_VECTOR), WATCH_WRITE);
}

// ---- Cells of the processor's state -----------------------------------------------------------------------------------------

/** Compares the watched cells with what they held last; answers whether one changed. Address 0 is RFLAGS. */
export function compareCells(): bool {
  let changed = false;
  for (let i: u32 = 0; i < load<u32>(CELL_WATCHES); i++) {
    const cell = CELL_WATCHES + 8 + <usize>(i << 4);
    const address = <usize>load<u32>(cell);
    const value = address ? (load<u32>(cell, 4) & 8 ? load<u64>(address) : <u64>load<u32>(address)) : getFlags();
    if (value == load<u64>(cell, 8)) continue;
    store<u64>(cell, value, 8);
    store<u32>(cell, load<u32>(cell, 4) | CELL_CHANGED, 4);
    changed = true;
  }
  if (changed) store<u32>(WATCH_HIT, load<u32>(WATCH_HIT, 20) | WATCH_CELL, 20);
  return changed;
}
