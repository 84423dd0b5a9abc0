// Expressions that must have a value while preprocessing: %if, %assign, %rep, %rotate.
import { expected, mustBeConstant } from '../errors.ts';
import { evaluate } from '../evaluate.ts';
import { type Cursor, type Expression, parseExpression } from '../expression.ts';
import { type SourceRange, TOKEN, type Token, rangeOf } from '../tokens.ts';
import { type Preprocessor, report } from './state.ts';

/** The value of already expanded tokens; undefined after a report. */
export function criticalNumber(pp: Preprocessor, tokens: readonly Token[], place: SourceRange): bigint | undefined {
  const only = tokens.length === 1 ? tokens[0]! : undefined;
  if (only?.kind === TOKEN.number && /^[0-9]{1,9}$/.test(only.text)) return BigInt(only.text);
  const last = tokens[tokens.length - 1];
  const end = last === undefined ? place : { ...last, column: last.end, end: last.end + 1 };
  const cursor: Cursor = { tokens, at: 0, end, problem: (problem, range) => report(pp, problem, range) };
  const expression = parseExpression(cursor);
  if (expression === undefined) return undefined;
  if (cursor.at < tokens.length) {
    report(pp, expected('the end of the expression', tokens[cursor.at]!.text), tokens[cursor.at]!);
    return undefined;
  }
  return criticalValue(pp, expression, last === undefined ? place : rangeOf(tokens[0]!, last));
}

function criticalValue(pp: Preprocessor, expression: Expression, range: SourceRange): bigint | undefined {
  const value = evaluate(expression, {
    ...pp.host.names,
    problem: (problem, where) => report(pp, problem, where),
  });
  if (value === undefined) return undefined;
  if (value.unknown || value.terms !== undefined) {
    report(pp, mustBeConstant(), range);
    return undefined;
  }
  return value.constant;
}
