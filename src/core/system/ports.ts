// IN, OUT, INS, OUTS with IOPL, the I/O permission bitmap, and I/O exits (SDM "Input/Output").

import {
  ACCESS_READ,
  ACCESS_WRITE,
  ATTENTION,
  ATTEND_LOOK,
  CPL,
  ES,
  EXIT_GUEST_LINEAR,
  EXIT_IO_RCX,
  IO_VALUE,
  RAX,
  RCX,
  RDI,
  RDX,
  REPEATING,
  RSI,
  SI_ADDRESS_SIZE,
  SI_IMMEDIATE,
  SI_OPCODE,
  SI_OPERAND_SIZE,
  SI_REPEAT,
  SI_SEGMENT,
  SYSTEM_FLAGS,
  TR,
} from '../layout.ts';
import { FLAG_DF, VECTOR_GP } from '../bits.ts';
import { matchPortBreakpoints } from '../breakpoints.ts';
import { raise } from '../events.ts';
import { host_in, host_out } from '../host.ts';
import { wrapAddress, writeAddressRegister, writeRegister } from '../integer/operands.ts';
import { REASON_IO, exitInstruction, exitWithInfo, portExits, stringIoInfo } from '../intercepts.ts';
import { probeWrite, readMemory, sysRead, writeMemory } from '../memory.ts';
import { segmentAddress } from '../segments.ts';
import { retire } from '../slow.ts';
import { getRip, isCode64, isProtected, isV86, segBase, segLimit, segRights } from '../state.ts';
import { iopl } from './flags.ts';

const INPUT: u32 = 8;
const STRING: u32 = 16;
const REPEATED: u32 = 32;
const IMMEDIATE: u32 = 64;

/** #GP(0) unless IOPL or the I/O permission bitmap of the TSS allows the ports. */
function checkPermission(port: u32, bytes: u32): void {
  if (!isProtected() || (!isV86() && load<u32>(CPL) <= iopl())) return;
  const limit = segLimit(TR);
  if (!(segRights(TR) & 8) || limit < 0x67) raise(VECTOR_GP, 0);
  const base = segBase(TR);
  const map: u32 = sysRead<u16>(base + 0x66);
  const at = map + (port >> 3);
  if (at + 1 > limit) raise(VECTOR_GP, 0);
  const bits: u32 = sysRead<u16>(base + at);
  if ((bits >> (port & 7)) & ((1 << bytes) - 1)) raise(VECTOR_GP, 0);
}

function qualification(port: u32, bytes: u32, flags: u32): u64 {
  return <u64>((bytes - 1) | flags | (port << 16));
}

/** Reads a port: 1, 2 or 4 bytes. */
function input(port: u32, bytes: u32): u32 {
  matchPortBreakpoints(port, bytes);
  if (host_in(port, bytes) & 2) look();
  return load<u32>(IO_VALUE);
}

function output(port: u32, bytes: u32, value: u32): void {
  matchPortBreakpoints(port, bytes);
  if (host_out(port, bytes, value) & 2) look();
}

function look(): void {
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_LOOK);
}

/** Port of IN and OUT: E4 to E7 have it as immediate, EC to EF in DX. */
function portOperand(): u32 {
  return load<u32>(SI_OPCODE) & 8 ? <u32>load<u16>(RDX) : <u32>load<u64>(SI_IMMEDIATE) & 0xff;
}

function immediateFlag(): u32 {
  return load<u32>(SI_OPCODE) & 8 ? 0 : IMMEDIATE;
}

export function execIn(): void {
  const size = load<u32>(SI_OPERAND_SIZE);
  const port = portOperand();
  const bytes: u32 = 1 << size;
  checkPermission(port, bytes);
  if (portExits(port, bytes)) {
    exitInstruction(REASON_IO, qualification(port, bytes, INPUT | immediateFlag()));
    return;
  }
  const value = input(port, bytes);
  if (size == 0) store<u8>(RAX, <u8>value);
  else writeRegister(0, size, value);
  retire();
}

export function execOut(): void {
  const size = load<u32>(SI_OPERAND_SIZE);
  const port = portOperand();
  const bytes: u32 = 1 << size;
  checkPermission(port, bytes);
  if (portExits(port, bytes)) {
    exitInstruction(REASON_IO, qualification(port, bytes, immediateFlag()));
    return;
  }
  const value = load<u32>(RAX);
  output(port, bytes, size == 0 ? value & 0xff : size == 1 ? value & 0xffff : value);
  retire();
}

// ---- Strings ----------------------------------------------------------------------------------------------------------------

/** A REP prefix with a count of 0: nothing happens. */
function finished(): bool {
  return load<u32>(SI_REPEAT) != 0 && !wrapAddress(load<u64>(RCX));
}

function moveIndex(at: usize, bytes: u32): void {
  const step = load<u32>(SYSTEM_FLAGS) & FLAG_DF ? -(<i64>bytes) : <i64>bytes;
  writeAddressRegister(at, load<u32>(SI_ADDRESS_SIZE), load<u64>(at) + <u64>step);
}

/** After one element: a repeated instruction comes back to itself until its count is used up. */
function nextElement(): void {
  if (load<u32>(SI_REPEAT)) {
    const count = wrapAddress(load<u64>(RCX) - 1);
    writeAddressRegister(RCX, load<u32>(SI_ADDRESS_SIZE), count);
    if (count) {
      store<u32>(REPEATING, 1);
      return;
    }
  }
  retire();
}

/** The VM exit of INS or OUTS; answers whether it exited. */
function stringExits(port: u32, bytes: u32, flags: u32, segment: u32, offset: u64): bool {
  if (!portExits(port, bytes)) return false;
  const base = isCode64() && segment < 4 ? 0 : segBase(segment);
  store<u64>(EXIT_GUEST_LINEAR, isCode64() ? base + offset : (base + offset) & 0xffffffff);
  store<u64>(EXIT_IO_RCX, load<u64>(RCX));
  store<u64>(EXIT_IO_RCX, load<u64>(RSI), 8);
  store<u64>(EXIT_IO_RCX, load<u64>(RDI), 16);
  store<u64>(EXIT_IO_RCX, getRip(), 24);
  const repeated: u32 = load<u32>(SI_REPEAT) ? REPEATED : 0;
  exitWithInfo(REASON_IO, qualification(port, bytes, flags | STRING | repeated), stringIoInfo(segment));
  return true;
}

export function execIns(): void {
  if (finished()) {
    retire();
    return;
  }
  const size = load<u32>(SI_OPERAND_SIZE);
  const bytes: u32 = 1 << size;
  const port = <u32>load<u16>(RDX);
  checkPermission(port, bytes);
  const offset = wrapAddress(load<u64>(RDI));
  if (stringExits(port, bytes, INPUT, ES, offset)) return;
  const linear = segmentAddress(ES, offset, bytes, ACCESS_WRITE);
  probeWrite(linear, bytes);
  writeMemory(linear, size, input(port, bytes));
  moveIndex(RDI, bytes);
  nextElement();
}

export function execOuts(): void {
  if (finished()) {
    retire();
    return;
  }
  const size = load<u32>(SI_OPERAND_SIZE);
  const bytes: u32 = 1 << size;
  const port = <u32>load<u16>(RDX);
  checkPermission(port, bytes);
  const segment = load<u32>(SI_SEGMENT);
  const offset = wrapAddress(load<u64>(RSI));
  if (stringExits(port, bytes, 0, segment, offset)) return;
  const linear = segmentAddress(segment, offset, bytes, ACCESS_READ);
  output(port, bytes, <u32>readMemory(linear, size));
  moveIndex(RSI, bytes);
  nextElement();
}
