// VMLAUNCH and VMRESUME (SDM "VM Entries"): basic checks, checks on controls, host and guest state, then the guest's state is
// loaded, MSRs after it, and an event injected. An entry whose fields passed before and were not written since allocates nothing.
import {
  F_VM_ENTRY_EXCEPTION_ERROR_CODE,
  F_VM_ENTRY_INSTRUCTION_LENGTH,
  F_VM_ENTRY_INTERRUPTION_INFORMATION,
  F_VM_ENTRY_MSR_LOAD_ADDRESS,
  F_VM_ENTRY_MSR_LOAD_COUNT,
  F_VM_INSTRUCTION_ERROR,
} from '../core/generated/vmcs-offsets.ts';
import {
  CS,
  ENTRY_HOST_RIP,
  INTERRUPTIBILITY,
  PENDING_DEBUG,
  REMAINING,
  RIP,
  SEG_BASE,
  SEGMENT_SIZE,
  SEGMENTS,
  VMX_INSTRUCTION,
  VMX_VMRESUME,
} from '../core/layout.ts';
import { VMCS_LAUNCH_STATE_OFFSET, VMCS_REVISION_OFFSET } from '../spec/vmcs-layout.ts';
import { checkEntry, type EntryRefusal, mustCheck } from './entry-checks.ts';
import { failEntry } from './exit.ts';
import { recordEntry } from './history.ts';
import { loadMsrArea, type MsrAreaFault } from './msr-areas.ts';
import {
  hasVmcs,
  hex,
  setVmcsWord,
  type Vmx,
  vmFail,
  vmFailInvalid,
  vmFailValid,
  vmcsQuad,
  vmcsWord,
} from './operation.ts';
import { type Core, readWord } from './processor.ts';
import { countEntry } from './statistics.ts';

// What became of a VMLAUNCH or VMRESUME.
export const ENTERED = 0;
/** VMfail: `outcome` of the core's finishVmx is in `vmx.finish`. */
export const ENTRY_VM_FAIL = 1;
/** The host runs again at HOST_RIP. */
export const ENTRY_FAILED_EXIT = 2;
export const ENTRY_ABORT = 3;

const BLOCKING_MOV_SS = 2;
const BLOCKING_STI_MOV_SS = 3;
const TYPE = 0x700;
const OTHER_EVENT = 0x700;
const INJECTION_VALID = 0x80000000;
const SHADOW_INDICATOR = 0x80000000;
const FAILED_MSR_LOADING = 34;

/** Carries out the VMLAUNCH or VMRESUME at which the core stopped. */
export function enterGuest(vmx: Vmx): number {
  const { core } = vmx;
  const resume = readWord(core, VMX_INSTRUCTION) === VMX_VMRESUME;
  const basic = basicChecks(vmx, resume);
  if (basic !== undefined) {
    vmx.finish = basic;
    return ENTRY_VM_FAIL;
  }
  if (mustCheck(vmx)) {
    const verdict = checkEntry(vmx, resume);
    // A bad MSR-load area is found again when it is loaded: what precedes the bad entry takes effect.
    if (verdict !== undefined && !isMsrLoading(verdict)) return refuse(vmx, resume, verdict, core.exports.getRip());
  }
  const at = RIP >>> 2;
  let ripLow = core.words[at] as number;
  let ripHigh = core.words[at + 1] as number;
  if (ripHigh >>> 30 === 1) {
    // Outside 64-bit mode RIP is a key over the linear address.
    ripLow = (ripLow - readWord(core, SEGMENTS + CS * SEGMENT_SIZE + SEG_BASE)) >>> 0;
    ripHigh = 0;
  }
  core.signed[REMAINING >>> 2] = (core.signed[REMAINING >>> 2] as number) - 1; // VM entry retires
  core.exports.vmxLoadGuest();
  const loads = vmcsWord(core, F_VM_ENTRY_MSR_LOAD_COUNT);
  if (loads !== 0) {
    const fault = loadMsrArea(vmx, vmcsQuad(core, F_VM_ENTRY_MSR_LOAD_ADDRESS), loads);
    if (fault !== undefined) return refuse(vmx, resume, msrVerdict(fault), joined(ripLow, ripHigh));
  }
  setVmcsWord(core, VMCS_LAUNCH_STATE_OFFSET, 1);
  const injected = vmcsWord(core, F_VM_ENTRY_INTERRUPTION_INFORMATION);
  const injects = (injected & INJECTION_VALID) !== 0;
  core.words[ENTRY_HOST_RIP >>> 2] = ripLow;
  core.words[(ENTRY_HOST_RIP >>> 2) + 1] = ripHigh;
  recordEntry(vmx.history, core, resume, injects ? injected : 0);
  countEntry(vmx.statistics, core);
  if (injects) {
    if ((injected & TYPE) !== OTHER_EVENT) forgetBlocking(core);
    const error = vmcsWord(core, F_VM_ENTRY_EXCEPTION_ERROR_CODE);
    core.exports.inject(injected, error, vmcsWord(core, F_VM_ENTRY_INSTRUCTION_LENGTH));
  }
  return ENTERED;
}

