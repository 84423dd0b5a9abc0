// VMREAD and VMWRITE on a VMCS region (SDM "Format of the VMCS Region", "VMCS Data").
// The field table (VMCS_FIELD_TABLE, see spec/vmcs-layout.ts) says for each encoding where the region holds the field.
import {
  RIP,
  VMCS_ADDRESS,
  VMCS_COPY,
  VMCS_DIRTY,
  VMCS_DIRTY_FIELDS,
  VMCS_DIRTY_RIP,
  VMCS_FIELD_TABLE,
  VMCS_WRITTEN,
} from '../layout.ts';

export const FIELD_READ_ONLY: u32 = 1 << 18;
/** Class in the field table (bits 25:24) of fields with a check of one line. */
const CHECKS_RIP: u32 = 1;
const FIELDS_OFFSET: u32 = 16; // of the first field in the region
const WRITER_DISTANCE: usize = 2048; // from a field to the RIP of the VMWRITE that wrote it last
const WIDTH_16: u32 = 0;
const WIDTH_64: u32 = 1;
const WIDTH_32: u32 = 2;

/**
 * Row of the field table for a field encoding, or 0 when the field is not supported (VM-instruction error 12).
 * In 64-bit mode pass all 64 bits of the register: bits 63:32 must be 0.
 */
export function vmcsField(encoding: u64): u32 {
  if (encoding >> 15 != 0 || (encoding & 0x1000) != 0) return 0;
  const e = u32(encoding);
  const index = (e >> 1) & 0x1ff;
  if (index > 63) return 0;
  const width = (e >> 13) & 3;
  if ((e & 1) != 0 && width != WIDTH_64) return 0;
  const type = (e >> 10) & 3;
  const row = load<u32>(VMCS_FIELD_TABLE + (((((width << 2) | type) << 6) | index) << 2));
  return (row & 0xffff) == 0 ? 0 : row;
}

/** Value of a field as VMREAD sees it, zero-extended. `base` is the address of the region in this memory. @inline */
export function loadVmcsField(base: usize, row: u32, encoding: u32): u64 {
  const at = base + usize(row & 0xffff);
  if ((encoding & 1) != 0) return u64(load<u32>(at, 4));
  const width = (row >> 16) & 3;
  if (width == WIDTH_16) return u64(load<u16>(at));
  if (width == WIDTH_32) return u64(load<u32>(at));
  return load<u64>(at);
}

/** Writes a field as VMWRITE does; `value` holds the source operand zero-extended (32 bits outside 64-bit mode). @inline */
export function storeVmcsField(base: usize, row: u32, encoding: u32, value: u64): void {
  const at = base + usize(row & 0xffff);
  const checks = (row >> 24) & 3;
  if (checks != 0) {
    store<u32>(VMCS_DIRTY, load<u32>(VMCS_DIRTY) | (checks == CHECKS_RIP ? VMCS_DIRTY_RIP : VMCS_DIRTY_FIELDS));
    const index = ((row & 0xffff) - FIELDS_OFFSET) >> 3;
    const word = VMCS_WRITTEN + usize((index >> 5) << 2);
    store<u32>(word, load<u32>(word) | (1 << (index & 31)));
  }
  store<u64>(at + WRITER_DISTANCE, load<u64>(RIP));
  if ((encoding & 1) != 0) {
    store<u32>(at, u32(value), 4);
    return;
  }
  const width = (row >> 16) & 3;
  if (width == WIDTH_16) store<u64>(at, value & 0xffff);
  else if (width == WIDTH_32) store<u64>(at, value & 0xffffffff);
  else store<u64>(at, value);
}

/** Copies the first bytes of the current VMCS region to VMCS_COPY. */
export function copyVmcs(bytes: u32): void {
  memory.copy(VMCS_COPY, load<u32>(VMCS_ADDRESS), bytes);
}
