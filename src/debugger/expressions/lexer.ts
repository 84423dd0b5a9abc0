// Text to tokens.

import { fail } from './errors.ts';

export type Token =
  | {
      readonly kind: 'number';
      readonly value: bigint;
      readonly form: NumberForm;
      readonly position: number;
      readonly length: number;
    }
  | { readonly kind: 'name'; readonly text: string; readonly position: number; readonly length: number }
  | { readonly kind: 'operator'; readonly text: string; readonly position: number; readonly length: number }
  | { readonly kind: 'end'; readonly position: number; readonly length: number };

/** How a number was written: what C makes its type by. */
export interface NumberForm {
  readonly decimal: boolean;
  /** By suffixes: `u`, `l`, `ul`. */
  readonly unsigned: boolean;
  readonly long: boolean;
}

/** Longest first, so that the first match is the right one. */
// biome-ignore format: one look
const OPERATORS = [
  '<<=', '>>=', '->', '<<', '>>', '<=', '>=', '==', '!=', '&&', '||', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=',
  '+', '-', '*', '/', '%', '&', '|', '^', '~', '!', '<', '>', '=', '?', ':', '(', ')', '[', ']', ',', ';',
] as const;

const NAME_START = /[A-Za-z_$@.]/;
/** A dot joins prefixes, members and local labels (`guest.rip`, `vm.name`, `loop.next`), `::` scopes of C++ and Rust; `$`, `@`, `?` and `#` occur in NASM symbols. */
const NAME = /[A-Za-z_.][A-Za-z0-9_.$@#]*(?:::~?[A-Za-z_][A-Za-z0-9_.$@#]*)*|[$@][A-Za-z0-9_.$@#]+/y;
const NUMBER = /0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9a-zA-Z_]*/y;

/** Throws ExpressionFailure. Numbers: 0x1F, 1Fh, 0b101, 0o17, 42, with `_` between digits and the suffixes of C behind them. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const char = text[position] as string;
    if (/\s/.test(char)) {
      position++;
      continue;
    }
    if (char >= '0' && char <= '9') {
      NUMBER.lastIndex = position;
      const raw = NUMBER.exec(text)?.[0] ?? char;
      tokens.push({ kind: 'number', ...parseNumber(raw, position), position, length: raw.length });
      position += raw.length;
      continue;
    }
    if (char === "'") {
      const match = /'([^'\\]{1,8})'/y;
      match.lastIndex = position;
      const found = match.exec(text);
      if (found?.[1] === undefined) fail('bad-number', "A character constant is '…' with 1 to 8 characters.", position);
      let value = 0n;
      for (let i = found[1].length - 1; i >= 0; i--) value = (value << 8n) | BigInt(found[1].charCodeAt(i) & 0xff);
      tokens.push({ kind: 'number', value, form: PLAIN, position, length: found[0].length });
      position += found[0].length;
      continue;
    }
    if (NAME_START.test(char)) {
      NAME.lastIndex = position;
      const raw = NAME.exec(text)?.[0];
      if (raw !== undefined) {
        tokens.push({ kind: 'name', text: raw, position, length: raw.length });
        position += raw.length;
        continue;
      }
    }
    const operator = OPERATORS.find((candidate) => text.startsWith(candidate, position));
    if (operator === undefined) fail('bad-character', `\`${char}\` has no meaning in an expression.`, position);
    tokens.push({ kind: 'operator', text: operator, position, length: operator.length });
    position += operator.length;
  }
  tokens.push({ kind: 'end', position: text.length, length: 0 });
  return tokens;
}

const PLAIN: NumberForm = { decimal: true, unsigned: false, long: false };
const SUFFIX = /(?:[uU][lL]{0,2}|[lL]{1,2}[uU]?)$/;

function parseNumber(raw: string, position: number): { readonly value: bigint; readonly form: NumberForm } {
  const written = raw.replaceAll('_', '');
  const suffix = SUFFIX.exec(written)?.[0].toLowerCase() ?? '';
  const digits = written.slice(0, written.length - suffix.length);
  let value: bigint;
  let decimal = false;
  if (/^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+)$/.test(digits)) {
    value = BigInt(digits.toLowerCase());
    decimal = /^[0-9]+$/.test(digits);
  } else if (/^[0-9][0-9a-fA-F]*[hH]$/.test(written)) value = BigInt(`0x${written.slice(0, -1)}`);
  else fail('bad-number', `\`${raw}\` is not a number; write 0x1f, 1fh, 0b11111, 0o37 or 31.`, position, raw.length);
  if (value >= 1n << 64n) fail('bad-number', `\`${raw}\` needs more than 64 bits.`, position, raw.length);
  return { value, form: { decimal, unsigned: suffix.includes('u'), long: suffix.includes('l') } };
}
