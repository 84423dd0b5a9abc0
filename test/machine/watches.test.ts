// Watches of memory, registers, instructions and events: what stops the machine, where it then stands, and that nothing else differs.
import { describe, expect, it } from 'vitest';
import type { Machine, Stop, Watch } from '../../src/machine/types.ts';
import { assembleProgram, assembleText, hasNasm, startProgram } from '../vmx/hypervisors.ts';

const LIMIT = 1_000_000;
const EXIT = 'mov al, 5\nout 0xf4, al\nhlt';

function watching(text: string, ...watches: Watch[]): Machine {
  const { machine } = startProgram(assembleText(text));
  expect(machine.setWatches(watches)).toBeUndefined();
  return machine;
}

/** RIP relative to the origin and what was met, at each stop until the program ends. */
function stops(machine: Machine, limit = 50): [number, string][] {
  const found: [number, string][] = [];
  for (let i = 0; i < limit; i++) {
    const stop = machine.run({ limit: LIMIT, skipWatch: true, entryFailures: false, vmFails: false });
    if (stop.kind !== 'watch') {
      expect(stop.kind).toBe('shutdown');
      return found;
    }
    found.push([Number((machine.readRegister('rip') ?? 0n) - 0x100000n), told(stop)]);
  }
  throw new Error('too many stops');
}

function told({ hits, before }: Stop & { kind: 'watch' }): string {
  return `${before ? 'before ' : ''}${hits.map(({ watch, access }) => `${watch} ${access}`).join(', ')}`;
}

const memory = (address: bigint, size: number, access: 'read' | 'write' | 'read-write'): Watch => ({
  kind: 'memory',
  space: 'host-physical',
  address,
  size,
  access,
});
const event = (
  kind: 'port' | 'msr' | 'control-register' | 'vector',
  first: number,
  access: 'read' | 'write',
): Watch => ({
  kind,
  first,
  last: first,
  access,
});

// Lengths of the instructions, by the SDM's encodings, stand behind each line.
const ACCESSES = `
mov ebx, 0x200000        ; 5    0
mov [rbx], eax           ; 2    5
mov eax, [rbx + 3]       ; 3    7
inc dword [rbx + 4]      ; 3   10
mov [rbx + 8], al        ; 3   13
mov al, [rbx + 0xfff]    ; 6   16
${EXIT}`;

