// Named snapshots: what a person keeps of a moment.

import { type Plain, packSnapshot, SnapshotFileError, unpackSnapshot } from '../machine/history/file.ts';
import type { SavedMachine } from '../machine/history/saved.ts';
import type { Machine, Side } from '../machine/types.ts';
import { VMCS_FIELD_LIST } from '../spec/vmcs-fields.ts';
import { hex } from './format.ts';

/** Registers and the current VMCS of a moment, for people. */
export interface Picture {
  readonly time: number;
  readonly side: Side;
  /** Values in hexadecimal, by name. */
  readonly registers: Readonly<Record<string, string>>;
  readonly vmcs: Readonly<Record<string, string>>;
}

/** Files by path; both reject with an Error whose message says why. */
export interface SnapshotFiles {
  read(path: string): Promise<Uint8Array>;
  write(path: string, bytes: Uint8Array): Promise<void>;
}

export interface NamedSnapshot {
  readonly name: string;
  readonly picture: Picture;
  readonly machine: SavedMachine;
}

export function takeNamedSnapshot(machine: Machine, name: string): NamedSnapshot {
  const registers: Record<string, string> = {};
  for (const register of machine.registerNames()) {
    const value = machine.readRegister(register);
    if (value !== undefined) registers[register] = hex(value);
  }
  const vmcs: Record<string, string> = {};
  for (const { identifier, encoding } of VMCS_FIELD_LIST) {
    const value = machine.readVmcs(encoding);
    if (value !== undefined) vmcs[identifier] = hex(value);
  }
  const pointer = machine.currentVmcs();
  if (pointer !== undefined) vmcs['the current VMCS'] = hex(pointer);
  const picture = { time: machine.time(), side: machine.side(), registers, vmcs };
  return { name, picture, machine: machine.history.save() };
}

/** As bytes for a file. */
export function packNamedSnapshot(snapshot: NamedSnapshot): Promise<Uint8Array> {
  return packSnapshot(snapshot as unknown as Plain);
}

/** Throws a SnapshotFileError when the bytes are no snapshot. */
export async function unpackNamedSnapshot(bytes: Uint8Array): Promise<NamedSnapshot> {
  const value = (await unpackSnapshot(bytes)) as unknown as Partial<NamedSnapshot>;
  if (typeof value.name !== 'string' || value.picture === undefined || value.machine?.pages === undefined)
    throw new SnapshotFileError('The snapshot file lacks a part of its contents.');
  return value as NamedSnapshot;
}
