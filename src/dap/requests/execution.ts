// continue, next, stepIn, stepOut, pause, threads, and console input.

import type { Granularity, StepKind } from '../../debugger/stepping.ts';
import { type Arguments, integer, optionalInteger, optionalText, text } from '../arguments.ts';
import { fromBase64 } from '../base64.ts';
import { type Answer, type Connection, type Handler, launched, stopped, THREAD } from '../connection.ts';
import { threadName } from '../debuggee.ts';
import { badArguments, noSuchThread } from '../errors.ts';
import { stepInTarget } from './targets.ts';

function checkThread(args: Arguments): void {
  const thread = integer(args, 'threadId');
  if (thread !== THREAD) throw noSuchThread(thread);
}

function resume(connection: Connection, args: Arguments): Answer {
  checkThread(args);
  const { session } = stopped(connection, args.command);
  return { body: { allThreadsContinued: true }, after: () => void session.continue() };
}

function step(kind: StepKind): Handler {
  return (connection, args) => {
    checkThread(args);
    const granularity = granularityOf(args);
    const { session } = stopped(connection, args.command);
    const chosen = kind === 'in' ? optionalInteger(args, 'targetId') : undefined;
    if (chosen !== undefined) {
      const address = stepInTarget(connection, chosen);
      return { after: () => void session.stepInto(address) };
    }
    return { after: () => void session.step(kind, granularity) };
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
  checkThread(args);
  const { session } = launched(connection, args.command);
  return { after: () => session.pause() };
}

function threads(connection: Connection): Answer {
  const machine = connection.debuggee?.machine;
  return { body: { threads: machine === undefined ? [] : [{ id: THREAD, name: threadName(machine) }] } };
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
      connection.event('continued', { threadId: THREAD, allThreadsContinued: true });
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
