// One instruction to bytes: its forms, its operands' values in this pass, and the first form that can hold them.
import { notAnAddressHere } from '../errors.ts';
import { type Value, evaluate } from '../evaluate.ts';
import type { Expression } from '../expression.ts';
import type { Operand, Statement } from '../statement.ts';
import type { SourceRange } from '../tokens.ts';
import { type EncodeContext, type Evaluated, type InstructionBody, emit } from './emit.ts';
import type { Form, OperandForm } from './forms.ts';
import { matchForms } from './match.ts';
import { resolveAddress } from './memory.ts';
import { type Prefixes, readPrefixes } from './prefixes.ts';

/** Appends the instruction to `context.out`. False after a report. */
export function encodeInstruction(statement: Statement, body: InstructionBody, context: EncodeContext): boolean {
  const memo = statement.memo;
  const prefixes = readPrefixes(body.prefixes, context.bits, context.names);
  if (prefixes === undefined) return false;
  if (body.mnemonic === '') {
    emitBarePrefixes(prefixes, context);
    return true;
  }
  if (memo.candidates === undefined || memo.bits !== context.bits) {
    const match = matchForms(body.mnemonic, body.operands, context.bits, prefixes, prefixes.encoding);
    if (!match.ok) {
      context.names.problem(
        match.problem,
        body.operands[match.operand]?.range ??
          (match.operand < 0 && body.operands.length > 0 && match.problem.code !== 'unknown-instruction'
            ? statementRange(body)
            : body.name),
      );
      return false;
    }
    memo.candidates = match.forms;
    memo.bits = context.bits;
    memo.chosen = -1;
  }
  const evaluated: Evaluated[] = [];
  for (const operand of body.operands) {
    const value = evaluateOperand(operand, context, prefixes);
    if (value === undefined) return false;
    evaluated.push(value);
  }
  return choose(statement, body, memo.candidates, evaluated, prefixes, context);
}

/** A line of prefixes without an instruction: they belong to what follows. */
function emitBarePrefixes(prefixes: Prefixes, context: EncodeContext): void {
  const { bits, out } = context;
  for (const byte of prefixes.bytes) out.byte(byte);
  if (prefixes.segment >= 0) out.byte(prefixes.segment);
  if (prefixes.operandSize !== 0 && prefixes.operandSize !== 64 && prefixes.operandSize !== (bits === 64 ? 32 : bits))
    out.byte(0x66);
  if (prefixes.addressSize !== 0 && prefixes.addressSize !== bits) out.byte(0x67);
}

function statementRange(body: InstructionBody): SourceRange {
  const last = body.operands[body.operands.length - 1]!.range;
  const first = body.operands[0]!.range;
  return first.line === last.line && first.file === last.file ? { ...first, end: last.end } : first;
}

function evaluateOperand(operand: Operand, context: EncodeContext, prefixes: Prefixes): Evaluated | undefined {
  switch (operand.kind) {
    case 'memory': {
      const address = resolveAddress(operand, {
        bits: context.bits,
        names: context.names,
        defaultRelative: context.defaultRelative,
        addressSize: prefixes.addressSize,
      });
      return address === undefined ? undefined : { operand, value: undefined, segment: undefined, address };
    }
    case 'immediate': {
      const value = numberOrAddress(operand.expression, context);
      return value === undefined ? undefined : { operand, value, segment: undefined, address: undefined };
    }
    case 'far': {
      const value = numberOrAddress(operand.expression, context);
      const segment = numberOrAddress(operand.segment, context);
      return value === undefined || segment === undefined ? undefined : { operand, value, segment, address: undefined };
    }
    default:
      return { operand, value: undefined, segment: undefined, address: undefined };
  }
}

/** A value that can stand in an instruction by itself; undefined after a report. */
function numberOrAddress(expression: Expression, context: EncodeContext): Value | undefined {
  const value = evaluate(expression, context.names);
  const terms = value?.terms;
  if (terms !== undefined && (terms.length > 1 || terms[0]!.section < 0 || terms[0]!.factor !== 1n)) {
    context.names.problem(notAnAddressHere(), expression.range);
    return undefined;
  }
  return value;
}

