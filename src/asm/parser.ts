// One expanded line to a statement. Never gives up silently: what it cannot read, it reports and leaves out.
import { badStringOperand, badToken, instructionExpected, unclosedBracket, expected } from './errors.ts';
import type { Problem } from './errors.ts';
import { PREFIX_NAMES } from './encoder/prefixes.ts';
import { isMnemonic } from './encoder/forms.ts';
import { type Cursor, type Expression, parseExpression, peekText } from './expression.ts';
import { parseItems } from './data-items.ts';
import { stringBytes } from './numbers.ts';
import { parseOperands } from './operands.ts';
import type { Line } from './preprocessor/state.ts';
import { REGISTERS } from './registers.ts';
import type { Body, Label, Prefix, Statement } from './statement.ts';
import { type SourceRange, TOKEN, type Token, rangeOf } from './tokens.ts';
import { DATA_SIZES, DIRECTIVE_NAMES, OTHER_DATA, RESERVE_SIZES } from './words.ts';

const OTHER_KEYWORDS: ReadonlySet<string> = new Set(OTHER_DATA);

export const isKeyword = (lower: string): boolean =>
  isMnemonic(lower) ||
  PREFIX_NAMES.has(lower) ||
  DATA_SIZES[lower] !== undefined ||
  RESERVE_SIZES[lower] !== undefined ||
  DIRECTIVE_NAMES.has(lower) ||
  OTHER_KEYWORDS.has(lower);

export type Report = (problem: Problem, range: SourceRange) => void;

/** Undefined: the line has no meaning, which has been reported. */
export function parseLine(line: Line, problem: Report): Statement | undefined {
  const tokens = line.tokens;
  const first = tokens[0]!;
  const last = tokens[tokens.length - 1]!;
  for (const token of tokens) {
    if (token.kind === TOKEN.bad) {
      problem(badToken(token.text), token);
      return undefined;
    }
    if (token.kind === TOKEN.percent) {
      problem(badToken(`"${token.text}" belongs to the preprocessor and has no meaning here`), token);
      return undefined;
    }
  }
  const end: SourceRange = { file: last.file, line: last.line, column: last.end, end: last.end + 1 };
  const c: Cursor = { tokens, at: 0, end, problem };
  const range = rangeOf(first, last);
  if (first.text === '[' && tokens[1]?.kind === TOKEN.identifier) {
    const close = tokens.findIndex((t) => t.text === ']');
    if (close < 0) {
      problem(unclosedBracket(), first);
      return undefined;
    }
    const body: Body = {
      kind: 'directive',
      name: tokens[1].text.toLowerCase(),
      nameRange: tokens[1],
      arguments: tokens.slice(2, close),
    };
    return statement(undefined, undefined, body, range, line);
  }
  const label = parseLabel(c);
  let times: Expression | undefined;
  if (peekText(c).toLowerCase() === 'times') {
    c.at++;
    times = parseExpression(c);
    if (times === undefined) return undefined;
  }
  const body = parseBody(c, label);
  if (body === undefined) {
    // The label is still defined, so that one mistake does not become many.
    return label === undefined ? undefined : statement(label, undefined, { kind: 'none' }, range, line);
  }
  if (c.at < tokens.length) {
    const rest = tokens[c.at]!;
    problem(expected('the end of the line', rest.text), rest);
  }
  return statement(label, times, body, range, line);
}

function statement(
  label: Label | undefined,
  times: Expression | undefined,
  body: Body,
  range: SourceRange,
  line: Line,
): Statement {
  return {
    label,
    times,
    body,
    range,
    expansion: line.expansion,
    memo: {
      candidates: undefined,
      bits: 0,
      relative: false,
      bytes: undefined,
      constant: undefined,
      pass: 0,
      section: 0,
      offset: 0,
      chosen: -1,
      note: undefined,
    },
  };
}

function parseLabel(c: Cursor): Label | undefined {
  const token = c.tokens[0]!;
  if (token.kind !== TOKEN.identifier) return undefined;
  const next = c.tokens[1];
  const colon = next?.text === ':' && next.kind === TOKEN.punctuation;
  const lower = token.text.toLowerCase();
  if (!colon && (isKeyword(lower) || token.text === '?')) return undefined;
  if (colon && PREFIX_NAMES.has(lower) && REGISTERS.has(lower)) return undefined;
  c.at = colon ? 2 : 1;
  return { name: token.text.charCodeAt(0) === 36 ? token.text.slice(1) : token.text, colon, range: token };
}

