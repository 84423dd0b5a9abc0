// Assembles again after a change inside one line. The rest of the program is neither preprocessed nor parsed anew, and
// when the line has as many bytes as before in every pass, nothing else can have changed. What is not certain is left
// to a whole assembly.
import { type Assembly, addProblem, createAssembly, createSection } from './assembly.ts';
import { type ChangedPart, changedPart } from './changed-part.ts';
import { continues, lexFile } from './lexer.ts';
import { type LineCache, type ParsedLine, firstAt, parsed, parsedOnce } from './line-cache.ts';
import { parseLine } from './parser.ts';
import { runAll, runPasses } from './passes.ts';
import { expandSingles, findOverloads } from './preprocessor/single-macros.ts';
import { type Preprocessor, createTrace } from './preprocessor/state.ts';
import { replay } from './replay.ts';
import type { Statement } from './statement.ts';
import { TOKEN, type Token } from './tokens.ts';
import type { AssemblyOptions, Diagnostic } from './types.ts';

type Tokens = readonly Token[];
type Last = NonNullable<LineCache['last']>;

/** Brings `cache.last` up to date. False: a whole assembly is needed. */
export function reassemble(cache: LineCache, mainFile: string, source: string, options: AssemblyOptions): boolean {
  const last = cache.last;
  if (last === undefined || !sameOptions(last.assembly, mainFile, options)) return false;
  const file = changedFile(last.assembly, source, options);
  if (file === undefined) return true;
  if (file < 0) return false;
  const text = file === 0 ? source : options.readInclude!(last.assembly.files[file]!.path)!;
  const part = changedPart(last.assembly.files[file]!.text, text);
  if (part.shift !== 0 || part.oldLast !== part.firstLine || continues(text, part.from, part.newEnd)) return false;
  const edit = readEdit(cache, last, file, text, part);
  return edit !== undefined && apply(cache, last, options, edit);
}

function sameOptions(a: Assembly, mainFile: string, options: AssemblyOptions): boolean {
  const { bits, defines, origin, readBinary } = a.options;
  return (
    !a.preprocessorDepends &&
    !a.growOnly &&
    a.files[0]!.path === mainFile &&
    bits === options.bits &&
    defines === options.defines &&
    origin === options.origin &&
    readBinary === options.readBinary &&
    a.missing.every((path) => options.readInclude?.(path) === undefined)
  );
}

/** The only file whose text is another one; undefined: none, -1: several, or one is gone. */
function changedFile(a: Assembly, source: string, options: AssemblyOptions): number | undefined {
  let changed: number | undefined;
  for (let i = 0; i < a.files.length; i++) {
    const text = i === 0 ? source : options.readInclude?.(a.files[i]!.path);
    if (text === a.files[i]!.text) continue;
    if (text === undefined || changed !== undefined) return -1;
    changed = i;
  }
  return changed;
}

interface Edit {
  readonly file: number;
  readonly text: string;
  readonly line: number;
  /** Index in the file's lines, and how many lines stand there now (0: it was blank). */
  readonly at: number;
  readonly removed: 0 | 1;
  readonly tokens: Tokens | undefined;
  readonly before: ParsedLine | undefined;
  readonly after: ParsedLine | undefined;
  /** Tokens behind macros are others than those of the file. */
  readonly expanded: Tokens | undefined;
  readonly uses: ReturnType<typeof createTrace>['uses'];
  /** Place in the list of statements. */
  readonly order: number;
}

function readEdit(cache: LineCache, last: Last, file: number, text: string, part: ChangedPart): Edit | undefined {
  const a = last.assembly;
  const lines = a.files[file]!.lines;
  const line = part.firstLine;
  const at = firstAt(lines, line);
  const old = lines[at]?.[0]?.line === line ? lines[at] : undefined;
  const [tokens] = lexFile(text.slice(part.from, part.newEnd), file, line);
  if (old === undefined && tokens === undefined)
    return {
      file,
      text,
      line,
      at,
      removed: 0,
      tokens,
      before: undefined,
      order: 0,
      after: undefined,
      expanded: undefined,
      uses: [],
    };
  const before = old === undefined ? undefined : parsedOnce(cache, old);
  if (old !== undefined && before === undefined) return undefined;
  // A line that was blank counts if the one above it does.
  const context = before ?? (at > 0 ? parsedOnce(cache, lines[at - 1]!) : undefined);
  const order = placeOf(cache, last, lines, at, before);
  if (context === undefined || order === undefined) return undefined;
  const removed = old === undefined ? 0 : 1;
  const edit = { file, text, line, at, removed, tokens, before, order } as const;
  if (tokens === undefined) return { ...edit, after: undefined, expanded: undefined, uses: [] };
  const pp = last.preprocessor;
  if (!tokens.every((token) => settled(pp, token, context.at))) return undefined;
  const trace = createTrace();
  let failed = false;
  const problem = (): void => {
    failed = true;
  };
  const expanded = expandSingles({ ...pp, host: { ...pp.host, problem, trace } }, tokens);
  if (failed || expanded.length === 0 || expanded.some((t) => pp.changes.get(t.text.toLowerCase())?.multi === true))
    return undefined;
  const scratch: Assembly = { ...a, diagnostics: [], order: -1 };
  const statement = parseLine({ tokens: expanded, expansion: undefined }, (found, range) =>
    addProblem(scratch, found, range, undefined),
  );
  const after = { statement, problems: scratch.diagnostics, at: context.at };
  return { ...edit, after, expanded, uses: trace.uses };
}

