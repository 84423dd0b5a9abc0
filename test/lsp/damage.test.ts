// Every feature answers on damaged sources, at any place, and never throws.
import { describe, expect, it } from 'vitest';
import { incomingCalls, outgoingCalls, prepareCallHierarchy } from '../../src/lsp/call-hierarchy.ts';
import { completion } from '../../src/lsp/completion.ts';
import { diagnosticsOf } from '../../src/lsp/diagnostics.ts';
import { documentLinks } from '../../src/lsp/document-links.ts';
import { foldingRanges } from '../../src/lsp/folding.ts';
import { formatText } from '../../src/lsp/format.ts';
import { hover } from '../../src/lsp/hover.ts';
import { inlayHints } from '../../src/lsp/inlay-hints.ts';
import { definition, prepareRename, references, rename } from '../../src/lsp/navigation.ts';
import { quickFixes } from '../../src/lsp/quick-fixes.ts';
import { semanticTokens } from '../../src/lsp/semantic-tokens.ts';
import { DEFAULT_SETTINGS } from '../../src/lsp/settings.ts';
import { signatureHelp } from '../../src/lsp/signature-help.ts';
import { documentSymbols } from '../../src/lsp/symbols.ts';
import { random } from '../asm/nasm.ts';
import { corpus, program } from './programs.ts';

const VMX = `bits 64
%define FIELD(x) x
start:
 mov edx, FIELD(0x681E)
 vmread rax, rdx
 jbe .bad
.bad: vmlaunch
 vmresume
%macro set 2
 mov rax, %2
 mov edx, %1
 vmwrite rdx, rax
%endmacro
 set 0x4000, 5
struc s
.a: resb 1
endstruc
 call start
%if 0
 nop
%endif
`;
const PIECES = [
  '%',
  '(',
  ')',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\\n',
  '$',
  '%%x',
  '%1',
  '%macro m 1\n',
  '%endmacro\n',
  '%if 0\n',
  '%else\n',
  ' equ ',
  '\n',
  '\0',
  'é',
  'struc s\n',
  '\t',
  '%{',
  '%[',
  '`',
  ';',
];

function damage(source: string, below: (n: number) => number): string {
  let text = source;
  for (let i = 1 + below(5); i > 0; i--) {
    const at = below(text.length + 1);
    const kind = below(4);
    if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + below(12));
    else if (kind === 1) text = text.slice(0, Math.max(at, 20));
    else text = text.slice(0, at) + PIECES[below(PIECES.length)]! + text.slice(at);
  }
  return text;
}

const SOURCES = [
  { name: 'vmx', text: VMX },
  ...corpus().map(({ name, text }) => ({ name, text: text.slice(0, 3000) })),
];

describe('features on damaged sources', () => {
  it.each(SOURCES.map(({ name, text }) => [name, text] as const))('%s', (name, source) => {
    const below = random(name.length * 31337);
    for (let round = 0; round < 30; round++) {
      const text = damage(source, below);
      const p = program(text, {}, { inlayHints: { encoding: true, length: true, values: true, vmcsFields: true } });
      const lines = text.split('\n');
      const whole = { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } };
      const diagnostics = diagnosticsOf(p, 0);
      quickFixes(p, 0, diagnostics);
      foldingRanges(text);
      documentLinks(p, 0);
      inlayHints(p, 0, whole);
      for (const symbol of documentSymbols(p, 0)) {
        expect(symbol.selectionRange.end.character).toBeGreaterThanOrEqual(symbol.selectionRange.start.character);
        outgoingCalls(p, symbol.name);
        incomingCalls(p, symbol.name);
      }
      expect(semanticTokens(p, 0).every((n) => n >= 0)).toBe(true);
      formatText(text, DEFAULT_SETTINGS.format);
      for (let i = 0; i < 12; i++) {
        const line = below(lines.length);
        const position = { line, character: below(lines[line]!.length + 2) };
        hover(p, 0, position);
        completion(p, 0, position);
        signatureHelp(p, 0, position);
        definition(p, 0, position);
        references(p, 0, position, true);
        prepareRename(p, 0, position);
        rename(p, 0, position, 'other_name');
        prepareCallHierarchy(p, 0, position);
      }
      for (const d of diagnostics) {
        expect(d.range.start.line).toBeLessThan(lines.length);
        expect(d.message).not.toMatch(/undefined|\[object|NaN/);
      }
    }
  });
});
