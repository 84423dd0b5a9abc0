// The smallest VMCS that enters, on a processor that offers everything, and edits of it.

import { CONTROL_WORDS, type ControlNames, type ControlWord, controlMask } from '../../../src/spec/controls.ts';
import { VMCS_FIELDS, type VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import { VMX_BASIC, VMX_EPT_VPID_CAP, VMX_MISC } from '../../../src/spec/vmx-capabilities.ts';
import type { CapabilityProfile } from '../../../src/vmx/capabilities.ts';
import { RECENT_SERVER } from '../../../src/vmx/profiles.ts';
import type { EntryEnvironment, FieldReader } from '../../../src/vmx/checks/types.ts';

function everyControl<W extends ControlWord>(word: W): readonly ControlNames[W][] {
  return Object.keys(CONTROL_WORDS[word].bits) as unknown as readonly ControlNames[W][];
}

/** A processor that offers every control and feature, so that each rule can be broken alone. */
export const EVERYTHING: CapabilityProfile = {
  ...RECENT_SERVER,
  name: 'everything',
  title: 'Everything',
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
  basic: VMX_BASIC.filter((bit) => ['INS/OUTS information', 'TRUE controls'].includes(bit.name)).map((bit) => bit.name),
  misc: VMX_MISC.filter((bit) => bit.low === bit.high && bit.name !== 'length 0').map((bit) => bit.name),
  eptVpid: VMX_EPT_VPID_CAP.filter((bit) => bit.low === bit.high).map((bit) => bit.name),
  cr4Fixed1: [...RECENT_SERVER.cr4Fixed1, 'CET', 'FRED', 'PKS'],
  features: ['FRED', 'CET', 'SGX', 'RTM'],
  msrBits: {
    efer: 0xd01n,
    debugctl: 0xffc7n,
    perfGlobalCtrl: 0x7_0000_000fn,
    bndcfgs: 0xffff_ffff_ffff_f003n,
    sCet: 0xffff_ffff_ffff_fc3fn,
    specCtrl: 0x7n,
  },
};

export const PHYSICAL_BITS = 39;
export const LINEAR_BITS = 57;
export const CURRENT_VMCS = 0x5000n;
const LINKED_VMCS = 0x6000n;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** IA32_VMX_BASIC[30:0] of this machine. */
const REVISION = 0x5253_4431n;

const SEGMENTS = ['ES', 'SS', 'DS', 'FS', 'GS'] as const;

/** A 64-bit guest of a 64-bit host; every other field is 0. Controls: the reserved bits that must be 1, and long mode. */
const BASE: Partial<Record<VmcsFieldName, bigint>> = {
  'Pin-based VM-execution controls': 0x16n,
  'Primary processor-based VM-execution controls': 0x0400_6172n,
  'Primary VM-exit controls': 0x0003_6ffbn,
  'VM-entry controls': 0x0000_13fbn,
  'Host CR0': 0x8000_0031n,
  'Host CR3': 0x1000n,
  'Host CR4': 0x2020n,
  'Host CS selector': 0x08n,
  'Host SS selector': 0x10n,
  'Host TR selector': 0x18n,
  'Host RIP': 0x10_0000n,
  'Guest CR0': 0x8000_0031n,
  'Guest CR3': 0x1000n,
  'Guest CR4': 0x2020n,
  'Guest DR7': 0x400n,
  'Guest RIP': 0x10_0000n,
  'Guest RFLAGS': 2n,
  'Guest CS selector': 0x08n,
  'Guest CS limit': 0xffff_ffffn,
  'Guest CS access rights': 0xa09bn,
  ...Object.fromEntries(
    SEGMENTS.flatMap((name) => [
      [`Guest ${name} selector`, 0x10n],
      [`Guest ${name} limit`, 0xffff_ffffn],
      [`Guest ${name} access rights`, 0xc093n],
    ]),
  ),
  'Guest LDTR access rights': 0x1_0000n,
  'Guest TR selector': 0x18n,
  'Guest TR limit': 0x67n,
  'Guest TR access rights': 0x8bn,
  'VMCS link pointer': ALL_ONES,
};

export interface Edit {
  /** Controls set to 1; the word is activated too. */
  readonly on?: { readonly [W in ControlWord]?: readonly ControlNames[W][] };
  readonly off?: { readonly [W in ControlWord]?: readonly ControlNames[W][] };
  readonly set?: { readonly [N in VmcsFieldName]?: bigint };
  /** 64-bit words of physical memory. */
  readonly memory?: Readonly<Record<number, bigint>>;
  readonly env?: Partial<EntryEnvironment>;
  readonly profile?: Partial<CapabilityProfile>;
}

const ACTIVATION: { readonly [W in ControlWord]?: Edit['on'] } = {
  secondary: { primary: ['activate secondary controls'] },
  tertiary: { primary: ['activate tertiary controls'] },
  'secondary exit': { exit: ['activate secondary controls'] },
  vmfunc: { secondary: ['enable VM functions'], primary: ['activate secondary controls'] },
};

export interface Fixture {
  readonly reader: FieldReader;
  readonly env: EntryEnvironment;
}

function applyControls(values: Map<number, bigint>, edit: NonNullable<Edit['on']>, on: boolean): void {
  for (const [key, names] of Object.entries(edit)) {
    const word = key as ControlWord;
    if (on) {
      applyControls(values, ACTIVATION[word] ?? {}, true);
    }
    const { encoding } = VMCS_FIELDS[CONTROL_WORDS[word].field];
    for (const name of names ?? []) {
      const mask = controlMask(word, name as never);
      const value = values.get(encoding) ?? 0n;
      values.set(encoding, on ? value | mask : value & ~mask);
    }
  }
}

/** The base with an edit: controls first, then fields. */
export function fixture(edit: Edit = {}): Fixture {
  const values = new Map<number, bigint>();
  const setAll = (fields: Partial<Record<VmcsFieldName, bigint>>): void => {
    for (const [name, value] of Object.entries(fields)) {
      values.set(VMCS_FIELDS[name as VmcsFieldName].encoding, value as bigint);
    }
  };
  setAll(BASE);
  applyControls(values, edit.on ?? {}, true);
  applyControls(values, edit.off ?? {}, false);
  setAll((edit.set ?? {}) as Partial<Record<VmcsFieldName, bigint>>);
  const memory: Record<number, bigint> = { [Number(LINKED_VMCS)]: REVISION, ...edit.memory };
  const env: EntryEnvironment = {
    profile: { ...EVERYTHING, ...edit.profile },
    physicalBits: PHYSICAL_BITS,
    linearBits: LINEAR_BITS,
    longMode: true,
    currentVmcs: CURRENT_VMCS,
    instruction: { name: 'VMLAUNCH', launched: false, blockedByMovSs: false },
    readMemory: (address, bytes) => {
      const word = memory[Number(address & ~7n)] ?? 0n;
      const value = word >> (8n * (address & 7n));
      return BigInt.asUintN(bytes * 8, value);
    },
    ...edit.env,
  };
  return { reader: (encoding) => values.get(encoding) ?? 0n, env };
}
