// MMX and SSE instructions that fault, and what they access: by the exception tables of the SDM. What they compute is held to this
// computer's processor in native/simd.test.ts.

import { describe, expect, it } from 'vitest';
import {
  ABSENT,
  ABSENT_SIMD,
  CR0,
  CR4,
  DR0,
  DR7,
  MXCSR,
  RAM,
  RAX,
  STOP_BUDGET,
  STOP_WATCH,
  WATCHES,
  WATCH_HIT,
  WATCH_READ,
  WATCH_WRITE,
  X87_STATUS,
  X87_TAGS,
  XMM,
} from '../../src/core/layout.ts';
import { readQuad, readWord, retired, runFor, type TestCore, writeQuad, writeWord } from './harness.ts';
import { DATA, MASKED, OSFXSR, OSXMMEXCPT, start } from './simd-start.ts';

const EM = 4n;
const TS = 8n;

interface Fault {
  readonly name: string;
  readonly code: string;
  readonly vector: number;
  readonly error?: number;
  readonly bits?: 32;
  readonly prepare?: (core: TestCore) => void;
  /** MXCSR afterwards; unchanged when absent. */
  readonly mxcsr?: number;
}

const cr0 = (bits: bigint) => (core: TestCore) => writeQuad(core, CR0, readQuad(core, CR0) | bits);
const noCr4 = (bits: bigint) => (core: TestCore) => writeQuad(core, CR4, readQuad(core, CR4) & ~bits);
const mxcsr = (value: number) => (core: TestCore) => writeWord(core, MXCSR, value);
const UNMASKED = 0;

const FAULTS: readonly Fault[] = [
  { name: 'SSE with CR0.EM', code: 'addps xmm1, xmm2', prepare: cr0(EM), vector: 6 },
  { name: 'SSE with CR0.EM and CR0.TS: #UD comes first', code: 'addps xmm1, xmm2', prepare: cr0(EM | TS), vector: 6 },
  { name: 'SSE with CR0.TS', code: 'addps xmm1, xmm2', prepare: cr0(TS), vector: 7 },
  { name: 'a move with CR0.TS', code: 'movups xmm1, [rbx]', prepare: cr0(TS), vector: 7 },
  { name: 'SSE without CR4.OSFXSR', code: 'movaps xmm1, xmm2', prepare: noCr4(OSFXSR), vector: 6 },
  { name: 'MMX with CR0.EM', code: 'paddb mm1, mm2', prepare: cr0(EM), vector: 6 },
  { name: 'MMX with CR0.TS', code: 'paddb mm1, mm2', prepare: cr0(TS), vector: 7 },
  { name: 'EMMS with CR0.TS', code: 'emms', prepare: cr0(TS), vector: 7 },
  { name: 'MASKMOVDQU with CR0.TS', code: 'maskmovdqu xmm1, xmm2', prepare: cr0(TS), vector: 7 },
  {
    name: 'MMX with an x87 exception pending',
    code: 'paddb mm1, mm2',
    prepare: (core) => writeWord(core, X87_STATUS, 0x8081),
    vector: 16,
  },
  { name: 'CVTPI2PS without CR4.OSFXSR', code: 'cvtpi2ps xmm1, mm2', prepare: noCr4(OSFXSR), vector: 6 },
  { name: 'LOCK', code: 'db 0xf0\naddps xmm1, [rbx]', vector: 6 },
  { name: 'LOCK on a move', code: 'db 0xf0\nmovups [rbx], xmm1', vector: 6 },
  { name: 'a hole in the map: 66 0F 12 with registers', code: 'db 0x66, 0x0f, 0x12, 0xca', vector: 6 },
  { name: 'MOVNTPS with registers', code: 'db 0x0f, 0x2b, 0xca', vector: 6 },
  { name: 'MOVAPS unaligned', code: 'movaps xmm1, [rbx+8]', vector: 13, error: 0 },
  { name: 'MOVAPS unaligned to memory', code: 'movaps [rbx+1], xmm1', vector: 13, error: 0 },
  { name: 'MOVNTDQ unaligned', code: 'movntdq [rbx+4], xmm1', vector: 13, error: 0 },
  { name: 'arithmetic unaligned', code: 'addps xmm1, [rbx+4]', vector: 13, error: 0 },
  { name: 'PSHUFB unaligned', code: 'pshufb xmm1, [rbx+15]', vector: 13, error: 0 },
  { name: 'unaligned on the stack', code: 'movaps xmm1, [rsp+8]', vector: 13, error: 0 },
  { name: 'not canonical', code: 'mov rax, 1 << 47\nmovups xmm1, [rax]', vector: 13, error: 0 },
  { name: 'not canonical, based on RBP', code: 'mov rbp, 1 << 47\nmovups xmm1, [rbp]', vector: 12, error: 0 },
  {
    name: 'the end beyond the canonical addresses',
    code: 'mov rax, (1 << 47) - 8\nmovups xmm1, [rax]',
    vector: 13,
    error: 0,
  },
  {
    name: 'beyond the segment',
    code: 'mov ebx, 0xfffffff1\nmovups xmm1, [ds:ebx]',
    bits: 32,
    prepare: (core) => writeWord(core, 0x1100 + 3 * 32 + 8, 0xfffffffe),
    vector: 13,
    error: 0,
  },
  { name: 'LDMXCSR of a reserved bit', code: 'mov dword [rbx], 0x10000\nldmxcsr [rbx]', vector: 13, error: 0 },
  {
    name: 'an unmasked division by zero',
    code: 'xorps xmm2, xmm2\ndivss xmm1, xmm2',
    prepare: mxcsr(UNMASKED),
    vector: 19,
    mxcsr: 4,
  },
  {
    name: 'the same without CR4.OSXMMEXCPT',
    code: 'xorps xmm2, xmm2\ndivss xmm1, xmm2',
    prepare: (core) => {
      mxcsr(UNMASKED)(core);
      noCr4(OSXMMEXCPT)(core);
    },
    vector: 6,
    mxcsr: 4,
  },
  {
    name: 'inexact in one of four elements, unmasked',
    code: 'mov dword [rbx], 0x40400000\nmovss xmm2, [rbx]\ndivps xmm1, xmm2',
    prepare: mxcsr(0x1f80 & ~(0x20 << 7)),
    vector: 19,
    mxcsr: (0x1f80 & ~(0x20 << 7)) | 0x24, // 1/3 is inexact, 2/0 and the others divide by zero
  },
  {
    name: 'a signaling comparison of a quiet NaN',
    code: 'mov dword [rbx], 0x7fc00000\ncomiss xmm1, [rbx]',
    prepare: mxcsr(MASKED & ~0x80),
    vector: 19,
    mxcsr: (MASKED & ~0x80) | 1,
  },
];

