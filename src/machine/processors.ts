// Where the state of each logical processor is, and what it waits for.
import {
  ACTIVITY,
  ACTIVITY_MWAIT_BREAK,
  ACTIVITY_SHUTDOWN,
  ACTIVITY_WAIT_FOR_SIPI,
  IDLE,
  INTERRUPT_LINE,
  INTERRUPTIBILITY,
  NMI_PENDING,
  NON_ROOT,
  PIN_CONTROLS,
  PREEMPTION_DEADLINE,
  HELD,
  PROCESSOR,
  PROCESSOR_COUNT,
  PROCESSORS,
  STATE,
  STATE_SIZE,
  SYSTEM_FLAGS,
  VIRTUAL_INTERRUPT,
  VMX_ON,
} from '../core/layout.ts';
import { type Core, readCount, readWord } from '../vmx/processor.ts';
import type { Hardware } from './hardware.ts';

const RFLAGS_IF = 1 << 9;
const BLOCKING_NMI = 1 << 3;
const PIN_EXTERNAL_INTERRUPT = 1;
const PIN_VIRTUAL_NMIS = 1 << 5;

/** Address at which a cell of STATE is to be found for a logical processor. */
export function cellOf(core: Core, processor: number, cell: number): number {
  return processor === readWord(core, PROCESSOR) ? cell : PROCESSORS + processor * STATE_SIZE + cell - STATE;
}

export function runningProcessor(core: Core): number {
  return readWord(core, PROCESSOR);
}

export function hasSeveral(core: Core): boolean {
  return readWord(core, PROCESSOR_COUNT) > 1;
}

export function everyProcessor(core: Core): number[] {
  return Array.from({ length: readWord(core, PROCESSOR_COUNT) }, (_, processor) => processor);
}

/** Whether a processor was found waiting for an event from outside. */
export function isIdle(core: Core, processor: number): boolean {
  return readWord(core, cellOf(core, processor, IDLE)) !== 0 && readWord(core, cellOf(core, processor, ACTIVITY)) !== 0;
}

/** Whether the debugger lets it stand still. */
export function isHeld(core: Core, processor: number): boolean {
  return readWord(core, cellOf(core, processor, HELD)) !== 0;
}

function isGuest(core: Core, processor: number): boolean {
  return readWord(core, cellOf(core, processor, NON_ROOT)) !== 0;
}

/** Whether an external interrupt, were there one, would be delivered or exit now that the processor waits. */
function hearsInterrupts(core: Core, processor: number): boolean {
  const cell = (address: number) => readWord(core, cellOf(core, processor, address));
  const activity = cell(ACTIVITY);
  if (activity === ACTIVITY_SHUTDOWN || activity === ACTIVITY_WAIT_FOR_SIPI) return false;
  const exits = cell(NON_ROOT) !== 0 && (cell(PIN_CONTROLS) & PIN_EXTERNAL_INTERRUPT) !== 0;
  return exits || activity === ACTIVITY_MWAIT_BREAK || (cell(SYSTEM_FLAGS) & RFLAGS_IF) !== 0;
}

/** Whether an event that has come ends the wait of a processor. */
export function isDue({ core, board }: Hardware, processor: number, now: number): boolean {
  const cell = (address: number) => readWord(core, cellOf(core, processor, address));
  const startup = cell(ACTIVITY) === ACTIVITY_WAIT_FOR_SIPI;
  if (startup) return board.startupPending(processor);
  const guest = cell(NON_ROOT) !== 0;
  if (board.initPending(processor) && (guest || cell(VMX_ON) === 0)) return true;
  const virtualNmis = guest && (cell(PIN_CONTROLS) & PIN_VIRTUAL_NMIS) !== 0;
  const nmi = cell(NMI_PENDING) !== 0 || board.nmiPending(processor);
  if (nmi && (virtualNmis || (cell(INTERRUPTIBILITY) & BLOCKING_NMI) === 0)) return true;
  if (guest && readCount(core, cellOf(core, processor, PREEMPTION_DEADLINE)) <= now) return true;
  const interruptible = (cell(SYSTEM_FLAGS) & RFLAGS_IF) !== 0 && cell(ACTIVITY) !== ACTIVITY_SHUTDOWN;
  if (interruptible && cell(VIRTUAL_INTERRUPT) !== 0) return true;
  if (!hearsInterrupts(core, processor)) return false;
  return processor === readWord(core, PROCESSOR)
    ? readWord(core, INTERRUPT_LINE) !== 0
    : board.interruptPending(processor);
}

/** Whether an interrupt or timer could end the wait; NMIs, INITs and SIPIs, which nothing but their sender foresees, are not counted. */
export function canWake(core: Core, processor: number): boolean {
  if (readWord(core, cellOf(core, processor, ACTIVITY)) === ACTIVITY_WAIT_FOR_SIPI) return false;
  if (readWord(core, cellOf(core, processor, NMI_PENDING)) !== 0) return true;
  if (timerOf(core, processor) <= Number.MAX_SAFE_INTEGER) return true;
  return hearsInterrupts(core, processor);
}

/** Time at which the VMX-preemption timer of a processor that waits ends the wait; Infinity: never. */
export function timerOf(core: Core, processor: number): number {
  if (!isGuest(core, processor)) return Number.POSITIVE_INFINITY;
  if (readWord(core, cellOf(core, processor, ACTIVITY)) === ACTIVITY_WAIT_FOR_SIPI) return Number.POSITIVE_INFINITY;
  return readCount(core, cellOf(core, processor, PREEMPTION_DEADLINE));
}

const ACTIVITY_NAMES = [
  'active',
  'halted',
  'in shutdown',
  'waiting for a SIPI',
  'waiting in MWAIT',
  'waiting in MWAIT',
];

/** What a processor does, in words. */
export function activityName(core: Core, processor: number): string {
  return ACTIVITY_NAMES[readWord(core, cellOf(core, processor, ACTIVITY))] ?? 'active';
}
