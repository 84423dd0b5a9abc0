// Outline, folding, colours by meaning, hints, parts that do not count, and what a session adds.
import { describe, expect, it } from 'vitest';
import { diagnosticsOf } from '../../src/lsp/diagnostics.ts';
import { foldingRanges } from '../../src/lsp/folding.ts';
import { inlayHints } from '../../src/lsp/inlay-hints.ts';
import { LEGEND, semanticEdits, semanticTokens } from '../../src/lsp/semantic-tokens.ts';
import { createSessionView, exitHints } from '../../src/lsp/session.ts';
import type { DEFAULT_SETTINGS } from '../../src/lsp/settings.ts';
import { documentSymbols, workspaceSymbols } from '../../src/lsp/symbols.ts';
import { applyChange } from '../../src/lsp/text-sync.ts';
import { program } from './programs.ts';

const WHOLE = { start: { line: 0, character: 0 }, end: { line: 1000, character: 0 } };

describe('symbols', () => {
  const source =
    'bits 64\nN equ 1\nmain:\n nop\n.loop:\n jmp .loop\n\nstruc point\n.x: resd 1\n.y: resd 1\nendstruc\n%macro m 0\n%%x: nop\n%endmacro\nlast:\n m\n';

  it('outlines labels with what is inside them', () => {
    const tree = documentSymbols(program(source), 0).map((s) => [
      s.name,
      s.range.start.line + 1,
      s.range.end.line + 1,
      s.children!.map((c) => c.name),
    ]);
    expect(tree).toEqual([
      ['N', 2, 2, []],
      ['main', 3, 6, ['.loop']],
      ['point', 8, 14, ['.x', '.y']],
      ['m', 12, 12, []],
      ['last', 15, 16, []],
    ]);
  });

  it('finds names over files by letters in their order', () => {
    const p = program('%include "x.inc"\nfirst_label: nop', { 'x.inc': 'other equ 1' });
    expect(workspaceSymbols([p], 'flb').map((s) => s.name)).toEqual(['first_label']);
    expect(workspaceSymbols([p], 'oth').map((s) => s.location.uri)).toEqual(['file:///work/x.inc']);
  });
});

describe('folding', () => {
  it.each([
    ['%macro a 0\n nop\n%endmacro', [[0, 2]]],
    [
      '%if 1\n nop\n%else\n nop\n%endif',
      [
        [0, 1],
        [2, 4],
      ],
    ],
    [
      '%rep 2\n%if 1\n nop\n%endif\n%endrep',
      [
        [1, 3],
        [0, 4],
      ],
    ],
    [
      'a:\n nop\n\nb:\n nop',
      [
        [0, 1],
        [3, 4],
      ],
    ],
    ['; one\n; two\n nop', [[0, 1]]],
    ['struc a\n.x: resb 1\nendstruc', [[0, 2]]],
    [
      'section .text\na: nop\nsection .bss\nb: resb 1\nc: resb 1',
      [
        [0, 1],
        [2, 4],
      ],
    ],
    ['%endif\n%endmacro', []],
  ])('%j', (text, expected) => {
    expect(foldingRanges(text).map((r) => [r.startLine, r.endLine])).toEqual(expected);
  });
});

describe('semantic tokens', () => {
  /** `text:type` with `!` for a declaration. */
  function tokens(text: string): string[] {
    const data = semanticTokens(program(text), 0);
    const lines = text.split('\n');
    let line = 0;
    let character = 0;
    const found: string[] = [];
    for (let i = 0; i < data.length; i += 5) {
      line += data[i]!;
      character = data[i] === 0 ? character + data[i + 1]! : data[i + 1]!;
      const word = lines[line]!.slice(character, character + data[i + 2]!);
      found.push(`${word}:${LEGEND.tokenTypes[data[i + 3]!]}${(data[i + 4]! & 1) === 1 ? '!' : ''}`);
    }
    return found;
  }

  it('tells what names stand for', () => {
    expect(tokens('N equ 1\n%macro m 1\n mov ax, %1\n%endmacro\nx: m N\n jmp x')).toEqual([
      'N:enumMember!',
      'm:macro!',
      'mov:keyword',
      'ax:variable',
      '%1:parameter',
      'x:function!',
      'm:macro',
      'N:enumMember',
      'jmp:keyword',
      'x:function',
    ]);
  });

  it('gives edits that make the new answer of the old one', () => {
    const before = semanticTokens(program('a: nop\n jmp a\nb: nop'), 0);
    const now = semanticTokens(program('a: nop\n jmp a\n jmp a\nb: nop'), 0);
    const [edit] = semanticEdits(before, now);
    const made = [...before.slice(0, edit!.start), ...edit!.data, ...before.slice(edit!.start + edit!.deleteCount)];
    expect(made).toEqual(now);
    expect(semanticEdits(now, now)).toEqual([]);
  });
});

