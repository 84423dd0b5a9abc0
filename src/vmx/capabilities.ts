// What the simulated processor offers in VMX operation: one profile of named capabilities, from which the capability MSRs,
// the fields of the VMCS and the VM-entry checks follow. Source: SDM "VMX Capability Reporting Facility".

import { type BitLayout, fieldMask, fieldNamed } from '../spec/bits.ts';
import { CONTROL_WORDS, type ControlNames, type ControlWord, controlMask, controlMasks } from '../spec/controls.ts';
import { CR0, CR4 } from '../spec/registers.ts';
import { type NamedVmcsField, VMCS_FIELD_LIST } from '../spec/vmcs-fields.ts';
import { VMCS_REGION_SIZE, VMCS_REVISION, vmcsFieldTable } from '../spec/vmcs-layout.ts';
import { VMX_BASIC, VMX_EPT_VPID_CAP, VMX_MISC } from '../spec/vmx-capabilities.ts';
import type { EptOffers } from './ept-walk.ts';

export interface CapabilityProfile {
  readonly name: string;
  readonly title: string;
  /** Controls that may be 1, by word; what is not named must be 0 (or, in the default-1 class, 1). */
  readonly controls: { readonly [W in ControlWord]: readonly ControlNames[W][] };
  /** Bits of IA32_VMX_BASIC, IA32_VMX_MISC and IA32_VMX_EPT_VPID_CAP that are set, by the names in spec/vmx-capabilities.ts. */
  readonly basic: readonly string[];
  readonly misc: readonly string[];
  readonly eptVpid: readonly string[];
  /** Bit of the TSC whose change counts the VMX-preemption timer down. */
  readonly preemptionTimerRate: number;
  readonly cr3Targets: number;
  /** Bits of CR0 and CR4 that must be 1 in VMX operation, and that may be. */
  readonly cr0Fixed0: readonly string[];
  readonly cr0Fixed1: bigint;
  readonly cr4Fixed0: readonly string[];
  readonly cr4Fixed1: readonly string[];
  /** Features outside VMX on which fields and checks depend. */
  readonly features: readonly ('FRED' | 'CET' | 'SGX' | 'RTM')[];
  /** Bits of MSRs that are not reserved, for the checks of the fields that are loaded into them. */
  readonly msrBits: {
    readonly efer: bigint;
    readonly debugctl: bigint;
    readonly perfGlobalCtrl: bigint;
    readonly bndcfgs: bigint;
    readonly sCet: bigint;
    readonly specCtrl: bigint;
  };
  /** What the processor and its firmware make of VMX: usable, left to software to enable, locked off, or not there at all. */
  readonly vmx: 'ready' | 'unlocked' | 'locked-off' | 'absent';
  /** CPUID.1:EAX: family, model, stepping. */
  readonly signature: number;
  /** Features outside VMX that CPUID does not report, by the names of spec/cpuid.ts, beside those whose CR4 bit is missing above. */
  readonly hidden: readonly string[];
}

/** Settings of a control word that VM entry accepts: a bit may be 0 unless `allowed0` has it, and 1 if `allowed1` has it. */
export interface AllowedSettings {
  readonly allowed0: bigint;
  readonly allowed1: bigint;
}

const LOW = 0xffff_ffffn;

/** What VM entry accepts in a control word (the TRUE capability MSRs, where there are any). */
export function allowedSettings(profile: CapabilityProfile, word: ControlWord): AllowedSettings {
  const offered = controlMasks(word, profile.controls[word] as readonly ControlNames[typeof word][]);
  const { default1 } = CONTROL_WORDS[word];
  const flexible = profile.basic.includes('TRUE controls') ? offered : 0n;
  return { allowed0: default1 & ~flexible, allowed1: offered | default1 };
}

/** Whether the processor supports the 1-setting of a control. */
export function supportsControl<W extends ControlWord>(
  profile: CapabilityProfile,
  word: W,
  name: ControlNames[W],
): boolean {
  return (allowedSettings(profile, word).allowed1 & controlMask(word, name)) !== 0n;
}

const existing = new WeakMap<CapabilityProfile, ReadonlySet<number>>();

/** Whether a field exists on this processor: VMREAD and VMWRITE of another fail with VM-instruction error 12. */
export function fieldExists(profile: CapabilityProfile, field: NamedVmcsField): boolean {
  let encodings = existing.get(profile);
  if (encodings === undefined) {
    encodings = new Set(VMCS_FIELD_LIST.filter((row) => isOffered(profile, row)).map((row) => row.encoding));
    existing.set(profile, encodings);
  }
  return encodings.has(field.encoding);
}

function isOffered(profile: CapabilityProfile, { requires }: NamedVmcsField): boolean {
  if (requires === undefined) {
    return true;
  }
  return requires.some((requirement) => {
    const [word, name] = requirement.split(': ') as [string, string];
    if (word === 'cpuid') {
      return (profile.features as readonly string[]).includes(name);
    }
    return (profile.controls[word as ControlWord] as readonly string[]).includes(name);
  });
}

