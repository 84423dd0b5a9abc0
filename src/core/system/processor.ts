// CPUID, HLT, cache and TLB invalidation, MONITOR and MWAIT, PAUSE, and what this processor does not have.

import {
  ABSENT,
  ABSENT_WAITPKG,
  ACCESS_READ,
  ACTIVITY,
  ACTIVITY_MWAIT,
  ACTIVITY_MWAIT_BREAK,
  CODE_MODE,
  CPL,
  CPUID_EAX,
  CR0,
  CR4,
  DS,
  LAST_PHYSICAL,
  MONITOR_ADDRESS,
  MWAIT_LINE,
  NON_ROOT,
  PLE_FIRST,
  PLE_GAP,
  PLE_LAST,
  PLE_WINDOW,
  PRIMARY_CONTROLS,
  PROCESSOR_COUNT,
  RAX,
  RBX,
  RCX,
  RDX,
  SECONDARY_CONTROLS,
  SI_OFFSET,
  SI_OPCODE,
  SI_REG,
  SI_REPEAT,
  SI_RM,
  SI_SEGMENT,
  SI_SEGMENT_PREFIX,
  STOP,
  STOP_HALT,
} from '../layout.ts';
import { CR0_EM, CR0_TS, CR4_PCIDE, CR4_SMXE, CR4_TSD, VECTOR_GP, VECTOR_NM, VECTOR_UD } from '../bits.ts';
import { raise, raiseNoError } from '../events.ts';
import { setStatus } from '../flags.ts';
import { host_cpuid } from '../host.ts';
import {
  PRIMARY_HLT,
  PRIMARY_INVLPG,
  PRIMARY_MONITOR,
  PRIMARY_MWAIT,
  PRIMARY_PAUSE,
  PRIMARY_RDTSC,
  REASON_CPUID,
  REASON_GETSEC,
  REASON_HLT,
  REASON_INVD,
  REASON_INVLPG,
  REASON_INVPCID,
  REASON_MONITOR,
  REASON_MWAIT,
  REASON_PAUSE,
  REASON_TPAUSE,
  REASON_UMWAIT,
  REASON_WBINVD,
  SECONDARY_INVPCID,
  SECONDARY_PAUSE_LOOP,
  SECONDARY_USER_WAIT,
  SECONDARY_WBINVD,
  displacementQualification,
  exitAlways,
  exitByPrimary,
  exitBySecondary,
  exitInstruction,
  exitWithInfo,
  operandInfo,
} from '../intercepts.ts';
import { wrapAddress } from '../integer/operands.ts';
import { readMemory } from '../memory.ts';
import { translate } from '../paging.ts';
import { countPause, watchLine } from '../processors.ts';
import { segmentAddress } from '../segments.ts';
import { retire } from '../slow.ts';
import { MODE_64, getReg, isCanonical, isV86, segBase, time } from '../state.ts';
import { checkWait } from '../x87/checks.ts';
import { flushOwnPage } from './invalidation.ts';
import { flushOwn } from './control-registers.ts';

const NO_MONITOR: u64 = 0xffffffffffffffff;

function requirePrivilege(): void {
  if (load<u32>(CPL)) raise(VECTOR_GP, 0);
}

export function execCpuid(): void {
  if (exitAlways(REASON_CPUID)) return;
  host_cpuid(load<u32>(RAX), load<u32>(RCX));
  store<u64>(RAX, load<u32>(CPUID_EAX));
  store<u64>(RBX, load<u32>(CPUID_EAX, 4));
  store<u64>(RCX, load<u32>(CPUID_EAX, 8));
  store<u64>(RDX, load<u32>(CPUID_EAX, 12));
  retire();
}

export function execHlt(): void {
  requirePrivilege();
  if (exitByPrimary(PRIMARY_HLT, REASON_HLT)) return;
  retire();
  store<u32>(ACTIVITY, 1);
  store<u32>(STOP, STOP_HALT);
}

