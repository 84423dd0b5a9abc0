// The state of one assembly: sections, symbols, and where the current pass stands.
import { createByteBuffer, type ByteBuffer } from './bytes.ts';
import {
  localWithoutParent,
  notYetDefined,
  symbolTwice,
  undefinedSymbol,
  programTooLarge,
  type Problem,
} from './errors.ts';
import { type Names, type Value, UNKNOWN, constantValue } from './evaluate.ts';
import type { LineCache } from './line-cache.ts';
import type { PassRecord, Surroundings } from './passes.ts';
import type { Expansion, Trace } from './preprocessor/state.ts';
import type { SourceRange, Token } from './tokens.ts';
import type { Statement } from './statement.ts';
import type { AssemblyOptions, Diagnostic } from './types.ts';

export interface Section {
  readonly name: string;
  readonly index: number;
  buffer: ByteBuffer;
  /** Bytes so far, also where nothing is stored. */
  position: number;
  reserved: boolean;
  align: number;
  /** 0: as laid out. */
  start: number | undefined;
  virtualStart: number | undefined;
  follows: string | undefined;
  virtualFollows: string | undefined;
  virtualAlign: number;
  /** As the last layout gave them. */
  address: number;
  fileOffset: number;
  size: number;
  readonly place: SourceRange;
}

export interface SymbolEntry {
  readonly name: string;
  constant: bigint;
  /** Section index, or -1 for a plain number. */
  section: number;
  pass: number;
  range: SourceRange;
  bits: 16 | 32 | 64;
  known: boolean;
  /** Place of its statement in the list, and its value in each pass. Kept for editors. */
  order: number;
  readonly values: Value[];
}

export interface LineRecord {
  readonly section: number;
  readonly offset: number;
  readonly length: number;
  readonly range: SourceRange;
  readonly instruction: boolean;
  readonly bits: 16 | 32 | 64;
  readonly statement: Statement;
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly (readonly Token[])[];
}

export interface Structure {
  readonly name: string;
  readonly range: SourceRange;
  /** What to return to. */
  readonly section: number;
  readonly absolute: Value | undefined;
  readonly start: bigint;
}

/** Where a statement begins, as plain numbers: most statements do not ask for it as a value. */
export interface StatementStart {
  section: number;
  offset: number;
  absolute: Value | undefined;
}

export interface Assembly {
  readonly options: AssemblyOptions;
  readonly files: SourceFile[];
  readonly sections: Section[];
  readonly symbols: Map<string, SymbolEntry>;
  diagnostics: Diagnostic[];
  pass: number;
  /** This pass may be the last: every symbol has an address, so what is wrong now stays wrong if nothing moves. */
  final: boolean;
  growOnly: boolean;
  changed: boolean;
  bits: 16 | 32 | 64;
  defaultRelative: boolean;
  origin: number | undefined;
  /** Code size at the first byte. */
  firstBits: 16 | 32 | 64 | undefined;
  /** Index of the current section. */
  section: number;
  /** Position of an ABSOLUTE block, whose labels are plain numbers or addresses of elsewhere. */
  absolute: Value | undefined;
  /** Where that block began: its `$$`. */
  absoluteStart: Value;
  /** Last ordinary label, to which local labels belong. */
  scope: string;
  structure: Structure | undefined;
  /** Position where the current istruc began. */
  instance: { readonly name: string; readonly start: Value } | undefined;
  /** `$` of the current statement. */
  start: StatementStart;
  /** How much further down the current statement stands than in the pass before. */
  drift: number;
  expansion: Expansion | undefined;
  lines: LineRecord[];
  /** Place of the current statement in the list; -1: none. */
  order: number;
  /** Bytes that a section may have, and whether one has more in this pass. */
  readonly limit: number;
  full: boolean;
  /** Symbols by their names in lower case, made when a suggestion needs it. */
  folded: { readonly count: number; readonly names: ReadonlyMap<string, string> };
  /** The preprocessor asked for an address, so every pass preprocesses anew. */
  preprocessorDepends: boolean;
  /** Of an editor: what an earlier assembly of almost the same text found out. */
  readonly cache: LineCache | undefined;
  /** Of an editor: the statement that caused a diagnostic of the last pass. */
  readonly causes: WeakMap<Diagnostic, number>;
  /** Of an editor: what was where in each pass, what each statement found, and include files that were not there. */
  readonly passes: PassRecord[];
  readonly surroundings: Surroundings[];
  surrounded: Surroundings | undefined;
  readonly missing: string[];
  /** Of an editor: what the preprocessor did in the last pass that read the program. */
  trace: Trace | undefined;
}

