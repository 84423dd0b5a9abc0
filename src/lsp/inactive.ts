// Parts that a condition left out, as ranges of lines.
import type { Range } from 'vscode-languageserver';
import { lineKey } from '../asm/preprocessor/state.ts';
import { linesOfFile } from './comments.ts';
import type { Program } from './program.ts';

export function inactiveRanges(program: Program, file: number): Range[] {
  const { skipped } = program.trace;
  if (skipped.size === 0) return [];
  const lines = linesOfFile(program, file);
  const ranges: Range[] = [];
  let start = 0;
  let last = 0;
  const close = (): void => {
    if (start > 0)
      ranges.push({
        start: { line: start - 1, character: 0 },
        end: { line: last - 1, character: lines[last - 1]?.length ?? 0 },
      });
    start = 0;
  };
  for (let line = 1; line <= lines.length; line++) {
    if (skipped.has(lineKey(file, line))) {
      if (start === 0) start = line;
      last = line;
    } else if (!/^\s*(;.*)?$/.test(lines[line - 1]!)) close();
  }
  close();
  return ranges;
}
