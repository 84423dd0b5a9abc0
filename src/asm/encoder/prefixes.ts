// Prefixes written in front of an instruction.
import { prefixTwice } from '../errors.ts';
import type { Names } from '../evaluate.ts';
import type { Prefix } from '../statement.ts';

export interface Prefixes {
  /** REP, LOCK and the like in the order in which NASM writes them. */
  readonly bytes: readonly number[];
  readonly wait: boolean;
  /** Segment override byte, or -1. */
  readonly segment: number;
  /** o16, o32, o64: 16, 32, 64; otherwise 0. */
  readonly operandSize: number;
  readonly addressSize: number;
  /** Bytes of segment, operand-size and address-size prefixes that were written out. */
  readonly length: number;
  readonly rex: boolean;
  readonly vex3: boolean;
  /** {vex} or {evex}: only forms of this encoding. */
  readonly encoding: 'v' | 'e' | undefined;
}

const NONE: Prefixes = {
  bytes: [],
  wait: false,
  segment: -1,
  operandSize: 0,
  addressSize: 0,
  length: 0,
  rex: false,
  vex3: false,
  encoding: undefined,
};

const REPEAT: Readonly<Record<string, number>> = {
  rep: 0xf3,
  repe: 0xf3,
  repz: 0xf3,
  repne: 0xf2,
  repnz: 0xf2,
  xacquire: 0xf2,
  xrelease: 0xf3,
  bnd: 0xf2,
};
const SEGMENT: Readonly<Record<string, number>> = { es: 0x26, cs: 0x2e, ss: 0x36, ds: 0x3e, fs: 0x64, gs: 0x65 };
const OPERAND: Readonly<Record<string, number>> = { o16: 16, o32: 32, o64: 64 };
const ADDRESS: Readonly<Record<string, number>> = { a16: 16, a32: 32, a64: 64 };

export const PREFIX_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(REPEAT),
  'lock',
  ...Object.keys(SEGMENT),
  ...Object.keys(OPERAND),
  ...Object.keys(ADDRESS),
  '{vex}',
  '{vex2}',
  '{vex3}',
  '{evex}',
]);

/** Undefined after a report: two prefixes of one kind. */
export function readPrefixes(list: readonly Prefix[], bits: number, names: Names): Prefixes | undefined {
  if (list.length === 0) return NONE;
  let repeat = -1;
  let lock = false;
  let segment = -1;
  let operandSize = 0;
  let addressSize = 0;
  let vex3 = false;
  let encoding: Prefixes['encoding'];
  for (const { name, range } of list) {
    const twice = (given: boolean): boolean => {
      if (given) names.problem(prefixTwice(name), range);
      return given;
    };
    if (REPEAT[name] !== undefined) {
      if (twice(repeat >= 0)) return undefined;
      repeat = REPEAT[name];
    } else if (name === 'lock') {
      if (twice(lock)) return undefined;
      lock = true;
    } else if (SEGMENT[name] !== undefined) {
      if (twice(segment >= 0)) return undefined;
      segment = SEGMENT[name];
    } else if (OPERAND[name] !== undefined) {
      if (twice(operandSize !== 0)) return undefined;
      operandSize = OPERAND[name];
    } else if (ADDRESS[name] !== undefined) {
      if (twice(addressSize !== 0)) return undefined;
      addressSize = ADDRESS[name];
    } else {
      vex3 ||= name === '{vex3}';
      encoding = name === '{evex}' ? 'e' : 'v';
    }
  }
  const bytes: number[] = [];
  if (repeat >= 0) bytes.push(repeat);
  if (lock) bytes.push(0xf0);
  const length =
    (segment >= 0 ? 1 : 0) +
    (operandSize !== 0 && operandSize !== 64 && operandSize !== (bits === 64 ? 32 : bits) ? 1 : 0) +
    (addressSize !== 0 && addressSize !== bits ? 1 : 0);
  return { bytes, wait: false, segment, operandSize, addressSize, length, rex: operandSize === 64, vex3, encoding };
}
