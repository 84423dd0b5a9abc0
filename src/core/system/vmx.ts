// The VMX instructions' front end (SDM "VMX Instruction Reference"): which exception or VM exit comes first, and the operands.
// In VMX root operation TypeScript carries the instruction out (STOP_VMX_INSTRUCTION) and ends it with `finishVmx`; VMPTRST,
// VMREAD and VMWRITE that succeed are done here.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CODE_MODE,
  CPL,
  CR0,
  CR4,
  CR4_ALLOWED,
  EPTP,
  EPTP_LIST,
  FEATURE_CONTROL,
  INTERRUPTIBILITY,
  NON_ROOT,
  PENDING_DEBUG,
  RAM,
  RAX,
  RCX,
  REMAINING,
  RESERVED_PHYSICAL,
  SECONDARY_CONTROLS,
  SHADOW_VMCS_ADDRESS,
  SI_LENGTH,
  SI_MEMORY,
  SI_MODRM,
  SI_OFFSET,
  SI_OPCODE,
  SI_OPERAND_SIZE,
  SI_REG,
  SI_REPEAT,
  SI_RM,
  SI_SEGMENT,
  STOP,
  STOP_VMX_INSTRUCTION,
  SYSTEM_FLAGS,
  VMCS_ADDRESS,
  VMCS_POINTER,
  VMX_DESCRIPTOR,
  VMX_INSTRUCTION,
  VMX_INVEPT,
  VMX_INVVPID,
  VMX_LENGTH,
  VMX_OFFERS,
  VMX_ON,
  VMX_OPERAND,
  VMX_VALUE,
  VMX_VMCALL,
  VMX_VMCLEAR,
  VMX_VMLAUNCH,
  VMX_VMPTRLD,
  VMX_VMREAD,
  VMX_VMRESUME,
  VMX_VMWRITE,
  VMX_VMXOFF,
  VMX_VMXON,
  VM_FUNCTION_CONTROLS,
  WATCHES,
  WATCH_READ,
  WATCH_WRITE,
} from '../layout.ts';
import {
  BLOCKING_MOV_SS,
  BLOCKING_STI,
  CR0_NE,
  CR0_PE,
  CR0_PG,
  CR4_VMXE,
  FLAG_RF,
  FLAG_TF,
  VECTOR_GP,
  VECTOR_UD,
} from '../bits.ts';
import { DR6_BS, attend, raise, raiseNoError } from '../events.ts';
import { setStatus } from '../flags.ts';
import { F_EPT_POINTER, F_EPTP_INDEX, F_VM_INSTRUCTION_ERROR } from '../generated/vmcs-offsets.ts';
import { readRegister, writeRegister } from '../integer/operands.ts';
import {
  REASON_INVEPT,
  REASON_INVVPID,
  REASON_VMCALL,
  REASON_VMCLEAR,
  REASON_VMFUNC,
  REASON_VMLAUNCH,
  REASON_VMPTRLD,
  REASON_VMPTRST,
  REASON_VMREAD,
  REASON_VMRESUME,
  REASON_VMWRITE,
  REASON_VMXOFF,
  REASON_VMXON,
  SECONDARY_VE,
  SECONDARY_VMFUNC,
  displacementQualification,
  exitInstruction,
  exitWithInfo,
  operandInfo,
  vmcsAccessExits,
} from '../intercepts.ts';
import { readMemory, writeMemory } from '../memory.ts';
import { readPhysical } from '../physical.ts';
import { segmentAddress } from '../segments.ts';
import { retire } from '../slow.ts';
import { MODE_64, getReg, getRip, isLongMode, isProtected, isV86, setRip } from '../state.ts';
import { flushTlb } from '../tlb.ts';
import { FIELD_READ_ONLY, loadVmcsField, storeVmcsField, vmcsField } from '../vmx/fields.ts';
import { aloneIfPageWatched, aloneIfWatched, physicalAccess } from '../watches.ts';

const STATUS_CF: u32 = 1;
const STATUS_ZF: u32 = 1 << 6;
const LOCKED_AND_ENABLED: u64 = 5;
const VM_SUCCEED: u32 = 0;
const VM_FAIL_INVALID: u32 = 1;
const VMFUNC_EPTP_SWITCHING: u64 = 1;
const OFFERS_WALK_5: u32 = 1 << 4;
const OFFERS_ACCESSED_DIRTY: u32 = 1 << 5;
const UNSUPPORTED_COMPONENT: u32 = 12;
const READ_ONLY_COMPONENT: u32 = 13;

