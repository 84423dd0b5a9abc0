// NaNs among the operands of x87 instructions (SDM "Rules for Handling NaNs").

import { INVALID, fp } from '../float/context.ts';
import {
  QUIET,
  QUIET_BIT,
  SIGNALING,
  UNSUPPORTED,
  a,
  b,
  copyValue,
  isNotANumber,
  setIndefinite,
  z,
} from '../float/value.ts';

/** Whether a or b is a NaN or unsupported: then z is the result. */
export function takeNaN(): bool {
  if (a.kind == UNSUPPORTED || b.kind == UNSUPPORTED) {
    fp.raised |= INVALID;
    setIndefinite(z);
    return true;
  }
  if (!isNotANumber(a) && !isNotANumber(b)) return false;
  if (a.kind == SIGNALING || b.kind == SIGNALING) fp.raised |= INVALID;
  copyValue(z, takesFirst() ? a : b);
  z.kind = QUIET;
  z.significand |= QUIET_BIT;
  return true;
}

/** The same with one operand, a. */
export function takeOwnNaN(): bool {
  if (a.kind == UNSUPPORTED) {
    fp.raised |= INVALID;
    setIndefinite(z);
    return true;
  }
  if (!isNotANumber(a)) return false;
  if (a.kind == SIGNALING) fp.raised |= INVALID;
  copyValue(z, a);
  z.kind = QUIET;
  z.significand |= QUIET_BIT;
  return true;
}

/** A quiet NaN goes before a signaling one, then the larger significand, then the positive sign. */
function takesFirst(): bool {
  if (!isNotANumber(b)) return true;
  if (!isNotANumber(a)) return false;
  if (a.kind != b.kind) return a.kind == QUIET;
  return a.significand > b.significand || (a.significand == b.significand && a.sign <= b.sign);
}
