// initialize, launch, configurationDone, restart, terminate, disconnect.

import { FILTERS, setFilters } from '../../debugger/exit-filters.ts';
import { flag, optionalInteger, optionalText } from '../arguments.ts';
import type { Answer, Connection, Handler } from '../connection.ts';
import { launched, threadOf } from '../connection.ts';
import { addAgain, createDebuggee, loadedText } from '../debuggee.ts';
import { alreadyInitialized, alreadyLaunched, noAttach } from '../errors.ts';
import { readLaunch } from '../launch.ts';
import { bindAsked } from './breakpoints.ts';
import { BREAKPOINT_MODES } from './data-breakpoints.ts';

/** What Ringside can do; each of these is answered by a request in this folder. */
export const CAPABILITIES = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  supportsExceptionFilterOptions: true,
  supportsExceptionInfoRequest: true,
  supportsEvaluateForHovers: true,
  supportsClipboardContext: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: ['.', '[', ':'],
  supportsModulesRequest: true,
  supportsLoadedSourcesRequest: true,
  supportsBreakpointLocationsRequest: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
  supportsCancelRequest: true,
  supportsGotoTargetsRequest: true,
  supportsStepInTargetsRequest: true,
  supportsValueFormattingOptions: true,
  supportsANSIStyling: true,
  supportsDisassembleRequest: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsSteppingGranularity: true,
  supportsStepBack: true,
  supportsRestartFrame: true,
  supportsSingleThreadExecutionRequests: true,
  supportsDelayedStackTraceLoading: true,
} as const;

function initialize(connection: Connection, args: Parameters<Handler>[1]): Answer {
  if (connection.client !== undefined) throw alreadyInitialized();
  connection.client = {
    linesStartAt1: args.values.linesStartAt1 !== false,
    columnsStartAt1: args.values.columnsStartAt1 !== false,
    pathFormat: optionalText(args, 'pathFormat') === 'uri' ? 'uri' : 'path',
    supportsInvalidatedEvent: flag(args, 'supportsInvalidatedEvent'),
    supportsMemoryEvent: flag(args, 'supportsMemoryEvent'),
    supportsProgressReporting: flag(args, 'supportsProgressReporting'),
    supportsANSIStyling: flag(args, 'supportsANSIStyling'),
  };
  const exceptionBreakpointFilters = FILTERS.map((row) => ({
    filter: row.id,
    label: row.label,
    description: row.description,
    default: row.default,
    supportsCondition: true,
    conditionDescription: row.conditionDescription,
  }));
  return { body: { ...CAPABILITIES, exceptionBreakpointFilters, breakpointModes: BREAKPOINT_MODES } };
}

async function launch(connection: Connection, args: Parameters<Handler>[1]): Promise<Answer> {
  if (connection.debuggee !== undefined) throw alreadyLaunched();
  const options = readLaunch(args.values);
  const debuggee = await createDebuggee(connection, options, args.command);
  connection.debuggee = debuggee;
  if (options.unknown.length > 0) {
    const names = options.unknown.map((name) => `"${name}"`).join(', ');
    connection.event('output', {
      category: 'important',
      output: `launch.json: Ringside does not know ${names}; ignored.\n`,
    });
  }
  connection.event('output', { category: 'console', output: loadedText(debuggee) });
  // Breakpoints can be bound now: the client sends them after this event.
  return { after: () => connection.event('initialized') };
}

function configurationDone(connection: Connection, args: Parameters<Handler>[1]): Answer {
  const debuggee = launched(connection, args.command);
  connection.configurationDone = true;
  if (debuggee.options.noDebug) setFilters(debuggee.session.filters, []);
  return { after: () => debuggee.session.start() };
}

async function restart(connection: Connection, args: Parameters<Handler>[1]): Promise<Answer> {
  const old = launched(connection, args.command);
  const changed = args.values.arguments;
  const options = changed === undefined ? old.options : readLaunch(changed);
  const debuggee = await createDebuggee(connection, options, args.command);
  await addAgain(connection, old.session, debuggee.session);
  old.session.dispose();
  old.machine.onOutput = undefined;
  old.machine.onNotice = undefined;
  old.frames.clear();
  old.frameProcessors.clear();
  connection.debuggee = debuggee;
  connection.shown.before.clear();
  connection.shown.now.clear();
  bindAsked(connection, old, debuggee);
  return {
    after: () => {
      if (!connection.configurationDone) return;
      connection.event('continued', { threadId: threadOf(debuggee.machine), allThreadsContinued: true });
      debuggee.session.start();
    },
  };
}

function terminate(connection: Connection, args: Parameters<Handler>[1]): Answer {
  const debuggee = launched(connection, args.command);
  const ended = debuggee.session.state === 'ended';
  debuggee.session.dispose();
  return { after: () => (ended ? undefined : connection.event('terminated')) };
}

/** What waits or is being done for a request, or the work of a progress event; nothing when it is over already. */
function cancel(connection: Connection, args: Parameters<Handler>[1]): Answer {
  const request = optionalInteger(args, 'requestId');
  const progress = optionalText(args, 'progressId');
  if (request !== undefined) connection.tasks.cancelRequest(request);
  if (progress !== undefined) connection.tasks.cancelProgress(progress);
  return {};
}

function disconnect(connection: Connection): Answer {
  connection.debuggee?.session.dispose();
  return {};
}

export const LIFECYCLE_REQUESTS = {
  initialize,
  launch,
  attach: () => {
    throw noAttach();
  },
  configurationDone,
  restart,
  terminate,
  cancel,
  disconnect,
} satisfies Record<string, Handler>;
