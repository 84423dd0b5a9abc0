// SDM "Checks on Guest Descriptor-Table Registers".

import { canonical, mask, zeroBits } from './rules.ts';
import type { SectionCheck } from './types.ts';

export const GUEST_TABLE_CHECKS: readonly SectionCheck[] = (['GDTR', 'IDTR'] as const).flatMap((name) => [
  canonical({ id: `${name.toLowerCase()}-base` }, `Guest ${name} base`),
  zeroBits(
    { id: `${name.toLowerCase()}-limit` },
    `Guest ${name} limit`,
    mask(31, 16),
    `Bits 31:16 of Guest ${name} limit must be 0`,
  ),
]);
