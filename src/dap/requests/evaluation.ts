// evaluate, setExpression, completions.

import { completionsFor } from '../../debugger/completion.ts';
import { runCommand } from '../../debugger/console-commands.ts';
import { evaluateShown, show, splitNotation } from '../../debugger/evaluation.ts';
import { errorText } from '../../debugger/expressions/errors.ts';
import { assign, evaluateText } from '../../debugger/expressions/evaluator.ts';
import type { Context } from '../../debugger/expressions/names.ts';
import { parseExpression } from '../../debugger/expressions/parser.ts';
import { childrenOf, pathOfName } from '../../debugger/variables.ts';
import { type Arguments, integer, optionalInteger, optionalText, text } from '../arguments.ts';
import {
  type Answer,
  type Connection,
  type Debuggee,
  type Handler,
  launched,
  sideOfFrame,
  stopped,
} from '../connection.ts';
import { expressionFailed } from '../errors.ts';
import { stateChanged, withoutWords } from './variables.ts';

function contextOf(debuggee: Debuggee, args: Arguments): Context {
  return debuggee.session.context(sideOfFrame(debuggee, optionalInteger(args, 'frameId')));
}

function evaluate(connection: Connection, args: Arguments): Answer {
  const expression = text(args, 'expression');
  const where = optionalText(args, 'context') ?? 'watch';
  const debuggee = stopped(connection, args.command);
  if (where === 'repl') {
    const answered = runCommand(expression, debuggee.session);
    if (answered !== undefined) return { body: { result: answered, variablesReference: 0 } };
  }
  if (expression.trim() === '') return { body: { result: '', variablesReference: 0 } };
  const context = contextOf(debuggee, args);
  if (where !== 'repl' && isAssignment(expression)) {
    throw expressionFailed('An assignment is carried out in the debug console only, not in a watch or hover.', false);
  }
  const shown = evaluateShown(expression, context);
  if (!shown.ok) throw expressionFailed(errorText(shown.error), false);
  const path =
    where === 'clipboard' ? undefined : pathOfName(debuggee, splitNotation(expression).body.trim(), context.side);
  const children = path === undefined ? undefined : childrenOf(debuggee, path);
  return {
    body: {
      result: shown.value.text,
      type: shown.value.value.isAddress ? 'address' : `${shown.value.value.bits} bits`,
      variablesReference: path === undefined || children === undefined ? 0 : connection.handles.numberOf(path),
      ...(shown.value.reference === undefined ? {} : { memoryReference: shown.value.reference }),
      ...(shown.value.assignable ? {} : { presentationHint: { attributes: ['readOnly'] } }),
    },
    ...(where === 'repl' && isAssignment(expression) ? { after: () => stateChanged(connection) } : {}),
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
  const shown = show(target.value, written.value, context, notation);
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
  const found = completionsFor(whole.slice(0, column), debuggee.session.context());
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
