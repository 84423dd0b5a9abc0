// The VM-entry checks on a VMCS that nobody enters: the current one before a VMLAUNCH, or one that was written down
// elsewhere and may have gaps. What a check cannot know is said, never guessed.

import { describe } from '../spec/bit-layouts.ts';
import { SDM } from '../spec/sdm.ts';
import { type NamedVmcsField, VMCS_FIELDS, type VmcsField, type VmcsFieldName } from '../spec/vmcs-fields.ts';
import { ENTRY_CHECKS } from './checks/list.ts';
import { refusedEntry } from './checks/msr-load.ts';
import { createTrackedState } from './checks/state.ts';
import type { EntryCheck, EntryEnvironment, Outcome } from './checks/types.ts';
import type { FailedCheck } from './types.ts';

/** A check that needs something that is not known. */
export interface UnjudgedCheck {
  readonly id: string;
  readonly rule: string;
  /** SDM section title. */
  readonly citation: string;
  /** What is missing: VMCS fields by SDM name, or words. */
  readonly needs: readonly string[];
}

export interface Audit {
  /** What the processor would report; undefined: no judged check fails. */
  readonly outcome: Outcome | undefined;
  /** In the order in which the processor tests. The first is marked as reported. */
  readonly failed: readonly FailedCheck[];
  readonly unjudged: readonly UnjudgedCheck[];
  /** Checks that hold, or that do not apply. */
  readonly held: number;
}

/** Value of a field by its full-access encoding, or undefined when it is not known. */
export type PartialReader = (encoding: number) => bigint | undefined;

/** A processor that may have run the VMCS. `memory` false: what is in physical memory is not known. */
export interface AuditEnvironment extends Omit<EntryEnvironment, 'readMemory' | 'instruction'> {
  readonly readMemory?: EntryEnvironment['readMemory'] | undefined;
}

interface Judgement {
  readonly holds: boolean;
  readonly needs: readonly string[];
  readonly touched: readonly VmcsFieldName[];
  readonly fix: string;
  readonly outcome: Outcome;
}

const MEMORY = 'the contents of physical memory';
const PROCESSOR = 'the capabilities of the processor';

/**
 * Every check on a VMCS.
 *
 * @param environments one processor; or several, when it is not known which it was: a check on which they differ is not judged
 */
export function auditFields(reader: PartialReader, environments: readonly AuditEnvironment[]): Audit {
  const failed: FailedCheck[] = [];
  const unjudged: UnjudgedCheck[] = [];
  let outcome: Outcome | undefined;
  let held = 0;
  for (const check of ENTRY_CHECKS) {
    const verdicts = environments.map((environment) => judge(check, reader, environment));
    const [first] = verdicts;
    if (first === undefined) continue;
    const needs = new Set(verdicts.flatMap((verdict) => verdict.needs));
    if (needs.size === 0 && verdicts.some((verdict) => verdict.holds !== first.holds)) needs.add(PROCESSOR);
    if (needs.size > 0) {
      unjudged.push({ id: check.id, rule: check.rule, citation: SDM[check.section], needs: [...needs] });
    } else if (first.holds) {
      held += 1;
    } else {
      failed.push({
        id: check.id,
        fields: first.touched.map((name) => fieldReport(name, reader)),
        rule: check.rule,
        citation: SDM[check.section],
        fix: (verdicts.at(-1) ?? first).fix,
        reported: outcome === undefined,
      });
      outcome ??= first.outcome;
    }
  }
  return { outcome, failed, unjudged, held };
}

function judge(check: EntryCheck, reader: PartialReader, environment: AuditEnvironment): Judgement {
  const unknown = new Set<string>();
  const env: EntryEnvironment = {
    ...environment,
    readMemory: (address, bytes) => {
      if (environment.readMemory !== undefined) return environment.readMemory(address, bytes);
      unknown.add(MEMORY);
      return 0n;
    },
  };
  const { state, touched } = createTrackedState((encoding) => reader(encoding) ?? 0n, env);
  const holds = (check.applies !== undefined && !check.applies(state)) || check.holds(state);
  for (const name of touched) {
    if (reader(VMCS_FIELDS[name].encoding) === undefined) unknown.add(name);
  }
  if (holds || unknown.size > 0) {
    return { holds, needs: [...unknown], touched: [], fix: '', outcome: check.outcome };
  }
  const names = new Set<VmcsFieldName>([...check.fields, ...touched]);
  const { outcome } = check;
  return {
    holds,
    needs: [],
    touched: [...names],
    fix: typeof check.fix === 'string' ? check.fix : check.fix(state),
    outcome:
      check.section === 'loadingMsrs' && outcome.kind === 'vm-exit'
        ? { ...outcome, qualification: refusedEntry(state) }
        : outcome,
  };
}

/** Name, value and named bits of a field, for a report. */
function fieldReport(name: VmcsFieldName, reader: PartialReader): FailedCheck['fields'][number] {
  const { bits, encoding }: VmcsField | NamedVmcsField = VMCS_FIELDS[name];
  const value = reader(encoding) ?? 0n;
  return bits === undefined ? { name, value } : { name, value, bits: describe(bits, value).summary };
}
