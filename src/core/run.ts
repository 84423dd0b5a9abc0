// The run loop.

import { FAM_SLOW } from '../../build/core/op-ids.ts';
import { runOps } from '../../build/core/run-ops.ts';
import { MIN_REMAINING } from './branches.ts';
import { blockInstructions, flushCode, lookup } from './cache.ts';
import { d } from './decode/state.ts';
import { decodeBlock } from './decode.ts';
import { deliverPending } from './delivery.ts';
import { afterInstruction, attend, beforeInstruction, GO } from './events.ts';
import { fetchHost } from './fetch.ts';
import {
  ACTIVITY,
  ATTEND_DEVICE,
  ATTEND_LOOK,
  ATTENTION,
  BUDGET,
  EVENT_VALID,
  MMIO_ALLOWED,
  PREEMPTION_DEADLINE,
  REMAINING,
  REPEATING,
  RETIRED,
  RIP,
  RUN_CAREFUL,
  RUN_FLAGS,
  RUN_SKIP_BREAKPOINT,
  RUN_SKIP_TRAPS,
  RUN_STEP,
  STEP_BUFFER,
  STOP,
  STOP_DELIVERED,
  STOP_EVENTS,
  STOP_HALT,
  STOP_WATCH,
  WATCH_HIT,
  WITHHELD,
} from './layout.ts';
import { initProcessors } from './processors.ts';
import { time, updateMode } from './state.ts';
import { setStepLength } from './virtual-apic.ts';
import { initTlb } from './tlb.ts';
import { clearHits, compareCells, setInBlocks, trapEvent } from './watches.ts';

const STEP_BLOCK: usize = STEP_BUFFER + 32;

/** Prepares the core at power-on: empty caches. Registers are the caller's; processor 0 is in STATE. */
export function init(): void {
  initProcessors();
  initTlb();
  flushCode();
  updateMode();
}

/** Executes at most `budget` instructions; answers a STOP_* code. After unwinding the caller goes on with `resume`. */
export function run(budget: i32): u32 {
  store<u64>(RETIRED, time());
  store<i32>(BUDGET, budget);
  store<i32>(REMAINING, budget);
  store<i32>(WITHHELD, 0);
  store<u32>(STOP, 0);
  clearHits(true);
  return resume();
}

/** Goes on with the budget of the last `run` after an unwinding. */
export function resume(): u32 {
  release();
  store<u32>(MMIO_ALLOWED, 0);
  setInBlocks(false);
  if (load<u32>(STOP) != STOP_WATCH) clearHits(false);
  attend();
  while (true) {
    const stop = boundary();
    if (stop != CONTINUE) return stop;
    if (
      load<u32>(ATTENTION) ||
      load<u32>(ACTIVITY) ||
      load<u32>(RUN_FLAGS) & (RUN_CAREFUL | RUN_SKIP_BREAKPOINT | RUN_SKIP_TRAPS | RUN_STEP)
    ) {
      stepCarefully();
    } else {
      withholdUntilDeadline();
      const rem = load<i32>(REMAINING);
      setInBlocks(true);
      const first = lookup(load<u64>(RIP), rem);
      // What remains at the end of a budget runs by whole superblocks while they fit.
      const fits = rem >= MIN_REMAINING || (rem > 0 && blockInstructions(first) <= rem);
      if (fits) runOps(first, rem);
      setInBlocks(false);
      if (!fits) stepCarefully();
      if (load<i32>(WITHHELD)) {
        release();
        attend();
      }
    }
  }
}

const CONTINUE: u32 = 0xffffffff;

