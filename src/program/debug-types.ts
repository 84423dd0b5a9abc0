// Types of a program's variables, whatever debug format told them, and their names as C writes them.

export type DebugType =
  | { readonly kind: 'void' }
  | BaseType
  | PointerType
  | RecordType
  | ArrayType
  | EnumType
  | FunctionType
  | { readonly kind: 'typedef'; readonly name: string; readonly target: () => DebugType }
  | {
      readonly kind: 'qualified';
      readonly qualifier: 'const' | 'volatile' | 'restrict' | '_Atomic';
      readonly target: () => DebugType;
    }
  /** What the debug information does not describe, or not in a form that is known. */
  | { readonly kind: 'unknown'; readonly name: string; readonly size: number };

export interface BaseType {
  readonly kind: 'base';
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly encoding: 'signed' | 'unsigned' | 'boolean' | 'float' | 'character';
  /** Characters: whether they are signed. */
  readonly signed: boolean;
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly sign: '*' | '&' | '&&';
  readonly size: number;
  readonly target: () => DebugType;
}

export interface RecordType {
  readonly kind: 'record';
  readonly keyword: 'struct' | 'union' | 'class';
  /** Undefined for anonymous ones. */
  readonly name: string | undefined;
  readonly size: number;
  /** A declaration without a definition in the program. */
  readonly incomplete: boolean;
  readonly members: () => readonly Member[];
}

export interface Member {
  /** Undefined for anonymous structures and unions; base classes have the name of their type. */
  readonly name: string | undefined;
  readonly type: DebugType;
  /** Bytes from the beginning of the record. */
  readonly offset: number;
  /** Bit fields: bits from the beginning of the record, least significant first. */
  readonly bits: { readonly offset: number; readonly size: number } | undefined;
  readonly base: boolean;
  /** Rust enums: the variant is there when the discriminant has this value; the one without a value is there otherwise. */
  readonly variant?: { readonly discriminant: Member; readonly value: bigint | undefined };
}

export interface ArrayType {
  readonly kind: 'array';
  readonly element: DebugType;
  /** Undefined for arrays without a length. */
  readonly count: number | undefined;
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name: string | undefined;
  readonly size: number;
  readonly signed: boolean;
  readonly enumerators: () => readonly { readonly name: string; readonly value: bigint }[];
}

export interface FunctionType {
  readonly kind: 'function';
  readonly result: () => DebugType;
  readonly parameters: () => readonly DebugType[];
  readonly variadic: boolean;
  readonly prototyped: boolean;
}

/** The type without names and qualifiers around it. */
export function plainType(type: DebugType): Exclude<DebugType, { kind: 'typedef' | 'qualified' }> {
  let plain = type;
  for (let depth = 0; depth < 64 && (plain.kind === 'typedef' || plain.kind === 'qualified'); depth++)
    plain = plain.target();
  return plain.kind === 'typedef' || plain.kind === 'qualified' ? { kind: 'unknown', name: '?', size: 0 } : plain;
}

/** Deeper than people declare: a damaged type may be a part of itself. */
const MAX_DEPTH = 64;

/** Bytes of a value of the type; 0 where there are none or nobody knows. */
export function sizeOfType(type: DebugType, depth = 0): number {
  const plain = plainType(type);
  switch (plain.kind) {
    case 'void':
    case 'function':
      return 0;
    case 'array':
      return depth > MAX_DEPTH ? 0 : (plain.count ?? 0) * sizeOfType(plain.element, depth + 1);
    default:
      return plain.size;
  }
}

/** The type as C writes it: `struct vm *`, `int (*)(int, char)`, `unsigned char [3][4]`. */
export const typeName = (type: DebugType): string => declare(type, '');

/** A declaration of `inner` with this type. */
function declare(type: DebugType, inner: string, depth = 0): string {
  if (depth > MAX_DEPTH) return `… ${inner}`;
  const spaced = (text: string): string => (inner === '' ? text : `${text} ${inner}`);
  switch (type.kind) {
    case 'void':
      return spaced('void');
    case 'base':
    case 'typedef':
    case 'unknown':
      return spaced(type.name);
    case 'record':
      return spaced(type.name === undefined ? `${type.keyword} {...}` : recordName(type.keyword, type.name));
    case 'enum':
      return spaced(type.name === undefined ? 'enum {...}' : recordName('enum', type.name));
    case 'pointer': {
      const target = type.target();
      const needsParentheses = target.kind === 'array' || target.kind === 'function';
      return declare(target, needsParentheses ? `(${type.sign}${inner})` : `${type.sign}${inner}`, depth + 1);
    }
    case 'qualified': {
      const { words, target } = qualifiersOf(type);
      // What qualifies an array qualifies its elements.
      if (target.kind === 'array') {
        const { element } = target;
        return declare({ ...target, element: { ...type, target: () => element } }, inner, depth + 1);
      }
      if (target.kind === 'pointer')
        return declare(target, inner === '' ? ` ${words}` : ` ${words} ${inner}`, depth + 1);
      return `${words} ${declare(target, inner, depth + 1)}`;
    }
    case 'array':
      return declare(type.element, `${inner}[${type.count ?? ''}]`, depth + 1);
    case 'function': {
      const parameters = type.parameters().map((parameter) => declare(parameter, '', depth + MAX_DEPTH / 4));
      if (type.variadic) parameters.push('...');
      const list = parameters.length > 0 ? parameters.join(', ') : type.prototyped ? 'void' : '';
      return declare(type.result(), `${inner}(${list})`, depth + 1);
    }
  }
}

/** All qualifiers around a type, each once, in C's usual order. */
function qualifiersOf(type: DebugType): { words: string; target: DebugType } {
  const found = new Set<string>();
  let target = type;
  while (target.kind === 'qualified' && found.size < 5) {
    found.add(target.qualifier);
    target = target.target();
  }
  const words = ['const', 'volatile', 'restrict', '_Atomic'].filter((word) => found.has(word));
  return { words: words.join(' '), target };
}

/** C++ and Rust names stand for themselves; C's need their keyword. */
const recordName = (keyword: string, name: string): string => (/::|<|^[&*]/.test(name) ? name : `${keyword} ${name}`);
