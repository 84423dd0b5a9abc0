// The rules of the VMX lint: each finds its mistake, and leaves correct programs alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lintDiagnostics, lintFindings } from '../../src/lsp/lint.ts';
import { LINT_RULES } from '../../src/lsp/settings.ts';
import { quickFixes } from '../../src/lsp/quick-fixes.ts';
import { MAIN, ROOT, program } from './programs.ts';

const CHECK = ' jbe bad\n';
/** A program that does everything right, with a part to put in. */
const whole = (part: string): string => `bits 64
start:
 mov cr4, rax
 mov ecx, 0x481
 rdmsr
 vmxon [rsi]
${CHECK} vmclear [rsi]
${CHECK} vmptrld [rsi]
${CHECK} ${part.trimEnd()}
 mov edx, 0x6c14
 vmwrite rdx, rsp
${CHECK} lea rax, [exit]
 mov edx, 0x6c16
 vmwrite rdx, rax
${CHECK} mov edx, 0x681e
 vmwrite rdx, rdi
${CHECK} mov edx, 0x2800
 vmwrite rdx, rbx
${CHECK} vmlaunch
bad:
 hlt
exit:
 vmresume
 jmp bad
`;

/** VMX operation is on. */
const ON = 's: mov cr4, rax\n vmxon [rsi]\n jbe e\n';
const LOADED = `${ON} vmclear [rsi]\n jbe e\n vmptrld [rsi]\n jbe e\n`;
/** A loop that writes fields from a table. */
const FIELDS = ' mov edx, [rbx]\n vmwrite rdx, rax\n jbe e\n';

const rules = (source: string): string[] => lintFindings(program(source)).map((f) => `${f.rule}:${f.range.line}`);

