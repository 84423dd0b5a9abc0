// C++ names (Itanium C++ ABI, "Mangling"). Expressions in template arguments are not taken apart: such names stay as they are.

/** Anything that is not understood ends the attempt. */
class Unknown extends Error {}

/** A type around the name that it declares: `void (*` and `)(int)`. */
interface Declared {
  readonly left: string;
  readonly right: string;
  readonly needsParentheses: boolean;
}

/** A template argument: one text, or the texts of a pack. */
type Argument = string | readonly string[];

interface State {
  readonly text: string;
  at: number;
  readonly substitutions: Declared[];
  /** Arguments that T_ refers to. */
  arguments: readonly Argument[];
  /** Element of packs that is read, and the length of the pack that was met. */
  packIndex: number | undefined;
  packLength: number | undefined;
  depth: number;
}

const plain = (text: string): Declared => ({ left: text, right: '', needsParentheses: false });
const written = ({ left, right }: Declared): string => `${left}${right}`;

export function demangleItanium(name: string): string | undefined {
  const clean = name.replace(/(?:\.[a-z]+(?:\.\d+)*|@.*)+$/, '');
  const state: State = {
    text: clean,
    at: 2,
    substitutions: [],
    arguments: [],
    packIndex: undefined,
    packLength: undefined,
    depth: 0,
  };
  try {
    const text = encoding(state);
    return state.at === clean.length ? text : undefined;
  } catch (thrown) {
    if (thrown instanceof Unknown) return undefined;
    throw thrown;
  }
}

const peek = (state: State): string => state.text[state.at] ?? '';

function next(state: State): string {
  const letter = state.text[state.at++];
  if (letter === undefined) throw new Unknown();
  return letter;
}

function take(state: State, letters: string): boolean {
  if (!state.text.startsWith(letters, state.at)) return false;
  state.at += letters.length;
  return true;
}

function decimal(state: State): number {
  const digits = /^\d+/.exec(state.text.slice(state.at, state.at + 10))?.[0];
  if (digits === undefined) throw new Unknown();
  state.at += digits.length;
  return Number(digits);
}

const SPECIAL: Readonly<Record<string, string>> = {
  TV: 'vtable for ',
  TT: 'VTT for ',
  TI: 'typeinfo for ',
  TS: 'typeinfo name for ',
};

function encoding(state: State): string {
  const special = SPECIAL[state.text.slice(state.at, state.at + 2)];
  if (special !== undefined) {
    state.at += 2;
    return special + written(type(state));
  }
  if (take(state, 'GV')) return `guard variable for ${fullName(state).text}`;
  if (take(state, 'Th')) {
    offset(state);
    return `non-virtual thunk to ${encoding(state)}`;
  }
  if (take(state, 'Tv')) {
    offset(state);
    offset(state);
    return `virtual thunk to ${encoding(state)}`;
  }
  const { text, qualifiers, returns } = fullName(state);
  if (state.at >= state.text.length || peek(state) === 'E') return text;
  const result = returns ? type(state) : undefined;
  const list = parameters(state);
  const shown = `${text}(${list})${qualifiers}`;
  if (result === undefined) return shown;
  return result.needsParentheses ? `${result.left}${shown}${result.right}` : `${result.left} ${shown}${result.right}`;
}

/** The offset of a thunk. */
function offset(state: State): void {
  take(state, 'n');
  decimal(state);
  if (!take(state, '_')) throw new Unknown();
}

function parameters(state: State): string {
  const list: string[] = [];
  while (state.at < state.text.length && peek(state) !== 'E' && peek(state) !== '.') {
    const text = written(type(state));
    if (text !== '') list.push(text);
  }
  return list.length === 1 && list[0] === 'void' ? '' : list.join(', ');
}

interface Name {
  readonly text: string;
  /** What follows the parameters: ` const`. */
  readonly qualifiers: string;
  /** The result's type is part of the name: functions from templates, but for constructors and conversions. */
  readonly returns: boolean;
}

function fullName(state: State): Name {
  if (++state.depth > 100) throw new Unknown();
  const result = anyName(state);
  state.depth--;
  return result;
}

