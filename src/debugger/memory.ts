// Memory references: which address space a person means, and reading and writing there without side effects.

import type { Machine, Side } from '../machine/types.ts';
import { hex } from './format.ts';

/**
 * `linear`: of a side of VMX; `guest-physical`: through the current EPT; `host-physical`: of the machine;
 * `vmcs`: bytes from the start of the current VMCS region.
 */
export type AddressSpace =
  | { readonly kind: 'linear'; readonly side: Side }
  | { readonly kind: 'guest-physical' }
  | { readonly kind: 'host-physical' }
  | { readonly kind: 'vmcs' };

export interface MemoryAddress {
  readonly space: AddressSpace;
  /** Unsigned 64-bit. */
  readonly address: bigint;
}

/** Prefixes of memory references and of addresses in expressions (`qword[gpa:0x1000]`). */
export const ADDRESS_PREFIXES = ['gva', 'hva', 'gpa', 'hpa', 'vmcs'] as const;
export type AddressPrefix = (typeof ADDRESS_PREFIXES)[number];

/** The space that a prefix names; without one, linear addresses of `side`. */
export function spaceOf(prefix: AddressPrefix | undefined, side: Side): AddressSpace {
  switch (prefix) {
    case undefined:
      return { kind: 'linear', side };
    case 'gva':
      return { kind: 'linear', side: 'non-root' };
    case 'hva':
      return { kind: 'linear', side: 'root' };
    case 'gpa':
      return { kind: 'guest-physical' };
    case 'hpa':
      return { kind: 'host-physical' };
    case 'vmcs':
      return { kind: 'vmcs' };
  }
}

/** The reference of an address: what `parseReference` reads back. Linear addresses always carry their side. */
export function formatReference(address: MemoryAddress): string {
  return `${prefixOf(address.space)}:${hex(address.address)}`;
}

export function prefixOf(space: AddressSpace): AddressPrefix {
  switch (space.kind) {
    case 'linear':
      return space.side === 'root' ? 'hva' : 'gva';
    case 'guest-physical':
      return 'gpa';
    case 'host-physical':
      return 'hpa';
    case 'vmcs':
      return 'vmcs';
  }
}

/** Reads `gva:0x1000`, `0x1000`, `4096`; undefined when it is none of these. */
export function parseReference(text: string, side: Side): MemoryAddress | undefined {
  const match = /^\s*(?:(gva|hva|gpa|hpa|vmcs):)?\s*(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})\s*$/.exec(text);
  if (match?.[2] === undefined) return undefined;
  const address = BigInt(match[2]);
  if (address >= 1n << 64n) return undefined;
  return { space: spaceOf(match[1] as AddressPrefix | undefined, side), address };
}

/** The same space, `offset` bytes further (wraps at 64 bits). */
export function advance(at: MemoryAddress, offset: bigint | number): MemoryAddress {
  return { space: at.space, address: BigInt.asUintN(64, at.address + BigInt(offset)) };
}

/** Bytes up to the first that cannot be read. */
export function peek(machine: Machine, at: MemoryAddress, length: number): Uint8Array {
  if (length <= 0) return new Uint8Array(0);
  switch (at.space.kind) {
    case 'linear':
      return machine.peekLinear(at.space.side, at.address, length);
    case 'guest-physical':
      return machine.peekGuest(at.address, length);
    case 'host-physical':
      return machine.peekPhysical(at.address, length);
    case 'vmcs': {
      const region = vmcsRange(machine, at.address, length);
      return region === undefined ? new Uint8Array(0) : machine.peekPhysical(region.address, region.length);
    }
  }
}

/** Number of bytes written; fewer than given when the rest is not mapped. */
export function poke(machine: Machine, at: MemoryAddress, bytes: Uint8Array): number {
  switch (at.space.kind) {
    case 'linear':
      return machine.pokeLinear(at.space.side, at.address, bytes);
    case 'guest-physical':
      return machine.pokeGuest(at.address, bytes);
    case 'host-physical':
      return machine.pokePhysical(at.address, bytes);
    case 'vmcs': {
      const region = vmcsRange(machine, at.address, bytes.length);
      return region === undefined ? 0 : machine.pokePhysical(region.address, bytes.subarray(0, region.length));
    }
  }
}

/** Why nothing can be read at an address, in words. */
export function explainUnreadable(machine: Machine, at: MemoryAddress): string {
  const where = formatReference(at);
  switch (at.space.kind) {
    case 'linear': {
      const walk = machine.peekTranslate(at.space.side, at.address);
      return walk.ok ? outsideMemory(machine, where, walk.hostPhysical) : `${where} is not mapped: ${walk.explanation}`;
    }
    case 'guest-physical': {
      const walk = machine.peekGuestPhysical(at.address);
      return walk.ok ? outsideMemory(machine, where, walk.hostPhysical) : `${where} is not mapped: ${walk.explanation}`;
    }
    case 'host-physical':
      return outsideMemory(machine, where, at.address);
    case 'vmcs':
      return machine.currentVmcs() === undefined
        ? `${where}: there is no current VMCS; VMPTRLD makes one current`
        : `${where} is beyond the VMCS region of ${hex(VMCS_REGION_SIZE)} bytes`;
  }
}

function outsideMemory(machine: Machine, where: string, physical: bigint): string {
  return `${where} cannot be read: host-physical address ${hex(physical)} is not RAM (${hex(machine.ramSize)} bytes)`;
}

/** IA32_VMX_BASIC bits 44:32 of this machine. */
const VMCS_REGION_SIZE = 4096;

function vmcsRange(machine: Machine, offset: bigint, length: number): { address: bigint; length: number } | undefined {
  const region = machine.currentVmcs();
  if (region === undefined || offset >= BigInt(VMCS_REGION_SIZE)) return undefined;
  return { address: region + offset, length: Math.min(length, VMCS_REGION_SIZE - Number(offset)) };
}
