// What helps while writing: completion, signatures, quick fixes, the formatter.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';
import { completion, preprocessorWords, resolveCompletion } from '../../src/lsp/completion.ts';
import { diagnosticsOf } from '../../src/lsp/diagnostics.ts';
import { formatOnType, formatText } from '../../src/lsp/format.ts';
import { entitiesOf } from '../../src/lsp/program.ts';
import { processorOf } from '../../src/lsp/processor.ts';
import { quickFixes } from '../../src/lsp/quick-fixes.ts';
import { DEFAULT_SETTINGS } from '../../src/lsp/settings.ts';
import { signatureHelp } from '../../src/lsp/signature-help.ts';
import { ROOT, SAMPLES, corpus, marked, program, sample } from './programs.ts';

function labels(source: string, others: Record<string, string> = {}): string[] {
  const { text, position } = marked(`bits 64\n${source}\n`);
  return completion(program(text, others), 0, position).map((item) => item.label);
}

describe('completion', () => {
  it.each([
    ['¦', ['mov', 'vmlaunch', 'db', 'section'], ['rax']],
    ['  vmr¦', ['vmread', 'vmresume'], []],
    ['x: ¦', ['mov', 'resq'], []],
    ['  mov ¦', ['rax', 'cr3', 'al', 'ds'], ['xmm0', 'k1', 'mov']],
    ['  mov cr3, ¦', ['rax', 'r15'], ['eax', 'al', 'cr0', 'xmm1']],
    ['  mov rax, ¦', ['rbx', 'cr0', 'dr7', 'ds'], ['ebx', 'xmm0']],
    ['  shl rax, ¦', ['cl'], ['rbx', 'ch']],
    ['  in al, ¦', ['dx'], ['rdx', 'eax']],
    ['  vaddps ymm0, ¦', ['ymm1'], ['xmm1', 'rax']],
    ['  mov eax, [r¦', ['rax', 'rbx'], ['xmm0', 'cr0']],
    ['  lgdt ¦', [], ['rax', 'eax']],
    ['start: nop\n  jmp ¦', ['start', 'rax'], ['eax', 'al']],
    ['a:\n.one: nop\nb:\n.two: nop\n jmp ¦', ['.two', 'a', 'b'], ['.one']],
    ['N equ 5\n mov eax, ¦', ['N', 'ebx'], []],
    ['%macro save 1\n%endmacro\n sa¦', ['save'], []],
    ['%define SIZE 4\n mov eax, S¦', ['SIZE'], []],
    ['  vmread rax, ¦', ['GUEST_RIP', 'rbx', 'EXIT_REASON'], ['ebx']],
    ['  mov edx, GUEST¦', ['GUEST_RIP', 'GUEST_CR0'], []],
    ['  mov ecx, IA32¦', ['IA32_VMX_BASIC', 'IA32_EFER'], []],
    ['  or ebx, PRIM¦', ['PRIMARY_HLT_EXITING', 'PRIMARY_USE_MSR_BITMAPS'], []],
    ['  %¦', ['%macro', '%include', '%endif'], ['mov']],
    ['  mov rax, 1 ; m¦', [], ['mov', 'rax']],
    ['  db "m¦', [], ['mov', 'rax']],
    ['  bits ¦', ['16', '32', '64'], []],
    ['  MO¦', ['MOV', 'MOVZX'], ['mov']],
  ])('%s', (source, wanted, unwanted) => {
    const found = labels(source);
    expect(found).toEqual(expect.arrayContaining(wanted));
    for (const label of unwanted) expect(found).not.toContain(label);
  });

  it('inserts the number of a field that the program does not name, otherwise the name', () => {
    const insert = (source: string): unknown[] => {
      const { text, position } = marked(`bits 64\n${source}`);
      const item = completion(program(text), 0, position).find((i) => i.label === 'GUEST_RIP');
      return [item?.insertText ?? item?.label, item?.additionalTextEdits?.[0]?.newText];
    };
    expect(insert('  mov edx, ¦')).toEqual(['0x681E', undefined]);
    expect(insert('GUEST_RIP equ 0x681E\n  mov edx, ¦')).toEqual(['GUEST_RIP', undefined]);
    expect(insert('  vmread rax, ¦')).toEqual(['rdx', '        mov     edx, 0x681E\n']);
    expect(insert('GUEST_RIP equ 0x681E\n  vmread rdx, ¦')).toEqual(['rcx', '        mov     ecx, GUEST_RIP\n']);
  });

  it('describes an item when it is looked at', () => {
    const { text, position } = marked('bits 64\n  cpu¦');
    const p = program(text);
    const item = completion(p, 0, position).find((i) => i.label === 'cpuid')!;
    expect(JSON.stringify(resolveCompletion(p, item, processorOf(DEFAULT_SETTINGS)).documentation)).toContain(
      'Exits unconditionally',
    );
  });
});

