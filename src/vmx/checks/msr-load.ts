// SDM "Loading MSRs": the entries of the VM-entry MSR-load area.

import { hex } from '../../spec/bits.ts';
import { msrByIndex } from '../../spec/msrs.ts';
import { fitsPhysical, mask } from './rules.ts';
import type { EntryState, SectionCheck } from './types.ts';

export const MSR_ENTRY_SIZE = 16n;

const FS_BASE = 0xc0000100;
const GS_BASE = 0xc0000101;
const SMM_MONITOR_CTL = 0x9b;
const BIOS_UPDT_TRIG = 0x79;
const X2APIC = 0x8;

export interface MsrAreaEntry {
  readonly index: number;
  /** Bits 63:32. */
  readonly reserved: bigint;
  readonly value: bigint;
}

/**
 * Why VM entry refuses an entry of the MSR-load area, in words, or undefined when it takes it.
 *
 * @param refuses why WRMSR at CPL 0 would refuse the value
 */
export function msrLoadRefusal(
  entry: MsrAreaEntry,
  refuses: (index: number, value: bigint) => string | undefined = () => undefined,
): string | undefined {
  const name = msrByIndex(entry.index)?.name ?? `MSR ${hex(entry.index)}`;
  if (entry.index === FS_BASE || entry.index === GS_BASE) {
    return `${name} is loaded from the guest-state area, not from the list`;
  }
  if (entry.index >>> 8 === X2APIC) {
    return `${name} is a register of the local APIC`;
  }
  if (entry.index === SMM_MONITOR_CTL) {
    return 'IA32_SMM_MONITOR_CTL can be written in SMM only';
  }
  if (entry.index === BIOS_UPDT_TRIG) {
    return 'VM entry does not start microcode updates';
  }
  if (entry.reserved !== 0n) {
    return 'bits 63:32 of the entry must be 0';
  }
  const refusal = refuses(entry.index, entry.value);
  return refusal === undefined ? undefined : `WRMSR refuses ${hex(entry.value)} in ${name}: ${refusal}`;
}

/** Ordinal from 1 and reason of the first entry that is refused, or undefined. */
function firstRefused(v: EntryState): { readonly ordinal: number; readonly reason: string } | undefined {
  const count = v.field('VM-entry MSR-load count');
  const address = v.field('VM-entry MSR-load address');
  const recommended = 512n;
  for (let i = 0n; i < count && i < recommended; i += 1n) {
    const at = address + i * MSR_ENTRY_SIZE;
    const low = v.memory(at, 8);
    const value = v.memory(at + 8n, 8);
    if (low === undefined || value === undefined) {
      return { ordinal: Number(i) + 1, reason: `there is no memory at ${hex(at)}` };
    }
    const entry = { index: Number(low & mask(31, 0)), reserved: low >> 32n, value };
    const reason = msrLoadRefusal(entry, v.env.refusesMsr);
    if (reason !== undefined) {
      return { ordinal: Number(i) + 1, reason };
    }
  }
  return undefined;
}

const used = (v: EntryState): boolean =>
  v.field('VM-entry MSR-load count') !== 0n && fitsPhysical(v, v.field('VM-entry MSR-load address'));

export const MSR_LOAD_CHECKS: readonly SectionCheck[] = [
  {
    id: 'entries',
    fields: ['VM-entry MSR-load address', 'VM-entry MSR-load count'],
    rule: 'Every entry of the VM-entry MSR-load area must be one that WRMSR at CPL 0 would accept, and not an MSR that VM entry loads otherwise',
    applies: used,
    holds: (v) => firstRefused(v) === undefined,
    fix: (v) => {
      const refused = firstRefused(v);
      return refused === undefined ? '' : `entry ${refused.ordinal}: ${refused.reason}`;
    },
  },
];

/** The exit qualification of a failure: the ordinal of the entry, from 1. */
export function refusedEntry(v: EntryState): bigint {
  return BigInt(firstRefused(v)?.ordinal ?? 0);
}
