// Numbers and strings of NASM source as values.

const RADIX: Readonly<Record<string, number>> = { h: 16, x: 16, o: 8, q: 8, d: 10, t: 10, b: 2, y: 2 };
const MASK64 = (1n << 64n) - 1n;

export const wrap64 = (value: bigint): bigint => BigInt.asIntN(64, value);

function digits(text: string, radix: number): bigint | undefined {
  if (text.length === 0) return undefined;
  let safe = 0;
  let value = 0n;
  let big = false;
  let seen = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 95) continue;
    const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 102 ? c - 87 : c >= 65 && c <= 70 ? c - 55 : 99;
    if (digit >= radix) return undefined;
    seen = true;
    if (big) value = value * BigInt(radix) + BigInt(digit);
    else {
      safe = safe * radix + digit;
      if (safe > 2 ** 47) {
        big = true;
        value = BigInt(safe);
      }
    }
  }
  if (!seen) return undefined;
  return big ? value : BigInt(safe);
}

/** Nothing that is written with more digits is meant as a number. */
const LONGEST_NUMBER = 1000;

export interface ParsedNumber {
  readonly value: bigint;
  /** More than 64 bits were written. */
  readonly overflow: boolean;
}

/** An integer in any of NASM's notations: 10, 0x1F, $1F, 1Fh, 0o17, 17q, 0b1_0, 10b, …; undefined when it is none. */
export function parseNumber(text: string): ParsedNumber | undefined {
  if (text.length > LONGEST_NUMBER) return undefined;
  const value = parseDigits(text);
  return value === undefined ? undefined : { value: wrap64(value), overflow: value > MASK64 };
}

function parseDigits(text: string): bigint | undefined {
  if (text.charCodeAt(0) === 36) return digits(text.slice(1), 16);
  const suffix = RADIX[text[text.length - 1]!.toLowerCase()];
  const prefix = text.length > 2 && text[0] === '0' ? RADIX[text[1]!.toLowerCase()] : undefined;
  // 0b1h is hexadecimal, and so is 0x1b: of a prefix and a suffix, hexadecimal wins.
  if (suffix === 16) {
    const value = digits(text.slice(0, -1), 16);
    if (value !== undefined) return value;
  }
  if (prefix !== undefined) {
    const value = digits(text.slice(2), prefix);
    if (value !== undefined) return value;
  }
  if (suffix !== undefined) return digits(text.slice(0, -1), suffix);
  return digits(text, 10);
}

export const isFloatText = (text: string): boolean =>
  (/\./.test(text) || /^[0-9_]+e[+-]?[0-9_]+$/i.test(text) || /^0x[0-9a-f_.]*p/i.test(text)) && !/^\$/.test(text);

/** 2^exponent · numerator / denominator, or a special value. */
type Exact = { numerator: bigint; denominator: bigint };

