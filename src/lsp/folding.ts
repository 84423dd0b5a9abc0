// What can be folded: macros, conditions, repetitions, structures, labels' code, and blocks of comments.
import type { FoldingRange } from 'vscode-languageserver';

const OPENS = /^\s*(%(?:i?r?macro|if\w*|rep)|struc|istruc)\b/i;
const CLOSES = /^\s*(%(?:endmacro|endm|endif|endrep)|endstruc|iend)\b/i;
const MIDDLE = /^\s*%(?:elif\w*|else)\b/i;
const LABEL = /^\s*([A-Za-z_?@$][\w$#@~.?]*)\s*:(?!:)/;
const SECTION = /^\s*\[?(?:section|segment)\b/i;

export function foldingRanges(text: string): FoldingRange[] {
  const lines = text.split(/\r?\n/);
  const ranges: FoldingRange[] = [];
  const open: number[] = [];
  let comment = -1;
  let label = -1;
  let section = -1;
  const add = (startLine: number, endLine: number, kind?: 'comment' | 'region'): void => {
    if (endLine > startLine) ranges.push(kind === undefined ? { startLine, endLine } : { startLine, endLine, kind });
  };
  /** The last line before `line` that is not empty. */
  const before = (line: number): number => {
    let last = line - 1;
    while (last >= 0 && /^\s*(;.*)?$/.test(lines[last]!)) last--;
    return last;
  };
  lines.forEach((line, i) => {
    if (/^\s*;/.test(line)) {
      if (comment < 0) comment = i;
    } else {
      if (comment >= 0) add(comment, i - 1, 'comment');
      comment = -1;
    }
    if (OPENS.test(line)) open.push(i);
    else if (CLOSES.test(line)) {
      const start = open.pop();
      if (start !== undefined) add(start, i);
    } else if (MIDDLE.test(line)) {
      const start = open.pop();
      if (start !== undefined) add(start, i - 1);
      open.push(i);
    } else if (SECTION.test(line) && open.length === 0) {
      if (label >= 0) add(label, before(i));
      if (section >= 0) add(section, before(i));
      label = -1;
      section = i;
    } else if (LABEL.test(line) && open.length === 0) {
      if (label >= 0) add(label, before(i));
      label = i;
    }
  });
  if (comment >= 0) add(comment, lines.length - 1, 'comment');
  if (label >= 0) add(label, before(lines.length));
  if (section >= 0) add(section, before(lines.length));
  return ranges;
}
