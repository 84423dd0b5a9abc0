// VMREAD and VMWRITE of a program with the field that each means. The field's number is in a register: a short look
// back through straight code finds what was loaded into it.
import type { Statement } from '../asm/statement.ts';
import type { SourceRange } from '../asm/tokens.ts';
import { factsOf } from './instruction-hover.ts';
import { type Program, constantOf } from './program.ts';

type Instruction = Extract<Statement['body'], { kind: 'instruction' }>;

export interface VmcsAccess {
  readonly statement: Statement;
  readonly write: boolean;
  readonly encoding: bigint;
  /** Where the number was written. */
  readonly origin: SourceRange;
}

export interface KnownRegister {
  readonly value: bigint;
  readonly origin: SourceRange;
}

/** Registers with known numbers, by their number in the encoding. */
export type Known = Map<number, KnownRegister>;

const GENERAL = /^r(8|16|32|64)$/;
const NUMBER: Readonly<Record<string, number>> = { a: 0, c: 1, d: 2, b: 3, sp: 4, bp: 5, si: 6, di: 7 };

/** Number of a general register by any of its names. */
function numberOfName(name: string): number | undefined {
  const numbered = /^r(\d+)/.exec(name);
  if (numbered) return Number(numbered[1]);
  const match = /^[er]?(?:([abcd])[xlh]|(sp|bp|si|di)l?)$/.exec(name);
  return match ? NUMBER[match[1] ?? match[2]!] : undefined;
}

/** What a statement makes of the registers that are known. */
export function follow(program: Program, known: Known, statement: Statement): void {
  const { body, label } = statement;
  if (label !== undefined && body.kind !== 'equ') known.clear();
  if (body.kind !== 'instruction') return;
  const first = body.operands[0];
  const target = first?.kind === 'register' && GENERAL.test(first.register.class) ? first.register : undefined;
  if (body.mnemonic === 'mov' && target !== undefined && target.bits >= 32) {
    const second = body.operands[1];
    if (second?.kind === 'immediate') {
      const value = constantOf(program, second.expression);
      if (value !== undefined) {
        known.set(target.number, { value: BigInt.asUintN(target.bits, value), origin: second.range });
        return;
      }
    } else if (
      second?.kind === 'register' &&
      GENERAL.test(second.register.class) &&
      second.register.bits === target.bits
    ) {
      const source = known.get(second.register.number);
      if (source !== undefined) {
        known.set(target.number, source);
        return;
      }
    }
  }
  if (body.mnemonic === 'xor' && target !== undefined && sameRegister(body)) {
    known.set(target.number, { value: 0n, origin: statement.range });
    return;
  }
  forget(known, body);
}

function sameRegister(body: Instruction): boolean {
  const [a, b] = body.operands;
  return a?.kind === 'register' && b?.kind === 'register' && a.register === b.register;
}

const TRANSFERS = /^(call|syscall|sysenter|int|int1|int3|vmcall|vmmcall|vmlaunch|vmresume|ret|retf|iret[dq]?|jmp)$/;
const STEPS = /^(cmp|test|bt|nop|push|jmp|j\w+)$/;

function forget(known: Known, body: Instruction): void {
  if (TRANSFERS.test(body.mnemonic)) {
    known.clear();
    return;
  }
  if (STEPS.test(body.mnemonic)) return;
  const facts = factsOf(body.mnemonic);
  if (facts === undefined) {
    known.clear();
    return;
  }
  for (const name of facts.implicitWrites) {
    const number = numberOfName(name);
    if (number !== undefined) known.delete(number);
  }
  const access = facts.accesses.get(body.operands.length);
  body.operands.forEach((operand, i) => {
    if (operand.kind !== 'register' || !GENERAL.test(operand.register.class)) return;
    const letter = access?.[i] ?? 'b';
    if (letter === 'r' || letter === '-') return;
    known.delete(operand.register.high ? operand.register.number - 4 : operand.register.number);
  });
}

/** The number that an operand holds: written, or known of its register. */
export function operandNumber(
  program: Program,
  known: Known,
  operand: Instruction['operands'][number] | undefined,
): KnownRegister | undefined {
  if (operand?.kind === 'register') return known.get(operand.register.number);
  if (operand?.kind !== 'immediate') return undefined;
  const value = constantOf(program, operand.expression);
  return value === undefined ? undefined : { value, origin: operand.range };
}

const found = new WeakMap<Program, readonly VmcsAccess[]>();

export function vmcsAccesses(program: Program): readonly VmcsAccess[] {
  const cached = found.get(program);
  if (cached !== undefined) return cached;
  const accesses: VmcsAccess[] = [];
  const known: Known = new Map();
  for (const statement of program.statements) {
    const { body } = statement;
    if (body.kind === 'instruction' && (body.mnemonic === 'vmread' || body.mnemonic === 'vmwrite')) {
      const write = body.mnemonic === 'vmwrite';
      const field = operandNumber(program, known, body.operands[write ? 0 : 1]);
      if (field !== undefined) accesses.push({ statement, write, encoding: field.value, origin: field.origin });
    }
    follow(program, known, statement);
  }
  found.set(program, accesses);
  return accesses;
}
