// RDRAND and RDSEED: a seeded xorshift generator whose state is part of the machine's, so that runs repeat.

import { RANDOM_STATE, SI_REG, SI_RM } from '../layout.ts';
import { interceptRandom } from '../intercepts.ts';
import { setStatus } from '../flags.ts';
import { CF } from './status.ts';
import { operandSize, sizeMask, writeRegister } from './operands.ts';

/** xorshift64*: the state steps by shifts, the output is scrambled by a multiplication. */
function nextRandom(): u64 {
  let x = load<u64>(RANDOM_STATE);
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  store<u64>(RANDOM_STATE, x);
  return x * 0x2545f4914f6cdd1d;
}

/** Answers false when it exited to the hypervisor instead. */
export function execRandom(): bool {
  if (interceptRandom(load<u32>(SI_REG) == 7)) return false;
  const size = operandSize();
  writeRegister(load<u32>(SI_RM), size, nextRandom() & sizeMask(size));
  setStatus(CF);
  return true;
}
