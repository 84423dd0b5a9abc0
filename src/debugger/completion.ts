// Names that could continue an expression as far as it is typed.

import type { Context } from './expressions/names.ts';
import { CASTS } from './expressions/parser.ts';
import { registerPartNames } from './expressions/registers.ts';
import { ENTRY_EXPRESSIONS, EXIT_EXPRESSIONS, OTHER_EXPRESSIONS } from './expressions/words.ts';
import { exitReasonIdentifiers } from './facts.ts';
import { VMCS_FIELD_LIST } from '../spec/vmcs-fields.ts';

export interface Completion {
  readonly label: string;
  /** A kind that editors have an icon for. */
  readonly kind: 'variable' | 'field' | 'value' | 'function' | 'keyword' | 'reference';
  readonly detail: string | undefined;
}

export interface Completions {
  /** Where the name that is being typed begins, from 0, and its length so far. */
  readonly start: number;
  readonly length: number;
  readonly names: readonly Completion[];
}

const LIMIT = 200;

/** Completions of the name that the text ends with. */
export function completionsFor(text: string, context: Context): Completions {
  const typed = /[A-Za-z_$][A-Za-z0-9_.$@]*$/.exec(text)?.[0] ?? '';
  const start = text.length - typed.length;
  const wanted = typed.toLowerCase();
  const sides = /^(?:guest|host)\./.exec(wanted)?.[0];
  const all =
    sides === undefined
      ? expressionNames(context)
      : registerNames(context).map((entry) => ({ ...entry, label: sides + entry.label }));
  const names = all.filter(({ label }) => label.toLowerCase().startsWith(wanted)).slice(0, LIMIT);
  return { start, length: typed.length, names };
}

function registerNames(context: Context): Completion[] {
  return [...context.machine.registerNames(), ...registerPartNames()].map((label) => ({
    label,
    kind: 'variable',
    detail: undefined,
  }));
}

/** All names that an expression can begin with. */
export function expressionNames(context: Context): Completion[] {
  return [
    ...registerNames(context),
    ...['guest.', 'host.'].map((label): Completion => ({ label, kind: 'keyword', detail: 'registers of one side' })),
    ...[...EXIT_EXPRESSIONS, ...ENTRY_EXPRESSIONS, ...OTHER_EXPRESSIONS].map(
      (label): Completion => ({ label, kind: 'value', detail: undefined }),
    ),
    ...VMCS_FIELD_LIST.map((field): Completion => ({ label: field.identifier, kind: 'field', detail: field.name })),
    ...exitReasonIdentifiers().map((label): Completion => ({ label, kind: 'value', detail: 'exit reason' })),
    ...['byte[', 'word[', 'dword[', 'qword[', ...CASTS.map((cast) => `${cast}(`)].map(
      (label): Completion => ({ label, kind: 'keyword', detail: undefined }),
    ),
    ...(context.symbols?.() ?? []).map((label): Completion => ({ label, kind: 'reference', detail: 'symbol' })),
  ];
}
