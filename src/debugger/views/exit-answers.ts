// What the VM exits view asks, answered from a timeline: of a session's machine or of a saved run.

import type { Timeline } from '../../vmx/timeline.ts';
import type { Context } from '../expressions/names.ts';
import { type FilteredExits, filterStep, type FilterStep } from './chosen-exits.ts';
import { exitFilter } from './exit-filter.ts';
import {
  exitPage,
  type ExitPage,
  exitPicture,
  type ExitPicture,
  exitsCsv,
  type ReasonBar,
  reasonBars,
  type SymbolOf,
} from './exits.ts';

export const MOST_ROWS = 1000;
export const MOST_PARTS = 4096;
const MOST_LINES = 5000;

/** Whose exits are asked for. */
export interface ExitSource {
  readonly timeline: Timeline;
  readonly symbolOf: SymbolOf;
  /** What a condition is evaluated against. */
  readonly context: Context;
  /** Instructions retired so far. */
  readonly time: number;
  /** What the last filter found so far. */
  readonly memory: { filtered: FilteredExits | undefined };
}

/** `left` exits are not looked at by the filter yet: ask again. */
export interface ExitsAnswer extends ExitPage {
  readonly left: number;
  readonly happened: number;
  readonly time: number;
  readonly bars: readonly ReasonBar[];
}

/** Lines from place `start` to `next` of `total`. */
export interface CsvAnswer {
  readonly csv: string;
  readonly next: number;
  readonly total: number;
  readonly left: number;
}

type OrError<T> = T | { readonly error: string };

function choose({ timeline, context, memory }: ExitSource, text: string): OrError<FilterStep> {
  const filter = exitFilter(text, context);
  if ('error' in filter) return filter;
  const step = filterStep(timeline, text, filter, memory.filtered);
  memory.filtered = step.filtered;
  return step;
}

export function answerExits(
  source: ExitSource,
  filter: string,
  start: number,
  count: number,
  bars: boolean,
): OrError<ExitsAnswer> {
  const step = choose(source, filter);
  if ('error' in step) return step;
  const { timeline, symbolOf, time } = source;
  return {
    ...exitPage(timeline, symbolOf, step.chosen, start, Math.min(MOST_ROWS, count)),
    left: step.left,
    happened: timeline.count,
    time,
    bars: bars ? reasonBars(timeline) : [],
  };
}

export function answerPicture(
  source: ExitSource,
  filter: string,
  from: number,
  to: number,
  parts: number,
): OrError<ExitPicture> {
  const step = choose(source, filter);
  if ('error' in step) return step;
  return exitPicture(source.timeline, step.chosen, from, Math.max(from + 1, to), Math.min(MOST_PARTS, parts));
}

export function answerCsv(source: ExitSource, filter: string, start: number): OrError<CsvAnswer> {
  const step = choose(source, filter);
  if ('error' in step) return step;
  const { chosen, left } = step;
  const csv = exitsCsv(source.timeline, source.symbolOf, chosen, start, MOST_LINES);
  return { csv, next: Math.min(chosen.count, start + MOST_LINES), total: chosen.count, left };
}
