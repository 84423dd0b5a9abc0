// What one instruction means to whoever follows the program: where it goes, which registers and flags it changes. Found
// once for each statement, which is the same object while its line does not change.
import type { Expression } from '../../asm/expression.ts';
import type { DataItem, Statement } from '../../asm/statement.ts';
import { factsOf } from '../instruction-hover.ts';

type Instruction = Extract<Statement['body'], { kind: 'instruction' }>;

/**
 * plain: goes on with the next. jump, call: to `target`, or to somewhere unknown. branch: to `target` or on.
 * leave: RET and its like. data: bytes that may be anything.
 */
export type Flow = 'plain' | 'jump' | 'branch' | 'call' | 'leave' | 'data';

/** What a MOV to a general register puts there. */
export type Load =
  | { readonly kind: 'value'; readonly expression: Expression }
  | { readonly kind: 'register'; readonly number: number }
  | { readonly kind: 'zero' };

export interface Step {
  readonly mnemonic: string;
  readonly flow: Flow;
  /** Where a jump, branch or call goes; undefined: through a register or memory. */
  readonly target: Expression | undefined;
  /** Names in operands and data that are no targets: labels among them may be jumped to from anywhere. */
  readonly mentions: readonly string[];
  /** Immediate operands and data: numbers that the program uses. */
  readonly numbers: readonly Expression[];
  /** Loads a register with what `load` says. */
  readonly register: number;
  readonly bits: number;
  readonly load: Load | undefined;
  /** Registers whose values are not known afterwards; undefined: none is. */
  readonly forgets: readonly number[] | undefined;
  readonly readsCarry: boolean;
  readonly readsZero: boolean;
  readonly changesFlags: boolean;
  /** Stores the flags, so that they are looked at later. */
  readonly keepsFlags: boolean;
}

const NOTHING = { none: true } as const;

/** Undefined: the statement gives no bytes that could be executed. */
export function stepOf(statement: Statement): Step | undefined {
  const { memo } = statement;
  memo.note ??= read(statement) ?? NOTHING;
  const step = memo.note as Step | typeof NOTHING;
  return 'none' in step ? undefined : step;
}

const GENERAL = /^r(8|16|32|64)$/;
const NUMBER: Readonly<Record<string, number>> = { a: 0, c: 1, d: 2, b: 3, sp: 4, bp: 5, si: 6, di: 7 };

/** Number of a general register by any of its names. */
function numberOfName(name: string): number | undefined {
  const numbered = /^r(\d+)/.exec(name);
  if (numbered) return Number(numbered[1]);
  const match = /^[er]?(?:([abcd])[xlh]|(sp|bp|si|di)l?)$/.exec(name);
  return match ? NUMBER[match[1] ?? match[2]!] : undefined;
}

const LEAVES = /^(ret[nwdq]*|retf[wdq]?|iret[dqw]?|sysret[q]?|sysexit[q]?|rsm)$/;
const BRANCHES = /^(j\w+|loop\w*|xbegin)$/;
/** After them registers hold what somebody else left there. */
const TRANSFERS = /^(call|syscall|sysenter|int|int1|int3|vmcall|vmmcall|vmlaunch|vmresume|jmp)$/;
const STEPS = /^(cmp|test|bt|nop|push|j\w+)$/;
const KEEPS_FLAGS = /^(pushf[wdq]?|lahf)$/;
const NO_NAMES: readonly string[] = [];
const NO_NUMBERS: readonly Expression[] = [];

