// Variables of frames, and values of expressions, as rows of a variables view. Below a row: members, elements, or what a pointer points to.

import type { Machine } from '../../machine/types.ts';
import type { DebugVariable } from '../../program/debug-info.ts';
import { plainType, type PointerType, sizeOfType, typeName } from '../../program/debug-types.ts';
import type { Image } from '../../program/image.ts';
import { evaluateText } from '../expressions/evaluator.ts';
import type { Context } from '../expressions/names.ts';
import type { NumberFormat } from '../format.ts';
import { formatReference } from '../memory.ts';
import type { CodeFrame, Frame } from '../stack.ts';
import { typedPlace } from './operations.ts';
import {
  addressOfPlace,
  elementPlace,
  memberPlace,
  type Place,
  pointedPlace,
  readPlace,
  writePlace,
} from './places.ts';
import { sliceOf } from './slices.ts';
import { placeOfVariable, variablesOfFrame } from './scope.ts';
import { membersOf, placeText } from './text.ts';

/** A value with a name, and how it is written in an expression. */
interface Named {
  readonly name: string;
  readonly place: Place;
  readonly expression: string;
}

export interface TypedRow {
  readonly name: string;
  readonly value: string;
  readonly type: string;
  /** Named and indexed children. */
  readonly named: number;
  readonly indexed: number;
  readonly evaluateName: string;
  readonly reference: string | undefined;
  readonly writable: boolean;
}

export interface RowRange {
  readonly start: number;
  /** 0: all. */
  readonly count: number;
}

/** What rows are read from. */
export interface RowSubject {
  readonly machine: Machine;
  readonly image: Image;
  /** Frames of the stack as the view has them. */
  readonly frames: readonly Frame[];
  /** Evaluates in a frame. */
  readonly context: (frame: CodeFrame) => Context;
  readonly format: NumberFormat | undefined;
}

const KINDS: Readonly<Record<string, DebugVariable['kind']>> = {
  locals: 'local',
  arguments: 'parameter',
  globals: 'global',
};

/** Array elements at most that a view gets at once when it does not ask for a range. */
const MAX_ELEMENTS = 1000;

/** Stable from stop to stop: the frame's function and how many frames are below it. */
export function frameKey(frames: readonly Frame[], frame: CodeFrame): string {
  const level = frames.length - frames.indexOf(frame);
  return `${frame.side === 'root' ? 'host' : 'guest'}.${level}.${encode(frame.name)}`;
}

export const encode = (text: string): string => encodeURIComponent(text);

function frameOfKey(frames: readonly Frame[], key: string): CodeFrame | undefined {
  return frames.find((frame): frame is CodeFrame => frame.kind === 'code' && frameKey(frames, frame) === key);
}

/** The frame that a typed path begins with. */
export const frameOfPath = (frames: readonly Frame[], path: string): CodeFrame | undefined =>
  frameOfKey(frames, path.split('/')[1] ?? '');

/** True for paths of typed values. */
export const isTypedPath = (path: string): boolean => /^(?:locals|arguments|globals|expression)\//.test(path);

/** The rows below a path; undefined when the path leads nowhere (any more). */
export function typedRows(subject: RowSubject, path: string, range?: RowRange): readonly TypedRow[] | undefined {
  const seen = throughFrame(subject, path);
  return childrenOfPath(seen, path, range)?.map((named) => rowOf(seen, named));
}

/** Addresses are named as the frame's side sees them. */
function throughFrame(subject: RowSubject, path: string): RowSubject {
  const frame = frameOfPath(subject.frames, path);
  return frame === undefined ? subject : { ...subject, image: frame.image };
}

/** Writes a child; answers an error in words or the row as it is now. */
export function writeTyped(
  subject: RowSubject,
  path: string,
  name: string,
  value: bigint,
): { readonly row: TypedRow } | { readonly error: string } {
  const index = /^\[(\d+)\]$/.exec(name)?.[1];
  const range = index === undefined ? undefined : { start: Number(index), count: 1 };
  const find = (): Named | undefined =>
    childrenOfPath(subject, path, range)?.find((candidate) => candidate.name === name);
  const named = find();
  if (named === undefined) return { error: `There is no "${name}" here.` };
  const kind = plainType(named.place.type).kind;
  if (kind === 'record' || kind === 'array') return { error: `${name} is an aggregate: change its parts.` };
  const refused = writePlace(subject.machine, named.place, value);
  if (refused !== undefined) return { error: refused };
  return { row: rowOf(subject, find() ?? named) };
}

/** The row of a value that an expression gave. */
export function expressionRow(subject: RowSubject, expression: string, place: Place): TypedRow {
  return rowOf(subject, { name: expression, place, expression });
}

function childrenOfPath(subject: RowSubject, path: string, range?: RowRange): Named[] | undefined {
  const [scope = '', key = '', ...rest] = path.split('/');
  const frame = frameOfKey(subject.frames, key);
  if (frame === undefined) return undefined;
  const kind = KINDS[scope];
  if (kind !== undefined) {
    const all = variablesOfFrame(frame, kind).map((variable) => variableOf(subject, frame, variable));
    return below(subject, all, rest, range);
  }
  // expression/FRAME/TEXT/…
  const [text = '', ...more] = rest;
  const found = evaluateText(decodeURIComponent(text), subject.context(frame));
  const place = found.ok ? typedPlace(found.value) : undefined;
  if (place === undefined) return undefined;
  const expression = decodeURIComponent(text);
  return below(subject, [{ name: expression, place, expression }], [encode(expression), ...more], range);
}

