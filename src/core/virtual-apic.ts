// APIC virtualization (SDM "APIC Virtualization and Virtual Interrupts"): accesses to the APIC-access page, what follows a write
// to a virtual APIC register, virtual and posted interrupts. The virtual-APIC page lies in physical memory.

import {
  ACTIVITY,
  APIC_ACCESS,
  APIC_BASE,
  APIC_WRITE,
  ATTENTION,
  ATTEND_LOOK,
  DELIVERING_VALID,
  EVENT_EXTERNAL,
  EXIT_LENGTH,
  EXIT_TRAP,
  MSR_VALUE,
  NON_ROOT,
  PRIMARY_CONTROLS,
  RESERVED_PHYSICAL,
  RVI,
  SECONDARY_CONTROLS,
  SVI,
  SYSTEM_FLAGS,
  TERTIARY_CONTROLS,
  TPR_EXIT,
  TPR_THRESHOLD,
  VIRTUAL_APIC,
  VIRTUAL_INTERRUPT,
  VMCS_ADDRESS,
} from './layout.ts';
import { FLAG_RF, VECTOR_GP } from './bits.ts';
import { PRIMARY_INTERRUPT_WINDOW, attend, deliverNow, raise } from './events.ts';
import {
  F_EOI_EXIT_BITMAP_0,
  F_GUEST_INTERRUPT_STATUS,
  F_LAST_PID_POINTER_INDEX,
  F_PID_POINTER_TABLE_ADDRESS,
  F_POSTED_INTERRUPT_DESCRIPTOR_ADDRESS,
} from './generated/vmcs-offsets.ts';
import { host_mmio_write, host_wrmsr, unwind } from './host.ts';
import { PRIMARY_TPR_SHADOW, beginExit } from './intercepts.ts';
import { readPhysical, writePhysical } from './physical.ts';
import { aloneIfWatched } from './watches.ts';

export const SECONDARY_APIC_ACCESSES: u32 = 1;
export const SECONDARY_X2APIC: u32 = 1 << 4;
export const SECONDARY_APIC_REGISTERS: u32 = 1 << 8;
export const SECONDARY_VIRTUAL_INTERRUPTS: u32 = 1 << 9;
const TERTIARY_IPI: u64 = 1 << 4;

const REASON_TPR_BELOW_THRESHOLD: u32 = 43;
const REASON_APIC_ACCESS: u32 = 44;
const REASON_VIRTUALIZED_EOI: u32 = 45;
const REASON_APIC_WRITE: u32 = 56;

// Offsets in the page.
const VTPR: u64 = 0x80;
const VPPR: u64 = 0xa0;
const VEOI: u64 = 0xb0;
const VISR: u64 = 0x100;
const VIRR: u64 = 0x200;
const ICR_LOW: u64 = 0x300;
const ICR_HIGH: u64 = 0x310;
const SELF_IPI: u64 = 0x3f0;

// Access types in the exit qualification, bits 15:12.
const LINEAR_READ: u32 = 0;
const LINEAR_WRITE: u32 = 1;
const LINEAR_FETCH: u32 = 2;
const EVENT_DELIVERY: u32 = 3;
const PHYSICAL_DELIVERY: u32 = 10;
const PHYSICAL: u32 = 15;

/** Length of the instruction that runs alone, as every one that reaches the page does. */
let stepLength: u32 = 0;

export function setStepLength(length: u32): void {
  stepLength = length;
}

/** @inline */
function secondary(bit: u32): bool {
  return (load<u32>(SECONDARY_CONTROLS) & bit) != 0;
}

function virtualInterrupts(): bool {
  return secondary(SECONDARY_VIRTUAL_INTERRUPTS);
}

function readRegister(offset: u64): u32 {
  return <u32>readPhysical(load<u64>(VIRTUAL_APIC) + offset, 2);
}

function writeRegister(offset: u64, value: u32): void {
  writePhysical(load<u64>(VIRTUAL_APIC) + offset, 2, value);
}

