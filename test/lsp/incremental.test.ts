// An analysis with the cache of the one before gives the same as one from nothing, whatever was edited.
import { describe, expect, it } from 'vitest';
import { diagnosticsOf } from '../../src/lsp/diagnostics.ts';
import { type Program, analyseProgram, bytesOf, createProgramCache, entitiesOf } from '../../src/lsp/program.ts';
import { DEFAULT_SETTINGS } from '../../src/lsp/settings.ts';
import { random } from '../asm/nasm.ts';
import { MAIN, corpus } from './programs.ts';

const PIECES = [
  '\n',
  ' ',
  '%if 0\n',
  '%endif\n',
  'default rel\n',
  'bits 64\n',
  'bits 16\n',
  'x:\n',
  '%macro m 1\n',
  '%endmacro\n',
  '\\\n',
  'times 3 ',
  ';',
  'mov eax, [x]\n',
  'at x, db 1\n',
  '"',
  '%include "x.inc"\n',
  '%rep 3\n',
  '%endrep\n',
];

function edit(text: string, below: (n: number) => number): string {
  const at = below(text.length + 1);
  switch (below(5)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + below(30));
    case 1:
      return text.slice(0, at);
    case 2: {
      const from = below(text.length + 1);
      return text.slice(0, at) + text.slice(from, from + below(200)) + text.slice(at);
    }
    default:
      return text.slice(0, at) + PIECES[below(PIECES.length)]! + text.slice(at);
  }
}

/** Everything that a feature reads, as text. */
function summary(p: Program): string {
  const entities = entitiesOf(p).entities.map((e) => [e.name, e.kind, e.definitions, e.references]);
  const lines = p.assembly.lines.map((l) => [l.range.file, l.range.line, l.range.column, l.offset, [...bytesOf(p, l)]]);
  const ranges = p.statements.map((s) => [s.range, s.label, s.body.kind]);
  const replace = (_: string, value: unknown): unknown =>
    typeof value === 'bigint' ? String(value) : value instanceof Map || value instanceof Set ? [...value] : value;
  return JSON.stringify([diagnosticsOf(p, 0), entities, lines, ranges, p.trace.skipped], replace);
}

describe('incremental analysis', () => {
  it.each(corpus().map(({ name, text }) => [name, text] as const))('%s', (name, original) => {
    const below = random(name.length * 104729);
    // A part of a long file is enough: the edits matter.
    let text = original.slice(0, 4000);
    const cache = createProgramCache();
    const other = 'y: equ 5\n%define inside 1\n';
    for (let round = 0; round < 40; round++) {
      const texts = (uri: string): string | undefined =>
        uri === MAIN ? text : uri.endsWith('x.inc') ? other : undefined;
      const incremental = analyseProgram(MAIN, texts, DEFAULT_SETTINGS, cache);
      const whole = analyseProgram(MAIN, texts, DEFAULT_SETTINGS);
      expect(summary(incremental)).toBe(summary(whole));
      const next = edit(text, below);
      // Some of the edits are taken back, as with undo.
      text = next.length > 0 && below(4) > 0 ? next : original.slice(0, 4000);
    }
  });
});
