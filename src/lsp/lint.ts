// VMX lint: mistakes with VMX instructions that the assembler cannot see and the processor reports late or not at all.
import type { Diagnostic } from 'vscode-languageserver';
import type { Expansion } from '../asm/preprocessor/state.ts';
import type { Statement } from '../asm/statement.ts';
import type { SourceRange } from '../asm/tokens.ts';
import { CONTROL_WORDS } from '../spec/controls.ts';
import { vmcsFieldByEncoding } from '../spec/vmcs-fields.ts';
import { fieldExists } from '../vmx/capabilities.ts';
import { hexH, profileNamed } from './fact-hover.ts';
import { factsOf } from './instruction-hover.ts';
import { wordOfField } from './names.ts';
import { rangeOfPlace } from './place.ts';
import { type Program, constantOf } from './program.ts';
import type { LintRule, LintSeverity } from './settings.ts';
import { type Known, follow, vmcsAccesses } from './vmcs-accesses.ts';

export interface Finding {
  readonly rule: LintRule;
  readonly range: SourceRange;
  readonly message: string;
  readonly statement: Statement;
}

const SEVERITY: Readonly<Record<Exclude<LintSeverity, 'off'>, 1 | 2 | 3 | 4>> = {
  error: 1,
  warning: 2,
  information: 3,
  hint: 4,
};

/** The place that a person sees: of what a macro wrote, its outermost call. */
function placeOf(range: SourceRange, expansion: Expansion | undefined): SourceRange {
  let outer = expansion;
  while (outer?.parent !== undefined) outer = outer.parent;
  return outer?.call ?? range;
}

const mnemonicOf = (statement: Statement): string =>
  statement.body.kind === 'instruction' ? statement.body.mnemonic : '';

const nameOf = (statement: Statement): SourceRange =>
  statement.body.kind === 'instruction' ? statement.body.name : statement.range;

/** VMREAD and VMWRITE of numbers that are no field, or none that can be written. */
function* fieldFindings(program: Program): Generator<Finding> {
  const profile = profileNamed(program.settings.profile);
  for (const { statement, write, encoding, origin } of vmcsAccesses(program)) {
    const range = statement.expansion === undefined ? origin : nameOf(statement);
    const name = write ? 'VMWRITE' : 'VMREAD';
    const field = encoding > 0xffffn ? undefined : vmcsFieldByEncoding(Number(encoding));
    if (field === undefined) {
      yield {
        rule: 'unsupported-encoding',
        range,
        statement,
        message: `${hexH(encoding)} is the encoding of no VMCS field: ${name} fails with VM-instruction error 12`,
      };
    } else if (!fieldExists(profile, field)) {
      yield {
        rule: 'unsupported-encoding',
        range,
        statement,
        message: `the profile “${profile.title}” has no field “${field.name}” (${hexH(encoding)}): ${name} fails with VM-instruction error 12`,
      };
    } else if (write && field.area === 'read-only') {
      yield {
        rule: 'read-only-field',
        range,
        statement,
        message: `“${field.name}” is a read-only field: VMWRITE fails with VM-instruction error 13`,
      };
    }
  }
}

/** VMRESUME needs a VMCS that was launched: some VMLAUNCH must exist. */
function* launchFindings(program: Program): Generator<Finding> {
  const instructions = program.statements.filter((s) => s.body.kind === 'instruction');
  if (instructions.some((s) => mnemonicOf(s) === 'vmlaunch')) return;
  for (const statement of instructions) {
    if (mnemonicOf(statement) !== 'vmresume') continue;
    yield {
      rule: 'resume-before-launch',
      range: nameOf(statement),
      statement,
      message:
        'this program has no VMLAUNCH: VMRESUME of a VMCS that was never launched fails with VM-instruction error 5',
    };
  }
}

/** Instructions that report success in CF and ZF. VMLAUNCH and VMRESUME fall through only when they fail. */
const CHECKED = new Set(['vmxon', 'vmxoff', 'vmclear', 'vmptrld', 'vmptrst', 'vmread', 'vmwrite', 'invept', 'invvpid']);

function* resultFindings(program: Program): Generator<Finding> {
  const list = program.statements;
  for (let i = 0; i < list.length; i++) {
    const statement = list[i]!;
    const mnemonic = mnemonicOf(statement);
    if (!CHECKED.has(mnemonic) || isChecked(list, i)) continue;
    yield {
      rule: 'unchecked-result',
      range: nameOf(statement),
      statement,
      message: `${mnemonic.toUpperCase()} tells of failure in CF (VMfailInvalid) and ZF (VMfailValid), and nothing looks at them; a JBE after it goes to an error handler`,
    };
  }
}

/** Whether an instruction after this one looks at CF and ZF before they change. */
function isChecked(list: readonly Statement[], at: number): boolean {
  let carry = false;
  let zero = false;
  for (let i = at + 1; i < list.length && i < at + 12; i++) {
    const { body } = list[i]!;
    if (body.kind !== 'instruction') continue;
    const facts = factsOf(body.mnemonic);
    if (facts === undefined) return false;
    // Flags that are stored are looked at later; a return leaves them to the caller.
    if (/^(pushf[wdq]?|lahf|ret[nwdq]*|retf[wdq]?)$/.test(body.mnemonic)) return true;
    if (body.mnemonic === 'jmp') return false;
    if (facts.flagsRead.includes('CF')) carry = true;
    if (facts.flagsRead.includes('ZF')) zero = true;
    if (carry && zero) return true;
    const changes = [...facts.flagsWritten, ...facts.flagsCleared, ...facts.flagsSet, ...facts.flagsUndefined];
    if (changes.includes('CF') || changes.includes('ZF') || body.mnemonic === 'call') return false;
  }
  return false;
}

