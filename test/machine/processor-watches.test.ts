// Watches of memory that the processor itself reads and writes by physical address: flags of page walks, VMX structures. What a
// program's guest makes the processor write stands in the program, where its own checks expect it.
import { describe, expect, it } from 'vitest';
import type { Machine, Stop, Watch, WatchAccess } from '../../src/machine/types.ts';
import { vmcsFieldOffset } from '../../src/spec/vmcs-layout.ts';
import { assembleProgram, assembleText, hasNasm, startProgram } from '../vmx/hypervisors.ts';

const LIMIT = 20_000_000;
const SCRATCH = 0x240000n; // of hypervisor.inc
const EPT_TABLES = 0x20a000n;
const VMCS_REGION = 0x201000n;
const PAGE = 0x1000000n;

type MemoryWatch = Watch & { readonly kind: 'memory' };

const physical = (address: bigint, size: number, access: WatchAccess = 'write'): MemoryWatch => ({
  kind: 'memory',
  space: 'host-physical',
  address,
  size,
  access,
});

interface Seen {
  readonly value: bigint;
  readonly side: string;
  readonly rip: bigint;
}

/** Every stop for an access by physical address, until the program ends: the watched number then, and where the processor stands. */
function seen(machine: Machine, watch: MemoryWatch): Seen[] {
  expect(machine.setWatches([watch])).toBeUndefined();
  const found: Seen[] = [];
  for (;;) {
    const stop: Stop = machine.run({ limit: LIMIT, skipWatch: true, entryFailures: false, vmFails: false });
    if (stop.kind !== 'watch') {
      expect(stop).toMatchObject({ kind: 'shutdown', status: 1 });
      return found;
    }
    expect(stop).toMatchObject({ before: false, hits: [{ watch: 0 }] });
    // An instruction's own access has a linear address.
    if (stop.linear !== undefined) continue;
    const bytes = machine.peekPhysical(watch.address, watch.size);
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    found.push({ value, side: machine.side(), rip: machine.readRegister('rip') ?? 0n });
  }
}

function seenIn(program: string, watch: MemoryWatch): { value: bigint; side: string }[] {
  const { machine } = startProgram(assembleProgram(program));
  const found = seen(machine, watch);
  return found.map(({ value, side }) => ({ value, side }));
}

const values = (found: readonly { readonly value: bigint }[]): bigint[] => found.map(({ value }) => value);