export function execInvd(): void {
  requirePrivilege();
  if (exitAlways(REASON_INVD)) return;
  retire(); // there are no caches
}

export function execWbinvd(): void {
  requirePrivilege();
  if (exitBySecondary(SECONDARY_WBINVD, REASON_WBINVD)) return;
  retire();
}

// ---- TLB ------------------------------------------------------------------------------------------------------------------

export function execInvlpg(): void {
  requirePrivilege();
  let linear = load<u64>(SI_OFFSET);
  const segment = load<u32>(SI_SEGMENT);
  if (load<u32>(CODE_MODE) == MODE_64) {
    if (segment >= 4) linear += segBase(segment);
  } else linear = (linear + segBase(segment)) & 0xffffffff;
  if (load<u32>(NON_ROOT) && load<u32>(PRIMARY_CONTROLS) & PRIMARY_INVLPG) {
    exitInstruction(REASON_INVLPG, linear);
    return;
  }
  flushOwnPage(linear);
  retire();
}

export function execInvpcid(): void {
  const guest = load<u32>(NON_ROOT) != 0;
  if (guest && !(load<u32>(SECONDARY_CONTROLS) & SECONDARY_INVPCID)) raiseNoError(VECTOR_UD);
  if (load<u32>(CPL) || isV86()) raise(VECTOR_GP, 0);
  if (guest && load<u32>(PRIMARY_CONTROLS) & PRIMARY_INVLPG) {
    exitWithInfo(REASON_INVPCID, displacementQualification(), operandInfo(load<u32>(SI_REG)));
    return;
  }
  let type = getReg(load<u32>(SI_REG));
  if (load<u32>(CODE_MODE) != MODE_64) type &= 0xffffffff;
  const linear = segmentAddress(load<u32>(SI_SEGMENT), load<u64>(SI_OFFSET), 16, ACCESS_READ);
  const pcid = readMemory(linear, 3);
  const address = readMemory(linear + 8, 3);
  if (type > 3) raise(VECTOR_GP, 0);
  if (type < 2) {
    if (pcid >> 12) raise(VECTOR_GP, 0);
    if (pcid && !(load<u64>(CR4) & CR4_PCIDE)) raise(VECTOR_GP, 0);
    if (type == 0 && !isCanonical(address)) raise(VECTOR_GP, 0);
  }
  flushOwn();
  retire();
}

// ---- Waiting --------------------------------------------------------------------------------------------------------------

export function execMonitor(): void {
  if (load<u32>(CPL)) raiseNoError(VECTOR_UD);
  if (exitByPrimary(PRIMARY_MONITOR, REASON_MONITOR)) return;
  if (load<u32>(RCX)) raise(VECTOR_GP, 0);
  const segment: u32 = load<u32>(SI_SEGMENT_PREFIX) ? load<u32>(SI_SEGMENT) : DS;
  const linear = segmentAddress(segment, wrapAddress(load<u64>(RAX)), 1, ACCESS_READ);
  translate(linear, ACCESS_READ);
  const line = load<u64>(LAST_PHYSICAL) & ~(<u64>63);
  store<u64>(MONITOR_ADDRESS, line);
  watchLine(line);
  retire();
}

/** Waits for an event or a write to the monitored line; with ECX[0] set an interrupt ends the wait even while RFLAGS.IF is clear. */
export function execMwait(): void {
  if (load<u32>(CPL)) raiseNoError(VECTOR_UD);
  const line = load<u64>(MONITOR_ADDRESS);
  const armed: u64 = line == NO_MONITOR ? 0 : 1;
  if (load<u32>(NON_ROOT) && load<u32>(PRIMARY_CONTROLS) & PRIMARY_MWAIT) {
    exitInstruction(REASON_MWAIT, armed);
    return;
  }
  const hints = load<u32>(RCX);
  if (hints & ~1) raise(VECTOR_GP, 0);
  retire();
  if (!armed) return;
  store<u64>(MONITOR_ADDRESS, NO_MONITOR);
  store<u64>(MWAIT_LINE, line);
  store<u32>(ACTIVITY, hints & 1 ? ACTIVITY_MWAIT_BREAK : ACTIVITY_MWAIT);
  store<u32>(STOP, STOP_HALT);
}

