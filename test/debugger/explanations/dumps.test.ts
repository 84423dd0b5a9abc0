// VMCS dumps as kernels print them, with faults that were put in by hand: what is read, what fails, what is left open.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { auditDump, dumpText } from '../../../src/debugger/audit-dump.ts';
import { parseVmcsDumps, type VmcsDump } from '../../../src/debugger/vmcs-dump.ts';
import type { VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'dumps');

function read(name: string): string {
  return readFileSync(join(FOLDER, `${name}.txt`), 'utf8');
}

function only(text: string): VmcsDump {
  const dumps = parseVmcsDumps(text);
  expect(dumps).toHaveLength(1);
  return dumps[0] as VmcsDump;
}

/** What stands in the file, field by field. */
const VALUES: readonly (readonly [string, Partial<Record<VmcsFieldName, bigint>>])[] = [
  [
    'kvm-recent',
    {
      'Guest CR0': 0x80050033n,
      'CR0 guest/host mask': 0xfffffffffffefff7n,
      'Guest RIP': 0xffffffff81000110n,
      'Guest RFLAGS': 0x44n,
      'Guest CS access rights': 0xe09bn,
      'Guest GS base': 0xffff88803fc00000n,
      'Guest IDTR limit': 0xfffn,
      'Guest TR selector': 0x40n,
      'Guest IA32_EFER': 0xd01n,
      'Guest IA32_PAT': 0x0407050600070106n,
      'VM-entry MSR-load count': 2n,
      'Host RIP': 0xffffffffc0a31f20n,
      'Host TR selector': 0x40n,
      'Host CR3': 0x10f5a2004n,
      'Host IA32_SYSENTER_CS': 0x10n,
      'Pin-based VM-execution controls': 0x7fn,
      'Secondary processor-based VM-execution controls': 0x200aan,
      'Tertiary processor-based VM-execution controls': 0n,
      'Primary VM-exit controls': 0x2fefffn,
      'Exit reason': 0x80000021n,
      'EPT pointer (EPTP)': 0x10be3a05en,
      'Virtual-processor identifier (VPID)': 1n,
      'Virtual-APIC address': 0x104d2b000n,
    },
  ],
  [
    'kvm-old',
    {
      'Guest CR4': 0x2050n,
      'Guest RSP': 0x7c00n,
      'Guest LDTR access rights': 0x82n,
      'Guest IA32_EFER': 0n,
      'Host CS selector': 0x13n,
      'Host CR4': 0x6f0n,
      'Host IA32_EFER': 0xd01n,
      'Host IA32_PAT': 0x0407050600070106n,
      'Primary processor-based VM-execution controls': 0xb6a1edfan,
      'TSC offset': 0xfffffffb0c9a8d21n,
    },
  ],
  [
    'xen',
    {
      'Guest RSP': 0xffffffff82403ef8n,
      'Guest RIP': 0xffffffff81039aa0n,
      'Guest RFLAGS': 0x202n,
      'Guest SS selector': 0x18n,
      'Guest SS access rights': 0xc093n,
      'Guest GS base': 0xffff88807d200000n,
      'Guest GDTR base': 0xfffffe0000001000n,
      'Guest TR access rights': 0x83n,
      'Guest IA32_EFER': 0xd01n,
      'Guest interruptibility state': 3n,
      'Host RIP': 0xffff82d0402a1c20n,
      'Host RSP': 0xffff83043c6c7f70n,
      'Secondary processor-based VM-execution controls': 0xa2n,
      'EPT pointer (EPTP)': 0x42c1aa01en,
      'EPTP index': 0n,
      'Posted-interrupt notification vector': 0n,
    },
  ],
];

