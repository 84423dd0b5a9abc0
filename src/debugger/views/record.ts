// What views remember of a run: every VM exit, and the VMCS as it was at the last VM exit and at the last stop.

import type { Machine } from '../../machine/types.ts';
import { vmcsFieldByEncoding } from '../../spec/vmcs-fields.ts';
import { vmcsFieldOffset, VMCS_REGION_SIZE } from '../../spec/vmcs-layout.ts';
import { type ExitFilter, matchingRows } from './exits.ts';
import { createExitLog, type ExitLog, logEntry, logExit } from './exit-log.ts';

/** The bytes of a VMCS region as they were. */
export interface VmcsImage {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export interface FilteredExits {
  readonly filter: string;
  readonly count: number;
  readonly writes: number;
  readonly rows: Uint32Array;
}

export interface ViewRecord {
  readonly exits: ExitLog;
  /** The last filter's rows, so that asking again looks at new exits only. */
  filtered: FilteredExits | undefined;
  atExit: VmcsImage | undefined;
  /** When the machine last went on from a stop. */
  atStop: VmcsImage | undefined;
}

/** Begins to record; takes the machine's transition listener. */
export function recordRun(machine: Machine): ViewRecord {
  const record: ViewRecord = { exits: createExitLog(), filtered: undefined, atExit: undefined, atStop: undefined };
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

/** Rows that pass a filter, which `text` names; undefined: every row does. */
export function filteredRows(record: ViewRecord, text: string, filter: ExitFilter): Uint32Array | undefined {
  const { exits, filtered } = record;
  const { count, writes } = exits;
  const grown = filtered?.filter === text && writes - filtered.writes === count - filtered.count ? filtered : undefined;
  if (grown?.count === count) return grown.rows;
  const more = matchingRows(exits, filter, grown?.count ?? 0);
  if (more === undefined) return undefined;
  const rows = new Uint32Array((grown?.rows.length ?? 0) + more.length);
  rows.set(grown?.rows ?? []);
  rows.set(more, grown?.rows.length ?? 0);
  record.filtered = { filter: text, count, writes, rows };
  return rows;
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