/** PAUSE, with PAUSE-loop exiting: loops are told by the time between two PAUSEs and since the first. */
export function execPause(): void {
  if (exitByPrimary(PRIMARY_PAUSE, REASON_PAUSE)) return;
  if (load<u32>(NON_ROOT) && load<u32>(SECONDARY_CONTROLS) & SECONDARY_PAUSE_LOOP && !load<u32>(CPL)) {
    const now = time();
    if (now - load<u64>(PLE_LAST) > <u64>load<u32>(PLE_GAP)) store<u64>(PLE_FIRST, now);
    else if (now - load<u64>(PLE_FIRST) > <u64>load<u32>(PLE_WINDOW)) {
      exitInstruction(REASON_PAUSE, 0);
      return;
    }
    store<u64>(PLE_LAST, now);
  }
  retire();
  if (load<u32>(PROCESSOR_COUNT) > 1) countPause();
}

/**
 * UMONITOR (F3), UMWAIT (F2), TPAUSE (66). A wait may end at any time for reasons of the processor's own (SDM "UMWAIT - User Level
 * Monitor Wait"): here it ends at once, so the limit of IA32_UMWAIT_CONTROL never comes into play and CF is 0.
 */
export function execUserWait(): void {
  if (load<u32>(ABSENT) & ABSENT_WAITPKG) raiseNoError(VECTOR_UD);
  const guest = load<u32>(NON_ROOT) != 0;
  if (guest && !(load<u32>(SECONDARY_CONTROLS) & SECONDARY_USER_WAIT)) raiseNoError(VECTOR_UD);
  if (load<u32>(SI_REPEAT) == 0xf3) {
    const segment: u32 = load<u32>(SI_SEGMENT_PREFIX) ? load<u32>(SI_SEGMENT) : DS;
    const linear = segmentAddress(segment, wrapAddress(getReg(load<u32>(SI_RM))), 1, ACCESS_READ);
    translate(linear, ACCESS_READ);
    store<u64>(MONITOR_ADDRESS, load<u64>(LAST_PHYSICAL) & ~(<u64>63));
    retire();
    return;
  }
  if (load<u64>(CR4) & CR4_TSD && load<u32>(CPL)) raise(VECTOR_GP, 0);
  const pause = load<u32>(SI_REPEAT) == 0;
  if (guest && load<u32>(PRIMARY_CONTROLS) & PRIMARY_RDTSC) {
    exitWithInfo(pause ? REASON_TPAUSE : REASON_UMWAIT, 0, load<u32>(SI_RM) << 3);
    return;
  }
  if (<u32>getReg(load<u32>(SI_RM)) & ~1) raise(VECTOR_GP, 0);
  store<u64>(MONITOR_ADDRESS, NO_MONITOR);
  setStatus(0);
  retire();
}

// ---- What is not there ------------------------------------------------------------------------------------------------------

export function execInvalid(): void {
  raiseNoError(VECTOR_UD);
}

export function execGetsec(): void {
  if (!(load<u64>(CR4) & CR4_SMXE)) raiseNoError(VECTOR_UD);
  if (exitAlways(REASON_GETSEC)) return;
  raise(VECTOR_GP, 0);
}

/** x87 opcodes D8 to DF while CPUID reports no FPU: #NM when CR0 asks for it; MMX and SSE are #UD. */
export function execFpuAbsent(): void {
  const opcode = load<u32>(SI_OPCODE);
  if (opcode >= 0xd8 && opcode <= 0xdf && load<u64>(CR0) & (CR0_EM | CR0_TS)) raiseNoError(VECTOR_NM);
  raiseNoError(VECTOR_UD);
}

export function execFwait(): void {
  checkWait();
  retire();
}
