// Registers of the running side by name, straight from the processor.
import {
  CODE_MODE,
  CR0,
  CR2,
  CR3,
  CR4,
  CR4_ALLOWED,
  CR8,
  CS,
  DR0,
  DR6,
  DR7,
  EFER,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  RAX,
  SEG_BASE,
  SEG_LIMIT,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEGMENT_SIZE,
  SEGMENTS,
  XCR0,
} from '../core/layout.ts';
import { type Core, readQuad, readWord, writeQuad, writeWord } from '../vmx/processor.ts';
import { floatRegister, writeFloatRegister } from './float-registers.ts';
import type { Hardware } from './hardware.ts';
import { isCanonical } from './msr-rules.ts';
import { MSR_FAULT, MSR_INDICES, readMsr, writeMsr } from './msrs.ts';

export const GENERAL = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
export const SEGMENT_NAMES = 'es cs ss ds fs gs ldtr tr'.split(' ');

interface Register {
  readonly read: (core: Core) => bigint;
  /** Writes it; answers an error in words, or undefined. */
  readonly write: (core: Core, value: bigint) => string | undefined;
}

/** How far an edit reaches: a plain cell, the processor's mode, or its translations as well. */
type Effect = 'none' | 'mode' | 'translation';

function apply(core: Core, effect: Effect): void {
  if (effect === 'none') return;
  if (effect === 'translation') core.exports.flushTlb(3);
  core.exports.updateMode();
}

function quad(
  address: number,
  effect: Effect = 'none',
  rule?: (value: bigint, core: Core) => string | undefined,
): Register {
  return {
    read: (core) => readQuad(core, address),
    write: (core, value) => {
      const error = rule?.(value, core);
      if (error !== undefined) return error;
      writeQuad(core, address, value);
      apply(core, effect);
      return undefined;
    },
  };
}

function word(address: number, bits: number, effect: Effect): Register {
  return {
    read: (core) => BigInt(readWord(core, address)),
    write: (core, value) => {
      if (value >> BigInt(bits) !== 0n) return `The value must fit ${bits} bits.`;
      writeWord(core, address, Number(value));
      apply(core, effect);
      return undefined;
    },
  };
}

const FLAGS_KNOWN = 0x3f7fd7n;
const FLAGS_ONE = 2n;

const FLAGS: Register = {
  read: (core) => BigInt.asUintN(64, core.exports.getFlags()),
  write: (core, value) => {
    if ((value & ~FLAGS_KNOWN) !== 0n || (value & FLAGS_ONE) === 0n)
      return 'Reserved bits of RFLAGS cannot be changed; bit 1 is always 1.';
    core.exports.setFlags(value);
    core.exports.updateMode();
    return undefined;
  },
};

/** Most bits of a linear address on this processor. */
function widestLinear(core: Core): number {
  return (readQuad(core, CR4_ALLOWED) & CR4_LA57) !== 0n ? 57 : 48;
}

const RIP: Register = {
  read: (core) => BigInt.asUintN(64, core.exports.getRip()),
  write: (core, value) => {
    const bits = codeBitsNow(core);
    if (bits !== 64 && value >> 32n !== 0n) return 'RIP has 32 bits outside 64-bit code.';
    if (!isCanonical(value, { linearBits: widestLinear(core) })) return 'RIP must be a canonical address.';
    core.exports.setRip(value);
    return undefined;
  },
};

const CR4_LA57 = 0x1000n;
const PE = 1n;
const PG = 0x80000000n;
const cr0Rule = (value: bigint) =>
  (value & PG) !== 0n && (value & PE) === 0n
    ? 'CR0.PG needs CR0.PE.'
    : value >> 32n !== 0n
      ? 'Bits 63:32 of CR0 are reserved.'
      : undefined;
const high32 = (value: bigint) => (value >> 32n === 0n ? undefined : 'Bits 63:32 are reserved.');
const cr8Rule = (value: bigint) => (value < 16n ? undefined : 'CR8 has 4 bits.');
const canonical = (value: bigint, core: Core) =>
  isCanonical(value, { linearBits: widestLinear(core) }) ? undefined : 'The address must be canonical.';

