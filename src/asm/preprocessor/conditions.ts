// %if and its relatives.
import { elseTwice, unknownCondition, withoutIf } from '../errors.ts';
import { TOKEN, type Token, textOf } from '../tokens.ts';
import { criticalNumber } from './critical.ts';
import { findMacros, splitArguments } from './multi-macros.ts';
import { expandSingles, findOverloads, unbraced } from './single-macros.ts';
import { type Frame, type Preprocessor, report } from './state.ts';

export const taking = (frame: Frame): boolean => {
  const condition = frame.conditions[frame.conditions.length - 1];
  return condition === undefined || condition.state === 'taking';
};

/** Handles a line that begins with `name` if it is a conditional directive. */
export function conditional(pp: Preprocessor, frame: Frame, name: string, tokens: readonly Token[]): boolean {
  const word = tokens[0]!;
  if (name.startsWith('%if')) {
    if (!taking(frame)) frame.conditions.push({ state: 'dead', sawElse: false, opened: word });
    else {
      const holds = test(pp, name.slice(3), tokens);
      if (holds === 'unknown') return false;
      frame.conditions.push({
        state: holds === undefined ? 'done' : holds ? 'taking' : 'waiting',
        sawElse: false,
        opened: word,
      });
    }
    return true;
  }
  const condition = frame.conditions[frame.conditions.length - 1];
  if (name.startsWith('%elif')) {
    if (condition === undefined) report(pp, withoutIf(name), word);
    else if (condition.sawElse) report(pp, elseTwice(name), word);
    else if (condition.state === 'taking') condition.state = 'done';
    else if (condition.state === 'waiting') {
      const holds = test(pp, name.slice(5), tokens);
      if (holds === 'unknown') return false;
      condition.state = holds === undefined ? 'done' : holds ? 'taking' : 'waiting';
    }
    return true;
  }
  if (name === '%else') {
    if (condition === undefined) report(pp, withoutIf(name), word);
    else if (condition.sawElse) report(pp, elseTwice(name), word);
    else {
      condition.sawElse = true;
      if (condition.state === 'taking') condition.state = 'done';
      else if (condition.state === 'waiting') condition.state = 'taking';
    }
    return true;
  }
  if (name === '%endif') {
    if (condition === undefined) report(pp, withoutIf(name), word);
    else frame.conditions.pop();
    return true;
  }
  return false;
}

/** Undefined: the condition could not be evaluated, which has been reported. */
function test(pp: Preprocessor, condition: string, tokens: readonly Token[]): boolean | undefined | 'unknown' {
  const positive = TESTS[condition];
  if (positive !== undefined) return positive(pp, tokens);
  const negative = condition.startsWith('n') ? TESTS[condition.slice(1)] : undefined;
  if (negative !== undefined) {
    const holds = negative(pp, tokens);
    return holds === undefined ? undefined : !holds;
  }
  report(pp, unknownCondition(tokens[0]!.text), tokens[0]!);
  return undefined;
}

type Test = (pp: Preprocessor, tokens: readonly Token[]) => boolean | undefined;

const rest = (pp: Preprocessor, tokens: readonly Token[]): readonly Token[] => expandSingles(pp, tokens.slice(1));

function identical(fold: boolean): Test {
  return (pp, tokens) => {
    const args = splitAtComma(rest(pp, tokens));
    if (args === undefined) return undefined;
    const [a, b] = args;
    if (a.length !== b.length) return false;
    return a.every((token, i) => {
      const other = b[i]!;
      const left = spelled(token);
      const right = spelled(other);
      return fold ? left.toLowerCase() === right.toLowerCase() : left === right;
    });
  };
}

const spelled = (t: Token): string => (t.kind === TOKEN.string ? `'${t.text.slice(1, -1)}` : t.text);

function splitAtComma(tokens: readonly Token[]): [Token[], Token[]] | undefined {
  const args = splitArguments(tokens);
  return [args[0] ?? [], args.slice(1).flat()];
}

const single =
  (is: (tokens: readonly Token[]) => boolean): Test =>
  (pp, tokens) => {
    const expanded = rest(pp, tokens);
    return is(expanded);
  };

const isNumeric = (tokens: readonly Token[]): boolean => {
  const signed = tokens.length >= 2 && (tokens[0]!.text === '-' || tokens[0]!.text === '+') ? tokens.slice(1) : tokens;
  return signed[0]?.kind === TOKEN.number;
};

const TESTS: Readonly<Record<string, Test>> = {
  '': (pp, tokens) => {
    const value = criticalNumber(pp, rest(pp, tokens), tokens[0]!);
    return value === undefined ? undefined : value !== 0n;
  },
  def: (pp, tokens) =>
    tokens.slice(1).some((raw) => {
      const token = raw.kind === TOKEN.percent ? unbraced(raw) : raw;
      const found = findOverloads(pp, token);
      if (found?.[0] !== undefined) pp.host.trace?.uses.push({ range: token, macro: found[0] });
      return found !== undefined || /^__\??(LINE|FILE|BITS)\??__$/.test(token.text);
    }),
  macro: (pp, tokens) => {
    const args = tokens.slice(1);
    const name = args[0];
    if (name === undefined) return undefined;
    const found = findMacros(pp, name.text);
    const spec = textOf(args.slice(1)).replaceAll(' ', '');
    const match = /^(\d+)(?:-(\d+|\*))?(\+)?/.exec(spec);
    if (found === undefined) return false;
    if (found[0] !== undefined) pp.host.trace?.uses.push({ range: name, macro: found[0] });
    if (!match) return true;
    const minimum = Number(match[1]);
    const maximum = match[2] === undefined ? minimum : match[2] === '*' ? Number.POSITIVE_INFINITY : Number(match[2]);
    return found.some((m) => m.minimum <= maximum && (m.maximum >= minimum || m.greedy));
  },
  ctx: (pp, tokens) => {
    const current = pp.contexts[pp.contexts.length - 1];
    const name = tokens[1];
    if (current === undefined) return false;
    return name === undefined || tokens.slice(1).some((t) => t.text === current.name);
  },
  idn: identical(false),
  idni: identical(true),
  id: single((t) => t[0]?.kind === TOKEN.identifier),
  num: single(isNumeric),
  str: single((t) => t[0]?.kind === TOKEN.string),
  token: single((t) => t.length === 1 || (t.length === 2 && isNumeric(t))),
  empty: single((t) => t.length === 0),
  env: () => false,
  using: () => false,
  usable: () => false,
};

/** What follows `%if`, `%ifn`, `%elif` and `%elifn`. */
export const CONDITION_NAMES: readonly string[] = Object.keys(TESTS);
