// inject: an interrupt, an NMI or an exception.

import { EXCEPTIONS, type ExceptionRow, exceptionOfVector, vectorName } from '../../spec/exceptions.ts';
import type { InjectedEvent } from '../../machine/types.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluateText } from '../expressions/evaluator.ts';
import { hex } from '../format.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext, CommandError } from './types.ts';

const ROWS: Readonly<Record<string, ExceptionRow>> = EXCEPTIONS;
const NMI = 2;
const PAGE_FAULT = 14;

export const INJECT: Command = {
  name: 'inject',
  usage: 'inject #NAME|VECTOR [ERROR-CODE [ADDRESS]] | inject interrupt VECTOR | inject nmi',
  summary: 'makes an exception, an interrupt or an NMI happen before the next instruction',
  help: `An exception is by name (#GP, #PF) or vector below 32, as if the instruction at RIP had raised it; ADDRESS goes to CR2. An interrupt comes from
no device: it waits while interrupts are disabled. Each exits where the VM-execution controls say so.
Examples: inject #GP 0; inject #PF 2 0x1000; inject interrupt 0x20; inject nmi`,
  complete: (typed) =>
    typed.words.length > 0
      ? []
      : ['interrupt', ...Object.keys(EXCEPTIONS).map((name) => (name === 'NMI' ? 'nmi' : name))].map((label) => ({
          label,
          kind: 'keyword',
          detail: ROWS[label.toUpperCase()]?.name,
        })),
  run: inject,
};

function inject(context: CommandContext, { words }: CommandArguments): CommandAnswer {
  const event = eventOf(context, words);
  if ('error' in event && !('kind' in event)) return event;
  const refused = context.session.machine.inject(event as InjectedEvent);
  return refused === undefined
    ? { text: `${told(event as InjectedEvent)} happens before the next instruction.`, changed: true }
    : { error: refused };
}

function told(event: InjectedEvent): string {
  return event.kind === 'nmi'
    ? 'An NMI'
    : event.kind === 'interrupt'
      ? `Interrupt ${event.vector}`
      : exceptionText(event);
}

/** `#PF, error code 0x2, CR2 0x1000,`: with what the handler will find. */
function exceptionText({ vector, error, address }: InjectedEvent & { kind: 'exception' }): string {
  const parts = [
    vectorName(vector),
    ...(exceptionOfVector(vector)?.error === 'code' ? [`error code ${hex(error ?? 0)}`] : []),
    ...(vector === PAGE_FAULT ? [`CR2 ${hex(address ?? 0n)}`] : []),
  ];
  return parts.length === 1 ? (parts[0] ?? '') : `${parts.join(', ')},`;
}

function eventOf(context: CommandContext, words: readonly string[]): InjectedEvent | CommandError {
  const [what, ...rest] = words;
  if (what === undefined) return { error: 'Say which event.' };
  const values: bigint[] = [];
  for (const word of rest) {
    const value = evaluateText(word, context.expressions);
    if (!value.ok) return { error: `"${word}" is no number: ${errorText(value.error)}` };
    values.push(value.value.value);
  }
  if (what.toLowerCase() === 'nmi') return { kind: 'nmi' };
  if (what.toLowerCase() === 'interrupt') {
    if (values[0] === undefined) return { error: 'Give the vector of the interrupt.' };
    return { kind: 'interrupt', vector: Number(values[0]) };
  }
  const row = ROWS[what.toUpperCase()] ?? ROWS[`#${what.toUpperCase()}`];
  const number = /^(?:0x[0-9a-f]+|[0-9]+)$/i.test(what) ? Number(what) : undefined;
  const vector = row?.vector ?? number;
  if (vector === undefined) return { error: `"${what}" is neither an exception, nor interrupt or nmi.` };
  if (vector === NMI) return { kind: 'nmi' };
  if (vector > 31 && vector < 256)
    return { error: `Vector ${vector} is not an exception's; an interrupt is injected with: inject interrupt ${what}` };
  return {
    kind: 'exception',
    vector,
    error: values[0] === undefined ? undefined : Number(values[0] & 0xffffffffn),
    address: values[1],
  };
}
