// Listings against objdump, forwards, and backwards from every instruction.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { disassemble } from '../../src/debugger/disassembly.ts';
import { decodeAll } from '../../src/debugger/instructions.ts';
import { imageOf, type Image } from '../../src/program/image.ts';
import { ROOT } from '../cli/bundle.ts';
import { createToy } from './toy-machine.ts';
import { listing, toyImage } from './toy-program.ts';

const missing = ['nasm', 'objdump'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
if (missing.length > 0) console.log(`disassembly is not compared: ${missing.join(' and ')} not on PATH`);

const LONG = `
  mov rax, [rsp+8]
  lea rsi, [rel next]
  imul ecx, [rbx+rcx*4-0x40], 1000
  vmread rax, rdx
  vmwrite rdx, [rsp]
next: vmptrld [rdi]
  vmlaunch
  vmresume
  invept rax, [rbx]
  mov cr4, rax
  movzx eax, byte [r12]
  lock cmpxchg [r9], rdx
  rep movsq
  mov qword [fs:0x28], 0
  push 0x1234
  jne next
  call next
  cpuid
  hlt
  ud2
  iretq
`;

const LEGACY = `
  mov eax, [bx+8]
  imul ecx, [ebx+ecx*4-0x40], 1000
  vmread eax, edx
next: vmptrld [di]
  vmlaunch
  mov cr4, eax
  movzx eax, byte [esi]
  rep movsd
  mov ax, [fs:0x28]
  push 0x1234
  jne next
  call next
  jmp 8:next
  aaa
  cpuid
  hlt
  iret
`;

function noSymbols(): Image {
  return imageOf({
    name: 'x',
    segments: [],
    entry: { kind: 'flat', entry: 0, bits: 64 },
    symbols: [],
    lines: { files: [], rows: [] },
  });
}

test('the toy’s bytes are the instructions that its listing says', () => {
  for (const [address, bytes, text] of listing()) {
    const [row, ...rest] = decodeAll(new Uint8Array(bytes), BigInt(address), 64);
    expect(row?.text.replaceAll(/\s+/g, ' ')).toBe(text);
    expect(rest).toEqual([]);
  }
});

describe.skipIf(missing.length > 0)('against objdump', () => {
  const folder = join(ROOT, 'build', 'test', 'disassembly');
  mkdirSync(folder, { recursive: true });

  test.each([16, 32, 64] as const)('boundaries of %i-bit code', (bits) => {
    const source = join(folder, `${bits}.asm`);
    const binary = join(folder, `${bits}.bin`);
    writeFileSync(source, `bits ${bits}\n${bits === 64 ? LONG : LEGACY}`);
    execFileSync('nasm', ['-f', 'bin', '-o', binary, source]);
    const mode = bits === 64 ? ['-m', 'i386:x86-64'] : bits === 32 ? ['-m', 'i386'] : ['-m', 'i8086'];
    const dump = execFileSync('objdump', ['-D', '-b', 'binary', ...mode, '-M', 'intel', '--insn-width=16', binary], {
      encoding: 'utf8',
    });
    const expected = [
      ...dump.matchAll(/^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*(?:(?:lock|rep|repz|repnz) )?(\w+)/gm),
    ].map((match) => ({
      address: BigInt(`0x${match[1]}`),
      length: match[2]?.trim().split(' ').length,
    }));
    const bytes = readFileSync(binary);
    const rows = decodeAll(new Uint8Array(bytes), 0n, bits).map((row) => ({
      address: row.address,
      length: row.bytes.length,
    }));
    expect(rows).toEqual(expected);
    expect(rows.length).toBeGreaterThan(12);
  });
});

describe('backwards', () => {
  test('from every instruction of a program with symbols: the ones before it', () => {
    const toy = createToy({ code: new Map(listing().map(([address, bytes]) => [address, bytes])), entry: 0x1000 });
    const image = toyImage();
    const guest = listing().filter(([address]) => address >= 0x2000 && address < 0x2010);
    for (const [index, [address]] of guest.entries()) {
      const rows = disassemble(
        toy,
        image,
        { space: { kind: 'linear', side: 'root' }, address: BigInt(address) },
        64,
        -index,
        index + 1,
      );
      expect(rows.map((row) => Number(row.address))).toEqual(guest.slice(0, index + 1).map(([at]) => at));
    }
  });

  test('without symbols: it ends exactly at the instruction asked for', () => {
    const toy = createToy({ code: new Map(listing().map(([address, bytes]) => [address, bytes])), entry: 0x1000 });
    const rows = disassemble(
      toy,
      noSymbols(),
      { space: { kind: 'linear', side: 'root' }, address: 0x200en },
      64,
      -4,
      5,
    );
    expect(rows).toHaveLength(5);
    expect(rows[4]).toMatchObject({ address: 0x200en, text: 'hlt', valid: true });
    for (const [index, row] of rows.slice(0, 4).entries()) {
      expect(row.address + BigInt(row.bytes.length)).toBe(rows[index + 1]?.address);
    }
    expect(rows[3]?.text).toBe('vmcall');
  });
});
