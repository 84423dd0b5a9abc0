// The hover on an instruction: what it does, operands, flags, exceptions, encoding, feature, and its virtualization face.
import { ALIASES } from '../asm/encoder/aliases.ts';
import type { Form } from '../asm/encoder/forms.ts';
import { formsOf } from '../asm/encoder/forms.ts';
import { matchForms } from '../asm/encoder/match.ts';
import { readPrefixes } from '../asm/encoder/prefixes.ts';
import type { Statement } from '../asm/statement.ts';
import { CONTROL_WORDS } from '../spec/controls.ts';
import { instructionExceptions } from '../spec/instruction-exceptions.ts';
import { type InstructionFacts, instructionFacts } from '../spec/instruction-facts.ts';
import { instructionOperation } from '../spec/instruction-operations.ts';
import { type VirtualizationRow, virtualizationOf } from '../spec/instruction-virtualization.ts';
import { encodingText, operandsText } from './form-text.ts';
import { type Program, bytesOf } from './program.ts';

type Instruction = Extract<Statement['body'], { kind: 'instruction' }>;

const manualName = (mnemonic: string): string => ALIASES.get(mnemonic) ?? mnemonic;

export function factsOf(mnemonic: string): InstructionFacts | undefined {
  return instructionFacts(mnemonic) ?? instructionFacts(manualName(mnemonic));
}

export const operationOf = (mnemonic: string): string | undefined =>
  instructionOperation(mnemonic) ?? instructionOperation(manualName(mnemonic));

/** The row that these operands of a mnemonic select in the table of virtualization. */
export function virtualizationKey(mnemonic: string, body: Instruction | undefined): string {
  const name = manualName(mnemonic);
  const [first, second] = body?.operands ?? [];
  const cls = (o: typeof first): string => (o?.kind === 'register' ? o.register.class : '');
  if (name === 'mov') {
    if (cls(first) === 'cr' && first?.kind === 'register')
      return first.register.number === 2 ? 'mov cr2' : `mov to ${first.register.name}`;
    if (cls(second) === 'cr' && second?.kind === 'register')
      return second.register.number === 2 ? 'mov cr2' : `mov from ${second.register.name}`;
    if (cls(first) === 'dr' || cls(second) === 'dr') return 'mov dr';
    if (cls(first) === 'sreg') return 'mov to sreg';
    if (cls(second) === 'sreg') return 'mov from sreg';
  }
  if ((name === 'push' || name === 'pop') && cls(first) === 'sreg') return `${name} sreg`;
  if (name === 'retf' || ((name === 'jmp' || name === 'call') && (first?.kind === 'far' || first?.distance === 'far')))
    return 'far jump';
  return name;
}

export function instructionMarkdown(
  program: Program | undefined,
  mnemonic: string,
  statement: Statement | undefined,
): string {
  const body = statement?.body.kind === 'instruction' ? statement.body : undefined;
  const key = virtualizationKey(mnemonic, body);
  const facts = /^mov .*(cr\d|dr)$/.test(key) ? instructionFacts('mov-cr') : factsOf(mnemonic);
  const form = body === undefined || program === undefined ? undefined : formOf(program, statement!, body);
  const forms = form === undefined ? (formsOf(mnemonic) ?? []) : [form];
  const name = mnemonic.toUpperCase();
  const parts: string[] = [`**${name}** — ${operationOf(mnemonic) ?? 'no description'}`];
  parts.push(virtualizationMarkdown(virtualizationOf(key), facts));
  if (form !== undefined) {
    const access = facts?.accesses.get(form.operands.length);
    if (form.operands.length > 0)
      parts.push(`Operands: ${operandsText(form)}${access === undefined ? '' : ` (${accessWords(access)})`}`);
  } else {
    const texts = [...new Set(forms.map((f) => `${mnemonic} ${operandsText(f)}`.trimEnd()))];
    parts.push(
      `\`\`\`nasm\n${texts.slice(0, 8).join('\n')}${texts.length > 8 ? `\n; and ${texts.length - 8} more` : ''}\n\`\`\``,
    );
  }
  if (facts !== undefined) {
    const implicit = implicitWords(facts);
    if (implicit !== '') parts.push(implicit);
    parts.push(flagWords(facts));
  }
  const exceptions = instructionExceptions({
    mnemonic: manualName(mnemonic),
    encoding: forms[0]?.encoding ?? 'l',
    memory: body?.operands.some((o) => o.kind === 'memory' && manualName(mnemonic) !== 'lea') ?? false,
    facts,
  });
  if (exceptions.length > 0) parts.push(`Exceptions: ${exceptions.map((e) => `${e.name} (${e.when})`).join('; ')}`);
  const record = program?.assembly.lines.find((l) => l.statement === statement);
  const bytes =
    record === undefined || program === undefined
      ? ''
      : ` = \`${[...bytesOf(program, record)].map((b) => b.toString(16).toUpperCase().padStart(2, '0')).join(' ')}\` (${record.length} bytes)`;
  if (forms[0] !== undefined) parts.push(`Encoding: \`${encodingText(forms[0])}\`${bytes}`);
  if (facts !== undefined)
    parts.push(
      `CPUID feature: ${facts.features.length === 0 ? 'none, every processor with 64-bit mode has it' : facts.features.join(' or ').replaceAll('+', ' and ')}`,
    );
  return parts.join('\n\n');
}

