// What `why` answers: whether an instruction of a guest exits, and what decides that.

import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';

/** One thing that was looked at: a control, a bit of a bitmap, a mask, a register. */
export interface Decider {
  /** `HLT exiting`, `bit 14 of the exception bitmap`, `CPL`. */
  readonly what: string;
  /** Its value in words: `1`, `0x80000031`. */
  readonly value: string;
  /** The VMCS field in which it stands, when it does. */
  readonly field?: VmcsFieldName;
}

export type WhyOutcome =
  | { readonly kind: 'exit'; readonly reason: number }
  /** The instruction runs in the guest; `later`: it may still fault or exit by what it accesses. */
  | { readonly kind: 'no-exit'; readonly later: boolean }
  /** The instruction raises an exception before any control is looked at; the exception bitmap decides whether that exits. */
  | { readonly kind: 'exception'; readonly vector: number; readonly exits: boolean };

export interface WhyVerdict {
  readonly outcome: WhyOutcome;
  /** One sentence. */
  readonly because: string;
  /** In the order in which they were looked at; the last one decides. */
  readonly deciders: readonly Decider[];
}

/** Whether there is a VM exit instead of, or by the exception of, the instruction. */
export function exits({ outcome }: WhyVerdict): boolean {
  return outcome.kind === 'exit' || (outcome.kind === 'exception' && outcome.exits);
}