describe('reading', () => {
  test.each(VALUES)('%s', (name, values) => {
    const { fields } = only(read(name));
    expect(Object.fromEntries(Object.keys(values).map((field) => [field, fields.get(field as VmcsFieldName)]))).toEqual(
      values,
    );
  });

  test('says where a dump is from, and which of several it is', () => {
    expect(only(read('kvm-recent'))).toMatchObject({
      source: 'KVM',
      line: 2,
      title: 'VMCS 00000000c0ffee11, last VM entry attempted on CPU 5',
    });
    expect(only(read('xen'))).toMatchObject({ source: 'Xen', line: 3, title: 'd7v1' });
    expect(parseVmcsDumps(`${read('xen')}\nsomething else\n${read('kvm-old')}`).map(({ source }) => source)).toEqual([
      'Xen',
      'KVM',
    ]);
  });

  test('an EFER that is not the field is not taken for it', () => {
    const effective = read('kvm-recent').replace(
      'EFER= 0x0000000000000d01\n',
      'EFER= 0x0000000000000d01 (effective)\n',
    );
    const dump = only(effective);
    expect(dump.fields.has('Guest IA32_EFER')).toBe(false);
    expect(dump.fields.get('Host IA32_EFER')).toBe(0xd01n);
    expect(dump.notes).toEqual(['The EFER of the dump (effective) is not the field Guest IA32_EFER.']);
    // “Load IA32_EFER” is 1, so the checks of the field cannot be judged; the faults that do not need it still are.
    const audit = auditDump(dump);
    expect(audit.unjudged.some(({ needs }) => needs.includes('Guest IA32_EFER'))).toBe(true);
    expect(audit.failed.map(({ fields }) => fields[0]?.name)).toEqual(['Guest CS access rights', 'Guest RFLAGS']);
  });

  test('other prefixes, quoted mail, Windows line ends', () => {
    const quoted = read('kvm-old').replaceAll(/^/gm, '> ').replaceAll('\n', '\r\n');
    expect(only(quoted).fields).toEqual(only(read('kvm-old')).fields);
    const bare = read('xen').replaceAll(/^\(XEN\) \[[^\]]*\] /gm, '(XEN) ');
    expect(only(bare).fields).toEqual(only(read('xen')).fields);
  });

  test('a log without a dump', () => {
    expect(parseVmcsDumps('[    0.000000] Linux version 6.1\nGuest State: none\n')).toEqual([]);
  });
});

describe('auditing', () => {
  // The faults of each file, with what the SDM's sections of the checks demand.
  test.each([
    // CS with L and D/B both 1; RFLAGS with bit 1 clear.
    [
      'kvm-recent',
      ['Guest CS access rights', 'Guest RFLAGS'],
      { kind: 'vm-exit', reason: 0x80000021, qualification: 0n },
    ],
    // CR4 without VMXE; a host selector with RPL 3.
    ['kvm-old', ['Host CR4', 'Host CS selector'], { kind: 'vm-fail-valid', error: 8 }],
    // A 16-bit TSS in IA-32e mode; blocking by STI and by MOV SS together.
    [
      'xen',
      ['Guest TR access rights', 'Guest interruptibility state'],
      { kind: 'vm-exit', reason: 0x80000021, qualification: 0n },
    ],
  ] as const)('%s', (name, fields, outcome) => {
    const audit = auditDump(only(read(name)));
    expect(audit.failed.map((check) => check.fields[0]?.name)).toEqual(fields);
    expect(audit.failed.map((check) => check.reported)).toEqual([true, false]);
    expect(audit.outcome).toEqual(outcome);
    // Nothing is guessed: what a dump never holds is named.
    const needs = new Set(audit.unjudged.flatMap((check) => check.needs));
    expect([...needs]).toEqual(
      expect.arrayContaining(['VMCS link pointer', 'CR3-target count', 'the contents of physical memory']),
    );
    expect(needs).not.toContain('Guest CR0');
  });

  test('repaired, nothing that can be judged fails', () => {
    const repaired = read('kvm-recent')
      .replace('attr=0x0e09b', 'attr=0x0a09b')
      .replace('RFLAGS=0x00000044', 'RFLAGS=0x00000046');
    const audit = auditDump(only(repaired));
    expect(audit.failed).toEqual([]);
    expect(audit.outcome).toBeUndefined();
  });

  test('the report begins with what is known and what the processor said', () => {
    const dump = only(read('xen'));
    const lines = dumpText(dump, auditDump(dump)).split('\n');
    expect(lines[0]).toMatch(/^Xen dump \(d7v1, line 3\): \d+ fields known, \d+ not in the dump\.$/);
    expect(lines[1]).toBe(
      'The dump says: exit reason 33 (VM-entry failure due to invalid guest state), VM-entry failure.',
    );
    expect(lines.find((line) => line.startsWith('1. '))).toBe(
      '1. Guest TR access rights = 0x83 [Type=busy 16-bit TSS, S=system, P]   ← the processor reports this one',
    );
  });
});
