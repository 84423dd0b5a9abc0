// Single-line macros: %define and its relatives, and the expansion of a line's tokens.
import {
  indirectionUnclosed,
  macroArgumentsUnclosed,
  macroTooLarge,
  noContext,
  tooMuchExpanded,
  wrongParameterCount,
} from '../errors.ts';
import { lexText } from '../lexer.ts';
import { type SourceRange, TOKEN, type Token, makeToken, moved, textOf, withSpace } from '../tokens.ts';
import { criticalNumber } from './critical.ts';
import { type Context, type Preprocessor, type SingleMacro, type SingleMacros, noteChange, report } from './state.ts';

/** The context that `%$name` (one dollar sign) or `%$$name` (two) means. */
export function contextOf(pp: Preprocessor, token: Token): Context | undefined {
  let depth = 0;
  while (token.text[1 + depth] === '$') depth++;
  const context = pp.contexts[pp.contexts.length - depth];
  if (context === undefined) report(pp, noContext(token.text, pp.contexts.length), token);
  return context;
}

/** `%{…}` to the token that it means. */
export function unbraced(token: Token): Token {
  if (!token.text.startsWith('%{')) return token;
  return makeToken(TOKEN.percent, `%${token.text.slice(2, -1).trim()}`, token, token.space);
}

const isContextLocal = (token: Token): boolean => token.kind === TOKEN.percent && token.text[1] === '$';

export function findOverloads(pp: Preprocessor, token: Token): readonly SingleMacro[] | undefined {
  if (token.kind === TOKEN.identifier) {
    const exact = pp.singles.get(token.text);
    const folded = pp.foldedSingles.size > 0 ? pp.foldedSingles.get(token.text.toLowerCase()) : undefined;
    if (exact === undefined) return folded;
    return folded === undefined ? exact : [...exact, ...folded];
  }
  if (!isContextLocal(token)) return undefined;
  const name = token.text.replace(/^%\$+/, '');
  let depth = 0;
  while (token.text[1 + depth] === '$') depth++;
  return pp.contexts[pp.contexts.length - depth]?.macros.get(name);
}

function tableFor(
  pp: Preprocessor,
  token: Token,
  ignoreCase: boolean,
): { table: SingleMacros; key: string } | undefined {
  if (token.kind === TOKEN.identifier) {
    return ignoreCase
      ? { table: pp.foldedSingles, key: token.text.toLowerCase() }
      : { table: pp.singles, key: token.text };
  }
  const context = contextOf(pp, token);
  return context === undefined ? undefined : { table: context.macros, key: token.text.replace(/^%\$+/, '') };
}

export function defineSingle(
  pp: Preprocessor,
  name: Token,
  macro: Omit<SingleMacro, 'name' | 'busy' | 'defined'>,
): void {
  const place = tableFor(pp, name, macro.ignoreCase);
  if (place === undefined) return;
  const count = macro.parameters?.length ?? -1;
  const others = (place.table.get(place.key) ?? []).filter(
    (m) => (m.parameters?.length ?? -1) !== count && count >= 0 && m.parameters !== undefined,
  );
  const added: SingleMacro = { ...macro, name: name.text, defined: name, busy: false };
  pp.host.trace?.definitions.push(added);
  noteChange(pp, name.text, false);
  place.table.set(place.key, [...others, added]);
}

export function undefineSingle(pp: Preprocessor, name: Token): void {
  noteChange(pp, name.text, false);
  if (name.kind === TOKEN.identifier) {
    pp.singles.delete(name.text);
    pp.foldedSingles.delete(name.text.toLowerCase());
  } else contextOf(pp, name)?.macros.delete(name.text.replace(/^%\$+/, ''));
}

const EMPTY: readonly Token[] = [];

/** Words that the macros of one line, and of all lines together, may become. */
const LINE_WORDS = 100_000;
const ALL_WORDS = 20_000_000;

