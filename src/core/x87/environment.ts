// FLDENV, FNSTENV, FRSTOR, FNSAVE: the environment in 14 or 28 bytes, by operand size and mode (SDM "Saving the x87 FPU's State
// with FSTENV/FNSTENV and FSAVE/FNSAVE").

import {
  ABSENT,
  ABSENT_FCS_FDS,
  ACCESS_READ,
  ACCESS_WRITE,
  SI_OPERAND_SIZE,
  X87,
  X87_CONTROL,
  X87_CS,
  X87_DP,
  X87_DS,
  X87_IP,
} from '../layout.ts';
import { X87_OPCODE, X87_STATUS, X87_TAGS } from '../layout.ts';
import { operandAddress } from '../integer/operands.ts';
import { probeWrite, readMemory, writeMemory } from '../memory.ts';
import { isRealOrV86 } from '../state.ts';
import { initialise, setControl, summarise, top } from './registers.ts';

const UPPER_ONES: u64 = 0xffff0000;
const MASK_ALL: u32 = 0x3f;
const ENVIRONMENT_16: u32 = 14;
const ENVIRONMENT_32: u32 = 28;
const REGISTER_BYTES: u32 = 10;

function isNarrow(): bool {
  return load<u32>(SI_OPERAND_SIZE) == 1;
}

function environmentBytes(): u32 {
  return isNarrow() ? ENVIRONMENT_16 : ENVIRONMENT_32;
}

/** Selectors as they are saved: 0 where the processor has deprecated them (CPUID FCS_FDS). */
export function savedSelector(at: usize): u64 {
  return load<u32>(ABSENT) & ABSENT_FCS_FDS ? <u64>load<u32>(at) : 0;
}

/** The tag word in full: two bits a physical register; 0 valid, 1 zero, 2 special, 3 empty. */
export function fullTags(): u32 {
  let tags: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) tags |= tagOf(i) << (i * 2);
  return tags;
}

function tagOf(register: u32): u32 {
  if (!((load<u32>(X87_TAGS) >> register) & 1)) return 3;
  const at = X87 + ((<usize>register) << 4);
  const exponent = load<u16>(at, 8) & 0x7fff;
  const significand = load<u64>(at);
  if (!exponent) return significand ? 2 : 1;
  return exponent == 0x7fff || !(significand >> 63) ? 2 : 0;
}

export function setFullTags(tags: u32): void {
  let abridged: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) if (((tags >> (i * 2)) & 3) != 3) abridged |= 1 << i;
  store<u32>(X87_TAGS, abridged);
}

// ---- Saving ---------------------------------------------------------------------------------------------------------------------

function writeEnvironment(linear: u64): void {
  const control = <u64>load<u32>(X87_CONTROL);
  const status = <u64>load<u32>(X87_STATUS);
  const tags = <u64>fullTags();
  const real = isRealOrV86();
  const cs = savedSelector(X87_CS);
  const ds = savedSelector(X87_DS);
  let ip = load<u64>(X87_IP);
  let dp = load<u64>(X87_DP);
  const opcode = <u64>load<u32>(X87_OPCODE);
  if (real) {
    ip += (<u64>load<u32>(X87_CS)) << 4;
    dp += (<u64>load<u32>(X87_DS)) << 4;
  }
  if (isNarrow()) {
    writeMemory(linear, 1, control);
    writeMemory(linear + 2, 1, status);
    writeMemory(linear + 4, 1, tags);
    writeMemory(linear + 6, 1, ip);
    writeMemory(linear + 8, 1, real ? ((ip >> 4) & 0xf000) | opcode : cs);
    writeMemory(linear + 10, 1, dp);
    writeMemory(linear + 12, 1, real ? (dp >> 4) & 0xf000 : ds);
    return;
  }
  writeMemory(linear, 2, UPPER_ONES | control);
  writeMemory(linear + 4, 2, UPPER_ONES | status);
  writeMemory(linear + 8, 2, UPPER_ONES | tags);
  writeMemory(linear + 12, 2, real ? UPPER_ONES | (ip & 0xffff) : ip);
  writeMemory(linear + 16, 2, real ? ((ip >> 4) & 0xffff000) | opcode : (opcode << 16) | cs);
  writeMemory(linear + 20, 2, real ? UPPER_ONES | (dp & 0xffff) : dp);
  writeMemory(linear + 24, 2, real ? (dp >> 4) & 0xffff000 : UPPER_ONES | ds);
}

