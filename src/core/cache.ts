// Code spaces, and the cache of decoded superblocks.
//
// A block in the arena (OPS): 32 bytes of record, then operations of 32 bytes each, the first of which is the header.
//   record  +0 u32 next block of the first page, +4 u32 next block of the second page, +8 u32 end of the operations,
//           +12 u16 first byte in the page, +14 u16 end in the page, +16 u16 end in the second page (0: none), +18 u16 dead
//   header  +4 u32 count for a translator, +8 u32 instructions, +12 u32 hash chain, +16 u64 RIP key, +24 u32 page, +28 u32 second page + 1
// Blocks are known by their header's address.
//
// A page with decoded code has a record in CODE_PAGES:
//   +0 u64 which 64-byte lines hold code, +8 u32 first block (bit 0: linked by its second page), +12 u32 page
// A write that meets the bytes of a block kills every block of the page: their operations become STALE, which leave the
// superblock before running, so that a store into the running block takes effect at the next instruction.

import { decodeBlock } from './decode.ts';
import {
  BLOCK_HASH,
  BLOCK_HASH_ENTRIES,
  CODE_PAGE_OF,
  CODE_PAGES,
  CODE_PAGES_MAX,
  CODE_SPACES,
  CODE_SPACES_MAX,
  CODE_SPACES_RENEWED,
  GENERATION,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  OPS,
  OPS_END,
  PAGE_CODE,
  PAGE_FLAGS,
  RAM,
  REMAINING,
  RIP,
} from './layout.ts';
import { FAM_NEXT, OP_STALE } from '../../build/core/op-ids.ts';
import { fetchHost } from './fetch.ts';
import { CODE_SPACE_TAG, keyAfter } from './state.ts';
import { renewGenerations, softenPage } from './tlb.ts';

/** Instructions in a superblock at most, so that one fits into what `run` keeps for the careful path. */
export const BLOCK_INSTRUCTIONS: u32 = 62;
const BLOCK_ROOM: usize = 8192; // a block is never longer, record included

let arena: usize = OPS;
let codePages: u32 = 0;

// ---- Code spaces ------------------------------------------------------------------------------------------------------

/** RIP key of linear address 0 in 16- or 32-bit code with this CS base and limit. */
export function codeSpaceKey(base: u64, limit: u32, mode: u32): u64 {
  const count = load<u32>(CODE_SPACES);
  let at: usize = CODE_SPACES + 32;
  for (let i: u32 = 0; i < count; i++, at += 32) {
    if (load<u64>(at) == base && load<u32>(at, 8) == limit && load<u32>(at, 12) == mode)
      return CODE_SPACE_TAG | ((<u64>i) << 32);
  }
  if (count == CODE_SPACES_MAX) {
    flushCode();
    store<u32>(CODE_SPACES, 0);
    store<u32>(CODE_SPACES_RENEWED, load<u32>(CODE_SPACES_RENEWED) + 1);
    return codeSpaceKey(base, limit, mode);
  }
  store<u64>(at, base);
  store<u32>(at, limit, 8);
  store<u32>(at, mode, 12);
  store<u32>(CODE_SPACES, count + 1);
  return CODE_SPACE_TAG | ((<u64>count) << 32);
}

function codeSpace(key: u64): usize {
  return CODE_SPACES + 32 + ((<usize>(key >> 32) & 0xffffff) << 5);
}

/** CS base of a key outside 64-bit mode. */
export function codeSpaceBase(key: u64): u64 {
  return load<u64>(codeSpace(key));
}

export function codeSpaceLimit(key: u64): u32 {
  return load<u32>(codeSpace(key), 8);
}

// ---- Lookup -----------------------------------------------------------------------------------------------------------

/** @inline */
function jumpSlot(key: u64): usize {
  return JUMP_CACHE + ((<usize>(<u32>(key ^ (key >> 12)) & (JUMP_CACHE_ENTRIES - 1))) << 4);
}

