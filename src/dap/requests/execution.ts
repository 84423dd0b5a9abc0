// continue, next, stepIn, stepOut, pause, threads, and console input.

import type { Granularity, StepKind } from '../../debugger/stepping.ts';
import { threadName } from '../../debugger/thread-names.ts';
import type { Machine } from '../../machine/types.ts';
import { type Arguments, flag, optionalInteger, optionalText, text } from '../arguments.ts';
import { fromBase64 } from '../base64.ts';
import { type Answer, type Connection, type Handler, launched, processorOf, stopped, threadOf } from '../connection.ts';
import { badArguments } from '../errors.ts';
import { stepInTarget } from './targets.ts';

/** Selects the processor of the request's thread; true when it is to run alone. */
function chooseThread(machine: Machine, args: Arguments): boolean {
  machine.select(processorOf(args, machine));
  return flag(args, 'singleThread') && machine.processors > 1;
}

function resume(connection: Connection, args: Arguments): Answer {
  processorOf(args, connection.debuggee?.machine);
  const { session, machine } = stopped(connection, args.command);
  const alone = chooseThread(machine, args);
  return { body: { allThreadsContinued: !alone }, after: () => void session.continue(alone) };
}

function step(kind: StepKind): Handler {
  return (connection, args) => {
    processorOf(args, connection.debuggee?.machine);
    const granularity = granularityOf(args);
    const { session, machine } = stopped(connection, args.command);
    const alone = chooseThread(machine, args);
    const chosen = kind === 'in' ? optionalInteger(args, 'targetId') : undefined;
    if (chosen !== undefined) {
      const address = stepInTarget(connection, chosen);
      return { after: () => void session.stepInto(address, alone) };
    }
    return { after: () => void session.step(kind, granularity, alone) };
  };
}

export function granularityOf(args: Arguments): Granularity {
  const granularity = optionalText(args, 'granularity') ?? 'statement';
  switch (granularity) {
    case 'statement':
    case 'line':
      return 'statement';
    case 'instruction':
      return 'instruction';
    default:
      throw badArguments(args.command, `"granularity" is "${granularity}"; it can be statement, line or instruction`);
  }
}

function pause(connection: Connection, args: Arguments): Answer {
  const processor = processorOf(args, connection.debuggee?.machine);
  const { session, machine } = launched(connection, args.command);
  return { after: () => session.pause(machine.processors > 1 ? processor : undefined) };
}

function threads(connection: Connection): Answer {
  const machine = connection.debuggee?.machine;
  if (machine === undefined) return { body: { threads: [] } };
  const selected = machine.processor();
  const list = Array.from({ length: machine.processors }, (_, processor) => {
    machine.select(processor);
    return { id: threadOf(machine), name: threadName(machine) };
  });
  machine.select(selected);
  return { body: { threads: list } };
}

/** Bytes for COM1, as base64. */
function input(connection: Connection, args: Arguments): Answer {
  const { machine, session } = launched(connection, args.command);
  const bytes = fromBase64(text(args, 'data'));
  if (bytes === undefined) throw badArguments(args.command, '"data" is not base64');
  machine.input(bytes);
  // A processor that waited for ever may have waited for this. The client did not ask, so it is told.
  if (session.cause?.kind !== 'idle') return {};
  return {
    after: () => {
      connection.event('continued', { threadId: threadOf(machine), allThreadsContinued: true });
      session.continue();
    },
  };
}

export const EXECUTION_REQUESTS = {
  continue: resume,
  next: step('over'),
  stepIn: step('in'),
  stepOut: step('out'),
  pause,
  threads,
  'ringside/input': input,
} satisfies Record<string, Handler>;
