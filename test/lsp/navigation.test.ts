// From names to definitions, uses and new names, over include files.
import { describe, expect, it } from 'vitest';
import { incomingCalls, outgoingCalls, prepareCallHierarchy } from '../../src/lsp/call-hierarchy.ts';
import { documentLinks } from '../../src/lsp/document-links.ts';
import { definition, prepareRename, references, rename } from '../../src/lsp/navigation.ts';
import { marked, program, sample } from './programs.ts';

/** `file:line:column` from 1, without folders. */
const short = (l: { uri: string; range: { start: { line: number; character: number } } }): string =>
  `${l.uri.slice(l.uri.lastIndexOf('/') + 1)}:${l.range.start.line + 1}:${l.range.start.character + 1}`;

const INC = 'COUNT equ 5\n%macro twice 1\n  %1\n  %1\n%endmacro\nhelper:\n  ret\n';

describe('definition', () => {
  it.each([
    ['bits 64\nstart:\n  jmp st¦art', 'main.asm:2:1'],
    ['bits 64\na:\n.x: nop\nb:\n.x: nop\n  jmp .x¦', 'main.asm:5:1'],
    ['bits 64\na:\n.x: nop\nb:\n  jmp a.¦x', 'main.asm:3:1'],
    ['%include "x.inc"\nmov ax, CO¦UNT', 'x.inc:1:1'],
    ['%include "x.inc"\nbits 64\n  twi¦ce nop', 'x.inc:2:8'],
    ['%include "x¦.inc"', 'x.inc:1:1'],
    ['%define A 1\n  mov ax, ¦A', 'main.asm:1:9'],
    ['%define A 1\n%ifdef ¦A\n%endif', 'main.asm:1:9'],
    ['struc point\n.x: resd 1\nendstruc\nmov ax, poi¦nt_size', 'main.asm:1:7'],
    ['struc point\n.x: resd 1\nendstruc\nmov ax, point.¦x', 'main.asm:2:1'],
    ['%macro m 0\n%%here: jmp %%he¦re\n%endmacro\n m\n m', 'main.asm:2:1'],
    ['%if 0\n  call ru¦n\n%endif\nrun: ret', 'main.asm:4:1'],
    ['%macro never 0\n  call ru¦n\n%endmacro\nrun: ret', 'main.asm:4:1'],
  ])('%s', (source, expected) => {
    const { text, position } = marked(source);
    expect(definition(program(text, { 'x.inc': INC }), 0, position).map(short)).toEqual([expected]);
  });

  it('has no answer for registers and instructions', () => {
    const { text, position } = marked('mov a¦x, 1');
    expect(definition(program(text), 0, position)).toEqual([]);
  });
});

describe('references', () => {
  it.each([
    ['bits 64\nx: nop\n jmp x¦\n dq x, x+1', ['main.asm:2:1', 'main.asm:3:6', 'main.asm:4:5', 'main.asm:4:8']],
    ['%include "x.inc"\nbits 64\n call help¦er', ['x.inc:6:1', 'main.asm:3:7']],
    ['%define A(x) x\n db A¦(1), A(2)', ['main.asm:1:9', 'main.asm:2:5', 'main.asm:2:11']],
    ['N e¦qu 1', []],
  ])('%s', (source, expected) => {
    const { text, position } = marked(source);
    const found = references(program(text, { 'x.inc': INC }), 0, position, true).map(short);
    expect(found.sort()).toEqual([...expected].sort());
  });
});

/** The texts after the edits of a rename. */
function renamed(source: string, name: string, others: Record<string, string> = {}): Record<string, string> | string {
  const { text, position } = marked(source);
  const edit = rename(program(text, others), 0, position, name);
  if (typeof edit === 'string') return edit;
  const texts: Record<string, string> = { 'main.asm': text, ...others };
  for (const [uri, edits] of Object.entries(edit.changes ?? {})) {
    const key = uri.slice(uri.lastIndexOf('/') + 1);
    const lines = texts[key]!.split('\n');
    for (const e of [...edits].sort(
      (a, b) => b.range.start.line - a.range.start.line || b.range.start.character - a.range.start.character,
    )) {
      const line = lines[e.range.start.line]!;
      lines[e.range.start.line] =
        line.slice(0, e.range.start.character) + e.newText + line.slice(e.range.end.character);
    }
    texts[key] = lines.join('\n');
  }
  return texts;
}

