// One statement in one pass: its label, and what its body adds to the section.
import {
  type Assembly,
  addProblem,
  currentSection,
  defineSymbol,
  here,
  isFull,
  position,
  qualified,
} from './assembly.ts';
import { canStore, countOf, emitBinary, emitRepeated, paddingFor, reserveBytes } from './data.ts';
import { runDirective } from './directives.ts';
import { encodeInstruction } from './encoder/encode.ts';
import type { Form } from './encoder/forms.ts';
import { closest } from './encoder/suggestions.ts';
import { labelNeeded, noStructure, orphanLabel, pastField } from './errors.ts';
import { type Names, evaluate } from './evaluate.ts';
import { isConstant } from './expression.ts';
import { parseLine } from './parser.ts';
import type { Expansion } from './preprocessor/state.ts';
import type { Body, Operand, Statement } from './statement.ts';
import type { SourceRange } from './tokens.ts';

export function runStatement(a: Assembly, names: Names, statement: Statement): void {
  const { label, body } = statement;
  a.expansion = statement.expansion;
  a.start.section = a.section;
  a.start.offset = currentSection(a).position;
  a.start.absolute = a.absolute;
  if (body.kind === 'equ') {
    defineEqu(a, names, statement, body.expression);
    return;
  }
  if (label !== undefined) {
    if (!label.colon && body.kind === 'none' && a.final)
      addProblem(a, orphanLabel(label.name, closest(label.name.toLowerCase())), label.range, a.expansion);
    defineSymbol(a, label.name, here(a), label.range);
  }
  if (body.kind === 'none') return;
  if (body.kind === 'directive') {
    if (body.name === 'at' || body.name === 'iend') runInstance(a, names, body);
    else runDirective(a, names, body);
    return;
  }
  runContent(a, names, statement, body);
}

/** What a statement without its label does, if it is neither a directive nor EQU. */
export function runContent(a: Assembly, names: Names, statement: Statement, body: Body): void {
  const section = a.section;
  const absolute = a.absolute !== undefined;
  const offset = currentSection(a).position;
  a.drift = driftOf(a, statement, offset);
  let times = 1;
  if (statement.times !== undefined) {
    const count = countOf(a, names, statement.times, 'times');
    if (count === undefined) return;
    times = count;
  }
  runBody(a, names, statement, body, times);
  if (!a.final || absolute) return;
  const length = currentSection(a).position - offset;
  if (length === 0) return;
  a.lines.push({
    section,
    offset,
    length,
    range: placeOf(statement.range, statement.expansion),
    instruction: body.kind === 'instruction',
    bits: a.bits,
    statement,
  });
}

/** How much further down a statement stands than in the pass before; while things move, another pass must come. */
function driftOf(a: Assembly, { memo }: Statement, offset: number): number {
  const drift = a.pass > 1 && memo.pass === a.pass - 1 && memo.section === a.section ? offset - memo.offset : 0;
  if (drift !== 0) a.changed = true;
  memo.pass = a.pass;
  memo.section = a.section;
  memo.offset = offset;
  return drift;
}

/** The place that a person sees: of what a macro wrote, the call in the source. */
function placeOf(range: SourceRange, expansion: Expansion | undefined): SourceRange {
  let outer = expansion;
  while (outer?.parent !== undefined) outer = outer.parent;
  return outer?.call ?? range;
}

function defineEqu(
  a: Assembly,
  names: Names,
  statement: Statement,
  expression: Extract<Body, { kind: 'equ' }>['expression'],
): void {
  if (statement.label === undefined) {
    addProblem(a, labelNeeded('equ'), statement.range, a.expansion);
    return;
  }
  const value = evaluate(expression, names);
  if (value !== undefined) defineSymbol(a, statement.label.name, value, statement.label.range, false);
}

function runBody(a: Assembly, names: Names, statement: Statement, body: Body, times: number): void {
  switch (body.kind) {
    case 'instruction':
      for (let i = 0; i < times; i++) {
        if (isFull(a, statement.range) || !runInstruction(a, names, statement, body)) return;
        const bytes = statement.memo.bytes;
        if (bytes === undefined || i + 1 >= times) continue;
        const section = currentSection(a);
        const more = Math.min(times - 1 - i, Math.ceil((a.limit + 1 - section.position) / bytes.length));
        section.buffer.repeat(section.buffer.length - bytes.length, more);
        section.position += bytes.length * Math.max(more, 0);
        isFull(a, statement.range);
        return;
      }
      return;
    case 'data':
      a.firstBits ??= a.bits;
      emitRepeated(a, names, body.items, times, statement.range);
      return;
    case 'reserve': {
      const count = countOf(a, names, body.count, 'resb');
      if (count !== undefined) reserveBytes(a, count * body.size * times, statement.range);
      return;
    }
    case 'incbin':
      for (let i = 0; i < times && !isFull(a, statement.range); i++) emitBinary(a, names, body);
      return;
    case 'align':
      runAlign(a, names, statement, body);
      return;
    default:
      return;
  }
}

