// A processor as a user asks for it: a profile by name, and single capabilities switched off by name.

import { CONTROL_WORDS, type ControlNames, type ControlWord } from '../spec/controls.ts';
import { CPUID_LEAVES } from '../spec/cpuid.ts';
import { VMX_BASIC, VMX_EPT_VPID_CAP, VMX_MISC } from '../spec/vmx-capabilities.ts';
import type { CapabilityProfile } from './capabilities.ts';
import { PROFILES } from './profiles.ts';

export type ProfileChoice =
  | { readonly ok: true; readonly profile: CapabilityProfile }
  | {
      readonly ok: false;
      /** Which of the two settings is wrong. */
      readonly setting: 'profile' | 'without';
      readonly name: string;
      /** What was wrong and what to write instead, as a sentence's end. */
      readonly expected: string;
    };

const WORDS = Object.keys(CONTROL_WORDS) as readonly ControlWord[];
/** Control words whose controls another control activates. */
const ACTIVATED_BY: { readonly [W in ControlWord]?: string } = {
  secondary: 'primary: activate secondary controls',
  tertiary: 'primary: activate tertiary controls',
  'secondary exit': 'exit: activate secondary controls',
  vmfunc: 'secondary: enable VM functions',
};

/** A capability goes when what it needs is gone, as on a real processor (the needs are those of the VM-entry checks). */
const NEEDS: readonly (readonly [capability: string, needed: string])[] = [
  ['pin: virtual NMIs', 'pin: NMI exiting'],
  ['primary: NMI-window exiting', 'pin: virtual NMIs'],
  ['exit: save VMX-preemption timer value', 'pin: activate VMX-preemption timer'],
  ['secondary: unrestricted guest', 'secondary: enable EPT'],
  ['secondary: EPT-violation #VE', 'secondary: enable EPT'],
  ['secondary: mode-based execute control for EPT', 'secondary: enable EPT'],
  ['ept: accessed and dirty flags', 'secondary: enable EPT'],
  ['ept: advanced information', 'secondary: mode-based execute control for EPT'],
  ['secondary: enable PML', 'ept: accessed and dirty flags'],
  ['vmfunc: EPTP switching', 'secondary: enable EPT'],
  ['secondary: use TSC scaling', 'primary: use TSC offsetting'],
  ['secondary: virtualize x2APIC mode', 'primary: use TPR shadow'],
  ['secondary: APIC-register virtualization', 'primary: use TPR shadow'],
  ['secondary: virtual-interrupt delivery', 'primary: use TPR shadow'],
  ['secondary: virtual-interrupt delivery', 'pin: external-interrupt exiting'],
  ['tertiary: IPI virtualization', 'secondary: virtual-interrupt delivery'],
  ['pin: process posted interrupts', 'secondary: virtual-interrupt delivery'],
  ['pin: process posted interrupts', 'exit: acknowledge interrupt on exit'],
  ['ept: INVEPT single-context', 'ept: INVEPT'],
  ['ept: INVEPT all-context', 'ept: INVEPT'],
  ['ept: INVVPID', 'secondary: enable VPID'],
  ['ept: INVVPID individual-address', 'ept: INVVPID'],
  ['ept: INVVPID single-context', 'ept: INVVPID'],
  ['ept: INVVPID all-context', 'ept: INVVPID'],
  ['ept: INVVPID retaining globals', 'ept: INVVPID'],
  ...[
    'execute-only',
    'walk length 4',
    'walk length 5',
    'UC structures',
    'WB structures',
    '2-MByte pages',
    '1-GByte pages',
    'INVEPT',
  ].map((name) => [`ept: ${name}`, 'secondary: enable EPT'] as const),
  ['exit: load PKRS', 'cpuid: PKS'],
  ['entry: load PKRS', 'cpuid: PKS'],
  ['secondary: enable user wait and pause', 'cpuid: WAITPKG'],
];

/** CPUID features that enable bits of CR4. */
export const CR4_OF_FEATURE: Readonly<Record<string, string>> = {
  UMIP: 'UMIP',
  LA57: 'LA57',
  FSGSBASE: 'FSGSBASE',
  PCID: 'PCIDE',
  SMEP: 'SMEP',
  SMAP: 'SMAP',
  PKU: 'PKE',
  PKS: 'PKS',
  FXSR: 'OSFXSR',
  SSE: 'OSXMMEXCPT',
  XSAVE: 'OSXSAVE',
};

const FEATURES: readonly string[] = CPUID_LEAVES.filter(({ leaf }) => [1, 7, 0x80000001].includes(leaf)).flatMap(
  ({ leaf, registers }) =>
    (leaf === 1 ? [registers.ecx, registers.edx] : Object.values(registers)).flatMap((layout) =>
      (layout ?? []).map(({ name }) => name),
    ),
);

