// The escape opcodes D8 to DF (SDM "Escape Opcode Instructions"): from opcode and ModRM byte to the instruction. Encodings that the
// manual reserves but every processor takes as copies (FCOM at DC D0, FXCH at DD C8, FFREEP at DF C0, …) are carried out as such.

import { VECTOR_UD } from '../bits.ts';
import { raiseNoError } from '../events.ts';
import { RAX, SI_MEMORY, SI_MODRM, SI_OPCODE, X87_CONTROL, X87_STATUS } from '../layout.ts';
import {
  arithmeticMemory,
  arithmeticStack,
  changeSign,
  compareFlags,
  compareMemory,
  compareStack,
  execFrndint,
  execFscale,
  execFsqrt,
  execFtst,
  execFxtract,
} from './arithmetic.ts';
import { checkPending, checkX87 } from './checks.ts';
import { execFbld, execFbstp } from './decimal.ts';
import { execFldenv, execFnsave, execFnstenv, execFrstor } from './environment.ts';
import { readInteger, readOperand, readReal, readTenBytes, upper, writeOperand } from './memory.ts';
import {
  execFcmov,
  execFxam,
  execFxch,
  pushConstant,
  pushExtended,
  pushInteger,
  pushReal,
  pushRegister,
  storeInteger,
  storeReal,
  storeRegister,
  storeTenBytes,
} from './moves.ts';
import { C1, begin, clearExceptions, initialise, markEmpty, pop, setControl, setTop, top } from './registers.ts';
import { remainder } from './remainder.ts';
import {
  arctangent,
  cosine,
  exponential,
  logarithm,
  logarithmPlusOne,
  sine,
  sineCosine,
  tangent,
} from './transcendental.ts';

/** Carries out an instruction of D8 to DF over the frame SI_*. */
export function execX87(): void {
  checkX87();
  const opcode = load<u32>(SI_OPCODE) & 7;
  const modrm = load<u32>(SI_MODRM);
  if (isNonWaiting(opcode, modrm)) {
    execControl(opcode, modrm);
    return;
  }
  checkPending();
  if (load<u32>(SI_MEMORY)) execMemory(opcode, (modrm >> 3) & 7);
  else execRegister(opcode, (modrm >> 3) & 7, modrm & 7);
}

function undefinedOpcode(): void {
  raiseNoError(VECTOR_UD);
}

// ---- Instructions that do not wait --------------------------------------------------------------------------------------------

/** FNSTENV, FNSTCW, FNSAVE, FNSTSW, FNCLEX, FNINIT, and the no-operations FNENI, FNDISI and FNSETPM. */
function isNonWaiting(opcode: u32, modrm: u32): bool {
  if (!load<u32>(SI_MEMORY)) return (opcode == 3 && modrm >= 0xe0 && modrm <= 0xe4) || (opcode == 7 && modrm == 0xe0);
  const operation = (modrm >> 3) & 7;
  return operation >= 6 && (opcode == 1 || opcode == 5);
}

function execControl(opcode: u32, modrm: u32): void {
  if (load<u32>(SI_MEMORY)) {
    const last = ((modrm >> 3) & 7) == 7;
    if (opcode == 1) {
      if (last) writeOperand(1, <u64>load<u32>(X87_CONTROL));
      else execFnstenv();
    } else if (last) writeOperand(1, <u64>load<u32>(X87_STATUS));
    else execFnsave();
  } else if (opcode == 7) store<u16>(RAX, <u16>load<u32>(X87_STATUS));
  else if (modrm == 0xe2) clearExceptions();
  else if (modrm == 0xe3) initialise();
}

// ---- Memory operands ------------------------------------------------------------------------------------------------------------

function execMemory(opcode: u32, operation: u32): void {
  switch (opcode) {
    case 0:
      readReal(2);
      computeMemory(operation);
      return;
    case 1:
      execD9(operation);
      return;
    case 2:
      readInteger(2);
      computeMemory(operation);
      return;
    case 3:
      execDb(operation);
      return;
    case 4:
      readReal(3);
      computeMemory(operation);
      return;
    case 5:
      execDd(operation);
      return;
    case 6:
      readInteger(1);
      computeMemory(operation);
      return;
    default:
      execDf(operation);
  }
}

function computeMemory(operation: u32): void {
  begin();
  if (operation == 2 || operation == 3) compareMemory(operation - 2);
  else arithmeticMemory(operation);
}

function execD9(operation: u32): void {
  if (operation == 0) loadReal(2);
  else if (operation == 2 || operation == 3) storeReal(2, operation == 3);
  else if (operation == 4) execFldenv();
  else if (operation == 5) setControl(<u32>readOperand(1));
  else undefinedOpcode();
}

function loadReal(size: u32): void {
  readReal(size);
  begin();
  pushReal();
}

