// The registers of a side, as rows of the variables view.

import type { Machine, Side } from '../machine/types.ts';
import { GENERAL_REGISTERS, readSideRegister, registerBits, writeSideRegister } from './expressions/registers.ts';
import { layoutOfRegister } from './facts.ts';
import { extendedText, vectorText } from './float-text.ts';
import { hex } from './format.ts';
import type { Node } from './value-nodes.ts';

const sidePrefix = (side: Side): string => (side === 'root' ? 'host' : 'guest');

function registerNode(machine: Machine, side: Side, register: string, name = register): Node {
  const pointer = register === 'rip' || register === 'rsp' || register === 'rbp' || register.endsWith('.base');
  return {
    name,
    type: `${register.toUpperCase()} of the ${side === 'root' ? 'host (VMX root operation)' : 'guest (VMX non-root operation)'}`,
    evaluateName: side === machine.side() ? register : `${sidePrefix(side)}.${register}`,
    bits: registerBits(register),
    read: () => readSideRegister(machine, side, register),
    write: (value) => writeSideRegister(machine, side, register, value),
    layout: register.includes('.limit') ? undefined : layoutOfRegister(register),
    ...(pointer ? { addressSpace: side === 'root' ? ('hva' as const) : ('gva' as const) } : {}),
  };
}

export function generalNodes(machine: Machine, side: Side): Node[] {
  return [...GENERAL_REGISTERS, 'rip', 'rflags'].map((register) => registerNode(machine, side, register));
}

const X87_WORDS = ['fcw', 'fsw', 'ftw', 'fop', 'fip', 'fcs', 'fdp', 'fds'] as const;

/** The x87 and SSE registers, which both sides share: those wider than 64 bits in words, with their parts below. */
export function floatNodes(machine: Machine, side: Side): Node[] {
  const wide = (name: string, parts: readonly string[], words: (value: bigint) => string): Node => ({
    ...registerNode(machine, side, name),
    words,
    parts: () => parts.map((part) => registerNode(machine, side, `${name}.${part}`, part)),
  });
  const stack = Array.from({ length: 8 }, (_, i) => {
    const words = (value: bigint): string =>
      isEmptyX87(machine, i) ? `empty, ${extendedText(value)}` : extendedText(value);
    return wide(`st${i}`, ['significand', 'exponent'], words);
  });
  const vectors = Array.from({ length: 16 }, (_, i) => wide(`xmm${i}`, ['low', 'high'], vectorText));
  const words = X87_WORDS.map((name) => registerNode(machine, side, name));
  return [...stack, ...words, registerNode(machine, side, 'mxcsr'), ...vectors];
}

function isEmptyX87(machine: Machine, i: number): boolean {
  const top = ((machine.readRegister('fsw') ?? 0n) >> 11n) & 7n;
  const tags = machine.readRegister('ftw') ?? 0n;
  return ((tags >> (2n * ((top + BigInt(i)) & 7n))) & 3n) === 3n;
}

const SEGMENTS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'ldtr', 'tr'] as const;
const SYSTEM_REGISTERS = [
  'cr0',
  'cr2',
  'cr3',
  'cr4',
  'cr8',
  'xcr0',
  'efer',
  'dr0',
  'dr1',
  'dr2',
  'dr3',
  'dr6',
  'dr7',
] as const; // prettier-ignore

export function systemNodes(machine: Machine, side: Side): Node[] {
  const has = (register: string): boolean => readSideRegister(machine, side, register) !== undefined;
  const segments = SEGMENTS.map((segment): Node => {
    const parts = ['selector', 'base', 'limit', 'rights'] as const;
    const nodes = (): Node[] =>
      parts
        .map((part) => registerNode(machine, side, part === 'selector' ? segment : `${segment}.${part}`, part))
        .filter((node) => node.read() !== undefined);
    const text = (): string =>
      nodes()
        .map((node) => (node.name === 'selector' ? hex(node.read() ?? 0n) : `${node.name} ${hex(node.read() ?? 0n)}`))
        .join(', ');
    return { ...registerNode(machine, side, segment), layout: undefined, parts: nodes, text };
  });
  const tables = (['gdtr', 'idtr'] as const).map((table): Node => {
    const nodes = (): Node[] =>
      [
        registerNode(machine, side, `${table}.base`, 'base'),
        registerNode(machine, side, `${table}.limit`, 'limit'),
      ].filter((node) => node.read() !== undefined);
    return {
      name: table,
      type: `${table.toUpperCase()}: linear base and limit`,
      evaluateName: undefined,
      bits: 64,
      read: () => readSideRegister(machine, side, `${table}.base`),
      parts: nodes,
      text: () =>
        nodes()
          .map((node) => `${node.name} ${hex(node.read() ?? 0n)}`)
          .join(', '),
    };
  });
  const registers = SYSTEM_REGISTERS.filter(has).map((register) => registerNode(machine, side, register));
  return [
    ...segments.filter((node) => node.read() !== undefined),
    ...tables.filter((node) => node.read() !== undefined),
    ...registers,
  ];
}
