// The x87 environment in its four forms (SDM "Protected Mode x87 FPU State Image in Memory" and the three figures after it), and that
// loading it gives back what was saved.

import { describe, expect, test } from 'vitest';
import {
  ABSENT,
  ABSENT_FCS_FDS,
  RAM,
  X87,
  X87_CONTROL,
  X87_CS,
  X87_DP,
  X87_DS,
  X87_IP,
  X87_OPCODE,
  X87_STATUS,
  X87_TAGS,
} from '../../../src/core/layout.ts';
import {
  enterProtected,
  enterReal,
  load,
  openCore,
  readQuad,
  readWord,
  runFor,
  type TestCore,
  writeQuad,
  writeWord,
} from '../harness.ts';

const CODE_AT = 0x6000;
const AREA = 0x5000;

/** R7 holds 1, the others are empty: FTW is 3FFFH. */
function prepare(enter: (core: TestCore, rip: number) => void, bytes: readonly number[]): TestCore {
  const core = openCore();
  load(core, CODE_AT, bytes);
  enter(core, CODE_AT);
  writeWord(core, ABSENT, ABSENT_FCS_FDS);
  writeWord(core, X87_CONTROL, 0x37f);
  writeWord(core, X87_STATUS, 0x3b00);
  writeWord(core, X87_TAGS, 0x80);
  writeQuad(core, X87 + 7 * 16, 1n << 63n);
  writeQuad(core, X87 + 7 * 16 + 8, 0x3fffn);
  writeWord(core, X87_CS, 0x1234);
  writeWord(core, X87_DS, 0x5678);
  writeQuad(core, X87_IP, 0xfedcn);
  writeQuad(core, X87_DP, 0x9abcn);
  writeWord(core, X87_OPCODE, 0x5f9);
  return core;
}

function words(core: TestCore, size: 2 | 4): string[] {
  const view = new DataView(core.bytes.buffer, RAM + AREA, 28);
  return Array.from({ length: 7 }, (_, i) =>
    (size === 2 ? view.getUint16(2 * i, true) : view.getUint32(4 * i, true)).toString(16),
  );
}

function state(core: TestCore): unknown[] {
  return [X87_CONTROL, X87_STATUS, X87_TAGS].map((at) => readWord(core, at));
}

// FNSTENV [5000H], FLDENV [5000H] with a 16-bit address in real mode, a 32-bit one in protected mode; 66 changes the operand size.
const REAL = [0xd9, 0x36, 0x00, 0x50];
const PROTECTED = [0xd9, 0x35, 0x00, 0x50, 0x00, 0x00];
// In real-address mode pointers are linear: 12340H + FEDCH = 2221CH, and 56780H + 9ABCH = 6023CH.
const FORMS = [
  ['real, 14 bytes', enterReal, REAL, 2, ['37f', '3b00', '3fff', '221c', '25f9', '23c', '6000']],
  [
    'real, 28 bytes',
    enterReal,
    [0x66, ...REAL],
    4,
    ['ffff037f', 'ffff3b00', 'ffff3fff', 'ffff221c', '25f9', 'ffff023c', '6000'],
  ],
  [
    'protected, 14 bytes',
    enterProtected,
    [0x66, ...PROTECTED],
    2,
    ['37f', '3b00', '3fff', 'fedc', '1234', '9abc', '5678'],
  ],
  [
    'protected, 28 bytes',
    enterProtected,
    PROTECTED,
    4,
    ['ffff037f', 'ffff3b00', 'ffff3fff', 'fedc', '5f91234', '9abc', 'ffff5678'],
  ],
] as const;

describe('the environment', () => {
  test.each(FORMS)('%s', (_, enter, store, size, expected) => {
    // FLDENV is the same with /4.
    const reload = store.map((byte) => (byte === 0x36 ? 0x26 : byte === 0x35 ? 0x25 : byte));
    const core = prepare(enter, [...store, 0xdb, 0xe3, ...reload]); // FNINIT in between
    const before = state(core);
    runFor(core, 1);
    expect(words(core, size)).toEqual(expected);
    runFor(core, 1);
    expect(state(core)).toEqual([0x37f, 0, 0]);
    runFor(core, 1);
    expect(state(core)).toEqual(before);
  });

  test('pointers come back where the form has them', () => {
    const core = prepare(enterProtected, [...PROTECTED, 0xdb, 0xe3, 0xd9, 0x25, 0x00, 0x50, 0x00, 0x00]);
    runFor(core, 3);
    expect([X87_CS, X87_DS, X87_OPCODE].map((at) => readWord(core, at))).toEqual([0x1234, 0x5678, 0x5f9]);
    expect([X87_IP, X87_DP].map((at) => readQuad(core, at))).toEqual([0xfedcn, 0x9abcn]);
  });

  test('an unmasked exception that is loaded is pending', () => {
    const core = prepare(enterProtected, [0xd9, 0x25, 0x00, 0x50, 0x00, 0x00]);
    load(core, AREA, [0x7e, 0x03, 0, 0, 0x01, 0x00, 0, 0, 0xff, 0xff]); // IM = 0, IE = 1
    runFor(core, 1);
    expect(readWord(core, X87_STATUS)).toBe(0x8081);
  });
});
