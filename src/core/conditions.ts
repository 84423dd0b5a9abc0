// The sixteen conditions of Jcc, SETcc and CMOVcc over the lazy flags.

import { getCF, getOF, getPF, getSF, lessSigned } from './flags.ts';
import { LF_RES } from './layout.ts';

/** @inline */
function zero(): bool {
  return load<u64>(LF_RES) == 0;
}

/** @inline */
export function cond0(): bool {
  return getOF() != 0;
}
/** @inline */
export function cond1(): bool {
  return getOF() == 0;
}
/** @inline */
export function cond2(): bool {
  return getCF() != 0;
}
/** @inline */
export function cond3(): bool {
  return getCF() == 0;
}
/** @inline */
export function cond4(): bool {
  return zero();
}
/** @inline */
export function cond5(): bool {
  return !zero();
}
/** @inline */
export function cond6(): bool {
  return zero() || getCF() != 0;
}
/** @inline */
export function cond7(): bool {
  return !zero() && getCF() == 0;
}
/** @inline */
export function cond8(): bool {
  return getSF() != 0;
}
/** @inline */
export function cond9(): bool {
  return getSF() == 0;
}
/** @inline */
export function cond10(): bool {
  return getPF() != 0;
}
/** @inline */
export function cond11(): bool {
  return getPF() == 0;
}
/** @inline */
export function cond12(): bool {
  return lessSigned();
}
/** @inline */
export function cond13(): bool {
  return !lessSigned();
}
/** @inline */
export function cond14(): bool {
  return zero() || lessSigned();
}
/** @inline */
export function cond15(): bool {
  return !zero() && !lessSigned();
}

/** Condition number 0 to 15. */
export function condition(cc: u32): bool {
  let holds: bool;
  switch (cc >> 1) {
    case 0:
      holds = cond0();
      break;
    case 1:
      holds = cond2();
      break;
    case 2:
      holds = cond4();
      break;
    case 3:
      holds = cond6();
      break;
    case 4:
      holds = cond8();
      break;
    case 5:
      holds = cond10();
      break;
    case 6:
      holds = cond12();
      break;
    default:
      holds = cond14();
  }
  return cc & 1 ? !holds : holds;
}