/** Macros that the assembler itself answers. */
function builtIn(pp: Preprocessor, token: Token): readonly Token[] | undefined {
  if (!token.text.startsWith('__')) return undefined;
  switch (token.text.replace(/^__\?(.*)\?__$/, '__$1__')) {
    case '__LINE__':
      return [makeToken(TOKEN.number, String(token.line), token, token.space)];
    case '__FILE__':
      return [makeToken(TOKEN.string, quote(pp.host.fileName(token.file)), token, token.space)];
    case '__BITS__':
      return [makeToken(TOKEN.number, String(pp.host.bits()), token, token.space)];
    default:
      return undefined;
  }
}

interface EndMarker {
  readonly macro: SingleMacro;
}
type Item = Token | EndMarker;

const isMarker = (item: Item): item is EndMarker => 'macro' in item;

/** Whether expansion could change a line at all. */
function needsExpansion(pp: Preprocessor, tokens: readonly Token[]): boolean {
  for (const token of tokens) {
    if (token.kind === TOKEN.percent) return true;
    if (token.kind !== TOKEN.identifier) continue;
    if (pp.singles.has(token.text) || token.text.startsWith('__')) return true;
    if (pp.foldedSingles.size > 0 && pp.foldedSingles.has(token.text.toLowerCase())) return true;
  }
  return false;
}

/** Replaces single-line macros, context-local names, `%[…]` and pasted tokens (`%+`). */
export function expandSingles(pp: Preprocessor, tokens: readonly Token[]): readonly Token[] {
  if (!needsExpansion(pp, tokens)) return tokens;
  let current = tokens;
  for (let round = 0; round < 8; round++) {
    const expanded = expandOnce(pp, current);
    const pasted = paste(expanded);
    if (pasted === undefined) return expanded;
    current = pasted;
  }
  return current;
}

function expandOnce(pp: Preprocessor, tokens: readonly Token[]): Token[] {
  const stack: Item[] = [];
  for (let i = tokens.length - 1; i >= 0; i--) stack.push(tokens[i]!);
  const out: Token[] = [];
  const busy: SingleMacro[] = [];
  const budget = { left: LINE_WORDS };
  while (stack.length > 0) {
    const item = stack.pop()!;
    if (isMarker(item)) {
      item.macro.busy = false;
      continue;
    }
    if (item.kind !== TOKEN.identifier && item.kind !== TOKEN.percent) {
      out.push(item);
      continue;
    }
    if (item.kind === TOKEN.percent && item.text === '%[') {
      pushIndirect(pp, item, stack, out);
      continue;
    }
    const token = item.kind === TOKEN.percent ? unbraced(item) : item;
    const overloads = findOverloads(pp, token);
    if (overloads !== undefined) {
      if (budget.left > 0 && apply(pp, token, overloads, stack, busy, budget)) continue;
    }
    const answer = token.kind === TOKEN.identifier && overloads === undefined ? builtIn(pp, token) : undefined;
    if (answer !== undefined) out.push(...answer);
    else if (isContextLocal(token)) {
      const context = contextOf(pp, token);
      if (context !== undefined)
        out.push(
          makeToken(TOKEN.identifier, `..@${context.id}.${token.text.replace(/^%\$+/, '')}`, token, token.space),
        );
    } else out.push(token);
  }
  for (const macro of busy) macro.busy = false;
  pp.expanded += LINE_WORDS - budget.left;
  if (pp.expanded > ALL_WORDS && !pp.stopped) {
    report(pp, tooMuchExpanded(), tokens[0]!);
    pp.stopped = true;
  }
  return out;
}

/** `%[…]`: the contents are expanded and join their neighbours. */
function pushIndirect(pp: Preprocessor, open: Token, stack: Item[], out: Token[]): void {
  const inner: Token[] = [];
  let depth = 1;
  while (stack.length > 0) {
    const item = stack.pop()!;
    if (isMarker(item)) {
      item.macro.busy = false;
      continue;
    }
    if (item.text === '[' || item.text === '%[') depth++;
    else if (item.text === ']' && item.kind === TOKEN.punctuation && --depth === 0) break;
    inner.push(item);
  }
  if (depth > 0) {
    report(pp, indirectionUnclosed(), open);
    return;
  }
  const expanded = expandSingles(pp, inner);
  const after = stack[stack.length - 1];
  if (!open.space && joins(out[out.length - 1])) out.push(makeToken(TOKEN.percent, '%+', open, false));
  expanded.forEach((token, i) => {
    out.push(i === 0 ? withSpace(token, open.space) : token);
  });
  if (after !== undefined && !isMarker(after) && !after.space && joins(after) && expanded.length > 0) {
    out.push(makeToken(TOKEN.percent, '%+', open, false));
  }
}

