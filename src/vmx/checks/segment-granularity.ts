// The granularity rule that all segment registers share.

import { isGranular, limitField, rightsField, type SegmentName } from './segments.ts';
import type { Predicate } from './state.ts';
import type { SectionCheck } from './types.ts';

const LOW = 0xfffn;
const HIGH = 0xfff00000n;

/** G agrees with the limit: 0 if any of bits 11:0 is 0, 1 if any of bits 31:20 is 1. */
export function granularity(name: SegmentName, condition: string, applies: Predicate): SectionCheck[] {
  const fields = [rightsField(name), limitField(name)] as const;
  return [
    {
      id: `${name.toLowerCase()}-granularity-bytes`,
      fields,
      rule: `${condition}if any bit of 11:0 of ${limitField(name)} is 0, bit 15 (G) must be 0`,
      applies: (v) => applies(v) && (v.field(limitField(name)) & LOW) !== LOW,
      holds: (v) => !isGranular(v, name),
      fix: 'clear bit 15 (G), or set bits 11:0 of the limit: the limit counts bytes, as in 0xffffffff for 4 GBytes',
    },
    {
      id: `${name.toLowerCase()}-granularity-pages`,
      fields,
      rule: `${condition}if any bit of 31:20 of ${limitField(name)} is 1, bit 15 (G) must be 1`,
      applies: (v) => applies(v) && (v.field(limitField(name)) & HIGH) !== 0n,
      holds: (v) => isGranular(v, name),
      fix: 'set bit 15 (G), or use a limit below 1 MByte',
    },
  ];
}
