// The engine: budgets are exact, the careful path gives what the fast path gives, self-modifying code takes effect at the next
// instruction, breakpoints stop before it. Code is assembled by Debian's nasm.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BREAKPOINTS,
  CR0,
  CS,
  RAM,
  RUN_CAREFUL,
  RUN_FLAGS,
  RUN_SKIP_BREAKPOINT,
  SS,
  STOP_BREAKPOINT,
  STOP_BUDGET,
  STOP_WATCH,
  WATCHES,
  WATCH_HIT,
  WATCH_READ,
  WATCH_WRITE,
} from '../../src/core/layout.ts';
import {
  CODE_64,
  DATA_32,
  PAGE_LARGE,
  PAGE_PRESENT,
  PAGE_USER,
  PAGE_WRITABLE,
  type TestCore,
  enterLong,
  enterProtected,
  enterReal,
  load,
  openCore,
  readQuad,
  readWord,
  register,
  retired,
  runFor,
  setSegment,
  writeQuad,
  writeWord,
} from './harness.ts';
import { between, type Random } from './native/random.ts';

const CODE = 0x8000;
/** Access rights of segments at DPL 3. */
const USER = 0x60;
const AM = 1n << 18n;
const AC = 1n << 18n;

let nasm: boolean;
try {
  execFileSync('nasm', ['-v'], { stdio: 'ignore' });
  nasm = true;
} catch {
  nasm = false;
  console.log('test/core/engine: nasm is missing, skipped');
}

function assemble(source: string, bits: 16 | 32 | 64, origin = CODE): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  writeFileSync(join(folder, 'a.asm'), `bits ${bits}\norg ${origin}\n${source}\n`);
  execFileSync('nasm', ['-f', 'bin', '-o', join(folder, 'a.bin'), join(folder, 'a.asm')]);
  return readFileSync(join(folder, 'a.bin'));
}

const ENTER = { 16: enterReal, 32: enterProtected, 64: enterLong } as const;

function start(source: string, bits: 16 | 32 | 64 = 64): TestCore {
  const core = openCore();
  load(core, CODE, assemble(source, bits));
  ENTER[bits](core, CODE);
  return core;
}

function registers(core: TestCore): string {
  const values = Array.from({ length: 16 }, (_, i) => register(core, i).toString(16));
  return `${values.join(' ')} rip ${core.exports.getRip().toString(16)} flags ${core.exports.getFlags().toString(16)}`;
}

/** A program with loops, calls, flags of every kind, string instructions and memory traffic. */
const BUSY = `
start:
  mov rsp, 0x9000
  mov rbx, 0x20000
  mov r12, 12345
.outer:
  mov rcx, 37
.inner:
  imul r12, r12, 1103515245
  add r12, 12345
  mov rax, r12
  shr rax, 16
  mov [rbx+rcx*8], rax
  adc r13, [rbx+rcx*8-8]
  test al, 4
  jz .even
  xor r14, rax
  rol r14, 7
  call leaf
.even:
  cmp eax, 0x40000000
  sbb r15, 1
  dec rcx
  jnz .inner
  lea rdi, [rbx+0x1000]
  mov rsi, rbx
  mov ecx, 300
  rep movsb
  setc al
  push rax
  pop rdx
  bt r14, 3
  cmovc r11, r14
  xchg [rbx], r12
  inc r10w
  jmp .outer
leaf:
  push rbp
  mov rbp, rsp
  sub byte [rbx+3], 5
  neg r9
  not r8d
  leave
  ret
`;

