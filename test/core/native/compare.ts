// Where two outcomes of a sequence differ, and the smallest part of a failing sequence that still fails, for people.

import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import type { Item, Sequence } from './generator.ts';
import type { Outcome } from './native.ts';
import { CODE, CODE_BLOCK, DATA, DATA_WRITABLE, DF, STACK, STATUS } from './space.ts';

const NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
];

const LINUX_SPACE = 0x7ffffffff000n;

function faultingItem(sequence: Sequence, outcome: Outcome): Item | undefined {
  const offset = outcome.rip - sequence.address;
  return sequence.items.find(({ offset: start, length }) => offset >= start && offset < start + length);
}

/** Flags to compare: on a fault the item that raised it may have left undefined ones. */
function flagMask(sequence: Sequence, outcome: Outcome): number {
  const all = STATUS | DF;
  if (outcome.fault === undefined) return all;
  const item = faultingItem(sequence, outcome);
  if (item?.flagsLostByFault) return DF;
  return all & ~(item?.undefinedFlags ?? 0);
}

/** What differs, in words; empty when the outcomes agree. */
export function differences(sequence: Sequence, expected: Outcome, actual: Outcome): string[] {
  const found: string[] = [];
  const differ = (what: string, a: unknown, b: unknown) => {
    if (a !== b) found.push(`${what}: processor ${show(a)}, core ${show(b)}`);
  };
  differ('fault', expected.fault, actual.fault);
  if (expected.fault !== undefined) {
    differ('rip', expected.rip, actual.rip);
    if (actual.fault === expected.fault) {
      // Linux reports every fault at its own addresses as one of a present page.
      const hidden = expected.address >= LINUX_SPACE ? 1 : 0;
      differ('error code', expected.error | hidden, actual.error | hidden);
      differ('cr2', expected.address, actual.address);
    }
  }
  const long = sequence.mode === 64;
  NAMES.slice(0, long ? 16 : 8).forEach((name, i) => {
    const mask = long ? 0xffffffffffffffffn : 0xffffffffn;
    differ(name, expected.registers[i]! & mask, actual.registers[i]! & mask);
  });
  const flags = flagMask(sequence, expected);
  differ('flags', expected.flags & flags, actual.flags & flags);
  if (expected.state && actual.state) {
    const tags = expected.fault === undefined || !faultingItem(sequence, expected)?.tagsLostByFault;
    found.push(...stateDifferences(expected.state, actual.state, tags));
  }
  if (expected.memory && actual.memory) found.push(...memoryDifferences(expected.memory, actual.memory));
  else differ('digest of memory', expected.digest, actual.digest);
  return found;
}

function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return `${value.toString(16)}h`;
  return String(value);
}

/** Parts of an FXSAVE image: what of the instruction and data pointers is left is the vendor's. */
const STATE_PARTS: readonly (readonly [string, number, number])[] = [
  ['FCW', 0, 2],
  ['FSW', 2, 2],
  ['FTW', 4, 1],
  ['MXCSR', 24, 4],
  ...Array.from({ length: 8 }, (_, i) => [`ST${i}`, 32 + 16 * i, 10] as const),
  ...Array.from({ length: 16 }, (_, i) => [`XMM${i}`, 160 + 16 * i, 16] as const),
];

function stateDifferences(expected: Uint8Array, actual: Uint8Array, tags: boolean): string[] {
  const text = (image: Uint8Array, at: number, bytes: number) =>
    [...image.subarray(at, at + bytes)]
      .reverse()
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
  return STATE_PARTS.flatMap(([name, at, bytes]) => {
    if (!tags && /^(FSW|FTW|ST)/.test(name)) return [];
    const a = text(expected, at, bytes);
    const b = text(actual, at, bytes);
    return a === b ? [] : [`${name}: processor ${a}h, core ${b}h`];
  });
}

function memoryDifferences(expected: Uint8Array, actual: Uint8Array): string[] {
  const found: string[] = [];
  for (let i = 0; i < expected.length && found.length < 8; i++) {
    if (expected[i] === actual[i]) continue;
    const address = i < DATA_WRITABLE ? DATA + i : STACK + i - DATA_WRITABLE;
    found.push(`byte at ${show(address)}: processor ${show(expected[i])}, core ${show(actual[i])}`);
  }
  return found;
}

const NOP = 0x90;

/** The sequence with the items of `keep` alone; the others become NOPs, so that no address moves. */
export function withItems(sequence: Sequence, keep: readonly boolean[]): Sequence {
  const bytes = [...sequence.bytes];
  sequence.items.forEach(({ offset, length }, i) => {
    if (!keep[i]) bytes.fill(NOP, offset, offset + length);
  });
  return { ...sequence, bytes };
}

/** Removes items for as long as the rest still fails. */
export function minimise(sequence: Sequence, fails: (candidate: Sequence) => boolean): Sequence {
  const keep = sequence.items.map(() => true);
  for (let i = keep.length - 1; i >= 0; i--) {
    keep[i] = false;
    if (!fails(withItems(sequence, keep))) keep[i] = true;
  }
  return withItems(sequence, keep);
}

/** A sequence as text: start state and disassembly, NOPs of removed items left out. */
export function describeSequence(sequence: Sequence): string {
  const { mode, bytes } = sequence;
  const decoder = new Decoder(mode, new Uint8Array(bytes), DecoderOptions.None);
  const offset = mode === 16 ? (sequence.address - CODE) % CODE_BLOCK : sequence.address;
  decoder.ip = BigInt(offset);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const lines: string[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    const start = Number(instruction.ip) - offset;
    const raw = bytes.slice(start, start + instruction.length);
    if (!(raw.length === 1 && raw[0] === NOP)) {
      const hex = raw.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
      lines.push(`  ${(sequence.address + start).toString(16)}  ${hex.padEnd(36)}  ${formatter.format(instruction)}`);
    }
    instruction.free();
  }
  formatter.free();
  decoder.free();
  const registers = NAMES.slice(0, mode === 64 ? 16 : 8).map(
    (name, i) => `${name}=${sequence.registers[i]!.toString(16)}`,
  );
  return `${mode}-bit code, GS profile ${sequence.gsProfile}, flags ${show(sequence.flags)}\n  ${registers.join(' ')}\n${lines.join('\n')}`;
}
