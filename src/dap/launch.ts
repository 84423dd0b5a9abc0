// launch.json, checked: every value has its type and range before anything is loaded.

import { errorText } from '../debugger/expressions/errors.ts';
import { parseExpression } from '../debugger/expressions/parser.ts';
import { IMAGE_SIDES, type ImageRequest, type ImageSide } from '../debugger/images.ts';
import { MOST_PROCESSORS } from '../machine/hardware.ts';
import type { LoadOptions } from '../program/load.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { chooseProfile } from '../vmx/choose-profile.ts';
import { badLaunchValue, missingProgram, noSuchCapability } from './errors.ts';

export interface LaunchOptions {
  readonly program: string;
  readonly load: LoadOptions;
  /** Logical processors. */
  readonly processors: number;
  readonly profile: CapabilityProfile;
  /** A test of the program to stand at: a label `test_…` to call. */
  readonly test: string | undefined;
  readonly stopOnEntry: boolean;
  readonly stopOnFirstVmExit: boolean;
  readonly stopAtEnd: boolean;
  readonly noDebug: boolean;
  /** Groups of annotations that are on; '' is that of annotations without a group. */
  readonly annotations: 'all' | ReadonlySet<string>;
  /** Bytes that the recorded past may take; 0: nothing is recorded. */
  readonly historyLimit: number;
  /** Files that are read for their symbols and lines only. */
  readonly images: readonly ImageRequest[];
  /** Settings that Ringside does not know: told to the user, otherwise ignored. */
  readonly unknown: readonly string[];
}

/** Memory of the machine when launch.json says nothing, in MiB. */
export const DEFAULT_MEMORY = 128;
export const MAX_MEMORY = 3072;

const OWN = [
  'program',
  'test',
  'args',
  'modules',
  'memory',
  'processors',
  'profile',
  'without',
  'stopOnEntry',
  'stopOnFirstVmExit',
  'stopAtEnd',
  'annotations',
  'history',
  'address',
  'bits',
  'entry',
  'format',
  'defines',
  'images',
  'sourceMap',
];
/** What every editor may add. */
const EDITORS = [
  'name',
  'type',
  'request',
  'noDebug',
  'preLaunchTask',
  'postDebugTask',
  'internalConsoleOptions',
  'presentation',
  'debugServer',
  'serverReadyAction',
  'windows',
  'linux',
  'osx',
  'suppressMultipleSessionWarning',
  'trace',
  'cwd',
  'console',
  'restart',
]; // prettier-ignore