describe('rename', () => {
  it.each([
    ['bits 64\nrun:\n.a: jmp run¦\n jmp run.a', 'go', 'bits 64\ngo:\n.a: jmp go\n jmp go.a'],
    ['bits 64\nrun:\n.a: jmp .a¦\n jmp run.a', 'b', 'bits 64\nrun:\n.b: jmp .b\n jmp run.b'],
    [
      'struc p¦t\n.x: resd 1\nendstruc\n dd pt_size, pt.x',
      'point',
      'struc point\n.x: resd 1\nendstruc\n dd point_size, point.x',
    ],
    ['%define A¦ 1\n%ifdef A\n db A\n%endif', 'B', '%define B 1\n%ifdef B\n db B\n%endif'],
    ['%macro m¦ 1\n db %1\n%endmacro\n m 1\n m 2', 'store', '%macro store 1\n db %1\n%endmacro\n store 1\n store 2'],
    ['%macro m 0\n%%x¦: jmp %%x\n%endmacro\n m', 'y', '%macro m 0\n%%y: jmp %%y\n%endmacro\n m'],
    ['bits 64\nx: nop\n%if 0\n jmp x\n%endif\n jmp x¦ ; x', 'z', 'bits 64\nz: nop\n%if 0\n jmp z\n%endif\n jmp z ; x'],
  ])('%s', (source, name, expected) => {
    expect(renamed(source, name)).toEqual({ 'main.asm': expected });
  });

  it('changes include files too', () => {
    expect(renamed('%include "x.inc"\n dw COUN¦T', 'LIMIT', { 'x.inc': 'COUNT equ 5\n' })).toEqual({
      'main.asm': '%include "x.inc"\n dw LIMIT',
      'x.inc': 'LIMIT equ 5\n',
    });
  });

  it.each([
    ['x¦: nop', 'rax', 'word of the assembler'],
    ['x¦: nop', 'mov', 'word of the assembler'],
    ['x¦: nop\ny: nop', 'y', 'already defined'],
    ['x¦: nop', '1x', 'no name'],
    ['mov a¦x, 1', 'y', 'no name of this program'],
  ])('refuses %s to %s', (source, name, reason) => {
    expect(renamed(source, name)).toContain(reason);
  });

  it('assembles to the same bytes after renaming each label of a sample', () => {
    const p = sample('samples/hello-vmx/hello-vmx.asm');
    expect(p.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    const { text, position } = marked('bits 64\nlabe¦l: jmp label');
    expect(prepareRename(program(text), 0, position)).toMatchObject({ placeholder: 'label' });
  });
});

describe('call hierarchy and links', () => {
  const source = 'bits 64\nmain:\n call a\n call b\n ret\na:\n.l: jz .l\n call b\n ret\nb¦:\n ret\n';

  it('finds callers and callees', () => {
    const { text, position } = marked(source);
    const p = program(text);
    const [item] = prepareCallHierarchy(p, 0, position);
    expect(item?.name).toBe('b');
    expect(incomingCalls(p, 'b').map((c) => [c.from.name, c.fromRanges.map((r) => r.start.line + 1)])).toEqual([
      ['main', [4]],
      ['a', [8]],
    ]);
    expect(outgoingCalls(p, 'main').map((c) => c.to.name)).toEqual(['a', 'b']);
    expect(outgoingCalls(p, 'a').map((c) => c.to.name)).toEqual(['b']);
  });

  it('links each include to its file', () => {
    const links = documentLinks(program('%include "x.inc"\n%include "no.inc"\n', { 'x.inc': '' }), 0);
    expect(links).toEqual([
      { range: { start: { line: 0, character: 10 }, end: { line: 0, character: 15 } }, target: 'file:///work/x.inc' },
    ]);
  });
});