function anyName(state: State): Name {
  if (take(state, 'N')) return nestedName(state);
  if (take(state, 'Z')) return localName(state);
  let text: string;
  if (peek(state) === 'S' && !take(state, 'St')) {
    text = written(substitution(state));
  } else {
    const standard = state.text.startsWith('St', state.at - 2);
    text = `${standard ? 'std::' : ''}${unqualified(state, '').text}`;
    if (peek(state) === 'I') state.substitutions.push(plain(text));
  }
  if (peek(state) !== 'I') return { text, qualifiers: '', returns: false };
  const space = text.endsWith('<') ? ' ' : '';
  return { text: text + space + templateArguments(state), qualifiers: '', returns: !/operator [a-z]/.test(text) };
}

function localName(state: State): Name {
  const outer = encoding(state);
  if (!take(state, 'E')) throw new Unknown();
  if (take(state, 's')) {
    discriminator(state);
    return { text: `${outer}::string literal`, qualifiers: '', returns: false };
  }
  if (take(state, 'd')) throw new Unknown();
  const inner = fullName(state);
  discriminator(state);
  return { ...inner, text: `${outer}::${inner.text}` };
}

function discriminator(state: State): void {
  if (take(state, '__')) {
    decimal(state);
    if (!take(state, '_')) throw new Unknown();
  } else if (/^_\d/.test(state.text.slice(state.at, state.at + 2))) state.at += 2;
}

function nestedName(state: State): Name {
  let qualifiers = '';
  for (const [letter, word] of [
    ['r', ' restrict'],
    ['V', ' volatile'],
    ['K', ' const'],
  ] as const)
    if (take(state, letter)) qualifiers += word;
  if (take(state, 'R')) qualifiers += ' &';
  else if (take(state, 'O')) qualifiers += ' &&';
  let text = '';
  let last = '';
  let returns = false;
  while (!take(state, 'E')) {
    const letter = peek(state);
    if (letter === 'I') {
      if (text === '') throw new Unknown();
      text += (text.endsWith('<') ? ' ' : '') + templateArguments(state);
      returns = last !== 'structor' && last !== 'conversion';
    } else if (letter === 'S' && state.text[state.at + 1] !== 't') {
      const found = substitution(state);
      text = written(found);
      last = text.replace(/<.*$/, '').replace(/^.*::/, '');
      if (peek(state) !== 'E') continue;
    } else if (letter === 'T') {
      text = written(templateParameter(state));
    } else {
      if (take(state, 'St')) text = 'std';
      const part = unqualified(state, lastPart(text));
      text = text === '' ? part.text : `${text}::${part.text}`;
      last = part.kind;
      returns = false;
    }
    if (peek(state) !== 'E') state.substitutions.push(plain(text));
  }
  return { text, qualifiers, returns };
}

