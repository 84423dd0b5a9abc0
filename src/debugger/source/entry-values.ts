// Registers as a function was called with them, as its caller's debug information tells.

import type { Machine } from '../../machine/types.ts';
import type { Image } from '../../program/image.ts';
import { type Activation, callerByRules, cfaOf } from './activations.ts';
import { frameAccess } from './places.ts';

/** How many callers are asked, each for what the one before needs. */
const MAX_DEPTH = 16;

/** A register, by DWARF number, when the function of an activation was called; undefined when that is not certain. */
export function entryRegister(
  machine: Machine,
  image: Image,
  activation: Activation,
  number: number,
  depth = 0,
): bigint | undefined {
  const { debug } = image.program;
  if (debug === undefined || depth === MAX_DEPTH) return undefined;
  const step = callerByRules(machine, image, activation);
  if (step.kind !== 'caller') return undefined;
  const caller = step.activation;
  const inCaller = (asked: number): bigint | undefined => entryRegister(machine, image, caller, asked, depth + 1);
  const frame = frameAccess(machine, caller.registers, () => cfaOf(machine, image, caller), inCaller);
  return debug.entryRegister(number, activation.lookup, caller.linear, frame);
}
