// audit: every VM-entry check on the current VMCS as it is now.

import { auditText, writersOf } from '../checks.ts';
import { hex } from '../format.ts';
import type { Command, CommandContext } from './types.ts';

export const AUDIT: Command = {
  name: 'audit',
  usage: 'audit',
  summary: 'whether the current VMCS would enter, with every check that fails',
  help: 'The checks are those that VMLAUNCH and VMRESUME make; nothing is changed. Launch state and the instruction before are not judged.',
  run: audit,
};

function audit({ session }: CommandContext): string {
  const { machine, image } = session;
  const found = machine.auditVmcs();
  const vmcs = machine.currentVmcs();
  if (found === undefined || vmcs === undefined) return 'There is no current VMCS: VMPTRLD makes one current.';
  return auditText(found, `The current VMCS (${hex(vmcs)})`, writersOf(machine), image);
}
