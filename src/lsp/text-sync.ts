// Applies a client's edits to a text.
import type { TextDocumentContentChangeEvent } from 'vscode-languageserver';

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

export function applyChanges(text: string, changes: readonly TextDocumentContentChangeEvent[]): string {
  let result = text;
  for (const change of changes) {
    if (!('range' in change)) {
      result = change.text;
      continue;
    }
    const from = offsetOf(result, change.range.start.line, change.range.start.character);
    const to = offsetOf(result, change.range.end.line, change.range.end.character);
    result = result.slice(0, from) + change.text + result.slice(to);
  }
  return result;
}
