// Every case and edge of the VM-entry checks, and what the manual says that the processor reports.

import type { Outcome } from '../../../src/vmx/checks/types.ts';
import { type Case, CONTROL_EDGES, type Edge, ENTRY_CASES, EXECUTION_CASES, EXIT_CASES } from './cases-controls.ts';
import { MORE_EDGES } from './cases-edges.ts';
import { GUEST_EDGES, GUEST_REGISTER_CASES, GUEST_SEGMENT_CASES, GUEST_STATE_CASES } from './cases-guest.ts';
import { ADDRESS_SPACE_CASES, BASIC_CASES, HOST_CASES, HOST_EDGES } from './cases-host.ts';

/** For each check an edit of the smallest VMCS that breaks just that rule. */
export const CASES: readonly Case[] = [
  ...BASIC_CASES,
  ...EXECUTION_CASES,
  ...EXIT_CASES,
  ...ENTRY_CASES,
  ...HOST_CASES,
  ...ADDRESS_SPACE_CASES,
  ...GUEST_REGISTER_CASES,
  ...GUEST_SEGMENT_CASES,
  ...GUEST_STATE_CASES,
];
/** Edits at the edge of what is allowed. */
export const EDGES: readonly Edge[] = [
  { about: 'the smallest VMCS' },
  ...CONTROL_EDGES,
  ...HOST_EDGES,
  ...GUEST_EDGES,
  ...MORE_EDGES,
];

const INVALID_GUEST_STATE = 0x8000_0021;
export const MSR_LOADING = 0x8000_0022;

/** What the manual says that the processor reports, by the check's section and the special cases of its table. */
export function expectedOutcome(id: string): Outcome {
  const basic: Record<string, number> = {
    'basic.mov-ss': 26,
    'basic.launch-clear': 4,
    'basic.resume-launched': 5,
  };
  const [section] = id.split('.') as [string];
  if (section === 'basic') {
    return { kind: 'vm-fail-valid', error: basic[id] ?? 0 };
  }
  if (['execution', 'exit', 'entry'].includes(section)) {
    return { kind: 'vm-fail-valid', error: 7 };
  }
  if (['host', 'host-segments', 'address-space'].includes(section)) {
    return { kind: 'vm-fail-valid', error: 8 };
  }
  if (section === 'guest-pdptes') {
    return { kind: 'vm-exit', reason: INVALID_GUEST_STATE, qualification: 2n };
  }
  if (id.startsWith('guest-state.link-')) {
    return { kind: 'vm-exit', reason: INVALID_GUEST_STATE, qualification: 4n };
  }
  if (id === 'guest-state.nmi-injection-sti') {
    return { kind: 'vm-exit', reason: INVALID_GUEST_STATE, qualification: 3n };
  }
  return { kind: 'vm-exit', reason: INVALID_GUEST_STATE, qualification: 0n };
}
