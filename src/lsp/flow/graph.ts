// The control flow of an assembled program: which instruction can follow which. What cannot be known is open: a label whose
// address the program uses, or that it exports, may be reached from anywhere.
import type { Expression } from '../../asm/expression.ts';
import type { Statement } from '../../asm/statement.ts';
import { type Program, scopeOf, valueIn } from '../program.ts';
import { type Step, stepOf } from './step.ts';

export interface FlowGraph {
  /** Instructions and data, in the order of the program. */
  readonly nodes: readonly FlowNode[];
  /** Node of a statement, by its place in the program's list; -1: it has none. */
  readonly byOrder: Int32Array;
  /** Where the program begins. */
  readonly entries: readonly number[];
  /** Where control may arrive from somewhere unknown. */
  readonly open: readonly number[];
}

export interface FlowNode {
  readonly statement: Statement;
  readonly step: Step;
  readonly order: number;
  /** The node behind it in its section; -1: none. */
  next: number;
  /** Of jumps, branches and calls; -1: unknown. */
  target: number;
}

interface Place {
  readonly section: number;
  readonly offset: number;
}

const graphs = new WeakMap<Program, FlowGraph>();

export function flowGraph(program: Program): FlowGraph {
  let graph = graphs.get(program);
  if (graph === undefined) {
    graph = build(program);
    graphs.set(program, graph);
  }
  return graph;
}

function build(program: Program): FlowGraph {
  const { statements, assembly } = program;
  const offsets = assembly.passes.at(-1)?.offsets ?? [];
  const nodes: FlowNode[] = [];
  const byOrder = new Int32Array(statements.length).fill(-1);
  const sections: number[][] = assembly.sections.map(() => []);
  for (let order = 0; order < statements.length; order++) {
    const around = assembly.surroundings[order];
    const statement = statements[order]!;
    const step = around?.ordinary === true ? stepOf(statement) : undefined;
    if (step === undefined) continue;
    const own = sections[around!.section]!;
    const last = own[own.length - 1];
    if (last !== undefined) nodes[last]!.next = nodes.length;
    own.push(nodes.length);
    byOrder[order] = nodes.length;
    nodes.push({ statement, step, order, next: -1, target: -1 });
  }
  /** The first node at a place, by halving. */
  const nodeAt = ({ section, offset }: Place): number => {
    const own = sections[section] ?? [];
    let low = 0;
    let high = own.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[nodes[own[middle]!]!.order]! < offset) low = middle + 1;
      else high = middle;
    }
    const found = own[low];
    return found !== undefined && offsets[nodes[found]!.order] === offset ? found : -1;
  };
  const open = new Set<number>();
  for (const node of nodes) {
    if (node.step.target !== undefined) {
      const place = placeOf(program, node.step.target, node.order);
      if (place !== undefined) node.target = nodeAt(place);
    }
    for (const name of node.step.mentions) {
      const place = placeOfName(program, name, node.order);
      if (place !== undefined) add(open, nodeAt(place));
    }
  }
  const exported: string[] = [];
  for (let order = 0; order < statements.length; order++) {
    const { body } = statements[order]!;
    if (body.kind === 'equ') {
      const place = placeOf(program, body.expression, order);
      if (place !== undefined) add(open, nodeAt(place));
    } else if (body.kind === 'directive' && (body.name === 'global' || body.name === 'static')) {
      for (const { text } of body.arguments) {
        const place = placeOfName(program, text, order);
        if (place === undefined) continue;
        exported.push(text);
        add(open, nodeAt(place));
      }
    }
  }
  const entries = new Set<number>();
  const begins = ['_start', 'start'].find((name) => assembly.symbols.has(name));
  if (begins !== undefined) {
    const place = placeOfName(program, begins, 0);
    if (place !== undefined) add(entries, nodeAt(place));
  }
  // A file that exports names is a part of something else, which may enter it anywhere.
  const first = sections[0]?.[0];
  if (first !== undefined) (exported.some((name) => name !== begins) ? open : entries).add(first);
  if (begins !== undefined) for (const entry of entries) open.delete(entry);
  return { nodes, byOrder, entries: [...entries], open: [...open] };
}

const add = (set: Set<number>, node: number): void => {
  if (node >= 0) set.add(node);
};

function placeOf(program: Program, expression: Expression, order: number): Place | undefined {
  if (expression.kind === 'symbol') return placeOfName(program, expression.name, order);
  const value = valueIn(program, expression, order);
  const term = value?.terms?.[0];
  if (value === undefined || value.terms?.length !== 1 || term === undefined || term.section < 0 || term.factor !== 1n)
    return undefined;
  return { section: term.section, offset: Number(value.constant) };
}

function placeOfName(program: Program, name: string, order: number): Place | undefined {
  const local = name.charCodeAt(0) === 46 && name.charCodeAt(1) !== 46;
  const entry = program.assembly.symbols.get(local ? scopeOf(program, order) + name : name);
  return entry === undefined || entry.section < 0 || !entry.known
    ? undefined
    : { section: entry.section, offset: Number(entry.constant) };
}
