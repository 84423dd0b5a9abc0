// Breakpoints on lines, functions and instructions; exception filters; where lines have code.

import {
  type Breakpoint,
  type BreakpointOptions,
  setFunctionBreakpoints,
  setInstructionBreakpoints,
  setLineBreakpoints,
  setListingBreakpoints,
} from '../../debugger/breakpoints.ts';
import type { Binding } from '../../debugger/bindings.ts';
import { type FilterRequest, setFilters } from '../../debugger/exit-filters.ts';
import { hex } from '../../debugger/format.ts';
import { advance, parseReference } from '../../debugger/memory.ts';
import { addressesOfLine, linesWithCode } from '../../program/image.ts';
import { type Arguments, integer, optionalInteger, optionalText, record, records, text, texts } from '../arguments.ts';
import {
  type Answer,
  type Connection,
  type Debuggee,
  fromClientLine,
  type Handler,
  launched,
  toClientColumn,
  toClientLine,
} from '../connection.ts';
import { badArguments, unknownMode } from '../errors.ts';
import { addressOfLine, type Listing } from '../listings.ts';
import { fromClientPath } from '../paths.ts';
import { checkSource } from '../source-checks.ts';
import { sourceOf } from '../sources.ts';
import { bindData } from './data-breakpoints.ts';

/** Ids that breakpoints keep when they are bound again, in order. */
export type Ids = readonly number[];
export const NEW_IDS: Ids = [];

/** Breakpoint modes of code: the side that it stops on. */
const SIDE_MODES: Readonly<Record<string, Binding | undefined>> = {
  both: undefined,
  guest: { side: 'non-root' },
  host: { side: 'root' },
};

function bindingOf(args: Arguments): Binding | undefined {
  const mode = args.values.dataId === undefined ? optionalText(args, 'mode') : undefined;
  if (mode === undefined || mode === '') return undefined;
  if (!Object.hasOwn(SIDE_MODES, mode)) throw unknownMode(mode, Object.keys(SIDE_MODES));
  return SIDE_MODES[mode];
}

export function optionsOf(args: Arguments, id: number | undefined): BreakpointOptions {
  return {
    id,
    binding: bindingOf(args),
    condition: optionalText(args, 'condition'),
    hitCondition: optionalText(args, 'hitCondition'),
    logMessage: optionalText(args, 'logMessage'),
  };
}

export function rowOf(connection: Connection, breakpoint: Breakpoint): object {
  const { path, line, column, addresses } = breakpoint;
  return {
    id: breakpoint.id,
    verified: breakpoint.verified,
    ...(breakpoint.message === undefined ? {} : { message: breakpoint.message }),
    ...(path === undefined ? {} : { source: sourceOf(connection, path) }),
    ...(line === undefined ? {} : { line: toClientLine(connection, line) }),
    ...(column === undefined || column === 0 ? {} : { column: toClientColumn(connection, column) }),
    ...(addresses[0] === undefined ? {} : { instructionReference: hex(addresses[0]) }),
    ...(breakpoint.verified ? {} : { reason: breakpoint.usable ? 'pending' : 'failed' }),
  };
}

/** The answer to a request that sets breakpoints. */
export function answerBreakpoints(connection: Connection, breakpoints: readonly Breakpoint[]): Answer {
  return { body: { breakpoints: breakpoints.map((breakpoint) => rowOf(connection, breakpoint)) } };
}

/** The listing of code without source that a request speaks of, when it does. */
export function listingOf(connection: Connection, args: Arguments): Listing | undefined {
  const reference = optionalInteger(record(args, 'source'), 'sourceReference') ?? 0;
  return reference > 0 ? connection.listings[reference - 1] : undefined;
}

/** What breakpoints are filed under: a path, or a name for a listing. */
export function pathOf(connection: Connection, args: Arguments): string {
  const listing = listingOf(connection, args);
  if (listing !== undefined) return `listing:${listing.reference}`;
  return fromClientPath(text(record(args, 'source'), 'path'), connection.client?.pathFormat ?? 'path');
}

function bindLines(connection: Connection, debuggee: Debuggee, args: Arguments, ids = NEW_IDS): Breakpoint[] {
  // `lines` is the older form of the request.
  const lines = args.values.lines;
  const wanted =
    args.values.breakpoints === undefined && Array.isArray(lines)
      ? lines.map((line: unknown, index) => ({
          line: typeof line === 'number' ? fromClientLine(connection, line) : Number.NaN,
          id: ids[index],
        }))
      : records(args, 'breakpoints').map((entry, index) => ({
          line: fromClientLine(connection, integer(entry, 'line')),
          ...optionsOf(entry, ids[index]),
        }));
  if (wanted.some(({ line }) => !Number.isSafeInteger(line)))
    throw badArguments(args.command, '"lines" is not a list of whole numbers');
  const { breakpoints } = debuggee.session;
  const listing = listingOf(connection, args);
  if (listing === undefined) {
    const path = pathOf(connection, args);
    const image = debuggee.session.images.forSource(path);
    void checkSource(connection, image, path);
    return setLineBreakpoints(breakpoints, image, path, wanted);
  }
  const placed = wanted.map((request) => ({ ...request, address: addressOfLine(listing, request.line) }));
  return setListingBreakpoints(breakpoints, pathOf(connection, args), placed);
}