/** Modes in which no VMX instruction exists: real-address and virtual-8086 mode, compatibility mode. @inline */
function requireMode(): void {
  if (!isProtected() || isV86() || (isLongMode() && load<u32>(CODE_MODE) != MODE_64)) raiseNoError(VECTOR_UD);
}

/** @inline */
function requirePrivilege(): void {
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
}

/**
 * What most of them begin with; answers whether the instruction became a VM exit. `information` is the VM-exit
 * instruction information; `memory` says whether it has a memory operand at all.
 */
function enter(reason: u32, memory: bool, information: u32): bool {
  if (!load<u32>(VMX_ON)) raiseNoError(VECTOR_UD);
  requireMode();
  if (load<u32>(NON_ROOT)) {
    if (memory) exitWithInfo(reason, displacementQualification(), information);
    else exitInstruction(reason, 0);
    return true;
  }
  requirePrivilege();
  return false;
}

/** Leaves the instruction to TypeScript. */
function hand(instruction: u32): void {
  store<u32>(VMX_INSTRUCTION, instruction);
  store<u32>(VMX_LENGTH, load<u32>(SI_LENGTH));
  store<u32>(STOP, STOP_VMX_INSTRUCTION);
}

/** Linear address of the memory operand. */
function operand(bytes: u32, access: u32): u64 {
  return segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), bytes, access);
}

/** A register operand: 64 bits in 64-bit mode, else 32. @inline */
function register(index: u32): u64 {
  return load<u32>(CODE_MODE) == MODE_64 ? getReg(index) : getReg(index) & 0xffffffff;
}

/** Ends the VMX instruction at RIP: 0 VMsucceed, 1 VMfailInvalid, n + 1 VMfailValid with VM-instruction error n. */
export function finishVmx(outcome: u32): void {
  setStatus(outcome == VM_SUCCEED ? 0 : outcome == VM_FAIL_INVALID ? STATUS_CF : STATUS_ZF);
  setRip(getRip() + load<u32>(VMX_LENGTH));
  store<i32>(REMAINING, load<i32>(REMAINING) - 1);
  // The end of an instruction, as `afterInstruction` would see it.
  const flags = load<u32>(SYSTEM_FLAGS);
  if (flags & FLAG_TF) store<u64>(PENDING_DEBUG, load<u64>(PENDING_DEBUG) | DR6_BS);
  store<u32>(SYSTEM_FLAGS, flags & ~FLAG_RF);
  store<u32>(INTERRUPTIBILITY, load<u32>(INTERRUPTIBILITY) & ~(BLOCKING_STI | BLOCKING_MOV_SS));
  store<u32>(STOP, 0);
  attend();
}

export function execVmx(): void {
  if (load<u32>(SI_OPCODE) == 0x0fc7) {
    if (((load<u32>(SI_MODRM) >> 3) & 7) == 7) vmptrst();
    else if (load<u32>(SI_REPEAT) == 0xf3) vmxon();
    else if (load<u32>(SI_OPERAND_SIZE) == 1) pointerInstruction(REASON_VMCLEAR, VMX_VMCLEAR);
    else pointerInstruction(REASON_VMPTRLD, VMX_VMPTRLD);
    return;
  }
  const modrm = load<u32>(SI_MODRM);
  if (modrm == 0xc1) vmcall();
  else if (modrm == 0xc2) plainInstruction(REASON_VMLAUNCH, VMX_VMLAUNCH);
  else if (modrm == 0xc3) plainInstruction(REASON_VMRESUME, VMX_VMRESUME);
  else plainInstruction(REASON_VMXOFF, VMX_VMXOFF);
}

function plainInstruction(reason: u32, instruction: u32): void {
  if (!enter(reason, false, 0)) hand(instruction);
}

/** VMCALL exits from every mode of a guest. */
function vmcall(): void {
  if (!load<u32>(VMX_ON)) raiseNoError(VECTOR_UD);
  if (load<u32>(NON_ROOT)) {
    exitInstruction(REASON_VMCALL, 0);
    return;
  }
  requireMode();
  requirePrivilege();
  hand(VMX_VMCALL);
}

