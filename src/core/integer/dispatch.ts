// From a slow-instruction number (SL_* 1 to 99) to its function.

import {
  SL_ADX,
  SL_BCD,
  SL_BIT_SCAN,
  SL_BIT_TEST,
  SL_BMI,
  SL_BOUND,
  SL_CACHE_HINT,
  SL_CMPXCHG,
  SL_CMPXCHG8B,
  SL_CRC32,
  SL_DOUBLE_SHIFT,
  SL_ENTER,
  SL_LAHF,
  SL_MASKED_MOVE,
  SL_MOVBE,
  SL_MOVDIR,
  SL_MUL_DIV,
  SL_POPA,
  SL_PUSHA,
  SL_RANDOM,
  SL_ROTATE_CARRY,
  SL_SALC,
  SL_STATE,
  SL_STRING,
  SL_X87,
  SL_XADD,
  SL_XCHG,
  SL_XLAT,
} from '../slow-ids.ts';
import { REPEATING } from '../layout.ts';
import { execMaskedMove } from '../simd/masked-move.ts';
import { retire } from '../slow.ts';
import { execBitScan, execBitTest } from './bits.ts';
import { execAdx, execBmi } from './bmi.ts';
import { execDecimal } from './decimal.ts';
import { execCmpxchg, execCmpxchg8b, execXadd, execXchg } from './exchange.ts';
import { execEnter, execPopa, execPusha } from './frames.ts';
import { execBound, execCacheHint, execCrc32, execLahf, execMovbe, execMovdir, execSalc, execXlat } from './misc.ts';
import { execRandom } from './random.ts';
import { execDoubleShift, execRotateCarry } from './shifts.ts';
import { execString } from './strings.ts';
import { execMulDiv } from './narrow.ts';
import { execX87 } from '../x87/dispatch.ts';
import { execState } from '../x87/state.ts';

/** Carries out a slow integer instruction over the frame SI_*. */
export function execInteger(id: u32): void {
  switch (id) {
    case SL_STRING:
      if (!execString()) {
        store<u32>(REPEATING, 1);
        return;
      }
      break;
    case SL_RANDOM:
      if (!execRandom()) return;
      break;
    case SL_BCD:
      execDecimal();
      break;
    case SL_XLAT:
      execXlat();
      break;
    case SL_CMPXCHG8B:
      execCmpxchg8b();
      break;
    case SL_BIT_TEST:
      execBitTest();
      break;
    case SL_BIT_SCAN:
      execBitScan();
      break;
    case SL_DOUBLE_SHIFT:
      execDoubleShift();
      break;
    case SL_ROTATE_CARRY:
      execRotateCarry();
      break;
    case SL_MUL_DIV:
      execMulDiv();
      break;
    case SL_XADD:
      execXadd();
      break;
    case SL_CMPXCHG:
      execCmpxchg();
      break;
    case SL_MOVBE:
      execMovbe();
      break;
    case SL_BMI:
      execBmi();
      break;
    case SL_ADX:
      execAdx();
      break;
    case SL_ENTER:
      execEnter();
      break;
    case SL_BOUND:
      execBound();
      break;
    case SL_PUSHA:
      execPusha();
      break;
    case SL_POPA:
      execPopa();
      break;
    case SL_CRC32:
      execCrc32();
      break;
    case SL_LAHF:
      execLahf();
      break;
    case SL_XCHG:
      execXchg();
      break;
    case SL_MOVDIR:
      execMovdir();
      break;
    case SL_SALC:
      execSalc();
      break;
    case SL_STATE:
      execState();
      break;
    case SL_X87:
      execX87();
      break;
    case SL_CACHE_HINT:
      execCacheHint();
      break;
    case SL_MASKED_MOVE:
      execMaskedMove();
      break;
    default:
      unreachable(); // the decoder emits no other number below 100
  }
  retire();
}
