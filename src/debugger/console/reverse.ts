// reverse: back through time. goto: to a moment. who: to what wrote something last. history: what is recorded.

import type { Moment } from '../../machine/history/types.ts';
import { hex } from '../format.ts';
import { previousExit, reverseContinue, toBefore, toMoment } from '../reverse/journeys.ts';
import { lastWrite } from '../reverse/last-write.ts';
import { stepBack } from '../reverse/steps.ts';
import type { Journey } from '../reverse/traveller.ts';
import { exitReasonTitle } from '../facts.ts';
import { writtenSubject } from '../subjects.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

const NOT_RECORDED = {
  error: 'Nothing is recorded: launch.json has "history": false.',
} as const;

function travel({ session }: CommandContext, journey: Journey, text: string): CommandAnswer {
  if (!session.machine.history.recording) return NOT_RECORDED;
  return session.travel(journey) ? text : { error: 'The machine runs: pause it first.' };
}

const WAYS: Readonly<Record<string, { readonly journey: Journey; readonly detail: string }>> = {
  continue: { journey: reverseContinue, detail: 'to the last breakpoint before now' },
  in: { journey: stepBack('in', 'instruction'), detail: 'one instruction, into handlers and calls' },
  over: { journey: stepBack('over', 'instruction'), detail: 'one instruction, over handlers and calls' },
  line: { journey: stepBack('over', 'statement'), detail: 'one line of the source' },
  out: { journey: stepBack('out', 'instruction'), detail: 'to the call of this function, or to where this side began' },
  exit: { journey: previousExit, detail: 'to the previous VM exit' },
};

export const REVERSE: Command = {
  name: 'reverse',
  usage: 'reverse [continue|in|over|line|out|exit]',
  summary: 'back through time; without a word: reverse continue',
  help: Object.entries(WAYS)
    .map(([name, { detail }]) => `${name.padEnd(9)} ${detail}`)
    .join('\n'),
  complete: ({ words }) =>
    words.length > 0
      ? []
      : Object.entries(WAYS).map(([label, { detail }]) => ({ label, kind: 'keyword' as const, detail })),
  run: (context, { words }) => {
    const name = words[0]?.toLowerCase() ?? 'continue';
    const way = WAYS[name];
    if (way === undefined) return { error: `"${name}" is none of ${Object.keys(WAYS).join(', ')}.` };
    return travel(context, way.journey, `Going back: ${way.detail}.`);
  },
};

export const GOTO: Command = {
  name: 'goto',
  usage: 'goto TIME | +N | -N | exit N | before exit N | start | end',
  summary: 'to a moment of the recorded past',
  help: `TIME counts the instructions retired since power-on, +N and -N from now. "exit N" is just after the VM exit with that number, at the
handler's first instruction; "before exit N" is at the guest's instruction that exits.`,
  run: goTo,
};

function goTo(context: CommandContext, { words }: CommandArguments): CommandAnswer {
  const { history } = context.session.machine;
  const [first, second, third] = words.map((word) => word.toLowerCase());
  if (first === 'start') return travel(context, toMoment(history.first()), 'To where the recorded past begins.');
  if (first === 'end') return travel(context, toMoment(history.last()), 'To the latest moment that was reached.');
  const before = first === 'before';
  if (first === 'exit' || (before && second === 'exit')) {
    const number = Number((before ? third : second)?.replace(/^#/, ''));
    const exit = Number.isInteger(number) ? history.exit(number) : undefined;
    if (exit === undefined) {
      const { first: low, last: high } = history.exits();
      return { error: low > high ? 'There was no VM exit yet.' : `VM exits ${low} to ${high} are known.` };
    }
    const name = `VM exit ${number}: ${exitReasonTitle(exit.reason)}`;
    return travel(context, before ? toBefore(exit) : toMoment(exit), `To ${before ? 'just before ' : ''}${name}.`);
  }
  const time = timeOf(first, history.now());
  if (time === undefined) return { error: 'Name a moment: a time, +N, -N, exit N, before exit N, start or end.' };
  if (time < history.first().time) return { error: `The recorded past begins at ${history.first().time}.` };
  if (time > history.last().time)
    return { error: `The run has come to ${history.last().time} so far; continue goes on from there.` };
  return travel(context, toMoment({ time, events: 0 }), `To time ${time}.`);
}

function timeOf(word: string | undefined, now: Moment): number | undefined {
  if (word === undefined || !/^[+-]?[0-9][0-9_']*$/.test(word)) return undefined;
  const number = Number(word.replace(/[_']/g, ''));
  return /^[+-]/.test(word) ? now.time + number : number;
}

export const WHO: Command = {
  name: 'who',
  usage: 'who EXPRESSION',
  summary: 'who wrote this? Back to the last write of memory, a register, an MSR or a VMCS field',
  help: `who rax            the instruction that changed RAX last
who qword[rsp]     the last write of these bytes
who dword[gpa:0x1000]
who vm->exits      a variable of the program in memory
who GUEST_RIP      the last VMWRITE or VM exit that wrote the field of the current VMCS
Of registers only changes are seen. "goto end" comes back.`,
  run: (context, { text }) => {
    if (text === '')
      return { error: 'Name a register, a VMCS field, an MSR, a variable in memory, or memory such as qword[rsp].' };
    const subject = writtenSubject(text.replace(/^vmcs:(?=[A-Z_a-z])/, ''), context.expressions);
    if ('problem' in subject) return { error: subject.problem };
    return travel(context, lastWrite(subject), `Looking for the last write of ${subject.text}.`);
  },
};

export const HISTORY: Command = {
  name: 'history',
  usage: 'history',
  summary: 'what is recorded of the past, and where now is in it',
  help: '',
  run: ({ session }) => {
    const { history } = session.machine;
    if (!history.recording) return NOT_RECORDED;
    const { first, last } = history.exits();
    const snapshots = history.snapshots();
    return [
      `Recorded: from ${history.first().time} to ${history.last().time} instructions; now at ${history.now().time}.`,
      `Snapshots: ${snapshots.length}, ${(history.bytes() / 1048576).toFixed(1)} MiB.`,
      first > last ? 'No VM exit yet.' : `Timeline: VM exits ${first} to ${last}.`,
      `State: ${hex(BigInt(`0x${history.hash()}`))}`,
    ].join('\n');
  },
};
