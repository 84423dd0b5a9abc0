// `ds:rsi write user`, `gpa:0x1000`, `rip execute`: what a person wants walked.

import type { LinearAccess } from '../machine/types.ts';
import { errorText, type ExpressionResult } from './expressions/errors.ts';
import { evaluate, evaluateText, memoryOf } from './expressions/evaluator.ts';
import type { Context } from './expressions/names.ts';
import { parseExpression } from './expressions/parser.ts';
import { SEGMENTS, type Segment, type WalkStart } from './walk.ts';

export interface WalkRequest {
  readonly start: WalkStart;
  readonly access: LinearAccess | undefined;
}

export type WalkArguments =
  | { readonly ok: true; readonly request: WalkRequest }
  | { readonly ok: false; readonly error: string };

/** Words that say how the address is accessed. */
export const ACCESS_WORDS = ['read', 'write', 'execute', 'user', 'supervisor'] as const;

/** Reads an address expression and the words after it; without words any translation will do. */
export function walkArguments(words: readonly string[], context: Context): WalkArguments {
  const accesses = words.filter((word) => isAccessWord(word));
  const address = words.filter((word) => !isAccessWord(word)).join(' ');
  if (address === '') return { ok: false, error: 'An address is missing: an expression, ds:rsi, gva:…, gpa:….' };
  const start = startOf(address, context);
  if (!start.ok) return { ok: false, error: errorText(start.error) };
  const kind = (['write', 'execute', 'read'] as const).find((word) => accesses.includes(word)) ?? 'read';
  const access = accesses.length === 0 ? undefined : { kind, user: accesses.includes('user') };
  return { ok: true, request: { start: start.value, access } };
}

function isAccessWord(word: string): boolean {
  return (ACCESS_WORDS as readonly string[]).includes(word.toLowerCase());
}

function startOf(text: string, context: Context): ExpressionResult<WalkStart> {
  const logical = /^(es|cs|ss|ds|fs|gs):(.*)$/is.exec(text);
  if (logical !== null && isSegment(logical[1]?.toLowerCase())) {
    const segment = logical[1]?.toLowerCase() as Segment;
    const offset = evaluateText(logical[2] ?? '', context);
    if (!offset.ok) return offset;
    return { ok: true, value: { kind: 'logical', segment, side: context.side, offset: offset.value.value } };
  }
  const parsed = parseExpression(text);
  if (!parsed.ok) return parsed;
  const memory = parsed.value.kind === 'address' ? memoryOf(parsed.value, context) : undefined;
  const { space } = memory ?? {};
  if (memory === undefined || space === undefined || space.kind === 'vmcs') {
    const value = evaluate(parsed.value, context);
    return value.ok ? { ok: true, value: { kind: 'linear', side: context.side, address: value.value.value } } : value;
  }
  const { address } = memory;
  return space.kind === 'linear'
    ? { ok: true, value: { kind: 'linear', side: space.side, address } }
    : { ok: true, value: { kind: space.kind, address } };
}

function isSegment(word: string | undefined): boolean {
  return word !== undefined && (SEGMENTS as readonly string[]).includes(word);
}
