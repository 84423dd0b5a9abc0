// Who calls whom: CALL and jumps to a label of another routine.
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  CallHierarchyOutgoingCall,
  Position,
} from 'vscode-languageserver';
import type { Expression } from '../asm/expression.ts';
import type { Statement } from '../asm/statement.ts';
import type { SourceRange } from '../asm/tokens.ts';
import type { Entity } from './entities.ts';
import { entityAt } from './navigation.ts';
import { locationOf, rangeOfPlace } from './place.ts';
import { type Program, entitiesOf } from './program.ts';

interface Call {
  /** Routine in which the call stands; empty: before the first label. */
  readonly from: string;
  readonly to: string;
  readonly range: SourceRange;
}

const CALLS = /^(call|jmp|j[a-z]+)$/;

const calls = new WeakMap<Program, readonly Call[]>();

function callsOf(program: Program): readonly Call[] {
  const known = calls.get(program);
  if (known !== undefined) return known;
  const found: Call[] = [];
  let scope = '';
  for (const statement of program.statements) {
    const { label, body } = statement;
    if (label !== undefined && body.kind !== 'equ' && !label.name.startsWith('.')) scope = label.name;
    const target = targetOf(statement);
    if (target === undefined || body.kind !== 'instruction') continue;
    const name = target.name.startsWith('.') && !target.name.startsWith('..') ? scope : target.name.split('.')[0]!;
    // A jump inside a routine is no call.
    if (body.mnemonic !== 'call' && name === scope) continue;
    let outer = statement.expansion;
    while (outer?.parent !== undefined) outer = outer.parent;
    found.push({ from: scope, to: name, range: outer?.call ?? target.range });
  }
  calls.set(program, found);
  return found;
}

function targetOf(statement: Statement): Extract<Expression, { kind: 'symbol' }> | undefined {
  const { body } = statement;
  if (body.kind !== 'instruction' || !CALLS.test(body.mnemonic)) return undefined;
  const operand = body.operands[0];
  return operand?.kind === 'immediate' && operand.expression.kind === 'symbol' ? operand.expression : undefined;
}

function itemOf(program: Program, entity: Entity): CallHierarchyItem | undefined {
  const place = entity.definitions[0];
  if (place === undefined) return undefined;
  const { uri, range } = locationOf(program, place);
  return { name: entity.name, kind: 12, uri, range, selectionRange: range, data: entity.name };
}

export function prepareCallHierarchy(program: Program, file: number, position: Position): CallHierarchyItem[] {
  const entity = entityAt(program, file, position)?.entity;
  if (entity?.kind !== 'label') return [];
  const outer = entitiesOf(program).byName.get(entity.name.split('.')[0] ?? '') ?? entity;
  const item = itemOf(program, outer);
  return item === undefined ? [] : [item];
}

function grouped(
  program: Program,
  list: readonly Call[],
  other: (call: Call) => string,
): { readonly item: CallHierarchyItem; readonly calls: readonly Call[] }[] {
  const names = [...new Set(list.map(other))];
  return names.flatMap((name) => {
    const entity = entitiesOf(program).byName.get(name);
    const item = entity === undefined ? undefined : itemOf(program, entity);
    return item === undefined ? [] : [{ item, calls: list.filter((call) => other(call) === name) }];
  });
}

export function incomingCalls(program: Program, name: string): CallHierarchyIncomingCall[] {
  const list = callsOf(program).filter((call) => call.to === name);
  return grouped(program, list, (call) => call.from).map(({ item, calls: own }) => ({
    from: item,
    fromRanges: own.map((call) => rangeOfPlace(call.range)),
  }));
}

export function outgoingCalls(program: Program, name: string): CallHierarchyOutgoingCall[] {
  const list = callsOf(program).filter((call) => call.from === name);
  return grouped(program, list, (call) => call.to).map(({ item, calls: own }) => ({
    to: item,
    fromRanges: own.map((call) => rangeOfPlace(call.range)),
  }));
}
