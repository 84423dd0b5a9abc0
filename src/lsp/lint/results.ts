// Rules about CF and ZF after VMX instructions: on each path, something must look at both before they change.
import { vmcsFieldByEncoding } from '../../spec/vmcs-fields.ts';
import { fieldExists } from '../../vmx/capabilities.ts';
import type { FlowGraph } from '../flow/graph.ts';
import { type Finding, type LintContext, mnemonicOf, nameOf } from './finding.ts';

/** Instructions that report success in CF and ZF. VMLAUNCH and VMRESUME fall through only when they fail. */
const CHECKED = /^(vmxon|vmxoff|vmclear|vmptrld|vmptrst|vmread|vmwrite|invept|invvpid)$/;

const CARRY = 1;
const ZERO = 2;
const BOTH = CARRY | ZERO;

/** Paths longer than this are not followed. */
const LIMIT = 400;

export function* resultFindings(context: LintContext): Generator<Finding> {
  const { nodes } = context.graph;
  for (let at = 0; at < nodes.length; at++) {
    const { step, statement, order } = nodes[at]!;
    if (!CHECKED.test(step.mnemonic) || isChecked(context.graph, at)) continue;
    const name = mnemonicOf(statement).toUpperCase();
    yield {
      rule: succeeds(context, order) ? 'unchecked-access' : 'unchecked-result',
      range: nameOf(statement),
      statement,
      message: `${name} tells of failure in CF (VMfailInvalid) and ZF (VMfailValid), and on some path nothing looks at both; a JBE after it goes to an error handler`,
    };
  }
}

/** Whether it is a VMREAD or VMWRITE that can only fail when no VMCS is current. */
function succeeds({ accessAt, profile }: LintContext, order: number): boolean {
  const access = accessAt.get(order);
  const encoding = access?.field?.value;
  if (access === undefined || encoding === undefined || encoding > 0xffffn) return false;
  const field = vmcsFieldByEncoding(Number(encoding));
  return field !== undefined && fieldExists(profile, field) && (!access.write || field.area !== 'read-only');
}

function isChecked(graph: FlowGraph, from: number): boolean {
  const seen = new Set<number>();
  const queue: [number, number][] = [[graph.nodes[from]!.next, 0]];
  for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
    const [at, flags] = one;
    // Beyond what is known, somebody may look.
    if (at < 0 || seen.has(at * 4 + flags)) continue;
    if (seen.size > LIMIT) return true;
    seen.add(at * 4 + flags);
    const { step, next, target } = graph.nodes[at]!;
    if (step.flow === 'leave' || step.flow === 'data' || step.keepsFlags) continue;
    const now = flags | (step.readsCarry ? CARRY : 0) | (step.readsZero ? ZERO : 0);
    if (now === BOTH) continue;
    if (step.changesFlags) return false;
    if (step.flow === 'jump' || step.flow === 'call') queue.push([target, now]);
    else if (step.flow === 'branch') {
      // Where the one flag is 1, the failure is known.
      const failed = FAILURE[step.mnemonic];
      if (failed !== 'taken') queue.push([target, now]);
      if (failed !== 'behind') queue.push([next, now]);
    } else queue.push([next, now]);
  }
  return true;
}

/** On which way of a jump CF or ZF is 1. */
const FAILURE: Readonly<Record<string, 'taken' | 'behind'>> = {
  jc: 'taken',
  jb: 'taken',
  jnae: 'taken',
  jz: 'taken',
  je: 'taken',
  jnc: 'behind',
  jnb: 'behind',
  jae: 'behind',
  jnz: 'behind',
  jne: 'behind',
};
