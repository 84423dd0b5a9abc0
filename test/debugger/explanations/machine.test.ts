// Explanations on the real machine: the VMWRITE to blame, the audit, the statistics, the chain of a triple fault.

import { describe, expect, test } from 'vitest';
import { auditText, sourceProblems, writersOf } from '../../../src/debugger/checks.ts';
import { explainExit, explainTripleFault } from '../../../src/debugger/explain.ts';
import { statisticsReport } from '../../../src/debugger/statistics.ts';
import type { Machine, Stop } from '../../../src/machine/types.ts';
import { imageOf } from '../../../src/program/image.ts';
import { VMCS_FIELD_LIST, vmcsEncoding } from '../../../src/spec/vmcs-fields.ts';
import { assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';
import type { Program } from '../../../src/program/types.ts';

const available = hasNasm();
const ORIGIN = 0x100000;

function program(text: string): Program {
  return assembleText(`%include "hypervisor.inc"\n${text}`);
}

function run(text: string): { machine: Machine; stop: Stop; program: Program } {
  const assembled = program(text);
  const { machine } = startProgram(assembled);
  return { machine, stop: machine.run({ limit: 1_000_000 }), program: assembled };
}

/** Offset of a byte sequence in the program. */
function find({ segments }: Program, bytes: readonly number[]): bigint {
  const image = segments[0]?.bytes ?? new Uint8Array(0);
  for (let at = 0; at + bytes.length <= image.length; at++) {
    if (bytes.every((byte, i) => image[at + i] === byte)) return BigInt(ORIGIN + at);
  }
  throw new Error('the program does not hold these bytes');
}

describe.skipIf(!available)('a failed entry', () => {
  // VMWRITE RSI, RDI after a marker: mov esi, 0x6804 (Guest CR4), mov edi, 0.
  const text = `
test:
        mov     esi, 0x6804
        xor     edi, edi
        vmwrite rsi, rdi
        call    run_guest
        pass
guest:  hlt
`;

  test('names the VMWRITE that wrote the offending field', () => {
    const { machine, stop, program: assembled } = run(text);
    expect(stop.kind).toBe('entry-failure');
    if (stop.kind !== 'entry-failure') return;
    const vmwrite = find(assembled, [0xbe, 0x04, 0x68, 0, 0, 0x31, 0xff, 0x0f, 0x79, 0xf7]) + 7n;
    expect(machine.lastVmwrite(vmcsEncoding('Guest CR4'))).toBe(vmwrite);
    expect(stop.failure.checks[0]?.fields[0]?.name).toBe('Guest CR4');
    const row = { address: vmwrite, file: 0, line: 42, column: 1, statement: true, end: false };
    const rows = [row, { ...row, address: vmwrite + 3n, end: true }];
    const image = imageOf({ ...assembled, lines: { files: ['/work/hypervisor.asm'], rows } });
    const problems = sourceProblems(stop.failure.checks, writersOf(machine), image, stop.failure.hostRip);
    expect(problems[0]).toMatchObject({
      path: '/work/hypervisor.asm',
      line: 42,
      severity: 'error',
      code: stop.failure.checks[0]?.id,
    });
    expect(problems[0]?.message).toContain('Guest CR4 = 0x0');
  });

  test('is what the audit says, before and after', () => {
    const { machine, stop } = run(text);
    if (stop.kind !== 'entry-failure') throw new Error(`stopped for ${stop.kind}`);
    const audit = machine.auditVmcs();
    expect(audit?.failed.map((check) => check.id)).toEqual(stop.failure.checks.map((check) => check.id));
    expect(audit?.failed.map((check) => check.fix)).toEqual(stop.failure.checks.map((check) => check.fix));
    expect(audit?.outcome).toEqual(stop.failure.outcome);
    expect(audit?.unjudged).toEqual([]);
    expect(machine.writeVmcs(vmcsEncoding('Guest CR4'), 0x2020n)).toBeUndefined();
    expect(machine.lastVmwrite(vmcsEncoding('Guest CR4'))).toBeUndefined();
    const after = machine.auditVmcs();
    expect(after?.failed).toEqual([]);
    if (after === undefined) return;
    expect(auditText(after, 'The current VMCS', () => undefined, undefined)).toMatch(
      /^The current VMCS would enter: all \d+ checks hold or do not apply\.$/,
    );
  });
});

describe.skipIf(!available)('the audit of random VMCSs', () => {
  // mov esi, 1BADCAFEH marks the VMLAUNCH.
  const text = `
test:
        guest_at guest
        mov     esi, 0x1badcafe
        vmlaunch
        pass
guest:  hlt
`;
  const AREAS = ['control', 'guest', 'host'];

  test('is what VMLAUNCH then does', () => {
    let state = 0x1234567;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 0x100000000) * limit);
    };
    const assembled = program(text);
    const launch = find(assembled, [0xbe, 0xfe, 0xca, 0xad, 0x1b]) + 5n;
    const fields = VMCS_FIELD_LIST.filter(({ area, name }) => AREAS.includes(area) && !name.includes('MSR-'));
    let failures = 0;
    for (let round = 0; round < 40; round++) {
      const { machine } = startProgram(assembled);
      machine.setBreakpoints([launch]);
      expect(machine.run({ limit: 1_000_000 }).kind).toBe('breakpoint');
      for (let i = below(4); i >= 0; i--) {
        const field = fields[below(fields.length)];
        if (field === undefined) continue;
        const bits = field.width === 'natural' ? 64 : field.width;
        const value = (machine.readVmcs(field.encoding) ?? 0n) ^ (1n << BigInt(below(bits)));
        machine.writeVmcs(field.encoding, value);
      }
      const audit = machine.auditVmcs();
      const stop = machine.step();
      const seen = stop.kind === 'entry-failure' ? stop.failure : undefined;
      if (stop.kind === 'entry-failure') failures += 1;
      expect(audit?.failed.map(({ id, fix }) => [id, fix])).toEqual(
        (seen?.checks ?? []).map(({ id, fix }) => [id, fix]),
      );
      expect(audit?.outcome).toEqual(seen?.outcome);
    }
    expect(failures).toBeGreaterThan(5);
  });
});

