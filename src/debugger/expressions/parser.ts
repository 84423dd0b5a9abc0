// Tokens to a tree, by precedence climbing; the operators and their precedence are those of C.

import { ADDRESS_PREFIXES, type AddressPrefix } from '../memory.ts';
import { attempt, type ExpressionResult, fail } from './errors.ts';
import { type NumberForm, type Token, tokenize } from './lexer.ts';

interface Place {
  readonly position: number;
  readonly length: number;
}

export type Expression = Place &
  (
    | { readonly kind: 'number'; readonly value: bigint; readonly form: NumberForm }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'unary'; readonly operator: '-' | '+' | '~' | '!'; readonly operand: Expression }
    | {
        readonly kind: 'binary';
        readonly operator: BinaryOperator;
        readonly left: Expression;
        readonly right: Expression;
      }
    | {
        readonly kind: 'conditional';
        readonly condition: Expression;
        readonly whenTrue: Expression;
        readonly whenFalse: Expression;
      }
    | {
        readonly kind: 'assignment';
        readonly operator: BinaryOperator | undefined;
        readonly target: Expression;
        readonly value: Expression;
      }
    | {
        readonly kind: 'memory';
        readonly size: MemorySize;
        readonly prefix: AddressPrefix | undefined;
        readonly address: Expression;
      }
    | { readonly kind: 'address'; readonly prefix: AddressPrefix; readonly address: Expression }
    | { readonly kind: 'call'; readonly name: string; readonly argument: Expression }
    | {
        readonly kind: 'member';
        readonly object: Expression;
        readonly arrow: boolean;
        readonly names: readonly string[];
      }
    | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression }
    | { readonly kind: 'dereference'; readonly operand: Expression }
    | { readonly kind: 'address-of'; readonly operand: Expression }
    | { readonly kind: 'cast'; readonly type: TypeReference; readonly operand: Expression }
    | { readonly kind: 'sizeof'; readonly operand: Expression | TypeReference }
  );

/** A type as C writes it: `struct vm *` is the name `struct vm` with one pointer. */
export interface TypeReference {
  readonly kind: 'type';
  readonly name: string;
  readonly pointers: number;
  readonly position: number;
  readonly length: number;
}

export type BinaryOperator =
  | '*'
  | '/'
  | '%'
  | '+'
  | '-'
  | '<<'
  | '>>'
  | '<'
  | '>'
  | '<='
  | '>='
  | '=='
  | '!='
  | '&'
  | '^'
  | '|'
  | '&&'
  | '||'; // prettier-ignore

export type MemorySize = 1 | 2 | 4 | 8;

const SIZES: Readonly<Record<string, MemorySize>> = { byte: 1, word: 2, dword: 4, qword: 8 };

/** Functions: reinterpretation of the low bits as a signed or unsigned number of that width. */
export const CASTS = ['s8', 's16', 's32', 's64', 'u8', 'u16', 'u32', 'u64'] as const;

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  '*': 10,
  '/': 10,
  '%': 10,
  '+': 9,
  '-': 9,
  '<<': 8,
  '>>': 8,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  '==': 6,
  '!=': 6,
  '&': 5,
  '^': 4,
  '|': 3,
  '&&': 2,
  '||': 1,
};

/** Longer than any person writes; keeps evaluation of long chains within the stack. */
const MAX_LENGTH = 4000;

/** Deeper nesting than any person writes; keeps hostile input from exhausting the stack. */
const MAX_DEPTH = 200;

interface Cursor {
  readonly text: string;
  readonly tokens: readonly Token[];
  index: number;
  depth: number;
}

/** Parses one expression; an assignment is allowed at the top. */
export function parseExpression(text: string): ExpressionResult<Expression> {
  return attempt(() => {
    if (text.length > MAX_LENGTH)
      fail('unexpected-token', `An expression has at most ${MAX_LENGTH} characters.`, MAX_LENGTH);
    const cursor: Cursor = { text, tokens: tokenize(text), index: 0, depth: 0 };
    const expression = parseAssignment(cursor);
    const rest = current(cursor);
    if (rest.kind !== 'end') {
      fail(
        'unexpected-token',
        `Expected an operator or the end, not \`${tokenText(cursor, rest)}\`.`,
        rest.position,
        rest.length,
      );
    }
    return expression;
  });
}

