// Breakpoints on code: what the user asked for, where it is, and whether one stops now.

import type { Image } from '../program/image.ts';
import { addressesOfLine, addressOf, filesMatching, lineAt } from '../program/image.ts';
import { errorText } from './expressions/errors.ts';
import { evaluate } from './expressions/evaluator.ts';
import type { Context } from './expressions/names.ts';
import { type Expression, parseExpression } from './expressions/parser.ts';
import { hex } from './format.ts';
import { type HitCondition, parseHitCondition } from './hit-conditions.ts';
import { parseLogMessage, renderLogMessage } from './log-messages.ts';

export type BreakpointKind = 'line' | 'function' | 'instruction';

/** What a user can ask of every kind of breakpoint; empty texts count as absent. */
export interface BreakpointOptions {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
  /** Of the breakpoint that it stands for; a new one otherwise. */
  readonly id?: number | undefined;
}

export interface Breakpoint {
  readonly id: number;
  readonly kind: BreakpointKind;
  /** Linear addresses, of either side. */
  readonly addresses: readonly bigint[];
  readonly verified: boolean;
  /** Why it is not verified, or where it moved. */
  readonly message: string | undefined;
  /** Where it bound, when that is a source line. */
  readonly path: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly condition: Expression | undefined;
  readonly hitCondition: HitCondition | undefined;
  readonly log: Parameters<typeof renderLogMessage>[0] | undefined;
  hits: number;
}

export interface BreakpointTable {
  nextId: number;
  /** Counts changes, so that what is derived from the table can be kept. */
  version: number;
  /** Line breakpoints by the path they were set under. */
  readonly lines: Map<string, Breakpoint[]>;
  functions: Breakpoint[];
  instructions: Breakpoint[];
}

export function createBreakpoints(): BreakpointTable {
  return { nextId: 1, version: 0, lines: new Map(), functions: [], instructions: [] };
}

export function allBreakpoints(table: BreakpointTable): Breakpoint[] {
  return [...[...table.lines.values()].flat(), ...table.functions, ...table.instructions];
}

/** Linear addresses of all verified breakpoints, without repetition. */
export function breakpointAddresses(table: BreakpointTable): bigint[] {
  return [...new Set(allBreakpoints(table).flatMap((breakpoint) => (breakpoint.verified ? breakpoint.addresses : [])))];
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
}

/** Replaces the line breakpoints of a file. */
export function setLineBreakpoints(
  table: BreakpointTable,
  image: Image,
  path: string,
  wanted: readonly (BreakpointOptions & { readonly line: number })[],
): Breakpoint[] {
  const known = filesMatching(image, path).length > 0;
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
    made.push(make(table, 'line', place, request));
  }
  return made;
}

/** Replaces the breakpoints of a listing of code without source; `key` names the listing. */
export function setListingBreakpoints(
  table: BreakpointTable,
  key: string,
  wanted: readonly (BreakpointOptions & { readonly line: number; readonly address: bigint | undefined })[],
): Breakpoint[] {
  const made: Breakpoint[] = [];
  table.version++;
  table.lines.set(key, made);
  for (const request of wanted) {
    const { line, address } = request;
    const place: Place =
      address === undefined
        ? { addresses: [], line, message: 'There is no instruction on this line.' }
        : { addresses: [address], line };
    made.push(make(table, 'line', place, request));
  }
  return made;
}

/** Replaces the function breakpoints: names of functions or labels, or addresses. */
export function setFunctionBreakpoints(
  table: BreakpointTable,
  image: Image,
  wanted: readonly (BreakpointOptions & { readonly name: string })[],
): Breakpoint[] {
  table.version++;
  table.functions = [];
  for (const request of wanted) {
    const name = request.name.trim();
    const address = addressOf(image, name) ?? numericAddress(name);
    const place: Place =
      address === undefined
        ? { addresses: [], message: `${image.program.name} has no function or label "${name}".` }
        : placeOf(image, afterPrologue(image, address));
    table.functions.push(make(table, 'function', place, request));
  }
  return table.functions;
}

