// What happened at the last VM exits and VM entries: rings of plain words, filled without allocation, read as objects.
import {
  COUNT_ENTRIES,
  COUNT_EXITS,
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
  LAST_ENTRY,
  LAST_EXIT,
  OWN_ENTRIES,
  OWN_EXITS,
  PROCESSOR,
  PROCESSOR_COUNT,
  PROCESSORS,
  STATE,
  STATE_SIZE,
  VMCS_ADDRESS,
  VMCS_POINTER,
} from '../core/layout.ts';
import { F_GUEST_RIP } from '../core/generated/vmcs-offsets.ts';
import { type Core, readCount, readQuad, readWord, writeCount } from './processor.ts';
import { addEntry, addExit, createTimeline, type Timeline } from './timeline.ts';
import type { VmEntry, VmExit } from './types.ts';

/** How many of each are kept; a power of two. */
export const HISTORY_SIZE = 4096;

const RECORD = 24; // words a record
const EXIT_WORDS = 14; // EXIT_REASON to EXIT_GUEST_PHYSICAL, as layout.ts has them
const AT_NUMBER = EXIT_WORDS;
const AT_TIME = 16;
const AT_RIP = 18;
const AT_VMCS = 20;
const AT_PROCESSOR = 22;
const FAILED = 0x80000000;
const AT_HOST_RIP = 0;
const AT_INJECTED = 2;
const AT_RESUME = 3;

export interface History {
  readonly exits: Uint32Array;
  readonly entries: Uint32Array;
  readonly timeline: Timeline;
  /** Where the VMCS region is copied at each VM exit, when somebody wants that. */
  vmcsAtExit: VmcsCopy | undefined;
}

/** A VMCS region as it was at a VM exit. */
export interface VmcsCopy {
  /** Number of the exit; 0: none yet. */
  exit: number;
  /** Host-physical address of the region. */
  address: bigint;
  readonly bytes: Uint8Array;
}

export function createHistory(): History {
  return {
    exits: new Uint32Array(HISTORY_SIZE * RECORD),
    entries: new Uint32Array(HISTORY_SIZE * RECORD),
    timeline: createTimeline(),
    vmcsAtExit: undefined,
  };
}

function put(record: Uint32Array, at: number, value: number): void {
  record[at] = value >>> 0;
  record[at + 1] = Math.floor(value / 0x100000000);
}

function word(record: Uint32Array, at: number): number {
  return record[at] as number;
}

function count(record: Uint32Array, at: number): number {
  return word(record, at + 1) * 0x100000000 + word(record, at);
}

function quad(record: Uint32Array, at: number): bigint {
  return (BigInt(word(record, at + 1)) << 32n) | BigInt(word(record, at));
}

/** `counter` counts those of all processors, `own` those of the one that runs, `last` holds the number of its last one. */
function begin(core: Core, ring: Uint32Array, counter: number, own: number, last: number, time: number): number {
  const number = readCount(core, counter) + 1;
  writeCount(core, counter, number);
  writeCount(core, last, number);
  writeCount(core, own, readCount(core, own) + 1);
  const at = (number & (HISTORY_SIZE - 1)) * RECORD;
  put(ring, at + AT_NUMBER, number);
  put(ring, at + AT_TIME, time);
  ring[at + AT_PROCESSOR] = core.words[PROCESSOR >>> 2] as number;
  const pointer = VMCS_POINTER >>> 2;
  ring[at + AT_VMCS] = core.words[pointer] as number;
  ring[at + AT_VMCS + 1] = core.words[pointer + 1] as number;
  const rip = ((core.words[VMCS_ADDRESS >>> 2] as number) + F_GUEST_RIP) >>> 2;
  ring[at + AT_RIP] = core.words[rip] as number;
  ring[at + AT_RIP + 1] = core.words[rip + 1] as number;
  return at;
}

/** Counts and records the VM exit that EXIT_* describes and that was just written to the current VMCS. */
export function recordExit(history: History, core: Core, time: number): void {
  const ring = history.exits;
  const at = begin(core, ring, COUNT_EXITS, OWN_EXITS, LAST_EXIT, time);
  const from = EXIT_REASON >>> 2;
  for (let i = 0; i < EXIT_WORDS; i++) ring[at + i] = core.words[from + i] as number;
  const failed = (readWord(core, EXIT_REASON) & FAILED) !== 0;
  addExit(history.timeline, core, time, failed ? undefined : lastEntryTime(history, core));
  if (history.vmcsAtExit !== undefined) copyVmcs(history.vmcsAtExit, core);
}

function copyVmcs(copy: VmcsCopy, core: Core): void {
  const region = core.words[VMCS_ADDRESS >>> 2] as number;
  copy.exit = readCount(core, COUNT_EXITS);
  copy.address = readQuad(core, VMCS_POINTER);
  copy.bytes.set(core.bytes.subarray(region, region + copy.bytes.length));
}