function current(cursor: Cursor): Token {
  return cursor.tokens[cursor.index] as Token;
}

function tokenText(cursor: Cursor, token: Token): string {
  return cursor.text.slice(token.position, token.position + token.length);
}

function isOperator(cursor: Cursor, text: string): boolean {
  const token = current(cursor);
  return token.kind === 'operator' && token.text === text;
}

function expectOperator(cursor: Cursor, text: string, after: string): void {
  const token = current(cursor);
  if (!isOperator(cursor, text)) {
    if (token.kind === 'end') fail('unexpected-end', `\`${text}\` is missing after ${after}.`, token.position, 1);
    fail(
      'unexpected-token',
      `Expected \`${text}\` after ${after}, not \`${tokenText(cursor, token)}\`.`,
      token.position,
      token.length,
    );
  }
  cursor.index++;
}

function span(from: Place, to: Place): Place {
  return { position: from.position, length: to.position + to.length - from.position };
}

function parseAssignment(cursor: Cursor): Expression {
  const target = parseConditional(cursor);
  const token = current(cursor);
  if (token.kind !== 'operator' || !/^(?:[-+*/%&|^]|<<|>>)?=$/.test(token.text)) return target;
  cursor.index++;
  const value = parseConditional(cursor);
  const operator = token.text === '=' ? undefined : (token.text.slice(0, -1) as BinaryOperator);
  return { kind: 'assignment', operator, target, value, ...span(target, value) };
}

function parseConditional(cursor: Cursor): Expression {
  if (++cursor.depth > MAX_DEPTH)
    fail('unexpected-token', 'The expression is nested too deeply.', current(cursor).position);
  const condition = parseBinary(cursor, 1);
  let result = condition;
  if (isOperator(cursor, '?')) {
    cursor.index++;
    const whenTrue = parseConditional(cursor);
    expectOperator(cursor, ':', 'the first choice of `?`');
    const whenFalse = parseConditional(cursor);
    result = { kind: 'conditional', condition, whenTrue, whenFalse, ...span(condition, whenFalse) };
  }
  cursor.depth--;
  return result;
}

function parseBinary(cursor: Cursor, minimum: number): Expression {
  let left = parseUnary(cursor);
  for (;;) {
    const token = current(cursor);
    if (token.kind !== 'operator') return left;
    const precedence = PRECEDENCE[token.text as BinaryOperator];
    if (precedence === undefined || precedence < minimum) return left;
    cursor.index++;
    const right = parseBinary(cursor, precedence + 1);
    left = { kind: 'binary', operator: token.text as BinaryOperator, left, right, ...span(left, right) };
  }
}

function parseUnary(cursor: Cursor): Expression {
  const token = current(cursor);
  if (
    token.kind === 'operator' &&
    (token.text === '-' || token.text === '+' || token.text === '~' || token.text === '!')
  ) {
    if (++cursor.depth > MAX_DEPTH) fail('unexpected-token', 'The expression is nested too deeply.', token.position);
    cursor.index++;
    const operand = parseUnary(cursor);
    cursor.depth--;
    return { kind: 'unary', operator: token.text, operand, ...span(token, operand) };
  }
  if (token.kind === 'operator' && (token.text === '*' || token.text === '&')) {
    if (++cursor.depth > MAX_DEPTH) fail('unexpected-token', 'The expression is nested too deeply.', token.position);
    cursor.index++;
    const operand = parseUnary(cursor);
    cursor.depth--;
    return { kind: token.text === '*' ? 'dereference' : 'address-of', operand, ...span(token, operand) };
  }
  if (token.kind === 'name' && token.text === 'sizeof') return parseSizeof(cursor, token);
  const type = castAt(cursor);
  if (type !== undefined) {
    if (++cursor.depth > MAX_DEPTH) fail('unexpected-token', 'The expression is nested too deeply.', token.position);
    const operand = parseUnary(cursor);
    cursor.depth--;
    return { kind: 'cast', type, operand, ...span(token, operand) };
  }
  return parsePostfix(cursor);
}

