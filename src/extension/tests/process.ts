// Tests as a process of the command line.
import type { TestEvent } from '../../debugger/tests/events.ts';
import { type CommandLine, runCommandLine } from '../command-line.ts';
import type { TestRunner } from './runner.ts';

export function testProcess(ringside: CommandLine): TestRunner {
  return (args, onEvent, token) =>
    runCommandLine(ringside, ['test', ...args], (line) => onEvent(JSON.parse(line) as TestEvent), token);
}
