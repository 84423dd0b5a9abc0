// SDM "Checks on Guest Page-Directory-Pointer-Table Entries".

import { bitPositions, hex } from '../../spec/bits.ts';
import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import { mask } from './rules.ts';
import { bitOf, enableEpt, guestLongMode, guestPaging, type Predicate } from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

const PRESENT = 1n;
const RESERVED = mask(8, 5) | mask(2, 1);
const ENTRIES = [0, 1, 2, 3] as const;
const ENTRY_SIZE = 8n;

const pae: Predicate = (v) => guestPaging(v) && bitOf('Guest CR4', 5)(v) && !guestLongMode(v);

function field(index: (typeof ENTRIES)[number]): VmcsFieldName {
  return `Guest PDPTE${index}`;
}

/** Where no memory is, reads give all ones. */
function inMemory(v: EntryState, index: number): bigint {
  const table = v.field('Guest CR3') & mask(31, 5);
  return v.memory(table + ENTRY_SIZE * BigInt(index), 8) ?? mask(63, 0);
}

function reserved(v: EntryState, entry: bigint): bigint {
  return (entry & PRESENT) === 0n ? 0n : entry & (RESERVED | mask(63, v.env.physicalBits));
}

export const GUEST_PDPTE_CHECKS: readonly SectionCheck[] = [
  ...ENTRIES.map(
    (index): SectionCheck => ({
      id: `pdpte${index}`,
      fields: [field(index)],
      rule: `With PAE paging and EPT, reserved bits 2:1, 8:5 and those above the physical-address width of ${field(index)} must be 0 if it is present`,
      applies: (v) => pae(v) && enableEpt(v),
      holds: (v) => reserved(v, v.field(field(index))) === 0n,
      fix: (v) => {
        const wrong = reserved(v, v.field(field(index)));
        return `clear ${bitPositions(wrong)}: ${hex(v.field(field(index)) & ~wrong)}`;
      },
    }),
  ),
  ...ENTRIES.map(
    (index): SectionCheck => ({
      id: `pdpte${index}-memory`,
      fields: ['Guest CR3'],
      rule: `With PAE paging and without EPT, reserved bits 2:1, 8:5 and those above the physical-address width of PDPTE ${index} in the table at Guest CR3 must be 0 if it is present`,
      applies: (v) => pae(v) && !enableEpt(v),
      holds: (v) => reserved(v, inMemory(v, index)) === 0n,
      fix: (v) => `the entry is ${hex(inMemory(v, index))}: clear ${bitPositions(reserved(v, inMemory(v, index)))}`,
    }),
  ),
];
