// Preprocessor directives other than the conditionals.
import {
  badMacroHeader,
  badStringOperand,
  expected,
  includeNotFound,
  includeTooDeep,
  needsName,
  noContext,
  notInsideMacro,
  notInsideRepeat,
  repeatCount,
  unknownDirective,
  unsupportedDirective,
  userError,
  userFatal,
  userWarning,
  withoutOpening,
  endMissing,
} from '../errors.ts';
import { lexText } from '../lexer.ts';
import { stringBytes } from '../numbers.ts';
import { type SourceRange, TOKEN, type Token, makeToken, moved, textOf } from '../tokens.ts';
import { criticalNumber } from './critical.ts';
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
import { type Frame, type Preprocessor, type SingleParameter, report } from './state.ts';

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

type Action = (pp: Preprocessor, frame: Frame, tokens: readonly Token[], name: string) => void;

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

/** Collects the lines up to the matching end; undefined when the file ends first. */
function collect(
  pp: Preprocessor,
  frame: Frame,
  opens: RegExp,
  closes: RegExp,
  opened: Token,
): (readonly Token[])[] | undefined {
  const body: (readonly Token[])[] = [];
  let depth = 1;
  while (frame.index < frame.lines.length) {
    const line = frame.lines[frame.index++]!;
    const word = line[0]!.kind === TOKEN.percent ? line[0]!.text.toLowerCase() : '';
    if (opens.test(word)) depth++;
    else if (closes.test(word) && --depth === 0) return body;
    body.push(line);
  }
  report(pp, endMissing(opened.text), opened);
  return undefined;
}

function macro(ignoreCase: boolean): Action {
  return (pp, frame, tokens) => {
    const body = collect(pp, frame, /^%i?r?macro$/, /^%(endm|endmacro)$/, tokens[0]!);
    if (body === undefined) return;
    const header = expandSingles(pp, tokens.slice(2));
    const name = tokens[1]?.kind === TOKEN.identifier ? tokens[1] : undefined;
    const counts = readCounts(header);
    if (name === undefined || counts === undefined) {
      report(pp, badMacroHeader(tokens[0]!.text), tokens[1] ?? tokens[0]!);
      return;
    }
    const { minimum, maximum, greedy } = counts;
    const defaults = splitArguments(header.slice(counts.length));
    const key = ignoreCase ? name.text.toLowerCase() : name.text;
    const table = ignoreCase ? pp.foldedMultis : pp.multis;
    const others = (table.get(key) ?? []).filter(
      (m) => m.minimum !== minimum || m.maximum !== maximum || m.greedy !== greedy,
    );
    table.set(key, [
      ...others,
      { name: name.text, minimum, maximum, greedy, ignoreCase, defaults, body, defined: name, busy: false },
    ]);
  };
}

interface Counts {
  readonly minimum: number;
  readonly maximum: number;
  readonly greedy: boolean;
  /** Tokens that the counts take. */
  readonly length: number;
}

/** `2`, `1-3`, `1-*`, `2+`, each with or without `.nolist`. */
function readCounts(header: readonly Token[]): Counts | undefined {
  if (header.length === 0) return { minimum: 0, maximum: 0, greedy: false, length: 0 };
  const number = (token: Token | undefined): number | undefined => {
    const match = /^(\d+)(\.nolist)?$/i.exec(token?.text ?? '');
    return match ? Number(match[1]) : undefined;
  };
  const minimum = number(header[0]);
  if (minimum === undefined) return undefined;
  let length = 1;
  let maximum = minimum;
  if (header[length]?.text === '-') {
    const upper = header[length + 1]?.text === '*' ? Number.MAX_SAFE_INTEGER : number(header[length + 1]);
    if (upper === undefined || upper < minimum) return undefined;
    maximum = upper;
    length += 2;
  }
  const greedy = header[length]?.text === '+';
  if (greedy) length++;
  if (header[length]?.text.toLowerCase() === '.nolist') length++;
  return { minimum, maximum, greedy, length };
}

function unmacro(ignoreCase: boolean): Action {
  return (pp, _frame, tokens) => {
    const name = tokens[1];
    if (name === undefined) {
      report(pp, needsName(tokens[0]!.text), tokens[0]!);
      return;
    }
    const counts = readCounts(expandSingles(pp, tokens.slice(2)));
    if (counts === undefined) {
      report(pp, badMacroHeader(tokens[0]!.text), tokens[2] ?? tokens[0]!);
      return;
    }
    const { minimum, maximum, greedy } = counts;
    const table = ignoreCase ? pp.foldedMultis : pp.multis;
    const key = ignoreCase ? name.text.toLowerCase() : name.text;
    const kept = (table.get(key) ?? []).filter(
      (m) => m.minimum !== minimum || m.maximum !== maximum || m.greedy !== greedy,
    );
    if (kept.length === 0) table.delete(key);
    else table.set(key, kept);
  };
}

const repeat: Action = (pp, frame, tokens) => {
  const body = collect(pp, frame, /^%rep$/, /^%endrep$/, tokens[0]!);
  const count = criticalNumber(
    pp,
    expandSingles(
      pp,
      tokens.slice(1).filter((t) => t.text.toLowerCase() !== '.nolist'),
    ),
    tokens[0]!,
  );
  if (body === undefined || count === undefined || count <= 0n) return;
  if (count > 1_000_000n) {
    report(pp, repeatCount(count), tokens[1] ?? tokens[0]!);
    return;
  }
  pp.frames.push({
    kind: 'repeat',
    lines: body,
    index: 0,
    call: frame.call,
    conditions: [],
    remaining: Number(count) - 1,
    file: frame.file,
  });
};

function leave(kind: 'repeat' | 'macro'): Action {
  return (pp, _frame, tokens) => {
    const problem = kind === 'repeat' ? notInsideRepeat() : notInsideMacro(tokens[0]!.text);
    let at = pp.frames.length - 1;
    while (
      at > 0 &&
      pp.frames[at]!.kind !== kind &&
      pp.frames[at]!.kind !== 'file' &&
      !(kind === 'repeat' && pp.frames[at]!.kind === 'macro')
    )
      at--;
    if (pp.frames[at]!.kind !== kind) {
      report(pp, problem, tokens[0]!);
      return;
    }
    for (let i = at; i < pp.frames.length; i++) {
      const inner = pp.frames[i]!;
      inner.index = inner.lines.length;
      inner.remaining = 0;
      inner.conditions.length = 0;
    }
  };
}

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

const strcat: Action = (pp, _frame, tokens) => {
  const name = macroName(pp, tokens);
  if (name === undefined) return;
  const parts: number[] = [];
  for (const token of expandSingles(pp, afterName(pp, tokens))) {
    if (token.text === ',' && token.kind === TOKEN.punctuation) continue;
    const bytes = stringOf(pp, token, tokens[0]!);
    if (bytes === undefined) return;
    parts.push(...bytes);
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
    pp.singles.clear();
    pp.foldedSingles.clear();
    pp.multis.clear();
    pp.foldedMultis.clear();
  },
  '%endmacro': (pp, _frame, tokens) => report(pp, withoutOpening(tokens[0]!.text, '%macro'), tokens[0]!),
  '%endm': (pp, _frame, tokens) => report(pp, withoutOpening(tokens[0]!.text, '%macro'), tokens[0]!),
  '%endrep': (pp, _frame, tokens) => report(pp, withoutOpening(tokens[0]!.text, '%rep'), tokens[0]!),
};
