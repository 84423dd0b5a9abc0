// Logpoints: text with expressions in braces, `value is {rax} at {rip,d}`.

import { errorText } from './expressions/errors.ts';
import type { Context } from './expressions/names.ts';
import { evaluateShown } from './evaluation.ts';

type Piece = { readonly text: string } | { readonly expression: string };

/** Splits a message; `{{` and `}}` are plain braces. Answers an error in words when a brace is left open. */
export function parseLogMessage(message: string): { readonly pieces: readonly Piece[] } | { readonly error: string } {
  const pieces: Piece[] = [];
  let text = '';
  for (let i = 0; i < message.length; i++) {
    const char = message[i] as string;
    if ((char === '{' || char === '}') && message[i + 1] === char) {
      text += char;
      i++;
    } else if (char === '{') {
      const end = message.indexOf('}', i);
      if (end < 0) return { error: `The { at column ${i + 1} has no }; write {{ for a plain brace.` };
      if (text !== '') pieces.push({ text });
      text = '';
      pieces.push({ expression: message.slice(i + 1, end) });
      i = end;
    } else {
      text += char;
    }
  }
  if (text !== '') pieces.push({ text });
  return { pieces };
}

/** The message with its expressions evaluated; an expression that fails shows why in its place. */
export function renderLogMessage(pieces: readonly Piece[], context: Context): string {
  return pieces
    .map((piece) => {
      if ('text' in piece) return piece.text;
      const shown = evaluateShown(piece.expression, context);
      return shown.ok ? shown.value.text : `{${piece.expression}: ${errorText(shown.error)}}`;
    })
    .join('');
}
