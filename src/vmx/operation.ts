// VMX operation of one logical processor: what its files share, and how a VMX instruction fails.
import { F_VM_INSTRUCTION_ERROR } from '../core/generated/vmcs-offsets.ts';
import { RAM, VMCS_ADDRESS, VMCS_POINTER } from '../core/layout.ts';
import { VM_INSTRUCTION_ERRORS } from '../spec/vm-instruction-errors.ts';
import { type CapabilityProfile, supportsControl, vmxCapability } from './capabilities.ts';
import { createHistory, type History } from './history.ts';
import type { PassedChecks } from './passed-checks.ts';
import { type Core, readQuad, readWord, writeWord } from './processor.ts';
import { createStatistics, type StatisticsTables } from './statistics.ts';
import type { EntryFailure, VmFail } from './types.ts';

/** What the machine around the processor does for VMX. */
export interface VmxHost {
  /** RDMSR at CPL 0: undefined is #GP. */
  readMsr(index: number): bigint | undefined;
  /** WRMSR at CPL 0 with all its effects: false is #GP. */
  writeMsr(index: number, value: bigint): boolean;
  /** MAXPHYADDR. */
  readonly physicalBits: number;
  /** Most bits of a linear address. */
  readonly linearBits: number;
  notice(text: string): void;
}

export interface VmxAbort {
  readonly indicator: number;
  readonly explanation: string;
}

export interface Vmx {
  readonly core: Core;
  readonly host: VmxHost;
  readonly profile: CapabilityProfile;
  /** Facts of the profile that instructions ask for often. */
  readonly revision: number;
  readonly eptVpid: bigint;
  /** VMCS shadowing is supported: a VMCS may be a shadow VMCS. */
  readonly shadowing: boolean;
  readonly history: History;
  readonly statistics: StatisticsTables;
  /** What is known of VMCSs whose entry checks held. */
  passed: PassedChecks | undefined;
  /** A VMCS was current on two logical processors at once: no entry trusts that nothing was written behind its back. */
  shared: boolean;
  /** The last VMfail, failed entry and VMX abort, for the machine's stop. */
  fail: VmFail | undefined;
  /** finishVmx's outcome of a VMLAUNCH or VMRESUME that failed with VMfail. */
  finish: number;
  failure: EntryFailure | undefined;
  abort: VmxAbort | undefined;
}

export function createVmx(core: Core, host: VmxHost, profile: CapabilityProfile): Vmx {
  return {
    core,
    host,
    profile,
    revision: Number((vmxCapability(profile, 0x480) ?? 0n) & 0x7fffffffn),
    eptVpid: vmxCapability(profile, 0x48c) ?? 0n,
    shadowing: supportsControl(profile, 'secondary', 'VMCS shadowing'),
    history: createHistory(),
    statistics: createStatistics(),
    passed: undefined,
    shared: false,
    fail: undefined,
    finish: VM_SUCCEED,
    failure: undefined,
    abort: undefined,
  };
}

// Outcomes for the core's finishVmx.
export const VM_SUCCEED = 0;
export const VM_FAIL_INVALID = 1;

/** finishVmx's outcome for VMfailValid with a VM-instruction error number. */
export function vmFailValid(error: number): number {
  return error + 1;
}

/** Whether there is a current VMCS. */
export function hasVmcs(core: Core): boolean {
  return readWord(core, VMCS_ADDRESS) !== 0;
}

/** 32 bits of the current VMCS at an offset of generated/vmcs-offsets.ts. */
export function vmcsWord(core: Core, offset: number): number {
  return core.words[((core.words[VMCS_ADDRESS >>> 2] as number) + offset) >>> 2] as number;
}

export function setVmcsWord(core: Core, offset: number, value: number): void {
  core.words[((core.words[VMCS_ADDRESS >>> 2] as number) + offset) >>> 2] = value;
}

/** 64 bits of the current VMCS; not for the hot path. */
export function vmcsQuad(core: Core, offset: number): bigint {
  return core.quads[(readWord(core, VMCS_ADDRESS) + offset) >>> 3] as bigint;
}

export function setVmcsQuad(core: Core, offset: number, value: bigint): void {
  core.quads[(readWord(core, VMCS_ADDRESS) + offset) >>> 3] = value;
}

/** 32 bits of physical memory, or all ones where there is no RAM. `address` is a multiple of 4. */
export function physicalWord(core: Core, address: bigint): number {
  if (address + 4n > BigInt(core.ramSize)) return 0xffffffff;
  return readWord(core, RAM + Number(address));
}

/** 64 bits of physical memory, or all ones. `address` is a multiple of 8. */
export function physicalQuad(core: Core, address: bigint): bigint {
  if (address + 8n > BigInt(core.ramSize)) return 0xffffffffffffffffn;
  return readQuad(core, RAM + Number(address));
}

const ERROR_TEXTS: ReadonlyMap<number, string> = new Map(
  Object.values(VM_INSTRUCTION_ERRORS).map((row) => [row.number, row.text]),
);

/** VMfail(error): VMfailValid when there is a current VMCS, else VMfailInvalid. Answers finishVmx's outcome. */
export function vmFail(vmx: Vmx, instruction: string, error: number, reason: string): number {
  if (!hasVmcs(vmx.core)) {
    return vmFailInvalid(vmx, instruction, `${reason} There is no current VMCS to hold error ${error}.`);
  }
  setVmcsWord(vmx.core, F_VM_INSTRUCTION_ERROR, error);
  const text = ERROR_TEXTS.get(error) ?? 'unknown error';
  vmx.fail = {
    instruction,
    rip: vmx.core.exports.getRip(),
    error,
    explanation: `${instruction}: VMfailValid, error ${error}: ${text}. ${reason}`,
  };
  return vmFailValid(error);
}

/** VMfailInvalid: CF is set. */
export function vmFailInvalid(vmx: Vmx, instruction: string, reason: string): number {
  vmx.fail = {
    instruction,
    rip: vmx.core.exports.getRip(),
    error: undefined,
    explanation: `${instruction}: VMfailInvalid. ${reason}`,
  };
  return VM_FAIL_INVALID;
}

/** Makes the VMCS at a host-physical address in RAM the current one, or none for undefined. */
export function setCurrentVmcs(core: Core, pointer: number | undefined): void {
  const at = VMCS_POINTER >>> 2;
  core.words[at] = pointer === undefined ? 0xffffffff : pointer;
  core.words[at + 1] = pointer === undefined ? 0xffffffff : 0;
  writeWord(core, VMCS_ADDRESS, pointer === undefined ? 0 : RAM + pointer);
}

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
