// What the rules about order look for: each is a bit that an instruction sets when it runs.
import { CONTROL_WORDS, type ControlWord } from '../../spec/controls.ts';
import type { Effect } from '../flow/happened.ts';
import { type Program, constantIn } from '../program.ts';
import type { LintContext } from './finding.ts';

export const VMX_ON = 1;
export const CLEARED = 2;
export const CURRENT = 4;
export const LAUNCHED = 8;
export const CR4_WRITTEN = 16;

/** Fields that every VM entry needs. */
export const NEEDED = [
  { rule: 'host-rip', encoding: 0x6c16, bit: 32 },
  { rule: 'host-rsp', encoding: 0x6c14, bit: 64 },
  { rule: 'guest-rip', encoding: 0x681e, bit: 128 },
  { rule: 'link-pointer', encoding: 0x2800, bit: 256 },
] as const;

const NEEDED_BITS = NEEDED.reduce((bits, field) => bits | field.bit, 0);

/** Control words whose capability MSR a program must look at. */
export const WORDS = (Object.keys(CONTROL_WORDS) as ControlWord[])
  .filter((word) => word !== 'vmfunc')
  .map((word, i) => {
    const { capability } = CONTROL_WORDS[word];
    const msrs = [capability.msr, ...(capability.true === undefined ? [] : [capability.true])];
    return { word, msrs, bit: 512 << i };
  });

const BY_MSR = new Map<number, number>();
for (const { msrs, bit } of WORDS) for (const msr of msrs) BY_MSR.set(msr, (BY_MSR.get(msr) ?? 0) | bit);

const BY_FIELD = new Map<bigint, number>(NEEDED.map(({ encoding, bit }) => [BigInt(encoding), bit]));

/** An instruction that ran shows that what it needs had happened: so one mistake is told once. */
const ADDS: Readonly<Record<string, number>> = {
  vmxon: VMX_ON,
  vmclear: VMX_ON | CLEARED,
  vmptrld: VMX_ON | CLEARED | CURRENT,
  vmptrst: VMX_ON,
  vmread: VMX_ON | CURRENT,
  vmwrite: VMX_ON | CURRENT,
  vmlaunch: VMX_ON | CURRENT | LAUNCHED | NEEDED_BITS,
  vmresume: VMX_ON | CURRENT | LAUNCHED | NEEDED_BITS,
  invept: VMX_ON,
  invvpid: VMX_ON,
};

export interface Events {
  readonly effects: ReadonlyMap<number, Effect>;
  /** Events that some instruction of the program causes, but not by needing them. */
  readonly anywhere: number;
  /** Numbers of MSRs in tables, which can come to use at any time. */
  readonly tables: number;
}

export function eventsOf(context: LintContext): Events {
  const { program, graph, accessAt } = context;
  const effects = new Map<number, Effect>();
  let anywhere = 0;
  let tables = 0;
  let mentioned: Set<bigint> | undefined;
  graph.nodes.forEach(({ step, order, statement }, at) => {
    let own = 0;
    for (const number of step.numbers) {
      const value = constantIn(program, number, order);
      if (value !== undefined && value >= 0x480n && value <= 0x4ffn) own |= BY_MSR.get(Number(value)) ?? 0;
    }
    if (step.flow === 'data') {
      tables |= own;
      return;
    }
    const access = accessAt.get(order);
    if (access?.write === true) {
      if (access.field !== undefined) own |= BY_FIELD.get(access.field.value) ?? 0;
      else {
        mentioned ??= numbersOf(program);
        for (const [encoding, bit] of BY_FIELD) if (mentioned.has(encoding)) own |= bit;
      }
    }
    if (step.mnemonic === 'mov' && writesCr4(statement.body)) own |= CR4_WRITTEN;
    if (step.mnemonic === 'vmlaunch') own |= LAUNCHED;
    const adds = own | (ADDS[step.mnemonic] ?? 0);
    const undoes = step.mnemonic === 'vmxoff' ? VMX_ON | CURRENT : 0;
    anywhere |= own;
    if (adds !== 0 || undoes !== 0) effects.set(at, { adds, undoes });
  });
  return { effects, anywhere: anywhere | tables, tables };
}

type Body = LintContext['program']['statements'][number]['body'];

function writesCr4(body: Body): boolean {
  const first = body.kind === 'instruction' ? body.operands[0] : undefined;
  return first?.kind === 'register' && first.register.class === 'cr' && first.register.number === 4;
}

/** Numbers that data and operands of the program hold, for fields that go through tables or registers. */
function numbersOf(program: Program): Set<bigint> {
  const numbers = new Set<bigint>();
  program.statements.forEach(({ body }, order) => {
    if (body.kind === 'data') {
      for (const item of body.items) {
        const value = item.kind === 'expression' ? constantIn(program, item.expression, order) : undefined;
        if (value !== undefined) numbers.add(value);
      }
    } else if (body.kind === 'instruction') {
      for (const operand of body.operands) {
        const value = operand.kind === 'immediate' ? constantIn(program, operand.expression, order) : undefined;
        if (value !== undefined) numbers.add(value);
      }
    }
  });
  return numbers;
}