function parseSizeof(cursor: Cursor, token: Token): Expression {
  cursor.index++;
  const type = typeInParentheses(cursor, () => true);
  if (type !== undefined) return { kind: 'sizeof', operand: type, ...span(token, type) };
  if (++cursor.depth > MAX_DEPTH) fail('unexpected-token', 'The expression is nested too deeply.', token.position);
  const operand = parseUnary(cursor);
  cursor.depth--;
  return { kind: 'sizeof', operand, ...span(token, operand) };
}

/** Members and elements: `vm->exits[3]`, `vm->registers.rax`. */
function parsePostfix(cursor: Cursor): Expression {
  let result = parsePrimary(cursor);
  for (;;) {
    const token = current(cursor);
    if (token.kind === 'operator' && token.text === '->') {
      cursor.index++;
      const name = current(cursor);
      if (name.kind !== 'name' || name.text.startsWith('.'))
        fail('unexpected-token', 'The name of a member follows `->`.', name.position, Math.max(1, name.length));
      cursor.index++;
      result = { kind: 'member', object: result, arrow: true, names: name.text.split('.'), ...span(result, name) };
    } else if (token.kind === 'name' && /^\.[A-Za-z_]/.test(token.text)) {
      cursor.index++;
      const names = token.text.slice(1).split('.');
      result = { kind: 'member', object: result, arrow: false, names, ...span(result, token) };
    } else if (token.kind === 'operator' && token.text === '[') {
      cursor.index++;
      const index = parseConditional(cursor);
      const close = current(cursor);
      expectOperator(cursor, ']', 'the index');
      result = { kind: 'index', object: result, index, ...span(result, close) };
    } else return result;
  }
}

const TYPE_KEYWORDS: ReadonlySet<string> = new Set([
  'struct',
  'union',
  'enum',
  'class',
  'const',
  'volatile',
  'unsigned',
  'signed',
  'int',
  'char',
  'short',
  'long',
  'float',
  'double',
  'void',
  'bool',
  '_Bool',
]);

/** A cast at the cursor: `(struct vm *)`, `(uint8_t)`; undefined, and nothing read, when the parentheses hold an expression. */
function castAt(cursor: Cursor): TypeReference | undefined {
  return typeInParentheses(cursor, (names, pointers, next) => {
    const [first = ''] = names;
    if (pointers > 0 || names.length > 1 || TYPE_KEYWORDS.has(first) || /_t$|^[us](?:8|16|32|64)$/.test(first))
      return true;
    // Two values in a row mean nothing: then the first is a type.
    if (next.kind === 'name') return !next.text.startsWith('.');
    return next.kind === 'number' || (next.kind === 'operator' && (next.text === '~' || next.text === '!'));
  });
}

function typeInParentheses(
  cursor: Cursor,
  isType: (names: readonly string[], pointers: number, next: Token) => boolean,
): TypeReference | undefined {
  const open = current(cursor);
  if (!isOperator(cursor, '(')) return undefined;
  const { tokens } = cursor;
  let at = cursor.index + 1;
  const names: string[] = [];
  for (let token = tokens[at]; token?.kind === 'name' && /^[A-Za-z_]/.test(token.text); token = tokens[++at])
    names.push(token.text);
  let pointers = 0;
  for (let token = tokens[at]; token?.kind === 'operator' && token.text === '*'; token = tokens[++at]) pointers++;
  const close = tokens[at];
  const next = tokens[at + 1];
  if (names.length === 0 || close?.kind !== 'operator' || close.text !== ')' || next === undefined) return undefined;
  if (!isType(names, pointers, next)) return undefined;
  cursor.index = at + 1;
  const name = names.filter((word) => word !== 'const' && word !== 'volatile').join(' ');
  return { kind: 'type', name, pointers, ...span(open, close) };
}

