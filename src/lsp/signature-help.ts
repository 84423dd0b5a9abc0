// While operands are written: the forms of an instruction, or the parameters of a macro.
import type { Position, SignatureHelp, SignatureInformation } from 'vscode-languageserver';
import { formsOf } from '../asm/encoder/forms.ts';
import type { MultiMacro, SingleMacro } from '../asm/preprocessor/state.ts';
import { REGISTERS } from '../asm/registers.ts';
import { commentAbove, linesOfFile } from './comments.ts';
import { cursorOf } from './cursor.ts';
import { operandText } from './form-text.ts';
import { operationOf } from './instruction-hover.ts';
import { type Program, entitiesOf } from './program.ts';

export function signatureHelp(program: Program, file: number, position: Position): SignatureHelp | undefined {
  const line = linesOfFile(program, file)[position.line] ?? '';
  const before = line.slice(0, position.character);
  const call = singleMacroCall(program, before);
  if (call !== undefined) return call;
  const cursor = cursorOf(before);
  if (cursor.kind !== 'operand') return undefined;
  const macros = entitiesOf(program).macros;
  const entity = macros.get(cursor.written) ?? macros.get(cursor.head);
  if (entity?.kind === 'macro') {
    const signatures = entity.macros.filter(isMulti).map((macro) => macroSignature(program, macro));
    return { signatures, activeSignature: 0, activeParameter: cursor.index };
  }
  const forms = formsOf(cursor.head)?.filter((form) => form.operands.length > 0);
  if (forms === undefined || forms.length === 0) return undefined;
  const seen = new Map<string, SignatureInformation & { fits: boolean }>();
  for (const form of forms) {
    const texts = form.operands.map((o) => operandText(o, form));
    const label = `${cursor.written} ${texts.join(', ')}`;
    if (seen.has(label)) continue;
    const fits =
      form.operands.length > cursor.index &&
      cursor.before.every((text, i) => {
        const register = REGISTERS.get(text.toLowerCase());
        return register === undefined || form.operands[i]!.class === register.class;
      });
    seen.set(label, {
      label,
      documentation: operationOf(cursor.head) ?? '',
      parameters: parametersIn(label, texts),
      fits,
    });
  }
  const all = [...seen.values()].sort((a, b) => Number(b.fits) - Number(a.fits)).slice(0, 30);
  return {
    signatures: all.map(({ fits: _, ...signature }) => signature),
    activeSignature: 0,
    activeParameter: cursor.index,
  };
}

/** Places of the operands in the label, so that equal ones are told apart. */
function parametersIn(label: string, texts: readonly string[]): { label: [number, number] }[] {
  let at = label.indexOf(' ') + 1;
  return texts.map((text) => {
    const place: [number, number] = [at, at + text.length];
    at += text.length + 2;
    return { label: place };
  });
}

const isMulti = (macro: SingleMacro | MultiMacro): macro is MultiMacro => 'minimum' in macro;

/** Parameters have numbers; a comment above such as `; vmcs FIELD, VALUE: …` gives them names. */
export function parameterNames(program: Program, macro: MultiMacro): readonly string[] {
  const comment = commentAbove(program, macro.defined);
  const named = new RegExp(
    `\\b${macro.name.replaceAll(/[^\w]/g, '.')}\\s+([A-Za-z_][\\w ]*(?:,\\s*[A-Za-z_][\\w ]*)*)\\s*[:.]`,
  ).exec(comment);
  return named?.[1]?.split(',').map((name) => name.trim()) ?? [];
}

function macroSignature(program: Program, macro: MultiMacro): SignatureInformation {
  const comment = commentAbove(program, macro.defined);
  const names = parameterNames(program, macro);
  const count = Math.min(macro.maximum, 16);
  const texts = Array.from({ length: Math.max(count, macro.minimum) }, (_, i) => {
    const name = names[i] ?? `%${i + 1}`;
    return i < macro.minimum ? name : `[${name}]`;
  });
  if (macro.greedy || macro.maximum > 16) texts[texts.length - 1] = `${texts.at(-1) ?? '%1'}…`;
  const label = `${macro.name} ${texts.join(', ')}`;
  return { label, documentation: comment, parameters: parametersIn(label, texts) };
}

/** `NAME(a, ¦`: a single-line macro with parameters. */
function singleMacroCall(program: Program, before: string): SignatureHelp | undefined {
  let depth = 0;
  let commas = 0;
  for (let i = before.length - 1; i >= 0; i--) {
    const c = before[i];
    if (c === ')') depth++;
    else if (c === ',' && depth === 0) commas++;
    else if (c === '(' && depth-- === 0) {
      const name = /[\w.$@?]+$/.exec(before.slice(0, i))?.[0];
      const entity = name === undefined ? undefined : entitiesOf(program).macros.get(name);
      const macros = entity?.macros.filter((m): m is SingleMacro => !isMulti(m) && m.parameters !== undefined) ?? [];
      if (macros.length === 0) return undefined;
      const signatures = macros.map((macro): SignatureInformation => {
        const texts = macro.parameters!.map((p) => p.name);
        return {
          label: `${macro.name} ${texts.join(', ')}`.replace(' ', '('),
          parameters: texts.map((label) => ({ label })),
        };
      });
      return {
        signatures: signatures.map((s) => ({ ...s, label: `${s.label})` })),
        activeSignature: 0,
        activeParameter: commas,
      };
    }
  }
  return undefined;
}
