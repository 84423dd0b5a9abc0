// MOV to and from control registers, CLTS, LMSW, SMSW: rules of the processor (SDM "MOV - Move to/from Control Registers")
// and of VMX non-root operation (SDM "Changes to Instruction Behavior in VMX Non-Root Operation").

import {
  ACCESS_READ,
  ACCESS_WRITE,
  ATTENTION,
  ATTEND_LOOK,
  CODE_MODE,
  CPL,
  CR0,
  CR0_MASK,
  CR0_SHADOW,
  CR3,
  CR3_TARGET0,
  CR3_TARGET_COUNT,
  CR4,
  CR4_ALLOWED,
  CR4_MASK,
  CR4_SHADOW,
  CR8,
  CS,
  EFER,
  EXIT_GUEST_LINEAR,
  NON_ROOT,
  PRIMARY_CONTROLS,
  RESERVED_PHYSICAL,
  SECONDARY_CONTROLS,
  SI_MEMORY,
  SI_OFFSET,
  SI_OPERAND_SIZE,
  SI_REG,
  SI_RM,
  SI_SEGMENT,
  VIRTUAL_APIC,
  VMX_ON,
} from '../layout.ts';
import {
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  CR4_CET,
  CR4_LA57,
  CR4_PAE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PKE,
  CR4_PKS,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  CR4_UMIP,
  CR4_VMXE,
  EFER_LMA,
  EFER_LME,
  RIGHTS_L,
  VECTOR_GP,
  VECTOR_UD,
} from '../bits.ts';
import { raise, raiseNoError } from '../events.ts';
import { readRm, writeRegister } from '../integer/operands.ts';
import {
  PRIMARY_CR3_LOAD,
  PRIMARY_CR3_STORE,
  PRIMARY_CR8_LOAD,
  PRIMARY_CR8_STORE,
  PRIMARY_TPR_SHADOW,
  REASON_CR_ACCESS,
  exitInstruction,
} from '../intercepts.ts';
import { writeMemory } from '../memory.ts';
import { readPhysical, writePhysical } from '../physical.ts';
import { loadPdptes } from '../paging.ts';
import { segmentAddress } from '../segments.ts';
import { retire } from '../slow.ts';
import { MODE_64, getReg, isLongMode, segRights, setReg, updateMode } from '../state.ts';
import { flushTlb } from '../tlb.ts';
import { virtualizeTpr } from '../virtual-apic.ts';
import { aloneIfWatched } from '../watches.ts';

const CR0_KNOWN: u64 = 0xe005003f;
const CR4_SIMULATED: u64 = 0x1773fff; // what the core carries out: no SMXE, CET
const SECONDARY_UNRESTRICTED: u32 = 1 << 7;

// Access types in the exit qualification.
const MOV_TO: u32 = 0;
const MOV_FROM: u32 = 1;
const CLTS: u32 = 2;
const LMSW: u32 = 3;

function requirePrivilege(): void {
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
}

/** CR0 and CR4 as the guest reads them: bits that the host owns come from the read shadow. */
function merged(real: u64, mask: u64, shadow: u64): u64 {
  return load<u32>(NON_ROOT) ? (real & ~mask) | (shadow & mask) : real;
}
export function visibleCr0(): u64 {
  return merged(load<u64>(CR0), load<u64>(CR0_MASK), load<u64>(CR0_SHADOW));
}
export function visibleCr4(): u64 {
  return merged(load<u64>(CR4), load<u64>(CR4_MASK), load<u64>(CR4_SHADOW));
}

function qualification(register: u32, type: u32): u64 {
  return <u64>(register | (type << 4) | (load<u32>(SI_RM) << 8));
}

function controls(bit: u32): bool {
  return load<u32>(NON_ROOT) != 0 && (load<u32>(PRIMARY_CONTROLS) & bit) != 0;
}

/** Flushes the translations of the running side. */
export function flushOwn(): void {
  flushTlb(load<u32>(NON_ROOT) ? 2 : 1);
}

// ---- MOV ----------------------------------------------------------------------------------------------------------------

function checkRegister(register: u32): void {
  const known = register == 0 || (register >= 2 && register <= 4) || (register == 8 && load<u32>(CODE_MODE) == MODE_64);
  if (!known) raiseNoError(VECTOR_UD);
}

