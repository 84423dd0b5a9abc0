// Each mistake: its code, and where it is shown (line, column from 1, column behind the end).
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';

const ERRORS = fileURLToPath(new URL('../../src/asm/errors.ts', import.meta.url));

interface Case {
  readonly source: string;
  readonly code: string;
  /** `line:column-endColumn` */
  readonly at: string;
  readonly severity?: 'warning';
}

const MACRO = '%macro two 2\n mov %1, %2\n%endmacro\n';

const CASES: readonly Case[] = [
  { source: ' mov eax, "abc', code: 'bad-token', at: '1:11-15' },
  { source: ' mov eax, 12z', code: 'bad-number', at: '1:11-14' },
  { source: ' mov eax, 1.5', code: 'float-in-expression', at: '1:11-14' },
  { source: ' db `\\q`, 1', code: 'bad-escape', at: '1:5-9' },
  { source: ' mov eax, (1+2', code: 'expected', at: '1:15-16' },
  { source: ' mov eax, 1+', code: 'expected', at: '1:13-14' },
  { source: ' mov eax, ebx ecx', code: 'expected', at: '1:15-18' },
  { source: ' mov eax, ebx + 1', code: 'not-a-value', at: '1:11-18' },
  { source: ' mov ax, seg x', code: 'seg-unsupported', at: '1:10-13' },
  { source: 'x: mov ax, x wrt y', code: 'wrt-unsupported', at: '1:14-17' },
  { source: ' dd 5/0', code: 'division-by-zero', at: '1:7-8' },
  { source: 'x: dd x*2, x>>1', code: 'not-scalar', at: '1:12-13' },
  { source: ' mov eax, nowhere', code: 'undefined-symbol', at: '1:11-18' },
  { source: '%if later\n%endif\nlater:', code: 'not-yet-defined', at: '1:5-10' },
  { source: 'x:\n%assign a x\n', code: 'must-be-constant', at: '2:11-12' },
  { source: '%pop', code: 'no-context', at: '1:1-5' },
  { source: ' dd %$x', code: 'no-context', at: '1:5-8' },
  { source: '%define f(a) a\n dd f(1', code: 'arguments-unclosed', at: '2:5-6' },
  { source: '%define f(a,b) a\n dd f(1,2,3)', code: 'macro-parameters', at: '2:5-6' },
  { source: ' mov %[eax, 1', code: 'indirection-unclosed', at: '1:6-8' },
  { source: `${MACRO} two 1`, code: 'macro-parameters', at: '4:2-5' },
  { source: `${MACRO} two eax, dl`, code: 'size-mismatch', at: '4:6-13' },
  { source: `${MACRO} two 5, eax`, code: 'bad-operands', at: '4:6-12' },
  { source: '%macro m 1\n j%-1 x\n%endmacro\nx: m foo', code: 'bad-condition-code', at: '4:4-5' },
  { source: ' dd %1', code: 'no-macro-call', at: '1:5-7' },
  { source: '%else', code: 'without-if', at: '1:1-6' },
  { source: '%if 1\n%else\n%else\n%endif', code: 'else-twice', at: '3:1-6' },
  { source: '%ifwhatever 1\n%endif', code: 'unknown-condition', at: '1:1-12' },
  { source: '%if 1\n nop', code: 'end-missing', at: '1:1-4' },
  { source: '%macro m 0\n nop', code: 'end-missing', at: '1:1-7' },
  { source: '%macro m x\n%endmacro', code: 'bad-macro', at: '1:8-9' },
  { source: '%rep 2\n nop', code: 'end-missing', at: '1:1-5' },
  { source: '%endrep', code: 'without-opening', at: '1:1-8' },
  { source: '%rep 2000000\n%endrep', code: 'rep-count', at: '1:6-13' },
  { source: '%exitrep', code: 'not-in-rep', at: '1:1-9' },
  { source: '%rotate 1', code: 'not-in-macro', at: '1:1-8' },
  { source: '%strlen n 5', code: 'string-expected', at: '1:11-12' },
  { source: '%define', code: 'name-expected', at: '1:1-8' },
  { source: '%include "gone.inc"', code: 'include-not-found', at: '1:10-20' },
  { source: '%frobnicate', code: 'unknown-directive', at: '1:1-12' },
  { source: '%use altreg', code: 'unsupported-directive', at: '1:1-5' },
  { source: '%error "stop here"', code: 'user-error', at: '1:1-7' },
  { source: '%fatal no', code: 'user-fatal', at: '1:1-7' },
  { source: '%warning "careful"', code: 'user-warning', at: '1:1-9', severity: 'warning' },
  { source: ' movv eax, ebx', code: 'unknown-instruction', at: '1:2-6' },
  { source: 'label:  frob eax', code: 'unknown-instruction', at: '1:9-13' },
  { source: ' mov eax,', code: 'operand-expected', at: '1:10-11' },
  { source: ' mov dword ptr [eax], 5', code: 'ptr-keyword', at: '1:12-15' },
  { source: ' mov ax, es:[bx]', code: 'segment-outside', at: '1:10-13' },
  { source: ' mov eax, [ebx', code: 'bracket-unclosed', at: '1:11-12' },
  { source: 'bits 64\n vaddps zmm0{k9}, zmm1, zmm2', code: 'bad-decorator', at: '2:13-14' },
  { source: 'x:\nx:', code: 'symbol-twice', at: '2:1-2' },
  { source: 'mvo', code: 'orphan-label', at: '1:1-4', severity: 'warning' },
  { source: '.x: nop', code: 'local-without-parent', at: '1:1-3' },
  { source: ' equ 5', code: 'label-needed', at: '1:2-7' },
  { source: 'a: times a db 0', code: 'bad-count', at: '1:10-11' },
  { source: ' times 2-5 db 0', code: 'negative-count', at: '1:8-11' },
  { source: ' times 1 << 40 db 0', code: 'huge-count', at: '1:8-15' },
  { source: ' align 3', code: 'bad-alignment', at: '1:8-9' },
  { source: 'bits 8', code: 'bad-bits', at: '1:6-7' },
  { source: 'org x\nx:', code: 'bad-origin', at: '1:5-6' },
  { source: 'org 1\norg 2', code: 'second-origin', at: '2:5-6' },
  { source: 'default what', code: 'bad-default', at: '1:9-13' },
  { source: 'extern printf', code: 'extern-unsupported', at: '1:8-14' },
  { source: 'common x 4', code: 'common-unsupported', at: '1:8-9' },
  { source: 'section .x frob=1', code: 'bad-section', at: '1:12-16' },
  { source: 'section .x follows=.y\n nop', code: 'unknown-section', at: '1:9-11' },
  { source: 'org 0x100\nsection .x start=0x10\n nop', code: 'section-below-origin', at: '2:9-11' },
  { source: ' org 0\n times 64 nop\nsection .x start=16\n nop', code: 'section-overlap', at: '3:9-11' },
  { source: 'section .bss\n db 5', code: 'initialised-in-nobits', at: '2:5-6', severity: 'warning' },
  { source: ' resb 4', code: 'reserved-in-progbits', at: '1:2-8', severity: 'warning' },
  { source: 'absolute 0\n db 5', code: 'bytes-in-absolute', at: '2:5-6' },
  { source: 'struc s\n.a: resb 1', code: 'struc-open', at: '1:7-8' },
  { source: 'endstruc', code: 'no-struc', at: '1:1-9' },
  {
    source: 'struc s\n.a: resb 1\n.b: resb 1\nendstruc\n istruc s\n at s.b, db 1\n at s.a, db 1\n iend',
    code: 'past-field',
    at: '7:2-4',
  },
  { source: ' incbin "gone.bin"', code: 'incbin-not-found', at: '1:9-19' },
  { source: ' db 1.5e99999', code: 'bad-float', at: '1:5-14' },
  { source: ' dd eax', code: 'not-a-value', at: '1:5-8' },
  { source: ' do 5', code: 'integer-too-wide', at: '1:5-6' },
  { source: ' db 300', code: 'data-range', at: '1:5-8', severity: 'warning' },
  { source: ' ret 1, 2', code: 'operand-count', at: '1:6-10' },
  { source: 'bits 64\n pusha', code: 'not-in-mode', at: '2:2-7' },
  { source: 'bits 32\n mov rax, 5', code: 'not-in-mode', at: '2:6-12' },
  { source: ' inc [bx]', code: 'size-missing', at: '1:6-10' },
  { source: ' mov eax, bx', code: 'size-mismatch', at: '1:6-13' },
  { source: ' mov 5, eax', code: 'bad-operands', at: '1:6-12' },
  { source: 'bits 32\n mov eax, [ebx*3+ecx]', code: 'bad-address', at: '2:11-22' },
  { source: 'bits 32\n mov eax, [ebx+cx]', code: 'bad-address', at: '2:11-19' },
  { source: 'bits 32\n mov eax, [esp*2]', code: 'bad-address', at: '2:11-18' },
  { source: 'bits 64\n mov eax, [bx]', code: 'bad-address', at: '2:11-15' },
  { source: ' mov ax, [ax]', code: 'bad-address', at: '1:2-5' },
  { source: 'bits 32\nx: mov eax, [rel x]', code: 'rel-outside-64', at: '2:13-20' },
  { source: 'bits 32\n mov r8d, 5', code: 'register-only-in-64', at: '2:2-5' },
  { source: 'bits 64\n mov ah, r8b', code: 'high-byte-with-rex', at: '2:2-5' },
  { source: ' mov al, 300', code: 'number-range', at: '1:10-13', severity: 'warning' },
  { source: 'x: times 200 nop\n jmp short x', code: 'jump-range', at: '2:2-5' },
  { source: ' jmp 0x12345:0', code: 'selector-range', at: '1:2-5' },
  { source: ' rep repne movsb', code: 'prefix-twice', at: '1:6-11' },
  { source: `%define s 'aaaaaaaa'\n${'%strcat s s, s\n'.repeat(14)}`, code: 'string-too-long', at: '15:14-15' },
  { source: `%xdefine a 1\n${'%xdefine a a+a\n'.repeat(16)}`, code: 'macro-too-large', at: '17:14-15' },
];