const named = (
  prefix: string,
  layout: readonly { readonly name: string; readonly low: number; readonly high: number }[],
) => layout.filter(({ low, high }) => low === high).map(({ name }) => `${prefix}: ${name}`);

/** Every capability that can be switched off, as `word: name`. */
export const CAPABILITY_NAMES: readonly string[] = [
  ...WORDS.flatMap((word) => Object.keys(CONTROL_WORDS[word].bits).map((name) => `${word}: ${name}`)),
  ...named('basic', VMX_BASIC),
  ...named('misc', VMX_MISC),
  ...named('ept', VMX_EPT_VPID_CAP),
  ...FEATURES.map((name) => `cpuid: ${name}`),
];

/**
 * The processor of a machine.
 *
 * @param name a name of PROFILES; absent: the default
 * @param without capabilities to switch off: a control's name in the SDM's words (`enable EPT`), a bit of IA32_VMX_BASIC,
 * IA32_VMX_MISC or IA32_VMX_EPT_VPID_CAP, or a CPUID feature; in any case. `exit: load IA32_PAT` names one word's control only.
 */
export function chooseProfile(name?: string, without: readonly string[] = []): ProfileChoice {
  const profile =
    name === undefined ? PROFILES[0] : PROFILES.find((candidate) => candidate.name === name.toLowerCase());
  if (profile === undefined) {
    const names = PROFILES.map((candidate) => candidate.name);
    return { ok: false, setting: 'profile', name: name ?? '', expected: `one of ${names.join(', ')}` };
  }
  const gone = new Set<string>();
  for (const capability of without) {
    const found = matching(capability);
    if (found.length === 0)
      return { ok: false, setting: 'without', name: capability, expected: expectation(capability) };
    for (const one of found) gone.add(one);
  }
  return { ok: true, profile: gone.size === 0 ? profile : remove(profile, gone) };
}

function matching(capability: string): readonly string[] {
  const wanted = capability.trim().toLowerCase();
  return CAPABILITY_NAMES.filter((known) => {
    const lower = known.toLowerCase();
    return lower === wanted || lower.slice(lower.indexOf(': ') + 2) === wanted;
  });
}

function expectation(capability: string): string {
  const near = [...new Set(CAPABILITY_NAMES.map((known) => known.slice(known.indexOf(': ') + 2)))]
    .map((known) => ({ known, distance: difference(known.toLowerCase(), capability.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ known }) => `"${known}"`);
  return `a capability by its name in the manual, such as ${near.join(', ')}`;
}

/** Share of the letter pairs that two names do not have in common, 0 to 1. */
function difference(a: string, b: string): number {
  const pairs = (text: string) =>
    new Set(Array.from({ length: Math.max(text.length - 1, 1) }, (_, i) => text.slice(i, i + 2)));
  const left = pairs(a);
  const right = pairs(b);
  const common = [...left].filter((pair) => right.has(pair)).length;
  return 1 - (2 * common) / (left.size + right.size);
}

/** Everything that needs what is gone goes, too. */
function spread(gone: Set<string>): void {
  for (let size = -1; size !== gone.size; ) {
    size = gone.size;
    for (const [capability, needed] of NEEDS) if (gone.has(needed)) gone.add(capability);
    for (const word of WORDS) {
      const activation = ACTIVATED_BY[word];
      if (activation === undefined || !gone.has(activation)) continue;
      for (const name of Object.keys(CONTROL_WORDS[word].bits)) gone.add(`${word}: ${name}`);
    }
  }
}

function remove(profile: CapabilityProfile, gone: Set<string>): CapabilityProfile {
  spread(gone);
  const keep = (prefix: string, names: readonly string[]) => names.filter((name) => !gone.has(`${prefix}: ${name}`));
  const controls = Object.fromEntries(WORDS.map((word) => [word, keep(word, profile.controls[word])]));
  const hidden = FEATURES.filter((name) => gone.has(`cpuid: ${name}`));
  const registers = new Set(hidden.map((name) => CR4_OF_FEATURE[name]));
  return {
    ...profile,
    controls: controls as unknown as { readonly [W in ControlWord]: readonly ControlNames[W][] },
    basic: keep('basic', profile.basic),
    misc: keep('misc', profile.misc),
    eptVpid: keep('ept', profile.eptVpid),
    cr4Fixed1: profile.cr4Fixed1.filter((name) => !registers.has(name)),
    hidden: [...profile.hidden, ...hidden],
    vmx: gone.has('cpuid: VMX') ? 'absent' : profile.vmx,
  };
}
