// Whether the user wants the machine to stand still where it stopped.

import type { Machine, Stop } from '../../machine/types.ts';
import { judgeAnnotations, judgeExit } from '../annotations/judge.ts';
import { type AnnotationPoint, isAnnotation } from '../annotations/points.ts';
import { breakpointsAt, meetThese } from '../breakpoint-verdicts.ts';
import type { Breakpoint } from '../breakpoints.ts';
import type { Contexts } from '../contexts.ts';
import { meetFilters } from '../exit-filters.ts';
import type { Images } from '../images.ts';
import { currentPosition } from '../position.ts';
import { lookAfterwards, type Met, metByTransition, metByWatch, wordsFor } from '../watchpoints.ts';
import type { Cause } from './cause.ts';
import type { InForce } from './in-force.ts';

export interface Judge {
  readonly machine: Machine;
  readonly images: Images;
  readonly contexts: Contexts;
  readonly force: InForce;
  /** What logpoints tell. */
  readonly tell: (text: string, breakpoint: Breakpoint) => void;
  /** The next VM exit stops, whatever it is. */
  firstExitWanted: boolean;
  /** What a watch tells before it happens had its say, and has not happened yet. */
  watchJudged: boolean;
  /** Annotations about the instruction that comes next: it must cause a VM exit. */
  expected: readonly AnnotationPoint[];
  /** What was expected and did not happen. */
  unmet: Cause | undefined;
}

/** Undefined: run on. */
export function judge(state: Judge, stop: Stop): Cause | undefined {
  const { unmet } = state;
  state.unmet = undefined;
  return unmet ?? judgeEvent(state, stop) ?? judgeArrival(state);
}

function judgeEvent(state: Judge, stop: Stop): Cause | undefined {
  if (stop.kind === 'budget' || stop.kind === 'breakpoint') return undefined;
  if (stop.kind === 'watch') return judgeWatch(state, stop);
  const { machine, contexts, force } = state;
  const verdict = meetFilters(force.filters, stop, contexts(machine.side()));
  const own = meet(state, metByTransition(force.breakpoints, stop));
  const errors = [...verdict.errors, ...own.errors];
  const breakpoints = own.stopping;
  const wanted = verdict.stopping.length > 0 || breakpoints.length > 0;
  switch (stop.kind) {
    case 'vm-exit': {
      const first = state.firstExitWanted;
      state.firstExitWanted = false;
      return wanted || first ? { kind: 'vm-exit', exit: stop.exit, breakpoints, errors } : undefined;
    }
    case 'vm-entry':
      return wanted ? { kind: 'vm-entry', entry: stop.entry, breakpoints, errors } : undefined;
    case 'entry-failure':
      return wanted ? { kind: 'entry-failure', failure: stop.failure, errors } : undefined;
    case 'vm-fail':
      return wanted ? { kind: 'vm-fail', fail: stop.fail, errors } : undefined;
    case 'triple-fault':
      return wanted ? { kind: 'triple-fault', faults: stop.faults, errors } : { kind: 'idle', explanation: SHUT_DOWN };
    case 'vmx-abort':
      return wanted
        ? { kind: 'vmx-abort', indicator: stop.indicator, explanation: stop.explanation, errors }
        : { kind: 'idle', explanation: SHUT_DOWN };
    case 'idle':
      return { kind: 'idle', explanation: stop.explanation };
    case 'unsimulated':
      return { kind: 'unsimulated', explanation: stop.explanation };
    default:
      return undefined;
  }
}

const SHUT_DOWN = 'The processor is in the shutdown state: only a reset would end it.';

/** What was watched has happened, or is about to. Data whose change cannot be told before is looked at after one instruction. */
function judgeWatch(state: Judge, stop: Stop & { kind: 'watch' }): Cause | undefined {
  const { machine } = state;
  const { owners } = state.force;
  state.watchJudged = stop.before;
  const cause = watchCause(state, metByWatch(machine, owners, stop));
  if (cause !== undefined) return cause;
  const later = lookAfterwards(owners, stop);
  if (later.length === 0) return undefined;
  const after = machine.step();
  state.watchJudged = false;
  const read = stop.hits.every(({ access }) => access === 'read');
  const met = later.flatMap((breakpoint): Met[] => {
    const text = wordsFor(machine, breakpoint, read);
    return text === undefined ? [] : [{ breakpoint, text }];
  });
  return watchCause(state, met) ?? judgeEvent(state, after);
}

function watchCause(state: Judge, met: readonly Met[]): Cause | undefined {
  const verdict = meet(
    state,
    met.map(({ breakpoint }) => breakpoint),
  );
  if (verdict.stopping.length === 0) return undefined;
  const texts = met.filter(({ breakpoint }) => verdict.stopping.includes(breakpoint)).map(({ text }) => text);
  return { kind: 'watch', breakpoints: verdict.stopping, text: texts.join('\n'), errors: verdict.errors };
}

function meet({ machine, contexts, tell }: Judge, met: readonly Breakpoint[]): ReturnType<typeof meetThese> {
  const verdict = meetThese(met, contexts(machine.side()));
  for (const log of verdict.logs) tell(log.text, log.breakpoint);
  return verdict;
}

function judgeArrival(state: Judge): Cause | undefined {
  const { machine, images, contexts, force, tell } = state;
  if (force.addresses.size === 0) return undefined;
  const { linear } = currentPosition(machine);
  if (!force.addresses.has(linear)) return undefined;
  const here = breakpointsAt(force.breakpoints, linear);
  const side = machine.side();
  const annotated = judgeAnnotations(here.filter(isAnnotation), contexts(side), images.view(side));
  for (const { text, point } of annotated.logs) tell(text, point);
  state.expected = annotated.expected;
  const { stopping, errors } = meet(
    state,
    here.filter((breakpoint) => !isAnnotation(breakpoint)),
  );
  if (annotated.failures.length > 0) {
    const breakpoints = [...annotated.failures.map(({ point }) => point), ...stopping];
    return { kind: 'assertion', breakpoints, text: textOf(annotated.failures), errors };
  }
  return stopping.length === 0 && errors.length === 0
    ? undefined
    : { kind: 'breakpoint', breakpoints: stopping, errors };
}

/** One instruction, which is expected to cause a VM exit. */
export function stepExpecting(state: Judge): Stop {
  const { machine, images } = state;
  const stop = machine.step({ honourWatches: true, skipWatch: state.watchJudged });
  if ((stop.kind === 'watch' && stop.before) || (stop.kind === 'budget' && stop.waiting === true)) return stop;
  const failures = judgeExit(state.expected, stop, images.view(machine.side()));
  state.expected = [];
  if (failures.length > 0) {
    const breakpoints = failures.map(({ point }) => point);
    state.unmet = { kind: 'assertion', breakpoints, text: textOf(failures), errors: [] };
  }
  return stop;
}

const textOf = (remarks: readonly { readonly text: string }[]): string => remarks.map(({ text }) => text).join('\n');