// ---- The APIC-access page ---------------------------------------------------------------------------------------------

/** Whether a physical address lies on the guest's APIC-access page. */
export function isApicAccess(physical: u64): bool {
  return secondary(SECONDARY_APIC_ACCESSES) && (physical & ~(<u64>0xfff)) == load<u64>(APIC_ACCESS);
}

/** Registers that “APIC-register virtualization” lets a guest read, by offset / 16 (SDM "Virtualizing Reads from the APIC-Access Page"). */
function readable(register: u32): bool {
  if (register >= 0x10 && register <= 0x28) return true;
  if (register >= 0x30 && register <= 0x38) return true;
  return (
    register == 2 ||
    register == 3 ||
    register == 8 ||
    register == 11 ||
    (register >= 13 && register <= 15) ||
    register == 0x3e
  );
}

/** Registers that it lets a guest write (SDM "Virtualizing Writes to the APIC-Access Page"). */
function writable(register: u32): bool {
  if (register >= 0x30 && register <= 0x38) return true;
  return (
    register == 2 ||
    register == 8 ||
    register == 11 ||
    (register >= 13 && register <= 15) ||
    register == 0x28 ||
    register == 0x3e
  );
}

/** What every virtualized access must be: 32 bits at most, in the low 4 bytes of 16, under “use TPR shadow”. */
function plainAccess(offset: u32, bytes: u32): bool {
  return (load<u32>(PRIMARY_CONTROLS) & PRIMARY_TPR_SHADOW) != 0 && bytes <= 4 && (offset & 15) + bytes <= 4;
}

/** An APIC-access VM exit. Does not return. */
function exitForAccess(offset: u32, type: u32): void {
  const delivering = load<u32>(DELIVERING_VALID) != 0;
  beginExit(REASON_APIC_ACCESS, offset | ((delivering ? EVENT_DELIVERY : type) << 12));
  if (!delivering) {
    store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) | FLAG_RF);
    if (type != LINEAR_FETCH) store<u32>(EXIT_LENGTH, stepLength);
  }
  unwind();
}

/** A read of the APIC-access page; `modifies` when the same access will write. Leaves by a VM exit when it is not virtualized. */
export function apicRead(physical: u64, bytes: u32, modifies: bool): u64 {
  const offset = <u32>physical & 0xfff;
  let virtualized = plainAccess(offset, bytes) && !load<u32>(APIC_WRITE);
  if (virtualized) virtualized = secondary(SECONDARY_APIC_REGISTERS) ? readable(offset >> 4) : offset == <u32>VTPR;
  if (!virtualized) exitForAccess(offset, modifies ? LINEAR_WRITE : LINEAR_READ);
  const value = readRegister(offset & 0xff0) >> ((offset & 3) * 8);
  return bytes == 4 ? value : bytes == 2 ? value & 0xffff : value & 0xff;
}

/** A write to it; what follows is due when the instruction or event delivery is complete. */
export function apicWrite(physical: u64, bytes: u32, value: u64): void {
  const offset = <u32>physical & 0xfff;
  const pending = load<u32>(APIC_WRITE);
  let virtualized = plainAccess(offset, bytes) && (!pending || (pending & 0xfff) == offset);
  if (virtualized) {
    if (secondary(SECONDARY_APIC_REGISTERS)) virtualized = writable(offset >> 4);
    else if (offset != <u32>VTPR) {
      virtualized = virtualInterrupts() && (offset == <u32>VEOI || offset == <u32>ICR_LOW);
    }
  }
  if (!virtualized) exitForAccess(offset, LINEAR_WRITE);
  writePhysical(load<u64>(VIRTUAL_APIC) + <u64>offset, bytes == 4 ? 2 : bytes == 2 ? 1 : 0, value);
  store<u32>(APIC_WRITE, 0x80000000 | offset);
}

/** Instructions are never fetched from the page. Does not return. */
export function apicFetch(physical: u64): void {
  exitForAccess(<u32>physical & 0xfff, LINEAR_FETCH);
}

