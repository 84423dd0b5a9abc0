// Type entries (DWARF 5, "Type Entries") as types of debug-types.ts. What a type refers to is read when it is asked for, so that
// types may refer to themselves.
import type { DebugType, EnumType, Member, RecordType } from '../debug-types.ts';
import { plainType, sizeOfType } from '../debug-types.ts';
import { ATTRIBUTE, ENCODING, TAG } from './constants.ts';
import { type Attribute, attribute, constantOf, type Entry, hasFlag, inherited, nameOf, reference } from './entries.ts';
import { unlessDamaged } from '../errors.ts';
import { evaluateValue, type ExpressionContext } from './expressions.ts';

const VOID: DebugType = { kind: 'void' };
const TYPES = new WeakMap<Entry, DebugType>();

/** Finds the definition of a type that one unit only declares. */
export type Definitions = (tag: number, name: string) => Entry | undefined;

/** The type that an entry's type attribute names; void without one. */
export function typeOf(entry: Entry, definitions: Definitions): DebugType {
  return unlessDamaged(() => {
    const target = typeEntry(entry);
    return target === undefined ? VOID : typeFrom(target, definitions);
  }, DAMAGED);
}

function typeEntry(entry: Entry): Entry | undefined {
  let at: Entry | undefined = entry;
  for (let depth = 0; at !== undefined && depth < 8; depth++) {
    const target = reference(at, ATTRIBUTE.type);
    if (target !== undefined) return target;
    at = reference(at, ATTRIBUTE.abstractOrigin) ?? reference(at, ATTRIBUTE.specification);
  }
  return undefined;
}

/** The type that an entry describes. */
export function typeFrom(entry: Entry, definitions: Definitions): DebugType {
  let type = TYPES.get(entry);
  if (type === undefined) {
    // A damaged type that is a part of itself finds this instead.
    TYPES.set(entry, DAMAGED);
    type = unlessDamaged(() => build(entry, definitions), DAMAGED);
    TYPES.set(entry, type);
  }
  return type;
}

const DAMAGED: DebugType = { kind: 'unknown', name: 'damaged type', size: 0 };

function build(entry: Entry, definitions: Definitions): DebugType {
  const { addressSize } = entry.unit.context;
  const size = constantOf(inherited(entry, ATTRIBUTE.byteSize));
  const target = (): DebugType => typeOf(entry, definitions);
  switch (entry.tag) {
    case TAG.base:
      return baseType(entry, size ?? 0);
    case TAG.unspecifiedType:
      return { kind: 'unknown', name: nameOf(entry) ?? 'unspecified', size: 0 };
    case TAG.pointer:
      return { kind: 'pointer', sign: '*', size: size ?? addressSize, target };
    case TAG.reference:
      return { kind: 'pointer', sign: '&', size: size ?? addressSize, target };
    case TAG.rvalueReference:
      return { kind: 'pointer', sign: '&&', size: size ?? addressSize, target };
    case TAG.typedef:
      return { kind: 'typedef', name: nameOf(entry) ?? '?', target };
    case TAG.subroutineType:
    case TAG.subprogram:
      return functionType(entry, definitions);
    case 0x26: // const
      return { kind: 'qualified', qualifier: 'const', target };
    case TAG.volatile:
      return { kind: 'qualified', qualifier: 'volatile', target };
    case TAG.restrict:
      return { kind: 'qualified', qualifier: 'restrict', target };
    case TAG.atomic:
      return { kind: 'qualified', qualifier: '_Atomic', target };
    case TAG.structure:
      return recordType(entry, 'struct', definitions);
    case TAG.class:
      return recordType(entry, 'class', definitions);
    case TAG.union:
      return recordType(entry, 'union', definitions);
    case TAG.array:
      return arrayType(entry, definitions);
    case TAG.enumeration:
      return enumType(entry, size, definitions);
    case TAG.memberPointer:
      return { kind: 'unknown', name: 'pointer to member', size: size ?? addressSize };
    default:
      return {
        kind: 'unknown',
        name: nameOf(entry) ?? `type with DWARF tag 0x${entry.tag.toString(16)}`,
        size: size ?? 0,
      };
  }
}

