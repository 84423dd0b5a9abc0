// Rules that several checks share, with the words for what would pass.

import { bitPositions, hex } from '../../spec/bits.ts';
import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import type { Predicate } from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** Bits 63:bits are all equal to bit `bits` − 1. */
export function isCanonical(value: bigint, bits: number): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(bits, value)) === value;
}

/** Bits 63:bits are all equal to each other (RIP and SSP, which need not be canonical). */
export function hasEqualUpperBits(value: bigint, bits: number): boolean {
  const upper = value >> BigInt(bits);
  return upper === 0n || upper === ALL_ONES >> BigInt(bits);
}

/** The address uses no bit above the physical-address width. */
export function fitsPhysical(v: EntryState, address: bigint): boolean {
  return address >> BigInt(v.env.physicalBits) === 0n;
}

export function bits(value: bigint, high: number, low: number): bigint {
  return BigInt.asUintN(high - low + 1, value >> BigInt(low));
}

/** Mask of bits high:low. */
export function mask(high: number, low: number): bigint {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}

type Shared = { readonly id: string; readonly applies?: Predicate };

function conditional(applies: Predicate | undefined): { readonly applies?: Predicate } {
  return applies === undefined ? {} : { applies };
}

/** These bits of the field must be 0. */
export function zeroBits({ id, applies }: Shared, field: VmcsFieldName, zero: bigint, rule: string): SectionCheck {
  return {
    id,
    fields: [field],
    rule,
    ...conditional(applies),
    holds: (v) => (v.field(field) & zero) === 0n,
    fix: (v) => `clear ${bitPositions(v.field(field) & zero)}: ${hex(v.field(field) & ~zero)}`,
  };
}

/** The field must be a canonical address for the processor's linear-address width. */
export function canonical({ id, applies }: Shared, field: VmcsFieldName, condition = ''): SectionCheck {
  return {
    id,
    fields: [field],
    rule: `${condition}${field} must be a canonical address`,
    ...conditional(applies),
    holds: (v) => isCanonical(v.field(field), v.env.linearBits),
    fix: (v) =>
      `make bits 63:${v.env.linearBits} equal to bit ${v.env.linearBits - 1}, for example ${hex(BigInt.asUintN(64, BigInt.asIntN(v.env.linearBits, v.field(field))))}`,
  };
}

/** The two checks of an address: aligned, and within the physical-address width. */
export function physicalAddress(
  { id, applies }: Shared,
  field: VmcsFieldName,
  condition: string,
  alignment: 16 | 64 | 8 | 4096 = 4096,
): SectionCheck[] {
  const low = BigInt(alignment - 1);
  const words = { 8: '8-byte', 16: '16-byte', 64: '64-byte', 4096: '4-KByte' }[alignment];
  return [
    {
      id: `${id}-alignment`,
      fields: [field],
      rule: `${condition}${field} must be ${words} aligned`,
      ...conditional(applies),
      holds: (v) => (v.field(field) & low) === 0n,
      fix: (v) => `clear ${bitPositions(v.field(field) & low)}: ${hex(v.field(field) & ~low)}`,
    },
    {
      id: `${id}-width`,
      fields: [field],
      rule: `${condition}${field} must not use bits above the physical-address width`,
      ...conditional(applies),
      holds: (v) => fitsPhysical(v, v.field(field)),
      fix: (v) =>
        `use an address below ${hex(1n << BigInt(v.env.physicalBits))} (this processor has ${v.env.physicalBits} physical-address bits)`,
    },
  ];
}

/** The checks of an MSR area: address aligned and within width, and so its last byte. */
export function msrArea(id: string, address: VmcsFieldName, count: VmcsFieldName): SectionCheck[] {
  const used: Predicate = (v) => v.field(count) !== 0n;
  const last = (v: EntryState) => v.field(address) + 16n * v.field(count) - 1n;
  return [
    ...physicalAddress({ id, applies: used }, address, `If ${count} is not 0, `, 16),
    {
      id: `${id}-end`,
      fields: [address, count],
      rule: `If ${count} is not 0, the last byte of the area must be within the physical-address width`,
      applies: used,
      holds: (v) => fitsPhysical(v, last(v)),
      fix: (v) =>
        `the area ends at ${hex(last(v))}: lower the address or the count so that it ends below ${hex(1n << BigInt(v.env.physicalBits))}`,
    },
  ];
}

/** Allowed values of the eight bytes of IA32_PAT. */
export function isPat(value: bigint): boolean {
  for (let shift = 0n; shift < 64n; shift += 8n) {
    const type = (value >> shift) & 0xffn;
    if (type > 7n || type === 2n || type === 3n) {
      return false;
    }
  }
  return true;
}

export function pat({ id, applies }: Shared, field: VmcsFieldName, condition: string): SectionCheck {
  return {
    id,
    fields: [field],
    rule: `${condition}each byte of ${field} must be 0 (UC), 1 (WC), 4 (WT), 5 (WP), 6 (WB) or 7 (UC-)`,
    ...conditional(applies),
    holds: (v) => isPat(v.field(field)),
    fix: 'a usual value is 0x0007040600070406',
  };
}

/** This control must be 1 (or 0) where the check applies. */
export function mustBe(
  id: string,
  field: VmcsFieldName,
  value: 0 | 1,
  predicate: Predicate,
  name: string,
  condition: string,
  applies: Predicate,
): SectionCheck {
  return {
    id,
    fields: [field],
    rule: `${condition}“${name}” must be ${value}`,
    applies,
    holds: (v) => predicate(v) === (value === 1),
    fix: `${value === 1 ? 'set' : 'clear'} “${name}” in the ${field}`,
  };
}
