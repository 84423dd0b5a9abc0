// Which entry checks must run again. A check is a function of the fields that it reads: as long as those are what they were
// when it last held, it holds. So each VMCS keeps a copy of its fields as they passed, and for each field the checks that read
// it. An entry looks at the fields that were written, and runs the checks of those that differ, and the checks that read memory.
import { VMCS_ADDRESS, VMCS_DIRTY, VMCS_DIRTY_ANY, VMCS_WRITTEN } from '../core/layout.ts';
import { VMCS_FIELD_LIST, type VmcsFieldName } from '../spec/vmcs-fields.ts';
import { VMCS_FIELDS_OFFSET } from '../spec/vmcs-layout.ts';
import { fieldExists } from './capabilities.ts';
import { ENTRY_CHECKS } from './checks/list.ts';
import type { EntryCheck, EntryEnvironment, EntryState } from './checks/types.ts';
import type { Vmx } from './operation.ts';
import { readWord } from './processor.ts';

/** What is known of a VMCS whose checks have all held. */
interface Passed {
  /** The fields, two words each, in the order of the region. */
  readonly words: Uint32Array;
  /** By field: the checks that read it (numbers in CHECKS). */
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
const WORDS = VMCS_FIELD_LIST.length * 2;
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
export function judge(
  { byPointer, evaluator }: PassedChecks,
  { core }: Vmx,
  pointer: number,
  env: EntryEnvironment,
): number {
  const from = (readWord(core, VMCS_ADDRESS) + VMCS_FIELDS_OFFSET) >>> 2;
  evaluator.state.env = env;
  const known = byPointer.get(pointer);
  if (known === undefined || known.longMode !== env.longMode) {
    evaluator.values.fill(undefined);
    const passed = evaluateAll(evaluator, core.words.slice(from, from + WORDS), env.longMode);
    if (passed === undefined) return SOME_FAIL;
    if (byPointer.size >= REMEMBERED) byPointer.clear();
    byPointer.set(pointer, passed);
    return passed.memory.size === 0 ? ALL_HOLD : ALL_HOLD_NOW;
  }
  let due = known.memory.size === 0 ? undefined : new Set(known.memory);
  const { words, readers } = known;
  const all = (readWord(core, VMCS_DIRTY) & VMCS_DIRTY_ANY) !== 0;
  for (let word = 0; word < WRITTEN_WORDS; word++) {
    let bits = all ? 0xffffffff : readWord(core, VMCS_WRITTEN + 4 * word);
    for (; bits !== 0; bits &= bits - 1) {
      const field = 32 * word + 31 - Math.clz32(bits & -bits);
      const at = from + 2 * field;
      if (field >= VMCS_FIELD_LIST.length) break;
      if (words[2 * field] === core.words[at] && words[2 * field + 1] === core.words[at + 1]) continue;
      due ??= new Set();
      for (const check of readers[field] as number[]) due.add(check);
      words[2 * field] = core.words[at] as number;
      words[2 * field + 1] = core.words[at + 1] as number;
    }
  }
  if (due === undefined) return ALL_HOLD;
  evaluator.values.fill(undefined);
  for (const check of due) {
    if (!evaluate(evaluator, check, known)) {
      byPointer.delete(pointer);
      return SOME_FAIL;
    }
  }
  return known.memory.size === 0 ? ALL_HOLD : ALL_HOLD_NOW;
}

function evaluateAll(evaluator: Evaluator, words: Uint32Array, longMode: boolean): Passed | undefined {
  const passed: Passed = { words, readers: VMCS_FIELD_LIST.map(() => []), memory: new Set(), longMode };
  for (let check = 0; check < CHECKS.length; check++) {
    if (!evaluate(evaluator, check, passed)) return undefined;
  }
  return passed;
}

/** Runs one check; when it holds, notes which fields decided that. */
function evaluate(evaluator: Evaluator, number: number, passed: Passed): boolean {
  const { state, touched } = evaluator;
  const check = CHECKS[number] as EntryCheck;
  touched.length = 0;
  evaluator.memoryWasRead = false;
  if ((check.applies === undefined || check.applies(state)) && !check.holds(state)) return false;
  for (const field of touched) {
    const readers = passed.readers[field] as number[];
    if (!readers.includes(number)) readers.push(number);
  }
  if (evaluator.memoryWasRead) passed.memory.add(number);
  return true;
}
