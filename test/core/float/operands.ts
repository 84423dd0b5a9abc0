// Operands that reach the corners of a floating-point format.

import { below, type Random, wide } from '../native/random.ts';

/** Bits of the exponent and of the fraction (for the 80-bit format without its integer bit). */
const WIDTHS = [
  [8, 23],
  [11, 52],
] as const;

/** An f32 (format 0) or f64 (1): zeros, denormals, infinities, NaNs, values near one another and values of few bits. */
export function floatOperand(random: Random, format: number): bigint {
  const [exponentBits, fractionBits] = WIDTHS[format]!;
  const top = (1 << exponentBits) - 1;
  const bias = top >> 1;
  const sign = BigInt(below(random, 2)) << BigInt(exponentBits + fractionBits);
  return sign | (BigInt(exponentField(random, top, bias)) << BigInt(fractionBits)) | fraction(random, fractionBits);
}

export function exponentField(random: Random, top: number, bias: number): number {
  switch (below(random, 8)) {
    case 0:
      return 0;
    case 1:
      return top;
    case 2:
      return 1 + below(random, 3);
    case 3:
      return top - 1 - below(random, 3);
    case 4:
      return bias + below(random, 70);
    case 5:
      return bias + below(random, 5) - 2;
    case 6:
      return Math.max(0, (bias >> 1) + below(random, 80) - 40);
    default:
      return below(random, top + 1);
  }
}

export function fraction(random: Random, bits: number): bigint {
  const all = (1n << BigInt(bits)) - 1n;
  switch (below(random, 6)) {
    case 0:
      return 0n;
    case 1:
      return all;
    case 2:
      return 1n << BigInt(below(random, bits));
    case 3:
      return all ^ ((1n << BigInt(below(random, bits))) - 1n);
    default:
      return wide(random) & all;
  }
}
