// The six status flags have every combination, and the sixteen conditions read them as the SDM defines ("Jcc", "SETcc").

import { describe, expect, it } from 'vitest';
import { RAM, RAX, STOP_BUDGET } from '../../src/core/layout.ts';
import { enterLong, load, openCore, runFor } from './harness.ts';

const CODE = 0x8000;
const RESULTS = 0x20000;
const CF = 1;
const PF = 4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;

const less = (flags: number) => ((flags & SF) !== 0) !== ((flags & OF) !== 0);
/** By condition number; the odd ones are their negations. */
const CONDITIONS: readonly ((flags: number) => boolean)[] = [
  (flags) => (flags & OF) !== 0,
  (flags) => (flags & CF) !== 0,
  (flags) => (flags & ZF) !== 0,
  (flags) => (flags & (CF | ZF)) !== 0,
  (flags) => (flags & SF) !== 0,
  (flags) => (flags & PF) !== 0,
  less,
  (flags) => (flags & ZF) !== 0 || less(flags),
];

/** Sixteen of SETcc byte [RESULTS + cc], then JMP to itself. */
function setAll(): number[] {
  const code: number[] = [];
  for (let cc = 0; cc < 16; cc++) {
    code.push(0x0f, 0x90 + cc, 0x04, 0x25, ...new Uint8Array(Uint32Array.of(RESULTS + cc).buffer));
  }
  return [...code, 0xeb, 0xfe];
}

const COMBINATIONS = Array.from({ length: 64 }, (_, bits) =>
  [CF, PF, AF, ZF, SF, OF].reduce((flags, flag, i) => (bits & (1 << i) ? flags | flag : flags), 0),
);

describe('status flags', () => {
  it('hold every combination, and every condition reads it', () => {
    const core = openCore();
    load(core, CODE, setAll());
    for (const flags of COMBINATIONS) {
      enterLong(core, CODE);
      core.exports.setFlags(BigInt(flags | 2));
      expect(core.exports.getFlags()).toBe(BigInt(flags | 2));
      expect(runFor(core, 17).stop).toBe(STOP_BUDGET);
      const seen = [...core.bytes.subarray(RAM + RESULTS, RAM + RESULTS + 16)];
      const expected = CONDITIONS.flatMap((holds) => [holds(flags) ? 1 : 0, holds(flags) ? 0 : 1]);
      expect(seen, `flags ${flags.toString(16)}`).toEqual(expected);
      expect(core.exports.getFlags()).toBe(BigInt(flags | 2));
    }
  });

  it('keep what CMC, a rotate and BT leave alone', () => {
    const core = openCore();
    const cases = [
      { name: 'CMC', bytes: [0xf5], changed: CF, value: (flags: number) => flags ^ CF },
      { name: 'STC', bytes: [0xf9], changed: CF, value: (flags: number) => flags | CF },
      // ROL EAX, 1 of 80000001H: CF 1, OF = top bit of the result (0) xor CF.
      { name: 'ROL', bytes: [0xd1, 0xc0], changed: CF | OF, value: (flags: number) => (flags & ~(CF | OF)) | CF | OF },
      { name: 'BT', bytes: [0x0f, 0xba, 0xe0, 0x00], changed: CF, value: (flags: number) => flags | CF },
    ];
    for (const { name, bytes, changed, value } of cases) {
      load(core, CODE, [...bytes, 0xeb, 0xfe]);
      core.exports.flushCode();
      for (const flags of COMBINATIONS) {
        enterLong(core, CODE);
        core.quads[RAX >>> 3] = 0x80000001n;
        core.exports.setFlags(BigInt(flags | 2));
        runFor(core, 1);
        const after = Number(core.exports.getFlags());
        expect(after & (CF | PF | AF | ZF | SF | OF) & ~changed, name).toBe(flags & ~changed);
        expect(after & changed, name).toBe(value(flags) & changed);
      }
    }
  });
});
