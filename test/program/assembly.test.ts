import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProgramError } from '../../src/program/errors.ts';
import { addressOf, addressesOfLine, functionsOf, imageOf, lineAt, symbolAt } from '../../src/program/image.ts';
import { lacking, load, run, temporaryFolder } from './toolchain.ts';

const MAIN = `bits 64
org 0x200000
%include "inc/macros.inc"
start:
    mov eax, VALUE
    twice nop
.loop:
    dec eax
    jnz .loop
    hlt

data:
    incbin "table.bin"
section .bss
buffer: resb 64
`;
const MACROS = `%define VALUE 5
%macro twice 1
    %1
    %1
%endmacro
`;

const folder = temporaryFolder();
mkdirSync(join(folder, 'inc'));
const main = join(folder, 'main.asm');
writeFileSync(main, MAIN);
writeFileSync(join(folder, 'inc/macros.inc'), MACROS);
writeFileSync(join(folder, 'table.bin'), Uint8Array.of(1, 2, 3, 4));

describe('assembly programs', () => {
  it('bring bytes, entry, labels and lines', async () => {
    const program = await load(main);
    expect(program).toMatchObject({ name: 'main.asm', entry: { kind: 'flat', entry: 0x200000, bits: 64 } });
    const image = imageOf(program);
    const loop = addressOf(image, 'start.loop')!;
    expect(loop).toBe(0x200007n); // five bytes of MOV and two of NOP
    expect(addressesOfLine(image, 'main.asm', 8)).toMatchObject({ line: 8, addresses: [loop] });
    expect(addressesOfLine(image, 'main.asm', 7)).toMatchObject({ line: 8 }); // a label alone binds to what follows
    expect(lineAt(image, loop + 3n)).toMatchObject({ line: 9, path: main });
    expect(symbolAt(image, loop + 1n)).toMatchObject({ name: 'start.loop', offset: 1n });
    expect(functionsOf(image).map(({ name }) => name)).toEqual(expect.arrayContaining(['start', 'data', 'buffer']));
    expect(
      program.segments.some(
        ({ address, size, bytes }) =>
          address === Number(addressOf(image, 'buffer')) && size === 64 && bytes.length === 0,
      ),
    ).toBe(true);
  });

  it.skipIf(lacking('nasm'))('have the bytes that NASM gives', async () => {
    run('nasm', ['-f', 'bin', '-o', 'main.bin', 'main.asm'], folder);
    const { readFileSync } = await import('node:fs');
    const { segments } = await load(main);
    expect(segments[0]!.bytes).toEqual(new Uint8Array(readFileSync(join(folder, 'main.bin'))));
  });

  it('take "address" and "bits" where the source says nothing, and say where an error is', async () => {
    const plain = join(folder, 'plain.asm');
    writeFileSync(plain, 'start: jmp start\n');
    expect((await load(plain, { bits: 32, address: 0x300000 })).entry).toEqual({
      kind: 'flat',
      entry: 0x300000,
      bits: 32,
    });
    const wrong = join(folder, 'wrong.asm');
    writeFileSync(wrong, 'bits 64\n  mov eax, [missing]\n');
    const error = await load(wrong).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProgramError);
    expect(error).toMatchObject({ code: 'assembly-failed' });
    expect((error as Error).message).toMatch(/wrong\.asm:2:\d+: .*missing/);
  });
});
