// Sources that nobody writes and that a file may hold all the same: each gives a plain diagnostic, and neither time nor
// memory goes with it. What is quadratic or worse does not end within the runner's limit.
import { describe, expect, it } from 'vitest';
import { completion } from '../../src/lsp/completion.ts';
import { diagnosticsOf } from '../../src/lsp/diagnostics.ts';
import { foldingRanges } from '../../src/lsp/folding.ts';
import { formatText } from '../../src/lsp/format.ts';
import { hover } from '../../src/lsp/hover.ts';
import { analyseProgram, createProgramCache } from '../../src/lsp/program.ts';
import { semanticTokens } from '../../src/lsp/semantic-tokens.ts';
import { DEFAULT_SETTINGS } from '../../src/lsp/settings.ts';
import { signatureHelp } from '../../src/lsp/signature-help.ts';
import { documentSymbols } from '../../src/lsp/symbols.ts';
import { MAIN } from './programs.ts';

const N = 30_000;
const many = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

describe('sources without measure', { timeout: 60_000 }, () => {
  it.each([
    ['nested parentheses', `mov eax, ${'('.repeat(N)}1${')'.repeat(N)}`, 'nested-too-deep'],
    ['parentheses that stay open', `mov eax, ${'('.repeat(N)}`, 'nested-too-deep'],
    ['signs in a row', `mov eax, ${'-'.repeat(N)}1`, 'nested-too-deep'],
    ['a sum without end', `x: mov eax, ${'x+'.repeat(N)}1`, 'nested-too-deep'],
    ['brackets', `mov eax, ${'['.repeat(N)}`, 'expected'],
    ['braces', '%{'.repeat(N), 'unknown-instruction'],
    ['indirection', `mov eax, ${'%['.repeat(N)}`, 'indirection-unclosed'],
    ['a line of data of a megabyte', `db ${'1,'.repeat(N * 3)}1`, undefined],
    ['a string of a megabyte', `db "${'x'.repeat(10 * N)}"`, undefined],
    ['a number of 100,000 digits', `dq ${'9'.repeat(N)}`, 'bad-number'],
    ['a macro that calls itself', '%macro m 0\n m\n%endmacro\n m', 'orphan-label'],
    [
      'macros that double',
      `${many(40, (i) => `%define a${i} a${i + 1} + a${i + 1}`)}\n mov eax, a0`,
      'macro-too-large',
    ],
    ['a macro that doubles itself', `%xdefine a 1\n${'%xdefine a a+a\n'.repeat(25)} mov eax, a`, 'macro-too-large'],
    ['a string that doubles itself', `%define s "a"\n${'%strcat s s,s\n'.repeat(40)}`, 'string-too-long'],
    ['names put together without end', `%define a x\n mov eax, ${'a%+'.repeat(20_000)}a`, 'undefined-symbol'],
    ['a file that includes itself', '%include "main.asm"', 'include-too-deep'],
    ['a million repetitions', '%rep 1000000\nnop\n%endrep', 'too-many-lines'],
    ['a thousand million bytes', 'times 1000000000 db 0', 'huge-count'],
    ['more bytes than fit', 'times 200000000 db 0', 'program-too-large'],
    ['more instructions than fit', 'times 200000000 nop', 'program-too-large'],
    ['copies of copies', 'db 10000 dup (10000 dup (10000 dup (1)))', 'program-too-large'],
    ['reserved without measure', 'section .bss\nresb 1000000000000', 'huge-count'],
    ['conditions in conditions', '%if 1\n'.repeat(20_000), 'end-missing'],
    [
      'constants that wait for each other',
      `${many(2000, (i) => `e${i} equ e${i + 1}+1`)}\ne2000 equ 1`,
      'no-convergence',
    ],
    ['a long table', many(20_000, (i) => `entry${i} dd ${i}`), undefined],
    ['a text in a natural language', 'It was a dark and stormy night.\n'.repeat(10_000), 'unknown-instruction'],
    ['names that are not defined', many(10_000, (i) => ` mov eax, undefined_${i}`), 'undefined-symbol'],
  ])('%s', (_name, text, code) => {
    const program = analyseProgram(
      MAIN,
      (uri) => (uri === MAIN ? text : undefined),
      DEFAULT_SETTINGS,
      createProgramCache(),
    );
    const found = diagnosticsOf(program, 0);
    if (code === undefined) expect(found).toEqual([]);
    else expect(found.map((d) => d.code)).toContain(code);
    expect(found.length).toBeLessThan(1100);
    for (const { message } of found) expect(String(message).length).toBeLessThan(600);
    semanticTokens(program, 0);
    documentSymbols(program, 0);
    foldingRanges(text);
    const grown = formatText(text, DEFAULT_SETTINGS.format).reduce((sum, edit) => sum + edit.newText.length, 0);
    expect(grown).toBeLessThan(text.length * 60 + 1000);
    const position = { line: 0, character: text.indexOf('\n') < 0 ? text.length : 5 };
    completion(program, 0, position);
    signatureHelp(program, 0, position);
    hover(program, 0, { line: 0, character: 5 });
  });
});
