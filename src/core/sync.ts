// Where the processor is, from the decoded operation that runs.

import { OP_HEADER } from '../../build/core/op-ids.ts';
import { REMAINING, RIP } from './layout.ts';

/** Header of the block that an operation belongs to. */
export function headerOf(op: usize): usize {
  let at = op;
  while (load<u32>(at) != OP_HEADER) at -= 32;
  return at;
}

/** RIP key of an operation's instruction. */
export function keyOfOp(op: usize): u64 {
  return (load<u64>(headerOf(op), 16) & ~0xfff) | <u64>(load<u16>(op, 10) & 0xfff);
}

/**
 * Writes RIP and REMAINING as they are before an operation's instruction. `rem` is what remained when its superblock was
 * entered; byte 9 counts the superblock's instructions up to and with this operation, bits 12 to 15 at 10 this operation's.
 */
export function syncOp(op: usize, rem: i32): void {
  const where = <u32>load<u16>(op, 10);
  store<i32>(REMAINING, rem - (<i32>load<u8>(op, 9) - <i32>(where >> 12)));
  store<u64>(RIP, (load<u64>(headerOf(op), 16) & ~0xfff) | <u64>(where & 0xfff));
}
