// The scopes of a frame and everything below them, by path. A path is stable for the whole session, so that a front end's
// trees keep their state; its text is an implementation detail.

import type { Machine, Side } from '../machine/types.ts';
import { type Image, symbolAt } from '../program/image.ts';
import { describeBits } from '../spec/bits.ts';
import { vmcsFieldByName } from '../spec/vmcs-fields.ts';
import { formatNumber, type NumberFormat, symbolText } from './format.ts';
import type { Context } from './expressions/names.ts';
import { localApicRows, virtualApicRows } from './interrupt-rows.ts';
import { formatReference, spaceOf } from './memory.ts';
import {
  encode,
  expressionRow,
  frameKey,
  frameOfPath,
  isTypedPath,
  type RowRange,
  type RowSubject,
  type TypedRow,
  typedRows,
  writeTyped,
} from './source/rows.ts';
import { floatNodes, generalNodes, systemNodes } from './register-nodes.ts';
import type { Value } from './expressions/values.ts';
import { typedPlace } from './source/operations.ts';
import { variablesOfFrame } from './source/scope.ts';
import type { CodeFrame, Frame } from './stack.ts';
import { type Node, bitNodes, capabilityNodes, exitNodes, fieldNodes, interruptNodes } from './value-nodes.ts';

export interface ScopeRow {
  readonly name: string;
  readonly path: string;
  readonly hint: 'registers' | 'locals' | 'arguments' | undefined;
}

/** One row of a variables view. */
export interface VariableRow {
  readonly name: string;
  readonly value: string;
  /** For a hover: what it is. */
  readonly type: string;
  /** Where its children are; undefined for a leaf. */
  readonly path: string | undefined;
  readonly childCount: number;
  /** Children that are elements of an array: these can be asked for in parts. */
  readonly indexedCount?: number;
  /** Reads it back in an expression. */
  readonly evaluateName: string | undefined;
  readonly reference: string | undefined;
  readonly writable: boolean;
}

/** What variables are read from. */
export interface Subject {
  readonly machine: Machine;
  readonly image: Image;
  /** The stack as the view has it, and what expressions are evaluated against: for variables of the program. */
  readonly frames?: ReadonlyMap<number, Frame>;
  /** Whose frames they are, by the same numbers. */
  readonly frameProcessors?: ReadonlyMap<number, number> | undefined;
  readonly session?: { context(side?: Side, frame?: CodeFrame): Context };
}

const SIDES: Readonly<Record<string, Side>> = { root: 'root', guest: 'non-root' };
const sideKey = (side: Side): string => (side === 'root' ? 'root' : 'guest');

/** The scopes of a frame: its variables where the program describes them, its side's registers, then what both sides share. */
export function scopesOf(subject: Subject, frame: CodeFrame): ScopeRow[] {
  const { machine } = subject;
  const { side } = frame;
  const scopes: ScopeRow[] = [
    ...sourceScopes(subject, frame),
    { name: 'General registers', path: `general/${sideKey(side)}`, hint: 'registers' },
    { name: 'Segments and control registers', path: `system/${sideKey(side)}`, hint: 'registers' },
    { name: 'x87 and SSE', path: `float/${sideKey(side)}`, hint: 'registers' },
  ];
  if (machine.currentVmcs() !== undefined) {
    scopes.push(
      { name: 'Guest-state area', path: 'vmcs/guest', hint: undefined },
      { name: 'Host-state area', path: 'vmcs/host', hint: undefined },
      { name: 'Control fields', path: 'vmcs/control', hint: undefined },
      { name: 'Exit information', path: 'exit', hint: undefined },
    );
  }
  if (virtualApicRows(machine) !== undefined) {
    scopes.push({ name: 'Virtual APIC', path: 'virtual-apic', hint: undefined });
  }
  scopes.push(
    { name: 'Local APIC', path: 'local-apic', hint: undefined },
    { name: 'VMX capability MSRs', path: 'capabilities', hint: undefined },
  );
  return scopes;
}

