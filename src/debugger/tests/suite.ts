// Files of tests, opened and run one test after the other on a machine each: what `ringside test` does, wherever files and machines come from.

import type { Machine } from '../../machine/types.ts';
import { ProgramError } from '../../program/errors.ts';
import { type Image, imageOf } from '../../program/image.ts';
import { type LoadOptions, loadProgram } from '../../program/load.ts';
import type { FileReader, Program } from '../../program/types.ts';
import { annotationsOfProgram, type BoundAnnotation } from '../annotations/binding.ts';
import { addCoverage } from './coverage.ts';
import { testsOf } from './discover.ts';
import { coverageEvents, foundEvent, resultEvent, type TestEvent } from './events.ts';
import type { FileResults } from './reports.ts';
import { runTest } from './run-test.ts';
import type { Coverage, TestCase, TestResult } from './types.ts';

export interface SuiteHost {
  readonly readFile: FileReader;
  createMachine(program: Program): Promise<Machine>;
  /** Called now and then, so that the host can serve others. */
  breathe(): Promise<void>;
}

export interface TestFile {
  readonly path: string;
  readonly image: Image;
  readonly annotations: readonly BoundAnnotation[];
  readonly tests: readonly TestCase[];
}

export type OpenedTests =
  | { readonly ok: true; readonly file: TestFile }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface OpenOptions {
  readonly load: LoadOptions;
  /** Which tests of the file are meant, by name. */
  readonly wanted: (name: string) => boolean;
  /** Only where tests are: annotations are not read. */
  readonly list: boolean;
}

/** The first annotation that cannot be understood is a mistake, as is a file that is no program. */
export async function openTests(path: string, options: OpenOptions, readFile: FileReader): Promise<OpenedTests> {
  let image: Image;
  try {
    image = imageOf(await loadProgram(path, options.load, readFile));
  } catch (problem) {
    if (problem instanceof ProgramError) return { ok: false, code: problem.code, message: problem.message };
    throw problem;
  }
  const tests = testsOf(image).filter(({ name }) => options.wanted(name));
  if (options.list) return { ok: true, file: { path, image, tests, annotations: [] } };
  const { bound, problems } = await annotationsOfProgram(image, readFile);
  const [bad] = problems;
  if (bad === undefined) return { ok: true, file: { path, image, tests, annotations: bound } };
  return { ok: false, code: 'annotation', message: `${bad.path}:${bad.line}:${bad.column}: ${bad.message}` };
}

/** `coverage`: gets how often each line ran; the test then runs step by step. */
export async function runOne(
  { image, annotations }: TestFile,
  test: TestCase,
  limit: number,
  coverage: Coverage | undefined,
  host: SuiteHost,
): Promise<TestResult> {
  const machine = await host.createMachine(image.program);
  const ran = new Map<bigint, number>();
  const result = await runTest(machine, image, test, {
    annotations,
    limit,
    breathe: () => host.breathe(),
    onInstruction: coverage === undefined ? undefined : (linear) => ran.set(linear, (ran.get(linear) ?? 0) + 1),
  });
  if (coverage !== undefined) addCoverage(coverage, image, ran);
  return result;
}

export interface SuiteRequest extends OpenOptions {
  readonly paths: readonly string[];
  /** Instructions that one test may take. */
  readonly maxInstructions: number;
  readonly coverage: boolean;
}

export interface SuiteSum {
  /** Tests that were found and wanted. */
  readonly tests: number;
  /** Files whose tests cannot be had. */
  readonly problems: number;
  /** Of the tests that ran. */
  readonly results: readonly FileResults[];
  readonly coverage: Coverage;
}

/** Lists or runs tests, and tells what comes of it as it comes: docs/testing.md, "JSON". A file that cannot be loaded does not stop the others. */
export async function tellTests(
  request: SuiteRequest,
  host: SuiteHost,
  tell: (event: TestEvent) => void,
): Promise<SuiteSum> {
  const coverage: Coverage = new Map();
  const all: FileResults[] = [];
  let [tests, problems] = [0, 0];
  for (const path of request.paths) {
    const opened = await openTests(path, request, host.readFile);
    if (!opened.ok) {
      problems++;
      tell({ kind: 'problem', file: path, message: opened.message });
      continue;
    }
    tests += opened.file.tests.length;
    const results: TestResult[] = [];
    for (const test of opened.file.tests) {
      if (request.list) {
        tell(foundEvent(path, test));
        continue;
      }
      tell({ kind: 'start', file: path, name: test.name });
      const result = await runOne(
        opened.file,
        test,
        request.maxInstructions,
        request.coverage ? coverage : undefined,
        host,
      );
      results.push(result);
      tell(resultEvent(path, result));
    }
    all.push({ path, results });
  }
  for (const event of coverageEvents(coverage)) tell(event);
  return { tests, problems, results: all, coverage };
}