describe.skipIf(!available)('exit statistics', () => {
  test('count exits by reason and place, and the instructions to the next entry', () => {
    // The guest exits 5 times by CPUID at one place and 3 times by VMCALL at another. run_guest, the handler, is the same
    // number of instructions each time but for the skip.
    const {
      machine,
      stop,
      program: assembled,
    } = run(`
test:
        guest_at guest
        mov     ebp, 8
.next:  call    run_guest
        skip
        dec     ebp
        jnz     .next
        out     0xf4, al
guest:  mov     ebx, 5
.again: cpuid
        mov     ebx, ebx
        inc     r10d
        cmp     r10d, 5
        jb      .again
.calls: vmcall
        jmp     .calls
`);
    expect(stop.kind).toBe('shutdown');
    const report = statisticsReport(machine, imageOf(assembled));
    expect(report.exits).toBe(8);
    expect(report.entries).toBe(8);
    expect(report.reasons.map(({ identifier, count, handled }) => [identifier, count, handled])).toEqual([
      ['CPUID', 5, 5],
      ['VMCALL', 3, 2],
    ]);
    const cpuid = find(assembled, [0x0f, 0xa2, 0x89, 0xdb]);
    expect(report.places.map(({ rip, count }) => [rip, count])).toEqual([
      [cpuid, 5],
      [find(assembled, [0x0f, 0x01, 0xc1, 0xeb, 0xfb]), 3],
    ]);
    const [row] = report.places;
    // The same path each time: no difference between the fewest and the most.
    expect(row?.least).toBe(row?.most);
    expect(row?.mean).toBe(row?.least);
    expect(row?.least).toBeGreaterThan(5);
    expect(report.handlers).toBe(report.reasons.reduce((sum, { total }) => sum + total, 0));
    expect(report.handlers).toBeLessThan(report.instructions);
  });
});

describe.skipIf(!available)('the chain of a triple fault', () => {
  test('outside VMX operation: vector, error code, place and what is wrong with the gate', () => {
    const assembled = assembleText(`
        lidt    [table]
        ud2
table:  dw      16 * 6 - 1
        dq      0
`);
    const { machine } = startProgram(assembled);
    const stop = machine.run({ limit: 1000 });
    expect(stop.kind).toBe('triple-fault');
    if (stop.kind !== 'triple-fault') return;
    const { body } = explainTripleFault(stop.faults, machine, imageOf(assembled));
    const ud2 = find(assembled, [0x0f, 0x0b]);
    // SDM "Error Code": the index of the IDT entry in bits 15:3, IDT in bit 1, EXT in bit 0.
    expect(body).toContain(`1. #UD (Invalid opcode) at 0x${ud2.toString(16)}`);
    expect(body).toContain(
      `#GP (General protection), error code 0x33 (IDT entry 6, while delivering an event from outside the program)`,
    );
    expect(body).toContain(
      'IDT entry 6 (#UD) ends at offset 0x6f, beyond the IDT’s limit 0x5f while #UD was delivered.',
    );
    // #UD is benign, so #GP follows it; #GP upon #GP is a double fault, and #GP upon that the end.
    expect(body).toContain('3. #GP (General protection), error code 0x6b (IDT entry 13,');
    expect(body).toContain('4. #DF (Double fault), error code 0x0');
    expect(body).toContain('5. #GP (General protection), error code 0x43 (IDT entry 8,');
  });

  test('of a guest, with its VM exit', () => {
    const assembled = program(`
test:
        vmw     0x4812, 0               ; guest IDTR limit
        vmw     0x4004, 0               ; exception bitmap
        guest_at guest
        call    run_guest
        pass
guest:  ud2
`);
    const { machine } = startProgram(assembled);
    const stop = machine.run({ limit: 1_000_000, exitReasons: new Uint8Array(256).fill(1) });
    expect(stop.kind).toBe('vm-exit');
    if (stop.kind !== 'vm-exit') return;
    expect(stop.exit.reason).toBe(2);
    const { body } = explainExit(stop.exit, machine, imageOf(assembled), true);
    expect(body).toContain('1. #UD (Invalid opcode)');
    expect(body).toContain('IDT entry 6 (#UD) ends at offset 0x6f, beyond the IDT’s limit 0x0');
  });
});
