// Annotations in a session: breakpoints of a kind that the user writes into the source and switches as groups.

import type { Image } from '../../program/image.ts';
import { type Breakpoint, type BreakpointTable, roomFor } from '../breakpoints.ts';
import { exitReasonTitle } from '../facts.ts';
import { annotationPlace, type BoundAnnotation } from './binding.ts';

/** Which groups are on: all, or those named; '' is the group of annotations without one. */
export type EnabledGroups = 'all' | ReadonlySet<string>;

export interface SessionAnnotations {
  readonly bound: readonly BoundAnnotation[];
  enabled: EnabledGroups;
}

/** Names of the groups, in the order of the sources. */
export function groupsOf({ bound }: SessionAnnotations): string[] {
  return [...new Set(bound.map(({ annotation }) => annotation.group))];
}

export function isEnabled(enabled: EnabledGroups, group: string): boolean {
  return enabled === 'all' || enabled.has(group);
}

/** Puts the annotations of the groups that are on in force. Answers how many found no room. */
export function placeAnnotations(table: BreakpointTable, { bound, enabled }: SessionAnnotations): number {
  table.annotations = [];
  table.version++;
  let without = 0;
  for (const one of bound) {
    if (one.addresses.length === 0 || !isEnabled(enabled, one.annotation.group)) continue;
    if (roomFor(table, one.addresses)) table.annotations.push(pointOf(table, one));
    else without++;
  }
  return without;
}

function pointOf(table: BreakpointTable, one: BoundAnnotation): Breakpoint {
  const { annotation, addresses, path } = one;
  const condition =
    annotation.kind === 'assert'
      ? ({ ...annotation.expression, kind: 'unary', operator: '!', operand: annotation.expression } as const)
      : annotation.kind === 'expect-exit'
        ? annotation.condition
        : undefined;
  return {
    id: table.nextId++,
    kind: 'annotation',
    addresses,
    subject: undefined,
    binding: undefined,
    annotation: one,
    usable: true,
    verified: true,
    message: undefined,
    seen: undefined,
    path,
    line: annotation.line,
    column: annotation.column,
    condition,
    hitCondition: undefined,
    log: annotation.kind === 'log' ? annotation.pieces : undefined,
    hits: 0,
  };
}

/** What is said when an assertion does not hold. */
export function assertionText(image: Image, one: BoundAnnotation): string {
  return `Assertion failed: ${one.annotation.text} (${annotationPlace(image, one)})`;
}

/** What is said when an instruction does not exit as it should; `reason` is the basic reason of the exit that happened. */
export function expectationText(image: Image, one: BoundAnnotation, reason: number | undefined): string {
  const happened = reason === undefined ? 'no VM exit happened' : `the VM exit was ${exitReasonTitle(reason)}`;
  return `Expected VM exit ${one.annotation.text}, but ${happened} (${annotationPlace(image, one)})`;
}
