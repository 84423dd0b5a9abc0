// Rules about what must have happened before: an instruction is blamed when on no path to it that can have been.
import { vmcsFieldByEncoding } from '../../spec/vmcs-fields.ts';
import { hexH } from '../fact-hover.ts';
import { EVERYTHING, type Happened } from '../flow/happened.ts';
import type { LintRule } from '../settings.ts';
import { CLEARED, CR4_WRITTEN, CURRENT, type Events, LAUNCHED, NEEDED, VMX_ON } from './events.ts';
import { type Finding, type LintContext, mnemonicOf, nameOf } from './finding.ts';

interface Rule {
  readonly rule: LintRule;
  readonly instructions: RegExp;
  readonly missing: number;
  /** Only if these can have happened; otherwise another rule says more. */
  readonly after: number;
  readonly message: (name: string) => string;
}

const RULES: readonly Rule[] = [
  {
    rule: 'vmx-before-vmxon',
    instructions: /^(vmclear|vmptrld|vmptrst|vmread|vmwrite|vmlaunch|vmresume|vmxoff|invept|invvpid)$/,
    missing: VMX_ON,
    after: 0,
    message: (name) => `no path to here executes VMXON: ${name} outside VMX operation causes #UD`,
  },
  {
    rule: 'vmxon-without-vmxe',
    instructions: /^vmxon$/,
    missing: CR4_WRITTEN,
    after: 0,
    message: () => 'no path to here writes CR4: VMXON with CR4.VMXE = 0 causes #UD',
  },
  {
    rule: 'load-before-clear',
    instructions: /^vmptrld$/,
    missing: CLEARED,
    after: VMX_ON,
    message: () =>
      'no path to here executes VMCLEAR: the launch state and the data of a VMCS region are undefined until VMCLEAR has initialized it',
  },
  {
    rule: 'no-current-vmcs',
    instructions: /^(vmread|vmwrite|vmlaunch|vmresume)$/,
    missing: CURRENT,
    after: VMX_ON,
    message: (name) =>
      `no path to here executes VMPTRLD: without a current VMCS ${name} fails with VMfailInvalid (CF = 1)`,
  },
  {
    rule: 'resume-before-launch',
    instructions: /^vmresume$/,
    missing: LAUNCHED,
    after: CURRENT,
    message: () =>
      'no path to here executes VMLAUNCH: VMRESUME of a VMCS that was not launched fails with VM-instruction error 5',
  },
];

export function* orderFindings(context: LintContext, happened: Happened): Generator<Finding> {
  const { nodes } = context.graph;
  for (let at = 0; at < nodes.length; at++) {
    const before = happened[at]!;
    const { step, statement } = nodes[at]!;
    if (before < 0 || before === EVERYTHING || step.flow !== 'plain') continue;
    for (const { rule, instructions, missing, after, message } of RULES) {
      if (!instructions.test(step.mnemonic) || (before & missing) !== 0 || (before & after) !== after) continue;
      const name = mnemonicOf(statement).toUpperCase();
      yield { rule, range: nameOf(statement), statement, message: message(name) };
    }
  }
}

/** Fields that every VM entry needs and nothing wrote. */
export function* entryFindings(
  context: LintContext,
  happened: Happened | undefined,
  events: Events,
): Generator<Finding> {
  const entries = context.graph.nodes.flatMap((node, at) =>
    /^(vmlaunch|vmresume)$/.test(node.step.mnemonic) ? [{ node, at }] : [],
  );
  const first = entries[0];
  if (first === undefined) return;
  const alone = !context.program.statements.some(
    ({ body }) => body.kind === 'directive' && /^(global|extern)$/.test(body.name),
  );
  for (const { rule, encoding, bit } of NEEDED) {
    const field = vmcsFieldByEncoding(encoding)!;
    const consequence = CONSEQUENCES[rule];
    let found = false;
    for (const { node, at } of entries) {
      const before = happened?.[at] ?? -1;
      if (before < 0 || (before & bit) !== 0 || (before & CURRENT) === 0) continue;
      found = true;
      yield {
        rule,
        range: nameOf(node.statement),
        statement: node.statement,
        message: `no path to here writes the field “${field.name}” (${hexH(encoding)}): ${consequence}`,
      };
    }
    if (found || !alone || (events.anywhere & bit) !== 0) continue;
    yield {
      rule,
      range: nameOf(first.node.statement),
      statement: first.node.statement,
      message: `nothing in this program writes the field “${field.name}” (${hexH(encoding)}): ${consequence}`,
    };
  }
  if (!alone || (events.anywhere & LAUNCHED) !== 0) return;
  for (const { node, at } of entries) {
    const before = happened?.[at] ?? -1;
    // The rule about paths has said it.
    if (before >= 0 && (before & CURRENT) !== 0 && (before & LAUNCHED) === 0) continue;
    yield {
      rule: 'resume-before-launch',
      range: nameOf(node.statement),
      statement: node.statement,
      message:
        'this program has no VMLAUNCH: VMRESUME of a VMCS that was never launched fails with VM-instruction error 5',
    };
  }
}

const CONSEQUENCES: Readonly<Record<(typeof NEEDED)[number]['rule'], string>> = {
  'host-rip': 'a VM exit would continue at whatever it holds',
  'host-rsp': 'a VM exit would run on whatever stack it holds',
  'guest-rip': 'the guest would begin at whatever it holds',
  'link-pointer': 'unless that is FFFFFFFF_FFFFFFFFH or the address of a VMCS region, VM entry fails',
};
