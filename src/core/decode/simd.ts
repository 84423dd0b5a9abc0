// MMX and SSE instructions, by the rows of ops/simd: tables that the build makes.

import { FAM_SIMD, FAM_SIMD_MOVE } from '../../../build/core/op-ids.ts';
import { SIMD_GROUPS, SIMD_INDEX, SIMD_ROWS } from '../../../build/core/simd-rows.ts';
import { ABSENT, ABSENT_SIMD, DS, MXCSR, RAX, STATE, X87, XMM } from '../layout.ts';
import { READS, WRITES, emit, emitMemory, emitSlow, emitUndefined } from './emit.ts';
import { SL_MASKED_MOVE } from '../slow-ids.ts';
import { overridden } from './operands.ts';
import { byte, d } from './state.ts';

// A row, as ops/simd/table.ts packs it
const BYTES: u32 = 31;
const REG_KIND: u32 = 5; // places of two bits each
const RM_KIND: u32 = 7;
const ALIGNED: u32 = 1 << 9;
const STORE: u32 = 1 << 10;
const IMMEDIATE: u32 = 1 << 11;
const NEXT_IS_WIDE: u32 = 1 << 12;
const HIGH: u32 = 1 << 13;
const SELECT: u32 = 1 << 14;
const FEATURE: u32 = 15; // four bits
const MOVE: u32 = 19; // five bits
const GROUP: u32 = 0x8000; // in the index

const FEATURE_SSE: u32 = 1;
const FEATURE_SSE2: u32 = 2;
export const FEATURE_SSE42: u32 = 6;

const KIND_XMM: u32 = 0;
const KIND_MMX: u32 = 1;
const KIND_GENERAL: u32 = 2;

const MMX_FORMS: u32 = 5; // of FAM_SIMD
const NEEDS_OSFXSR: u32 = 0x4000; // see simd/access.ts

function registerAddress(kind: u32, register: u32): u32 {
  if (kind == KIND_XMM) return XMM + (register << 4);
  if (kind == KIND_MMX) return X87 + ((register & 7) << 4);
  return kind == KIND_GENERAL ? RAX + (register << 3) : MXCSR;
}

/** As byte 4 or 5 of a move's operation: offset from XMM, or from RAX. */
function moveRegister(kind: u32, register: u32): u32 {
  return kind == KIND_GENERAL ? register << 3 : register << 4;
}

/** Whether CPUID offers a feature, by its place in FEATURES (ops/simd/row.ts). */
export function offers(feature: u32): bool {
  return ((load<u32>(ABSENT) >> (ABSENT_SIMD + feature)) & 1) == 0;
}

/** Number of the row of the instruction in hand, or -1. */
function findRow(map: u32): i32 {
  const prefix: u32 = d.repeat == 0xf3 ? 2 : d.repeat == 0xf2 ? 3 : d.prefix66 ? 1 : 0;
  const key = (((map - 1) * 4 + prefix) * 2 + u32(d.memory)) * 256 + (d.opcode & 0xff);
  let entry = <u32>load<u16>(SIMD_INDEX + ((<usize>key) << 1));
  if (entry & GROUP) {
    const at = ((entry & ~GROUP) << 3) | (d.reg & 7);
    entry = <u32>load<u16>(SIMD_GROUPS + ((<usize>at) << 1));
  }
  return <i32>entry - 1;
}

/** Whether a row exists for the instruction in hand; its ModRM byte has been read. */
export function isSimd(map: u32): bool {
  return findRow(map) >= 0;
}

/** The opcode has been read (d.opcode), its ModRM byte, if it has one, too. */
export function decodeSimd(map: u32): void {
  let number = findRow(map);
  if (map == 1 && (d.opcode & 0xff) == 0xf7 && !d.memory && !d.repeat && !d.lock) {
    emitMaskedMove();
    return;
  }
  if (number < 0 || d.lock) {
    if (map == 3) byte();
    emitUndefined();
    return;
  }
  let row = load<u32>(SIMD_ROWS + ((<usize>number) << 3));
  if (row & NEXT_IS_WIDE && d.rex & 8) {
    number++;
    row = load<u32>(SIMD_ROWS + ((<usize>number) << 3));
  }
  const immediate: u32 = row & IMMEDIATE ? byte() : 0;
  if (!offers((row >> FEATURE) & 15)) {
    emitUndefined();
    return;
  }
  const move = (row >> MOVE) & 31;
  if (move) emitMove(row, move);
  else emitGeneral(row, load<u32>(SIMD_ROWS + ((<usize>number) << 3), 4), immediate);
}

/** EMMS has no ModRM byte. */
export function decodeEmms(): void {
  d.memory = false;
  decodeSimd(1);
}

/** MASKMOVQ, or with 66 MASKMOVDQU. */
function emitMaskedMove(): void {
  if (!offers(d.prefix66 ? FEATURE_SSE2 : FEATURE_SSE)) {
    emitUndefined();
    return;
  }
  if (!d.prefix66) {
    d.reg &= 7;
    d.rm &= 7;
  }
  d.operandSize = d.prefix66 ? 4 : 3;
  d.segment = overridden(DS);
  emitSlow(SL_MASKED_MOVE, false);
}

function emitMove(row: u32, move: u32): void {
  const id = FAM_SIMD_MOVE + move * 2;
  d.destination = moveRegister((row >> REG_KIND) & 3, d.reg);
  if (d.memory) emitMemory(id, row & BYTES, row & STORE ? WRITES : READS);
  else {
    d.source = moveRegister((row >> RM_KIND) & 3, d.rm);
    emit(id);
  }
}

function emitGeneral(row: u32, execute: u32, immediate: u32): void {
  const regKind = (row >> REG_KIND) & 3;
  const rmKind = (row >> RM_KIND) & 3;
  const bytes = row & BYTES;
  const mmx = regKind == KIND_MMX || (rmKind == KIND_MMX && !d.memory);
  let reg = registerAddress(regKind, d.reg) - STATE;
  if (row & HIGH) reg += 8;
  if (row & SELECT) reg += (immediate & (16 / bytes - 1)) * bytes;
  const rm: u32 = d.memory ? 0 : registerAddress(rmKind, d.rm) - STATE;
  const destination = row & STORE ? rm : reg;
  const source = row & STORE ? reg : rm;
  let word = immediate | (bytes << 8) | (execute << 16);
  if (row & ALIGNED) word |= 0x2000;
  if (regKind == KIND_XMM || rmKind == KIND_XMM) word |= NEEDS_OSFXSR;
  d.immediate = <i64>(<u64>word | ((<u64>destination) << 32) | ((<u64>source) << 48));
  const id = FAM_SIMD + (mmx ? MMX_FORMS : 0);
  if (d.memory) {
    const stores = (row & STORE) != 0;
    emitMemory(id + (stores ? 3 : 1), bytes, stores ? WRITES : READS);
  } else emit(id);
}