describe.skipIf(!nasm)('budget', () => {
  it('is exact however a run is cut', () => {
    const whole = start(BUSY);
    expect(runFor(whole, 200_000).stop).toBe(STOP_BUDGET);
    expect(retired(whole)).toBe(200_000);
    for (const seed of [1, 2, 3]) {
      const random: Random = { state: seed };
      const cut = start(BUSY);
      let left = 200_000;
      while (left > 0) {
        const slice = Math.min(left, between(random, 0, 3) ? between(random, 1, 5000) : between(random, 1, 70));
        expect(runFor(cut, slice).stop).toBe(STOP_BUDGET);
        left -= slice;
        expect(retired(cut)).toBe(200_000 - left);
      }
      expect(registers(cut)).toBe(registers(whole));
      expect(Buffer.compare(cut.bytes.subarray(RAM, RAM + 0x40000), whole.bytes.subarray(RAM, RAM + 0x40000))).toBe(0);
    }
  });

  it('gives on the careful path what the fast path gives', () => {
    const fast = start(BUSY);
    runFor(fast, 100_000);
    const careful = start(BUSY);
    writeWord(careful, RUN_FLAGS, RUN_CAREFUL);
    runFor(careful, 100_000);
    expect(retired(careful)).toBe(100_000);
    expect(registers(careful)).toBe(registers(fast));
  });

  it('does not count an instruction that faults', () => {
    for (const careful of [0, RUN_CAREFUL]) {
      const core = start('mov eax, 1\nmov ecx, 2\nxor edx, edx\nxor ebx, ebx\ndiv ebx\nhlt');
      writeWord(core, RUN_FLAGS, careful);
      expect(runFor(core, 1000).fault?.vector).toBe(0);
      expect(retired(core)).toBe(4);
      expect(core.exports.getRip()).toBe(BigInt(CODE + 14));
    }
  });
});

describe.skipIf(!nasm)('self-modifying code', () => {
  it('sees a store into the running superblock at the next instruction', () => {
    const core = start('mov byte [rel target+1], 7\ntarget: mov eax, 1\njmp $');
    expect(runFor(core, 100).stop).toBe(STOP_BUDGET);
    expect(register(core, 0)).toBe(7n);
  });

  it('sees a store into a block that ran before, in a loop', () => {
    const core = start(`
      mov ecx, 1000
      xor eax, eax
    again:
      add eax, 1
      patched equ $-1
      inc byte [rel patched]
      loop again
      jmp $`);
    runFor(core, 2 + 3 * 1000);
    let sum = 0;
    for (let i = 0, step = 1; i < 1000; i++, step = (step + 1) & 255) sum += (step << 24) >> 24;
    expect(Number(register(core, 0)) | 0).toBe(sum | 0);
  });

  it('keeps data beside code cheap and exact', () => {
    const core = start(`
      mov ecx, 5000
    again:
      inc qword [rel counter]
      dec ecx
      jnz again
      mov rax, [rel counter]
      jmp $
    counter: dq 0`);
    runFor(core, 1 + 3 * 5000 + 1);
    expect(register(core, 0)).toBe(5000n);
  });

  it('sees a store by a string instruction', () => {
    const core = start(`
      lea rsi, [rel source]
      lea rdi, [rel target]
      call target
      mov r8d, eax
      mov ecx, 6
      rep movsb
      call target
      jmp $
    target: mov eax, 1
      ret
    source: mov eax, 2
      ret`);
    runFor(core, 200);
    expect(register(core, 8)).toBe(1n);
    expect(register(core, 0)).toBe(2n);
  });

  it('sees a store through another linear address', () => {
    const core = start(`
      call target
      mov r8d, eax
      mov byte [0x400000+target+1], 2
      call target
      jmp $
    target: mov eax, 1
      ret`);
    const directory = RAM + 0x3000; // of the first GiB: 2 MiB pages
    writeQuad(core, directory + 2 * 8, readQuad(core, directory));
    core.exports.flushTlb(3);
    runFor(core, 200);
    expect(register(core, 8)).toBe(1n);
    expect(register(core, 0)).toBe(2n);
  });

  it('notices instructions across a page', () => {
    const core = openCore();
    load(core, 0x9ffe, assemble('mov eax, 0x11111111\nret', 64, 0x9ffe));
    load(
      core,
      CODE,
      assemble('mov rsp, 0x7000\ncall 0x9ffe\nmov ebx, eax\nmov byte [0xa001], 0x22\ncall 0x9ffe\njmp $', 64),
    );
    enterLong(core, CODE);
    runFor(core, 100);
    expect(register(core, 3)).toBe(0x11111111n);
    expect(register(core, 0)).toBe(0x11221111n);
  });

  it('sees what the outside wrote', () => {
    const core = start('again: mov eax, 1\njmp again');
    runFor(core, 100);
    core.bytes[RAM + CODE + 1] = 7;
    core.exports.physicalWritten(BigInt(CODE + 1), 1);
    runFor(core, 100);
    expect(register(core, 0)).toBe(7n);
  });
});

