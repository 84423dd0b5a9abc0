// Named snapshots: what a person keeps of a moment, and how two of them differ.

import { type Plain, packSnapshot, SnapshotFileError, unpackSnapshot } from '../machine/history/file.ts';
import type { SavedMachine } from '../machine/history/saved.ts';
import type { Machine, Side } from '../machine/types.ts';
import { describeBits } from '../spec/bits.ts';
import { VMCS_FIELD_LIST } from '../spec/vmcs-fields.ts';
import { layoutOfField, layoutOfRegister } from './facts.ts';
import { hex, plural } from './format.ts';

/** Registers and the current VMCS of a moment, for people. */
export interface Picture {
  readonly time: number;
  readonly side: Side;
  /** Values in hexadecimal, by name. */
  readonly registers: Readonly<Record<string, string>>;
  readonly vmcs: Readonly<Record<string, string>>;
}

/** Files by path; both reject with an Error whose message says why. */
export interface SnapshotFiles {
  read(path: string): Promise<Uint8Array>;
  write(path: string, bytes: Uint8Array): Promise<void>;
}

export interface NamedSnapshot {
  readonly name: string;
  readonly picture: Picture;
  readonly machine: SavedMachine;
}

export function takeNamedSnapshot(machine: Machine, name: string): NamedSnapshot {
  const registers: Record<string, string> = {};
  for (const register of machine.registerNames()) {
    const value = machine.readRegister(register);
    if (value !== undefined) registers[register] = hex(value);
  }
  const vmcs: Record<string, string> = {};
  for (const { identifier, encoding } of VMCS_FIELD_LIST) {
    const value = machine.readVmcs(encoding);
    if (value !== undefined) vmcs[identifier] = hex(value);
  }
  const pointer = machine.currentVmcs();
  if (pointer !== undefined) vmcs['the current VMCS'] = hex(pointer);
  const picture = { time: machine.time(), side: machine.side(), registers, vmcs };
  return { name, picture, machine: machine.history.save() };
}

/** As bytes for a file. */
export function packNamedSnapshot(snapshot: NamedSnapshot): Promise<Uint8Array> {
  return packSnapshot(snapshot as unknown as Plain);
}

/** Throws a SnapshotFileError when the bytes are no snapshot. */
export async function unpackNamedSnapshot(bytes: Uint8Array): Promise<NamedSnapshot> {
  const value = (await unpackSnapshot(bytes)) as unknown as Partial<NamedSnapshot>;
  if (typeof value.name !== 'string' || value.picture === undefined || value.machine?.pages === undefined)
    throw new SnapshotFileError('The snapshot file lacks a part of its contents.');
  return value as NamedSnapshot;
}

const MOST_RANGES = 64;
const SHOWN_BYTES = 8;
/** Changed bytes this close to each other are one range. */
const JOINED = 4;

/** What differs from `a` to `b`. */
export function diffText(a: NamedSnapshot, b: NamedSnapshot): string {
  const lines = [
    `From "${a.name}" (time ${a.picture.time}) to "${b.name}" (time ${b.picture.time}): ${b.picture.time - a.picture.time} instructions.`,
  ];
  if (a.picture.side !== b.picture.side) lines.push(`Side: VMX ${a.picture.side} -> VMX ${b.picture.side}`);
  lines.push(...section('Registers', values(a.picture.registers, b.picture.registers, layoutOfRegister)));
  lines.push(...section('VMCS fields', values(a.picture.vmcs, b.picture.vmcs, layoutOfField)));
  lines.push(...section('Memory', memory(a.machine.pages, b.machine.pages)));
  return lines.length === 1 ? `${lines[0]}\nNothing differs.` : lines.join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

function values(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
  layoutOf: typeof layoutOfField,
): string[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.flatMap((name) => {
    const [was, is] = [a[name], b[name]];
    if (was === is) return [];
    const layout = layoutOf(name);
    if (layout === undefined || was === undefined || is === undefined)
      return [`${name}: ${was ?? 'none'} -> ${is ?? 'none'}`];
    const old = describeBits(layout, BigInt(was)).fields;
    const changed = describeBits(layout, BigInt(is))
      .fields.filter((field, i) => field.value !== old[i]?.value)
      .map(
        (field) => `${field.name} ${old.find(({ name: same }) => same === field.name)?.text ?? '?'} -> ${field.text}`,
      );
    return [`${name}: ${was} -> ${is}${changed.length === 0 ? '' : ` (${changed.join(', ')})`}`];
  });
}

function memory(a: ReadonlyMap<number, Uint8Array>, b: ReadonlyMap<number, Uint8Array>): string[] {
  const zero = new Uint8Array(4096);
  const ranges: { at: number; was: Uint8Array; is: Uint8Array }[] = [];
  let pages = 0;
  for (const page of [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y)) {
    const was = a.get(page) ?? zero;
    const is = b.get(page) ?? zero;
    const before = ranges.length;
    for (let i = 0; i < 4096; i++) {
      if (was[i] === is[i]) continue;
      let end = i + 1;
      for (let j = end; j < Math.min(4096, end + JOINED); j++) if (was[j] !== is[j]) end = j + 1;
      ranges.push({ at: page * 4096 + i, was: was.subarray(i, end), is: is.subarray(i, end) });
      i = end - 1;
    }
    if (ranges.length > before) pages++;
  }
  if (ranges.length === 0) return [];
  const bytes = (part: Uint8Array): string =>
    Array.from(part.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(' ') +
    (part.length > SHOWN_BYTES ? ' …' : '');
  const shown = ranges
    .slice(0, MOST_RANGES)
    .map(({ at, was, is }) => `hpa:${hex(at)} ${plural(is.length, 'byte')}: ${bytes(was)} -> ${bytes(is)}`);
  const more = ranges.length - shown.length;
  return [
    `${plural(ranges.length, 'range')} on ${plural(pages, 'page')}`,
    ...shown,
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}