/** After a vectoring entry nothing is blocked by STI or MOV SS, and no debug exception is pending (SDM "Special Features of VM Entry"). */
function forgetBlocking({ words }: Core): void {
  words[INTERRUPTIBILITY >>> 2] = (words[INTERRUPTIBILITY >>> 2] as number) & ~BLOCKING_STI_MOV_SS;
  words[PENDING_DEBUG >>> 2] = 0;
  words[(PENDING_DEBUG >>> 2) + 1] = 0;
}

/** VMfail before any check of the VMCS's contents: finishVmx's outcome, or undefined when the entry goes on. */
function basicChecks(vmx: Vmx, resume: boolean): number | undefined {
  const { core } = vmx;
  const name = resume ? 'VMRESUME' : 'VMLAUNCH';
  if (!hasVmcs(core)) return vmFailInvalid(vmx, name, 'There is no current VMCS: VMPTRLD makes one current.');
  if ((vmcsWord(core, VMCS_REVISION_OFFSET) & SHADOW_INDICATOR) !== 0) {
    return vmFailInvalid(vmx, name, 'The current VMCS is a shadow VMCS.');
  }
  if ((readWord(core, INTERRUPTIBILITY) & BLOCKING_MOV_SS) !== 0) {
    return vmFail(vmx, name, 26, 'The instruction before it loaded SS.');
  }
  const launched = vmcsWord(core, VMCS_LAUNCH_STATE_OFFSET) !== 0;
  if (launched && !resume) return vmFail(vmx, name, 4, 'This VMCS was launched; VMRESUME enters it again.');
  if (!launched && resume) {
    return vmFail(vmx, name, 5, 'This VMCS was not launched since its VMCLEAR; VMLAUNCH enters it first.');
  }
  return undefined;
}

/** An entry that does not happen: VMfailValid, or the VM exit of a failed entry. */
function refuse(vmx: Vmx, resume: boolean, verdict: EntryRefusal, hostRip: bigint): number {
  const { outcome, checks } = verdict;
  vmx.failure = { instruction: resume ? 'VMRESUME' : 'VMLAUNCH', hostRip, outcome, checks };
  if (outcome.kind === 'vm-fail-valid') {
    setVmcsWord(vmx.core, F_VM_INSTRUCTION_ERROR, outcome.error);
    vmx.finish = vmFailValid(outcome.error);
    return ENTRY_VM_FAIL;
  }
  return failEntry(vmx, outcome.reason & 0xffff, outcome.qualification) ? ENTRY_FAILED_EXIT : ENTRY_ABORT;
}

function isMsrLoading({ outcome }: EntryRefusal): boolean {
  return outcome.kind === 'vm-exit' && (outcome.reason & 0xffff) === FAILED_MSR_LOADING;
}

function msrVerdict(fault: NonNullable<MsrAreaFault>): EntryRefusal {
  return {
    outcome: { kind: 'vm-exit', reason: (FAILED_MSR_LOADING | 0x80000000) >>> 0, qualification: BigInt(fault.entry) },
    checks: [
      {
        id: 'msr-load-area',
        fields: [
          { name: 'VM-entry MSR-load address', value: fault.address },
          { name: 'VM-entry MSR-load count', value: BigInt(fault.count) },
        ],
        rule: `Entry ${fault.entry} (MSR ${hex(fault.index)}, value ${hex(fault.value)}) cannot be loaded: ${fault.reason}.`,
        citation: 'Loading MSRs',
        fix: 'Remove the entry or give it a value that WRMSR accepts.',
        reported: true,
      },
    ],
  };
}

function joined(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