/** @inline */
function hashSlot(key: u64): usize {
  return BLOCK_HASH + ((<usize>(<u32>(key ^ (key >> 14)) & (BLOCK_HASH_ENTRIES - 1))) << 2);
}

/**
 * First operation of the block at a RIP key, decoded if need be. `rem` instructions remain, should the fetch fault: then
 * it unwinds with RIP at the key.
 */
export function lookup(key: u64, rem: i32): usize {
  const slot = jumpSlot(key);
  if (load<u64>(slot) == key && load<u32>(slot, 12) == load<u32>(GENERATION)) return load<u32>(slot, 8);
  store<u64>(RIP, key);
  store<i32>(REMAINING, rem);
  const first = findBlock(key) + 32;
  store<u64>(slot, key);
  store<u32>(slot, <u32>first, 8);
  store<u32>(slot, load<u32>(GENERATION), 12);
  return first;
}

/** Instructions of the block with this first operation. @inline */
export function blockInstructions(first: usize): i32 {
  return load<i32>(first - 32, 8);
}

function findBlock(key: u64): usize {
  const host = fetchHost(key);
  const page = <u32>((host - RAM) >> 12);
  const slot = hashSlot(key);
  let block: usize = load<u32>(slot);
  while (block) {
    if (load<u64>(block, 16) == key && load<u32>(block, 24) == page) {
      const second = load<u32>(block, 28);
      if (!second || second - 1 == secondPage(key)) return block;
    }
    block = load<u32>(block, 12);
  }
  if (arena > OPS_END - BLOCK_ROOM || codePages > CODE_PAGES_MAX - 2) flushCode();
  block = arena + 32;
  arena = decodeBlock(key, host, block, BLOCK_INSTRUCTIONS, true);
  store<u32>(block - 32, <u32>arena, 8);
  store<u16>(block - 32, 0, 18);
  store<u32>(block, load<u32>(slot), 12);
  store<u32>(slot, <u32>block);
  const first = load<u16>(block - 32, 12);
  enterPage(block, 0, page, first, load<u16>(block - 32, 14));
  const second = load<u32>(block, 28);
  if (second) enterPage(block, 1, second - 1, 0, load<u16>(block - 32, 16));
  return block;
}

/** Physical page after that of a key, which the instruction at the key crosses into. */
function secondPage(key: u64): u32 {
  return <u32>((fetchHost(keyAfter(key | 0xfff, 1)) - RAM) >> 12);
}

/** Op at `op` (a jump in the arena) leads to `key`: finds the block and notes it, unless everything was flushed for it. */
export function link(op: usize, key: u64, rem: i32): usize {
  const generation = load<u32>(GENERATION);
  const target = lookup(key, rem);
  if (generation == load<u32>(GENERATION)) store<u32>(op, <u32>target, 12);
  return target;
}

/** The same across pages, where the link holds for one generation of the TLB set. */
export function linkFar(op: usize, key: u64, rem: i32): usize {
  const generation = load<u32>(GENERATION);
  const target = lookup(key, rem);
  if (generation == load<u32>(GENERATION)) {
    store<u32>(op, <u32>target, 12);
    store<u32>(op, generation, 4);
  }
  return target;
}

// ---- Pages with code --------------------------------------------------------------------------------------------------

function pageRecord(page: u32): usize {
  return CODE_PAGES + ((<usize>load<u16>(CODE_PAGE_OF + ((<usize>page) << 1))) << 5);
}

function enterPage(block: usize, second: u32, page: u32, from: u32, to: u32): void {
  const flags = PAGE_FLAGS + <usize>page;
  if (!(load<u8>(flags) & PAGE_CODE)) {
    const number = ++codePages;
    store<u16>(CODE_PAGE_OF + ((<usize>page) << 1), <u16>number);
    const record = CODE_PAGES + ((<usize>number) << 5);
    store<u64>(record, 0);
    store<u32>(record, 0, 8);
    store<u32>(record, page, 12);
    store<u8>(flags, load<u8>(flags) | PAGE_CODE);
    softenPage(page);
  }
  const record = pageRecord(page);
  store<u64>(record, load<u64>(record) | lines(from, to));
  store<u32>(block - 32 + ((<usize>second) << 2), load<u32>(record, 8));
  store<u32>(record, <u32>block | second, 8);
}

