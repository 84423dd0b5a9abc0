// Runs one statement in the passes of a finished assembly, as it would have run in another's place. If it has the same
// length in each, nothing else in the program differs, and its bytes and diagnostics are put in place of the other's.
import { type Assembly, type SymbolEntry, qualified, statementNames } from './assembly.ts';
import { createByteBuffer } from './bytes.ts';
import { type Names, evaluate } from './evaluate.ts';
import { runContent } from './run-statement.ts';
import type { Body, Statement } from './statement.ts';

/** True: `is` stands at `order` instead of `was`, and the assembly is as if it had been there. */
export function replay(a: Assembly, was: Statement, is: Statement, order: number): boolean {
  const around = a.surroundings[order];
  if (around === undefined || !around.ordinary || a.sections[around.section]!.reserved) return false;
  if (!comparable(was.body, is.body) || !sameLabel(a, was, is, order)) return false;
  let run: Assembly = a;
  for (let pass = 1; pass <= a.pass; pass++) {
    const { offsets, lengths, addresses } = a.passes[pass - 1]!;
    const offset = offsets[order]!;
    run = {
      ...a,
      ...around,
      order,
      pass,
      final: pass > 1,
      diagnostics: [],
      lines: [],
      sections: a.sections.map((section, i) => ({
        ...section,
        address: addresses[i] ?? 0,
        buffer: createByteBuffer(),
        position: i === around.section ? offset : 0,
      })),
      symbols: symbolsIn(a, pass, order),
      expansion: is.expansion,
      start: { section: around.section, offset, absolute: undefined },
    };
    const names = statementNames(run);
    if (is.body.kind === 'equ') {
      if (!sameValue(run, names, is, pass)) return false;
    } else {
      if (is.body.kind !== 'none') runContent(run, names, is, is.body);
      if (run.sections[around.section]!.position - offset !== lengths[order]) return false;
    }
  }
  put(a, run, was, is, order);
  return true;
}

/** Kinds of statements that concern the program only by their length, or by a value. */
function comparable(was: Body, is: Body): boolean {
  if (was.kind === 'directive' || is.kind === 'directive') return false;
  return (was.kind === 'equ') === (is.kind === 'equ') && !usesSections(is);
}

/** `section.NAME.start` depends on the layout of each pass. */
function usesSections(part: unknown): boolean {
  if (typeof part !== 'object' || part === null || part instanceof Uint8Array) return false;
  if ('kind' in part && part.kind === 'symbol' && 'name' in part) return /^section\./.test(String(part.name));
  return Object.values(part).some(usesSections);
}

function sameLabel(a: Assembly, was: Statement, is: Statement, order: number): boolean {
  if (was.label?.name !== is.label?.name || was.label?.colon !== is.label?.colon) return false;
  if (is.label === undefined) return is.body.kind !== 'equ';
  // A label alone without a colon gets a warning that depends on more than its bytes.
  if (!is.label.colon && (is.body.kind === 'none' || was.body.kind === 'none')) return false;
  return entryOf(a, is, order)?.order === order;
}

const entryOf = (a: Assembly, is: Statement, order: number): SymbolEntry | undefined =>
  a.symbols.get(qualified({ ...a, scope: a.surroundings[order]!.scope }, is.label!.name));

/** The symbols as the statement found them in a pass: those above have the value of this pass, the others that of the last. */
function symbolsIn(a: Assembly, pass: number, order: number): Map<string, SymbolEntry> {
  const known = new Map<string, SymbolEntry | undefined>();
  const get = (name: string): SymbolEntry | undefined => {
    if (known.has(name)) return known.get(name);
    const entry = a.symbols.get(name);
    const at = entry === undefined || entry.order <= order ? pass : pass - 1;
    const value = entry?.values[at - 1];
    const seen =
      entry === undefined || value === undefined
        ? undefined
        : {
            ...entry,
            constant: value.constant,
            section: value.terms?.[0]?.section ?? -1,
            known: !value.unknown,
            pass: at,
          };
    known.set(name, seen);
    return seen;
  };
  return { get, keys: () => a.symbols.keys() } as unknown as Map<string, SymbolEntry>;
}

function sameValue(run: Assembly, names: Names, is: Statement, pass: number): boolean {
  if (is.body.kind !== 'equ') return false;
  const value = evaluate(is.body.expression, names);
  const before = entryOf(run, is, run.order)?.pass === pass ? entryOf(run, is, run.order) : undefined;
  if (value === undefined || before === undefined) return false;
  return (
    value.constant === before.constant &&
    (value.terms?.[0]?.section ?? -1) === before.section &&
    !value.unknown === before.known
  );
}

function put(a: Assembly, run: Assembly, was: Statement, is: Statement, order: number): void {
  const section = a.surroundings[order]!.section;
  const bytes = run.sections[section]!.buffer.slice(0);
  if (bytes.length > 0) a.sections[section]!.buffer.put(a.passes[a.pass - 1]!.offsets[order]!, bytes);
  a.diagnostics = a.diagnostics.filter((d) => a.causes.get(d) !== order);
  a.diagnostics.push(...run.diagnostics);
  const record = run.lines[0];
  const at = a.lines.findIndex((line) => line.statement === was);
  if (at >= 0 && record !== undefined) a.lines[at] = record;
  if (is.label !== undefined) {
    const entry = entryOf(a, is, order)!;
    entry.range = is.label.range;
  }
}