function parsePrimary(cursor: Cursor): Expression {
  const token = current(cursor);
  switch (token.kind) {
    case 'number':
      cursor.index++;
      return token;
    case 'name':
      cursor.index++;
      return parseName(cursor, token);
    case 'operator': {
      if (token.text === '[') return parseMemory(cursor, 8, token);
      if (token.text === '(') {
        cursor.index++;
        const inner = parseConditional(cursor);
        expectOperator(cursor, ')', 'the opening `(`');
        return inner;
      }
      return fail('unexpected-token', `Expected a value, not \`${token.text}\`.`, token.position, token.length);
    }
    case 'end':
      return fail('unexpected-end', 'The expression ends where a value should follow.', token.position, 1);
  }
}

function parseName(cursor: Cursor, token: Token & { kind: 'name' }): Expression {
  const lower = token.text.toLowerCase();
  const size = SIZES[lower];
  if (size !== undefined && isOperator(cursor, '[')) return parseMemory(cursor, size, token);
  const prefix = prefixAt(cursor, token);
  if (prefix !== undefined) {
    cursor.index++;
    const address = parseUnary(cursor);
    return { kind: 'address', prefix, address, ...span(token, address) };
  }
  if (isOperator(cursor, '(')) {
    if (!(CASTS as readonly string[]).includes(lower)) {
      fail(
        'unknown-name',
        `There is no function \`${token.text}\`; there are ${CASTS.join(', ')}.`,
        token.position,
        token.length,
      );
    }
    cursor.index++;
    const argument = parseConditional(cursor);
    const close = current(cursor);
    expectOperator(cursor, ')', `the argument of ${lower}`);
    return { kind: 'call', name: lower, argument, ...span(token, close) };
  }
  return { kind: 'name', name: token.text, position: token.position, length: token.length };
}

function prefixAt(cursor: Cursor, token: Token & { kind: 'name' }): AddressPrefix | undefined {
  const prefix = ADDRESS_PREFIXES.find((candidate) => candidate === token.text.toLowerCase());
  return prefix !== undefined && isOperator(cursor, ':') ? prefix : undefined;
}

function parseMemory(cursor: Cursor, size: MemorySize, start: Token): Expression {
  expectOperator(cursor, '[', 'the size');
  const first = current(cursor);
  let prefix: AddressPrefix | undefined;
  if (first.kind === 'name') {
    cursor.index++;
    prefix = prefixAt(cursor, first);
    if (prefix === undefined) cursor.index--;
    else cursor.index++;
  }
  const address = parseConditional(cursor);
  const close = current(cursor);
  expectOperator(cursor, ']', 'the address');
  return { kind: 'memory', size, prefix, address, ...span(start, close) };
}

/** Every name that an expression mentions. */
export function namesIn(expression: Expression): string[] {
  switch (expression.kind) {
    case 'number':
      return [];
    case 'name':
      return [expression.name];
    case 'unary':
      return namesIn(expression.operand);
    case 'binary':
      return [...namesIn(expression.left), ...namesIn(expression.right)];
    case 'conditional':
      return [...namesIn(expression.condition), ...namesIn(expression.whenTrue), ...namesIn(expression.whenFalse)];
    case 'assignment':
      return [...namesIn(expression.target), ...namesIn(expression.value)];
    case 'memory':
    case 'address':
      return namesIn(expression.address);
    case 'call':
      return namesIn(expression.argument);
    case 'member':
      return namesIn(expression.object);
    case 'index':
      return [...namesIn(expression.object), ...namesIn(expression.index)];
    case 'dereference':
    case 'address-of':
    case 'cast':
      return namesIn(expression.operand);
    case 'sizeof':
      return expression.operand.kind === 'type' ? [] : namesIn(expression.operand);
  }
}
