// The two files that the build makes of the rows: what the decoder looks up, and the function that carries rows out.
import { cryptoRows } from './crypto.ts';
import { floatRows } from './floats.ts';
import { integerRows } from './integer.ts';
import { moveRows } from './moves.ts';
import { FEATURES, type Kind, MOVES, type Prefix, type Row } from './row.ts';
import { shuffleRows } from './shuffles.ts';
import { stateRows } from './state.ts';

const PREFIXES: readonly Prefix[] = [0, 0x66, 0xf3, 0xf2];
const KINDS: readonly Kind[] = ['x', 'm', 'g', 'mxcsr'];
/** In the index: not a row but a group, chosen by ModRM.reg. */
const GROUP = 0x8000;

const keyOf = (row: Row, memory: boolean): number =>
  (((row.map - 1) * 4 + PREFIXES.indexOf(row.prefix)) * 2 + Number(memory)) * 256 + row.opcode;

const forms = (row: Row): boolean[] => [
  ...(row.form !== 'memory' ? [false] : []),
  ...(row.form !== 'register' ? [true] : []),
];

const sameKey = (a: Row, b: Row): boolean =>
  keyOf(a, false) === keyOf(b, false) && a.form === b.form && a.digit === b.digit;

/** Every row, the one that REX.W chooses right behind the one without. */
function orderedRows(): Row[] {
  const all = [...moveRows, ...integerRows, ...shuffleRows, ...floatRows, ...cryptoRows, ...stateRows];
  const wide = all.filter((row) => row.wide);
  const rows = all
    .filter((row) => !row.wide)
    .flatMap((row) => [row, ...wide.filter((candidate) => sameKey(row, candidate))]);
  if (rows.length !== all.length) throw new Error('a row for REX.W without one for its absence');
  return rows;
}

export const ROWS: readonly Row[] = orderedRows();

/** What happens once the operands are there: MMX instructions mark the x87 registers (simd/mmx.ts), also when they raise #XM then. */
function bodyOf(row: Row): string {
  const usesMmx = row.reg === 'm' || row.rm === 'm';
  if (!usesMmx || row.keepsState || !row.body) return row.body;
  const destination = row.store ? row.rm : row.reg;
  return `mmxUsed();${row.body}${destination === 'm' ? 'store<u16>(d,0xffff,8);' : ''}`;
}

const BODIES: readonly string[] = [...new Set(ROWS.map(bodyOf))].filter((body) => body !== '');

function descriptor(row: Row, next: Row | undefined): number {
  const flags = [row.aligned, row.store, row.immediate, next?.wide, row.high, row.select];
  let bits = row.bytes | (KINDS.indexOf(row.reg) << 5) | (KINDS.indexOf(row.rm) << 7);
  flags.forEach((flag, i) => {
    if (flag) bits |= 1 << (9 + i);
  });
  return bits | (FEATURES.indexOf(row.feature) << 15) | (MOVES.indexOf(row.move ?? 'simd') << 19);
}

/** Tables for decode/simd.ts: row number plus 1 by map, prefix, memory form and opcode; 8 bytes a row; row numbers of groups. */
export function emitSimdRows(): string {
  const index = new Array<number>(3 * 4 * 2 * 256).fill(0);
  const groups: number[] = [];
  ROWS.forEach((row, number) => {
    if (row.wide) return;
    for (const memory of forms(row)) {
      const key = keyOf(row, memory);
      if (row.digit === undefined) {
        if (index[key]) throw new Error(`two rows for ${row.name}`);
        index[key] = number + 1;
        continue;
      }
      if (!index[key]) {
        index[key] = GROUP | (groups.length / 8);
        groups.push(0, 0, 0, 0, 0, 0, 0, 0);
      }
      groups[(index[key]! & ~GROUP) * 8 + row.digit] = number + 1;
    }
  });
  const rows = ROWS.flatMap((row, i) => [descriptor(row, ROWS[i + 1]), BODIES.indexOf(bodyOf(row))]);
  return `// Generated from src/core/ops/simd by scripts/build-core.mjs.
export const SIMD_INDEX: usize = memory.data<u16>([${index.join(',')}]);
export const SIMD_GROUPS: usize = memory.data<u16>([${groups.join(',')}]);
export const SIMD_ROWS: usize = memory.data<i32>([${rows.join(',')}]);
`;
}

/** The module with `execSimd`; `core` is the path of src/core from the generated file. */
export function emitSimdSwitch(core: string): string {
  const cases = BODIES.map((body, i) => {
    const names = [...new Set(ROWS.filter((row) => bodyOf(row) === body).map((row) => row.name))];
    return `case ${i}:{// ${names.join(', ')}\n${body}return;}`;
  }).join('\n');
  return `// Generated from src/core/ops/simd by scripts/build-core.mjs.
import { XMM } from '${core}/layout.ts';
import {
  aligned, bytesInOrder, insertSingle, join, mask16, mask32, mask64, roundedProducts, shuffled16, shuffled32, shuffled64, smallestWord,
  sumOfDifferences, sumsOfDifferences, testBits, unsignedBySigned, upper,
} from '${core}/simd/lanes.ts';
import { ADD, DIVIDE, MULTIPLY, SUBTRACT } from '${core}/float/sse.ts';
import { MAXIMUM, MINIMUM, SQUARE_ROOT, scalar } from '${core}/simd/float.ts';
import { compareFlags, comparePacked } from '${core}/simd/float-compare.ts';
import { alternating, dotProduct, horizontal, packed } from '${core}/simd/float-packed.ts';
import { approximate } from '${core}/simd/float-approximate.ts';
import {
  fromDoublewords, fromGeneral, narrow, roundElements, toDoublewords, toGeneral, widen,
} from '${core}/simd/float-convert.ts';
import {
  aesDecrypt, aesEncrypt, aesKey, aesMixBack, carrylessProduct, sha1Message1, sha1Message2, sha1NextE, sha1Rounds, sha256Message1,
  sha256Message2, sha256Rounds,
} from '${core}/simd/crypto.ts';
import { mmxEmpty, mmxUsed } from '${core}/simd/mmx.ts';
import { setMxcsr } from '${core}/simd/mxcsr.ts';
import { compareStrings } from '${core}/simd/strings.ts';

/** Carries out row function f with destination d, source s and immediate n; op and rem say where, should it fault. */
export function execSimd(f: u32, d: usize, s: usize, n: u32, op: usize, rem: i32): void {
  switch (f) {
${cases}
default:unreachable();
  }
}
`;
}
