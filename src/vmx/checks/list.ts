// All VM-entry checks, in the order in which this processor makes them. The SDM allows any order within a step.

import type { SdmKey } from '../../spec/sdm.ts';
import { VM_INSTRUCTION_ERRORS } from '../../spec/vm-instruction-errors.ts';
import { ADDRESS_SPACE_CHECKS } from './address-space.ts';
import { BASIC_CHECKS } from './basic.ts';
import { ENTRY_CONTROL_CHECKS } from './entry-controls.ts';
import { EXECUTION_CONTROL_CHECKS } from './execution-controls.ts';
import { EXIT_CONTROL_CHECKS } from './exit-controls.ts';
import { GUEST_NON_REGISTER_CHECKS } from './guest-non-register.ts';
import { GUEST_PDPTE_CHECKS } from './guest-pdptes.ts';
import { GUEST_REGISTER_CHECKS } from './guest-registers.ts';
import { GUEST_FLAG_CHECKS, GUEST_RIP_CHECKS } from './guest-rip.ts';
import { GUEST_SEGMENT_CHECKS } from './guest-segments.ts';
import { GUEST_SYSTEM_SEGMENT_CHECKS } from './guest-system-segments.ts';
import { GUEST_TABLE_CHECKS } from './guest-tables.ts';
import { HOST_REGISTER_CHECKS } from './host-registers.ts';
import { HOST_SEGMENT_CHECKS } from './host-segments.ts';
import { MSR_LOAD_CHECKS } from './msr-load.ts';
import type { EntryCheck, Outcome, SectionCheck } from './types.ts';

const CONTROLS: Outcome = { kind: 'vm-fail-valid', error: VM_INSTRUCTION_ERRORS.ENTRY_CONTROLS.number };
const HOST: Outcome = { kind: 'vm-fail-valid', error: VM_INSTRUCTION_ERRORS.ENTRY_HOST_STATE.number };
/** Exit reason 33 with bit 31, VM-entry failure. */
const GUEST: Outcome = { kind: 'vm-exit', reason: 0x8000_0021, qualification: 0n };
const PDPTES: Outcome = { kind: 'vm-exit', reason: 0x8000_0021, qualification: 2n };
/** Exit reason 34 with bit 31; the qualification is the ordinal of the entry. */
const MSRS: Outcome = { kind: 'vm-exit', reason: 0x8000_0022, qualification: 1n };

function section(prefix: string, key: SdmKey, outcome: Outcome, checks: readonly SectionCheck[]): EntryCheck[] {
  return checks.map((check) => ({
    ...check,
    id: `${prefix}.${check.id}`,
    rule: check.rule.charAt(0).toUpperCase() + check.rule.slice(1),
    section: key,
    outcome: check.outcome ?? outcome,
  }));
}

const BASIC = section('basic', 'basicEntryChecks', CONTROLS, BASIC_CHECKS);
const CONTROL_CHECKS: readonly EntryCheck[] = [
  ...section('execution', 'executionControls', CONTROLS, EXECUTION_CONTROL_CHECKS),
  ...section('exit', 'exitControls', CONTROLS, EXIT_CONTROL_CHECKS),
  ...section('entry', 'entryControls', CONTROLS, ENTRY_CONTROL_CHECKS),
];
const HOST_CHECKS: readonly EntryCheck[] = [
  ...section('host', 'hostRegisters', HOST, HOST_REGISTER_CHECKS),
  ...section('host-segments', 'hostSegments', HOST, HOST_SEGMENT_CHECKS),
  ...section('address-space', 'addressSpace', HOST, ADDRESS_SPACE_CHECKS),
];
const RIP_CHECKS = section('guest-rip', 'guestRip', GUEST, GUEST_RIP_CHECKS);
const GUEST_CHECKS: readonly EntryCheck[] = [
  ...section('guest', 'guestRegisters', GUEST, GUEST_REGISTER_CHECKS),
  ...section('guest-segments', 'guestSegments', GUEST, GUEST_SEGMENT_CHECKS),
  ...section('guest-segments', 'guestSegments', GUEST, GUEST_SYSTEM_SEGMENT_CHECKS),
  ...section('guest-tables', 'guestTables', GUEST, GUEST_TABLE_CHECKS),
  ...RIP_CHECKS,
  ...section('guest-rip', 'guestRip', GUEST, GUEST_FLAG_CHECKS),
  ...section('guest-state', 'guestNonRegister', GUEST, GUEST_NON_REGISTER_CHECKS),
  ...section('guest-pdptes', 'guestPdptes', PDPTES, GUEST_PDPTE_CHECKS),
];

/** Every check in order. */
export const ENTRY_CHECKS: readonly EntryCheck[] = [
  ...BASIC,
  ...CONTROL_CHECKS,
  ...HOST_CHECKS,
  ...GUEST_CHECKS,
  ...section('msr-load', 'loadingMsrs', MSRS, MSR_LOAD_CHECKS),
];

/** The checks that depend on the instruction and not on the VMCS. */
export const INSTRUCTION_CHECKS: readonly EntryCheck[] = BASIC;

/** The checks that a write of Guest RIP alone makes necessary again. */
export const RIP_ONLY_CHECKS: readonly EntryCheck[] = RIP_CHECKS;