describe.skipIf(!hasNasm())('VMX structures', () => {
  it('page-modification log: the address of the page, before its dirty flag', () => {
    expect(seenIn('pml.asm', physical(SCRATCH, 8))).toEqual([{ value: PAGE + 0x5000n, side: 'non-root' }]);
    expect(values(seenIn('pml.asm', physical(SCRATCH + 511n * 8n, 8))).at(-1)).toBe(PAGE + 0x6000n);
  });

  it('accessed and dirty flags of EPT entries', () => {
    // A write to page 3 sets both, a read of page 4 one (SDM "Accessed and Dirty Flags for EPT": bits 8 and 9).
    const flags = (page: bigint) =>
      values(seenIn('pml.asm', physical(EPT_TABLES + 0x3000n + page * 8n, 8))).map((entry) => (entry >> 8n) & 3n);
    expect(flags(3n)).toEqual([3n]);
    expect(flags(4n)).toEqual([1n]);
  });

  it('the virtualization-exception information area, also where #VE then exits', () => {
    const addresses = values(seenIn('virtualization-exception.asm', physical(SCRATCH + 24n, 8)));
    expect(addresses).toEqual([PAGE + 0x1008n, PAGE + 0x3000n, PAGE + 0x1000n]);
  });

  it('the posted-interrupt descriptor: ON is cleared, the requests are taken', () => {
    const all = seenIn('posted-interrupts.asm', physical(SCRATCH + 0x1060n, 8));
    expect(all).toEqual([0, 0, 0].map(() => ({ value: 0x1234_5678_0000n, side: 'non-root' })));
    expect(values(seenIn('posted-interrupts.asm', physical(SCRATCH + 0x1048n, 4)))).toEqual([0n, 0n, 0n]);
  });

  it('the virtual-APIC page: VTPR by MOV to CR8, and its reads', () => {
    expect(seenIn('tpr-shadow.asm', physical(SCRATCH + 0x80n, 4))).toEqual(
      // The last one is below the threshold: the exit that follows the instruction comes first.
      [0x90n, 0x30n, 0x20n].map((value, i) => ({ value, side: i < 2 ? 'non-root' : 'root' })),
    );
    // MOV from CR8, once.
    expect(values(seenIn('tpr-shadow.asm', physical(SCRATCH + 0x80n, 1, 'read')))[0]).toBe(0x77n);
  });

  it('the virtual-APIC page: VPPR when the entry evaluates it, VISR when an interrupt is delivered', () => {
    const priorities = values(seenIn('virtual-interrupts.asm', physical(SCRATCH + 0xa0n, 4)));
    expect(priorities.slice(0, 2)).toEqual([0x23n, 0x23n]); // of the first two entries
    expect(priorities[2]).toBe(0x50n); // and the delivery of 51H
    const service = values(seenIn('virtual-interrupts.asm', physical(SCRATCH + 0x120n, 4)));
    expect(service[0]).toBe(1n << 0x11n);
  });

  it('MSR areas: stored by the exit; loaded by entry and exit', () => {
    const area = (watch: MemoryWatch) => {
      const { machine } = startProgram(assembleProgram('msr.asm'));
      return seen(machine, watch).map(({ value, side }) => ({ value, side }));
    };
    const at = (index: number): bigint => msrAreas()[index]!;
    expect(area(physical(at(0) + 8n, 8))).toEqual([{ value: 0x99n, side: 'root' }]);
    expect(area(physical(at(1) + 8n, 8, 'read'))).toEqual([{ value: 0x77n, side: 'root' }]);
    expect(area(physical(at(2) + 8n, 8, 'read'))).toEqual([{ value: 0x55n, side: 'non-root' }]);
  });

  it('the VMCS region: VMWRITE, and what a VM exit saves', () => {
    const offset = BigInt(vmcsFieldOffset(0x681e)!); // GUEST_RIP
    const { machine } = startProgram(assembleProgram('cpuid.asm'));
    machine.setWatches([physical(VMCS_REGION + offset, 8)]);
    const stop = machine.run({ limit: LIMIT });
    expect(stop).toMatchObject({ kind: 'watch', before: false });
    // VMWRITE RAX, [RSI + 8] is four bytes and has just run.
    const rip = machine.readRegister('rip') ?? 0n;
    expect([...machine.peekLinear('root', rip - 4n, 4)]).toEqual([0x0f, 0x79, 0x46, 0x08]);
    expect(machine.readRegister('rax')).toBe(0x681en);
    let exits = 0;
    while (exits === 0 && machine.run({ limit: LIMIT, skipWatch: true }).kind === 'watch') exits = machine.exitCount();
    expect(machine.exitCount()).toBe(1);
  });
});

/** Addresses of the store, exit-load and entry-load areas, as msr.asm has them when it is over. */
function msrAreas(): bigint[] {
  const { machine } = startProgram(assembleProgram('msr.asm'));
  machine.run({ limit: LIMIT, entryFailures: false, vmFails: false });
  return [0x2006, 0x2008, 0x200a].map((encoding) => machine.readVmcs(encoding) ?? 0n);
}

/** Tables of its own at 3 MiB: 2-MiB pages each to itself, but for the third, whose pages of 4 KiB lead to themselves. */
const TABLES = `
  mov edi, 0x300000
  mov ecx, 0x4000 / 8
  xor eax, eax
  rep stosq
  mov dword [0x300000], 0x301003
  mov dword [0x301000], 0x302003
  mov edi, 0x302000
  mov eax, 0x83
  next: mov [rdi], rax
  add rdi, 8
  add eax, 0x200000
  cmp edi, 0x302000 + 16 * 8
  jb next
  mov dword [0x302010], 0x303003
  mov edi, 0x303000
  mov eax, 0x400003
  small: mov [rdi], rax
  add rdi, 8
  add eax, 0x1000
  cmp edi, 0x304000
  jb small
  mov eax, 0x300000
  mov cr3, rax
`;
const PASS = 'mov al, 0\nout 0xf4, al\nhlt';

