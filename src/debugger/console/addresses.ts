// Addresses and lengths as commands take them: `gpa:0x1000`, `rsp`, `handler + 4`, `gva:[rsp]`.

import { errorText } from '../expressions/errors.ts';
import { evaluateText } from '../expressions/evaluator.ts';
import { ADDRESS_PREFIXES, type AddressPrefix, type MemoryAddress, spaceOf } from '../memory.ts';
import { plainType } from '../../program/debug-types.ts';
import type { Value } from '../expressions/values.ts';
import { addressOfPlace } from '../source/places.ts';
import type { Completion } from '../completion.ts';
import { expressionNames } from '../completion.ts';
import type { CommandContext, CommandError, Typed } from './types.ts';

/** The address that a word names; without a prefix a linear address of the frame's side. An object stands for where it is, a pointer for where it leads. */
export function addressArgument(
  word: string,
  { expressions }: Pick<CommandContext, 'expressions'>,
): MemoryAddress | CommandError {
  const match = /^(gva|hva|gpa|hpa|vmcs):(.*)$/is.exec(word);
  const prefix = match?.[1]?.toLowerCase() as AddressPrefix | undefined;
  const value = evaluateText(match?.[2] ?? word, expressions);
  if (!value.ok) return { error: `"${word}" is no address: ${errorText(value.error)}` };
  const object = placeOf(value.value);
  const space = prefix === undefined ? (object?.space ?? value.value.space) : undefined;
  return { space: space ?? spaceOf(prefix, expressions.side), address: object?.address ?? value.value.value };
}

/** Where an object of the program is; undefined for numbers, and for pointers, which lead elsewhere. */
function placeOf({ typed }: Value): MemoryAddress | undefined {
  if (typed?.place === undefined || plainType(typed.type).kind === 'pointer') return undefined;
  return addressOfPlace(typed.place);
}

/** A whole number of at least 1 and at most `most`. */
export function countArgument(
  word: string,
  most: number,
  noun: string,
  { expressions }: CommandContext,
): number | CommandError {
  const value = evaluateText(word, expressions);
  if (!value.ok) return { error: `"${word}" is no ${noun}: ${errorText(value.error)}` };
  const count = value.value.value;
  if (count < 1n || count > BigInt(most)) return { error: `The ${noun} is from 1 to ${most}; "${word}" is ${count}.` };
  return Number(count);
}

/** Names for a word that is an address. */
export function completeAddress({ word }: Typed, { expressions }: CommandContext): readonly Completion[] {
  const prefix = /^(?:gva|hva|gpa|hpa|vmcs):/i.exec(word)?.[0] ?? '';
  const names = expressionNames(expressions).filter(({ kind }) => kind === 'variable' || kind === 'reference');
  if (prefix !== '') return names.map((entry) => ({ ...entry, label: prefix + entry.label }));
  return [
    ...ADDRESS_PREFIXES.map((label): Completion => ({ label: `${label}:`, kind: 'keyword', detail: undefined })),
    ...names,
  ];
}
