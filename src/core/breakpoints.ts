// What the debug registers ask for (SDM "Debug Registers"): data, I/O and instruction breakpoints; and alignment checks, which
// take the same way out of the TLB.

import {
  ACCESS_WRITE,
  ATTENTION,
  ATTEND_PENDING_DEBUG,
  CPL,
  CR0,
  CR4,
  CS,
  DR0,
  DR7,
  CODE_MODE,
  PENDING_DEBUG,
  SEGMENTS,
  SEGMENT_SIZE,
  SEG_BASE,
  SYSTEM_FLAGS,
} from './layout.ts';
import { CR0_AM, CR4_DE, FLAG_AC, VECTOR_AC } from './bits.ts';
import { getRip } from './state.ts';
import { PENDING_ENABLED, raise } from './events.ts';

/** Bytes minus one that DRn covers, by the LEN field. */
function breakpointLength(dr7: u32, i: u32): u64 {
  const length = (dr7 >> (18 + i * 4)) & 3;
  return length == 2 ? 7 : <u64>length;
}

/** What the empty TLB set exists for: alignment checks, and the data breakpoints of DR0 to DR3. */
export function checkedAccess(linear: u64, bytes: u32, access: u32): void {
  if (
    linear & <u64>(bytes - 1) &&
    load<u32>(CPL) == 3 &&
    load<u64>(CR0) & CR0_AM &&
    load<u32>(SYSTEM_FLAGS) & FLAG_AC
  ) {
    raise(VECTOR_AC, 0);
  }
  matchDataBreakpoints(linear, bytes, access == ACCESS_WRITE);
}

/**
 * Notes the data breakpoints that an access meets; the trap comes after the instruction. `write` false is a read, which
 * only R/W = 11 matches.
 */
function matchDataBreakpoints(linear: u64, size: u32, write: bool): void {
  const dr7 = <u32>load<u64>(DR7);
  matchBreakpoints(dr7, linear, size, write ? 0xa : 0x8); // kinds 1 and 3, or 3, as a set of kinds
}

/** Notes the I/O breakpoints that an access to a port meets (CR4.DE). */
export function matchPortBreakpoints(port: u32, size: u32): void {
  if (load<u64>(CR4) & CR4_DE) matchBreakpoints(<u32>load<u64>(DR7), port, size, 0x4);
}

function matchBreakpoints(dr7: u32, address: u64, size: u32, kinds: u32): void {
  let matched: u64 = 0;
  let enabled = false;
  for (let i: u32 = 0; i < 4; i++) {
    if (!((kinds >> ((dr7 >> (16 + i * 4)) & 3)) & 1)) continue;
    const mask = breakpointLength(dr7, i);
    const from = load<u64>(DR0 + ((<usize>i) << 3)) & ~mask;
    if (address > from + mask || address + size - 1 < from) continue;
    matched |= (<u64>1) << (<u64>i);
    if ((dr7 >> (i * 2)) & 3) enabled = true;
  }
  if (!enabled) return;
  store<u64>(PENDING_DEBUG, load<u64>(PENDING_DEBUG) | matched | PENDING_ENABLED);
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_PENDING_DEBUG);
}

/** DR6 bits of the instruction breakpoints at the next instruction; 0 when none is enabled there. */
export function instructionBreakpoints(): u64 {
  const dr7 = <u32>load<u64>(DR7);
  let linear = getRip();
  if (load<u32>(CODE_MODE) != 2) linear = (linear + load<u64>(SEGMENTS + CS * SEGMENT_SIZE + SEG_BASE)) & 0xffffffff;
  let matched: u64 = 0;
  let enabled = false;
  for (let i: u32 = 0; i < 4; i++) {
    if ((dr7 >> (16 + i * 4)) & 3 || load<u64>(DR0 + ((<usize>i) << 3)) != linear) continue;
    matched |= (<u64>1) << (<u64>i);
    if ((dr7 >> (i * 2)) & 3) enabled = true;
  }
  return enabled ? matched : 0;
}