describe('faults', () => {
  it.each(FAULTS)('$name', ({ code: source, bits, prepare, vector, error, mxcsr: expected }) => {
    const core = start(source, bits);
    prepare?.(core);
    core.exports.updateMode();
    const before = core.bytes.slice(XMM + 16, XMM + 32);
    const mxcsrBefore = readWord(core, MXCSR);
    const { fault } = runFor(core, 10);
    expect(fault && { vector: fault.vector, error: fault.error }).toEqual({ vector, error });
    expect(retired(core)).toBe(source.split('\n').filter((line) => !line.startsWith('db 0xf0')).length - 1);
    expect(core.bytes.slice(XMM + 16, XMM + 32)).toEqual(before);
    expect(readWord(core, MXCSR)).toBe(expected ?? mxcsrBefore);
  });

  it('is #UD for what CPUID does not offer', () => {
    for (const [bit, source] of [
      [0, 'paddb mm1, mm2'],
      [1, 'addps xmm1, xmm2'],
      [2, 'movdqa xmm1, xmm2'],
      [3, 'haddps xmm1, xmm2'],
      [4, 'pshufb xmm1, xmm2'],
      [5, 'ptest xmm1, xmm2'],
      [6, 'pcmpgtq xmm1, xmm2'],
      [7, 'aesenc xmm1, xmm2'],
      [8, 'pclmulqdq xmm1, xmm2, 0'],
      [9, 'sha1nexte xmm1, xmm2'],
      [1, 'maskmovq mm1, mm2'],
    ] as const) {
      const core = start(`${source}\nhlt`);
      expect(runFor(core, 1).stop, source).toBe(STOP_BUDGET);
      const without = start(source);
      writeWord(without, ABSENT, 1 << (ABSENT_SIMD + bit));
      expect(runFor(without, 1).fault?.vector, source).toBe(6);
    }
  });
});

const SECOND_PAGE = 0x200000; // enterLong maps pages of 2 MiB

/** The page at SECOND_PAGE is gone, or read-only. */
function changePage(core: TestCore, entry: bigint): void {
  writeQuad(core, RAM + 0x3000 + 8, entry);
  core.exports.flushTlb(3);
}

