// Options of the command line that several commands share, and how their values are read.

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { DEFAULT_MEMORY, MAX_MEMORY } from '../dap/launch.ts';
import { MOST_PROCESSORS } from '../machine/hardware.ts';
import { FORMATS, type LoadOptions } from '../program/load.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { chooseProfile } from '../vmx/choose-profile.ts';
import { usage } from './errors.ts';

/** What says which program runs on which machine. */
export const PROGRAM_OPTIONS = {
  memory: { type: 'string' },
  processors: { type: 'string' },
  profile: { type: 'string' },
  without: { type: 'string', multiple: true },
  args: { type: 'string' },
  module: { type: 'string', multiple: true },
  bits: { type: 'string' },
  format: { type: 'string' },
  address: { type: 'string' },
  define: { type: 'string', multiple: true },
} as const satisfies ParseArgsConfig['options'];

interface ProgramValues {
  readonly memory?: string | undefined;
  readonly processors?: string | undefined;
  readonly profile?: string | undefined;
  readonly without?: string[] | undefined;
  readonly args?: string | undefined;
  readonly module?: string[] | undefined;
  readonly bits?: string | undefined;
  readonly format?: string | undefined;
  readonly address?: string | undefined;
  readonly define?: string[] | undefined;
}

export function programOptions(values: ProgramValues): LoadOptions {
  return {
    ramSize: number('memory', values.memory, 4, MAX_MEMORY, DEFAULT_MEMORY) * 1024 * 1024,
    args: values.args,
    modules: values.module,
    bits: bitsOf(values.bits),
    format: formatOf(values.format),
    address:
      values.address === undefined ? undefined : number('address', values.address, 0, Number.MAX_SAFE_INTEGER, 0),
    defines: definesOf(values.define ?? []),
  };
}

export function processorsOption(values: ProgramValues): number {
  return number('processors', values.processors, 1, MOST_PROCESSORS, 1);
}

export function profileOption(values: ProgramValues): CapabilityProfile {
  const chosen = chooseProfile(values.profile, values.without);
  if (!chosen.ok) throw usage(`--${chosen.setting} ${chosen.name}: expected ${chosen.expected}.`);
  return chosen.profile;
}

/** parseArgs with its complaints as usage errors. */
export function parse<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (problem) {
    throw usage(`${problem instanceof Error ? problem.message : String(problem)}.`.replace(/\.\.$/, '.'));
  }
}

export function oneFile(positionals: readonly string[], command: string): string {
  const [file, extra] = positionals;
  if (file === undefined) throw usage(`"ringside ${command}" needs a file.`);
  if (extra !== undefined) throw usage(`"ringside ${command}" takes one file; "${extra}" is too much.`);
  return file;
}

export function number(option: string, text: string | undefined, least: number, most: number, absent: number): number {
  if (text === undefined) return absent;
  const value = /^(?:0[xX][0-9a-fA-F]+|[0-9][0-9_]*)$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw usage(
      `--${option} ${text}: expected a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}.`,
    );
  }
  return value;
}

function bitsOf(text: string | undefined): 16 | 32 | 64 | undefined {
  if (text === undefined) return undefined;
  if (text === '16') return 16;
  if (text === '32') return 32;
  if (text === '64') return 64;
  throw usage(`--bits ${text}: expected 16, 32 or 64.`);
}

function formatOf(text: string | undefined): LoadOptions['format'] {
  const format = FORMATS.find((name) => name === text);
  if (text !== undefined && format === undefined) throw usage(`--format ${text}: expected ${FORMATS.join(', ')}.`);
  return format;
}

export function definesOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
