// Verdicts, as the rules for instructions make them.

import type { ControlNames, ControlWord } from '../../spec/controls.ts';
import { vectorName } from '../../spec/exceptions.ts';
import { hex } from '../format.ts';
import { type ControlSetting, type Guest, setting } from './guest.ts';
import type { Decider, WhyVerdict } from './types.ts';

export const VECTOR = { DB: 1, BP: 3, OF: 4, UD: 6, SS: 12, GP: 13, PF: 14 } as const;

/** A VM exit with a basic exit reason. */
export function exit(reason: number, because: string, deciders: readonly Decider[] = []): WhyVerdict {
  return { outcome: { kind: 'exit', reason }, because, deciders };
}

/** No VM exit by the instruction itself. */
export function stay(because: string, deciders: readonly Decider[] = [], later = false): WhyVerdict {
  return { outcome: { kind: 'no-exit', later }, because, deciders };
}

/** An exception that comes before any intercept; the exception bitmap decides about it. */
export function fault(
  guest: Guest,
  vector: number,
  why: string,
  deciders: readonly Decider[] = [],
  error = 0,
): WhyVerdict {
  const bitmap = exceptionDecider(guest, vector, error);
  const name = vectorName(vector);
  const rest = bitmap.on
    ? `and ${bitmap.words}, so it exits as an exception`
    : `and ${bitmap.words}, so the guest’s own handler gets it`;
  return {
    outcome: { kind: 'exception', vector, exits: bitmap.on },
    because: `${why}: ${name} comes before any intercept, ${rest}.`,
    deciders: [...deciders, ...bitmap.deciders],
  };
}

interface ExceptionSetting {
  readonly on: boolean;
  readonly words: string;
  readonly deciders: readonly Decider[];
}

/** Whether an exception exits (SDM "Exception Bitmap"): #PF also by the error-code mask and match. */
export function exceptionDecider(guest: Guest, vector: number, error: number): ExceptionSetting {
  const bit = (guest.field('Exception bitmap') >> BigInt(vector)) & 1n;
  const base: Decider = {
    what: `bit ${vector} (${vectorName(vector)}) of the exception bitmap`,
    value: String(bit),
    field: 'Exception bitmap',
  };
  if (vector !== VECTOR.PF)
    return { on: bit === 1n, words: `bit ${vector} of the exception bitmap is ${bit}`, deciders: [base] };
  const mask = guest.field('Page-fault error-code mask');
  const match = guest.field('Page-fault error-code match');
  const matches = (BigInt(error) & mask) === match;
  return {
    on: (bit === 1n) === matches,
    words: `bit 14 of the exception bitmap is ${bit} and the error code ${hex(error)} ${matches ? 'matches' : 'does not match'} (masked with ${hex(mask)} it must be ${hex(match)})`,
    deciders: [
      base,
      { what: 'page-fault error-code mask', value: hex(mask), field: 'Page-fault error-code mask' },
      { what: 'page-fault error-code match', value: hex(match), field: 'Page-fault error-code match' },
    ],
  };
}

/** Exits when a control is 1; `later`: what the instruction does after that may fault. */
export function byControl<W extends ControlWord>(
  guest: Guest,
  word: W,
  name: ControlNames[W],
  reason: number,
  instruction: string,
  later = false,
): WhyVerdict {
  const found: ControlSetting = setting(guest, word, name);
  const because = `${instruction} exits when “${String(name)}” is 1, and it is ${found.on ? '1' : found.decider.value}.`;
  return found.on ? exit(reason, because, [found.decider]) : stay(because, [found.decider], later);
}

/** What the instruction's privilege checks say first; undefined when they pass. */
export function privileged(guest: Guest, instruction: string, vector: number = VECTOR.GP): WhyVerdict | undefined {
  if (guest.cpl === 0) return undefined;
  return fault(guest, vector, `${instruction} needs CPL 0 and CPL is ${guest.cpl}`, [cplDecider(guest)]);
}

export function cplDecider(guest: Guest): Decider {
  return { what: 'CPL', value: String(guest.cpl) };
}

/** An instruction that a secondary control must enable; undefined when it does. */
export function enabledBy(guest: Guest, name: ControlNames['secondary'], instruction: string): WhyVerdict | undefined {
  const found = setting(guest, 'secondary', name);
  return found.on
    ? undefined
    : fault(guest, VECTOR.UD, `${instruction} needs “${name}”, and it is ${found.decider.value}`, [found.decider]);
}

/** A control-register bit that the instruction needs; undefined when it is 1. */
export function needsCr4(guest: Guest, bit: number, name: string, instruction: string): WhyVerdict | undefined {
  if (((guest.register('cr4') >> BigInt(bit)) & 1n) !== 0n) return undefined;
  return fault(guest, VECTOR.UD, `${instruction} needs CR4.${name}, and it is 0`, [
    { what: `CR4.${name}`, value: '0' },
  ]);
}
