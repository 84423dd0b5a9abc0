// What happened at the last VM exit and the last VM entry of each logical processor: cells of its state, filled at every
// transition without allocation, read as objects. Every VM exit goes to the timeline and the statistics besides.
import {
  COUNT_ENTRIES,
  COUNT_EXITS,
  ENTRY_EVENT,
  ENTRY_HOST_RIP,
  ENTRY_RESUMED,
  ENTRY_RIP,
  ENTRY_TIME,
  ENTRY_VMCS,
  EXIT_GUEST_LINEAR,
  EXIT_GUEST_PHYSICAL,
  EXIT_IDT_ERROR,
  EXIT_IDT_INFO,
  EXIT_INSTRUCTION_INFO,
  EXIT_INTERRUPTION_ERROR,
  EXIT_INTERRUPTION_INFO,
  EXIT_LENGTH,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_RIP,
  EXIT_TIME,
  EXIT_VMCS,
  LAST_ENTRY,
  LAST_EXIT,
  OWN_ENTRIES,
  PROCESSOR,
  VMCS_ADDRESS,
  VMCS_COPY,
  VMCS_POINTER,
} from '../core/layout.ts';
import { F_GUEST_RIP } from '../core/generated/vmcs-offsets.ts';
import { VMCS_FIELDS_END } from '../spec/vmcs-layout.ts';
import { type Core, copyQuad, countUp, readCount, readQuad, readWord, stampTime, writeWord } from './processor.ts';
import { addEntry, addExit, createTimeline, type Timeline } from './timeline.ts';
import type { VmEntry, VmExit } from './types.ts';

export interface History {
  readonly timeline: Timeline;
  /** Where the fields of the VMCS are copied at each VM exit, when somebody wants that. */
  vmcsAtExit: VmcsCopy | undefined;
}

/** The fields of a VMCS region as they were at a VM exit, from the region's first byte. */
export interface VmcsCopy {
  /** Number of the exit; 0: none yet. */
  exit: number;
  /** Host-physical address of the region. */
  address: number;
  readonly bytes: Uint8Array;
}

export function createHistory(): History {
  return { timeline: createTimeline(), vmcsAtExit: undefined };
}

export function createVmcsCopy(core: Core): VmcsCopy {
  return { exit: 0, address: 0, bytes: core.bytes.subarray(VMCS_COPY, VMCS_COPY + VMCS_FIELDS_END) };
}

/** Records the VM exit that the core has noted and that was just written to the current VMCS. */
export function recordExit(history: History, core: Core): void {
  addExit(history.timeline, core);
  if (history.vmcsAtExit !== undefined) copyVmcs(history.vmcsAtExit, core);
}

function copyVmcs(copy: VmcsCopy, core: Core): void {
  copy.exit = readCount(core, COUNT_EXITS);
  copy.address = readWord(core, VMCS_POINTER);
  core.exports.copyVmcs(VMCS_FIELDS_END);
}

/** Counts and records a VM entry that succeeded; ENTRY_HOST_RIP is the caller's. `injected` is 0 or the event's interruption information. */
export function recordEntry(history: History, core: Core, resume: boolean, injected: number): void {
  countUp(core, COUNT_ENTRIES);
  countUp(core, OWN_ENTRIES);
  copyQuad(core, LAST_ENTRY, COUNT_ENTRIES);
  copyQuad(core, ENTRY_VMCS, VMCS_POINTER);
  copyQuad(core, ENTRY_RIP, readWord(core, VMCS_ADDRESS) + F_GUEST_RIP);
  stampTime(core, ENTRY_TIME);
  writeWord(core, ENTRY_EVENT, injected);
  writeWord(core, ENTRY_RESUMED, resume ? 1 : 0);
  addEntry(history.timeline, core);
}

/** The last VM exit of the processor in STATE. */
export function lastExit(core: Core): VmExit | undefined {
  const number = readCount(core, LAST_EXIT);
  if (number === 0) return undefined;
  return {
    number,
    processor: readWord(core, PROCESSOR),
    time: readCount(core, EXIT_TIME),
    reason: readWord(core, EXIT_REASON),
    qualification: readQuad(core, EXIT_QUALIFICATION),
    guestRip: readQuad(core, EXIT_RIP),
    instructionLength: readWord(core, EXIT_LENGTH),
    instructionInfo: readWord(core, EXIT_INSTRUCTION_INFO),
    interruptionInfo: readWord(core, EXIT_INTERRUPTION_INFO),
    interruptionError: readWord(core, EXIT_INTERRUPTION_ERROR),
    idtVectoringInfo: readWord(core, EXIT_IDT_INFO),
    idtVectoringError: readWord(core, EXIT_IDT_ERROR),
    guestLinear: readQuad(core, EXIT_GUEST_LINEAR),
    guestPhysical: readQuad(core, EXIT_GUEST_PHYSICAL),
    vmcs: readQuad(core, EXIT_VMCS),
  };
}

/** The last VM entry of the processor in STATE. */
export function lastEntry(core: Core): VmEntry | undefined {
  const number = readCount(core, LAST_ENTRY);
  if (number === 0) return undefined;
  return {
    number,
    processor: readWord(core, PROCESSOR),
    time: readCount(core, ENTRY_TIME),
    instruction: readWord(core, ENTRY_RESUMED) === 1 ? 'VMRESUME' : 'VMLAUNCH',
    hostRip: readQuad(core, ENTRY_HOST_RIP),
    guestRip: readQuad(core, ENTRY_RIP),
    injected: readWord(core, ENTRY_EVENT),
    vmcs: readQuad(core, ENTRY_VMCS),
  };
}
