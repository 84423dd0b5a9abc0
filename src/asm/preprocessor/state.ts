// What the preprocessor remembers: macros, contexts, and the stack of files, macro calls and repetitions it reads from.
import type { Problem } from '../errors.ts';
import type { Names } from '../evaluate.ts';
import type { SourceRange, Token } from '../tokens.ts';

export interface SingleParameter {
  readonly name: string;
  /** `=name`: the argument is evaluated to a number. */
  readonly evaluated: boolean;
  /** `&name`: the argument becomes a string. */
  readonly quoted: boolean;
  /** `name+`: takes the rest, commas included. */
  readonly greedy: boolean;
}

/** One %define; several with different parameter counts may share a name. */
export interface SingleMacro {
  readonly name: string;
  /** Undefined: no parentheses. */
  readonly parameters: readonly SingleParameter[] | undefined;
  readonly body: readonly Token[];
  readonly ignoreCase: boolean;
  readonly defined: SourceRange;
  /** %defalias: the body names the macro that is meant. */
  readonly alias: boolean;
  busy: boolean;
}

export type SingleMacros = Map<string, SingleMacro[]>;

/** One %macro. */
export interface MultiMacro {
  readonly name: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly greedy: boolean;
  readonly ignoreCase: boolean;
  readonly defaults: readonly (readonly Token[])[];
  readonly body: readonly (readonly Token[])[];
  readonly defined: SourceRange;
  busy: boolean;
}

/** Where a line came from when a macro wrote it. */
export interface Expansion {
  readonly macro: string;
  /** The macro's name in the line that called it. */
  readonly call: SourceRange;
  readonly parent: Expansion | undefined;
}

export interface MacroCall {
  readonly macro: MultiMacro;
  readonly name: string;
  arguments: readonly (readonly Token[])[];
  readonly label: readonly Token[];
  readonly id: number;
  readonly expansion: Expansion;
  readonly parent: MacroCall | undefined;
}

/** taking: lines count; waiting: no branch was true yet; done: a branch was taken; dead: inside lines that do not count. */
export interface Condition {
  state: 'taking' | 'waiting' | 'done' | 'dead';
  sawElse: boolean;
  readonly opened: SourceRange;
}

export interface Frame {
  readonly kind: 'file' | 'macro' | 'repeat';
  readonly lines: readonly (readonly Token[])[];
  index: number;
  /** The macro call whose parameters the lines see. */
  readonly call: MacroCall | undefined;
  readonly conditions: Condition[];
  /** Repetitions that are left, for `repeat`. */
  remaining: number;
  readonly file: number;
  /** The file was read before. */
  readonly again?: boolean;
}

export interface Context {
  readonly name: string | undefined;
  readonly id: number;
  readonly macros: SingleMacros;
}

/** A line for the parser. */
export interface Line {
  readonly tokens: readonly Token[];
  readonly expansion: Expansion | undefined;
  /** The line as its file has it, unless a macro or repetition wrote it or it is the label in front of a macro's call. */
  readonly raw?: readonly Token[] | undefined;
}

export interface PreprocessorHost {
  problem(problem: Problem, range: SourceRange, expansion: Expansion | undefined): void;
  /** The text of an included file as lines of tokens; undefined: not found. */
  include(
    path: string,
    from: number,
  ): { readonly file: number; readonly lines: readonly (readonly Token[])[] } | undefined;
  fileName(file: number): string;
  /** Names in expressions that must be known now. */
  readonly names: Names;
  bits(): number;
  /** Whether a word is an instruction or directive, so that a macro of that name may also be one. */
  isInstruction(name: string): boolean;
  readonly defines: Readonly<Record<string, string>>;
  /** Lines that the program may have after macros. */
  readonly lineLimit: number;
  /** Remembers what the preprocessor did, for editors. */
  readonly trace?: Trace | undefined;
}

/** What an editor asks about macros, files and conditions; filled while the program is read. */
export interface Trace {
  readonly definitions: (SingleMacro | MultiMacro)[];
  readonly uses: { readonly range: SourceRange; readonly macro: SingleMacro | MultiMacro }[];
  /** `file`: index of what was included; undefined: it was not found. */
  readonly includes: { readonly range: SourceRange; readonly path: string; readonly file: number | undefined }[];
  /** Lines that a false condition left out, each as `lineKey`; of a file that is included twice, the first time. */
  readonly skipped: Set<number>;
}

export function createTrace(): Trace {
  return { definitions: [], uses: [], includes: [], skipped: new Set() };
}

export const lineKey = (file: number, line: number): number => file * 2 ** 32 + line;

export interface MacroChanges {
  /** Of `produced`. */
  readonly first: number;
  count: number;
  multi: boolean;
}

export interface Preprocessor {
  readonly host: PreprocessorHost;
  readonly frames: Frame[];
  singles: SingleMacros;
  readonly foldedSingles: SingleMacros;
  readonly multis: Map<string, MultiMacro[]>;
  readonly foldedMultis: Map<string, MultiMacro[]>;
  contexts: Context[];
  nextId: number;
  /** Lines given so far: bounds runaway macros. */
  produced: number;
  /** Words that single-line macros became so far: bounds macros that grow. */
  expanded: number;
  /** What happened to each macro name, in lower case: when it was first defined, and how often it changed. */
  readonly changes: Map<string, MacroChanges>;
  expansion: Expansion | undefined;
  stopped: boolean;
}

/** Remembers that the meaning of a name changes here. */
export function noteChange(pp: Preprocessor, name: string, multi: boolean): void {
  if (pp.host.trace === undefined) return;
  const key = name.toLowerCase();
  const known = pp.changes.get(key);
  if (known === undefined) pp.changes.set(key, { first: pp.produced, count: 1, multi });
  else {
    known.count++;
    if (multi) known.multi = true;
  }
}

/** What a directive does; `name` is its lower-case name. */
export type Action = (pp: Preprocessor, frame: Frame, tokens: readonly Token[], name: string) => void;

export function report(pp: Preprocessor, problem: Problem, range: SourceRange): void {
  pp.host.problem(problem, range, pp.expansion);
}
