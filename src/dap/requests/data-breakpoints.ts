// dataBreakpointInfo, setDataBreakpoints: breakpoints on data, by address, by expression or by a row of a variables view.

import { type Breakpoint, setDataBreakpoints } from '../../debugger/breakpoints.ts';
import type { Context } from '../../debugger/expressions/names.ts';
import { formatReference, type MemoryAddress, parseReference, spaceOf } from '../../debugger/memory.ts';
import { expressionSubject, memorySubject, type SubjectResult, type Trigger } from '../../debugger/subjects.ts';
import { childrenOf, contextOfPath } from '../../debugger/variables.ts';
import { type Arguments, flag, optionalInteger, optionalText, records, text } from '../arguments.ts';
import { type Answer, type Connection, type Debuggee, type Handler, launched } from '../connection.ts';
import { badArguments, badReference, noSuchVariable, unknownMode } from '../errors.ts';
import { answerBreakpoints, NEW_IDS, type Ids, optionsOf } from './breakpoints.ts';

/** Address spaces of data and sides of code, as DAP breakpoint modes. */
export const BREAKPOINT_MODES = [
  {
    mode: 'guest-linear',
    label: 'Guest-linear',
    description: 'Linear addresses of the guest; follows its page tables.',
    appliesTo: ['data'],
  },
  {
    mode: 'host-linear',
    label: 'Host-linear',
    description: 'Linear addresses of the hypervisor; follows its page tables.',
    appliesTo: ['data'],
  },
  {
    mode: 'guest-physical',
    label: 'Guest-physical',
    description: 'Guest-physical addresses; follows EPT.',
    appliesTo: ['data'],
  },
  {
    mode: 'host-physical',
    label: 'Host-physical',
    description: 'Physical addresses of the machine, whoever reaches them.',
    appliesTo: ['data'],
  },
  { mode: 'both', label: 'Guest and host', description: 'Stops on either side.', appliesTo: ['source', 'instruction'] },
  {
    mode: 'guest',
    label: 'Guest only',
    description: 'Stops in VMX non-root operation.',
    appliesTo: ['source', 'instruction'],
  },
  {
    mode: 'host',
    label: 'Host only',
    description: 'Stops in VMX root operation, and outside VMX operation.',
    appliesTo: ['source', 'instruction'],
  },
] as const;

const DATA_PREFIX = {
  'guest-linear': 'gva',
  'host-linear': 'hva',
  'guest-physical': 'gpa',
  'host-physical': 'hpa',
} as const;
type DataMode = keyof typeof DATA_PREFIX;

/** Bytes that a range has when nobody says. */
const DEFAULT_BYTES = 8;

function dataMode(args: Arguments): DataMode | undefined {
  const mode = optionalText(args, 'mode');
  if (mode === undefined || mode === '') return undefined;
  if (!Object.hasOwn(DATA_PREFIX, mode)) throw unknownMode(mode, Object.keys(DATA_PREFIX));
  return mode as DataMode;
}

function dataBreakpointInfo(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const name = text(args, 'name');
  const bytes = optionalInteger(args, 'bytes');
  if (bytes !== undefined && bytes < 1) throw badArguments(args.command, '"bytes" is less than 1');
  const mode = dataMode(args);
  const reference = optionalInteger(args, 'variablesReference') ?? 0;
  const context = contextOf(connection, debuggee, reference, optionalInteger(args, 'frameId'));
  if (flag(args, 'asAddress')) {
    const at = parseReference(name, context.side);
    if (at === undefined) throw badReference(name);
    return info(inMode(debuggee, at, mode), bytes ?? DEFAULT_BYTES, context);
  }
  const expression = reference === 0 ? name : expressionOf(connection, debuggee, reference, name);
  if (expression === undefined) return refused(`${name} has no place of its own that could be watched.`);
  const subject = expressionSubject(expression, 'change', context, bytes === undefined ? undefined : BigInt(bytes));
  if ('problem' in subject) return refused(subject.problem);
  const [watch] = subject.watches;
  if (watch?.kind === 'memory') {
    const prefix =
      watch.space === 'linear'
        ? watch.side === 'root'
          ? 'hva'
          : 'gva'
        : watch.space === 'guest-physical'
          ? 'gpa'
          : 'hpa';
    return info(
      inMode(debuggee, { space: spaceOf(prefix, context.side), address: watch.address }, mode),
      watch.size,
      context,
    );
  }
  const changesOnly = watch?.kind === 'register';
  const side = context.side === 'root' ? 'host' : 'guest';
  return {
    body: {
      dataId: `${side}/${expression}`,
      description: expression,
      accessTypes: changesOnly ? ['write'] : ['read', 'write', 'readWrite'],
      canPersist: true,
    },
  };
}

