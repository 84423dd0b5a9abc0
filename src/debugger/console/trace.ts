// trace: VM exits and entries to a file while the machine runs, or instructions one by one.

import { entryLine, exitLine, instructionLine } from '../trace.ts';
import type { Machine } from '../../machine/types.ts';
import { plural } from '../format.ts';
import type { Session } from '../session.ts';
import { countArgument } from './addresses.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';
import { unquote } from './words.ts';

const MAX_STEPS = 1_000_000;
/** Text that is held back before it is written, in characters. */
const GATHERED = 1 << 16;
const STEPS_BETWEEN_BREATHS = 2000;

export const TRACE: Command = {
  name: 'trace',
  usage: 'trace FILE [COUNT] | trace stop',
  summary: 'writes VM exits and entries to a file from now on, or the next COUNT instructions',
  help: `Without COUNT every VM exit and VM entry is a line of FILE until trace stop or the end of the session. With COUNT (at most ${MAX_STEPS}) the machine
makes that many steps now, each an instruction, an event or a VM transition, and FILE has a line for each. Breakpoints are passed over. A path that is not
absolute is relative to where the debug adapter runs.
Examples: trace /tmp/exits.txt; trace /tmp/steps.txt 10000; trace stop`,
  complete: (typed) => (typed.words.length === 0 ? [{ label: 'stop', kind: 'keyword', detail: 'ends the trace' }] : []),
  run: trace,
};

interface Running {
  readonly path: string;
  readonly end: () => Promise<number>;
}

const RUNNING = new WeakMap<Session, Running>();

async function trace(context: CommandContext, { words }: CommandArguments): Promise<CommandAnswer> {
  const { session, writeFile } = context;
  const [word, count] = words;
  const running = RUNNING.get(session);
  if (word === undefined)
    return running === undefined ? 'Nothing is traced.' : `VM exits and entries go to ${running.path}.`;
  if (word === 'stop') {
    if (running === undefined) return { error: 'Nothing is traced.' };
    RUNNING.delete(session);
    return `${plural(await running.end(), 'line')} written to ${running.path}.`;
  }
  if (writeFile === undefined)
    return { error: 'There are no files here: a trace needs the debug adapter to run on a desktop.' };
  if (running !== undefined)
    return { error: `VM exits and entries go to ${running.path} already; trace stop ends that.` };
  const path = unquote(word);
  try {
    await writeFile(path, '', false);
  } catch (problem) {
    return { error: `${path} cannot be written: ${problem instanceof Error ? problem.message : String(problem)}` };
  }
  if (count !== undefined) {
    const steps = countArgument(count, MAX_STEPS, 'count', context);
    return typeof steps === 'number' ? traceSteps(context, path, steps, writeFile) : steps;
  }
  RUNNING.set(session, startTrace(session, path, writeFile));
  return `VM exits and entries go to ${path} from now on; trace stop ends that.`;
}

type Write = NonNullable<CommandContext['writeFile']>;

function startTrace({ machine, image }: Session, path: string, write: Write): Running {
  let text = '';
  let lines = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = (): void => {
    const piece = text;
    text = '';
    writing = writing.then(() => write(path, piece, true)).catch(() => undefined);
  };
  const former: Machine['onTransition'] = machine.onTransition;
  machine.onTransition = (event) => {
    former?.(event);
    text += `${'exit' in event ? exitLine(event.exit, machine, image) : entryLine(event.entry, machine, image)}\n`;
    lines++;
    if (text.length >= GATHERED) flush();
  };
  return {
    path,
    end: async () => {
      machine.onTransition = former;
      flush();
      await writing;
      return lines;
    },
  };
}

async function traceSteps(context: CommandContext, path: string, steps: number, write: Write): Promise<CommandAnswer> {
  const { machine, image } = context.session;
  const task = context.task(`Tracing ${plural(steps, 'step')}`);
  let text = '';
  let done = 0;
  let end = '';
  while (done < steps && end === '') {
    text += `${instructionLine(machine, image)}\n`;
    const stop = machine.step();
    done++;
    if (stop.kind === 'shutdown') end = ' The program ended.';
    else if ('explanation' in stop) end = ` ${stop.explanation}`;
    if (done % STEPS_BETWEEN_BREATHS === 0 && !(await task.report(done / steps))) end = ' Cancelled.';
    if (text.length >= GATHERED) {
      await write(path, text, true);
      text = '';
    }
  }
  task.end();
  await write(path, text, true);
  return { text: `${plural(done, 'line')} written to ${path}.${end}`, changed: true };
}
