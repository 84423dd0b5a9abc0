// What messages about operands and mnemonics say: what was given, what would do, what was perhaps meant.
import type { Operand } from '../statement.ts';
import { type Form, type OperandForm, mnemonics } from './forms.ts';

export function describe(operand: Operand): string {
  switch (operand.kind) {
    case 'register':
      return operand.register.name;
    case 'memory':
      return operand.size === 0 ? 'memory' : `${operand.size}-bit memory`;
    case 'immediate':
      return 'a number';
    case 'far':
      return 'segment:offset';
    default:
      return 'rounding';
  }
}

function describeSpec(spec: OperandForm): string {
  switch (spec.kind) {
    case 'register':
      return spec.class ?? '';
    case 'register-or-memory':
      return `${spec.class}/memory`;
    case 'memory':
      return 'memory';
    case 'fixed':
      return `${spec.class}#${spec.fixed}`;
    case 'immediate':
      return spec.fixed === 1 ? '1' : `imm${spec.bits}`;
    case 'relative':
      return 'label';
    case 'far':
      return 'segment:offset';
    default:
      return 'address';
  }
}

export function examples(forms: readonly Form[], count: number): string {
  const same = forms.filter((f) => f.operands.length === count);
  const texts = [...new Set((same.length > 0 ? same : forms).map((f) => f.operands.map(describeSpec).join(', ')))];
  return texts.slice(0, 4).join(' | ');
}

/** A mnemonic that differs by one letter, as a suggestion. */
export function closest(name: string): string | undefined {
  if (name.length < 3 || name.length > 30) return undefined;
  if (!nearest.has(name)) {
    if (nearest.size > 500) nearest.clear();
    nearest.set(
      name,
      mnemonics().find((m) => Math.abs(m.length - name.length) <= 1 && oneEdit(m, name)),
    );
  }
  return nearest.get(name);
}

/** Answers of before: a file in another language asks for the same words again and again. */
const nearest = new Map<string, string | undefined>();

function oneEdit(a: string, b: string): boolean {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  if (a.length === b.length) {
    if (a.slice(i + 1) === b.slice(i + 1)) return true;
    return a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2);
  }
  return a.length > b.length ? a.slice(i + 1) === b.slice(i) : a.slice(i) === b.slice(i + 1);
}
