// "Is X meant?": the name that a mistyped one is nearest to.

import { closest } from '../closest.ts';
import { exitReasonIdentifiers } from '../facts.ts';
import { VMCS_FIELD_LIST } from '../../spec/vmcs-fields.ts';
import type { Context } from './names.ts';

/** Shorter words are near to too many. */
const SHORTEST = 3;
/** From this length on two letters may be wrong. */
const LONG = 6;

/** ` Is \`rax\` meant?`, or nothing. `words`: names beside registers, fields, exit reasons, variables and symbols. */
export function suggestion(name: string, context: Context, words: readonly string[]): string {
  if (name.length < SHORTEST) return '';
  const wanted = name.toLowerCase();
  const near = new Map<string, string>();
  const limit = name.length < LONG ? 1 : 2;
  for (const candidate of candidates(context, words)) {
    const lower = candidate.toLowerCase();
    if (lower[0] === wanted[0] && Math.abs(lower.length - wanted.length) <= limit) near.set(lower, candidate);
  }
  const found = closest(wanted, near.keys(), limit);
  return found === undefined ? '' : ` Is \`${near.get(found)}\` meant?`;
}

function* candidates({ machine, source, symbols }: Context, words: readonly string[]): Generator<string> {
  yield* machine.registerNames();
  yield* words;
  for (const { identifier } of VMCS_FIELD_LIST) yield identifier;
  yield* exitReasonIdentifiers();
  yield* source?.names() ?? [];
  yield* symbols?.() ?? [];
}
