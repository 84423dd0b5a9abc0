// evaluate, setExpression, completions.

import {
  type CommandLine,
  commandLine,
  commandMeant,
  completeLine,
  runCommand,
} from '../../debugger/console/console.ts';
import { evaluateShown, show, type Shown, splitNotation } from '../../debugger/evaluation.ts';
import { errorText } from '../../debugger/expressions/errors.ts';
import { assign, evaluateText } from '../../debugger/expressions/evaluator.ts';
import type { Context } from '../../debugger/expressions/names.ts';
import { parseExpression } from '../../debugger/expressions/parser.ts';
import { childrenOf, objectOf, pathOfName } from '../../debugger/variables.ts';
import type { Side } from '../../machine/types.ts';
import { type Arguments, integer, optionalInteger, optionalText, text, valueFormat } from '../arguments.ts';
import {
  type Answer,
  type Connection,
  contextOfFrame,
  currentFrames,
  frameOf,
  type Debuggee,
  type Handler,
  launched,
  stopped,
} from '../connection.ts';
import { commandFailed, expressionFailed } from '../errors.ts';
import { stateChanged, valueLocation, withoutWords } from './variables.ts';

const contextOf = (debuggee: Debuggee, args: Arguments): Context =>
  contextOfFrame(debuggee, optionalInteger(args, 'frameId'));

/** Type and children of an object of the program; undefined for other values. */
function objectBody(
  connection: Connection,
  debuggee: Debuggee,
  args: Arguments,
  shown: Shown,
  side: Side,
): object | undefined {
  const id = optionalInteger(args, 'frameId');
  const frames = currentFrames(connection, debuggee);
  const chosen = id === undefined ? undefined : frames.get(id);
  const frame = chosen?.kind === 'code' ? chosen : [...frames.values()].find((candidate) => candidate.side === side);
  if (frame === undefined || frame.kind === 'label') return undefined;
  const object = objectOf(debuggee, frame, splitNotation(text(args, 'expression')).body.trim(), shown.value);
  if (object === undefined) return undefined;
  return {
    type: object.type,
    variablesReference: object.path === undefined ? 0 : connection.handles.numberOf(object.path),
    ...(object.path === undefined ? {} : { namedVariables: object.childCount }),
    ...((object.indexedCount ?? 0) > 0 ? { indexedVariables: object.indexedCount } : {}),
  };
}

/** As contextOf; for what may also be asked while the machine runs and frames are gone. */
function contextAnyhow(debuggee: Debuggee, args: Arguments): Context {
  const id = optionalInteger(args, 'frameId');
  const frame = frameOf(debuggee, id);
  return debuggee.session.context(frame?.side, frame?.kind === 'code' ? frame : undefined);
}

function evaluate(connection: Connection, args: Arguments): Answer | Promise<Answer> {
  const expression = text(args, 'expression');
  const where = optionalText(args, 'context') ?? 'watch';
  const line = where === 'repl' ? commandLine(expression) : undefined;
  if (line !== undefined) return command(connection, args, line);
  const debuggee = stopped(connection, args.command);
  if (expression.trim() === '') return { body: { result: '', variablesReference: 0 } };
  const context = contextOf(debuggee, args);
  if (where !== 'repl' && isAssignment(expression)) {
    throw expressionFailed('An assignment is carried out in the debug console only, not in a watch or hover.', false);
  }
  const shown = evaluateShown(expression, context, valueFormat(args));
  if (!shown.ok) {
    const elsewhere = shown.error.position > 0 && parseExpression(splitNotation(expression).body).ok;
    const meant = where === 'repl' && !elsewhere ? commandMeant(expression) : '';
    throw expressionFailed(errorText(shown.error) + meant, false);
  }
  const path =
    where === 'clipboard' ? undefined : pathOfName(debuggee, splitNotation(expression).body.trim(), context.side);
  const children = path === undefined ? undefined : childrenOf(debuggee, path);
  return {
    body: {
      result: shown.value.text,
      type: shown.value.value.isAddress ? 'address' : `${shown.value.value.bits} bits`,
      variablesReference: path === undefined || children === undefined ? 0 : connection.handles.numberOf(path),
      ...objectBody(connection, debuggee, args, shown.value, context.side),
      ...(shown.value.reference === undefined ? {} : { memoryReference: shown.value.reference }),
      ...valueLocation(connection, shown.value.reference),
      ...(shown.value.assignable ? {} : { presentationHint: { attributes: ['readOnly'] } }),
    },
    ...(where === 'repl' && isAssignment(expression) ? { after: () => stateChanged(connection) } : {}),
  };
}

async function command(connection: Connection, args: Arguments, line: CommandLine): Promise<Answer> {
  const reach = line.command.whileRunning === true ? launched : stopped;
  const debuggee = reach(connection, args.command);
  const context = line.command.whileRunning === true ? contextAnyhow(debuggee, args) : contextOf(debuggee, args);
  const answer = await runCommand(line, debuggee.session, context, {
    task: (title) => connection.tasks.begin(title),
    writeFile: connection.host.writeFile,
  });
  if ('error' in answer) throw commandFailed(answer.error);
  return {
    body: {
      result: answer.text,
      variablesReference: 0,
      ...(answer.reference === undefined ? {} : { memoryReference: answer.reference }),
    },
    ...(answer.changed === true ? { after: () => stateChanged(connection) } : {}),
  };
}

function isAssignment(expression: string): boolean {
  const parsed = parseExpression(splitNotation(expression).body);
  return parsed.ok && parsed.value.kind === 'assignment';
}

function setExpression(connection: Connection, args: Arguments): Answer {
  const { body, notation } = splitNotation(text(args, 'expression'));
  const debuggee = stopped(connection, args.command);
  const context = contextOf(debuggee, args);
  const target = parseExpression(body);
  if (!target.ok) throw expressionFailed(errorText(target.error), true);
  const value = evaluateText(withoutWords(text(args, 'value')), context);
  if (!value.ok) throw expressionFailed(errorText(value.error), true);
  const written = assign(target.value, value.value, context);
  if (!written.ok) throw expressionFailed(errorText(written.error), true);
  const shown = show(target.value, written.value, context, notation ?? valueFormat(args));
  return {
    body: {
      value: shown.text,
      variablesReference: 0,
      ...(shown.reference === undefined ? {} : { memoryReference: shown.reference }),
    },
    after: () => stateChanged(connection),
  };
}

function completions(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const whole = text(args, 'text');
  const first = connection.client?.columnsStartAt1 === false ? 0 : 1;
  const column = Math.max(0, integer(args, 'column') - first);
  const found = completeLine(whole.slice(0, column), debuggee.session, contextAnyhow(debuggee, args));
  return {
    body: {
      targets: found.names.map(({ label, kind, detail }) => ({
        label,
        type: kind,
        start: found.start,
        length: found.length,
        ...(detail === undefined ? {} : { detail }),
      })),
    },
  };
}

export const EVALUATION_REQUESTS = { evaluate, setExpression, completions } satisfies Record<string, Handler>;
