// walk: segmentation, paging and EPT of an address, from a person's words to the host-physical address.

import { describe, expect, test } from 'vitest';
import { explainExit } from '../../../src/debugger/explain.ts';
import { Session } from '../../../src/debugger/session.ts';
import { walkArguments } from '../../../src/debugger/walk-arguments.ts';
import { walkAddress } from '../../../src/debugger/walk.ts';
import { walkText } from '../../../src/debugger/walk-text.ts';
import type { Machine } from '../../../src/machine/types.ts';
import { imageOf } from '../../../src/program/image.ts';
import { assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

const EVERY_REASON = new Uint8Array(256).fill(1);

function start(text: string, bits: 16 | 32 | 64 = 64): Machine {
  return startProgram(assembleText(text, bits)).machine;
}

function walk(machine: Machine, words: string): string {
  const session = new Session({
    machine,
    image: imageOf(assembleText('nop')),
    scheduler: { now: () => 0, breathe: async () => {} },
    events: { continued: () => {}, stopped: () => {}, ended: () => {}, logged: () => {} },
    stopOnEntry: true,
    stopOnFirstVmExit: false,
  });
  const found = walkArguments(words.split(' '), session.context());
  if (!found.ok) return found.error;
  return walkText(walkAddress(machine, found.request.start, found.request.access));
}

/** One 2-MiB page for 0, and at 4 MiB a page table whose entry 1 is read-only and entry 2 not present. */
const PAGED = `
        mov     dword [0x200000], 0x201003      ; PML4E
        mov     dword [0x201000], 0x202003      ; PDPTE
        mov     dword [0x202000], 0x83          ; PDE 0: 2 MiB
        mov     dword [0x202010], 0x203007      ; PDE 2
        mov     dword [0x203008], 0x300001      ; PTE 1: read-only, supervisor
        mov     eax, 0x200000
        mov     cr3, rax
        hlt
`;

describe.skipIf(!hasNasm())('without EPT', () => {
  const machine = (): Machine => {
    const paged = start(PAGED);
    paged.run({ limit: 100 });
    return paged;
  };

  // The fetch of HLT has set the accessed flags of the first two entries.
  test('each entry with its address, raw value and bits', () => {
    expect(walk(machine(), '0x401234').split('\n')).toEqual([
      'Linear 0x401234: 4-level paging, CR3 0x200000',
      expect.stringMatching(/^ {2}PML4E {6}at 0x200000 {2}0x0000000000201023 {2}\[.*\bP\b.*\]$/),
      expect.stringMatching(/^ {2}PDPTE {6}at 0x201000 {2}0x0000000000202023 /),
      expect.stringMatching(/^ {2}PDE {8}at 0x202010 {2}0x0000000000203007 /),
      expect.stringMatching(/^ {2}PTE {8}at 0x203008 {2}0x0000000000300001 /),
      'Guest-physical 0x300234',
      'Host-physical 0x300234, page of 4 KiB',
    ]);
  });

  test('where and why it stops', () => {
    const stops = (words: string): string => walk(machine(), words).split('\n').at(-1) ?? '';
    // SDM "Page-Fault Exceptions": P 1, W 2, U 4.
    expect(stops('0x402000')).toMatch(/^Ends: the PTE at 0x203010 is not present\. Page fault, error code 0x0$/);
    expect(stops('0x401000 read user')).toMatch(/supervisor page .* user-mode access\. Page fault, error code 0x5$/);
    expect(stops('0x8000000000000000')).toMatch(/not canonical.*#GP\(0\)/);
  });

  test('an offset in a segment: 64-bit code adds the bases of FS and GS only', () => {
    const paged = machine();
    paged.writeRegister('gs.base', 0x401000n);
    paged.writeRegister('rsi', 0x10n);
    const lines = walk(paged, 'gs:rsi').split('\n');
    expect(lines[0]).toMatch(/^GS:0x10: GS = 0x[0-9a-f]{4}, base 0x401000, limit /);
    expect(lines[1]).toBe('Linear 0x401010: 4-level paging, CR3 0x200000');
    expect(walk(paged, 'ds:0x1000').split('\n')[1]).toMatch(/^Linear 0x1000:/);
  });

  test('mistakes are answered in words', () => {
    expect(walk(machine(), 'write user')).toMatch(/^An address is missing/);
    expect(walk(machine(), 'no_such_symbol')).toMatch(/no_such_symbol/);
  });
});

describe.skipIf(!hasNasm())('segments outside 64-bit code', () => {
  test('limit and type are checked (SDM "Limit Checking", "Type Checking")', () => {
    const machine = start('hlt', 32);
    machine.writeRegister('ds.base', 0x1000n);
    machine.writeRegister('ds.limit', 0xfffn);
    expect(walk(machine, 'ds:0x234').split('\n').at(-1)).toMatch(/^Host-physical 0x1234/);
    expect(walk(machine, 'ds:0x1000')).toMatch(/Ends: offset 0x1000 is beyond the limit 0xfff of DS: #GP\(0\)$/);
    expect(walk(machine, 'cs:0 write')).toMatch(/Ends: CS is not writable: #GP\(0\)$/);
    machine.writeRegister('ss.limit', 0n);
    expect(walk(machine, 'ss:4')).toMatch(/beyond the limit 0x0 of SS: #SS\(0\)$/);
  });
});

describe.skipIf(!hasNasm())('under EPT', () => {
  // Identity of the first 2 MiB and the next in 2-MiB pages; the third page is absent.
  const text = `%include "hypervisor.inc"
test:
        mov     dword [EPT_TABLES], EPT_TABLES + 0x1007
        mov     dword [EPT_TABLES + 0x1000], EPT_TABLES + 0x2007
        mov     dword [EPT_TABLES + 0x2000], 0xB7
        mov     dword [EPT_TABLES + 0x2008], 0x2000B7
        vmset   0x401E, 2               ; enable EPT
        vmset   0x4002, 1 << 31
        vmw     0x201A, EPT_TABLES | 0x1E
        guest_at guest
        call    run_guest
        pass
guest:  mov     rax, [0x400000]
`;

  test('an EPT violation carries its walk', () => {
    const machine = start(text);
    const stop = machine.run({ limit: 1_000_000, exitReasons: EVERY_REASON });
    expect(stop.kind).toBe('vm-exit');
    if (stop.kind !== 'vm-exit') return;
    expect(stop.exit.reason).toBe(48);
    const { body } = explainExit(stop.exit, machine, imageOf(assembleText('nop')), true);
    expect(body).toContain('Linear 0x400000: 4-level paging, CR3 0x');
    expect(body).toContain('Guest-physical address: 0x400000');
    expect(body).toMatch(/EPT PDE {4}at 0x20c010 {2}0x0000000000000000.* ← ends here/);
    expect(body).toContain('Ends: the EPT PDE at 0x20c010 is not present. EPT violation, exit qualification 0x581');
    const whole = walk(machine, 'gpa:0x201234');
    expect(whole.split('\n').at(-1)).toBe('Host-physical 0x201234, page of 2 MiB');
    expect(whole).toMatch(/EPT PDE {4}at 0x20c008 {2}0x00000000002000b7/);
  });
});
