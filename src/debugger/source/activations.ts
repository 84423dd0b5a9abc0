// Activations of functions on the stack, and the way from one to its caller by the program's call frame information. Where there is none,
// stack.ts goes by the frame pointer and by what the code shows.

import type { Machine } from '../../machine/types.ts';
import type { CallFrame, RegisterRule } from '../../program/debug-info.ts';
import { evaluateValue, type ExpressionContext } from '../../program/dwarf/expressions.ts';
import type { Image } from '../../program/image.ts';
import { littleEndian } from '../format.ts';
import { type FrameRegisters, registerNumber, type RegisterPlace, registerValue } from './frame-registers.ts';
import { prologueCfa } from './prologue.ts';

export interface Activation {
  /** Linear address where it stands or continues. */
  readonly linear: bigint;
  /** Address that symbols, lines and rules are looked up by: of a caller one byte earlier, inside its call. */
  readonly lookup: bigint;
  /** Linear address of the top of the stack when it continues. */
  readonly stack: bigint;
  /** Linear. */
  readonly framePointer: bigint | undefined;
  readonly registers: FrameRegisters;
}

/** The call frame rules of an activation; 16-bit code has none. */
export function rulesOf(image: Image, activation: Activation): CallFrame | undefined {
  return activation.registers.bits === 16 ? undefined : image.program.debug?.callFrameAt(activation.lookup);
}

/** The canonical frame address: by the rules, or else as the function's prologue makes it. */
export function cfaOf(machine: Machine, image: Image, activation: Activation): bigint | undefined {
  const rules = rulesOf(image, activation);
  return rules === undefined ? prologueCfa(machine, image, activation) : cfaByRules(machine, activation, rules);
}

function cfaByRules(machine: Machine, activation: Activation, rules: CallFrame): bigint | undefined {
  const { cfa } = rules;
  if (cfa.kind === 'expression') return evaluate(machine, activation, rules, cfa.expression, []);
  const value = registerValue(machine, activation.registers, cfa.register);
  return value === undefined ? undefined : BigInt.asUintN(rules.addressSize * 8, value + cfa.offset);
}

export type Step =
  | { readonly kind: 'caller'; readonly activation: Activation }
  /** The rules say that there is no caller. */
  | { readonly kind: 'outermost' }
  /** The rules do not help. */
  | { readonly kind: 'unknown' };

/** The caller as the rules tell it. */
export function callerByRules(machine: Machine, image: Image, activation: Activation): Step {
  const rules = rulesOf(image, activation);
  if (rules === undefined) return { kind: 'unknown' };
  const { returnRegister } = rules;
  if (rules.rules.get(returnRegister)?.kind === 'undefined') return { kind: 'outermost' };
  const cfa = cfaByRules(machine, activation, rules);
  if (cfa === undefined) return { kind: 'unknown' };
  const { registers } = activation;
  const places = new Map<number, RegisterPlace>();
  for (const [number, place] of registers.places) {
    if (!rules.rules.has(number) && isPreserved(registers.bits, number)) places.set(number, place);
  }
  for (const [number, rule] of rules.rules) {
    const place = placeByRule(machine, activation, rules, cfa, number, rule);
    if (place === undefined) places.delete(number);
    else places.set(number, place);
  }
  const stackNumber = registerNumber(registers.bits, 'rsp');
  if (!rules.rules.has(stackNumber)) places.set(stackNumber, { kind: 'value', value: cfa });
  const returns: FrameRegisters = { ...registers, places };
  const linear = registerValue(machine, returns, returnRegister);
  const stack = registerValue(machine, returns, stackNumber);
  if (linear === undefined || stack === undefined || linear === 0n) return { kind: 'unknown' };
  places.set(registerNumber(registers.bits, 'rip'), places.get(returnRegister) ?? { kind: 'value', value: linear });
  const framePointer = registerValue(machine, returns, registerNumber(registers.bits, 'rbp'));
  // Above an interrupted frame the caller stands at an instruction of its own.
  const lookup = rules.signal ? linear : linear - 1n;
  return { kind: 'caller', activation: { linear, lookup, stack, framePointer, registers: returns } };
}

/** Registers that a function gives back as it got them (psABI, "Registers"). */
export function isPreserved(bits: 16 | 32 | 64, number: number): boolean {
  const names = ['rbx', 'rbp', ...(bits === 64 ? ['r12', 'r13', 'r14', 'r15'] : ['rsi', 'rdi'])];
  return names.some((name) => registerNumber(bits, name) === number);
}

function placeByRule(
  machine: Machine,
  activation: Activation,
  rules: CallFrame,
  cfa: bigint,
  number: number,
  rule: RegisterRule,
): RegisterPlace | undefined {
  const width = rules.addressSize * 8;
  switch (rule.kind) {
    case 'undefined':
      return undefined;
    case 'same':
      return activation.registers.places.get(number);
    case 'saved':
      return { kind: 'memory', address: BigInt.asUintN(width, cfa + rule.offset) };
    case 'value':
      return { kind: 'value', value: BigInt.asUintN(width, cfa + rule.offset) };
    case 'register':
      return activation.registers.places.get(rule.register);
    case 'saved-expression': {
      const address = evaluate(machine, activation, rules, rule.expression, [cfa]);
      return address === undefined ? undefined : { kind: 'memory', address };
    }
    case 'value-expression': {
      const value = evaluate(machine, activation, rules, rule.expression, [cfa]);
      return value === undefined ? undefined : { kind: 'value', value };
    }
  }
}

function evaluate(
  machine: Machine,
  activation: Activation,
  rules: CallFrame,
  expression: Uint8Array,
  initial: readonly bigint[],
): bigint | undefined {
  const { registers } = activation;
  const context: ExpressionContext = {
    addressSize: rules.addressSize,
    offsetSize: 4,
    register: (number) => registerValue(machine, registers, number),
    memory: (address, size) => {
      const bytes = machine.peekLinear(registers.side, address, size);
      return bytes.length === size ? littleEndian(bytes) : undefined;
    },
    frameBase: () => undefined,
    cfa: () => undefined,
    address: () => undefined,
    entryValue: () => undefined,
  };
  return evaluateValue('call frame information', expression, context, initial);
}
