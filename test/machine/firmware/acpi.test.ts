// The ACPI tables by the offsets of the specification ("Root System Description Pointer", "Fixed ACPI Description Table", "Multiple APIC
// Description Table"), and the hardware that they point to.
import { describe, expect, it } from 'vitest';
import { acpiTables } from '../../../src/machine/firmware/acpi-tables.ts';
import { assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

const AT = 0xf5000;
const image = acpiTables([0, 1, 2], AT);
const view = new DataView(image.buffer);
const text = (at: number, length: number): string => String.fromCharCode(...image.slice(at, at + length));
const sum = (at: number, length: number): number =>
  image.slice(at, at + length).reduce((total, byte) => (total + byte) & 0xff, 0);

function tableAt(address: number): number {
  const at = address - AT;
  expect(sum(at, view.getUint32(at + 4, true))).toBe(0);
  return at;
}

describe('ACPI tables', () => {
  const rsdt = tableAt(view.getUint32(16, true));
  const xsdt = tableAt(view.getUint32(24, true));
  const fadt = tableAt(view.getUint32(rsdt + 36, true));
  const madt = tableAt(view.getUint32(rsdt + 40, true));

  it('have a root pointer with both sums', () => {
    expect([text(0, 8), sum(0, 20), sum(0, 36), image[15], view.getUint32(20, true)]).toEqual([
      'RSD PTR ',
      0,
      0,
      2,
      36,
    ]);
    expect(AT % 16).toBe(0);
  });

  it('are found through RSDT and XSDT alike', () => {
    expect([rsdt, xsdt, fadt, madt].map((at) => text(at, 4))).toEqual(['RSDT', 'XSDT', 'FACP', 'APIC']);
    expect([view.getUint32(xsdt + 36, true) - AT, view.getUint32(xsdt + 44, true) - AT]).toEqual([fadt, madt]);
    expect([view.getUint32(rsdt + 4, true), view.getUint32(xsdt + 4, true)]).toEqual([44, 52]);
  });

  it('describe the fixed hardware', () => {
    expect([view.getUint32(fadt + 4, true), image[fadt + 8]]).toEqual([244, 3]);
    expect(view.getUint16(fadt + 46, true)).toBe(9); // SCI_INT
    expect(view.getUint32(fadt + 48, true)).toBe(0); // SMI_CMD
    // PM1a_EVT_BLK, PM1a_CNT_BLK, PM_TMR_BLK and their lengths
    expect([56, 64, 76].map((offset) => view.getUint32(fadt + offset, true))).toEqual([0x600, 0x604, 0x608]);
    expect([88, 89, 91].map((offset) => image[fadt + offset])).toEqual([4, 2, 4]);
    expect([image[fadt + 116], view.getUint32(fadt + 120, true), image[fadt + 128]]).toEqual([1, 0xcf9, 6]); // RESET_REG
    expect([152, 176, 212].map((offset) => view.getUint32(fadt + offset, true))).toEqual([0x600, 0x604, 0x608]);
    const dsdt = tableAt(view.getUint32(fadt + 40, true));
    expect([text(dsdt, 4), text(dsdt + 37, 4)]).toEqual(['DSDT', '_S5_']);
    const facs = view.getUint32(fadt + 36, true) - AT;
    expect([text(facs, 4), view.getUint32(facs + 4, true), (AT + facs) % 64]).toEqual(['FACS', 64, 0]);
  });

  it('list processors, the I/O APIC, its overrides and the NMI', () => {
    const end = madt + view.getUint32(madt + 4, true);
    const entries: [number, number][] = [];
    for (let at = madt + 44; at < end; at += image[at + 1]!) entries.push([image[at]!, image[at + 1]!]);
    expect(entries).toEqual([
      [0, 8],
      [0, 8],
      [0, 8],
      [1, 12],
      [2, 10],
      [2, 10],
      [4, 6],
    ]);
  });
});

describe.skipIf(!hasNasm())('power management', () => {
  it('has a timer of 3.58 MHz and turns off', () => {
    const program = assembleText(`
      mov dx, 0x608
      in eax, dx
      mov ebx, eax
      mov ecx, 1000000
    again: loop again
      in eax, dx
      sub eax, ebx
      mov esi, eax
      mov dx, 0x604
      in ax, dx
      mov edi, eax
      mov ax, 5 << 10 | 1 << 13
      out dx, ax
    `);
    const { machine } = startProgram(program);
    expect(machine.run({ limit: 2_000_000 })).toEqual({ kind: 'shutdown', status: 0, port: 0x604 });
    // About a million nanoseconds of 3,579,545 Hz.
    expect(Math.abs(Number(machine.readRegister('rsi')) - 3579)).toBeLessThan(3);
    expect(Number(machine.readRegister('rdi')) & 1).toBe(1); // SCI_EN
  });

  it('says what it does not simulate', () => {
    const { machine } = startProgram(assembleText('mov dx, 0x604\nmov ax, 3 << 10 | 1 << 13\nout dx, ax\nhlt'));
    expect(machine.run({ limit: 100 })).toMatchObject({
      kind: 'unsimulated',
      explanation: expect.stringMatching(/sleep type 3/),
    });
  });
});