/** A paging-structure entry of the guest lies on the page. Does not return. */
export function apicStructure(): void {
  const delivering = load<u32>(DELIVERING_VALID) != 0;
  if (!delivering) store<u32>(SYSTEM_FLAGS, load<u32>(SYSTEM_FLAGS) | FLAG_RF);
  beginExit(REASON_APIC_ACCESS, (delivering ? PHYSICAL_DELIVERY : PHYSICAL) << 12);
  unwind();
}

// ---- APIC-write emulation ---------------------------------------------------------------------------------------------

/** After the instruction or event delivery that wrote to the page. */
export function completeApicWrite(): void {
  const offset = <u64>(load<u32>(APIC_WRITE) & 0xfff);
  store<u32>(APIC_WRITE, 0);
  if (offset == VTPR) {
    writeRegister(VTPR, readRegister(VTPR) & 0xff);
    virtualizeTpr();
  } else if (offset == VEOI && virtualInterrupts()) {
    writeRegister(VEOI, 0);
    virtualizeEoi();
  } else if (offset == ICR_LOW) command(readRegister(ICR_LOW), readRegister(ICR_HIGH) >> 24);
  else if (offset >= ICR_HIGH && offset < ICR_HIGH + 4) writeRegister(ICR_HIGH, readRegister(ICR_HIGH) & 0xff000000);
  else exitAfterWrite(offset);
}

/** A VM exit after the instruction: RIP is past it. */
function exitAfter(reason: u32, qualification: u64): void {
  beginExit(reason, qualification);
  store<u32>(EXIT_TRAP, 1);
}

function exitAfterWrite(offset: u64): void {
  exitAfter(REASON_APIC_WRITE, offset);
}

/** SDM "TPR Virtualization", after VTPR was written. */
export function virtualizeTpr(): void {
  if (virtualInterrupts()) {
    virtualizePpr();
    evaluate();
  } else if (((readRegister(VTPR) >> 4) & 15) < (load<u32>(TPR_THRESHOLD) & 15))
    exitAfter(REASON_TPR_BELOW_THRESHOLD, 0);
}

/** SDM "PPR Virtualization". */
function virtualizePpr(): void {
  const tpr = readRegister(VTPR) & 0xff;
  const svi = load<u32>(SVI);
  writeRegister(VPPR, tpr >> 4 >= svi >> 4 ? tpr : svi & 0xf0);
}

/** SDM "EOI Virtualization". */
function virtualizeEoi(): void {
  const vector = load<u32>(SVI);
  setVectorBit(VISR, vector, false);
  store<u32>(SVI, highestVector(VISR));
  virtualizePpr();
  const bitmap = load<u64>(<usize>load<u32>(VMCS_ADDRESS) + F_EOI_EXIT_BITMAP_0 + <usize>((vector >> 6) << 3));
  if ((bitmap >> <u64>(vector & 63)) & 1) exitAfter(REASON_VIRTUALIZED_EOI, vector);
  else evaluate();
}

/** SDM "Self-IPI Virtualization". */
function virtualizeSelfIpi(vector: u32): void {
  setVectorBit(VIRR, vector, true);
  store<u32>(RVI, max(load<u32>(RVI), vector));
  evaluate();
}

/** The interrupt command register was written: a fixed, edge-triggered interrupt may be virtualized, everything else exits. */
function command(value: u32, destination: u32): void {
  const vector = value & 0xff;
  // Reserved bits, delivery status, level trigger, delivery mode other than fixed.
  const plain = !(value & 0xfff3b700) && vector >= 16;
  const shorthand = (value >> 18) & 3;
  if (plain && virtualInterrupts() && shorthand == 1) virtualizeSelfIpi(vector);
  else if (plain && ipiVirtualization() && !shorthand && !(value & 0x800) && post(vector, destination)) return;
  else exitAfterWrite(ICR_LOW);
}

function ipiVirtualization(): bool {
  return (load<u64>(TERTIARY_CONTROLS) & TERTIARY_IPI) != 0;
}

