// Time travel: stepBack, reverseContinue, restartFrame, and `ringside/…` for what DAP has no request for.

import { exitReasonTitle } from '../../debugger/facts.ts';
import { hex } from '../../debugger/format.ts';
import { previousExit, reverseContinue, toBefore, toMoment } from '../../debugger/reverse/journeys.ts';
import { lastWrite } from '../../debugger/reverse/last-write.ts';
import { backToCall, stepBack } from '../../debugger/reverse/steps.ts';
import type { Journey } from '../../debugger/reverse/traveller.ts';
import { writtenSubject } from '../../debugger/subjects.ts';
import { type Arguments, flag, integer, optionalInteger, text } from '../arguments.ts';
import {
  type Answer,
  type Connection,
  contextOfFrame,
  currentFrames,
  type Debuggee,
  type Handler,
  processorOf,
  stopped,
  threadOf,
} from '../connection.ts';
import { badArguments, expressionFailed, historyOff, noSuchExit, noSuchFrame } from '../errors.ts';
import { granularityOf } from './execution.ts';

/** The debuggee, when it stands still and its past is recorded. */
function recorded(connection: Connection, args: Arguments): Debuggee {
  const debuggee = stopped(connection, args.command);
  if (!debuggee.machine.history.recording) throw historyOff(args.command);
  return debuggee;
}

/** The whole machine goes back; the processor of the thread that is named is looked at. */
function chooseThread(connection: Connection, args: Arguments): void {
  if (args.values.threadId === undefined) return;
  const processor = processorOf(args, connection.debuggee?.machine);
  connection.debuggee?.machine.select(processor);
}

/** Requests of the protocol's own: the client knows that the machine moves. */
function known(make: (args: Arguments) => Journey): Handler {
  return (connection, args): Answer => {
    const { session } = recorded(connection, args);
    chooseThread(connection, args);
    const journey = make(args);
    return { after: () => void session.travel(journey) };
  };
}

/** Requests of Ringside's: the client is told. */
function told(make: (args: Arguments, debuggee: Debuggee) => Journey): Handler {
  return (connection, args): Answer => {
    const debuggee = recorded(connection, args);
    chooseThread(connection, args);
    const { session } = debuggee;
    const journey = make(args, debuggee);
    return {
      after: () => {
        connection.event('continued', { threadId: threadOf(debuggee.machine), allThreadsContinued: true });
        session.travel(journey);
      },
    };
  };
}

/** To `exit` (the number of a VM exit; with `before` to the guest's instruction that exits), or to `time` and `events`. */
function jump(args: Arguments, { machine }: Debuggee): Journey {
  const number = optionalInteger(args, 'exit');
  if (number === undefined)
    return toMoment({ time: integer(args, 'time'), events: optionalInteger(args, 'events') ?? 0 });
  const exit = machine.history.exit(number);
  if (exit === undefined) throw noSuchExit(number);
  return flag(args, 'before') ? toBefore(exit) : toMoment(exit);
}

/** To what wrote the place that `expression` names last. */
function lastWriteRequest(connection: Connection, args: Arguments): Answer {
  const debuggee = recorded(connection, args);
  const expression = text(args, 'expression');
  const context = contextOfFrame(debuggee, optionalInteger(args, 'frameId'));
  const subject = writtenSubject(expression, context);
  if ('problem' in subject) throw expressionFailed(subject.problem, true);
  return {
    after: () => {
      connection.event('continued', { threadId: threadOf(debuggee.machine), allThreadsContinued: true });
      debuggee.session.travel(lastWrite(subject));
    },
  };
}

const MOST_EXITS = 2000;
const MOST_BUCKETS = 4000;

/** The VM exits from time `from` up to `to`: one by one when there are at most `limit`, and always summed up in `buckets` stretches of time. */
function timeline(connection: Connection, args: Arguments): Answer {
  const { history } = stopped(connection, args.command).machine;
  const from = optionalInteger(args, 'from') ?? 0;
  const to = optionalInteger(args, 'to') ?? history.last().time + 1;
  if (from < 0 || to <= from)
    throw badArguments(args.command, '"to" must be greater than "from", and "from" not negative');
  const limit = Math.min(MOST_EXITS, Math.max(0, optionalInteger(args, 'limit') ?? MOST_EXITS));
  const count = Math.min(MOST_BUCKETS, Math.max(1, optionalInteger(args, 'buckets') ?? 100));
  const first = history.exitFrom(from);
  const after = history.exitFrom(to);
  const exits =
    after - first > limit
      ? undefined
      : Array.from({ length: after - first }, (_, i) => history.exit(first + i)).flatMap((exit) =>
          exit === undefined
            ? []
            : [
                {
                  ...exit,
                  reasonName: exitReasonTitle(exit.reason),
                  rip: hex(exit.rip),
                  qualification: hex(exit.qualification),
                },
              ],
        );
  return {
    body: {
      from,
      to,
      now: history.now(),
      held: history.exits(),
      buckets: history.buckets(from, to, count),
      ...(exits === undefined ? {} : { exits }),
    },
  };
}

/** Back to the call of a frame's function. */
function restartFrame(connection: Connection, args: Arguments): Answer {
  const debuggee = recorded(connection, args);
  const id = integer(args, 'frameId');
  const frames = [...currentFrames(connection, debuggee)].filter(([, frame]) => frame.kind === 'code');
  const index = frames.findIndex(([frame]) => frame === id);
  if (index < 0) throw noSuchFrame(id);
  return { after: () => void debuggee.session.travel(backToCall(index + 1)) };
}

/** Where the present is in the recorded past. */
function historyState(connection: Connection, args: Arguments): Answer {
  const { history } = stopped(connection, args.command).machine;
  return {
    body: {
      recording: history.recording,
      first: history.first(),
      now: history.now(),
      last: history.last(),
      bytes: history.bytes(),
    },
  };
}

export const HISTORY_REQUESTS = {
  stepBack: known((args) => stepBack('in', granularityOf(args))),
  reverseContinue: known(() => reverseContinue),
  restartFrame,
  'ringside/stepBackOver': told((args) => stepBack('over', granularityOf(args))),
  'ringside/stepBackOut': told(() => stepBack('out', 'instruction')),
  'ringside/previousExit': told(() => previousExit),
  'ringside/jump': told(jump),
  'ringside/lastWrite': lastWriteRequest,
  'ringside/timeline': timeline,
  'ringside/history': historyState,
} satisfies Record<string, Handler>;
