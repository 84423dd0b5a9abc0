// The scopes of a frame and everything below them, by path. A path is stable for the whole session, so that a front end's
// trees keep their state; its text is an implementation detail.

import type { Machine, Side } from '../machine/types.ts';
import { type Image, symbolAt } from '../program/image.ts';
import { type BitLayout, describeBits, fieldMask, fieldValue } from '../spec/bits.ts';
import { CONTROL_WORDS, type ControlWord, controlLayout } from '../spec/controls.ts';
import { qualificationLayout } from '../spec/exit-qualifications.ts';
import { MSR_LIST } from '../spec/msrs.ts';
import { VMCS_FIELD_LIST, type VmcsArea, vmcsFieldByName } from '../spec/vmcs-fields.ts';
import { qualificationText } from './explain.ts';
import { bitIdentifier } from './expressions/names.ts';
import { GENERAL_REGISTERS, readSideRegister, registerBits, writeSideRegister } from './expressions/registers.ts';
import { exitReasonTitle, layoutOfField, layoutOfRegister } from './facts.ts';
import { extendedText, vectorText } from './float-text.ts';
import { formatNumber, hex, type NumberFormat, symbolText } from './format.ts';
import type { Context } from './expressions/names.ts';
import { type InterruptRow, localApicRows, virtualApicRows } from './interrupt-rows.ts';
import { formatReference, spaceOf } from './memory.ts';
import {
  encode,
  expressionRow,
  frameKey,
  frameOfPath,
  isTypedPath,
  type RowRange,
  type RowSubject,
  type TypedRow,
  typedRows,
  writeTyped,
} from './source/rows.ts';
import type { Value } from './expressions/values.ts';
import { typedPlace } from './source/operations.ts';
import { variablesOfFrame } from './source/scope.ts';
import type { CodeFrame, Frame } from './stack.ts';

export interface ScopeRow {
  readonly name: string;
  readonly path: string;
  readonly hint: 'registers' | 'locals' | 'arguments' | undefined;
}

/** One row of a variables view. */
export interface VariableRow {
  readonly name: string;
  readonly value: string;
  /** For a hover: what it is. */
  readonly type: string;
  /** Where its children are; undefined for a leaf. */
  readonly path: string | undefined;
  readonly childCount: number;
  /** Children that are elements of an array: these can be asked for in parts. */
  readonly indexedCount?: number;
  /** Reads it back in an expression. */
  readonly evaluateName: string | undefined;
  readonly reference: string | undefined;
  readonly writable: boolean;
}

