// What several processors cost: the speed of one that computes, and of two and four that do the same at once, all together. Alternating
// rounds on machines in one process; prints a line of JSON.
import { readFileSync } from 'node:fs';
import { createMachine } from '../../src/machine/machine.ts';
import type { Machine } from '../../src/machine/types.ts';
import { loadProgram } from '../../src/program/load.ts';
import { cpuTime } from './cpu-time.ts';

// Where there is one processor, nobody receives the INIT and the SIPI.
const TEXT = `
STARTUP equ     0x8000
ICR     equ     0xfee00300
bits 64
org 0x100000
        mov     rax, cr3
        mov     [tables], eax
        mov     esi, trampoline
        mov     edi, STARTUP
        mov     ecx, trampoline_end - trampoline
        rep     movsb
        mov     ebx, ICR
        mov     dword [rbx], 0xc4500
        mov     dword [rbx], 0xc4608
work:   mov     ebx, 0x10000
        lock xadd [next], ebx
        lea     esp, [rbx + 0xf000]
again:  imul    eax, eax, 1103515245
        add     eax, 12345
        mov     edx, eax
        shr     edx, 22
        add     [rbx + rdx * 4], eax
        test    eax, 0x10000
        jz      even
        inc     ecx
        xor     esi, eax
even:   call    leaf
        jmp     again
leaf:   add     edi, eax
        ret
align 8
gdt:    dq      0, 0x00af9b000000ffff, 0x00cf93000000ffff
next:   dd      0x300000
trampoline:
bits 16
        cli
        o32 lgdt [cs:gdtr - trampoline]
        mov     eax, 0x20
        mov     cr4, eax
        mov     eax, [cs:tables - trampoline]
        mov     cr3, eax
        mov     ecx, 0xc0000080
        mov     eax, 0x100
        xor     edx, edx
        wrmsr
        mov     eax, 0x80000011
        mov     cr0, eax
        jmp     dword 8:work
tables: dd      0
gdtr:   dw      23
        dd      gdt
trampoline_end:
`;

const ROUND = 20_000_000;
const ramSize = 16 << 20;
const rounds = Number(process.argv[2] ?? 5);
const program = await loadProgram('processors.asm', { ramSize }, async () => new TextEncoder().encode(TEXT));
const coreWasm = await WebAssembly.compile(readFileSync(process.env.CORE_WASM ?? 'dist/core.wasm'));
const machines: readonly Machine[] = [1, 2, 4].map((processors) =>
  createMachine({ coreWasm, ramSize, program, processors }),
);

const speeds = new Map<number, number[]>();
for (let round = 0; round <= rounds; round++) {
  for (const machine of machines) {
    const start = cpuTime();
    const from = machine.time();
    while (machine.time() - from < ROUND) {
      const stop = machine.run({ limit: ROUND });
      if (stop.kind !== 'budget') throw new Error(`the program ended with ${JSON.stringify(stop)}`);
    }
    // The first round warms up.
    const speed = ROUND / (cpuTime() - start) / 1000;
    if (round > 0) speeds.set(machine.processors, [...(speeds.get(machine.processors) ?? []), speed]);
  }
}
for (const machine of machines) {
  for (let processor = 0; processor < machine.processors; processor++) {
    machine.select(processor);
    if (machine.activity(processor) !== 'active' || machine.readRegister('rdi') === 0n)
      throw new Error(`CPU ${processor} of ${machine.processors} does not compute`);
  }
}
console.log(JSON.stringify(Object.fromEntries(speeds)));
