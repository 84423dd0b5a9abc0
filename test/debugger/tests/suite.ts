// Test programs as text, run as `ringside test` runs them.
import { annotationsOfProgram } from '../../../src/debugger/annotations/binding.ts';
import { addCoverage } from '../../../src/debugger/tests/coverage.ts';
import { testsOf } from '../../../src/debugger/tests/discover.ts';
import { runTest } from '../../../src/debugger/tests/run-test.ts';
import type { Coverage, TestResult } from '../../../src/debugger/tests/types.ts';
import { createMachine } from '../../../src/machine/machine.ts';
import { imageOf } from '../../../src/program/image.ts';
import { loadProgram, type LoadOptions } from '../../../src/program/load.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

const RAM = 16 << 20;

export interface SuiteOptions {
  readonly limit?: number;
  readonly coverage?: Coverage;
  readonly load?: Partial<LoadOptions>;
  readonly readFile?: (path: string) => Promise<Uint8Array>;
}

/** Runs every test of a file; `path` is read through `readFile`. */
export async function runSuite(path: string, options: SuiteOptions = {}): Promise<TestResult[]> {
  const readFile = options.readFile ?? (() => Promise.reject(new Error('no such file')));
  const program = await loadProgram(path, { ramSize: RAM, ...options.load }, readFile);
  const image = imageOf(program);
  const { bound, problems } = await annotationsOfProgram(image, readFile);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const results: TestResult[] = [];
  for (const test of testsOf(image)) {
    const machine = createMachine({ coreWasm: coreModule(), ramSize: RAM, program });
    const ran = new Map<bigint, number>();
    results.push(
      await runTest(machine, image, test, {
        annotations: bound,
        limit: options.limit ?? 100_000,
        onInstruction:
          options.coverage === undefined ? undefined : (linear) => ran.set(linear, (ran.get(linear) ?? 0) + 1),
      }),
    );
    if (options.coverage !== undefined) addCoverage(options.coverage, image, ran);
  }
  return results;
}

/** As runSuite, for one assembly source. */
export function runSource(source: string, options: SuiteOptions = {}): Promise<TestResult[]> {
  const bytes = new TextEncoder().encode(source);
  return runSuite('/suite.asm', {
    ...options,
    readFile: (path) => (path === '/suite.asm' ? Promise.resolve(bytes) : Promise.reject(new Error('no such file'))),
  });
}
