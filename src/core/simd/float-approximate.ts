// RCPPS, RCPSS, RSQRTPS, RSQRTSS. How close they come is the processor's: at most 1.5 x 2^-12 of the exact value off. Here it is the
// exact value rounded to 12 bits behind the binary point of the significand. They raise nothing and do not heed MXCSR.

const FRACTION_KEPT: u32 = 11; // bits of 23 that are dropped
const INFINITY_BITS: u32 = 0x7f800000;
const SIGN: u32 = 0x80000000;

function shortened(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  return (bits + (1 << (FRACTION_KEPT - 1))) & ~((1 << FRACTION_KEPT) - 1);
}

/** A NaN, quiet. @inline */
function quiet(bits: u32): u32 {
  return bits | 0x400000;
}

function reciprocal(bits: u32): u32 {
  const magnitude = bits & ~SIGN;
  const sign = bits & SIGN;
  if (magnitude > INFINITY_BITS) return quiet(bits);
  if (magnitude < 0x800000) return sign | INFINITY_BITS; // zero, and a denormal counts as zero
  const r = shortened(<f32>1 / reinterpret<f32>(bits));
  return (r & ~SIGN) < 0x800000 ? sign : r; // a tiny result is zero
}

function reciprocalRoot(bits: u32): u32 {
  const magnitude = bits & ~SIGN;
  if (magnitude > INFINITY_BITS) return quiet(bits);
  if (magnitude < 0x800000) return (bits & SIGN) | INFINITY_BITS;
  if (bits & SIGN) return 0xffc00000;
  if (bits == INFINITY_BITS) return 0;
  return shortened(<f32>(1 / sqrt<f64>(<f64>reinterpret<f32>(bits))));
}

/** `bytes` of singles: 4 or 16. */
export function approximate(root: bool, bytes: usize, d: usize, s: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) {
    const x = load<u32>(s + i);
    store<u32>(d + i, root ? reciprocalRoot(x) : reciprocal(x));
  }
}
