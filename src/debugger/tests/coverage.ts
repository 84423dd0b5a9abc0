// Which source lines ran.

import { addressesOfLine, type Image, linesWithCode } from '../../program/image.ts';
import type { Coverage } from './types.ts';

/** Adds what ran in one test: how often the instruction at each linear address was begun. */
export function addCoverage(coverage: Coverage, image: Image, ran: ReadonlyMap<bigint, number>): void {
  for (const path of new Set(image.program.lines.files)) {
    const lines = coverage.get(path) ?? new Map<number, number>();
    for (const line of linesWithCode(image, path)) {
      const place = addressesOfLine(image, path, line);
      if (place === undefined || place.line !== line) continue;
      const count = Math.max(...place.addresses.map((address) => ran.get(address) ?? 0));
      lines.set(line, (lines.get(line) ?? 0) + count);
    }
    if (lines.size > 0) coverage.set(path, lines);
  }
}
