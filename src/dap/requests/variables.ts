// variables, setVariable.

import { evaluateText } from '../../debugger/expressions/evaluator.ts';
import { errorText } from '../../debugger/expressions/errors.ts';
import { childrenOf, contextOfPath, type Subject, type VariableRow, writeChild } from '../../debugger/variables.ts';
import { parseReference } from '../../debugger/memory.ts';
import { lineAt } from '../../program/image.ts';
import { type Arguments, integer, optionalInteger, text, valueFormat } from '../arguments.ts';
import { type Answer, type Connection, type Handler, memoryChanged, stopped } from '../connection.ts';
import { expressionFailed, noSuchVariable, writeRefused } from '../errors.ts';

function variables(connection: Connection, args: Arguments): Answer {
  const reference = integer(args, 'variablesReference');
  const debuggee = stopped(connection, args.command);
  const path = connection.handles.pathOf(reference);
  const range = {
    start: Math.max(0, optionalInteger(args, 'start') ?? 0),
    count: Math.max(0, optionalInteger(args, 'count') ?? 0),
  };
  const rows = path === undefined ? undefined : childrenOf(debuggee, path, valueFormat(args) ?? 'hex', range);
  if (path === undefined || rows === undefined) throw noSuchVariable(reference);
  const { filter } = args.values;
  const wanted =
    filter === 'indexed' || filter === 'named' ? rows.filter((row) => isElement(row) === (filter === 'indexed')) : rows;
  return { body: { variables: wanted.map((row) => variableBody(connection, path, row)) } };
}

const isElement = (row: VariableRow): boolean => /^\[\d+\]$/.test(row.name);

export function variableBody(connection: Connection, parent: string, row: VariableRow): object {
  const key = `${connection.debuggee?.machine.processor() ?? 0}/${parent}/${row.name}`;
  const old = connection.shown.before.get(key);
  connection.shown.now.set(key, row.value);
  const attributes = [
    ...(row.writable ? [] : ['readOnly']),
    ...(old !== undefined && old !== row.value ? ['changed'] : []),
  ];
  return {
    name: row.name,
    value: row.value,
    type: row.type,
    variablesReference: row.path === undefined ? 0 : connection.handles.numberOf(row.path),
    ...(row.path === undefined ? {} : { namedVariables: row.childCount }),
    ...((row.indexedCount ?? 0) > 0 ? { indexedVariables: row.indexedCount } : {}),
    ...(row.evaluateName === undefined ? {} : { evaluateName: row.evaluateName }),
    ...(row.reference === undefined ? {} : { memoryReference: row.reference }),
    ...valueLocation(connection, row.reference),
    ...(attributes.length === 0 ? {} : { presentationHint: { attributes } }),
  };
}

/** Where the code is that a value leads to, when that has a source line. */
export function valueLocation(connection: Connection, reference: string | undefined): object {
  const image = connection.debuggee?.image;
  const at = reference === undefined ? undefined : parseReference(reference, 'root');
  if (image === undefined || at?.space.kind !== 'linear' || lineAt(image, at.address) === undefined) return {};
  return { valueLocationReference: connection.places.numberOf(`code/${at.address}`) };
}

function setVariable(connection: Connection, args: Arguments): Answer {
  const reference = integer(args, 'variablesReference');
  const name = text(args, 'name');
  const debuggee = stopped(connection, args.command);
  const path = connection.handles.pathOf(reference);
  if (path === undefined || childrenOf(debuggee, path) === undefined) throw noSuchVariable(reference);
  const context = contextOfPath(debuggee, path) ?? debuggee.session.context();
  const value = evaluateText(withoutWords(text(args, 'value')), context);
  if (!value.ok) throw expressionFailed(errorText(value.error), true);
  const subject: Subject = debuggee;
  const written = writeChild(subject, path, name, value.value.value, valueFormat(args) ?? 'hex');
  if ('error' in written) throw writeRefused(written.error);
  return { body: variableBody(connection, path, written.row), after: () => stateChanged(connection) };
}

/** Editing starts from what was shown: `0x246 (ZF, PF)` means 0x246. */
export function withoutWords(value: string): string {
  return /^\s*(0[xX][0-9a-fA-F]+|-?[0-9]+)\s+\(.*\)\s*$/s.exec(value)?.[1] ?? value;
}

/** Something was written: other views read again. */
export function stateChanged(connection: Connection): void {
  memoryChanged(connection);
  if (connection.client?.supportsInvalidatedEvent === true) connection.event('invalidated', { areas: ['all'] });
}

export const VARIABLE_REQUESTS = { variables, setVariable } satisfies Record<string, Handler>;
