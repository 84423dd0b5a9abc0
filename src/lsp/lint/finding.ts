// What a lint rule finds, and what the rules share.
import type { Statement } from '../../asm/statement.ts';
import type { SourceRange } from '../../asm/tokens.ts';
import type { CapabilityProfile } from '../../vmx/capabilities.ts';
import type { FlowGraph } from '../flow/graph.ts';
import type { Program } from '../program.ts';
import type { LintRule } from '../settings.ts';
import type { VmcsAccess } from '../vmcs-accesses.ts';

export interface Finding {
  readonly rule: LintRule;
  readonly range: SourceRange;
  readonly message: string;
  readonly statement: Statement;
}

export interface LintContext {
  readonly program: Program;
  readonly profile: CapabilityProfile;
  readonly graph: FlowGraph;
  readonly accesses: readonly VmcsAccess[];
  /** By the place of the statement in the program's list. */
  readonly accessAt: ReadonlyMap<number, VmcsAccess>;
}

export const mnemonicOf = (statement: Statement): string =>
  statement.body.kind === 'instruction' ? statement.body.mnemonic : '';

export const nameOf = (statement: Statement): SourceRange =>
  statement.body.kind === 'instruction' ? statement.body.name : statement.range;
