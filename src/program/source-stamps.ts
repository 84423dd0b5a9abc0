// Whether a source file is still the one that a program was built from.
import { md5 } from './md5.ts';
import type { SourceStamp } from './types.ts';

/** A source as it is now, and when the program's own file was last modified: seconds since 1970, undefined where nobody knows. */
export interface SourceNow {
  readonly bytes: Uint8Array;
  readonly modified: number | undefined;
  readonly programModified: number | undefined;
}

/** Seconds within which files that are copied or checked out together get their times, in any order. */
const COPYING = 10;

/**
 * What disagrees, in words that follow "it is not what the program was built from:"; undefined when nothing does. An equal sum settles it: times
 * change with every copy.
 */
export function disagreement(stamp: SourceStamp, now: SourceNow): string | undefined {
  const { bytes, modified, programModified } = now;
  if (stamp.md5 !== undefined) return md5(bytes) === stamp.md5 ? undefined : 'its MD5 sum differs';
  if (stamp.size !== undefined && stamp.size !== bytes.length)
    return `it had ${stamp.size} bytes and has ${bytes.length}`;
  if (modified === undefined) return undefined;
  if (stamp.modified !== undefined && stamp.modified !== Math.floor(modified))
    return `it was modified at ${timeText(stamp.modified)} then, and at ${timeText(modified)} since`;
  if (programModified !== undefined && modified > programModified + COPYING)
    return `it was modified at ${timeText(modified)}, after the program was built at ${timeText(programModified)}`;
  return undefined;
}

/** UTC, to the second: `2024-01-31 12:00:00 UTC`. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