describe('memory operands', () => {
  it('across a page that is missing change nothing', () => {
    const core = start('movups [rbx], xmm1');
    writeQuad(core, RAX + 24, BigInt(SECOND_PAGE - 5));
    changePage(core, 0n);
    expect(runFor(core, 10).fault).toEqual({ vector: 14, error: 2, address: BigInt(SECOND_PAGE) });
    expect([...core.bytes.subarray(RAM + SECOND_PAGE - 5, RAM + SECOND_PAGE + 11)]).toEqual(new Array(16).fill(0));
  });

  it('across a page that is missing load nothing', () => {
    const core = start('movups xmm1, [rbx]');
    writeQuad(core, RAX + 24, BigInt(SECOND_PAGE - 15));
    changePage(core, 0n);
    expect(runFor(core, 10).fault).toEqual({ vector: 14, error: 0, address: BigInt(SECOND_PAGE) });
    expect(new Float32Array(core.bytes.buffer, XMM + 16, 1)[0]).toBe(1);
  });

  it('of MASKMOVDQU are written where the mask says, and not at all when a part is missing', () => {
    const source = 'pcmpeqb xmm2, xmm2\nmovd eax, xmm1\npinsrw xmm2, eax, 0\nmaskmovdqu xmm1, xmm2';
    const core = start(source);
    writeQuad(core, RAX + 8 * 7, BigInt(DATA + 3));
    expect(runFor(core, 4).stop).toBe(STOP_BUDGET);
    // The words of the mask are 0000H (the low half of 1.0), then FFFFH.
    expect([...core.bytes.subarray(RAM + DATA + 3, RAM + DATA + 3 + 8)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]);
    const missing = start(source);
    writeQuad(missing, RAX + 8 * 7, BigInt(SECOND_PAGE - 5));
    changePage(missing, 0n);
    expect(runFor(missing, 10).fault).toEqual({ vector: 14, error: 2, address: BigInt(SECOND_PAGE) });
    expect([...missing.bytes.subarray(RAM + SECOND_PAGE - 5, RAM + SECOND_PAGE)]).toEqual([0, 0, 0, 0, 0]);
  });

  it('reach a device in quadwords', () => {
    const accesses: string[] = [];
    const host = {
      readMemory: (physical: bigint, size: number) => {
        accesses.push(`read ${physical.toString(16)} ${size}`);
        return 0x1111111111111111n * ((physical & 15n) / 8n + 1n);
      },
      writeMemory: (physical: bigint, size: number, value: bigint) => {
        accesses.push(`write ${physical.toString(16)} ${size} ${value.toString(16)}`);
      },
    };
    const core = start('movups xmm1, [0x2000000]\nmovaps [0x2000010], xmm1\nmovss xmm1, [0x2000000]', 64, host);
    for (let i = 0; i < 3; i++) while (runFor(core, 3 - retired(core)).stop !== STOP_BUDGET);
    expect(accesses).toEqual([
      'read 2000000 8',
      'read 2000008 8',
      'write 2000010 8 1111111111111111',
      'write 2000018 8 2222222222222222',
      'read 2000000 4',
    ]);
  });

  it.each([
    ['movaps [rbx], xmm1', WATCH_WRITE],
    ['movups xmm1, [rbx]', WATCH_READ],
    ['addps xmm1, [rbx]', WATCH_READ],
    ['movntq [rbx+8], mm1', WATCH_WRITE],
  ] as const)('of %s meet what is watched', (source, kind) => {
    const core = start(`${source}\nnop\njmp $`);
    writeWord(core, WATCHES, 1);
    writeQuad(core, WATCHES + 8, BigInt(DATA + 12));
    writeWord(core, WATCHES + 16, 1);
    writeWord(core, WATCHES + 20, kind);
    core.exports.watchesChanged();
    expect(runFor(core, 100).stop).toBe(STOP_WATCH);
    expect(readWord(core, WATCH_HIT + 20)).toBe(kind);
    expect(retired(core)).toBe(1);
  });

  it('meet data breakpoints', () => {
    const core = start('movaps [rbx], xmm1\nnop');
    writeQuad(core, DR0, BigInt(DATA + 12));
    writeQuad(core, DR7, 0x10402n); // G0, a byte, written
    core.exports.updateMode();
    // The IDT is empty: delivering #DB is #GP, with its vector and EXT in the error code.
    expect(runFor(core, 10).fault).toEqual({ vector: 13, error: 0xb, address: 0n });
    expect(retired(core)).toBe(1);
    expect(new Float32Array(core.bytes.buffer, RAM + DATA + 12, 1)[0]).toBe(4);
  });
});

describe('MMX', () => {
  it('marks all x87 registers as in use, EMMS none', () => {
    const core = start('paddb mm1, mm2\nemms');
    writeWord(core, X87_STATUS, 5 << 11);
    writeWord(core, X87_TAGS, 0);
    runFor(core, 1);
    expect([readWord(core, X87_STATUS), readWord(core, X87_TAGS)]).toEqual([0, 0xff]);
    runFor(core, 1);
    expect(readWord(core, X87_TAGS)).toBe(0);
  });
});
