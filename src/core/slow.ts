// Slow instructions: the decoded form and the frame SI_* (layout.ts).
//
// Two operations, 64 bytes. First: +4 u8 number (slow-ids.ts), +5 u8 length, +6 to +8 base, index, scale, +12 u32 opcode,
// +16 i64 displacement (RIP-relative resolved), +24 i64 immediate. Second: +4 u8 operand size, +5 address size, +6 memory,
// +7 reg, +8 rm, +9 segment, +10 bit 0 segment prefix, bit 1 LOCK, +11 repeat, +12 REX, +13 ModRM, +14 u16 VEX,
// +16 u32 second immediate, +20 u32 SIB, +24 i64 displacement as encoded.

import { VECTOR_UD } from './bits.ts';
import { raiseNoError } from './events.ts';
import { setStatus } from './flags.ts';
import { execInteger } from './integer/dispatch.ts';
import {
  CODE_MODE,
  CPL,
  NON_ROOT,
  REMAINING,
  REPEATING,
  RIP,
  SI_ADDRESS_SIZE,
  SI_DISPLACEMENT,
  SI_IMMEDIATE,
  SI_IMMEDIATE2,
  SI_LENGTH,
  SI_LOCK,
  SI_MEMORY,
  SI_MODRM,
  SI_NEXT,
  SI_OFFSET,
  SI_OPCODE,
  SI_OPERAND_SIZE,
  SI_REG,
  SI_REPEAT,
  SI_REX,
  SI_RM,
  SI_SEGMENT,
  SI_SEGMENT_PREFIX,
  SI_SIB,
  SI_VEX,
  STATE,
  TRAPS,
  VMCS_ADDRESS,
  VMX_ON,
  WATCHES,
} from './layout.ts';
import { SL_UD, SL_VMREAD, SL_VMWRITE } from './slow-ids.ts';
import { getReg, isRealOrV86, keyAfter, MODE_64, setReg } from './state.ts';
import { execSystem } from './system/dispatch.ts';
import { FIELD_READ_ONLY, loadVmcsField, storeVmcsField, vmcsField } from './vmx/fields.ts';
import { trapInstruction } from './watches.ts';

const FIRST_SYSTEM: u32 = SL_UD;

function fillFrame(op: usize): void {
  const length = <u32>load<u8>(op, 5);
  const addressSize = <u32>load<u8>(op, 37);
  store<u64>(SI_NEXT, keyAfter(load<u64>(RIP), length));
  store<u32>(SI_LENGTH, length);
  store<u32>(SI_OPERAND_SIZE, load<u8>(op, 36));
  store<u32>(SI_ADDRESS_SIZE, addressSize);
  store<u32>(SI_MEMORY, load<u8>(op, 38));
  store<u32>(SI_REG, load<u8>(op, 39));
  store<u32>(SI_RM, load<u8>(op, 40));
  store<u32>(SI_SEGMENT, load<u8>(op, 41));
  store<u32>(SI_SEGMENT_PREFIX, load<u8>(op, 42) & 1);
  store<u32>(SI_LOCK, load<u8>(op, 42) >> 1);
  store<u32>(SI_REPEAT, load<u8>(op, 43));
  store<u32>(SI_REX, load<u8>(op, 44));
  store<u32>(SI_MODRM, load<u8>(op, 45));
  store<u32>(SI_VEX, load<u16>(op, 46));
  store<u64>(SI_IMMEDIATE2, load<u32>(op, 48));
  store<u32>(SI_SIB, load<u32>(op, 52));
  store<u64>(SI_DISPLACEMENT, load<u64>(op, 56));
  store<u32>(SI_OPCODE, load<u32>(op, 12));
  store<u64>(SI_IMMEDIATE, load<u64>(op, 24));
  const base = load<u64>(<usize>load<u8>(op, 6), STATE);
  const index = load<u64>(<usize>load<u8>(op, 7), STATE) << (<u64>load<u8>(op, 8));
  const offset = base + index + load<u64>(op, 16);
  store<u64>(SI_OFFSET, addressSize == 3 ? offset : addressSize == 2 ? offset & 0xffffffff : offset & 0xffff);
}

/** Carries out the slow instruction of a decoded operation; RIP and REMAINING are synchronised before and afterwards. */
export function execSlow(op: usize): void {
  const id = <u32>load<u8>(op, 4);
  if ((id == SL_VMREAD || id == SL_VMWRITE) && accessInHandler(op, id == SL_VMWRITE)) return;
  fillFrame(op);
  // VEX does not exist in real-address and virtual-8086 mode.
  if (load<u16>(op, 46) && isRealOrV86()) raiseNoError(VECTOR_UD);
  store<u32>(REPEATING, 0);
  if (load<u32>(TRAPS)) trapInstruction(id);
  if (id >= FIRST_SYSTEM) execSystem(id);
  else execInteger(id);
  if (load<u32>(REPEATING)) store<i32>(REMAINING, load<i32>(REMAINING) - 1);
}

/**
 * VMREAD and VMWRITE as VM-exit handlers are made of: between registers, in VMX root operation, 64-bit mode and CPL 0, and with nothing
 * to fail for or to tell. They need no frame. False: anything else, and nothing has happened.
 */
function accessInHandler(op: usize, write: bool): bool {
  if (load<u8>(op, 38) || load<u32>(NON_ROOT) | load<u32>(CPL) | load<u32>(TRAPS) | load<u32>(WATCHES)) return false;
  if (!load<u32>(VMX_ON) || load<u32>(CODE_MODE) != MODE_64) return false;
  const region = <usize>load<u32>(VMCS_ADDRESS);
  const encoding = getReg(<u32>load<u8>(op, 39));
  const row = region ? vmcsField(encoding) : 0;
  if (!row || (write && row & FIELD_READ_ONLY)) return false;
  const register = <u32>load<u8>(op, 40);
  if (write) storeVmcsField(region, row, <u32>encoding, getReg(register));
  else setReg(register, loadVmcsField(region, row, <u32>encoding));
  setStatus(0);
  store<u32>(REPEATING, 0);
  store<u64>(SI_NEXT, load<u64>(RIP) + <u64>load<u8>(op, 5));
  retire();
  return true;
}

/** Ends a slow instruction: RIP to the next one, one instruction counted. @inline */
export function retire(): void {
  store<u64>(RIP, load<u64>(SI_NEXT));
  store<i32>(REMAINING, load<i32>(REMAINING) - 1);
}
