// What a program declares at file scope, by name. Units are looked through without keeping their entries: a name that is asked for leads to one unit, and
// that one is read.
import { unlessDamaged } from '../errors.ts';
import { ATTRIBUTE, TAG } from './constants.ts';
import { attribute, type Entry, entryIn, nameOf, scanUnit } from './entries.ts';
import type { DebugUnits, Unit } from './units.ts';

/** Where an entry is. */
export interface Mark {
  readonly unit: Unit;
  readonly offset: number;
}

export interface DeclaredNames {
  /** Variables that have a place or a value. */
  readonly variables: ReadonlyMap<string, readonly Mark[]>;
  /** Types by what C writes: `struct vm`, `uint64_t`. */
  readonly types: ReadonlyMap<string, Mark>;
  readonly enumerators: ReadonlyMap<string, Mark>;
}

interface Growing extends DeclaredNames {
  readonly variables: Map<string, Mark[]>;
  readonly types: Map<string, Mark & { readonly plain: boolean }>;
  readonly enumerators: Map<string, Mark>;
}

export const entryOf = (mark: Mark | undefined): Entry | undefined =>
  mark === undefined ? undefined : entryIn(mark.unit, mark.offset);

export function declaredNames(debug: DebugUnits): DeclaredNames {
  const names: Growing = { variables: new Map(), types: new Map(), enumerators: new Map() };
  for (const unit of debug.units) unlessDamaged(() => addUnit(unit, names), undefined);
  return names;
}

const SCOPES: ReadonlySet<number> = new Set([TAG.namespace, TAG.structure, TAG.class, TAG.union]);

function addUnit(unit: Unit, names: Growing): void {
  const scopes: string[] = [];
  /** Namespaces around the entry, and classes. */
  let namespaces = 0;
  /** Declarations by offset: definitions refer to them for their names. */
  const declared = new Map<number, string>();
  /** Variables whose declaration comes behind them, with its offset. */
  const defined: [mark: Mark, declaration: number][] = [];
  const qualified = (name: string): string => (scopes.length === 0 ? name : `${scopes.join('::')}::${name}`);
  scanUnit(
    unit,
    (entry) => {
      const { tag, offset } = entry;
      if (offset === unit.first) return true;
      switch (tag) {
        case TAG.enumerator: {
          const name = nameOf(entry);
          if (name !== undefined && !names.enumerators.has(name)) names.enumerators.set(name, { unit, offset });
          return false;
        }
        case TAG.member:
          // Static members of C++ are defined outside their class.
          if (isDeclaration(entry)) declared.set(offset, qualified(nameOf(entry) ?? '?'));
          return false;
        case TAG.variable:
          if (namespaces === scopes.length) addVariable(entry, qualified, declared, defined, names);
          else declared.set(offset, qualified(nameOf(entry) ?? '?'));
          return false;
        case TAG.namespace:
          scopes.push(nameOf(entry) ?? '(anonymous namespace)');
          namespaces++;
          break;
        case TAG.enumeration:
        case TAG.typedef:
        case TAG.base:
          addType(entry, qualified, names);
          return tag === TAG.enumeration;
        case TAG.structure:
        case TAG.class:
        case TAG.union:
          addType(entry, qualified, names);
          scopes.push(nameOf(entry) ?? '(anonymous namespace)');
      }
      if (!SCOPES.has(tag)) return false;
      // What has no children is not left either.
      if (entry.abbreviation.hasChildren) return true;
      scopes.pop();
      if (tag === TAG.namespace) namespaces--;
      return false;
    },
    ({ tag }) => {
      if (!SCOPES.has(tag)) return;
      scopes.pop();
      if (tag === TAG.namespace) namespaces--;
    },
  );
  for (const [mark, declaration] of defined) {
    const name = declared.get(declaration);
    if (name !== undefined) append(names, name, mark);
  }
}

const isDeclaration = ({ abbreviation }: Entry): boolean =>
  abbreviation.attributes.some(({ attribute: name }) => name === ATTRIBUTE.external || name === ATTRIBUTE.declaration);

function addVariable(
  entry: Entry,
  qualified: (name: string) => string,
  declared: Map<number, string>,
  defined: [Mark, number][],
  names: Growing,
): void {
  const { unit, offset } = entry;
  const own = attribute(entry, ATTRIBUTE.name) === undefined ? undefined : nameOf(entry);
  if (own !== undefined) declared.set(offset, qualified(own));
  if (attribute(entry, ATTRIBUTE.location) === undefined && attribute(entry, ATTRIBUTE.constantValue) === undefined)
    return;
  const of = attribute(entry, ATTRIBUTE.specification)?.value;
  if (own !== undefined) append(names, qualified(own), { unit, offset });
  else if (typeof of === 'bigint') defined.push([{ unit, offset }, unit.offset + Number(of)]);
}

function append({ variables }: Growing, name: string, mark: Mark): void {
  const known = variables.get(name);
  if (known === undefined) variables.set(name, [mark]);
  else known.push(mark);
}

const KEYWORDS: Readonly<Record<number, readonly string[]>> = {
  // C++ lets a class be named by either keyword.
  [TAG.structure]: ['struct', 'class'],
  [TAG.class]: ['class', 'struct'],
  [TAG.union]: ['union'],
  [TAG.enumeration]: ['enum'],
};

function addType(entry: Entry, qualified: (name: string) => string, names: Growing): void {
  const { unit, offset, tag } = entry;
  const own = attribute(entry, ATTRIBUTE.name) === undefined ? undefined : nameOf(entry);
  if (own === undefined || attribute(entry, ATTRIBUTE.declaration) !== undefined) return;
  const name = qualified(own);
  const keywords = KEYWORDS[tag] ?? [];
  for (const known of [...keywords.map((keyword) => `${keyword} ${name}`), name]) {
    const other = names.types.get(known);
    // A typedef or base type is what a plain name means first.
    const plain = keywords.length === 0;
    if (other === undefined || (plain && !other.plain)) names.types.set(known, { unit, offset, plain });
  }
}
