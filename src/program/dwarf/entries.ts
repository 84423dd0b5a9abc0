// Debugging information entries (DWARF 5, "Debugging Information Entries"): a unit's tree, and the attributes of one entry. The tree
// knows offsets only; values are read when they are asked for.
import { cursorOver, readCount, readUnsigned, stringAt } from '../bytes.ts';
import { badStructure, unlessDamaged } from '../errors.ts';
import type { Abbreviation } from './abbreviations.ts';
import { ATTRIBUTE } from './constants.ts';
import { type FormValue, readForm, skipForm } from './forms.ts';
import type { DebugUnits, Unit } from './units.ts';

export interface Entry {
  readonly unit: Unit;
  /** In the unit's section. */
  readonly offset: number;
  readonly tag: number;
  readonly abbreviation: Abbreviation;
  readonly valuesAt: number;
  readonly parent: Entry | undefined;
  readonly children: readonly Entry[];
}

export interface Attribute {
  readonly form: number;
  readonly value: FormValue;
}

interface Tree {
  readonly root: Entry;
  readonly byOffset: ReadonlyMap<number, Entry>;
}

const TREES = new WeakMap<Unit, Tree>();

/** The root entry of a unit, with everything below it. */
export const rootOf = (unit: Unit): Entry => treeOf(unit).root;

/** The root entry alone, without its children: cheap, whatever the unit's size. */
export function headOf(unit: Unit): Entry {
  const known = TREES.get(unit)?.root;
  if (known !== undefined) return known;
  const { cursor } = unit;
  cursor.offset = unit.first;
  const entry = readEntry(unit, undefined, unit.abbreviations());
  if (entry === undefined)
    throw badStructure(unit.context.file, undefined, `${cursor.what} has a unit without entries`);
  return entry;
}

function treeOf(unit: Unit): Tree {
  let tree = TREES.get(unit);
  if (tree === undefined) {
    tree = parseTree(unit);
    TREES.set(unit, tree);
  }
  return tree;
}

type Growing = Entry & { readonly children: Entry[] };

function readEntry(
  unit: Unit,
  parent: Entry | undefined,
  table: ReadonlyMap<number, Abbreviation>,
): Growing | undefined {
  const { cursor, context } = unit;
  const offset = cursor.offset;
  const code = readCount(cursor);
  if (code === 0) return undefined;
  const abbreviation = table.get(code);
  if (abbreviation === undefined)
    throw badStructure(context.file, undefined, `${cursor.what} uses abbreviation ${code}, which .debug_abbrev lacks`);
  const valuesAt = cursor.offset;
  if (abbreviation.size !== undefined) cursor.offset += abbreviation.size;
  else for (const { form } of abbreviation.attributes) skipForm(cursor, form, context);
  return { unit, offset, tag: abbreviation.tag, abbreviation, valuesAt, parent, children: [] };
}

/** Deeper than programs nest; what walks the tree goes as deep. */
const MAX_NESTING = 512;

function parseTree(unit: Unit): Tree {
  const { cursor } = unit;
  const table = unit.abbreviations();
  const byOffset = new Map<number, Entry>();
  cursor.offset = unit.first;
  const root = readEntry(unit, undefined, table);
  if (root === undefined) throw badStructure(unit.context.file, undefined, `${cursor.what} has a unit without entries`);
  byOffset.set(root.offset, root);
  const open: Growing[] = root.abbreviation.hasChildren ? [root] : [];
  // Of a damaged unit what comes before the damage is kept.
  unlessDamaged(() => {
    while (open.length > 0 && cursor.offset < unit.end) {
      const parent = open.at(-1)!;
      const entry = open.length > MAX_NESTING ? undefined : readEntry(unit, parent, table);
      if (entry === undefined) {
        open.pop();
        continue;
      }
      parent.children.push(entry);
      byOffset.set(entry.offset, entry);
      if (entry.abbreviation.hasChildren) open.push(entry);
    }
  }, undefined);
  return { root, byOffset };
}