/** SDM "IPI Virtualization": posts an interrupt to another virtual processor; false when its descriptor cannot be found. */
function post(vector: u32, destination: u32): bool {
  const region = <usize>load<u32>(VMCS_ADDRESS);
  if (destination > load<u16>(region + F_LAST_PID_POINTER_INDEX)) return false;
  const pointer = readPhysical(load<u64>(region + F_PID_POINTER_TABLE_ADDRESS) + ((<u64>destination) << 3), 3);
  if (!(pointer & 1) || pointer & (0x3e | load<u64>(RESERVED_PHYSICAL) | 0xfff0000000000000)) return false;
  const descriptor = pointer & ~(<u64>63);
  const word = descriptor + <u64>((vector >> 6) << 3);
  writePhysical(word, 3, readPhysical(word, 3) | ((<u64>1) << (<u64>(vector & 63))));
  const state = readPhysical(descriptor + 32, 3);
  if (state & 3) return true; // outstanding or suppressed
  writePhysical(descriptor + 32, 3, state | 1);
  notify(<u32>(state >> 16) & 0xff, <u32>(state >> 32));
  return true;
}

/** Sends the notification vector to a physical processor through the local APIC. */
function notify(vector: u32, destination: u32): void {
  store<u32>(ATTENTION, load<u32>(ATTENTION) | ATTEND_LOOK);
  const base = load<u64>(APIC_BASE);
  if (base & 0x400) {
    store<u64>(MSR_VALUE, ((<u64>destination) << 32) | vector);
    host_wrmsr(0x830);
    return;
  }
  const page = base & 0xfffff000;
  host_mmio_write(page + ICR_HIGH, 4, (<u64>((destination >> 8) & 0xff)) << 24);
  host_mmio_write(page + ICR_LOW, 4, vector);
}

// ---- x2APIC mode ------------------------------------------------------------------------------------------------------

/** Whether RDMSR of an index reads the virtual-APIC page; then MSR_VALUE has the value. */
export function readVirtualMsr(index: u32): bool {
  if (!load<u32>(NON_ROOT) || index >> 8 != 8 || !secondary(SECONDARY_X2APIC)) return false;
  if (!secondary(SECONDARY_APIC_REGISTERS) && index != 0x808) return false;
  aloneIfWatched();
  store<u64>(MSR_VALUE, readPhysical(load<u64>(VIRTUAL_APIC) + <u64>((index & 0xff) << 4), 3));
  return true;
}

/** Whether WRMSR of an index is virtualized: the page is written; `completeVirtualMsr` follows when RIP is past it. Raises #GP. */
export function writeVirtualMsr(index: u32, value: u64): bool {
  if (!load<u32>(NON_ROOT) || index >> 8 != 8 || !secondary(SECONDARY_X2APIC)) return false;
  let allowed: u64 = 0xff;
  if (index == 0x830 && ipiVirtualization()) allowed = 0xffffffff000cdfff;
  else if (index == 0x80b && virtualInterrupts()) allowed = 0;
  else if (index != 0x808 && !(index == 0x83f && virtualInterrupts())) return false;
  if (value & ~allowed) raise(VECTOR_GP, 0);
  aloneIfWatched();
  if (index == 0x830) value &= ~(<u64>0x1000);
  writePhysical(load<u64>(VIRTUAL_APIC) + <u64>((index & 0xff) << 4), 3, value);
  return true;
}

export function completeVirtualMsr(index: u32, value: u64): void {
  if (index == 0x808) virtualizeTpr();
  else if (index == 0x80b) virtualizeEoi();
  else if (index == 0x830) command(<u32>value & ~0x1000, <u32>(value >> 32));
  else if (value < 16) exitAfterWrite(SELF_IPI);
  else virtualizeSelfIpi(<u32>value);
}

// ---- Virtual interrupts -----------------------------------------------------------------------------------------------

