// The three MSR areas (SDM "Loading MSRs" under VM Entries and VM Exits, "Saving MSRs"). An entry is 16 bytes: index,
// reserved, data.
import { APIC_BASE, RAM } from '../core/layout.ts';
import { hex, physicalQuad, physicalWord, type Vmx } from './operation.ts';
import { noteRead, noteWrite, readWord, writeQuad } from './processor.ts';

/** The first entry of an area that cannot be processed, from 1, and why; undefined when all were. */
export type MsrAreaFault =
  | {
      readonly address: bigint;
      readonly count: number;
      readonly entry: number;
      readonly index: number;
      readonly value: bigint;
      readonly reason: string;
    }
  | undefined;

const FS_BASE = 0xc0000100;
const GS_BASE = 0xc0000101;
const SMM_MONITOR_CTL = 0x9b;
const SMBASE = 0x9e;
const UPDATE_TRIGGER = 0x79;
const X2APIC_MODE = 0xc00;

// An area longer than IA32_VMX_MISC recommends is undefined behaviour: enough is enough.
const LONGEST = 0x10000;

/** Loads MSRs as a VM entry or VM exit does, in order, up to the first that fails. */
export function loadMsrArea(vmx: Vmx, address: bigint, count: number): MsrAreaFault {
  return each(vmx, address, count, (index, at) => {
    if (index === FS_BASE || index === GS_BASE) return 'the bases of FS and GS are VMCS fields';
    if (index === SMM_MONITOR_CTL) return 'IA32_SMM_MONITOR_CTL cannot be loaded';
    if (index === UPDATE_TRIGGER) return 'a microcode update cannot be loaded here';
    noteRead(vmx.core, at + 8n, 8);
    const value = physicalQuad(vmx.core, at + 8n);
    return vmx.host.writeMsr(index, value) ? undefined : `WRMSR of ${hex(value)} would raise #GP`;
  });
}

/** Stores MSRs as a VM exit does. */
export function storeMsrArea(vmx: Vmx, address: bigint, count: number): MsrAreaFault {
  return each(vmx, address, count, (index, at) => {
    if (index === SMBASE) return 'IA32_SMBASE can be read in SMM only';
    const value = vmx.host.readMsr(index);
    if (value === undefined) return 'RDMSR would raise #GP';
    if (at + 16n > BigInt(vmx.core.ramSize)) return undefined;
    noteWrite(vmx.core, Number(at) + 8, 8);
    writeQuad(vmx.core, RAM + Number(at) + 8, value);
    return undefined;
  });
}

function each(
  vmx: Vmx,
  address: bigint,
  count: number,
  process: (index: number, at: bigint) => string | undefined,
): MsrAreaFault {
  for (let entry = 1; entry <= Math.min(count, LONGEST); entry++) {
    const at = address + 16n * BigInt(entry - 1);
    noteRead(vmx.core, at, 8);
    const index = physicalWord(vmx.core, at);
    const reason = commonFault(vmx, index, at) ?? process(index, at);
    if (reason !== undefined) {
      return { address, count, entry, index, value: physicalQuad(vmx.core, at + 8n), reason };
    }
  }
  return undefined;
}

function commonFault(vmx: Vmx, index: number, at: bigint): string | undefined {
  if (physicalWord(vmx.core, at + 4n) !== 0) return 'bits 63:32 of the entry must be 0';
  if (index >>> 8 === 8 && (readWord(vmx.core, APIC_BASE) & X2APIC_MODE) === X2APIC_MODE) {
    return 'x2APIC registers cannot be in an MSR area';
  }
  return undefined;
}
