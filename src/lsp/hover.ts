// The hover: what stands under the pointer, in words.
import type { Hover, Position } from 'vscode-languageserver';
import { isMnemonic } from '../asm/encoder/forms.ts';
import { PREFIX_NAMES } from '../asm/encoder/prefixes.ts';
import { parseNumber } from '../asm/numbers.ts';
import type { MultiMacro, SingleMacro } from '../asm/preprocessor/state.ts';
import { REGISTERS } from '../asm/registers.ts';
import { type SourceRange, TOKEN, type Token, textOf } from '../asm/tokens.ts';
import { BIT_LAYOUTS, registerLayout } from '../spec/bit-layouts.ts';
import { describeBits } from '../spec/bits.ts';
import { commentAbove } from './comments.ts';
import { type Entity, placeKey } from './entities.ts';
import { CONTROL_WORDS } from '../spec/controls.ts';
import { bitsMarkdown, factMarkdown, hexH } from './fact-hover.ts';
import { instructionMarkdown } from './instruction-hover.ts';
import { type Fact, factByName, fieldByNumber, msrByNumber, reasonByNumber, wordOfField } from './names.ts';
import { processorOf } from './processor.ts';
import { columnOf, lineOf, rangeOfPlace } from './place.ts';
import { type Program, entitiesOf, recordsAt, statementsAt, tokenAt, tokensAt, uriOf } from './program.ts';
import { parameterNames } from './signature-help.ts';
import { type VmcsAccess, accessesOf, vmcsAccesses } from './vmcs-accesses.ts';

export function hover(program: Program, file: number, position: Position, values?: RegisterValues): Hover | undefined {
  const token = tokenAt(program, file, lineOf(position), columnOf(position));
  if (token === undefined) return undefined;
  const text = markdown(program, file, token, values);
  return text === undefined ? undefined : { contents: { kind: 'markdown', value: text }, range: rangeOfPlace(token) };
}

/** Last values of registers in a running session, by lower-case name. */
export type RegisterValues = ReadonlyMap<string, bigint>;

function markdown(
  program: Program,
  file: number,
  token: Token,
  values: RegisterValues | undefined,
): string | undefined {
  if (token.kind === TOKEN.number) return numberMarkdown(program, file, token);
  if (token.kind !== TOKEN.identifier && token.kind !== TOKEN.percent) return undefined;
  const lower = token.text.toLowerCase();
  const entity = entitiesOf(program).byPlace.get(placeKey(file, token.line, token.column));
  if (entity !== undefined) return entityMarkdown(program, entity, token);
  const parameter = parameterMarkdown(program, file, token);
  if (parameter !== undefined) return parameter;
  if (REGISTERS.has(lower)) return registerMarkdown(lower, values);
  if (isMnemonic(lower)) {
    const statement = statementsAt(program, file, token.line).find(
      (s) => s.body.kind === 'instruction' && s.body.mnemonic === lower,
    );
    return instructionMarkdown(program, lower, statement);
  }
  if (PREFIX_NAMES.has(lower)) return PREFIXES[lower];
  const fact = factByName(token.text);
  return fact === undefined ? undefined : factMarkdown(fact, processorOf(program.settings));
}

const PREFIXES: Readonly<Record<string, string>> = {
  lock: '**LOCK** — the read and write of memory happen as one. #UD on instructions without this form.',
  rep: '**REP** — repeats the string instruction, counting rCX down to 0.',
  repe: '**REPE** — repeats the string instruction while ZF = 1, counting rCX down.',
  repz: '**REPZ** — repeats the string instruction while ZF = 1, counting rCX down.',
  repne: '**REPNE** — repeats the string instruction while ZF = 0, counting rCX down.',
  repnz: '**REPNZ** — repeats the string instruction while ZF = 0, counting rCX down.',
};

function registerMarkdown(name: string, values: RegisterValues | undefined): string {
  const register = REGISTERS.get(name)!;
  const layout = registerLayout(name);
  const value = registerValue(name, values);
  const head = `**${name.toUpperCase()}** — ${register.bits === 0 ? 'system register' : `${register.bits}-bit register`}`;
  const parts = [head];
  if (value !== undefined) {
    parts.push(`At the last stop: \`0x${value.toString(16).toUpperCase()}\` (${value})`);
    if (layout !== undefined) parts.push(describeBits(layout, value).summary);
  }
  if (layout !== undefined) parts.push(bitsMarkdown(layout));
  return parts.join('\n\n');
}

const WIDE: Readonly<Record<number, readonly string[]>> = {
  0: ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'],
};

