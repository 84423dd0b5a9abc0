// A filter of VM exits as a person types it: `CPUID, HLT`, or a condition such as `exit.reason == CPUID && exit.rip > 0x1000`.

import type { Machine, VmExit } from '../../machine/types.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluate } from '../expressions/evaluator.ts';
import type { Context } from '../expressions/names.ts';
import { parseExpression } from '../expressions/parser.ts';
import { reasonsOf } from '../exit-filters.ts';
import { exitReasonByName } from '../facts.ts';
import type { TimelineExit } from '../../vmx/timeline.ts';
import type { ExitFilter } from './exits.ts';

/** An empty text lets every exit pass. Of the past only `exit.*` is known: other names have their present values. */
export function exitFilter(text: string, context: Context): ExitFilter | { readonly error: string } {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) return {};
  const reasons = words.map((word) => exitReasonByName(word.toUpperCase()));
  if (reasons.every((reason) => reason !== undefined)) return { reasons: new Set(reasons) };
  const parsed = parseExpression(text);
  if (!parsed.ok) return { error: errorText(parsed.error) };
  let current: TimelineExit | undefined;
  const past = { ...context, machine: machineOfThePast(context.machine, () => current) };
  const first = evaluate(parsed.value, { ...past, machine: machineOfThePast(context.machine, () => NOTHING) });
  if (!first.ok) return { error: errorText(first.error) };
  return {
    reasons: reasonsOf(parsed.value),
    accepts: (exit) => {
      current = exit;
      const held = evaluate(parsed.value, past);
      return held.ok && held.value.value !== 0n;
    },
  };
}

const NOTHING: TimelineExit = {
  number: 0,
  processor: 0,
  time: 0,
  events: 0,
  reason: 0,
  failedEntry: false,
  rip: 0n,
  qualification: 0n,
  guestPhysical: 0n,
  interruptionInfo: 0,
  guest: undefined,
  handler: undefined,
};

/** The machine, but for its last VM exit. */
function machineOfThePast(machine: Machine, exit: () => TimelineExit | undefined): Machine {
  return new Proxy(machine, {
    get(target, name) {
      if (name === 'lastExit') return () => asExit(exit());
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function asExit(exit: TimelineExit | undefined): VmExit | undefined {
  if (exit === undefined) return undefined;
  const { number, time, reason, qualification, rip, guestPhysical, interruptionInfo, processor } = exit;
  return {
    number,
    time,
    reason,
    qualification,
    guestRip: rip,
    guestPhysical,
    interruptionInfo,
    processor,
    instructionLength: 0,
    instructionInfo: 0,
    interruptionError: 0,
    idtVectoringInfo: 0,
    idtVectoringError: 0,
    guestLinear: 0n,
    vmcs: 0n,
  };
}
