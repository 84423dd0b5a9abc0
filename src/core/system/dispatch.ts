// From a slow-instruction number (SL_* from 100) to its function.

import {
  SL_ARPL,
  SL_CLAC,
  SL_CLI,
  SL_CLTS,
  SL_CPUID,
  SL_FAR_CALL,
  SL_FAR_JUMP,
  SL_FAR_RETURN,
  SL_FPU_ABSENT,
  SL_FSGSBASE,
  SL_FWAIT,
  SL_GETSEC,
  SL_HLT,
  SL_IN,
  SL_INS,
  SL_INT,
  SL_INT1,
  SL_INT3,
  SL_INTO,
  SL_INVD,
  SL_INVEPT,
  SL_INVLPG,
  SL_INVPCID,
  SL_INVVPID,
  SL_IRET,
  SL_LAR,
  SL_LGDT,
  SL_LIDT,
  SL_LLDT,
  SL_LMSW,
  SL_LOAD_FAR_POINTER,
  SL_LSL,
  SL_LTR,
  SL_MONITOR,
  SL_MOV_FROM_CR,
  SL_MOV_FROM_DR,
  SL_MOV_FROM_SEGMENT,
  SL_MOV_TO_CR,
  SL_MOV_TO_DR,
  SL_MOV_TO_SEGMENT,
  SL_MWAIT,
  SL_OUT,
  SL_OUTS,
  SL_PAUSE,
  SL_UMWAIT,
  SL_POPF,
  SL_POP_SEGMENT,
  SL_PUSHF,
  SL_PUSH_SEGMENT,
  SL_RDMSR,
  SL_RDPID,
  SL_RDPKRU,
  SL_RDPMC,
  SL_RDTSC,
  SL_RDTSCP,
  SL_SGDT,
  SL_SIDT,
  SL_SLDT,
  SL_SMSW,
  SL_STAC,
  SL_STI,
  SL_STR,
  SL_SWAPGS,
  SL_SYSCALL,
  SL_SYSENTER,
  SL_SYSEXIT,
  SL_SYSRET,
  SL_VERR,
  SL_VERW,
  SL_VMFUNC,
  SL_VMREAD,
  SL_VMWRITE,
  SL_VMX,
  SL_WBINVD,
  SL_WRMSR,
  SL_WRPKRU,
  SL_XGETBV,
  SL_XSETBV,
} from '../slow-ids.ts';
import { execClts, execLmsw, execMovFromCr, execMovToCr, execSmsw } from './control-registers.ts';
import { execMovFromDr, execMovToDr } from './debug-registers.ts';
import { execSyscall, execSysenter, execSysexit, execSysret } from './fast-calls.ts';
import { execCli, execPopf, execPushf, execSti } from './flags.ts';
import { execInt, execInt1, execInt3, execInto } from './interrupts.ts';
import { execIret } from './iret.ts';
import {
  execClac,
  execFsGsBase,
  execRdmsr,
  execRdpid,
  execRdpkru,
  execRdpmc,
  execRdtsc,
  execRdtscp,
  execStac,
  execSwapgs,
  execWrmsr,
  execWrpkru,
  execXgetbv,
  execXsetbv,
} from './model-specific.ts';
import { execIn, execIns, execOut, execOuts } from './ports.ts';
import {
  execCpuid,
  execFpuAbsent,
  execFwait,
  execGetsec,
  execHlt,
  execInvalid,
  execInvd,
  execInvlpg,
  execInvpcid,
  execMonitor,
  execMwait,
  execPause,
  execUserWait,
  execWbinvd,
} from './processor.ts';
import {
  execFarCall,
  execFarJump,
  execFarReturn,
  execLoadFarPointer,
  execMovFromSegment,
  execMovToSegment,
  execPopSegment,
  execPushSegment,
} from './segment-moves.ts';
import {
  execArpl,
  execLar,
  execLgdt,
  execLidt,
  execLldt,
  execLsl,
  execLtr,
  execSgdt,
  execSidt,
  execSldt,
  execStr,
  execVerr,
  execVerw,
} from './tables.ts';
import { execInvept, execInvvpid, execVmfunc, execVmread, execVmwrite, execVmx } from './vmx.ts';

/**
 * Carries out a slow system instruction over the frame SI_*. Instructions that the processor does not offer (SMM, SVM, SGX,
 * XSAVE, WAITPKG) and invalid opcodes raise #UD.
 */
