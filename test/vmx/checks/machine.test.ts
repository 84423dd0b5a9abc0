// Each broken rule on the machine: the right error or VM exit, and nothing else changed (SDM "VMX Instruction Reference",
// "VM-Entry Failures During or After Loading Guest State").
import { beforeAll, describe, expect, test } from 'vitest';
import type { Machine } from '../../../src/machine/types.ts';
import { VMCS_FIELD_LIST, VMCS_FIELDS } from '../../../src/spec/vmcs-fields.ts';
import { VMCS_FIELDS_OFFSET, vmcsFieldOffset } from '../../../src/spec/vmcs-layout.ts';
import type { CapabilityProfile } from '../../../src/vmx/capabilities.ts';
import { ENTRY_CHECKS } from '../../../src/vmx/checks/list.ts';
import { assembleText, coreModule, hasNasm } from '../hypervisors.ts';
import { createMachine } from '../../../src/machine/machine.ts';
import { CASES, expectedOutcome, MSR_LOADING } from './cases.ts';
import type { Case } from './cases-controls.ts';
import { CURRENT_VMCS, EVERYTHING, fixture } from './fixture.ts';

const RAM = 0x110000;
const PREPARE = `
  mov rax, cr4
  or eax, 0x2000
  mov cr4, rax
  mov rax, cr0
  or eax, 0x20
  mov cr0, rax
  mov ecx, 0x480
  rdmsr
  mov [0x8000], eax
  mov [0x5000], eax
  mov [0x6000], eax
  mov dword [0x9000], 0x8000
  vmxon [0x9000]
  mov dword [0x9000], 0x5000
  vmclear [0x9000]
  vmptrld [0x9000]
stay: jmp stay
again: vmlaunch
`;
/** Where the fixture has another VMCS. */
const LINKED_VMCS = 0x6000n;
const VMCS_REVISION_WORD = 0x5253_4431n;
const RIP_OF_LAUNCH = 3n; // bytes of VMLAUNCH
const FLAGS = 0x8d5n;
const ZF = 0x40n;

let program: ReturnType<typeof assembleText> | undefined;
const written = new Set<bigint>();
const machines = new Map<string, Machine>();

