// Corners of the preprocessor: each snippet gives the same bytes as nasm.
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';
import { difference, hasNasm, nasm } from './nasm.ts';

const SNIPPETS: Readonly<Record<string, string>> = {
  'a macro is not expanded inside itself': '%define f(x) x\nf: db f(1)\n dw f',
  'a macro without parentheses stays a name': '%define g(x) 5\ng: dw g, g(1)',
  'arguments in braces keep their commas': '%define two(a,b) a\n db two({1,2},3)',
  'empty arguments': '%macro m 0-3 7,8,9\n db %0\n%endmacro\n m\n m ,\n m 1,,2',
  'default parameters': '%macro m 1-3 20, 30\n db %1, %2, %3\n%endmacro\n m 1\n m 1, 2\n m 1, 2, 3',
  'a greedy parameter': '%macro m 2+\n db %1\n db %2\n%endmacro\n m 1, 2, 3, 4',
  'macro-local labels': '%macro m 0\n%%a: jmp short %%a\n dw %%a\n%endmacro\n m\n m',
  'a label in front of a macro': '%macro m 0\n nop\n%endmacro\nx: m\n dw x',
  'the label as %00': '%macro m 0\n%00 equ 5\n%endmacro\nx m\n db x',
  'rotate both ways': '%macro m 3\n%rotate 1\n db %1\n%rotate -2\n db %1\n%endmacro\n m 1, 2, 3',
  'parameters joined to names': '%macro m 1\n%1_x: dw %1_x, x%1y\n%endmacro\nxay:\n m a',
  'parameters joined to numbers': '%macro m 1\n dw 0x%1, 1%1\n%endmacro\n m 12',
  'condition codes': '%macro m 1\n j%+1 $+2\n j%-1 $+2\n%endmacro\n m z\n m ae\n m po',
  'nested repetitions':
    '%assign i 0\n%rep 3\n%assign j 0\n%rep 2\n db i*16+j\n%assign j j+1\n%endrep\n%assign i i+1\n%endrep',
  'leaving a repetition': '%assign i 0\n%rep 9\n%if i == 3\n%exitrep\n%endif\n db i\n%assign i i+1\n%endrep\n db 99',
  'leaving a macro': '%macro m 1\n db 1\n%if %1\n%exitmacro\n%endif\n db 2\n%endmacro\n m 1\n m 0',
  'xdefine takes the value of now': '%define a 1\n%xdefine b a\n%define c a\n%define a 2\n db a, b, c',
  undef: '%define a 1\n%undef a\n%ifdef a\n db 1\n%else\n db 2\n%endif',
  case: '%idefine Foo 3\n db FOO, foo\n%imacro Bar 0\n db 4\n%endmacro\n BAR\n bar',
  'token pasting': '%define cat(a,b) a %+ b\ncat(x,y): dw xy',
  indirection: '%define n 5\n%define name_5 77\n db name_%[n]\nl%[n]: dw l5',
  contexts: '%push a\n%$l: dw %$l\n%push b\n%$l: dw %$l, %$$l\n%pop b\n dw %$l\n%pop a',
  'context-local macros': '%push a\n%define %$v 5\n db %$v\n%push b\n%define %$v 6\n db %$v, %$$v\n%pop\n%pop',
  ifctx: '%push a\n%ifctx a\n db 1\n%endif\n%ifctx b\n db 2\n%else\n db 3\n%endif\n%pop',
  'conditions of all kinds':
    '%macro t 1\n%ifnum %1\n db 1\n%elifid %1\n db 2\n%elifstr %1\n db 3\n%elifempty %1\n db 4\n%else\n db 5\n%endif\n%endmacro\n t 5\n t -5\n t abc\n t "x"\n t {}\n t [x]',
  ifidn: '%ifidn a b, a b\n db 1\n%endif\n%ifidni Ab, aB\n db 2\n%endif\n%ifnidn a, b\n db 3\n%endif',
  'ifmacro by count':
    '%macro m 2-3\n%endmacro\n%ifmacro m 2\n db 1\n%endif\n%ifmacro m 4\n db 2\n%else\n db 3\n%endif\n%ifmacro m 1-*\n db 4\n%endif',
  'dead branches may hold anything': '%if 0\n it\'s "wrong\n%macro\n%elif 0\n%if 1\n%endif\n%else\n db 1\n%endif',
  'elif after a taken branch is not evaluated': '%if 1\n db 1\n%elif nonsense\n db 2\n%endif',
  strings: '%strlen n "hello"\n db n\n%substr s "hello" 2,3\n db s\n%strcat t "a", "b"\n db t\n%defstr u a + b\n db u',
  deftok: "%deftok r 'bx'\n mov r, 5",
  defalias: '%define a 5\n%defalias b a\n db b\n%define a 6\n db b',
  unmacro:
    '%macro m 0\n db 1\n%endmacro\n%macro m 1\n db 2\n%endmacro\n m\n m 0\n%unmacro m 1\n%ifmacro m 1\n db 3\n%endif',
  'macros that define macros': '%macro def 2\n%define %1 %2\n%endmacro\n def x, 7\n db x',
  'macros that define multi-line macros':
    '%macro outer 0\n%macro inner 1\n db %1\n%endmacro\n%endmacro\n outer\n inner 9',
  'parameter ranges': '%macro m 3-*\n db %{2:3}\n db %{-1:1}\n%endmacro\n m 1, 2, 3, 4',
  'lines and modes': 'bits 32\n dd __LINE__, __BITS__\n%macro m 0\n dd __LINE__\n%endmacro\n\n m',
  'continued lines': ' db 1, \\\n 2, \\\n 3\n%define x 1 + \\\n 2\n db x',
  'positions in conditions': 'times 20 nop\n%if $-$$ == 20\n db 1\n%endif\n%assign p $-$$\n dw p',
  'evaluated parameters': '%define f(=x) x\n%assign i 3\n db f(i*2)',
  'a comment inside a macro': '%macro m 1 ; one parameter\n db %1 ; ; here\n%endmacro\n m 5 ; and here',
  'greedy single-line parameters': '%define f(a,b+) b\n db f(1,2,3)',
};

describe.skipIf(!hasNasm())('preprocessor', () => {
  it.each(Object.entries(SNIPPETS))('%s', (_title, source) => {
    const oracle = nasm(`${source}\n`);
    expect(oracle.bytes, [...oracle.errors].join('\n')).toBeDefined();
    const ours = assemble('snippet.asm', `${source}\n`, { origin: 0 });
    expect(ours.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(difference(ours.bytes, oracle.bytes!)).toBeUndefined();
  });
});
