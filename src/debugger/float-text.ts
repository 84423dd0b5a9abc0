// x87 and SSE registers in words.

/** The number that 80 bits are, as near as a double is; or what they are instead. */
export function extendedText(value: bigint): string {
  const significand = BigInt.asUintN(64, value);
  const exponent = Number((value >> 64n) & 0x7fffn);
  const sign = (value >> 79n) & 1n ? '-' : '';
  if (exponent === 0 && significand === 0n) return `${sign}0`;
  if (exponent !== 0 && significand >> 63n === 0n) return 'unsupported';
  if (exponent === 0x7fff) return significand << 1n === 1n << 64n ? `${sign}infinity` : 'NaN';
  const power = (exponent === 0 ? -16382 : exponent - 16383) - 63;
  // In two steps, so that only the result can leave a double's range.
  const near = Number(significand) * 2 ** Math.trunc(power / 2) * 2 ** (power - Math.trunc(power / 2));
  if (near === 0 || !Number.isFinite(near)) return `${sign}${significand} × 2^${power}`;
  return `${sign}${near}`;
}

/** The two f64 and the four f32 that 128 bits are. */
export function vectorText(value: bigint): string {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, BigInt.asUintN(64, value), true);
  view.setBigUint64(8, value >> 64n, true);
  const doubles = [0, 8].map((at) => numberText(view.getFloat64(at, true)));
  const singles = [0, 4, 8, 12].map((at) => numberText(view.getFloat32(at, true)));
  return `f64 ${doubles.join(', ')}; f32 ${singles.join(', ')}`;
}

function numberText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toString() : Number(value.toPrecision(9)).toString();
}
