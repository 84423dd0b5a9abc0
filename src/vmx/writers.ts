// Which VMWRITE wrote a field of the current VMCS last: the core keeps its RIP beside the field (spec/vmcs-layout.ts).
import { vmcsFieldOffset, VMCS_WRITER_DISTANCE } from '../spec/vmcs-layout.ts';
import { hasVmcs, setVmcsQuad, type Vmx, vmcsQuad } from './operation.ts';

/** Keys of instructions outside 64-bit code have this in bits 63:62 (RIP in core/layout.ts). */
const NOT_64_BIT = 1n;

/** Linear address of the VMWRITE, or undefined when none wrote the field, or something else did after it. */
export function lastWriter(vmx: Vmx, encoding: number): bigint | undefined {
  const offset = vmcsFieldOffset(encoding);
  if (offset === undefined || !hasVmcs(vmx.core)) return undefined;
  const key = vmcsQuad(vmx.core, (offset & ~7) + VMCS_WRITER_DISTANCE);
  if (key === 0n) return undefined;
  return key >> 62n === NOT_64_BIT ? key & 0xffffffffn : key;
}

/** The field was written by a person, not by an instruction. */
export function forgetWriter(vmx: Vmx, encoding: number): void {
  const offset = vmcsFieldOffset(encoding);
  if (offset !== undefined) setVmcsQuad(vmx.core, (offset & ~7) + VMCS_WRITER_DISTANCE, 0n);
}