/** Throws DapError for values that cannot be used. */
export function readLaunch(input: unknown): LaunchOptions {
  const values = isRecord(input) ? input : {};
  const program = values.program;
  if (program === undefined || program === '') throw missingProgram();
  if (typeof program !== 'string') throw badLaunchValue('program', program, 'the path of a file');
  return {
    program,
    load: {
      ramSize: memoryOf(values.memory) * 1024 * 1024,
      format: choice('format', values.format, ['auto', 'elf', 'linux', 'flat', 'asm'] as const),
      bits: choice('bits', values.bits, [16, 32, 64] as const),
      address: addressOf('address', values.address),
      entry: addressOf('entry', values.entry),
      args: argumentsOf(values.args),
      modules: modulesOf(values.modules),
      defines: definesOf(values.defines),
      sourceMap: sourceMapOf(values.sourceMap),
    },
    processors: processorsOf(values.processors),
    profile: profileOf(values.profile, values.without),
    test: textOf('test', values.test, 'the name of a test, for example "test_add"'),
    stopOnEntry: flag('stopOnEntry', values.stopOnEntry, false),
    stopOnFirstVmExit: flag('stopOnFirstVmExit', values.stopOnFirstVmExit, true),
    stopAtEnd: flag('stopAtEnd', values.stopAtEnd, false),
    noDebug: flag('noDebug', values.noDebug, false),
    annotations: groupsOf(values.annotations),
    historyLimit: historyLimitOf(values.history),
    images: imagesOf(values.images),
    unknown: Object.keys(values).filter((key) => !OWN.includes(key) && !EDITORS.includes(key) && !key.startsWith('__')),
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function flag(field: string, value: unknown, absent: boolean): boolean {
  if (value === undefined) return absent;
  if (typeof value !== 'boolean') throw badLaunchValue(field, value, 'true or false');
  return value;
}

function textOf(field: string, value: unknown, expected: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw badLaunchValue(field, value, expected);
  return value;
}

function groupsOf(value: unknown): 'all' | ReadonlySet<string> {
  if (value === undefined || value === true) return 'all';
  if (value === false) return new Set();
  if (Array.isArray(value) && value.every((name): name is string => typeof name === 'string')) return new Set(value);
  throw badLaunchValue('annotations', value, 'true, false, or a list of group names');
}

function memoryOf(value: unknown): number {
  if (value === undefined) return DEFAULT_MEMORY;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 4 || value > MAX_MEMORY) {
    throw badLaunchValue('memory', value, `a whole number of MiB from 4 to ${MAX_MEMORY}`);
  }
  return value;
}

function processorsOf(value: unknown): number {
  if (value === undefined) return 1;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MOST_PROCESSORS) {
    throw badLaunchValue('processors', value, `a whole number from 1 to ${MOST_PROCESSORS}`);
  }
  return value;
}

function profileOf(profile: unknown, without: unknown): CapabilityProfile {
  if (profile !== undefined && typeof profile !== 'string') {
    throw badLaunchValue('profile', profile, 'the name of a processor, for example "haswell"');
  }
  const gone = without ?? [];
  if (!Array.isArray(gone) || !gone.every((name): name is string => typeof name === 'string')) {
    throw badLaunchValue('without', without, 'a list of capabilities, for example ["unrestricted guest"]');
  }
  const chosen = chooseProfile(profile, gone);
  if (!chosen.ok) throw noSuchCapability(chosen.setting, chosen.name, chosen.expected);
  return chosen.profile;
}

/** MiB of the recorded past when launch.json says nothing. */
export const DEFAULT_HISTORY = 512;
const LEAST_HISTORY = 16;
const MOST_HISTORY = 16_384;

function historyLimitOf(value: unknown): number {
  if (value === undefined || value === true) return DEFAULT_HISTORY * 1024 * 1024;
  if (value === false) return 0;
  const limit = isRecord(value) ? (value.limit ?? DEFAULT_HISTORY) : undefined;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < LEAST_HISTORY || limit > MOST_HISTORY) {
    throw badLaunchValue(
      'history',
      value,
      `false, or { "limit": MiB } with a whole number from ${LEAST_HISTORY} to ${MOST_HISTORY}`,
    );
  }
  return limit * 1024 * 1024;
}

function choice<T extends string | number>(field: string, value: unknown, choices: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = choices.find((candidate) => candidate === value);
  if (found === undefined) throw badLaunchValue(field, value, `one of ${choices.join(', ')}`);
  return found;
}

function addressOf(field: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number =
    typeof value === 'string' && /^(?:0[xX][0-9a-fA-F]+|[0-9]+)$/.test(value.trim()) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw badLaunchValue(field, value, 'a physical address, for example "0x100000"');
  }
  return number;
}

function argumentsOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return value.join(' ');
  if (typeof value !== 'string') throw badLaunchValue('args', value, 'the command line as text');
  return value;
}

function modulesOf(value: unknown): LoadOptions['modules'] {
  if (value === undefined) return undefined;
  const expected = 'a list of files, each a path or { "path": …, "args": … }';
  if (!Array.isArray(value)) throw badLaunchValue('modules', value, expected);
  return value.map((part: unknown) => {
    if (typeof part === 'string') return part;
    if (!isRecord(part) || typeof part.path !== 'string') throw badLaunchValue('modules', part, expected);
    const { path, args } = part;
    if (args !== undefined && typeof args !== 'string') throw badLaunchValue('modules', part, expected);
    return { path, args };
  });
}

