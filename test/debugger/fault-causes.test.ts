// Triple faults that begin with an x87, MMX or SSE instruction: what stood in its way, by the exception tables of the SDM. There is no
// IDT, so each fault is a triple fault.

import { describe, expect, it } from 'vitest';
import { explainExit, explainTripleFault } from '../../src/debugger/explain.ts';
import { imageOf } from '../../src/program/image.ts';
import { assembleText, hasNasm, startProgram } from '../vmx/hypervisors.ts';

const SSE = 'mov rax, cr4\nor eax, 0x600\nmov cr4, rax\n';

const GUEST = `
%include "hypervisor.inc"
test:
        vmw     EXCEPTION_BITMAP, 1 << 6
        run_until REASON_EXCEPTION
        pass
guest:
        xorps   xmm0, xmm0
`;

describe.skipIf(!hasNasm())('the cause of an exception that exits', () => {
  it('is told with the VM exit', () => {
    const program = assembleText(GUEST);
    const { machine } = startProgram(program);
    const stop = machine.run({ limit: 100_000, exitReasons: new Uint8Array(128).fill(1) });
    if (stop.kind !== 'vm-exit') throw new Error(`the run ended with ${stop.kind}`);
    expect(explainExit(stop.exit, machine, imageOf(program), true).body).toContain(
      'Cause: `xorps xmm0, xmm0` is an SSE instruction, and CR4.OSFXSR is 0',
    );
  });
});

describe.skipIf(!hasNasm())('the cause of a fault', () => {
  it.each([
    ['movups [rsp-64], xmm0', '`movups [rsp-0x40], xmm0` is an SSE instruction, and CR4.OSFXSR is 0: set CR4.OSFXSR'],
    ['mov rax, cr0\nor eax, 4\nmov cr0, rax\npaddb mm0, mm1', 'is an MMX instruction, and CR0.EM is 1'],
    [`${SSE}mov rax, cr0\nor eax, 8\nmov cr0, rax\naddps xmm0, xmm1`, 'is an SSE instruction, and CR0.TS is 1'],
    ['mov rax, cr0\nor eax, 8\nmov cr0, rax\nfld1', '`fld1` is an x87 instruction, and CR0.TS is 1'],
    [
      `${SSE}mov rsp, 0x200008\nmovaps [rsp+16], xmm0`,
      '`movaps [rsp+0x10], xmm0` accesses 0x200018, and its operand must lie at a multiple of 16: compiled code needs RSP',
    ],
    [
      `${SSE}mov eax, 0x200000\naddps xmm0, [rax+rax*2+4]`,
      'accesses 0x600004, and its operand must lie at a multiple of 16.',
    ],
    [
      `${SSE}mov rbx, 0x200000\nmov dword [rbx], 0x1d80\nldmxcsr [rbx]\nxorps xmm0, xmm0\nmov eax, 1\ncvtsi2ss xmm1, eax\ndivss xmm1, xmm0`,
      '`divss xmm1, xmm0` raised division by zero, which MXCSR (0x1d84) does not mask.',
    ],
    ['vaddps ymm0, ymm1, ymm2', 'is an AVX instruction: this processor has no AVX'],
  ] as const)('%s', (source, expected) => {
    const program = assembleText(source);
    const { machine } = startProgram(program);
    const stop = machine.run({ limit: 1000 });
    if (stop.kind !== 'triple-fault') throw new Error(`the run ended with ${stop.kind}`);
    expect(explainTripleFault(stop.faults, machine, imageOf(program)).body).toContain(expected);
  });
});
