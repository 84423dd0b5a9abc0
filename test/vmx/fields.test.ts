// VMREAD and VMWRITE of every encoding: which fields exist, and how wide they are (SDM "Field Encoding in VMCS").
import { describe, expect, it } from 'vitest';
import { VMCS_FIELD_LIST } from '../../src/spec/vmcs-fields.ts';
import { fieldExists } from '../../src/vmx/capabilities.ts';
import { assembleText, hasNasm, profileNamed, startProgram } from './hypervisors.ts';

/** A bitmap of the encodings 0 to 7FFFH that exist, the high halves of 64-bit fields included. */
function bitmap(exists: (encoding: number) => boolean): string {
  const rows: string[] = [];
  for (let byte = 0; byte < 0x1000; byte++) {
    let bits = 0;
    for (let bit = 0; bit < 8; bit++) if (exists(byte * 8 + bit)) bits |= 1 << bit;
    rows.push(`${bits}`);
  }
  return `db ${rows.join(', ')}`;
}

/** Reads every encoding; writes all ones to those that exist, apart from the read-only area, and reads them back. */
function program(fields: string): string {
  return `%include "hypervisor.inc"
test:   xor     ebx, ebx
.each:  mov     r13d, ebx
        bt      [fields], ebx
        jc      .exists
        vmread  rax, rbx
        jnz     failed                          ; VMfailValid(12)
        jc      failed
        expect_field VM_INSTRUCTION_ERROR, 12
        jmp     .next
.exists:
        vmread  rax, rbx
        jbe     failed
        mov     ecx, ebx
        shr     ecx, 10
        and     ecx, 3
        cmp     ecx, 1                          ; VM-exit information
        je      .next
        mov     rax, -1
        vmwrite rbx, rax
        jbe     failed
        mov     rdx, -1                         ; how much of it stays: by bits 14:13 and 0 of the encoding
        test    ebx, 1
        jnz     .half
        mov     ecx, ebx
        shr     ecx, 13
        and     ecx, 3
        cmp     ecx, 0
        jne     .wide
        mov     edx, 0xFFFF
.wide:  cmp     ecx, 2
        jne     .compare
.half:  mov     edx, 0xFFFFFFFF
.compare:
        vmread  rcx, rbx
        cmp     rcx, rdx
        jne     failed
.next:  inc     ebx
        cmp     ebx, 0x8000
        jb      .each
        pass
guest:  hlt
        align   8
fields: ${fields}
`;
}

describe.skipIf(!hasNasm())('the fields of a VMCS', () => {
  it.each(['recent-server', 'haswell', 'nehalem', 'penryn'])('%s', (name) => {
    const profile = profileNamed(name);
    const encodings = new Set(
      VMCS_FIELD_LIST.filter((field) => fieldExists(profile, field)).flatMap(({ encoding, width }) =>
        width === 64 ? [encoding, encoding + 1] : [encoding],
      ),
    );
    const { machine, output } = startProgram(assembleText(program(bitmap((e) => encodings.has(e)))), 32, profile);
    const stop = machine.run({ limit: 10_000_000, vmFails: false, entryFailures: false });
    expect({ output: output(), stop }).toEqual({ output: '', stop: { kind: 'shutdown', status: 1, port: 0xf4 } });
  });
});
