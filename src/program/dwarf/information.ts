// Everything that DWARF tells about a program beside its lines.
import type { DebugInfo, DebugVariable, FrameAccess, FunctionInstance } from '../debug-info.ts';
import { type DebugType, type EnumType, plainType } from '../debug-types.ts';
import type { Elf } from '../elf.ts';
import { unlessDamaged } from '../errors.ts';
import { entryRegister } from './call-sites.ts';
import { ATTRIBUTE, TAG } from './constants.ts';
import { attribute, constantOf, type Entry, headOf, rootOf } from './entries.ts';
import { type DeclaredNames, declaredNames, entryOf } from './declared-names.ts';
import { callFrames } from './frame-table.ts';
import { functionsOfUnit, stretchesOf } from './functions.ts';
import { indexNames, type NameIndex } from './names.ts';
import { type AddressRange, rangesOf, startOf } from './ranges.ts';
import { compressedSections, debugSections } from './sections.ts';
import { typeFrom } from './type-entries.ts';
import { readUnits, type Unit, UNIT_KIND } from './units.ts';
import { variableFrom, type VariableReader } from './variables.ts';

/** Paths of the files of a line program, by its offset in .debug_line. */
export type FilesOfProgram = (statements: number) => readonly string[];

/**
 * The debug information of an executable; undefined when it has none. Reads the headers of units only. Throws ProgramError for damaged
 * sections; adds to `notices` what cannot be used.
 */
export function debugInfoOf(elf: Elf, files: FilesOfProgram, notices: string[]): DebugInfo {
  const sections = debugSections(elf);
  const usable = compressedSections(elf).length === 0;
  const debug = readUnits(usable ? sections : { ...sections, info: new Uint8Array(0), types: new Uint8Array(0) });
  const split = debug.units.filter(
    (unit) =>
      unit.kind >= UNIT_KIND.skeleton ||
      (unit.kind === UNIT_KIND.compile && attribute(headOf(unit), ATTRIBUTE.gnuSplitName) !== undefined),
  );
  if (split.length > 0) {
    notices.push(
      `No variables and types of ${split.length} of ${debug.units.length} units: their debug information is split off into .dwo files, which are not read. Build without -gsplit-dwarf.`,
    );
  }
  let names: NameIndex | undefined;
  let ranges: readonly UnitRange[] | undefined;
  let declared: DeclaredNames | undefined;
  const declarations = (): DeclaredNames => {
    declared ??= declaredNames(debug);
    return declared;
  };
  /** Everything, what is declared in functions as well: slow for large programs. */
  const index = (): NameIndex => {
    names ??= indexNames(debug);
    return names;
  };
  const reader: VariableReader = {
    definitions: (tag, name) =>
      entryOf(
        declarations().types.get(
          `${tag === TAG.union ? 'union' : tag === TAG.enumeration ? 'enum' : 'struct'} ${name}`,
        ),
      ),
    fileOf: (unit, number) => {
      const statements = constantOf(attribute(headOf(unit), ATTRIBUTE.statementList));
      return (statements === undefined ? undefined : files(statements)[number]) ?? '';
    },
  };
  const unitAt = (address: bigint): Unit | undefined => {
    ranges ??= unitRanges(debug.units);
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const found = ranges[low - 1];
    return found !== undefined && address < found.end ? found.unit : undefined;
  };
  const frames = callFrames(elf, debug.units[0]?.context.addressSize ?? sections.addressSize);
  const guarded = <A extends unknown[], T>(ask: (...args: A) => T, nothing: T): ((...args: A) => T) => {
    return (...args) => unlessDamaged(() => ask(...args), nothing);
  };
  return {
    functionsAt: guarded((address: bigint): readonly FunctionInstance[] => {
      const unit = unitAt(address);
      return unit === undefined ? [] : functionsOfUnit(unit, address, reader);
    }, []),
    globalsAt: guarded((address: bigint) => {
      const unit = unitAt(address);
      return unit === undefined ? [] : globalsOf(unit, reader);
    }, []),
    globalNamed: guarded((name: string, near: bigint | undefined) => {
      const found = declarations().variables.get(name);
      const unit = near === undefined || found === undefined || found.length < 2 ? undefined : unitAt(near);
      const entry = entryOf(found?.find((candidate) => candidate.unit === unit) ?? found?.[0]);
      return entry === undefined ? undefined : variableFrom(entry, undefined, 'global', reader);
    }, undefined),
    typeNamed: guarded((name: string): DebugType | undefined => {
      const entry = entryOf(declarations().types.get(name)) ?? index().types.get(name);
      return entry === undefined ? undefined : typeFrom(entry, reader.definitions);
    }, undefined),
    enumeratorNamed: guarded((name: string) => {
      const entry = entryOf(declarations().enumerators.get(name));
      if (entry?.parent === undefined) return undefined;
      const type = plainType(typeFrom(entry.parent, reader.definitions));
      const value = attribute(entry, ATTRIBUTE.constantValue)?.value;
      return type.kind === 'enum' && typeof value === 'bigint' ? { value, type: type satisfies EnumType } : undefined;
    }, undefined),
    functionsNamed: guarded(
      (name: string) =>
        (index().functions.get(name) ?? []).flatMap((entry) => {
          const start = startOf(entry);
          return start === undefined ? [] : [{ start, inlined: entry.tag === TAG.inlinedSubroutine }];
        }),
      [],
    ),
    entryRegister: guarded((number: number, callee: bigint, returns: bigint, caller: FrameAccess) => {
      const calls = { unitAt, reader, functions: (name: string) => index().functions.get(name) ?? [] };
      return entryRegister(calls, number, callee, { returns, frame: caller });
    }, undefined),
    globalNames: guarded(() => [...declarations().variables.keys()], []),
    callFrameAt: frames,
  };
}

interface UnitRange extends AddressRange {
  readonly unit: Unit;
}

/** Code of each unit in order of address: as its root entry says, or else as its functions do. What cannot be read of one takes no other with it. */
function unitRanges(units: readonly Unit[]): UnitRange[] {
  return units
    .filter(({ kind }) => kind === UNIT_KIND.compile)
    .flatMap((unit) => {
      const head = unlessDamaged(() => rangesOf(headOf(unit)), []);
      const all: readonly AddressRange[] = head.length > 0 ? head : unlessDamaged(() => stretchesOf(unit), []);
      return all.filter(({ start }) => start !== 0n).map(({ start, end }) => ({ start, end, unit }));
    })
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}

const GLOBALS = new WeakMap<Unit, readonly DebugVariable[]>();

function globalsOf(unit: Unit, reader: VariableReader): readonly DebugVariable[] {
  let globals = GLOBALS.get(unit);
  if (globals === undefined) {
    globals = [...globalEntries(rootOf(unit))].flatMap(
      (entry) => variableFrom(entry, undefined, 'global', reader) ?? [],
    );
    GLOBALS.set(unit, globals);
  }
  return globals;
}

function* globalEntries(parent: Entry): Generator<Entry> {
  for (const entry of parent.children) {
    if (entry.tag === TAG.namespace) yield* globalEntries(entry);
    const held =
      attribute(entry, ATTRIBUTE.location) !== undefined || attribute(entry, ATTRIBUTE.constantValue) !== undefined;
    if (entry.tag === TAG.variable && held) yield entry;
  }
}
