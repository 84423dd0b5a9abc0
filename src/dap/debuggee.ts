// From launch options to a program in its machine, with the session's events wired to the client.

import { annotationsOfProgram } from '../debugger/annotations/binding.ts';
import { explainCause } from '../debugger/explain.ts';
import { sourceProblems, writersOf } from '../debugger/checks.ts';
import { place } from '../debugger/place.ts';
import { Session } from '../debugger/session.ts';
import type { Cause } from '../debugger/session/cause.ts';
import { leaveStop, recordRun } from '../debugger/views/record.ts';
import { standAtTest } from '../debugger/tests/stand.ts';
import { compareMoments } from '../machine/history/moments.ts';
import type { Moment } from '../machine/history/types.ts';
import type { Machine } from '../machine/types.ts';
import { imageOf } from '../program/image.ts';
import { loadProgram } from '../program/load.ts';
import { ProgramError } from '../program/errors.ts';
import { baseName } from '../program/paths.ts';
import { type Connection, type Debuggee, forgetStop, memoryChanged, threadOf } from './connection.ts';
import { cancelled, machineFailed, programFailed, testFailed } from './errors.ts';
import type { LaunchOptions } from './launch.ts';
import { createConsoleOutput } from './output.ts';
import { imagesChanged } from './modules.ts';
import type { ProblemsBody } from './protocol.ts';
import { rowOf } from './requests/breakpoints.ts';
import { locationOf } from './sources.ts';

/**
 * Loads the program and makes its machine, with progress that the client can cancel; throws DapError. Nothing of what the connection had is
 * changed before it is complete.
 */
export async function createDebuggee(
  connection: Connection,
  options: LaunchOptions,
  command: string,
): Promise<Debuggee> {
  const task = connection.tasks.begin(`Loading ${baseName(options.program)}`);
  const reached = async (done: number): Promise<void> => {
    if (!(await task.report(done))) throw cancelled(command);
  };
  try {
    return await loadDebuggee(connection, options, reached);
  } finally {
    task.end();
  }
}

/** Parts of the work that are done when a step begins, as far as anybody can tell before. */
const LINES = 0.3;
const READ = 0.4;
const ANNOTATED = 0.6;
const MADE = 0.7;