/** The core's table of VMCS fields for this processor. */
export function profileFieldTable(profile: CapabilityProfile): Uint32Array {
  return vmcsFieldTable((field) => fieldExists(profile, field), profile.misc.includes('write all fields'));
}

/** Bits of CR0 and CR4 that must be 1, and that may be 1, in VMX operation. */
export function fixedBits(profile: CapabilityProfile): {
  readonly cr0Fixed0: bigint;
  readonly cr0Fixed1: bigint;
  readonly cr4Fixed0: bigint;
  readonly cr4Fixed1: bigint;
} {
  return {
    cr0Fixed0: namedMask(CR0, profile.cr0Fixed0),
    cr0Fixed1: profile.cr0Fixed1,
    cr4Fixed0: namedMask(CR4, profile.cr4Fixed0),
    cr4Fixed1: namedMask(CR4, profile.cr4Fixed1),
  };
}

/** Whether a named bit of IA32_VMX_EPT_VPID_CAP is set. */
export function supportsEptVpid(profile: CapabilityProfile, name: string): boolean {
  return profile.eptVpid.includes(name);
}

/** What the EPT walk asks of the processor. */
export function eptOffers(profile: CapabilityProfile): EptOffers {
  return {
    executeOnly: supportsEptVpid(profile, 'execute-only'),
    pages2M: supportsEptVpid(profile, '2-MByte pages'),
    pages1G: supportsEptVpid(profile, '1-GByte pages'),
    advancedInformation: supportsEptVpid(profile, 'advanced information'),
  };
}

function namedMask(layout: BitLayout, names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | fieldMask(fieldNamed(layout, name)), 0n);
}

function controlsMsr(profile: CapabilityProfile, word: ControlWord, exact: boolean): bigint {
  const { allowed0, allowed1 } = allowedSettings(profile, word);
  return ((allowed1 & LOW) << 32n) | (exact ? allowed0 : CONTROL_WORDS[word].default1);
}

const WRITE_BACK = 6n;

function basicMsr(profile: CapabilityProfile): bigint {
  return (
    BigInt(VMCS_REVISION) |
    (BigInt(VMCS_REGION_SIZE) << 32n) |
    (WRITE_BACK << 50n) |
    namedMask(VMX_BASIC, profile.basic)
  );
}

function miscMsr(profile: CapabilityProfile): bigint {
  return BigInt(profile.preemptionTimerRate) | (BigInt(profile.cr3Targets) << 16n) | namedMask(VMX_MISC, profile.misc);
}

function vmcsEnumMsr(profile: CapabilityProfile): bigint {
  const indices = VMCS_FIELD_LIST.filter((field) => fieldExists(profile, field)).map(
    (field) => (field.encoding >> 1) & 0x1ff,
  );
  return BigInt(Math.max(...indices)) << 1n;
}

/**
 * Value of a VMX capability MSR (480H to 493H), or undefined when this processor has no such MSR.
 *
 * @param index MSR index
 */
export function vmxCapability(profile: CapabilityProfile, index: number): bigint | undefined {
  if (profile.vmx === 'absent') return undefined;
  const secondary = supportsControl(profile, 'primary', 'activate secondary controls');
  const exact = profile.basic.includes('TRUE controls');
  const fixed = fixedBits(profile);
  switch (index) {
    case 0x480:
      return basicMsr(profile);
    case 0x481:
      return controlsMsr(profile, 'pin', false);
    case 0x482:
      return controlsMsr(profile, 'primary', false);
    case 0x483:
      return controlsMsr(profile, 'exit', false);
    case 0x484:
      return controlsMsr(profile, 'entry', false);
    case 0x485:
      return miscMsr(profile);
    case 0x486:
      return fixed.cr0Fixed0;
    case 0x487:
      return fixed.cr0Fixed1;
    case 0x488:
      return fixed.cr4Fixed0;
    case 0x489:
      return fixed.cr4Fixed1;
    case 0x48a:
      return vmcsEnumMsr(profile);
    case 0x48b:
      return secondary ? controlsMsr(profile, 'secondary', false) : undefined;
    case 0x48c:
      return secondary && profile.eptVpid.length > 0 ? namedMask(VMX_EPT_VPID_CAP, profile.eptVpid) : undefined;
    case 0x48d:
      return exact ? controlsMsr(profile, 'pin', true) : undefined;
    case 0x48e:
      return exact ? controlsMsr(profile, 'primary', true) : undefined;
    case 0x48f:
      return exact ? controlsMsr(profile, 'exit', true) : undefined;
    case 0x490:
      return exact ? controlsMsr(profile, 'entry', true) : undefined;
    case 0x491:
      return supportsControl(profile, 'secondary', 'enable VM functions')
        ? allowedSettings(profile, 'vmfunc').allowed1
        : undefined;
    case 0x492:
      return supportsControl(profile, 'primary', 'activate tertiary controls')
        ? allowedSettings(profile, 'tertiary').allowed1
        : undefined;
    case 0x493:
      return supportsControl(profile, 'exit', 'activate secondary controls')
        ? allowedSettings(profile, 'secondary exit').allowed1
        : undefined;
    default:
      return undefined;
  }
}
