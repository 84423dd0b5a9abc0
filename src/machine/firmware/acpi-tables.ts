// The ACPI tables (ACPI Specification 6.5, "ACPI Software Programming Model"): the root pointer, RSDT and XSDT, FADT with the registers of
// devices/power-management.ts, FACS, MADT with the processors and interrupt controllers, and a DSDT that names the power-off state alone.
import { PM_CONTROL, PM_EVENTS, PM_TIMER, SCI_IRQ, SLEEP_TYPE_OFF } from '../devices/power-management.ts';
import { checksum, text, u16, u32, u64 } from './bytes.ts';

const HEADER = 36;
const OEM = 'RNGSID';
const LOCAL_APIC = 0xfee00000;
const IO_APIC = 0xfec00000;
const RESET_PORT = 0xcf9;
const RESET_VALUE = 6;
const CENTURY = 0x32; // in the CMOS

// FADT: "Fixed Feature Flags" and "IA-PC Boot Architecture Flags".
const WBINVD = 1;
const C1_SUPPORTED = 1 << 2;
const NO_POWER_BUTTON = 1 << 4;
const NO_SLEEP_BUTTON = 1 << 5;
const NO_RTC_WAKE = 1 << 6;
const TIMER_32 = 1 << 8;
const RESET_REGISTER = 1 << 10;
const LEGACY_DEVICES = 1;
const KEYBOARD_CONTROLLER = 2;
const NO_VGA = 4;
const LATENCY_NONE = 0xffff; // of C2 and C3: absent

// MADT: "Interrupt Controller Structure Types".
const PCAT_COMPATIBLE = 1;
const LOCAL = 0;
const IO = 1;
const OVERRIDE = 2;
const LOCAL_NMI = 4;
const LEVEL_HIGH = 0xd;

function table(signature: string, revision: number, body: readonly number[]): number[] {
  const oem = [...text(OEM), ...text('RINGSIDE'), ...u32(1), ...text('RNGS'), ...u32(1)];
  const bytes = [...text(signature), ...u32(HEADER + body.length), revision, 0, ...oem, ...body];
  bytes[9] = checksum(bytes);
  return bytes;
}

/** A generic address of so many bits of I/O ports. */
const ports = (port: number, bits: number): number[] => [1, bits, 0, 0, ...u64(port)];
const nowhere = (): number[] => new Array<number>(12).fill(0);

function fadt(facs: number, dsdt: number): number[] {
  const flags = WBINVD | C1_SUPPORTED | NO_POWER_BUTTON | NO_SLEEP_BUTTON | NO_RTC_WAKE | TIMER_32 | RESET_REGISTER;
  const body = [
    ...u32(facs),
    ...u32(dsdt),
    0,
    4, // enterprise server
    ...u16(SCI_IRQ),
    ...u32(0), // no SMI command port: ACPI is always on
    ...[0, 0, 0, 0],
    ...[PM_EVENTS, 0, PM_CONTROL, 0, 0, PM_TIMER, 0, 0].flatMap(u32),
    ...[4, 2, 0, 4, 0, 0, 0, 0], // bytes of the blocks
    ...u16(LATENCY_NONE),
    ...u16(LATENCY_NONE),
    ...u16(0),
    ...u16(0),
    ...[0, 0, 0x0d, 0, CENTURY],
    ...u16(LEGACY_DEVICES | KEYBOARD_CONTROLLER | NO_VGA),
    0,
    ...u32(flags),
    ...ports(RESET_PORT, 8),
    RESET_VALUE,
    ...[0, 0, 0],
    ...u64(facs),
    ...u64(dsdt),
    ...ports(PM_EVENTS, 32),
    ...nowhere(),
    ...ports(PM_CONTROL, 16),
    ...nowhere(),
    ...nowhere(),
    ...ports(PM_TIMER, 32),
    ...nowhere(),
    ...nowhere(),
  ];
  return table('FACP', 3, body);
}

function madt(processors: readonly number[]): number[] {
  const body = [
    ...u32(LOCAL_APIC),
    ...u32(PCAT_COMPATIBLE),
    ...processors.flatMap((id) => [LOCAL, 8, id, id, ...u32(1)]),
    ...[IO, 12, 0, 0, ...u32(IO_APIC), ...u32(0)],
    ...[OVERRIDE, 10, 0, 0, ...u32(2), ...u16(0)], // the timer goes to input 2
    ...[OVERRIDE, 10, 0, SCI_IRQ, ...u32(SCI_IRQ), ...u16(LEVEL_HIGH)],
    ...[LOCAL_NMI, 6, 0xff, ...u16(0), 1],
  ];
  return table('APIC', 3, body);
}

/** DefinitionBlock { Name (_S5, Package { SLEEP_TYPE_OFF, 0, 0, 0 }) } in AML. */
function dsdt(): number[] {
  return table('DSDT', 2, [0x08, ...text('_S5_'), 0x12, 0x07, 0x04, 0x0a, SLEEP_TYPE_OFF, 0, 0, 0]);
}

function facs(): number[] {
  const bytes = [...text('FACS'), ...u32(64), ...new Array<number>(56).fill(0)];
  bytes[32] = 1;
  return bytes;
}

function rootPointer(rsdt: number, xsdt: number): number[] {
  const first = [...text('RSD PTR '), 0, ...text(OEM), 2, ...u32(rsdt)];
  first[8] = checksum(first);
  const bytes = [...first, ...u32(36), ...u64(xsdt), 0, 0, 0, 0];
  bytes[32] = checksum(bytes);
  return bytes;
}

/** What is put at an address that is a multiple of 64. The root pointer comes first. */
export function acpiTables(processors: readonly number[], address: number): Uint8Array {
  const at = { rsdt: 0x40, xsdt: 0x80, facs: 0xc0, dsdt: 0x100, fadt: 0x140, madt: 0x240 };
  const placed: [number, number[]][] = [
    [0, rootPointer(address + at.rsdt, address + at.xsdt)],
    [at.rsdt, table('RSDT', 1, [...u32(address + at.fadt), ...u32(address + at.madt)])],
    [at.xsdt, table('XSDT', 1, [...u64(address + at.fadt), ...u64(address + at.madt)])],
    [at.facs, facs()],
    [at.dsdt, dsdt()],
    [at.fadt, fadt(address + at.facs, address + at.dsdt)],
    [at.madt, madt(processors)],
  ];
  const end = Math.max(...placed.map(([offset, bytes]) => offset + bytes.length));
  const image = new Uint8Array(end);
  for (const [offset, bytes] of placed) image.set(bytes, offset);
  return image;
}
