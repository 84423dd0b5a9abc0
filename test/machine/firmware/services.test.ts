// Real-mode firmware services: one boot sector makes the calls and prints what comes back, in QEMU under SeaBIOS and here.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../../src/machine/machine.ts';
import { load, lacking, run, temporaryFolder } from '../../program/toolchain.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

const MEMORY = 128 << 20;
const CARRY = 0x01;
const ZERO = 0x40;

interface Call {
  readonly name: string;
  readonly vector: number;
  readonly ax: number;
  readonly bx?: number;
  readonly cx?: number;
  readonly dx?: number;
  /** Registers that QEMU's other board or display adapter answers differently, and those a call leaves undefined. */
  readonly ignore?: readonly ('ax' | 'bx' | 'cx' | 'dx')[];
}

const CALLS: readonly Call[] = [
  { name: 'lower memory', vector: 0x12, ax: 0x1234 },
  { name: 'drive 80H: reset', vector: 0x13, ax: 0x0000, dx: 0x80 },
  { name: 'drive 80H: read', vector: 0x13, ax: 0x0201, bx: 0x800, cx: 1, dx: 0x80 },
  { name: 'drive 80H: extensions', vector: 0x13, ax: 0x4100, bx: 0x55aa, dx: 0x80 },
  { name: 'intended mode', vector: 0x15, ax: 0xec00, bx: 2 },
  { name: 'SpeedStep', vector: 0x15, ax: 0xe980, dx: 0x4745 },
  { name: 'address line 20: on', vector: 0x15, ax: 0x2401 },
  { name: 'address line 20: status', vector: 0x15, ax: 0x2402 },
  { name: 'address line 20: ways', vector: 0x15, ax: 0x2403 },
  { name: 'sizes of memory', vector: 0x15, ax: 0xe801, ignore: ['bx', 'dx'] },
  { name: 'extended memory', vector: 0x15, ax: 0x8800 },
  { name: 'memory map without its signature', vector: 0x15, ax: 0xe820, cx: 20 },
  { name: 'no key', vector: 0x16, ax: 0x0100, ignore: ['ax'] },
  { name: 'no extended key', vector: 0x16, ax: 0x1100, ignore: ['ax'] },
  { name: 'shift keys', vector: 0x16, ax: 0x0200 },
  { name: 'repeat rate', vector: 0x16, ax: 0x0305 },
  { name: 'shape of the cursor', vector: 0x10, ax: 0x0100, cx: 0x0607 },
  { name: 'text mode', vector: 0x10, ax: 0x0003, ignore: ['ax'] },
  { name: 'place of the cursor after a mode is set', vector: 0x10, ax: 0x0300, ignore: ['ax'] },
  { name: 'mode', vector: 0x10, ax: 0x0f00, bx: 0x1234 },
];

const put = (register: string): string =>
  `    mov ax, [${register}]\n    out 0xe9, al\n    mov al, ah\n    out 0xe9, al\n`;
const SECTOR = `
bits 16
org 0x7c00
start:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7c00
    mov si, table
next:
    mov al, [si]
    mov [vector], al
    mov ax, [si + 1]
    mov bx, [si + 3]
    mov cx, [si + 5]
    mov dx, [si + 7]
    stc
    db 0xcd
vector: db 0
    pushf
    mov [0x600], ax
    mov [0x602], bx
    mov [0x604], cx
    mov [0x606], dx
    pop word [0x608]
${[0x600, 0x602, 0x604, 0x606, 0x608].map((address) => put(String(address))).join('')}
    add si, 9
    cmp si, table_end
    jb next
    xor ebx, ebx                ; the whole map, 20 bytes an entry
map:
    mov ax, 0
    mov es, ax
    mov di, 0x600
    mov edx, 0x534d4150
    mov ecx, 20
    mov eax, 0xe820
    int 0x15
    jc end
    cmp eax, 0x534d4150
    jne end
    cmp ecx, 20
    jne end
    cmp di, 0x600
    jne end
    mov si, di
    mov bp, 20
.byte:
    lodsb
    out 0xe9, al
    dec bp
    jnz .byte
    test ebx, ebx
    jnz map
    mov al, 0x10
    out 0xf4, al
end:
    mov al, 0x11
    out 0xf4, al
    hlt
table: incbin "table.bin"
table_end:
    times 510 - ($ - $$) db 0
    dw 0xaa55
`;

