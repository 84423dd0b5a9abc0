// Whether annotations hold: one judge for sessions and for `ringside test`.

import type { Stop } from '../../machine/types.ts';
import type { Image } from '../../program/image.ts';
import { show } from '../evaluation.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluate } from '../expressions/evaluator.ts';
import type { Context } from '../expressions/names.ts';
import type { Expression } from '../expressions/parser.ts';
import { exitReasonTitle } from '../facts.ts';
import { type Counter, countHit } from '../hits.ts';
import { renderLogMessage } from '../log-messages.ts';
import { currentPosition } from '../position.ts';
import { enterInlined } from '../source/inlined.ts';
import { annotationPlace, type BoundAnnotation } from './binding.ts';

/** An annotation that the processor comes to. */
export interface Point extends Counter {
  readonly annotation: BoundAnnotation;
}

/** What is said about an annotation, with its place where it does not hold. */
export interface Remark<P extends Point> {
  readonly point: P;
  readonly text: string;
}

export interface AnnotationVerdict<P extends Point> {
  readonly failures: readonly Remark<P>[];
  readonly logs: readonly Remark<P>[];
  /** Those that expect the instruction to cause a VM exit: `judgeExit` has the next word. */
  readonly expected: readonly P[];
}

/** Judges the annotations of the instruction that runs next. */
export function judgeAnnotations<P extends Point>(
  points: readonly P[],
  context: Context,
  image: Image,
): AnnotationVerdict<P> {
  const failures: Remark<P>[] = [];
  const logs: Remark<P>[] = [];
  const expected: P[] = [];
  const now = context.machine.history.now();
  for (const point of points) {
    const { annotation } = point.annotation;
    standFor(point, context);
    const inner: Context = { ...context, hits: countHit(point, now) };
    if (annotation.kind === 'log') {
      logs.push({ point, text: renderLogMessage(annotation.pieces, inner) });
      continue;
    }
    const condition = annotation.kind === 'assert' ? annotation.expression : annotation.condition;
    const held = condition === undefined ? undefined : evaluate(condition, inner);
    const where = annotationPlace(image, point.annotation);
    if (held?.ok === false) {
      const text = `"@${annotation.kind} ${annotation.text}" cannot be evaluated: ${errorText(held.error)} (${where})`;
      failures.push({ point, text });
    } else if (annotation.kind === 'assert') {
      if (held?.value.value !== 0n) continue;
      const values = comparedValues(annotation.expression, annotation.text, inner);
      failures.push({ point, text: `Assertion failed: ${annotation.text}${values} (${where})` });
    } else if (held?.value.value !== 0n) expected.push(point);
  }
  if (points.length > 0) standFor(failures[0]?.point, context);
  return { failures, logs, expected };
}

/** Where inlined functions begin, in the one that the annotation's line belongs to. */
function standFor(point: Point | undefined, { machine }: Context): void {
  const { linear } = currentPosition(machine);
  enterInlined(
    machine,
    linear,
    point === undefined ? 0 : { path: point.annotation.path, line: point.annotation.codeLine },
  );
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** `, where total is 4`: what the sides of a comparison were. */
function comparedValues(expression: Expression, text: string, context: Context): string {
  if (expression.kind !== 'binary' || !COMPARISONS.has(expression.operator)) return '';
  const values = [expression.left, expression.right].flatMap((side) => {
    const written = text.slice(side.position, side.position + side.length);
    // A span that begins behind an opening parenthesis is no text to show.
    if (side.kind === 'number' || written.split('(').length !== written.split(')').length) return [];
    const value = evaluate(side, context);
    if (!value.ok) return [];
    const shown = show(side, value.value, context).text;
    return shown === written ? [] : [`${written} is ${shown}`];
  });
  return values.length === 0 ? '' : `, where ${values.join(' and ')}`;
}

/** Exits that come between instructions: an instruction that must exit is not judged by them, it has not run. */
const ASYNCHRONOUS: ReadonlySet<number> = new Set([1, 3, 4, 6, 7, 8, 52]);

/** Judges what the instruction led to that was expected to cause a VM exit. */
export function judgeExit<P extends Point>(expected: readonly P[], stop: Stop, image: Image): readonly Remark<P>[] {
  const reason = stop.kind === 'vm-exit' ? stop.exit.reason & 0xffff : undefined;
  if (reason !== undefined && ASYNCHRONOUS.has(reason)) return [];
  const happened = reason === undefined ? 'no VM exit happened' : `the VM exit was ${exitReasonTitle(reason)}`;
  return expected.flatMap((point) => {
    const { annotation } = point.annotation;
    if (annotation.kind !== 'expect-exit' || annotation.reason === reason) return [];
    const where = annotationPlace(image, point.annotation);
    return [{ point, text: `Expected VM exit ${annotation.text}, but ${happened} (${where})` }];
  });
}
