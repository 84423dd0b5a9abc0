// VM exits from inside the core: what they report, and the tests of the VM-execution controls (SDM "VM Exits",
// "Changes to Instruction Behavior in VMX Non-Root Operation"). Controls are flat words compiled at VM entry.

import {
  CODE_MODE,
  CR0,
  DELIVERING_ERROR,
  DELIVERING_INFO,
  DELIVERING_LENGTH,
  DELIVERING_VALID,
  EXCEPTION_BITMAP,
  EXIT_IDT_ERROR,
  EXIT_IDT_INFO,
  EXIT_INSTRUCTION_INFO,
  EXIT_INTERRUPTION_ERROR,
  EXIT_INTERRUPTION_INFO,
  EXIT_LENGTH,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_TRAP,
  IO_BITMAP_A,
  IO_BITMAP_B,
  MSR_BITMAPS,
  NON_ROOT,
  PFEC_MASK,
  PFEC_MATCH,
  PRIMARY_CONTROLS,
  RAM,
  RAM_SIZE,
  SECONDARY_CONTROLS,
  SI_ADDRESS_SIZE,
  SI_DISPLACEMENT,
  SI_LENGTH,
  SI_MEMORY,
  SI_MODRM,
  SI_OFFSET,
  SI_OPERAND_SIZE,
  SI_RM,
  SI_SEGMENT,
  SI_SIB,
  STOP,
  STOP_VM_EXIT,
  SYSTEM_FLAGS,
  VMREAD_BITMAP,
  VMWRITE_BITMAP,
} from './layout.ts';
import { CR0_PE, FLAG_RF, VECTOR_PF } from './bits.ts';
import { clearNmiUnblocking } from './events.ts';
import { host_mmio_read, unwind } from './host.ts';

// Basic exit reasons that the core produces.
export const REASON_EXCEPTION: u32 = 0;
export const REASON_TRIPLE_FAULT: u32 = 2;
export const REASON_TASK_SWITCH: u32 = 9;
export const REASON_CPUID: u32 = 10;
export const REASON_GETSEC: u32 = 11;
export const REASON_HLT: u32 = 12;
export const REASON_INVD: u32 = 13;
export const REASON_INVLPG: u32 = 14;
export const REASON_RDPMC: u32 = 15;
export const REASON_RDTSC: u32 = 16;
export const REASON_VMCALL: u32 = 18;
export const REASON_VMCLEAR: u32 = 19;
export const REASON_VMLAUNCH: u32 = 20;
export const REASON_VMPTRLD: u32 = 21;
export const REASON_VMPTRST: u32 = 22;
export const REASON_VMREAD: u32 = 23;
export const REASON_VMRESUME: u32 = 24;
export const REASON_VMWRITE: u32 = 25;
export const REASON_VMXOFF: u32 = 26;
export const REASON_VMXON: u32 = 27;
export const REASON_CR_ACCESS: u32 = 28;
export const REASON_MOV_DR: u32 = 29;
export const REASON_IO: u32 = 30;
export const REASON_RDMSR: u32 = 31;
export const REASON_WRMSR: u32 = 32;
export const REASON_MWAIT: u32 = 36;
export const REASON_MONITOR: u32 = 39;
export const REASON_PAUSE: u32 = 40;
export const REASON_GDTR_IDTR: u32 = 46;
export const REASON_LDTR_TR: u32 = 47;
export const REASON_INVEPT: u32 = 50;
export const REASON_RDTSCP: u32 = 51;
export const REASON_INVVPID: u32 = 53;
export const REASON_WBINVD: u32 = 54;
export const REASON_XSETBV: u32 = 55;
export const REASON_RDRAND: u32 = 57;
export const REASON_INVPCID: u32 = 58;
export const REASON_VMFUNC: u32 = 59;
export const REASON_RDSEED: u32 = 61;
export const REASON_UMWAIT: u32 = 67;
export const REASON_TPAUSE: u32 = 68;

export const PRIMARY_HLT: u32 = 1 << 7;
export const PRIMARY_INVLPG: u32 = 1 << 9;
export const PRIMARY_MWAIT: u32 = 1 << 10;
export const PRIMARY_RDPMC: u32 = 1 << 11;
export const PRIMARY_RDTSC: u32 = 1 << 12;
export const PRIMARY_CR3_LOAD: u32 = 1 << 15;
export const PRIMARY_CR3_STORE: u32 = 1 << 16;
export const PRIMARY_CR8_LOAD: u32 = 1 << 19;
export const PRIMARY_CR8_STORE: u32 = 1 << 20;
export const PRIMARY_TPR_SHADOW: u32 = 1 << 21;
export const PRIMARY_MOV_DR: u32 = 1 << 23;
export const PRIMARY_UNCONDITIONAL_IO: u32 = 1 << 24;
export const PRIMARY_IO_BITMAPS: u32 = 1 << 25;
export const PRIMARY_MSR_BITMAPS: u32 = 1 << 28;
export const PRIMARY_MONITOR: u32 = 1 << 29;
export const PRIMARY_PAUSE: u32 = 1 << 30;

