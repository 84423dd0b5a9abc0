// The shape of a VM-entry check and of what it reads.

import type { SdmKey } from '../../spec/sdm.ts';
import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import type { CapabilityProfile } from '../capabilities.ts';
import type { EntryFailure, FailedCheck } from '../types.ts';

export type Outcome = EntryFailure['outcome'];

/** What the checks know beside the VMCS. */
export interface EntryEnvironment {
  readonly profile: CapabilityProfile;
  /** MAXPHYADDR: physical addresses have this many bits. */
  readonly physicalBits: number;
  /** The most bits that linear addresses have on this processor (57 with 5-level paging). */
  readonly linearBits: number;
  /** IA32_EFER.LMA at the VM entry. */
  readonly longMode: boolean;
  /** Host-physical address of the current VMCS. */
  readonly currentVmcs: bigint;
  /** The instruction's circumstances; absent for an audit without an instruction. */
  readonly instruction?: {
    readonly name: 'VMLAUNCH' | 'VMRESUME';
    readonly launched: boolean;
    readonly blockedByMovSs: boolean;
  };
  /** Little-endian value in physical memory, or undefined where no memory is. */
  readonly readMemory: (address: bigint, bytes: 4 | 8) => bigint | undefined;
  /** Why WRMSR at CPL 0 would refuse this value, in words, or undefined when it would not; absent: values are not judged. */
  readonly refusesMsr?: (index: number, value: bigint) => string | undefined;
}

/** Value of a VMCS field by its full-access encoding; 0 for fields that the processor lacks. */
export type FieldReader = (encoding: number) => bigint;

export interface EntryState {
  readonly env: EntryEnvironment;
  readonly field: (name: VmcsFieldName) => bigint;
  /** Answers to questions that many checks ask (state.ts). */
  readonly memo: (boolean | undefined)[];
  /** Reads physical memory; a verdict that used it holds for this one entry only. */
  readonly memory: EntryEnvironment['readMemory'];
}

export interface EntryCheck {
  /** Unique, stable: section and rule, for example `guest-segments.cs-type`. */
  readonly id: string;
  readonly section: SdmKey;
  /** What the processor reports when this check is the first to fail. */
  readonly outcome: Outcome;
  /** The offending field first; the others that were read are reported after these. */
  readonly fields: readonly VmcsFieldName[];
  /** What must hold, in words. */
  readonly rule: string;
  readonly applies?: (v: EntryState) => boolean;
  readonly holds: (v: EntryState) => boolean;
  /** What value would pass. */
  readonly fix: string | ((v: EntryState) => string);
}

/** A check without what it shares with its section. */
export type SectionCheck = Omit<EntryCheck, 'section' | 'outcome'> & { readonly outcome?: Outcome };

export type EntryVerdict =
  | {
      readonly passed: true;
      /** False when a check read memory: the next entry must run the checks again. */
      readonly cacheable: boolean;
    }
  | { readonly passed: false; readonly outcome: Outcome; readonly checks: readonly FailedCheck[] };
