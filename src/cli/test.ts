// `ringside test`: runs the tests of assembly sources and ELF images, each on a fresh machine.

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { annotationsOfProgram, type BoundAnnotation } from '../debugger/annotations/binding.ts';
import { createScheduler } from '../debugger/scheduler.ts';
import { addCoverage } from '../debugger/tests/coverage.ts';
import { testsOf } from '../debugger/tests/discover.ts';
import { coverageEvents, foundEvent, jsonLine, resultEvent, type TestEvent } from '../debugger/tests/events.ts';
import { type FileResults, junit, lcov, tapHead, tapLine } from '../debugger/tests/reports.ts';
import { runTest } from '../debugger/tests/run-test.ts';
import type { Coverage, TestCase, TestResult } from '../debugger/tests/types.ts';
import { createMachine } from '../machine/machine.ts';
import { type Image, imageOf } from '../program/image.ts';
import type { LoadOptions } from '../program/load.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { CommandError, mistake, STATUS } from './errors.ts';
import { coreModule, fileProblem, openProgram, readProgramFile } from './host.ts';

export interface TestCommand {
  /** Files, and folders to look for tests in. */
  readonly paths: readonly string[];
  readonly load: LoadOptions;
  readonly profile: CapabilityProfile;
  readonly maxInstructions: number;
  /** Only tests whose name has this in it. */
  readonly filter: string | undefined;
  /** Only the test or tests of exactly these names; empty: all. */
  readonly names: readonly string[];
  /** Only names, nothing is run. */
  readonly list: boolean;
  /** One JSON object a line instead of TAP; a file that cannot be loaded is one of them, and the others go on. */
  readonly json: boolean;
  /** JSON has how often each line ran, too. */
  readonly coverage: boolean;
  readonly junit: string | undefined;
  readonly lcov: string | undefined;
}

/** Files of a folder that are tests. */
const TEST_FILE = /^(?:test|.*[._-]test)\.(?:asm|nasm|elf|bin)$/i;

interface TestFile {
  readonly path: string;
  readonly image: Image;
  readonly annotations: readonly BoundAnnotation[];
  readonly tests: readonly TestCase[];
}

/** Answers the exit status of the process: 0 when every test passed. */
export async function test(command: TestCommand): Promise<number> {
  const files: TestFile[] = [];
  let problems = 0;
  for (const path of command.paths.flatMap((given) => filesOf(given))) {
    try {
      files.push(await open(path, command));
    } catch (problem) {
      if (!command.json || !(problem instanceof CommandError)) throw problem;
      problems++;
      tell({ kind: 'problem', file: path, message: problem.message });
    }
  }
  const count = files.reduce((sum, { tests }) => sum + tests.length, 0);
  if (command.list) {
    for (const { path, tests } of files) for (const one of tests) list(path, one, command.json);
    return problems === 0 ? 0 : STATUS.mistake;
  }
  if (count === 0 && problems === 0) throw nothingChosen(command);
  const failed = await runAll(files, command, count);
  return failed + problems === 0 ? 0 : STATUS.mistake;
}

const tell = (event: TestEvent): boolean => process.stdout.write(jsonLine(event));

function list(path: string, one: TestCase, json: boolean): void {
  if (json) tell(foundEvent(path, one));
  else process.stdout.write(`${path}: ${one.name}\n`);
}

const nothingChosen = ({ filter, names }: TestCommand): CommandError =>
  mistake(
    'no-tests',
    filter === undefined
      ? `No test is named ${names.map((name) => `"${name}"`).join(' or ')}.`
      : `No test has "${filter}" in its name.`,
  );

/** Answers how many failed. */
async function runAll(files: readonly TestFile[], command: TestCommand, count: number): Promise<number> {
  if (!command.json) process.stdout.write(tapHead(count));
  const coverage: Coverage = new Map();
  const all: FileResults[] = [];
  let number = 0;
  for (const file of files) {
    const results: TestResult[] = [];
    for (const one of file.tests) {
      if (command.json) tell({ kind: 'start', file: file.path, name: one.name });
      const result = await runOne(file, one, command, coverage);
      results.push(result);
      if (command.json) tell(resultEvent(file.path, result));
      else process.stdout.write(tapLine(++number, file.path, result));
    }
    all.push({ path: file.path, results });
  }
  if (command.junit !== undefined) write(command.junit, junit(all));
  if (command.lcov !== undefined) write(command.lcov, lcov(coverage));
  const failed = all.flatMap(({ results }) => results).filter(({ failures }) => failures.length > 0).length;
  if (!command.json) process.stdout.write(`# ${count - failed} passed, ${failed} failed\n`);
  if (command.json && command.coverage) for (const event of coverageEvents(coverage)) tell(event);
  return failed;
}

function filesOf(given: string): string[] {
  let folder: boolean;
  try {
    folder = statSync(given).isDirectory();
  } catch (problem) {
    throw mistake('unreadable', `${given}: cannot be read: ${fileProblem(problem)}.`);
  }
  if (!folder) return [given];
  const found = readdirSync(given, { recursive: true, encoding: 'utf8' })
    .filter((name) => TEST_FILE.test(basename(name)))
    .sort()
    .map((name) => join(given, name));
  if (found.length === 0) {
    throw mistake(
      'no-tests',
      `${given}: no file in this folder is a test: test.asm, NAME.test.asm, NAME_test.asm or the like.`,
    );
  }
  return found;
}

async function open(path: string, { load, filter, names, list }: TestCommand): Promise<TestFile> {
  const program = await openProgram(path, load);
  const image = imageOf(program);
  const tests = testsOf(image).filter(
    ({ name }) => name.includes(filter ?? '') && (names.length === 0 || names.includes(name)),
  );
  return { path, image, tests, annotations: list ? [] : await annotationsOf(image) };
}

/** The first annotation that cannot be understood is a mistake. */
async function annotationsOf(image: Image): Promise<readonly BoundAnnotation[]> {
  const { bound, problems } = await annotationsOfProgram(image, readProgramFile);
  const [problem] = problems;
  if (problem === undefined) return bound;
  throw mistake('annotation', `${problem.path}:${problem.line}:${problem.column}: ${problem.message}`);
}

async function runOne(file: TestFile, one: TestCase, command: TestCommand, coverage: Coverage): Promise<TestResult> {
  const { image, annotations } = file;
  const covers = command.lcov !== undefined || command.coverage;
  const machine = createMachine({
    coreWasm: await coreModule(),
    ramSize: command.load.ramSize,
    program: image.program,
    profile: command.profile,
  });
  const ran = new Map<bigint, number>();
  const result = await runTest(machine, image, one, {
    annotations,
    limit: command.maxInstructions,
    breathe: createScheduler().breathe,
    onInstruction: !covers ? undefined : (linear) => ran.set(linear, (ran.get(linear) ?? 0) + 1),
  });
  if (covers) addCoverage(coverage, image, ran);
  return result;
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (problem) {
    throw mistake('unwritable', `${path}: cannot be written: ${fileProblem(problem)}.`);
  }
}
