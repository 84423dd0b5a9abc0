// QEMU as the oracle for devices: a small multiboot program plays a list of accesses and prints what the reads answer.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, temporaryFolder } from '../../program/toolchain.ts';
import { type Bench, createBench } from './bench.ts';

export type Access =
  | { readonly kind: 'in'; readonly at: number; readonly size: 1 | 2 | 4 }
  | { readonly kind: 'out'; readonly at: number; readonly size: 1 | 2 | 4; readonly value: number }
  | { readonly kind: 'read'; readonly at: number }
  | { readonly kind: 'write'; readonly at: number; readonly value: number }
  /** Some milliseconds, for a timer to run off. */
  | { readonly kind: 'wait' };

export const inb = (at: number): Access => ({ kind: 'in', at, size: 1 });
export const outb = (at: number, value: number): Access => ({ kind: 'out', at, size: 1, value });
export const read = (at: number): Access => ({ kind: 'read', at });
export const write = (at: number, value: number): Access => ({ kind: 'write', at, value });

const KINDS = ['in', 'out', 'read', 'write', 'wait'];

const PLAYER = `
bits 32
org 0x100000
header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, header, 0, finish + 0x1000, start
start:
    cli
    mov esp, finish + 0x1000
    mov esi, table
next:
    movzx eax, byte [esi]
    movzx ecx, byte [esi + 1]
    mov edx, [esi + 4]
    mov ebx, [esi + 8]
    add esi, 12
    cmp al, 0
    je input
    cmp al, 1
    je output
    cmp al, 2
    je load
    cmp al, 3
    je store
    cmp al, 4
    je wait_long
    mov dx, 0xf4
    out dx, al
    hlt
input:
    xor eax, eax
    cmp cl, 2
    jb .byte
    je .word
    in eax, dx
    jmp print
.byte:
    in al, dx
    jmp print
.word:
    in ax, dx
    jmp print
output:
    mov eax, ebx
    cmp cl, 2
    jb .byte
    je .word
    out dx, eax
    jmp next
.byte:
    out dx, al
    jmp next
.word:
    out dx, ax
    jmp next
load:
    mov eax, [edx]
    jmp print
store:
    mov [edx], ebx
    jmp next
wait_long:
    mov ecx, 30000000
.loop:
    loop .loop
    in al, 0xf4
    jmp next
print:
    mov ecx, 4
    mov dx, 0xe9
.loop:
    out dx, al
    shr eax, 8
    loop .loop
    jmp next
align 4
table:
    incbin "table.bin"
finish:
`;

/** What QEMU's PC answers to the reads of a list, in order. */
export function playInQemu(accesses: readonly Access[]): number[] {
  const folder = temporaryFolder();
  const table = new DataView(new ArrayBuffer(accesses.length * 12 + 12));
  for (const [index, access] of accesses.entries()) {
    table.setUint8(index * 12, KINDS.indexOf(access.kind));
    table.setUint8(index * 12 + 1, 'size' in access ? access.size : 4);
    table.setUint32(index * 12 + 4, 'at' in access ? access.at : 0, true);
    table.setUint32(index * 12 + 8, 'value' in access ? access.value : 0, true);
  }
  table.setUint8(accesses.length * 12, 255);
  writeFileSync(join(folder, 'table.bin'), new Uint8Array(table.buffer));
  writeFileSync(join(folder, 'player.asm'), PLAYER);
  run('nasm', ['-f', 'bin', '-o', 'player.bin', 'player.asm'], folder);
  // biome-ignore format: a command line
  const result = spawnSync('qemu-system-x86_64', [
    '-accel', 'tcg', '-cpu', 'max', '-m', '64', '-display', 'none', '-no-reboot', '-serial', 'null', '-monitor', 'none', '-parallel', 'none', '-net', 'none',
    '-debugcon', 'file:console', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', 'player.bin',
  ], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
  if (result.error || (result.status ?? 0) % 2 === 0) throw new Error(`QEMU: ${result.error ?? result.stderr}`);
  const console = readFileSync(join(folder, 'console'));
  const answers: number[] = [];
  // The firmware prints to the same port before: the answers are the last bytes.
  const count = accesses.filter(({ kind }) => kind === 'in' || kind === 'read').length;
  for (let at = console.length - count * 4; at < console.length; at += 4) answers.push(console.readUInt32LE(at));
  return answers;
}

/** What our board answers to the same list. */
export function playOnBoard(accesses: readonly Access[], bench: Bench = createBench()): number[] {
  const answers: number[] = [];
  for (const access of accesses) {
    bench.time += 1000;
    if (access.kind === 'in') answers.push(bench.board.readPort(access.at, access.size));
    else if (access.kind === 'out') bench.board.writePort(access.at, access.size, access.value);
    else if (access.kind === 'read') answers.push(bench.board.readMemory(access.at, 4));
    else if (access.kind === 'write') bench.board.writeMemory(access.at, 4, access.value);
    else bench.runTo(bench.time + 10_000_000);
  }
  return answers;
}