function read({ body }: Statement): Step | undefined {
  if (body.kind === 'data') {
    const numbers: Expression[] = [];
    const mentions: string[] = [];
    for (const item of body.items) readItem(item, numbers, mentions);
    return { ...PLAIN, flow: 'data', forgets: undefined, numbers, mentions };
  }
  if (body.kind === 'incbin') return { ...PLAIN, flow: 'data', forgets: undefined };
  if (body.kind !== 'instruction') return undefined;
  const { mnemonic } = body;
  const flow = flowOf(mnemonic);
  const first = body.operands[0];
  const goes = flow === 'jump' || flow === 'branch' || flow === 'call';
  const target = goes && (first?.kind === 'immediate' || first?.kind === 'far') ? first.expression : undefined;
  const mentions: string[] = [];
  const numbers: Expression[] = [];
  for (const operand of body.operands) {
    if (operand.kind === 'memory') namesIn(operand.expression, mentions);
    else if (operand.kind === 'immediate' && target === undefined) {
      namesIn(operand.expression, mentions);
      numbers.push(operand.expression);
    }
  }
  const facts = factsOf(mnemonic);
  const changes =
    facts === undefined ? [] : [facts.flagsWritten, facts.flagsCleared, facts.flagsSet, facts.flagsUndefined].flat();
  return {
    mnemonic,
    flow,
    target,
    mentions: mentions.length === 0 ? NO_NAMES : mentions,
    numbers: numbers.length === 0 ? NO_NUMBERS : numbers,
    ...loadOf(body),
    forgets: forgotten(body),
    readsCarry: facts?.flagsRead.includes('CF') ?? false,
    readsZero: facts?.flagsRead.includes('ZF') ?? false,
    changesFlags: changes.includes('CF') || changes.includes('ZF'),
    keepsFlags: KEEPS_FLAGS.test(mnemonic),
  };
}

const PLAIN: Step = {
  mnemonic: '',
  flow: 'plain',
  target: undefined,
  mentions: NO_NAMES,
  numbers: NO_NUMBERS,
  register: -1,
  bits: 0,
  load: undefined,
  forgets: [],
  readsCarry: false,
  readsZero: false,
  changesFlags: false,
  keepsFlags: false,
};

function flowOf(mnemonic: string): Flow {
  if (mnemonic === 'jmp') return 'jump';
  if (mnemonic === 'call') return 'call';
  if (BRANCHES.test(mnemonic)) return 'branch';
  return LEAVES.test(mnemonic) ? 'leave' : 'plain';
}

function readItem(item: DataItem, numbers: Expression[], mentions: string[]): void {
  if (item.kind === 'expression') {
    numbers.push(item.expression);
    namesIn(item.expression, mentions);
  } else if (item.kind === 'duplicate') for (const inner of item.items) readItem(inner, numbers, mentions);
}

export function namesIn(expression: Expression, out: string[]): void {
  switch (expression.kind) {
    case 'symbol':
      out.push(expression.name);
      return;
    case 'unary':
      namesIn(expression.operand, out);
      return;
    case 'binary':
      namesIn(expression.left, out);
      namesIn(expression.right, out);
      return;
    case 'choice':
      namesIn(expression.condition, out);
      namesIn(expression.yes, out);
      namesIn(expression.no, out);
      return;
    default:
      return;
  }
}

const NO_LOAD = { register: -1, bits: 0, load: undefined } as const;

function loadOf(body: Instruction): Pick<Step, 'register' | 'bits' | 'load'> {
  const [first, second] = body.operands;
  if (first?.kind !== 'register' || !GENERAL.test(first.register.class)) return NO_LOAD;
  const { number, bits } = first.register;
  if (body.mnemonic === 'mov' && bits >= 32) {
    if (second?.kind === 'immediate')
      return { register: number, bits, load: { kind: 'value', expression: second.expression } };
    if (second?.kind === 'register' && GENERAL.test(second.register.class) && second.register.bits === bits)
      return { register: number, bits, load: { kind: 'register', number: second.register.number } };
  }
  const same = second?.kind === 'register' && second.register === first.register;
  if ((body.mnemonic === 'xor' || body.mnemonic === 'sub') && same && bits >= 32)
    return { register: number, bits, load: { kind: 'zero' } };
  return NO_LOAD;
}

function forgotten(body: Instruction): readonly number[] | undefined {
  const { mnemonic } = body;
  if (TRANSFERS.test(mnemonic) || LEAVES.test(mnemonic)) return undefined;
  if (STEPS.test(mnemonic)) return [];
  const facts = factsOf(mnemonic);
  if (facts === undefined) return undefined;
  const numbers: number[] = [];
  for (const name of facts.implicitWrites) {
    const number = numberOfName(name);
    if (number !== undefined) numbers.push(number);
  }
  const access = facts.accesses.get(body.operands.length);
  body.operands.forEach((operand, i) => {
    if (operand.kind !== 'register' || !GENERAL.test(operand.register.class)) return;
    const letter = access?.[i] ?? 'b';
    if (letter === 'r' || letter === '-') return;
    numbers.push(operand.register.high ? operand.register.number - 4 : operand.register.number);
  });
  return numbers;
}