describe.skipIf(!nasm)('breakpoints', () => {
  it('stop before the instruction and can be passed over', () => {
    const core = start('again: inc rax\ninc rbx\njmp again');
    writeWord(core, BREAKPOINTS, 1);
    writeQuad(core, BREAKPOINTS + 8, BigInt(CODE + 3));
    core.exports.setBreakpoints();
    for (let round = 1; round < 5; round++) {
      writeWord(core, RUN_FLAGS, round > 1 ? RUN_SKIP_BREAKPOINT : 0);
      expect(runFor(core, 10_000).stop).toBe(STOP_BREAKPOINT);
      expect(core.exports.getRip()).toBe(BigInt(CODE + 3));
      expect(register(core, 0)).toBe(BigInt(round));
      expect(register(core, 3)).toBe(BigInt(round - 1));
      expect(retired(core)).toBe(1 + 3 * (round - 1));
    }
  });

  it('stop once at a repeated string instruction', () => {
    const core = start('mov ecx, 20000\nmov edi, 0x20000\nrep stosb\njmp $');
    writeWord(core, BREAKPOINTS, 1);
    writeQuad(core, BREAKPOINTS + 8, BigInt(CODE + 10));
    core.exports.setBreakpoints();
    expect(runFor(core, 10_000).stop).toBe(STOP_BREAKPOINT);
    writeWord(core, RUN_FLAGS, RUN_SKIP_BREAKPOINT);
    expect(runFor(core, 10_000).stop).toBe(STOP_BUDGET);
    expect(register(core, 1)).toBe(0n);
  });
});

describe.skipIf(!nasm)('watched memory', () => {
  for (const { kind, name } of [
    { kind: WATCH_WRITE, name: 'write' },
    { kind: WATCH_READ, name: 'read' },
  ]) {
    it(`stops after a ${name}`, () => {
      const core = start(`
        mov ebx, 0x20000
        mov dword [rbx+0x100], 9
        mov eax, [rbx]
        mov [rbx+4], eax
        jmp $`);
      writeWord(core, WATCHES, 1);
      writeQuad(core, WATCHES + 8, 0x20000n);
      writeWord(core, WATCHES + 16, 8);
      writeWord(core, WATCHES + 20, kind);
      core.exports.watchesChanged();
      expect(runFor(core, 100).stop).toBe(STOP_WATCH);
      expect(readQuad(core, WATCH_HIT)).toBe(kind === WATCH_WRITE ? 0x20004n : 0x20000n);
      expect(readWord(core, WATCH_HIT + 20)).toBe(kind);
      expect(retired(core)).toBe(kind === WATCH_WRITE ? 4 : 3);
    });
  }
});

