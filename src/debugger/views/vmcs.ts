// The current VMCS as a view shows it: areas, fields in words, what changed, and which checks a VM entry would fail.

import type { FailedCheck } from '../../machine/types.ts';
import { vmcsFieldByName } from '../../spec/vmcs-fields.ts';
import { hex } from '../format.ts';
import { childrenOf, type Subject, type VariableRow } from '../variables.ts';
import { fieldOfImage, type VmcsImage, type ViewRecord } from './record.ts';

export interface VmcsBitView {
  readonly name: string;
  readonly value: string;
}

export interface FailedCheckView {
  readonly rule: string;
  readonly citation: string;
  readonly fix: string;
  readonly reported: boolean;
}

export interface VmcsFieldView {
  /** Identifier, as in expressions. */
  readonly name: string;
  /** Number and words. */
  readonly value: string;
  /** Name in the SDM, encoding, meaning. */
  readonly description: string;
  readonly bits: readonly VmcsBitView[];
  readonly writable: boolean;
  /** Values at the last stop and at the last VM exit, where they differ from the present one. */
  readonly beforeStop: string | null;
  readonly beforeExit: string | null;
  /** Value in the snapshot that it is compared with, where it differs; `not held`: the snapshot does not have it. */
  readonly inSnapshot: string | null;
  readonly failed: readonly FailedCheckView[];
}

export interface VmcsAreaView {
  /** Path of its variables. */
  readonly id: string;
  readonly title: string;
  readonly fields: readonly VmcsFieldView[];
}

export interface VmcsView {
  /** Host-physical address; null: there is no current VMCS. */
  readonly address: string | null;
  readonly areas: readonly VmcsAreaView[];
  /** Checks that a VM entry would fail now. */
  readonly failed: number;
}

export const VMCS_AREAS = [
  { id: 'vmcs/guest', title: 'Guest-state area' },
  { id: 'vmcs/host', title: 'Host-state area' },
  { id: 'vmcs/control', title: 'Control fields' },
  { id: 'exit', title: 'Exit information' },
] as const;

/** @param snapshot values of the fields of a snapshot in hexadecimal, to compare with */
export function vmcsView(subject: Subject, record: ViewRecord, snapshot?: Readonly<Record<string, string>>): VmcsView {
  const { machine } = subject;
  const address = machine.currentVmcs();
  if (address === undefined) return { address: null, areas: [], failed: 0 };
  const failed = machine.auditVmcs()?.failed ?? [];
  const byField = failuresByField(failed);
  const areas = VMCS_AREAS.map(({ id, title }) => ({
    id,
    title,
    fields: (childrenOf(subject, id) ?? []).map((row) => fieldView(subject, record, address, row, byField, snapshot)),
  }));
  return { address: hex(address), areas, failed: failed.length };
}

function failuresByField(checks: readonly FailedCheck[]): Map<string, FailedCheckView[]> {
  const found = new Map<string, FailedCheckView[]>();
  for (const { fields, rule, citation, fix, reported } of checks) {
    const name = vmcsFieldByName(fields[0]?.name ?? '')?.identifier;
    if (name === undefined) continue;
    found.set(name, [...(found.get(name) ?? []), { rule, citation, fix, reported }]);
  }
  return found;
}

function fieldView(
  subject: Subject,
  record: ViewRecord,
  address: bigint,
  row: VariableRow,
  failures: ReadonlyMap<string, readonly FailedCheckView[]>,
  snapshot: Readonly<Record<string, string>> | undefined,
): VmcsFieldView {
  const encoding = vmcsFieldByName(row.name)?.encoding;
  const now = encoding === undefined ? undefined : subject.machine.readVmcs(encoding);
  const before = (image: VmcsImage | undefined): string | null => {
    const old = encoding === undefined ? undefined : fieldOfImage(image, address, encoding);
    return old === undefined || now === undefined || old === now ? null : hex(old);
  };
  const bits = row.path === undefined ? [] : (childrenOf(subject, row.path) ?? []);
  return {
    name: row.name,
    value: row.value,
    description: row.type,
    bits: bits.map(({ name, value }) => ({ name, value })),
    writable: row.writable,
    beforeStop: before(record.atStop),
    beforeExit: before(record.atExit()),
    inSnapshot: snapshot === undefined || now === undefined ? null : otherThan(hex(now), snapshot[row.name]),
    failed: failures.get(row.name) ?? [],
  };
}

function otherThan(now: string, then: string | undefined): string | null {
  return now === then ? null : (then ?? 'not held');
}
