// Which entry checks must run again. A check is a function of the fields that it reads: as long as those are what they were
// when it last held, it holds. So of each VMCS is kept, for every check, which fields it read and what they were. An entry looks at
// the checks of the fields that were written, and runs those whose fields differ, and those that read memory besides.
import { VMCS_ADDRESS, VMCS_DIRTY, VMCS_DIRTY_ANY, VMCS_WRITTEN } from '../core/layout.ts';
import { VMCS_FIELD_LIST, type VmcsFieldName } from '../spec/vmcs-fields.ts';
import { VMCS_FIELDS_OFFSET } from '../spec/vmcs-layout.ts';
import { fieldExists } from './capabilities.ts';
import { ENTRY_CHECKS } from './checks/list.ts';
import type { EntryCheck, EntryEnvironment, EntryState } from './checks/types.ts';
import type { Vmx } from './operation.ts';
import { type Core, readWord } from './processor.ts';

/** What a check read when it last held. */
interface Reading {
  readonly fields: number[];
  /** Two words for each field. */
  readonly words: number[];
}

/** What is known of a VMCS whose checks have all held. */
interface Passed {
  /** By check (its number in CHECKS). */
  readonly readings: Reading[];
  /** By field: the checks that read it. */
  readonly readers: number[][];
  /** Checks that read memory besides. */
  readonly memory: Set<number>;
  readonly longMode: boolean;
}

export interface PassedChecks {
  /** By host-physical address of the VMCS. */
  readonly byPointer: Map<number, Passed>;
  readonly evaluator: Evaluator;
}

/** More VMCSs than this are not remembered. */
const REMEMBERED = 64;
const WRITTEN_WORDS = 8;
/** The basic checks are made with each entry (entry.ts). */
const CHECKS: readonly EntryCheck[] = ENTRY_CHECKS.filter((check) => check.section !== 'basicEntryChecks');
const INDEX: ReadonlyMap<VmcsFieldName, number> = new Map(VMCS_FIELD_LIST.map((field, index) => [field.name, index]));
/** Reads undefined and forgets what is written: with answers kept between checks it would not show who reads which field. */
const NO_MEMO = new Uint8Array(0) as unknown as EntryState['memo'];

/** Evaluates checks on the current VMCS and notes what they read. */
interface Evaluator {
  readonly state: Omit<EntryState, 'env'> & { env: EntryEnvironment };
  readonly values: (bigint | undefined)[];
  /** Fields read by the check that runs, each once. */
  readonly touched: number[];
  memoryWasRead: boolean;
}

export function createPassedChecks(vmx: Pick<Vmx, 'core' | 'profile'>, env: EntryEnvironment): PassedChecks {
  const { core } = vmx;
  const exists = VMCS_FIELD_LIST.map((field) => fieldExists(vmx.profile, field));
  const masks = VMCS_FIELD_LIST.map(({ width }) =>
    width === 16 || width === 32 ? (1n << BigInt(width)) - 1n : undefined,
  );
  const values: (bigint | undefined)[] = new Array(VMCS_FIELD_LIST.length).fill(undefined);
  const touched: number[] = [];
  const read = (index: number): bigint => {
    if (exists[index] !== true) return 0n;
    const stored = core.quads[(readWord(core, VMCS_ADDRESS) + VMCS_FIELDS_OFFSET + 8 * index) >>> 3] as bigint;
    const mask = masks[index];
    return mask === undefined ? stored : stored & mask;
  };
  const evaluator: Evaluator = {
    values,
    touched,
    memoryWasRead: false,
    state: {
      env,
      memo: NO_MEMO,
      field: (name) => {
        const index = INDEX.get(name) as number;
        touched.push(index);
        const known = values[index];
        if (known !== undefined) return known;
        const value = read(index);
        values[index] = value;
        return value;
      },
      memory: (address, bytes) => {
        evaluator.memoryWasRead = true;
        return evaluator.state.env.readMemory(address, bytes);
      },
    },
  };
  return { byPointer: new Map(), evaluator };
}

/** Every check held on the current VMCS, and will while no field of it is written. */
export const ALL_HOLD = 0;
/** Every check held, but some read memory: the next entry must ask again. */
export const ALL_HOLD_NOW = 1;
export const SOME_FAIL = 2;

