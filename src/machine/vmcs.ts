// The current VMCS for a person: what is current, changes of a field, a review of every rule.
import { VMCS_DIRTY, VMCS_DIRTY_ANY, VMCS_POINTER } from '../core/layout.ts';
import { type NamedVmcsField, vmcsFieldByEncoding } from '../spec/vmcs-fields.ts';
import { vmcsFieldOffset } from '../spec/vmcs-layout.ts';
import { auditFields } from '../vmx/audit.ts';
import { fieldExists } from '../vmx/capabilities.ts';
import { entryEnvironment, fieldReader } from '../vmx/entry-checks.ts';
import { hasVmcs, setVmcsQuad, type Vmx, vmcsQuad } from '../vmx/operation.ts';
import { type Core, readQuad, readWord, writeWord } from '../vmx/processor.ts';
import { forgetWriter } from '../vmx/writers.ts';
import type { Hardware } from './hardware.ts';
import { knowsMsr } from './msrs.ts';
import type { Audit } from './types.ts';

const NO_VMCS = 0xffffffffffffffffn;

/** Its host-physical address. */
export function currentVmcs(core: Core): bigint | undefined {
  const pointer = readQuad(core, VMCS_POINTER);
  return pointer === NO_VMCS ? undefined : pointer;
}

/** The field of the current VMCS that a person may write with this value, or why not. */
export function writableField(vmx: Vmx, encoding: number, value: bigint): NamedVmcsField | string {
  const field = vmcsFieldByEncoding(encoding);
  if (!hasVmcs(vmx.core)) return 'There is no current VMCS.';
  if (field === undefined) return `0x${encoding.toString(16)} is no VMCS field encoding.`;
  if (!fieldExists(vmx.profile, field)) return `${field.name} does not exist on this processor.`;
  if (field.area === 'read-only') return `${field.name} is written by VM exits only.`;
  const bits = field.width === 'natural' ? 64 : field.width;
  const width = (encoding & 1) === 1 ? 32 : bits;
  if (value < 0n || value >> BigInt(width) !== 0n)
    return `${field.name} holds ${width} bits; 0x${value.toString(16)} does not fit.`;
  return field;
}

/** Writes what `writableField` allowed; no VMWRITE has written the field then. */
export function writeField(vmx: Vmx, encoding: number, value: bigint): void {
  const { core } = vmx;
  const offset = vmcsFieldOffset(encoding);
  if (offset === undefined) throw new Error(`0x${encoding.toString(16)} has no place in the VMCS`);
  const stored = vmcsQuad(core, offset & ~7);
  setVmcsQuad(core, offset & ~7, (encoding & 1) === 1 ? (stored & 0xffffffffn) | (value << 32n) : value);
  forgetWriter(vmx, encoding);
  writeWord(core, VMCS_DIRTY, readWord(core, VMCS_DIRTY) | VMCS_DIRTY_ANY);
}

/** Every rule that a VM entry with the current VMCS would be judged by; undefined: there is none. */
export function auditVmcs(hardware: Hardware, vmx: Vmx): Audit | undefined {
  if (!hasVmcs(vmx.core)) return undefined;
  const { instruction: _, ...environment } = entryEnvironment(vmx, false);
  const refusesMsr = (index: number): string | undefined =>
    knowsMsr(hardware, index) ? undefined : 'this processor has no such MSR';
  return auditFields(fieldReader(vmx), [{ ...environment, refusesMsr }]);
}
