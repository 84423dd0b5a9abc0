// Bits of VMCS fields that are not registers: EPTP, interruptibility, pending debug exceptions, exit reason, and others.

import { type BitLayout, bit, group } from './bits.ts';

/** SDM "Extended-Page-Table Pointer (EPTP)". */
export const EPTP: BitLayout = [
  group(2, 0, 'memory type', 'Memory type of the EPT paging structures.', { 0: 'UC', 6: 'WB' }),
  group(5, 3, 'walk length', 'Length of the EPT page walk, less 1.', { 3: '4-level', 4: '5-level' }),
  bit(6, 'A/D', 'Accessed and dirty flags for EPT.'),
  bit(7, 'SSS', 'Access rights of supervisor shadow-stack pages are enforced.'),
  group(51, 12, 'table', 'Physical page number of the first EPT paging structure.'),
];

/** SDM "Fields Related to Hypervisor-Managed Linear-Address Translation". */
export const HLATP: BitLayout = [
  bit(3, 'PWT', 'Write-through for the first paging structure.'),
  bit(4, 'PCD', 'No caching for the first paging structure.'),
  group(51, 12, 'table', 'Guest-physical page number of the first paging structure.'),
];

/** SDM "Guest Non-Register State", format of interruptibility state. */
export const INTERRUPTIBILITY: BitLayout = [
  bit(0, 'blocking by STI', 'Interrupts are blocked for one instruction after STI.'),
  bit(1, 'blocking by MOV SS', 'Events are blocked for one instruction after MOV SS or POP SS.'),
  bit(2, 'blocking by SMI', 'System-management interrupts are blocked.'),
  bit(3, 'blocking by NMI', 'NMIs (with virtual NMIs: virtual NMIs) are blocked.'),
  bit(4, 'enclave interruption', 'The VM exit occurred in enclave mode.'),
];

export const ACTIVITY_STATES = { 0: 'active', 1: 'HLT', 2: 'shutdown', 3: 'wait-for-SIPI' } as const;

export const ACTIVITY_STATE: BitLayout = [group(31, 0, 'state', 'What the processor does.', ACTIVITY_STATES)];

/** SDM "Guest Non-Register State", format of pending debug exceptions. */
export const PENDING_DEBUG_EXCEPTIONS: BitLayout = [
  bit(0, 'B0', 'Breakpoint 0 was met.'),
  bit(1, 'B1', 'Breakpoint 1 was met.'),
  bit(2, 'B2', 'Breakpoint 2 was met.'),
  bit(3, 'B3', 'Breakpoint 3 was met.'),
  bit(11, 'BLD', 'A bus lock was detected.'),
  bit(12, 'enabled breakpoint', 'At least one data or I/O breakpoint was met and was enabled in DR7.'),
  bit(14, 'BS', 'A single step would have been taken.'),
  bit(16, 'RTM', 'In a transactional region.'),
];

/** Guest interrupt status. */
export const GUEST_INTERRUPT_STATUS: BitLayout = [
  group(7, 0, 'RVI', 'Requesting virtual interrupt.'),
  group(15, 8, 'SVI', 'Servicing virtual interrupt.'),
];

/** SDM "Basic VM-Exit Information", format of exit reason (the basic reason's name is in exit-reasons.ts). */
export const EXIT_REASON: BitLayout = [
  group(15, 0, 'basic exit reason', 'Why the VM exit occurred.'),
  bit(25, 'busy shadow stack', 'The VM exit made a shadow stack prematurely busy.'),
  bit(26, 'bus lock', 'A bus lock was asserted.'),
  bit(27, 'enclave mode', 'The VM exit occurred in enclave mode.'),
  bit(28, 'pending MTF', 'An MTF VM exit is pending.'),
  bit(29, 'from VMX root operation', 'An SMM VM exit from VMX root operation.'),
  bit(31, 'VM-entry failure', 'Not a true VM exit: the VM entry failed.'),
];

/** A PAE page-directory-pointer-table entry. */
export const PDPTE_PAE: BitLayout = [
  bit(0, 'P', 'Present.'),
  bit(3, 'PWT', 'Write-through for the page directory.'),
  bit(4, 'PCD', 'No caching for the page directory.'),
  group(11, 9, 'ignored', 'Ignored.'),
  group(51, 12, 'table', 'Physical page number of the page directory.'),
];
