// Which edges prove which checks: an edge belongs to a check when the check applies to it, holds, and reads something that the
// edge changed of the smallest VMCS. What the smallest VMCS itself proves is its own.

import type { VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import { VMCS_FIELDS } from '../../../src/spec/vmcs-fields.ts';
import { ENTRY_CHECKS } from '../../../src/vmx/checks/list.ts';
import { createTrackedState } from '../../../src/vmx/checks/state.ts';
import type { EntryCheck } from '../../../src/vmx/checks/types.ts';
import type { Edge } from './cases-controls.ts';
import { type Edit, type Fixture, fixture } from './fixture.ts';

/** Checks of an entry to SMM: outside SMM another check refuses every such entry first. */
export const NEVER_ALLOWED: readonly string[] = ['guest-state.activity-smm', 'guest-state.smi-blocking-entry'];

interface Reading {
  readonly applies: boolean;
  readonly holds: boolean;
  readonly fields: ReadonlySet<VmcsFieldName>;
  readonly memory: boolean;
}

function readingOf(check: EntryCheck, { reader, env }: Fixture): Reading {
  let memory = false;
  const { state, touched } = createTrackedState(reader, {
    ...env,
    readMemory: (address, bytes) => {
      memory = true;
      return env.readMemory(address, bytes);
    },
  });
  const applies = check.applies === undefined || check.applies(state);
  const holds = !applies || check.holds(state);
  return { applies, holds, fields: new Set(touched), memory };
}

const SMALLEST = fixture();

/** Whether the environment of an edit (profile, width, long mode, instruction) differs from the smallest VMCS's. */
function changesEnvironment(edit: Edit): boolean {
  return edit.env !== undefined || edit.profile !== undefined;
}

/** The edges of a check, by what they are about. */
export function edgesOf(check: EntryCheck, edges: readonly Edge[]): readonly string[] {
  const base = readingOf(check, SMALLEST);
  return edges
    .filter((edge) => {
      const fix = fixture(edge);
      const reading = readingOf(check, fix);
      if (!reading.applies || !reading.holds) return false;
      if (!base.applies || changesEnvironment(edge) || (reading.memory && edge.memory !== undefined)) return true;
      return [...reading.fields].some((name) => {
        const { encoding } = VMCS_FIELDS[name];
        return fix.reader(encoding) !== SMALLEST.reader(encoding);
      });
    })
    .map(({ about }) => about);
}

/** Checks without an edge. */
export function checksWithoutEdge(edges: readonly Edge[]): readonly string[] {
  return ENTRY_CHECKS.filter((check) => edgesOf(check, edges).length === 0).map(({ id }) => id);
}
