// Hovers say what the manual says. Expected facts are from the Intel SDM.
import { describe, expect, it } from 'vitest';
import { hover } from '../../src/lsp/hover.ts';
import { marked, program } from './programs.ts';

function hoverText(source: string, values?: ReadonlyMap<string, bigint>): string {
  const { text, position } = marked(`bits 64\n${source}\n`);
  const found = hover(program(text), 0, position, values);
  if (found === undefined || typeof found.contents !== 'object' || !('value' in found.contents)) return '';
  return found.contents.value;
}

describe('hover on an instruction', () => {
  it.each([
    ['cpu¦id', ['Exits unconditionally', 'Not privileged', 'writes RCX, RDX, RBX, RAX', '0F A2']],
    ['¦hlt', ['Privileged: CPL 0', '“HLT exiting” (bit 7 of the primary controls) is 1', 'Control-sensitive']],
    ['rdms¦r', ['“use MSR bitmaps” (bit 28 of the primary controls) is 0', 'read bitmap', '#GP']],
    ['add¦ rax, 5', ['destination = destination + source', 'writes CF PF AF ZF SF OF', '48 83 C0 05', '4 bytes']],
    ['¦mov cr3, rax', ['“CR3-load exiting” (bit 15', 'CR3-target values']],
    ['¦mov rax, cr0', ['Never exits', 'CR0 read shadow']],
    ['¦sgdt [rax]', ['Behaviour-sensitive', 'descriptor-table exiting', 'UMIP']],
    ['¦popfq', ['Control-sensitive', 'Popek and Goldberg', 'not privileged']],
    ['¦vmlaunch', ['VMX', 'Exits unconditionally', '0F 01 C2']],
    ['¦vmread rax, rbx', ['VMCS shadowing', 'first written, second read']],
    ['¦div rbx', ['#DE']],
    ['vadd¦ps ymm1, ymm2, ymm3', ['Adds packed single-precision values', 'AVX', '#XM', 'VEX.256']],
    ['¦popcnt eax, ebx', ['POPCNT', 'number of bits that are 1']],
    ['x: j¦ne x', ['ZF = 0 (not equal)', 'reads ZF', 'Not sensitive']],
  ])('%s', (source, expected) => {
    const text = hoverText(source);
    for (const part of expected) expect(text).toContain(part);
  });
});

describe('hover on names and numbers of the manual', () => {
  it.each([
    ['mov edx, 0x681¦E\nvmread rax, rdx', ['Guest RIP', '681EH', 'natural width', 'guest-state area']],
    ['%define GUEST_RIP 0x681E\nmov edx, GUEST_¦RIP', ['Guest RIP', 'Instruction pointer of the guest']],
    ['GUEST_CR¦0 equ 0x6800', ['Guest CR0', '6800H', '| 31 | PG |']],
    ['mov edx, GUEST_¦RSP', ['Guest RSP', '681CH']],
    ['mov edx, PIN_BASED_VM_EXECUTION_¦CONTROLS', ['4000H', '32 bits', 'NMI exiting', '0 or 1']],
    ['mov ebx, PRIMARY_HLT_¦EXITING', ['bit 7', 'HLT exits', 'Allowed settings', '0 or 1']],
    ['mov ecx, IA32_VMX_¦BASIC', ['480H', 'read-only', 'VMCS revision']],
    ['mov ecx, 0x48¦0', ['IA32_VMX_BASIC']],
    ['cmp eax, EXIT_REASON_CP¦UID', ['basic exit reason 10']],
    ['or eax, CR4_VM¦XE', ['CR4.VMXE', 'bit 13']],
    ['mov edx, 0x440¦2\nvmwrite rdx, rax', ['Exit reason', 'read-only']],
  ])('%s', (source, expected) => {
    const text = hoverText(source);
    for (const part of expected) expect(text).toContain(part);
  });

  it('does not take a number of the program for one of the manual', () => {
    expect(hoverText('GUEST_RAX equ 112\nmov rax, [rsp + GUEST_R¦AX]')).not.toContain('VMCS');
    expect(hoverText('GUEST_RIP equ 16\nmov rax, [rsp + GUEST_R¦IP]')).not.toContain('VMCS');
  });
});

describe('hover on what the program defines', () => {
  it.each([
    ['; Says hello.\nhello:\n ret\n call hel¦lo', ['label', 'Says hello.', 'main.asm:3']],
    ['SIZE equ 4 * 1024\nmov eax, SI¦ZE', ['constant', '1000H', '4096']],
    ['%macro save 1\n push %1\n%endmacro\nsa¦ve rax', ['%macro save 1', 'push %1']],
    [
      '%define TWICE(x) (2 * x)\nmov eax, TWI¦CE(3)',
      ['%define TWICE(x) ( 2 * x )'.replace('( 2', '(2').replace('x )', 'x)')],
    ],
    [
      'RIP equ 0x681E\nmov edx, RI¦P\nvmread rax, rdx',
      ['constant', '681EH', 'Guest RIP', 'Instruction pointer of the guest'],
    ],
    ['RIP¦ equ 0x681E\nmov edx, RIP\nvmread rax, rdx', ['Guest RIP']],
    ['LOCK_MSR¦ equ 0x3A\nmov ecx, LOCK_MSR\nrdmsr', ['IA32_FEATURE_CONTROL']],
    [
      'WISH equ 1 << 7 | 1 << 3\nmov edx, 0x4002\nmov eax, WI¦SH\nvmwrite rdx, rax',
      [
        'Written to “Primary processor-based VM-execution controls”',
        '“HLT exiting” (bit 7)',
        '“use TSC offsetting” (bit 3)',
      ],
    ],
    ['struc pt\n.x: resq 1\n.y: resq 1\nendstruc\nmov eax, pt_si¦ze', ['structure of 16 bytes']],
    ['; put PORT, VALUE: writes.\n%macro put 2\n mov al, %¦2\n%endmacro\nput 1, 2', ['parameter 2 of `put`: VALUE']],
    ['%macro put 1-2 7\n mov al, %¦2\n%endmacro\nput 1', ['parameter 2 of `put`', 'Without it: `7`']],
    ['%macro wait 0\n%%ag¦ain: jmp %%again\n%endmacro\nwait', ['%%again', 'of its own in each call']],
  ])('%s', (source, expected) => {
    const text = hoverText(source);
    for (const part of expected) expect(text).toContain(part);
  });

  it('does not explain a number by a use that is not its own', () => {
    expect(hoverText('RIP equ 0x681E\nmov eax, RI¦P\nmov edx, 0x681E\nvmread rax, rdx')).not.toContain('Guest RIP');
  });

  it('shows the last value of a register and of its parts', () => {
    const values = new Map([
      ['rax', 0x1122334455667788n],
      ['cr0', 0x80000011n],
    ]);
    expect(hoverText('mov e¦ax, 1', values)).toContain('0x55667788');
    expect(hoverText('mov a¦h, 1', values)).toContain('0x77');
    expect(hoverText('mov c¦r0, rax', values)).toContain('PE');
  });
});
