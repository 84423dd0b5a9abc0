// `ringside test`: runs the tests of assembly sources and ELF images, each on a fresh machine.

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createScheduler } from '../debugger/scheduler.ts';
import { jsonLine } from '../debugger/tests/events.ts';
import { type FileResults, junit, lcov, tapHead, tapLine } from '../debugger/tests/reports.ts';
import {
  openTests,
  runOne,
  type SuiteHost,
  type SuiteRequest,
  tellTests,
  type TestFile,
} from '../debugger/tests/suite.ts';
import type { Coverage, TestResult } from '../debugger/tests/types.ts';
import { createMachine } from '../machine/machine.ts';
import type { LoadOptions } from '../program/load.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { type CommandError, mistake, STATUS } from './errors.ts';
import { coreModule, fileProblem, readProgramFile } from './host.ts';

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

/** Answers the exit status of the process: 0 when every test passed. */
export async function test(command: TestCommand): Promise<number> {
  const { filter, names, load, list, maxInstructions } = command;
  const request: SuiteRequest = {
    paths: command.paths.flatMap((given) => filesOf(given)),
    wanted: (name) => name.includes(filter ?? '') && (names.length === 0 || names.includes(name)),
    coverage: command.coverage || command.lcov !== undefined,
    load,
    list,
    maxInstructions,
  };
  const host = hostOf(command);
  return command.json ? asJson(command, request, host) : asTap(command, request, host);
}

function hostOf({ load, profile }: TestCommand): SuiteHost {
  const { breathe } = createScheduler();
  return {
    readFile: readProgramFile,
    createMachine: async (program) =>
      createMachine({ coreWasm: await coreModule(), ramSize: load.ramSize, program, profile }),
    breathe,
  };
}

async function asJson(command: TestCommand, request: SuiteRequest, host: SuiteHost): Promise<number> {
  const { tests, problems, results, coverage } = await tellTests(request, host, (event) => {
    if (event.kind !== 'coverage' || command.coverage) process.stdout.write(jsonLine(event));
  });
  if (tests === 0 && problems === 0 && !command.list) throw nothingChosen(command);
  return report(command, results, coverage) + problems === 0 ? 0 : STATUS.mistake;
}

/** Writes the files that were asked for; answers how many tests failed. */
function report(command: TestCommand, all: readonly FileResults[], coverage: Coverage): number {
  if (command.junit !== undefined) write(command.junit, junit(all));
  if (command.lcov !== undefined) write(command.lcov, lcov(coverage));
  return all.flatMap(({ results }) => results).filter(({ failures }) => failures.length > 0).length;
}

/** The first file that cannot be loaded is a mistake, before anything runs. */
async function asTap(command: TestCommand, request: SuiteRequest, host: SuiteHost): Promise<number> {
  const files: TestFile[] = [];
  for (const path of request.paths) {
    const opened = await openTests(path, request, host.readFile);
    if (!opened.ok) throw mistake(opened.code, opened.message);
    files.push(opened.file);
  }
  if (command.list) {
    for (const { path, tests } of files) for (const { name } of tests) process.stdout.write(`${path}: ${name}\n`);
    return 0;
  }
  const count = files.reduce((sum, { tests }) => sum + tests.length, 0);
  if (count === 0) throw nothingChosen(command);
  return (await runAll(files, command, request, count, host)) === 0 ? 0 : STATUS.mistake;
}

const nothingChosen = ({ filter, names }: TestCommand): CommandError =>
  mistake(
    'no-tests',
    filter === undefined
      ? `No test is named ${names.map((name) => `"${name}"`).join(' or ')}.`
      : `No test has "${filter}" in its name.`,
  );

/** Answers how many failed. */
async function runAll(
  files: readonly TestFile[],
  command: TestCommand,
  request: SuiteRequest,
  count: number,
  host: SuiteHost,
): Promise<number> {
  process.stdout.write(tapHead(count));
  const coverage: Coverage = new Map();
  const all: FileResults[] = [];
  let number = 0;
  for (const file of files) {
    const results: TestResult[] = [];
    for (const one of file.tests) {
      const result = await runOne(file, one, request.maxInstructions, request.coverage ? coverage : undefined, host);
      results.push(result);
      process.stdout.write(tapLine(++number, file.path, result));
    }
    all.push({ path: file.path, results });
  }
  const failed = report(command, all, coverage);
  process.stdout.write(`# ${count - failed} passed, ${failed} failed\n`);
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

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (problem) {
    throw mistake('unwritable', `${path}: cannot be written: ${fileProblem(problem)}.`);
  }
}
