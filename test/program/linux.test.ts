// Expected values are from "The Linux/x86 Boot Protocol" and "Zero Page" of the Linux kernel's documentation.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import { ProgramError } from '../../src/program/errors.ts';
import { type LoadOptions, loadProgram } from '../../src/program/load.ts';
import type { Program } from '../../src/program/types.ts';
import { coreModule } from '../vmx/hypervisors.ts';
import { MEMORY, filesReader, lacking, load, run, temporaryFolder } from './toolchain.ts';

/** A bzImage that looks at its own entry state: prints the command line and ends with 0 where all is as the protocol says. */
const KERNEL = `
%ifndef XLOADFLAGS
%define XLOADFLAGS 1
%endif
%ifndef RELOCATABLE
%define RELOCATABLE 1
%endif
bits 16
org 0
    times 0x1f1 - ($ - $$) db 0
    db 1                        ; setup_sects
    dw 0
    dd (image_end - image) / 16 ; syssize
    dw 0, 0, 0
    dw 0xaa55
    jmp short setup
    db "HdrS"
    dw 0x20f
    dd 0
    dw 0x1000, 0
    db 0, 1                     ; type_of_loader, loadflags
    dw 0
    dd 0x100000, 0, 0, 0
    dw 0
    db 0, 0
    dd 0, 0x7fffffff            ; cmd_line_ptr, initrd_addr_max
    dd 0x200000                 ; kernel_alignment
    db RELOCATABLE, 21
    dw XLOADFLAGS
    dd 2047, 0, 0, 0, 0, 0, 0, 0
    dq 0x1000000                ; pref_address
    dd 0x300000                 ; init_size
    dd 0, 0
setup:                          ; the boot protocol's entry at 1020:0000
    cli
    mov ax, cs
    sub ax, 0x20
    mov bx, ds
    cmp ax, bx
    jne .wrong
    mov bx, ss
    cmp ax, bx
    jne .wrong
    cmp sp, 0xe000
    jne .wrong
    test byte [0x211], 0x80
    jz .wrong
    mov esi, [0x228]
    sub esi, 0x10000
.next:
    lodsb
    test al, al
    jz .end
    mov dx, 0x3f8
    out dx, al
    jmp .next
.end:
    mov al, 0x10
    out 0xf4, al
.wrong:
    mov al, 0x7f
    out 0xf4, al
    times 1024 - ($ - $$) db 0

%macro look 1 ; prefix of registers
    mov ax, cs
    cmp ax, 0x10
    jne %%wrong
    mov ax, ds
    cmp ax, 0x18
    jne %%wrong
    mov ax, es
    cmp ax, 0x18
    jne %%wrong
    mov ax, ss
    cmp ax, 0x18
    jne %%wrong
    mov ds, ax                  ; the GDT has it
    cmp dword [%1si + 0x202], 0x53726448
    jne %%wrong
    mov ebx, esi
    mov esi, [%1bx + 0x228]
%%next:
    lodsb
    test al, al
    jz %%end
    mov dx, 0x3f8
    out dx, al
    jmp %%next
%%wrong:
    mov al, 0x7f
    out 0xf4, al
%%end:
%endmacro

image:
bits 32
    mov eax, ebp
    or eax, edi
    or eax, ebx
    mov al, 0x7e
    jnz exit32
    call place
place:
    pop eax
    sub eax, place - image
    cmp eax, [esi + 0x214]      ; code32_start
    mov al, 0x7d
    jne exit32
    look e
    mov al, 0x20
exit32:
    out 0xf4, al
    times 0x200 - ($ - image) db 0x90
bits 64
    look r
    mov al, 0x40
    out 0xf4, al
    align 16
image_end:
`;

const folder = temporaryFolder();

function kernel(name: string, ...definitions: string[]): string {
  const [source, image] = [join(folder, `${name}.asm`), join(folder, name)];
  writeFileSync(source, KERNEL);
  run('nasm', ['-f', 'bin', ...definitions.map((text) => `-D${text}`), '-o', image, source]);
  return image;
}

function outcome(program: Program): { text: string; status: number } {
  const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program });
  let text = '';
  machine.onOutput = (bytes) => {
    text += String.fromCharCode(...bytes);
  };
  const stop = machine.run({ limit: 10_000 });
  if (stop.kind !== 'shutdown') throw new Error(JSON.stringify(stop));
  return { text, status: (stop.status - 1) / 2 };
}

/** The segment that covers an address, from that address on. */
function at(program: Program, address: number): DataView {
  const segment = program.segments.find((one) => address >= one.address && address < one.address + one.bytes.length);
  if (!segment) throw new Error(`nothing at ${address.toString(16)}`);
  const offset = address - segment.address;
  return new DataView(segment.bytes.buffer, segment.bytes.byteOffset + offset, segment.bytes.length - offset);
}