/** The form that the encoder takes. */
function formOf(program: Program, statement: Statement, body: Instruction): Form | undefined {
  const memo = statement.memo;
  if (memo.candidates !== undefined) return memo.candidates[Math.max(memo.chosen, 0)];
  const bits = program.assembly.bits;
  const names = {
    symbol: () => undefined,
    here: () => undefined,
    sectionStart: () => undefined,
    problem: () => undefined,
  };
  const prefixes = readPrefixes(body.prefixes, bits, names);
  if (prefixes === undefined) return undefined;
  const match = matchForms(body.mnemonic, body.operands, bits, prefixes, prefixes.encoding);
  return match.ok ? match.forms[0] : undefined;
}

const WORDS: Readonly<Record<string, string>> = { r: 'read', w: 'written', b: 'read and written', '-': 'not accessed' };

const accessWords = (access: string): string =>
  [...access].map((letter, i) => `${['first', 'second', 'third', 'fourth', 'fifth'][i]} ${WORDS[letter]}`).join(', ');

function implicitWords(facts: InstructionFacts): string {
  const upper = (names: readonly string[]): string => names.map((n) => n.toUpperCase()).join(', ');
  const parts = [
    facts.implicitReads.length === 0 ? '' : `reads ${upper(facts.implicitReads)}`,
    facts.implicitWrites.length === 0 ? '' : `writes ${upper(facts.implicitWrites)}`,
  ].filter((p) => p !== '');
  return parts.length === 0 ? '' : `Besides: ${parts.join('; ')}`;
}

function flagWords(facts: InstructionFacts): string {
  const parts = [
    facts.flagsRead.length === 0 ? '' : `reads ${facts.flagsRead.join(' ')}`,
    facts.flagsWritten.length === 0 ? '' : `writes ${facts.flagsWritten.join(' ')}`,
    facts.flagsCleared.length === 0 ? '' : `clears ${facts.flagsCleared.join(' ')}`,
    facts.flagsSet.length === 0 ? '' : `sets ${facts.flagsSet.join(' ')}`,
    facts.flagsUndefined.length === 0 ? '' : `leaves ${facts.flagsUndefined.join(' ')} undefined`,
  ].filter((p) => p !== '');
  return `Flags: ${parts.length === 0 ? 'none' : parts.join('; ')}`;
}

/** The virtualization face in words. */
export function virtualizationMarkdown(
  row: VirtualizationRow | undefined,
  facts: InstructionFacts | undefined,
): string {
  const privilege = row?.privilege ?? (facts?.privileged ? 'CPL 0; otherwise #GP(0)' : undefined);
  // "any CPL, unless …": only a mode makes it privileged.
  const mode = privilege === undefined ? undefined : /^any CPL, (.*)$/.exec(privilege)?.[1];
  const privileged = privilege !== undefined && mode === undefined;
  const lines = [
    `- ${privileged ? `Privileged: ${privilege}` : mode === undefined ? 'Not privileged' : `Not privileged, ${mode}`}`,
    `- ${sensitivityWords(row, privileged)}`,
    `- ${exitWords(row)}`,
  ];
  if (row?.note !== undefined) lines.push(`- ${row.note}`);
  return `**In a guest**\n\n${lines.join('\n')}`;
}

function sensitivityWords(row: VirtualizationRow | undefined, privileged: boolean): string {
  if (row?.sensitive === undefined) return privileged ? 'Sensitive: it is privileged' : 'Not sensitive (innocuous)';
  const kind = row.sensitive.kind === 'control' ? 'Control-sensitive' : 'Behaviour-sensitive';
  const trap = privileged
    ? ''
    : row.exits === undefined
      ? '; not privileged, so trapping alone does not virtualize it (Popek and Goldberg)'
      : '; not privileged, so only the VM exit virtualizes it (Popek and Goldberg)';
  return `${kind}: ${row.sensitive.why}${trap}`;
}

function exitWords(row: VirtualizationRow | undefined): string {
  if (row?.exits === undefined) return 'Does not cause VM exits by itself';
  if (row.exits === 'always') return '**Exits unconditionally**';
  const rules = row.exits.map((rule) => {
    const controls = (rule.controls ?? []).map(
      (c) =>
        `“${c.name}” (bit ${CONTROL_WORDS[c.word].bits[c.name]!.bit} of the ${c.word} controls) is ${c.value ?? 1}`,
    );
    return [...controls, ...(rule.when === undefined ? [] : [rule.when])].join(' and ');
  });
  return `Exits if ${rules.join('; or if ')}`;
}
