// VMX lint: mistakes with VMX instructions that the assembler cannot see and the processor reports late or not at all.
import type { Diagnostic } from 'vscode-languageserver';
import type { Expansion } from '../asm/preprocessor/state.ts';
import type { SourceRange } from '../asm/tokens.ts';
import { flowGraph } from './flow/graph.ts';
import { happened } from './flow/happened.ts';
import { controlFindings } from './lint/controls.ts';
import { eventsOf } from './lint/events.ts';
import { fieldFindings } from './lint/fields.ts';
import { type Finding, type LintContext, mnemonicOf } from './lint/finding.ts';
import { entryFindings, orderFindings } from './lint/order.ts';
import { resultFindings } from './lint/results.ts';
import { rangeOfPlace } from './place.ts';
import { processorOf } from './processor.ts';
import type { Program } from './program.ts';
import type { LintSeverity } from './settings.ts';
import { vmcsAccesses } from './vmcs-accesses.ts';

const SEVERITY: Readonly<Record<Exclude<LintSeverity, 'off'>, 1 | 2 | 3 | 4>> = {
  error: 1,
  warning: 2,
  information: 3,
  hint: 4,
};

/** The place that a person sees: of what a macro wrote, its outermost call. */
function placeOf(range: SourceRange, expansion: Expansion | undefined): SourceRange {
  let outer = expansion;
  while (outer?.parent !== undefined) outer = outer.parent;
  return outer?.call ?? range;
}

const USES_VMX = /^(vm|inv(ept|vpid))/;

const found = new WeakMap<Program, readonly Finding[]>();

export function lintFindings(program: Program): readonly Finding[] {
  let findings = found.get(program);
  if (findings === undefined) {
    findings = program.statements.some((s) => USES_VMX.test(mnemonicOf(s))) ? lint(program) : [];
    found.set(program, findings);
  }
  return findings;
}

function lint(program: Program): readonly Finding[] {
  const accesses = vmcsAccesses(program);
  const context: LintContext = {
    program,
    profile: processorOf(program.settings),
    graph: flowGraph(program),
    accesses,
    accessAt: new Map(accesses.map((access) => [access.order, access])),
  };
  const all = [...fieldFindings(context), ...resultFindings(context)];
  // In a file that is not there anything could happen.
  if (program.trace.includes.every((include) => include.file !== undefined)) {
    const events = eventsOf(context);
    const before = happened(context.graph, events.effects);
    if (before !== undefined) all.push(...orderFindings(context, before));
    all.push(...entryFindings(context, before, events), ...controlFindings(context, before, events));
  }
  const seen = new Set<string>();
  return all.filter((finding) => {
    const place = placeOf(finding.range, finding.statement.expansion);
    const key = `${finding.rule} ${place.file}:${place.line}:${place.column} ${finding.message}`;
    return program.settings.lint[finding.rule] !== 'off' && !seen.has(key) && seen.add(key);
  });
}

/** The findings of a file as diagnostics. */
export function lintDiagnostics(program: Program, file: number): Diagnostic[] {
  const page = program.settings.documentation;
  return lintFindings(program).flatMap((finding) => {
    const severity = program.settings.lint[finding.rule];
    const place = placeOf(finding.range, finding.statement.expansion);
    if (severity === 'off' || place.file !== file) return [];
    return [
      {
        range: rangeOfPlace(place),
        severity: SEVERITY[severity],
        source: 'ringside',
        code: finding.rule,
        ...(page === '' ? {} : { codeDescription: { href: `${page}#${finding.rule}` } }),
        message: finding.message,
      },
    ];
  });
}