/** Set of the 64-byte lines that the bytes from `from` up to `to` of a page touch. */
function lines(from: u32, to: u32): u64 {
  const low = <u64>(from >> 6);
  const high = <u64>((to - 1) >> 6);
  return (~(<u64>0) >> (63 - (high - low))) << low;
}

/** A write of `bytes` at an address of a page with PAGE_CODE is about to happen: kills the page's blocks if it meets one. */
export function codeWritten(host: usize, bytes: u32): void {
  const page = <u32>((host - RAM) >> 12);
  const record = pageRecord(page);
  const from = <u32>host & 0xfff;
  const to = min<u32>(from + bytes, 4096);
  if (!(load<u64>(record) & lines(from, to))) return;
  let link = load<u32>(record, 8);
  while (link) {
    const second = link & 1;
    const info = <usize>(link & ~1) - 32;
    const start: u32 = second ? 0 : load<u16>(info, 12);
    const end: u32 = second ? load<u16>(info, 16) : load<u16>(info, 14);
    if (from < end && to > start && !load<u16>(info, 18)) {
      killPage(page);
      return;
    }
    link = load<u32>(info + ((<usize>second) << 2));
  }
}

function killPage(page: u32): void {
  const record = pageRecord(page);
  let link = load<u32>(record, 8);
  while (link) {
    const info = <usize>(link & ~1) - 32;
    if (!load<u16>(info, 18)) killBlock(info + 32);
    link = load<u32>(info + ((<usize>(link & 1)) << 2));
  }
  // The record is given up: a new one is taken when code is decoded from the page again.
  const flags = PAGE_FLAGS + <usize>page;
  store<u8>(flags, load<u8>(flags) & ~PAGE_CODE);
  store<u16>(CODE_PAGE_OF + ((<usize>page) << 1), 0);
  const last = CODE_PAGES + ((<usize>codePages) << 5);
  if (last != record) {
    memory.copy(record, last, 32);
    store<u16>(CODE_PAGE_OF + ((<usize>load<u32>(last, 12)) << 1), <u16>((record - CODE_PAGES) >> 5));
  }
  codePages--;
  renewGenerations();
}

function killBlock(block: usize): void {
  store<u16>(block - 32, 1, 18);
  const end: usize = load<u32>(block - 32, 8);
  for (let op = block + 32; op < end; op += 32) {
    // The glue at the end leaves anyway, and its place in the page may be that of the next one.
    const id = load<u32>(op);
    if (id != FAM_NEXT && id != FAM_NEXT + 1) store<u32>(op, OP_STALE);
  }
  let at = hashSlot(load<u64>(block, 16));
  while (<usize>load<u32>(at) != block) at = <usize>load<u32>(at) + 12;
  store<u32>(at, load<u32>(block, 12));
}

/** Forgets all decoded code. */
export function flushCode(): void {
  for (let i: u32 = 1; i <= codePages; i++) {
    const page = <usize>load<u32>(CODE_PAGES + ((<usize>i) << 5), 12);
    store<u8>(PAGE_FLAGS + page, load<u8>(PAGE_FLAGS + page) & ~PAGE_CODE);
    store<u16>(CODE_PAGE_OF + (page << 1), 0);
  }
  codePages = 0;
  arena = OPS;
  memory.fill(BLOCK_HASH, 0, BLOCK_HASH_ENTRIES * 4);
  memory.fill(JUMP_CACHE, 0, JUMP_CACHE_ENTRIES * 16);
  renewGenerations();
}
