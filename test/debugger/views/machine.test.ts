// The views' models on the real machine: a VMCS that changes, a walk that ends, rings and bitmaps.
import { describe, expect, test } from 'vitest';
import { exitFilter } from '../../../src/debugger/views/exit-filter.ts';
import { filterStep } from '../../../src/debugger/views/chosen-exits.ts';
import { addressSpaceView } from '../../../src/debugger/views/address-space.ts';
import { takeNamedSnapshot } from '../../../src/debugger/snapshots.ts';
import { labelExits } from '../../../src/debugger/views/label-exits.ts';
import { lineExits } from '../../../src/debugger/views/line-exits.ts';
import { machineView } from '../../../src/debugger/views/machine.ts';
import { leaveStop, recordRun } from '../../../src/debugger/views/record.ts';
import { translationView } from '../../../src/debugger/views/translation.ts';
import { type VmcsFieldView, vmcsView } from '../../../src/debugger/views/vmcs.ts';
import { walkAddress } from '../../../src/debugger/walk.ts';
import type { Context } from '../../../src/debugger/expressions/names.ts';
import { imageOf } from '../../../src/program/image.ts';
import { EXIT_REASON_LIST } from '../../../src/spec/exit-reasons.ts';
import { vmcsEncoding } from '../../../src/spec/vmcs-fields.ts';
import { assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

// The guest executes CPUID three times; the host goes on behind each.
const TEXT = `%include "hypervisor.inc"
test:
        call    run_guest
        call    run_guest
        call    run_guest
        pass
guest:  cpuid
        cpuid
        cpuid
        hlt
`;
const CPUID = 10;
const EVERY_REASON = new Uint8Array(256).fill(1);

function started() {
  const program = assembleText(TEXT);
  const { machine } = startProgram(program);
  const image = imageOf(program);
  const record = recordRun(machine);
  const context: Context = { machine, side: 'root', image, addressOf: () => undefined };
  return { machine, image, record, context };
}

/** Runs to the first VM exit. */
function atFirstExit() {
  const all = started();
  const stop = all.machine.run({ limit: 1_000_000, exitReasons: EVERY_REASON });
  expect(stop.kind).toBe('vm-exit');
  return all;
}

function field(view: ReturnType<typeof vmcsView>, name: string): VmcsFieldView {
  const found = view.areas.flatMap((area) => area.fields).find((row) => row.name === name);
  if (found === undefined) throw new Error(`the view has no ${name}`);
  return found;
}

describe.skipIf(!hasNasm())('on the machine', () => {
  test('without a current VMCS there are no areas', () => {
    const { machine, image, record } = started();
    expect(vmcsView({ machine, image }, record)).toEqual({ address: null, areas: [], failed: 0 });
  });

  test('a field that was written since the VM exit shows what it was', () => {
    const { machine, image, record } = atFirstExit();
    const rip = machine.readVmcs(vmcsEncoding('Guest RIP')) ?? 0n;
    expect(field(vmcsView({ machine, image }, record), 'GUEST_RIP').beforeExit).toBeNull();
    leaveStop(record, machine);
    machine.writeVmcs(vmcsEncoding('Guest RIP'), rip + 2n);
    const row = field(vmcsView({ machine, image }, record), 'GUEST_RIP');
    expect(row.beforeExit).toBe(`0x${rip.toString(16)}`);
    expect(row.beforeStop).toBe(`0x${rip.toString(16)}`);
  });

  test('compared with a snapshot: what differs from it', () => {
    const { machine, image, record } = atFirstExit();
    const rip = machine.readVmcs(vmcsEncoding('Guest RIP')) ?? 0n;
    const { picture } = takeNamedSnapshot(machine, 'before');
    machine.writeVmcs(vmcsEncoding('Guest RIP'), rip + 2n);
    const rows = vmcsView({ machine, image }, record, picture.vmcs).areas.flatMap((area) => area.fields);
    const different = rows.filter((row) => row.inSnapshot !== null);
    expect(different.map((row) => [row.name, row.inSnapshot])).toEqual([['GUEST_RIP', `0x${rip.toString(16)}`]]);
    expect(field(vmcsView({ machine, image }, record), 'GUEST_RIP').inSnapshot).toBeNull();
  });

  test('a check that a VM entry would fail stands at its field', () => {
    const { machine, image, record } = atFirstExit();
    expect(vmcsView({ machine, image }, record).failed).toBe(0);
    machine.writeVmcs(vmcsEncoding('Guest RFLAGS'), 0n);
    const view = vmcsView({ machine, image }, record);
    expect(view.failed).toBe(1);
    expect(field(view, 'GUEST_RFLAGS').failed).toHaveLength(1);
    expect(field(view, 'GUEST_RFLAGS').failed[0]?.reported).toBe(true);
  });

  test('the processor is in VMX root operation at ring 0 after a VM exit', () => {
    const { machine, image } = atFirstExit();
    const view = machineView(machine, image);
    expect(view.processors).toHaveLength(machine.processors);
    expect(view.processors[0]).toMatchObject({ operation: 'VMX root operation', ring: 0, mode: '64-bit mode' });
    expect(view.transition).toMatchObject({ kind: 'VM exit', number: 1, why: 'CPUID' });
  });

  test('exception bitmap: vectors as ranges', () => {
    const { machine, image } = atFirstExit();
    // #DE, #DB, NMI (0 to 2) and #PF (14).
    machine.writeVmcs(vmcsEncoding('Exception bitmap'), 0x4007n);
    expect(machineView(machine, image).intercepts[0]).toEqual({ name: 'Exceptions (vectors)', ranges: ['0–2', '14'] });
  });

  test('a linear address goes through paging to memory; one that is not mapped says why it ends', () => {
    const { machine } = atFirstExit();
    const rip = machine.readRegister('rip') ?? 0n;
    const view = translationView(walkAddress(machine, { kind: 'linear', side: 'root', address: rip }));
    expect(view.stop).toBeNull();
    // Programs start with identity paging.
    expect(view.memory).toBe(`hpa:0x${rip.toString(16)}`);
    expect(view.stages[0]?.boxes[0]?.name).toBe('PML4E');
    const ends = translationView(walkAddress(machine, { kind: 'linear', side: 'root', address: 0x7fff_ffff_f000n }));
    expect(ends.memory).toBeNull();
    expect(ends.stages[0]?.boxes.at(-1)?.stop).not.toBeNull();
  });

  test('the host’s address space: identity paging, and no EPT', () => {
    const { machine } = atFirstExit();
    const view = addressSpaceView(machine, 'host', 0n);
    expect(view?.title).toContain('4-level paging');
    expect(view?.rows[0]).toMatchObject({ from: '0x0', target: '0x0', expression: 'hva:0x0', stop: null });
    expect(addressSpaceView(machine, 'running', 0n)).toEqual(view);
    expect(addressSpaceView(machine, 'ept', 0n)).toBeUndefined();
  });

  test('exits are counted at the line of the instruction that exited', () => {
    const program = assembleText(TEXT);
    const { machine } = startProgram(program);
    machine.run({ limit: 1_000_000, exitReasons: EVERY_REASON });
    const address = machine.lastExit()?.guestRip ?? 0n;
    const row = { address, file: 0, line: 7, column: 1, statement: true, end: false };
    const lines = { files: ['/work/guest.asm'], rows: [row, { ...row, address: address + 2n, end: true }] };
    const found = lineExits(machine, imageOf({ ...program, lines }));
    expect(found).toEqual([{ path: '/work/guest.asm', line: 7, title: 'CPUID', count: 1, mean: null }]);
  });

  test('exits are counted at the label of the guest, and at the handler of the host', () => {
    const program = assembleText(TEXT);
    const { machine } = startProgram(program);
    machine.run({ limit: 1_000_000, exitReasons: EVERY_REASON });
    const guest = machine.lastExit()?.guestRip ?? 0n;
    const host = machine.readRegister('rip') ?? 0n;
    machine.run({ limit: 1_000_000 });
    const symbol = (name: string, address: bigint) => ({ name, address, size: 64, kind: 'function' as const });
    const row = (address: bigint, line: number) => ({ address, file: 0, line, column: 1, statement: true, end: false });
    // The guest's label is at its first CPUID, as a local label behind it is at the second.
    const image = imageOf({
      ...program,
      symbols: [symbol('guest', guest), symbol('guest.again', guest + 2n), symbol('exited', host)],
      lines: {
        files: ['/work/guest.asm'],
        rows: [
          row(guest, 7),
          { ...row(guest + 8n, 11), end: true },
          row(host, 3),
          { ...row(host + 64n, 4), end: true },
        ].sort((a, b) => (a.address < b.address ? -1 : 1)),
      },
    });
    const found = labelExits(machine, image, image);
    // Three executions of CPUID; the host does not go back after the third.
    const { places } = machine.exitStatistics();
    const instructions = places.reduce((sum, place) => sum + place.total, 0);
    const common = {
      path: '/work/guest.asm',
      count: 3,
      handled: 2,
      instructions,
      reasons: [{ title: 'CPUID', count: 3 }],
    };
    expect(found).toEqual([
      { ...common, name: 'guest', line: 7, kind: 'exits' },
      { ...common, name: 'exited', line: 3, kind: 'handler' },
    ]);
    expect(instructions).toBeGreaterThan(0);
  });

  test('every exit is held, and a filter finds some', () => {
    const { machine, context } = started();
    machine.run({ limit: 1_000_000 });
    const { timeline } = machine.history;
    expect(timeline.count).toBe(machine.exitCount());
    expect(timeline.count).toBeGreaterThan(0);
    const numbers = (text: string): number[] | string => {
      const filter = exitFilter(text, context);
      if ('error' in filter) return filter.error;
      const { chosen } = filterStep(timeline, text, filter, undefined);
      return Array.from({ length: chosen.count }, (_, i) => chosen.numberAt(i));
    };
    const every = Array.from({ length: timeline.count }, (_, i) => i + 1);
    expect(numbers('')).toEqual(every);
    expect(numbers('CPUID')).toEqual(every);
    expect(numbers('HLT')).toEqual([]);
    expect(numbers(`exit.reason == ${CPUID} && exit.number == 1`)).toEqual([1]);
    expect(numbers('exit.number ==')).toMatch(/./);
    expect(numbers('no_such_name')).toMatch(/no_such_name/);
  });
});

test('the reason that the filter names is the SDM’s', () => {
  expect(EXIT_REASON_LIST.find((row) => row.identifier === 'CPUID')?.reason).toBe(CPUID);
});