export function execMovFromCr(): void {
  const register = load<u32>(SI_REG);
  checkRegister(register);
  requirePrivilege();
  let value: u64;
  if (register == 0) value = visibleCr0();
  else if (register == 2) value = load<u64>(CR0 + 8);
  else if (register == 3) {
    if (controls(PRIMARY_CR3_STORE)) {
      exitInstruction(REASON_CR_ACCESS, qualification(3, MOV_FROM));
      return;
    }
    value = load<u64>(CR3);
  } else if (register == 4) value = visibleCr4();
  else {
    if (controls(PRIMARY_CR8_STORE)) {
      exitInstruction(REASON_CR_ACCESS, qualification(8, MOV_FROM));
      return;
    }
    if (controls(PRIMARY_TPR_SHADOW)) {
      aloneIfWatched();
      value = readPhysical(virtualTpr(), 0) >> 4;
    } else value = load<u64>(CR8);
  }
  setReg(load<u32>(SI_RM), load<u32>(CODE_MODE) == MODE_64 ? value : value & 0xffffffff);
  retire();
}

export function execMovToCr(): void {
  const register = load<u32>(SI_REG);
  checkRegister(register);
  requirePrivilege();
  let value = getReg(load<u32>(SI_RM));
  if (load<u32>(CODE_MODE) != MODE_64) value &= 0xffffffff;
  if (register == 0) movToCr0(value);
  else if (register == 2) {
    store<u64>(CR0 + 8, value);
    retire();
  } else if (register == 3) movToCr3(value);
  else if (register == 4) movToCr4(value);
  else movToCr8(value);
}

function movToCr0(value: u64): void {
  if (load<u32>(NON_ROOT)) {
    const mask = load<u64>(CR0_MASK);
    if ((value ^ load<u64>(CR0_SHADOW)) & mask) {
      exitInstruction(REASON_CR_ACCESS, qualification(0, MOV_TO));
      return;
    }
    value = (value & ~mask) | (load<u64>(CR0) & mask);
  }
  writeCr0(value);
  retire();
}

/** CR0 bits that must be 1 in VMX operation; paging and protection are free in an unrestricted guest. */
function fixedCr0(): u64 {
  if (!load<u32>(VMX_ON)) return 0;
  const unrestricted = load<u32>(NON_ROOT) && load<u32>(SECONDARY_CONTROLS) & SECONDARY_UNRESTRICTED;
  return unrestricted ? CR0_NE : CR0_PE | CR0_NE | CR0_PG;
}

/** Writes CR0 with every check and consequence. */
function writeCr0(wanted: u64): void {
  if (wanted >> 32) raise(VECTOR_GP, 0);
  const value = (wanted & CR0_KNOWN) | CR0_ET;
  const old = load<u64>(CR0);
  const changed = old ^ value;
  const cr4 = load<u64>(CR4);
  if ((value & (CR0_PG | CR0_PE)) == CR0_PG) raise(VECTOR_GP, 0);
  if ((value & (CR0_CD | CR0_NW)) == CR0_NW) raise(VECTOR_GP, 0);
  if (!(value & CR0_WP) && cr4 & CR4_CET) raise(VECTOR_GP, 0);
  if (fixedCr0() & ~value) raise(VECTOR_GP, 0);
  const efer = load<u64>(EFER);
  let newEfer = efer;
  if (changed & CR0_PG) {
    if (value & CR0_PG) {
      if (efer & EFER_LME) {
        if (!(cr4 & CR4_PAE) || segRights(CS) & RIGHTS_L) raise(VECTOR_GP, 0);
        newEfer |= EFER_LMA;
      }
    } else {
      if (load<u32>(CODE_MODE) == MODE_64 || cr4 & CR4_PCIDE) raise(VECTOR_GP, 0);
      newEfer &= ~EFER_LMA;
    }
  }
  if (value & CR0_PG && changed & (CR0_PG | CR0_CD | CR0_NW) && cr4 & CR4_PAE && !(newEfer & EFER_LMA)) {
    if (!loadPdptes(load<u64>(CR3))) raise(VECTOR_GP, 0);
  }
  store<u64>(CR0, value);
  store<u64>(EFER, newEfer);
  if (changed & (CR0_PG | CR0_WP | CR0_PE)) flushOwn();
  updateMode();
}

function isTarget(value: u64): bool {
  const count = load<u32>(CR3_TARGET_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    if (load<u64>(CR3_TARGET0 + ((<usize>i) << 3)) == value) return true;
  }
  return false;
}

function movToCr3(value: u64): void {
  if (controls(PRIMARY_CR3_LOAD) && !isTarget(value)) {
    exitInstruction(REASON_CR_ACCESS, qualification(3, MOV_TO));
    return;
  }
  const cr4 = load<u64>(CR4);
  if (load<u32>(CODE_MODE) == MODE_64) {
    if (cr4 & CR4_PCIDE) value &= ~((<u64>1) << 63); // asks to keep translations; more is flushed than need be
    if (value & (load<u64>(RESERVED_PHYSICAL) | 0xfff0000000000000)) raise(VECTOR_GP, 0);
  }
  if (cr4 & CR4_PAE && load<u64>(CR0) & CR0_PG && !isLongMode() && !loadPdptes(value)) raise(VECTOR_GP, 0);
  store<u64>(CR3, value);
  flushOwn();
  retire();
}

