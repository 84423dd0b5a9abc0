// What a name or number of the manual stands for: VMCS fields, controls, MSRs, exit reasons, bits of control registers.
import { BIT_LAYOUTS } from '../spec/bit-layouts.ts';
import type { BitField } from '../spec/bits.ts';
import { CONTROL_WORDS, type ControlWord, controlIdentifier } from '../spec/controls.ts';
import { EXIT_REASON_LIST, type NamedExitReason, exitReason } from '../spec/exit-reasons.ts';
import { MSR_LIST, type NamedMsr, msrByIndex } from '../spec/msrs.ts';
import { type NamedVmcsField, VMCS_FIELD_LIST, vmcsFieldByEncoding, vmcsFieldByName } from '../spec/vmcs-fields.ts';

export type Fact =
  | { readonly kind: 'vmcs'; readonly field: NamedVmcsField; readonly high: boolean }
  | { readonly kind: 'control'; readonly word: ControlWord; readonly name: string }
  | { readonly kind: 'msr'; readonly msr: NamedMsr }
  | { readonly kind: 'exit-reason'; readonly reason: NamedExitReason }
  | { readonly kind: 'bit'; readonly register: string; readonly bit: BitField };

/** Prefixes of control names in `vmx.inc`. */
export const CONTROL_PREFIXES: Readonly<Record<ControlWord, string>> = {
  pin: 'PIN',
  primary: 'PRIMARY',
  secondary: 'SECONDARY',
  tertiary: 'TERTIARY',
  exit: 'EXIT',
  'secondary exit': 'SECONDARY_EXIT',
  entry: 'ENTRY',
  vmfunc: 'VMFUNC',
};

export const CONTROL_WORD_NAMES = Object.keys(CONTROL_WORDS) as ControlWord[];

/** As `vmx.inc` writes it: HLT exiting is PRIMARY_HLT_EXITING. */
export const controlName = (word: ControlWord, name: string): string =>
  `${CONTROL_PREFIXES[word]}_${name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')}`;

/** Registers whose bits programs name as `CR0_PE`, `EFER_LME` and so on. */
export const BIT_REGISTERS = [
  'cr0',
  'cr3',
  'cr4',
  'dr6',
  'dr7',
  'efer',
  'rflags',
  'xcr0',
  'feature-control',
  'debugctl',
] as const;

let byName: Map<string, Fact> | undefined;

function names(): Map<string, Fact> {
  if (byName !== undefined) return byName;
  byName = new Map();
  const add = (name: string, fact: Fact): void => {
    const key = name.toUpperCase();
    if (!byName!.has(key)) byName!.set(key, fact);
  };
  for (const field of VMCS_FIELD_LIST) {
    const all = [field.identifier, ...(field.aliases ?? [])];
    for (const name of all) {
      for (const full of [name, `VMCS_${name}`]) add(full, { kind: 'vmcs', field, high: false });
      if (field.width === 64)
        for (const full of [`${name}_HIGH`, `VMCS_${name}_HIGH`]) add(full, { kind: 'vmcs', field, high: true });
    }
  }
  for (const msr of MSR_LIST) {
    add(msr.name, { kind: 'msr', msr });
    add(`MSR_${msr.name}`, { kind: 'msr', msr });
    add(`MSR_${msr.name.replace(/^IA32_/, '')}`, { kind: 'msr', msr });
  }
  for (const reason of EXIT_REASON_LIST) add(`EXIT_REASON_${reason.identifier}`, { kind: 'exit-reason', reason });
  for (const word of CONTROL_WORD_NAMES) {
    for (const name of Object.keys(CONTROL_WORDS[word].bits)) {
      add(controlName(word, name), { kind: 'control', word, name });
    }
  }
  for (const register of BIT_REGISTERS) {
    for (const bit of BIT_LAYOUTS[register])
      add(`${register}_${bit.name}`.replaceAll(/[^A-Za-z0-9]+/g, '_'), { kind: 'bit', register, bit });
  }
  for (const word of CONTROL_WORD_NAMES) {
    for (const name of Object.keys(CONTROL_WORDS[word].bits))
      add(controlIdentifier(name), { kind: 'control', word, name });
  }
  return byName;
}

export const factByName = (name: string): Fact | undefined => names().get(name.toUpperCase());

export function fieldByNumber(value: bigint): Fact | undefined {
  if (value < 0n || value > 0xffffn) return undefined;
  const field = vmcsFieldByEncoding(Number(value));
  return field === undefined ? undefined : { kind: 'vmcs', field, high: (Number(value) & 1) !== 0 };
}

export function msrByNumber(value: bigint): Fact | undefined {
  const msr = value < 0n || value > 0xffffffffn ? undefined : msrByIndex(Number(value));
  return msr === undefined ? undefined : { kind: 'msr', msr };
}

export function reasonByNumber(value: bigint): Fact | undefined {
  const reason = value < 0n || value > 0xffffn ? undefined : exitReason(Number(value));
  return reason === undefined ? undefined : { kind: 'exit-reason', reason };
}

/** The control word that a VMCS field holds. */
export function wordOfField(field: NamedVmcsField): ControlWord | undefined {
  return CONTROL_WORD_NAMES.find((word) => vmcsFieldByName(CONTROL_WORDS[word].field)?.encoding === field.encoding);
}