export const SECONDARY_DESCRIPTOR_TABLE: u32 = 1 << 2;
export const SECONDARY_RDTSCP: u32 = 1 << 3;
export const SECONDARY_WBINVD: u32 = 1 << 6;
export const SECONDARY_PAUSE_LOOP: u32 = 1 << 10;
export const SECONDARY_RDRAND: u32 = 1 << 11;
export const SECONDARY_INVPCID: u32 = 1 << 12;
export const SECONDARY_VMFUNC: u32 = 1 << 13;
export const SECONDARY_VMCS_SHADOWING: u32 = 1 << 14;
export const SECONDARY_RDSEED: u32 = 1 << 16;
export const SECONDARY_VE: u32 = 1 << 18;
export const SECONDARY_USER_WAIT: u32 = 1 << 26;

const INFO_VALID: u32 = 0x80000000;

// ---- Making an exit ---------------------------------------------------------------------------------------------------

/**
 * Begins a VM exit: reason and qualification as given, every other report cleared, IDT-vectoring information from the event
 * under delivery. Guest-linear and guest-physical address are the caller's.
 */
export function beginExit(reason: u32, qualification: u64): void {
  store<u32>(EXIT_REASON, reason);
  store<u64>(EXIT_QUALIFICATION, qualification);
  store<u32>(EXIT_LENGTH, 0);
  store<u32>(EXIT_INSTRUCTION_INFO, 0);
  store<u32>(EXIT_INTERRUPTION_INFO, 0);
  store<u32>(EXIT_INTERRUPTION_ERROR, 0);
  store<u32>(EXIT_IDT_INFO, 0);
  store<u32>(EXIT_IDT_ERROR, 0);
  store<u32>(EXIT_TRAP, 0);
  if (load<u32>(DELIVERING_VALID)) {
    store<u32>(EXIT_IDT_INFO, load<u32>(DELIVERING_INFO));
    store<u32>(EXIT_IDT_ERROR, load<u32>(DELIVERING_ERROR));
    store<u32>(EXIT_LENGTH, load<u32>(DELIVERING_LENGTH));
    store<u32>(DELIVERING_VALID, 0);
  }
  clearNmiUnblocking();
  store<u32>(STOP, STOP_VM_EXIT);
}

/** A VM exit from inside a memory access. Does not return. RFLAGS.RF is saved as for a fault, outside event delivery. */
export function leaveByUnwinding(reason: u32, qualification: u64): void {
  if (!load<u32>(DELIVERING_VALID)) store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) | FLAG_RF);
  beginExit(reason, qualification);
  unwind();
}

/** A VM exit instead of the slow instruction that runs; the caller returns at once. */
export function exitInstruction(reason: u32, qualification: u64): void {
  beginExit(reason, qualification);
  store<u32>(EXIT_LENGTH, load<u32>(SI_LENGTH));
  store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) & ~FLAG_RF);
}

/** The same with VM-exit instruction information. */
export function exitWithInfo(reason: u32, qualification: u64, info: u32): void {
  exitInstruction(reason, qualification);
  store<u32>(EXIT_INSTRUCTION_INFO, info);
}

/** In VMX non-root operation. */
export function inGuest(): bool {
  return load<u32>(NON_ROOT) != 0;
}

function primary(bit: u32): bool {
  return load<u32>(NON_ROOT) != 0 && (load<u32>(PRIMARY_CONTROLS) & bit) != 0;
}

function secondary(bit: u32): bool {
  return load<u32>(NON_ROOT) != 0 && (load<u32>(SECONDARY_CONTROLS) & bit) != 0;
}

/** Exits when a primary control asks for it; answers whether it did. */
export function exitByPrimary(bit: u32, reason: u32): bool {
  if (!primary(bit)) return false;
  exitInstruction(reason, 0);
  return true;
}

/** Exits when a secondary control asks for it; answers whether it did. */
export function exitBySecondary(bit: u32, reason: u32): bool {
  if (!secondary(bit)) return false;
  exitInstruction(reason, 0);
  return true;
}

/** Instructions that exit whatever the controls say; answers whether in non-root operation. */
export function exitAlways(reason: u32): bool {
  if (!load<u32>(NON_ROOT)) return false;
  exitInstruction(reason, 0);
  return true;
}

// ---- Exceptions -------------------------------------------------------------------------------------------------------

/** Whether the exception bitmap (for #PF with the error-code mask and match) makes a guest's exception exit. */
export function exceptionExits(vector: u32, error: u32): bool {
  if (!load<u32>(NON_ROOT)) return false;
  const bit = (load<u32>(EXCEPTION_BITMAP) >> vector) & 1;
  if (vector != VECTOR_PF) return bit != 0;
  const matches: u32 = (error & load<u32>(PFEC_MASK)) == load<u32>(PFEC_MATCH) ? 1 : 0;
  return bit == matches;
}

