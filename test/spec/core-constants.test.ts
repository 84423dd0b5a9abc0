// The core repeats some numbers of the manual as plain constants: each must be the one in the tables.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type BitLayout, fieldMask, fieldNamed } from '../../src/spec/bits.ts';
import { CONTROL_WORDS, type ControlWord, controlIdentifier } from '../../src/spec/controls.ts';
import { EXIT_REASONS } from '../../src/spec/exit-reasons.ts';
import { CR0, CR4, EFER, RFLAGS } from '../../src/spec/registers.ts';

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));

/** Exit reasons and controls that the core names more briefly. */
const REASONS: Readonly<Record<string, string>> = {
  EXCEPTION: 'EXCEPTION_NMI',
  EXCEPTION_OR_NMI: 'EXCEPTION_NMI',
  MTF: 'MONITOR_TRAP_FLAG',
  MOV_DR: 'DR_ACCESS',
  IO: 'IO_INSTRUCTION',
  GDTR_IDTR: 'GDTR_IDTR_ACCESS',
  LDTR_TR: 'LDTR_TR_ACCESS',
};
const CONTROLS: Readonly<Record<string, string>> = {
  'primary TPR_SHADOW': 'use TPR shadow',
  'primary UNCONDITIONAL_IO': 'unconditional I/O exiting',
  'primary IO_BITMAPS': 'use I/O bitmaps',
  'primary MSR_BITMAPS': 'use MSR bitmaps',
  'primary MOV_DR': 'MOV-DR exiting',
  'primary CR3_LOAD': 'CR3-load exiting',
  'primary CR3_STORE': 'CR3-store exiting',
  'primary CR8_LOAD': 'CR8-load exiting',
  'primary CR8_STORE': 'CR8-store exiting',
  'primary TSC_OFFSETTING': 'use TSC offsetting',
  'primary SECONDARY': 'activate secondary controls',
  'primary TERTIARY': 'activate tertiary controls',
  'primary MTF': 'monitor trap flag',
  'pin PREEMPTION_TIMER': 'activate VMX-preemption timer',
  'secondary UNRESTRICTED': 'unrestricted guest',
  'secondary XSAVES': 'enable XSAVES/XRSTORS',
  'secondary USER_WAIT': 'enable user wait and pause',
  'secondary VMFUNC': 'enable VM functions',
  'secondary MODE_BASED_EXECUTE': 'mode-based execute control for EPT',
  'secondary TSC_SCALING': 'use TSC scaling',
  'exit HOST_64': 'host address-space size',
  'exit LOAD_PERF': 'load IA32_PERF_GLOBAL_CTRL',
  'exit LOAD_PAT': 'load IA32_PAT',
  'exit LOAD_EFER': 'load IA32_EFER',
  'exit CLEAR_BNDCFGS': 'clear IA32_BNDCFGS',
  'exit LOAD_CET': 'load CET state',
  'exit LOAD_PKRS': 'load PKRS',
  'exit SAVE_DEBUG': 'save debug controls',
  'exit SAVE_PAT': 'save IA32_PAT',
  'exit SAVE_EFER': 'save IA32_EFER',
  'exit SAVE_TIMER': 'save VMX-preemption timer value',
  'exit SAVE_PERF': 'save IA32_PERF_GLOBAL_CTRL',
  'entry LOAD_DEBUG': 'load debug controls',
  'entry IA32E': 'IA-32e mode guest',
  'entry LOAD_PERF': 'load IA32_PERF_GLOBAL_CTRL',
  'entry LOAD_PAT': 'load IA32_PAT',
  'entry LOAD_EFER': 'load IA32_EFER',
  'entry LOAD_BNDCFGS': 'load IA32_BNDCFGS',
  'entry LOAD_CET': 'load CET state',
  'entry LOAD_PKRS': 'load PKRS',
};
const WORDS: Readonly<Record<string, ControlWord>> = {
  PIN: 'pin',
  PRIMARY: 'primary',
  SECONDARY: 'secondary',
  TERTIARY: 'tertiary',
  EXIT: 'exit',
  ENTRY: 'entry',
};
const LAYOUTS: Readonly<Record<string, BitLayout>> = { CR0, CR4, EFER, FLAG: RFLAGS };

function sources(folder: string): string[] {
  return readdirSync(join(SOURCES, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}

interface Constant {
  readonly name: string;
  readonly file: string;
  readonly value: bigint;
}

/** Constants with these prefixes whose value is a number or one shift. */
function constants(prefixes: readonly string[]): Constant[] {
  const pattern = new RegExp(
    `^(?:export )?const ((?:${prefixes.join('|')})_[A-Z0-9_]+)(?:: u(?:32|64))? = (0x[0-9a-f]+|\\d+)(?: << (\\d+))?;`,
    'gm',
  );
  return sources('core').flatMap((file) =>
    [...readFileSync(join(SOURCES, file), 'utf8').matchAll(pattern)].map((match) => ({
      name: match[1] ?? '',
      file,
      value: BigInt(match[2] ?? 0) << BigInt(match[3] ?? 0),
    })),
  );
}

const rest = (name: string): string => name.slice(name.indexOf('_') + 1);
const prefix = (name: string): string => name.slice(0, name.indexOf('_'));

/** The control that a constant of the core means, or undefined for a constant that is none. */
function controlOf(name: string): { readonly word: ControlWord; readonly control: string } | undefined {
  const word = WORDS[prefix(name)] as ControlWord;
  const known = CONTROLS[`${word} ${rest(name)}`];
  const control = Object.keys(CONTROL_WORDS[word].bits).find((candidate) => {
    const identifier = controlIdentifier(candidate);
    return (
      candidate === known ||
      identifier.replace(/_EXITING$/, '') === rest(name) ||
      identifier.replace(/^(?:ENABLE|ACTIVATE|USE)_/, '') === rest(name)
    );
  });
  return control === undefined ? undefined : { word, control };
}

const reasonOf = (name: string): string => REASONS[rest(name)] ?? rest(name);

describe('numbers of the core', () => {
  const reasons = constants(['REASON']).filter(({ name }) => reasonOf(name) in EXIT_REASONS);
  test.each(reasons)('$name ($file)', ({ name, value }) => {
    expect(EXIT_REASONS[reasonOf(name) as keyof typeof EXIT_REASONS].reason).toBe(Number(value));
  });

  const registers = constants(Object.keys(LAYOUTS)).filter(({ file }) => file === 'core/bits.ts');
  test.each(registers)('$name ($file)', ({ name, value }) => {
    expect(fieldMask(fieldNamed(LAYOUTS[prefix(name)] ?? [], rest(name)))).toBe(value);
  });

  const controls = constants(Object.keys(WORDS)).filter(
    ({ name, file }) => file !== 'core/layout.ts' && controlOf(name),
  );
  test.each(controls)('$name ($file)', ({ name, value }) => {
    const found = controlOf(name);
    expect(found && 1n << BigInt(CONTROL_WORDS[found.word].bits[found.control]?.bit ?? 0)).toBe(value);
  });

  test('are found', () => {
    expect(reasons.length).toBeGreaterThan(40);
    expect(registers.length).toBeGreaterThan(40);
    expect(controls.length).toBeGreaterThan(55);
  });
});
