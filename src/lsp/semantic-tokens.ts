// Colours by meaning: what a name stands for, which the grammar cannot know.
import type { SemanticTokensLegend } from 'vscode-languageserver';
import { isMnemonic } from '../asm/encoder/forms.ts';
import { REGISTERS } from '../asm/registers.ts';
import { TOKEN, type Token } from '../asm/tokens.ts';
import { lineKey } from '../asm/preprocessor/state.ts';
import { type EntityKind, placeKey } from './entities.ts';
import { factByName } from './names.ts';
import { type Program, entitiesOf } from './program.ts';

const TYPES = ['function', 'variable', 'struct', 'property', 'macro', 'enumMember', 'keyword', 'parameter'] as const;
const MODIFIERS = ['declaration', 'readonly', 'defaultLibrary'] as const;

export const LEGEND: SemanticTokensLegend = { tokenTypes: [...TYPES], tokenModifiers: [...MODIFIERS] };

const KIND: Readonly<Record<EntityKind, (typeof TYPES)[number]>> = {
  label: 'function',
  constant: 'enumMember',
  structure: 'struct',
  field: 'property',
  define: 'macro',
  macro: 'macro',
};

interface Meaning {
  readonly type: (typeof TYPES)[number];
  readonly modifiers: number;
}

function meaningOf(
  program: Program,
  file: number,
  token: Token,
  definitions: ReadonlySet<number>,
): Meaning | undefined {
  const key = placeKey(file, token.line, token.column);
  const entity = entitiesOf(program).byPlace.get(key);
  if (entity !== undefined) {
    const declaration = definitions.has(key) ? 1 : 0;
    const readonly = entity.kind === 'constant' ? 2 : 0;
    const library = factByName(entity.name) !== undefined && entity.kind === 'constant' ? 4 : 0;
    return { type: KIND[entity.kind], modifiers: declaration | readonly | library };
  }
  if (token.kind === TOKEN.percent && /^%[-+{]?\d/.test(token.text)) return { type: 'parameter', modifiers: 0 };
  if (token.kind !== TOKEN.identifier) return undefined;
  const lower = token.text.toLowerCase();
  if (REGISTERS.has(lower)) return { type: 'variable', modifiers: 4 };
  if (isMnemonic(lower)) return { type: 'keyword', modifiers: 0 };
  return undefined;
}

/** The protocol's five numbers for each token of the lines `from` to `to` (from 1). */
export function semanticTokens(program: Program, file: number, from = 1, to = Number.POSITIVE_INFINITY): number[] {
  const data: number[] = [];
  const definitions = new Set<number>();
  for (const entity of entitiesOf(program).entities)
    for (const d of entity.definitions) if (d.file === file) definitions.add(placeKey(d.file, d.line, d.column));
  let line = 0;
  let character = 0;
  for (const tokens of program.assembly.files[file]?.lines ?? []) {
    if (tokens[tokens.length - 1]!.line < from) continue;
    if (tokens[0]!.line > to) break;
    if (program.trace.skipped.has(lineKey(file, tokens[0]!.line))) continue;
    for (const token of tokens) {
      const meaning = meaningOf(program, file, token, definitions);
      if (meaning === undefined) continue;
      const tokenLine = token.line - 1;
      const start = token.column - 1;
      data.push(
        tokenLine - line,
        tokenLine === line ? start - character : start,
        token.end - token.column,
        TYPES.indexOf(meaning.type),
        meaning.modifiers,
      );
      line = tokenLine;
      character = start;
    }
  }
  return data;
}

/** What changed between two answers: one edit from the first to the last difference. */
export function semanticEdits(
  before: readonly number[],
  now: readonly number[],
): { start: number; deleteCount: number; data: number[] }[] {
  let start = 0;
  const shorter = Math.min(before.length, now.length);
  while (start < shorter && before[start] === now[start]) start++;
  let tail = 0;
  while (tail < shorter - start && before[before.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  if (start === before.length && start === now.length) return [];
  return [{ start, deleteCount: before.length - start - tail, data: now.slice(start, now.length - tail) }];
}
