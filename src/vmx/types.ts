// What VMX operation reports about itself: plain data for machine and debugger.

/** One VM exit as it was recorded; numbers as the processor reports them. */
export interface VmExit {
  /** Ordinal of the exit in this run, from 1, counted over all logical processors. */
  readonly number: number;
  /** The logical processor that left the guest. */
  readonly processor: number;
  readonly time: number;
  readonly reason: number;
  readonly qualification: bigint;
  readonly guestRip: bigint;
  readonly instructionLength: number;
  readonly instructionInfo: number;
  readonly interruptionInfo: number;
  readonly interruptionError: number;
  readonly idtVectoringInfo: number;
  readonly idtVectoringError: number;
  readonly guestLinear: bigint;
  readonly guestPhysical: bigint;
  /** Host-physical address of the VMCS. */
  readonly vmcs: bigint;
}

/** One VM entry that succeeded. */
export interface VmEntry {
  readonly number: number;
  readonly processor: number;
  readonly time: number;
  readonly instruction: 'VMLAUNCH' | 'VMRESUME';
  /** RIP of the VMLAUNCH or VMRESUME, in root operation. */
  readonly hostRip: bigint;
  readonly guestRip: bigint;
  readonly injected: number;
  readonly vmcs: bigint;
}

/** A check of a VM entry that did not hold. `vmx/checks` produces it. */
export interface FailedCheck {
  readonly id: string;
  /** VMCS fields by SDM name, the offending one first, with values. */
  readonly fields: readonly { readonly name: string; readonly value: bigint; readonly bits?: string }[];
  readonly rule: string;
  /** SDM section title. */
  readonly citation: string;
  /** What value would pass, in words. */
  readonly fix: string;
  /** True for the one that the processor reports. */
  readonly reported: boolean;
}

export interface EntryFailure {
  readonly instruction: 'VMLAUNCH' | 'VMRESUME';
  readonly hostRip: bigint;
  /** VM-instruction error (VMfailValid) or exit reason (33, 34, 41 with bit 31) that the processor reports. */
  readonly outcome:
    | { readonly kind: 'vm-fail-valid'; readonly error: number }
    | { readonly kind: 'vm-exit'; readonly reason: number; readonly qualification: bigint };
  readonly checks: readonly FailedCheck[];
}

/** Why a VMX instruction failed (VMfailInvalid has no number). */
export interface VmFail {
  readonly instruction: string;
  readonly rip: bigint;
  readonly error: number | undefined;
  /** In words, with the reason as this machine knows it. */
  readonly explanation: string;
}
