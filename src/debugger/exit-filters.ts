// Breakpoints on VM exits, VM entries and failures: a fixed list of filters, each with a condition.

import type { Stop } from '../machine/types.ts';
import { EXIT_CLASSES, EXIT_REASON_LIST, type ExitClass, exitReasonsOfClass } from '../spec/exit-reasons.ts';
import { errorText } from './expressions/errors.ts';
import { evaluate } from './expressions/evaluator.ts';
import type { Context } from './expressions/names.ts';
import { type Expression, namesIn, parseExpression } from './expressions/parser.ts';
import { type Counter, countHit, createCounter } from './hits.ts';
import { exitReasonByName, exitReasonIdentifiers } from './facts.ts';

/** What makes a filter look: VM exits of some reasons, or one of the other events. */
export type FilterEvent = 'exit' | 'entry' | 'entry-failure' | 'vm-fail' | 'triple-fault' | 'vmx-abort';

export interface FilterRow {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly events: readonly FilterEvent[];
  /** Basic exit reasons; `by-condition` takes them from the condition. */
  readonly reasons: readonly number[] | 'by-condition';
  readonly default: boolean;
  readonly conditionDescription: string;
}

const ALL_REASONS = EXIT_REASON_LIST.map((row) => row.reason);
const CONDITION = 'Expression, for example rax == 0x40000000 && hits >= 3 (hits counts the events of this filter)';

/** Classes that have a filter of their own below under another name. */
const FOLDED: readonly ExitClass[] = ['entry', 'fatal'];

export const FILTERS: readonly FilterRow[] = [
  {
    id: 'any-exit',
    label: 'Any VM exit',
    description: 'Every VM exit, at the first instruction of the exit handler.',
    events: ['exit'],
    reasons: ALL_REASONS,
    default: false,
    conditionDescription: CONDITION,
  },
  {
    id: 'by-reason',
    label: 'VM exits by reason',
    description: 'Reasons named in the condition: CPUID, EPT_VIOLATION, or an expression over exit.reason.',
    events: ['exit'],
    reasons: 'by-condition',
    default: false,
    conditionDescription:
      'Reasons and a condition: CPUID, HLT if rax == 1 — or an expression: exit.reason == CPUID && rax == 0x40000000',
  },
  ...(Object.keys(EXIT_CLASSES) as ExitClass[])
    .filter((name) => !FOLDED.includes(name))
    .map(
      (name): FilterRow => ({
        id: `exit-${name}`,
        label: `VM exit: ${EXIT_CLASSES[name].label}`,
        description: EXIT_CLASSES[name].description,
        events: ['exit'],
        reasons: exitReasonsOfClass(name),
        default: false,
        conditionDescription: CONDITION,
      }),
    ),
  {
    id: 'any-entry',
    label: 'Any VM entry',
    description: 'Every VM entry that succeeds, at the first instruction of the guest.',
    events: ['entry'],
    reasons: [],
    default: false,
    conditionDescription: CONDITION,
  },
  {
    id: 'entry-failure',
    label: 'Failed VM entry',
    description: 'A VMLAUNCH or VMRESUME whose checks fail; the stop explains every check.',
    events: ['entry-failure'],
    reasons: [],
    default: true,
    conditionDescription: CONDITION,
  },
  {
    id: 'vm-fail',
    label: 'VMX instruction fails (VMfail)',
    description: 'A VMX instruction other than VM entry ends with VMfailInvalid or VMfailValid.',
    events: ['vm-fail'],
    reasons: [],
    default: true,
    conditionDescription: CONDITION,
  },
  {
    id: 'triple-fault',
    label: 'Triple fault',
    description: 'The processor shuts down, or a guest’s shutdown exits.',
    events: ['triple-fault', 'exit'],
    reasons: exitReasonsOfClass('fatal'),
    default: true,
    conditionDescription: CONDITION,
  },
  {
    id: 'vmx-abort',
    label: 'VMX abort',
    description: 'A VM exit cannot be completed and the processor shuts down.',
    events: ['vmx-abort'],
    reasons: [],
    default: true,
    conditionDescription: CONDITION,
  },
];

