// Passes over the program until every size and address is settled.
import { type Assembly, addProblem, currentSection, statementNames } from './assembly.ts';
import { createByteBuffer } from './bytes.ts';
import { checkClosed } from './directives.ts';
import { noConvergence } from './errors.ts';
import type { Names } from './evaluate.ts';
import { layoutSections } from './layout.ts';
import type { Preprocessor } from './preprocessor/state.ts';
import { runStatement } from './run-statement.ts';
import type { Statement } from './statement.ts';
import type { Diagnostic } from './types.ts';

/** After this many passes sizes may only grow, so that the program settles. */
const GROW_ONLY_AFTER = 12;
const PASS_LIMIT = 200;

/** What preprocessing and parsing gave. */
export interface Reading {
  readonly statements: readonly Statement[];
  /** Mistakes that preprocessing and parsing found. */
  readonly problems: readonly Diagnostic[];
  readonly preprocessor: Preprocessor;
}

/** What a statement finds when its turn comes. */
export interface Surroundings {
  readonly bits: 16 | 32 | 64;
  readonly defaultRelative: boolean;
  readonly section: number;
  readonly scope: string;
  /** Outside ABSOLUTE blocks and structures. */
  readonly ordinary: boolean;
}

/** Where everything stood in one pass. Kept for editors. */
export interface PassRecord {
  /** Of each statement, by its place in the list. */
  readonly offsets: number[];
  readonly lengths: number[];
  /** Of sections, when the pass began. */
  readonly addresses: readonly number[];
}

/** `read`: reads the program and runs its statements with `step`. */
export function runPasses(a: Assembly, read: () => Reading): Reading {
  const start = { file: 0, line: 1, column: 1, end: 1 };
  let reading: Reading | undefined;
  for (;;) {
    beginPass(a);
    if (reading === undefined || a.preprocessorDepends) reading = read();
    else runAll(a, reading.statements);
    a.order = -1;
    checkClosed(a);
    if (layoutSections(a)) a.changed = true;
    if (a.final && !a.changed) break;
    if (a.pass >= PASS_LIMIT) {
      addProblem(a, noConvergence(), start, undefined);
      break;
    }
    a.growOnly = a.pass >= GROW_ONLY_AFTER;
  }
  return reading;
}

export function runAll(a: Assembly, statements: readonly Statement[]): void {
  const names = statementNames(a);
  for (let i = 0; i < statements.length; i++) step(a, names, statements[i]!, i);
}

/** Runs a statement; of an editor's program, remembers where it stands. */
export function step(a: Assembly, names: Names, statement: Statement, order: number): void {
  a.order = order;
  if (a.cache === undefined) {
    runStatement(a, names, statement);
    return;
  }
  const pass = a.passes[a.pass - 1]!;
  const before = currentSection(a).position;
  a.surroundings[order] = surroundings(a);
  runStatement(a, names, statement);
  pass.offsets.push(before);
  pass.lengths.push(currentSection(a).position - before);
}

function surroundings(a: Assembly): Surroundings {
  const last = a.surrounded;
  const ordinary = a.absolute === undefined && a.structure === undefined && a.instance === undefined;
  if (
    last !== undefined &&
    last.scope === a.scope &&
    last.bits === a.bits &&
    last.section === a.section &&
    last.defaultRelative === a.defaultRelative &&
    last.ordinary === ordinary
  )
    return last;
  a.surrounded = {
    bits: a.bits,
    defaultRelative: a.defaultRelative,
    section: a.section,
    scope: a.scope,
    ordinary,
  };
  return a.surrounded;
}

function beginPass(a: Assembly): void {
  a.pass++;
  a.final = a.pass > 1;
  a.changed = a.pass === 1;
  a.diagnostics = [];
  a.lines = [];
  a.full = false;
  a.bits = a.options.bits ?? 16;
  a.defaultRelative = false;
  a.section = 0;
  a.absolute = undefined;
  a.scope = '';
  a.structure = undefined;
  a.instance = undefined;
  a.expansion = undefined;
  for (const section of a.sections) {
    section.buffer = createByteBuffer();
    section.position = 0;
  }
  if (a.cache !== undefined)
    a.passes.push({ offsets: [], lengths: [], addresses: a.sections.map((section) => section.address) });
}