const joins = (token: Token | undefined): boolean =>
  token !== undefined &&
  (token.kind === TOKEN.identifier || token.kind === TOKEN.number || token.kind === TOKEN.percent);

/** Takes arguments from the stack if there are any, and pushes the body; false: the name stays as it is. */
function apply(
  pp: Preprocessor,
  token: Token,
  overloads: readonly SingleMacro[],
  stack: Item[],
  busy: SingleMacro[],
  budget: { left: number },
): boolean {
  const plain = overloads.find((m) => m.parameters === undefined);
  if (plain !== undefined) {
    if (plain.busy || !fits(pp, token, plain.body.length, budget)) return false;
    pushBody(
      pp,
      token,
      plain,
      plain.body.map((t, i) => moved(t, token, i === 0 ? token.space : t.space)),
      stack,
      busy,
    );
    return true;
  }
  let top = stack.length - 1;
  while (top >= 0 && isMarker(stack[top]!)) top--;
  const next = stack[top];
  if (next === undefined || isMarker(next) || next.text !== '(' || next.kind !== TOKEN.punctuation) return false;
  if (overloads.every((m) => m.busy)) return false;
  const taken = takeArguments(stack, top);
  if (taken === undefined) {
    report(pp, macroArgumentsUnclosed(token.text), token);
    return false;
  }
  const { args, rest } = taken;
  const chosen = choose(overloads, args);
  if (chosen === undefined) {
    report(
      pp,
      wrongParameterCount(token.text, args.length, overloads.map((m) => String(m.parameters!.length)).join(' or ')),
      token,
    );
    return false;
  }
  const body = substitute(pp, token, chosen.macro, chosen.args);
  if (!fits(pp, token, body.length, budget)) return false;
  stack.length = rest;
  pushBody(pp, token, chosen.macro, body, stack, busy);
  return true;
}

/** Takes what a macro becomes from what a line may become. */
function fits(pp: Preprocessor, token: Token, words: number, budget: { left: number }): boolean {
  budget.left -= words + 1;
  if (budget.left > 0) return true;
  report(pp, macroTooLarge(token.text), token);
  return false;
}

function pushBody(
  pp: Preprocessor,
  token: Token,
  macro: SingleMacro,
  body: readonly Token[],
  stack: Item[],
  busy: SingleMacro[],
): void {
  pp.host.trace?.uses.push({ range: token, macro });
  if (!macro.alias) {
    macro.busy = true;
    busy.push(macro);
    stack.push({ macro });
  }
  for (let i = body.length - 1; i >= 0; i--) {
    const part = body[i]!;
    if (part.kind === TOKEN.percent && (part.text === '%?' || part.text === '%??')) {
      stack.push(makeToken(TOKEN.identifier, part.text === '%?' ? token.text : macro.name, token, part.space));
    } else stack.push(part);
  }
}

/** Arguments between the parenthesis at `open` and its partner; `rest` is the stack's height behind it. */
function takeArguments(stack: readonly Item[], open: number): { args: Token[][]; rest: number } | undefined {
  const args: Token[][] = [[]];
  let depth = 0;
  let braces = 0;
  for (let i = open; i >= 0; i--) {
    const item = stack[i]!;
    if (isMarker(item)) continue;
    const text = item.kind === TOKEN.punctuation ? item.text : '';
    if (text === '{') braces++;
    else if (text === '}') braces--;
    if (text === '(' && braces === 0 && depth++ === 0) continue;
    if (text === ')' && braces === 0 && --depth === 0) {
      return { args: args.map(stripBraces), rest: i };
    }
    if (text === ',' && depth === 1 && braces === 0) args.push([]);
    else args[args.length - 1]!.push(item);
  }
  return undefined;
}

