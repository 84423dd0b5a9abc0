import { describe, expect, test } from 'vitest';
import { explainEntryFailure, explainExit, explainTripleFault, explainVmFail } from '../../src/debugger/explain.ts';
import { exitReasonByName } from '../../src/debugger/facts.ts';
import type { VmExit } from '../../src/machine/types.ts';
import { toyImage, toySession } from './toy-program.ts';

const EXIT: VmExit = {
  processor: 0,
  number: 1,
  time: 0,
  reason: 10,
  qualification: 0n,
  guestRip: 0x2001n,
  instructionLength: 2,
  instructionInfo: 0,
  interruptionInfo: 0,
  interruptionError: 0,
  idtVectoringInfo: 0,
  idtVectoringError: 0,
  guestLinear: 0n,
  guestPhysical: 0n,
  vmcs: 0x8000n,
};

/** The words follow SDM "Exit Qualification for …"; values made by hand from its tables. */
describe('VM exits in words', () => {
  test.each([
    ['CPUID', {}, ['VM exit: CPUID', 'Instruction: cpuid, 2 bytes', 'Guest RIP: 0x2001 (guest+0x1, toy.asm:']],
    // MOV CR3 ← RDX: register 3 in bits 3:0, type 0, general register 2 in bits 11:8.
    ['CR_ACCESS', { qualification: 0x203n }, ['CR3 ← RDX']],
    // OUT DX, AL to port 3F8H: size 0, direction 0, port in bits 31:16.
    ['IO_INSTRUCTION', { qualification: 0x03f80000n }, ['OUT', 'port 0x3f8']],
    // A data write (bit 1) to a page that may be read (bit 3), linear address valid (bits 7 and 8).
    [
      'EPT_VIOLATION',
      { qualification: 0x18an, guestPhysical: 0x123000n, guestLinear: 0x456000n },
      ['write', 'Guest-physical address: 0x123000', 'Guest-linear address: 0x456000'],
    ],
    // #GP (13), hardware exception (type 3), error code valid, valid; while delivering external interrupt 20H.
    [
      'EXCEPTION_NMI',
      { interruptionInfo: 0x80000b0d | 0, interruptionError: 0x10, idtVectoringInfo: 0x80000020 | 0 },
      ['#GP', 'error code 0x10', 'While delivering: external interrupt 0x20'],
    ],
  ] as const)('%s', (name, fields, words) => {
    const { toy, image } = toySession();
    const exit = { ...EXIT, reason: exitReasonByName(name) ?? -1, ...fields };
    const { title, body } = explainExit(exit, toy, image, true);
    for (const word of words) expect(`${title}\n${body}`).toContain(word);
  });

  test('the leaf, MSR or hypercall that the guest asked for', () => {
    const { toy, image } = toySession();
    toy.registersOfToy.set('rax', 0x40000000n);
    toy.registersOfToy.set('rcx', 0xc0000080n);
    toy.registersOfToy.set('rdx', 0x1n);
    const body = (name: string): string =>
      explainExit({ ...EXIT, reason: exitReasonByName(name) ?? -1 }, toy, image, true).body;
    expect(body('CPUID')).toContain('CPUID leaf 0x40000000, subleaf 0xc0000080');
    expect(body('RDMSR')).toContain('RDMSR of IA32_EFER');
    expect(body('WRMSR')).toContain('WRMSR of IA32_EFER with 0x140000000');
    expect(explainExit(EXIT, toy, image, false).body).not.toContain('leaf');
  });
});

test('a failed VM entry: every check in the order of the processor, with who wrote the field and what takes part', () => {
  const check = (id: string, name: string, value: bigint, reported: boolean) => ({
    id,
    fields: [
      { name, value, bits: 'PE' },
      { name: 'VM-entry controls', value: 0x200n },
    ],
    rule: `rule of ${id}`,
    citation: `section of ${id}`,
    fix: `fix of ${id}`,
    reported,
  });
  const { title, body } = explainEntryFailure(
    {
      instruction: 'VMLAUNCH',
      hostRip: 0x1006n,
      outcome: { kind: 'vm-fail-valid', error: 8 },
      checks: [check('first', 'Host CR4', 0x20n, true), check('second', 'Guest RIP', 1n, false)],
    },
    toyImage(),
    (field) => (field === 'Host CR4' ? 0x1001n : undefined),
  );
  expect(title).toBe('VMLAUNCH failed: 2 checks fail');
  expect(body).toBe(
    [
      'At 0x1006 (_start+0x6, toy.asm:3). The processor reports: VMfailValid, VM-instruction error 8 (VM entry with invalid host-state field(s)).',
      '',
      '1. Host CR4 = 0x20 [PE]   ← the processor reports this one',
      '   Written: 0x1001 (_start+0x1, toy.asm:2)',
      '   Rule: rule of first',
      '   With: VM-entry controls = 0x200',
      '   SDM: section of first',
      '   Fix: fix of first',
      '',
      '2. Guest RIP = 0x1 [PE]',
      '   Rule: rule of second',
      '   With: VM-entry controls = 0x200',
      '   SDM: section of second',
      '   Fix: fix of second',
    ].join('\n'),
  );
});

test('VMfail and the chain of a triple fault', () => {
  const image = toyImage();
  const fail = explainVmFail(
    { instruction: 'VMPTRLD', rip: 0x1009n, error: 11, explanation: 'The region holds revision 0.' },
    image,
  );
  expect(fail.title).toBe('VMPTRLD failed: VMfailValid, VM-instruction error 11');
  expect(fail.body).toContain('VMPTRLD with incorrect VMCS revision identifier');
  expect(fail.body).toContain('The region holds revision 0.');
  const fault = explainTripleFault(
    [
      { vector: 14, error: 2, rip: 0x2003n, linear: 0x2003n, cr2: 0xdead000n },
      { vector: 13, error: 0x72, rip: 0x2003n, linear: 0x2003n, cr2: undefined },
      { vector: 8, error: 0, rip: 0x2003n, linear: 0x2003n, cr2: undefined },
    ],
    toySession().toy,
    image,
  );
  // SDM "Page-Fault Exceptions" and "Error Code": bit 1 write, bit 2 clear supervisor; 72H is IDT entry 14.
  expect(fault.body).toContain(
    '1. #PF (Page fault), error code 0x2 (no translation, write, supervisor mode), address 0xdead000 at 0x2003 (guest+0x3',
  );
  expect(fault.body).toContain('   A write to 0xdead000.');
  expect(fault.body).toContain('2. #GP (General protection), error code 0x72 (IDT entry 14)');
  expect(fault.body).toContain('while #PF was delivered.');
  expect(fault.body).toContain('3. #DF (Double fault), error code 0x0');
  expect(fault.body).toContain('#GP came while #PF was delivered; the two cannot be handled one after the other.');
});
