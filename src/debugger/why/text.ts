// Answers of `why` in words.

import { vectorName } from '../../spec/exceptions.ts';
import { exitReasonTitle } from '../facts.ts';
import { hex } from '../format.ts';
import type { WhyVerdict } from './types.ts';
import type { WhyAnswer } from './why.ts';

/** `VM exit: HLT (12)`, `No VM exit`, `#UD, no VM exit`. */
export function outcomeWords({ outcome }: WhyVerdict): string {
  switch (outcome.kind) {
    case 'exit':
      return `VM exit: ${exitReasonTitle(outcome.reason)} (${outcome.reason})`;
    case 'no-exit':
      return 'No VM exit';
    case 'exception':
      return `${vectorName(outcome.vector)}, ${outcome.exits ? 'which exits: Exception or non-maskable interrupt (NMI) (0)' : 'which does not exit'}`;
  }
}

export function whyText({ subject, address, text, verdict, notes, exit }: WhyAnswer): string {
  const head =
    subject === 'exit' && exit !== undefined
      ? `VM exit ${exit.number}, ${exitReasonTitle(exit.reason)} (${exit.reason & 0xffff}), at ${hex(address)}${text === '' ? '' : `: ${text}`}`
      : `${hex(address)}: ${text}\n${outcomeWords(verdict)}`;
  return [
    head,
    verdict.because,
    ...verdict.deciders.map(
      ({ what, value, field }) => `  ${what} = ${value}${field === undefined || field === what ? '' : `   (${field})`}`,
    ),
    ...notes,
  ].join('\n');
}