/** Scopes of a frame's variables; empty ones are left out. */
function sourceScopes(subject: Subject, frame: CodeFrame): ScopeRow[] {
  if (frame.function === undefined) return [];
  const key = frameKey(framesOfProcessor(subject), frame);
  const scopes = [
    { name: 'Locals', path: `locals/${key}`, kind: 'local', hint: 'locals' },
    { name: 'Arguments', path: `arguments/${key}`, kind: 'parameter', hint: 'arguments' },
    { name: 'Globals', path: `globals/${key}`, kind: 'global', hint: undefined },
  ] as const;
  return scopes
    .filter(({ kind }) => variablesOfFrame(frame, kind).length > 0)
    .map(({ name, path, hint }) => ({ name, path, hint }));
}

/** What typed rows are read from; undefined without a stack. */
export function rowSubject(subject: Subject, format: NumberFormat | undefined): RowSubject | undefined {
  const { machine, image, frames, session } = subject;
  if (frames === undefined || session === undefined) return undefined;
  const context = (frame: CodeFrame): Context => session.context(frame.side, frame);
  return { machine, image, frames: framesOfProcessor(subject), context, format };
}

/** The stack of the selected processor: of others' stacks nothing is counted, whether they are known by now or not. */
function framesOfProcessor({ machine, frames, frameProcessors }: Subject): readonly Frame[] {
  const processor = machine.processor();
  return [...(frames ?? [])].flatMap(([id, frame]) =>
    (frameProcessors?.get(id) ?? processor) === processor ? [frame] : [],
  );
}

/** What the values of a path's variables are written in; undefined for registers. */
export function contextOfPath(subject: Subject, path: string): Context | undefined {
  const typed = isTypedPath(path) ? rowSubject(subject, undefined) : undefined;
  const frame = typed === undefined ? undefined : frameOfPath(typed.frames, path);
  return frame === undefined ? undefined : typed?.context(frame);
}

/** The object that an expression gave in a frame, as a row with what is below it; undefined for plain numbers. */
export function objectOf(
  subject: Subject,
  frame: CodeFrame,
  expression: string,
  value: Value,
): VariableRow | undefined {
  const place = value.typed === undefined ? undefined : typedPlace(value);
  const typed = place === undefined ? undefined : rowSubject(subject, undefined);
  if (typed === undefined || place === undefined) return undefined;
  const path = `expression/${frameKey(typed.frames, frame)}/${encode(expression)}`;
  return typedVariable(expressionRow(typed, expression, place), path);
}

export function typedVariable(row: TypedRow, path: string): VariableRow {
  const { name, value, type, evaluateName, reference, writable, named, indexed } = row;
  return {
    name,
    value,
    type,
    path: named + indexed > 0 ? path : undefined,
    childCount: named,
    indexedCount: indexed,
    evaluateName,
    reference,
    writable,
  };
}

/** The rows below a path, or a range of them; undefined when there is no such path (any more). */
export function childrenOf(
  subject: Subject,
  path: string,
  format: NumberFormat = 'hex',
  range?: RowRange,
): VariableRow[] | undefined {
  if (isTypedPath(path)) {
    const typed = rowSubject(subject, format === 'hex' ? undefined : format);
    const rows = typed === undefined ? undefined : typedRows(typed, path, range);
    return rows?.map((row) => typedVariable(row, `${path}/${encode(row.name)}`));
  }
  const all = registerRows(subject, path, format);
  if (all === undefined || range === undefined) return all;
  return all.slice(range.start, range.count > 0 ? range.start + range.count : undefined);
}

function registerRows(subject: Subject, path: string, format: NumberFormat): VariableRow[] | undefined {
  return nodesOf(subject, path)?.map((node) => rowOf(subject, node, `${path}/${node.name}`, format));
}

export type WriteResult = { readonly row: VariableRow } | { readonly error: string };

/** Writes a child of a path. */
export function writeChild(
  subject: Subject,
  path: string,
  name: string,
  value: bigint,
  format: NumberFormat = 'hex',
): WriteResult {
  if (isTypedPath(path)) {
    const typed = rowSubject(subject, format === 'hex' ? undefined : format);
    const written =
      typed === undefined ? { error: `There is no "${name}" here.` } : writeTyped(typed, path, name, value);
    return 'error' in written ? written : { row: typedVariable(written.row, `${path}/${encode(name)}`) };
  }
  const node = nodesOf(subject, path)?.find((candidate) => candidate.name === name);
  if (node === undefined) return { error: `There is no "${name}" here.` };
  if (node.write === undefined) return { error: `${name} cannot be changed.` };
  const refused = node.write(value);
  if (refused !== undefined) return { error: refused };
  return { row: rowOf(subject, node, `${path}/${name}`, format) };
}