/** Replaces the instruction breakpoints: linear addresses. */
export function setInstructionBreakpoints(
  table: BreakpointTable,
  image: Image,
  wanted: readonly (BreakpointOptions & { readonly address: bigint | undefined; readonly text: string })[],
): Breakpoint[] {
  table.version++;
  table.instructions = [];
  for (const request of wanted) {
    const place: Place =
      request.address === undefined
        ? { addresses: [], message: `"${request.text}" is not a linear address; write for example 0x100020.` }
        : placeOf(image, request.address);
    table.instructions.push(make(table, 'instruction', place, request));
  }
  return table.instructions;
}

function numericAddress(text: string): bigint | undefined {
  return /^\*?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})$/.test(text) ? BigInt(text.replace('*', '')) : undefined;
}

function placeOf(image: Image, address: bigint): Place {
  const line = lineAt(image, address);
  return line === undefined
    ? { addresses: [address] }
    : { addresses: [address], path: line.path, line: line.line, column: line.column };
}

/**
 * Where a function's own code begins: compilers give the prologue a row of its own, so it is the second row.
 * Labels (assembly) have no prologue.
 */
export function afterPrologue(image: Image, address: bigint): bigint {
  const first = lineAt(image, address);
  const symbol = image.symbols.find((candidate) => candidate.address === address && candidate.kind === 'function');
  if (first === undefined || symbol === undefined || first.start !== address || symbol.size === 0) return address;
  const second = lineAt(image, first.end);
  return second !== undefined && first.end < address + BigInt(symbol.size) ? first.end : address;
}

function make(table: BreakpointTable, kind: BreakpointKind, place: Place, options: BreakpointOptions): Breakpoint {
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
  if (breakpointAddresses(table).length + place.addresses.length > MAX_ADDRESSES) {
    errors.push(`There are too many breakpoints: at most ${MAX_ADDRESSES} addresses can have one.`);
  }
  return {
    id: idFor(table, options.id),
    kind,
    addresses: place.addresses,
    verified: errors.length === 0,
    message: errors.length > 0 ? errors.join(' ') : (place.message ?? manyPlaces(place)),
    path: place.path,
    line: place.line,
    column: place.column,
    condition: parsed?.ok ? parsed.value : undefined,
    hitCondition: hit !== undefined && 'test' in hit ? hit.test : undefined,
    log: log !== undefined && 'pieces' in log ? log.pieces : undefined,
    hits: 0,
  };
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

export interface BreakpointVerdict {
  /** Breakpoints that stop here. */
  readonly stopping: readonly Breakpoint[];
  /** Messages of logpoints. */
  readonly logs: readonly { readonly text: string; readonly breakpoint: Breakpoint }[];
  /** Conditions that could not be evaluated: these stop, so that they are seen. */
  readonly errors: readonly string[];
}

/** Decides what the breakpoints at an address do; counts the hits of those whose condition holds. */
export function meetBreakpoints(table: BreakpointTable, linear: bigint, context: Context): BreakpointVerdict {
  const stopping: Breakpoint[] = [];
  const logs: { text: string; breakpoint: Breakpoint }[] = [];
  const errors: string[] = [];
  for (const breakpoint of allBreakpoints(table)) {
    if (!breakpoint.verified || !breakpoint.addresses.includes(linear)) continue;
    const inner: Context = { ...context, hits: breakpoint.hits + 1 };
    if (breakpoint.condition !== undefined) {
      const held = evaluate(breakpoint.condition, inner);
      if (!held.ok) {
        errors.push(`The condition of a breakpoint cannot be evaluated: ${errorText(held.error)}`);
        stopping.push(breakpoint);
        continue;
      }
      if (held.value.value === 0n) continue;
    }
    breakpoint.hits++;
    if (breakpoint.hitCondition !== undefined && !breakpoint.hitCondition(breakpoint.hits)) continue;
    if (breakpoint.log !== undefined) logs.push({ text: renderLogMessage(breakpoint.log, inner), breakpoint });
    else stopping.push(breakpoint);
  }
  return { stopping, logs, errors };
}
