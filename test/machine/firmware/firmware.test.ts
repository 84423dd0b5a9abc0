import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { romModule } from '../../../scripts/generate-firmware.mjs';
import { mpConfigurationTable, mpFloatingPointer } from '../../../src/machine/firmware/mp-table.ts';
import { createMachine } from '../../../src/machine/machine.ts';
import type { Stop } from '../../../src/machine/types.ts';
import { loadProgram } from '../../../src/program/load.ts';
import { filesReader, lacking, MEMORY } from '../../program/toolchain.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

async function runSource(source: string): Promise<{ stop: Stop; text: string }> {
  const files = filesReader({ '/boot.asm': new TextEncoder().encode(source) });
  const program = await loadProgram('/boot.asm', { ramSize: MEMORY }, files);
  const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program });
  let text = '';
  machine.onOutput = (bytes) => {
    text += String.fromCharCode(...bytes);
  };
  return { stop: machine.run({ limit: 100_000 }), text };
}

const boot = (body: string): string => `bits 16\norg 0x7c00\nstart:\n    xor ax, ax\n    mov ds, ax\n${body}\n`;

describe('real-mode firmware', () => {
  it('prints characters by INT 10H and keeps the registers', async () => {
    const { stop, text } = await runSource(
      boot(`    mov si, text
.next:
    lodsb
    test al, al
    jz .done
    mov ah, 0x0e
    mov dx, 0x1234
    int 0x10
    cmp dx, 0x1234
    jne .next
    jmp .next
.done:
    mov al, 5
    out 0xf4, al
text: db "Hello from a boot sector", 10, 0`),
    );
    expect(text).toBe('Hello from a boot sector\n');
    expect(stop).toEqual({ kind: 'shutdown', status: 11, port: 0xf4 });
  });

  it.each([
    ['    mov ax, 0x2400\n    int 0x15', /vector 15H with AX 2400H/],
    ['    mov ax, 0x0941\n    int 0x10', /vector 10H with AX 0941H/],
    ['    mov ah, 0\n    int 0x16', /vector 16H with AX 0000H/],
    ['    int 0xff', /vector FFH/],
    ['    ud2', /vector 06H/],
  ])('ends honestly where a service is missing: %s', async (body, words) => {
    const { stop } = await runSource(boot(body));
    expect(stop).toMatchObject({ kind: 'unsimulated', explanation: expect.stringMatching(words) });
  });

  it('leaves the BIOS data area', async () => {
    const { stop } = await runSource(
      boot(`    cmp word [0x400], 0x3f8
    jne .wrong
    cmp word [0x413], 639
    jne .wrong
    mov es, [0x40e]
    cmp byte [es:0], 1
    jne .wrong
    mov al, 1
.wrong:
    out 0xf4, al`),
    );
    expect(stop).toMatchObject({ kind: 'shutdown', status: 3 });
  });

  it('counts ticks since midnight by the real-time clock', async () => {
    // 23:59:58 is 86398 s: at 1193182 / 65536 ticks a second 1573006.3 of them, 0018008EH and a part.
    const { stop } = await runSource(
      boot(`    mov al, 4
    out 0x70, al
    mov al, 0x23
    out 0x71, al
    mov al, 2
    out 0x70, al
    mov al, 0x59
    out 0x71, al
    mov al, 0
    out 0x70, al
    mov al, 0x58
    out 0x71, al
    mov ah, 0
    int 0x1a
    cmp cx, TICKS >> 16
    jne .wrong
    cmp dx, TICKS & 0xffff
    jne .wrong
    mov al, 1
.wrong:
    out 0xf4, al
TICKS equ 86398 * 1193182 / 65536`),
    );
    expect(stop).toMatchObject({ kind: 'shutdown', status: 3 });
  });

  it.skipIf(lacking('nasm'))('is what rom.asm assembles to', () => {
    const committed = readFileSync(join(import.meta.dirname, '../../../src/machine/firmware/rom.ts'), 'utf8');
    expect(committed).toBe(romModule());
  });
});

describe('MultiProcessor tables', () => {
  const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff;

  it('have the lengths, counts and checksums of the specification', () => {
    const pointer = mpFloatingPointer(0xf5a10);
    expect([pointer.length, sum(pointer)]).toEqual([16, 0]);
    const table = mpConfigurationTable({ processors: [0, 1], signature: 0x606a6, features: 0x1234 });
    const view = new DataView(table.buffer);
    expect([view.getUint16(4, true), sum(table), view.getUint32(36, true)]).toEqual([table.length, 0, 0xfee00000]);
    const sizes = [20, 8, 8, 8, 8];
    const types: number[] = [];
    let at = 44;
    for (; at < table.length; at += sizes[table[at]!]!) types.push(table[at]!);
    expect(at).toBe(table.length);
    expect(types.length).toBe(view.getUint16(34, true));
    expect(types).toEqual([0, 0, 1, 2, ...new Array<number>(15).fill(3), 4, 4]);
  });
});