async function loadDebuggee(
  connection: Connection,
  options: LaunchOptions,
  reached: (done: number) => Promise<void>,
): Promise<Debuggee> {
  const { host } = connection;
  const load = { ...options.load, reached: (done: number) => reached(done * LINES) };
  const program = await loadProgram(options.program, load, host.readFile).catch((problem: unknown) => {
    if (problem instanceof ProgramError) throw programFailed(problem.message);
    throw problem;
  });
  for (const text of program.notices ?? []) connection.event('output', { category: 'console', output: `${text}\n` });
  const image = imageOf(program);
  await reached(READ);
  const annotations = await annotationsOfProgram(image, host.readFile, (done) =>
    reached(READ + done * (ANNOTATED - READ)),
  );
  for (const { path, line, message } of annotations.problems)
    connection.event('output', { category: 'console', output: `${path}:${line}: ${message}\n` });
  const settings = { ramSize: options.load.ramSize, processors: options.processors, profile: options.profile };
  const machine = await host.createMachine(program, settings).catch((problem: unknown) => {
    throw machineFailed(problem instanceof Error ? problem.message : String(problem));
  });
  await reached(MADE);
  const output = createConsoleOutput(host.scheduler, connection.event);
  let repeatedUntil: Moment | undefined;
  /** Before something is told that may have been told before. */
  const again = (): void => {
    if (repeatedUntil === undefined) return;
    if (compareMoments(machine.history.now(), repeatedUntil) <= 0)
      connection.event('output', { category: 'console', output: REPEATED });
    repeatedUntil = undefined;
  };
  machine.onOutput = (bytes) => {
    again();
    output.add(bytes);
  };
  machine.onRewound = (bytes) => output.rewind(bytes);
  if (options.test !== undefined) {
    const standing = await standAtTest(machine, image, options.test, host.scheduler.breathe);
    if (!standing.ok) throw testFailed(standing.problem);
  }
  if (!options.noDebug) machine.history.record(options.historyLimit);
  machine.onNotice = (text) => connection.event('output', { category: 'console', output: `${text}\n` });
  const record = recordRun(machine);
  const session = new Session({
    machine,
    image,
    path: options.program,
    readFile: host.readFile,
    sourceMap: options.load.sourceMap,
    scheduler: host.scheduler,
    annotations: { bound: options.noDebug ? [] : annotations.bound, enabled: options.annotations },
    stopOnEntry: options.stopOnEntry && !options.noDebug,
    stopOnFirstVmExit: options.stopOnFirstVmExit && !options.noDebug,
    stopAtEnd: options.stopAtEnd && !options.noDebug,
    events: {
      continued: () => {
        leaveStop(record, machine);
        forgetStop(connection);
      },
      stopped: (cause) => {
        output.flush();
        reportStop(connection, debuggee, cause);
        memoryChanged(connection);
      },
      ended: (status) => {
        output.flush();
        connection.event('exited', { exitCode: status });
        connection.event('terminated');
      },
      wentBack: (from) => {
        repeatedUntil = repeatedUntil !== undefined && compareMoments(from, repeatedUntil) < 0 ? repeatedUntil : from;
      },
      pastChanged: () => {
        repeatedUntil = undefined;
        connection.event('output', { category: 'console', output: CUT });
      },
      breakpointsChanged: (changed) => {
        for (const breakpoint of changed)
          connection.event('breakpoint', { reason: 'changed', breakpoint: rowOf(connection, breakpoint) });
      },
      imagesChanged: (how, loaded) => {
        // Images of launch.json are there before the client asks for anything.
        if (connection.debuggee === undefined || connection.debuggee.session !== session) return;
        imagesChanged(connection, connection.debuggee, how, loaded);
      },
      logged: (text, breakpoint) => {
        output.flush();
        again();
        const location = breakpoint.path === undefined ? {} : locationOf(connection, breakpoint.path, breakpoint.line);
        connection.event('output', { category: 'console', output: `${text}\n`, ...location });
      },
    },
  });
  // A restart begins without the problems of the run before.
  if (connection.debuggee?.problemsSince !== undefined) connection.event('ringside/problems', { problems: [] });
  const { readFile, writeBytes } = host;
  if (writeBytes !== undefined) session.files = { read: readFile, write: writeBytes };
  const debuggee: Debuggee = {
    options,
    machine,
    session,
    record,
    frames: new Map(),
    frameProcessors: new Map(),
    problemsSince: undefined,
    get image() {
      return session.image;
    },
  };
  for (const [index, request] of options.images.entries()) {
    await reached(MADE + (index / options.images.length) * (1 - MADE));
    const loaded = await session.openImage(request).catch((problem: unknown) => {
      if (problem instanceof ProgramError) throw programFailed(problem.message);
      throw problem;
    });
    for (const text of loaded?.image.program.notices ?? [])
      connection.event('output', { category: 'console', output: `${text}\n` });
  }
  return debuggee;
}

/** After a restart: the images that the console had added. One that cannot be read any more is told. */
export async function addAgain(connection: Connection, old: Session, session: Session): Promise<void> {
  for (const request of old.added) {
    try {
      await session.openImage(request);
      session.added.push(request);
    } catch (problem) {
      if (!(problem instanceof ProgramError)) throw problem;
      connection.event('output', { category: 'important', output: `${problem.message}\n` });
    }
  }
}

/** ANSI escape sequences, for clients that show them. */
const BOLD = '\u001b[1m';
const PLAIN = '\u001b[0m';
const CUT =
  'Something was changed at a past moment: what was recorded after it is forgotten, and the machine takes a new way from here.\n';
const REPEATED = 'The machine went back in time: what follows was told before, up to where it came from.\n';
const HISTORY_START = 'Nothing before this moment is recorded.';

/** Stops that nobody asked for are told in the debug console as well. */
const ANNOUNCED: readonly Cause['kind'][] = [
  'assertion',
  'entry-failure',
  'vm-fail',
  'triple-fault',
  'vmx-abort',
  'idle',
  'unsimulated',
  'internal-error',
];

