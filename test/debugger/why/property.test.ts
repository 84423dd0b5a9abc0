// `why` says what the processor does: random controls, bitmaps and registers, every instruction that can exit and some that
// cannot, in a guest on the real core.

import { expect, test } from 'vitest';
import type { Machine, Stop } from '../../../src/machine/types.ts';
import { VMCS_FIELD_LIST, type VmcsFieldName, vmcsEncoding } from '../../../src/spec/vmcs-fields.ts';
import { exits, type WhyVerdict } from '../../../src/debugger/why/types.ts';
import { whyInstruction } from '../../../src/debugger/why/why.ts';
import { assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

const INSTRUCTIONS = [
  'cpuid', 'getsec', 'invd', 'xsetbv', 'vmcall', 'vmclear [rbx]', 'vmlaunch', 'vmptrld [rbx]', 'vmptrst [rbx]', 'vmresume',
  'vmxoff', 'vmxon [rbx]', 'invept rax, [rbx]', 'invvpid rax, [rbx]', 'vmread rax, rcx', 'vmwrite rcx, rax', 'vmfunc', 'hlt',
  'invlpg [rbx]', 'invpcid rax, [rbx]', 'rdpmc', 'rdtsc', 'rdtscp', 'rdpid rsi', 'monitor', 'mwait', 'pause', 'rdrand rsi', 'rdseed esi',
  'wbinvd', 'mov cr0, rax', 'mov cr2, rax', 'mov cr3, rax', 'mov cr4, rax', 'mov cr8, rdx', 'mov rsi, cr0', 'mov rsi, cr3', 'mov rsi, cr4',
  'mov rsi, cr8', 'mov rsi, dr0', 'mov dr1, rdx', 'mov rsi, dr5', 'clts', 'lmsw ax', 'lmsw [rbx]', 'smsw si', 'in al, 0x71',
  'in al, dx', 'in ax, dx', 'in eax, dx', 'out 0x80, al', 'out dx, ax', 'out dx, eax', 'insb', 'rep insd', 'outsb', 'rep outsw',
  'rdmsr', 'wrmsr', 'lgdt [rbx]', 'lidt [rbx]', 'sgdt [rbx]', 'sidt [rbx]', 'lldt si', 'ltr si', 'sldt [rbx]', 'str si',
  'int3', 'int1', 'ud2', 'ud1 eax, [rbx]', 'xsaves [rbx]', 'nop', 'add rsi, [rbx]', 'mov [rbx], rsi', 'mov rsi, rdx', 'swapgs', 'lea rsi, [rbx]',
] as const; // biome-ignore format: a list

const SLOT = 16;
const SCRATCH = 0x240000n;
const BITMAPS = 0x204000n;
const VIRTUAL_APIC = 0x245000n;
const ALL = 0xffff_ffffn;

const TEXT = `%include "hypervisor.inc"
test:
        guest_at guest
        call    run_guest
        jmp     failed
        mov     esi, 0x1badcafe
        vmresume
guest:  vmcall
        times 13 nop
        align   ${SLOT}
        mov     edi, 0x1badcafe
        align   ${SLOT}
${INSTRUCTIONS.map((text) => `        ${text}\n        align ${SLOT}`).join('\n')}
`;

/** xorshift32, seeded. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Bench {
  readonly machine: Machine;
  readonly baseline: ReadonlyMap<number, bigint>;
  readonly vmcall: bigint;
  readonly first: bigint;
}

const program = hasNasm() ? assembleText(TEXT) : undefined;

function find(bytes: readonly number[]): bigint {
  const image = program?.segments[0]?.bytes ?? new Uint8Array(0);
  for (let at = 0; at < image.length; at++)
    if (bytes.every((byte, i) => image[at + i] === byte)) return BigInt(0x100000 + at);
  throw new Error('not found');
}

function prepare(): Bench {
  if (program === undefined) throw new Error('no nasm');
  const { machine } = startProgram(program);
  const stop = machine.run({ limit: 1_000_000, exitReasons: new Uint8Array(256).fill(1) });
  if (stop.kind !== 'vm-exit' || stop.exit.reason !== 18) throw new Error(`the guest did not start: ${stop.kind}`);
  const resume = find([0xbe, 0xfe, 0xca, 0xad, 0x1b]) + 5n;
  const write = (name: VmcsFieldName, value: bigint) => {
    const problem = machine.writeVmcs(vmcsEncoding(name), value);
    if (problem !== undefined) throw new Error(problem);
  };
  write('Host RIP', resume);
  machine.writeRegister('rip', resume);
  for (const page of [stop.exit.guestRip, SCRATCH, 0x209000n]) userPage(machine, page);
  const baseline = new Map<number, bigint>();
  for (const { encoding, area } of VMCS_FIELD_LIST) {
    const value = area === 'read-only' ? undefined : machine.readVmcs(encoding);
    if (value !== undefined) baseline.set(encoding, value);
  }
  return { machine, baseline, vmcall: stop.exit.guestRip, first: find([0xbf, 0xfe, 0xca, 0xad, 0x1b]) + BigInt(SLOT) };
}

/** Lets CPL 3 use the page: U/S in every entry. */
function userPage(machine: Machine, linear: bigint): void {
  for (const step of machine.walkLinear('root', linear)?.steps ?? []) {
    machine.pokePhysical(step.address, Uint8Array.of(Number(step.raw & 0xffn) | 4));
  }
}

const CHOSEN_PRIMARY = [7, 9, 10, 11, 12, 15, 16, 19, 20, 21, 23, 24, 25, 28, 29, 30];
const CHOSEN_SECONDARY = [2, 3, 6, 11, 12, 16];

function mutate({ machine, baseline }: Bench, below: (n: number) => number): void {
  const set = (name: VmcsFieldName, value: bigint): void => {
    const problem = machine.writeVmcs(vmcsEncoding(name), value);
    if (problem !== undefined) throw new Error(problem);
  };
  for (const [encoding, value] of baseline) machine.writeVmcs(encoding, value);
  const word = (): bigint => BigInt(below(0x10000)) | (BigInt(below(0x10000)) << 16n);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const bits = (choice: readonly number[]): bigint =>
    choice.reduce((sum, bit) => sum | (BigInt(below(2)) << BigInt(bit)), 0n);
  const primaryField = 'Primary processor-based VM-execution controls';
  const base =
    (baseline.get(vmcsEncoding(primaryField)) ?? 0n) &
    ~CHOSEN_PRIMARY.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  set(primaryField, (base & 0x7fff_ffffn) | bits(CHOSEN_PRIMARY) | (BigInt(below(2)) << 31n));
  set('Secondary processor-based VM-execution controls', bits(CHOSEN_SECONDARY));
  set('Exception bitmap', word());
  set('Page-fault error-code mask', pick([0n, 1n, 7n]));
  set('Page-fault error-code match', pick([0n, 1n, 2n]));
  const cr0 = machine.readVmcs(vmcsEncoding('Guest CR0')) ?? 0n;
  const cr4 = machine.readVmcs(vmcsEncoding('Guest CR4')) ?? 0n;
  set('CR0 guest/host mask', pick([0n, ALL, 0x8n, 0xen, 1n, 0x8000_0021n, word()]));
  set('CR0 read shadow', pick([cr0, cr0 ^ 8n, 0x10n, word()]));
  set('CR4 guest/host mask', pick([0n, 0x2000n, ALL, word()]));
  set('CR4 read shadow', pick([cr4, cr4 ^ 0x2000n, word()]));
  set('CR3-target count', BigInt(below(5)));
  set('CR3-target value 0', pick([0n, 0x1000n, 0x2000n]));
  set('CR3-target value 3', 0x3000n);
  set('Address of I/O bitmap A', BITMAPS);
  set('Address of I/O bitmap B', BITMAPS + 0x1000n);
  set('Address of MSR bitmaps', BITMAPS + 0x2000n);
  set('Virtual-APIC address', VIRTUAL_APIC);
  set('TPR threshold', BigInt(below(16)));
  machine.pokePhysical(VIRTUAL_APIC + 0x80n, Uint8Array.of(0xf0));
  machine.pokePhysical(
    BITMAPS,
    Uint8Array.from({ length: 0x3000 }, () => below(256) & below(256)),
  );
  set('Guest RFLAGS', 2n | pick([0n, 0x1000n, 0x3000n]));
  set('Guest CR4', cr4 | pick([0n, 4n, 0x100n, 0x800n, 8n]));
  set('Guest DR7', 0x400n);
  set('Guest GDTR limit', 0n);
  if (below(4) === 0) {
    set('Guest CS selector', 0x0bn);
    set('Guest CS access rights', 0xa0fbn);
    set('Guest SS selector', 0x13n);
    set('Guest SS access rights', 0xc0f3n);
  }
  machine.pokePhysical(
    SCRATCH,
    Uint8Array.from({ length: 64 }, () => below(256)),
  );
  machine.writeRegister('rbx', SCRATCH);
  machine.writeRegister('rax', pick([0n, 1n, cr0, cr4, 0x1000n, 0x3000n, cr0 ^ 0x20n, word()]));
  machine.writeRegister(
    'rcx',
    pick([
      0n,
      1n,
      0x10n,
      0x1a0n,
      0x277n,
      0x800n,
      0x2000n,
      0x4826n,
      0xc000_0080n,
      0xc000_0100n,
      0xc000_1fffn,
      0xc000_2000n,
      word(),
    ]),
  );
  machine.writeRegister('rdx', pick([0n, 3n, 9n, 0x71n, 0x7fffn, 0x8000n, 0xfffdn, 0xffffn, BigInt(below(0x10000))]));
  machine.writeRegister('rsi', SCRATCH + 16n);
  machine.writeRegister('rdi', SCRATCH + 32n);
}

/** Back to the hypervisor; false when the guest is beyond help. */
function leave({ machine, vmcall, baseline }: Bench): boolean {
  for (let i = 0; i < 8 && machine.side() === 'non-root'; i++) {
    for (const [register, name] of [
      ['cr0', 'Guest CR0'],
      ['cr3', 'Guest CR3'],
      ['cr4', 'Guest CR4'],
    ] as const) {
      machine.writeRegister(register, baseline.get(vmcsEncoding(name)) ?? 0n);
    }
    machine.writeRegister('rip', vmcall);
    if (machine.step().kind === 'idle') return false;
  }
  return machine.side() === 'root';
}

/** What is wrong with the verdict, given what the processor did; undefined when they agree. */
function disagreement(verdict: WhyVerdict, stop: Stop): string | undefined {
  const { outcome } = verdict;
  const happened =
    stop.kind === 'vm-exit'
      ? `exit ${stop.exit.reason & 0xffff}, ${(stop.exit.interruptionInfo >>> 0).toString(16)}`
      : stop.kind;
  const reason = stop.kind === 'vm-exit' ? stop.exit.reason & 0xffff : -1;
  switch (outcome.kind) {
    case 'exit':
      return reason === outcome.reason ? undefined : `${verdict.because} Happened: ${happened}`;
    case 'exception': {
      const vector = stop.kind === 'vm-exit' ? stop.exit.interruptionInfo & 0xff : -1;
      const agrees = outcome.exits
        ? reason === 0 && vector === outcome.vector
        : reason === -1 || reason === 2 || (reason === 0 && vector !== outcome.vector);
      return agrees ? undefined : `${verdict.because} Happened: ${happened}`;
    }
    case 'no-exit':
      return reason === -1 || (outcome.later && (reason === 0 || reason === 2))
        ? undefined
        : `${verdict.because} Happened: ${happened}`;
  }
}

test.skipIf(program === undefined)(
  'agrees with the core on random controls, bitmaps and registers',
  () => {
    const below = random(0x2545f491);
    let bench = prepare();
    const wrong: string[] = [];
    const seen = new Map<string, Set<string>>();
    let entered = 0;
    for (let round = 0; round < 13; round++) {
      for (const [index, text] of INSTRUCTIONS.entries()) {
        mutate(bench, below);
        const { machine } = bench;
        const address = bench.first + BigInt(index * SLOT);
        machine.writeVmcs(vmcsEncoding('Guest RIP'), address);
        const entry = machine.step();
        if (entry.kind !== 'vm-entry') {
          if (machine.side() === 'non-root') throw new Error(`entered with ${entry.kind}`);
          bench = prepare();
          continue;
        }
        entered++;
        const answer = whyInstruction(machine, address);
        if (!answer.ok) throw new Error(answer.error);
        const { verdict } = answer.answer;
        const kinds = seen.get(text) ?? new Set();
        seen.set(text, kinds.add(exits(verdict) ? 'exits' : 'stays'));
        const problem = disagreement(verdict, machine.step());
        if (problem !== undefined)
          wrong.push(`${text} at CPL ${machine.registers('non-root')?.values.get('cs')}: ${problem}`);
        if (!leave(bench)) bench = prepare();
      }
    }
    expect(wrong).toEqual([]);
    expect(entered).toBeGreaterThan(700);
    // Both answers were met for what a control decides.
    const both = [...seen].filter(([, kinds]) => kinds.size === 2).map(([text]) => text);
    expect(both).toEqual(
      expect.arrayContaining([
        'hlt',
        'rdtsc',
        'rdmsr',
        'wrmsr',
        'in al, dx',
        'mov cr3, rax',
        'mov cr0, rax',
        'clts',
        'mov cr8, rdx',
        'lgdt [rbx]',
        'rdrand rsi',
        'int3',
        'ud2',
      ]),
    );
  },
  60_000,
);
