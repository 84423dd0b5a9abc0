// RDMSR, WRMSR and the instructions that read or write what else would be an MSR: time-stamp counter, FS and GS bases,
// XCR0, PKRU.

import {
  ABSENT,
  ABSENT_XSAVEC,
  ATTENTION,
  ATTEND_LOOK,
  CODE_MODE,
  CPL,
  CR4,
  FS,
  GS,
  KERNEL_GS_BASE,
  MSR_VALUE,
  NON_ROOT,
  PKRU,
  PRIMARY_CONTROLS,
  RAX,
  RCX,
  RDX,
  SECONDARY_CONTROLS,
  SEGMENTS,
  SEGMENT_SIZE,
  SEG_BASE,
  SI_MODRM,
  SI_OPERAND_SIZE,
  SI_RM,
  TSC_AUX,
  TSC_BASE,
  TSC_MULTIPLIER,
  TSC_OFFSET,
  XCR0,
} from '../layout.ts';
import { CR4_FSGSBASE, CR4_OSXSAVE, CR4_PCE, CR4_PKE, CR4_TSD, FLAG_AC, VECTOR_GP, VECTOR_UD } from '../bits.ts';
import { changeFlags, raise, raiseNoError } from '../events.ts';
import { highUnsigned } from '../flags.ts';
import { host_rdmsr, host_wrmsr } from '../host.ts';
import { writeRegister } from '../integer/operands.ts';
import {
  PRIMARY_RDPMC,
  PRIMARY_RDTSC,
  REASON_RDMSR,
  REASON_RDPMC,
  REASON_RDTSC,
  REASON_RDTSCP,
  REASON_WRMSR,
  REASON_XSETBV,
  SECONDARY_RDTSCP,
  exitAlways,
  exitByPrimary,
  exitInstruction,
  msrExits,
} from '../intercepts.ts';
import { retire } from '../slow.ts';
import { MODE_64, getReg, isCanonical, isV86, time, updateMode } from '../state.ts';
import { completeVirtualMsr, readVirtualMsr, writeVirtualMsr } from '../virtual-apic.ts';
import { componentsInUse } from '../x87/state.ts';
import { flushOwn } from './control-registers.ts';

const ANSWER_DEVICES: u32 = 2;
const XCR0_X87: u64 = 1;
const XCR0_SSE: u64 = 2;
const ANSWER_MODE: u32 = 4;
const MSR_FS_BASE: u32 = 0xc0000100;
const MSR_GS_BASE: u32 = 0xc0000101;
const MSR_KERNEL_GS_BASE: u32 = 0xc0000102;

function setPair(value: u64): void {
  store<u64>(RAX, value & 0xffffffff);
  store<u64>(RDX, value >> 32);
}

/** Cell of an MSR that the core handles without its host, or 0. */
function ownMsr(index: u32): usize {
  if (index == MSR_FS_BASE) return SEGMENTS + FS * SEGMENT_SIZE + SEG_BASE;
  if (index == MSR_GS_BASE) return SEGMENTS + GS * SEGMENT_SIZE + SEG_BASE;
  return index == MSR_KERNEL_GS_BASE ? KERNEL_GS_BASE : 0;
}

export function execRdmsr(): void {
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
  const index = load<u32>(RCX);
  if (msrExits(index, false)) {
    exitInstruction(REASON_RDMSR, 0);
    return;
  }
  const own = ownMsr(index);
  if (readVirtualMsr(index)) setPair(load<u64>(MSR_VALUE));
  else if (own) setPair(load<u64>(own));
  else {
    if (!host_rdmsr(index)) raise(VECTOR_GP, 0);
    setPair(load<u64>(MSR_VALUE));
  }
  retire();
}

export function execWrmsr(): void {
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
  const index = load<u32>(RCX);
  if (msrExits(index, true)) {
    exitInstruction(REASON_WRMSR, 0);
    return;
  }
  const value = <u64>load<u32>(RAX) | ((<u64>load<u32>(RDX)) << 32);
  if (writeVirtualMsr(index, value)) {
    retire();
    completeVirtualMsr(index, value);
    return;
  }
  const own = ownMsr(index);
  if (own) {
    if (!isCanonical(value)) raise(VECTOR_GP, 0);
    store<u64>(own, value);
  } else {
    store<u64>(MSR_VALUE, value);
    const answer = host_wrmsr(index);
    if (!answer) raise(VECTOR_GP, 0);
    if (answer & ANSWER_DEVICES) store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_LOOK);
    if (answer & ANSWER_MODE) {
      flushOwn();
      updateMode();
    }
  }
  retire();
}

// ---- Time -----------------------------------------------------------------------------------------------------------------

/** The time-stamp counter as the running side reads it. */
export function timeStamp(): u64 {
  const counter = time() + load<u64>(TSC_BASE);
  if (!load<u32>(NON_ROOT)) return counter;
  const multiplier = load<u64>(TSC_MULTIPLIER);
  const scaled =
    multiplier == (<u64>1) << 48 ? counter : (highUnsigned(counter, multiplier) << 16) | ((counter * multiplier) >> 48);
  return scaled + load<u64>(TSC_OFFSET);
}

