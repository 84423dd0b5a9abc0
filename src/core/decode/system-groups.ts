// The groups of the two-byte map that hold system instructions: 6, 7, 9 and 15.

import { OP_NOP } from '../../../build/core/op-ids.ts';
import { ABSENT_CLWB, ABSENT_RDPID, ABSENT_RDRAND, ABSENT_RDSEED, ABSENT_RDTSCP, ABSENT_SMAP } from '../layout.ts';
import {
  SL_CACHE_HINT,
  SL_CLAC,
  SL_CMPXCHG8B,
  SL_ENCLS,
  SL_FSGSBASE,
  SL_INVLPG,
  SL_LGDT,
  SL_LIDT,
  SL_LLDT,
  SL_LMSW,
  SL_LTR,
  SL_MONITOR,
  SL_MWAIT,
  SL_RANDOM,
  SL_RDPID,
  SL_RDPKRU,
  SL_RDTSCP,
  SL_SGDT,
  SL_SIDT,
  SL_SLDT,
  SL_SMSW,
  SL_STAC,
  SL_STATE,
  SL_STR,
  SL_SVM,
  SL_SWAPGS,
  SL_UMWAIT,
  SL_VERR,
  SL_VERW,
  SL_VMFUNC,
  SL_VMX,
  SL_WRPKRU,
  SL_XGETBV,
  SL_XSAVES,
  SL_XSETBV,
} from '../slow-ids.ts';
import { MODE_64 } from '../state.ts';
import { absent, badLock, emit, emitSlow, emitUndefined } from './emit.ts';
import { readModrm, unprefixed } from './operands.ts';
import { decodeSimd, isSimd } from './simd.ts';
import { d } from './state.ts';
import { emitSse } from './two-byte.ts';

export function decodeGroup6(): void {
  readModrm();
  switch (d.reg & 7) {
    case 0:
      emitSlow(SL_SLDT, true);
      return;
    case 1:
      emitSlow(SL_STR, true);
      return;
    case 2:
      emitSlow(SL_LLDT, true);
      return;
    case 3:
      emitSlow(SL_LTR, true);
      return;
    case 4:
      emitSlow(SL_VERR, true);
      return;
    case 5:
      emitSlow(SL_VERW, true);
      return;
    default:
      emitUndefined();
  }
}

export function decodeGroup7(): void {
  readModrm();
  const operation = d.reg & 7;
  if (operation == 4) {
    emitSlow(SL_SMSW, true);
    return;
  }
  if (operation == 6) {
    emitSlow(SL_LMSW, true);
    return;
  }
  if (!d.memory) {
    decodeGroup7Register();
    return;
  }
  switch (operation) {
    case 0:
      emitSlow(SL_SGDT, true);
      return;
    case 1:
      emitSlow(SL_SIDT, true);
      return;
    case 2:
      emitSlow(SL_LGDT, true);
      return;
    case 3:
      emitSlow(SL_LIDT, true);
      return;
    case 7:
      emitSlow(SL_INVLPG, true);
      return;
    default: // 5: RSTORSSP, without CET
      emitUndefined();
  }
}

function decodeGroup7Register(): void {
  const modrm = d.modrm;
  if (modrm >= 0xd8 && modrm <= 0xdf) {
    emitSlow(SL_SVM, true);
    return;
  }
  if (modrm == 0xf8) {
    if (d.mode == MODE_64) emitSlow(SL_SWAPGS, true);
    else emitUndefined();
    return;
  }
  if (modrm == 0xf9) {
    if (!absent(ABSENT_RDTSCP)) emitSlow(SL_RDTSCP, true);
    return;
  }
  if (!unprefixed()) {
    emitUndefined();
    return;
  }
  switch (modrm) {
    case 0xc1:
    case 0xc2:
    case 0xc3:
    case 0xc4:
      emitSlow(SL_VMX, true);
      return;
    case 0xc8:
      emitSlow(SL_MONITOR, true);
      return;
    case 0xc9:
      emitSlow(SL_MWAIT, true);
      return;
    case 0xca:
      if (!absent(ABSENT_SMAP)) emitSlow(SL_CLAC, true);
      return;
    case 0xcb:
      if (!absent(ABSENT_SMAP)) emitSlow(SL_STAC, true);
      return;
    case 0xc0: // ENCLV
    case 0xcf: // ENCLS
    case 0xd7: // ENCLU
      emitSlow(SL_ENCLS, true);
      return;
    case 0xd0:
      emitSlow(SL_XGETBV, true);
      return;
    case 0xd1:
      emitSlow(SL_XSETBV, true);
      return;
    case 0xd4:
      emitSlow(SL_VMFUNC, true);
      return;
    case 0xee:
      emitSlow(SL_RDPKRU, true);
      return;
    case 0xef:
      emitSlow(SL_WRPKRU, true);
      return;
    default:
      emitUndefined();
  }
}

export function decodeGroup9(): void {
  const operation = d.reg & 7;
  if (badLock(d.memory && operation == 1)) return;
  if (d.memory) {
    if (operation == 1) emitSlow(SL_CMPXCHG8B, false);
    else if (operation == 4 && unprefixed())
      emitSlow(SL_STATE, false); // XSAVEC
    else if ((operation == 3 || operation == 5) && unprefixed()) emitSlow(SL_XSAVES, true);
    else if ((operation == 6 && d.repeat != 0xf2) || (operation == 7 && unprefixed())) {
      d.operandSize = d.prefix66 ? 1 : 2; // tells VMCLEAR (66) from VMPTRLD, whatever REX.W says
      emitSlow(SL_VMX, true); // VMPTRLD VMCLEAR VMXON, VMPTRST
    } else emitUndefined();
    return;
  }
  if (operation == 7 && d.repeat == 0xf3) {
    d.operandSize = d.mode == MODE_64 ? 3 : 2;
    if (!absent(ABSENT_RDPID)) emitSlow(SL_RDPID, true);
  } else if (operation >= 6 && !d.repeat) {
    if (!absent(operation == 6 ? ABSENT_RDRAND : ABSENT_RDSEED)) emitSlow(SL_RANDOM, true);
  } else emitUndefined();
}

export function decodeGroup15(): void {
  readModrm();
  const operation = d.reg & 7;
  if (isSimd(1)) {
    decodeSimd(1); // LDMXCSR, STMXCSR
    return;
  }
  if (d.memory) {
    if (operation == 6 && d.prefix66 && !d.repeat) {
      if (!absent(ABSENT_CLWB)) emitSlow(SL_CACHE_HINT, false);
    } else if (operation == 7 && !d.repeat)
      emitSlow(SL_CACHE_HINT, false); // CLFLUSH, CLFLUSHOPT
    else if (operation == 6 && d.repeat)
      emitUndefined(); // CLRSSBSY
    else if (operation == 2 || operation == 3)
      emitSse(); // LDMXCSR, STMXCSR
    else if (unprefixed())
      emitSlow(SL_STATE, false); // FXSAVE, FXRSTOR, XSAVE, XRSTOR, XSAVEOPT
    else emitUndefined();
    return;
  }
  if (d.repeat == 0xf3 && operation < 4) {
    if (d.mode == MODE_64) emitSlow(SL_FSGSBASE, true);
    else emitUndefined();
    return;
  }
  if (operation == 6 && (d.repeat || d.prefix66)) {
    emitSlow(SL_UMWAIT, true);
    return;
  }
  if (operation >= 5 && unprefixed()) {
    emit(OP_NOP); // LFENCE, MFENCE, SFENCE
    return;
  }
  emitUndefined();
}
