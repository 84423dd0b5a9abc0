// Applies a client's edits to a text.
import type { Position, TextDocumentContentChangeEvent } from 'vscode-languageserver';

function offsetOf(text: string, line: number, character: number): number {
  let start = 0;
  for (let i = 0; i < line; i++) {
    const next = text.indexOf('\n', start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  return Math.min(start + character, end < 0 ? text.length : end);
}

export function applyChange(text: string, change: TextDocumentContentChangeEvent): string {
  if (!('range' in change)) return change.text;
  const from = offsetOf(text, change.range.start.line, change.range.start.character);
  const to = offsetOf(text, change.range.end.line, change.range.end.character);
  return text.slice(0, from) + change.text + text.slice(to);
}

/** What stands before a place in its line. */
export function linePrefix(text: string, { line, character }: Position): string {
  return text.slice(offsetOf(text, line, 0), offsetOf(text, line, character));
}