/** The class that a constructor is named after: the last part of its scope, without template arguments. */
function lastPart(scope: string): string {
  let depth = 0;
  let start = 0;
  let end = scope.length;
  for (let at = 0; at < scope.length; at++) {
    const letter = scope[at];
    if (letter === '<') {
      if (depth++ === 0) end = at;
    } else if (letter === '>') depth--;
    else if (depth === 0 && scope.startsWith('::', at)) {
      start = at + 2;
      end = scope.length;
    }
  }
  return scope.slice(start, end).replace(/\[abi:.*$/, '');
}

interface Part {
  readonly text: string;
  readonly kind: 'name' | 'structor' | 'conversion';
}

function unqualified(state: State, scope: string): Part {
  const part = bareName(state, scope);
  let { text } = part;
  while (take(state, 'B')) text += `[abi:${sourceName(state)}]`;
  return { ...part, text };
}

function bareName(state: State, scope: string): Part {
  take(state, 'L');
  const letter = peek(state);
  if (/\d/.test(letter)) {
    const name = sourceName(state);
    return { text: /^_GLOBAL__N/.test(name) ? '(anonymous namespace)' : name, kind: 'name' };
  }
  if (letter === 'C' && /[1-5]/.test(state.text[state.at + 1] ?? '')) {
    state.at += 2;
    return { text: scope, kind: 'structor' };
  }
  if (letter === 'D' && /[0-5]/.test(state.text[state.at + 1] ?? '')) {
    state.at += 2;
    return { text: `~${scope}`, kind: 'structor' };
  }
  if (take(state, 'Ut')) {
    const index = take(state, '_') ? 1 : decimal(state) + 2;
    if (index > 1 && !take(state, '_')) throw new Unknown();
    return { text: `{unnamed type#${index}}`, kind: 'name' };
  }
  if (take(state, 'Ul')) {
    const list = parameters(state);
    if (!take(state, 'E')) throw new Unknown();
    const index = take(state, '_') ? 1 : decimal(state) + 2;
    if (index > 1 && !take(state, '_')) throw new Unknown();
    return { text: `{lambda(${list})#${index}}`, kind: 'name' };
  }
  return operatorName(state);
}

function sourceName(state: State): string {
  const length = decimal(state);
  const name = state.text.slice(state.at, state.at + length);
  if (name.length < length) throw new Unknown();
  state.at += length;
  return name;
}

// biome-ignore format: a table
const OPERATORS: Readonly<Record<string, string>> = {
  nw: ' new', na: ' new[]', dl: ' delete', da: ' delete[]', ps: '+', ng: '-', ad: '&', de: '*', co: '~', pl: '+', mi: '-', ml: '*', dv: '/',
  rm: '%', an: '&', or: '|', eo: '^', aS: '=', pL: '+=', mI: '-=', mL: '*=', dV: '/=', rM: '%=', aN: '&=', oR: '|=', eO: '^=', ls: '<<',
  rs: '>>', lS: '<<=', rS: '>>=', eq: '==', ne: '!=', lt: '<', gt: '>', le: '<=', ge: '>=', ss: '<=>', nt: '!', aa: '&&', oo: '||', pp: '++',
  mm: '--', cm: ',', pm: '->*', pt: '->', cl: '()', ix: '[]', qu: '?', aw: ' co_await',
};

function operatorName(state: State): Part {
  const code = state.text.slice(state.at, state.at + 2);
  if (code === 'cv') {
    state.at += 2;
    return { text: `operator ${written(type(state))}`, kind: 'conversion' };
  }
  if (code === 'li') {
    state.at += 2;
    return { text: `operator"" ${sourceName(state)}`, kind: 'name' };
  }
  const sign = OPERATORS[code];
  if (sign === undefined) throw new Unknown();
  state.at += 2;
  return { text: `operator${sign}`, kind: 'name' };
}

function templateArguments(state: State): string {
  if (!take(state, 'I')) throw new Unknown();
  // What stands inside the arguments has arguments of its own.
  const outer = state.arguments;
  const list: Argument[] = [];
  while (!take(state, 'E')) list.push(templateArgument(state));
  state.arguments = outer;
  const text = list.flatMap((argument) => (typeof argument === 'string' ? [argument] : argument)).join(', ');
  if (state.depth <= 1) state.arguments = list;
  return `<${text}${text.endsWith('>') ? ' ' : ''}>`;
}

function templateArgument(state: State): Argument {
  if (++state.depth > 100) throw new Unknown();
  const result = oneArgument(state);
  state.depth--;
  return result;
}

function oneArgument(state: State): Argument {
  if (take(state, 'J')) {
    const pack: string[] = [];
    while (!take(state, 'E')) {
      const argument = templateArgument(state);
      if (typeof argument === 'string') pack.push(argument);
      else pack.push(...argument);
    }
    return pack;
  }
  if (take(state, 'X')) throw new Unknown();
  return take(state, 'L') ? literal(state) : written(type(state));
}

const SUFFIXES: Readonly<Record<string, string>> = { j: 'u', l: 'l', m: 'ul', x: 'll', y: 'ull' };

function literal(state: State): string {
  if (take(state, '_Z') || take(state, 'Z')) {
    const text = encoding(state);
    if (!take(state, 'E')) throw new Unknown();
    return `&${text}`;
  }
  const kind = peek(state);
  const typed = written(type(state));
  const end = state.text.indexOf('E', state.at);
  const digits = state.text.slice(state.at, end);
  if (end < 0 || !/^n?\d+$/.test(digits)) throw new Unknown();
  state.at = end + 1;
  const value = digits.replace('n', '-');
  if (kind === 'b' && (value === '0' || value === '1')) return value === '1' ? 'true' : 'false';
  if (kind === 'i') return value;
  return SUFFIXES[kind] === undefined ? `(${typed})${value}` : `${value}${SUFFIXES[kind]}`;
}

// biome-ignore format: a table
const STANDARD: Readonly<Record<string, string>> = {
  a: 'std::allocator', b: 'std::basic_string', s: 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >',
  i: 'std::basic_istream<char, std::char_traits<char> >', o: 'std::basic_ostream<char, std::char_traits<char> >',
  d: 'std::basic_iostream<char, std::char_traits<char> >',
};

function substitution(state: State): Declared {
  if (!take(state, 'S')) throw new Unknown();
  const letter = peek(state);
  const standard = STANDARD[letter];
  if (standard !== undefined) {
    state.at++;
    return plain(standard);
  }
  let index = 0;
  if (!take(state, '_')) {
    for (let digit = next(state); digit !== '_'; digit = next(state)) {
      const value = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(digit);
      if (value < 0) throw new Unknown();
      index = index * 36 + value;
    }
    index++;
  }
  const found = state.substitutions[index];
  if (found === undefined) throw new Unknown();
  return found;
}

function templateParameter(state: State): Declared {
  if (!take(state, 'T')) throw new Unknown();
  const index = take(state, '_') ? 0 : decimal(state) + 1;
  if (index > 0 && !take(state, '_')) throw new Unknown();
  const argument = state.arguments[index];
  if (argument === undefined) throw new Unknown();
  if (typeof argument === 'string') return declaredText(argument);
  state.packLength = argument.length;
  if (state.packIndex === undefined) return plain(argument.join(', '));
  return declaredText(argument[state.packIndex] ?? '');
}

/** A type that is there as text only: where a name would go in `void (*)(int)` and `char [5]`. */
function declaredText(text: string): Declared {
  const array = /^([^()]*[^\s(]) (\[\d*\])$/.exec(text);
  if (array !== null) return { left: `${array[1]} `, right: array[2]!, needsParentheses: true };
  const inner = /\([^()]*[*&](?=\) ?[([])/.exec(text);
  if (inner !== null) {
    const at = inner.index + inner[0].length;
    return { left: text.slice(0, at), right: text.slice(at), needsParentheses: false };
  }
  if (/^[^(<]+ \(.*\)$/.test(text)) throw new Unknown();
  return plain(text);
}

// biome-ignore format: a table
const BUILTIN: Readonly<Record<string, string>> = {
  v: 'void', w: 'wchar_t', b: 'bool', c: 'char', a: 'signed char', h: 'unsigned char', s: 'short', t: 'unsigned short', i: 'int',
  j: 'unsigned int', l: 'long', m: 'unsigned long', x: 'long long', y: 'unsigned long long', n: '__int128', o: 'unsigned __int128',
  f: 'float', d: 'double', e: 'long double', g: '__float128', z: '...',
};
const EXTENDED: Readonly<Record<string, string>> = {
  i: 'char32_t',
  s: 'char16_t',
  u: 'char8_t',
  a: 'auto',
  n: 'decltype(nullptr)',
};

function type(state: State): Declared {
  if (++state.depth > 100) throw new Unknown();
  const result = anyType(state);
  state.depth--;
  return result;
}

function remember(state: State, found: Declared): Declared {
  state.substitutions.push(found);
  return found;
}

function anyType(state: State): Declared {
  const letter = peek(state);
  const builtin = BUILTIN[letter];
  if (builtin !== undefined) {
    state.at++;
    return plain(builtin);
  }
  switch (letter) {
    case 'r':
    case 'V':
    case 'K':
      return qualified(state);
    case 'P':
    case 'R':
    case 'O': {
      state.at++;
      return remember(state, pointer(type(state), letter === 'P' ? '*' : letter === 'R' ? '&' : '&&'));
    }
    case 'F':
      return remember(state, functionType(state));
    case 'A': {
      state.at++;
      const count = peek(state) === '_' ? '' : String(decimal(state));
      if (!take(state, '_')) throw new Unknown();
      const element = type(state);
      const left = element.right === '' ? `${element.left} ` : element.left;
      return remember(state, { left, right: `[${count}]${element.right}`, needsParentheses: true });
    }
    case 'M':
      return memberPointer(state);
    case 'D':
      return extendedType(state);
    case 'T': {
      const found = remember(state, templateParameter(state));
      return peek(state) === 'I' ? remember(state, plain(written(found) + templateArguments(state))) : found;
    }
    case 'S': {
      if (state.text[state.at + 1] === 't') break;
      const found = substitution(state);
      return peek(state) === 'I' ? remember(state, plain(written(found) + templateArguments(state))) : found;
    }
  }
  if (!/[NZ\d]/.test(letter) && !state.text.startsWith('St', state.at)) throw new Unknown();
  return remember(state, plain(fullName(state).text));
}

function qualified(state: State): Declared {
  let words = '';
  for (;;) {
    if (take(state, 'r')) words = ` restrict${words}`;
    else if (take(state, 'V')) words = ` volatile${words}`;
    else if (take(state, 'K')) words = ` const${words}`;
    else break;
  }
  const inner = type(state);
  const found = inner.needsParentheses
    ? inner.right.startsWith('[')
      ? { ...inner, left: `${inner.left.trimEnd()}${words} ` }
      : { ...inner, right: `${inner.right}${words}` }
    : { ...inner, left: `${inner.left}${words}` };
  return remember(state, found);
}

function pointer(inner: Declared, sign: string): Declared {
  if (inner.needsParentheses) {
    const right = inner.right.startsWith('[') ? `) ${inner.right}` : `)${inner.right}`;
    return { left: `${inner.left}(${sign}`, right, needsParentheses: false };
  }
  // A reference to a reference is one: & wins.
  if (/&$/.test(inner.left) && sign !== '*')
    return sign === '&' ? { ...inner, left: inner.left.replace(/&+$/, '&') } : inner;
  return { ...inner, left: `${inner.left}${sign}` };
}

function functionType(state: State): Declared {
  if (!take(state, 'F')) throw new Unknown();
  take(state, 'Y');
  const result = type(state);
  const list = parameters(state);
  if (!take(state, 'E')) throw new Unknown();
  return { left: `${result.left} `, right: `(${list})${result.right}`, needsParentheses: true };
}

function memberPointer(state: State): Declared {
  state.at++;
  const owner = written(type(state));
  const member = type(state);
  return remember(
    state,
    member.needsParentheses
      ? { left: `${member.left}(${owner}::*`, right: `)${member.right}`, needsParentheses: false }
      : { ...member, left: `${member.left} ${owner}::*` },
  );
}

function extendedType(state: State): Declared {
  const code = state.text[state.at + 1] ?? '';
  const builtin = EXTENDED[code];
  if (builtin !== undefined) {
    state.at += 2;
    return plain(builtin);
  }
  if (code !== 'p') throw new Unknown();
  state.at += 2;
  return remember(state, expansion(state));
}

/** A pattern, once for every element of the pack in it. */
function expansion(state: State): Declared {
  const start = state.at;
  const known = state.substitutions.length;
  const outer = { index: state.packIndex, length: state.packLength };
  const texts: string[] = [];
  state.packLength = undefined;
  for (let index = 0; index === 0 || index < (state.packLength ?? 0); index++) {
    state.at = start;
    state.substitutions.length = known;
    state.packIndex = index;
    texts.push(written(type(state)));
  }
  const length = state.packLength as number | undefined;
  state.packIndex = outer.index;
  state.packLength = outer.length;
  if (length === undefined) throw new Unknown();
  return plain(length === 0 ? '' : texts.join(', '));
}