function loadInteger(size: u32): void {
  readInteger(size);
  begin();
  pushInteger();
}

function execDb(operation: u32): void {
  if (operation == 0) loadInteger(2);
  else if (operation < 4) storeInteger(2, operation == 1, operation != 2);
  else if (operation == 5) {
    const significand = readTenBytes();
    begin();
    pushExtended(significand, upper());
  } else if (operation == 7) storeTenBytes();
  else undefinedOpcode();
}

function execDd(operation: u32): void {
  if (operation == 0) loadReal(3);
  else if (operation == 1) storeInteger(3, true, true);
  else if (operation < 4) storeReal(3, operation == 3);
  else if (operation == 4) execFrstor();
  else undefinedOpcode();
}

function execDf(operation: u32): void {
  if (operation == 0) loadInteger(1);
  else if (operation < 4) storeInteger(1, operation == 1, operation != 2);
  else if (operation == 4) execFbld();
  else if (operation == 5) loadInteger(3);
  else if (operation == 6) execFbstp();
  else storeInteger(3, false, true);
}

// ---- Register operands ------------------------------------------------------------------------------------------------------------

function execRegister(opcode: u32, operation: u32, i: u32): void {
  switch (opcode) {
    case 0:
      if (operation == 2 || operation == 3) compareStack(i, true, operation - 2);
      else arithmeticStack(operation, i, 0, false);
      return;
    case 1:
      execD9Register(operation, i);
      return;
    case 2:
      if (operation < 4) execFcmov(CONDITIONS[operation], i);
      else if (operation == 5 && i == 1) compareStack(1, false, 2);
      else undefinedOpcode();
      return;
    case 3:
      if (operation < 4) execFcmov(CONDITIONS[operation] + 1, i);
      else if (operation == 5 || operation == 6) compareFlags(i, operation == 6, false);
      else undefinedOpcode();
      return;
    case 4:
      if (operation == 2 || operation == 3) compareStack(i, true, operation - 2);
      else arithmeticStack(operation, i, i, false);
      return;
    case 5:
      execDdRegister(operation, i);
      return;
    case 6:
      if (operation == 2) compareStack(i, true, 1);
      else if (operation == 3 && i != 1) undefinedOpcode();
      else if (operation == 3) compareStack(1, true, 2);
      else arithmeticStack(operation, i, i, true);
      return;
    default:
      execDfRegister(operation, i);
  }
}

/** FCMOVB, FCMOVE, FCMOVBE, FCMOVU: conditions B, E, BE and P; their opposites follow each. */
const CONDITIONS: StaticArray<u32> = [2, 4, 6, 10];

function execD9Register(operation: u32, i: u32): void {
  switch (operation) {
    case 0:
      pushRegister(i);
      return;
    case 1:
      execFxch(i);
      return;
    case 2:
      if (i) undefinedOpcode(); // D0: FNOP
      return;
    case 3:
      storeRegister(i, true);
      return;
    case 4:
      if (i < 2) changeSign(i == 0);
      else if (i == 4) execFtst();
      else if (i == 5) execFxam();
      else undefinedOpcode();
      return;
    case 5:
      if (i == 7) undefinedOpcode();
      else pushConstant(i);
      return;
    case 6:
      execD9F0(i);
      return;
    default:
      execD9F8(i);
  }
}

function execD9F0(i: u32): void {
  if (i == 0) exponential();
  else if (i == 1) logarithm();
  else if (i == 2) tangent();
  else if (i == 3) arctangent();
  else if (i == 4) execFxtract();
  else if (i == 5) remainder(true);
  else turn(i == 7);
}

/** FINCSTP and FDECSTP. */
function turn(up: bool): void {
  store<u32>(X87_STATUS, load<u32>(X87_STATUS) & ~C1);
  setTop(up ? top() + 1 : top() - 1);
}

function execD9F8(i: u32): void {
  if (i == 0) remainder(false);
  else if (i == 1) logarithmPlusOne();
  else if (i == 2) execFsqrt();
  else if (i == 3) sineCosine();
  else if (i == 4) execFrndint();
  else if (i == 5) execFscale();
  else if (i == 6) sine();
  else cosine();
}

function execDdRegister(operation: u32, i: u32): void {
  if (operation == 0) markEmpty(i);
  else if (operation == 1) execFxch(i);
  else if (operation < 4) storeRegister(i, operation == 3);
  else if (operation < 6) compareStack(i, false, operation - 4);
  else undefinedOpcode();
}

function execDfRegister(operation: u32, i: u32): void {
  if (operation == 0) {
    markEmpty(i); // FFREEP
    pop();
  } else if (operation == 1) execFxch(i);
  else if (operation < 4) storeRegister(i, true);
  else if (operation == 5 || operation == 6) compareFlags(i, operation == 6, true);
  else undefinedOpcode();
}