function runAlign(a: Assembly, names: Names, statement: Statement, body: Extract<Body, { kind: 'align' }>): void {
  const padding = paddingFor(a, names, body.boundary, true);
  if (padding === undefined || padding === 0) return;
  if (body.reserve && body.fill === undefined) {
    if (a.absolute === undefined && !currentSection(a).reserved) {
      currentSection(a).buffer.fill(0, padding);
      currentSection(a).position += padding;
    } else reserveBytes(a, padding, statement.range);
    return;
  }
  if (body.fill !== undefined) {
    runBody(a, names, statement, body.fill, padding);
    return;
  }
  if (a.absolute !== undefined || currentSection(a).reserved) {
    reserveBytes(a, padding, statement.range);
    return;
  }
  currentSection(a).buffer.fill(0x90, padding);
  currentSection(a).position += padding;
}

function runInstruction(
  a: Assembly,
  names: Names,
  statement: Statement,
  body: Extract<Body, { kind: 'instruction' }>,
): boolean {
  if (!canStore(a, body.name)) return false;
  a.firstBits ??= a.bits;
  const section = currentSection(a);
  const memo = statement.memo;
  if (memo.relative !== a.defaultRelative || memo.bits !== a.bits) {
    memo.relative = a.defaultRelative;
    memo.constant = undefined;
    memo.bytes = undefined;
  }
  if (memo.bytes !== undefined) {
    section.buffer.bytes(memo.bytes);
    section.position += memo.bytes.length;
    return true;
  }
  const before = section.buffer.length;
  let warned = false;
  const ok = encodeInstruction(statement, body, {
    bits: a.bits,
    names,
    defaultRelative: a.defaultRelative,
    section: section.index,
    offset: section.position,
    drift: a.drift,
    isAhead: (name) => (a.symbols.get(qualified(a, name))?.pass ?? 0) < a.pass,
    sectionAddress: (index) => a.sections[index]!.address,
    growOnly: a.growOnly,
    out: section.buffer,
    warn: (problem, range) => {
      warned = true;
      if (a.final) addProblem(a, problem, range, a.expansion);
    },
  });
  section.position += section.buffer.length - before;
  if (!ok) return false;
  memo.constant ??= body.operands.every((o) => neverChanges(o, a)) && !memo.candidates?.some(isRelative);
  if (memo.constant && !warned) memo.bytes = section.buffer.slice(before);
  return true;
}

const isRelative = (form: Form): boolean => form.operands.some((o) => o.kind === 'relative');

/** The operand gives the same bytes in every pass and at every place. */
function neverChanges(operand: Operand, a: Assembly): boolean {
  switch (operand.kind) {
    case 'register':
    case 'rounding':
      return true;
    case 'memory':
      return isConstant(operand.expression) && operand.relative !== 'rel' && !a.defaultRelative;
    case 'immediate':
      return isConstant(operand.expression);
    default:
      return false;
  }
}

/** AT and IEND: fill up to a field of the structure, or to its end. */
function runInstance(a: Assembly, names: Names, body: Extract<Body, { kind: 'directive' }>): void {
  const instance = a.instance;
  if (instance === undefined) {
    addProblem(a, noStructure(body.name), body.nameRange, a.expansion);
    return;
  }
  const line = parseInstance(a, body);
  if (line === undefined && body.name === 'at') return;
  const fieldName = body.name === 'iend' ? `${instance.name}_size` : undefined;
  const target = fieldName === undefined ? evaluate(line!.field, names) : names.symbol(fieldName, body.nameRange);
  if (target === undefined) return;
  if (!target.unknown) {
    const done = position(a).constant - instance.start.constant;
    const base = fieldName === undefined ? (names.symbol(instance.name, body.nameRange)?.constant ?? 0n) : 0n;
    const missing = Number(target.constant - base - done);
    if (missing < 0 && a.final) {
      addProblem(a, pastField(-missing), body.nameRange, a.expansion);
    } else if (missing > 0 && canStore(a, body.nameRange)) {
      currentSection(a).buffer.fill(0, missing);
      currentSection(a).position += missing;
    }
  }
  if (body.name === 'iend') a.instance = undefined;
  else if (line?.inner !== undefined) runStatement(a, names, line.inner);
}

const instanceCache = new WeakMap<object, { field: Parameters<typeof evaluate>[0]; inner: Statement | undefined }>();

function parseInstance(
  a: Assembly,
  body: Extract<Body, { kind: 'directive' }>,
): { field: Parameters<typeof evaluate>[0]; inner: Statement | undefined } | undefined {
  if (body.name === 'iend') return undefined;
  const cached = instanceCache.get(body);
  if (cached !== undefined) return cached;
  const comma = body.arguments.findIndex((t) => t.text === ',');
  const fieldTokens = comma < 0 ? body.arguments : body.arguments.slice(0, comma);
  const rest = comma < 0 ? [] : body.arguments.slice(comma + 1);
  const report = (problem: Parameters<typeof addProblem>[1], range: SourceRange): void =>
    addProblem(a, problem, range, a.expansion);
  const fieldLine =
    fieldTokens.length === 0
      ? undefined
      : parseLine(
          { tokens: [{ ...fieldTokens[0]!, text: 'equ', kind: 0 }, ...fieldTokens], expansion: a.expansion },
          report,
        );
  if (fieldLine === undefined || fieldLine.body.kind !== 'equ') {
    if (fieldTokens.length === 0) report(labelNeeded('at'), body.nameRange);
    return undefined;
  }
  const inner = rest.length === 0 ? undefined : parseLine({ tokens: rest, expansion: a.expansion }, report);
  const parsed = { field: fieldLine.body.expression, inner };
  instanceCache.set(body, parsed);
  return parsed;
}