function baseType(entry: Entry, size: number): DebugType {
  const name = usualSpelling(nameOf(entry) ?? '?');
  switch (constantOf(attribute(entry, ATTRIBUTE.encoding))) {
    case ENCODING.boolean:
      return { kind: 'base', name, size, encoding: 'boolean', signed: false };
    case ENCODING.float:
      return { kind: 'base', name, size, encoding: 'float', signed: true };
    case ENCODING.signed:
      return { kind: 'base', name, size, encoding: 'signed', signed: true };
    case ENCODING.unsigned:
      return { kind: 'base', name, size, encoding: 'unsigned', signed: false };
    case ENCODING.signedChar:
      return { kind: 'base', name, size, encoding: /char/.test(name) ? 'character' : 'signed', signed: true };
    case ENCODING.unsignedChar:
      return { kind: 'base', name, size, encoding: /char/.test(name) ? 'character' : 'unsigned', signed: false };
    case ENCODING.utf:
      return { kind: 'base', name, size, encoding: 'character', signed: false };
    default:
      return { kind: 'unknown', name, size };
  }
}

/** GCC names `unsigned long` as `long unsigned int`. */
const usualSpelling = (name: string): string =>
  name.replace(/^((?:long )+|short )(unsigned )?int$/, (_, size: string, sign = '') => `${sign}${size}`.trim());

function functionType(entry: Entry, definitions: Definitions): DebugType {
  const list = entry.children.filter(({ tag }) => tag === TAG.parameter);
  return {
    kind: 'function',
    result: () => typeOf(entry, definitions),
    parameters: () => list.map((parameter) => typeOf(parameter, definitions)),
    variadic: entry.children.some(({ tag }) => tag === TAG.unspecifiedParameters),
    prototyped: hasFlag(entry, ATTRIBUTE.prototyped),
  };
}

function arrayType(entry: Entry, definitions: Definitions): DebugType {
  const counts = entry.children.filter(({ tag }) => tag === TAG.subrange || tag === TAG.enumeration).map(countOf);
  let type = typeOf(entry, definitions);
  for (const count of counts.length > 0 ? counts.reverse() : [undefined])
    type = { kind: 'array', element: type, count };
  return type;
}

function countOf(subrange: Entry): number | undefined {
  const count = attribute(subrange, ATTRIBUTE.count);
  if (count !== undefined) return isConstant(count) ? constantOf(count) : undefined;
  const upper = attribute(subrange, ATTRIBUTE.upperBound);
  if (upper === undefined || !isConstant(upper)) return undefined;
  const last = constantOf(upper)!;
  // An upper bound of -1 is how some compilers write a length of 0.
  return last === -1 || last >= 0xffffffff ? 0 : last + 1;
}

/** data1 to data8, sdata, udata, implicit_const: not a reference to a variable, nor an expression. */
const isConstant = ({ form, value }: Attribute): boolean =>
  typeof value === 'bigint' && [0x05, 0x06, 0x07, 0x0b, 0x0d, 0x0f, 0x21].includes(form);

function enumType(entry: Entry, size: number | undefined, definitions: Definitions): EnumType {
  const underlying = plainType(typeOf(entry, definitions));
  const enumerators = (): { name: string; value: bigint }[] =>
    entry.children.flatMap((child) =>
      unlessDamaged(() => {
        const found = child.tag === TAG.enumerator ? attribute(child, ATTRIBUTE.constantValue) : undefined;
        return typeof found?.value === 'bigint' ? [{ name: nameOf(child) ?? '?', value: found.value }] : [];
      }, []),
    );
  const bytes = size ?? sizeOfType(underlying);
  const signed = underlying.kind === 'base' ? underlying.signed : enumerators().some(({ value }) => value < 0n);
  return { kind: 'enum', name: qualifiedName(entry), size: bytes, signed, enumerators };
}

function recordType(entry: Entry, keyword: RecordType['keyword'], definitions: Definitions): DebugType {
  const name = qualifiedName(entry);
  const incomplete = hasFlag(entry, ATTRIBUTE.declaration);
  if (incomplete && name !== undefined) {
    const definition = reference(entry, ATTRIBUTE.signature) ?? definitions(entry.tag, name);
    if (definition !== undefined && definition !== entry && !hasFlag(definition, ATTRIBUTE.declaration))
      return typeFrom(definition, definitions);
  }
  let members: readonly Member[] | undefined;
  return {
    kind: 'record',
    keyword,
    name,
    size: constantOf(inherited(entry, ATTRIBUTE.byteSize)) ?? 0,
    incomplete,
    members: () => {
      members ??= entry.children.flatMap((child) => unlessDamaged(() => membersFrom(child, definitions), []));
      return members;
    },
  };
}