function setVectorBit(array: u64, vector: u32, on: bool): void {
  const at = array + <u64>((vector >> 5) << 4);
  const bit: u32 = 1 << (vector & 31);
  const old = readRegister(at);
  writeRegister(at, on ? old | bit : old & ~bit);
}

/** Highest vector of VISR or VIRR, 0 when none is set. */
function highestVector(array: u64): u32 {
  for (let part: i32 = 7; part >= 0; part--) {
    const bits = readRegister(array + <u64>(part << 4));
    if (bits) return ((<u32>part) << 5) + 31 - clz(bits);
  }
  return 0;
}

/** SDM "Evaluation of Pending Virtual Interrupts". */
function evaluate(): void {
  const due =
    !(load<u32>(PRIMARY_CONTROLS) & PRIMARY_INTERRUPT_WINDOW) && load<u32>(RVI) >> 4 > (readRegister(VPPR) & 0xff) >> 4;
  store<u32>(VIRTUAL_INTERRUPT, u32(due));
  attend();
}

/** SDM "Virtual-Interrupt Delivery". */
export function deliverVirtualInterrupt(): void {
  const vector = load<u32>(RVI);
  setVectorBit(VISR, vector, true);
  store<u32>(SVI, vector);
  writeRegister(VPPR, vector & 0xf0);
  setVectorBit(VIRR, vector, false);
  store<u32>(RVI, highestVector(VIRR));
  store<u32>(VIRTUAL_INTERRUPT, 0);
  deliverNow(vector, EVENT_EXTERNAL, 0);
}

/** SDM "Posted-Interrupt Processing", after the notification vector was acknowledged and its EOI given. */
export function processPostedInterrupts(): void {
  const descriptor = load<u64>(<usize>load<u32>(VMCS_ADDRESS) + F_POSTED_INTERRUPT_DESCRIPTOR_ADDRESS);
  writePhysical(descriptor + 32, 3, readPhysical(descriptor + 32, 3) & ~(<u64>1));
  for (let part: u32 = 0; part < 8; part++) {
    const at = descriptor + <u64>(part << 2);
    const bits = <u32>readPhysical(at, 2);
    if (!bits) continue;
    writePhysical(at, 2, 0);
    writeRegister(VIRR + <u64>(part << 4), readRegister(VIRR + <u64>(part << 4)) | bits);
    store<u32>(RVI, max(load<u32>(RVI), (part << 5) + 31 - clz(bits)));
  }
  evaluate();
}

// ---- VM entry and VM exit ---------------------------------------------------------------------------------------------

/** When the guest's state is loaded: virtual interrupts are evaluated; a task priority below the threshold exits at once. */
export function beginVirtualApic(region: usize): void {
  const status = u32(load<u16>(region + F_GUEST_INTERRUPT_STATUS));
  store<u32>(RVI, status & 0xff);
  store<u32>(SVI, status >> 8);
  store<u32>(VIRTUAL_INTERRUPT, 0);
  store<u32>(APIC_WRITE, 0);
  store<u32>(TPR_EXIT, 0);
  if (virtualInterrupts()) {
    virtualizePpr();
    evaluate();
  } else if (
    load<u32>(PRIMARY_CONTROLS) & PRIMARY_TPR_SHADOW &&
    secondary(SECONDARY_APIC_ACCESSES) &&
    load<u32>(ACTIVITY) < 2 &&
    ((readRegister(VTPR) >> 4) & 15) < (load<u32>(TPR_THRESHOLD) & 15)
  ) {
    store<u32>(TPR_EXIT, 1);
  }
}

export function saveVirtualApic(region: usize): void {
  if (virtualInterrupts()) store<u64>(region + F_GUEST_INTERRUPT_STATUS, <u64>(load<u32>(RVI) | (load<u32>(SVI) << 8)));
}

/** Which page's translations the guest's TLB sets must not hold: the APIC-access page, or all ones. */
export function apicAccessTag(): u64 {
  return secondary(SECONDARY_APIC_ACCESSES) ? load<u64>(APIC_ACCESS) : u64.MAX_VALUE;
}
