// Hints inside the lines: bytes and lengths of instructions, values of constants, VMCS fields behind numbers.
import type { InlayHint, Range } from 'vscode-languageserver';
import { vmcsFieldByEncoding } from '../spec/vmcs-fields.ts';
import { TOKEN } from '../asm/tokens.ts';
import { linesOfFile } from './comments.ts';
import { placeKey } from './entities.ts';
import { hexH } from './fact-hover.ts';
import { type Program, bytesOf, constantIn, entitiesOf, recordsAt, statementsAt, tokensAt } from './program.ts';
import { vmcsAccesses } from './vmcs-accesses.ts';

export function inlayHints(program: Program, file: number, range: Range): InlayHint[] {
  const { inlayHints: wanted } = program.settings;
  const lines = linesOfFile(program, file);
  const hints: InlayHint[] = [];
  const last = Math.min(range.end.line, lines.length - 1);
  for (let i = range.start.line; i <= last; i++) {
    const line = i + 1;
    if (wanted.values) hints.push(...valueHints(program, file, line));
    if (wanted.encoding || wanted.length) {
      const hint = encodingHint(program, file, line);
      if (hint !== undefined) hints.push(hint);
    }
  }
  if (wanted.vmcsFields) hints.push(...fieldHints(program, file, range));
  return hints;
}

function encodingHint(program: Program, file: number, line: number): InlayHint | undefined {
  const records = recordsAt(program, file, line).filter((r) => r.instruction);
  if (records.length === 0) return undefined;
  const { encoding, length } = program.settings.inlayHints;
  const bytes = records.flatMap((r) => [...bytesOf(program, r)]);
  const shown = bytes.slice(0, 15).map((b) => b.toString(16).toUpperCase().padStart(2, '0'));
  const parts = [
    encoding ? shown.join(' ') + (bytes.length > 15 ? ' …' : '') : '',
    length ? `${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}` : '',
  ].filter((p) => p !== '');
  const code = tokensAt(program, file, line).at(-1);
  return {
    position: { line: line - 1, character: (code?.end ?? 1) - 1 },
    label: parts.join(' · '),
    paddingLeft: true,
  };
}

/** Behind `NAME equ EXPRESSION` its value, unless it is written as a plain number. */
function valueHints(program: Program, file: number, line: number): InlayHint[] {
  return statementsAt(program, file, line).flatMap((statement) => {
    const { body } = statement;
    if (body.kind !== 'equ') return [];
    const tokens = tokensAt(program, file, line);
    const at = tokens.findIndex((t) => t.text.toLowerCase() === 'equ');
    const expression = tokens.slice(at + 1);
    if (expression.length === 1 && expression[0]!.kind === TOKEN.number) return [];
    const value = constantIn(program, body.expression, program.statements.indexOf(statement));
    if (value === undefined) return [];
    return [
      {
        position: { line: line - 1, character: (tokens.at(-1)?.end ?? 1) - 1 },
        label: `= ${hexH(value < 0n ? BigInt.asUintN(64, value) : value)}`,
        tooltip: String(value),
        paddingLeft: true,
      },
    ];
  });
}

/** Behind a plain number that VMREAD or VMWRITE takes for a field: which one. */
function fieldHints(program: Program, file: number, range: Range): InlayHint[] {
  const hints = new Map<number, InlayHint>();
  for (const access of vmcsAccesses(program)) {
    if (access.field === undefined) continue;
    const { value: encoding, origin } = access.field;
    if (origin.file !== file || origin.line - 1 < range.start.line || origin.line - 1 > range.end.line) continue;
    const tokens = tokensAt(program, file, origin.line).filter((t) => t.column >= origin.column && t.end <= origin.end);
    // A name says it already.
    if (
      tokens.some(
        (t) => t.kind === TOKEN.identifier && entitiesOf(program).byPlace.has(placeKey(file, t.line, t.column)),
      )
    )
      continue;
    if (!tokens.some((t) => t.kind === TOKEN.number)) continue;
    const field = encoding > 0xffffn ? undefined : vmcsFieldByEncoding(Number(encoding));
    if (field === undefined) continue;
    hints.set(placeKey(file, origin.line, origin.end), {
      position: { line: origin.line - 1, character: origin.end - 1 },
      label: field.identifier,
      tooltip: `${field.name}: ${field.meaning}`,
      paddingLeft: true,
    });
  }
  return [...hints.values()];
}
