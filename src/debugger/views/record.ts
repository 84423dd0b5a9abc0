// What views remember of a run: the VMCS as it was at the last VM exit and at the last stop, and the memory that was looked at.

import type { Machine } from '../../machine/types.ts';
import { vmcsFieldByEncoding } from '../../spec/vmcs-fields.ts';
import { vmcsFieldOffset, VMCS_REGION_SIZE } from '../../spec/vmcs-layout.ts';
import type { FilteredExits } from './chosen-exits.ts';
import { copyMemory, type MemoryRecord, newMemoryRecord } from './memory-record.ts';

/** The bytes of a VMCS region as they were. */
export interface VmcsImage {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export interface ViewRecord {
  /** What the last filter found so far. */
  filtered: FilteredExits | undefined;
  /** undefined: there was no VM exit, or it is not known. */
  readonly atExit: () => VmcsImage | undefined;
  /** When the machine last went on from a stop. */
  atStop: VmcsImage | undefined;
  readonly memory: MemoryRecord;
}

/** Begins to record. */
export function recordRun(machine: Machine): ViewRecord {
  const copy = machine.history.keepVmcs();
  // After going back the copy may be of an exit that is to come.
  const atExit = (): VmcsImage | undefined =>
    copy.exit > 0 && copy.exit === machine.exitCount()
      ? { address: BigInt(copy.address), bytes: copy.bytes }
      : undefined;
  return { filtered: undefined, atExit, atStop: undefined, memory: newMemoryRecord() };
}

/** The machine goes on: what it leaves is the last stop. */
export function leaveStop(record: ViewRecord, machine: Machine): void {
  const address = machine.currentVmcs();
  record.atStop = address === undefined ? undefined : imageOfVmcs(machine, address);
  copyMemory(record.memory, machine);
}

function imageOfVmcs(machine: Machine, address: bigint): VmcsImage {
  return { address, bytes: machine.peekPhysical(address, VMCS_REGION_SIZE) };
}

/** A field by its full-access encoding; undefined when the image is of another VMCS. */
export function fieldOfImage(image: VmcsImage | undefined, address: bigint, encoding: number): bigint | undefined {
  const offset = vmcsFieldOffset(encoding);
  const field = vmcsFieldByEncoding(encoding);
  if (image?.address !== address || offset === undefined || field === undefined) return undefined;
  if (offset + 8 > image.bytes.length) return undefined;
  const value = new DataView(image.bytes.buffer, image.bytes.byteOffset).getBigUint64(offset, true);
  return BigInt.asUintN(field.width === 'natural' ? 64 : field.width, value);
}