/** Between two instructions: why to come back, or CONTINUE. */
function boundary(): u32 {
  if (load<u32>(STOP)) return load<u32>(STOP);
  if (load<u32>(WATCH_HIT, 20)) return STOP_WATCH;
  if (load<u32>(EVENT_VALID)) {
    if (trapEvent()) return load<u32>(STOP);
    const flags = load<u32>(RUN_FLAGS);
    store<u32>(RUN_FLAGS, flags & ~(RUN_SKIP_BREAKPOINT | RUN_SKIP_TRAPS));
    store<u32>(MMIO_ALLOWED, 1); // an IDT or a stack may lie where no RAM is
    deliverPending();
    store<u32>(MMIO_ALLOWED, 0);
    attend();
    if (flags & RUN_CAREFUL) compareCells();
    if (load<u32>(STOP)) return load<u32>(STOP);
    if (load<u32>(WATCH_HIT, 20)) return STOP_WATCH;
    if (flags & RUN_STEP) return STOP_DELIVERED;
    return CONTINUE;
  }
  const attention = load<u32>(ATTENTION);
  if (attention & ATTEND_LOOK) {
    store<u32>(ATTENTION, attention & ~ATTEND_LOOK);
    return STOP_EVENTS;
  }
  if (load<i32>(REMAINING) <= 0) return 0;
  return CONTINUE;
}

/** Sets a part of the budget aside: REMAINING becomes `keep`, time stays. */
function withhold(keep: i32): void {
  const aside = load<i32>(REMAINING) - keep;
  if (aside <= 0) return;
  store<i32>(WITHHELD, aside);
  store<i32>(REMAINING, keep);
  store<i32>(BUDGET, load<i32>(BUDGET) - aside);
}

function release(): void {
  const aside = load<i32>(WITHHELD);
  store<i32>(REMAINING, load<i32>(REMAINING) + aside);
  store<i32>(BUDGET, load<i32>(BUDGET) + aside);
  store<i32>(WITHHELD, 0);
}

/** Has the fast path come back when the VMX-preemption timer expires. */
function withholdUntilDeadline(): void {
  const deadline = load<u64>(PREEMPTION_DEADLINE);
  if (!~deadline) return;
  const left = deadline - time();
  if (left < <u64>load<i32>(REMAINING)) withhold(<i32>left);
}

/** One instruction alone, after what waits for the boundary before it: devices may be reached, traps are seen after it. */
function stepCarefully(): void {
  withhold(1);
  store<u32>(ATTENTION, load<u32>(ATTENTION) & ~ATTEND_DEVICE);
  store<u32>(MMIO_ALLOWED, 1);
  if (beforeInstruction() == GO) {
    if (load<u32>(ACTIVITY)) store<u32>(STOP, STOP_HALT);
    else stepInstruction();
  } else if (load<u32>(RUN_FLAGS) & RUN_STEP && !load<u32>(STOP)) store<u32>(STOP, STOP_DELIVERED);
  store<u32>(MMIO_ALLOWED, 0);
  release();
}

function stepInstruction(): void {
  const key = load<u64>(RIP);
  const skip = (load<u32>(RUN_FLAGS) & RUN_SKIP_BREAKPOINT) != 0;
  store<u32>(MMIO_ALLOWED, 1);
  store<u32>(REPEATING, 0);
  decodeBlock(key, fetchHost(key), STEP_BLOCK, 1, !skip);
  const length = <u32>(d.key - key);
  setStepLength(length);
  runOps(STEP_BLOCK + 32, 1);
  if (load<i32>(REMAINING) <= 0) {
    // A repeated string instruction that comes back to itself keeps its breakpoint passed over.
    const skipped = RUN_SKIP_BREAKPOINT | RUN_SKIP_TRAPS;
    if (!load<u32>(REPEATING)) store<u32>(RUN_FLAGS, load<u32>(RUN_FLAGS) & ~skipped);
    afterInstruction(length);
    if (load<u32>(RUN_FLAGS) & RUN_CAREFUL) compareCells();
    if (load<u32>(WATCH_HIT, 20) && !load<u32>(STOP)) store<u32>(STOP, STOP_WATCH);
  }
}

/**
 * Decodes the instruction at RIP without running it: its length, and from bit 8 the number of the slow instruction (0: a
 * handler of the switch carries it out; SL_UD: invalid). A fetch that faults unwinds.
 */
export function inspectInstruction(): u32 {
  const key = load<u64>(RIP);
  decodeBlock(key, fetchHost(key), STEP_BLOCK, 1, false);
  const op = STEP_BLOCK + 32;
  const slow = load<u32>(op) == FAM_SLOW || load<u32>(op) == FAM_SLOW + 1;
  return <u32>(d.key - key) | (slow ? (<u32>load<u8>(op, 4)) << 8 : 0);
}
