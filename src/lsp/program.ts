// One program as an editor sees it: a main file with everything that it includes, assembled, and what the assembler found
// out on the way. All features are functions over it.
import { type Assembly, type LineRecord, sectionValue } from '../asm/assembly.ts';
import { analyse } from '../asm/assemble.ts';
import { type Names, type Value, constantValue, evaluate } from '../asm/evaluate.ts';
import type { Expression } from '../asm/expression.ts';
import { type LineCache, createLineCache } from '../asm/line-cache.ts';
import { type Trace, createTrace, lineKey } from '../asm/preprocessor/state.ts';
import type { Statement } from '../asm/statement.ts';
import { type SourceRange, TOKEN, type Token } from '../asm/tokens.ts';
import type { Diagnostic as AsmDiagnostic } from '../asm/types.ts';
import { type EntityIndex, indexEntities } from './entities.ts';
import type { Settings } from './settings.ts';

export interface Program {
  /** URI of the main file; files of the assembly have their URIs as paths. */
  readonly root: string;
  readonly settings: Settings;
  readonly assembly: Assembly;
  readonly statements: readonly Statement[];
  readonly diagnostics: readonly AsmDiagnostic[];
  readonly trace: Trace;
  /** File index by URI. */
  readonly files: ReadonlyMap<string, number>;
  /** Computed when first asked for. */
  readonly lazy: {
    entities?: EntityIndex;
    statementsByLine?: Map<number, Statement[]>;
    recordsByLine?: Map<number, LineRecord[]>;
    linesByNumber?: Map<number, Token[]>[];
  };
}

/** Texts by URI; undefined: there is no such file, or it is not loaded yet. */
export type Texts = (uri: string) => string | undefined;

export interface ProgramCache {
  readonly lines: LineCache;
}

export const createProgramCache = (): ProgramCache => ({ lines: createLineCache() });

/** Contents of incbin files do not matter for editing; their presence would only be guessed. */
const noBytes = (): Uint8Array => new Uint8Array();

export function analyseProgram(
  root: string,
  texts: Texts,
  settings: Settings,
  cache: ProgramCache = createProgramCache(),
  binary?: (uri: string) => Uint8Array | undefined,
): Program {
  const { assembly, statements, diagnostics } = analyse(
    root,
    texts(root) ?? '',
    {
      readInclude: texts,
      readBinary: binary ?? noBytes,
      bits: settings.bits,
      defines: settings.defines,
    },
    cache.lines,
  );
  return {
    root,
    settings,
    assembly,
    statements,
    diagnostics,
    trace: assembly.trace ?? createTrace(),
    files: new Map(assembly.files.map((file, index) => [file.path, index])),
    lazy: {},
  };
}

export function entitiesOf(program: Program): EntityIndex {
  program.lazy.entities ??= indexEntities(program);
  return program.lazy.entities;
}

/** The statements that a source line holds itself; what its macros wrote is not among them. */
export function statementsAt(program: Program, file: number, line: number): readonly Statement[] {
  if (program.lazy.statementsByLine === undefined) {
    const map = new Map<number, Statement[]>();
    for (const statement of program.statements) {
      if (statement.expansion !== undefined) continue;
      const key = lineKey(statement.range.file, statement.range.line);
      const list = map.get(key);
      if (list === undefined) map.set(key, [statement]);
      else list.push(statement);
    }
    program.lazy.statementsByLine = map;
  }
  return program.lazy.statementsByLine.get(lineKey(file, line)) ?? [];
}

/** What bytes a source line gave, its macro calls included. */
export function recordsAt(program: Program, file: number, line: number): readonly LineRecord[] {
  if (program.lazy.recordsByLine === undefined) {
    const map = new Map<number, LineRecord[]>();
    for (const record of program.assembly.lines) {
      const key = lineKey(record.range.file, record.range.line);
      const list = map.get(key);
      if (list === undefined) map.set(key, [record]);
      else list.push(record);
    }
    program.lazy.recordsByLine = map;
  }
  return program.lazy.recordsByLine.get(lineKey(file, line)) ?? [];
}

export function bytesOf(program: Program, record: LineRecord): Uint8Array {
  const section = program.assembly.sections[record.section]!;
  if (section.reserved) return new Uint8Array();
  return section.buffer.slice(record.offset, record.offset + record.length);
}

/** Tokens of a line of a file; of continued lines, those of the first. */
export function tokensAt(program: Program, file: number, line: number): readonly Token[] {
  program.lazy.linesByNumber ??= [];
  let map = program.lazy.linesByNumber[file];
  if (map === undefined) {
    map = new Map();
    for (const tokens of program.assembly.files[file]?.lines ?? []) {
      for (const token of tokens) {
        const list = map.get(token.line);
        if (list === undefined) map.set(token.line, [token]);
        else list.push(token);
      }
    }
    program.lazy.linesByNumber[file] = map;
  }
  return map.get(line) ?? [];
}

/** The token at a place; a word that ends there goes before a sign that begins there. */
export function tokenAt(program: Program, file: number, line: number, column: number): Token | undefined {
  const tokens = tokensAt(program, file, line);
  const inside = tokens.find((t) => t.column <= column && column < t.end);
  if (inside !== undefined && inside.kind !== TOKEN.punctuation) return inside;
  return (
    tokens.find((t) => t.end === column && t.kind !== TOKEN.punctuation) ??
    inside ??
    tokens.find((t) => t.end === column)
  );
}

/** The ordinary label that local names of a statement belong to. */
export const scopeOf = (program: Program, order: number): string => program.assembly.surroundings[order]?.scope ?? '';

/** The value of an expression after assembling; undefined: it has none, or a part is not defined. `order`: of the statement. */
export function valueIn(program: Program, expression: Expression, order: number): Value | undefined {
  const { symbols, surroundings, passes } = program.assembly;
  const around = surroundings[order];
  const names: Names = {
    symbol(name) {
      const local = name.charCodeAt(0) === 46 && name.charCodeAt(1) !== 46;
      const entry = symbols.get(local ? scopeOf(program, order) + name : name);
      if (entry === undefined || !entry.known) return undefined;
      return entry.section < 0 ? constantValue(entry.constant) : sectionValue(entry.section, entry.constant);
    },
    here: () =>
      around === undefined || !around.ordinary
        ? undefined
        : sectionValue(around.section, BigInt(passes[passes.length - 1]!.offsets[order] ?? 0)),
    sectionStart: () => (around === undefined || !around.ordinary ? undefined : sectionValue(around.section, 0n)),
    problem: () => undefined,
  };
  return evaluate(expression, names);
}

/** The plain number that an expression is. */
export function constantIn(program: Program, expression: Expression, order: number): bigint | undefined {
  if (expression.kind === 'number') return expression.value;
  if (expression.kind === 'symbol') {
    const { name } = expression;
    const local = name.charCodeAt(0) === 46 && name.charCodeAt(1) !== 46;
    const entry = program.assembly.symbols.get(local ? scopeOf(program, order) + name : name);
    return entry?.known === true && entry.section < 0 ? entry.constant : undefined;
  }
  const value = valueIn(program, expression, order);
  return value === undefined || value.unknown || value.terms !== undefined ? undefined : value.constant;
}

export const uriOf = (program: Program, place: SourceRange): string =>
  program.assembly.files[place.file]?.path ?? program.root;
