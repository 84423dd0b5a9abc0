// What points into memory: registers, descriptor tables, and the addresses that the VMCS holds.

import type { Machine, Side } from '../../machine/types.ts';
import { type NamedVmcsField, VMCS_FIELD_LIST, vmcsEncoding, vmcsFieldByName } from '../../spec/vmcs-fields.ts';
import { VMCS_REGION_SIZE, vmcsFieldOffset } from '../../spec/vmcs-layout.ts';
import { GENERAL_REGISTERS, readSideRegister } from '../expressions/registers.ts';
import { type MemoryAddress, prefixOf } from '../memory.ts';

export interface Pointer {
  /** As in expressions. */
  readonly name: string;
  readonly at: MemoryAddress;
}

/** Bits 51:12, the page of a CR3 or an EPTP. */
const PAGE_BITS = 0xf_ffff_ffff_f000n;
const NOWHERE = 0xffff_ffff_ffff_ffffn;

/** Registers of the side that runs, and addresses in the current VMCS. An address of zero points nowhere. */
function pointers(machine: Machine): Pointer[] {
  const side = machine.side();
  const linear = (of: Side, name: string, address: bigint | undefined): Pointer[] =>
    pointer(name, { kind: 'linear', side: of }, address);
  const registers = [...GENERAL_REGISTERS, 'rip', 'fs.base', 'gs.base', 'gdtr.base', 'idtr.base', 'tr.base'];
  const cr3 = (readSideRegister(machine, side, 'cr3') ?? 0n) & PAGE_BITS;
  return [
    ...registers.flatMap((name) => linear(side, name, readSideRegister(machine, side, name))),
    ...pointer('cr3', { kind: side === 'root' ? 'host-physical' : 'guest-physical' }, cr3),
    ...pointer('current VMCS', { kind: 'host-physical' }, machine.currentVmcs()),
    ...VMCS_FIELD_LIST.flatMap((field) => fieldPointer(machine, field)),
    ...pointer(
      'EPT_POINTER',
      { kind: 'host-physical' },
      (machine.readVmcs(vmcsEncoding('EPT pointer (EPTP)')) ?? 0n) & PAGE_BITS,
    ),
  ];
}

function pointer(name: string, space: MemoryAddress['space'], address: bigint | undefined): Pointer[] {
  return address === undefined || address === 0n || address === NOWHERE ? [] : [{ name, at: { space, address } }];
}

/** The guest's fields are its registers while it runs: they are not named twice. */
function fieldPointer(machine: Machine, field: NamedVmcsField): Pointer[] {
  const space = spaceOfField(field);
  if (space === undefined || (field.area === 'guest' && machine.side() === 'non-root')) return [];
  return pointer(field.identifier, space, machine.readVmcs(field.encoding));
}

/** Whose address a field holds; undefined when it holds none. */
function spaceOfField({ display, area }: NamedVmcsField): MemoryAddress['space'] | undefined {
  if (display === 'guest-physical' || display === 'host-physical') return { kind: display };
  return display === 'linear' ? { kind: 'linear', side: area === 'host' ? 'root' : 'non-root' } : undefined;
}

/** The address that a field holds, as an expression; undefined when it holds none. */
export function addressOfField(name: string): string | undefined {
  const field = vmcsFieldByName(name);
  const space = field === undefined ? undefined : spaceOfField(field);
  return space === undefined ? undefined : `${prefixOf(space)}:${name}`;
}

/** What points into `length` bytes, by offset. Linear pointers also point into the physical memory that they are mapped to. */
export function pointersInto(machine: Machine, at: MemoryAddress, length: number): Map<number, string[]> {
  const found = new Map<number, string[]>();
  const add = (name: string, address: bigint | undefined): void => {
    const offset = address === undefined ? -1n : BigInt.asUintN(64, address - at.address);
    if (offset < 0n || offset >= BigInt(length)) return;
    const names = found.get(Number(offset)) ?? [];
    if (!names.includes(name)) found.set(Number(offset), [...names, name]);
  };
  if (at.space.kind === 'vmcs') {
    for (const { identifier, encoding } of VMCS_FIELD_LIST) {
      const offset = machine.readVmcs(encoding) === undefined ? undefined : vmcsFieldOffset(encoding);
      if (offset !== undefined && offset < VMCS_REGION_SIZE) add(identifier, BigInt(offset));
    }
    return found;
  }
  for (const { name, at: to } of pointers(machine)) add(name, addressIn(machine, to, at.space));
  return found;
}

/** An address in another space; undefined when it has none there. */
function addressIn(machine: Machine, at: MemoryAddress, space: MemoryAddress['space']): bigint | undefined {
  if (at.space.kind === space.kind) {
    const sameSide = at.space.kind !== 'linear' || space.kind !== 'linear' || at.space.side === space.side;
    return sameSide ? at.address : undefined;
  }
  if (at.space.kind === 'host-physical' || space.kind === 'linear' || space.kind === 'vmcs') return undefined;
  if (at.space.kind === 'guest-physical') {
    const walk = machine.peekGuestPhysical(at.address);
    return walk.ok ? walk.hostPhysical : undefined;
  }
  if (at.space.kind === 'vmcs') return undefined;
  // The host's linear addresses have no guest-physical ones.
  if (space.kind === 'guest-physical' && at.space.side === 'root') return undefined;
  const walk = machine.peekTranslate(at.space.side, at.address);
  if (!walk.ok) return undefined;
  return space.kind === 'guest-physical' ? walk.guestPhysical : walk.hostPhysical;
}
