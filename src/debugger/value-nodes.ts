// What the rows of the variables view are made of: VMCS fields, exit information, interrupt controllers, capability MSRs, and their bits.

import type { Machine } from '../machine/types.ts';
import { type BitLayout, fieldMask, fieldValue } from '../spec/bits.ts';
import { CONTROL_WORDS, type ControlWord, controlLayout } from '../spec/controls.ts';
import { qualificationLayout } from '../spec/exit-qualifications.ts';
import { MSR_LIST } from '../spec/msrs.ts';
import { VMCS_FIELD_LIST, type VmcsArea } from '../spec/vmcs-fields.ts';
import { qualificationText } from './explain.ts';
import { bitIdentifier } from './expressions/names.ts';
import { exitReasonTitle, layoutOfField, layoutOfRegister } from './facts.ts';
import { hex } from './format.ts';
import type { InterruptRow } from './interrupt-rows.ts';

/** A value that can be read, decoded and perhaps written. */
export interface Node {
  readonly name: string;
  readonly type: string;
  readonly evaluateName: string | undefined;
  readonly bits: number;
  readonly read: () => bigint | undefined;
  /** Answers an error in words, or undefined when it was written; absent: read-only. */
  readonly write?: (value: bigint) => string | undefined;
  readonly layout?: BitLayout | undefined;
  /** Children that are not bits of the value. */
  readonly parts?: () => readonly Node[];
  /** How many parts there are, where counting them is cheaper than making them. */
  readonly partCount?: number;
  /** Words after the number. */
  readonly words?: (value: bigint) => string;
  /** The whole text instead of a number. */
  readonly text?: () => string;
  readonly addressSpace?: 'gva' | 'hva' | 'gpa' | 'hpa';
  readonly decimal?: boolean;
}

export function fieldNodes(machine: Machine, area: VmcsArea): Node[] {
  return VMCS_FIELD_LIST.filter((field) => field.area === area && machine.readVmcs(field.encoding) !== undefined).map(
    (field): Node => {
      const space =
        field.display === 'linear'
          ? area === 'host'
            ? 'hva'
            : 'gva'
          : field.display === 'guest-physical'
            ? 'gpa'
            : field.display === 'host-physical'
              ? 'hpa'
              : undefined;
      return {
        name: field.identifier,
        type: `${field.name}, VMCS field ${hex(field.encoding, 4)}. ${field.meaning}`,
        evaluateName: field.identifier,
        bits: field.width === 'natural' ? 64 : field.width,
        read: () => machine.readVmcs(field.encoding),
        ...(area === 'read-only' ? {} : { write: (value: bigint) => machine.writeVmcs(field.encoding, value) }),
        layout: layoutOfField(field.identifier),
        decimal: field.display === 'decimal',
        ...(space === undefined ? {} : { addressSpace: space }),
      };
    },
  );
}

export function exitNodes(machine: Machine): Node[] {
  const exit = machine.lastExit();
  const fields = fieldNodes(machine, 'read-only').map((node): Node => {
    if (exit === undefined || machine.currentVmcs() !== exit.vmcs) return node;
    if (node.name === 'EXIT_REASON') return { ...node, words: (value) => exitReasonTitle(Number(value & 0xffffn)) };
    if (node.name !== 'EXIT_QUALIFICATION') return node;
    const layout = qualificationLayout(exit.reason & 0xffff, exit.interruptionInfo);
    return { ...node, layout: layout.length === 0 ? undefined : layout, words: () => qualificationText(exit) };
  });
  if (exit === undefined) return fields;
  const count: Node = {
    name: 'exit number',
    type: 'How many VM exits there were, this one included',
    evaluateName: 'exit.number',
    bits: 64,
    read: () => BigInt(exit.number),
    decimal: true,
  };
  const order = ['EXIT_REASON', 'EXIT_QUALIFICATION'];
  const rank = (node: Node): number => (order.includes(node.name) ? order.indexOf(node.name) : order.length);
  return [count, ...fields.sort((a, b) => rank(a) - rank(b))];
}

export const interruptNodes = (rows: readonly InterruptRow[]): Node[] =>
  rows.map(
    ({ name, meaning, bits, value, layout, text }): Node => ({
      name,
      type: meaning,
      evaluateName: undefined,
      bits,
      read: () => value,
      layout,
      ...(text === undefined ? {} : { text: () => text }),
    }),
  );

export function capabilityNodes(machine: Machine): Node[] {
  return MSR_LIST.filter((row) => row.name.startsWith('IA32_VMX_') || row.name === 'IA32_FEATURE_CONTROL')
    .filter((row) => machine.readRegister(row.name.toLowerCase()) !== undefined)
    .map((row): Node => {
      const word = (Object.keys(CONTROL_WORDS) as ControlWord[]).find((candidate) => {
        const { capability } = CONTROL_WORDS[candidate];
        return capability.msr === row.index || capability.true === row.index;
      });
      const base: Node = {
        name: row.name,
        type: `MSR ${hex(row.index)}. ${row.meaning}`,
        evaluateName: row.name,
        bits: 64,
        read: () => machine.readRegister(row.name.toLowerCase()),
        layout: layoutOfRegister(row.name),
      };
      return word === undefined
        ? base
        : { ...base, layout: undefined, partCount: layoutOfWord(word).length, parts: () => allowedNodes(base, word) };
    });
}

const wordLayouts = new Map<ControlWord, BitLayout>();

function layoutOfWord(word: ControlWord): BitLayout {
  const layout = wordLayouts.get(word) ?? controlLayout(word);
  wordLayouts.set(word, layout);
  return layout;
}

/** The settings that a control capability MSR allows. 64-bit words (tertiary, secondary exit, VM functions) list allowed 1-settings only. */
function allowedNodes(msr: Node, word: ControlWord): Node[] {
  const wide = CONTROL_WORDS[word].width === 64;
  return layoutOfWord(word).map((field): Node => {
    const mask = fieldMask(field);
    const setting = (): string => {
      const value = msr.read() ?? 0n;
      const mayBe1 = ((wide ? value : value >> 32n) & mask) !== 0n;
      const mayBe0 = wide || (value & mask) === 0n;
      return mayBe1 ? (mayBe0 ? '0 or 1' : 'must be 1') : 'must be 0';
    };
    return { name: field.name, type: field.meaning, evaluateName: undefined, bits: 1, read: () => 0n, text: setting };
  });
}

export function bitNodes(node: Node, layout: BitLayout): Node[] {
  const { write } = node;
  return layout.map((field): Node => {
    const read = (): bigint | undefined => {
      const whole = node.read();
      return whole === undefined ? undefined : fieldValue(field, whole);
    };
    const change = (value: bigint): string | undefined => {
      const limit = 1n << BigInt(field.high - field.low + 1);
      if (value >= limit)
        return `${field.name} has ${field.high - field.low + 1} bits: the largest value is ${hex(limit - 1n)}.`;
      const whole = node.read() ?? 0n;
      return write?.((whole & ~fieldMask(field)) | (value << BigInt(field.low)));
    };
    return {
      name: field.name,
      type: `${field.high === field.low ? `bit ${field.low}` : `bits ${field.high}:${field.low}`}. ${field.meaning}`,
      evaluateName: node.evaluateName === undefined ? undefined : `${node.evaluateName}.${bitIdentifier(field.name)}`,
      bits: field.high - field.low + 1,
      decimal: field.high === field.low,
      read,
      ...(write === undefined ? {} : { write: change }),
      words: (value) => (field.valuesIn?.(node.read() ?? 0n) ?? field.values)?.[Number(value)] ?? '',
    };
  });
}