/** The unit of .debug_info around an offset. */
function unitOf({ units, informationUnits }: DebugUnits, offset: number): Unit | undefined {
  let low = 0;
  let high = informationUnits();
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (units[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  const found = units[low - 1];
  return found !== undefined && offset < found.end ? found : undefined;
}

/**
 * Visits the entries of a unit, outermost first, without keeping them: they know neither parents nor children. `visit` answers whether the children of an
 * entry are visited as well; `left` is told when they were.
 */
export function scanUnit(unit: Unit, visit: (entry: Entry) => boolean, left: (entry: Entry) => void): void {
  const { cursor } = unit;
  const table = unit.abbreviations();
  const open: (Entry | undefined)[] = [];
  let at = unit.first;
  /** How deep in entries that are not visited. */
  let skipped = 0;
  do {
    // Whoever is told may have read something else.
    cursor.offset = at;
    const entry = readEntry(unit, undefined, table);
    at = cursor.offset;
    if (entry === undefined) {
      if (skipped > 0) skipped--;
      else {
        const closed = open.pop();
        if (closed !== undefined) left(closed);
      }
      continue;
    }
    const enters = skipped === 0 && visit(entry);
    if (!entry.abbreviation.hasChildren) continue;
    const next = enters ? undefined : siblingOf(entry);
    if (enters) open.push(entry);
    else if (next !== undefined) at = next;
    else skipped++;
  } while (at < unit.end && (open.length > 0 || skipped > 0));
}

/** Where the next entry on the same level begins, when the entry says so and it lies ahead. */
function siblingOf(entry: Entry): number | undefined {
  const found = attribute(entry, ATTRIBUTE.sibling);
  const next = typeof found?.value === 'bigint' ? entry.unit.offset + Number(found.value) : 0;
  return next > entry.valuesAt && next <= entry.unit.end ? next : undefined;
}

/** The entry that begins at an offset of a unit's section. */
export const entryIn = (unit: Unit, offset: number): Entry | undefined => treeOf(unit).byOffset.get(offset);

/** The entry that begins at an offset of .debug_info; undefined where none does. */
export function entryAt(debug: DebugUnits, offset: number): Entry | undefined {
  const unit = unitOf(debug, offset);
  return unit === undefined ? undefined : treeOf(unit).byOffset.get(offset);
}

/** The attribute as it stands in this entry. */
export function attribute(entry: Entry, name: number): Attribute | undefined {
  const { attributes } = entry.abbreviation;
  if (!attributes.some((candidate) => candidate.attribute === name)) return undefined;
  const { cursor, context } = entry.unit;
  cursor.offset = entry.valuesAt;
  for (const { attribute: found, form, implicit } of attributes) {
    if (found !== name) skipForm(cursor, form, context);
    else if (form === 0x16) return indirect(entry.unit);
    else return { form, value: readForm(cursor, form, context, implicit) };
  }
  return undefined;
}

function indirect(unit: Unit): Attribute {
  const form = readCount(unit.cursor);
  return { form, value: readForm(unit.cursor, form, unit.context) };
}

const MAX_ORIGINS = 8;

/** The attribute of the entry, or of the declaration or abstract instance that it completes. */
export function inherited(entry: Entry, name: number): Attribute | undefined {
  let at: Entry | undefined = entry;
  for (let depth = 0; at !== undefined && depth < MAX_ORIGINS; depth++) {
    const found = attribute(at, name);
    if (found !== undefined) return found;
    at = originOf(at);
  }
  return undefined;
}

/** The abstract instance or the declaration of an entry. */
export const originOf = (entry: Entry): Entry | undefined =>
  reference(entry, ATTRIBUTE.abstractOrigin) ?? reference(entry, ATTRIBUTE.specification);

/** The entry that an attribute refers to. */
export function reference(entry: Entry, name: number): Entry | undefined {
  const found = attribute(entry, name);
  return found === undefined ? undefined : referenced(entry.unit, found);
}

export function referenced(unit: Unit, { form, value }: Attribute): Entry | undefined {
  if (typeof value !== 'bigint') return undefined;
  switch (form) {
    case 0x11:
    case 0x12:
    case 0x13:
    case 0x14:
    case 0x15:
      return treeOf(unit).byOffset.get(unit.offset + Number(value));
    case 0x10:
      return entryAt(unit.debug, Number(value));
    case 0x20: {
      const types = unit.debug.bySignature.get(value);
      return types === undefined ? undefined : treeOf(types).byOffset.get(types.typeOffset);
    }
    default:
      return undefined;
  }
}

/** Text of an attribute of a string form. */
export function textOf(unit: Unit, found: Attribute | undefined): string | undefined {
  if (found === undefined) return undefined;
  if (typeof found.value === 'string') return found.value;
  if (!isStringIndex(found.form) || typeof found.value !== 'bigint') return undefined;
  const { context, debug } = unit;
  const at = base(unit, ATTRIBUTE.stringOffsetsBase, context.offsetSize * 2) + Number(found.value) * context.offsetSize;
  const { stringOffsets, strings, file } = debug.sections;
  return unlessDamaged(() => {
    const cursor = cursorOver(file, '.debug_str_offsets', stringOffsets, at);
    return stringAt(strings, Number(readUnsigned(cursor, context.offsetSize)));
  }, undefined);
}

const isStringIndex = (form: number): boolean => form === 0x1a || form === 0x1f02 || (form >= 0x25 && form <= 0x28);
const isAddressIndex = (form: number): boolean => form === 0x1b || form === 0x1f01 || (form >= 0x29 && form <= 0x2c);

/** Address of an attribute of an address form. */
export function addressValue(unit: Unit, found: Attribute | undefined): bigint | undefined {
  if (found === undefined || typeof found.value !== 'bigint') return undefined;
  if (found.form === 0x01) return found.value + unit.debug.sections.displacement;
  return isAddressIndex(found.form) ? indexedAddress(unit, Number(found.value)) : undefined;
}

/** Entry `index` of the unit's part of .debug_addr. */
export function indexedAddress(unit: Unit, index: number): bigint {
  const { addressSize } = unit.context;
  const { addresses, displacement, file } = unit.debug.sections;
  const at = base(unit, ATTRIBUTE.addressBase, 8) + index * addressSize;
  return readUnsigned(cursorOver(file, '.debug_addr', addresses, at), addressSize) + displacement;
}

/** Where the unit's part of an indexed section begins; behind the section's header when the unit does not say. */
export function base(unit: Unit, name: number, otherwise: number): number {
  const found = attribute(headOf(unit), name);
  return typeof found?.value === 'bigint' ? Number(found.value) : otherwise;
}

/** A constant as a number; addresses and references are none. */
export function constantOf(found: Attribute | undefined): number | undefined {
  return typeof found?.value === 'bigint' ? Number(found.value) : undefined;
}

export const nameOf = (entry: Entry): string | undefined => {
  const found = attributeWithUnit(entry, ATTRIBUTE.name);
  return found === undefined ? undefined : textOf(found.unit, found.attribute);
};

/** Like `inherited`, with the unit whose bases the value goes by. */
export function attributeWithUnit(entry: Entry, name: number): { unit: Unit; attribute: Attribute } | undefined {
  let at: Entry | undefined = entry;
  for (let depth = 0; at !== undefined && depth < MAX_ORIGINS; depth++) {
    const found = attribute(at, name);
    if (found !== undefined) return { unit: at.unit, attribute: found };
    at = originOf(at);
  }
  return undefined;
}

export const hasFlag = (entry: Entry, name: number): boolean => {
  const value = inherited(entry, name)?.value;
  return typeof value === 'bigint' && value !== 0n;
};
