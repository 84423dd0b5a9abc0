// VM exits: what the core found is recorded, the guest's state saved, the host's loaded (SDM "VM Exits").
// The moves themselves are in core/vmx/; a VM exit without MSR areas allocates nothing here.
import {
  F_EXIT_QUALIFICATION,
  F_EXIT_REASON,
  F_VM_EXIT_MSR_LOAD_ADDRESS,
  F_VM_EXIT_MSR_LOAD_COUNT,
  F_VM_EXIT_MSR_STORE_ADDRESS,
  F_VM_EXIT_MSR_STORE_COUNT,
} from '../core/generated/vmcs-offsets.ts';
import {
  ACTIVITY,
  DELIVERING_VALID,
  EXIT_GUEST_LINEAR,
  EXIT_IDT_INFO,
  EXIT_INTERRUPTION_INFO,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_TRAP,
  EVENT_VALID,
} from '../core/layout.ts';
import { VMCS_ABORT_OFFSET } from '../spec/vmcs-layout.ts';
import { recordExit } from './history.ts';
import { loadMsrArea, type MsrAreaFault, storeMsrArea } from './msr-areas.ts';
import { hex, setVmcsQuad, setVmcsWord, type Vmx, type VmxAbort, vmcsQuad, vmcsWord } from './operation.ts';
import { type Core, writeQuad, writeWord } from './processor.ts';
import { countExit } from './statistics.ts';

const ACTIVITY_SHUTDOWN = 2;

// VMX-abort indicators (SDM "VMX Aborts").
const ABORT_SAVING_MSRS = 1;
const ABORT_HOST_PDPTES = 2;
const ABORT_LOADING_MSRS = 4;

/** Clears what a VM exit reports, for one that begins outside the core. */
export function beginExit(core: Core, reason: number, qualification: bigint): void {
  core.words.fill(0, EXIT_REASON >>> 2, EXIT_QUALIFICATION >>> 2);
  core.words.fill(0, EXIT_GUEST_LINEAR >>> 2, (EXIT_TRAP >>> 2) + 1);
  writeWord(core, EXIT_REASON, reason);
  writeQuad(core, EXIT_QUALIFICATION, qualification);
  writeWord(core, DELIVERING_VALID, 0);
  writeWord(core, EVENT_VALID, 0);
}

/** Carries out the VM exit that EXIT_* describe. False: a VMX abort, told in `vmx.abort`. */
export function leaveGuest(vmx: Vmx): boolean {
  const { core } = vmx;
  const stores = vmcsWord(core, F_VM_EXIT_MSR_STORE_COUNT);
  if (stores === 0) {
    const indicator = core.exports.vmxLeaveGuest();
    recordVmExit(vmx);
    return finishExit(vmx, indicator);
  }
  core.exports.vmxSaveGuest();
  recordVmExit(vmx);
  const fault = storeMsrArea(vmx, vmcsQuad(core, F_VM_EXIT_MSR_STORE_ADDRESS), stores);
  if (fault !== undefined) return abort(vmx, ABORT_SAVING_MSRS, msrText('VM-exit MSR-store area', fault));
  return finishExit(vmx, core.exports.vmxLoadHost());
}

/** The VM exit of a VM-entry failure during or after loading guest state (SDM "VM-Entry Failures During or After Loading Guest State"). */
export function failEntry(vmx: Vmx, reason: number, qualification: bigint): boolean {
  const { core } = vmx;
  beginExit(core, (reason | 0x80000000) >>> 0, qualification);
  setVmcsWord(core, F_EXIT_REASON, (reason | 0x80000000) >>> 0);
  setVmcsQuad(core, F_EXIT_QUALIFICATION, qualification);
  core.exports.noteExit();
  recordVmExit(vmx);
  return finishExit(vmx, core.exports.vmxLoadHost());
}

function recordVmExit({ core, history, statistics }: Vmx): void {
  recordExit(history, core);
  countExit(statistics, core);
}

/** What follows the load of the host's state, which was answered with `indicator`. */
function finishExit(vmx: Vmx, indicator: number): boolean {
  const { core } = vmx;
  if (indicator !== 0) {
    return abort(vmx, ABORT_HOST_PDPTES, 'The page-directory-pointer-table entries at HOST_CR3 are not valid.');
  }
  const loads = vmcsWord(core, F_VM_EXIT_MSR_LOAD_COUNT);
  if (loads === 0) return true;
  const fault = loadMsrArea(vmx, vmcsQuad(core, F_VM_EXIT_MSR_LOAD_ADDRESS), loads);
  return fault === undefined || abort(vmx, ABORT_LOADING_MSRS, msrText('VM-exit MSR-load area', fault));
}

function msrText(area: string, fault: NonNullable<MsrAreaFault>): string {
  return `Entry ${fault.entry} of the ${area} (MSR ${hex(fault.index)}): ${fault.reason}.`;
}

/** The indicator goes into the VMCS region, the processor into the VMX-abort shutdown state. */
function abort(vmx: Vmx, indicator: number, reason: string): false {
  setVmcsWord(vmx.core, VMCS_ABORT_OFFSET, indicator);
  writeWord(vmx.core, ACTIVITY, ACTIVITY_SHUTDOWN);
  const told: VmxAbort = { indicator, explanation: `VMX abort ${indicator}. ${reason}` };
  vmx.abort = told;
  return false;
}

/** Interruption information of an acknowledged external interrupt. */
export function externalInterruptInfo(core: Core, vector: number): void {
  writeWord(core, EXIT_INTERRUPTION_INFO, (0x80000000 | vector) >>> 0);
  writeWord(core, EXIT_IDT_INFO, 0);
}
