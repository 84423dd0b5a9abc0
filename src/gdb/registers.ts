// The registers that GDB sees, and the target description that tells it of them. The first two features have the names, the order and
// the sizes that GDB demands for x86-64 (GDB manual, "i386 Features"); the third is the machine's own.

import { readSideRegister } from '../debugger/expressions/registers.ts';
import { currentPosition } from '../debugger/position.ts';
import type { Machine } from '../machine/types.ts';

export interface GdbRegister {
  readonly name: string;
  readonly bits: number;
  readonly type: string;
  readonly group?: string;
  /** The machine's name for it; undefined for what this processor does not have. */
  readonly source: string | undefined;
}

const GENERAL = 'rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const POINTERS = new Set(['rbp', 'rsp']);
const SEGMENTS = 'cs ss ds es fs gs'.split(' ');
const X87_CONTROL = [
  ['fctrl', 'fcw'],
  ['fstat', 'fsw'],
  ['ftag', 'ftw'],
  ['fiseg', 'fcs'],
  ['fioff', 'fip'],
  ['foseg', 'fds'],
  ['fooff', 'fdp'],
  ['fop', 'fop'],
] as const;
const SYSTEM = 'cr0 cr2 cr3 cr4 cr8 efer dr0 dr1 dr2 dr3 dr6 dr7'.split(' ');
const TABLES = ['gdtr.base', 'gdtr.limit', 'idtr.base', 'idtr.limit', 'ldtr', 'ldtr.base', 'tr', 'tr.base'];

const CORE: readonly GdbRegister[] = [
  ...GENERAL.map((name) => ({ name, bits: 64, type: POINTERS.has(name) ? 'data_ptr' : 'int64', source: name })),
  { name: 'rip', bits: 64, type: 'code_ptr', source: 'rip' },
  { name: 'eflags', bits: 32, type: 'i386_eflags', source: 'rflags' },
  ...SEGMENTS.map((name) => ({ name, bits: 32, type: 'int32', source: name })),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => ({ name: `st${i}`, bits: 80, type: 'i387_ext', source: `st${i}` })),
  ...X87_CONTROL.map(([name, source]) => ({ name, bits: 32, type: 'int', group: 'float', source })),
];
const SSE: readonly GdbRegister[] = [
  ...Array.from({ length: 16 }, (_, i) => ({ name: `xmm${i}`, bits: 128, type: 'uint128', source: `xmm${i}` })),
  { name: 'mxcsr', bits: 32, type: 'int', group: 'vector', source: 'mxcsr' },
];
const OWN: readonly GdbRegister[] = [...SYSTEM, 'fs.base', 'gs.base', ...TABLES].map((source) => ({
  name: source.replace('.', '_'),
  bits: 64,
  type: 'int64',
  group: 'system',
  source,
}));

/** In the order of the `g` packet. */
export const REGISTERS: readonly GdbRegister[] = [...CORE, ...SSE, ...OWN];

const FLAG_BITS: readonly (readonly [string, number])[] = [
  ['CF', 0],
  ['', 1],
  ['PF', 2],
  ['AF', 4],
  ['ZF', 6],
  ['SF', 7],
  ['TF', 8],
  ['IF', 9],
  ['DF', 10],
  ['OF', 11],
  ['NT', 14],
  ['RF', 16],
  ['VM', 17],
  ['AC', 18],
  ['VIF', 19],
  ['VIP', 20],
  ['ID', 21],
];

/** What `qXfer:features:read:target.xml` answers. */
export function targetDescription(): string {
  const flags = FLAG_BITS.map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`).join('');
  const feature = (name: string, registers: readonly GdbRegister[], types = ''): string =>
    `<feature name="${name}">${types}${registers.map(registerElement).join('')}</feature>`;
  return [
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target><architecture>i386:x86-64</architecture>',
    feature('org.gnu.gdb.i386.core', CORE, `<flags id="i386_eflags" size="4">${flags}</flags>`),
    feature('org.gnu.gdb.i386.sse', SSE),
    feature('ringside.system', OWN),
    '</target>',
  ].join('');
}

function registerElement({ name, bits, type, group }: GdbRegister): string {
  return `<reg name="${name}" bitsize="${bits}" type="${type}"${group === undefined ? '' : ` group="${group}"`}/>`;
}

/**
 * Hexadecimal digits of a register of the running side, little-endian; x where it cannot be had. RIP and RSP are linear addresses:
 * GDB knows no segments, and would look for code and stack in the wrong place otherwise.
 */
export function registerHex(machine: Machine, register: GdbRegister): string {
  const value = readGdbRegister(machine, register);
  const digits = register.bits / 4;
  if (value === undefined) return 'x'.repeat(digits);
  const text = BigInt.asUintN(register.bits, value).toString(16).padStart(digits, '0');
  return (text.match(/../g) ?? []).reverse().join('');
}

function readGdbRegister(machine: Machine, { source }: GdbRegister): bigint | undefined {
  if (source === undefined) return undefined;
  if (source === 'rip') return currentPosition(machine).linear;
  if (source === 'rsp') return currentPosition(machine).stack;
  return readSideRegister(machine, machine.side(), source);
}

/** Writes a register of the running side; answers what was wrong, or undefined. */
export function writeGdbRegister(machine: Machine, register: GdbRegister, value: bigint): string | undefined {
  const { source } = register;
  if (source === undefined) return `This processor has no ${register.name}.`;
  const offset = source === 'rip' || source === 'rsp' ? linearOffset(machine, source) : 0n;
  return machine.writeRegister(source, BigInt.asUintN(Math.max(64, register.bits), value - offset));
}

/** What is added to RIP or RSP to make it the linear address that GDB sees. */
function linearOffset(machine: Machine, source: 'rip' | 'rsp'): bigint {
  const position = currentPosition(machine);
  return source === 'rip' ? position.linear - position.rip : position.stack - (machine.readRegister('rsp') ?? 0n);
}

/** A value from the hexadecimal digits that GDB sends, little-endian; undefined when they are none. */
export function valueOfHex(text: string): bigint | undefined {
  if (text.length === 0 || text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) return undefined;
  return BigInt(`0x${(text.match(/../g) ?? []).reverse().join('')}`);
}
