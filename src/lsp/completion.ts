// What can stand at the cursor: mnemonics, what their operands take, names of the program and of the manual.
import { type CompletionItem, CompletionItemKind, InsertTextFormat, type Position } from 'vscode-languageserver';
import { type Form, formsOf, mnemonics } from '../asm/encoder/forms.ts';
import { SIZES } from '../asm/operands.ts';
import { REGISTERS, type RegisterClass } from '../asm/registers.ts';
import { CONDITION_NAMES } from '../asm/preprocessor/conditions.ts';
import { PREPROCESSOR_NAMES } from '../asm/preprocessor/directives.ts';
import { DATA_WORDS, DIRECTIVE_NAMES } from '../asm/words.ts';
import { CONTROL_WORDS } from '../spec/controls.ts';
import { MSR_LIST } from '../spec/msrs.ts';
import { VMCS_FIELD_LIST } from '../spec/vmcs-fields.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { linesOfFile } from './comments.ts';
import { type Cursor, cursorOf } from './cursor.ts';
import type { Entity } from './entities.ts';
import { factMarkdown, hexH } from './fact-hover.ts';
import { operandsText } from './form-text.ts';
import { instructionMarkdown, operationOf } from './instruction-hover.ts';
import { CONTROL_WORD_NAMES, controlName, factByName } from './names.ts';
import { type Program, entitiesOf, tokensAt } from './program.ts';

const PREPROCESSOR: Readonly<Record<string, string>> = {
  '%define': 'Defines a single-line macro.',
  '%xdefine': 'Defines a single-line macro and expands its body now.',
  '%assign': 'Defines a macro as the value of an expression.',
  '%undef': 'Forgets a single-line macro.',
  '%macro': 'Begins a multi-line macro: name and number of parameters.',
  '%endmacro': 'Ends a multi-line macro.',
  '%rep': 'Repeats the lines up to %endrep.',
  '%endrep': 'Ends a repetition.',
  '%exitrep': 'Leaves a repetition.',
  '%if': 'Takes the lines up to %else or %endif if the expression is not 0.',
  '%ifdef': 'Takes the lines if the macro is defined.',
  '%ifndef': 'Takes the lines if the macro is not defined.',
  '%ifidn': 'Takes the lines if two texts are the same.',
  '%ifidni': 'Takes the lines if two texts are the same but for case.',
  '%ifnum': 'Takes the lines if the text is a number.',
  '%ifstr': 'Takes the lines if the text is a string.',
  '%ifid': 'Takes the lines if the text is a name.',
  '%ifempty': 'Takes the lines if there is no text.',
  '%ifmacro': 'Takes the lines if the multi-line macro is defined.',
  '%elif': 'Another condition of an %if.',
  '%else': 'The other case of an %if.',
  '%endif': 'Ends a condition.',
  '%include': 'Reads another file here.',
  '%error': 'Reports an error.',
  '%warning': 'Reports a warning.',
  '%fatal': 'Reports an error and stops.',
  '%push': 'Opens a context.',
  '%pop': 'Closes a context.',
  '%rotate': 'Rotates the parameters of the macro.',
  '%strlen': 'Defines a macro as the length of a string.',
  '%strcat': 'Defines a macro as strings put together.',
  '%substr': 'Defines a macro as a part of a string.',
  '%defstr': 'Defines a macro as a string of its body.',
  '%deftok': 'Defines a macro as the words in a string.',
  '%defalias': 'Gives a macro another name.',
  '%undefalias': 'Takes the other name of a macro away.',
  '%rmacro': 'Begins a multi-line macro that may call itself.',
  '%unmacro': 'Forgets a multi-line macro.',
  '%endm': 'Ends a multi-line macro.',
  '%exitmacro': 'Leaves a multi-line macro.',
  '%repl': 'Gives the innermost context another name.',
  '%clear': 'Forgets all macros.',
  '%line': 'Tells the source of what follows; without effect here.',
  '%pragma': 'Tells another tool something; without effect here.',
  '%depend': 'Names a file that the program depends on; without effect here.',
  '%ifctx': 'Takes the lines if this is the name of the innermost context.',
  '%iftoken': 'Takes the lines if the text is one word.',
  '%ifenv': 'Takes the lines if the environment variable is set; never here.',
  '%ifusing': 'Takes the lines if the package is loaded; never here.',
  '%ifusable': 'Takes the lines if the package can be loaded; never here.',
};

/** Every directive of the preprocessor, with what it does. */
export function preprocessorWords(): readonly { readonly label: string; readonly documentation: string }[] {
  const labels = [
    ...PREPROCESSOR_NAMES,
    ...['%else', '%endif'],
    ...CONDITION_NAMES.flatMap((name) => [`%if${name}`, `%ifn${name}`, `%elif${name}`, `%elifn${name}`]),
  ];
  return [...new Set(labels)].map((label) => ({ label, documentation: PREPROCESSOR[label] ?? derived(label) }));
}

