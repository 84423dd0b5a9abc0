// Functions of a unit by address, with what was inlined into them (DWARF 5, "Subroutine and Entry Point Entries").
import type { DebugVariable, FunctionInstance } from '../debug-info.ts';
import { unlessDamaged } from '../errors.ts';
import { ATTRIBUTE, TAG } from './constants.ts';
import { attribute, constantOf, type Entry, originOf, rootOf } from './entries.ts';
import { covers, rangesOf, startOf } from './ranges.ts';
import { qualifiedName } from './type-entries.ts';
import type { Unit } from './units.ts';
import { variableFrom, type VariableReader } from './variables.ts';

interface Stretch {
  readonly start: bigint;
  readonly end: bigint;
  readonly entry: Entry;
}

const STRETCHES = new WeakMap<Unit, readonly Stretch[]>();

/** The code of all functions of a unit, in address order. */
export function stretchesOf(unit: Unit): readonly Stretch[] {
  let stretches = STRETCHES.get(unit);
  if (stretches === undefined) {
    const found: Stretch[] = [];
    collect(rootOf(unit), found);
    stretches = found.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    STRETCHES.set(unit, stretches);
  }
  return stretches;
}

function collect(entry: Entry, found: Stretch[]): void {
  for (const child of entry.children) {
    if (child.tag === TAG.subprogram)
      for (const { start, end } of rangesOf(child)) found.push({ start, end, entry: child });
    if (child.children.length > 0 && MAY_HOLD_FUNCTIONS.has(child.tag)) collect(child, found);
  }
}

const MAY_HOLD_FUNCTIONS: ReadonlySet<number> = new Set([
  TAG.subprogram,
  TAG.namespace,
  TAG.structure,
  TAG.class,
  TAG.lexicalBlock,
]);

/** The function around an address that was compiled on its own. */
export const ownFunctionAt = (unit: Unit, address: bigint): Entry | undefined =>
  stretchesOf(unit).findLast(({ start, end }) => address >= start && address < end)?.entry;

/** The functions around an address of this unit, outermost first. */
export function functionsOfUnit(unit: Unit, address: bigint, reader: VariableReader): FunctionInstance[] {
  const own = ownFunctionAt(unit, address);
  if (own === undefined) return [];
  const chain = [own];
  for (let inner = inlinedAt(own, address); inner !== undefined; inner = inlinedAt(inner, address)) chain.push(inner);
  return chain.map((entry) => instance(entry, own, reader));
}

/** The inlined subroutine directly below an entry, through its blocks, that covers an address. */
function inlinedAt(entry: Entry, address: bigint): Entry | undefined {
  for (const child of entry.children) {
    if (child.tag === TAG.inlinedSubroutine && covers(child, address)) return child;
    const block = child.tag === TAG.lexicalBlock && (rangesOf(child).length === 0 || covers(child, address));
    const inner = block ? inlinedAt(child, address) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

const INSTANCES = new WeakMap<Entry, FunctionInstance>();

function instance(entry: Entry, own: Entry, reader: VariableReader): FunctionInstance {
  const known = INSTANCES.get(entry);
  if (known !== undefined) return known;
  const inlined = entry.tag === TAG.inlinedSubroutine;
  const number = (name: number): number => constantOf(attribute(entry, name)) ?? 0;
  const made: FunctionInstance = {
    name: functionName(entry),
    inlined,
    start: startOf(entry) ?? 0n,
    ranges: rangesOf(entry),
    call: inlined
      ? {
          path: reader.fileOf(entry.unit, number(ATTRIBUTE.callFile)),
          line: number(ATTRIBUTE.callLine),
          column: number(ATTRIBUTE.callColumn),
        }
      : undefined,
    variables: (address) => unlessDamaged(() => [...variablesOf(entry, own, address, reader)], []),
  };
  INSTANCES.set(entry, made);
  return made;
}

/** The function's name with its scope, by the instance, its abstract origin or its declaration. */
export function functionName(entry: Entry): string {
  let at = entry;
  for (let depth = 0; depth < 8; depth++) {
    const origin = originOf(at);
    if (origin === undefined) break;
    at = origin;
  }
  return qualifiedName(at) ?? '?';
}

/** Variables of inner blocks first, then parameters; what an inner block hides is left out. */
function* variablesOf(entry: Entry, own: Entry, address: bigint, reader: VariableReader): Generator<DebugVariable> {
  const seen = new Set<string>();
  const levels = blocksAt(entry, address);
  for (const kind of [TAG.variable, TAG.parameter] as const) {
    for (const level of levels) {
      for (const child of level.children) {
        if (child.tag !== kind) continue;
        const role = kind === TAG.parameter ? 'parameter' : 'local';
        const variable = unlessDamaged(() => variableFrom(child, own, role, reader), undefined);
        if (variable === undefined || seen.has(variable.name)) continue;
        seen.add(variable.name);
        yield variable;
      }
    }
  }
}

/** The entry and its blocks around an address, innermost first. */
function blocksAt(entry: Entry, address: bigint): Entry[] {
  const inner = entry.children.find(
    ({ tag }, index) => tag === TAG.lexicalBlock && covers(entry.children[index]!, address),
  );
  return inner === undefined ? [entry] : [...blocksAt(inner, address), entry];
}