function sector(): { folder: string; image: string } {
  const folder = temporaryFolder();
  const bytes = CALLS.flatMap(({ vector, ax, bx = 0, cx = 0, dx = 0 }) => [
    vector,
    ...[ax, bx, cx, dx].flatMap((value) => [value & 0xff, value >> 8]),
  ]);
  writeFileSync(join(folder, 'table.bin'), Uint8Array.from(bytes));
  writeFileSync(join(folder, 'sector.asm'), SECTOR);
  run('nasm', ['-f', 'bin', '-o', 'sector.bin', 'sector.asm'], folder);
  return { folder, image: join(folder, 'sector.bin') };
}

interface Outcome {
  readonly answers: readonly (readonly [string, ...number[]])[];
  /** Address, size, type. */
  readonly map: readonly (readonly number[])[];
}

function outcomeOf(bytes: Buffer): Outcome {
  const answers = CALLS.map(({ name, ignore = [] }, index): readonly [string, ...number[]] => {
    const word = (at: number): number => bytes.readUInt16LE(index * 10 + at * 2);
    const registers = (['ax', 'bx', 'cx', 'dx'] as const).map((register, at) =>
      ignore.includes(register) ? 0 : word(at),
    );
    const [vector, ax] = [CALLS[index]!.vector, CALLS[index]!.ax];
    // Carry tells success of disk and system services, zero whether there is a key; other flags mean nothing.
    const flags = vector === 0x13 || vector === 0x15 ? CARRY : vector === 0x16 && (ax & 0xef00) === 0x100 ? ZERO : 0;
    return [name, ...registers, word(4) & flags];
  });
  const map: number[][] = [];
  for (let at = CALLS.length * 10; at + 20 <= bytes.length; at += 20)
    map.push([Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)), bytes.readUInt32LE(at + 16)]);
  return { answers, map };
}

async function here(image: string): Promise<Outcome> {
  const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program: await load(image) });
  const bytes: number[] = [];
  machine.onOutput = (more) => {
    bytes.push(...more);
  };
  const stop = machine.run({ limit: 100_000 });
  expect(stop).toMatchObject({ kind: 'shutdown', status: 0x21 });
  return outcomeOf(Buffer.from(bytes));
}

function inQemu(folder: string): Outcome {
  // biome-ignore format: a command line
  const result = spawnSync('qemu-system-x86_64', [
    '-accel', 'tcg', '-m', '128', '-display', 'none', '-no-reboot', '-serial', 'null', '-monitor', 'none', '-parallel', 'none', '-net', 'none',
    '-debugcon', 'file:console', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-drive', 'file=sector.bin,format=raw,if=floppy',
  ], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  if (result.error || result.status !== 0x21)
    throw new Error(`QEMU: ${result.error ?? result.stderr} ${result.status}`);
  const console = readFileSync(join(folder, 'console'));
  // SeaBIOS prints its log to the same port before the sector begins.
  const begin = console.lastIndexOf('Booting from');
  return outcomeOf(console.subarray(console.indexOf('\n', console.indexOf('0000:7c00', begin)) + 1));
}

describe.skipIf(lacking('nasm', 'qemu-system-x86_64'))('firmware services', () => {
  it('answer as SeaBIOS does', async () => {
    const { folder, image } = sector();
    const [ours, theirs] = [await here(image), inQemu(folder)];
    expect(ours.answers).toEqual(theirs.answers);
    expect(ours.map.slice(0, 3)).toEqual(theirs.map.slice(0, 3));
    // SeaBIOS keeps the end of memory for its ACPI tables; there are none here.
    expect(ours.map.slice(3)).toEqual([[0x100000, MEMORY - 0x100000, 1]]);
  });
});