function setBreakpoints(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const bound = bindLines(connection, debuggee, args);
  connection.asked.lines.set(pathOf(connection, args), args);
  debuggee.session.applyBreakpoints();
  return answerBreakpoints(connection, bound);
}

function bindFunctions(debuggee: Debuggee, args: Arguments, ids = NEW_IDS): Breakpoint[] {
  const wanted = records(args, 'breakpoints').map((entry, index) => ({
    name: text(entry, 'name'),
    ...optionsOf(entry, ids[index]),
  }));
  const { session } = debuggee;
  return setFunctionBreakpoints(session.breakpoints, session.images.forName, wanted, session.context());
}

function setFunctions(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const bound = bindFunctions(debuggee, args);
  connection.asked.functions = args;
  debuggee.session.applyBreakpoints();
  return answerBreakpoints(connection, bound);
}

function bindInstructions(debuggee: Debuggee, args: Arguments, ids = NEW_IDS): Breakpoint[] {
  const wanted = records(args, 'breakpoints').map((entry, index) => {
    const reference = text(entry, 'instructionReference');
    const at = parseReference(reference, debuggee.machine.side());
    const linear = at?.space.kind === 'linear' ? advance(at, optionalInteger(entry, 'offset') ?? 0).address : undefined;
    return { address: linear, text: reference, ...optionsOf(entry, ids[index]) };
  });
  return setInstructionBreakpoints(debuggee.session.breakpoints, debuggee.image, wanted);
}

function setInstructions(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const bound = bindInstructions(debuggee, args);
  connection.asked.instructions = args;
  debuggee.session.applyBreakpoints();
  return answerBreakpoints(connection, bound);
}

function bindExceptions(debuggee: Debuggee, args: Arguments): Answer {
  const requests: FilterRequest[] = [
    ...texts(args, 'filters').map((id) => ({ id })),
    ...records(args, 'filterOptions').map((entry) => ({
      id: text(entry, 'filterId'),
      condition: optionalText(entry, 'condition'),
    })),
  ];
  return { body: { breakpoints: setFilters(debuggee.session.filters, requests) } };
}

function setExceptions(connection: Connection, args: Arguments): Answer {
  const result = bindExceptions(launched(connection, args.command), args);
  connection.asked.exceptions = args;
  return result;
}

/** After a restart: everything that was asked for, on the new image under the old ids; the client is told where it is now. */
export function bindAsked(connection: Connection, old: Debuggee, debuggee: Debuggee): void {
  const { lines, functions, instructions, data, exceptions } = connection.asked;
  const { breakpoints } = old.session;
  const idsOf = (list: readonly Breakpoint[] | undefined): Ids => list?.map(({ id }) => id) ?? NEW_IDS;
  const bound = [
    ...[...lines].flatMap(([path, args]) => bindLines(connection, debuggee, args, idsOf(breakpoints.lines.get(path)))),
    ...(functions === undefined ? [] : bindFunctions(debuggee, functions, idsOf(breakpoints.functions))),
    ...(instructions === undefined ? [] : bindInstructions(debuggee, instructions, idsOf(breakpoints.instructions))),
    ...(data === undefined ? [] : bindData(debuggee, data, idsOf(breakpoints.data))),
  ];
  debuggee.session.applyBreakpoints();
  for (const breakpoint of bound) {
    connection.event('breakpoint', { reason: 'changed', breakpoint: rowOf(connection, breakpoint) });
  }
  if (exceptions !== undefined) bindExceptions(debuggee, exceptions);
}

function breakpointLocations(connection: Connection, args: Arguments): Answer {
  const { image } = launched(connection, args.command);
  const path = pathOf(connection, args);
  const first = fromClientLine(connection, integer(args, 'line'));
  const end = optionalInteger(args, 'endLine');
  const last = end === undefined ? first : fromClientLine(connection, end);
  const listing = listingOf(connection, args);
  const withCode =
    listing === undefined
      ? linesWithCode(image, path)
      : listing.rows.flatMap((row, index) => (row.valid ? [index + 1] : []));
  const breakpoints = withCode
    .filter((line) => line >= first && line <= last)
    .map((line) => ({
      line: toClientLine(connection, line),
      column: toClientColumn(connection, addressesOfLine(image, path, line)?.column || 1),
    }));
  return { body: { breakpoints } };
}

export const BREAKPOINT_REQUESTS = {
  setBreakpoints,
  setFunctionBreakpoints: setFunctions,
  setInstructionBreakpoints: setInstructions,
  setExceptionBreakpoints: setExceptions,
  breakpointLocations,
} satisfies Record<string, Handler>;