function vmxon(): void {
  if (!(load<u64>(CR4) & CR4_VMXE)) raiseNoError(VECTOR_UD);
  requireMode();
  if (load<u32>(NON_ROOT)) {
    exitWithInfo(REASON_VMXON, displacementQualification(), operandInfo(0));
    return;
  }
  requirePrivilege();
  if (load<u32>(VMX_ON)) {
    hand(VMX_VMXON); // VMfail, whatever the operand
    return;
  }
  const fixed = CR0_PE | CR0_NE | CR0_PG;
  if (fixed & ~load<u64>(CR0)) raise(VECTOR_GP, 0);
  const allowed = load<u64>(CR4_ALLOWED);
  if (allowed && load<u64>(CR4) & ~allowed) raise(VECTOR_GP, 0);
  if ((load<u64>(FEATURE_CONTROL) & LOCKED_AND_ENABLED) != LOCKED_AND_ENABLED) raise(VECTOR_GP, 0);
  store<u64>(VMX_OPERAND, readMemory(operand(8, ACCESS_READ), 3));
  hand(VMX_VMXON);
}

function pointerInstruction(reason: u32, instruction: u32): void {
  if (enter(reason, true, operandInfo(0))) return;
  store<u64>(VMX_OPERAND, readMemory(operand(8, ACCESS_READ), 3));
  hand(instruction);
}

function vmptrst(): void {
  if (enter(REASON_VMPTRST, true, operandInfo(0))) return;
  writeMemory(operand(8, ACCESS_WRITE), 3, load<u64>(VMCS_POINTER));
  setStatus(0);
  retire();
}

// ---- VMREAD and VMWRITE -----------------------------------------------------------------------------------------------------

/** Address of the VMCS that the instruction acts on, or 0; a guest with VMCS shadowing has a shadow VMCS. @inline */
function region(): usize {
  return load<u32>(NON_ROOT) ? load<u32>(SHADOW_VMCS_ADDRESS) : load<u32>(VMCS_ADDRESS);
}

/** The checks of both; answers whether the instruction became a VM exit. @inline */
function enterAccess(reason: u32, encoding: u64, write: bool): bool {
  if (!load<u32>(VMX_ON)) raiseNoError(VECTOR_UD);
  requireMode();
  if (load<u32>(NON_ROOT) && vmcsAccessExits(encoding, write)) {
    exitWithInfo(reason, displacementQualification(), accessInfo());
    return true;
  }
  requirePrivilege();
  return false;
}

/** Instruction information of VMREAD and VMWRITE: a register operand r/m is Reg1, the encoding's register Reg2. */
function accessInfo(): u32 {
  return operandInfo(load<u32>(SI_REG));
}

/** A shadowed access that fails does so in the guest: there is no TypeScript to explain it to. The shadow VMCS has the error. */
function failInGuest(error: u32): bool {
  if (!load<u32>(NON_ROOT)) return false;
  const base = region();
  if (base) store<u32>(base + F_VM_INSTRUCTION_ERROR, error);
  setStatus(base ? STATUS_ZF : STATUS_CF);
  retire();
  return true;
}

/** A field is read or written where the region holds it. */
function fieldAccess(base: usize, row: u32, encoding: u32, kind: u32): void {
  const high = encoding & 1;
  physicalAccess(<u64>(base - RAM + (row & 0xffff) + high * 4), high ? 4 : 8, u64.MAX_VALUE, kind);
}

export function execVmread(): void {
  const encoding = register(load<u32>(SI_REG));
  if (enterAccess(REASON_VMREAD, encoding, false)) return;
  const size: u32 = load<u32>(CODE_MODE) == MODE_64 ? 3 : 2;
  const base = region();
  const row = base ? vmcsField(encoding) : 0;
  if (!row) {
    if (failInGuest(UNSUPPORTED_COMPONENT)) return;
    store<u64>(VMX_OPERAND, encoding);
    hand(VMX_VMREAD);
    return;
  }
  if (load<u32>(WATCHES)) aloneIfPageWatched(<u64>(base - RAM));
  const value = loadVmcsField(base, row, <u32>encoding);
  if (load<u32>(SI_MEMORY)) writeMemory(operand(1 << size, ACCESS_WRITE), size, value);
  else writeRegister(load<u32>(SI_RM), size, value);
  if (load<u32>(WATCHES)) fieldAccess(base, row, <u32>encoding, WATCH_READ);
  setStatus(0);
  retire();
}