/** A machine of a profile, in VMX operation with a current VMCS, standing at VMLAUNCH. */
function machineOf(edit: Case): { machine: Machine; launch: bigint } {
  const key = JSON.stringify(edit.profile ?? {}, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  program ??= assembleText(PREPARE);
  const launch = BigInt(program.segments[0]?.size ?? 0) - RIP_OF_LAUNCH + 0x100000n;
  let machine = machines.get(key);
  if (machine === undefined) {
    const profile: CapabilityProfile = { ...EVERYTHING, ...edit.profile };
    machine = createMachine({ coreWasm: coreModule(), ramSize: RAM, program, profile });
    machine.run({ limit: 1000 });
    machines.set(key, machine);
  }
  return { machine, launch };
}

function pokeWord(machine: Machine, address: bigint, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  machine.pokePhysical(address, bytes);
}

/** The base with the case's edit in the current VMCS; the host goes on at VMLAUNCH with its own paging. */
function prepare(machine: Machine, edit: Case, launch: bigint): void {
  const own = { 'Host RIP': launch, 'Host CR3': machine.readRegister('cr3') ?? 0n };
  const { reader } = fixture({ ...edit, set: { ...own, ...edit.set } });
  machine.pokePhysical(CURRENT_VMCS + BigInt(VMCS_FIELDS_OFFSET), new Uint8Array(8 * VMCS_FIELD_LIST.length));
  for (const field of VMCS_FIELD_LIST) {
    if (field.area !== 'read-only') machine.writeVmcs(field.encoding, reader(field.encoding));
  }
  // Memory as the smallest VMCS has it: what the last case wrote goes.
  for (const address of written) pokeWord(machine, address, 0n);
  written.clear();
  pokeWord(machine, LINKED_VMCS, VMCS_REVISION_WORD);
  for (const [address, value] of Object.entries(edit.memory ?? {})) {
    pokeWord(machine, BigInt(address), value);
    written.add(BigInt(address));
  }
  machine.writeRegister('rip', launch);
  machine.writeRegister('rflags', 2n | FLAGS);
}

/** Words of memory that differ, by address. */
function differences(before: Uint8Array, after: Uint8Array): number[] {
  if (Buffer.compare(before, after) === 0) return [];
  const [a, b] = [new BigUint64Array(before.buffer), new BigUint64Array(after.buffer)];
  return Array.from(a.keys())
    .filter((index) => a[index] !== b[index])
    .map((index) => index * 8);
}

const offset = (name: keyof typeof VMCS_FIELDS): number =>
  Number(CURRENT_VMCS) + (vmcsFieldOffset(VMCS_FIELDS[name].encoding) ?? 0);

/** Cases of a 64-bit host whose check is not about the instruction itself. */
const RUNNABLE = CASES.filter(({ id, env }) => env === undefined && !id.startsWith('basic.'));

describe.skipIf(!hasNasm())('each broken rule on the machine', () => {
  beforeAll(() => {
    machineOf({ id: '' });
  });

  test('covers nearly every case', () => {
    expect(RUNNABLE.length).toBeGreaterThan(CASES.length * 0.9);
  });

  test.each(RUNNABLE)('$id', (edit) => {
    const { machine, launch } = machineOf(edit);
    prepare(machine, edit, launch);
    const before = { memory: machine.peekPhysical(0n, RAM), registers: machine.registers('root')?.values };
    const stop = machine.step();
    const after = { memory: machine.peekPhysical(0n, RAM), registers: machine.registers('root')?.values };
    if (stop.kind !== 'entry-failure') throw new Error(`the machine stopped with ${stop.kind}`);
    const order = ENTRY_CHECKS.map((check) => check.id);
    const first = [edit.id, ...(edit.also ?? [])].sort((a, b) => order.indexOf(a) - order.indexOf(b))[0] ?? '';
    const outcome = first.startsWith('msr-load.')
      ? expect.objectContaining({ kind: 'vm-exit', reason: MSR_LOADING })
      : expectedOutcome(first);
    expect(stop.failure.outcome).toEqual(outcome);
    const changed = [...(before.registers ?? [])]
      .filter(([name, value]) => after.registers?.get(name) !== value)
      .map(([name]) => name);
    const words = differences(before.memory, after.memory);
    if (stop.failure.outcome.kind === 'vm-fail-valid') {
      expect(changed.sort()).toEqual(['rflags', 'rip']);
      expect(machine.readRegister('rip')).toBe(launch + RIP_OF_LAUNCH);
      expect((machine.readRegister('rflags') ?? 0n) & FLAGS).toBe(ZF);
      expect(words).toEqual([offset('VM-instruction error') & ~7]);
      expect(machine.readVmcs(0x4400)).toBe(BigInt(stop.failure.outcome.error));
      return;
    }
    // The host's state is loaded; nothing of the guest is saved, and the event that was to be injected stays.
    const general = changed.filter((name) => /^r([abcd]x|[sd]i|bp|\d+)$/.test(name));
    expect(general).toEqual([]);
    expect(machine.readRegister('rip')).toBe(launch);
    expect(machine.side()).toBe('root');
    const reported = [offset('Exit reason') & ~7];
    if (stop.failure.outcome.qualification !== 0n) reported.push(offset('Exit qualification') & ~7);
    expect(words.sort((a, b) => a - b)).toEqual(reported.sort((a, b) => a - b));
    expect(machine.readVmcs(0x4402)).toBe(BigInt(stop.failure.outcome.reason));
    expect(machine.readVmcs(0x6400)).toBe(stop.failure.outcome.qualification);
  });
});