/** The value of a register from those of the widest: AH from RAX, for example. */
export function registerValue(name: string, values: RegisterValues | undefined): bigint | undefined {
  if (values === undefined) return undefined;
  const own = values.get(name);
  if (own !== undefined) return own;
  const register = REGISTERS.get(name);
  if (register === undefined || !/^r(8|16|32|64)$/.test(register.class)) return undefined;
  const number = register.high ? register.number - 4 : register.number;
  const wide = values.get(number < 8 ? WIDE[0]![number]! : `r${number}`);
  if (wide === undefined) return undefined;
  return BigInt.asUintN(register.bits, register.high ? wide >> 8n : wide);
}

function numberMarkdown(program: Program, file: number, token: Token): string | undefined {
  const value = parseNumber(token.text)?.value;
  if (value === undefined) return undefined;
  const line = [`\`${hexH(value)}\` = ${value}`];
  const facts: Fact[] = [];
  const mnemonics = statementsAt(program, file, token.line).map((s) =>
    s.body.kind === 'instruction' ? s.body.mnemonic : s.body.kind,
  );
  const field = fieldByNumber(value);
  const access = accessAt(program, file, token.line);
  const asField = access !== undefined || mnemonics.some((m) => m === 'vmread' || m === 'vmwrite');
  const before = tokensAt(program, file, token.line).map((t) => t.text.toLowerCase());
  if (asField && field !== undefined) facts.push(field);
  else {
    const ecx = /^(ecx|rcx)$/.test(before[before.indexOf(token.text.toLowerCase()) - 2] ?? '');
    const msr = msrByNumber(value);
    if (ecx && msr !== undefined && value > 0xfn) facts.push(msr);
    else if (field !== undefined && value >= 0x800n) facts.push(field);
    if (mnemonics.includes('cmp')) {
      const reason = reasonByNumber(value);
      if (reason !== undefined && value < 0x100n) facts.push(reason);
    }
  }
  const texts = facts.map((fact) => factMarkdown(fact, processorOf(program.settings)));
  return [line.join(''), ...texts].join('\n\n---\n\n');
}

/** The VMREAD or VMWRITE whose field number this line loads or holds. */
function accessAt(program: Program, file: number, line: number): VmcsAccess | undefined {
  return vmcsAccesses(program).find((a) => a.field?.origin.file === file && a.field.origin.line === line);
}

const isMulti = (macro: SingleMacro | MultiMacro): macro is MultiMacro => 'minimum' in macro;

function macroMarkdown(macro: SingleMacro | MultiMacro): string {
  if (isMulti(macro)) {
    const last = macro.maximum === macro.minimum ? '' : `-${macro.maximum > 1e6 ? '*' : macro.maximum}`;
    const body = macro.body.slice(0, 20).map((line) => `    ${textOf(line)}`);
    const more = macro.body.length > 20 ? ['    ; …'] : [];
    return [
      `%macro ${macro.name} ${macro.minimum}${last}${macro.greedy ? '+' : ''}`,
      ...body,
      ...more,
      '%endmacro',
    ].join('\n');
  }
  const parameters = macro.parameters === undefined ? '' : `(${macro.parameters.map((p) => p.name).join(', ')})`;
  return `%define ${macro.name}${parameters} ${textOf(macro.body)}`;
}

function entityMarkdown(program: Program, entity: Entity, token: Token): string {
  const parts: string[] = [];
  const last = entity.macros.at(-1);
  const symbol = program.assembly.symbols.get(entity.name);
  const size = entity.kind === 'structure' ? program.assembly.symbols.get(`${entity.name}_size`)?.constant : undefined;
  if (entity.name.startsWith('..@')) {
    parts.push(`**${token.text}** — label of its own in each call of the macro`);
  } else if (size !== undefined) {
    parts.push(`**${entity.name}** — structure of ${size} bytes (\`${entity.name}_size\` = \`${hexH(size)}\`)`);
  } else if (last !== undefined) {
    parts.push(`\`\`\`nasm\n${macroMarkdown(last)}\n\`\`\``);
  } else if (symbol !== undefined) {
    const address =
      symbol.section < 0
        ? `= \`${hexH(symbol.constant < 0n ? BigInt.asUintN(64, symbol.constant) : symbol.constant)}\` (${symbol.constant})`
        : `at \`${hexH(symbol.constant + BigInt(program.assembly.sections[symbol.section]!.address))}\` in ${program.assembly.sections[symbol.section]!.name}`;
    parts.push(`**${entity.name}** — ${entity.kind} ${address}`);
  } else parts.push(`**${entity.name}** — ${entity.kind}`);
  const definition = entity.definitions[0];
  if (definition !== undefined) {
    const comment = commentAbove(program, definition);
    if (comment !== '') parts.push(comment);
    const file = uriOf(program, definition);
    parts.push(`${file.slice(file.lastIndexOf('/') + 1)}:${definition.line}`);
    if (last !== undefined && entity.kind === 'macro') {
      const records = recordsAt(program, definition.file, definition.line);
      if (records.length > 0) parts.push(`${records.length} instructions`);
    }
  }
  const fact = factByName(entity.name);
  const facts = fact !== undefined && matches(program, entity, fact) ? [fact] : usesOf(program, entity);
  for (const one of facts) parts.push('---', factMarkdown(one, processorOf(program.settings)));
  const written = fact === undefined ? wordWritten(program, entity) : undefined;
  if (written !== undefined) parts.push('---', written);
  return parts.join('\n\n');
}

