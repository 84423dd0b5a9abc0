// Random sequences of integer instructions, on this computer's processor and in the core. RINGSIDE_SEED and RINGSIDE_SEQUENCES choose
// another run.

import { describeDifferential } from './differential.ts';
import { generate, memoryPattern } from './generator.ts';
import { nativeObstacle } from './native.ts';
import { DATA_SIZE, STACK_SIZE } from './space.ts';

const SEED = Number(process.env.RINGSIDE_SEED ?? 20260);
const COUNT = Number(process.env.RINGSIDE_SEQUENCES ?? 10_000);

describeDifferential(
  nativeObstacle(),
  SEED,
  () => memoryPattern(SEED, DATA_SIZE + STACK_SIZE),
  () => generate(SEED, COUNT),
);
