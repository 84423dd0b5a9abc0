// Runs the VM-entry checks: all of them, so that a person sees every mistake at once; the processor reports the first.

import { describe } from '../../spec/bit-layouts.ts';
import { SDM } from '../../spec/sdm.ts';
import { type NamedVmcsField, VMCS_FIELDS, type VmcsField, type VmcsFieldName } from '../../spec/vmcs-fields.ts';
import type { FailedCheck } from '../types.ts';
import { ENTRY_CHECKS, RIP_ONLY_CHECKS } from './list.ts';
import { refusedEntry } from './msr-load.ts';
import { createState, createTrackedState } from './state.ts';
import type { EntryCheck, EntryEnvironment, EntryState, EntryVerdict, FieldReader, Outcome } from './types.ts';

/**
 * Runs every check of a VM entry on a VMCS.
 *
 * @param reader values of fields by encoding
 */
export function runEntryChecks(reader: FieldReader, env: EntryEnvironment): EntryVerdict {
  return run(ENTRY_CHECKS, reader, env);
}

/** Runs only the checks of Guest RIP: enough when nothing else that checks read has changed since they all passed. */
export function runRipChecks(reader: FieldReader, env: EntryEnvironment): EntryVerdict {
  return run(RIP_ONLY_CHECKS, reader, env);
}

function run(checks: readonly EntryCheck[], reader: FieldReader, env: EntryEnvironment): EntryVerdict {
  const state = createState(reader, env);
  const failed = checks.filter((check) => fails(check, state));
  const first = failed[0];
  if (first === undefined) {
    return { passed: true, cacheable: !state.memoryWasRead };
  }
  return {
    passed: false,
    outcome: outcomeOf(first, state),
    checks: failed.map((check) => explain(check, reader, env, check === first)),
  };
}

function fails(check: EntryCheck, state: EntryState): boolean {
  return (check.applies === undefined || check.applies(state)) && !check.holds(state);
}

function outcomeOf(check: EntryCheck, state: EntryState): Outcome {
  return check.section === 'loadingMsrs' && check.outcome.kind === 'vm-exit'
    ? { ...check.outcome, qualification: refusedEntry(state) }
    : check.outcome;
}

/** Evaluates a failed check once more on its own, to see which fields it read. */
function explain(check: EntryCheck, reader: FieldReader, env: EntryEnvironment, reported: boolean): FailedCheck {
  const { state, touched } = createTrackedState(reader, env);
  for (const name of check.fields) {
    state.field(name);
  }
  fails(check, state);
  return {
    id: check.id,
    fields: [...touched].map((name) => fieldReport(name, state)),
    rule: check.rule,
    citation: SDM[check.section],
    fix: typeof check.fix === 'string' ? check.fix : check.fix(state),
    reported,
  };
}

function fieldReport(name: VmcsFieldName, state: EntryState): FailedCheck['fields'][number] {
  const value = state.field(name);
  const { bits }: VmcsField | NamedVmcsField = VMCS_FIELDS[name];
  return bits === undefined ? { name, value } : { name, value, bits: describe(bits, value).summary };
}
