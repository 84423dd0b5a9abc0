// The audit of a VMCS dump: all checks that its fields suffice for, judged for a range of processors.

import { type Audit, type AuditEnvironment, auditFields } from '../vmx/audit.ts';
import { RECENT_SERVER } from '../vmx/profiles.ts';
import { WIDEST } from '../vmx/widest-profile.ts';
import { controlMask } from '../spec/controls.ts';
import { exitReason } from '../spec/exit-reasons.ts';
import { VMCS_FIELD_LIST } from '../spec/vmcs-fields.ts';
import { auditText } from './checks.ts';
import { exitReasonTitle } from './facts.ts';
import { hex, plural } from './format.ts';
import type { VmcsDump } from './vmcs-dump.ts';

const ENTRY_FAILURE = 0x8000_0000n;
/** No VMCS pointer that a field could name by accident. */
const NO_VMCS = 0xffff_ffff_ffff_f000n;

/**
 * Judges a dump for two processors, a recent server and one that offers everything, with 46 and 52 physical-address bits and 48 and
 * 57 linear-address bits: a check on which they differ depends on the processor and is not judged.
 */
export function auditDump(dump: VmcsDump): Audit {
  const byEncoding = new Map(VMCS_FIELD_LIST.map((field) => [field.encoding, dump.fields.get(field.name)]));
  const exitControls = dump.fields.get('Primary VM-exit controls') ?? 0n;
  const shared = {
    // A dump is printed by the host that made the entry: it was in IA-32e mode when it returns to 64-bit code.
    longMode: (exitControls & controlMask('exit', 'host address-space size')) !== 0n,
    currentVmcs: NO_VMCS,
  };
  const environments: AuditEnvironment[] = [
    { ...shared, profile: RECENT_SERVER, physicalBits: 46, linearBits: 48 },
    { ...shared, profile: WIDEST, physicalBits: 52, linearBits: 57 },
  ];
  return auditFields((encoding) => byEncoding.get(encoding), environments);
}

/** What the processor said when the dump was written, when it was a failed VM entry. */
function reportedText(dump: VmcsDump): string | undefined {
  const reason = dump.fields.get('Exit reason');
  if (reason === undefined) return undefined;
  const basic = Number(reason & 0xffffn);
  const title = exitReason(basic) === undefined ? hex(basic) : exitReasonTitle(basic);
  const qualification = dump.fields.get('Exit qualification') ?? 0n;
  const rest = qualification === 0n ? '' : `, qualification ${hex(qualification)}`;
  if ((reason & ENTRY_FAILURE) !== 0n)
    return `The dump says: exit reason ${basic} (${title}), VM-entry failure${rest}.`;
  return `The dump says: exit reason ${basic} (${title})${rest}. That is an older VM exit when the entry ended in VMfail.`;
}

/** The report of one dump. */
export function dumpText(dump: VmcsDump, audit: Audit): string {
  const name = dump.title === '' ? `line ${dump.line}` : `${dump.title}, line ${dump.line}`;
  const missing = VMCS_FIELD_LIST.length - dump.fields.size;
  const reported = reportedText(dump);
  return [
    `${dump.source} dump (${name}): ${plural(dump.fields.size, 'field')} known, ${missing} not in the dump.`,
    ...(reported === undefined ? [] : [reported]),
    ...dump.notes,
    'Judged for processors from a recent server to one that offers everything: what depends on the processor is not judged.',
    '',
    auditText(audit, 'This VMCS', () => undefined, undefined),
  ].join('\n');
}
