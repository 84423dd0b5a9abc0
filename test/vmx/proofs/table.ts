// The coverage of VMX: every field, control, exit reason and entry check of the manual with the test that proves it, or why the
// machine does not offer it.

import { CONTROL_WORDS, type ControlWord } from '../../../src/spec/controls.ts';
import { EXIT_REASON_LIST } from '../../../src/spec/exit-reasons.ts';
import { VMCS_FIELD_LIST } from '../../../src/spec/vmcs-fields.ts';
import { fieldExists } from '../../../src/vmx/capabilities.ts';
import { ENTRY_CHECKS } from '../../../src/vmx/checks/list.ts';
import { controlOmission, exitOmission, fieldOmission } from '../../../src/vmx/not-offered.ts';
import { RECENT_SERVER } from '../../../src/vmx/profiles.ts';
import { CASES, EDGES } from '../checks/cases.ts';
import { edgesOf, NEVER_ALLOWED } from '../checks/edges.ts';
import type { Seen } from './collect.ts';
import { CONTROL_PROOFS } from './controls.ts';

export interface CoverageRow {
  readonly kind: 'field' | 'control' | 'exit' | 'check';
  readonly name: string;
  readonly offered: boolean;
  /** Tests that prove it; for what is not offered the reason. Empty: nothing does. */
  readonly tests: readonly string[];
}

const ROUND_TRIP = 'test/vmx/fields.test.ts';

function row(
  kind: CoverageRow['kind'],
  name: string,
  offered: boolean,
  tests: readonly (string | undefined)[],
): CoverageRow {
  return { kind, name, offered, tests: tests.filter((test) => test !== undefined) };
}

/** @param seen what each program did; a program that did not pass proves nothing */
export function coverage(seen: readonly Seen[]): readonly CoverageRow[] {
  const passed = seen.filter((one) => one.passed);
  return [...fields(passed), ...controls(passed), ...exits(passed), ...checks()];
}

function fields(seen: readonly Seen[]): CoverageRow[] {
  return VMCS_FIELD_LIST.map((field) => {
    if (!fieldExists(RECENT_SERVER, field)) return row('field', field.name, false, [fieldOmission(field)]);
    const programs = seen.filter((one) => one.fields.has(field.encoding)).map(({ program }) => program);
    return row('field', field.name, true, [ROUND_TRIP, ...programs.slice(0, 3)]);
  });
}

function controls(seen: readonly Seen[]): CoverageRow[] {
  return (Object.keys(CONTROL_WORDS) as ControlWord[]).flatMap((word) =>
    Object.keys(CONTROL_WORDS[word].bits).map((name) => {
      const key = `${word}: ${name}`;
      const offered = (RECENT_SERVER.controls[word] as readonly string[]).includes(name);
      if (!offered) return row('control', key, false, [controlOmission(key)]);
      const proof = `${CONTROL_PROOFS[key] ?? ''}.asm`;
      const proven = seen.some(({ program, controls: set }) => program === proof && set.has(key));
      return row('control', key, true, proven ? [proof] : []);
    }),
  );
}

function exits(seen: readonly Seen[]): CoverageRow[] {
  return EXIT_REASON_LIST.map(({ reason, identifier, name }) => {
    const omitted = exitOmission(identifier);
    const title = `${reason} ${name}`;
    if (omitted !== undefined) return row('exit', title, false, [omitted]);
    const programs = seen.filter(({ reasons }) => reasons.has(reason)).map(({ program }) => program);
    return row('exit', title, true, programs.slice(0, 3));
  });
}

/** A check is proven by a case that breaks just its rule and by an edge that it allows. */
function checks(): CoverageRow[] {
  return ENTRY_CHECKS.map((check) => {
    const broken = CASES.filter(({ id }) => id === check.id).length;
    const edges = edgesOf(check, EDGES);
    const complete = broken > 0 && (edges.length > 0 || NEVER_ALLOWED.includes(check.id));
    const edge = edges.length === 0 ? 'nothing outside SMM satisfies it' : `edge: ${edges[0]}`;
    return row('check', check.id, true, complete ? [`broken by ${broken} case${broken === 1 ? '' : 's'}`, edge] : []);
  });
}

export function unproven(rows: readonly CoverageRow[]): readonly string[] {
  return rows.filter(({ tests }) => tests.length === 0).map(({ kind, name }) => `${kind} ${name}`);
}

/** The table as text, and how much of each kind is proven. */
export function coverageText(rows: readonly CoverageRow[]): string {
  const kinds = ['field', 'control', 'exit', 'check'] as const;
  const parts = kinds.map((kind) => {
    const own = rows.filter((one) => one.kind === kind);
    const lines = own.map(({ name, offered, tests }) => {
      const proof = tests.length === 0 ? 'NOT PROVEN' : offered ? tests.join(', ') : `not offered: ${tests.join(' ')}`;
      return `${kind.padEnd(8)}${name.padEnd(64)} ${proof}`;
    });
    const offered = own.filter((one) => one.offered);
    const proven = offered.filter(({ tests }) => tests.length > 0).length;
    return `${lines.join('\n')}\n${kind}s: ${proven} of ${offered.length} offered are proven, ${own.length - offered.length} are not offered\n`;
  });
  return parts.join('\n');
}
