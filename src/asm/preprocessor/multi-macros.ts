// Multi-line macros: finding the call in a line, taking its arguments, and filling parameters into the body's lines.
import { badConditionCode, macroTooDeep, noMacroCall, wrongParameterCount } from '../errors.ts';
import { TOKEN, type Token, makeToken, withSpace } from '../tokens.ts';
import { joined, unbraced } from './single-macros.ts';
import { type MacroCall, type MultiMacro, type Preprocessor, report } from './state.ts';

const INVERSE: Readonly<Record<string, string>> = {
  a: 'na',
  ae: 'nae',
  b: 'nb',
  be: 'nbe',
  c: 'nc',
  cxz: 'cxz',
  e: 'ne',
  ecxz: 'ecxz',
  g: 'ng',
  ge: 'nge',
  l: 'nl',
  le: 'nle',
  na: 'a',
  nae: 'ae',
  nb: 'b',
  nbe: 'be',
  nc: 'c',
  ne: 'e',
  ng: 'g',
  nge: 'ge',
  nl: 'l',
  nle: 'le',
  no: 'o',
  np: 'p',
  ns: 's',
  nz: 'z',
  o: 'no',
  p: 'np',
  pe: 'po',
  po: 'pe',
  rcxz: 'rcxz',
  s: 'ns',
  z: 'nz',
};

export function findMacros(pp: Preprocessor, name: string): readonly MultiMacro[] | undefined {
  const exact = pp.multis.get(name);
  const folded = pp.foldedMultis.size > 0 ? pp.foldedMultis.get(name.toLowerCase()) : undefined;
  if (exact === undefined) return folded;
  return folded === undefined ? exact : [...exact, ...folded];
}

/** Splits at commas outside braces; one pair of braces around an argument is taken off. */
export function splitArguments(tokens: readonly Token[]): Token[][] {
  if (tokens.length === 0) return [];
  const args: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    const text = token.kind === TOKEN.punctuation ? token.text : '';
    if (text === '{') depth++;
    else if (text === '}') depth--;
    if (text === ',' && depth === 0) args.push([]);
    else args[args.length - 1]!.push(token);
  }
  return args.map((arg) => {
    if (arg.length < 2 || arg[0]!.text !== '{' || arg[0]!.kind !== TOKEN.punctuation) return arg;
    let level = 0;
    for (let i = 0; i < arg.length; i++) {
      if (arg[i]!.kind !== TOKEN.punctuation) continue;
      if (arg[i]!.text === '{') level++;
      else if (arg[i]!.text === '}' && --level === 0) return i === arg.length - 1 ? arg.slice(1, -1) : arg;
    }
    return arg;
  });
}

const takes = (macro: MultiMacro, count: number): boolean =>
  count >= macro.minimum && (count <= macro.maximum || macro.greedy);

/** Starts the macro that a line calls. True: the line was a call. */
export function callMacro(
  pp: Preprocessor,
  tokens: readonly Token[],
): { readonly before: readonly Token[] } | undefined {
  let at = 0;
  let macros = tokens[0]!.kind === TOKEN.identifier ? findMacros(pp, tokens[0]!.text) : undefined;
  if (macros === undefined && tokens[0]!.kind === TOKEN.identifier) {
    at = tokens[1]?.text === ':' && tokens[1].kind === TOKEN.punctuation ? 2 : 1;
    const word = tokens[at];
    if (word?.kind !== TOKEN.identifier) return undefined;
    macros = findMacros(pp, word.text);
  }
  if (macros === undefined) return undefined;
  const name = tokens[at]!;
  const args = splitArguments(tokens.slice(at + 1));
  const macro = macros.find((m) => !m.busy && takes(m, args.length));
  if (macro === undefined) {
    if (macros.some((m) => m.busy) || pp.host.isInstruction(name.text)) return undefined;
    const wanted = macros
      .map((m) =>
        m.maximum === m.minimum && !m.greedy
          ? `${m.minimum}`
          : `${m.minimum} to ${m.greedy || m.maximum > 1e6 ? 'any number' : m.maximum}`,
      )
      .join(' or ');
    report(pp, wrongParameterCount(name.text, args.length, wanted), name);
    return { before: [] };
  }
  let depth = 0;
  for (let e = pp.expansion; e !== undefined; e = e.parent) depth++;
  if (depth > 200) {
    report(pp, macroTooDeep(name.text), name);
    pp.stopped = true;
    return { before: [] };
  }
  pp.host.trace?.uses.push({ range: name, macro });
  const label = tokens.slice(0, at);
  const usesLabel = macro.body.some((line) =>
    line.some((t) => t.kind === TOKEN.percent && (t.text === '%00' || t.text === '%{00}')),
  );
  const frame = pp.frames[pp.frames.length - 1]!;
  macro.busy = true;
  pp.frames.push({
    kind: 'macro',
    lines: macro.body,
    index: 0,
    call: {
      macro,
      name: name.text,
      arguments: withDefaults(macro, args, name),
      label: label.slice(0, 1),
      id: pp.nextId++,
      expansion: { macro: macro.name, call: name, parent: pp.expansion },
      parent: frame.call,
    },
    conditions: [],
    remaining: 0,
    file: frame.file,
  });
  return { before: usesLabel ? [] : label };
}

