// Register names in expressions: the parts of general registers, and where a side's registers live when it does not run.

import type { Machine, Side } from '../../machine/types.ts';
import { vmcsFieldByName } from '../../spec/vmcs-fields.ts';

export interface RegisterPart {
  /** The 64-bit register that holds it. */
  readonly whole: string;
  readonly shift: number;
  readonly bits: 8 | 16 | 32 | 64;
}

const PARTS = new Map<string, RegisterPart>();
for (const [letter, whole] of [
  ['a', 'rax'],
  ['b', 'rbx'],
  ['c', 'rcx'],
  ['d', 'rdx'],
] as const) {
  PARTS.set(`e${letter}x`, { whole, shift: 0, bits: 32 });
  PARTS.set(`${letter}x`, { whole, shift: 0, bits: 16 });
  PARTS.set(`${letter}l`, { whole, shift: 0, bits: 8 });
  PARTS.set(`${letter}h`, { whole, shift: 8, bits: 8 });
}
for (const name of ['si', 'di', 'bp', 'sp'] as const) {
  PARTS.set(`e${name}`, { whole: `r${name}`, shift: 0, bits: 32 });
  PARTS.set(name, { whole: `r${name}`, shift: 0, bits: 16 });
  PARTS.set(`${name}l`, { whole: `r${name}`, shift: 0, bits: 8 });
}
for (let number = 8; number < 16; number++) {
  PARTS.set(`r${number}d`, { whole: `r${number}`, shift: 0, bits: 32 });
  PARTS.set(`r${number}w`, { whole: `r${number}`, shift: 0, bits: 16 });
  PARTS.set(`r${number}b`, { whole: `r${number}`, shift: 0, bits: 8 });
}
for (const name of ['ip', 'flags'] as const) {
  PARTS.set(`e${name}`, { whole: `r${name}`, shift: 0, bits: 32 });
  PARTS.set(name, { whole: `r${name}`, shift: 0, bits: 16 });
}

export const GENERAL_REGISTERS = [
  'rax',
  'rbx',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'rbp',
  'rsp',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const; // prettier-ignore

/** x87 and SSE registers, whole and in parts. */
const FLOAT = /^(?:f(?:[cst]w|op|[id]p|[cd]s)|mxcsr|st\d(?:\.\w+)?|xmm\d+(?:\.\w+)?)$/;

/** Registers that root and non-root operation share: a VM exit or VM entry leaves them alone. */
const SHARED = new Set<string>([
  ...GENERAL_REGISTERS.filter((name) => name !== 'rsp'),
  'cr2',
  'dr0',
  'dr1',
  'dr2',
  'dr3',
  'dr6',
  'cr8',
  'xcr0',
]);

/** `eax`, `r8w`, `ah`, `eip`, …: the part of which register; undefined for whole registers and other names. */
export function registerPart(name: string): RegisterPart | undefined {
  return PARTS.get(name.toLowerCase());
}

export function registerPartNames(): string[] {
  return [...PARTS.keys()];
}

const CANONICAL = new WeakMap<Machine, Map<string, string>>();

/** A register or MSR of the machine by its name in any case, as the machine spells it. */
export function canonicalRegister(machine: Machine, name: string): string | undefined {
  let names = CANONICAL.get(machine);
  if (names === undefined) {
    names = new Map(machine.registerNames().map((known) => [known.toLowerCase(), known]));
    CANONICAL.set(machine, names);
  }
  return names.get(name.toLowerCase());
}

/** Bits of a segment selector, limit or table limit; 64 for everything else. */
export function registerBits(name: string): number {
  if (/^(?:es|cs|ss|ds|fs|gs|ldtr|tr)$/.test(name) || /^(?:gdtr|idtr)\.limit$/.test(name)) return 16;
  if (/\.(?:limit|rights)$/.test(name)) return 32;
  if (/^(?:f[cst]w|fop|f[cd]s|st\d\.exponent)$/.test(name)) return 16;
  if (name === 'mxcsr') return 32;
  if (/^st\d$/.test(name)) return 80;
  if (/^xmm\d+$/.test(name)) return 128;
  return 64;
}

/** The register of a side; for the side that does not run from the VMCS, or shared ones from the processor. */
export function readSideRegister(machine: Machine, side: Side, name: string): bigint | undefined {
  if (side === machine.side()) return machine.readRegister(name);
  const field = registerField(side, name);
  const held = (field === undefined ? undefined : machine.readVmcs(field)) ?? machine.registers(side)?.values.get(name);
  if (held !== undefined) return held;
  return isShared(name) ? machine.readRegister(name) : undefined;
}

function isShared(name: string): boolean {
  return SHARED.has(name) || FLOAT.test(name);
}

const FIELDS = new Map<string, number | undefined>();

/** Encoding of the VMCS field that holds a register of the side that does not run. */
export function registerField(side: Side, name: string): number | undefined {
  const key = `${side} ${name}`;
  if (!FIELDS.has(key)) FIELDS.set(key, findField(side, name));
  return FIELDS.get(key);
}

function findField(side: Side, name: string): number | undefined {
  const area = side === 'root' ? 'HOST' : 'GUEST';
  const upper = name.toUpperCase();
  const candidates = /^(ES|CS|SS|DS|FS|GS|LDTR|TR)$/.test(upper)
    ? [`${area}_${upper}_SELECTOR`]
    : [`${area}_${upper.replace('.RIGHTS', '_ACCESS_RIGHTS').replace('.', '_')}`, `${area}_IA32_${upper}`];
  for (const candidate of candidates) {
    const field = vmcsFieldByName(candidate);
    if (field !== undefined) return field.encoding;
  }
  return undefined;
}

/** Writes a register of a side; answers an error in words, or undefined when it was written. */
export function writeSideRegister(machine: Machine, side: Side, name: string, value: bigint): string | undefined {
  if (side === machine.side() || isShared(name)) return machine.writeRegister(name, value);
  const field = registerField(side, name);
  if (field === undefined) {
    const which = side === 'root' ? 'host' : 'guest';
    return `The VMCS holds no ${name} for the ${which}: it can be changed only while the ${which} runs.`;
  }
  return machine.writeVmcs(field, value);
}
