// Processors on which VMX cannot be used, as their firmware or their maker left them.
import { describe, expect, it } from 'vitest';
import type { Stop } from '../../src/machine/types.ts';
import { assembleText, hasNasm, profileNamed, startProgram } from './hypervisors.ts';

const SET_VMXE = `
  mov rax, cr4
  or eax, 0x2000
enable: mov cr4, rax
`;
const VMXON = `
  mov rax, cr0
  or eax, 0x20
  mov cr0, rax
  mov ecx, 0x480
  rdmsr
  mov [0x200000], eax
  mov dword [0x210000], 0x200000
  vmxon [0x210000]
  jc bad
  jz bad
  xor eax, eax
  out 0xf4, al
bad: mov al, 1
  out 0xf4, al
`;
const ENABLE_AND_LOCK = 'mov ecx, 0x3a\nrdmsr\nor eax, 5\nwrmsr\n';

/** The program has no IDT: its first fault is a triple fault whose chain tells the vector. */
function firstFault(profile: string, text: string): Stop | number | undefined {
  const stop = startProgram(assembleText(text), 32, profileNamed(profile)).machine.run({ limit: 10_000 });
  return stop.kind === 'triple-fault' ? stop.faults[0]?.vector : stop;
}

describe.skipIf(!hasNasm())('VMX that cannot be used', () => {
  it.each([
    ['no-vmx', 'CR4.VMXE is reserved', SET_VMXE, 13],
    ['no-vmx', 'VMXON is #UD', VMXON.replace(/rdmsr/, 'xor eax, eax'), 6],
    ['no-vmx', 'there are no VMX capability MSRs', 'mov ecx, 0x480\nrdmsr', 13],
    ['no-vmx', 'there is no IA32_FEATURE_CONTROL', 'mov ecx, 0x3a\nrdmsr', 13],
    ['no-vmx', 'VMCALL is #UD', 'vmcall', 6],
    ['vmx-locked-off', 'VMXON is #GP(0)', SET_VMXE + VMXON, 13],
    ['vmx-locked-off', 'IA32_FEATURE_CONTROL is locked', ENABLE_AND_LOCK, 13],
    ['vmx-unlocked', 'VMXON is #GP(0) before software enables it', SET_VMXE + VMXON, 13],
  ])('%s: %s', (profile, _about, text, vector) => {
    expect(firstFault(profile, text)).toBe(vector);
  });

  it('vmx-unlocked: software enables and locks it, then VMXON works', () => {
    const stop = firstFault('vmx-unlocked', ENABLE_AND_LOCK + SET_VMXE + VMXON);
    expect(stop).toEqual({ kind: 'shutdown', status: 1, port: 0xf4 });
  });

  it.each([
    ['recent-server', true],
    ['penryn', true],
    ['no-vmx', false],
    ['vmx-locked-off', true],
  ])('%s: CPUID.1:ECX.VMX is %s', (profile, vmx) => {
    const { machine } = startProgram(assembleText('mov eax, 1\ncpuid\nhlt'), 32, profileNamed(profile));
    machine.run({ limit: 100 });
    expect(((machine.readRegister('rcx') ?? 0n) >> 5n) & 1n).toBe(vmx ? 1n : 0n);
  });
});
