// What views remember of a run: every VM exit, and the VMCS as it was at the last VM exit and at the last stop.

import type { Machine } from '../../machine/types.ts';
import { vmcsFieldByEncoding } from '../../spec/vmcs-fields.ts';
import { vmcsFieldOffset, VMCS_REGION_SIZE } from '../../spec/vmcs-layout.ts';
import { createExitLog, type ExitLog, logEntry, logExit } from './exit-log.ts';

/** The bytes of a VMCS region as they were. */
export interface VmcsImage {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export interface ViewRecord {
  readonly exits: ExitLog;
  atExit: VmcsImage | undefined;
  /** When the machine last went on from a stop. */
  atStop: VmcsImage | undefined;
}

/** Begins to record; takes the machine's transition listener. */
export function recordRun(machine: Machine): ViewRecord {
  const record: ViewRecord = { exits: createExitLog(), atExit: undefined, atStop: undefined };
  machine.onTransition = (event) => {
    if ('exit' in event) {
      logExit(record.exits, event.exit);
      record.atExit = imageOfVmcs(machine, event.exit.vmcs);
    } else {
      logEntry(record.exits, event.entry);
    }
  };
  return record;
}

/** The machine goes on: what it leaves is the last stop. */
export function leaveStop(record: ViewRecord, machine: Machine): void {
  const address = machine.currentVmcs();
  record.atStop = address === undefined ? undefined : imageOfVmcs(machine, address);
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
