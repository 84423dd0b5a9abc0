// An analysis with the cache of the one before gives the same as one from nothing, whatever was edited.
import { describe, expect, it } from 'vitest';
import type { SourceRange } from '../../src/asm/tokens.ts';
import { diagnosticsOf } from '../../src/lsp/diagnostics.ts';
import { type Program, analyseProgram, bytesOf, createProgramCache, entitiesOf } from '../../src/lsp/program.ts';
import { semanticTokens } from '../../src/lsp/semantic-tokens.ts';
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
  const inOrder = (places: readonly SourceRange[]): SourceRange[] =>
    [...places].sort((a, b) => a.file - b.file || a.line - b.line || a.column - b.column);
  const entities = entitiesOf(p).entities.map((e) => [e.name, e.kind, e.definitions, inOrder(e.references)]);
  const lines = p.assembly.lines.map((l) => [l.range.file, l.range.line, l.range.column, l.offset, [...bytesOf(p, l)]]);
  const ranges = p.statements.map((s) => [s.range, s.label, s.body.kind]);
  const replace = (_: string, value: unknown): unknown =>
    typeof value === 'bigint' ? String(value) : value instanceof Map || value instanceof Set ? [...value] : value;
  const symbols = [...p.assembly.symbols.values()].map((s) => [s.name, s.constant, s.section, s.range, s.known]);
  const sections = p.assembly.sections.map((s) => [s.name, s.address, s.size, s.fileOffset]);
  const parts = [
    diagnosticsOf(p, 0),
    entities,
    lines,
    ranges,
    symbols,
    sections,
    p.trace.skipped,
    semanticTokens(p, 0),
  ];
  return JSON.stringify(parts, replace);
}

const JUMPS = `bits 64
default rel
%define STEP 8
%define TWICE(x) ((x) * 2)
SIZE equ end - start
start: mov eax, [table + rcx * 4]
 jmp .far
 add eax, STEP
.near: cmp eax, SIZE
 jne .near
 times 120 nop
.far: jz start
 loop .near
 mov edx, TWICE(STEP)
%macro save 1
 push %1
 jmp %%over
%%over: pop %1
%endmacro
 save rdx
 lea rdi, [table]

 jmp end
 align 16
table: dd 1, 2, end - table
LATE equ table - start
%define later 3
 mov al, LATE
 mov al, later
end: hlt
section .data
value: dq table, 0x681E
times 4 db 5
section .bss
room: resb 64
`;

const WORDS = [
  ...['1', '0x1234', 'eax', 'al', ', ', 'start', '.near', 'end', 'STEP', 'TWICE(2)', 'LATE', 'later', 'SIZE', 'room'],
  ...['[', ']', ' + ', ' - ', ';', ':', 'nop', 'jmp ', 'mov ', 'db ', 'times 2 ', 'equ ', 'x', '"', 'short ', 'near '],
  ...['save ', '%', '__LINE__', 'undefined_name', 'section .data', 'bits 32', 'align 8', 'resb 2', 'rel ', '\\'],
];

/** What a person types inside one line. */
function type(text: string, below: (n: number) => number): string {
  const lines = text.split('\n');
  const at = below(lines.length);
  const line = lines[at]!;
  const column = below(line.length + 1);
  const removed = below(3) === 0 ? below(6) : 0;
  const word = removed > 0 && below(2) === 0 ? '' : WORDS[below(WORDS.length)]!;
  lines[at] = below(12) === 0 ? word : line.slice(0, column) + word + line.slice(column + removed);
  return lines.join('\n');
}

describe('analysis after a change inside a line', () => {
  const sources = [{ name: 'jumps', text: JUMPS }, ...corpus()];
  it.each(sources.map(({ name, text }) => [name, text] as const))('%s', (name, original) => {
    const below = random(name.length * 7919 + 3);
    const start = original.slice(0, 3000);
    let text = start;
    let quick = 0;
    const cache = createProgramCache();
    for (let round = 0; round < (name === 'jumps' ? 80 : 20); round++) {
      const texts = (uri: string): string | undefined => (uri === MAIN ? text : undefined);
      const before = cache.lines.assemblies;
      const incremental = analyseProgram(MAIN, texts, DEFAULT_SETTINGS, cache);
      if (cache.lines.assemblies === before) quick++;
      const whole = analyseProgram(MAIN, texts, DEFAULT_SETTINGS);
      const [is, should] = [summary(incremental), summary(whole)];
      // Parsed only for a readable report.
      if (is !== should) expect(JSON.parse(is), text).toEqual(JSON.parse(should));
      text = below(4) > 0 ? type(text, below) : start;
    }
    if (name === 'jumps') expect(quick).toBeGreaterThan(10);
  });
});

describe('incremental analysis', () => {
  it.each(corpus().map(({ name, text }) => [name, text] as const))('%s', (name, original) => {
    const below = random(name.length * 104729);
    // A part of a long file is enough: the edits matter.
    let text = original.slice(0, 4000);
    const cache = createProgramCache();
    const other = 'y: equ 5\n%define inside 1\n';
    for (let round = 0; round < 25; round++) {
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
