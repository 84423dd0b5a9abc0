// The parts of one machine, as the files of this folder pass them to each other.
import { BUDGET, PROCESSORS_MAX, REMAINING, RETIRED } from '../core/layout.ts';
import { type Core, readCount, writeCount } from '../vmx/processor.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import type { Board } from './devices/types.ts';

export interface Hardware {
  readonly core: Core;
  readonly board: Board;
  /** Value of a VMX capability MSR (480H and up), undefined when this processor lacks it. */
  readonly vmxCapability: (index: number) => bigint | undefined;
  /** What the processor offers. */
  readonly profile: CapabilityProfile;
  /** Most bits of a linear address. */
  readonly linearBits: number;
  /** Present time: instructions retired. */
  readonly now: () => number;
  readonly notice: (text: string) => void;
}

/** Nominal frequency of the processor and its TSC in Hz: one instruction a nanosecond (docs/adr/0003-time.md). */
export const FREQUENCY = 1_000_000_000;
/** Logical processors of a machine at most. */
export const MOST_PROCESSORS = PROCESSORS_MAX;
/** MAXPHYADDR: physical addresses have this many bits. */
export const PHYSICAL_BITS = 39;

/** Most bits of a linear address: 57 on a processor with 5-level paging. */
export function linearBitsOf(profile: CapabilityProfile): number {
  return profile.cr4Fixed1.includes('LA57') ? 57 : 48;
}

/** Instructions retired since power-on. */
export function presentTime(core: Core): number {
  return readCount(core, RETIRED) + (core.signed[BUDGET >>> 2] as number) - (core.signed[REMAINING >>> 2] as number);
}

/** Lets time pass while the processor is idle. */
export function skipTime(core: Core, by: number): void {
  writeCount(core, RETIRED, readCount(core, RETIRED) + by);
}
