// The event that VM entry injects, as the checks of several sections ask for it.

import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import { bits } from './rules.ts';
import type { EntryState } from './types.ts';

export const INJECTED: VmcsFieldName = 'VM-entry interruption-information field';

export const EXTERNAL_INTERRUPT = 0;
export const NMI = 2;
export const HARDWARE_EXCEPTION = 3;
export const SOFTWARE_INTERRUPT = 4;
export const PRIVILEGED_SOFTWARE_EXCEPTION = 5;
export const SOFTWARE_EXCEPTION = 6;
export const OTHER_EVENT = 7;

/** VM entry injects an event. */
export function injects(v: EntryState): boolean {
  return bits(v.field(INJECTED), 31, 31) === 1n;
}

/** VM entry injects an event of this type. */
export function injectsType(v: EntryState, type: number): boolean {
  return injects(v) && injectedType(v) === type;
}

export function injectedType(v: EntryState): number {
  return Number(bits(v.field(INJECTED), 10, 8));
}

export function injectedVector(v: EntryState): number {
  return Number(bits(v.field(INJECTED), 7, 0));
}

export function deliversErrorCode(v: EntryState): boolean {
  return bits(v.field(INJECTED), 11, 11) === 1n;
}
