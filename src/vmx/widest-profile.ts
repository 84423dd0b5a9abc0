// A processor that offers everything that the SDM defines: for a VMCS of which it is not known where it ran.

import { CONTROL_WORDS, type ControlNames, type ControlWord } from '../spec/controls.ts';
import { CR4 } from '../spec/registers.ts';
import { VMX_BASIC, VMX_EPT_VPID_CAP, VMX_MISC } from '../spec/vmx-capabilities.ts';
import type { CapabilityProfile } from './capabilities.ts';
import { RECENT_SERVER } from './profiles.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

function everyControl<W extends ControlWord>(word: W): readonly ControlNames[W][] {
  return Object.keys(CONTROL_WORDS[word].bits) as unknown as readonly ControlNames[W][];
}

function singleBits(
  layout: readonly { readonly name: string; readonly low: number; readonly high: number }[],
): string[] {
  return layout.filter(({ low, high }) => low === high).map(({ name }) => name);
}

export const WIDEST: CapabilityProfile = {
  ...RECENT_SERVER,
  name: 'widest',
  title: 'Everything that the SDM defines',
  controls: {
    pin: everyControl('pin'),
    primary: everyControl('primary'),
    secondary: everyControl('secondary'),
    tertiary: everyControl('tertiary'),
    exit: everyControl('exit'),
    'secondary exit': everyControl('secondary exit'),
    entry: everyControl('entry'),
    vmfunc: everyControl('vmfunc'),
  },
  basic: singleBits(VMX_BASIC),
  misc: singleBits(VMX_MISC),
  eptVpid: singleBits(VMX_EPT_VPID_CAP),
  cr3Targets: 256,
  cr4Fixed1: singleBits(CR4),
  features: ['FRED', 'CET', 'SGX', 'RTM'],
  msrBits: {
    efer: 0xd01n,
    debugctl: ALL_ONES,
    perfGlobalCtrl: ALL_ONES,
    bndcfgs: 0xffff_ffff_ffff_f003n,
    sCet: 0xffff_ffff_ffff_fc3fn,
    specCtrl: ALL_ONES,
  },
};