const MIB = 2 ** 20;

export function createAssembly(options: AssemblyOptions, cache?: LineCache): Assembly {
  return {
    options,
    files: [],
    sections: [],
    symbols: new Map(),
    diagnostics: [],
    pass: 0,
    final: false,
    growOnly: false,
    changed: false,
    bits: options.bits ?? 16,
    defaultRelative: false,
    origin: undefined,
    firstBits: undefined,
    section: 0,
    absolute: undefined,
    absoluteStart: constantValue(0n),
    scope: '',
    structure: undefined,
    instance: undefined,
    start: { section: 0, offset: 0, absolute: undefined },
    drift: 0,
    expansion: undefined,
    lines: [],
    order: -1,
    limit: cache === undefined ? 512 * MIB : 64 * MIB,
    full: false,
    folded: { count: 0, names: new Map() },
    preprocessorDepends: false,
    cache,
    causes: new WeakMap(),
    passes: [],
    surroundings: [],
    surrounded: undefined,
    missing: [],
    trace: undefined,
  };
}

/** Messages name what was written, which can be long. */
const LONGEST_MESSAGE = 500;

/** Records a diagnostic. What a macro's body caused is shown at the outermost call. */
export function addProblem(a: Assembly, problem: Problem, range: SourceRange, expansion: Expansion | undefined): void {
  let place = range;
  let message = problem.message;
  let outer = expansion;
  while (outer?.parent !== undefined) outer = outer.parent;
  if (
    expansion !== undefined &&
    outer !== undefined &&
    (range.file !== outer.call.file || range.line !== outer.call.line)
  ) {
    place = outer.call;
    message += ` (in macro "${expansion.macro}", ${a.files[range.file]?.path ?? '?'}:${range.line})`;
  }
  const diagnostic: Diagnostic = {
    severity: problem.severity ?? 'error',
    file: a.files[place.file]?.path ?? '?',
    line: place.line,
    column: place.column,
    endColumn: Math.max(place.end, place.column + 1),
    code: problem.code,
    message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message,
  };
  a.diagnostics.push(diagnostic);
  if (a.cache !== undefined) a.causes.set(diagnostic, a.order);
}

export function createSection(a: Assembly, name: string, place: SourceRange): Section {
  const section: Section = {
    name,
    index: a.sections.length,
    buffer: createByteBuffer(),
    position: 0,
    reserved: name === '.bss',
    align: name === '.text' ? 1 : 4,
    start: undefined,
    virtualStart: undefined,
    follows: undefined,
    virtualFollows: undefined,
    virtualAlign: 0,
    address: 0,
    fileOffset: 0,
    size: 0,
    place,
  };
  a.sections.push(section);
  return section;
}

/** Whether the current section has no room for more, which is reported once. */
export function isFull(a: Assembly, range: SourceRange): boolean {
  if (currentSection(a).position <= a.limit) return false;
  if (!a.full) addProblem(a, programTooLarge(a.limit, a.cache !== undefined), range, a.expansion);
  a.full = true;
  return true;
}

export const currentSection = (a: Assembly): Section => a.sections[a.section]!;

export function sectionValue(section: number, offset: bigint): Value {
  return { constant: offset, terms: [{ register: undefined, section, factor: 1n }], unknown: false };
}

/** `$`: where the current statement began. */
export function here(a: Assembly): Value {
  const { section, offset, absolute } = a.start;
  return absolute ?? sectionValue(section, BigInt(offset));
}

/** Where the next byte goes. */
export function position(a: Assembly): Value {
  return a.absolute ?? sectionValue(a.section, BigInt(currentSection(a).position));
}

/** The full name of a label: `.x` belongs to the last ordinary label. */
export function qualified(a: Assembly, name: string): string {
  return name.charCodeAt(0) === 46 && name.charCodeAt(1) !== 46 ? a.scope + name : name;
}

const NO_VALUES: Value[] = [];

