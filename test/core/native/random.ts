// A seeded generator of choices, so that a failing run can be repeated.

export interface Random {
  state: number;
}

/** 32 random bits (mulberry32). */
export function next(random: Random): number {
  random.state = (random.state + 0x6d2b79f5) | 0;
  let t = random.state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

/** A number in [0, count). */
export function below(random: Random, count: number): number {
  return next(random) % count;
}

/** A number in [low, high]. */
export function between(random: Random, low: number, high: number): number {
  return low + below(random, high - low + 1);
}

export function chance(random: Random, percent: number): boolean {
  return below(random, 100) < percent;
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)]!;
}

/** 64 random bits. */
export function wide(random: Random): bigint {
  return (BigInt(next(random)) << 32n) | BigInt(next(random));
}

/** A 64-bit value of the kinds that find mistakes: ends of ranges, single bits, small numbers, sign extensions, noise. */
export function value(random: Random): bigint {
  const noise = wide(random);
  switch (below(random, 8)) {
    case 0:
      return pick(random, EDGES);
    case 1:
      return BigInt(below(random, 256));
    case 2:
      return BigInt.asUintN(64, -BigInt(below(random, 256)));
    case 3:
      return 1n << BigInt(below(random, 64));
    case 4:
      return BigInt.asUintN(64, BigInt.asIntN(pick(random, [8, 16, 32]), noise));
    case 5:
      return noise >> BigInt(below(random, 64));
    default:
      return noise;
  }
}

const EDGES: readonly bigint[] = [8n, 16n, 32n, 64n].flatMap((bits) => {
  const top = 1n << (bits - 1n);
  return [0n, 1n, top - 1n, top, top + 1n, 2n * top - 1n, 2n * top - 2n].map((edge) => BigInt.asUintN(64, edge));
});
