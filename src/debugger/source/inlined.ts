// Calls of inlined functions. They are no instruction: where an inlined copy begins, the processor stands at the call and in the copy at once.
// A person gets there in two steps: first at the call, in the caller's line; stepping in enters the copy without moving the processor.

import type { Machine } from '../../machine/types.ts';
import type { FunctionInstance } from '../../program/debug-info.ts';
import { type Image, type LineAt, lineAt } from '../../program/image.ts';

/** Which of the copies that begin where the processor stands count as entered: so many, all, or down to the one that shows a source line. */
export type Entered = number | 'all' | { readonly path: string; readonly line: number };

interface Moment {
  readonly time: number;
  readonly processor: number;
  readonly linear: bigint;
  readonly entered: Entered;
}

/** What was entered last; it holds until the machine moves. */
const MOMENTS = new WeakMap<Machine, Moment>();

/** Where the processor stands in the source. */
export interface Standing {
  /** The functions around it that are entered, outermost first. */
  readonly functions: readonly FunctionInstance[];
  /** How many of them are copies that begin here. */
  readonly entered: number;
  /** The copy that is called here and not entered. */
  readonly called: FunctionInstance | undefined;
  /** The line of the innermost function that is entered: that of the call when there is one here. */
  readonly line: LineAt | undefined;
}

/** From now until the selected processor moves. */
export function enterInlined(machine: Machine, linear: bigint, entered: Entered): void {
  MOMENTS.set(machine, { time: machine.time(), processor: machine.processor(), linear, entered });
}

/** How the selected processor stands at an address, where it has just come to or where something was entered. */
export function standingAt(machine: Machine, image: Image, linear: bigint): Standing {
  const all = image.program.debug?.functionsAt(linear) ?? [];
  const begun = copiesThatBegin(all, linear);
  const count = begun === 0 ? 0 : enteredOf(machine, image, all, begun, linear);
  const depth = all.length - begun + count;
  const called = all[depth];
  return { functions: all.slice(0, depth), entered: count, called, line: lineIn(image, linear, called) };
}

function enteredOf(
  machine: Machine,
  image: Image,
  all: readonly FunctionInstance[],
  begun: number,
  linear: bigint,
): number {
  const moment = MOMENTS.get(machine);
  const holds = moment?.linear === linear && moment.time === machine.time() && moment.processor === machine.processor();
  if (!holds) return 0;
  const { entered } = moment;
  if (typeof entered === 'number') return Math.min(entered, begun);
  if (entered === 'all') return begun;
  for (let count = begun; count >= 0; count--) {
    const line = lineIn(image, linear, all[all.length - begun + count]);
    if (line?.line === entered.line && line.path === entered.path) return count;
  }
  return begun;
}

function copiesThatBegin(functions: readonly FunctionInstance[], linear: bigint): number {
  const other = functions.findLastIndex((instance) => !instance.inlined || !beginsAt(instance, linear));
  return functions.length - 1 - other;
}

/** At its entry, or where another stretch of it begins: compilers that unroll loops describe all turns as one copy. */
function beginsAt({ start, ranges }: FunctionInstance, linear: bigint): boolean {
  if (start === linear) return true;
  return ranges.some((range) => range.start === linear) && !ranges.some((range) => range.end === linear);
}

function lineIn(image: Image, linear: bigint, called: FunctionInstance | undefined): LineAt | undefined {
  return called === undefined ? lineAt(image, linear) : lineOfCall(image, called);
}

/** The line that an inlined copy is called in. */
export function lineOfCall(image: Image, { call, start }: FunctionInstance): LineAt | undefined {
  if (call === undefined) return undefined;
  const file = image.program.lines.files.indexOf(call.path);
  return { file, path: call.path, line: call.line, column: call.column, start, end: start };
}
