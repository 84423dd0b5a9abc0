// "Is X meant?": the known word that is nearest to a mistyped one.

import { editDistance } from '../asm/edit-distance.ts';

/** The candidate that the fewest single-character edits make of `word`, at most `limit`; undefined when none is that near. */
export function closest(word: string, candidates: Iterable<string>, limit: number): string | undefined {
  let best: string | undefined;
  let least = limit + 1;
  for (const candidate of candidates) {
    const edits = Math.abs(candidate.length - word.length) < least ? editDistance(word, candidate) : least;
    if (edits < least) {
      best = candidate;
      least = edits;
    }
  }
  return best;
}
