// Each program of test/vmx/programs proves a part of VMX and judges itself: it ends with 0 to port F4H.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hasNasm, runProgram } from './hypervisors.ts';

const programs = readdirSync(join(dirname(fileURLToPath(import.meta.url)), 'programs'))
  .filter((name) => name.endsWith('.asm'))
  .sort();

describe.skipIf(!hasNasm())('hypervisors', () => {
  it.each(programs)('%s', (name) => {
    // The test-exit port reports status (value << 1) | 1.
    expect(runProgram(name)).toEqual({ output: '', stop: { kind: 'shutdown', status: 1, port: 0xf4 } });
  });
});
