// Rust's two manglings: the legacy one, which looks like C++ with a hash at its end, and v0 (RFC 2603, "Symbol name mangling v0").

export function demangleRust(name: string): string | undefined {
  if (/^_ZN.*17h[0-9a-f]{16}E/.test(name)) return legacy(name);
  if (!/^_R[A-Z]/.test(name)) return undefined;
  const state: State = { text: name.replace(/[.$].*$/, ''), at: 2, lifetimes: 0, depth: 0 };
  try {
    return path(state, true);
  } catch (thrown) {
    if (thrown instanceof Unknown) return undefined;
    throw thrown;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

function legacy(name: string): string | undefined {
  const parts: string[] = [];
  let at = 3;
  while (name[at] !== 'E') {
    const digits = /^\d+/.exec(name.slice(at))?.[0];
    if (digits === undefined) return undefined;
    at += digits.length;
    parts.push(name.slice(at, at + Number(digits)));
    at += Number(digits);
  }
  parts.pop(); // the hash
  return parts.map(unescaped).join('::');
}

const unescaped = (part: string): string =>
  part
    .replace(/^_\$/, '$')
    .replaceAll('..', '::')
    .replaceAll(/\$(u[0-9a-f]+|[A-Z]+)\$/g, (whole, code: string) =>
      code.startsWith('u') ? String.fromCodePoint(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? whole),
    );

interface State {
  text: string;
  at: number;
  lifetimes: number;
  depth: number;
}

class Unknown extends Error {}

const BASIC: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};

function next(state: State): string {
  const letter = state.text[state.at++];
  if (letter === undefined) throw new Unknown();
  return letter;
}

function take(state: State, letter: string): boolean {
  if (state.text[state.at] !== letter) return false;
  state.at++;
  return true;
}

/** Base 62: `_` is 0, `0_` is 1. */
function number62(state: State): number {
  let value = 0;
  if (take(state, '_')) return 0;
  for (let letter = next(state); letter !== '_'; letter = next(state)) {
    const digit = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(letter);
    if (digit < 0) throw new Unknown();
    value = value * 62 + digit;
  }
  return value + 1;
}

const optional62 = (state: State, letter: string): number => (take(state, letter) ? number62(state) + 1 : 0);

function identifier(state: State): { name: string; disambiguator: number } {
  const disambiguator = optional62(state, 's');
  const punycode = take(state, 'u');
  const digits = /^(?:0|[1-9]\d*)/.exec(state.text.slice(state.at, state.at + 10))?.[0];
  if (digits === undefined || punycode) throw new Unknown();
  state.at += digits.length;
  take(state, '_');
  const name = state.text.slice(state.at, state.at + Number(digits));
  state.at += Number(digits);
  return { name, disambiguator };
}

/** Something that an earlier part of the name spells out. */
function backReference<T>(state: State, read: (state: State) => T): T {
  const target = number62(state);
  if (++state.depth > 100) throw new Unknown();
  const after = state.at;
  state.at = 2 + target;
  const result = read(state);
  state.at = after;
  state.depth--;
  return result;
}

function path(state: State, inValue: boolean): string {
  if (++state.depth > 200) throw new Unknown();
  const result = innerPath(state, inValue);
  state.depth--;
  return result;
}

function innerPath(state: State, inValue: boolean): string {
  const kind = next(state);
  switch (kind) {
    case 'C':
      return identifier(state).name;
    case 'M': {
      implementation(state);
      return `<${type(state)}>`;
    }
    case 'X': {
      implementation(state);
      return `<${type(state)} as ${path(state, false)}>`;
    }
    case 'Y':
      return `<${type(state)} as ${path(state, false)}>`;
    case 'N': {
      const space = next(state);
      const outer = path(state, inValue);
      const { name, disambiguator } = identifier(state);
      if (/[a-z]/.test(space)) return name === '' ? outer : `${outer}::${name}`;
      const what = space === 'C' ? 'closure' : space === 'S' ? 'shim' : space;
      return `${outer}::{${what}${name === '' ? '' : `:${name}`}#${disambiguator}}`;
    }
    case 'I': {
      const outer = path(state, inValue);
      const list: string[] = [];
      while (!take(state, 'E')) list.push(genericArgument(state));
      return `${outer}${inValue ? '::' : ''}<${list.join(', ')}>`;
    }
    case 'B':
      return backReference(state, (inner) => path(inner, inValue));
    default:
      throw new Unknown();
  }
}

/** The path of an `impl` block, which names do not show. */
function implementation(state: State): void {
  optional62(state, 's');
  path(state, false);
}

function genericArgument(state: State): string {
  if (take(state, 'L')) return lifetime(state, number62(state));
  return take(state, 'K') ? constant(state) : type(state);
}

function lifetime(state: State, index: number): string {
  if (index === 0) return "'_";
  const depth = state.lifetimes - index;
  return depth >= 0 && depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`;
}

function type(state: State): string {
  const kind = next(state);
  const basic = BASIC[kind];
  if (basic !== undefined) return basic;
  switch (kind) {
    case 'A':
      return `[${type(state)}; ${constant(state)}]`;
    case 'S':
      return `[${type(state)}]`;
    case 'T': {
      const list: string[] = [];
      while (!take(state, 'E')) list.push(type(state));
      return list.length === 1 ? `(${list[0]},)` : `(${list.join(', ')})`;
    }
    case 'R':
    case 'Q': {
      const named = take(state, 'L') ? number62(state) : 0;
      const life = named === 0 ? '' : `${lifetime(state, named)} `;
      return `&${life}${kind === 'Q' ? 'mut ' : ''}${type(state)}`;
    }
    case 'P':
      return `*const ${type(state)}`;
    case 'O':
      return `*mut ${type(state)}`;
    case 'F':
      return functionType(state);
    case 'D':
      return dynamicType(state);
    case 'B':
      return backReference(state, type);
    default:
      state.at--;
      return path(state, false);
  }
}

function binder(state: State): string {
  const count = optional62(state, 'G');
  const names: string[] = [];
  for (let index = 0; index < count; index++) {
    state.lifetimes++;
    names.push(lifetime(state, 1));
  }
  return count === 0 ? '' : `for<${names.join(', ')}> `;
}

function functionType(state: State): string {
  const outer = state.lifetimes;
  const bound = binder(state);
  const unsafety = take(state, 'U') ? 'unsafe ' : '';
  let abi = '';
  if (take(state, 'K'))
    abi = take(state, 'C') ? 'extern "C" ' : `extern "${identifier(state).name.replaceAll('_', '-')}" `;
  const list: string[] = [];
  while (!take(state, 'E')) list.push(type(state));
  const result = take(state, 'u') ? '' : ` -> ${type(state)}`;
  state.lifetimes = outer;
  return `${bound}${unsafety}${abi}fn(${list.join(', ')})${result}`;
}

function dynamicType(state: State): string {
  const outer = state.lifetimes;
  const bound = binder(state);
  const traits: string[] = [];
  while (!take(state, 'E')) traits.push(dynamicTrait(state));
  state.lifetimes = outer;
  if (!take(state, 'L')) throw new Unknown();
  const index = number62(state);
  const life = index === 0 ? '' : ` + ${lifetime(state, index)}`;
  return `dyn ${bound}${traits.join(' + ')}${life}`;
}

function dynamicTrait(state: State): string {
  let text = path(state, false);
  while (take(state, 'p')) {
    const { name } = identifier(state);
    const binding = `${name} = ${type(state)}`;
    text = text.endsWith('>') ? `${text.slice(0, -1)}, ${binding}>` : `${text}<${binding}>`;
  }
  return text;
}

function constant(state: State): string {
  if (take(state, 'p')) return '_';
  if (take(state, 'B')) return backReference(state, constant);
  const kind = next(state);
  const negative = take(state, 'n');
  let digits = '';
  for (let letter = next(state); letter !== '_'; letter = next(state)) digits += letter;
  if (!/^[0-9a-f]*$/.test(digits)) throw new Unknown();
  const value = BigInt(`0x${digits || '0'}`);
  if (kind === 'b') return value === 0n ? 'false' : 'true';
  if (kind === 'c') return `'${String.fromCodePoint(Number(value))}'`;
  if (!'ahijlmnostxy'.includes(kind)) throw new Unknown();
  return `${negative ? '-' : ''}${value}`;
}