/** Whether every check holds on the current VMCS, at `pointer`. What held is remembered. */
export function judge(checks: PassedChecks, { core }: Vmx, pointer: number, env: EntryEnvironment): number {
  const { byPointer, evaluator } = checks;
  evaluator.state.env = env;
  evaluator.values.fill(undefined);
  const known = byPointer.get(pointer);
  if (known === undefined || known.longMode !== env.longMode) {
    const passed = evaluateAll(evaluator, core, env.longMode);
    if (passed === undefined) return SOME_FAIL;
    if (byPointer.size >= REMEMBERED) byPointer.clear();
    byPointer.set(pointer, passed);
    return passed.memory.size === 0 ? ALL_HOLD : ALL_HOLD_NOW;
  }
  const holds =
    (readWord(core, VMCS_DIRTY) & VMCS_DIRTY_ANY) !== 0
      ? reviewAll(evaluator, core, known)
      : reviewWritten(evaluator, core, known);
  if (!holds) {
    byPointer.delete(pointer);
    return SOME_FAIL;
  }
  return known.memory.size === 0 ? ALL_HOLD : ALL_HOLD_NOW;
}

function evaluateAll(evaluator: Evaluator, core: Core, longMode: boolean): Passed | undefined {
  const passed: Passed = {
    readings: CHECKS.map(() => ({ fields: [], words: [] })),
    readers: VMCS_FIELD_LIST.map(() => []),
    memory: new Set(),
    longMode,
  };
  for (let check = 0; check < CHECKS.length; check++) {
    if (!evaluate(evaluator, core, check, passed)) return undefined;
  }
  return passed;
}

/** Anything may have changed: every check is looked at. */
function reviewAll(evaluator: Evaluator, core: Core, passed: Passed): boolean {
  for (let check = 0; check < CHECKS.length; check++) {
    if (!review(evaluator, core, check, passed)) return false;
  }
  return true;
}

/** VMWRITE wrote the fields in VMCS_WRITTEN: the checks that read them are looked at. */
function reviewWritten(evaluator: Evaluator, core: Core, passed: Passed): boolean {
  for (const check of passed.memory) {
    if (!review(evaluator, core, check, passed)) return false;
  }
  for (let word = 0; word < WRITTEN_WORDS; word++) {
    for (let bits = readWord(core, VMCS_WRITTEN + 4 * word); bits !== 0; bits &= bits - 1) {
      const field = 32 * word + 31 - Math.clz32(bits & -bits);
      for (const check of passed.readers[field] ?? []) {
        if (!review(evaluator, core, check, passed)) return false;
      }
    }
  }
  return true;
}

/** Runs a check when a field that it read differs from when it held, or when it reads memory. */
function review(evaluator: Evaluator, core: Core, check: number, passed: Passed): boolean {
  const { fields, words } = passed.readings[check] as Reading;
  const from = (readWord(core, VMCS_ADDRESS) + VMCS_FIELDS_OFFSET) >>> 2;
  let same = !passed.memory.has(check);
  for (let i = 0; same && i < fields.length; i++) {
    const at = from + 2 * (fields[i] as number);
    same = words[2 * i] === core.words[at] && words[2 * i + 1] === core.words[at + 1];
  }
  return same || evaluate(evaluator, core, check, passed);
}

/** Runs one check; when it holds, notes which fields decided that and what they were. */
function evaluate(evaluator: Evaluator, core: Core, number: number, passed: Passed): boolean {
  const { state, touched } = evaluator;
  const check = CHECKS[number] as EntryCheck;
  touched.length = 0;
  evaluator.memoryWasRead = false;
  if ((check.applies === undefined || check.applies(state)) && !check.holds(state)) return false;
  const reading = passed.readings[number] as Reading;
  const from = (readWord(core, VMCS_ADDRESS) + VMCS_FIELDS_OFFSET) >>> 2;
  reading.fields.length = 0;
  reading.words.length = 0;
  for (const field of touched) {
    if (reading.fields.includes(field)) continue;
    reading.fields.push(field);
    reading.words.push(core.words[from + 2 * field] as number, core.words[from + 2 * field + 1] as number);
    const readers = passed.readers[field] as number[];
    if (!readers.includes(number)) readers.push(number);
  }
  if (evaluator.memoryWasRead) passed.memory.add(number);
  return true;
}
