// Each program of test/vmx/programs proves a part of VMX and judges itself: it ends with 0 to port F4H. Together they prove all of
// it that the machine offers.
import { describe, expect, it } from 'vitest';
import { collect, PROGRAM_NAMES, type Seen } from './proofs/collect.ts';
import { CONTROL_PROOFS } from './proofs/controls.ts';
import { coverage, unproven } from './proofs/table.ts';
import { hasNasm } from './hypervisors.ts';

describe.skipIf(!hasNasm())('hypervisors', () => {
  const seen: Seen[] = [];

  it.each(PROGRAM_NAMES)('%s', (name) => {
    const one = collect(name);
    seen.push(one);
    // The test-exit port reports status (value << 1) | 1.
    expect({ output: one.output, stop: one.stop }).toEqual({
      output: '',
      stop: { kind: 'shutdown', status: 1, port: 0xf4 },
    });
  });

  it('prove every field, control, exit reason and entry check that is offered', () => {
    expect(unproven(coverage(seen))).toEqual([]);
  });

  it('are those that the proofs name', () => {
    expect(Object.values(CONTROL_PROOFS).filter((name) => !PROGRAM_NAMES.includes(`${name}.asm`))).toEqual([]);
  });
});