function variableOf(subject: RowSubject, frame: CodeFrame, variable: DebugVariable): Named {
  return { name: variable.name, place: placeOfVariable(subject.machine, frame, variable), expression: variable.name };
}

/** Follows the names of a path from the rows at its beginning. */
function below(
  subject: RowSubject,
  rows: Named[],
  names: readonly string[],
  range: RowRange | undefined,
): Named[] | undefined {
  let level = rows;
  for (const [depth, encoded] of names.entries()) {
    const name = decodeURIComponent(encoded);
    const found = level.find((candidate) => candidate.name === name);
    if (found === undefined) return undefined;
    const last = depth === names.length - 1;
    const next = decodeURIComponent(names[depth + 1] ?? '');
    const index = /^\[(\d+)\]$/.exec(next)?.[1];
    level = childrenOf(
      subject,
      found,
      last ? range : index === undefined ? undefined : { start: Number(index), count: 1 },
    );
  }
  return level;
}

function childrenOf(subject: RowSubject, { place, expression }: Named, range: RowRange | undefined): Named[] {
  const type = plainType(place.type);
  const outer = /^[A-Za-z_][A-Za-z0-9_:]*(?:(?:\.|->)[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*$/.test(expression)
    ? expression
    : `(${expression})`;
  switch (type.kind) {
    case 'record': {
      const slice = sliceOf(subject.machine, place);
      if (slice !== undefined) return childrenOf(subject, { name: expression, place: slice.place, expression }, range);
      return cut(recordChildren(subject, place, `${outer}.`), range);
    }
    case 'array': {
      const count = type.count ?? 0;
      const start = Math.min(range?.start ?? 0, count);
      const end = Math.min(count, start + (range === undefined || range.count === 0 ? MAX_ELEMENTS : range.count));
      const rows: Named[] = [];
      for (let index = start; index < end; index++) {
        const element = elementPlace(place, type, BigInt(index));
        rows.push({ name: `[${index}]`, place: element, expression: `${outer}[${index}]` });
      }
      return rows;
    }
    case 'pointer': {
      const target = pointed(subject.machine, place, type);
      if (target === undefined) return [];
      if (plainType(target.type).kind === 'record') return cut(recordChildren(subject, target, `${outer}->`), range);
      return cut([{ name: `*${expression}`, place: target, expression: `*${outer}` }], range);
    }
    default:
      return [];
  }
}

function cut(rows: Named[], range: RowRange | undefined): Named[] {
  if (range === undefined) return rows;
  return rows.slice(range.start, range.count > 0 ? range.start + range.count : undefined);
}

function recordChildren(subject: RowSubject, place: Place, prefix: string): Named[] {
  return membersOf(subject.machine, place).flatMap((member) => {
    const inner = memberPlace(place, member);
    // Members of an anonymous structure or union are members of what it is in.
    if (member.name === undefined) return recordChildren(subject, inner, prefix);
    if (member.base) return [{ name: `(${member.name})`, place: inner, expression: prefix.replace(/(?:\.|->)$/, '') }];
    return [{ name: member.name, place: inner, expression: `${prefix}${member.name}` }];
  });
}

/** What a pointer points to, when that can be shown below it. */
function pointed(machine: Machine, place: Place, type: PointerType): Place | undefined {
  const target = plainType(type.target());
  if (target.kind === 'void' || target.kind === 'function' || sizeOfType(target) === 0) return undefined;
  const read = readPlace(machine, place);
  if ('why' in read || read.value === 0n) return undefined;
  return pointedPlace(type, read.value, 0n, place.space);
}

function rowOf(subject: RowSubject, { name, place, expression }: Named): TypedRow {
  const { machine, image, format } = subject;
  const type = plainType(place.type);
  const gone = place.location.kind === 'unavailable';
  const array = type.kind === 'array' ? type : sliceOf(machine, place)?.array;
  const indexed = array !== undefined && !gone ? (array.count ?? 0) : 0;
  const named = gone || array !== undefined ? 0 : childrenOf(subject, { name, place, expression }, undefined).length;
  return {
    name,
    value: placeText({ machine, image, format }, place),
    type: typeName(place.type),
    named,
    indexed,
    evaluateName: expression,
    reference: referenceOf(machine, place),
    writable:
      !gone &&
      place.location.kind !== 'value' &&
      place.location.kind !== 'bytes' &&
      !['record', 'array'].includes(type.kind),
  };
}

/** What a memory view opens: where a pointer points, or where the object is. */
export function referenceOf(machine: Machine, place: Place): string | undefined {
  const type = plainType(place.type);
  if (type.kind === 'pointer') {
    const read = readPlace(machine, place);
    return 'why' in read ? undefined : formatReference({ space: place.space, address: read.value });
  }
  const at = addressOfPlace(place);
  return at === undefined ? undefined : formatReference(at);
}
