// Functions with code and types, those inside of functions as well, by name: an index over all units, made when it is needed for the first time.
import { unlessDamaged } from '../errors.ts';
import { ATTRIBUTE, TAG } from './constants.ts';
import { type Entry, hasFlag, originOf, rootOf } from './entries.ts';
import { functionName } from './functions.ts';
import { rangesOf } from './ranges.ts';
import { qualifiedName } from './type-entries.ts';
import type { DebugUnits } from './units.ts';

export interface NameIndex {
  /** Types by what C writes: `struct vm`, `uint64_t`. */
  readonly types: ReadonlyMap<string, Entry>;
  /** Functions and inlined copies that have code. */
  readonly functions: ReadonlyMap<string, readonly Entry[]>;
}

const KEYWORDS: Readonly<Record<number, string>> = {
  [TAG.structure]: 'struct',
  [TAG.class]: 'class',
  [TAG.union]: 'union',
  [TAG.enumeration]: 'enum',
};

interface Growing {
  readonly types: Map<string, Entry>;
  readonly functions: Map<string, Entry[]>;
}

export function indexNames(debug: DebugUnits): NameIndex {
  const index: Growing = { types: new Map(), functions: new Map() };
  for (const unit of debug.units) unlessDamaged(() => visit(rootOf(unit), index), undefined);
  return index;
}

function visit(parent: Entry, index: Growing): void {
  for (const entry of parent.children) {
    switch (entry.tag) {
      case TAG.subprogram:
      case TAG.inlinedSubroutine:
        if (rangesOf(entry).length > 0) append(index.functions, functionName(entry), entry);
        break;
      default:
        addType(entry, index);
    }
    if (entry.children.length > 0 && entry.tag !== TAG.array && entry.tag !== TAG.subroutineType) visit(entry, index);
  }
}

const TYPES: ReadonlySet<number> = new Set([
  TAG.structure,
  TAG.class,
  TAG.union,
  TAG.enumeration,
  TAG.typedef,
  TAG.base,
]);

function addType(entry: Entry, index: Growing): void {
  if (!TYPES.has(entry.tag) || originOf(entry) !== undefined) return;
  const name = qualifiedName(entry);
  if (name === undefined || hasFlag(entry, ATTRIBUTE.declaration)) return;
  const keyword = KEYWORDS[entry.tag];
  const names = keyword === undefined ? [name] : [`${keyword} ${name}`, name];
  // C++ lets a class be named by either keyword, and without one.
  if (entry.tag === TAG.class) names.push(`struct ${name}`);
  if (entry.tag === TAG.structure) names.push(`class ${name}`);
  for (const known of names) {
    const other = index.types.get(known);
    // A typedef or base type is what a plain name means first.
    if (other === undefined || (keyword === undefined && KEYWORDS[other.tag] !== undefined))
      index.types.set(known, entry);
  }
}

function append<T>(map: Map<string, T[]>, name: string, value: T): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [value]);
  else list.push(value);
}
