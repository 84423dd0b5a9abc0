// Whether the breakpoints that are met stop or tell something.

import { inBinding } from './bindings.ts';
import { allBreakpoints, type Breakpoint, type BreakpointTable } from './breakpoints.ts';
import { errorText } from './expressions/errors.ts';
import { evaluate } from './expressions/evaluator.ts';
import type { Context } from './expressions/names.ts';
import { countHit, nextHit } from './hits.ts';
import { renderLogMessage } from './log-messages.ts';
import { currentPosition } from './position.ts';
import { enterInlined, type Entered } from './source/inlined.ts';

export interface BreakpointVerdict {
  /** Breakpoints that stop here. */
  readonly stopping: readonly Breakpoint[];
  /** Messages of logpoints. */
  readonly logs: readonly { readonly text: string; readonly breakpoint: Breakpoint }[];
  /** Conditions that could not be evaluated: these stop, so that they are seen. */
  readonly errors: readonly string[];
}

/** Those at a linear address. */
export function breakpointsAt(table: BreakpointTable, linear: bigint): Breakpoint[] {
  return allBreakpoints(table).filter(({ addresses }) => addresses.includes(linear));
}

/** Where an inlined function begins, a breakpoint on the line of its call stands at the call, as a step does, any other in the function. */
function standFor(breakpoint: Breakpoint | undefined, { machine }: Context): void {
  if (breakpoint?.kind === 'data' || breakpoint?.kind === 'event') return;
  enterInlined(machine, currentPosition(machine).linear, breakpoint === undefined ? 0 : enteredFor(breakpoint));
}

function enteredFor({ kind, path, line }: Breakpoint): Entered {
  const named = kind === 'function' || kind === 'instruction' || path === undefined || line === undefined;
  return named ? 'all' : { path, line };
}

/** Decides what breakpoints that are met do; counts the hits of those whose condition holds, or asks for the count. */
export function meetThese(met: readonly Breakpoint[], context: Context): BreakpointVerdict {
  const stopping: Breakpoint[] = [];
  const logs: { text: string; breakpoint: Breakpoint }[] = [];
  const errors: string[] = [];
  const now = context.machine.history.now();
  for (const breakpoint of met) {
    if (!breakpoint.usable || !inBinding(breakpoint.binding, context) || breakpoint.applies?.() === false) continue;
    standFor(breakpoint, context);
    const { countsEvery } = breakpoint;
    const inner: Context = { ...context, hits: countsEvery ? countHit(breakpoint, now) : nextHit(breakpoint, now) };
    if (breakpoint.condition !== undefined) {
      const held = evaluate(breakpoint.condition, inner);
      if (!held.ok) {
        errors.push(`The condition of a breakpoint cannot be evaluated: ${errorText(held.error)}`);
        stopping.push(breakpoint);
        continue;
      }
      if (held.value.value === 0n) continue;
    }
    const hits = countsEvery ? breakpoint.hits : countHit(breakpoint, now);
    if (breakpoint.hitCondition !== undefined && !breakpoint.hitCondition(hits)) continue;
    if (breakpoint.log !== undefined) logs.push({ text: renderLogMessage(breakpoint.log, inner), breakpoint });
    else stopping.push(breakpoint);
  }
  if (met.length > 0) standFor(stopping[0], context);
  return { stopping, logs, errors };
}

/** Whether what it does depends on how often it was met. */
export function dependsOnHits({ countsEvery, hitCondition }: Breakpoint): boolean {
  return countsEvery || hitCondition !== undefined;
}
