// Breakpoints: what the user asked for, and where it is.

import type { Image } from '../program/image.ts';
import { addressesOfLine, addressOf, filesMatching, lineAt } from '../program/image.ts';
import { errorText } from './expressions/errors.ts';
import type { Context } from './expressions/names.ts';
import { type Expression, namesIn, parseExpression } from './expressions/parser.ts';
import { hex } from './format.ts';
import { type Counter, createCounter } from './hits.ts';
import { type HitCondition, parseHitCondition } from './hit-conditions.ts';
import { parseLogMessage, type renderLogMessage } from './log-messages.ts';
import type { BoundAnnotation } from './annotations/binding.ts';
import { type Binding, splitBinding } from './bindings.ts';
import { eventSubject, type Subject, type SubjectResult } from './subjects.ts';

export type BreakpointKind = 'line' | 'function' | 'instruction' | 'data' | 'event' | 'annotation';

/** What a user can ask of every kind of breakpoint; empty texts count as absent. */
export interface BreakpointOptions {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
  /** The address space that it holds in; everywhere otherwise. */
  readonly binding?: Binding | undefined;
  /** Of the breakpoint that it stands for; a new one otherwise. */
  readonly id?: number | undefined;
}

export interface Breakpoint extends Counter {
  readonly id: number;
  /** What was asked for, to know it again. */
  readonly request: string;
  readonly kind: BreakpointKind;
  /** Linear addresses, of either side. */
  readonly addresses: readonly bigint[];
  /** Of data and event breakpoints: what they are on. */
  readonly subject: Subject | undefined;
  readonly binding: Binding | undefined;
  /** Of a comment in a source. */
  readonly annotation?: BoundAnnotation | undefined;
  /** Nothing is wrong with it: it stops when it is met. */
  usable: boolean;
  /** As a client shows it: usable, and its code is mapped. */
  verified: boolean;
  /** Whether its image holds for the side and address space that run; absent: always. */
  readonly applies?: (() => boolean) | undefined;
  /** Why it is not verified, or where it moved. */
  message: string | undefined;
  /** The value of its data when it was seen last. */
  seen: string | undefined;
  /** Where it bound, when that is a source line. */
  readonly path: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly condition: Expression | undefined;
  /** Its condition asks how often it was met: then it counts each time, not only those when the condition holds. */
  readonly countsEvery: boolean;
  readonly hitCondition: HitCondition | undefined;
  readonly log: Parameters<typeof renderLogMessage>[0] | undefined;
}

export interface BreakpointTable {
  nextId: number;
  /** Counts changes, so that what is derived from the table can be kept. */
  version: number;
  /** Line breakpoints by the path they were set under. */
  readonly lines: Map<string, Breakpoint[]>;
  functions: Breakpoint[];
  instructions: Breakpoint[];
  data: Breakpoint[];
  /** Set by commands of the debug console. */
  console: Breakpoint[];
  /** Written into the sources. */
  annotations: Breakpoint[];
}

export function createBreakpoints(): BreakpointTable {
  return {
    nextId: 1,
    version: 0,
    lines: new Map(),
    functions: [],
    instructions: [],
    data: [],
    console: [],
    annotations: [],
  };
}

export function allBreakpoints(table: BreakpointTable): Breakpoint[] {
  const { lines, functions, instructions, data, console, annotations } = table;
  return [...[...lines.values()].flat(), ...functions, ...instructions, ...data, ...console, ...annotations];
}

/** Linear addresses of all usable breakpoints, without repetition. */
export function breakpointAddresses(table: BreakpointTable): bigint[] {
  return [...new Set(allBreakpoints(table).flatMap((breakpoint) => (breakpoint.usable ? breakpoint.addresses : [])))];
}

/** What the machine holds, less some that stepping needs. */
const MAX_ADDRESSES = 480;

interface Place {
  readonly addresses: readonly bigint[];
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
  /** Why there is no address, or a remark. */
  readonly message?: string;
  readonly applies?: (() => boolean) | undefined;
}

/** Replaces the line breakpoints of a file. */
export function setLineBreakpoints(
  table: BreakpointTable,
  image: Image,
  path: string,
  wanted: readonly (BreakpointOptions & { readonly line: number })[],
): Breakpoint[] {
  const known = filesMatching(image, path).length > 0;
  const former = table.lines.get(path) ?? [];
  const made: Breakpoint[] = [];
  table.version++;
  table.lines.set(path, made);
  for (const request of wanted) {
    const binding = addressesOfLine(image, path, request.line);
    const place: Place =
      binding !== undefined
        ? { addresses: binding.addresses, path: binding.path, line: binding.line, column: binding.column }
        : {
            addresses: [],
            line: request.line,
            message: known
              ? 'No code comes from this line or from one after it.'
              : `${image.program.name} has no code from this file. Was it built with line information (-g)?`,
          };
    made.push(make(table, 'line', { ...place, applies: image.applies }, request, former));
  }
  return made;
}

