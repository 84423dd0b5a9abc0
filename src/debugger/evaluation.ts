// An expression as a person typed it (with an optional notation after a comma) to a value as a person reads it.

import type { ExpressionResult } from './expressions/errors.ts';
import { evaluate, memoryOf } from './expressions/evaluator.ts';
import type { Context } from './expressions/names.ts';
import { type Expression, parseExpression } from './expressions/parser.ts';
import type { Value } from './expressions/values.ts';
import { plainType } from '../program/debug-types.ts';
import { formatNumber, hex, type NumberFormat } from './format.ts';
import { formatReference, type MemoryAddress, spaceOf } from './memory.ts';
import { typedPlace } from './source/operations.ts';
import { addressOfPlace } from './source/places.ts';
import { placeText } from './source/text.ts';

export interface Shown {
  readonly text: string;
  readonly value: Value;
  /** What a memory view opens for it. */
  readonly memory: MemoryAddress | undefined;
  readonly reference: string | undefined;
  /** True when it may be assigned to. */
  readonly assignable: boolean;
}

const NOTATIONS: Readonly<Record<string, NumberFormat>> = {
  x: 'hex',
  h: 'hex',
  d: 'decimal',
  u: 'decimal',
  s: 'signed',
  i: 'signed',
  b: 'binary',
  t: 'binary',
  o: 'octal',
};

/** Evaluates `rax`, `rax,d`, `dword[gpa:0x1000],b`. Notations: x hexadecimal, d decimal, s signed, b binary, o octal. */
export function evaluateShown(text: string, context: Context, preferred?: NumberFormat): ExpressionResult<Shown> {
  const { body, notation } = splitNotation(text);
  const parsed = parseExpression(body);
  if (!parsed.ok) return unknownNotation(body) ?? parsed;
  const result = evaluate(parsed.value, context);
  if (!result.ok) return result;
  return { ok: true, value: show(parsed.value, result.value, context, notation ?? preferred) };
}

/** `rax,q`: an expression, and behind the comma what is no notation. */
function unknownNotation(text: string): ExpressionResult<never> | undefined {
  const match = /^(.*),\s*([A-Za-z]\w*)\s*$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || !parseExpression(match[1]).ok) return undefined;
  const message = `"${match[2]}" is not a notation; x (hexadecimal), d (decimal), s (signed), b (binary) or o (octal) may follow the comma.`;
  return {
    ok: false,
    error: { code: 'unexpected-token', message, position: match[1].length + 1, length: match[2].length },
  };
}

export function show(expression: Expression, value: Value, context: Context, notation?: NumberFormat): Shown {
  const memory =
    memoryOf(expression, context) ??
    placeInMemory(value) ??
    (value.isAddress ? { space: value.space ?? spaceOf(undefined, context.side), address: value.value } : undefined);
  return {
    text: typedText(value, context, notation) ?? showValue(value, notation),
    value,
    memory,
    reference: memory === undefined ? undefined : formatReference(memory),
    assignable: ASSIGNABLE.includes(expression.kind) && !isAggregate(value),
  };
}

const ASSIGNABLE: readonly Expression['kind'][] = ['name', 'memory', 'member', 'index', 'dereference'];

function isAggregate({ typed }: Value): boolean {
  const kind = typed === undefined ? undefined : plainType(typed.type).kind;
  return kind === 'record' || kind === 'array';
}

/** Pointers open what they point to, objects themselves. */
function placeInMemory({ typed, isAddress }: Value): MemoryAddress | undefined {
  return isAddress || typed?.place === undefined ? undefined : addressOfPlace(typed.place);
}

/** The text of an object or number of the program. */
function typedText(value: Value, context: Context, notation: NumberFormat | undefined): string | undefined {
  const place = typedPlace(value);
  if (place === undefined || context.image === undefined) return undefined;
  return placeText({ machine: context.machine, image: context.image, format: notation }, place);
}

/** Signed results (of literals and arithmetic) read as decimals with the hexadecimal form beside them. */
export function showValue(value: Value, notation?: NumberFormat): string {
  const number =
    notation !== undefined
      ? formatNumber(value.value, notation, value.bits)
      : value.signed
        ? decimalWithHex(value.value)
        : hex(value.value);
  return value.text === undefined ? number : `${number} (${value.text})`;
}

function decimalWithHex(value: bigint): string {
  const number = BigInt.asIntN(64, value);
  return number >= 0n && number < 10n ? number.toString() : `${number} (${hex(value)})`;
}

/** Separates a notation such as `,d` from an expression. */
export function splitNotation(text: string): { body: string; notation: NumberFormat | undefined } {
  const match = /^(.*),\s*([a-z])\s*$/is.exec(text);
  const notation = match?.[2] === undefined ? undefined : NOTATIONS[match[2].toLowerCase()];
  return notation === undefined || match?.[1] === undefined
    ? { body: text, notation: undefined }
    : { body: match[1], notation };
}