function exactFloat(text: string): Exact | undefined {
  const plain = text.replaceAll('_', '').toLowerCase();
  const hex = /^0[xh]([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/.exec(plain);
  if (hex) {
    const fraction = hex[2] ?? '';
    const whole = `${hex[1] ?? ''}${fraction}`;
    if (whole === '') return undefined;
    const exponent = BigInt(hex[3] ?? '0') - 4n * BigInt(fraction.length);
    if (exponent > 20000n || exponent < -20000n) return undefined;
    const numerator = BigInt(`0x${whole}`);
    return exponent >= 0n
      ? { numerator: numerator << exponent, denominator: 1n }
      : { numerator, denominator: 1n << -exponent };
  }
  const decimal = /^(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/.exec(plain);
  if (!decimal) return undefined;
  const fraction = decimal[2] ?? '';
  const whole = `${decimal[1] ?? ''}${fraction}`;
  if (whole === '') return undefined;
  const exponent = Number(decimal[3] ?? '0') - fraction.length;
  if (Math.abs(exponent) > 6000) return undefined;
  const numerator = BigInt(whole);
  return exponent >= 0
    ? { numerator: numerator * 10n ** BigInt(exponent), denominator: 1n }
    : { numerator, denominator: 10n ** BigInt(-exponent) };
}

/** Stored mantissa bits and exponent bits of the formats, by their size in bytes. The 80-bit format stores its leading 1. */
const FORMATS: Readonly<Record<number, { mantissa: number; exponent: number; explicit: boolean }>> = {
  1: { mantissa: 3, exponent: 4, explicit: false },
  2: { mantissa: 10, exponent: 5, explicit: false },
  4: { mantissa: 23, exponent: 8, explicit: false },
  8: { mantissa: 52, exponent: 11, explicit: false },
  10: { mantissa: 63, exponent: 15, explicit: true },
  16: { mantissa: 112, exponent: 15, explicit: false },
};

/** The bits of a floating-point constant in a format of 1, 2, 4, 8, 10 or 16 bytes, rounded to nearest even; undefined: no such constant. */
export function floatBits(text: string, bytes: number, negative: boolean): bigint | undefined {
  const format = FORMATS[bytes];
  if (format === undefined) return undefined;
  const { mantissa, exponent, explicit } = format;
  const stored = mantissa + (explicit ? 1 : 0);
  const signBit = negative ? 1n << BigInt(stored + exponent) : 0n;
  const top = ((1n << BigInt(exponent)) - 1n) << BigInt(stored);
  const leading = explicit ? 1n << BigInt(mantissa) : 0n;
  const infinity = signBit | top | leading;
  const special = /^__\??(infinity|q?nan|snan)\??__$/i.exec(text)?.[1]?.toLowerCase();
  if (special === 'infinity') return infinity;
  if (special === 'snan') return infinity | 1n;
  if (special !== undefined) return infinity | (1n << BigInt(mantissa - 1));
  const value = exactFloat(text);
  if (value === undefined) return undefined;
  if (value.numerator === 0n) return signBit;
  const bias = (1 << (exponent - 1)) - 1;
  let power = value.numerator.toString(2).length - value.denominator.toString(2).length;
  const below = (p: number): boolean =>
    p >= 0 ? value.numerator < value.denominator << BigInt(p) : value.numerator << BigInt(-p) < value.denominator;
  if (below(power)) power--;
  const lowest = 1 - bias;
  const scale = mantissa - Math.max(power, lowest);
  const numerator = scale >= 0 ? value.numerator << BigInt(scale) : value.numerator;
  const denominator = scale >= 0 ? value.denominator : value.denominator << BigInt(-scale);
  let quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice > denominator || (twice === denominator && (quotient & 1n) === 1n)) quotient++;
  let biased = Math.max(power, lowest) + bias;
  if (quotient >> BigInt(mantissa + 1) !== 0n) {
    quotient >>= 1n;
    biased++;
  }
  if (quotient >> BigInt(mantissa) === 0n) biased = 0;
  if (biased >= (1 << exponent) - 1) return infinity;
  const kept = explicit ? quotient : quotient & ((1n << BigInt(mantissa)) - 1n);
  return signBit | (BigInt(biased) << BigInt(stored)) | kept;
}

const encoder = new TextEncoder();
const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  e: 27,
  '\\': 92,
  '`': 96,
  "'": 39,
  '"': 34,
  '?': 63,
};

export type StringBytes =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly at: number; readonly reason: string };

/** The bytes of a quoted string token; `at` is the offset of a bad escape in the token. Text is UTF-8. */
export function stringBytes(text: string): StringBytes {
  if (text[0] !== '`') return { ok: true, bytes: encoder.encode(text.slice(1, -1)) };
  const out: number[] = [];
  const end = text.length - 1;
  let i = 1;
  while (i < end) {
    if (text[i] !== '\\') {
      const point = text.codePointAt(i)!;
      const char = String.fromCodePoint(point);
      out.push(...encoder.encode(char));
      i += char.length;
      continue;
    }
    const letter = text[i + 1] ?? '';
    const simple = ESCAPES[letter];
    if (simple !== undefined) {
      out.push(simple);
      i += 2;
      continue;
    }
    const octal = /^\\([0-7]{1,3})/.exec(text.slice(i, i + 4));
    if (octal) {
      out.push(Number.parseInt(octal[1]!, 8) & 0xff);
      i += octal[0].length;
      continue;
    }
    const hex = /^\\x([0-9a-fA-F]{1,2})/.exec(text.slice(i, Math.min(end, i + 4)));
    if (hex) {
      out.push(Number.parseInt(hex[1]!, 16));
      i += hex[0].length;
      continue;
    }
    const unicode = /^\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(text.slice(i, Math.min(end, i + 10)));
    if (unicode) {
      const point = Number.parseInt(unicode[1] ?? unicode[2]!, 16);
      if (point > 0x10ffff) return { ok: false, at: i, reason: 'names no Unicode character' };
      out.push(...encoder.encode(String.fromCodePoint(point)));
      i += unicode[0].length;
      continue;
    }
    return { ok: false, at: i, reason: 'is no escape sequence of a backquoted string' };
  }
  return { ok: true, bytes: Uint8Array.from(out) };
}

/** A string as a number: its bytes in little-endian order, up to eight. */
export function stringValue(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = Math.min(bytes.length, 8) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return wrap64(value);
}