/** `scope`: the symbol is a label that local labels belong to, not an equ. */
export function defineSymbol(a: Assembly, name: string, value: Value, range: SourceRange, scope = true): void {
  const full = qualified(a, name);
  if (full.charCodeAt(0) === 46 && full.charCodeAt(1) !== 46) {
    addProblem(a, localWithoutParent(name), range, a.expansion);
    return;
  }
  // Labels that macros make for themselves (..@) do not begin a new scope.
  if (scope && name.charCodeAt(0) !== 46) a.scope = full;
  const section = value.terms?.[0]?.section ?? -1;
  const entry = a.symbols.get(full);
  if (entry === undefined) {
    a.symbols.set(full, {
      name: full,
      constant: value.constant,
      section,
      pass: a.pass,
      range,
      bits: a.bits,
      known: !value.unknown,
      order: a.order,
      values: a.cache === undefined ? NO_VALUES : [value],
    });
    a.changed = true;
    return;
  }
  if (entry.pass === a.pass) {
    if (entry.constant === value.constant && entry.section === section && !value.unknown && section < 0) return;
    addProblem(
      a,
      symbolTwice(full, `${a.files[entry.range.file]?.path ?? '?'}:${entry.range.line}`),
      range,
      a.expansion,
    );
    return;
  }
  if (entry.constant !== value.constant || entry.section !== section || entry.known === value.unknown) a.changed = true;
  entry.constant = value.constant;
  entry.section = section;
  entry.pass = a.pass;
  entry.range = range;
  entry.bits = a.bits;
  entry.known = !value.unknown;
  entry.order = a.order;
  if (a.cache !== undefined) entry.values.push(value);
}

const entryValue = (entry: SymbolEntry): Value =>
  !entry.known
    ? UNKNOWN
    : entry.section < 0
      ? constantValue(entry.constant)
      : sectionValue(entry.section, entry.constant);

/** section.NAME.start and .vstart, which the flat format defines. */
function sectionSymbol(a: Assembly, name: string): Value | undefined {
  const match = /^section\.(.+)\.(start|vstart)$/.exec(name);
  if (!match) return undefined;
  const found = a.sections.find((s) => s.name === match[1] || s.name === `.${match[1]}`);
  if (found === undefined) return undefined;
  if (match[2] === 'vstart') return sectionValue(found.index, 0n);
  if (a.pass === 1) return UNKNOWN;
  return constantValue(BigInt(originOf(a) + found.fileOffset));
}

export const originOf = (a: Assembly): number =>
  a.origin ?? a.options.origin ?? ((a.firstBits ?? a.bits) === 16 ? 0x7c00 : 0x100000);

function suggestion(a: Assembly, name: string): string | undefined {
  if (a.folded.count !== a.symbols.size) {
    const names = new Map<string, string>();
    for (const other of a.symbols.keys()) if (!names.has(other.toLowerCase())) names.set(other.toLowerCase(), other);
    a.folded = { count: a.symbols.size, names };
  }
  return a.folded.names.get(name.toLowerCase());
}

/** Names as statements see them: a symbol that comes later has its value of the pass before. */
export function statementNames(a: Assembly): Names {
  return {
    symbol(name, range) {
      const entry = a.symbols.get(qualified(a, name));
      if (entry !== undefined && entry.pass >= a.pass - 1) return entryValue(entry);
      const special = sectionSymbol(a, name);
      if (special !== undefined) return special;
      if (!a.final) return UNKNOWN;
      addProblem(a, undefinedSymbol(name, suggestion(a, name)), range, a.expansion);
      return undefined;
    },
    here: () => here(a),
    sectionStart: () => (a.absolute === undefined ? sectionValue(a.section, 0n) : a.absoluteStart),
    problem: (problem, range) => addProblem(a, problem, range, a.expansion),
  };
}

/** Names as the preprocessor sees them: only what stands above. */
export function preprocessorNames(a: Assembly): Names {
  return {
    symbol(name, range) {
      a.preprocessorDepends = true;
      const entry = a.symbols.get(qualified(a, name));
      if (entry !== undefined && entry.pass === a.pass) return entryValue(entry);
      addProblem(a, notYetDefined(name), range, a.expansion);
      return undefined;
    },
    here() {
      a.preprocessorDepends = true;
      return position(a);
    },
    sectionStart() {
      a.preprocessorDepends = true;
      return a.absolute === undefined ? sectionValue(a.section, 0n) : a.absoluteStart;
    },
    problem: (problem, range) => addProblem(a, problem, range, a.expansion),
  };
}
