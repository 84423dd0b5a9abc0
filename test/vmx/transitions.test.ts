// VM entries and VM exits as the debugger meets them: stops, records, steps, failures explained.
import { describe, expect, it } from 'vitest';
import type { Stop, VmEntry, VmExit } from '../../src/machine/types.ts';
import { assembleProgram32, assembleText, hasNasm, startProgram } from './hypervisors.ts';

const start = (body: string) => startProgram(assembleText(`%include "hypervisor.inc"\n${body}`));
const LIMIT = 1_000_000;

const LOOP = `
test:   run_until REASON_CPUID
        skip
        run_until REASON_VMCALL
        pass
guest:  cpuid
        mov     eax, 5
.call:  vmcall
`;

/** exitReasons with only these set. */
const only = (...reasons: number[]): Uint8Array => {
  const set = new Uint8Array(128);
  for (const reason of reasons) set[reason] = 1;
  return set;
};

describe.skipIf(!hasNasm())('transitions', () => {
  it('stops after the VM exits that were asked for, at HOST_RIP', () => {
    const { machine } = start(LOOP);
    const stop = machine.run({ limit: LIMIT, exitReasons: only(18) });
    expect(stop.kind).toBe('vm-exit');
    if (stop.kind !== 'vm-exit') return;
    expect(stop.exit).toMatchObject({ number: 2, reason: 18, instructionLength: 3, qualification: 0n });
    expect(machine.side()).toBe('root');
    expect(machine.readRegister('rip')).toBe(machine.readVmcs(0x6c16));
    expect(machine.readVmcs(0x681e)).toBe(stop.exit.guestRip);
    expect(machine.exitCount()).toBe(2);
    expect(machine.entryCount()).toBe(2);
    expect(machine.lastExit()).toEqual(stop.exit);
    expect(machine.registers('non-root')?.values.get('rip')).toBe(stop.exit.guestRip);
    expect(machine.codeBits('non-root')).toBe(64);
    expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'shutdown', status: 1, port: 0xf4 });
  });

  it('stops after VM entries, before the first guest instruction', () => {
    const { machine } = start(LOOP);
    const first = machine.run({ limit: LIMIT, entries: true });
    expect(first).toMatchObject({ kind: 'vm-entry', entry: { number: 1, instruction: 'VMLAUNCH', injected: 0 } });
    expect(machine.side()).toBe('non-root');
    expect(machine.readRegister('rip')).toBe(machine.readVmcs(0x681e));
    expect(machine.registers('root')?.values.get('rip')).toBe(machine.readVmcs(0x6c16));
    const second = machine.run({ limit: LIMIT, entries: true });
    expect(second).toMatchObject({ kind: 'vm-entry', entry: { number: 2, instruction: 'VMRESUME' } });
  });

  it('tells every transition to the listener, in order', () => {
    const { machine } = start(LOOP);
    const seen: string[] = [];
    machine.onTransition = (event: { exit: VmExit } | { entry: VmEntry }) =>
      seen.push(
        'exit' in event
          ? `exit ${event.exit.number} ${event.exit.reason}`
          : `entry ${event.entry.number} ${event.entry.instruction}`,
      );
    machine.run({ limit: LIMIT });
    expect(seen).toEqual(['entry 1 VMLAUNCH', 'exit 1 10', 'entry 2 VMRESUME', 'exit 2 18']);
  });

  it('steps over each transition on its own', () => {
    const { machine } = start(LOOP);
    machine.run({ limit: LIMIT, entries: true });
    expect(machine.step()).toMatchObject({ kind: 'vm-exit', exit: { reason: 10 } });
    const kinds: Stop['kind'][] = [];
    for (let i = 0; i < 1000 && machine.entryCount() < 2; i++) kinds.push(machine.step().kind);
    expect(kinds.at(-1)).toBe('vm-entry');
    expect(new Set(kinds.slice(0, -1))).toEqual(new Set(['budget']));
    const rip = machine.readRegister('rip') ?? 0n;
    expect(machine.step()).toEqual({ kind: 'budget' });
    expect(machine.readRegister('rip')).toBe(rip + 5n);
    expect(machine.readRegister('rax')).toBe(5n);
    expect(machine.step()).toMatchObject({ kind: 'vm-exit', exit: { reason: 18 } });
  });

  it('takes the same time however it is run', () => {
    const whole = start(LOOP).machine;
    whole.run({ limit: LIMIT });
    const stepped = start(LOOP).machine;
    let stop: Stop = { kind: 'budget' };
    while (stop.kind !== 'shutdown') stop = stepped.step();
    expect(stepped.time()).toBe(whole.time());
    const sliced = start(LOOP).machine;
    let slice: Stop = { kind: 'budget' };
    while (slice.kind !== 'shutdown') slice = sliced.run({ limit: 7 });
    expect(sliced.time()).toBe(whole.time());
  });

  it('steps onto the handler of an injected event', () => {
    const { machine } = start(`
test:   vmw     ENTRY_INTERRUPTION, 0x80000306
        run_until REASON_VMCALL
        pass
guest:  cpuid
`);
    expect(machine.run({ limit: LIMIT, entries: true })).toMatchObject({
      kind: 'vm-entry',
      entry: { injected: 0x80000306 },
    });
    const guest = machine.readRegister('rip') ?? 0n;
    expect(machine.step()).toEqual({ kind: 'budget' });
    const pushed = new DataView(machine.peekLinear('non-root', machine.readRegister('rsp') ?? 0n, 8).buffer);
    expect(pushed.getBigUint64(0, true)).toBe(guest);
  });

  it('explains a failed entry with every check', () => {
    const { machine } = start(`
test:   vmw     GUEST_RFLAGS, 0
        vmw     GUEST_TR_RIGHTS, 0x82
        run_until ENTRY_FAILURE | REASON_BAD_GUEST
        pass
guest:  cpuid
`);
    const stop = machine.run({ limit: LIMIT });
    expect(stop.kind).toBe('entry-failure');
    if (stop.kind !== 'entry-failure') return;
    const { outcome, checks, instruction } = stop.failure;
    expect(instruction).toBe('VMLAUNCH');
    expect(outcome).toEqual({ kind: 'vm-exit', reason: 0x80000021, qualification: 0n });
    const names = checks.map((check) => check.fields[0]?.name);
    expect(names).toContain('Guest RFLAGS');
    expect(names).toContain('Guest TR access rights');
    expect(checks.filter((check) => check.reported)).toHaveLength(1);
    expect(machine.entryCount()).toBe(0);
    expect(machine.readVmcs(0x4402)).toBe(0x80000021n);
    expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'shutdown', status: 1, port: 0xf4 });
  });

  it('explains an entry refused with VMfailValid, and stands behind the instruction', () => {
    const { machine } = start(`
test:   vmw     HOST_RIP, 1 << 62
        run_fails 8
        pass
guest:  cpuid
`);
    const stop = machine.run({ limit: LIMIT });
    expect(stop).toMatchObject({ kind: 'entry-failure', failure: { outcome: { kind: 'vm-fail-valid', error: 8 } } });
    if (stop.kind !== 'entry-failure') return;
    expect(machine.readRegister('rip')).toBe(stop.failure.hostRip + 3n);
    expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'shutdown', status: 1, port: 0xf4 });
  });

  it('explains VMfail', () => {
    const { machine } = start(`
test:   mov     eax, 0x1234
        vmread  rbx, rax
        fails_valid 12
        pass
guest:  cpuid
`);
    const stop = machine.run({ limit: LIMIT });
    expect(stop).toMatchObject({ kind: 'vm-fail', fail: { instruction: 'VMREAD', error: 12 } });
    if (stop.kind === 'vm-fail') expect(stop.fail.explanation).toContain('0x1234');
  });

  it('names the MSR at which a VMX abort happened', () => {
    const { machine } = start(`
test:   mov     dword [SCRATCH], 0x12345
        vmw     EXIT_MSR_STORE_ADDR, SCRATCH
        vmw     EXIT_MSR_STORE_COUNT, 1
        run_until REASON_CPUID
guest:  cpuid
`);
    const stop = machine.run({ limit: LIMIT });
    expect(stop).toMatchObject({ kind: 'vmx-abort', indicator: 1 });
    if (stop.kind === 'vmx-abort') expect(stop.explanation).toContain('0x12345');
    const vmcs = machine.currentVmcs() ?? 0n;
    expect([...machine.peekPhysical(vmcs + 4n, 4)]).toEqual([1, 0, 0, 0]);
  });

  it('runs a 32-bit hypervisor', () => {
    const { machine } = startProgram(assembleProgram32('host32.asm'));
    const stop = machine.run({ limit: LIMIT });
    // EBP tells which check failed.
    expect([machine.readRegister('rbp'), stop]).toEqual([10n, { kind: 'shutdown', status: 1, port: 0xf4 }]);
  });

  it('aborts when the host would load PDPTEs with reserved bits', () => {
    const { machine } = startProgram(assembleProgram32('host32.asm', 'PDPTES_BAD'));
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'vmx-abort', indicator: 2 });
  });

  it('stands still in wait-for-SIPI', () => {
    const { machine } = start(`
test:   vmw     GUEST_ACTIVITY, 3
        run_until REASON_CPUID
guest:  cpuid
`);
    const stop = machine.run({ limit: LIMIT });
    expect(stop).toMatchObject({ kind: 'idle' });
    if (stop.kind === 'idle') expect(stop.explanation).toContain('waiting for a SIPI');
    expect(machine.side()).toBe('non-root');
  });
});
