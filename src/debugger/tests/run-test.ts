// Runs one test on a machine that stands before the program's first instruction, and judges it.

import type { Machine, Stop } from '../../machine/types.ts';
import { addressOf, type Image, lineAt } from '../../program/image.ts';
import { annotationPlace, type BoundAnnotation } from '../annotations/binding.ts';
import { writersOf } from '../checks.ts';
import { explainEntryFailure, explainTripleFault, explainVmFail, type Explanation } from '../explain.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluate } from '../expressions/evaluator.ts';
import type { Context } from '../expressions/names.ts';
import { exitReasonTitle } from '../facts.ts';
import { renderLogMessage } from '../log-messages.ts';
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
/** Exits that come between instructions: an instruction that must exit is not judged by them. */
const ASYNCHRONOUS = new Set([1, 3, 4, 6, 7, 8, 52]);

interface Run {
  readonly machine: Machine;
  readonly image: Image;
  readonly options: TestOptions;
  readonly at: ReadonlyMap<bigint, readonly BoundAnnotation[]>;
  readonly met: Set<BoundAnnotation>;
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
  const run: Run = {
    machine,
    image,
    options,
    at: byAddress(options.annotations),
    met: new Set(),
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

function byAddress(annotations: readonly BoundAnnotation[]): Map<bigint, BoundAnnotation[]> {
  const map = new Map<bigint, BoundAnnotation[]>();
  for (const annotation of annotations) {
    for (const address of annotation.addresses) map.set(address, [...(map.get(address) ?? []), annotation]);
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
      fail(run, `It took more than ${options.limit} instructions and stands at ${place(run.image, linear)}.`);
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
  const { machine } = run;
  let stop: Stop | undefined;
  for (const bound of run.at.get(linear) ?? []) {
    const { annotation } = bound;
    run.met.add(bound);
    if (annotation.kind === 'log') {
      run.notes.push(renderLogMessage(annotation.pieces, contextOf(run)));
    } else if (annotation.kind === 'assert') {
      const held = evaluate(annotation.expression, contextOf(run));
      if (!held.ok) failAt(run, bound, `"${annotation.text}" cannot be evaluated: ${errorText(held.error)}`);
      else if (held.value.value === 0n) failAt(run, bound, `"${annotation.text}" does not hold.`);
    } else if (stop === undefined) {
      if (annotation.condition !== undefined) {
        const held = evaluate(annotation.condition, contextOf(run));
        if (!held.ok) failAt(run, bound, `"${annotation.text}" cannot be evaluated: ${errorText(held.error)}`);
        if (!held.ok || held.value.value === 0n) continue;
      }
      run.options.onInstruction?.(linear);
      stop = machine.step();
      judgeExit(run, bound, stop, annotation.reason);
    }
  }
  return stop;
}

function judgeExit(run: Run, bound: BoundAnnotation, stop: Stop, wanted: number): void {
  const expected = `A VM exit for ${exitReasonTitle(wanted)} was expected`;
  if (stop.kind !== 'vm-exit') {
    failAt(run, bound, `${expected}, and the instruction did not exit.`);
    return;
  }
  const reason = stop.exit.reason & 0xffff;
  if (reason === wanted || ASYNCHRONOUS.has(reason)) return;
  failAt(run, bound, `${expected}, and the instruction exited for ${exitReasonTitle(reason)}.`);
}

/** Annotations that a whole program never came to. */
function unmet(run: Run): void {
  for (const bound of run.options.annotations) {
    const { annotation } = bound;
    if (annotation.kind === 'log' || bound.addresses.length === 0 || run.met.has(bound)) continue;
    failAt(run, bound, `"@${annotation.kind} ${annotation.text}" was never reached.`);
  }
}

function contextOf({ machine, image }: Run): Context {
  return { machine, side: machine.side(), addressOf: (name) => addressOf(image, name) };
}

function failAt(run: Run, bound: BoundAnnotation, message: string): void {
  run.failures.push({
    message: `${annotationPlace(run.image, bound)}: ${message}`,
    path: bound.path,
    line: bound.annotation.line,
  });
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