function stripBraces(tokens: Token[]): Token[] {
  if (tokens.length >= 2 && tokens[0]!.text === '{' && tokens[tokens.length - 1]!.text === '}')
    return tokens.slice(1, -1);
  return tokens;
}

function choose(
  overloads: readonly SingleMacro[],
  args: readonly (readonly Token[])[],
): { macro: SingleMacro; args: readonly (readonly Token[])[] } | undefined {
  const count = args.length === 1 && args[0]!.length === 0 ? 0 : args.length;
  for (const macro of overloads) {
    const parameters = macro.parameters!;
    if (parameters.length === count || (parameters.length === 1 && args.length === 1)) return { macro, args };
    if (parameters.length === 0 && count === 0) return { macro, args: [] };
  }
  for (const macro of overloads) {
    const parameters = macro.parameters!;
    const last = parameters.length - 1;
    if (last < 0 || !parameters[last]!.greedy || args.length < parameters.length) continue;
    const joined: Token[] = [];
    args.slice(last).forEach((arg, i) => {
      if (i > 0) joined.push(makeToken(TOKEN.punctuation, ',', arg[0] ?? joined[joined.length - 1]!, false));
      joined.push(...arg);
    });
    return { macro, args: [...args.slice(0, last), joined] };
  }
  return undefined;
}

function substitute(
  pp: Preprocessor,
  call: Token,
  macro: SingleMacro,
  args: readonly (readonly Token[])[],
): readonly Token[] {
  const byName = new Map<string, readonly Token[]>();
  macro.parameters!.forEach((parameter, i) => {
    let arg: readonly Token[] = args[i] ?? EMPTY;
    if (parameter.evaluated) {
      const value = criticalNumber(pp, expandSingles(pp, arg), call);
      arg = value === undefined ? arg : numberTokens(value, call);
    } else if (parameter.quoted) arg = [makeToken(TOKEN.string, quote(textOf(arg)), call, false)];
    byName.set(parameter.name, arg);
  });
  const body: Token[] = [];
  macro.body.forEach((token, index) => {
    const space = index === 0 ? call.space : token.space;
    const arg = token.kind === TOKEN.identifier ? byName.get(token.text) : undefined;
    if (arg === undefined) body.push(moved(token, call, space));
    else
      arg.forEach((t, i) => {
        body.push(i === 0 ? withSpace(t, space) : t);
      });
  });
  return body;
}

/** A number as tokens; a negative one needs its sign. */
export function numberTokens(value: bigint, place: SourceRange): Token[] {
  if (value >= 0n) return [makeToken(TOKEN.number, String(value), place, true)];
  return [makeToken(TOKEN.punctuation, '-', place, true), makeToken(TOKEN.number, String(-value), place, false)];
}

/** A text as a string token, in the kind of quotes that can hold it. */
export function quote(text: string): string {
  if (!text.includes("'")) return `'${text}'`;
  if (!text.includes('"')) return `"${text}"`;
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** A word that is longer is not joined to more. */
const LONGEST_WORD = 4000;

/** Joins the neighbours of each `%+`; undefined when there is none. */
function paste(tokens: readonly Token[]): Token[] | undefined {
  if (!tokens.some((t) => t.kind === TOKEN.percent && t.text === '%+')) return undefined;
  const out: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind !== TOKEN.percent || token.text !== '%+') {
      out.push(token);
      continue;
    }
    const left = out.pop();
    const right = tokens[++i];
    if (left === undefined || right === undefined || left.text.length > LONGEST_WORD) {
      if (left !== undefined) out.push(left);
      if (right !== undefined) out.push(right);
      continue;
    }
    out.push(...joined(left, right));
  }
  return out;
}

/** Two tokens written without anything between them. */
export function joined(left: Token, right: Token): Token[] {
  const tokens = lexText(left.text + right.text, left);
  if (tokens.length === 0) return [left, right];
  return tokens.map((token, i) => (i === 0 ? withSpace(token, left.space) : token));
}
