// The memory view's model on the real machine: numbers, what points in, what changed, what cannot be read.
import { describe, expect, test } from 'vitest';
import { type MemoryWanted, memoryView } from '../../../src/debugger/views/memory.ts';
import { leaveStop, recordRun } from '../../../src/debugger/views/record.ts';
import { type MemoryAddress, spaceOf } from '../../../src/debugger/memory.ts';
import { imageOf } from '../../../src/program/image.ts';
import { vmcsEncoding } from '../../../src/spec/vmcs-fields.ts';
import { assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

const DATA = 0x200000;

// RBX points to bytes that the seventh and the eighth instruction change.
const TEXT = `start:  mov     ebx, ${DATA}
        mov     rax, 0x1122334455667788
        mov     [rbx], rax
        mov     rax, "memory!?"
        mov     [rbx + 8], rax
        nop
        mov     byte [rbx + 2], 0xab
        mov     dword [rbx + 12], ${DATA}
        hlt
`;
const GUEST = `%include "hypervisor.inc"
test:   call    run_guest
        pass
guest:  cpuid
        hlt
`;

function started(text = TEXT) {
  const program = assembleText(text);
  const { machine } = startProgram(program);
  const data = { address: BigInt(DATA), size: 16, name: 'data', kind: 'object' as const };
  const image = imageOf({ ...program, symbols: [data] });
  const record = recordRun(machine);
  const step = (count: number): void => {
    for (let i = 0; i < count; i++) machine.step();
  };
  const view = (at: MemoryAddress, wanted: Partial<MemoryWanted> = {}) =>
    memoryView(machine, image, record.memory, { at, offset: 0, rows: 2, width: 16, unit: 1, ...wanted });
  return { machine, record, step, view };
}

const host = (address: number): MemoryAddress => ({ space: spaceOf('hva', 'root'), address: BigInt(address) });

describe.skipIf(!hasNasm())('on the machine', () => {
  test.each([
    [1, ['88', '77', '66', '55', '44', '33', '22', '11', '6d', '65', '6d', '6f', '72', '79', '21', '3f']],
    [2, ['7788', '5566', '3344', '1122', '656d', '6f6d', '7972', '3f21']],
    [4, ['55667788', '11223344', '6f6d656d', '3f217972']],
    [8, ['1122334455667788', '3f2179726f6d656d']],
  ] as const)('in units of %i bytes, little-endian', (unit, digits) => {
    const { step, view } = started();
    step(5);
    const [row] = view(host(DATA), { unit }).rows;
    expect(row?.cells.map((cell) => cell.digits)).toEqual(digits);
    expect(row?.text).toBe('.wfUD3".memory!?');
    expect(row).toMatchObject({ reference: `hva:0x${DATA.toString(16)}`, symbols: ['data'] });
  });

  test('a row begins where its width divides the address', () => {
    const { view } = started();
    expect(view(host(DATA + 0x1d)).rows.map(({ reference }) => reference)).toEqual(['hva:0x200010', 'hva:0x200020']);
    expect(view(host(DATA + 0x1d), { width: 8, offset: -8 }).rows[0]?.reference).toBe('hva:0x200010');
  });

  test('registers point at their bytes, linear and physical', () => {
    const { step, view } = started();
    step(5);
    const physical: MemoryAddress = { space: spaceOf('hpa', 'root'), address: BigInt(DATA) };
    for (const at of [host(DATA), physical]) {
      const marked = view(at).rows.flatMap((row) => row.cells.filter((cell) => cell.pointers !== undefined));
      // Programs start with identity paging.
      expect(marked.map((cell) => [cell.reference.split(':')[1], cell.pointers])).toEqual([['0x200000', ['rbx']]]);
    }
  });

  test('what changed since the last stop, and what it was', () => {
    const { machine, record, step, view } = started();
    step(6);
    expect(view(host(DATA)).rows[0]?.cells.some((cell) => cell.before !== undefined)).toBe(false);
    leaveStop(record, machine);
    step(1);
    const changed = (unit: 1 | 8) =>
      view(host(DATA), { unit })
        .rows.flatMap((row) => row.cells)
        .filter((cell) => cell.before !== undefined)
        .map(({ reference, digits, before }) => [reference, digits, before]);
    expect(changed(1)).toEqual([['hva:0x200002', 'ab', '66']]);
    expect(changed(8)).toEqual([['hva:0x200000', '1122334455ab7788', '1122334455667788']]);
    // What was not looked at is not known.
    leaveStop(record, machine);
    step(1);
    expect(view(host(DATA + 0x100000)).rows[0]?.cells[0]?.before).toBeUndefined();
  });

  test('a value that is the address of a symbol says so', () => {
    const { step, view } = started();
    step(8);
    expect(view(host(DATA), { unit: 4 }).rows[0]?.cells[3]).toMatchObject({ digits: '00200000', target: 'data' });
  });

  test('what is not mapped says why, once', () => {
    const { view } = started();
    const { rows } = view(host(0x7fff_ffff_f000), { rows: 3 });
    expect(rows[0]?.cells.every((cell) => cell.digits === '')).toBe(true);
    expect(rows[0]?.text).toBe(' '.repeat(16));
    expect(rows[0]?.why).toMatch(/not mapped/);
    expect(rows[1]?.why).toBeUndefined();
  });

  test('the current VMCS: fields at their bytes, and where their addresses lead', () => {
    const { machine, view } = started(GUEST);
    machine.run({ limit: 1_000_000, exitReasons: new Uint8Array(256).fill(1) });
    const at: MemoryAddress = { space: spaceOf('vmcs', 'root'), address: 0n };
    const cells = view(at, { unit: 8, rows: 256 }).rows.flatMap((row) => row.cells);
    const field = (name: string) => cells.find((cell) => cell.pointers?.includes(name));
    const rip = machine.readVmcs(vmcsEncoding('Guest RIP')) ?? 0n;
    expect(field('GUEST_RIP')).toMatchObject({ digits: rip.toString(16).padStart(16, '0'), follow: 'gva:GUEST_RIP' });
    expect(field('HOST_RSP')?.follow).toBe('hva:HOST_RSP');
    expect(field('GUEST_CR0')?.follow).toBeUndefined();
    // Beyond the region there is nothing.
    expect(view({ ...at, address: 4096n }).rows[0]?.why).toContain('beyond the VMCS region');
  });
});
