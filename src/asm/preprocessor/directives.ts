// Preprocessor directives other than the conditionals.
import {
  badStringOperand,
  expected,
  includeNotFound,
  includeTooDeep,
  needsName,
  stringTooLong,
  noContext,
  notInsideMacro,
  unknownDirective,
  unsupportedDirective,
  userError,
  userFatal,
  userWarning,
  withoutOpening,
} from '../errors.ts';
import { lexText } from '../lexer.ts';
import { stringBytes } from '../numbers.ts';
import { type SourceRange, TOKEN, type Token, makeToken, moved, textOf } from '../tokens.ts';
import { criticalNumber } from './critical.ts';
import { leave, macro, repeat, unmacro } from './definitions.ts';
import { rotate, splitArguments } from './multi-macros.ts';
import {
  defineSingle,
  expandSingles,
  findOverloads,
  numberTokens,
  quote,
  unbraced,
  undefineSingle,
} from './single-macros.ts';
import { type Action, type Frame, type Preprocessor, type SingleParameter, noteChange, report } from './state.ts';

/** Runs the directive that begins a line. */
export function runDirective(pp: Preprocessor, frame: Frame, name: string, tokens: readonly Token[]): void {
  const action = DIRECTIVES[name];
  if (action !== undefined) action(pp, frame, tokens, name);
  else if (UNSUPPORTED[name] !== undefined)
    report(pp, unsupportedDirective(tokens[0]!.text, UNSUPPORTED[name]), tokens[0]!);
  else report(pp, unknownDirective(tokens[0]!.text), tokens[0]!);
}

export const isDirectiveName = (text: string): boolean => /^%[a-z_]/i.test(text);

const UNSUPPORTED: Readonly<Record<string, string>> = {
  '%use': 'write out what you need of the package',
  '%arg': 'use %define with [ebp+8], [ebp+12], …',
  '%local': 'use %define with [ebp-4], [ebp-8], …',
  '%stacksize': 'use %define with [ebp+8], [ebp+12], …',
  '%pathsearch': 'name the file directly',
};

/** The macro name of %define, %assign and so on. */
function macroName(pp: Preprocessor, tokens: readonly Token[]): Token | undefined {
  const raw = tokens[1];
  const token = raw?.kind === TOKEN.percent ? unbraced(raw) : raw;
  if (
    token !== undefined &&
    (token.kind === TOKEN.identifier || (token.kind === TOKEN.percent && /^%\$+[\w.?@]/.test(token.text)))
  )
    return token;
  if (token?.text === '%[') {
    const expanded = expandSingles(pp, tokens.slice(1));
    if (expanded[0]?.kind === TOKEN.identifier) return expanded[0];
  }
  report(pp, needsName(tokens[0]!.text), token ?? tokens[0]!);
  return undefined;
}

/** Tokens behind the name; when the name was written as `%[…]`, behind its bracket. */
function afterName(pp: Preprocessor, tokens: readonly Token[]): readonly Token[] {
  if (tokens[1]?.text !== '%[') return tokens.slice(2);
  return expandSingles(pp, tokens.slice(1)).slice(1);
}

const first = (tokens: readonly Token[]): readonly Token[] =>
  tokens.length === 0 ? tokens : [{ ...tokens[0]!, space: true }, ...tokens.slice(1)];

function define(ignoreCase: boolean, expandNow: boolean): Action {
  return (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name === undefined) return;
    let body = afterName(pp, tokens);
    let parameters: SingleParameter[] | undefined;
    if (body[0]?.text === '(' && !body[0].space) {
      const end = body.findIndex((t) => t.text === ')');
      if (end < 0) {
        report(pp, expected('")" after the parameters', ''), body[body.length - 1]!);
        return;
      }
      parameters = splitArguments(body.slice(1, end)).map(readParameter);
      body = body.slice(end + 1);
    }
    if (expandNow) body = expandSingles(pp, body);
    defineSingle(pp, name, { parameters, body: first(body), ignoreCase, alias: false });
  };
}

function readParameter(tokens: readonly Token[]): SingleParameter {
  const texts = tokens.map((t) => t.text);
  const name = tokens.find((t) => t.kind === TOKEN.identifier)?.text ?? '';
  return {
    name,
    evaluated: texts.includes('='),
    quoted: texts.includes('&') || texts.includes('&&'),
    greedy: texts[texts.length - 1] === '+',
  };
}

