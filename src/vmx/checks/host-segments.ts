// SDM "Checks on Host Segment and Descriptor-Table Registers".

import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import { canonical, mask, zeroBits } from './rules.ts';
import { hostLongMode, not, type Predicate } from './state.ts';
import type { SectionCheck } from './types.ts';

const SELECTORS = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS', 'TR'] as const;
const BASES = ['FS', 'GS', 'GDTR', 'IDTR', 'TR'] as const;

function notNull(id: string, field: VmcsFieldName, condition: string, applies: Predicate, fix: string): SectionCheck {
  return {
    id,
    fields: [field],
    rule: `${condition}${field} must not be 0`,
    applies,
    holds: (v) => v.field(field) !== 0n,
    fix,
  };
}

export const HOST_SEGMENT_CHECKS: readonly SectionCheck[] = [
  ...SELECTORS.map((name) =>
    zeroBits(
      { id: `${name.toLowerCase()}-rpl-ti` },
      `Host ${name} selector`,
      mask(2, 0),
      `RPL (bits 1:0) and TI (bit 2) of Host ${name} selector must be 0`,
    ),
  ),
  notNull(
    'cs-null',
    'Host CS selector',
    '',
    () => true,
    'write the selector of the code segment that the exit handler runs in',
  ),
  notNull(
    'tr-null',
    'Host TR selector',
    '',
    () => true,
    'write what STR gives; where that is 0, put a TSS descriptor into the GDT and load it with LTR first',
  ),
  notNull(
    'ss-null',
    'Host SS selector',
    'If “host address-space size” is 0, ',
    not(hostLongMode),
    'write the selector of the stack segment that the exit handler runs on',
  ),
  ...BASES.map((name) => canonical({ id: `${name.toLowerCase()}-base` }, `Host ${name} base`)),
];