describe('mistakes', () => {
  it.each(CASES)('$code: $source', ({ source, code, at, severity }) => {
    const { diagnostics, ok } = assemble('test.asm', source);
    const found = diagnostics.map((d) => ({
      code: d.code,
      at: `${d.line}:${d.column}-${d.endColumn}`,
      severity: d.severity,
    }));
    expect(found).toContainEqual({ code, at, severity: severity ?? 'error' });
    expect(ok).toBe(severity === 'warning');
  });

  it('every mistake of errors.ts is here or cannot be caused by a short program', () => {
    const ELSEWHERE = [
      'nested-too-deep',
      'macro-too-deep',
      'include-too-deep',
      'too-many-lines',
      'no-convergence',
      'address-range',
      'program-too-large',
    ];
    const codes = new Set(CASES.map((c) => c.code));
    const written = [...readFileSync(ERRORS, 'utf8').matchAll(/(?:error|warning)\(\s*'([a-z0-9-]+)'/g)].map(
      (m) => m[1]!,
    );
    expect(written.length).toBeGreaterThan(80);
    const missing = written.filter((code) => !codes.has(code) && !ELSEWHERE.includes(code));
    expect(missing).toEqual([]);
  });

  it('a macro that calls itself through another one ends with a message', () => {
    const source = '%macro a 0\n b\n%endmacro\n%macro b 0\n a\n%endmacro\n a';
    expect(assemble('test.asm', source).diagnostics.length).toBeGreaterThan(0);
  });

  it('a file that includes itself ends with a message', () => {
    const { diagnostics } = assemble('test.asm', '%include "x"', { readInclude: () => '%include "x"' });
    expect(diagnostics.map((d) => d.code)).toEqual(['include-too-deep']);
  });

  it('parentheses without end are reported, not followed', () => {
    const { diagnostics } = assemble('test.asm', ` dd ${'('.repeat(5000)}1`);
    expect(diagnostics.map((d) => d.code)).toEqual(['nested-too-deep']);
  });

  it('a size that depends on itself is reported', () => {
    const { diagnostics } = assemble('test.asm', 'a: times 1-(b-a) db 0\nb:');
    expect(diagnostics.some((d) => d.severity === 'error')).toBe(true);
  });
});