function membersFrom(entry: Entry, definitions: Definitions): Member[] {
  if (entry.tag === TAG.variantPart) return variantsFrom(entry, definitions);
  if (entry.tag !== TAG.member && entry.tag !== TAG.inheritance) return [];
  // Static members of C++ have no place in the object.
  if (hasFlag(entry, ATTRIBUTE.external) || hasFlag(entry, ATTRIBUTE.declaration)) return [];
  const type = typeOf(entry, definitions);
  const base = entry.tag === TAG.inheritance;
  const plain = plainType(type);
  const offset = memberOffset(entry);
  const name = base ? (plain.kind === 'record' ? plain.name : undefined) : nameOf(entry);
  return [{ name, type, offset, bits: bitsOf(entry, type, offset), base }];
}

function memberOffset(entry: Entry): number {
  const found = attribute(entry, ATTRIBUTE.memberLocation);
  if (found === undefined) return 0;
  if (typeof found.value === 'bigint') return Number(found.value);
  if (!(found.value instanceof Uint8Array)) return 0;
  // DWARF 2 and 3: an expression that adds to the object's address.
  return Number(evaluateValue(entry.unit.context.file, found.value, NOTHING_KNOWN, [0n]) ?? 0n);
}

const NOTHING_KNOWN: ExpressionContext = {
  addressSize: 8,
  offsetSize: 4,
  register: () => undefined,
  memory: () => undefined,
  frameBase: () => undefined,
  cfa: () => undefined,
  address: () => undefined,
  entryValue: () => undefined,
};

function bitsOf(entry: Entry, type: DebugType, offset: number): Member['bits'] {
  const size = constantOf(attribute(entry, ATTRIBUTE.bitSize));
  if (size === undefined) return undefined;
  const dataOffset = constantOf(attribute(entry, ATTRIBUTE.dataBitOffset));
  if (dataOffset !== undefined) return { offset: dataOffset, size };
  // DWARF 2 and 3 count from the most significant bit of the storage unit.
  const given = attribute(entry, ATTRIBUTE.bitOffset)?.value;
  if (typeof given !== 'bigint') return { offset: offset * 8, size };
  // Negative in packed structures whose fields cross their storage unit.
  const fromTop = Number(BigInt.asIntN(64, given));
  const storage = (constantOf(attribute(entry, ATTRIBUTE.byteSize)) ?? sizeOfType(type)) * 8;
  return { offset: offset * 8 + storage - fromTop - size, size };
}

/** Variants of a Rust enum: each a member that is there when the discriminant says so. */
function variantsFrom(part: Entry, definitions: Definitions): Member[] {
  const discriminantEntry = reference(part, ATTRIBUTE.discriminant);
  const [discriminant] = discriminantEntry === undefined ? [] : membersFrom(discriminantEntry, definitions);
  return part.children
    .filter(({ tag }) => tag === TAG.variant)
    .flatMap((variant) => {
      const found = attribute(variant, ATTRIBUTE.discriminantValue);
      const value = typeof found?.value === 'bigint' ? found.value : undefined;
      const members = variant.children.flatMap((child) => membersFrom(child, definitions));
      return discriminant === undefined
        ? members
        : members.map((member): Member => ({ ...member, variant: { discriminant, value } }));
    });
}

/** More than people nest: damaged entries may lie in themselves. */
const MAX_SCOPES = 64;

/** The name with its namespaces and classes, as C++ and Rust write it; undefined for anonymous entries. */
export function qualifiedName(entry: Entry): string | undefined {
  const own = nameOf(entry);
  if (own === undefined) return undefined;
  const parts = [own];
  for (let at = scopeOf(entry); at !== undefined && parts.length < MAX_SCOPES; at = scopeOf(at))
    parts.unshift(nameOf(at) ?? '(anonymous namespace)');
  return parts.join('::');
}

function scopeOf(entry: Entry): Entry | undefined {
  // A definition outside its class or namespace says by its declaration where it belongs.
  const declaration = reference(entry, ATTRIBUTE.specification) ?? entry;
  const { parent } = declaration;
  if (parent === undefined) return undefined;
  return [TAG.namespace, TAG.structure, TAG.class, TAG.union].some((tag) => tag === parent.tag) ? parent : undefined;
}
