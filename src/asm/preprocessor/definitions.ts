// %macro, %unmacro and %rep: what collects lines for later; and the ways out of them.
import { badMacroHeader, endMissing, needsName, notInsideMacro, notInsideRepeat, repeatCount } from '../errors.ts';
import { TOKEN, type Token } from '../tokens.ts';
import { criticalNumber } from './critical.ts';
import { splitArguments } from './multi-macros.ts';
import { expandSingles } from './single-macros.ts';
import { type Action, type Frame, type Preprocessor, noteChange, report } from './state.ts';

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

export function macro(ignoreCase: boolean): Action {
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
    const added = { name: name.text, minimum, maximum, greedy, ignoreCase, defaults, body, defined: name, busy: false };
    pp.host.trace?.definitions.push(added);
    noteChange(pp, name.text, true);
    table.set(key, [...others, added]);
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

export function unmacro(ignoreCase: boolean): Action {
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
    noteChange(pp, name.text, true);
    if (kept.length === 0) table.delete(key);
    else table.set(key, kept);
  };
}

export const repeat: Action = (pp, frame, tokens) => {
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

export function leave(kind: 'repeat' | 'macro'): Action {
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