/** What names mean: in the frame of a row of the variables view, or in the frame that was given. */
function contextOf(
  connection: Connection,
  debuggee: Debuggee,
  reference: number,
  frameId: number | undefined,
): Context {
  const path = connection.handles.pathOf(reference);
  const frame = debuggee.frames.get(frameId ?? 0);
  return (
    (path === undefined ? undefined : contextOfPath(debuggee, path)) ??
    debuggee.session.context(frame?.side, frame?.kind === 'code' ? frame : undefined)
  );
}

function expressionOf(connection: Connection, debuggee: Debuggee, reference: number, name: string): string | undefined {
  const path = connection.handles.pathOf(reference);
  const rows = path === undefined ? undefined : childrenOf(debuggee, path);
  if (rows === undefined) throw noSuchVariable(reference);
  return rows.find((row) => row.name === name)?.evaluateName;
}

/** The address in the space of a mode: a linear one is translated once, now. */
function inMode(debuggee: Debuggee, at: MemoryAddress, mode: DataMode | undefined): MemoryAddress | string {
  if (mode === undefined) return at;
  const space = spaceOf(DATA_PREFIX[mode], 'root');
  const linear = at.space.kind === 'linear';
  if (space.kind === 'linear' || !linear) return { space, address: at.address };
  const side = at.space.kind === 'linear' ? at.space.side : 'root';
  const walk = debuggee.machine.peekTranslate(side, at.address);
  if (!walk.ok) return `${formatReference(at)} is not mapped, so it has no ${mode} address now: ${walk.explanation}`;
  return { space, address: space.kind === 'guest-physical' ? walk.guestPhysical : walk.hostPhysical };
}

function refused(description: string): Answer {
  return { body: { dataId: null, description } };
}

function info(at: MemoryAddress | string, bytes: number, context: Context): Answer {
  if (typeof at === 'string') return refused(at);
  const subject = memorySubject(at, BigInt(bytes), 'access');
  if ('problem' in subject) return refused(subject.problem);
  const side = context.side === 'root' ? 'host' : 'guest';
  return {
    body: {
      dataId: `${side}/${formatReference(at)}/${bytes}`,
      description: subject.text,
      accessTypes: ['read', 'write', 'readWrite'],
      canPersist: true,
    },
  };
}

/** DAP's access types; editors call `write` "break on value change", and so it is. */
const TRIGGERS: Readonly<Record<string, Trigger>> = { read: 'read', write: 'change', readWrite: 'access' };

function subjectOf(debuggee: Debuggee, entry: Arguments): SubjectResult {
  const dataId = text(entry, 'dataId');
  const access = optionalText(entry, 'accessType') ?? 'write';
  const trigger = TRIGGERS[access];
  if (trigger === undefined)
    throw badArguments(entry.command, `"accessType" is "${access}"; it can be read, write or readWrite`);
  const match = /^(host|guest)\/(.+?)(?:\/(\d+))?$/s.exec(dataId);
  if (match?.[2] === undefined) return { problem: `"${dataId}" does not come from dataBreakpointInfo.` };
  const side = match[1] === 'host' ? 'root' : 'non-root';
  const at = match[3] === undefined ? undefined : parseReference(match[2], side);
  if (at !== undefined) return memorySubject(at, BigInt(match[3] ?? 0), trigger);
  return expressionSubject(match[2], trigger, debuggee.session.context(side));
}

export function bindData(debuggee: Debuggee, args: Arguments, ids: Ids = NEW_IDS): Breakpoint[] {
  const wanted = records(args, 'breakpoints').map((entry, index) => ({
    subject: subjectOf(debuggee, entry),
    ...optionsOf(entry, ids[index]),
  }));
  return setDataBreakpoints(debuggee.session.breakpoints, wanted);
}

function setData(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const bound = bindData(debuggee, args);
  connection.asked.data = args;
  debuggee.session.applyBreakpoints();
  return answerBreakpoints(connection, bound);
}

export const DATA_BREAKPOINT_REQUESTS = { dataBreakpointInfo, setDataBreakpoints: setData } satisfies Record<
  string,
  Handler
>;
