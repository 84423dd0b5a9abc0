// Every VM-entry check: broken alone by at least one edit of the smallest VMCS that enters, and right at its edges.

import { describe, expect, test } from 'vitest';
import { CONTROL_WORDS } from '../../../src/spec/controls.ts';
import { SDM } from '../../../src/spec/sdm.ts';
import { VMCS_FIELD_LIST, VMCS_FIELDS, type VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import { RECENT_SERVER } from '../../../src/vmx/profiles.ts';
import { ENTRY_CHECKS } from '../../../src/vmx/checks/list.ts';
import { runEntryChecks, runRipChecks } from '../../../src/vmx/checks/run.ts';
import { createTrackedState } from '../../../src/vmx/checks/state.ts';
import { CASES, EDGES, expectedOutcome, MSR_LOADING } from './cases.ts';
import { checksWithoutEdge, NEVER_ALLOWED } from './edges.ts';
import { type Edit, fixture } from './fixture.ts';

function verdictOf(edit: Edit) {
  const { reader, env } = fixture(edit);
  return runEntryChecks(reader, env);
}

describe('VM-entry checks', () => {
  test.each(EDGES)('passes: $about', (edge) => {
    const verdict = verdictOf(edge);
    expect(verdict.passed ? [] : verdict.checks.map((check) => check.id)).toEqual([]);
  });

  test.each(CASES)('fails: $id', (entry) => {
    const verdict = verdictOf(entry);
    if (verdict.passed) {
      throw new Error('the VM entry passed');
    }
    const ids = verdict.checks.map((check) => check.id);
    expect([...ids].sort()).toEqual([entry.id, ...(entry.also ?? [])].sort());
    const order = ENTRY_CHECKS.map((check) => check.id);
    const first = [...ids].sort((a, b) => order.indexOf(a) - order.indexOf(b))[0] ?? '';
    expect(verdict.checks.filter((check) => check.reported).map((check) => check.id)).toEqual([first]);
    if (first.startsWith('msr-load.')) {
      expect(verdict.outcome).toMatchObject({ kind: 'vm-exit', reason: MSR_LOADING });
    } else {
      expect(verdict.outcome).toEqual(expectedOutcome(first));
    }
    for (const check of verdict.checks) {
      expect(check.rule).not.toBe('');
      expect(check.fix).not.toBe('');
      expect(Object.values(SDM)).toContain(check.citation);
    }
  });

  test('every check has a case', () => {
    const covered = new Set(CASES.map((entry) => entry.id));
    expect(ENTRY_CHECKS.map((check) => check.id).filter((id) => !covered.has(id))).toEqual([]);
  });

  test('every check has an edge of what it allows, but for those that nothing outside SMM satisfies', () => {
    expect(checksWithoutEdge(EDGES)).toEqual(NEVER_ALLOWED);
  });

  test('identifiers are unique', () => {
    expect(new Set(ENTRY_CHECKS.map((check) => check.id)).size).toBe(ENTRY_CHECKS.length);
  });

  test('the ordinal of the MSR-load entry is the exit qualification', () => {
    const verdict = verdictOf({
      set: { 'VM-entry MSR-load address': 0x8000n, 'VM-entry MSR-load count': 3n },
      memory: { 0x8000: 0x174n, 0x8010: 0x175n, 0x8020: 0xc000_0101n },
    });
    expect(verdict).toMatchObject({ passed: false, outcome: { reason: MSR_LOADING, qualification: 3n } });
  });

  test('a failed check reports the fields that take part, the offending one first, with named bits', () => {
    const verdict = verdictOf({ set: { 'Guest CS access rights': 0xa0fbn } });
    const check = verdict.passed ? undefined : verdict.checks[0];
    expect(check?.fields.slice(0, 2)).toMatchObject([
      { name: 'Guest CS access rights', value: 0xa0fbn },
      { name: 'Guest SS access rights', value: 0xc093n },
    ]);
    expect(check?.fields[0]?.bits).toContain('DPL=3');
  });

  test('several mistakes are all reported, in order', () => {
    const verdict = verdictOf({
      set: { 'Guest RFLAGS': 0n, 'Host CR4': 0x20n, 'CR3-target count': 9n, 'VMCS link pointer': 0n },
    });
    expect(verdict.passed ? [] : verdict.checks.map((check) => check.id)).toEqual([
      'execution.cr3-target-count',
      'host.cr4-fixed',
      'guest-rip.rflags-reserved',
      'guest-state.link-revision',
    ]);
  });

  test('the same edits pass or fail on the profile that the machine offers', () => {
    const { reader, env } = fixture();
    expect(runEntryChecks(reader, { ...env, profile: RECENT_SERVER }).passed).toBe(true);
    const unsupported = fixture({ on: { secondary: ['enable PCONFIG'] }, profile: RECENT_SERVER });
    const verdict = runEntryChecks(unsupported.reader, unsupported.env);
    expect(verdict.passed ? [] : verdict.checks.map((check) => check.id)).toContain('execution.secondary-reserved');
  });

  test('a verdict that needed memory is not cacheable', () => {
    expect(verdictOf({})).toEqual({ passed: true, cacheable: true });
    expect(verdictOf({ set: { 'VMCS link pointer': 0x6000n } })).toEqual({ passed: true, cacheable: false });
  });

  test('the checks of RIP alone see RIP', () => {
    const good = fixture({ set: { 'Guest RFLAGS': 0n } });
    expect(runRipChecks(good.reader, good.env).passed).toBe(true);
    const bad = fixture({ set: { 'Guest RIP': 1n << 60n } });
    expect(runRipChecks(bad.reader, bad.env).passed).toBe(false);
  });
});

describe('the VMCS field table', () => {
  /** Fields that checks read, over every case and edge. */
  function fieldsRead(): ReadonlySet<VmcsFieldName> {
    const read = new Set<VmcsFieldName>();
    for (const edit of [...CASES, ...EDGES]) {
      const { reader, env } = fixture(edit);
      const { state, touched } = createTrackedState(reader, env);
      for (const check of ENTRY_CHECKS) {
        if (check.applies === undefined || check.applies(state)) {
          check.holds(state);
        }
      }
      for (const name of touched) {
        read.add(name);
      }
    }
    return read;
  }

  test('marks exactly the fields that checks read as dirtying', () => {
    const read = fieldsRead();
    const marked = VMCS_FIELD_LIST.filter((field) => field.dirty !== 'none').map((field) => field.name);
    expect([...read].filter((name) => VMCS_FIELDS[name].dirty === 'none')).toEqual([]);
    expect(marked.filter((name) => !read.has(name))).toEqual([]);
  });

  test('has every field that a check names', () => {
    for (const check of ENTRY_CHECKS) {
      for (const name of check.fields) {
        expect(VMCS_FIELDS[name], `${check.id}: ${name}`).toBeDefined();
      }
    }
    for (const { field } of Object.values(CONTROL_WORDS)) {
      expect(VMCS_FIELDS[field]).toBeDefined();
    }
  });
});
