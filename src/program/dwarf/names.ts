// What a program declares at file scope, by name: an index over all units, made when a name is looked up for the first time.
import type { DebugVariable } from '../debug-info.ts';
import { unlessDamaged } from '../errors.ts';
import { ATTRIBUTE, TAG } from './constants.ts';
import { attribute, type Entry, hasFlag, nameOf, originOf, rootOf } from './entries.ts';
import { functionName } from './functions.ts';
import { rangesOf } from './ranges.ts';
import { qualifiedName } from './type-entries.ts';
import type { DebugUnits, Unit } from './units.ts';
import { variableFrom, type VariableReader } from './variables.ts';

export interface NameIndex {
  readonly variables: ReadonlyMap<string, readonly NamedVariable[]>;
  /** Types by what C writes: `struct vm`, `uint64_t`. */
  readonly types: ReadonlyMap<string, Entry>;
  readonly enumerators: ReadonlyMap<string, Entry>;
  /** Functions and inlined copies that have code. */
  readonly functions: ReadonlyMap<string, readonly Entry[]>;
}

export interface NamedVariable {
  readonly unit: Unit;
  readonly variable: DebugVariable;
}

const KEYWORDS: Readonly<Record<number, string>> = {
  [TAG.structure]: 'struct',
  [TAG.class]: 'class',
  [TAG.union]: 'union',
  [TAG.enumeration]: 'enum',
};

interface Growing {
  readonly variables: Map<string, NamedVariable[]>;
  readonly types: Map<string, Entry>;
  readonly enumerators: Map<string, Entry>;
  readonly functions: Map<string, Entry[]>;
}

export function indexNames(debug: DebugUnits, reader: VariableReader): NameIndex {
  const index: Growing = { variables: new Map(), types: new Map(), enumerators: new Map(), functions: new Map() };
  for (const unit of debug.units) unlessDamaged(() => visit(rootOf(unit), index, reader, true), undefined);
  return index;
}

function visit(parent: Entry, index: Growing, reader: VariableReader, fileScope: boolean): void {
  for (const entry of parent.children) {
    switch (entry.tag) {
      case TAG.variable:
        if (fileScope) addVariable(entry, index, reader);
        break;
      case TAG.subprogram:
      case TAG.inlinedSubroutine:
        if (rangesOf(entry).length > 0) append(index.functions, functionName(entry), entry);
        break;
      case TAG.enumeration:
        addType(entry, index);
        for (const child of entry.children) {
          const name = nameOf(child);
          if (name !== undefined && !index.enumerators.has(name)) index.enumerators.set(name, child);
        }
        continue;
      default:
        addType(entry, index);
    }
    if (entry.children.length > 0 && entry.tag !== TAG.array && entry.tag !== TAG.subroutineType)
      visit(entry, index, reader, fileScope && entry.tag === TAG.namespace);
  }
}

function addVariable(entry: Entry, index: Growing, reader: VariableReader): void {
  if (attribute(entry, ATTRIBUTE.location) === undefined && attribute(entry, ATTRIBUTE.constantValue) === undefined)
    return;
  const variable = variableFrom(entry, undefined, 'global', reader);
  if (variable === undefined) return;
  append(index.variables, variable.name, { unit: entry.unit, variable });
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
