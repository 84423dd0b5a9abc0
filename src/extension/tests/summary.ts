// What of a test's result is shown, as plain values: without VS Code, so that it can be tested alone.
import type { TestEnded } from '../../debugger/tests/events.ts';

/** Files that are tests; the rule of `ringside test`. */
export const TEST_GLOB = '**/{test,*.test,*_test,*-test}.{asm,nasm,elf,bin}';

/** The same rule for the name of a file. */
export const isTestFile = (name: string): boolean => /^(?:test|.*[._-]test)\.(?:asm|nasm|elf|bin)$/.test(name);

/** A failure on its source line, counted from 0. */
export interface Message {
  readonly text: string;
  readonly path: string | undefined;
  readonly line: number;
}

/** A result's failures; one without a place stands at the test itself. What explains them, a failed VM entry for example, goes with the first. */
export function messagesOf({ failures, notes }: TestEnded): Message[] {
  return failures.map(({ message, path, line }, i) => ({
    text: i === 0 ? [message, ...notes].join('\n\n') : message,
    path,
    line: Math.max((line ?? 1) - 1, 0),
  }));
}

/** What the terminal of the test results shows: console and notes, then what the machine did. */
export function outputOf({ name, passed, console, notes, instructions, exits, failures }: TestEnded): string {
  const lines = [
    ...(console === '' ? [] : [console.replace(/\n$/, '')]),
    ...notes,
    ...failures.map(({ message }) => message),
    `${name}: ${passed ? 'passed' : 'failed'} after ${count(instructions, 'instruction')} and ${count(exits, 'VM exit')}`,
  ];
  return `${lines.join('\n').replace(/\r?\n/g, '\r\n')}\r\n`;
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

export interface LineCoverage {
  /** Counted from 0. */
  readonly line: number;
  readonly executed: number;
}

/** Adds up what several processes counted. */
export function addLines(sum: Map<number, number>, lines: readonly (readonly [number, number])[]): void {
  for (const [line, executed] of lines) sum.set(line, (sum.get(line) ?? 0) + executed);
}

export function coverageOf(sum: ReadonlyMap<number, number>): LineCoverage[] {
  return [...sum].sort(([a], [b]) => a - b).map(([line, executed]) => ({ line: line - 1, executed }));
}

/** Status of a machine whose program wrote the value 0 to its test-exit port: isa-debug-exit makes (value << 1) | 1 of it. */
const SUCCESS_STATUS = 1;

/** How a debugged test has ended, by what the adapter said of it. */
export type DebugVerdict = 'passed' | 'failed' | 'unknown';

/**
 * Status of the machine's end, undefined when the session was ended by hand; `exceptions`: it stopped at something that may have been a failure.
 */
export function debugVerdict(status: number | undefined, exceptions: boolean): DebugVerdict {
  if (status === undefined) return 'unknown';
  if (status !== SUCCESS_STATUS) return 'failed';
  return exceptions ? 'unknown' : 'passed';
}