/** Whether a name stands in what was loaded. */
const standsIn = (entity: Entity, origin: SourceRange): boolean =>
  entity.references.some(
    (r) => r.file === origin.file && r.line === origin.line && r.column >= origin.column && r.end <= origin.end,
  );

/** What a constant with a name of the program's own stands for, by what the program does with it. */
function usesOf(program: Program, entity: Entity): readonly Fact[] {
  const value = program.assembly.symbols.get(entity.name)?.constant;
  if (value === undefined || entity.kind !== 'constant') return [];
  const { vmcs, msrs } = accessesOf(program);
  const field = vmcs.some((a) => a.field !== undefined && a.field.value === value && standsIn(entity, a.field.origin))
    ? fieldByNumber(value)
    : undefined;
  const msr = msrs.some((m) => m.value === value && standsIn(entity, m.origin)) ? msrByNumber(value) : undefined;
  return [field, msr].filter((fact): fact is Fact => fact !== undefined);
}

/** The controls of a constant that is written to a control word. */
function wordWritten(program: Program, entity: Entity): string | undefined {
  const value = program.assembly.symbols.get(entity.name)?.constant;
  if (value === undefined || entity.kind !== 'constant') return undefined;
  for (const { field, value: written } of accessesOf(program).vmcs) {
    if (field === undefined || written === undefined || !standsIn(entity, written.origin)) continue;
    const fact = fieldByNumber(field.value);
    const word = fact?.kind === 'vmcs' ? wordOfField(fact.field) : undefined;
    if (fact?.kind !== 'vmcs') continue;
    if (word !== undefined) {
      const set = Object.entries(CONTROL_WORDS[word].bits).filter(
        ([, { bit }]) => ((value >> BigInt(bit)) & 1n) !== 0n,
      );
      const names = set.map(([name, { bit }]) => `“${name}” (bit ${bit})`);
      return `Written to “${fact.field.name}”: ${names.length === 0 ? 'no control' : names.join(', ')}`;
    }
    if (fact.field.bits !== undefined)
      return `Written to “${fact.field.name}”: ${describeBits(BIT_LAYOUTS[fact.field.bits], value).summary}`;
  }
  return undefined;
}

/** `%1` in the body of a macro: which parameter that is. */
function parameterMarkdown(program: Program, file: number, token: Token): string | undefined {
  const index = token.kind === TOKEN.percent ? /^%[-+]?\{?(\d+)\}?$/.exec(token.text)?.[1] : undefined;
  if (index === undefined) return undefined;
  const macro = program.trace.definitions.findLast(
    (m): m is MultiMacro =>
      isMulti(m) &&
      m.defined.file === file &&
      m.defined.line < token.line &&
      m.body.some((line) => line.some((t) => t.line === token.line)),
  );
  if (macro === undefined) return undefined;
  if (index === '0') return `**%0** — number of parameters of this call of \`${macro.name}\``;
  const name = parameterNames(program, macro)[Number(index) - 1];
  const given = macro.defaults[Number(index) - 1 - macro.minimum];
  return [
    `**${token.text}** — parameter ${index} of \`${macro.name}\`${name === undefined ? '' : `: ${name}`}`,
    given === undefined ? '' : `Without it: \`${textOf(given)}\``,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** A program may use a name of the manual for something else: only the same number is the same thing. */
function matches(program: Program, entity: Entity, fact: Fact): boolean {
  const symbol = program.assembly.symbols.get(entity.name);
  if (symbol === undefined) return entity.kind === 'define';
  if (symbol.section >= 0) return false;
  switch (fact.kind) {
    case 'vmcs':
      return symbol.constant === BigInt(fact.field.encoding + (fact.high ? 1 : 0));
    case 'msr':
      return symbol.constant === BigInt(fact.msr.index);
    case 'exit-reason':
      return symbol.constant === BigInt(fact.reason.reason);
    default:
      return true;
  }
}