describe('VMX lint', () => {
  it('has nothing to say about a correct program', () => {
    expect(rules(whole(''))).toEqual([]);
  });

  it('says nothing about programs without VMX', () => {
    expect(rules('bits 64\nmov eax, 1\ncpuid\nhlt\n')).toEqual([]);
  });

  /** Lines count from the part. */
  it.each([
    ['an encoding without a field', ` mov edx, 0x6821\n vmread rax, rdx\n${CHECK}`, ['unsupported-encoding:1']],
    [
      'an encoding from a constant',
      `F equ 0x1234\n mov edx, F\n vmwrite rdx, rax\n${CHECK}`,
      ['unsupported-encoding:2'],
    ],
    ['a local constant', `x:\n.F equ 0x1234\n mov edx, .F\n vmread rax, rdx\n${CHECK}`, ['unsupported-encoding:3']],
    ['an encoding copied', ` mov ebx, 0x7ffe\n mov edx, ebx\n vmread rax, rdx\n${CHECK}`, ['unsupported-encoding:1']],
    ['a read-only field', ` mov edx, 0x4402\n vmwrite rdx, rax\n${CHECK}`, ['read-only-field:1']],
    ['reading a read-only field', ` mov edx, 0x4402\n vmread rax, rdx\n${CHECK}`, []],
    ['a register that changed', ` mov edx, 0x4402\n add edx, 2\n vmwrite rdx, rax\n${CHECK}`, []],
    ['a register that a call may change', ` mov edx, 0x4402\n call bad\n vmwrite rdx, rax\n${CHECK}`, []],
    ['a register that CPUID changes', ` mov edx, 0x4402\n cpuid\n vmwrite rdx, rax\n${CHECK}`, []],
    ['a host selector with RPL', ` mov edx, 0xC02\n mov eax, 11\n vmwrite rdx, rax\n${CHECK}`, ['host-selector:2']],
    ['host TR = 0', ` mov edx, 0xC0C\n xor eax, eax\n vmwrite rdx, rax\n${CHECK}`, ['host-selector:2']],
    ['host FS = 0', ` mov edx, 0xC08\n xor eax, eax\n vmwrite rdx, rax\n${CHECK}`, []],

    ['no check', ' vmptrst [rax]\n add eax, 1', ['unchecked-result:1']],
    ['no check of an access', ' mov edx, 0x6800\n vmread rax, rdx\n add eax, 1', ['unchecked-access:2']],
    ['no check of an unknown field', ' vmread rax, rdx\n add eax, 1', ['unchecked-result:1']],
    ['a check of one flag', ' vmptrst [rax]\n jz bad\n add eax, 1', ['unchecked-result:1']],
    ['two checks', ' vmptrst [rax]\n jz bad\n jc bad', []],
    ['two checks the other way round', ' vmptrst [rax]\n jnc .a\n jmp bad\n.a: jnz .b\n jmp bad\n.b:', []],
    ['flags kept for later', ' vmptrst [rax]\n mov rbx, rcx\n pushfq', []],
    ['SETBE', ' vmptrst [rax]\n setbe al', []],
    ['a check behind a jump', ' vmptrst [rax]\n jmp .there\n add eax, 1\n.there: jbe bad', []],
    [
      'no check on one of two ways',
      ' vmptrst [rax]\n jrcxz .other\n jbe bad\n.other: add eax, 1',
      ['unchecked-result:1'],
    ],
    ['a check in a routine', ' vmptrst [rax]\n call .check\n jmp .on\n.check: ja .fine\n hlt\n.fine: ret\n.on:', []],
    [
      'no check in a routine',
      ' vmptrst [rax]\n call .say\n jmp .on\n.say: inc eax\n cmp eax, 1\n ret\n.on:',
      ['unchecked-result:1'],
    ],
    ['a routine that is not known', ' vmptrst [rax]\n call [rbx]\n add eax, 1', []],
    ['a return', ' vmptrst [rax]\n ret', []],

    [
      'a plain control word',
      ` mov edx, 0x4000\n mov eax, 0x16\n vmwrite rdx, rax\n${CHECK}`,
      ['unadjusted-controls:3'],
    ],
    ['an adjusted control word', ` mov edx, 0x4000\n or eax, ebx\n vmwrite rdx, rax\n${CHECK}`, []],
    ['no capability MSR', ` mov edx, 0x4012\n or eax, ebx\n vmwrite rdx, rax\n${CHECK}`, ['unadjusted-controls:3']],
    [
      'a capability MSR that is read too late',
      ` mov edx, 0x4012\n or eax, ebx\n vmwrite rdx, rax\n${CHECK} mov ecx, 0x484\n rdmsr`,
      ['unadjusted-controls:3'],
    ],
    [
      'a capability MSR in a routine',
      ` call .adjust\n mov edx, 0x4012\n vmwrite rdx, rax\n jmp .on\n.adjust: mov ecx, 0x484\n rdmsr\n ret\n.on: jbe bad`,
      [],
    ],
  ])('%s', (_name, part, expected) => {
    const before = whole('¦')
      .split('\n')
      .findIndex((line) => line.includes('¦'));
    const found = lintFindings(program(whole(`\n${part}`)));
    const inPart = found.filter(
      (f) => !f.rule.startsWith('unchecked-access') || f.range.line <= before + 1 + part.split('\n').length,
    );
    expect(inPart.map((f) => `${f.rule}:${f.range.line - before - 1}`)).toEqual(expected);
  });

  it.each([
    ['no VMXON', ' vmclear [rsi]\n jbe e\n vmptrld [rsi]\n jbe e\ne: hlt', ['vmx-before-vmxon:2']],
    ['VMXON without CR4.VMXE', ' vmxon [rsi]\n jbe e\ne: hlt', ['vmxon-without-vmxe:2']],
    ['VMPTRLD without VMCLEAR', `${ON} vmptrld [rsi]\n jbe e\ne: hlt`, ['load-before-clear:5']],
    ['VMWRITE without VMPTRLD', `${ON} vmwrite rdx, rax\n jbe e\ne: hlt`, ['no-current-vmcs:5']],
    ['after VMXOFF', `${ON} vmxoff\n jbe e\n vmclear [rsi]\n jbe e\ne: hlt`, ['vmx-before-vmxon:7']],
    [
      'VMXON in a routine',
      ' call on\n vmclear [rsi]\n jbe e\ne: hlt\non: mov cr4, rax\n vmxon [rsi]\n jbe e\n ret',
      [],
    ],
    ['VMXON in one branch', ' mov cr4, rax\n jrcxz .x\n vmxon [rsi]\n jbe e\n.x: vmclear [rsi]\n jbe e\ne: hlt', []],
    ['a routine that only others call', ' jmp $\nf: vmclear [rsi]\n jbe e\ne: hlt\n dq f', []],
    ['a part of something larger', 'global f\nf: vmclear [rsi]\n jbe e\ne: vmlaunch\n hlt', []],
    ['an include file that is missing', '%include "gone.inc"\n vmclear [rsi]\n jbe e\ne: hlt', []],
    [
      'a routine that is called before VMXON and after it',
      ' call say\n mov cr4, rax\n vmxon [rsi]\n jbe e\n call say\n vmclear [rsi]\n jbe e\ne: hlt\nsay: ret',
      [],
    ],
    [
      'VMRESUME before VMLAUNCH',
      `${LOADED} vmresume\n hlt\nx: vmlaunch\n hlt\ny: dq x\ne: hlt`,
      ['guest-rip:9', 'host-rip:9', 'host-rsp:9', 'link-pointer:9', 'resume-before-launch:9'],
    ],
    [
      'VMRESUME or VMLAUNCH',
      LOADED +
        FIELDS +
        ' cmp [rdi], cl\n jne .r\n vmlaunch\n jmp e\n.r: vmresume\ne: jmp e\n dq 0x6c14, 0x6c16, 0x681e, 0x2800',
      ['resume-before-launch:16'],
    ],
    [
      'VMRESUME in a loop',
      LOADED +
        FIELDS +
        '.l: call go\n jmp .l\ngo: cmp [rdi], cl\n jne .r\n vmlaunch\n ret\n.r: vmresume\n ret\ne: hlt\n dq 0x6c14, 0x6c16, 0x681e, 0x2800',
      [],
    ],
    [
      'VMRESUME alone',
      ' vmresume\n jmp $',
      ['guest-rip:2', 'host-rip:2', 'host-rsp:2', 'link-pointer:2', 'resume-before-launch:2', 'vmx-before-vmxon:2'],
    ],
  ])('order: %s', (_name, source, expected) => {
    const found = lintFindings(program(`bits 64\n${source}\n`)).filter((f) => f.rule !== 'unchecked-access');
    expect(found.map((f) => `${f.rule}:${f.range.line}`).sort()).toEqual(expected);
  });

  it('lets fields go through a table', () => {
    const table = `bits 64\n${LOADED} mov rdx, [rsi]\n vmwrite rdx, rax\n jbe e\n vmlaunch\ne: hlt\nfields: dq 0x6c14, 0x6c16, 0x681e, 0x2800\n`;
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
      ['read-only-field', 18],
    ]);
  });

  it('gives each diagnostic a link to its rule, and obeys the setting', () => {
    const source = whole(' vmptrst [rax]\n add eax, 1');
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

  it.each([
    ['unchecked-result', 'jbe', ` vmptrst [rax]\n add eax, 1`],
    ['unchecked-result', '"jc', ` vmptrst [rax]\n add eax, 1`],
    ['unchecked-access', 'jbe', ` mov edx, 0x6800\n vmread rax, rdx\n add eax, 1`],
    ['load-before-clear', 'vmclear', `${ON}        vmptrld [rsi + 8]   ; load\n jbe e\ne: hlt`],
    ['resume-before-launch', 'VMLAUNCH', `${LOADED}${FIELDS} vmresume\ne: hlt\n dq 0x6c14, 0x6c16, 0x681e, 0x2800`],
    ['host-rip', 'HOST_RIP', `${LOADED} vmlaunch\ne: hlt\nhost_entry: hlt`],
    ['host-rsp', 'HOST_RSP', `${LOADED} vmlaunch\ne: hlt`],
    ['guest-rip', 'GUEST_RIP', `${LOADED} vmlaunch\ne: hlt\nguest: hlt`],
    ['link-pointer', 'VMCS_LINK_POINTER', `${LOADED} vmlaunch\ne: hlt`],
  ])('repairs %s: %s', (rule, title, source) => {
    const text = `bits 64\nvmx_failed: hlt\n${source}\n`;
    const before = program(text);
    const diagnostics = lintDiagnostics(before, 0).filter((d) => d.code === rule);
    const fix = quickFixes(before, 0, diagnostics).find((action) => action.title.includes(title))!;
    const [edit] = fix.edit!.changes![MAIN]!;
    const lines = text.split('\n');
    const { start, end } = edit!.range;
    const line = lines[start.line]!;
    lines[start.line] = line.slice(0, start.character) + edit!.newText + line.slice(end.character);
    const after = program(lines.join('\n'));
    expect(after.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(lintFindings(after).map((f) => f.rule)).not.toContain(rule);
  });

  it('explains each rule in docs/lint.md and has a setting for it', () => {
    const page = readFileSync(join(ROOT, 'docs/lint.md'), 'utf8');
    const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
    for (const rule of Object.keys(LINT_RULES)) {
      expect(page).toContain(`<a id="${rule}"></a>`);
      expect(manifest).toContain(`"ringside.lint.${rule}"`);
    }
  });
});
