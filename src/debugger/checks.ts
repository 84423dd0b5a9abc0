// VM-entry checks in words: of an entry that failed, of the current VMCS before an entry, of a VMCS from elsewhere.

import type { Audit, EntryFailure, FailedCheck, Machine, UnjudgedCheck } from '../machine/types.ts';
import { type Image, lineAt } from '../program/image.ts';
import { vmInstructionError } from '../spec/vm-instruction-errors.ts';
import { vmcsFieldByName } from '../spec/vmcs-fields.ts';
import { exitReasonTitle } from './facts.ts';
import { hex, plural } from './format.ts';
import { place } from './place.ts';

/** Linear address of the instruction that wrote a field last, by SDM name; undefined when it is not known. */
export type Writers = (field: string) => bigint | undefined;

/** The writers of the current VMCS. */
export function writersOf(machine: Machine): Writers {
  return (field) => {
    const row = vmcsFieldByName(field);
    return row === undefined ? undefined : machine.lastVmwrite(row.encoding);
  };
}

/** `VMfailValid, VM-instruction error 7 (…)`, or `VM exit with reason 33 (…), qualification 2`. */
export function outcomeText(outcome: EntryFailure['outcome']): string {
  if (outcome.kind === 'vm-fail-valid') {
    const row = vmInstructionError(outcome.error);
    return `VMfailValid, VM-instruction error ${outcome.error}${row === undefined ? '' : ` (${row.text})`}`;
  }
  const qualification = outcome.qualification === 0n ? '' : `, qualification ${outcome.qualification}`;
  return `VM exit with reason ${outcome.reason & 0xffff} (${exitReasonTitle(outcome.reason)})${qualification}`;
}

function fieldText({ name, value, bits }: FailedCheck['fields'][number]): string {
  // Reserved bits of controls that must be 1 say nothing to a person.
  const named = bits?.split(', ').filter((bit) => !bit.startsWith('always 1 '));
  return `${name} = ${hex(value)}${named === undefined ? '' : ` [${named.join(', ')}]`}`;
}

/** One failed check: the field with its value, who wrote it, rule, other fields that take part, section, what would pass. */
export function checkText(check: FailedCheck, writers: Writers, image: Image | undefined): string {
  const [offending, ...others] = check.fields;
  const writer = offending === undefined ? undefined : writers(offending.name);
  const mark = check.reported ? '   ← the processor reports this one' : '';
  return [
    `${offending === undefined ? check.rule : fieldText(offending)}${mark}`,
    ...(writer === undefined || image === undefined ? [] : [`   Written: ${place(image, writer)}`]),
    ...(offending === undefined ? [] : [`   Rule: ${check.rule}`]),
    ...(others.length === 0 ? [] : [`   With: ${others.map(fieldText).join(', ')}`]),
    `   SDM: ${check.citation}`,
    `   Fix: ${check.fix}`,
  ].join('\n');
}

/** Failed checks in the order in which the processor tests, numbered. */
export function checkList(checks: readonly FailedCheck[], writers: Writers, image: Image | undefined): string {
  return checks.map((check, index) => `${index + 1}. ${checkText(check, writers, image)}`).join('\n\n');
}

/** What was not judged, by what is missing. */
export function unjudgedText(unjudged: readonly UnjudgedCheck[]): string {
  const byNeed = new Map<string, number>();
  for (const { needs } of unjudged) {
    const key = needs.join(', ');
    byNeed.set(key, (byNeed.get(key) ?? 0) + 1);
  }
  const rows = [...byNeed]
    .sort(([, a], [, b]) => b - a)
    .map(([needs, count]) => `  ${plural(count, 'check')}: ${needs}`);
  return `Not judged, ${plural(unjudged.length, 'check')}, because this is not known:\n${rows.join('\n')}`;
}

/** A report of an audit; `subject` is the VMCS in words, as the beginning of a sentence. */
export function auditText(audit: Audit, subject: string, writers: Writers, image: Image | undefined): string {
  const { failed, unjudged, held, outcome } = audit;
  const verdict =
    outcome === undefined
      ? unjudged.length === 0
        ? `${subject} would enter: all ${held} checks hold or do not apply.`
        : `${subject}: no check that can be judged fails; ${held} hold or do not apply.`
      : `${subject} would not enter: ${failed.length === 1 ? '1 check fails' : `${failed.length} checks fail`}, ${held} hold or do not apply.\nThe processor would report: ${outcomeText(outcome)}${unjudged.length === 0 ? '' : ', unless a check that is not judged fails before'}.`;
  return [
    verdict,
    ...(failed.length === 0 ? [] : [checkList(failed, writers, image)]),
    ...(unjudged.length === 0 ? [] : [unjudgedText(unjudged)]),
  ].join('\n\n');
}

/** A failed check at the source line that is to blame, for an editor. Lines from 1. */
export interface SourceProblem {
  readonly path: string;
  readonly line: number;
  readonly message: string;
  /** Id of the check. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
}

/**
 * Failed checks where an editor shows them: on the line of the last VMWRITE to the offending field, else on the line of the VM
 * entry.
 *
 * @param entry linear address of the VMLAUNCH or VMRESUME, when there was one
 */
export function sourceProblems(
  checks: readonly FailedCheck[],
  writers: Writers,
  image: Image,
  entry: bigint | undefined,
): SourceProblem[] {
  return checks.flatMap((check) => {
    const [offending] = check.fields;
    const writer = offending === undefined ? undefined : writers(offending.name);
    const line =
      (writer === undefined ? undefined : lineAt(image, writer)) ??
      (entry === undefined ? undefined : lineAt(image, entry));
    if (line === undefined) return [];
    const value = offending === undefined ? '' : `${fieldText(offending)}. `;
    const reported = check.reported ? ' The processor reports this check.' : '';
    return [
      {
        path: line.path,
        line: line.line,
        message: `VM entry fails: ${value}${check.rule} (SDM, ${check.citation}). Fix: ${check.fix}.${reported}`,
        code: check.id,
        severity: check.reported ? ('error' as const) : ('warning' as const),
      },
    ];
  });
}
