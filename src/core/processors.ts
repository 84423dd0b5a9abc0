// Several logical processors in one core: the state of the one that runs is in STATE, that of each other in its block of
// PROCESSORS. Decoded code is shared; each has a TLB of its own, so that a switch is two copies of 4 KiB.

import {
  ACTIVITY,
  ACTIVITY_MWAIT,
  BUDGET,
  CODE_SPACES_RENEWED,
  CS,
  IDLE,
  MONITOR_ADDRESS,
  MWAIT_LINE,
  PAGE_FLAGS,
  PAGE_MONITOR,
  PAUSES_LEFT,
  PROCESSOR,
  PROCESSOR_COUNT,
  PROCESSORS,
  RAM,
  RAM_SIZE,
  REMAINING,
  RETIRED,
  RIP,
  SEEN_SPACES,
  STATE,
  STATE_SIZE,
  STOP,
  STOP_PAUSE,
  VMCS_DIRTY,
  VMCS_DIRTY_ANY,
  WITHHELD,
} from './layout.ts';
import { segBase, selectTlbSet, setRip, time, updateMode } from './state.ts';
import { softenPage, takeTlb } from './tlb.ts';

const NO_LINE: u64 = 0xffffffffffffffff;
const LINE: u64 = 64;

export function initProcessors(): void {
  if (!load<u32>(PROCESSOR_COUNT)) store<u32>(PROCESSOR_COUNT, 1);
  takeTlb();
}

/** How far a cell of processor N lies from its address in STATE. */
function offsetOf(processor: u32): usize {
  return processor == load<u32>(PROCESSOR) ? 0 : PROCESSORS + <usize>processor * STATE_SIZE - STATE;
}

/** Puts the state of a logical processor into STATE, between two calls of `run`. Time goes on. */
export function switchProcessor(next: u32): void {
  const current = load<u32>(PROCESSOR);
  if (next == current) return;
  const now = time();
  store<u32>(SEEN_SPACES, load<u32>(CODE_SPACES_RENEWED));
  memory.copy(PROCESSORS + <usize>current * STATE_SIZE, STATE, STATE_SIZE);
  memory.copy(STATE, PROCESSORS + <usize>next * STATE_SIZE, STATE_SIZE);
  store<u32>(PROCESSOR, next);
  store<u64>(RETIRED, now);
  store<i32>(BUDGET, 0);
  store<i32>(REMAINING, 0);
  store<i32>(WITHHELD, 0);
  takeTlb();
  if (load<u32>(SEEN_SPACES) != load<u32>(CODE_SPACES_RENEWED)) renewCodeSpace();
  selectTlbSet(); // its generation may have moved on meanwhile
}

/** CODE_SPACES began anew while the processor did not run: its keys are made again. */
function renewCodeSpace(): void {
  const key = load<u64>(RIP);
  const rip = key >> 62 == 1 ? <u64>(<u32>key - <u32>segBase(CS)) : key;
  store<u64>(RIP, rip);
  updateMode();
  setRip(rip);
}

/** PAUSE retired: a processor that spins leaves the rest of its turn to the others. */
export function countPause(): void {
  const left = load<u32>(PAUSES_LEFT);
  if (left > 1) store<u32>(PAUSES_LEFT, left - 1);
  else if (!load<u32>(STOP)) store<u32>(STOP, STOP_PAUSE);
}

// ---- What one processor's writes mean to the others -----------------------------------------------------------------------

/** The page of a current VMCS was written: its checks run again, whosever it is. */
export function vmcsWritten(): void {
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const dirty = VMCS_DIRTY + offsetOf(processor);
    store<u32>(dirty, load<u32>(dirty) | VMCS_DIRTY_ANY);
  }
}

/** MONITOR: from now on writes to the line's page take the slow path. With one processor nobody else can write. */
export function watchLine(line: u64): void {
  if (load<u32>(PROCESSOR_COUNT) == 1 || line >= load<u64>(RAM_SIZE)) return;
  const flags = PAGE_FLAGS + <usize>(line >> 12);
  if (load<u8>(flags) & PAGE_MONITOR) return;
  store<u8>(flags, load<u8>(flags) | PAGE_MONITOR);
  softenPage(<u32>(line >> 12));
}

/** A write to a page with PAGE_MONITOR: disarms the monitors of the lines it touches, and ends the waits on them. */
export function lineWritten(host: usize, bytes: u32): void {
  const from = <u64>(host - RAM);
  const to = from + <u64>bytes;
  for (let processor: u32 = 0; processor < load<u32>(PROCESSOR_COUNT); processor++) {
    const offset = offsetOf(processor);
    const armed = load<u64>(MONITOR_ADDRESS + offset);
    if (armed != NO_LINE && from < armed + LINE && to > armed) store<u64>(MONITOR_ADDRESS + offset, NO_LINE);
    if (load<u32>(ACTIVITY + offset) < ACTIVITY_MWAIT) continue;
    const line = load<u64>(MWAIT_LINE + offset);
    if (from >= line + LINE || to <= line) continue;
    store<u32>(ACTIVITY + offset, 0);
    store<u32>(IDLE + offset, 0);
  }
}
