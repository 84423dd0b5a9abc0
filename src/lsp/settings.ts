// What a person can set, with defaults; the client sends its `ringside` section in this form.

import type { Launch } from './protocol.ts';

export type LintSeverity = 'off' | 'hint' | 'information' | 'warning' | 'error';

export const LINT_RULES = {
  'unsupported-encoding': 'warning',
  'read-only-field': 'warning',
  'resume-before-launch': 'warning',
  'vmx-before-vmxon': 'warning',
  'vmxon-without-vmxe': 'warning',
  'load-before-clear': 'warning',
  'no-current-vmcs': 'warning',
  'unchecked-result': 'information',
  'unchecked-access': 'hint',
  'unadjusted-controls': 'warning',
  'host-rip': 'warning',
  'host-rsp': 'warning',
  'guest-rip': 'warning',
  'link-pointer': 'warning',
  'host-selector': 'warning',
} as const satisfies Record<string, LintSeverity>;

export type LintRule = keyof typeof LINT_RULES;

export interface Settings {
  /** Code size before any BITS, as in launch.json. */
  readonly bits: 16 | 32 | 64;
  /** Single-line macros, as `-D` gives them. */
  readonly defines: Readonly<Record<string, string>>;
  /** Name of the processor profile whose VMX capabilities hovers and lint go by. */
  readonly profile: string;
  /** Capabilities of it that are switched off, by their names in the manual. */
  readonly without: readonly string[];
  readonly lint: Readonly<Record<LintRule, LintSeverity>>;
  /** URI of the page that explains the lint rules; empty: diagnostics have no link. */
  readonly documentation: string;
  readonly inlayHints: {
    readonly encoding: boolean;
    readonly length: boolean;
    readonly values: boolean;
    readonly vmcsFields: boolean;
  };
  readonly format: {
    /** Column of instructions, of operands and of comments, from 0. */
    readonly instructionColumn: number;
    readonly operandColumn: number;
    readonly commentColumn: number;
  };
}

export const DEFAULT_SETTINGS: Settings = {
  bits: 16,
  defines: {},
  profile: 'recent-server',
  without: [],
  lint: LINT_RULES,
  documentation: '',
  inlayHints: { encoding: false, length: false, values: true, vmcsFields: true },
  format: { instructionColumn: 8, operandColumn: 16, commentColumn: 48 },
};

type Loose = { readonly [key: string]: unknown };

const object = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {});
/** The strings of a list; undefined: it is no list. */
export const strings = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : undefined;
const SEVERITIES: readonly unknown[] = ['off', 'hint', 'information', 'warning', 'error'];

/** The settings for a program that a launch configuration names: it has the last word. */
export function withLaunch(settings: Settings, launch: Launch): Settings {
  const bits = launch.bits;
  return {
    ...settings,
    // Without a profile of its own the debugger takes the default one, with everything that it has.
    profile: launch.profile ?? DEFAULT_SETTINGS.profile,
    without: strings(launch.without) ?? [],
    bits: bits === 16 || bits === 32 || bits === 64 ? bits : settings.bits,
    defines: launch.defines === undefined ? settings.defines : { ...settings.defines, ...launch.defines },
  };
}

/** Settings of what a client sent; what is missing or has another type keeps its default. */
export function readSettings(sent: unknown, documentation = ''): Settings {
  const given = object(sent);
  const assembly = object(given['assembly']);
  const lint = object(given['lint']);
  const hints = object(given['inlayHints']);
  const format = object(given['format']);
  const d = DEFAULT_SETTINGS;
  const flag = (value: unknown, otherwise: boolean): boolean => (typeof value === 'boolean' ? value : otherwise);
  const column = (value: unknown, otherwise: number): number =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 200 ? value : otherwise;
  const bits = assembly['bits'];
  return {
    bits: bits === 32 || bits === 64 || bits === 16 ? bits : d.bits,
    defines: Object.fromEntries(
      Object.entries(object(assembly['defines'])).map(([name, value]) => [name, String(value)]),
    ),
    profile: typeof given['profile'] === 'string' ? given['profile'] : d.profile,
    without: strings(given['without']) ?? d.without,
    lint: Object.fromEntries(
      Object.entries(LINT_RULES).map(([rule, severity]) => [
        rule,
        SEVERITIES.includes(lint[rule]) ? lint[rule] : severity,
      ]),
    ) as Settings['lint'],
    documentation,
    inlayHints: {
      encoding: flag(hints['encoding'], d.inlayHints.encoding),
      length: flag(hints['length'], d.inlayHints.length),
      values: flag(hints['values'], d.inlayHints.values),
      vmcsFields: flag(hints['vmcsFields'], d.inlayHints.vmcsFields),
    },
    format: {
      instructionColumn: column(format['instructionColumn'], d.format.instructionColumn),
      operandColumn: column(format['operandColumn'], d.format.operandColumn),
      commentColumn: column(format['commentColumn'], d.format.commentColumn),
    },
  };
}