function setText(pp: Preprocessor, name: Token, body: readonly Token[], ignoreCase: boolean): void {
  defineSingle(pp, name, { parameters: undefined, body, ignoreCase, alias: false });
}

function assign(ignoreCase: boolean): Action {
  return (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name === undefined) return;
    const value = criticalNumber(pp, expandSingles(pp, afterName(pp, tokens)), tokens[0]!);
    if (value !== undefined) setText(pp, name, numberTokens(value, name), ignoreCase);
  };
}

function stringOf(pp: Preprocessor, token: Token | undefined, directive: Token): Uint8Array | undefined {
  if (token?.kind === TOKEN.string) {
    const bytes = stringBytes(token.text);
    if (bytes.ok) return bytes.bytes;
  }
  report(pp, badStringOperand(directive.text), token ?? directive);
  return undefined;
}

const decoder = new TextDecoder();
const asString = (bytes: Uint8Array, place: SourceRange): Token =>
  makeToken(TOKEN.string, quote(decoder.decode(bytes)), place, true);

const include: Action = (pp, frame, tokens) => {
  const expanded = expandSingles(pp, tokens.slice(1));
  const name = expanded[0];
  if (name === undefined) {
    report(pp, needsName('%include'), tokens[0]!);
    return;
  }
  const bytes = name.kind === TOKEN.string ? stringBytes(name.text) : undefined;
  const path = bytes?.ok ? decoder.decode(bytes.bytes) : textOf(expanded).replaceAll(/^<|>$/g, '');
  if (pp.frames.filter((f) => f.kind === 'file').length > 64) {
    report(pp, includeTooDeep(path), name);
    return;
  }
  const found = pp.host.include(path, frame.file);
  const again = pp.host.trace?.includes.some((i) => i.file !== undefined && i.file === found?.file) ?? false;
  pp.host.trace?.includes.push({ range: name, path, file: found?.file });
  if (found === undefined) {
    report(pp, includeNotFound(path), name);
    return;
  }
  pp.frames.push({
    kind: 'file',
    lines: found.lines,
    index: 0,
    call: undefined,
    conditions: [],
    remaining: 0,
    file: found.file,
    again,
  });
};

function message(kind: typeof userError): Action {
  return (pp, _frame, tokens) => {
    const expanded = expandSingles(pp, tokens.slice(1));
    const only =
      expanded.length === 1 && expanded[0]!.kind === TOKEN.string ? stringBytes(expanded[0]!.text) : undefined;
    report(pp, kind(only?.ok ? decoder.decode(only.bytes) : textOf(expanded)), tokens[0]!);
  };
}

/** Bytes of a string that %strcat makes. */
const LONGEST_STRING = 100_000;

const strcat: Action = (pp, _frame, tokens) => {
  const name = macroName(pp, tokens);
  if (name === undefined) return;
  const parts: number[] = [];
  for (const token of expandSingles(pp, afterName(pp, tokens))) {
    if (token.text === ',' && token.kind === TOKEN.punctuation) continue;
    const bytes = stringOf(pp, token, tokens[0]!);
    if (bytes === undefined) return;
    if (parts.length + bytes.length > LONGEST_STRING) {
      report(pp, stringTooLong(LONGEST_STRING), token);
      return;
    }
    for (const byte of bytes) parts.push(byte);
  }
  setText(pp, name, [asString(Uint8Array.from(parts), name)], false);
};

const substr: Action = (pp, _frame, tokens) => {
  const name = macroName(pp, tokens);
  if (name === undefined) return;
  const body = expandSingles(pp, afterName(pp, tokens));
  const bytes = stringOf(pp, body[0], tokens[0]!);
  const numbers = splitArguments(body.slice(body[1]?.text === ',' ? 2 : 1));
  const start = criticalNumber(pp, numbers[0] ?? [], tokens[0]!);
  const count = numbers.length > 1 ? criticalNumber(pp, numbers[1]!, tokens[0]!) : 1n;
  if (bytes === undefined || start === undefined || count === undefined) return;
  const from = Number(start) - 1;
  const length = count < 0n ? Math.max(bytes.length + Number(count) + 1 - from, 0) : Number(count);
  const taken = from < 0 || from >= bytes.length ? new Uint8Array() : bytes.slice(from, from + length);
  setText(pp, name, [asString(taken, name)], false);
};