export function execVmwrite(): void {
  const encoding = register(load<u32>(SI_REG));
  if (enterAccess(REASON_VMWRITE, encoding, true)) return;
  const size: u32 = load<u32>(CODE_MODE) == MODE_64 ? 3 : 2;
  const base = region();
  // Without a VMCS it fails before its memory operand is read.
  const value = !load<u32>(SI_MEMORY)
    ? readRegister(load<u32>(SI_RM), size)
    : base
      ? readMemory(operand(1 << size, ACCESS_READ), size)
      : 0;
  const row = base ? vmcsField(encoding) : 0;
  if (!row || row & FIELD_READ_ONLY) {
    if (failInGuest(row ? READ_ONLY_COMPONENT : UNSUPPORTED_COMPONENT)) return;
    store<u64>(VMX_OPERAND, encoding);
    store<u64>(VMX_VALUE, value);
    hand(VMX_VMWRITE);
    return;
  }
  if (load<u32>(WATCHES)) {
    aloneIfPageWatched(<u64>(base - RAM));
    fieldAccess(base, row, <u32>encoding, WATCH_WRITE);
  }
  storeVmcsField(base, row, <u32>encoding, value);
  setStatus(0);
  retire();
}

// ---- INVEPT, INVVPID, VMFUNC --------------------------------------------------------------------------------------------------

/** `firstType` is the bit of VMX_OFFERS for type 0. */
function invalidate(reason: u32, instruction: u32, firstType: u32): void {
  if (enter(reason, true, operandInfo(load<u32>(SI_REG)))) return;
  const type = register(load<u32>(SI_REG));
  store<u64>(VMX_OPERAND, type);
  // A type that is not supported fails before the descriptor is read.
  if (type < 4 && (load<u32>(VMX_OFFERS) >> (firstType + <u32>type)) & 1) {
    const linear = operand(16, ACCESS_READ);
    store<u64>(VMX_DESCRIPTOR, readMemory(linear, 3));
    store<u64>(VMX_DESCRIPTOR, readMemory(linear + 8, 3), 8);
  }
  hand(instruction);
}

/** Whether the processor has an instruction (bit of VMX_OFFERS). */
function requireOffered(bit: u32): void {
  if (!(load<u32>(VMX_OFFERS) & bit)) raiseNoError(VECTOR_UD);
}

export function execInvept(): void {
  requireOffered(1);
  invalidate(REASON_INVEPT, VMX_INVEPT, 8);
}
export function execInvvpid(): void {
  requireOffered(2);
  invalidate(REASON_INVVPID, VMX_INVVPID, 12);
}

/** VMFUNC: VM function 0 is EPTP switching; everything else exits (SDM "VMFUNC - Invoke VM function"). */
export function execVmfunc(): void {
  if (!load<u32>(NON_ROOT) || !(load<u32>(SECONDARY_CONTROLS) & SECONDARY_VMFUNC)) raiseNoError(VECTOR_UD);
  if (load<u32>(RAX) >= 64) raiseNoError(VECTOR_UD);
  if (load<u32>(RAX) || !(load<u64>(VM_FUNCTION_CONTROLS) & VMFUNC_EPTP_SWITCHING) || load<u32>(RCX) >= 512) {
    exitInstruction(REASON_VMFUNC, 0);
    return;
  }
  aloneIfWatched();
  const eptp = readPhysical(load<u64>(EPTP_LIST) + load<u32>(RCX) * 8, 3);
  if (!validEptp(eptp)) {
    exitInstruction(REASON_VMFUNC, 0);
    return;
  }
  store<u64>(EPTP, eptp);
  store<u64>(load<u32>(VMCS_ADDRESS) + F_EPT_POINTER, eptp);
  if (load<u32>(SECONDARY_CONTROLS) & SECONDARY_VE) store<u64>(load<u32>(VMCS_ADDRESS) + F_EPTP_INDEX, load<u32>(RCX));
  flushTlb(2);
  retire();
}

/** What VM entry demands of an EPTP: memory type UC or WB, walk length 4 or 5, reserved bits clear. */
function validEptp(eptp: u64): bool {
  const type = <u32>eptp & 7;
  const length = (<u32>eptp >> 3) & 7;
  const offers = load<u32>(VMX_OFFERS);
  if ((type != 0 && type != 6) || (length != 3 && !(length == 4 && offers & OFFERS_WALK_5))) return false;
  if (eptp & 0x40 && !(offers & OFFERS_ACCESSED_DIRTY)) return false;
  return !(eptp & (0xf80 | 0xfff0000000000000 | load<u64>(RESERVED_PHYSICAL)));
}
