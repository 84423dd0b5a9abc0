// Runs one test on a machine that stands before the program's first instruction, and judges it.

import type { Machine, Stop } from '../../machine/types.ts';
import { addressOf, type Image, lineAt } from '../../program/image.ts';
import { annotationPlace, type BoundAnnotation } from '../annotations/binding.ts';
import { judgeAnnotations, judgeExit, type Point, type Remark } from '../annotations/judge.ts';
import { writersOf } from '../checks.ts';
import { type Contexts, createContexts } from '../contexts.ts';
import { explainEntryFailure, explainTripleFault, explainVmFail, type Explanation } from '../explain.ts';
import { exitReasonTitle } from '../facts.ts';
import { createCounter } from '../hits.ts';
import { createImages } from '../images.ts';
import { place } from '../place.ts';
import { currentPosition } from '../position.ts';
import { placeCall } from './calls.ts';
import { BEFORE_TESTS, READY_FOR_TESTS } from './discover.ts';
import type { TestCase, TestFailure, TestResult } from './types.ts';

export interface TestOptions {
  readonly annotations: readonly BoundAnnotation[];
  /** Instructions that a test may take. */
  readonly limit: number;
  /** Called with the linear address of each instruction before it runs; the test then runs step by step. */
  readonly onInstruction?: ((linear: bigint) => void) | undefined;
  /** Called now and then, so that a host can serve others. */
  readonly breathe?: (() => Promise<void>) | undefined;
}

/** Value that the test-exit port (F4H) must get; isa-debug-exit makes (value << 1) | 1 of it. */
const SUCCESS_STATUS = 1;
const SLICE = 5_000_000;

interface Run {
  readonly machine: Machine;
  readonly image: Image;
  readonly options: TestOptions;
  readonly contexts: Contexts;
  readonly points: readonly Point[];
  readonly at: ReadonlyMap<bigint, readonly Point[]>;
  readonly failures: TestFailure[];
  readonly notes: string[];
  /** Time at which the limit is reached. */
  readonly end: number;
}

/** `machine` is used up: a test needs a fresh one. */
export async function runTest(
  machine: Machine,
  image: Image,
  test: TestCase,
  options: TestOptions,
): Promise<TestResult> {
  const text: string[] = [];
  const decoder = new TextDecoder();
  machine.onOutput = (bytes) => text.push(decoder.decode(bytes, { stream: true }));
  const points = options.annotations.map((annotation): Point => ({ annotation, ...createCounter() }));
  const run: Run = {
    machine,
    image,
    options,
    contexts: createContexts(machine, createImages(machine, image, image.program.name)),
    points,
    at: byAddress(points),
    failures: [],
    notes: [],
    end: machine.time() + options.limit,
  };
  if (test.address === undefined) await wholeProgram(run);
  else await callTest(run, test.address);
  if (run.failures.length === 0 && test.address === undefined) unmet(run);
  return {
    test,
    failures: run.failures,
    notes: run.notes,
    console: text.join(''),
    instructions: machine.time(),
    exits: machine.exitCount(),
  };
}

function byAddress(points: readonly Point[]): Map<bigint, Point[]> {
  const map = new Map<bigint, Point[]>();
  for (const point of points) {
    for (const address of point.annotation.addresses) map.set(address, [...(map.get(address) ?? []), point]);
  }
  return map;
}

async function wholeProgram(run: Run): Promise<void> {
  const stop = await go(run, undefined);
  if (stop === undefined || run.failures.length > 0) return;
  if (stop.kind !== 'shutdown') return failedBy(run, stop);
  if (stop.status !== SUCCESS_STATUS) {
    fail(
      run,
      `It ended with status ${stop.status} through port ${hex(BigInt(stop.port))}; ${SUCCESS_STATUS} (the value 0) means success.`,
    );
  }
}

async function callTest(run: Run, address: bigint): Promise<void> {
  const { machine, image } = run;
  const ready = addressOf(image, READY_FOR_TESTS);
  if (ready !== undefined) {
    const stop = await go(run, ready);
    if (run.failures.length > 0) return;
    if (stop === undefined || stop.kind !== 'breakpoint') {
      if (stop !== undefined) failedBy(run, stop, ` before it reached ${READY_FOR_TESTS}`);
      return;
    }
  }
  const back = currentPosition(machine).linear;
  const before = addressOf(image, BEFORE_TESTS);
  if (before !== undefined && !(await call(run, before, back))) return;
  await call(run, address, back);
}

/** Calls a label; true when it came back. A shutdown with the status of success ends a test as well. */
async function call(run: Run, address: bigint, back: bigint): Promise<boolean> {
  const { machine } = run;
  const stack = machine.readRegister('rsp');
  const problem = placeCall(machine, address, back);
  if (problem !== undefined) {
    fail(run, problem);
    return false;
  }
  for (;;) {
    const stop = await go(run, back);
    if (stop === undefined || run.failures.length > 0) return false;
    if (stop.kind === 'breakpoint' && machine.readRegister('rsp') !== stack) continue; // it runs there, and did not return
    if (stop.kind === 'breakpoint') return true;
    if (stop.kind === 'shutdown' && stop.status === SUCCESS_STATUS) return false;
    failedBy(run, stop);
    return false;
  }
}