function table(): Map<string, Register> {
  const rows = new Map<string, Register>();
  GENERAL.forEach((name, i) => {
    rows.set(name, quad(RAX + 8 * i));
  });
  rows.set('rip', RIP);
  rows.set('rflags', FLAGS);
  SEGMENT_NAMES.forEach((name, i) => {
    const at = SEGMENTS + i * SEGMENT_SIZE;
    rows.set(name, word(at + SEG_SELECTOR, 16, 'none'));
    rows.set(`${name}.base`, quad(at + SEG_BASE, 'mode', canonical));
    rows.set(`${name}.limit`, word(at + SEG_LIMIT, 32, 'mode'));
    rows.set(`${name}.rights`, word(at + SEG_RIGHTS, 17, 'mode'));
  });
  rows.set('gdtr.base', quad(GDTR_BASE, 'none', canonical));
  rows.set('gdtr.limit', word(GDTR_LIMIT, 16, 'none'));
  rows.set('idtr.base', quad(IDTR_BASE, 'none', canonical));
  rows.set('idtr.limit', word(IDTR_LIMIT, 16, 'none'));
  rows.set('cr0', quad(CR0, 'translation', cr0Rule));
  rows.set('cr2', quad(CR2));
  rows.set('cr3', quad(CR3, 'translation'));
  rows.set('cr4', quad(CR4, 'translation', high32));
  rows.set('cr8', quad(CR8, 'none', cr8Rule));
  rows.set('xcr0', quad(XCR0));
  for (let i = 0; i < 4; i++) rows.set(`dr${i}`, quad(DR0 + 8 * i, 'mode'));
  rows.set('dr6', quad(DR6, 'none', high32));
  rows.set('dr7', quad(DR7, 'mode', high32));
  rows.set('efer', quad(EFER, 'translation', high32));
  return rows;
}

const REGISTERS: ReadonlyMap<string, Register> = table();

/** Where the processor's state holds a register that can be watched for changes: address 0 is RFLAGS, which is not in one place. */
export function registerCell(name: string): { readonly address: number; readonly size: 4 | 8 } | undefined {
  if (name === 'rflags') return { address: 0, size: 8 };
  const address = CELLS.get(name);
  if (address !== undefined) return { address, size: 8 };
  const float = floatRegister(name);
  if (float?.cell !== undefined) return { address: float.cell, size: float.bits === 64 ? 8 : 4 };
  const word = WORD_CELLS.get(name);
  return word === undefined ? undefined : { address: word, size: 4 };
}

const CELLS: ReadonlyMap<string, number> = new Map([
  ...GENERAL.map((name, i): [string, number] => [name, RAX + 8 * i]),
  ...SEGMENT_NAMES.map((name, i): [string, number] => [`${name}.base`, SEGMENTS + i * SEGMENT_SIZE + SEG_BASE]),
  ['gdtr.base', GDTR_BASE],
  ['idtr.base', IDTR_BASE],
  ['cr0', CR0],
  ['cr2', CR2],
  ['cr3', CR3],
  ['cr4', CR4],
  ['cr8', CR8],
  ['xcr0', XCR0],
  ...[0, 1, 2, 3].map((i): [string, number] => [`dr${i}`, DR0 + 8 * i]),
  ['dr6', DR6],
  ['dr7', DR7],
  ['efer', EFER],
]);

const WORD_CELLS: ReadonlyMap<string, number> = new Map([
  ...SEGMENT_NAMES.flatMap((name, i): [string, number][] => {
    const at = SEGMENTS + i * SEGMENT_SIZE;
    return [
      [name, at + SEG_SELECTOR],
      [`${name}.limit`, at + SEG_LIMIT],
      [`${name}.rights`, at + SEG_RIGHTS],
    ];
  }),
  ['gdtr.limit', GDTR_LIMIT],
  ['idtr.limit', IDTR_LIMIT],
]);

/** Names of the registers that are not MSRs, in the order of views. */
export const REGISTER_NAMES: readonly string[] = [...REGISTERS.keys()];

export function readRegister(hardware: Hardware, name: string): bigint | undefined {
  const register = REGISTERS.get(name);
  if (register !== undefined) return register.read(hardware.core);
  const float = floatRegister(name);
  if (float !== undefined) return float.read(hardware.core);
  const index = MSR_INDICES.get(name);
  return index === undefined ? undefined : readMsr(hardware, index);
}

/** Writes a register as a debugger does; answers an error in words, or undefined. */
export function writeRegister(hardware: Hardware, name: string, value: bigint): string | undefined {
  const float = floatRegister(name);
  if (float !== undefined) return writeFloatRegister(hardware.core, name, float, value);
  if (value < 0n || value >> 64n !== 0n) return 'The value must fit 64 bits.';
  const register = REGISTERS.get(name);
  if (register !== undefined) return register.write(hardware.core, value);
  const index = MSR_INDICES.get(name);
  if (index === undefined) return `There is no register named ${name}.`;
  if (writeMsr(hardware, index, value) === MSR_FAULT) return `WRMSR of this value to ${name} would raise #GP.`;
  apply(hardware.core, 'translation');
  return undefined;
}

/** 16, 32 or 64 by the code segment and mode that run. */
export function codeBitsNow(core: Core): 16 | 32 | 64 {
  const mode = readWord(core, CODE_MODE);
  return mode === 2 ? 64 : mode === 1 ? 32 : 16;
}

/** Linear address of the next instruction. */
export function linearRip(core: Core): bigint {
  const rip = BigInt.asUintN(64, core.exports.getRip());
  if (codeBitsNow(core) === 64) return rip;
  return (rip + readQuad(core, SEGMENTS + CS * SEGMENT_SIZE + SEG_BASE)) & 0xffffffffn;
}