describe('inlay hints', () => {
  const hints = (source: string, wanted: Partial<typeof DEFAULT_SETTINGS.inlayHints>): string[] => {
    const none = { encoding: false, length: false, values: false, vmcsFields: false };
    return inlayHints(program(`bits 64\n${source}`, {}, { inlayHints: { ...none, ...wanted } }), 0, WHOLE).map(
      (h) => `${h.position.line}:${String(h.label)}`,
    );
  };

  it.each([
    ['A equ 4 * 1024', { values: true }, ['1:= 1000H']],
    ['A equ 4096', { values: true }, []],
    ['A equ x - y\ny: nop\nx: nop', { values: true }, ['1:= 1H']],
    [' xor eax, eax\n ret', { encoding: true }, ['1:31 C0', '2:C3']],
    [' xor eax, eax', { length: true }, ['1:2 bytes']],
    ['%macro m 0\n nop\n ret\n%endmacro\n m', { encoding: true, length: true }, ['5:90 C3 · 2 bytes']],
    [' mov edx, 0x681E\n vmread rax, rdx', { vmcsFields: true }, ['1:GUEST_RIP']],
    ['GUEST_RIP equ 0x681E\n mov edx, GUEST_RIP\n vmread rax, rdx', { vmcsFields: true }, []],
    [' mov edx, 0x681E\n mov [rbx], rdx', { vmcsFields: true }, []],
  ])('%s', (source, wanted, expected) => {
    expect(hints(source, wanted)).toEqual(expected);
  });
});

describe('inactive parts', () => {
  const faded = (source: string, others = {}): number[][] =>
    diagnosticsOf(program(source, others), 0)
      .filter((d) => d.code === 'inactive')
      .map((d) => [d.range.start.line + 1, d.range.end.line + 1]);

  it.each([
    ['%if 0\n nop\n\n nop\n%endif', [[2, 4]]],
    ['%if 1\n nop\n%else\n nop\n%endif', [[4, 4]]],
    ['%ifdef X\n%define Y\n%if 1\n nop\n%endif\n%endif', [[2, 5]]],
    ['%ifndef X\n nop\n%endif', []],
    ['%macro m 1\n%if %1\n nop\n%else\n ret\n%endif\n%endmacro\n m 1\n m 0', []],
  ])('%j', (source, expected) => {
    // The lines of the condition itself stay as they are, but for those inside another that does not hold.
    expect(faded(source)).toEqual(expected);
  });

  it('does not fade an include file for its guard', () => {
    const guarded = '%ifndef G\n%define G\n nop\n%endif\n';
    const p = program('%include "g.inc"\n%include "g.inc"\n', { 'g.inc': guarded });
    expect(diagnosticsOf(p, 1)).toEqual([]);
  });
});

describe('a debug session', () => {
  it('shows exits at the lines that caused them', () => {
    const view = createSessionView({
      registers: { RAX: '0x10', bad: 'x' },
      exits: [
        { source: '/work/main.asm', line: 2, count: 1024, reason: 'CPUID' },
        { source: '/work/other.asm', line: 1, count: 1 },
      ],
    });
    expect(view.registers).toEqual(new Map([['rax', 16n]]));
    const hints = exitHints(view, program('bits 64\n cpuid'), 0, 1, 10);
    expect(hints).toMatchObject([{ position: { line: 1, character: 6 }, label: '1,024 VM exits (CPUID)' }]);
  });
});

describe('text synchronization', () => {
  it.each([
    ['abc\ndef', { start: { line: 1, character: 1 }, end: { line: 1, character: 2 } }, 'X', 'abc\ndXf'],
    ['abc\ndef', { start: { line: 0, character: 3 }, end: { line: 1, character: 0 } }, '', 'abcdef'],
    ['abc', { start: { line: 0, character: 99 }, end: { line: 5, character: 0 } }, '!', 'abc!'],
  ])('%j', (text, range, change, expected) => {
    expect(applyChange(text, { range, text: change })).toBe(expected);
  });
});
