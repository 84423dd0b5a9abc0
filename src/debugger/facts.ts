// The manual's facts in the shape that the debugger asks for: layouts by field or register, exit reasons by name.

import { BIT_LAYOUTS, registerLayout } from '../spec/bit-layouts.ts';
import type { BitField, BitLayout } from '../spec/bits.ts';
import { EXIT_REASON_LIST, exitReasonName } from '../spec/exit-reasons.ts';
import { msrByName } from '../spec/msrs.ts';
import { vmcsFieldByName } from '../spec/vmcs-fields.ts';

export type { BitField, BitLayout };

const REASON_BY_NAME = new Map<string, number>(EXIT_REASON_LIST.map((row) => [row.identifier, row.reason]));

/** Basic exit reason of an identifier such as EPT_VIOLATION; identifiers are upper case. */
export function exitReasonByName(name: string): number | undefined {
  return REASON_BY_NAME.get(name);
}

export function exitReasonIdentifiers(): string[] {
  return [...REASON_BY_NAME.keys()];
}

/** The SDM's name of the basic reason in an exit-reason word. */
export function exitReasonTitle(reason: number): string {
  return exitReasonName(reason & 0xffff);
}

/** Named bits of a VMCS field by identifier or alias. */
export function layoutOfField(name: string): BitLayout | undefined {
  const bits = vmcsFieldByName(name)?.bits;
  return bits === undefined ? undefined : BIT_LAYOUTS[bits];
}

/** Named bits of a register or MSR, by name in any case. */
export function layoutOfRegister(name: string): BitLayout | undefined {
  const lower = name.toLowerCase();
  const bits = msrByName(name)?.bits;
  if (bits !== undefined) return BIT_LAYOUTS[bits];
  return registerLayout(lower === 'eflags' || lower === 'flags' ? 'rflags' : lower);
}
