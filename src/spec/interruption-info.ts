// The three interruption-information words of the VMCS: what VM entry injects, what exited, and what was being delivered.
// Sources: SDM "VM-Entry Controls for Event Injection", "Information for VM Exits Due to Vectored Events",
// "Information About VM Exits That Occur During Event Delivery".

import { type BitLayout, bit, fieldNamed, fieldValue, group } from './bits.ts';
import { vectorName } from './exceptions.ts';

export const EVENT_TYPES = {
  0: 'external interrupt',
  1: 'reserved',
  2: 'NMI',
  3: 'hardware exception',
  4: 'software interrupt',
  5: 'privileged software exception',
  6: 'software exception',
  7: 'other event',
} as const;

const TYPE = group(10, 8, 'type', 'Event type.', EVENT_TYPES);
const VECTOR = group(7, 0, 'vector', 'Vector of the interrupt or exception.');

export const ENTRY_INTERRUPTION_INFORMATION: BitLayout = [
  VECTOR,
  TYPE,
  bit(11, 'deliver error code', 'The error code is pushed on the guest’s stack.'),
  bit(13, 'nested exception', 'The event counts as nested in the delivery of another (FRED).'),
  bit(31, 'valid', 'VM entry injects the event.'),
];

export const EXIT_INTERRUPTION_INFORMATION: BitLayout = [
  VECTOR,
  TYPE,
  bit(11, 'error code valid', 'The error-code field holds an error code.'),
  bit(12, 'NMI unblocking due to IRET', 'The fault occurred in an IRET that had unblocked NMIs.'),
  bit(13, 'nested exception', 'The exception occurred during FRED event delivery.'),
  bit(31, 'valid', 'The other bits are meaningful.'),
];

export const IDT_VECTORING_INFORMATION: BitLayout = [
  VECTOR,
  TYPE,
  bit(11, 'error code valid', 'The error-code field holds an error code.'),
  bit(13, 'nested exception', 'The event was nested in FRED event delivery.'),
  bit(31, 'valid', 'An event was being delivered.'),
];

/** One of the three words in words: "none", "#PF (hardware exception, error code)", "external interrupt 0x20". */
export function describeInterruption(layout: BitLayout, value: bigint): string {
  if (fieldValue(fieldNamed(layout, 'valid'), value) === 0n) {
    return 'none';
  }
  const vector = Number(fieldValue(VECTOR, value));
  const type = Number(fieldValue(TYPE, value)) as keyof typeof EVENT_TYPES;
  const words: string[] = [];
  if (type === 0 || type === 4) {
    words.push(`${EVENT_TYPES[type]} 0x${vector.toString(16)}`);
  } else if (type === 2 && vector === 2) {
    words.push('NMI');
  } else if (type === 7) {
    words.push(['pending MTF VM exit', 'SYSCALL', 'SYSENTER'][vector] ?? `other event ${vector}`);
  } else {
    words.push(`${vectorName(vector)} (${EVENT_TYPES[type]})`);
  }
  for (const field of layout) {
    if (field.low === field.high && field.name !== 'valid' && fieldValue(field, value) === 1n) {
      words.push(field.name);
    }
  }
  return words.join(', ');
}