describe.skipIf(!hasNasm())('page walks', () => {
  const text = `${TABLES}
    mov ebx, [0x405000]    ; page 5
    first: mov ebx, [0x405008]
    mov [0x405000], ebx
    second: mov [0x405008], ebx
    ${PASS}`;

  it('set the accessed flag, then the dirty flag', () => {
    const { machine } = startProgram(assembleText(text));
    const found = seen(machine, physical(0x303028n, 8));
    // SDM "Accessed and Dirty Flags": bit 5, bit 6.
    expect(values(found)).toEqual([0x405023n, 0x405063n]);
    const opcodes = found.map(({ rip }) => machine.peekLinear('root', rip - 7n, 1)[0]);
    expect(opcodes).toEqual([0x8b, 0x89]); // MOV of seven bytes, from memory and to memory, has just run
  });

  it('change nothing else: the same time and memory as without a watch', () => {
    const run = (watch?: MemoryWatch) => {
      const { machine } = startProgram(assembleText(text));
      if (watch !== undefined) seen(machine, watch);
      else expect(machine.run({ limit: LIMIT }).kind).toBe('shutdown');
      return [machine.time(), machine.peekPhysical(0x300000n, 0x4000)];
    };
    expect(run(physical(0x300000n, 0x4000))).toEqual(run());
  });

  it('of an instruction that faults are told all the same', () => {
    // The accessed flag of the first page is set by the read that MOVSB then fails to write down.
    const faults = `${TABLES}
      mov esi, 0x406000
      mov rdi, 0x8000000000
      movsb`;
    const { machine } = startProgram(assembleText(faults));
    machine.setWatches([physical(0x303030n, 8)]);
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'watch', linear: 0x303030n }); // REP STOSQ
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'watch', linear: 0x303030n }); // the table is made
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'watch', before: false, linear: undefined });
    expect([...machine.peekPhysical(0x303030n, 1)]).toEqual([0x23]);
    expect(machine.readRegister('rsi')).toBe(0x406000n);
    expect(machine.run({ limit: LIMIT, skipWatch: true }).kind).toBe('triple-fault');
  });

  it('a guest-physical watch sees those of the guest, a host-physical one all', () => {
    // Flat programs run on one table of pages of 1 GiB, which EPT maps to itself; host and guest share it.
    const { machine } = startProgram(assembleProgram('../../machine/programs/guest-walk.asm'));
    const table = machine.peekPhysical(machine.readRegister('cr3') ?? 0n, 4);
    const pdpt = (new DataView(table.buffer, table.byteOffset).getUint32(0, true) & ~0xfff) >>> 0;
    const flags = (space: 'guest-physical' | 'host-physical', entry: bigint): string[] => {
      const fresh = startProgram(assembleProgram('../../machine/programs/guest-walk.asm')).machine;
      const watch = { kind: 'memory', space, address: BigInt(pdpt) + 8n * entry, size: 1, access: 'write' } as const;
      return seen(fresh, watch).map(({ value, side }) => `${side} ${(value & 0x60n).toString(16)}`);
    };
    expect(flags('host-physical', 1n)).toEqual(['root 20']);
    expect(flags('guest-physical', 1n)).toEqual([]);
    expect(flags('host-physical', 2n)).toEqual(['non-root 20', 'non-root 60']);
    expect(flags('guest-physical', 2n)).toEqual(['non-root 20', 'non-root 60']);
  });
});

describe.skipIf(!hasNasm())('descriptors and the task-state segment, which lie in linear memory', () => {
  const text = `
    lgdt [table]
    mov ax, 0x10
    mov ds, ax
    mov ax, 0x18
    ltr ax
    ${PASS}
    align 8
    gdt: dq 0, 0x00af9b000000ffff, 0x00cf92000000ffff
    dw 0x67, task
    db 0x10, 0x89, 0, 0
    dq 0
    table: dw $ - gdt - 1
    dq gdt
    task: times 0x68 db 0`;

  it.each(['linear', 'host-physical'] as const)('by %s address: the accessed flag, and busy', (space) => {
    const { machine } = startProgram(assembleText(text));
    const code = machine.peekPhysical(0x100000n, 0x100);
    const at = code.findIndex((byte, i) => byte === 0x92 && code[i + 1] === 0xcf);
    const watch = (address: number): Watch => ({
      kind: 'memory',
      space,
      ...(space === 'linear' ? { side: 'root' as const } : {}),
      address: BigInt(0x100000 + address),
      size: 1,
      access: 'write',
    });
    machine.setWatches([watch(at), watch(at + 8)]);
    const types: (number | undefined)[] = [];
    const hits: unknown[] = [];
    for (;;) {
      const stop = machine.run({ limit: LIMIT });
      if (stop.kind !== 'watch') break;
      hits.push(...stop.hits);
      types.push(machine.peekPhysical(BigInt(0x100000 + at), 9)[8 * (types.length & 1)]);
    }
    expect(hits).toEqual([
      { watch: 0, access: 'write' },
      { watch: 1, access: 'write' },
    ]);
    // SDM "Code- and Data-Segment Descriptor Types", "System Descriptor Types": accessed is bit 0, busy bit 1 of the type.
    expect(types).toEqual([0x93, 0x8b]);
  });
});
