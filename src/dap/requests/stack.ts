// stackTrace, scopes, exceptionInfo.

import { explainCause, explainExit } from '../../debugger/explain.ts';
import { formatReference } from '../../debugger/memory.ts';
import type { CodeFrame, Frame } from '../../debugger/stack.ts';
import { scopesOf } from '../../debugger/variables.ts';
import { hex } from '../../debugger/format.ts';
import { type Arguments, integer, optionalInteger } from '../arguments.ts';
import {
  type Answer,
  type Connection,
  currentFrames,
  frameOf,
  processorOf,
  type Debuggee,
  type Handler,
  stopped,
  toClientColumn,
  toClientLine,
} from '../connection.ts';
import { noStopToExplain, noSuchFrame } from '../errors.ts';
import { placeInListing } from '../listings.ts';
import { checkSource } from '../source-checks.ts';
import { sourceOf } from '../sources.ts';

/** Answers for the processor of the request's thread; the one selected before stays so. */
function forThread(answer: (connection: Connection, debuggee: Debuggee, args: Arguments) => Answer): Handler {
  return (connection, args) => {
    const processor = processorOf(args, connection.debuggee?.machine);
    const debuggee = stopped(connection, args.command);
    const { machine } = debuggee;
    const selected = machine.processor();
    machine.select(processor);
    try {
      return answer(connection, debuggee, args);
    } finally {
      machine.select(selected);
    }
  };
}

function stackTrace(connection: Connection, debuggee: Debuggee, args: Arguments): Answer {
  const start = Math.max(0, optionalInteger(args, 'startFrame') ?? 0);
  const frames = [...currentFrames(connection, debuggee, start === 0)];
  const levels = optionalInteger(args, 'levels') ?? 0;
  const wanted = frames.slice(start, levels > 0 ? start + levels : undefined);
  return {
    body: {
      stackFrames: wanted.map(([id, frame]) => frameRow(connection, debuggee, id, frame)),
      totalFrames: frames.length,
    },
  };
}

function frameRow(connection: Connection, debuggee: Debuggee, id: number, frame: Frame): object {
  if (frame.kind === 'label') return { id, name: frame.name, line: 0, column: 0, presentationHint: 'label' };
  const { line, linear, side } = frame;
  if (line !== undefined) void checkSource(connection, frame.image, line.path);
  const running = side === debuggee.machine.side();
  return {
    id,
    name: frame.name,
    // Plain numbers mean the side that runs.
    instructionPointerReference: running
      ? hex(linear)
      : formatReference({ space: { kind: 'linear', side }, address: linear }),
    ...(line === undefined
      ? placeWithoutSource(connection, debuggee, frame)
      : {
          source: sourceOf(connection, line.path),
          line: toClientLine(connection, line.line),
          column: toClientColumn(connection, Math.max(1, line.column)),
        }),
  };
}

/** Where a side stands, editors open a listing of its code; callers without source stay in the background. */
function placeWithoutSource(connection: Connection, debuggee: Debuggee, frame: CodeFrame): object {
  const { machine } = debuggee;
  const { image } = frame;
  if (!frame.innermost || machine.peekLinear(frame.side, frame.linear, 1).length === 0) {
    return { line: 0, column: 0, presentationHint: 'subtle' };
  }
  const { listing, line } = placeInListing(connection.listings, machine, image, frame.side, frame.linear);
  const source = { name: listing.name, sourceReference: listing.reference, origin: 'disassembly' };
  return { source, line: toClientLine(connection, line), column: toClientColumn(connection, 1) };
}

function scopes(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const id = integer(args, 'frameId');
  if (debuggee.frames.size === 0) currentFrames(connection, debuggee);
  const frame = frameOf(debuggee, id);
  if (frame === undefined) throw noSuchFrame(id);
  if (frame.kind === 'label') return { body: { scopes: [] } };
  return {
    body: {
      scopes: scopesOf(debuggee, frame).map((scope) => ({
        name: scope.name,
        variablesReference: connection.handles.numberOf(scope.path),
        // Only what is read at every stop is opened by itself.
        expensive: scope.hint === undefined,
        ...(scope.hint === undefined ? {} : { presentationHint: scope.hint }),
      })),
    },
  };
}

function exceptionInfo(_connection: Connection, { session, machine, image }: Debuggee): Answer {
  const exit = machine.lastExit();
  const explanation =
    (session.cause === undefined ? undefined : explainCause(session.cause, machine, image)) ??
    (exit === undefined ? undefined : explainExit(exit, machine, image, false));
  if (explanation === undefined) throw noStopToExplain();
  return {
    body: {
      exceptionId: explanation.title,
      description: explanation.body,
      breakMode: 'always',
      details: { message: explanation.body, typeName: explanation.id },
    },
  };
}

export const STACK_REQUESTS = {
  stackTrace: forThread(stackTrace),
  scopes,
  exceptionInfo: forThread(exceptionInfo),
} satisfies Record<string, Handler>;
