// What `why` is asked about: an address, the instruction that is about to run, or the last VM exit.

import type { Machine } from '../../machine/types.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluateText } from '../expressions/evaluator.ts';
import type { Context } from '../expressions/names.ts';
import { positionOf } from '../position.ts';
import { whyExit, whyInstruction, type WhyResult } from './why.ts';

/** `text`: an address expression, `exit`, or empty: in a guest the instruction that is about to run, else the last VM exit. */
export function whyHere(machine: Machine, context: Context, text: string): WhyResult {
  const asked = text.trim();
  if (asked !== '' && asked.toLowerCase() !== 'exit') {
    const address = evaluateText(asked, context);
    return address.ok ? whyInstruction(machine, address.value.value) : { ok: false, error: errorText(address.error) };
  }
  const here = asked === '' && machine.side() === 'non-root' ? positionOf(machine, 'non-root') : undefined;
  if (here !== undefined) return whyInstruction(machine, here.linear);
  const exit = machine.lastExit();
  if (exit === undefined) {
    return { ok: false, error: 'There was no VM exit yet; why ADDRESS asks about an instruction of the guest.' };
  }
  return whyExit(machine, exit);
}
