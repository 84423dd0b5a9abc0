// FSIN, FCOS and FPTAN of arguments that are reduced, against values computed in rationals with pi in the 66 bits of the manual
// ("Approximation of Pi"): other processors reduce with other approximations.

import { describe, expect, test } from 'vitest';
import { RAM, X87_STATUS } from '../../../src/core/layout.ts';
import { enterLong, load, openCore, RDI, readWord, RSI, runFor, setRegister } from '../harness.ts';

const CODE_AT = 0x10000;
const OPERAND = 0x20000;
const RESULT = 0x20010;
const C2 = 1 << 10;
const FSIN = 0xfe;
const FCOS = 0xff;
const FPTAN = 0xf2;

const core = openCore(16);

/** FNINIT; FLD tbyte [RSI]; the instruction; for FPTAN the 1 is popped; FSTP tbyte [RDI]. */
function outcome(second: number, operand: bigint): { value: bigint; incomplete: boolean } {
  const pop = second === FPTAN ? [0xdd, 0xd8] : [];
  load(core, CODE_AT, [0xdb, 0xe3, 0xdb, 0x2e, 0xd9, second, ...pop, 0xdb, 0x3f]);
  core.exports.flushCode();
  enterLong(core, CODE_AT);
  setRegister(core, RSI, BigInt(OPERAND));
  setRegister(core, RDI, BigInt(RESULT));
  const view = new DataView(core.bytes.buffer);
  view.setBigUint64(RAM + OPERAND, BigInt.asUintN(64, operand), true);
  view.setUint16(RAM + OPERAND + 8, Number(operand >> 64n), true);
  runFor(core, 3);
  const incomplete = (readWord(core, X87_STATUS) & C2) !== 0;
  runFor(core, 1 + pop.length / 2);
  const value = (BigInt(view.getUint16(RAM + RESULT + 8, true)) << 64n) | view.getBigUint64(RAM + RESULT, true);
  return { value, incomplete };
}

// Argument, sine, cosine, tangent, rounded to the nearest 80-bit value.
const REDUCED = [
  ['1', 0x3fff8000000000000000n, 0x3ffed76aa47848677021n, 0x3ffe8a51407da8345c92n, 0x3fffc75922e5f71d2dc5n],
  ['2', 0x40008000000000000000n, 0x3ffee8c7b7568da22efdn, 0xbffdd51132ba9b902522n, 0xc0008bd7b1704a87c1dan],
  ['3', 0x4000c000000000000000n, 0x3ffc9081c36db6aada79n, 0xbffefd7025f42f2e9308n, 0xbffc91f7b892a5c37866n],
  ['10', 0x4002a000000000000000n, 0xbffe8b44f7af9a7a92cfn, 0xbffed6cd64486358f905n, 0x3ffea5faf9a5f1bc12f0n],
  ['1000.5', 0x4008fa20000000000000n, 0x3ffefeca462853d06bb5n, 0x3ffbc6dffbaf5b32798an, 0x4002a3fcf8e0fa438935n],
  ['10^10', 0x40209502f90000000000n, 0xbffdf99a63c49c6f2b1an, 0x3ffedf84c480eb7f65b5n, 0xbffe8ef0007a0f690aa4n],
  ['2^40 + 0.5', 0x40278000000000400000n, 0xbffecb5315f73c629963n, 0xbffe9b8c3e3d88c00921n, 0x3fffa750bc88a8c3dacbn],
  ['2^62 + 2^20', 0x403d8000000000200000n, 0xbffee6ad6503f47cd995n, 0xbffdde06db181eb8e555n, 0x400084fcb2792f5db1a2n],
] as const;

describe('reduced arguments', () => {
  const cases = REDUCED.flatMap(([name, x, sine, cosine, tangent]) => [
    { name: `sine of ${name}`, second: FSIN, x, expected: sine },
    { name: `cosine of ${name}`, second: FCOS, x, expected: cosine },
    { name: `tangent of ${name}`, second: FPTAN, x, expected: tangent },
  ]);
  test.each(cases)('$name', ({ second, x, expected }) => {
    const { value, incomplete } = outcome(second, x);
    expect(incomplete).toBe(false);
    const distance = value - expected;
    expect(distance < 0n ? -distance : distance, value.toString(16)).toBeLessThanOrEqual(1n);
  });

  test.each([FSIN, FCOS])('2^63 is beyond the range', (second) => {
    const argument = 0x403e8000000000000000n;
    expect(outcome(second, argument)).toEqual({ value: argument, incomplete: true });
  });
});