describe('completion of directives', () => {
  it('describes every directive of the preprocessor', () => {
    const words = preprocessorWords();
    expect(words.filter(({ documentation }) => !/^[A-Z].*\.$/.test(documentation))).toEqual([]);
    expect(words.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['%imacro', '%elifnidni', '%ifnctx', '%endrep']),
    );
  });

  it('offers local labels of another label by their whole names', () => {
    expect(labels('a: nop\n.x: nop\nb: jmp a.¦')).toContain('a.x');
    expect(labels('a: nop\n.x: nop\nb: jmp ¦')).not.toContain('a.x');
  });

  it('offers no numbers where only registers fit', () => {
    expect(labels('mov cr0, ¦')).not.toContain('IA32_EFER');
    expect(labels('mov ecx, ¦')).toContain('IA32_EFER');
  });
});

describe('signature help', () => {
  const help = (source: string) => {
    const { text, position } = marked(`bits 64\n${source}`);
    return signatureHelp(program(text), 0, position);
  };

  it.each([
    ['  vmread ¦', 'vmread r64/m64, r64', 0],
    ['  vmread rax, ¦', 'vmread r64/m64, r64', 1],
    ['  imul eax, ebx, ¦', 'imul r32, r32/m32, imm8', 2],
    ['%macro put 2\n%endmacro\n  put 1, ¦', 'put %1, %2', 1],
    ['; put PORT, VALUE: writes.\n%macro put 1-2\n%endmacro\n  put 1, ¦', 'put PORT, [VALUE]', 1],
    ['%define SUM(a, b) a + b\n mov eax, SUM(1, ¦', 'SUM(a, b)', 1],
  ])('%s', (source, label, active) => {
    const found = help(source);
    expect(found?.signatures.map((s) => s.label)).toContain(label);
    expect(found?.activeParameter).toBe(active);
  });

  it('has none where there are no operands', () => {
    expect(help('  ¦')).toBeUndefined();
    expect(help('  hlt ¦')).toBeUndefined();
  });
});

/** The text after the fix with this title. */
function fixed(source: string, title: string): string | undefined {
  const p = program(source);
  const action = quickFixes(p, 0, diagnosticsOf(p, 0)).find((a) => a.title.includes(title));
  if (action === undefined) return undefined;
  const lines = source.split('\n');
  for (const edit of Object.values(action.edit!.changes!)[0]!) {
    const { start, end } = edit.range;
    const before = [...lines.slice(0, start.line), lines[start.line]!.slice(0, start.character)].join('\n');
    const after = [lines[end.line]!.slice(end.character), ...lines.slice(end.line + 1)].join('\n');
    return before + edit.newText + after;
  }
  return undefined;
}

