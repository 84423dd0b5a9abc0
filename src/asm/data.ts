// db and its relatives, resb and its relatives, incbin and align.
import { type Assembly, addProblem, currentSection, isFull } from './assembly.ts';
import {
  badAlignment,
  badCount,
  binaryNotFound,
  codeInReserved,
  dataRange,
  floatFormat,
  hugeCount,
  initialisedInAbsolute,
  integerTooWide,
  negativeCount,
  notAnAddressHere,
  reservedInProgram,
} from './errors.ts';
import { type Names, type Value, evaluate } from './evaluate.ts';
import { type Expression, isConstant } from './expression.ts';
import { floatBits, wrap64 } from './numbers.ts';
import type { Body, DataItem } from './statement.ts';
import type { SourceRange } from './tokens.ts';

/** No program is larger, so counts above it are mistakes. */
const LIMIT = 256 * 1024 * 1024;

/** A count of times, resb, dup or incbin. Unknown in an early pass: 0. Undefined after a report. */
export function countOf(a: Assembly, names: Names, expression: Expression, what: string): number | undefined {
  const value = evaluate(expression, names);
  if (value === undefined) return undefined;
  if (value.unknown) return 0;
  if (value.terms !== undefined) {
    addProblem(a, badCount(what), expression.range, a.expansion);
    return undefined;
  }
  if (value.constant < 0n) {
    // Sizes still move in early passes.
    if (a.final) addProblem(a, negativeCount(what, value.constant), expression.range, a.expansion);
    return 0;
  }
  if (value.constant > BigInt(LIMIT)) {
    addProblem(a, hugeCount(what, value.constant), expression.range, a.expansion);
    return undefined;
  }
  return Number(value.constant);
}

/** Whether bytes can be stored here; warns or reports when not. */
export function canStore(a: Assembly, range: SourceRange): boolean {
  if (a.absolute !== undefined) {
    addProblem(a, initialisedInAbsolute(), range, a.expansion);
    return false;
  }
  const section = currentSection(a);
  if (section.reserved) addProblem(a, codeInReserved(section.name), range, a.expansion);
  return true;
}

/** Moves on by `count` bytes without a value. */
export function reserveBytes(a: Assembly, count: number, range: SourceRange): void {
  if (a.absolute !== undefined) {
    a.absolute = { ...a.absolute, constant: wrap64(a.absolute.constant + BigInt(count)) };
    return;
  }
  const section = currentSection(a);
  if (!section.reserved) {
    if (count > 0) addProblem(a, reservedInProgram(section.name), range, a.expansion);
    section.buffer.fill(0, count);
  }
  section.position += count;
}

export function emitData(a: Assembly, names: Names, items: readonly DataItem[]): void {
  for (const item of items) emitItem(a, names, item);
}

/** The items `count` times. Stops when the section is full. */
export function emitRepeated(
  a: Assembly,
  names: Names,
  items: readonly DataItem[],
  count: number,
  range: SourceRange,
): void {
  const section = currentSection(a);
  const same = count > 8 && a.absolute === undefined && !section.reserved && items.every(isSame);
  for (let i = 0; i < count; i++) {
    if (isFull(a, range)) return;
    const from = section.buffer.length;
    const before = a.diagnostics.length;
    emitData(a, names, items);
    const size = section.buffer.length - from;
    if (size === 0 && same) return;
    if (!same || a.diagnostics.length !== before) continue;
    const more = Math.min(count - 1, Math.ceil((a.limit + 1 - section.position) / size));
    section.buffer.repeat(from, more);
    section.position += size * Math.max(more, 0);
    isFull(a, range);
    return;
  }
}

/** The item gives the same bytes wherever it stands. */
function isSame(item: DataItem): boolean {
  if (item.kind === 'expression') return isConstant(item.expression);
  if (item.kind === 'duplicate') return isConstant(item.count) && item.items.every(isSame);
  return item.kind !== 'reserved';
}

