// What `why` is asked about: an address, the instruction that is about to run, or the last VM exit.

import type { Machine } from '../../machine/types.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluateText } from '../expressions/evaluator.ts';
import type { Context } from '../expressions/names.ts';
import { type Position, positionOf } from '../position.ts';
import { whyExit, whyInstruction, type WhyResult } from './why.ts';

/**
 * `text`: an address expression, `exit`, `last`, or empty: in a guest the instruction that is about to run, else the last VM exit.
 *
 * @param steppedFrom where the last step began, for `last`
 */
export function whyHere(
  machine: Machine,
  context: Context,
  text: string,
  steppedFrom: Position | undefined,
): WhyResult {
  const asked = text.trim();
  if (asked.toLowerCase() === 'last') return whyLast(machine, steppedFrom);
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

/** The instruction that the last step ran: the one that exited, or one of the guest that did not. */
function whyLast(machine: Machine, steppedFrom: Position | undefined): WhyResult {
  if (steppedFrom === undefined)
    return { ok: false, error: 'The machine did not stop after a step: which instruction ran last is not known.' };
  if (steppedFrom.side === 'root')
    return { ok: false, error: 'The last step began in the hypervisor, where nothing exits.' };
  const exit = machine.lastExit();
  if (machine.side() === 'root' && exit !== undefined) return whyExit(machine, exit);
  return whyInstruction(machine, steppedFrom.linear);
}