function choose(
  statement: Statement,
  body: InstructionBody,
  candidates: readonly Form[],
  evaluated: readonly Evaluated[],
  prefixes: Prefixes,
  context: EncodeContext,
): boolean {
  const memo = statement.memo;
  const start = context.out.length;
  for (let i = 0; i < candidates.length; i++) {
    if (context.growOnly && i < memo.chosen) continue;
    const form = candidates[i]!;
    const operands = arrangeOperands(form, evaluated);
    if (!valuesFit(form, operands, prefixes, context)) continue;
    context.out.truncate(start);
    const problem = emit(form, operands, body, prefixes, context);
    if (problem === undefined) memo.chosen = i;
    else context.names.problem(problem, body.name);
    return problem === undefined;
  }
  context.out.truncate(start);
  // No form holds the values: the last one is the widest, and says what does not fit.
  const last = candidates[candidates.length - 1]!;
  const problem = emit(last, arrangeOperands(last, evaluated), body, prefixes, context);
  if (problem !== undefined) context.names.problem(problem, body.name);
  return problem === undefined;
}

/** Operands in the form's order; the left-out one is repeated. */
function arrangeOperands(form: Form, evaluated: readonly Evaluated[]): readonly Evaluated[] {
  const real =
    evaluated.length > 0 && evaluated.some((e) => e.operand.kind === 'rounding')
      ? evaluated.filter((e) => e.operand.kind !== 'rounding')
      : evaluated;
  return form.operands.length === real.length + 1 ? [real[0]!, ...real] : real;
}

/** A plain number that is known. */
const plain = (value: Value): boolean => !value.unknown && value.terms === undefined;

function valuesFit(form: Form, operands: readonly Evaluated[], prefixes: Prefixes, context: EncodeContext): boolean {
  // 90H is NOP in 64-bit code, where XCHG EAX, EAX clears the upper half.
  if (form.opcode[0] === 0x90 && context.bits === 64 && form.operandSize === 32 && operands.length === 2) {
    if (operands.every((o) => o.operand.kind === 'register' && o.operand.register.number === 0)) return false;
  }
  for (let i = 0; i < operands.length; i++) {
    const spec = form.operands[i]!;
    const { operand, value, address } = operands[i]!;
    if (spec.kind === 'immediate' && value !== undefined && !immediateFits(spec, operand, value, form)) return false;
    if (spec.kind === 'offset' && (address === undefined || !address.offsetOnly)) return false;
    if (
      spec.kind === 'relative' &&
      spec.bits === 8 &&
      value !== undefined &&
      operand.distance !== 'short' &&
      form.addressSize === 0
    ) {
      if (operand.strict && operand.size !== 8) return false;
      if (value.unknown) continue;
      const target = value.terms?.[0];
      if (target === undefined || target.section !== context.section || value.terms!.length !== 1) {
        if (formHasLonger(form)) return false;
        continue;
      }
      const length = prefixes.bytes.length + prefixes.length + 2;
      let distance = value.constant - BigInt(context.offset + length);
      // What comes later will have moved as far as this instruction has: so a pass does not chase the one before it.
      if (
        context.drift !== 0 &&
        operand.kind === 'immediate' &&
        operand.expression.kind === 'symbol' &&
        context.isAhead(operand.expression.name)
      )
        distance += BigInt(context.drift);
      if ((distance < -128n || distance > 127n) && formHasLonger(form)) return false;
    }
  }
  return true;
}

/** JMP and Jcc; LOOP and JCXZ have no longer form. */
const formHasLonger = (form: Form): boolean => form.addressSize === 0 && form.opcode[0] !== 0xe3;

function immediateFits(spec: OperandForm, operand: Operand, value: Value, form: Form): boolean {
  // A number that is not known yet is taken to be small, so that sizes grow from the shortest program.
  if (value.unknown && !operand.strict) return true;
  if (spec.fixed === 1) return plain(value) && value.constant === 1n && !operand.strict;
  if (spec.zeroExtended)
    return plain(value) && !operand.strict && value.constant >= 0n && value.constant <= 0xffffffffn;
  if (spec.bits === 8 && spec.extended > 8) {
    if (operand.size === 8) return true;
    if (!plain(value) || operand.strict) return false;
    // NASM looks at 32 bits even where the processor extends to 64: ADD RAX, 0xFFFFFFFF becomes ADD RAX, -1 (with a warning).
    const wrapped = BigInt.asIntN(Math.min(spec.extended, 32), value.constant);
    return wrapped >= -128n && wrapped <= 127n;
  }
  if (spec.bits === 32 && spec.extended === 64 && form.opcode[0] === 0xc7 && form.operands[0]!.class === 'r64') {
    // MOV r64, imm: the sign-extended form only for a known negative number that fits; the 32-bit form was tried before.
    if (operand.size === 32) return true;
    if (operand.strict) return false;
    return plain(value) && value.constant >= -0x80000000n && value.constant <= 0x7fffffffn;
  }
  return true;
}