/** Replaces the breakpoints of a listing of code without source; `key` names the listing. */
export function setListingBreakpoints(
  table: BreakpointTable,
  key: string,
  wanted: readonly (BreakpointOptions & { readonly line: number; readonly address: bigint | undefined })[],
): Breakpoint[] {
  const former = table.lines.get(key) ?? [];
  const made: Breakpoint[] = [];
  table.version++;
  table.lines.set(key, made);
  for (const request of wanted) {
    const { line, address } = request;
    const place: Place =
      address === undefined
        ? { addresses: [], line, message: 'There is no instruction on this line.' }
        : { addresses: [address], line };
    made.push(make(table, 'line', place, request, former));
  }
  return made;
}

/** Replaces the function breakpoints: names of functions or labels, or addresses. */
export function setFunctionBreakpoints(
  table: BreakpointTable,
  images: Image | ((name: string) => Image),
  wanted: readonly (BreakpointOptions & { readonly name: string })[],
  context?: Context,
): Breakpoint[] {
  const former = table.functions;
  table.version++;
  table.functions = [];
  for (const request of wanted) table.functions.push(makeNamed(table, images, request, context, former));
  return table.functions;
}

/** A breakpoint on a function, label, address or source line, or on an event (subjects.ts), bound where an `@` says so. */
export function makeNamed(
  table: BreakpointTable,
  images: Image | ((name: string) => Image),
  request: BreakpointOptions & { readonly name: string },
  /** What event breakpoints are read against; without it there are none. */
  context?: Context,
  former: readonly Breakpoint[] = [],
): Breakpoint {
  const split = splitBinding(request.name.trim());
  if ('problem' in split) return make(table, 'function', { addresses: [], message: split.problem }, request, former);
  const { name, binding } = split;
  const options = { ...request, binding: binding ?? request.binding };
  const image = typeof images === 'function' ? images(name) : images;
  const [first, ...others] = functionStarts(image, name);
  if (first !== undefined)
    return make(table, 'function', { ...placeOf(image, first), addresses: [first, ...others] }, options, former);
  const source = sourceLine(name);
  if (source !== undefined && filesMatching(image, source.path).length > 0) {
    const binding = addressesOfLine(image, source.path, source.line);
    const found: Place =
      binding === undefined
        ? { addresses: [], message: 'No code comes from this line or from one after it.' }
        : { addresses: binding.addresses, path: binding.path, line: binding.line, applies: image.applies };
    return make(table, 'function', found, options, former);
  }
  const subject = context === undefined ? undefined : eventSubject(name, context);
  if (subject !== undefined) return makeOn(table, 'event', subject, options, former);
  const message = `${image.program.name} has no function or label "${name}".`;
  return make(table, 'function', { addresses: [], message }, options, former);
}

/** `exits.c:120`: a line of a source file. */
export function sourceLine(text: string): { readonly path: string; readonly line: number } | undefined {
  const match = /^(.+):(\d{1,9})$/.exec(text);
  return match === null ? undefined : { path: match[1]!, line: Number(match[2]) };
}

/** Replaces the data breakpoints. */
export function setDataBreakpoints(
  table: BreakpointTable,
  wanted: readonly (BreakpointOptions & { readonly subject: SubjectResult })[],
): Breakpoint[] {
  const former = table.data;
  table.version++;
  table.data = [];
  for (const request of wanted) table.data.push(makeOn(table, 'data', request.subject, request, former));
  return table.data;
}

function makeOn(
  table: BreakpointTable,
  kind: BreakpointKind,
  subject: SubjectResult,
  options: BreakpointOptions,
  former: readonly Breakpoint[],
): Breakpoint {
  return 'problem' in subject
    ? make(table, kind, { addresses: [], message: subject.problem }, options, former)
    : make(table, kind, { addresses: [] }, options, former, subject);
}

/** Replaces the instruction breakpoints: linear addresses. */
export function setInstructionBreakpoints(
  table: BreakpointTable,
  image: Image,
  wanted: readonly (BreakpointOptions & { readonly address: bigint | undefined; readonly text: string })[],
): Breakpoint[] {
  const former = table.instructions;
  table.version++;
  table.instructions = [];
  for (const request of wanted) {
    const place: Place =
      request.address === undefined
        ? { addresses: [], message: `"${request.text}" is not a linear address; write for example 0x100020.` }
        : placeOf(image, request.address);
    table.instructions.push(make(table, 'instruction', place, request, former));
  }
  return table.instructions;
}