describe('quick fixes', () => {
  it.each([
    ['bits 64\nlabel1: jmp labl1', 'Change to "label1"', 'bits 64\nlabel1: jmp label1'],
    ['bits 64\nLoop1: jmp loop1', 'Change to "Loop1"', 'bits 64\nLoop1: jmp Loop1'],
    ['bits 64\n moov eax, 1', 'Change to "mov"', 'bits 64\n mov eax, 1'],
    ['bits 64\n mov eax, dword ptr [rbx]', 'Remove "ptr"', 'bits 64\n mov eax, dword [rbx]'],
    ['bits 64\n inc [rbx]', 'memory operand a qword', 'bits 64\n inc qword [rbx]'],
    ['bits 64\n mov eax, fs:[rbx]', 'Write [fs:', 'bits 64\n mov eax, [fs:rbx]'],
    ['bits 64\n mov eax, [rbx', 'Add "]"', 'bits 64\n mov eax, [rbx]'],
    ['bits 64\n%if 1\nnop\n', 'Add %endif', 'bits 64\n%if 1\nnop\n%endif\n'],
    ['bits 64\n jmp short x\n times 200 nop\nx: nop', 'Remove "short"', 'bits 64\n jmp x\n times 200 nop\nx: nop'],
    ['bits 64\n hllt', 'instruction "hlt"', 'bits 64\n hlt'],
    [
      'bits 64\n mov edx, GUEST_RIP',
      'Define "GUEST_RIP" as 0x681E',
      'bits 64\nGUEST_RIP               equ 0x681E\n mov edx, GUEST_RIP',
    ],
  ])('%s', (source, title, expected) => {
    expect(fixed(source, title)).toBe(expected);
  });
});

function formatted(text: string): string {
  const lines = text.split('\n');
  const p = program(text);
  const isMacro = (name: string): boolean => entitiesOf(p).macros.get(name)?.kind === 'macro';
  for (const edit of formatText(text, DEFAULT_SETTINGS.format, isMacro)) lines[edit.range.start.line] = edit.newText;
  return lines.join('\n');
}

describe('formatter', () => {
  it.each([
    ['mov eax,ebx', '        mov     eax, ebx'],
    ['x:mov eax , 1;one', 'x:      mov     eax, 1                          ;one'],
    ['  ret', '        ret'],
    ['long_label_name: nop', 'long_label_name: nop'],
    ['\tdb "a,b" ,1', '        db "a,b", 1'],
    ['  rep movsb', '        rep movsb'],
    ['  lock inc dword [rax]', '        lock inc dword [rax]'],
    ['   section .text', 'section .text'],
    ['A equ 1\nBCD equ 22', 'A       equ 1\nBCD     equ 22'],
    ['%if 1\n%define X 1\n%endif', '%if 1\n  %define X 1\n%endif'],
    [' mov eax, "a;b"', '        mov     eax, "a;b"'],
    ['; a comment stays', '; a comment stays'],
    [
      '%macro save 1\n  push %1\n%endmacro\nsave rax',
      '%macro save 1\n        push    %1\n%endmacro\n        save    rax',
    ],
    ['a: equ 5 ;', 'a:      equ 5                                   ;'],
    ['x: times 3 db 0', 'x:      times 3 db 0'],
  ])('%j', (text, expected) => {
    expect(formatted(text)).toBe(expected);
  });

  it('keeps the columns that a file has', () => {
    const text = '    mov eax, 1\n    mov ebx, 2\n    add eax, ebx\nx:  ret';
    expect(formatted(text)).toBe(text);
    expect(formatted(`${text}\n  sub   eax,1`)).toBe(`${text}\n    sub eax, 1`);
  });

  it.each([...SAMPLES, 'samples/include/hypervisor.inc', 'samples/include/console.inc'])(
    'leaves %s as it is',
    (path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      const p = sample(path);
      const isMacro = (name: string): boolean =>
        entitiesOf(p).macros.get(name)?.kind === 'macro' || /^(vmcs|say|finish|save_guest|restore_guest)$/.test(name);
      const changed = formatText(text, DEFAULT_SETTINGS.format, isMacro).length;
      expect(changed / text.split('\n').length).toBeLessThan(0.03);
    },
  );

  it.each(corpus().map(({ name, text }) => [name, text] as const))(
    'changes no byte of %s, and nothing the second time',
    (name, text) => {
      const once = formatted(text);
      expect(Buffer.from(assemble(name, once).bytes).equals(Buffer.from(assemble(name, text).bytes))).toBe(true);
      expect(assemble(name, once).diagnostics.length).toBe(assemble(name, text).diagnostics.length);
      expect(formatted(once)).toBe(once);
    },
  );

  it('formats the line that was left with Enter', () => {
    const text = 'mov eax,1\n\nmov ebx,2';
    expect(formatOnType(text, { line: 1, character: 0 }, DEFAULT_SETTINGS.format).map((e) => e.newText)).toEqual([
      '        mov     eax, 1',
    ]);
  });
});
