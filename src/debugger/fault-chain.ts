// The faults that led to a triple fault, each with what the processor says about it and what was behind it.

import type { FaultRecord, Machine, Side } from '../machine/types.ts';
import type { Image } from '../program/image.ts';
import { exceptionOfVector, vectorName } from '../spec/exceptions.ts';
import { readSideRegister } from './expressions/registers.ts';
import { simdCause } from './fault-simd.ts';
import { hex, littleEndian } from './format.ts';
import { place } from './place.ts';
import { inLongMode } from './position.ts';

export interface FaultStep extends FaultRecord {
  /** `#PF`. */
  readonly name: string;
  /** The error code in words; empty when it says nothing. */
  readonly errorText: string;
  readonly cause: string;
}

const PAGE_FAULT = 14;
const DOUBLE_FAULT = 8;
/** Exceptions whose error code names a selector. */
const SELECTOR_FAULTS = new Set([10, 11, 12, 13]);

/** Explains each fault of a chain, oldest first; `side` is the one whose faults they are. */
export function faultChain(faults: readonly FaultRecord[], machine: Machine, side: Side): FaultStep[] {
  return faults.map((fault, index) => {
    const before = faults[index - 1];
    return {
      ...fault,
      name: vectorName(fault.vector),
      errorText: errorText(fault),
      cause: causeOf(fault, before, faults[index - 2], machine, side),
    };
  });
}

function errorText({ vector, error }: FaultRecord): string {
  if (error === undefined) return '';
  if (vector === PAGE_FAULT) return pageFaultText(error);
  return SELECTOR_FAULTS.has(vector) ? selectorText(error) : '';
}

/** `page not present, write, supervisor mode`. */
function pageFaultText(error: number): string {
  const kind = (error & 16) !== 0 ? 'instruction fetch' : (error & 2) !== 0 ? 'write' : 'read';
  return [
    (error & 1) !== 0 ? 'protection violation' : 'no translation',
    kind,
    (error & 4) !== 0 ? 'user mode' : 'supervisor mode',
    ...((error & 8) !== 0 ? ['reserved bit set'] : []),
    ...((error & 32) !== 0 ? ['protection key'] : []),
  ].join(', ');
}

/** `IDT entry 14`, `GDT selector 0x20`, with the EXT bit (SDM "Error Code"). */
function selectorText(error: number): string {
  if (error === 0) return 'no selector';
  const outside = (error & 1) !== 0 ? ', while delivering an event from outside the program' : '';
  if ((error & 2) !== 0) return `IDT entry ${error >>> 3}${outside}`;
  return `${(error & 4) !== 0 ? 'LDT' : 'GDT'} selector ${hex(error & 0xfff8)}${outside}`;
}

function causeOf(
  fault: FaultRecord,
  before: FaultRecord | undefined,
  beforeThat: FaultRecord | undefined,
  machine: Machine,
  side: Side,
): string {
  if (fault.vector === DOUBLE_FAULT && before !== undefined) {
    const first = beforeThat === undefined ? 'the event' : vectorName(beforeThat.vector);
    return `${vectorName(before.vector)} came while ${first} was delivered; the two cannot be handled one after the other.`;
  }
  const during = before === undefined ? '' : ` while ${vectorName(before.vector)} was delivered`;
  if (fault.vector === PAGE_FAULT && fault.cr2 !== undefined) {
    return `${pageCause(fault, fault.cr2, machine, side)}${during}.`;
  }
  const gate = gateCause(fault, machine, side);
  if (gate !== undefined) return `${gate}${during}.`;
  const simd = before === undefined ? simdCause(fault, machine, side) : undefined;
  if (simd !== undefined) return `${simd}.`;
  const general = exceptionOfVector(fault.vector)?.cause;
  return general === undefined
    ? `${vectorName(fault.vector)}${during}.`
    : during === ''
      ? general
      : `${general} It came${during}.`;
}

function pageCause(fault: FaultRecord, address: bigint, machine: Machine, side: Side): string {
  const error = fault.error ?? 0;
  const kind = (error & 16) !== 0 ? 'execute' : (error & 2) !== 0 ? 'write' : 'read';
  const walk = machine.walkLinear(side, address, { kind, user: (error & 4) !== 0 });
  const verb = { execute: 'fetch from', write: 'write to', read: 'read of' }[kind];
  const why = walk === undefined || walk.result.ok ? '' : `: ${walk.result.explanation}`;
  const stack = isNearStack(address, machine, side) ? ' (near RSP: a push)' : '';
  return `A ${verb} ${hex(address)}${stack}${why}`;
}

function isNearStack(address: bigint, machine: Machine, side: Side): boolean {
  const rsp = readSideRegister(machine, side, 'rsp');
  if (rsp === undefined) return false;
  const distance = rsp - address;
  return distance > 0n && distance <= 64n;
}

const GATE_TYPES_LONG = new Set([14, 15]);
const GATE_TYPES = new Set([5, 6, 7, 14, 15]);

/** What is wrong with the gate that an error code names, when it is the gate. */
function gateCause({ vector, error }: FaultRecord, machine: Machine, side: Side): string | undefined {
  if (error === undefined || !SELECTOR_FAULTS.has(vector) || (error & 2) === 0) return undefined;
  const entry = error >>> 3;
  const long = inLongMode(machine, side);
  const size = long ? 16n : 8n;
  const base = readSideRegister(machine, side, 'idtr.base');
  const limit = readSideRegister(machine, side, 'idtr.limit');
  if (base === undefined || limit === undefined) return undefined;
  const end = BigInt(entry) * size + size - 1n;
  if (end > limit) {
    return `IDT entry ${entry} (${vectorName(entry)}) ends at offset ${hex(end)}, beyond the IDT’s limit ${hex(limit)}`;
  }
  const at = base + BigInt(entry) * size;
  const bytes = machine.peekLinear(side, at, 8);
  if (bytes.length < 8) return `IDT entry ${entry} at ${hex(at)} cannot be read`;
  const gate = littleEndian(bytes);
  const type = Number((gate >> 40n) & 15n);
  const what = `the gate of ${vectorName(entry)} at ${hex(at)} (${hex(gate, 16)})`;
  if (((gate >> 44n) & 1n) !== 0n || !(long ? GATE_TYPES_LONG : GATE_TYPES).has(type)) {
    return `${what} has type ${type}, which is no ${long ? '64-bit interrupt or trap gate' : 'interrupt, trap or task gate'}`;
  }
  if (((gate >> 47n) & 1n) === 0n) return `${what} is not present`;
  return `${what} cannot be used`;
}

/** The chain, a few lines each fault. */
export function faultChainText(chain: readonly FaultStep[], image: Image): string {
  return chain
    .map((step, index) => {
      const row = exceptionOfVector(step.vector);
      const title = row === undefined ? step.name : `${step.name} (${row.name})`;
      const words = step.errorText === '' ? '' : ` (${step.errorText})`;
      const error = step.error === undefined ? '' : `, error code ${hex(step.error)}${words}`;
      const address = step.cr2 === undefined ? '' : `, address ${hex(step.cr2)}`;
      return `${index + 1}. ${title}${error}${address} at ${place(image, step.linear)}\n   ${step.cause.charAt(0).toUpperCase()}${step.cause.slice(1)}`;
    })
    .join('\n');
}
