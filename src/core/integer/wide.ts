// MUL, IMUL, DIV and IDIV, and the 128-bit arithmetic behind them.

import { RAX, RDX, SI_IMMEDIATE, SI_MODRM, SI_OPCODE } from '../layout.ts';
import { VECTOR_DE } from '../bits.ts';
import { raiseNoError } from '../events.ts';
import { setStatus } from '../flags.ts';
import { CF, OF, resultStatus } from './status.ts';
import { operandSize, readReg, readRegister, readRm, signExtend, sizeMask, writeReg, writeRegister } from './operands.ts';

/** Upper 64 bits of an unsigned product. */
export function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const cross = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (cross >> 32);
}

/** Upper 64 bits of a signed product. */
export function multiplyHighSigned(a: u64, b: u64): u64 {
  return multiplyHigh(a, b) - (b & <u64>(<i64>a >> 63)) - (a & <u64>(<i64>b >> 63));
}

/** Remainder of the last `divideWide`. */
export let wideRemainder: u64 = 0;

/**
 * Quotient of the 128-bit high:low by a divisor greater than `high`; leaves `wideRemainder`. Schoolbook division in digits
 * of 32 bits: the divisor is shifted until its top bit is set, so that an estimate from the top digits is at most 2 too big.
 */
export function divideWide(high: u64, low: u64, divisor: u64): u64 {
  const shift = clz<u64>(divisor);
  const d = divisor << shift;
  const dHigh = d >> 32;
  const dLow = d & 0xffffffff;
  const n = shift ? (high << shift) | (low >> (64 - shift)) : high;
  const digits = low << shift;
  const q1 = digit(n, digits >> 32, d, dHigh, dLow);
  const rest = ((n << 32) | (digits >> 32)) - q1 * d;
  const q0 = digit(rest, digits & 0xffffffff, d, dHigh, dLow);
  wideRemainder = (((rest << 32) | (digits & 0xffffffff)) - q0 * d) >> shift;
  return (q1 << 32) | q0;
}

function digit(n: u64, next: u64, d: u64, dHigh: u64, dLow: u64): u64 {
  let q = n / dHigh;
  let r = n - q * dHigh;
  while (q >> 32 || q * dLow > ((r << 32) | next)) {
    q--;
    r += dHigh;
    if (r >> 32) break;
  }
  return q;
}

function divideError(): void {
  raiseNoError(VECTOR_DE);
}

/** Quotient and remainder go to AL and AH, or to the accumulator and RDX. */
function writeQuotient(size: u32, quotient: u64, remainder: u64): void {
  if (size == 0) {
    store<u16>(RAX, <u16>((quotient & 0xff) | (remainder << 8)));
    return;
  }
  writeRegister(0, size, quotient);
  writeRegister(2, size, remainder);
}

/** The dividend of a size below 64 bits: AX, DX:AX or EDX:EAX. */
function dividend(size: u32): u64 {
  if (size == 0) return <u64>load<u16>(RAX);
  if (size == 1) return (<u64>load<u16>(RDX) << 16) | <u64>load<u16>(RAX);
  return (load<u64>(RDX) << 32) | <u64>load<u32>(RAX);
}

export function divide(size: u32, divisor: u64): void {
  if (!divisor) divideError();
  if (size == 3) {
    const high = load<u64>(RDX);
    const low = load<u64>(RAX);
    if (high >= divisor) divideError();
    if (!high) {
      writeQuotient(3, low / divisor, low % divisor);
      return;
    }
    const quotient = divideWide(high, low, divisor);
    writeQuotient(3, quotient, wideRemainder);
    return;
  }
  const n = dividend(size);
  const quotient = n / divisor;
  if (quotient > sizeMask(size)) divideError();
  writeQuotient(size, quotient, n % divisor);
}

export function divideSigned(size: u32, divisor: u64): void {
  if (!divisor) divideError();
  const d = signExtend(divisor, size);
  if (size == 3) {
    divideSigned128(d);
    return;
  }
  const n = size == 2 ? <i64>dividend(2) : signExtend(dividend(size), size + 1);
  if (n == i64.MIN_VALUE && d == -1) divideError();
  const quotient = n / d;
  if (quotient != signExtend(<u64>quotient, size)) divideError();
  writeQuotient(size, <u64>quotient, <u64>(n % d));
}

function divideSigned128(d: i64): void {
  const high = load<i64>(RDX);
  const low = load<u64>(RAX);
  if (high == <i64>low >> 63) {
    if (<i64>low == i64.MIN_VALUE && d == -1) divideError();
    writeQuotient(3, <u64>(<i64>low / d), <u64>(<i64>low % d));
    return;
  }
  let magnitudeHigh = <u64>high;
  let magnitudeLow = low;
  if (high < 0) {
    magnitudeLow = 0 - low;
    magnitudeHigh = ~(<u64>high) + (low == 0 ? 1 : 0);
  }
  const divisor = d < 0 ? <u64>(0 - d) : <u64>d;
  if (magnitudeHigh >= divisor) divideError();
  const negative = high < 0 != d < 0;
  const quotient = divideWide(magnitudeHigh, magnitudeLow, divisor);
  if (quotient > (negative ? <u64>i64.MIN_VALUE : <u64>i64.MAX_VALUE)) divideError();
  writeQuotient(3, negative ? 0 - quotient : quotient, high < 0 ? 0 - wideRemainder : wideRemainder);
}

/** One-operand multiply: the double-width product goes to AX or to RDX and the accumulator. */
export function multiply(size: u32, factor: u64, signed: bool): void {
  const mask = sizeMask(size);
  let low: u64;
  let high: u64;
  if (size == 3) {
    const a = load<u64>(RAX);
    low = a * factor;
    high = signed ? multiplyHighSigned(a, factor) : multiplyHigh(a, factor);
  } else {
    const a = readRegister(0, size);
    const product = signed ? <u64>(signExtend(a, size) * signExtend(factor, size)) : a * factor;
    low = product & mask;
    high = (product >> <u64>(8 << size)) & mask;
  }
  if (size == 0) store<u16>(RAX, <u16>(low | (high << 8)));
  else {
    writeRegister(0, size, low);
    writeRegister(2, size, high);
  }
  const wide = signed ? high != (<u64>(signExtend(low, size) >> 63) & mask) : high != 0;
  setStatus(resultStatus(low, size) | (wide ? CF | OF : 0));
}

/** IMUL with two or three operands: the product is cut to the operand size. */
function multiplyInto(size: u32, a: u64, b: u64): void {
  const x = signExtend(a, size);
  const y = signExtend(b, size);
  const product = <u64>(x * y);
  const low = product & sizeMask(size);
  const wide = size == 3 ? <i64>multiplyHighSigned(<u64>x, <u64>y) != <i64>product >> 63 : <i64>product != signExtend(low, size);
  writeReg(size, low);
  setStatus(resultStatus(low, size) | (wide ? CF | OF : 0));
}

export function execMulDiv(): void {
  const size = operandSize();
  const opcode = load<u32>(SI_OPCODE);
  const operand = readRm(size);
  if (opcode == 0x0faf) {
    multiplyInto(size, readReg(size), operand);
    return;
  }
  if (opcode == 0x69 || opcode == 0x6b) {
    multiplyInto(size, operand, load<u64>(SI_IMMEDIATE));
    return;
  }
  switch ((load<u32>(SI_MODRM) >> 3) & 7) {
    case 4:
      multiply(size, operand, false);
      return;
    case 5:
      multiply(size, operand, true);
      return;
    case 6:
      divide(size, operand);
      return;
    default:
      divideSigned(size, operand);
  }
}
