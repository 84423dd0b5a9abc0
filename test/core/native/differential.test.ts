// Random sequences of integer instructions, on this computer's processor and in the core: registers, flags, faults and memory
// must be equal, in the fast loop and one instruction at a time. RINGSIDE_SEED and RINGSIDE_SEQUENCES choose another run.

import { describe, expect, test } from 'vitest';
import { describeSequence, differences, minimise } from './compare.ts';
import { generate, memoryPattern, type Sequence } from './generator.ts';
import { nativeObstacle, openRunner } from './native.ts';
import { openSimulator, simulate } from './simulated.ts';
import { DATA_SIZE, STACK_SIZE } from './space.ts';

const SEED = Number(process.env.RINGSIDE_SEED ?? 20260);
const COUNT = Number(process.env.RINGSIDE_SEQUENCES ?? 10_000);
const REPORTED = 3;

const obstacle = nativeObstacle();
if (obstacle) console.log(`differential tests skipped: ${obstacle}`);

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

describe.skipIf(obstacle)(`against this computer's processor, seed ${SEED}`, () => {
  test.each([
    ['in the fast loop', false],
    ['one instruction at a time', true],
  ])(
    '%s',
    (_, careful) => {
      const pattern = memoryPattern(SEED, DATA_SIZE + STACK_SIZE);
      const sequences = generate(SEED, COUNT);
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
          `seed ${SEED}: ${failing.length} of ${COUNT} sequences differ\n${reports.join('\n\n')}`,
        ).toBe(0);
      } finally {
        runner.close();
      }
    },
    120_000,
  );
});
