// Checks of fields that are loaded into MSRs: the host-state and the guest-state area have the same.

import { bitPositions, hex } from '../../spec/bits.ts';
import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import { bits, isCanonical, mask, zeroBits } from './rules.ts';
import type { Predicate } from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

/** Bits that are reserved in the MSR must be 0 in the field. */
export function reservedMsrBits(
  id: string,
  applies: Predicate,
  field: VmcsFieldName,
  condition: string,
  allowed: (v: EntryState) => bigint,
): SectionCheck {
  return {
    id,
    fields: [field],
    rule: `${condition}reserved bits of ${field} must be 0`,
    applies,
    holds: (v) => (v.field(field) & ~allowed(v)) === 0n,
    fix: (v) => {
      const wrong = v.field(field) & ~allowed(v);
      return `clear ${bitPositions(wrong)}: ${hex(v.field(field) & ~wrong)}`;
    },
  };
}

/** Checks of IA32_S_CET beside canonicality. */
export function supervisorCet(applies: Predicate, field: VmcsFieldName, condition: string): SectionCheck[] {
  return [
    reservedMsrBits('s-cet-reserved', applies, field, condition, (v) => v.env.profile.msrBits.sCet),
    {
      id: 's-cet-suppress-tracker',
      fields: [field],
      rule: `${condition}bits 10 (SUPPRESS) and 11 (TRACKER) of ${field} must not both be 1`,
      applies,
      holds: (v) => bits(v.field(field), 11, 10) !== 3n,
      fix: 'clear bit 10 or bit 11',
    },
  ];
}

const STACK_LEVELS = [1, 2, 3] as const;

/** Checks of the FRED MSRs of one area. */
export function fredMsrs(applies: Predicate, area: 'Host' | 'Guest', condition: string): SectionCheck[] {
  const canonicalField = (id: string, field: VmcsFieldName): SectionCheck => ({
    id,
    fields: [field],
    rule: `${condition}${field} must be canonical`,
    applies,
    holds: (v) => isCanonical(v.field(field), v.env.linearBits),
    fix: (v) => `make bits 63:${v.env.linearBits} equal to bit ${v.env.linearBits - 1}`,
  });
  const config: VmcsFieldName = `${area} IA32_FRED_CONFIG`;
  return [
    zeroBits(
      { id: 'fred-config-reserved', applies },
      config,
      mask(2, 2) | mask(5, 4) | mask(11, 11),
      `${condition}bits 2, 5:4 and 11 of ${config} must be 0`,
    ),
    canonicalField('fred-config-canonical', config),
    ...STACK_LEVELS.flatMap((level) => {
      const rsp: VmcsFieldName = `${area} IA32_FRED_RSP${level}`;
      return [
        canonicalField(`fred-rsp${level}-canonical`, rsp),
        zeroBits(
          { id: `fred-rsp${level}-alignment`, applies },
          rsp,
          mask(5, 0),
          `${condition}bits 5:0 of ${rsp} must be 0`,
        ),
      ];
    }),
    ...STACK_LEVELS.flatMap((level) => {
      const ssp: VmcsFieldName = `${area} IA32_FRED_SSP${level}`;
      return [
        canonicalField(`fred-ssp${level}-canonical`, ssp),
        zeroBits(
          { id: `fred-ssp${level}-alignment`, applies },
          ssp,
          mask(2, 0),
          `${condition}bits 2:0 of ${ssp} must be 0`,
        ),
      ];
    }),
  ];
}