export interface ActiveFilter extends Counter {
  readonly row: FilterRow;
  /** The condition as it was written. */
  readonly text: string;
  readonly reasons: ReadonlySet<number>;
  readonly condition: Expression | undefined;
}

export interface FilterTable {
  active: ActiveFilter[];
  /** Indexed by basic exit reason; undefined when no filter looks at exits. */
  exitReasons: Uint8Array | undefined;
}

export interface FilterRequest {
  readonly id: string;
  readonly condition?: string | undefined;
}

export interface FilterAnswer {
  readonly verified: boolean;
  readonly message?: string;
}

/** Number of basic exit reasons that the machine's stop table covers. */
export const REASON_TABLE_SIZE = 256;

export function createFilters(): FilterTable {
  const table: FilterTable = { active: [], exitReasons: undefined };
  setFilters(
    table,
    FILTERS.filter((row) => row.default).map((row) => ({ id: row.id })),
  );
  return table;
}

/** Replaces the filters; one answer for each request, in order. A filter whose condition is wrong is not active. */
export function setFilters(table: FilterTable, requests: readonly FilterRequest[]): FilterAnswer[] {
  const active: ActiveFilter[] = [];
  const answers = requests.map((request): FilterAnswer => {
    const made = makeFilter(request);
    if ('message' in made) return { verified: false, message: made.message };
    const same = table.active.find(({ row, text }) => row === made.row && text === made.text);
    active.push(same === undefined ? made : { ...made, hits: same.hits, met: same.met });
    return { verified: true };
  });
  table.active = active;
  table.exitReasons = reasonTable(active);
  return answers;
}

function makeFilter(request: FilterRequest): ActiveFilter | { readonly message: string } {
  const row = FILTERS.find((candidate) => candidate.id === request.id);
  if (row === undefined) return { message: `There is no filter "${request.id}".` };
  const text = request.condition?.trim() ?? '';
  if (row.reasons === 'by-condition') return reasonFilter(row, text);
  if (text === '') return { row, text, reasons: new Set(row.reasons), condition: undefined, ...createCounter() };
  const parsed = parseExpression(text);
  if (!parsed.ok) return { message: `Condition: ${errorText(parsed.error)}` };
  return { row, text, reasons: new Set(row.reasons), condition: parsed.value, ...createCounter() };
}

function reasonFilter(row: FilterRow, text: string): ActiveFilter | { readonly message: string } {
  if (text === '') {
    return {
      message:
        'Name the exit reasons in the condition, for example: CPUID, EPT_VIOLATION — or CPUID if rax == 0x40000000.',
    };
  }
  const list = /^([A-Z][A-Z0-9_]*(?:[\s,]+(?!if\b)[A-Z][A-Z0-9_]*)*)(?:\s+if\s+(.+))?$/is.exec(text);
  const names = list?.[1]?.split(/[\s,]+/) ?? [];
  const reasons = names.map((name) => exitReasonByName(name.toUpperCase()));
  // A lone lower-case name that is no reason is an expression: a register, say.
  if (
    reasons.some((reason) => reason !== undefined) ||
    (names.length > 0 && names.every((name) => name === name.toUpperCase()))
  ) {
    const unknown = names[reasons.indexOf(undefined)];
    if (unknown !== undefined)
      return { message: `"${unknown}" is not an exit reason.${similarReason(unknown.toUpperCase())}` };
    const wanted = new Set(reasons.filter((reason) => reason !== undefined));
    if (list?.[2] === undefined) return { row, text, reasons: wanted, condition: undefined, ...createCounter() };
    const parsed = parseExpression(list[2]);
    return parsed.ok
      ? { row, text, reasons: wanted, condition: parsed.value, ...createCounter() }
      : { message: `Condition after "if": ${errorText(parsed.error)}` };
  }
  const parsed = parseExpression(text);
  if (!parsed.ok) return { message: `Condition: ${errorText(parsed.error)}` };
  return {
    row,
    text,
    reasons: new Set(reasonsOf(parsed.value) ?? ALL_REASONS),
    condition: parsed.value,
    ...createCounter(),
  };
}