/** What a relative of a directive does: %imacro of %macro, %ifnctx and %elifctx of %ifctx. */
function derived(label: string): string {
  const condition = /^%(el)?if(n?)(\w*)$/.exec(label);
  if (condition?.[1] !== undefined) return `Another condition, as of ${label.replace('%elif', '%if')}.`;
  if (condition?.[2] === 'n') return `Takes the lines unless %if${condition[3]} would.`;
  const exact = PREPROCESSOR[label.replace(/^%(un)?i/, '%$1')];
  return exact === undefined ? '' : `${exact.replace(/\.$/, '')}, whatever the case of its name.`;
}

export function completion(program: Program, file: number, position: Position): CompletionItem[] {
  const line = linesOfFile(program, file)[position.line] ?? '';
  const cursor = cursorOf(line.slice(0, position.character));
  switch (cursor.kind) {
    case 'directive':
      return preprocessorWords().map(({ label, documentation }) => {
        const start = { line: position.line, character: position.character - cursor.typed.length };
        return {
          label,
          kind: CompletionItemKind.Keyword,
          documentation,
          textEdit: { range: { start, end: position }, newText: label },
        };
      });
    case 'statement':
      return statements(program, cursor.typed);
    case 'operand':
      return operands(program, file, cursor, position);
    default:
      return [];
  }
}

const inCaseOf = (typed: string, name: string): string =>
  /^[A-Z]/.test(typed) && !/[a-z]/.test(typed) ? name.toUpperCase() : name;

function statements(program: Program, typed: string): CompletionItem[] {
  const items: CompletionItem[] = [];
  for (const name of mnemonics()) {
    // The long list of SIMD instructions comes only when it is asked for.
    if (typed.length < 2 && /^(v[a-z]|p[a-z]{2,}|k)/.test(name) && !/^(push|pop|pause|vm|prefetch)/.test(name))
      continue;
    items.push({
      label: inCaseOf(typed, name),
      kind: CompletionItemKind.Keyword,
      sortText: `${rank(name)}${name}`,
      data: { mnemonic: name },
    });
  }
  for (const name of [...DATA_WORDS, ...DIRECTIVE_NAMES])
    items.push({ label: inCaseOf(typed, name), kind: CompletionItemKind.Struct, sortText: `1${name}` });
  for (const entity of entitiesOf(program).macros.values())
    if (entity.kind === 'macro') items.push(entityItem(program, entity, '0'));
  return items;
}

/** Everyday and VMX instructions before the others. */
const rank = (name: string): number =>
  /^(mov|add|sub|cmp|test|jmp|j[a-z]{1,2}|call|ret|push|pop|lea|xor|and|or|inc|dec|shl|shr|vm\w+|cpuid|hlt|rdmsr|wrmsr|in|out|int)$/.test(
    name,
  )
    ? 1
    : 2;

/** Adds what is shown beside a chosen item. */
export function resolveCompletion(
  program: Program | undefined,
  item: CompletionItem,
  profile: CapabilityProfile,
): CompletionItem {
  const data = item.data as { mnemonic?: string; fact?: string } | undefined;
  if (data?.mnemonic !== undefined) {
    const forms = formsOf(data.mnemonic) ?? [];
    item.detail = [...new Set(forms.map(operandsText))].slice(0, 4).join(' | ');
    item.documentation = { kind: 'markdown', value: instructionMarkdown(program, data.mnemonic, undefined) };
  } else if (data?.fact !== undefined) {
    const fact = factByName(data.fact);
    if (fact !== undefined) item.documentation = { kind: 'markdown', value: factMarkdown(fact, profile) };
  }
  return item;
}

