// The entry of a build of its own for test/core/float: many operations in one call. Records of 32 bytes: operation u8, format u8,
// u16, MXCSR u32, first operand u64, second u64, then the answer u64; the flags raised replace the u16.

import { fp } from './context.ts';
import {
  arithmeticSse,
  beginSse,
  compareSse,
  convertFormatSse,
  fromIntegerSse,
  roundSse,
  squareRootSse,
  toIntegerSse,
} from './sse.ts';

export function runBatch(at: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    beginSse(load<u32>(at, 4));
    const answer = operate(load<u8>(at), load<u8>(at, 1), load<u64>(at, 8), load<u64>(at, 16));
    store<u64>(at, answer, 24);
    store<u16>(at, <u16>fp.raised, 2);
    at += 32;
  }
}

function operate(operation: u32, format: u32, x: u64, y: u64): u64 {
  switch (operation) {
    case 0:
    case 1:
    case 2:
    case 3:
      return arithmeticSse(operation, x, y, format);
    case 4:
      return squareRootSse(x, format);
    case 5:
      return <u64>compareSse(x, y, format, false);
    case 6:
      return <u64>compareSse(x, y, format, true);
    case 7:
      return convertFormatSse(x, format, 1 - format);
    case 8:
      return <u64>(<u32>toIntegerSse(x, format, 32, fp.rounding));
    case 9:
      return <u64>toIntegerSse(x, format, 64, fp.rounding);
    case 10:
      return <u64>toIntegerSse(x, format, 64, 3);
    case 11:
      return fromIntegerSse(<i64>x, format);
    case 12:
      return fromIntegerSse(<i64>(<i32>x), format);
    case 13:
      return roundSse(x, format, fp.rounding, false);
    default:
      return roundSse(x, format, 1, true);
  }
}