function movToCr4(value: u64): void {
  if (load<u32>(NON_ROOT)) {
    const mask = load<u64>(CR4_MASK);
    if ((value ^ load<u64>(CR4_SHADOW)) & mask) {
      exitInstruction(REASON_CR_ACCESS, qualification(4, MOV_TO));
      return;
    }
    value = (value & ~mask) | (load<u64>(CR4) & mask);
  }
  const old = load<u64>(CR4);
  const changed = old ^ value;
  const offered = load<u64>(CR4_ALLOWED);
  if (value & ~(offered ? offered : CR4_SIMULATED)) raise(VECTOR_GP, 0);
  if (load<u32>(VMX_ON) && !(value & CR4_VMXE)) raise(VECTOR_GP, 0);
  const long = isLongMode();
  if (long && (!(value & CR4_PAE) || changed & CR4_LA57)) raise(VECTOR_GP, 0);
  if (changed & value & CR4_PCIDE && (!long || load<u64>(CR3) & 0xfff)) raise(VECTOR_GP, 0);
  if (value & CR4_CET && !(load<u64>(CR0) & CR0_WP)) raise(VECTOR_GP, 0);
  if (load<u64>(CR0) & CR0_PG && value & CR4_PAE && !long && changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)) {
    if (!loadPdptes(load<u64>(CR3))) raise(VECTOR_GP, 0);
  }
  store<u64>(CR4, value);
  const translation = CR4_PAE | CR4_PGE | CR4_PSE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_PKS | CR4_LA57;
  if (changed & translation) flushOwn();
  updateMode();
  retire();
}

/** Physical address of VTPR in the virtual-APIC page. */
function virtualTpr(): u64 {
  return load<u64>(VIRTUAL_APIC) + 0x80;
}

function movToCr8(value: u64): void {
  if (controls(PRIMARY_CR8_LOAD)) {
    exitInstruction(REASON_CR_ACCESS, qualification(8, MOV_TO));
    return;
  }
  if (value >> 4) raise(VECTOR_GP, 0);
  if (controls(PRIMARY_TPR_SHADOW)) {
    aloneIfWatched();
    writePhysical(virtualTpr(), 2, value << 4);
    retire();
    virtualizeTpr();
    return;
  }
  store<u64>(CR8, value);
  // The local APIC has the same priority register: the board looks at it.
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_LOOK);
  retire();
}

// ---- CLTS, LMSW, SMSW -----------------------------------------------------------------------------------------------------

export function execClts(): void {
  requirePrivilege();
  if (load<u32>(NON_ROOT) && load<u64>(CR0_MASK) & CR0_TS) {
    if (load<u64>(CR0_SHADOW) & CR0_TS) {
      exitInstruction(REASON_CR_ACCESS, <u64>(CLTS << 4));
      return;
    }
  } else store<u64>(CR0, load<u64>(CR0) & ~CR0_TS);
  retire();
}

/** LMSW exits when it would give a bit that the host owns another value than the shadow's; it never clears PE. */
function lmswExits(source: u64): bool {
  const mask = load<u64>(CR0_MASK);
  const shadow = load<u64>(CR0_SHADOW);
  if (mask & CR0_PE && source & CR0_PE && !(shadow & CR0_PE)) return true;
  return (mask & (source ^ shadow) & (CR0_MP | CR0_EM | CR0_TS)) != 0;
}

export function execLmsw(): void {
  requirePrivilege();
  const source = readRm(1);
  let settable = CR0_MP | CR0_EM | CR0_TS | (source & CR0_PE);
  if (load<u32>(NON_ROOT)) {
    if (lmswExits(source)) {
      const memory = load<u32>(SI_MEMORY);
      const linear = memory ? segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), 2, ACCESS_READ) : 0;
      store<u64>(EXIT_GUEST_LINEAR, linear);
      exitInstruction(REASON_CR_ACCESS, <u64>((LMSW << 4) | (memory << 6)) | (source << 16));
      return;
    }
    settable &= ~load<u64>(CR0_MASK);
  }
  writeCr0((load<u64>(CR0) & ~settable) | (source & settable));
  retire();
}

export function execSmsw(): void {
  if (load<u64>(CR4) & CR4_UMIP && load<u32>(CPL)) raise(VECTOR_GP, 0);
  const value = visibleCr0();
  if (load<u32>(SI_MEMORY))
    writeMemory(segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), 2, ACCESS_WRITE), 1, value & 0xffff);
  else writeRegister(load<u32>(SI_RM), load<u32>(SI_OPERAND_SIZE), value);
  retire();
}
