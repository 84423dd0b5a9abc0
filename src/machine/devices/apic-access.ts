// The two ways to a local APIC's registers: memory in xAPIC mode, MSRs 800H to 8FFH in x2APIC mode
// (SDM, "Local APIC Register Address Map", "x2APIC Register Address Space", "Reserved Bit Checking").
import {
  type LocalApic,
  REGISTER_DFR,
  REGISTER_EOI,
  REGISTER_ESR,
  REGISTER_ICR,
  REGISTER_ICR_HIGH,
  REGISTER_ID,
  REGISTER_LDR,
  REGISTER_SELF_IPI,
} from './local-apic.ts';
import type { AccessSize } from './types.ts';

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** What the two modes share, by register number; values are the bits that x2APIC lets software write. */
const WRITABLE: ReadonlyMap<number, number> = new Map([
  [0x08, 0xff], // TPR
  [REGISTER_EOI, 0],
  [0x0f, 0x1ff], // SVR
  [REGISTER_ESR, 0],
  [0x32, 0x710ff], // LVT timer; bit 12, delivery status, may be written back
  [0x33, 0x117ff],
  [0x34, 0x117ff],
  [0x35, 0x1f7ff],
  [0x36, 0x1f7ff],
  [0x37, 0x110ff],
  [0x38, 0xffffffff], // initial count
  [0x3e, 0x0b], // divide configuration
]);
const READABLE = new Set([
  REGISTER_ID,
  0x03,
  0x08,
  0x0a,
  REGISTER_LDR,
  0x0f,
  ...range(0x10, 0x28),
  ...range(0x32, 0x39),
  0x3e,
]);

const XAPIC_REGISTERS = new Set([
  ...READABLE,
  ...WRITABLE.keys(),
  0x09,
  0x0c,
  REGISTER_DFR,
  REGISTER_ICR,
  REGISTER_ICR_HIGH,
]);
const XAPIC_WRITABLE = new Set([
  ...WRITABLE.keys(),
  REGISTER_ID,
  REGISTER_LDR,
  REGISTER_DFR,
  REGISTER_ICR,
  REGISTER_ICR_HIGH,
]);

/** Interrupt command register, low half: bits that are not reserved in x2APIC mode. */
const COMMAND_BITS = 0xccfff;

/** A read in the page of an xAPIC; registers are 32 bits on 16-byte boundaries. */
export function readApicMemory(apic: LocalApic, offset: number, size: AccessSize): number {
  const register = offset >> 4;
  if (!XAPIC_REGISTERS.has(register)) {
    apic.illegalRegister();
    return 0;
  }
  if (offset & 12) return 0;
  const value = apic.read(register) >>> ((offset & 3) * 8);
  return size === 4 ? value : value & (size === 2 ? 0xffff : 0xff);
}

/** A write in the page; answers false when it is none that the SDM defines (not 32 bits, or not on a 16-byte boundary). */
export function writeApicMemory(apic: LocalApic, offset: number, size: AccessSize, value: number): boolean {
  const register = offset >> 4;
  if (size !== 4 || offset & 15) return false;
  if (XAPIC_WRITABLE.has(register)) apic.write(register, value);
  else if (!XAPIC_REGISTERS.has(register)) apic.illegalRegister();
  return true;
}

/** RDMSR of an x2APIC register; undefined for #GP. */
export function readApicMsr(
  apic: LocalApic,
  index: number,
): { readonly low: number; readonly high: number } | undefined {
  const register = index - 0x800;
  if (!apic.isX2()) return undefined;
  if (register === REGISTER_ICR) return { low: apic.read(REGISTER_ICR), high: apic.readDestination() };
  return READABLE.has(register) ? { low: apic.read(register), high: 0 } : undefined;
}

/** WRMSR of an x2APIC register; false for #GP. */
export function writeApicMsr(apic: LocalApic, index: number, low: number, high: number): boolean {
  const register = index - 0x800;
  if (!apic.isX2()) return false;
  if (register === REGISTER_ICR) {
    if ((low & ~COMMAND_BITS) !== 0) return false;
    apic.writeCommand(low, high >>> 0);
    return true;
  }
  const bits = register === REGISTER_SELF_IPI ? 0xff : WRITABLE.get(register);
  if (bits === undefined || high !== 0 || (low & ~bits) !== 0) return false;
  apic.write(register, low >>> 0);
  return true;
}