function operands(
  program: Program,
  file: number,
  cursor: Extract<Cursor, { kind: 'operand' }>,
  position: Position,
): CompletionItem[] {
  const items: CompletionItem[] = [];
  const mode = modeAt(program, file, position.line + 1);
  const forms = formsOf(cursor.head)?.filter((form) => (form.modes & mode) !== 0 && accepts(form, cursor));
  const names = forms === undefined || cursor.inBrackets || forms.some((f) => takesNumber(f, cursor.index));
  if (names) items.push(...manual(program, cursor));
  items.push(...fieldOperands(program, cursor, position));
  if (forms !== undefined) {
    items.push(...registers(forms, cursor));
    if (!cursor.inBrackets && forms.some((f) => f.memoryBits > 0 && takesMemory(f, cursor.index)))
      for (const size of Object.keys(SIZES))
        if (forms.some((f) => f.memoryBits === SIZES[size]))
          items.push({
            label: inCaseOf(cursor.typed, size),
            kind: CompletionItemKind.Keyword,
            insertText: `${inCaseOf(cursor.typed, size)} [$0]`,
            insertTextFormat: InsertTextFormat.Snippet,
            sortText: `3${size}`,
          });
  }
  if (/^(bits)$/.test(cursor.head))
    for (const n of ['16', '32', '64']) items.push({ label: n, kind: CompletionItemKind.Value });
  if (cursor.head === 'default')
    for (const n of ['rel', 'abs']) items.push({ label: n, kind: CompletionItemKind.Value });
  if (cursor.head === 'section' || cursor.head === 'segment')
    for (const n of ['.text', '.data', '.bss', '.rodata']) items.push({ label: n, kind: CompletionItemKind.Module });
  const jumps = forms?.some((f) => f.operands[cursor.index]?.kind === 'relative') ?? false;
  if (names || jumps) {
    const scope = scopeAt(program, position);
    for (const entity of entitiesOf(program).entities) {
      if (entity.name.startsWith('..@') || entity.kind === 'macro' || entity.definitions.length === 0) continue;
      const local = entity.name.lastIndexOf('.');
      if (entity.kind === 'label' && local > 0) {
        if (entity.name.slice(0, local) === scope)
          items.push(entityItem(program, entity, '1', entity.name.slice(local)));
        // Of another label when its name is written out.
        else if (cursor.typed.startsWith(entity.name.slice(0, local + 1))) items.push(entityItem(program, entity, '1'));
        continue;
      }
      items.push(entityItem(program, entity, jumps && entity.kind === 'label' ? '1' : '2'));
    }
  }
  // Words with a dot in front replace what is typed with it.
  const start = { line: position.line, character: position.character - cursor.typed.length };
  return items.map((item) =>
    item.label.includes('.') ? { ...item, textEdit: { range: { start, end: position }, newText: item.label } } : item,
  );
}

/** The ordinary label above. */
function scopeAt(program: Program, position: Position): string {
  let scope = '';
  let line = -1;
  for (const entity of entitiesOf(program).entities) {
    if (entity.kind !== 'label' || entity.name.includes('.')) continue;
    for (const d of entity.definitions) {
      if (d.line - 1 <= position.line && d.line > line) {
        line = d.line;
        scope = entity.name;
      }
    }
  }
  return scope;
}

const takesMemory = (form: Form, index: number): boolean => /memory|offset/.test(form.operands[index]?.kind ?? '');
const takesNumber = (form: Form, index: number): boolean =>
  /immediate|relative|far|memory|offset/.test(form.operands[index]?.kind ?? '');

/** Whether the operands before the cursor fit the form. */
function accepts(form: Form, cursor: Extract<Cursor, { kind: 'operand' }>): boolean {
  if (form.operands.length <= cursor.index) return false;
  return cursor.before.every((text, i) => {
    const operand = form.operands[i]!;
    const register = REGISTERS.get(text.toLowerCase());
    if (register !== undefined)
      return operand.class === register.class && (operand.kind !== 'fixed' || operand.fixed === register.number);
    if (text.includes('[')) return /memory|offset/.test(operand.kind);
    return operand.kind !== 'register' && operand.kind !== 'fixed';
  });
}

function registers(forms: readonly Form[], cursor: Extract<Cursor, { kind: 'operand' }>): CompletionItem[] {
  const classes = new Set<RegisterClass>();
  const fixed = new Set<string>();
  if (cursor.inBrackets) for (const c of ['r16', 'r32', 'r64'] as const) classes.add(c);
  else
    for (const form of forms) {
      const operand = form.operands[cursor.index]!;
      if (operand.class === undefined) continue;
      if (operand.kind === 'fixed') fixed.add(`${operand.class}#${operand.fixed}`);
      else classes.add(operand.class);
    }
  const items: CompletionItem[] = [];
  for (const [name, register] of REGISTERS) {
    if (!classes.has(register.class) && !fixed.has(`${register.class}#${register.number}`)) continue;
    if (register.number > 15 && cursor.typed === '') continue;
    items.push({
      label: inCaseOf(cursor.typed, name),
      kind: CompletionItemKind.Variable,
      detail: register.bits === 0 ? 'register' : `${register.bits} bits`,
      sortText: `4${String(64 - (register.bits % 65)).padStart(2, '0')}${String(register.number).padStart(2, '0')}`,
    });
  }
  return items;
}