/** Control words that get a plain number, although the processor says which bits must be 1 or 0. */
function* controlFindings(program: Program): Generator<Finding> {
  const known: Known = new Map();
  const accesses = new Map(vmcsAccesses(program).map((a) => [a.statement, a]));
  const reads = new Set<number>();
  for (const statement of program.statements) {
    const { body } = statement;
    if (body.kind === 'instruction') {
      for (const operand of body.operands) {
        const value = operand.kind === 'immediate' ? constantOf(program, operand.expression) : undefined;
        if (value !== undefined && value >= 0x480n && value <= 0x493n) reads.add(Number(value));
      }
    }
  }
  for (const statement of program.statements) {
    const access = accesses.get(statement);
    const { body } = statement;
    if (access?.write === true && body.kind === 'instruction') {
      const field = access.encoding > 0xffffn ? undefined : vmcsFieldByEncoding(Number(access.encoding));
      const word = field === undefined ? undefined : wordOfField(field);
      const source = body.operands[1];
      const constant = source?.kind === 'register' ? known.get(source.register.number) : undefined;
      if (field !== undefined && word !== undefined && word !== 'vmfunc') {
        const row = CONTROL_WORDS[word];
        const msrs = [row.capability.msr, ...(row.capability.true === undefined ? [] : [row.capability.true])];
        const neverRead = !msrs.some((msr) => reads.has(msr));
        if (constant !== undefined || neverRead)
          yield {
            rule: 'unadjusted-controls',
            range: nameOf(statement),
            statement,
            message: `“${field.name}” gets ${constant === undefined ? 'a value' : hexH(constant.value)} without regard to its capability MSR (${msrs.map(hexH).join(' or ')}): bits that the processor wants 1 or 0 make VM entry fail`,
          };
      }
    }
    follow(program, known, statement);
  }
}

const HOST = { 0x6c14: 'Host RSP', 0x6c16: 'Host RIP' } as const;

/** A program that enters a guest must say where VM exits arrive. */
function* hostFindings(program: Program): Generator<Finding> {
  const entry = program.statements.find((s) => mnemonicOf(s) === 'vmlaunch' || mnemonicOf(s) === 'vmresume');
  if (entry === undefined) return;
  const accesses = vmcsAccesses(program);
  // A write whose field is not known could be the one.
  const writes = program.statements.filter((s) => mnemonicOf(s) === 'vmwrite');
  const knownWrites = new Set(accesses.filter((a) => a.write).map((a) => a.statement));
  const mentioned = numbersOf(program);
  for (const [encoding, name] of Object.entries(HOST)) {
    if (accesses.some((a) => a.write && a.encoding === BigInt(encoding))) continue;
    if (writes.some((s) => !knownWrites.has(s)) && mentioned.has(BigInt(encoding))) continue;
    yield {
      rule: 'host-rip-rsp',
      range: nameOf(entry),
      statement: entry,
      message: `nothing writes the field “${name}” (${hexH(Number(encoding))}): a VM exit would continue at whatever it holds`,
    };
  }
}

/** Numbers that data and operands of the program hold, for fields that go through tables. */
function numbersOf(program: Program): Set<bigint> {
  const numbers = new Set<bigint>();
  for (const { body } of program.statements) {
    if (body.kind === 'data') {
      for (const item of body.items) {
        const value = item.kind === 'expression' ? constantOf(program, item.expression) : undefined;
        if (value !== undefined) numbers.add(value);
      }
    } else if (body.kind === 'instruction') {
      for (const operand of body.operands) {
        const value = operand.kind === 'immediate' ? constantOf(program, operand.expression) : undefined;
        if (value !== undefined) numbers.add(value);
      }
    }
  }
  return numbers;
}

const USES_VMX = /^(vm|inv(ept|vpid))/;

export function lintFindings(program: Program): readonly Finding[] {
  if (!program.statements.some((s) => USES_VMX.test(mnemonicOf(s)))) return [];
  const all = [
    ...fieldFindings(program),
    ...launchFindings(program),
    ...resultFindings(program),
    ...controlFindings(program),
    ...hostFindings(program),
  ];
  const seen = new Set<string>();
  return all.filter((finding) => {
    const place = placeOf(finding.range, finding.statement.expansion);
    const key = `${finding.rule} ${place.file}:${place.line}:${place.column} ${finding.message}`;
    return program.settings.lint[finding.rule] !== 'off' && !seen.has(key) && seen.add(key);
  });
}

/** The findings of a file as diagnostics. */
export function lintDiagnostics(program: Program, file: number): Diagnostic[] {
  const page = program.settings.documentation;
  return lintFindings(program).flatMap((finding) => {
    const severity = program.settings.lint[finding.rule];
    const place = placeOf(finding.range, finding.statement.expansion);
    if (severity === 'off' || place.file !== file) return [];
    return [
      {
        range: rangeOfPlace(place),
        severity: SEVERITY[severity],
        source: 'ringside',
        code: finding.rule,
        ...(page === '' ? {} : { codeDescription: { href: `${page}#${finding.rule}` } }),
        message: finding.message,
      },
    ];
  });
}
