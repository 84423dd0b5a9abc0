// Runs the entry checks (vmx/checks/) when something that they read may have changed since they last passed. VMWRITE and
// stores to the current VMCS's page mark it dirty; a change of RIP alone, what most handlers write, has a check of one line.
import { F_GUEST_CS_ACCESS_RIGHTS, F_GUEST_RIP, F_VM_ENTRY_CONTROLS } from '../core/generated/vmcs-offsets.ts';
import {
  EFER,
  INTERRUPTIBILITY,
  VMCS_DIRTY,
  VMCS_DIRTY_ANY,
  VMCS_DIRTY_FIELDS,
  VMCS_DIRTY_RIP,
  VMCS_POINTER,
  VMCS_WRITTEN,
  VMX_CHECKED_LONG,
} from '../core/layout.ts';
import { vmcsFieldByEncoding } from '../spec/vmcs-fields.ts';
import { VMCS_LAUNCH_STATE_OFFSET, vmcsFieldOffset } from '../spec/vmcs-layout.ts';
import { fieldExists } from './capabilities.ts';
import { runEntryChecks } from './checks/run.ts';
import type { EntryEnvironment, FieldReader } from './checks/types.ts';
import { ALL_HOLD, createPassedChecks, judge, SOME_FAIL } from './passed-checks.ts';
import { physicalQuad, physicalWord, type Vmx, vmcsQuad, vmcsWord } from './operation.ts';
import { readQuad, readWord, writeWord } from './processor.ts';
import type { EntryFailure } from './types.ts';

export type EntryRefusal = Pick<EntryFailure, 'outcome' | 'checks'>;

const EFER_LMA = 1 << 10;
const ENTRY_GUEST_LONG = 1 << 9;
const RIGHTS_L = 1 << 13;
const BLOCKING_MOV_SS = 2;

function isLong({ core }: Vmx): number {
  return (readWord(core, EFER) & EFER_LMA) !== 0 ? 1 : 0;
}

/** Whether the checks must run: a field or a fact that they read may have changed since they passed. */
export function mustCheck(vmx: Vmx): boolean {
  const { core } = vmx;
  if (vmx.shared) writeWord(core, VMCS_DIRTY, VMCS_DIRTY_ANY);
  if (readWord(core, VMX_CHECKED_LONG) !== isLong(vmx)) return true;
  const dirty = readWord(core, VMCS_DIRTY);
  if (dirty === 0) return false;
  if (dirty !== VMCS_DIRTY_RIP || !isPlainRip(vmx)) return true;
  writeWord(core, VMCS_DIRTY, 0);
  return false;
}

/** Guest RIP is canonical for 64-bit code, or has 32 bits for other code. Anything else is for the checks to judge. */
function isPlainRip({ core }: Vmx): boolean {
  const high = vmcsWord(core, F_GUEST_RIP + 4) | 0;
  const long = (vmcsWord(core, F_VM_ENTRY_CONTROLS) & ENTRY_GUEST_LONG) !== 0;
  if (!long || (vmcsWord(core, F_GUEST_CS_ACCESS_RIGHTS) & RIGHTS_L) === 0) return high === 0;
  const sign = high >> 15; // bits 63:47
  return sign === 0 || sign === -1;
}

/** Runs every check on the current VMCS; undefined when all hold. */
export function checkEntry(vmx: Vmx, resume: boolean): EntryRefusal | undefined {
  const { core } = vmx;
  const env = entryEnvironment(vmx, resume);
  vmx.passed ??= createPassedChecks(vmx, env);
  const answer = judge(vmx.passed, vmx, readWord(core, VMCS_POINTER), env);
  if (answer === SOME_FAIL) {
    const verdict = runEntryChecks(fieldReader(vmx), env);
    if (verdict.passed) throw new Error('an entry check failed that holds when it is explained');
    return { outcome: verdict.outcome, checks: verdict.checks };
  }
  core.words.fill(0, VMCS_WRITTEN >>> 2, (VMCS_WRITTEN >>> 2) + 8);
  writeWord(core, VMCS_DIRTY, answer === ALL_HOLD ? 0 : VMCS_DIRTY_FIELDS);
  writeWord(core, VMX_CHECKED_LONG, isLong(vmx));
  return undefined;
}

/** Fields of the current VMCS by encoding; 0 where this processor has none. */
export function fieldReader(vmx: Vmx): FieldReader {
  return (encoding) => readField(vmx, encoding) ?? 0n;
}

/** Value of a field of the current VMCS as VMREAD gives it, or undefined when this processor has no such field. */
export function readField(vmx: Vmx, encoding: number): bigint | undefined {
  const field = vmcsFieldByEncoding(encoding);
  const offset = vmcsFieldOffset(encoding);
  if (field === undefined || offset === undefined || !fieldExists(vmx.profile, field)) return undefined;
  const stored = vmcsQuad(vmx.core, offset & ~7);
  if ((encoding & 1) === 1) return stored >> 32n;
  return field.width === 16 || field.width === 32 ? BigInt.asUintN(field.width, stored) : stored;
}

export function entryEnvironment(vmx: Vmx, resume: boolean): EntryEnvironment {
  const { core, host, profile } = vmx;
  return {
    profile,
    physicalBits: host.physicalBits,
    linearBits: host.linearBits,
    longMode: isLong(vmx) === 1,
    currentVmcs: readQuad(core, VMCS_POINTER),
    instruction: {
      name: resume ? 'VMRESUME' : 'VMLAUNCH',
      launched: vmcsWord(core, VMCS_LAUNCH_STATE_OFFSET) !== 0,
      blockedByMovSs: (readWord(core, INTERRUPTIBILITY) & BLOCKING_MOV_SS) !== 0,
    },
    readMemory: (address, bytes) => {
      if (address + BigInt(bytes) > BigInt(core.ramSize)) return undefined;
      return bytes === 4 ? BigInt(physicalWord(core, address)) : physicalQuad(core, address);
    },
  };
}