function reportStop(connection: Connection, debuggee: Debuggee, cause: Cause): void {
  const { machine, image, options } = debuggee;
  tellProblems(connection, debuggee, cause);
  const explanation = explainCause(cause, machine, image);
  if (cause.kind === 'jump' && cause.text !== undefined)
    connection.event('output', { category: 'console', output: `${cause.text}\n` });
  if (cause.kind === 'history-start') connection.event('output', { category: 'console', output: `${HISTORY_START}\n` });
  if (explanation !== undefined && ANNOUNCED.includes(cause.kind)) {
    const title =
      connection.client?.supportsANSIStyling === true ? `${BOLD}${explanation.title}${PLAIN}` : explanation.title;
    connection.event('output', { category: 'stderr', output: `${title}\n${explanation.body}\n` });
  }
  if (options.noDebug) {
    connection.event('exited', { exitCode: 1 });
    connection.event('terminated');
    return;
  }
  connection.event('stopped', {
    threadId: threadOf(machine),
    allThreadsStopped: true,
    ...stopBody(cause, explanation?.title, machine),
  });
}

/** Failed entry checks go to the source lines to blame, and away again when an entry has succeeded. */
function tellProblems(connection: Connection, debuggee: Debuggee, cause: Cause): void {
  const { machine, image } = debuggee;
  if (cause.kind === 'entry-failure') {
    const { checks, hostRip } = cause.failure;
    const body: ProblemsBody = { problems: sourceProblems(checks, writersOf(machine), image, hostRip) };
    debuggee.problemsSince = machine.entryCount();
    connection.event('ringside/problems', body);
  } else if (debuggee.problemsSince !== undefined && machine.entryCount() > debuggee.problemsSince) {
    debuggee.problemsSince = undefined;
    connection.event('ringside/problems', { problems: [] } satisfies ProblemsBody);
  }
}

function stopBody(cause: Cause, title: string | undefined, machine: Machine): object {
  switch (cause.kind) {
    case 'entry':
      return { reason: 'entry', description: 'Paused before the first instruction' };
    case 'pause':
      return { reason: 'pause', description: machine.side() === 'root' ? 'Paused' : 'Paused in the guest' };
    case 'step':
      return { reason: 'step' };
    case 'end':
      return {
        reason: 'pause',
        description: `Paused at the end: exit status ${cause.status}`,
        text: 'The program ended. Continue ends the session.',
      };
    case 'history-start':
      return { reason: 'pause', description: 'Paused where the recorded past begins', text: HISTORY_START };
    case 'jump':
      return {
        reason: 'goto',
        description: 'Paused at another time',
        ...(cause.text === undefined ? {} : { text: cause.text }),
      };
    case 'breakpoint': {
      const kinds = cause.breakpoints.map((breakpoint) => breakpoint.kind);
      const reason = kinds.includes('line')
        ? 'breakpoint'
        : kinds.includes('function')
          ? 'function breakpoint'
          : 'instruction breakpoint';
      const failed =
        cause.errors.length === 0 ? {} : { text: cause.errors.join('\n'), description: 'Paused: a condition failed' };
      return { reason, hitBreakpointIds: cause.breakpoints.map((breakpoint) => breakpoint.id), ...failed };
    }
    case 'assertion': {
      const text = [cause.text, ...cause.errors].join('\n');
      return { reason: 'exception', description: cause.text.split('\n')[0], text };
    }
    case 'watch': {
      const ids = cause.breakpoints.map((breakpoint) => breakpoint.id);
      const reason = cause.breakpoints.some(({ kind }) => kind === 'data') ? 'data breakpoint' : 'function breakpoint';
      const text = [cause.text, ...cause.errors].join('\n');
      return { reason, description: `Paused: ${cause.text.split('\n')[0]}`, text, hitBreakpointIds: ids };
    }
    case 'vm-exit':
    case 'vm-entry': {
      const ids = cause.breakpoints?.map((breakpoint) => breakpoint.id) ?? [];
      const hit = ids.length === 0 ? {} : { hitBreakpointIds: ids };
      return { reason: 'exception', description: title, text: title, ...hit };
    }
    default:
      return { reason: 'exception', description: title, text: title };
  }
}

/** One line for the debug console when a program is loaded. */
export function loadedText(debuggee: Debuggee): string {
  const { image, machine } = debuggee;
  const entry = BigInt(image.program.entry.entry);
  return `${image.program.name}: ${machine.ramSize / 0x100000} MiB of memory, entry at ${place(image, entry)}\n`;
}