function withDefaults(macro: MultiMacro, args: Token[][], name: Token): Token[][] {
  const out = [...args];
  if (macro.greedy && out.length > macro.maximum) {
    const rest = out.splice(Math.max(macro.maximum - 1, 0));
    const joinedRest: Token[] = [];
    rest.forEach((arg, i) => {
      if (i > 0) joinedRest.push(makeToken(TOKEN.punctuation, ',', arg[0] ?? name, false));
      joinedRest.push(...arg);
    });
    out.push(joinedRest);
  }
  for (let i = out.length; i < macro.maximum; i++) {
    const given = macro.defaults[i - macro.minimum];
    if (given === undefined) break;
    out.push([...given]);
  }
  return out;
}

export function rotate(call: MacroCall, count: number): void {
  const n = call.arguments.length;
  if (n === 0) return;
  const by = ((count % n) + n) % n;
  call.arguments = [...call.arguments.slice(by), ...call.arguments.slice(0, by)];
}

const needsParameters = (tokens: readonly Token[]): boolean => tokens.some((t) => t.kind === TOKEN.percent);

/** A line of a macro's body with its parameters, local labels and counts filled in. */
export function fillParameters(
  pp: Preprocessor,
  tokens: readonly Token[],
  call: MacroCall | undefined,
): readonly Token[] {
  if (!needsParameters(tokens)) return tokens;
  const out: Token[] = [];
  /** The next token was joined to the last one of `out` without white space, and one of them was filled in. */
  let filled = false;
  for (const original of tokens) {
    const token = original.kind === TOKEN.percent ? unbraced(original) : original;
    const values = token.kind === TOKEN.percent ? parameter(pp, token, call) : undefined;
    const parts: readonly Token[] = values ?? [token];
    const last = out[out.length - 1];
    const first = parts[0];
    const canJoin =
      last !== undefined &&
      first !== undefined &&
      !token.space &&
      (filled || values !== undefined) &&
      pastes(last) &&
      pastesRight(first);
    parts.forEach((part, i) => {
      if (i === 0 && canJoin) {
        out.pop();
        out.push(...joined(last, part));
      } else out.push(i === 0 ? withSpace(part, token.space) : part);
    });
    if (parts.length > 0) filled = values !== undefined;
  }
  return out;
}

const pastes = (t: Token): boolean =>
  t.kind === TOKEN.identifier || t.kind === TOKEN.number || (t.kind === TOKEN.percent && /[\w.]$/.test(t.text));
const pastesRight = (t: Token): boolean => t.kind === TOKEN.identifier || t.kind === TOKEN.number;

function parameter(pp: Preprocessor, token: Token, call: MacroCall | undefined): readonly Token[] | undefined {
  const text = token.text;
  const local = /^%%(.+)$/.exec(text);
  if (local) {
    if (call === undefined) return missing(pp, token);
    return [makeToken(TOKEN.identifier, `..@${call.id}.${local[1]}`, token, token.space)];
  }
  const numbered = /^%([+-]?)(\d+)$/.exec(text);
  if (numbered) {
    if (call === undefined) return missing(pp, token);
    const digits = numbered[2]!;
    if (digits === '00') return call.label;
    const index = Number(digits);
    if (index === 0) return [makeToken(TOKEN.number, String(call.arguments.length), token, token.space)];
    const arg = call.arguments[index - 1] ?? [];
    if (numbered[1] === '') return arg;
    const code = arg.length === 1 ? arg[0]!.text.toLowerCase() : '';
    const inverse = INVERSE[code];
    if (inverse === undefined || (numbered[1] === '-' && inverse === code)) {
      report(pp, badConditionCode(text), token);
      return [];
    }
    return [makeToken(TOKEN.identifier, numbered[1] === '-' ? inverse : code, token, token.space)];
  }
  if (call === undefined) return undefined;
  if (text === '%?' || text === '%*?') return [makeToken(TOKEN.identifier, call.name, token, token.space)];
  if (text === '%??' || text === '%*??') return [makeToken(TOKEN.identifier, call.macro.name, token, token.space)];
  const range = /^%(-?\d+):(-?\d+)$/.exec(text);
  return range ? parameterRange(token, call, Number(range[1]), Number(range[2])) : undefined;
}

function parameterRange(token: Token, call: MacroCall, from: number, to: number): Token[] {
  const n = call.arguments.length;
  const place = (i: number): number => (i < 0 ? n + i : i - 1);
  const start = place(from);
  const end = place(to);
  const out: Token[] = [];
  const step = start <= end ? 1 : -1;
  for (let i = start; step > 0 ? i <= end : i >= end; i += step) {
    const arg = call.arguments[i];
    if (arg === undefined) continue;
    if (out.length > 0) out.push(makeToken(TOKEN.punctuation, ',', token, false));
    out.push(...arg);
  }
  return out;
}

function missing(pp: Preprocessor, token: Token): readonly Token[] {
  report(pp, noMacroCall(token.text), token);
  return [];
}