function parseBody(c: Cursor, label: Label | undefined): Body | undefined {
  const prefixes: Prefix[] = [];
  for (;;) {
    const token = c.tokens[c.at];
    if (token === undefined) {
      return prefixes.length === 0
        ? { kind: 'none' }
        : { kind: 'instruction', prefixes, mnemonic: '', name: prefixes[0]!.range, operands: [] };
    }
    if (token.text === '{' && token.kind === TOKEN.punctuation) {
      const close = c.tokens[c.at + 2];
      const name = `{${c.tokens[c.at + 1]?.text.toLowerCase() ?? ''}}`;
      if (close?.text !== '}' || !PREFIX_NAMES.has(name)) {
        c.problem(instructionExpected(token.text, false), token);
        return undefined;
      }
      prefixes.push({ name, range: rangeOf(token, close) });
      c.at += 3;
      continue;
    }
    const lower = token.text.toLowerCase();
    if (token.kind !== TOKEN.identifier) {
      c.problem(instructionExpected(token.text, label !== undefined), token);
      return undefined;
    }
    c.at++;
    if (PREFIX_NAMES.has(lower)) {
      prefixes.push({ name: lower, range: token });
      continue;
    }
    return parseCore(c, token, lower, prefixes, label);
  }
}

function parseCore(
  c: Cursor,
  token: Token,
  lower: string,
  prefixes: Prefix[],
  label: Label | undefined,
): Body | undefined {
  if (isMnemonic(lower)) {
    const operands = parseOperands(c);
    return operands === undefined
      ? undefined
      : { kind: 'instruction', prefixes, mnemonic: lower, name: token, operands };
  }
  const data = DATA_SIZES[lower];
  if (data !== undefined) {
    const items = parseItems(c, data, false);
    return items === undefined ? undefined : { kind: 'data', size: data, items };
  }
  const reserve = RESERVE_SIZES[lower];
  if (reserve !== undefined) {
    const count = parseExpression(c);
    return count === undefined ? undefined : { kind: 'reserve', size: reserve, count };
  }
  switch (lower) {
    case 'equ': {
      const expression = parseExpression(c);
      return expression === undefined ? undefined : { kind: 'equ', expression };
    }
    case 'incbin':
      return parseIncbin(c);
    case 'align':
    case 'alignb':
      return parseAlign(c, lower, label);
    default:
      break;
  }
  if (DIRECTIVE_NAMES.has(lower)) {
    const rest = c.tokens.slice(c.at);
    c.at = c.tokens.length;
    return { kind: 'directive', name: lower, nameRange: token, arguments: rest };
  }
  // A name that stood where the label stands, and then something that is no instruction: the first word is the mistake.
  const colon = c.tokens[1]?.text === ':';
  if (label !== undefined && !colon) c.problem(instructionExpected(label.name, false), label.range);
  else c.problem(instructionExpected(token.text, label !== undefined), token);
  return undefined;
}

function parseAlign(c: Cursor, lower: string, label: Label | undefined): Body | undefined {
  const boundary = parseExpression(c);
  if (boundary === undefined) return undefined;
  let fill: Body | undefined;
  if (peekText(c) === ',') {
    c.at++;
    if (c.at < c.tokens.length) {
      fill = parseBody(c, label);
      if (fill === undefined) return undefined;
    }
  }
  return { kind: 'align', boundary, fill, reserve: lower === 'alignb' };
}

function parseIncbin(c: Cursor): Body | undefined {
  const token = c.tokens[c.at];
  const bytes = token?.kind === TOKEN.string ? stringBytes(token.text) : undefined;
  if (token === undefined || !bytes?.ok) {
    c.problem(badStringOperand('incbin'), token ?? c.end);
    return undefined;
  }
  c.at++;
  const path = new TextDecoder().decode(bytes.bytes);
  let skip: Expression | undefined;
  let length: Expression | undefined;
  if (peekText(c) === ',') {
    c.at++;
    skip = parseExpression(c);
    if (skip === undefined) return undefined;
    if (peekText(c) === ',') {
      c.at++;
      length = parseExpression(c);
      if (length === undefined) return undefined;
    }
  }
  return { kind: 'incbin', path, pathRange: token, skip, length };
}
