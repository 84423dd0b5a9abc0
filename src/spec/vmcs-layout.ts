// Where this machine keeps each field inside the 4-KByte VMCS region. The SDM leaves the layout to the implementation;
// here it is documented, so that snapshots and memory views show the VMCS:
//
//   0  u32  VMCS revision identifier (bits 30:0), shadow-VMCS indicator (bit 31)
//   4  u32  VMX-abort indicator
//   8  u32  launch state: 0 clear, 1 launched
//  12  u32  reserved, 0
//  16  8 bytes for each field, little-endian, in the order of the rows of VMCS_FIELDS
//  2064  8 bytes for each field in the same order: RIP (the core's key) of the VMWRITE that wrote it last, 0 when none did

import { type NamedVmcsField, VMCS_FIELD_LIST, vmcsFieldByEncoding } from './vmcs-fields.ts';

export const VMCS_REGION_SIZE = 4096;
export const VMCS_REVISION_OFFSET = 0;
export const VMCS_ABORT_OFFSET = 4;
export const VMCS_LAUNCH_STATE_OFFSET = 8;
export const VMCS_FIELDS_OFFSET = 16;
/** Bytes from the region's start to the end of its fields. */
export const VMCS_FIELDS_END = VMCS_FIELDS_OFFSET + 8 * VMCS_FIELD_LIST.length;
/** From a field to the RIP of the VMWRITE that wrote it last. */
export const VMCS_WRITER_DISTANCE = 2048;

/** What this machine's IA32_VMX_BASIC reports in bits 30:0. */
export const VMCS_REVISION = 0x52534431;

const OFFSETS = new Map(
  VMCS_FIELD_LIST.map((field, index) => [field.encoding, VMCS_FIELDS_OFFSET + 8 * index] as const),
);

/** Offset of a field in the VMCS region by encoding (a high-access encoding gives the upper 32 bits); undefined when no such field is known. */
export function vmcsFieldOffset(encoding: number): number | undefined {
  const field = vmcsFieldByEncoding(encoding);
  if (field === undefined) {
    return undefined;
  }
  const offset = OFFSETS.get(field.encoding);
  return offset === undefined ? undefined : offset + ((encoding & 1) === 1 ? 4 : 0);
}

const WIDTH_CODES = { 16: 0, 64: 1, 32: 2, natural: 3 } as const;
const DIRTY_CODES = { none: 0, rip: 1, any: 2 } as const;
const READ_ONLY_BIT = 1 << 18;

/**
 * Contents of the core's VMCS_FIELD_TABLE: 16 groups (width * 4 + area, as in the encoding) of 64 indices, a u32 each:
 * bits 15:0 offset in the region (0: unsupported), 17:16 width as in the encoding, 18 read-only, 25:24 dirty class
 * (VMCS_DIRTY_* of core/layout.ts).
 *
 * @param exists which fields the processor has; every known field by default
 * @param writeAll VMWRITE may write the VM-exit information fields, too (IA32_VMX_MISC[29])
 */
export function vmcsFieldTable(exists: (field: NamedVmcsField) => boolean = () => true, writeAll = false): Uint32Array {
  const table = new Uint32Array(16 * 64);
  for (const field of VMCS_FIELD_LIST) {
    const offset = OFFSETS.get(field.encoding);
    if (offset === undefined || !exists(field)) {
      continue;
    }
    const group = ((field.encoding >> 13) & 3) * 4 + ((field.encoding >> 10) & 3);
    const index = (field.encoding >> 1) & 0x1ff;
    table[group * 64 + index] =
      offset |
      (WIDTH_CODES[field.width] << 16) |
      (field.area === 'read-only' && !writeAll ? READ_ONLY_BIT : 0) |
      (DIRTY_CODES[field.dirty] << 24);
  }
  return table;
}
