// The guest as `why` reads it: fields of the current VMCS, its registers, bitmaps in physical memory.

import type { Machine } from '../../machine/types.ts';
import { CONTROL_WORDS, type ControlNames, type ControlWord, controlMask } from '../../spec/controls.ts';
import { type VmcsFieldName, vmcsEncoding } from '../../spec/vmcs-fields.ts';
import { readSideRegister } from '../expressions/registers.ts';
import { littleEndian } from '../format.ts';
import type { CodeBits } from '../instructions.ts';
import { inLongMode } from '../position.ts';
import type { Decider } from './types.ts';

export interface Guest {
  readonly machine: Machine;
  readonly bits: CodeBits;
  readonly cpl: number;
  readonly protectedMode: boolean;
  readonly virtual8086: boolean;
  readonly longMode: boolean;
  register(name: string): bigint;
  field(name: VmcsFieldName): bigint;
}

const RFLAGS_VM = 1n << 17n;

export function guestOf(machine: Machine): Guest {
  const register = (name: string): bigint =>
    readSideRegister(machine, 'non-root', name) ?? machine.readRegister(name) ?? 0n;
  const protectedMode = (register('cr0') & 1n) !== 0n;
  return {
    machine,
    bits: machine.codeBits('non-root'),
    protectedMode,
    virtual8086: protectedMode && (register('rflags') & RFLAGS_VM) !== 0n,
    cpl: Number((register('ss.rights') >> 5n) & 3n),
    longMode: inLongMode(machine, 'non-root'),
    register,
    field: (name) => machine.readVmcs(vmcsEncoding(name)) ?? 0n,
  };
}

const ACTIVATED_BY: { readonly [W in ControlWord]?: readonly [ControlWord, bigint, string] } = {
  secondary: ['primary', controlMask('primary', 'activate secondary controls'), 'activate secondary controls'],
  tertiary: ['primary', controlMask('primary', 'activate tertiary controls'), 'activate tertiary controls'],
  vmfunc: ['secondary', controlMask('secondary', 'enable VM functions'), 'enable VM functions'],
};

/** A control's setting, 0 where its word is not activated, as a decider. */
export interface ControlSetting {
  readonly on: boolean;
  readonly decider: Decider;
}

export function setting<W extends ControlWord>(guest: Guest, word: W, name: ControlNames[W]): ControlSetting {
  const { field } = CONTROL_WORDS[word];
  const by = ACTIVATED_BY[word];
  if (by !== undefined && (guest.field(CONTROL_WORDS[by[0]].field) & by[1]) === 0n) {
    return { on: false, decider: { what: `“${String(name)}”`, value: `0, because “${by[2]}” is 0`, field } };
  }
  const on = (guest.field(field) & controlMask(word, name)) !== 0n;
  return { on, decider: { what: `“${String(name)}”`, value: on ? '1' : '0', field } };
}

/** A bit of a bitmap in physical memory; where no RAM is, all bits are 1. */
export function bitmapBit(guest: Guest, address: bigint, bit: number): boolean {
  const bytes = guest.machine.peekPhysical(address + BigInt(bit >>> 3), 1);
  return (((bytes[0] ?? 0xff) >>> (bit & 7)) & 1) !== 0;
}

/** A value in the guest's linear memory, or undefined. */
export function readLinear(guest: Guest, address: bigint, size: number): bigint | undefined {
  const bytes = guest.machine.peekLinear('non-root', address, size);
  return bytes.length < size ? undefined : littleEndian(bytes);
}
