// How two moments differ, in words; the snapshot command with files in memory.
import { describe, expect, it } from 'vitest';
import { diffSnapshots, diffText as textOf } from '../../src/debugger/snapshot-diff.ts';
import {
  type NamedSnapshot,
  packNamedSnapshot,
  takeNamedSnapshot,
  unpackNamedSnapshot,
} from '../../src/debugger/snapshots.ts';
import { assembleProgram, assembleText, hasNasm, startProgram } from '../vmx/hypervisors.ts';

const diffText = (a: NamedSnapshot, b: NamedSnapshot): string => textOf(diffSnapshots(a, b));

describe.skipIf(!hasNasm())('two moments', () => {
  it('registers and memory', async () => {
    const { machine } = startProgram(
      assembleText('mov eax, 5\nmov dword [0x500010], 0x11223344\nmov byte [0x500013], 0x77\nmov rcx, cr0\nhlt'),
      8,
    );
    const a = takeNamedSnapshot(machine, 'start');
    machine.run({ limit: 3 });
    const b = takeNamedSnapshot(machine, 'later');
    const text = diffText(a, b);
    expect(text).toContain('From "start" (time 0) to "later" (time 3): 3 instructions.');
    expect(text).toMatch(/^ {2}rax: 0x0 -> 0x5$/m);
    expect(text).toMatch(/^ {2}hpa:0x500010 4 bytes: 00 00 00 00 -> 44 33 22 77$/m);
    expect(text).not.toContain('rcx');
    expect(diffText(a, a)).toContain('Nothing differs.');
    expect(diffText(await unpackNamedSnapshot(await packNamedSnapshot(a)), b)).toBe(text);
  });

  it('VMCS fields with the names of their bits', () => {
    const { machine } = startProgram(assembleProgram('cpuid.asm'), 8);
    machine.run({ limit: 100_000, entries: true });
    const a = takeNamedSnapshot(machine, 'entered');
    machine.run({ limit: 100_000, exitReasons: new Uint8Array(256).fill(1) });
    const text = diffText(a, takeNamedSnapshot(machine, 'left'));
    expect(text).toContain('Side: VMX non-root -> VMX root');
    expect(text).toMatch(/^ {2}EXIT_REASON: 0x0 -> 0xa/m);
    expect(text).toMatch(/^ {2}VM_EXIT_INSTRUCTION_LENGTH: 0x0 -> 0x2/m);
  });
});