/** VM-exit interruption information of an event; error codes exist in protected mode only. */
export function interruptionInfo(vector: u32, type: u32, hasError: u32): u32 {
  const valid: u32 = hasError && load<u64>(CR0) & CR0_PE ? 1 << 11 : 0;
  return INFO_VALID | vector | (type << 8) | valid;
}

// ---- Bitmaps ----------------------------------------------------------------------------------------------------------

function bitOf(bitmap: u64, bit: u32): bool {
  const physical = bitmap + (bit >> 3);
  const byte: u32 = physical < load<u64>(RAM_SIZE) ? load<u8>(RAM + <usize>physical) : <u32>host_mmio_read(physical, 1);
  return ((byte >> (bit & 7)) & 1) != 0;
}

/** Whether an access to I/O ports exits (SDM "I/O-Bitmap Addresses"; an access that wraps round the port space exits). */
export function portExits(port: u32, size: u32): bool {
  if (!load<u32>(NON_ROOT)) return false;
  const controls = load<u32>(PRIMARY_CONTROLS);
  if (!(controls & PRIMARY_IO_BITMAPS)) return (controls & PRIMARY_UNCONDITIONAL_IO) != 0;
  if (port + size > 0x10000) return true;
  for (let p = port; p < port + size; p++) {
    if (p < 0x8000 ? bitOf(load<u64>(IO_BITMAP_A), p) : bitOf(load<u64>(IO_BITMAP_B), p - 0x8000)) return true;
  }
  return false;
}

/** Whether RDMSR or WRMSR of an MSR exits (SDM "MSR-Bitmap Address"). */
export function msrExits(index: u32, write: bool): bool {
  if (!load<u32>(NON_ROOT)) return false;
  if (!(load<u32>(PRIMARY_CONTROLS) & PRIMARY_MSR_BITMAPS)) return true;
  let part: u64;
  if (index < 0x2000) part = 0;
  else if (index - 0xc0000000 < 0x2000) part = 0x400;
  else return true;
  return bitOf(load<u64>(MSR_BITMAPS) + part + (write ? 0x800 : 0), index & 0x1fff);
}

/** Whether VMREAD or VMWRITE of an encoding exits in spite of VMCS shadowing. */
export function vmcsAccessExits(encoding: u64, write: bool): bool {
  if (!secondary(SECONDARY_VMCS_SHADOWING)) return true;
  if (encoding >> 15) return true;
  return bitOf(load<u64>(write ? VMWRITE_BITMAP : VMREAD_BITMAP), <u32>encoding);
}

/** RDRAND and RDSEED, for the integer instructions: answers whether it exited. */
export function interceptRandom(seed: bool): bool {
  if (!secondary(seed ? SECONDARY_RDSEED : SECONDARY_RDRAND)) return false;
  const info = (load<u32>(SI_RM) << 3) | ((load<u32>(SI_OPERAND_SIZE) - 1) << 11);
  exitWithInfo(seed ? REASON_RDSEED : REASON_RDRAND, 0, info);
  return true;
}

// ---- Instruction information (SDM "VM-Exit Instruction-Information Field" tables) ----------------------------------------

/** Address part common to the tables: scaling, address size, segment, index and base with their invalid bits. */
function memoryInfo(): u32 {
  const sib = load<u32>(SI_SIB);
  const base = (sib >> 16) & 0xff;
  const index = (sib >> 8) & 0xff;
  let info = (sib & 3) | ((load<u32>(SI_ADDRESS_SIZE) - 1) << 7) | (load<u32>(SI_SEGMENT) << 15);
  info |= index & 0x80 ? 1 << 22 : (index & 15) << 18;
  info |= base & 0x80 ? 1 << 27 : (base & 15) << 23;
  return info;
}

/** For a memory or register operand (bit 10 and bits 3 to 6), with `reg2` in bits 28 to 31. */
export function operandInfo(reg2: u32): u32 {
  const reg = reg2 << 28;
  if (load<u32>(SI_MEMORY)) return memoryInfo() | reg;
  return (1 << 10) | (load<u32>(SI_RM) << 3) | reg;
}

/** For INS and OUTS: address size and segment. */
export function stringIoInfo(segment: u32): u32 {
  return ((load<u32>(SI_ADDRESS_SIZE) - 1) << 7) | (segment << 15);
}

/** The displacement as exit qualification; a RIP-relative one has the address of the next instruction added. */
export function displacementQualification(): u64 {
  if (!load<u32>(SI_MEMORY)) return 0;
  const ripRelative = load<u32>(CODE_MODE) == 2 && (load<u32>(SI_MODRM) & 0xc7) == 5;
  return ripRelative ? load<u64>(SI_OFFSET) : <u64>load<i64>(SI_DISPLACEMENT);
}