/** Runs until `back` is reached in VMX root operation or outside (a breakpoint), or something ends the run; undefined after a failure. */
async function go(run: Run, back: bigint | undefined): Promise<Stop | undefined> {
  const { machine, options } = run;
  machine.setBreakpoints([...run.at.keys(), ...(back === undefined ? [] : [back])]);
  let arrived = back !== undefined && currentPosition(machine).linear === back;
  for (let turn = 0; ; turn++) {
    const { linear, side } = currentPosition(machine);
    if (!arrived) {
      if (linear === back && side === 'root') return { kind: 'breakpoint', linear };
      const stop = meet(run, linear);
      if (run.failures.length > 0) return undefined;
      if (stop !== undefined) {
        const ends = digest(run, stop);
        if (ends !== undefined) return ends;
        continue;
      }
    }
    arrived = false;
    const left = run.end - machine.time();
    if (left <= 0) {
      fail(
        run,
        `It took more than ${options.limit} instructions and stands at ${place(run.image, linear)}${exitsSoFar(machine)}.`,
      );
      return undefined;
    }
    options.onInstruction?.(linear);
    const stop =
      options.onInstruction === undefined
        ? machine.run({ limit: Math.min(left, SLICE), skipBreakpoint: true, entryFailures: true, vmFails: true })
        : machine.step();
    const ends = digest(run, stop);
    if (ends !== undefined) return ends;
    if (options.breathe !== undefined && (options.onInstruction === undefined || turn % 20_000 === 0)) {
      await options.breathe();
    }
  }
}

/** What a run without end is often about: a guest that exits for the same reason again and again. */
function exitsSoFar(machine: Machine): string {
  const last = machine.lastExit();
  if (last === undefined) return '';
  const count = machine.exitCount();
  return `, after ${count.toLocaleString('en')} VM ${count === 1 ? 'exit' : 'exits'}, the last for ${exitReasonTitle(last.reason)}`;
}

/** A stop that the test goes on after is noted; others are answered. */
function digest(run: Run, stop: Stop): Stop | undefined {
  switch (stop.kind) {
    case 'budget':
    case 'breakpoint':
    case 'vm-exit':
    case 'vm-entry':
    case 'watch':
      return undefined;
    case 'entry-failure':
      run.notes.push(textOf(explainEntryFailure(stop.failure, run.image, writersOf(run.machine))));
      return undefined;
    case 'vm-fail':
      run.notes.push(textOf(explainVmFail(stop.fail, run.image)));
      return undefined;
    default:
      return stop;
  }
}

/** The annotations at an address have their say. Answers a stop when the instruction was run to see whether it exits. */
function meet(run: Run, linear: bigint): Stop | undefined {
  const { machine, image, notes } = run;
  const here = run.at.get(linear);
  if (here === undefined) return undefined;
  const { logs, failures, expected } = judgeAnnotations(here, run.contexts(machine.side()), image);
  notes.push(...logs.map(({ text }) => text));
  for (const failure of failures) failAt(run, failure);
  if (expected.length === 0) return undefined;
  run.options.onInstruction?.(linear);
  const stop = machine.step();
  for (const failure of judgeExit(expected, stop, image)) failAt(run, failure);
  return stop;
}

/** Annotations that a whole program never came to. */
function unmet(run: Run): void {
  for (const point of run.points) {
    const { annotation, addresses } = point.annotation;
    if (annotation.kind === 'log' || addresses.length === 0 || point.hits > 0) continue;
    const where = annotationPlace(run.image, point.annotation);
    failAt(run, { point, text: `"@${annotation.kind} ${annotation.text}" was never reached (${where})` });
  }
}

function failAt(run: Run, { text, point }: Remark<Point>): void {
  const { path, annotation } = point.annotation;
  run.failures.push({ message: text, path, line: annotation.line });
}

function fail(run: Run, message: string): void {
  const at = lineAt(run.image, currentPosition(run.machine).linear);
  run.failures.push({ message, path: at?.path, line: at?.line });
}

function failedBy(run: Run, stop: Stop, when = ''): void {
  fail(run, reasonOf(run, stop, when));
}

function reasonOf({ machine, image }: Run, stop: Stop, when: string): string {
  switch (stop.kind) {
    case 'shutdown':
      return `It ended with status ${stop.status} through port ${hex(BigInt(stop.port))}${when}.`;
    case 'triple-fault':
      return textOf(explainTripleFault(stop.faults, machine, image));
    case 'vmx-abort':
      return `VMX abort ${stop.indicator}${when}: ${stop.explanation}`;
    case 'idle':
    case 'unsimulated':
      return stop.explanation;
    default:
      return `It stopped at ${place(image, currentPosition(machine).linear)}${when}.`;
  }
}

const textOf = ({ title, body }: Explanation): string => `${title}\n${body}`.trim();
const hex = (value: bigint): string => `0x${value.toString(16)}`;
