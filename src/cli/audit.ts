// `ringside audit FILE`: the VMCS dumps of a kernel's log, each with every VM-entry check that fails.

import { readFileSync } from 'node:fs';
import { auditDump, dumpText } from '../debugger/audit-dump.ts';
import { parseVmcsDumps } from '../debugger/vmcs-dump.ts';
import { mistake, STATUS } from './errors.ts';
import { fileProblem } from './host.ts';

export interface AuditCommand {
  /** `-` is standard input. */
  readonly file: string;
  readonly json: boolean;
}

const STANDARD_INPUT = 0;

/** Answers the exit status: 0 when no check that can be judged fails. */
export function auditFile({ file, json }: AuditCommand): number {
  const dumps = parseVmcsDumps(readLog(file));
  if (dumps.length === 0) {
    throw mistake(
      'no-dump',
      `${file} holds no VMCS dump: a line with "*** Guest State ***", as KVM (kvm_intel.dump_invalid_vmcs=1) and Xen print it, is missing.`,
    );
  }
  const audits = dumps.map((dump) => ({ dump, audit: auditDump(dump) }));
  const text = json
    ? JSON.stringify(
        audits.map(({ dump, audit }) => ({ ...dump, fields: Object.fromEntries(dump.fields), ...audit })),
        (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value),
        2,
      )
    : audits.map(({ dump, audit }) => dumpText(dump, audit)).join('\n\n');
  process.stdout.write(`${text}\n`);
  return audits.every(({ audit }) => audit.failed.length === 0) ? 0 : STATUS.mistake;
}

function readLog(file: string): string {
  try {
    return readFileSync(file === '-' ? STANDARD_INPUT : file, 'utf8');
  } catch (problem) {
    throw mistake('unreadable', `${file} cannot be read: ${fileProblem(problem)}.`);
  }
}
