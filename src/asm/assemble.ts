// The assembler: reads a program, and passes over it until every size and address is settled.
import {
  type Assembly,
  addProblem,
  createAssembly,
  createSection,
  preprocessorNames,
  statementNames,
} from './assembly.ts';
import { include } from './include.ts';
import { type LineCache, linesOf, parsed, reusable } from './line-cache.ts';
import { isKeyword, parseLine } from './parser.ts';
import { type Reading, runPasses, step } from './passes.ts';
import { reassemble } from './reassemble.ts';
import { inOrder, result, unique } from './result.ts';
import { createPreprocessor, nextLine } from './preprocessor/preprocessor.ts';
import { type Preprocessor, type PreprocessorHost, createTrace } from './preprocessor/state.ts';
import type { Statement } from './statement.ts';
import type { AssemblyOptions, AssemblyResult, Diagnostic } from './types.ts';

/**
 * Assembles NASM source into a flat image. `mainFile` is the name that diagnostics and line tables show.
 * Never throws for mistakes in the source: they are in `diagnostics`.
 */
export function assemble(mainFile: string, source: string, options: AssemblyOptions = {}): AssemblyResult {
  const a = createAssembly(options);
  const reading = assembleProgram(a, mainFile, source);
  return result(a, [...reading.problems, ...a.diagnostics]);
}

/** What an editor reads of a program. */
export interface Analysis {
  readonly assembly: Assembly;
  readonly statements: readonly Statement[];
  /** In the order of the source. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The state after assembling, for editors: `cache` makes the next assembly of almost the same text fast. */
export function analyse(mainFile: string, source: string, options: AssemblyOptions, cache: LineCache): Analysis {
  if (!reassemble(cache, mainFile, source, options)) {
    cache.last = undefined;
    const a = createAssembly(options, cache);
    cache.assemblies++;
    const reading = assembleProgram(a, mainFile, source);
    cache.last = { assembly: a, ...reading };
  }
  const { assembly, statements, problems } = cache.last!;
  return { assembly, statements, diagnostics: inOrder(unique([...problems, ...assembly.diagnostics]), assembly.files) };
}

function assembleProgram(a: Assembly, mainFile: string, source: string): Reading {
  a.files.push({ path: mainFile, text: source, lines: linesOf(a.cache, mainFile, source, 0) });
  createSection(a, '.text', { file: 0, line: 1, column: 1, end: 1 });
  return runPasses(a, () => readProgram(a));
}

/** Preprocesses, parses and runs the whole program once. */
function readProgram(a: Assembly): Reading {
  const own = a.diagnostics;
  const statements: Statement[] = [];
  const problems: Diagnostic[] = [];
  a.trace = a.cache === undefined ? undefined : createTrace();
  const names = statementNames(a);
  const intoProblems = (work: () => void): void => {
    a.diagnostics = problems;
    work();
    a.diagnostics = own;
  };
  const host: PreprocessorHost = {
    problem: (problem, range, expansion) => intoProblems(() => addProblem(a, problem, range, expansion)),
    include: (path, from) => include(a, path, from),
    fileName: (file) => a.files[file]?.path ?? '',
    names: preprocessorNames(a),
    bits: () => a.bits,
    isInstruction: (name) => isKeyword(name.toLowerCase()),
    defines: a.options.defines ?? {},
    lineLimit: a.cache === undefined ? LINE_LIMIT : EDITED_LINE_LIMIT,
    trace: a.trace,
  };
  const preprocessor: Preprocessor = createPreprocessor(host, a.files[0]!.lines, 0);
  for (;;) {
    const line = nextLine(preprocessor);
    if (line === undefined) return { statements, problems, preprocessor };
    a.expansion = line.expansion;
    let statement = reusable(a.cache, line, preprocessor.produced);
    if (statement === undefined) {
      const before = problems.length;
      intoProblems(() => {
        statement = parseLine(line, (problem, range) => addProblem(a, problem, range, line.expansion));
      });
      parsed(a.cache, line, {
        statement,
        problems: problems.length === before ? NONE : problems.slice(before),
        at: preprocessor.produced,
      });
      if (statement === undefined) continue;
    }
    statements.push(statement);
    step(a, names, statement, statements.length - 1);
  }
}

/** Lines that macros may make of a program; more come from one that never ends. An editor gives up sooner. */
const LINE_LIMIT = 4_000_000;
const EDITED_LINE_LIMIT = 250_000;

const NONE: readonly Diagnostic[] = [];
