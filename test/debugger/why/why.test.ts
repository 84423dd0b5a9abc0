// why, in words: what decides about instructions (SDM "Instructions That Cause VM Exits Conditionally") and about events.

import { describe, expect, test } from 'vitest';
import { whyText } from '../../../src/debugger/why/text.ts';
import { whyExit, whyInstruction } from '../../../src/debugger/why/why.ts';
import type { Machine } from '../../../src/machine/types.ts';
import { vmcsEncoding } from '../../../src/spec/vmcs-fields.ts';
import { assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

const EVERY_REASON = new Uint8Array(256).fill(1);

/** Runs `setUp` in the hypervisor and then the guest, up to the first VM exit. */
function toExit(setUp: string, guest: string): { machine: Machine; text: string; answer: (at?: bigint) => string } {
  const program = assembleText(`%include "hypervisor.inc"
test:
${setUp}
        guest_at guest
        call    run_guest
        pass
guest:
${guest}
        vmcall
`);
  const { machine } = startProgram(program);
  const stop = machine.run({ limit: 1_000_000, exitReasons: EVERY_REASON });
  if (stop.kind !== 'vm-exit') throw new Error(`stopped for ${stop.kind}`);
  const result = whyExit(machine, stop.exit);
  if (!result.ok) throw new Error(result.error);
  const answer = (at = stop.exit.guestRip): string => {
    const found = whyInstruction(machine, at);
    return found.ok ? whyText(found.answer) : found.error;
  };
  return { machine, text: whyText(result.answer), answer };
}

describe.skipIf(!hasNasm())('why this exit', () => {
  test.each([
    [
      'a control',
      '        vmset 0x4002, 1 << 7',
      '        hlt',
      [
        'HLT (12)',
        'HLT exits when “HLT exiting” is 1, and it is 1.',
        '“HLT exiting” = 1   (Primary processor-based VM-execution controls)',
      ],
    ],
    [
      'no control',
      '',
      '        cpuid',
      ['CPUID (10)', 'CPUID in VMX non-root operation exits whatever the controls say.'],
    ],
    [
      // Port 71H: bit 1 of byte 14 (0EH) of bitmap A.
      'a bit of an I/O bitmap',
      '        vmset 0x4002, 1 << 25\n        vmw 0x2000, BITMAPS\n        vmw 0x2002, BITMAPS + 0x1000\n        mov byte [BITMAPS + 14], 2',
      '        in al, 0x70\n        in al, 0x71',
      ['I/O instruction (30)', 'Bit 0x71 of I/O bitmap A is 1: port 0x71 exits.'],
    ],
    [
      // IA32_LSTAR C0000082H: the read bitmap for high MSRs begins at 400H; bit 2 of its byte 10H.
      'a bit of the MSR bitmaps',
      '        vmset 0x4002, 1 << 28\n        vmw 0x2004, BITMAPS\n        mov byte [BITMAPS + 0x410], 4',
      '        mov ecx, 0xC0000081\n        rdmsr\n        inc ecx\n        rdmsr',
      ['RDMSR (31)', 'RDMSR of IA32_LSTAR: bit 0x82 of the read bitmap for high MSRs is 1.'],
    ],
    [
      'a CR0 mask and shadow',
      '        vmw 0x6000, 8\n        vmw 0x6004, 0',
      '        mov rax, cr0\n        or eax, 8\n        mov cr0, rax',
      [
        'Control-register accesses (28)',
        'differs from the read shadow 0x0 in bits that the guest/host mask gives to the host: 0x8.',
      ],
    ],
    [
      'a CR3-target value',
      '        vmset 0x4002, 1 << 15\n        mov rax, cr3\n        vmw 0x6008, rax\n        vmw 0x400A, 1',
      '        mov rax, cr3\n        mov cr3, rax\n        xor eax, eax\n        mov cr3, rax',
      ['Control-register accesses (28)', '“CR3-load exiting” is 1 and 0x0 is none of the 1 CR3-target values.'],
    ],
    [
      'a bit of the exception bitmap',
      '        vmw 0x4004, 1 << 6',
      '        ud2',
      ['bit 6 of the exception bitmap is 1', 'bit 6 (#UD) of the exception bitmap = 1   (Exception bitmap)'],
    ],
    [
      // A supervisor write without translation has error code 2: masked with 1 it is 0, which matches 0.
      'a page fault by mask and match',
      '        vmw 0x4004, 1 << 14\n        vmw 0x4006, 1\n        vmw 0x4008, 0',
      '        mov rax, 0x7FFFFFFFF000\n        mov [rax], al',
      ['bit 14 of the exception bitmap is 1 and the error code 0x2 matches (masked with 0x1 it must be 0x0)'],
    ],
    [
      // An address with bit 40, on a processor with 39 physical-address bits.
      'an entry of the EPTP list',
      `        mov     dword [EPT_TABLES], EPT_TABLES + 0x1007
        mov     dword [EPT_TABLES + 0x1000], EPT_TABLES + 0x2007
        mov     dword [EPT_TABLES + 0x2000], 0xB7
        mov     dword [EPT_TABLES + 0x2008], 0x2000B7
        mov     rax, (EPT_TABLES | 0x1E) + (1 << 40)
        mov     [SCRATCH], rax
        vmset   0x401E, 0x2002
        vmset   0x4002, 1 << 31
        vmw     0x201A, EPT_TABLES | 0x1E
        vmw     0x2018, 1
        vmw     0x2024, SCRATCH`,
      '        xor eax, eax\n        xor ecx, ecx\n        vmfunc',
      ['VMFUNC (59)', 'Entry 0 of the EPTP list (0x1000020a01e) is no EPT pointer that a VM entry would take.'],
    ],
    [
      'the monitor trap flag',
      '        vmset 0x4002, 1 << 27',
      '        nop',
      ['Monitor trap flag (37)', 'One instruction ran, or an event was delivered, and “monitor trap flag” is 1.'],
    ],
    [
      'the VMX-preemption timer',
      '        vmset 0x4000, 1 << 6\n        vmw 0x482E, 1',
      '        jmp $',
      [
        'VMX-preemption timer expired (52)',
        'The VMX-preemption timer counted down to 0, and “activate VMX-preemption timer” is 1.',
      ],
    ],
  ])('%s', (_, setUp, guest, words) => {
    const { text } = toExit(setUp, guest);
    for (const word of words) expect(text).toContain(word);
    expect(text).not.toContain('have changed since');
  });
});

describe.skipIf(!hasNasm())('why not', () => {
  test('a control that is 0, and one whose word is not activated', () => {
    const { machine, answer } = toExit(
      '        vmclr 0x4002, (1 << 31) | (1 << 12)',
      '        vmcall\n        rdtsc\n        wbinvd',
    );
    const at = machine.lastExit()?.guestRip ?? 0n;
    expect(answer(at + 3n)).toContain('No VM exit\nRDTSC exits when “RDTSC exiting” is 1, and it is 0.');
    expect(answer(at + 5n)).toContain(
      'WBINVD exits when “WBINVD exiting” is 1, and it is 0, because “activate secondary controls” is 0.',
    );
  });

  test('a privilege check comes first', () => {
    const { machine, answer } = toExit('        vmset 0x4002, 1 << 7', '        hlt');
    machine.writeVmcs(vmcsEncoding('Guest SS access rights'), 0xc0f3n);
    expect(answer()).toContain(
      '#GP, which does not exit\nHLT needs CPL 0 and CPL is 3: #GP comes before any intercept',
    );
    machine.writeVmcs(vmcsEncoding('Exception bitmap'), 1n << 13n);
    expect(answer()).toContain('#GP, which exits');
  });

  test('what has changed since is said', () => {
    const { machine } = toExit('        vmset 0x4002, 1 << 7', '        hlt');
    const primary = vmcsEncoding('Primary processor-based VM-execution controls');
    machine.writeVmcs(primary, (machine.readVmcs(primary) ?? 0n) & ~(1n << 7n));
    const exit = machine.lastExit();
    if (exit === undefined) throw new Error('no exit');
    const result = whyExit(machine, exit);
    expect(result.ok && whyText(result.answer)).toContain('have changed since the VM exit');
  });

  test('code that cannot be read', () => {
    const { answer } = toExit('', '        cpuid');
    expect(answer(0x7fffffffffffn)).toMatch(/cannot be read: walk shows why/);
  });
});