describe.skipIf(!nasm)('fetch', () => {
  it('faults on the page that is missing, at the instruction that crosses into it', () => {
    const core = openCore();
    enterLong(core, 0x1ffffe);
    load(core, 0x1ffffe, [0xb8, 1, 2, 3, 4]);
    writeQuad(core, RAM + 0x3000 + 8, 0n); // the second 2 MiB page
    core.exports.flushTlb(3);
    const { fault } = runFor(core, 10);
    expect(fault).toEqual({ vector: 14, error: 0, address: 0x200000n });
    expect(core.exports.getRip()).toBe(0x1ffffen);
    expect(retired(core)).toBe(0);
  });

  it('raises #GP beyond the code segment and for more than 15 bytes', () => {
    const real = openCore();
    enterReal(real, 0xfffe);
    load(real, 0xfffe, [0xb8, 1, 2]);
    expect(runFor(real, 10).fault?.vector).toBe(13);
    const long = openCore();
    enterLong(long, CODE);
    load(long, CODE, [...Array(15).fill(0x66), 0x90]);
    expect(runFor(long, 10).fault?.vector).toBe(13);
    load(long, CODE, [...Array(14).fill(0x66), 0x90]);
    long.exports.flushCode();
    expect(runFor(long, 1).stop).toBe(STOP_BUDGET);
    expect(long.exports.getRip()).toBe(BigInt(CODE + 15));
  });

  it('raises #GP at a jump to a non-canonical address, and #SS for the stack', () => {
    for (const source of [
      'mov rax, 0x800000000000\njmp rax',
      'mov rax, 0x800000000000\npush rax\nret',
      'mov rax, 0x800000000000\ncall rax',
    ]) {
      const core = start(source);
      const before = 0x9000n;
      const { fault } = runFor(core, 10);
      expect(fault?.vector).toBe(13);
      expect(register(core, 4)).toBe(source.includes('ret') ? before - 8n : before);
    }
    expect(runFor(start('mov rsp, 0x800000000008\npush rax'), 10).fault?.vector).toBe(12);
    expect(runFor(start('mov rbp, 0x800000000000\nmov rax, [rbp]'), 10).fault?.vector).toBe(12);
    expect(runFor(start('mov rbx, 0x800000000000\nmov rax, [rbx]'), 10).fault?.vector).toBe(13);
  });
});

describe.skipIf(!nasm)('16- and 32-bit code', () => {
  it('wraps IP, SP and addresses as its size says', () => {
    const real = start('mov sp, 0\npush word 0x1234\nmov bx, 0xffff\nmov al, [bx+2]\nmov si, sp\njmp $', 16);
    load(real, 1, [0x5a]);
    runFor(real, 5);
    expect(register(real, 6)).toBe(0xfffen);
    expect(register(real, 0)).toBe(0x5an);
    expect(real.bytes[RAM + 0xfffe]).toBe(0x34);
  });

  it('calls and returns through memory and registers', () => {
    const core = start(
      'call near [table]\ncall ecx\nmov eax, esp\njmp $\nleaf: inc ebx\nmov ecx, leaf\nret 0\ntable: dd leaf',
      32,
    );
    runFor(core, 9);
    expect(register(core, 3)).toBe(2n);
    expect(register(core, 0)).toBe(0x9000n);
  });

  it('checks limits: #GP for data, #SS for the stack, #GP for jumps', () => {
    const faults = [
      ['mov bx, 0xffff\nmov ax, [bx]', 13],
      ['mov bp, 0xffff\nmov ax, [bp]', 12],
      ['mov sp, 1\npush ax', 12],
      ['mov eax, 0x12345\ndb 0x66\njmp ax', 13],
    ] as const;
    for (const [source, vector] of faults) expect(runFor(start(source, 16), 10).fault?.vector).toBe(vector);
  });
});

describe.skipIf(!nasm)('user code with alignment checks', () => {
  it('runs what a page holds after its translation was flushed', () => {
    const core = openCore();
    const [linear, first, second] = [0x400000, 0x400000, 0x600000];
    const source = (value: number) => assemble(`mov eax, ${value}\nmov ecx, 200\nagain: loop again\njmp $`, 64, linear);
    load(core, first, source(1));
    load(core, second, source(2));
    enterLong(core, linear);
    setSegment(core, CS, 0x2b, CODE_64 | USER, 0xffffffff, 0);
    setSegment(core, SS, 0x33, DATA_32 | USER, 0xffffffff, 0);
    writeQuad(core, CR0, readQuad(core, CR0) | AM);
    core.exports.setFlags(AC | 2n);
    core.exports.updateMode();
    const directoryEntry = RAM + 0x3000 + 8 * (linear / 0x200000);
    for (const [physical, value] of [
      [first, 1n],
      [second, 2n],
      [first, 1n],
    ] as const) {
      writeQuad(core, directoryEntry, BigInt(physical) | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER | PAGE_LARGE);
      core.exports.flushTlb(1);
      core.exports.setRip(BigInt(linear));
      expect(runFor(core, 1000)).toEqual({ stop: STOP_BUDGET });
      expect(register(core, 0)).toBe(value);
    }
  });
});
