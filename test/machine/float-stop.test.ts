// What the x87 exception report of old, through FERR# and IRQ 13, comes to: a stop that names it.
import { expect, test } from 'vitest';
import { assembleText, hasNasm, startProgram } from '../vmx/hypervisors.ts';

test.skipIf(!hasNasm())('an unmasked x87 exception with CR0.NE = 0 ends the run and says why', () => {
  const program = assembleText(`
    mov rax, cr0
    and eax, ~0x20
    mov cr0, rax
    fninit
    fldcw [rel control]
    fld1
    fldz
    fdivp st1, st0
    fnstsw ax
    fwait
    hlt
  control: dw 0x37b
  `);
  const { machine } = startProgram(program);
  expect(machine.run({ limit: 100 })).toMatchObject({
    kind: 'unsimulated',
    explanation: expect.stringMatching(/x87 exception is pending .* CR0\.NE = 0/),
  });
  expect(Number(machine.readRegister('rax')) & 0x8084).toBe(0x8084); // B, ES and ZE
});
