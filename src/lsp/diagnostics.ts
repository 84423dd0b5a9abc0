// What is wrong in a file: the assembler's own diagnostics, the VMX lint, and the parts that do not count, shown faded.
import type { Diagnostic } from 'vscode-languageserver';
import type { Diagnostic as AsmDiagnostic } from '../asm/types.ts';
import { inactiveRanges } from './inactive.ts';
import { lintDiagnostics } from './lint.ts';
import type { Program } from './program.ts';

const SEVERITY = { error: 1, warning: 2, note: 3 } as const;
const UNNECESSARY = 1;

/** Names that a file meant for inclusion takes from the file that includes it. */
const FROM_OUTSIDE = new Set([
  'undefined-symbol',
  'not-yet-defined',
  'unknown-instruction',
  'orphan-label',
  'not-in-mode',
]);

/** Of a file. More come from a file in another language, and nobody reads them. */
const MOST = 1000;

export function isIncludeFile(uri: string): boolean {
  return /\.(inc|mac)$/i.test(uri);
}

export function diagnosticsOf(program: Program, file: number): Diagnostic[] {
  const path = program.assembly.files[file]?.path;
  const alone = file === 0 && isIncludeFile(program.root);
  const own = program.diagnostics
    .filter((d) => d.file === path && !(alone && FROM_OUTSIDE.has(d.code)))
    .slice(0, MOST)
    .map(convert);
  const faded = inactiveRanges(program, file).map(
    (range): Diagnostic => ({
      range,
      severity: 4,
      source: 'ringside',
      code: 'inactive',
      message: 'a condition leaves this part out',
      tags: [UNNECESSARY],
    }),
  );
  return [...own, ...(alone ? [] : lintDiagnostics(program, file)), ...faded];
}

function convert(d: AsmDiagnostic): Diagnostic {
  return {
    range: {
      start: { line: d.line - 1, character: d.column - 1 },
      end: { line: d.line - 1, character: d.endColumn - 1 },
    },
    severity: SEVERITY[d.severity],
    source: 'ringside',
    code: d.code,
    // Places in messages carry whole URIs; the file's name says enough.
    message: d.message.replaceAll(/[A-Za-z][\w+.-]+:\/\/\S*\/([^/\s]+:\d+)/g, '$1'),
  };
}
