// Tests and their results for programs: one JSON object a line, each with a `kind`.

import type { Coverage, TestCase, TestFailure, TestResult } from './types.ts';

/** A test that a file has; `--list` gives these alone. */
export interface TestFound {
  readonly kind: 'test';
  /** The file as it was given or found. */
  readonly file: string;
  readonly name: string;
  /** True when the program as a whole is the test. */
  readonly whole: boolean;
  /** Where its source is, when that is known; lines from 1. */
  readonly path?: string;
  readonly line?: number;
}

/** A file whose tests cannot be had: it does not assemble, for example. */
export interface FileProblem {
  readonly kind: 'problem';
  readonly file: string;
  readonly message: string;
}

export interface TestStarted {
  readonly kind: 'start';
  readonly file: string;
  readonly name: string;
}

export interface TestEnded {
  readonly kind: 'result';
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  readonly failures: readonly { readonly message: string; readonly path?: string; readonly line?: number }[];
  readonly notes: readonly string[];
  readonly console: string;
  readonly instructions: number;
  readonly exits: number;
}

/** How often each line of a source ran in all tests together. */
export interface FileCoverage {
  readonly kind: 'coverage';
  readonly path: string;
  /** Line from 1, and how often it ran. */
  readonly lines: readonly (readonly [number, number])[];
}

export type TestEvent = TestFound | FileProblem | TestStarted | TestEnded | FileCoverage;

export const jsonLine = (event: TestEvent): string => `${JSON.stringify(event)}\n`;

export function foundEvent(file: string, { name, address, path, line }: TestCase): TestFound {
  return { kind: 'test', file, name, whole: address === undefined, ...placeOf(path, line) };
}

export function resultEvent(file: string, result: TestResult): TestEnded {
  const { test, failures, notes, console, instructions, exits } = result;
  return {
    kind: 'result',
    file,
    name: test.name,
    passed: failures.length === 0,
    failures: failures.map(({ message, path, line }: TestFailure) => ({ message, ...placeOf(path, line) })),
    notes,
    console,
    instructions,
    exits,
  };
}

export function coverageEvents(coverage: Coverage): FileCoverage[] {
  return [...coverage]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, lines]) => ({ kind: 'coverage', path, lines: [...lines].sort(([a], [b]) => a - b) }));
}

const placeOf = (path: string | undefined, line: number | undefined): { path?: string; line?: number } => ({
  ...(path === undefined ? {} : { path }),
  ...(line === undefined ? {} : { line }),
});