function emitItem(a: Assembly, names: Names, item: DataItem): void {
  if (item.kind === 'reserved') {
    reserveBytes(a, item.size, item.range);
    return;
  }
  if (item.kind === 'duplicate') {
    const count = countOf(a, names, item.count, 'dup') ?? 0;
    emitRepeated(a, names, item.items, count, item.range);
    return;
  }
  const section = currentSection(a);
  if (!canStore(a, item.range)) return;
  const out = section.buffer;
  const before = out.length;
  switch (item.kind) {
    case 'bytes':
      out.bytes(item.bytes);
      break;
    case 'float': {
      const bits = floatBits(item.text, item.size, item.negative);
      if (bits === undefined) addProblem(a, floatFormat(item.text, item.size * 8), item.range, a.expansion);
      out.value(bits ?? 0n, item.size);
      break;
    }
    default:
      emitExpression(a, names, item.expression, item.size);
      break;
  }
  const added = out.length - before;
  section.position += added;
  if (section.reserved) out.truncate(before);
}

function emitExpression(a: Assembly, names: Names, expression: Expression, size: number): void {
  const out = currentSection(a).buffer;
  const value = evaluate(expression, names);
  if (size > 8) {
    addProblem(a, integerTooWide(size * 8), expression.range, a.expansion);
    return;
  }
  const number = value === undefined ? 0n : finalNumber(a, value, expression.range);
  if (size < 8 && value !== undefined && !value.unknown && a.final) {
    const bits = size * 8;
    if (BigInt.asIntN(bits, number) !== number && BigInt.asUintN(bits, number) !== number) {
      addProblem(a, dataRange(number, bits), expression.range, a.expansion);
    }
  }
  out.value(number, size);
}

/** A value with its section's address, as it goes into the image. */
export function finalNumber(a: Assembly, value: Value, range: SourceRange): bigint {
  if (value.terms === undefined) return value.constant;
  const term = value.terms[0]!;
  if (value.terms.length > 1 || term.section < 0 || term.factor !== 1n) {
    addProblem(a, notAnAddressHere(), range, a.expansion);
    return 0n;
  }
  return value.constant + BigInt(a.sections[term.section]!.address);
}

export function emitBinary(a: Assembly, names: Names, body: Extract<Body, { kind: 'incbin' }>): void {
  if (!canStore(a, body.pathRange)) return;
  const bytes = a.options.readBinary?.(body.path);
  if (bytes === undefined) {
    addProblem(a, binaryNotFound(body.path), body.pathRange, a.expansion);
    return;
  }
  const skip = body.skip === undefined ? 0 : countOf(a, names, body.skip, 'incbin');
  const length = body.length === undefined ? bytes.length : countOf(a, names, body.length, 'incbin');
  if (skip === undefined || length === undefined) return;
  const part = bytes.slice(skip, skip + length);
  const section = currentSection(a);
  if (!section.reserved) section.buffer.bytes(part);
  section.position += part.length;
}

/** Bytes up to the next multiple of the boundary, counted from the section's start; raises the section's own alignment. */
export function paddingFor(a: Assembly, names: Names, expression: Expression, powerOfTwo: boolean): number | undefined {
  const value = evaluate(expression, names);
  if (value === undefined) return undefined;
  if (value.terms !== undefined) {
    addProblem(a, badCount('align'), expression.range, a.expansion);
    return undefined;
  }
  const boundary = Number(value.constant);
  if (boundary < 1 || boundary > LIMIT || (powerOfTwo && (boundary & (boundary - 1)) !== 0)) {
    if (!value.unknown) addProblem(a, badAlignment(value.constant), expression.range, a.expansion);
    return value.unknown ? 0 : undefined;
  }
  const at =
    a.absolute === undefined ? currentSection(a).position : Number(a.absolute.constant - a.absoluteStart.constant);
  if (a.absolute === undefined && (boundary & (boundary - 1)) === 0) {
    const section = currentSection(a);
    if (section.align < boundary && section.start === undefined) section.align = boundary;
  }
  return (boundary - (at % boundary)) % boundary;
}