/** A value that can be read, decoded and perhaps written. */
interface Node {
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

/** What variables are read from. */
export interface Subject {
  readonly machine: Machine;
  readonly image: Image;
  /** The stack as the view has it, and what expressions are evaluated against: for variables of the program. */
  readonly frames?: ReadonlyMap<number, Frame>;
  /** Whose frames they are, by the same numbers. */
  readonly frameProcessors?: ReadonlyMap<number, number> | undefined;
  readonly session?: { context(side?: Side, frame?: CodeFrame): Context };
}

const SIDES: Readonly<Record<string, Side>> = { root: 'root', guest: 'non-root' };
const sideKey = (side: Side): string => (side === 'root' ? 'root' : 'guest');
const sidePrefix = (side: Side): string => (side === 'root' ? 'host' : 'guest');

/** The scopes of a frame: its variables where the program describes them, its side's registers, then what both sides share. */
export function scopesOf(subject: Subject, frame: CodeFrame): ScopeRow[] {
  const { machine } = subject;
  const { side } = frame;
  const scopes: ScopeRow[] = [
    ...sourceScopes(subject, frame),
    { name: 'General registers', path: `general/${sideKey(side)}`, hint: 'registers' },
    { name: 'Segments and control registers', path: `system/${sideKey(side)}`, hint: 'registers' },
    { name: 'x87 and SSE', path: `float/${sideKey(side)}`, hint: 'registers' },
  ];
  if (machine.currentVmcs() !== undefined) {
    scopes.push(
      { name: 'Guest-state area', path: 'vmcs/guest', hint: undefined },
      { name: 'Host-state area', path: 'vmcs/host', hint: undefined },
      { name: 'Control fields', path: 'vmcs/control', hint: undefined },
      { name: 'Exit information', path: 'exit', hint: undefined },
    );
  }
  if (virtualApicRows(machine) !== undefined) {
    scopes.push({ name: 'Virtual APIC', path: 'virtual-apic', hint: undefined });
  }
  scopes.push(
    { name: 'Local APIC', path: 'local-apic', hint: undefined },
    { name: 'VMX capability MSRs', path: 'capabilities', hint: undefined },
  );
  return scopes;
}

/** Scopes of a frame's variables; empty ones are left out. */
function sourceScopes(subject: Subject, frame: CodeFrame): ScopeRow[] {
  if (frame.function === undefined) return [];
  const key = frameKey(framesOfProcessor(subject), frame);
  const scopes = [
    { name: 'Locals', path: `locals/${key}`, kind: 'local', hint: 'locals' },
    { name: 'Arguments', path: `arguments/${key}`, kind: 'parameter', hint: 'arguments' },
    { name: 'Globals', path: `globals/${key}`, kind: 'global', hint: undefined },
  ] as const;
  return scopes
    .filter(({ kind }) => variablesOfFrame(frame, kind).length > 0)
    .map(({ name, path, hint }) => ({ name, path, hint }));
}

/** What typed rows are read from; undefined without a stack. */
export function rowSubject(subject: Subject, format: NumberFormat | undefined): RowSubject | undefined {
  const { machine, image, frames, session } = subject;
  if (frames === undefined || session === undefined) return undefined;
  const context = (frame: CodeFrame): Context => session.context(frame.side, frame);
  return { machine, image, frames: framesOfProcessor(subject), context, format };
}

/** The stack of the selected processor: of others' stacks nothing is counted, whether they are known by now or not. */
function framesOfProcessor({ machine, frames, frameProcessors }: Subject): readonly Frame[] {
  const processor = machine.processor();
  return [...(frames ?? [])].flatMap(([id, frame]) =>
    (frameProcessors?.get(id) ?? processor) === processor ? [frame] : [],
  );
}

/** What the values of a path's variables are written in; undefined for registers. */
export function contextOfPath(subject: Subject, path: string): Context | undefined {
  const typed = isTypedPath(path) ? rowSubject(subject, undefined) : undefined;
  const frame = typed === undefined ? undefined : frameOfPath(typed.frames, path);
  return frame === undefined ? undefined : typed?.context(frame);
}

/** The object that an expression gave in a frame, as a row with what is below it; undefined for plain numbers. */
export function objectOf(
  subject: Subject,
  frame: CodeFrame,
  expression: string,
  value: Value,
): VariableRow | undefined {
  const place = value.typed === undefined ? undefined : typedPlace(value);
  const typed = place === undefined ? undefined : rowSubject(subject, undefined);
  if (typed === undefined || place === undefined) return undefined;
  const path = `expression/${frameKey(typed.frames, frame)}/${encode(expression)}`;
  return typedVariable(expressionRow(typed, expression, place), path);
}

export function typedVariable(row: TypedRow, path: string): VariableRow {
  const { name, value, type, evaluateName, reference, writable, named, indexed } = row;
  return {
    name,
    value,
    type,
    path: named + indexed > 0 ? path : undefined,
    childCount: named,
    indexedCount: indexed,
    evaluateName,
    reference,
    writable,
  };
}

/** The rows below a path, or a range of them; undefined when there is no such path (any more). */
export function childrenOf(
  subject: Subject,
  path: string,
  format: NumberFormat = 'hex',
  range?: RowRange,
): VariableRow[] | undefined {
  if (isTypedPath(path)) {
    const typed = rowSubject(subject, format === 'hex' ? undefined : format);
    const rows = typed === undefined ? undefined : typedRows(typed, path, range);
    return rows?.map((row) => typedVariable(row, `${path}/${encode(row.name)}`));
  }
  const all = registerRows(subject, path, format);
  if (all === undefined || range === undefined) return all;
  return all.slice(range.start, range.count > 0 ? range.start + range.count : undefined);
}

function registerRows(subject: Subject, path: string, format: NumberFormat): VariableRow[] | undefined {
  return nodesOf(subject, path)?.map((node) => rowOf(subject, node, `${path}/${node.name}`, format));
}

export type WriteResult = { readonly row: VariableRow } | { readonly error: string };

/** Writes a child of a path. */
export function writeChild(
  subject: Subject,
  path: string,
  name: string,
  value: bigint,
  format: NumberFormat = 'hex',
): WriteResult {
  if (isTypedPath(path)) {
    const typed = rowSubject(subject, format === 'hex' ? undefined : format);
    const written =
      typed === undefined ? { error: `There is no "${name}" here.` } : writeTyped(typed, path, name, value);
    return 'error' in written ? written : { row: typedVariable(written.row, `${path}/${encode(name)}`) };
  }
  const node = nodesOf(subject, path)?.find((candidate) => candidate.name === name);
  if (node === undefined) return { error: `There is no "${name}" here.` };
  if (node.write === undefined) return { error: `${name} cannot be changed.` };
  const refused = node.write(value);
  if (refused !== undefined) return { error: refused };
  return { row: rowOf(subject, node, `${path}/${name}`, format) };
}

function rowOf(subject: Subject, node: Node, path: string, format: NumberFormat): VariableRow {
  const value = node.read();
  const children = value === undefined ? 0 : (node.partCount ?? node.parts?.().length ?? node.layout?.length ?? 0);
  return {
    name: node.name,
    value: value === undefined ? 'not held' : (node.text?.() ?? numberText(subject, node, value, format)),
    type: node.type,
    path: children > 0 ? path : undefined,
    childCount: children,
    evaluateName: node.evaluateName,
    reference:
      node.addressSpace !== undefined && value !== undefined
        ? formatReference({ space: spaceOf(node.addressSpace, 'root'), address: value })
        : undefined,
    writable: node.write !== undefined && value !== undefined,
  };
}

function numberText(subject: Subject, node: Node, value: bigint, format: NumberFormat): string {
  const number = formatNumber(value, node.decimal && format === 'hex' ? 'decimal' : format, node.bits);
  const words =
    node.words?.(value) ??
    (node.layout === undefined ? symbolWords(subject, node, value) : describeBits(node.layout, value).summary);
  return words === '' || words === 'none' ? number : `${number} (${words})`;
}

function symbolWords(subject: Subject, node: Node, value: bigint): string {
  if (node.addressSpace !== 'gva' && node.addressSpace !== 'hva') return '';
  const symbol = symbolAt(subject.image, value);
  return symbol === undefined ? '' : symbolText(symbol);
}

/** Nodes below a path. A path below a node leads to its parts or bits. */
function nodesOf(subject: Subject, path: string): readonly Node[] | undefined {
  const top = topLevel(subject, path);
  if (top !== undefined) return top;
  const cut = path.lastIndexOf('/');
  if (cut < 0) return undefined;
  const node = nodesOf(subject, path.slice(0, cut))?.find((candidate) => candidate.name === path.slice(cut + 1));
  if (node === undefined) return undefined;
  return node.parts?.() ?? (node.layout === undefined ? undefined : bitNodes(node, node.layout));
}

function topLevel(subject: Subject, path: string): readonly Node[] | undefined {
  const [scope, which, more] = path.split('/');
  if (more !== undefined) return undefined;
  switch (scope) {
    case 'general':
    case 'system': {
      const side = SIDES[which ?? ''];
      if (side === undefined) return undefined;
      return scope === 'general' ? generalNodes(subject.machine, side) : systemNodes(subject.machine, side);
    }
    case 'float': {
      const side = SIDES[which ?? ''];
      return side === undefined ? undefined : floatNodes(subject.machine, side);
    }
    case 'vmcs':
      return which === 'guest' || which === 'host' || which === 'control'
        ? fieldNodes(subject.machine, which)
        : undefined;
    case 'exit':
      return which === undefined ? exitNodes(subject.machine) : undefined;
    case 'local-apic':
      return which === undefined ? interruptNodes(localApicRows(subject.machine)) : undefined;
    case 'virtual-apic': {
      const rows = which === undefined ? virtualApicRows(subject.machine) : undefined;
      return rows === undefined ? undefined : interruptNodes(rows);
    }
    case 'capabilities':
      return which === undefined ? capabilityNodes(subject.machine) : undefined;
    default:
      return undefined;
  }
}

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

function generalNodes(machine: Machine, side: Side): Node[] {
  return [...GENERAL_REGISTERS, 'rip', 'rflags'].map((register) => registerNode(machine, side, register));
}

const X87_WORDS = ['fcw', 'fsw', 'ftw', 'fop', 'fip', 'fcs', 'fdp', 'fds'] as const;

/** The x87 and SSE registers, which both sides share: those wider than 64 bits in words, with their parts below. */
function floatNodes(machine: Machine, side: Side): Node[] {
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

function systemNodes(machine: Machine, side: Side): Node[] {
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

function fieldNodes(machine: Machine, area: VmcsArea): Node[] {
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

function exitNodes(machine: Machine): Node[] {
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

const interruptNodes = (rows: readonly InterruptRow[]): Node[] =>
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

function capabilityNodes(machine: Machine): Node[] {
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

function bitNodes(node: Node, layout: BitLayout): Node[] {
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

/** Path of what a plain name in an expression means, when it has children. */
export function pathOfName(subject: Subject, name: string, side: Side): string | undefined {
  const { machine } = subject;
  const prefix = /^(guest|host)\./i.exec(name)?.[1]?.toLowerCase();
  const owner: Side = prefix === undefined ? side : prefix === 'guest' ? 'non-root' : 'root';
  const rest = (prefix === undefined ? name : name.slice(prefix.length + 1)).toLowerCase();
  const field = prefix === undefined ? vmcsFieldByName(name) : undefined;
  const candidates = [
    `general/${sideKey(owner)}/${rest}`,
    `system/${sideKey(owner)}/${rest}`,
    ...(field === undefined
      ? []
      : [field.area === 'read-only' ? `exit/${field.identifier}` : `vmcs/${field.area}/${field.identifier}`]),
    `capabilities/${name.toUpperCase()}`,
  ];
  return machine.currentVmcs() === undefined && field !== undefined
    ? undefined
    : candidates.find((path) => nodesOf(subject, path) !== undefined);
}