/** All exceptions are masked afterwards. */
export function execFnstenv(): void {
  const bytes = environmentBytes();
  const linear = operandAddress(bytes, ACCESS_WRITE);
  probeWrite(linear, bytes);
  writeEnvironment(linear);
  setControl(load<u32>(X87_CONTROL) | MASK_ALL);
}

/** The environment and ST(0) to ST(7); then as FNINIT. */
export function execFnsave(): void {
  const bytes = environmentBytes() + 8 * REGISTER_BYTES;
  const linear = operandAddress(bytes, ACCESS_WRITE);
  probeWrite(linear, bytes);
  writeEnvironment(linear);
  for (let i: u32 = 0; i < 8; i++) {
    const at = X87 + ((<usize>((top() + i) & 7)) << 4);
    const to = linear + environmentBytes() + i * REGISTER_BYTES;
    writeMemory(to, 3, load<u64>(at));
    writeMemory(to + 8, 1, <u64>load<u16>(at, 8));
  }
  initialise();
}

// ---- Loading --------------------------------------------------------------------------------------------------------------------

// The environment as read, so that nothing is loaded when a later read faults.
let control: u32 = 0;
let status: u32 = 0;
let tags: u32 = 0;
let opcode: u32 = 0;
let cs: u32 = 0;
let ds: u32 = 0;
let ip: u64 = 0;
let dp: u64 = 0;

function readEnvironment(linear: u64): void {
  const narrow = isNarrow();
  const step: u64 = narrow ? 2 : 4;
  const size: u32 = narrow ? 1 : 2;
  control = <u32>readMemory(linear, size) & 0xffff;
  status = <u32>readMemory(linear + step, size) & 0xffff;
  tags = <u32>readMemory(linear + step * 2, size) & 0xffff;
  ip = readMemory(linear + step * 3, size);
  const second = <u32>readMemory(linear + step * 4, size);
  dp = readMemory(linear + step * 5, size);
  const last = <u32>readMemory(linear + step * 6, size);
  if (isRealOrV86()) {
    ip = (ip & 0xffff) | ((<u64>second & (narrow ? 0xf000 : 0xffff000)) << 4);
    dp = (dp & 0xffff) | ((<u64>last & (narrow ? 0xf000 : 0xffff000)) << 4);
    opcode = second & 0x7ff;
    cs = 0;
    ds = 0;
  } else {
    cs = second & 0xffff;
    ds = last & 0xffff;
    opcode = narrow ? 0 : (second >> 16) & 0x7ff;
  }
}

function loadEnvironment(): void {
  store<u32>(X87_STATUS, status);
  setFullTags(tags);
  store<u64>(X87_IP, ip);
  store<u64>(X87_DP, dp);
  store<u32>(X87_CS, cs);
  store<u32>(X87_DS, ds);
  store<u32>(X87_OPCODE, opcode);
  setControl(control);
  summarise();
}

export function execFldenv(): void {
  readEnvironment(operandAddress(environmentBytes(), ACCESS_READ));
  loadEnvironment();
}

export function execFrstor(): void {
  const bytes = environmentBytes();
  const linear = operandAddress(bytes + 8 * REGISTER_BYTES, ACCESS_READ);
  readEnvironment(linear);
  // The last byte first: whatever page is absent faults before a register changes.
  readMemory(linear + bytes + 8 * REGISTER_BYTES - 1, 0);
  readMemory(linear + bytes, 0);
  loadEnvironment();
  for (let i: u32 = 0; i < 8; i++) {
    const at = X87 + ((<usize>((top() + i) & 7)) << 4);
    const from = linear + bytes + i * REGISTER_BYTES;
    store<u64>(at, readMemory(from, 3));
    store<u16>(at, <u16>readMemory(from + 8, 1), 8);
  }
}