function imagesOf(value: unknown): ImageRequest[] {
  if (value === undefined) return [];
  const expected = 'a list of files, each a path or { "path": …, "address": …, "side": … }';
  if (!Array.isArray(value)) throw badLaunchValue('images', value, expected);
  return value.map((entry: unknown, index): ImageRequest => {
    if (typeof entry === 'string') return { path: entry, address: undefined, selector: {} };
    const field = (name: string): string => `images[${index}].${name}`;
    if (!isRecord(entry)) throw badLaunchValue(`images[${index}]`, entry, expected);
    if (typeof entry.path !== 'string' || entry.path === '')
      throw badLaunchValue(field('path'), entry.path, 'the path of a file');
    const other = Object.keys(entry).find((key) => !IMAGE_KEYS.includes(key));
    if (other !== undefined)
      throw badLaunchValue(field(other), entry[other], `nothing: an image has ${IMAGE_KEYS.join(', ')}`);
    const number = (name: string): bigint | undefined => linearOf(field(name), entry[name]);
    const side = choice<ImageSide>(field('side'), entry.side, IMAGE_SIDES);
    return {
      path: entry.path,
      address: imageAddressOf(field('address'), entry.address),
      selector: { side, vmcs: number('vmcs'), cr3: number('cr3') },
    };
  });
}

/** Where an image lies: an address, `find`, or what tells it while the program runs. */
function imageAddressOf(field: string, value: unknown): ImageRequest['address'] {
  if (value === 'find') return 'find';
  if (!isRecord(value)) return linearOf(field, value);
  const { expression: text, symbol, ...others } = value;
  const other = Object.keys(others)[0];
  if (other !== undefined)
    throw badLaunchValue(`${field}.${other}`, others[other], 'nothing: it has expression, symbol');
  const wanted = 'an expression that tells a linear address, for example "guest_kernel_base"';
  if (typeof text !== 'string' || text.trim() === '') throw badLaunchValue(`${field}.expression`, text, wanted);
  if (symbol !== undefined && (typeof symbol !== 'string' || symbol === ''))
    throw badLaunchValue(`${field}.symbol`, symbol, 'the name of a symbol of the image');
  const parsed = parseExpression(text);
  if (!parsed.ok) throw badLaunchValue(`${field}.expression`, text, `${wanted}. ${errorText(parsed.error)}`);
  return { text, expression: parsed.value, symbol };
}

const IMAGE_KEYS: readonly string[] = ['path', 'address', 'side', 'vmcs', 'cr3'];

/** A 64-bit address: a number, or text where a number would lose digits. */
function linearOf(field: string, value: unknown): bigint | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  const text = typeof value === 'string' ? value.trim() : '';
  if (!/^(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})$/.test(text))
    throw badLaunchValue(field, value, 'an address, for example "0xffff800000000000"');
  return BigInt(text);
}

function sourceMapOf(value: unknown): Record<string, string> | undefined {
  if (value === undefined) return undefined;
  const expected = 'an object of folders where sources were built and where they are now';
  if (!isRecord(value)) throw badLaunchValue('sourceMap', value, expected);
  return Object.fromEntries(
    Object.entries(value).map(([from, to]) => {
      if (typeof to !== 'string') throw badLaunchValue(`sourceMap[${JSON.stringify(from)}]`, to, 'a folder');
      return [from, to];
    }),
  );
}

function definesOf(value: unknown): Record<string, string> | undefined {
  if (value === undefined) return undefined;
  if (!isRecord(value)) throw badLaunchValue('defines', value, 'an object of names and values');
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text !== 'string' && typeof text !== 'number')
        throw badLaunchValue(`defines.${name}`, text, 'a text or number');
      return [name, String(text)];
    }),
  );
}
