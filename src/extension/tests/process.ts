// Tests as a process of the command line.
import type { TestEvent } from '../../debugger/tests/events.ts';
import { type CommandLine, runCommandLine } from '../command-line.ts';
import { type TestRunner, testArguments } from './runner.ts';

export function testProcess(ringside: CommandLine): TestRunner {
  return (request, _root, onEvent, token) =>
    runCommandLine(
      ringside,
      ['test', ...testArguments(request)],
      (line) => onEvent(JSON.parse(line) as TestEvent),
      token,
    );
}