/** Counts and records a VM entry that succeeded; the RIP of the instruction in two halves. */
export function recordEntry(
  history: History,
  core: Core,
  time: number,
  resume: boolean,
  hostRipLow: number,
  hostRipHigh: number,
  injected: number,
): void {
  const ring = history.entries;
  const at = begin(core, ring, COUNT_ENTRIES, OWN_ENTRIES, LAST_ENTRY, time);
  ring[at + AT_HOST_RIP] = hostRipLow;
  ring[at + AT_HOST_RIP + 1] = hostRipHigh;
  ring[at + AT_INJECTED] = injected;
  ring[at + AT_RESUME] = resume ? 1 : 0;
  addEntry(history.timeline, core, time);
}

/** Of the processor that runs. */
function lastEntryTime({ entries }: History, core: Core): number | undefined {
  const number = readCount(core, LAST_ENTRY);
  const at = (number & (HISTORY_SIZE - 1)) * RECORD;
  return number === 0 || count(entries, at + AT_NUMBER) !== number ? undefined : count(entries, at + AT_TIME);
}

function find(ring: Uint32Array, number: number): Uint32Array | undefined {
  const at = (number & (HISTORY_SIZE - 1)) * RECORD;
  const record = ring.subarray(at, at + RECORD);
  return number > 0 && count(record, AT_NUMBER) === number ? record : undefined;
}

/** The VM exit with this ordinal, or undefined when it is no longer (or not yet) held. */
export function exitNumber(history: History, number: number): VmExit | undefined {
  const record = find(history.exits, number);
  if (record === undefined) return undefined;
  const at = (address: number) => (address - EXIT_REASON) >>> 2;
  return {
    number,
    processor: word(record, AT_PROCESSOR),
    time: count(record, AT_TIME),
    reason: word(record, at(EXIT_REASON)),
    qualification: quad(record, at(EXIT_QUALIFICATION)),
    guestRip: quad(record, AT_RIP),
    instructionLength: word(record, at(EXIT_LENGTH)),
    instructionInfo: word(record, at(EXIT_INSTRUCTION_INFO)),
    interruptionInfo: word(record, at(EXIT_INTERRUPTION_INFO)),
    interruptionError: word(record, at(EXIT_INTERRUPTION_ERROR)),
    idtVectoringInfo: word(record, at(EXIT_IDT_INFO)),
    idtVectoringError: word(record, at(EXIT_IDT_ERROR)),
    guestLinear: quad(record, at(EXIT_GUEST_LINEAR)),
    guestPhysical: quad(record, at(EXIT_GUEST_PHYSICAL)),
    vmcs: quad(record, AT_VMCS),
  };
}

/** The VM entry with this ordinal, or undefined. */
export function entryNumber(history: History, number: number): VmEntry | undefined {
  const record = find(history.entries, number);
  if (record === undefined) return undefined;
  return {
    number,
    processor: word(record, AT_PROCESSOR),
    time: count(record, AT_TIME),
    instruction: word(record, AT_RESUME) === 1 ? 'VMRESUME' : 'VMLAUNCH',
    hostRip: quad(record, AT_HOST_RIP),
    guestRip: quad(record, AT_RIP),
    injected: word(record, AT_INJECTED),
    vmcs: quad(record, AT_VMCS),
  };
}

/** Exit reason of the last VM exit, without making an object. */
export function lastExitReason(history: History, core: Core): number {
  const at = ((core.words[COUNT_EXITS >>> 2] as number) & (HISTORY_SIZE - 1)) * RECORD;
  return history.exits[at] as number;
}

/** The records of the last exit and the last entry, for a snapshot. */
export function lastRecords(history: History, core: Core): Uint32Array {
  const slots = lastSlots(history, core);
  const records = new Uint32Array(slots.length * RECORD);
  for (const [i, slot] of slots.entries()) records.set(slot, i * RECORD);
  return records;
}

/** Puts them back, when the counts of the core are again what they were. */
export function restoreRecords(history: History, core: Core, records: Uint32Array): void {
  for (const [i, slot] of lastSlots(history, core).entries()) slot.set(records.subarray(i * RECORD, (i + 1) * RECORD));
}

/** The last VM exit and the last VM entry of each processor. */
function lastSlots(history: History, core: Core): Uint32Array[] {
  const running = core.words[PROCESSOR >>> 2] as number;
  const slots: Uint32Array[] = [];
  for (let processor = 0; processor < (core.words[PROCESSOR_COUNT >>> 2] as number); processor++) {
    const from = processor === running ? 0 : PROCESSORS + processor * STATE_SIZE - STATE;
    slots.push(slot(history.exits, core, from + LAST_EXIT), slot(history.entries, core, from + LAST_ENTRY));
  }
  return slots;
}

function slot(ring: Uint32Array, core: Core, counter: number): Uint32Array {
  const at = ((core.words[counter >>> 2] as number) & (HISTORY_SIZE - 1)) * RECORD;
  return ring.subarray(at, at + RECORD);
}
