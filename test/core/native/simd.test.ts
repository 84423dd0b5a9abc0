// Random sequences of MMX and SSE instructions, on this computer's processor and in the core. RINGSIDE_SEED and
// RINGSIDE_SEQUENCES choose another run.

import { describeDifferential } from './differential.ts';
import { generate } from './generator.ts';
import { nativeObstacle } from './native.ts';
import { SIMD, simdPattern } from './simd.ts';
import { DATA_SIZE, STACK_SIZE } from './space.ts';

const SEED = Number(process.env.RINGSIDE_SEED ?? 20261);
const COUNT = Number(process.env.RINGSIDE_SEQUENCES ?? 8_000);
const FEATURES = ['mmx', 'fxsr', 'sse', 'sse2', 'pni', 'ssse3', 'sse4_1', 'sse4_2', 'aes', 'pclmulqdq', 'sha_ni'];

describeDifferential(
  nativeObstacle(FEATURES),
  SEED,
  () => simdPattern(SEED, DATA_SIZE + STACK_SIZE),
  () => generate(SEED, COUNT, SIMD),
);
