// The VMCS as the checks see it: fields by name, controls as predicates.

import { CONTROL_WORDS, type ControlNames, type ControlWord, controlMask } from '../../spec/controls.ts';
import { VMCS_FIELDS, type VmcsFieldName } from '../../spec/vmcs-fields.ts';
import type { EntryEnvironment, EntryState, FieldReader } from './types.ts';

/** A state that reads each field once. */
export function createState(reader: FieldReader, env: EntryEnvironment): EntryState & { memoryWasRead: boolean } {
  const values = new Map<VmcsFieldName, bigint>();
  const state = {
    env,
    memo: new Array<boolean | undefined>(predicates).fill(undefined),
    memoryWasRead: false,
    field: (name: VmcsFieldName): bigint => {
      const known = values.get(name);
      if (known !== undefined) {
        return known;
      }
      const value = reader(VMCS_FIELDS[name].encoding);
      values.set(name, value);
      return value;
    },
    memory: (address: bigint, bytes: 4 | 8): bigint | undefined => {
      state.memoryWasRead = true;
      return env.readMemory(address, bytes);
    },
  };
  return state;
}

/** A state that notes, in `touched`, which fields are read, in order of first reading. */
export function createTrackedState(
  reader: FieldReader,
  env: EntryEnvironment,
): { readonly state: EntryState; readonly touched: ReadonlySet<VmcsFieldName> } {
  const touched = new Set<VmcsFieldName>();
  const plain = createState(reader, env);
  const field = (name: VmcsFieldName): bigint => {
    touched.add(name);
    return plain.field(name);
  };
  return { state: { env, memo: plain.memo, memory: plain.memory, field }, touched };
}

export type Predicate = (v: EntryState) => boolean;

const ACTIVATED_BY: { readonly [W in ControlWord]?: readonly [ControlWord, bigint] } = {
  secondary: ['primary', controlMask('primary', 'activate secondary controls')],
  tertiary: ['primary', controlMask('primary', 'activate tertiary controls')],
  'secondary exit': ['exit', controlMask('exit', 'activate secondary controls')],
  vmfunc: ['secondary', controlMask('secondary', 'enable VM functions')],
};

/** Whether a control word counts: the secondary and tertiary ones only when they are activated. */
export function activated(v: EntryState, word: ControlWord): boolean {
  const by = ACTIVATED_BY[word];
  return by === undefined || (activated(v, by[0]) && (v.field(CONTROL_WORDS[by[0]].field) & by[1]) !== 0n);
}

let predicates = 0;

/** Many checks ask the same questions: each state keeps the answers, by the predicate's number. */
function memoized(predicate: Predicate): Predicate {
  const slot = predicates;
  predicates += 1;
  return (v) => {
    const known = v.memo[slot];
    if (known !== undefined) {
      return known;
    }
    const answer = predicate(v);
    v.memo[slot] = answer;
    return answer;
  };
}

/** The predicate "this control is 1" (of an activated word). */
export function control<W extends ControlWord>(word: W, name: ControlNames[W]): Predicate {
  const { field } = CONTROL_WORDS[word];
  const mask = controlMask(word, name);
  return memoized((v) => activated(v, word) && (v.field(field) & mask) !== 0n);
}

/** The predicate "this bit of a field is 1". */
export function bitOf(field: VmcsFieldName, position: number): Predicate {
  const mask = 1n << BigInt(position);
  return (v) => (v.field(field) & mask) !== 0n;
}

export function not(predicate: Predicate): Predicate {
  return (v) => !predicate(v);
}

// Controls that several sections ask for.
export const enableEpt = control('secondary', 'enable EPT');
export const unrestrictedGuest = control('secondary', 'unrestricted guest');
export const useTprShadow = control('primary', 'use TPR shadow');
export const virtualInterruptDelivery = control('secondary', 'virtual-interrupt delivery');
export const hostLongMode = control('exit', 'host address-space size');
export const guestLongMode = control('entry', 'IA-32e mode guest');
export const guestVirtual8086 = memoized(bitOf('Guest RFLAGS', 17));
export const guestFred = bitOf('Guest CR4', 32);
export const guestProtected = bitOf('Guest CR0', 0);
export const guestPaging = memoized(bitOf('Guest CR0', 31));
