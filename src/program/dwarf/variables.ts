// Variables and parameters (DWARF 5, "Data Object Entries"): their type, and where they are at an address.
import type { DebugVariable, FrameAccess } from '../debug-info.ts';
import { plainType } from '../debug-types.ts';
import { unlessDamaged } from '../errors.ts';
import { ATTRIBUTE } from './constants.ts';
import { attribute, attributeWithUnit, entryAt, type Entry, hasFlag, indexedAddress, nameOf } from './entries.ts';
import {
  evaluateLocation,
  evaluateValue,
  type ExpressionContext,
  type Location,
  namedRegister,
  OPTIMIZED_OUT,
} from './expressions.ts';
import { locationAt } from './location-lists.ts';
import { type Definitions, qualifiedName, typeFrom, typeOf } from './type-entries.ts';
import type { Unit } from './units.ts';

/** What reading a variable needs beside its entry. */
export interface VariableReader {
  readonly definitions: Definitions;
  /** Path of a file by its number in the unit's line program. */
  fileOf(unit: Unit, number: number): string;
}

/** A variable; undefined for those without a name. `own` is the function that was compiled on its own around it. */
export function variableFrom(
  entry: Entry,
  own: Entry | undefined,
  kind: DebugVariable['kind'],
  reader: VariableReader,
): DebugVariable | undefined {
  const name = kind === 'global' ? qualifiedName(definitionName(entry)) : nameOf(entry);
  if (name === undefined) return undefined;
  return {
    name,
    kind,
    get type() {
      return typeOf(entry, reader.definitions);
    },
    locate: (address, frame) => unlessDamaged(() => locate(entry, own, address, frame, reader), DAMAGED),
  };
}

const DAMAGED: Location = { kind: 'unavailable', why: 'its location is damaged in the debug information' };

/** The entry that carries the name and knows the scope. */
function definitionName(entry: Entry): Entry {
  return attribute(entry, ATTRIBUTE.name) === undefined
    ? attributeWithUnit(entry, ATTRIBUTE.name) === undefined
      ? entry
      : originWithName(entry)
    : entry;
}

function originWithName(entry: Entry): Entry {
  const { unit } = entry;
  const found = attribute(entry, ATTRIBUTE.specification) ?? attribute(entry, ATTRIBUTE.abstractOrigin);
  const target = found === undefined || typeof found.value !== 'bigint' ? undefined : found;
  if (target === undefined) return entry;
  const offset = target.form === 0x10 ? Number(target.value) : unit.offset + Number(target.value);
  return entryAt(unit.debug, offset) ?? entry;
}

function locate(
  entry: Entry,
  own: Entry | undefined,
  address: bigint,
  frame: FrameAccess,
  reader: VariableReader,
): Location {
  const { unit } = entry;
  const found = attribute(entry, ATTRIBUTE.location);
  if (found === undefined) return constantLocation(entry) ?? missing(entry);
  const bytes = locationAt(unit, found, address);
  if (bytes === undefined) return OPTIMIZED_OUT;
  return evaluateLocation(unit.context.file, bytes, contextFor(unit, own, address, frame, reader));
}

const missing = (entry: Entry): Location =>
  hasFlag(entry, ATTRIBUTE.declaration) ? { kind: 'unavailable', why: 'defined elsewhere' } : OPTIMIZED_OUT;

function constantLocation(entry: Entry): Location | undefined {
  const found = attributeWithUnit(entry, ATTRIBUTE.constantValue)?.attribute;
  if (found === undefined) return undefined;
  if (typeof found.value === 'bigint') return { kind: 'value', value: BigInt.asUintN(64, found.value) };
  if (found.value instanceof Uint8Array) return { kind: 'bytes', bytes: found.value };
  return { kind: 'bytes', bytes: new TextEncoder().encode(`${found.value}\0`) };
}

/** What expressions of a unit may ask of a frame that stands at an address; `own` is the function around it that was compiled on its own. */
export function contextFor(
  unit: Unit,
  own: Entry | undefined,
  address: bigint,
  frame: FrameAccess,
  reader: VariableReader,
): ExpressionContext {
  const { addressSize, offsetSize, file } = unit.context;
  const context: ExpressionContext = {
    addressSize,
    displacement: unit.debug.sections.displacement,
    offsetSize,
    register: (number) => frame.register(number),
    memory: (at, size) => frame.memory(at, size),
    cfa: () => frame.cfa(),
    frameBase: () => {
      const base = own === undefined ? undefined : attribute(own, ATTRIBUTE.frameBase);
      const bytes = base === undefined ? undefined : locationAt(unit, base, address);
      return bytes === undefined ? undefined : evaluateValue(file, bytes, context);
    },
    address: (index) => indexedAddress(unit, index),
    // Memory may have changed since the call: of what it held then nothing is known.
    entryValue: (bytes) => {
      const number = namedRegister(bytes);
      return number === undefined ? undefined : frame.entryRegister(number);
    },
    called: (offset, inUnit) => {
      const target = entryAt(unit.debug, inUnit ? unit.offset + offset : offset);
      const found = target === undefined ? undefined : attribute(target, ATTRIBUTE.location);
      return found === undefined ? undefined : locationAt(unit, found, address);
    },
    baseType: (offset) => {
      const target = entryAt(unit.debug, unit.offset + offset);
      const type = target === undefined ? undefined : plainType(typeFrom(target, reader.definitions));
      return type?.kind === 'base' ? { size: type.size, signed: type.signed } : undefined;
    },
  };
  return context;
}
