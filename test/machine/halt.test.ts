import { expect, it } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import { loadProgram } from '../../src/program/load.ts';
import { MEMORY, filesReader } from '../program/toolchain.ts';
import { coreModule } from '../vmx/hypervisors.ts';

it('names the place of a halt in the upper half of the address space', async () => {
  const source = `bits 64
org 0x100000
start:
    mov rax, [0x70000]              ; PML4 entry 511 as entry 0
    mov [0x70000 + 511 * 8], rax
    mov rax, 0xffffff8000000000 + upper
    jmp rax
align 256
upper:
    cli
    hlt`;
  const files = filesReader({ '/halt.asm': new TextEncoder().encode(source) });
  const program = await loadProgram('/halt.asm', { ramSize: MEMORY }, files);
  const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program });
  expect(machine.run({ limit: 1000 })).toMatchObject({
    kind: 'idle',
    explanation: expect.stringMatching(/RIP 0xffffff800010010[12]\b/),
  });
});
