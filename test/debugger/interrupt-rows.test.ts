// The virtual APIC of programs that say themselves, in their comments and checks, what it holds at their first VMCALL.
import { describe, expect, test } from 'vitest';
import { localApicRows, rowText, virtualApicRows } from '../../src/debugger/interrupt-rows.ts';
import { childrenOf, scopesOf } from '../../src/debugger/variables.ts';
import type { CodeFrame } from '../../src/debugger/stack.ts';
import { imageOf } from '../../src/program/image.ts';
import { exitReasonByName } from '../../src/debugger/facts.ts';
import { assembleProgram, hasNasm, startProgram } from '../vmx/hypervisors.ts';

function atFirst(reason: string, name: string) {
  const program = assembleProgram(name);
  const { machine } = startProgram(program);
  const exitReasons = new Uint8Array(256);
  exitReasons[exitReasonByName(reason) ?? 0] = 1;
  expect(machine.run({ limit: 1_000_000, exitReasons }).kind).toBe('vm-exit');
  return { machine, image: imageOf(program) };
}

describe.skipIf(!hasNasm())('at the first VMCALL', () => {
  test('virtual-interrupt delivery', () => {
    const { machine } = atFirst('VMCALL', 'virtual-interrupts.asm');
    const rows = Object.fromEntries((virtualApicRows(machine) ?? []).map((row) => [row.name, rowText(row)]));
    expect(rows).toMatchObject({
      RVI: '0x42',
      SVI: '0x51',
      VPPR: '0x50',
      VTPR: '0x23',
      VIRR: '0x42',
      VISR: '0x51',
      'EOI exits': 'none',
    });
  });

  test('posted interrupts', () => {
    const { machine } = atFirst('VMCALL', 'posted-interrupts.asm');
    const rows = Object.fromEntries((virtualApicRows(machine) ?? []).map((row) => [row.name, rowText(row)]));
    expect(rows).toMatchObject({ RVI: '0x45', SVI: '0x83', posted: 'none', 'notification vector': '0xf1' });
    expect(rows['posted control']).toContain('NDST=0x1234');
    // The program enabled its local APIC by software with the spurious vector FFH.
    const local = Object.fromEntries(localApicRows(machine).map((row) => [row.name, rowText(row)]));
    expect(local['spurious vector']).toBe('0x1ff (vector=0xff, enabled)');
    expect(local.mode).toContain('xAPIC');
  });

  test('both are scopes of a frame; without a virtual APIC one is', () => {
    const frame = { side: 'root' } as CodeFrame;
    const names = (subject: ReturnType<typeof atFirst>): string[] => scopesOf(subject, frame).map(({ name }) => name);
    const virtual = atFirst('VMCALL', 'virtual-interrupts.asm');
    expect(names(virtual)).toEqual(expect.arrayContaining(['Virtual APIC', 'Local APIC']));
    const rvi = childrenOf(virtual, 'virtual-apic')?.find(({ name }) => name === 'RVI');
    expect(rvi).toMatchObject({ value: '0x42', writable: false });
    const plain = atFirst('CPUID', 'cpuid.asm');
    expect(names(plain)).toContain('Local APIC');
    expect(names(plain)).not.toContain('Virtual APIC');
    expect(childrenOf(plain, 'virtual-apic')).toBeUndefined();
  });
});