function similarReason(name: string): string {
  const near = exitReasonIdentifiers().filter(
    (candidate) =>
      candidate.startsWith(name) ||
      candidate.split('_').includes(name) ||
      (candidate.length > 2 && name.includes(candidate)),
  );
  return near.length === 0 ? ' The reference lists them all.' : ` Did you mean ${near.slice(0, 3).join(', ')}?`;
}

/** Reasons that a condition can hold for, when that can be read off it: the rest never has to stop the machine. */
export function reasonsOf(expression: Expression): Set<number> | undefined {
  if (expression.kind !== 'binary') return undefined;
  if (expression.operator === '&&') {
    const left = reasonsOf(expression.left);
    const right = reasonsOf(expression.right);
    if (left === undefined || right === undefined) return left ?? right;
    return new Set([...left].filter((reason) => right.has(reason)));
  }
  if (expression.operator === '||') {
    const left = reasonsOf(expression.left);
    const right = reasonsOf(expression.right);
    return left === undefined || right === undefined ? undefined : new Set([...left, ...right]);
  }
  if (expression.operator !== '==') return undefined;
  const sides = [expression.left, expression.right];
  if (!sides.some((side) => side.kind === 'name' && side.name.toLowerCase() === 'exit.reason')) return undefined;
  const other = sides.find((side) => !(side.kind === 'name' && side.name.toLowerCase() === 'exit.reason'));
  if (other?.kind === 'number') return new Set([Number(other.value)]);
  const reason = other?.kind === 'name' ? exitReasonByName(other.name) : undefined;
  return reason === undefined ? undefined : new Set([reason]);
}

function reasonTable(active: readonly ActiveFilter[]): Uint8Array | undefined {
  const table = new Uint8Array(REASON_TABLE_SIZE);
  let any = false;
  for (const filter of active) {
    if (!filter.row.events.includes('exit')) continue;
    for (const reason of filter.reasons) {
      table[reason] = 1;
      any = true;
    }
  }
  return any ? table : undefined;
}

export function wantsEvent(table: FilterTable, event: FilterEvent): boolean {
  return table.active.some((filter) => filter.row.events.includes(event));
}

export interface FilterVerdict {
  readonly stopping: readonly ActiveFilter[];
  readonly errors: readonly string[];
}

/** Whether what it does depends on how often it was met. */
export function filterDependsOnHits({ condition }: ActiveFilter): boolean {
  return condition !== undefined && namesIn(condition).includes('hits');
}

/** Decides whether filters stop for an event of the machine; counts the hits of every filter that looks at it. */
export function meetFilters(table: FilterTable, stop: Stop, context: Context): FilterVerdict {
  const stopping: ActiveFilter[] = [];
  const errors: string[] = [];
  const now = context.machine.history.now();
  for (const filter of table.active) {
    if (!looksAt(filter, stop)) continue;
    const hits = countHit(filter, now);
    if (filter.condition === undefined) {
      stopping.push(filter);
      continue;
    }
    const held = evaluate(filter.condition, { ...context, hits });
    if (!held.ok) {
      errors.push(`The condition of the filter "${filter.row.label}" cannot be evaluated: ${errorText(held.error)}`);
      stopping.push(filter);
    } else if (held.value.value !== 0n) {
      stopping.push(filter);
    }
  }
  return { stopping, errors };
}

function looksAt(filter: ActiveFilter, stop: Stop): boolean {
  const { events } = filter.row;
  switch (stop.kind) {
    case 'vm-exit':
      return events.includes('exit') && filter.reasons.has(stop.exit.reason & 0xffff);
    case 'vm-entry':
      return events.includes('entry');
    case 'entry-failure':
    case 'vm-fail':
    case 'triple-fault':
    case 'vmx-abort':
      return events.includes(stop.kind);
    default:
      return false;
  }
}