function checkTsd(): void {
  if (load<u64>(CR4) & CR4_TSD && load<u32>(CPL)) raise(VECTOR_GP, 0);
}

export function execRdtsc(): void {
  checkTsd();
  if (exitByPrimary(PRIMARY_RDTSC, REASON_RDTSC)) return;
  setPair(timeStamp());
  retire();
}

/** RDTSCP and RDPID are invalid in a guest without "enable RDTSCP". */
function requireRdtscp(): void {
  if (load<u32>(NON_ROOT) && !(load<u32>(SECONDARY_CONTROLS) & SECONDARY_RDTSCP)) raiseNoError(VECTOR_UD);
}

export function execRdtscp(): void {
  requireRdtscp();
  checkTsd();
  if (exitByPrimary(PRIMARY_RDTSC, REASON_RDTSCP)) return;
  setPair(timeStamp());
  store<u64>(RCX, load<u64>(TSC_AUX) & 0xffffffff);
  retire();
}

export function execRdpid(): void {
  requireRdtscp();
  store<u64>(RAX + ((<usize>load<u32>(SI_RM)) << 3), load<u64>(TSC_AUX) & 0xffffffff);
  retire();
}

/** The processor offers no performance counters, so every index is invalid. */
export function execRdpmc(): void {
  if (load<u32>(CPL) && !(load<u64>(CR4) & CR4_PCE)) raise(VECTOR_GP, 0);
  if (load<u32>(NON_ROOT) && load<u32>(PRIMARY_CONTROLS) & PRIMARY_RDPMC) exitInstruction(REASON_RDPMC, 0);
  else raise(VECTOR_GP, 0);
}

// ---- FS, GS, SMAP, XCR0, PKRU -----------------------------------------------------------------------------------------------

export function execSwapgs(): void {
  if (load<u32>(CODE_MODE) != MODE_64) raiseNoError(VECTOR_UD);
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
  const cell: usize = SEGMENTS + GS * SEGMENT_SIZE + SEG_BASE;
  const base = load<u64>(cell);
  store<u64>(cell, load<u64>(KERNEL_GS_BASE));
  store<u64>(KERNEL_GS_BASE, base);
  retire();
}

/** RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: ModRM.reg 0 to 3. */
export function execFsGsBase(): void {
  if (load<u32>(CODE_MODE) != MODE_64 || !(load<u64>(CR4) & CR4_FSGSBASE)) raiseNoError(VECTOR_UD);
  const which = (load<u32>(SI_MODRM) >> 3) & 7;
  const cell: usize = SEGMENTS + <usize>(which & 1 ? GS : FS) * SEGMENT_SIZE + SEG_BASE;
  const size = load<u32>(SI_OPERAND_SIZE);
  if (which < 2) writeRegister(load<u32>(SI_RM), size, load<u64>(cell));
  else {
    const value = size == 3 ? getReg(load<u32>(SI_RM)) : getReg(load<u32>(SI_RM)) & 0xffffffff;
    if (!isCanonical(value)) raise(VECTOR_GP, 0);
    store<u64>(cell, value);
  }
  retire();
}

/** CLAC and STAC change EFLAGS.AC; invalid outside CPL 0 and in virtual-8086 mode. */
export function execClac(): void {
  if (load<u32>(CPL) || isV86()) raiseNoError(VECTOR_UD);
  changeFlags(FLAG_AC, 0);
  retire();
}
export function execStac(): void {
  if (load<u32>(CPL) || isV86()) raiseNoError(VECTOR_UD);
  changeFlags(0, FLAG_AC);
  retire();
}

export function execXgetbv(): void {
  if (!(load<u64>(CR4) & CR4_OSXSAVE)) raiseNoError(VECTOR_UD);
  const index = load<u32>(RCX);
  if (index > 1 || (index && load<u32>(ABSENT) & ABSENT_XSAVEC)) raise(VECTOR_GP, 0);
  setPair(index ? load<u64>(XCR0) & componentsInUse() : load<u64>(XCR0));
  retire();
}

export function execXsetbv(): void {
  if (!(load<u64>(CR4) & CR4_OSXSAVE)) raiseNoError(VECTOR_UD);
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
  if (exitAlways(REASON_XSETBV)) return;
  const value = <u64>load<u32>(RAX) | ((<u64>load<u32>(RDX)) << 32);
  // x87 state is always enabled, SSE state can be.
  if (load<u32>(RCX) || (value | XCR0_SSE) != (XCR0_X87 | XCR0_SSE)) raise(VECTOR_GP, 0);
  store<u64>(XCR0, value);
  retire();
}

export function execRdpkru(): void {
  if (!(load<u64>(CR4) & CR4_PKE)) raiseNoError(VECTOR_UD);
  if (load<u32>(RCX)) raise(VECTOR_GP, 0);
  setPair(load<u64>(PKRU) & 0xffffffff);
  retire();
}

export function execWrpkru(): void {
  if (!(load<u64>(CR4) & CR4_PKE)) raiseNoError(VECTOR_UD);
  if (load<u32>(RCX) || load<u32>(RDX)) raise(VECTOR_GP, 0);
  store<u64>(PKRU, load<u32>(RAX));
  flushOwn(); // entries in the TLB were made under the old rights
  retire();
}
