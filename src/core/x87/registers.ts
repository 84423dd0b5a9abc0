// The x87 registers: stack, tags, status and control words, and the frame around each instruction: what it raised goes to the
// status word, and where it was to the instruction and data pointers (SDM "x87 FPU Execution Environment").

import { DENORMAL, INVALID, ZERO_DIVIDE, fp } from '../float/context.ts';
import { setIndefinite, storeExtended, z } from '../float/value.ts';
import {
  CS,
  SI_MEMORY,
  SI_MODRM,
  SI_OFFSET,
  SI_OPCODE,
  SI_SEGMENT,
  X87,
  X87_CONTROL,
  X87_CS,
  X87_DP,
  X87_DS,
  X87_IP,
  X87_OPCODE,
  X87_STATUS,
  X87_TAGS,
} from '../layout.ts';
import { getRip, segSelector } from '../state.ts';

export const STACK_FAULT: u32 = 1 << 6;
export const ERROR_SUMMARY: u32 = 1 << 7;
export const C0: u32 = 1 << 8;
export const C1: u32 = 1 << 9;
export const C2: u32 = 1 << 10;
export const C3: u32 = 1 << 14;
export const BUSY: u32 = 1 << 15;
const TOP: u32 = 7 << 11;
const EXCEPTIONS: u32 = 0x3f;
const CONTROL_WRITABLE: u32 = 0x1f3f;
const CONTROL_ONE: u32 = 0x40; // reads as 1
/** What an unmasked overflow takes from an exponent, and an underflow adds. */
const WRAP: i32 = 24576;

// ---- The stack ----------------------------------------------------------------------------------------------------------

export function top(): u32 {
  return (load<u32>(X87_STATUS) >> 11) & 7;
}

export function setTop(value: u32): void {
  store<u32>(X87_STATUS, (load<u32>(X87_STATUS) & ~TOP) | ((value & 7) << 11));
}

/** Address of ST(i). */
export function st(i: u32): usize {
  return X87 + ((<usize>((top() + i) & 7)) << 4);
}

export function isEmpty(i: u32): bool {
  return !((load<u32>(X87_TAGS) >> ((top() + i) & 7)) & 1);
}

export function markValid(i: u32): void {
  store<u32>(X87_TAGS, load<u32>(X87_TAGS) | (1 << ((top() + i) & 7)));
}

export function markEmpty(i: u32): void {
  store<u32>(X87_TAGS, load<u32>(X87_TAGS) & ~(1 << ((top() + i) & 7)));
}

/** Stores `z` in ST(i). */
export function storeResult(i: u32): void {
  storeExtended(z, st(i));
  markValid(i);
}

/** Pushes `z`. */
export function pushResult(): void {
  setTop(top() - 1);
  storeResult(0);
}

export function pop(): void {
  markEmpty(0);
  setTop(top() + 1);
}

// ---- The frame ----------------------------------------------------------------------------------------------------------

/** Prepares `fp` for an instruction that computes. */
export function begin(): void {
  const control = load<u32>(X87_CONTROL);
  const precision = (control >> 8) & 3;
  fp.rounding = (control >> 10) & 3;
  fp.masks = control & EXCEPTIONS;
  fp.precision = precision == 0 ? 24 : precision == 2 ? 53 : 64;
  fp.raised = 0;
  fp.roundedUp = false;
  fp.denormalsAreZero = false;
  fp.flushToZero = false;
  fp.wrap = WRAP;
}

/** Raises a stack fault: overflow, or underflow. The result, should the exception be masked, is the indefinite NaN in `z`. */
export function stackFault(overflow: bool): void {
  fp.raised |= INVALID | STACK_FAULT;
  fp.roundedUp = overflow; // C1
  setIndefinite(z);
}

/** Whether an unmasked exception keeps the result from being stored. */
export function withheld(): bool {
  return (fp.raised & (INVALID | DENORMAL | ZERO_DIVIDE) & ~fp.masks) != 0;
}

/** Ends an instruction that is no control instruction: status word and pointers. The stack still is as it found it. */
export function settle(): void {
  let status = (load<u32>(X87_STATUS) & ~C1) | fp.raised;
  if (fp.roundedUp) status |= C1;
  store<u64>(X87_IP, getRip());
  store<u32>(X87_CS, segSelector(CS));
  if (load<u32>(SI_MEMORY)) {
    store<u64>(X87_DP, load<u64>(SI_OFFSET));
    store<u32>(X87_DS, segSelector(load<u32>(SI_SEGMENT)));
  }
  if (fp.raised & EXCEPTIONS & ~fp.masks) {
    status |= ERROR_SUMMARY | BUSY;
    store<u32>(X87_OPCODE, ((load<u32>(SI_OPCODE) & 7) << 8) | load<u32>(SI_MODRM));
  }
  store<u32>(X87_STATUS, status);
}

/** Sets the condition codes C3, C2 and C0. */
export function setCodes(codes: u32): void {
  store<u32>(X87_STATUS, (load<u32>(X87_STATUS) & ~(C0 | C2 | C3)) | codes);
}

// ---- Control and status words ---------------------------------------------------------------------------------------------

/** Whether exceptions are pending follows from flags and masks. */
export function summarise(): void {
  const status = load<u32>(X87_STATUS) & ~(ERROR_SUMMARY | BUSY);
  const pending = (status & ~load<u32>(X87_CONTROL) & EXCEPTIONS) != 0;
  store<u32>(X87_STATUS, pending ? status | ERROR_SUMMARY | BUSY : status);
}

export function setControl(value: u32): void {
  store<u32>(X87_CONTROL, (value & CONTROL_WRITABLE) | CONTROL_ONE);
  summarise();
}

export function clearExceptions(): void {
  store<u32>(X87_STATUS, load<u32>(X87_STATUS) & ~(EXCEPTIONS | STACK_FAULT | ERROR_SUMMARY | BUSY));
}

/** FNINIT. The registers keep their contents. */
export function initialise(): void {
  store<u32>(X87_CONTROL, 0x37f);
  store<u32>(X87_STATUS, 0);
  store<u32>(X87_TAGS, 0);
  store<u32>(X87_OPCODE, 0);
  store<u32>(X87_CS, 0);
  store<u32>(X87_DS, 0);
  store<u64>(X87_IP, 0);
  store<u64>(X87_DP, 0);
}