function rowOf(subject: Subject, node: Node, path: string, format: NumberFormat): VariableRow {
  const value = node.read();
  const children = value === undefined ? 0 : (node.partCount ?? node.parts?.().length ?? node.layout?.length ?? 0);
  return {
    name: node.name,
    value: value === undefined ? 'not held' : (node.text?.() ?? numberText(subject, node, value, format)),
    type: node.type,
    path: children > 0 ? path : undefined,
    childCount: children,
    evaluateName: node.evaluateName,
    reference:
      node.addressSpace !== undefined && value !== undefined
        ? formatReference({ space: spaceOf(node.addressSpace, 'root'), address: value })
        : undefined,
    writable: node.write !== undefined && value !== undefined,
  };
}

function numberText(subject: Subject, node: Node, value: bigint, format: NumberFormat): string {
  const number = formatNumber(value, node.decimal && format === 'hex' ? 'decimal' : format, node.bits);
  const words =
    node.words?.(value) ??
    (node.layout === undefined ? symbolWords(subject, node, value) : describeBits(node.layout, value).summary);
  return words === '' || words === 'none' ? number : `${number} (${words})`;
}

function symbolWords(subject: Subject, node: Node, value: bigint): string {
  if (node.addressSpace !== 'gva' && node.addressSpace !== 'hva') return '';
  const symbol = symbolAt(subject.image, value);
  return symbol === undefined ? '' : symbolText(symbol);
}

/** Nodes below a path. A path below a node leads to its parts or bits. */
function nodesOf(subject: Subject, path: string): readonly Node[] | undefined {
  const top = topLevel(subject, path);
  if (top !== undefined) return top;
  const cut = path.lastIndexOf('/');
  if (cut < 0) return undefined;
  const node = nodesOf(subject, path.slice(0, cut))?.find((candidate) => candidate.name === path.slice(cut + 1));
  if (node === undefined) return undefined;
  return node.parts?.() ?? (node.layout === undefined ? undefined : bitNodes(node, node.layout));
}

function topLevel(subject: Subject, path: string): readonly Node[] | undefined {
  const [scope, which, more] = path.split('/');
  if (more !== undefined) return undefined;
  switch (scope) {
    case 'general':
    case 'system': {
      const side = SIDES[which ?? ''];
      if (side === undefined) return undefined;
      return scope === 'general' ? generalNodes(subject.machine, side) : systemNodes(subject.machine, side);
    }
    case 'float': {
      const side = SIDES[which ?? ''];
      return side === undefined ? undefined : floatNodes(subject.machine, side);
    }
    case 'vmcs':
      return which === 'guest' || which === 'host' || which === 'control'
        ? fieldNodes(subject.machine, which)
        : undefined;
    case 'exit':
      return which === undefined ? exitNodes(subject.machine) : undefined;
    case 'local-apic':
      return which === undefined ? interruptNodes(localApicRows(subject.machine)) : undefined;
    case 'virtual-apic': {
      const rows = which === undefined ? virtualApicRows(subject.machine) : undefined;
      return rows === undefined ? undefined : interruptNodes(rows);
    }
    case 'capabilities':
      return which === undefined ? capabilityNodes(subject.machine) : undefined;
    default:
      return undefined;
  }
}

/** Path of what a plain name in an expression means, when it has children. */
export function pathOfName(subject: Subject, name: string, side: Side): string | undefined {
  const { machine } = subject;
  const prefix = /^(guest|host)\./i.exec(name)?.[1]?.toLowerCase();
  const owner: Side = prefix === undefined ? side : prefix === 'guest' ? 'non-root' : 'root';
  const rest = (prefix === undefined ? name : name.slice(prefix.length + 1)).toLowerCase();
  const field = prefix === undefined ? vmcsFieldByName(name) : undefined;
  const candidates = [
    `general/${sideKey(owner)}/${rest}`,
    `system/${sideKey(owner)}/${rest}`,
    ...(field === undefined
      ? []
      : [field.area === 'read-only' ? `exit/${field.identifier}` : `vmcs/${field.area}/${field.identifier}`]),
    `capabilities/${name.toUpperCase()}`,
  ];
  return machine.currentVmcs() === undefined && field !== undefined
    ? undefined
    : candidates.find((path) => nodesOf(subject, path) !== undefined);
}
