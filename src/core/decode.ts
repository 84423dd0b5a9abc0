// Decodes superblocks: straight-line code up to an unconditional transfer, a page's end or the limit of instructions, past
// jumps that are not taken.

import { FAM_NEXT, OP_BREAKPOINT, OP_END, OP_HEADER } from '../../build/core/op-ids.ts';
import { VECTOR_GP } from './bits.ts';
import { codeSpaceBase, codeSpaceLimit } from './cache.ts';
import { decodeOneByte } from './decode/one-byte.ts';
import { readPrefixes } from './decode/operands.ts';
import { d } from './decode/state.ts';
import { raise } from './events.ts';
import { fetchHost } from './fetch.ts';
import { BREAKPOINTS, CODE_MODE, DECODE_BUFFER, RAM } from './layout.ts';
import { keyAfter, linearOfKey, MODE_64 } from './state.ts';

const LONGEST: u32 = 15; // bytes of an instruction
const OVERREAD: usize = 32; // bytes that decoding may touch beyond an instruction's start

/** Whether the debugger has a breakpoint at a linear address. */
export function hasBreakpoint(linear: u64): bool {
  let low: u32 = 0;
  let high = load<u32>(BREAKPOINTS);
  while (low < high) {
    const middle = (low + high) >> 1;
    const address = load<u64>(BREAKPOINTS + 8 + ((<usize>middle) << 3));
    if (address == linear) return true;
    if (address < linear) low = middle + 1;
    else high = middle;
  }
  return false;
}

/** Bytes from a key up to the CS limit; more than any instruction has in 64-bit code. */
function withinLimit(key: u64): u32 {
  if (d.mode == MODE_64) return 64;
  const eip = <u32>key - <u32>codeSpaceBase(key);
  const limit = codeSpaceLimit(key);
  if (eip > limit) return 0;
  return limit - eip < 63 ? limit - eip + 1 : 64;
}

function decodeAt(at: usize, available: u32): void {
  d.at = at;
  d.start = at;
  d.available = available;
  d.rejected = false;
  d.kind = 0;
  d.destination = 0;
  d.source = 0;
  d.immediate = 0;
  d.immediate2 = 0;
  d.memory = false;
  d.reg = 0;
  d.rm = 0;
  d.modrm = 0;
  d.segment = 3;
  d.sib = 0;
  d.displacement = 0;
  d.ripRelative = false;
  decodeOneByte(readPrefixes());
}

function copyToBuffer(from: usize, to: u32, bytes: u32): void {
  memory.copy(DECODE_BUFFER + <usize>to, from, <usize>bytes);
}

let secondHost: usize = 0; // page of the bytes beyond the first page, when the instruction crosses

/**
 * Decodes one instruction at `host`, in a page that ends at `pageEnd`. Answers its length, or 0 when it does not fit into
 * what may be fetched and is not the block's first; the first raises #GP or #PF instead, at the current RIP.
 */
function decodeInstruction(host: usize, pageEnd: usize, first: bool): u32 {
  secondHost = 0;
  const limit = withinLimit(d.key);
  if (host + OVERREAD <= pageEnd && limit >= LONGEST) {
    decodeAt(host, LONGEST);
  } else {
    const inPage = min<u32>(<u32>(pageEnd - host), LONGEST);
    const available = min<u32>(inPage, limit);
    if (!available) {
      if (first) raise(VECTOR_GP, 0);
      return 0;
    }
    memory.fill(DECODE_BUFFER, 0, 64);
    copyToBuffer(host, 0, available);
    decodeAt(DECODE_BUFFER, available);
    if (d.rejected && first && available == inPage && available < LONGEST && available < limit) {
      secondHost = fetchHost(keyAfter(d.key | 0xfff, 1));
      const rest = min<u32>(LONGEST, limit) - available;
      copyToBuffer(secondHost, available, rest);
      decodeAt(DECODE_BUFFER, available + rest);
    }
  }
  if (d.rejected) {
    if (first) raise(VECTOR_GP, 0);
    d.ends = false; // a jump that does not fit ends nothing
    return 0;
  }
  return <u32>(d.at - d.start);
}

/**
 * Decodes a block of at most `most` instructions at a RIP key whose first byte is at `host`, with its header at `block`.
 * Without `breakpoints` those of the debugger are passed over. Answers the end of the operations.
 */
export function decodeBlock(key: u64, host: usize, block: usize, most: u32, breakpoints: bool): usize {
  memory.fill(block - 32, 0, 64);
  store<u32>(block, OP_HEADER);
  store<u64>(block, key, 16);
  store<u32>(block, <u32>((host - RAM) >> 12), 24);
  d.mode = load<u32>(CODE_MODE);
  d.blockKey = key;
  d.key = key;
  d.op = block + 32;
  d.count = 0;
  d.last = -1;
  d.fuse = most > 1;
  d.ends = false;
  const pageEnd = (host & ~0xfff) + 0x1000;
  let at = host;
  while (d.count < most && at < pageEnd) {
    if (breakpoints && load<u32>(BREAKPOINTS) && hasBreakpoint(linearOfKey(d.key))) {
      // It counts for nothing; the block holds at least its byte, so that a write there drops it.
      finish(OP_BREAKPOINT);
      if (at == host) at++;
      d.ends = true;
      break;
    }
    const length = decodeInstruction(at, pageEnd, at == host);
    if (!length) break;
    d.count++;
    d.key = keyAfter(d.key, length);
    at += length;
    if (secondHost) {
      store<u32>(block, <u32>((secondHost - RAM) >> 12) + 1, 28);
      store<u16>(block - 32, <u16>(at - pageEnd), 16);
      break;
    }
    if (d.ends) break;
  }
  store<u32>(block, d.count, 8);
  store<u16>(block - 32, <u16>(host & 0xfff), 12);
  store<u16>(block - 32, <u16>(min<usize>(at, pageEnd) - (host & ~0xfff)), 14);
  if (!d.ends) finish(most == 1 ? OP_END : FAM_NEXT + u32((d.key & ~0xfff) != (key & ~0xfff)));
  return d.op;
}

/** The last operation of a block, which stands for no instruction: at or to the next key. */
function finish(id: u32): void {
  const op = d.op;
  memory.fill(op, 0, 32);
  store<u32>(op, id);
  store<u32>(op, 0xffffffff, 4);
  store<u8>(op, <u8>d.count, 9);
  store<u16>(op, <u16>(<u32>d.key & 0xfff), 10);
  store<u64>(op, d.key, 24);
  d.op = op + 32;
}
