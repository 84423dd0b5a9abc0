// Annotations in a session: breakpoints of a kind that the user writes into the source and switches as groups. judge.ts says whether they hold.

import { type Breakpoint, type BreakpointTable, roomFor } from '../breakpoints.ts';
import { createCounter } from '../hits.ts';
import type { BoundAnnotation } from './binding.ts';

/** A breakpoint that a comment of the source stands for. */
export type AnnotationPoint = Breakpoint & { readonly annotation: BoundAnnotation };

export function isAnnotation(breakpoint: Breakpoint): breakpoint is AnnotationPoint {
  return breakpoint.annotation !== undefined;
}

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

function pointOf(table: BreakpointTable, one: BoundAnnotation): AnnotationPoint {
  const { annotation, addresses, path } = one;
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
    condition: undefined,
    countsEvery: false,
    hitCondition: undefined,
    log: undefined,
    request: '',
    ...createCounter(),
  };
}
