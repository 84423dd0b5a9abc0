// VM exits at the source lines of the guest instructions that exited, for marks in an editor.

import type { Machine } from '../../machine/types.ts';
import { type Image, lineAt } from '../../program/image.ts';
import { exitReasonTitle } from '../facts.ts';

export interface LineExits {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** The SDM's name of the exit reason. */
  readonly title: string;
  readonly count: number;
  /** Instructions from VM exit to VM entry in the mean; null while no exit was followed by one. */
  readonly mean: number | null;
}

/** One row a line and reason, in no particular order. */
export function lineExits(machine: Machine, image: Image): LineExits[] {
  const rows = new Map<
    string,
    { row: Omit<LineExits, 'count' | 'mean'>; count: number; handled: number; total: number }
  >();
  for (const place of machine.exitStatistics().places) {
    const at = place.linear === undefined ? undefined : lineAt(image, place.linear);
    if (at === undefined) continue;
    const row = { path: at.path, line: at.line, title: exitReasonTitle(place.reason) };
    const key = `${row.line} ${place.reason} ${row.path}`;
    const known = rows.get(key) ?? { row, count: 0, handled: 0, total: 0 };
    known.count += place.count;
    known.handled += place.handled;
    known.total += place.total;
    rows.set(key, known);
  }
  return [...rows.values()].map(({ row, count, handled, total }) => ({
    ...row,
    count,
    mean: handled === 0 ? null : total / handled,
  }));
}
