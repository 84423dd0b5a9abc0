// break: breakpoints of the debug console, which can be on everything that function breakpoints can.

import { allBreakpoints, type Breakpoint, makeNamed, sourceLine } from '../breakpoints.ts';
import type { Image } from '../../program/image.ts';
import { expressionNames } from '../completion.ts';
import { exitReasonIdentifiers } from '../facts.ts';
import { place } from '../place.ts';
import { EVENT_PREFIXES } from '../subjects.ts';
import type { Completion } from '../completion.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext, Typed } from './types.ts';

export const BREAK: Command = {
  name: 'break',
  usage: 'break [WHERE [@SPACE] [if CONDITION] [hits COUNT] [log "MESSAGE"]] | break delete NUMBER|all',
  summary: 'sets a breakpoint on code, data or an event; alone it lists all breakpoints',
  help: `WHERE is a function, label, address or line (exits.c:120), or one of
${EVENT_PREFIXES.map(({ label, detail }) => `  ${label.padEnd(9)} ${detail}`).join('\n')}
@guest, @host, @cr3=N, @vmcs=N or @cpu=N bind it to a side, an address space or a processor. CONDITION is an expression. COUNT is as in breakpoints: >= 3, == 5, % 2.
MESSAGE is told instead of a stop; {expressions} in it are evaluated.
Examples: break guest_main @guest if rcx == 3; break exit:CPUID log "leaf {eax}"; break change:GUEST_CR3; break port:0x3f8 write`,
  whileRunning: true,
  complete: completeBreak,
  run: setBreak,
};

const DELETE = /^delete\s+(\S+)$/i;

function setBreak(context: CommandContext, { text }: CommandArguments): CommandAnswer {
  const { session } = context;
  const { breakpoints, image } = session;
  if (text === '') return list(context);
  const doomed = DELETE.exec(text)?.[1];
  if (doomed !== undefined) return remove(context, doomed);
  const request = splitRequest(text);
  if ('error' in request) return request;
  const imageOf = (name: string): Image =>
    sourceLine(name) === undefined || image.byName.has(name) ? image : session.images.forName(name);
  const made = makeNamed(breakpoints, imageOf, request, context.expressions);
  if (!made.usable) return { error: made.message ?? 'The breakpoint cannot be set.' };
  breakpoints.console.push(made);
  breakpoints.version++;
  session.applyBreakpoints();
  if (!made.usable) {
    breakpoints.console.pop();
    breakpoints.version++;
    return { error: made.message ?? 'The breakpoint cannot be set.' };
  }
  return line(context, made);
}

interface Request {
  readonly name: string;
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}

/** Splits off `log "…"`, `hits …` and `if …`, in whatever order they stand. */
function splitRequest(text: string): Request | { readonly error: string } {
  const parts = text.split(/\s+(?=(?:if|hits|log)\s)/i);
  // A message may hold these words.
  const log = parts.findIndex((part) => /^log\s/i.test(part));
  if (log >= 0) parts.splice(log, parts.length - log, parts.slice(log).join(' '));
  const [name = '', ...options] = parts;
  let request: Request = { name };
  for (const option of options) {
    const value = option.replace(/^\S+\s+/, '').trim();
    if (/^if\s/i.test(option)) request = { ...request, condition: value };
    else if (/^hits\s/i.test(option)) request = { ...request, hitCondition: value };
    else {
      const message = /^"(.*)"$/s.exec(value)?.[1];
      if (message === undefined) return { error: `The message of log stands in double quotes: log "rax is {rax}".` };
      request = { ...request, logMessage: message };
    }
  }
  return request;
}

function remove({ session }: CommandContext, which: string): CommandAnswer {
  const { breakpoints } = session;
  const kept = which.toLowerCase() === 'all' ? [] : breakpoints.console.filter(({ id }) => String(id) !== which);
  const removed = breakpoints.console.length - kept.length;
  if (removed === 0 && which.toLowerCase() !== 'all')
    return {
      error: `The debug console has set no breakpoint ${which}; break alone lists them. Others are removed in the editor.`,
    };
  breakpoints.console = kept;
  breakpoints.version++;
  session.applyBreakpoints();
  return removed === 1 ? 'Removed.' : `${removed} removed.`;
}

function list(context: CommandContext): string {
  const all = allBreakpoints(context.session.breakpoints);
  if (all.length === 0) return 'There are no breakpoints.';
  return all.map((breakpoint) => line(context, breakpoint)).join('\n');
}

function line({ session }: CommandContext, breakpoint: Breakpoint): string {
  const { id, subject, addresses, hits, message, kind } = breakpoint;
  const where =
    subject?.text ??
    (addresses.length === 0 ? '—' : addresses.map((address) => place(session.image, address)).join(', '));
  const state = breakpoint.verified ? '' : ` (${message ?? 'not verified'})`;
  const met = hits === 0 ? '' : `, met ${hits} time${hits === 1 ? '' : 's'}`;
  return `${id}  ${kind}  ${where}${met}${state}`;
}

function completeBreak(typed: Typed, { expressions }: CommandContext): Completion[] {
  if (typed.words.length > 0) {
    return ['if', 'hits', 'log', '@guest', '@host', 'read', 'write', 'access'].map((label) => ({
      label,
      kind: 'keyword',
      detail: undefined,
    }));
  }
  if (/^exit:/i.test(typed.word)) {
    return exitReasonIdentifiers().map((name) => ({ label: `exit:${name}`, kind: 'value', detail: 'exit reason' }));
  }
  return [
    ...EVENT_PREFIXES.map(({ label, detail }): Completion => ({ label, kind: 'keyword', detail })),
    ...expressionNames(expressions).filter(({ kind }) => kind === 'reference'),
    { label: 'delete', kind: 'keyword', detail: 'removes a breakpoint of the console' },
  ];
}