export function execSystem(id: u32): void {
  switch (id) {
    case SL_PUSHF:
      execPushf();
      return;
    case SL_POPF:
      execPopf();
      return;
    case SL_CLI:
      execCli();
      return;
    case SL_STI:
      execSti();
      return;
    case SL_INT:
      execInt();
      return;
    case SL_INT3:
      execInt3();
      return;
    case SL_INTO:
      execInto();
      return;
    case SL_INT1:
      execInt1();
      return;
    case SL_IRET:
      execIret();
      return;
    case SL_FAR_JUMP:
      execFarJump();
      return;
    case SL_FAR_CALL:
      execFarCall();
      return;
    case SL_FAR_RETURN:
      execFarReturn();
      return;
    case SL_LOAD_FAR_POINTER:
      execLoadFarPointer();
      return;
    case SL_MOV_TO_SEGMENT:
      execMovToSegment();
      return;
    case SL_MOV_FROM_SEGMENT:
      execMovFromSegment();
      return;
    case SL_PUSH_SEGMENT:
      execPushSegment();
      return;
    case SL_POP_SEGMENT:
      execPopSegment();
      return;
    case SL_MOV_FROM_CR:
      execMovFromCr();
      return;
    case SL_MOV_TO_CR:
      execMovToCr();
      return;
    case SL_MOV_FROM_DR:
      execMovFromDr();
      return;
    case SL_MOV_TO_DR:
      execMovToDr();
      return;
    case SL_CLTS:
      execClts();
      return;
    case SL_LMSW:
      execLmsw();
      return;
    case SL_SMSW:
      execSmsw();
      return;
    case SL_LGDT:
      execLgdt();
      return;
    case SL_LIDT:
      execLidt();
      return;
    case SL_SGDT:
      execSgdt();
      return;
    case SL_SIDT:
      execSidt();
      return;
    case SL_LLDT:
      execLldt();
      return;
    case SL_LTR:
      execLtr();
      return;
    case SL_SLDT:
      execSldt();
      return;
    case SL_STR:
      execStr();
      return;
    case SL_LAR:
      execLar();
      return;
    case SL_LSL:
      execLsl();
      return;
    case SL_VERR:
      execVerr();
      return;
    case SL_VERW:
      execVerw();
      return;
    case SL_ARPL:
      execArpl();
      return;
    case SL_RDMSR:
      execRdmsr();
      return;
    case SL_WRMSR:
      execWrmsr();
      return;
    case SL_RDTSC:
      execRdtsc();
      return;
    case SL_RDTSCP:
      execRdtscp();
      return;
    case SL_RDPMC:
      execRdpmc();
      return;
    case SL_RDPID:
      execRdpid();
      return;
    case SL_CPUID:
      execCpuid();
      return;
    case SL_HLT:
      execHlt();
      return;
    case SL_INVD:
      execInvd();
      return;
    case SL_WBINVD:
      execWbinvd();
      return;
    case SL_INVLPG:
      execInvlpg();
      return;
    case SL_INVPCID:
      execInvpcid();
      return;
    case SL_MONITOR:
      execMonitor();
      return;
    case SL_MWAIT:
      execMwait();
      return;
    case SL_PAUSE:
      execPause();
      return;
    case SL_UMWAIT:
      execUserWait();
      return;
    case SL_IN:
      execIn();
      return;
    case SL_OUT:
      execOut();
      return;
    case SL_INS:
      execIns();
      return;
    case SL_OUTS:
      execOuts();
      return;
    case SL_SYSCALL:
      execSyscall();
      return;
    case SL_SYSRET:
      execSysret();
      return;
    case SL_SYSENTER:
      execSysenter();
      return;
    case SL_SYSEXIT:
      execSysexit();
      return;
    case SL_SWAPGS:
      execSwapgs();
      return;
    case SL_FSGSBASE:
      execFsGsBase();
      return;
    case SL_CLAC:
      execClac();
      return;
    case SL_STAC:
      execStac();
      return;
    case SL_XGETBV:
      execXgetbv();
      return;
    case SL_XSETBV:
      execXsetbv();
      return;
    case SL_RDPKRU:
      execRdpkru();
      return;
    case SL_WRPKRU:
      execWrpkru();
      return;
    case SL_GETSEC:
      execGetsec();
      return;
    case SL_FPU_ABSENT:
      execFpuAbsent();
      return;
    case SL_FWAIT:
      execFwait();
      return;
    case SL_VMX:
      execVmx();
      return;
    case SL_VMREAD:
      execVmread();
      return;
    case SL_VMWRITE:
      execVmwrite();
      return;
    case SL_INVEPT:
      execInvept();
      return;
    case SL_INVVPID:
      execInvvpid();
      return;
    case SL_VMFUNC:
      execVmfunc();
      return;
    default:
      execInvalid();
  }
}