const DIRECTIVES: Readonly<Record<string, Action>> = {
  '%define': define(false, false),
  '%idefine': define(true, false),
  '%xdefine': define(false, true),
  '%ixdefine': define(true, true),
  '%undef': (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name !== undefined) undefineSingle(pp, name);
  },
  '%assign': assign(false),
  '%iassign': assign(true),
  '%defstr': (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name !== undefined)
      setText(
        pp,
        name,
        [makeToken(TOKEN.string, quote(textOf(expandSingles(pp, afterName(pp, tokens)))), name, true)],
        false,
      );
  },
  '%idefstr': (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name !== undefined)
      setText(
        pp,
        name,
        [makeToken(TOKEN.string, quote(textOf(expandSingles(pp, afterName(pp, tokens)))), name, true)],
        true,
      );
  },
  '%deftok': (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name === undefined) return;
    const bytes = stringOf(pp, expandSingles(pp, afterName(pp, tokens))[0], tokens[0]!);
    if (bytes !== undefined) setText(pp, name, first(lexText(decoder.decode(bytes), name)), false);
  },
  '%defalias': (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    const target = tokens[2];
    if (name === undefined || target === undefined) return;
    defineSingle(pp, name, {
      parameters: undefined,
      body: [moved(target, target, true)],
      ignoreCase: false,
      alias: true,
    });
  },
  '%undefalias': (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name !== undefined && findOverloads(pp, name) !== undefined) undefineSingle(pp, name);
  },
  '%strlen': (pp, _frame, tokens) => {
    const name = macroName(pp, tokens);
    if (name === undefined) return;
    const bytes = stringOf(pp, expandSingles(pp, afterName(pp, tokens))[0], tokens[0]!);
    if (bytes !== undefined) setText(pp, name, numberTokens(BigInt(bytes.length), name), false);
  },
  '%strcat': strcat,
  '%substr': substr,
  '%macro': macro(false),
  '%imacro': macro(true),
  '%rmacro': macro(false),
  '%irmacro': macro(true),
  '%unmacro': unmacro(false),
  '%unimacro': unmacro(true),
  '%rep': repeat,
  '%exitrep': leave('repeat'),
  '%exitmacro': leave('macro'),
  '%rotate': (pp, frame, tokens) => {
    const count = criticalNumber(pp, expandSingles(pp, tokens.slice(1)), tokens[0]!);
    if (frame.call === undefined) report(pp, notInsideMacro('%rotate'), tokens[0]!);
    else if (count !== undefined) rotate(frame.call, Number(count));
  },
  '%include': include,
  '%push': (pp, _frame, tokens) => {
    pp.contexts.push({ name: tokens[1]?.text, id: pp.nextId++, macros: new Map() });
  },
  '%pop': (pp, _frame, tokens) => {
    const top = pp.contexts[pp.contexts.length - 1];
    if (top === undefined) report(pp, noContext('%pop', 0), tokens[0]!);
    else if (tokens[1] !== undefined && tokens[1].text !== top.name)
      report(pp, withoutOpening('%pop', `%push ${tokens[1].text}`), tokens[1]);
    else pp.contexts.pop();
  },
  '%repl': (pp, _frame, tokens) => {
    const top = pp.contexts.pop();
    if (top === undefined) report(pp, noContext('%repl', 0), tokens[0]!);
    else pp.contexts.push({ ...top, name: tokens[1]?.text });
  },
  '%error': message(userError),
  '%warning': message(userWarning),
  '%fatal': (pp, frame, tokens, name) => {
    message(userFatal)(pp, frame, tokens, name);
    pp.stopped = true;
  },
  '%line': () => undefined,
  '%pragma': () => undefined,
  '%depend': () => undefined,
  '%clear': (pp) => {
    for (const name of [
      ...pp.singles.keys(),
      ...pp.foldedSingles.keys(),
      ...pp.multis.keys(),
      ...pp.foldedMultis.keys(),
    ])
      noteChange(pp, name, false);
    pp.singles.clear();
    pp.foldedSingles.clear();
    pp.multis.clear();
    pp.foldedMultis.clear();
  },
  '%endmacro': (pp, _frame, tokens) => report(pp, withoutOpening(tokens[0]!.text, '%macro'), tokens[0]!),
  '%endm': (pp, _frame, tokens) => report(pp, withoutOpening(tokens[0]!.text, '%macro'), tokens[0]!),
  '%endrep': (pp, _frame, tokens) => report(pp, withoutOpening(tokens[0]!.text, '%rep'), tokens[0]!),
};

/** With the percent sign, in lower case. */
export const PREPROCESSOR_NAMES: readonly string[] = Object.keys(DIRECTIVES);