describe.skipIf(!hasNasm())('memory', () => {
  it.each<[string, Watch, [number, string][]]>([
    [
      'writes',
      memory(0x200000n, 8, 'write'),
      [
        [7, '0 write'],
        [13, '0 write'],
      ],
    ],
    [
      'reads',
      memory(0x200000n, 8, 'read'),
      [
        [10, '0 read'],
        [13, '0 read'],
      ],
    ],
    [
      'both',
      memory(0x200004n, 1, 'read-write'),
      [
        [10, '0 read'],
        [13, '0 read-write'],
      ],
    ],
    ['the bytes beside are not met', memory(0x200009n, 0xff6, 'read-write'), []],
    ['the last byte of the page', memory(0x200fffn, 1, 'read'), [[22, '0 read']]],
    [
      'a range of many pages',
      memory(0x100000n, 0xff00000, 'write'), // without the page tables below 1 MiB, whose flags a page walk writes
      [
        [7, '0 write'],
        [13, '0 write'],
        [16, '0 write'],
      ],
    ],
  ])('%s', (_name, watch, expected) => {
    expect(stops(watching(ACCESSES, watch))).toEqual(expected);
  });

  it('several at once tell which were met, and time is what it is without', () => {
    const machine = watching(ACCESSES, memory(0x200000n, 4, 'write'), memory(0x200002n, 4, 'read-write'));
    expect(stops(machine)).toEqual([
      [7, '0 write, 1 write'],
      [10, '1 read'],
      [13, '1 read-write'],
    ]);
    const free = watching(ACCESSES);
    expect(stops(free)).toEqual([]);
    expect(machine.time()).toBe(free.time());
  });

  it('an access that crosses into a watched page', () => {
    const machine = watching(
      `mov qword [0x200ffc], 1\nmov eax, [0x200ffe]\n${EXIT}`,
      memory(0x201000n, 1, 'read-write'),
    );
    expect(stops(machine).map(([, what]) => what)).toEqual(['0 write', '0 read']);
  });

  it('string instructions stop at the element, pushes and calls are met', () => {
    const text = `mov edi, 0x200000\nmov ecx, 5000\nrep stosb\nmov esp, 0x300008\npush rax\ncall next\nnext:\n${EXIT}`;
    const machine = watching(
      text,
      memory(0x200010n, 1, 'write'),
      memory(0x300000n, 8, 'write'),
      memory(0x2ffff8n, 8, 'write'),
    );
    expect(stops(machine).map(([, what]) => what)).toEqual(['0 write', '1 write', '2 write']);
  });

  it('an access that faults is not told', () => {
    const machine = watching(
      `mov rax, 0x8000000000\nmov rsi, 0x200000\nmov rdi, rax\nmovsb`,
      memory(0x200000n, 1, 'read'),
    );
    expect(machine.run({ limit: LIMIT }).kind).toBe('triple-fault');
  });

  it('what an event pushes is met', () => {
    const text = `
      lidt [descriptor]
      mov dword [0x210800], handler
      mov word [0x210806], 0
      mov dword [0x210800 + 2], 0x8e000008
      mov word [0x210800 + 6], handler_high
      mov qword [0x210808], 0
      int 0x80
      ${EXIT}
      descriptor: dw 0xfff
      dq 0x210000
      handler_high equ 0x10
      times 0x200 - ($ - $$) db 0x90
      handler: iretq`;
    const machine = watching(text, memory(0x6ffd8n, 8, 'write'), {
      kind: 'vector',
      first: 0x80,
      last: 0x80,
      access: 'write',
    });
    // The frame of five quadwords ends at the stack top 70000H; the interrupted RIP is lowest, at 6FFD8H.
    expect(stops(machine).map(([, what]) => what)).toEqual(['before 1 write', '0 write']);
  });

  it('a linear watch follows the page tables, a host-physical one does not', () => {
    const text = `
      mov edi, 0x400000        ; a page directory of 2-MiB pages, each to itself
      mov eax, 0x83
      again: mov [rdi], rax
      add rdi, 8
      add rax, 0x200000
      cmp edi, 0x401000
      jb again
      mov rax, cr3
      mov rbx, [rax]
      and rbx, ~0xfff
      mov qword [rbx], 0x400003
      mov cr3, rax
      mov eax, 0x400000
      mov dword [0x600010], 1
      mov rbx, [rax + 3 * 8]
      mov rcx, [rax + 4 * 8]
      mov [rax + 3 * 8], rcx   ; 6 MiB leads to the memory at 8 MiB
      invlpg [0x600000]
      mov dword [0x600010], 2
      mov dword [0x800010], 3
      mov [rax + 3 * 8], rbx
      invlpg [0x600000]
      ${EXIT}`;
    const linear: Watch = {
      kind: 'memory',
      space: 'linear',
      side: 'root',
      address: 0x600010n,
      size: 4,
      access: 'write',
    };
    const values = (watch: Watch): number[] => {
      const machine = watching(text, watch);
      const found: number[] = [];
      while (machine.run({ limit: LIMIT }).kind === 'watch') {
        found.push(...[0x600010n, 0x800010n].map((at) => machine.peekPhysical(at, 1)[0] ?? -1));
      }
      return found;
    };
    expect(values(linear)).toEqual([1, 0, 1, 2]);
    expect(values({ ...linear, space: 'host-physical', address: 0x600010n })).toEqual([1, 0]);
    expect(values({ ...linear, side: 'non-root' })).toEqual([]);
  });

  it('a guest-physical watch follows EPT and sees the guest only', () => {
    const { machine } = startProgram(assembleProgram('ept.asm'));
    machine.setWatches([{ kind: 'memory', space: 'guest-physical', address: 0x1000000n, size: 0x18, access: 'read' }]);
    const read: bigint[] = [];
    for (let i = 0; i < 3; i++) {
      expect(machine.run({ limit: LIMIT, entryFailures: false, vmFails: false }).kind).toBe('watch');
      expect(machine.side()).toBe('non-root');
      read.push(machine.readRegister('rbx') ?? 0n);
    }
    // What the program expects its guest to read: from the page, and from the one that its handler maps there instead.
    expect(read.slice(0, 2)).toEqual([0x1122334455667788n, 0x4242n]);
  });

  it('watches that are taken away cost nothing and stop nothing', () => {
    const machine = watching(ACCESSES, memory(0x200000n, 8, 'write'));
    expect(machine.run({ limit: LIMIT }).kind).toBe('watch');
    machine.setWatches([]);
    expect(machine.run({ limit: LIMIT }).kind).toBe('shutdown');
  });
});

