// The rules of the VMX lint: each finds its mistake, and leaves correct programs alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lintDiagnostics, lintFindings } from '../../src/lsp/lint.ts';
import { LINT_RULES } from '../../src/lsp/settings.ts';
import { ROOT, program, sample } from './programs.ts';

const CHECK = ' jbe bad\n';
/** A program that does everything right, with a part to put in. */
const whole = (part: string): string => `bits 64
start:
 mov ecx, 0x481
 rdmsr
${part}
 mov edx, 0x6c14
 vmwrite rdx, rsp
${CHECK} lea rax, [exit]
 mov edx, 0x6c16
 vmwrite rdx, rax
${CHECK} vmlaunch
bad:
 hlt
exit:
 vmresume
 jmp bad
`;

const rules = (source: string): string[] => lintFindings(program(source)).map((f) => `${f.rule}:${f.range.line}`);

describe('VMX lint', () => {
  it('has nothing to say about a correct program', () => {
    expect(rules(whole(''))).toEqual([]);
  });

  it('says nothing about programs without VMX', () => {
    expect(rules('bits 64\nmov eax, 1\ncpuid\nhlt\n')).toEqual([]);
  });

  it.each([
    ['an encoding without a field', ` mov edx, 0x6821\n vmread rax, rdx\n${CHECK}`, ['unsupported-encoding:5']],
    [
      'an encoding from a constant',
      `F equ 0x1234\n mov edx, F\n vmwrite rdx, rax\n${CHECK}`,
      ['unsupported-encoding:6'],
    ],
    [
      'an encoding copied between registers',
      ` mov ebx, 0x7ffe\n mov edx, ebx\n vmread rax, rdx\n${CHECK}`,
      ['unsupported-encoding:5'],
    ],
    ['a read-only field', ` mov edx, 0x4402\n vmwrite rdx, rax\n${CHECK}`, ['read-only-field:5']],
    ['reading a read-only field', ` mov edx, 0x4402\n vmread rax, rdx\n${CHECK}`, []],
    ['a register that changed', ` mov edx, 0x4402\n add edx, 2\n vmwrite rdx, rax\n${CHECK}`, []],
    ['a register that a call may change', ` mov edx, 0x4402\n call exit\n vmwrite rdx, rax\n${CHECK}`, []],
    ['a register that CPUID changes', ` mov edx, 0x4402\n cpuid\n vmwrite rdx, rax\n${CHECK}`, []],
    ['no check', ' mov edx, 0x6800\n vmread rax, rdx\n add eax, 1', ['unchecked-result:6']],
    ['a check of one flag', ' vmptrst [rax]\n jz bad\n add eax, 1', ['unchecked-result:5']],
    ['two checks', ' vmptrst [rax]\n jz bad\n jc bad', []],
    ['flags kept for later', ' vmptrst [rax]\n mov rbx, rcx\n pushfq', []],
    ['SETBE', ' vmptrst [rax]\n setbe al', []],
    [
      'a plain control word',
      ` mov edx, 0x4000\n mov eax, 0x16\n vmwrite rdx, rax\n${CHECK}`,
      ['unadjusted-controls:7'],
    ],
    ['an adjusted control word', ` mov edx, 0x4000\n or eax, ebx\n vmwrite rdx, rax\n${CHECK}`, []],
    [
      'a control word without its MSR',
      ` mov edx, 0x4012\n or eax, ebx\n vmwrite rdx, rax\n${CHECK}`,
      ['unadjusted-controls:7'],
    ],
  ])('%s', (_name, part, expected) => {
    expect(rules(whole(part))).toEqual(expected);
  });

  it('misses VMLAUNCH, host RIP and host RSP', () => {
    expect(rules('bits 64\n vmresume\n jmp $\n').sort()).toEqual([
      'host-rip-rsp:2',
      'host-rip-rsp:2',
      'resume-before-launch:2',
    ]);
  });

  it('lets fields go through a table', () => {
    const table = 'bits 64\n mov rdx, [rsi]\n vmwrite rdx, rax\n jbe x\n vmlaunch\nx: hlt\nfields: dq 0x6c14, 0x6c16\n';
    expect(rules(table)).toEqual([]);
  });

  it('goes by the profile', () => {
    const source = whole(` mov edx, 0x201a\n vmwrite rdx, rax\n${CHECK}`);
    const found = (profile: string) => lintFindings(program(source, {}, { profile })).map((f) => f.rule);
    expect(found('recent-server')).toEqual([]);
    expect(found('penryn')).toContain('unsupported-encoding');
  });

  it('shows a mistake of a macro at its call', () => {
    const source = whole(
      `%macro set 2\n mov rax, %2\n mov edx, %1\n vmwrite rdx, rax\n${CHECK}%endmacro\n set 0x4402, 1`,
    );
    expect(lintDiagnostics(program(source), 0).map((d) => [d.code, d.range.start.line + 1])).toEqual([
      ['read-only-field', 11],
    ]);
  });

  it('gives each diagnostic a link to its rule, and obeys the setting', () => {
    const source = whole(' mov edx, 0x6800\n vmread rax, rdx\n add eax, 1');
    const documentation = 'file:///docs/lint.md';
    const [found] = lintDiagnostics(program(source, {}, { documentation }), 0);
    expect(found).toMatchObject({ severity: 3, codeDescription: { href: `${documentation}#unchecked-result` } });
    const severity = (value: 'off' | 'error') =>
      lintDiagnostics(program(source, {}, { lint: { ...LINT_RULES, 'unchecked-result': value } }), 0).map(
        (d) => d.severity,
      );
    expect(severity('off')).toEqual([]);
    expect(severity('error')).toEqual([1]);
  });

  it('explains each rule in docs/lint.md and has a setting for it', () => {
    const page = readFileSync(join(ROOT, 'docs/lint.md'), 'utf8');
    const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
    for (const rule of Object.keys(LINT_RULES)) {
      expect(page).toContain(`<a id="${rule}"></a>`);
      expect(manifest).toContain(`"ringside.lint.${rule}"`);
    }
  });

  it('finds the fault that broken-entry has, and none of weight in hello-vmx', () => {
    const weighty = (path: string) =>
      lintFindings(sample(path))
        .filter((f) => f.rule !== 'unchecked-result')
        .map((f) => f.rule);
    expect(weighty('samples/hello-vmx/hello-vmx.asm')).toEqual([]);
    expect(weighty('samples/ept/ept.asm')).toEqual([]);
    expect(weighty('samples/broken-entry/broken-entry.asm')).toEqual(['unadjusted-controls']);
  });
});
