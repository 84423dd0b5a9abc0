// Runs sequences on this computer's processor and in the core: registers, flags, faults and memory must be equal, in the fast loop
// and one instruction at a time.

import { describe, expect, test } from 'vitest';
import { describeSequence, differences, minimise } from './compare.ts';
import type { Sequence } from './generator.ts';
import { openRunner } from './native.ts';
import { openSimulator, simulate } from './simulated.ts';

const REPORTED = 3;

/** Everything about one failing sequence, cut down. */
function report(
  sequence: Sequence,
  pattern: Uint8Array,
  careful: boolean,
  runner: ReturnType<typeof openRunner>,
): string {
  const compare = (candidate: Sequence) => {
    const expected = runner.run([candidate], pattern, true)[0]!;
    return differences(candidate, expected, simulate(openSimulator([candidate], pattern), candidate, careful, true));
  };
  const whole = compare(sequence);
  const least = whole.length ? minimise(sequence, (candidate) => compare(candidate).length > 0) : sequence;
  const found = whole.length ? compare(least) : ['differs after other sequences only'];
  return `${describeSequence(least)}\n  ${found.join('\n  ')}`;
}

/** The tests; `obstacle` is why this computer cannot run them. */
export function describeDifferential(
  obstacle: string | undefined,
  seed: number,
  makePattern: () => Uint8Array,
  makeSequences: () => Sequence[],
): void {
  if (obstacle) console.log(`differential tests skipped: ${obstacle}`);
  describe.skipIf(obstacle)(`against this computer's processor, seed ${seed}`, () => {
    test.each([
      ['in the fast loop', false],
      ['one instruction at a time', true],
    ])(
      '%s',
      (_, careful) => {
        const pattern = makePattern();
        const sequences = makeSequences();
        const runner = openRunner();
        try {
          const expected = runner.run(sequences, pattern, false);
          const simulator = openSimulator(sequences, pattern);
          const differing = sequences.filter(
            (sequence, i) => differences(sequence, expected[i]!, simulate(simulator, sequence, careful, false)).length,
          );
          // An interrupt may disturb a sequence with a 16-bit stack (Linux's ESPFIX): what differs must differ twice.
          const repeated = differing.length ? runner.run(sequences, pattern, false) : expected;
          const failing = differing.filter((sequence) => {
            const again = repeated[sequences.indexOf(sequence)]!;
            return differences(sequence, again, simulate(simulator, sequence, careful, false)).length;
          });
          const reports = failing.slice(0, REPORTED).map((sequence) => report(sequence, pattern, careful, runner));
          expect(
            failing.length,
            `seed ${seed}: ${failing.length} of ${sequences.length} sequences differ\n${reports.join('\n\n')}`,
          ).toBe(0);
        } finally {
          runner.close();
        }
      },
      120_000,
    );
  });
}