describe.skipIf(!hasNasm())('instructions and events, before they happen', () => {
  it.each<[string, string, Watch, [number, string][]]>([
    ['OUT', `mov dx, 0x3f8\nout dx, al\nin al, dx\n${EXIT}`, event('port', 0x3f8, 'write'), [[4, 'before 0 write']]],
    ['IN', `mov dx, 0x3f8\nout dx, al\nin al, dx\n${EXIT}`, event('port', 0x3f8, 'read'), [[5, 'before 0 read']]],
    [
      'a wide access that covers the port',
      `mov dx, 0x3f6\nin eax, dx\n${EXIT}`,
      event('port', 0x3f8, 'read'),
      [[4, 'before 0 read']],
    ],
    ['RDMSR', `mov ecx, 0x1b\nrdmsr\nwrmsr\n${EXIT}`, event('msr', 0x1b, 'read'), [[5, 'before 0 read']]],
    ['WRMSR', `mov ecx, 0x1b\nrdmsr\nwrmsr\n${EXIT}`, event('msr', 0x1b, 'write'), [[7, 'before 0 write']]],
    [
      'MOV to CR3',
      `mov rax, cr3\nmov cr3, rax\n${EXIT}`,
      event('control-register', 3, 'write'),
      [[3, 'before 0 write']],
    ],
    ['CLTS', `nop\nclts\n${EXIT}`, event('control-register', 0, 'write'), [[1, 'before 0 write']]],
    ['another register', `mov rax, cr4\n${EXIT}`, event('control-register', 0, 'read'), []],
  ])('%s', (_name, text, watch, expected) => {
    expect(stops(watching(text, watch))).toEqual(expected);
  });

  it('an exception, with RIP at the instruction; then its delivery goes on', () => {
    const machine = watching('nop\nud2', event('vector', 6, 'write'));
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'watch', before: true });
    expect(machine.readRegister('rip')).toBe(0x100001n);
    expect(machine.run({ limit: LIMIT, skipWatch: true }).kind).toBe('triple-fault');
  });

  it('is met again unless it is passed over; a step passes over it, or honours it', () => {
    const machine = watching(`out 0x80, al\nnop\n${EXIT}`, event('port', 0x80, 'write'));
    expect(machine.run({ limit: LIMIT }).kind).toBe('watch');
    expect(machine.run({ limit: LIMIT }).kind).toBe('watch');
    expect(machine.step({ honourWatches: true }).kind).toBe('watch');
    expect(machine.time()).toBe(0);
    expect(machine.step().kind).toBe('budget');
    expect(machine.time()).toBe(1);
  });

  it('an instruction that exits is told before the exit, a VMCS field that the exit writes after it', () => {
    const { machine } = startProgram(assembleProgram('cpuid.asm'));
    machine.setWatches([{ kind: 'vmcs-field', first: 0x4402, last: 0x4402, access: 'write' }]);
    const stop = machine.run({ limit: LIMIT });
    expect(stop).toMatchObject({ kind: 'watch', before: false, hits: [{ watch: 0, access: 'write' }] });
    expect(machine.side()).toBe('root');
    expect(machine.readVmcs(0x4402)).toBe(10n);
    expect(machine.exitCount()).toBe(1);
  });

  it('VMWRITE by encoding', () => {
    const { machine } = startProgram(assembleProgram('cpuid.asm'));
    machine.setWatches([{ kind: 'vmcs-field', first: 0x681e, last: 0x681e, access: 'write' }]); // GUEST_RIP
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'watch', before: true });
    const at = machine.readRegister('rip') ?? 0n;
    expect([...machine.peekLinear('root', at, 2)]).toEqual([0x0f, 0x79]); // VMWRITE of the field in RAX
    expect(machine.readRegister('rax')).toBe(0x681en);
  });
});

describe.skipIf(!hasNasm())('registers', () => {
  it.each<[string, string, [number, string][]]>([
    [
      'rax',
      `mov ecx, 1\nmov eax, 2\nmov eax, 2\ninc rax\n${EXIT}`,
      [
        [10, '0 write'],
        [18, '0 write'],
        [20, '0 write'],
      ],
    ],
    [
      'rflags',
      `nop\nstc\nclc\nclc\n${EXIT}`,
      [
        [2, '0 write'],
        [3, '0 write'],
      ],
    ],
    ['cr3', `mov rax, cr3\nmov cr3, rax\nor rax, 8\nmov cr3, rax\n${EXIT}`, [[13, '0 write']]],
  ])('changes of %s', (name, text, expected) => {
    expect(stops(watching(text, { kind: 'register', name }))).toEqual(expected);
  });
});

describe.skipIf(!hasNasm())('refusals name the watch', () => {
  it.each<[string, Watch[], number, RegExp]>([
    [
      'a register that is nowhere',
      [memory(0n, 1, 'read'), { kind: 'register', name: 'rip' }],
      1,
      /rip cannot be watched/,
    ],
    ['an empty range', [memory(0n, 0, 'read')], 0, /0 bytes/],
    ['too many ranges', Array.from({ length: 251 }, () => memory(0n, 1, 'read')), 250, /At most 250/],
  ])('%s', (_name, watches, watch, text) => {
    const { machine } = startProgram(assembleText(EXIT));
    const refused = machine.setWatches(watches);
    expect(refused?.watch).toBe(watch);
    expect(refused?.explanation).toMatch(text);
  });
});
