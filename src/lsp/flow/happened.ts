// What may have happened before each instruction, on any path from the program's start: a set of events as bits. Where
// control arrives from somewhere unknown, everything may have.
import type { FlowGraph } from './graph.ts';

/** What an instruction adds to the events that may have happened, and what it makes undone. */
export interface Effect {
  readonly adds: number;
  readonly undoes: number;
}

/** By node. -1: no path that is known leads there. */
export type Happened = Int32Array;

export const EVERYTHING = 0x3fffffff;

/** More steps than this, and the program is left alone. */
const BUDGET = 3_000_000;

interface Summary {
  /** A path through the routine returns. */
  returns: boolean;
  adds: number;
  /** What was true before and is still. */
  keeps: number;
}

/** `effects`: of the nodes that have some. */
export function happened(graph: FlowGraph, effects: ReadonlyMap<number, Effect>): Happened | undefined {
  const state = new Int32Array(graph.nodes.length).fill(-1);
  const budget = { left: BUDGET };
  const summaries = summarize(graph, effects, budget);
  if (summaries === undefined) return undefined;
  const queue: number[] = [];
  const arrive = (node: number, events: number): void => {
    if (node < 0) return;
    const known = state[node]!;
    const all = known < 0 ? events : known | events;
    if (all === known) return;
    state[node] = all;
    queue.push(node);
  };
  for (const node of graph.open) arrive(node, EVERYTHING);
  for (const node of graph.entries) arrive(node, 0);
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (--budget.left < 0) return undefined;
    const { step, next, target } = graph.nodes[at]!;
    const after = apply(state[at]!, effects.get(at));
    switch (step.flow) {
      case 'plain':
        arrive(next, after);
        break;
      case 'data':
        arrive(next, EVERYTHING);
        break;
      case 'jump':
        arrive(target, after);
        break;
      case 'branch':
        arrive(target, after);
        arrive(next, after);
        break;
      case 'call': {
        arrive(target, after);
        const summary = target < 0 ? UNKNOWN : summaries.get(target)!;
        if (summary.returns) arrive(next, summary.adds | (after & summary.keeps));
        break;
      }
      default:
        break;
    }
  }
  return state;
}

const UNKNOWN: Summary = { returns: true, adds: EVERYTHING, keeps: EVERYTHING };

const apply = (events: number, effect: Effect | undefined): number =>
  effect === undefined ? events : (events & ~effect.undoes) | effect.adds;

/** What each called routine does to the events, as a whole. */
function summarize(
  graph: FlowGraph,
  effects: ReadonlyMap<number, Effect>,
  budget: { left: number },
): Map<number, Summary> | undefined {
  const summaries = new Map<number, Summary>();
  for (const { step, target } of graph.nodes)
    if (step.flow === 'call' && target >= 0) summaries.set(target, { returns: false, adds: 0, keeps: 0 });
  const scratch = createScratch(graph.nodes.length);
  // Callees mostly stand behind or before all their callers: two orders in turn settle soon.
  const routines = [...summaries.keys()];
  for (let changed = true; changed; ) {
    changed = false;
    for (const routine of routines) {
      const result = walk(graph, effects, summaries, routine, budget, scratch);
      if (result === undefined) return undefined;
      const known = summaries.get(routine)!;
      if (result.returns !== known.returns || result.adds !== known.adds || result.keeps !== known.keeps) {
        summaries.set(routine, result);
        changed = true;
      }
    }
    routines.reverse();
  }
  return summaries;
}

/** States of the nodes in the walk through a routine, used again for the next. */
interface Scratch {
  walks: number;
  /** The walk that came to a node last. */
  readonly walked: Int32Array;
  readonly allAdds: Int32Array;
  readonly allKeeps: Int32Array;
}

const createScratch = (nodes: number): Scratch => ({
  walks: 0,
  walked: new Int32Array(nodes),
  allAdds: new Int32Array(nodes),
  allKeeps: new Int32Array(nodes),
});

function walk(
  graph: FlowGraph,
  effects: ReadonlyMap<number, Effect>,
  summaries: ReadonlyMap<number, Summary>,
  routine: number,
  budget: { left: number },
  scratch: Scratch,
): Summary | undefined {
  const result: Summary = { returns: false, adds: 0, keeps: 0 };
  const { walked, allAdds, allKeeps } = scratch;
  const walkNumber = ++scratch.walks;
  const queue: number[] = [];
  const arrive = (node: number, adds: number, keeps: number): void => {
    if (node < 0) {
      leave(adds, keeps);
      return;
    }
    if (walked[node] !== walkNumber) {
      walked[node] = walkNumber;
      allAdds[node] = adds;
      allKeeps[node] = keeps;
    } else {
      const more = allAdds[node]! | adds;
      const kept = allKeeps[node]! | keeps;
      if (more === allAdds[node] && kept === allKeeps[node]) return;
      allAdds[node] = more;
      allKeeps[node] = kept;
    }
    queue.push(node);
  };
  const leave = (adds: number, keeps: number): void => {
    result.returns = true;
    result.adds |= adds;
    result.keeps |= keeps;
  };
  arrive(routine, 0, EVERYTHING);
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (--budget.left < 0) return undefined;
    const { step, next, target } = graph.nodes[at]!;
    const effect = effects.get(at);
    const adds = apply(allAdds[at]!, effect);
    const keeps = effect === undefined ? allKeeps[at]! : allKeeps[at]! & ~effect.undoes;
    switch (step.flow) {
      case 'plain':
        if (next >= 0) arrive(next, adds, keeps);
        break;
      case 'data':
        if (next >= 0) arrive(next, EVERYTHING, EVERYTHING);
        break;
      case 'jump':
        if (target < 0) leave(EVERYTHING, EVERYTHING);
        else arrive(target, adds, keeps);
        break;
      case 'branch':
        if (target < 0) leave(EVERYTHING, EVERYTHING);
        else arrive(target, adds, keeps);
        arrive(next, adds, keeps);
        break;
      case 'call': {
        const summary = target < 0 ? UNKNOWN : summaries.get(target)!;
        if (summary.returns) arrive(next, summary.adds | (adds & summary.keeps), keeps & summary.keeps);
        break;
      }
      default:
        leave(adds, keeps);
    }
  }
  return result;
}