/** Where the line's statement stands, or would stand, in the list. */
function placeOf(
  cache: LineCache,
  last: Last,
  lines: readonly Tokens[],
  at: number,
  before: ParsedLine | undefined,
): number | undefined {
  if (before?.statement !== undefined) return found(last.statements.indexOf(before.statement));
  for (let i = at - 1; i >= 0; i--) {
    const entry = parsedOnce(cache, lines[i]!);
    if (entry === undefined) return undefined;
    if (entry.statement !== undefined) return found(last.statements.indexOf(entry.statement), 1);
  }
  return undefined;
}

const found = (index: number, more = 0): number | undefined => (index < 0 ? undefined : index + more);

/** Whether a token means the same at a line as at the program's end. */
function settled(pp: Preprocessor, token: Token, at: number, depth = 0): boolean {
  if (token.kind === TOKEN.percent || depth > 20) return false;
  if (token.kind !== TOKEN.identifier) return true;
  if (token.text.startsWith('__')) return false;
  const changes = pp.changes.get(token.text.toLowerCase());
  if (changes === undefined) return true;
  if (changes.multi || changes.count !== 1 || changes.first >= at) return false;
  return (findOverloads(pp, token) ?? []).every(
    (macro) =>
      !macro.alias &&
      macro.parameters?.some((p) => p.evaluated) !== true &&
      macro.body.every((part) => settled(pp, part, at, depth + 1)),
  );
}

/** Directives that the preprocessor could see. */
const SEEN = /^(bits|use16|use32|use64|at|iend)$/;

const isSeen = (statement: Statement | undefined): boolean =>
  statement?.body.kind === 'directive' && SEEN.test(statement.body.name);

function apply(cache: LineCache, last: Last, options: AssemblyOptions, edit: Edit): boolean {
  const was = edit.before?.statement;
  const is = edit.after?.statement;
  if (isSeen(was) || isSeen(is)) return false;
  const a = last.assembly;
  writeFile(cache, a, edit);
  if (edit.removed === 0 && edit.tokens === undefined) return true;
  const statements = last.statements.slice();
  if (is === undefined) statements.splice(edit.order, was === undefined ? 0 : 1);
  else statements.splice(edit.order, was === undefined ? 0 : 1, is);
  const problems = problemsAfter(a, last.problems, edit);
  const reading = { statements, problems, preprocessor: last.preprocessor };
  if (was !== undefined && is !== undefined && replay(a, was, is, edit.order)) {
    cache.last = { assembly: a, ...reading };
    return true;
  }
  const next = createAssembly(options, cache);
  next.files.push(...a.files);
  next.missing.push(...a.missing);
  next.trace = a.trace;
  createSection(next, '.text', { file: 0, line: 1, column: 1, end: 1 });
  runPasses(next, () => {
    runAll(next, statements);
    return reading;
  });
  cache.last = { assembly: next, ...reading };
  return true;
}

/** The file with its new line, and what the preprocessor did there. */
function writeFile(cache: LineCache, a: Assembly, edit: Edit): void {
  const { path, lines: old } = a.files[edit.file]!;
  const lines = old.slice() as Token[][];
  if (edit.tokens === undefined) lines.splice(edit.at, edit.removed);
  else lines.splice(edit.at, edit.removed, edit.tokens as Token[]);
  a.files[edit.file] = { path, text: edit.text, lines };
  cache.files.set(path, { text: edit.text, file: edit.file, lines });
  if (edit.tokens !== undefined && edit.expanded !== undefined && edit.after !== undefined)
    parsed(cache, { tokens: edit.expanded, expansion: undefined, raw: edit.tokens }, edit.after);
  if (a.trace === undefined) return;
  const others = a.trace.uses.filter(({ range }) => range.line !== edit.line || range.file !== edit.file);
  a.trace = { ...a.trace, uses: [...others, ...edit.uses] };
}

/** What a line of a file causes stands there, so nothing else does. */
function problemsAfter(a: Assembly, problems: readonly Diagnostic[], edit: Edit): readonly Diagnostic[] {
  const path = a.files[edit.file]!.path;
  return [...problems.filter((d) => d.line !== edit.line || d.file !== path), ...(edit.after?.problems ?? [])];
}
