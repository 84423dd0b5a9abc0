// Where two versions of a text differ, in whole lines.
import { continues } from './lexer.ts';

export interface ChangedPart {
  /** Offset in both texts where the first changed line begins. */
  readonly from: number;
  /** Offsets behind the last changed line. */
  readonly oldEnd: number;
  readonly newEnd: number;
  /** Numbers of the first changed line, and of the last one in the old text. */
  readonly firstLine: number;
  readonly oldLast: number;
  /** How far the lines below have moved. */
  readonly shift: number;
}

function countNewlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let i = text.indexOf('\n', from); i >= 0 && i < to; i = text.indexOf('\n', i + 1)) count++;
  return count;
}

/** Whether the line that ends with the newline at `end` goes on behind it. */
function goesOn(text: string, end: number): boolean {
  return continues(text, end === 0 ? 0 : text.lastIndexOf('\n', end - 1) + 1, end);
}

/** The lines that changed, with those that a backslash joins to them. */
export function changedPart(old: string, text: string): ChangedPart {
  const shorter = Math.min(old.length, text.length);
  let from = 0;
  while (from < shorter && old.charCodeAt(from) === text.charCodeAt(from)) from++;
  let tail = 0;
  while (tail < shorter - from && old.charCodeAt(old.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail))
    tail++;
  from = from === 0 ? 0 : text.lastIndexOf('\n', from - 1) + 1;
  while (from > 0 && goesOn(text, from - 1)) from = from < 2 ? 0 : text.lastIndexOf('\n', from - 2) + 1;
  let oldEnd = old.length - tail;
  let newEnd = text.length - tail;
  for (;;) {
    const next = old.indexOf('\n', oldEnd);
    if (next < 0) {
      oldEnd = old.length;
      newEnd = text.length;
      break;
    }
    newEnd += next - oldEnd;
    oldEnd = next;
    if (!goesOn(old, oldEnd) && !goesOn(text, newEnd)) break;
    oldEnd++;
    newEnd++;
  }
  const firstLine = 1 + countNewlines(text, 0, from);
  const oldCount = countNewlines(old, from, oldEnd);
  return {
    from,
    oldEnd,
    newEnd,
    firstLine,
    oldLast: firstLine + oldCount,
    shift: countNewlines(text, from, newEnd) - oldCount,
  };
}
