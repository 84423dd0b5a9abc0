// What the programs of test/vmx/programs did on the machine: controls that were 1 at a VM entry, reasons of VM exits, fields named.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stop } from '../../../src/machine/types.ts';
import { CONTROL_WORDS, type ControlWord, controlMask } from '../../../src/spec/controls.ts';
import { vmcsFieldByEncoding, VMCS_FIELDS } from '../../../src/spec/vmcs-fields.ts';
import {
  assembleProgram,
  assembleSeveral,
  type Hypervisor,
  PROCESSORS,
  PROGRAMS,
  processorsAskedFor,
  profileAskedFor,
  startProgram,
} from '../hypervisors.ts';

const WORDS = Object.keys(CONTROL_WORDS) as readonly ControlWord[];
const LIMIT = 20_000_000;

export interface Seen {
  readonly program: string;
  readonly output: string;
  readonly stop: Stop;
  /** Whether it ended with "passed", without a word. */
  readonly passed: boolean;
  /** Controls that were 1 at a VM entry, as `word: name`. */
  readonly controls: ReadonlySet<string>;
  /** Basic exit reasons, those of failed entries included. */
  readonly reasons: ReadonlySet<number>;
  /** Encodings of fields that its source names. */
  readonly fields: ReadonlySet<number>;
}

const SEVERAL = 'processors/';

/** Programs of test/vmx/programs by their file's name, and of test/vmx/processors with the folder before it. */
export const PROGRAM_NAMES: readonly string[] = [
  ...assemblyFiles(PROGRAMS),
  ...assemblyFiles(PROCESSORS).map((name) => `${SEVERAL}${name}`),
];

function assemblyFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.asm'))
    .sort();
}

function start(program: string): Hypervisor {
  if (!program.startsWith(SEVERAL)) return startProgram(assembleProgram(program), 32, profileAskedFor(program));
  const name = program.slice(SEVERAL.length);
  return startProgram(assembleSeveral(name), 32, undefined, processorsAskedFor(name));
}

function sourceOf(program: string): string {
  const several = program.startsWith(SEVERAL);
  return readFileSync(several ? join(PROCESSORS, program.slice(SEVERAL.length)) : join(PROGRAMS, program), 'utf8');
}

/** Field names of programs, by their `equ` in fields.inc. */
function fieldEquates(): ReadonlyMap<string, number> {
  const text = readFileSync(join(PROGRAMS, 'fields.inc'), 'utf8');
  const rows = text.matchAll(/^(\w+)\s+equ\s+0x([0-9A-Fa-f]{4})\s*$/gm);
  return new Map(
    [...rows]
      .map(([, name, digits]) => [name as string, Number.parseInt(digits as string, 16)] as const)
      .filter(([, encoding]) => vmcsFieldByEncoding(encoding) !== undefined),
  );
}

const EQUATES = fieldEquates();
/** What every program sets up. */
const SETUP = fieldsNamed(readFileSync(join(PROGRAMS, 'hypervisor.inc'), 'utf8'));

function fieldsNamed(text: string): ReadonlySet<number> {
  const fields = new Set<number>();
  for (const [, word] of text.matchAll(/\b([A-Z][A-Z0-9_]+)\b/g)) {
    const encoding = EQUATES.get(word as string);
    if (encoding !== undefined) fields.add(encoding);
  }
  return fields;
}

/** Runs a program and notes what it did. */
export function collect(program: string): Seen {
  const controls = new Set<string>();
  const reasons = new Set<number>();
  const { machine, output } = start(program);
  const known = new Map<ControlWord, bigint>();
  machine.onTransition = (event) => {
    if ('exit' in event) {
      reasons.add(event.exit.reason & 0xffff);
      return;
    }
    for (const word of WORDS) {
      const { field, bits } = CONTROL_WORDS[word];
      const value = machine.readVmcs(VMCS_FIELDS[field].encoding) ?? 0n;
      if (known.get(word) === value) continue;
      known.set(word, value);
      for (const name of Object.keys(bits)) {
        if ((value & controlMask(word, name as never)) !== 0n) controls.add(`${word}: ${name}`);
      }
    }
  };
  const stop = machine.run({ limit: LIMIT, entryFailures: false, vmFails: false });
  return {
    program,
    output: output(),
    stop,
    passed: output() === '' && stop.kind === 'shutdown' && stop.status === 1,
    controls,
    reasons,
    fields: new Set([...SETUP, ...fieldsNamed(sourceOf(program))]),
  };
}
