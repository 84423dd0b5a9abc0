// CR0 and CR4 against the bits that VMX operation fixes (SDM "Restrictions on VMX Operation").

import { bitPositions, describeBits, hex } from '../../spec/bits.ts';
import { CR0, CR4 } from '../../spec/registers.ts';
import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import { type CapabilityProfile, fixedBits } from '../capabilities.ts';
import type { EntryState, SectionCheck } from './types.ts';

const fixed = new WeakMap<CapabilityProfile, ReturnType<typeof fixedBits>>();

function fixedOf(v: EntryState): ReturnType<typeof fixedBits> {
  let found = fixed.get(v.env.profile);
  if (found === undefined) {
    found = fixedBits(v.env.profile);
    fixed.set(v.env.profile, found);
  }
  return found;
}

/**
 * No bit of CR0 or CR4 may have a value that VMX operation does not support.
 *
 * @param exempt bits that this check leaves alone
 */
export function supportedBits(
  id: string,
  register: 'CR0' | 'CR4',
  field: VmcsFieldName,
  exceptions: string,
  exempt: (v: EntryState) => bigint = () => 0n,
): SectionCheck {
  const layout = register === 'CR0' ? CR0 : CR4;
  const wrong = (v: EntryState): { missing: bigint; excess: bigint } => {
    const { cr0Fixed0, cr0Fixed1, cr4Fixed0, cr4Fixed1 } = fixedOf(v);
    const [must, may] = register === 'CR0' ? [cr0Fixed0, cr0Fixed1] : [cr4Fixed0, cr4Fixed1];
    const value = v.field(field);
    const checked = ~exempt(v);
    return { missing: must & ~value & checked, excess: value & ~may & checked };
  };
  return {
    id,
    fields: [field],
    rule: `${field} must not set any bit to a value that VMX operation does not support (IA32_VMX_${register}_FIXED0 and FIXED1)${exceptions}`,
    holds: (v) => {
      const { missing, excess } = wrong(v);
      return (missing | excess) === 0n;
    },
    fix: (v) => {
      const { missing, excess } = wrong(v);
      const words = [
        missing === 0n ? '' : `set ${describeBits(layout, missing).summary} (${bitPositions(missing)})`,
        excess === 0n ? '' : `clear ${describeBits(layout, excess).summary} (${bitPositions(excess)})`,
      ].filter((word) => word !== '');
      return `${words.join(' and ')}: ${hex((v.field(field) | missing) & ~excess)}`;
    },
  };
}