async function failure(bytes: Uint8Array, options: Partial<LoadOptions> = {}): Promise<string> {
  const files = filesReader({ '/x': bytes, '/initrd': new Uint8Array(MEMORY), '/small': new Uint8Array(1) });
  try {
    await loadProgram('/x', { ramSize: MEMORY, format: 'linux', ...options }, files);
  } catch (error) {
    if (error instanceof ProgramError) return error.code;
    throw error;
  }
  return 'none';
}

describe.skipIf(lacking('nasm'))('Linux boot protocol', () => {
  it.each([
    ['64-bit entry where xloadflags have it', [], {}, 0x40],
    ['32-bit entry elsewhere', ['XLOADFLAGS=0'], {}, 0x20],
    ['32-bit entry when asked for', [], { bits: 32, format: 'linux' }, 0x20],
    ['real-mode entry when asked for', [], { bits: 16, format: 'linux' }, 0x10],
    ['an image that cannot be moved', ['RELOCATABLE=0', 'XLOADFLAGS=0'], {}, 0x20],
  ] as const)('%s', async (name, definitions, options, status) => {
    const program = await load(kernel(name.replaceAll(/\W/g, '-'), ...definitions), {
      args: 'console=ttyS0 quiet',
      ...options,
    });
    expect(outcome(program)).toEqual({ text: 'console=ttyS0 quiet', status });
  });

  it('fills boot_params', async () => {
    writeFileSync(join(folder, 'initrd'), Uint8Array.of(1, 2, 3, 4, 5));
    const program = await load(kernel('parameters'), { args: 'one two', modules: [join(folder, 'initrd')] });
    if (program.entry.kind !== 'linux') throw new Error('not linux');
    const zero = at(program, program.entry.parameters);
    expect(program.entry.entry).toBe(0x1000000 + 0x200);
    expect(zero.byteLength).toBe(4096);
    expect(zero.getUint8(0x210)).toBe(0xff); // type_of_loader: none assigned
    expect(zero.getUint32(0x214, true)).toBe(0x1000000);
    expect(zero.getUint16(0x1fa, true)).toBe(0xffff); // vid_mode normal
    expect(zero.getUint32(0x21c, true)).toBe(5);
    const initrd = at(program, zero.getUint32(0x218, true));
    expect([initrd.byteLength, initrd.getUint8(4)]).toEqual([5, 5]);
    expect(zero.getUint32(0x218, true)).toBe(MEMORY - 4096); // the last page
    expect(zero.getUint32(0x238, true)).toBe(2047); // copied with the header
    expect(zero.getUint32(0x1e0, true)).toBe(63 * 1024); // alt_mem_k
    const entries = zero.getUint8(0x1e8);
    const map = Array.from({ length: entries }, (_, index) => {
      const entry = 0x2d0 + 20 * index;
      return [zero.getBigUint64(entry, true), zero.getBigUint64(entry + 8, true), zero.getUint32(entry + 16, true)];
    });
    expect(map).toEqual([
      [0n, 0x9fc00n, 1],
      [0x9fc00n, 0x400n, 2],
      [0xf0000n, 0x10000n, 2],
      [0x100000n, 0x3f00000n, 1],
    ]);
    expect(zero.getUint8(0x1ef)).toBe(0); // sentinel
    expect(zero.getUint32(0, true)).toBe(0);
  });

  it('loads at the lowest aligned address where memory ends before the preferred one', async () => {
    const program = await load(kernel('low'), { ramSize: 8 << 20 });
    expect(program.entry).toMatchObject({ entry: 0x200200 });
  });

  it('says what is wrong', async () => {
    const image = new Uint8Array(readFileSync(kernel('errors', 'XLOADFLAGS=0')));
    const changed = (offset: number, ...values: number[]): Uint8Array => {
      const copy = image.slice();
      copy.set(values, offset);
      return copy;
    };
    expect(await failure(image)).toBe('none');
    expect(await failure(changed(0x202, 0))).toBe('no-linux-header');
    expect(await failure(changed(0x206, 1, 2))).toBe('unsupported-linux');
    expect(await failure(changed(0x211, 0))).toBe('unsupported-linux');
    expect(await failure(changed(0x201, 4))).toBe('bad-linux-header');
    expect(await failure(changed(0x230, 3))).toBe('bad-linux-header');
    expect(await failure(image.subarray(0, 1100))).toBe('truncated');
    expect(await failure(image, { bits: 64 })).toBe('bad-option');
    expect(await failure(image, { args: 'x'.repeat(2048) })).toBe('bad-option');
    expect(await failure(image, { modules: ['/small', '/small'] })).toBe('bad-option');
    expect(await failure(image, { modules: ['/initrd'] })).toBe('initrd-does-not-fit');
    expect(await failure(image, { ramSize: 4 << 20 })).toBe('outside-memory');
  });

  const memtest = ['/boot/memtest86+ia32.bin', '/boot/memtest86+x64.bin'].filter((path) => existsSync(path));
  it.skipIf(memtest.length === 0).each(memtest)('knows %s', async (path) => {
    expect((await load(path)).entry).toMatchObject({ kind: 'linux' });
  });
});
