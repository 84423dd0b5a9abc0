// What a test of a guest or hypervisor is, and what came of it.

export interface TestCase {
  /** `test_add`, or the program's name when the whole program is the test. */
  readonly name: string;
  /** Linear address to call; undefined: the whole program is the test. */
  readonly address: bigint | undefined;
  /** Where its source is, when that is known. */
  readonly path: string | undefined;
  readonly line: number | undefined;
}

export interface TestFailure {
  /** What was wrong, in whole sentences. */
  readonly message: string;
  readonly path: string | undefined;
  readonly line: number | undefined;
}

export interface TestResult {
  readonly test: TestCase;
  /** Empty: it passed. */
  readonly failures: readonly TestFailure[];
  /** Messages of `@log`, and what explains a failure: failed VM entries, for example. */
  readonly notes: readonly string[];
  /** What it printed on the console. */
  readonly console: string;
  readonly instructions: number;
  readonly exits: number;
}

/** How often each source line ran: by path, by line from 1. Lines that have code and did not run are there with 0. */
export type Coverage = Map<string, Map<number, number>>;
