// How numbers look to a person: hexadecimal by default, in the notation that the expression language reads back.

const MASK_64 = 0xffff_ffff_ffff_ffffn;

export type NumberFormat = 'hex' | 'decimal' | 'signed' | 'binary' | 'octal';

/** `0x…`, at least `digits` digits wide. Negative values are shown as 64-bit two's complement. */
export function hex(value: bigint | number, digits = 1): string {
  const number = BigInt(value);
  return `0x${(number < 0n ? BigInt.asUintN(64, number) : number).toString(16).padStart(digits, '0')}`;
}

/** A value of `bits` bits in the chosen notation. */
export function formatNumber(value: bigint, format: NumberFormat, bits = 64): string {
  const unsigned = BigInt.asUintN(bits, value);
  switch (format) {
    case 'hex':
      return hex(unsigned);
    case 'decimal':
      return unsigned.toString();
    case 'signed':
      return BigInt.asIntN(bits, value).toString();
    case 'binary':
      return `0b${unsigned.toString(2)}`;
    case 'octal':
      return `0o${unsigned.toString(8)}`;
  }
}

/** Little-endian unsigned number of the bytes (at most 8). */
export function littleEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 8) return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

/** The low `size` bytes of a value, little-endian. */
export function toLittleEndian(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = value & MASK_64;
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** `name` or `name+0x1c`. */
export function symbolText(symbol: { readonly name: string; readonly offset: bigint | number }): string {
  return BigInt(symbol.offset) === 0n ? symbol.name : `${symbol.name}+${hex(symbol.offset)}`;
}

/** `1,042` style digits are hard to copy; counts stay plain. */
export function plural(count: number | bigint, noun: string): string {
  return `${count} ${noun}${BigInt(count) === 1n ? '' : 's'}`;
}