function entityItem(program: Program, entity: Entity, sort: string, label = entity.name): CompletionItem {
  const symbol = program.assembly.symbols.get(entity.name);
  const kinds = {
    label: CompletionItemKind.Function,
    constant: CompletionItemKind.Constant,
    structure: CompletionItemKind.Struct,
    field: CompletionItemKind.Field,
    define: CompletionItemKind.Constant,
    macro: CompletionItemKind.Method,
  };
  return {
    label,
    kind: kinds[entity.kind],
    detail:
      symbol === undefined || symbol.section >= 0 ? entity.kind : `= ${hexH(BigInt.asUintN(64, symbol.constant))}`,
    sortText: `${sort}${label}`,
    data: { fact: entity.name },
  };
}

/** The code size at a line, as forms have it: 1, 2 or 4. */
function modeAt(program: Program, file: number, line: number): number {
  for (let i = line - 1; i > 0; i--) {
    const [first, second] = tokensAt(program, file, i);
    const text = first?.text === '[' ? (second?.text ?? '') : (first?.text ?? '');
    const size = /^bits$/i.test(text)
      ? tokensAt(program, file, i).find((t) => /^(16|32|64)$/.test(t.text))?.text
      : /^use(16|32|64)$/i.exec(text)?.[1];
    if (size !== undefined) return MODES[size]!;
  }
  return MODES[String(program.assembly.bits)]!;
}

const MODES: Readonly<Record<string, number>> = { 16: 1, 32: 2, 64: 4 };

/** VMREAD and VMWRITE take the field's number in a register: choosing a field also writes the line that loads it. */
function fieldOperands(
  program: Program,
  cursor: Extract<Cursor, { kind: 'operand' }>,
  position: Position,
): CompletionItem[] {
  if (cursor.index !== (cursor.head === 'vmread' ? 1 : cursor.head === 'vmwrite' ? 0 : -1)) return [];
  const register = cursor.before.some((text) => /^(rdx|edx)$/i.test(text)) ? 'rcx' : 'rdx';
  const start = { line: position.line, character: 0 };
  const { instructionColumn, operandColumn } = program.settings.format;
  const load = ' '.repeat(instructionColumn) + 'mov'.padEnd(Math.max(operandColumn - instructionColumn, 4));
  return VMCS_FIELD_LIST.filter((field) => cursor.head === 'vmread' || field.area !== 'read-only').map((field) => {
    const known = entitiesOf(program).byName.has(field.identifier) || entitiesOf(program).macros.has(field.identifier);
    const number = `0x${field.encoding.toString(16).toUpperCase()}`;
    return {
      label: field.identifier,
      kind: CompletionItemKind.EnumMember,
      detail: `${field.name}, ${hexH(field.encoding)}, loaded into ${register.toUpperCase()}`,
      insertText: register,
      sortText: `0${field.identifier}`,
      additionalTextEdits: [
        {
          range: { start, end: start },
          newText: `${load}e${register.slice(1)}, ${known ? field.identifier : number}\n`,
        },
      ],
      data: { fact: field.identifier },
    };
  });
}

/** Macros that take a field by its number. */
const FIELD_USERS = /^(?!vmread$|vmwrite$).*(vmread|vmwrite|vmcs)/i;

/** VMCS fields, MSRs and control bits where they belong. What the program has not defined is inserted as a number. */
function manual(program: Program, cursor: Extract<Cursor, { kind: 'operand' }>): CompletionItem[] {
  const items: CompletionItem[] = [];
  const add = (label: string, value: bigint, detail: string, sort: string): void => {
    if (entitiesOf(program).byName.has(label) || entitiesOf(program).macros.has(label)) return;
    items.push({
      label,
      kind: CompletionItemKind.EnumMember,
      detail: `${detail}, ${hexH(value)}`,
      insertText: `0x${value.toString(16).toUpperCase()}`,
      filterText: label,
      sortText: `${sort}${label}`,
      data: { fact: label },
    });
  };
  const target = cursor.before[0]?.toLowerCase() ?? '';
  const loads = cursor.head === 'mov' && cursor.index === 1 && REGISTERS.has(target);
  if (FIELD_USERS.test(cursor.head) || loads)
    for (const field of VMCS_FIELD_LIST)
      add(field.identifier, BigInt(field.encoding), field.name, FIELD_USERS.test(cursor.head) ? '0' : '5');
  if (loads)
    for (const msr of MSR_LIST)
      add(msr.name, BigInt(msr.index), 'MSR', target === 'ecx' || target === 'rcx' ? '0' : '6');
  if (/^(mov|or|and|test|bts|btr|bt|xor)$/.test(cursor.head) && cursor.index === 1)
    for (const word of CONTROL_WORD_NAMES)
      for (const [name, bit] of Object.entries(CONTROL_WORDS[word].bits)) {
        const label = controlName(word, name);
        const value = cursor.head.startsWith('bt') ? BigInt(bit.bit) : 1n << BigInt(bit.bit);
        add(label, value, `${name} (${word} controls)`, '6');
      }
  return items;
}

export const describesMnemonic = (name: string): string => operationOf(name) ?? '';
