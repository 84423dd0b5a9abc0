// VMREAD and VMWRITE of a program with the field that each means. The field's number is in a register: a short look
// back through straight code finds what was loaded into it.
import type { Statement } from '../asm/statement.ts';
import type { SourceRange } from '../asm/tokens.ts';
import { stepOf } from './flow/step.ts';
import { type Program, constantIn } from './program.ts';

const RCX = 1;

type Instruction = Extract<Statement['body'], { kind: 'instruction' }>;

export interface KnownRegister {
  readonly value: bigint;
  /** Where the number was written. */
  readonly origin: SourceRange;
}

export interface VmcsAccess {
  readonly statement: Statement;
  /** Place of the statement in the program's list. */
  readonly order: number;
  readonly write: boolean;
  /** Undefined: what the register holds is not known. */
  readonly field: KnownRegister | undefined;
  /** What VMWRITE writes, where it is known. */
  readonly value: KnownRegister | undefined;
}

/** Registers with known numbers, by their number in the encoding. */
type Known = Map<number, KnownRegister>;

/** What a statement makes of the registers that are known. */
function follow(program: Program, known: Known, statement: Statement, order: number): void {
  const { body, label } = statement;
  if (label !== undefined && body.kind !== 'equ' && known.size > 0) known.clear();
  if (body.kind !== 'instruction') return;
  const step = stepOf(statement)!;
  const { load, register, bits } = step;
  if (load !== undefined) {
    const loaded = loadedValue(program, known, statement, order, load, bits);
    if (loaded === undefined) known.delete(register);
    else known.set(register, loaded);
    return;
  }
  if (known.size === 0) return;
  if (step.forgets === undefined) known.clear();
  else for (const number of step.forgets) known.delete(number);
}

function loadedValue(
  program: Program,
  known: Known,
  statement: Statement,
  order: number,
  load: NonNullable<NonNullable<ReturnType<typeof stepOf>>['load']>,
  bits: number,
): KnownRegister | undefined {
  if (load.kind === 'zero') return { value: 0n, origin: statement.range };
  if (load.kind === 'register') return known.get(load.number);
  const value = constantIn(program, load.expression, order);
  const origin = (statement.body as Instruction).operands[1]!.range;
  return value === undefined ? undefined : { value: BigInt.asUintN(bits, value), origin };
}

/** The number that an operand holds: written, or known of its register. */
function operandNumber(
  program: Program,
  known: Known,
  operand: Instruction['operands'][number] | undefined,
  order: number,
): KnownRegister | undefined {
  if (operand?.kind === 'register') return known.get(operand.register.number);
  if (operand?.kind !== 'immediate') return undefined;
  const value = constantIn(program, operand.expression, order);
  return value === undefined ? undefined : { value, origin: operand.range };
}

export interface Accesses {
  readonly vmcs: readonly VmcsAccess[];
  /** Numbers of MSRs that RDMSR and WRMSR take. */
  readonly msrs: readonly KnownRegister[];
}

const found = new WeakMap<Program, Accesses>();

export const vmcsAccesses = (program: Program): readonly VmcsAccess[] => accessesOf(program).vmcs;

export function accessesOf(program: Program): Accesses {
  const cached = found.get(program);
  if (cached !== undefined) return cached;
  const accesses: VmcsAccess[] = [];
  const msrs: KnownRegister[] = [];
  const known: Known = new Map();
  const { statements } = program;
  for (let order = 0; order < statements.length; order++) {
    const statement = statements[order]!;
    const { body } = statement;
    if (body.kind === 'instruction' && (body.mnemonic === 'vmread' || body.mnemonic === 'vmwrite')) {
      const write = body.mnemonic === 'vmwrite';
      accesses.push({
        statement,
        order,
        write,
        field: operandNumber(program, known, body.operands[write ? 0 : 1], order),
        value: write ? operandNumber(program, known, body.operands[1], order) : undefined,
      });
    }
    if (body.kind === 'instruction' && (body.mnemonic === 'rdmsr' || body.mnemonic === 'wrmsr')) {
      const number = known.get(RCX);
      if (number !== undefined) msrs.push(number);
    }
    follow(program, known, statement, order);
  }
  const all = { vmcs: accesses, msrs };
  found.set(program, all);
  return all;
}