/** Where to stop for a function: behind its prologue, and where each inlined copy of it begins. */
function functionStarts(image: Image, name: string): bigint[] {
  const symbol = addressOf(image, name) ?? numericAddress(name);
  const known = image.program.debug?.functionsNamed(name) ?? [];
  const own = [
    ...(symbol === undefined ? [] : [symbol]),
    ...known.filter(({ inlined }) => !inlined).map(({ start }) => start),
  ];
  const copies = known.filter(({ inlined }) => inlined).map(({ start }) => start);
  return [...new Set([...own.map((start) => afterPrologue(image, start)), ...copies])];
}

function numericAddress(text: string): bigint | undefined {
  return /^\*?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})$/.test(text) ? BigInt(text.replace('*', '')) : undefined;
}

function placeOf(image: Image, address: bigint): Place {
  const line = lineAt(image, address);
  const { applies } = image;
  return line === undefined
    ? { addresses: [address], applies }
    : { addresses: [address], path: line.path, line: line.line, column: line.column, applies };
}

/**
 * Where a function's own code begins: compilers give the prologue a row of its own, so it is the second row.
 * Labels (assembly) have no prologue.
 */
export function afterPrologue(image: Image, address: bigint): bigint {
  const first = lineAt(image, address);
  const symbol = image.symbols.find((candidate) => candidate.address === address && candidate.kind === 'function');
  if (first === undefined || symbol === undefined || first.start !== address || symbol.size === 0) return address;
  // Without a prologue the first statement has a row at the same address.
  const rows = image.program.lines.rows;
  const begins = image.rowAddresses.indexOf(address);
  const other = rows[begins + 1];
  if (other?.address === address && other.line !== rows[begins]!.line && other.statement) return address;
  const second = lineAt(image, first.end);
  return second !== undefined && first.end < address + BigInt(symbol.size) ? first.end : address;
}

function make(
  table: BreakpointTable,
  kind: BreakpointKind,
  place: Place,
  options: BreakpointOptions,
  /** A breakpoint that was among these keeps its count: clients send all of a file when one changes. */
  former: readonly Breakpoint[],
  subject?: Subject,
): Breakpoint {
  const request = requestText(kind, place, options, subject);
  const same = former.find((breakpoint) => breakpoint.request === request);
  const errors: string[] = [];
  const condition = present(options.condition);
  const parsed = condition === undefined ? undefined : parseExpression(condition);
  if (parsed !== undefined && !parsed.ok) errors.push(`Condition: ${errorText(parsed.error)}`);
  const hitText = present(options.hitCondition);
  const hit = hitText === undefined ? undefined : parseHitCondition(hitText);
  if (hit !== undefined && 'error' in hit) errors.push(hit.error);
  const logText = present(options.logMessage);
  const log = logText === undefined ? undefined : parseLogMessage(logText);
  if (log !== undefined && 'error' in log) errors.push(log.error);
  if (place.addresses.length === 0 && place.message !== undefined) errors.push(place.message);
  if (!roomFor(table, place.addresses)) {
    errors.push(`There are too many breakpoints: at most ${MAX_ADDRESSES} addresses can have one.`);
  }
  return {
    id: idFor(table, options.id),
    kind,
    addresses: place.addresses,
    subject,
    binding: options.binding,
    usable: errors.length === 0,
    seen: undefined,
    verified: errors.length === 0,
    applies: place.applies,
    message: errors.length > 0 ? errors.join(' ') : (place.message ?? manyPlaces(place)),
    path: place.path,
    line: place.line,
    column: place.column,
    condition: parsed?.ok ? parsed.value : undefined,
    countsEvery: parsed?.ok === true && namesIn(parsed.value).includes('hits'),
    hitCondition: hit !== undefined && 'test' in hit ? hit.test : undefined,
    log: log !== undefined && 'pieces' in log ? log.pieces : undefined,
    request,
    ...(same === undefined ? createCounter() : { hits: same.hits, met: same.met }),
  };
}

function requestText(kind: BreakpointKind, place: Place, options: BreakpointOptions, subject?: Subject): string {
  const { condition, hitCondition, logMessage, binding } = options;
  const where = [place.line, ...place.addresses, subject?.text].join();
  return [
    kind,
    where,
    condition,
    hitCondition,
    logMessage,
    binding?.side,
    binding?.cr3,
    binding?.vmcs,
    binding?.cpu,
  ].join('\n');
}

/** Whether the machine can hold more addresses. */
export function roomFor(table: BreakpointTable, addresses: readonly bigint[]): boolean {
  return breakpointAddresses(table).length + addresses.length <= MAX_ADDRESSES;
}

function idFor(table: BreakpointTable, wanted: number | undefined): number {
  const id = wanted ?? table.nextId;
  table.nextId = Math.max(table.nextId, id + 1);
  return id;
}

function manyPlaces(place: Place): string | undefined {
  return place.addresses.length > 1
    ? `Stops at ${place.addresses.map((address) => hex(address)).join(', ')}.`
    : undefined;
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text;
}
