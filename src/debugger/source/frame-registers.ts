// Registers as a frame of the stack has them: those of the innermost frame are the processor's, those of its callers were saved.

import type { Machine, Side } from '../../machine/types.ts';
import { REGISTERS_32, REGISTERS_64 } from '../../program/dwarf/constants.ts';
import { readSideRegister, writeSideRegister } from '../expressions/registers.ts';
import { littleEndian, toLittleEndian } from '../format.ts';

/** Where a frame's register is now. */
export type RegisterPlace =
  | { readonly kind: 'processor'; readonly name: string }
  | { readonly kind: 'memory'; readonly address: bigint }
  /** Computed: it stands nowhere. */
  | { readonly kind: 'value'; readonly value: bigint };

export interface FrameRegisters {
  readonly side: Side;
  readonly bits: 16 | 32 | 64;
  /** By DWARF number; registers that are not known are missing. */
  readonly places: ReadonlyMap<number, RegisterPlace>;
}

export const registerNames = (bits: 16 | 32 | 64): readonly string[] => (bits === 64 ? REGISTERS_64 : REGISTERS_32);

/** DWARF number of a register of the processor. */
export const registerNumber = (bits: 16 | 32 | 64, name: string): number => registerNames(bits).indexOf(name);

/** The innermost frame of a side. Of the side that does not run only what the VMCS holds is known. */
export function sideRegisters(machine: Machine, side: Side): FrameRegisters {
  const bits = machine.codeBits(side);
  const places = new Map<number, RegisterPlace>();
  const all = side === machine.side() || generalRegistersStillHold(machine, side);
  for (const [number, name] of registerNames(bits).entries()) {
    if (all || name === 'rsp' || name === 'rip') places.set(number, { kind: 'processor', name });
  }
  return { side, bits, places };
}

/** A VM exit leaves the general registers alone: until the hypervisor's first instruction they are the guest's. */
function generalRegistersStillHold(machine: Machine, side: Side): boolean {
  const exit = machine.lastExit();
  return side === 'non-root' && exit !== undefined && machine.time() === exit.time;
}

export function registerValue(machine: Machine, registers: FrameRegisters, number: number): bigint | undefined {
  const place = registers.places.get(number);
  if (place === undefined) return undefined;
  const width = registers.bits === 64 ? 8 : 4;
  switch (place.kind) {
    case 'value':
      return place.value;
    case 'processor': {
      const value = readSideRegister(machine, registers.side, place.name);
      return value === undefined ? undefined : BigInt.asUintN(width * 8, value);
    }
    case 'memory': {
      const bytes = machine.peekLinear(registers.side, place.address, width);
      return bytes.length === width ? littleEndian(bytes) : undefined;
    }
  }
}

/** Writes a register of a frame where it is now; answers an error in words, or undefined when it was written. */
export function writeFrameRegister(
  machine: Machine,
  registers: FrameRegisters,
  number: number,
  value: bigint,
): string | undefined {
  const place = registers.places.get(number);
  if (place === undefined) return 'The register that holds it was overwritten in a called function.';
  switch (place.kind) {
    case 'value':
      return 'It is computed and stands nowhere.';
    case 'processor':
      return writeSideRegister(machine, registers.side, place.name, value);
    case 'memory': {
      const width = registers.bits === 64 ? 8 : 4;
      const written = machine.pokeLinear(registers.side, place.address, toLittleEndian(value, width));
      return written === width ? undefined : 'The stack that it is saved on cannot be written.';
    }
  }
}
