// What a person is about to write: the line up to the cursor, as far as it is a statement.
import { formsOf, isMnemonic } from '../asm/encoder/forms.ts';
import { PREFIX_NAMES } from '../asm/encoder/prefixes.ts';
import { lexText } from '../asm/lexer.ts';
import { isKeyword } from '../asm/parser.ts';
import { TOKEN, type Token } from '../asm/tokens.ts';
import { commentStart } from './comments.ts';

export type Cursor =
  | { readonly kind: 'none' }
  /** Inside the quotes of %include. */
  | { readonly kind: 'include'; readonly typed: string }
  | { readonly kind: 'directive'; readonly typed: string }
  /** Where a mnemonic, directive or macro is expected. */
  | { readonly kind: 'statement'; readonly typed: string; readonly labelled: boolean }
  | {
      readonly kind: 'operand';
      readonly typed: string;
      /** Mnemonic, directive or macro name in lower case, and as written. */
      readonly head: string;
      readonly written: string;
      /** From 0. */
      readonly index: number;
      readonly inBrackets: boolean;
      /** Texts of the operands before this one. */
      readonly before: readonly string[];
    };

const PLACE = { file: 0, line: 1, column: 1, end: 1 };

/** Nobody writes a longer line by hand. */
const LONGEST = 5000;

/** `before`: the text of the line up to the cursor. */
export function cursorOf(before: string): Cursor {
  if (before.length > LONGEST) return { kind: 'none' };
  const include = /^\s*%include\s+["'`]([^"'`]*)$/i.exec(before);
  if (include) return { kind: 'include', typed: include[1]! };
  if (commentStart(before) >= 0) return { kind: 'none' };
  const directive = /^\s*(%[A-Za-z]*)$/.exec(before);
  if (directive) return { kind: 'directive', typed: directive[1]! };
  if (/(["'`])[^"'`]*$/.test(before) && (before.match(/["'`]/g)?.length ?? 0) % 2 === 1) return { kind: 'none' };
  const typed = /[\w.$@?#~%]*$/.exec(before)![0];
  const tokens = lexText(before.slice(0, before.length - typed.length), PLACE);
  const head = headOf(tokens);
  if (head === undefined) return { kind: 'statement', typed, labelled: tokens.length > 0 };
  const rest = tokens.slice(head.at + 1);
  let depth = 0;
  let brackets = 0;
  const operands: string[] = [''];
  for (const token of rest) {
    if (token.kind === TOKEN.punctuation) {
      if (token.text === '[') brackets++;
      else if (token.text === ']') brackets--;
      else if (token.text === '(' || token.text === '{') depth++;
      else if (token.text === ')' || token.text === '}') depth--;
      else if (token.text === ',' && depth <= 0 && brackets <= 0) {
        operands.push('');
        continue;
      }
    }
    operands[operands.length - 1] += `${operands[operands.length - 1] === '' ? '' : ' '}${token.text}`;
  }
  const current = operands.pop()!;
  if (!/\s$/.test(before.slice(0, before.length - typed.length)) && rest.length === 0)
    return { kind: 'statement', typed, labelled: head.at > 0 };
  return {
    kind: 'operand',
    typed,
    head: head.token.text.toLowerCase(),
    written: head.token.text,
    index: operands.length,
    inBrackets: brackets > 0 || current.includes('['),
    before: operands,
  };
}

/** The word that says what the statement is: behind a label and prefixes. */
function headOf(tokens: readonly Token[]): { readonly token: Token; readonly at: number } | undefined {
  let at = 0;
  if (tokens[1]?.text === ':') at = 2;
  else if (tokens[0] !== undefined && tokens.length >= 2 && !isKeyword(tokens[0].text.toLowerCase())) {
    const second = tokens[1]!.text.toLowerCase();
    if (tokens[0].kind === TOKEN.identifier && isKeyword(second) && !isMnemonicLike(tokens)) at = 1;
  }
  while (tokens[at] !== undefined && PREFIX_NAMES.has(tokens[at]!.text.toLowerCase())) at++;
  const token = tokens[at];
  return token === undefined || (token.kind !== TOKEN.identifier && token.kind !== TOKEN.percent)
    ? undefined
    : { token, at };
}

const isMnemonicLike = (tokens: readonly Token[]): boolean => formsOf(tokens[0]!.text.toLowerCase()) !== undefined;

export const takesOperands = (mnemonic: string): boolean =>
  isMnemonic(mnemonic) && (formsOf(mnemonic)?.some((f) => f.operands.length > 0) ?? false);
